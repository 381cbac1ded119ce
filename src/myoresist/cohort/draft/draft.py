"""From a source to the mapping file that is proposed for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from myoresist.case.reading import packaged_terms
from myoresist.cohort.draft.guess import Found, Guess
from myoresist.cohort.draft.parts import Draft
from myoresist.cohort.draft.profile import Profile, profiles
from myoresist.cohort.draft.tables import every_table
from myoresist.cohort.draft.vocabulary import Vocabulary
from myoresist.cohort.draft.writing import as_text
from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.redcap import GROUP as _GROUP
from myoresist.cohort.redcap import Export, plain_headers
from myoresist.cohort.redcap_project import Project
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import Place

_NOBODY = Profile("", {}, frozenset())


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
            draft.ignored, draft.notes = tables.lost, tuple(tables.notes)
            found = []
            for name, frame in tables.frames.items():
                parts = list(_parts(name, tables.files[name], frame, missing, vocabulary.schema))
                draft.looked_at[name] = sum(x.rows.height for x in parts)
                found += parts
                if any(_GROUP in x.columns for x in parts):
                    draft.keep += (_GROUP,)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error
    found = [x.without((_GROUP,)) for x in found]
    Guess(vocabulary, found, draft).made()
    if "patients" not in draft.tables:
        why = "; ".join(f"{x}: {y}" for x, y in sorted(draft.ignored.items()))
        raise SourceError(
            f"{path}: has no table with one row a patient and a column of ids, such as patient_id; {why}"
        )
    return as_text(draft)


def _parts(
    name: str, file: str, frame: pl.LazyFrame, missing: frozenset[str], schema: Schema
) -> Iterator[Found]:
    """Yield a table, or the rows of the patients and of each repeated instrument in an export of REDCap."""
    held = frame.collect_schema().names()
    frame = frame.rename(plain_headers(held))
    export = Export(frame.collect_schema().names())
    if Project(schema).names(export.columns, export.instruments(frame)):
        raise SourceError(
            f"{file}: is an export of our project for REDCap, and needs no mapping file"
        )
    if not export:
        columns, rows = profiles(frame, missing)
        yield Found(name, file, columns, rows)
        return
    system = {*export.system()} - {_GROUP}
    for instrument in export.instruments(frame):
        columns, rows = profiles(export.of(frame, instrument), missing)
        own = {x: y for x, y in columns.items() if y.values and x not in {*system, _GROUP}}
        yield Found(instrument, instrument, own, rows, repeated=True)
    columns, rows = profiles(export.own(frame).with_columns(export.opened()), missing)
    own = {x: y for x, y in columns.items() if x not in system}
    if not own.get(_GROUP, _NOBODY).values:
        own.pop(_GROUP, None)
    yield Found(name, file, own, rows, export=True)
