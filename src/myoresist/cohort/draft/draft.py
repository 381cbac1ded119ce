"""From a source to the mapping file that is proposed for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from myoresist.case.reading import packaged_terms
from myoresist.cohort.draft.guess import Found, Guess
from myoresist.cohort.draft.parts import Draft
from myoresist.cohort.draft.profile import profiles
from myoresist.cohort.draft.tables import every_table
from myoresist.cohort.draft.vocabulary import Vocabulary
from myoresist.cohort.draft.writing import as_text
from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import Place


def draft_mapping(path: Place) -> str:
    """Return a mapping file for the tables of a registry, to be confirmed.

    Every guess has a comment that says what it was guessed from. What is not sure is left out and asked
    about, so that the file can be used as it is, and says nothing that is not so.

    Args:
        path: a folder of tables, a workbook, a file, a DuckDB or SQLite file, or the address of a database.

    Raises:
        SourceError: if the tables cannot be read, or none has a row a patient.
    """
    terms = packaged_terms()
    vocabulary = Vocabulary.packaged(Schema(terms))
    missing = frozenset(x.lower() for x in vocabulary.headers.missing)
    draft = Draft(path.resolve().name if isinstance(path, Path) else path.name)
    with tempfile.TemporaryDirectory() as work:
        try:
            tables = every_table(path, terms, Path(work))
            draft.ignored = tables.lost
            found = []
            for name, frame in tables.frames.items():
                columns, rows = profiles(frame, missing)
                draft.looked_at[name] = rows.height
                found.append(Found(name, tables.files[name], columns, rows))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error
    Guess(vocabulary, found, draft).made()
    if "patients" not in draft.tables:
        why = "; ".join(f"{x}: {y}" for x, y in sorted(draft.ignored.items()))
        raise SourceError(
            f"{path}: has no table with one row a patient and a column of ids, such as patient_id; {why}"
        )
    return as_text(draft)
