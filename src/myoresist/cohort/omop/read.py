"""Read an OMOP CDM 5.3 or 5.4 as the tables of a registry.

Which concepts mean what stands in ``knowledge/omop/concepts.yaml``, and for concepts of a site's own in its
mapping file. Patients are the persons who carry one of the labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from myoresist.case.cells import Calendar
from myoresist.case.terms import Terms
from myoresist.cohort.folder import SourceError
from myoresist.cohort.omop.cdm import COLUMNS, NUMBER
from myoresist.cohort.omop.concepts import FILE, Concepts, Wanted
from myoresist.cohort.omop.queries import dated, queries
from myoresist.cohort.omop.site import OwnMeasure, Site

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def copy_tables(
    connection: DuckDBPyConnection, terms: Terms, folder: Path, work: Path, site: Site | None,
    persons: int | None = None,
) -> list[str]:  # fmt: skip
    """Write the tables of a registry as Parquet files.

    Args:
        connection: an open CDM; only temporary tables are made in it.
        terms: the terms of a case.
        folder: the knowledge folder.
        work: where the files are written, ``<table>.parquet``.
        site: what concepts of the site's own say.
        persons: how many there are in all, where the database holds only some of them.

    Returns:
        What a reader should know: how many persons carry a label, which concepts the database lacks.

    Raises:
        SourceError: for a version of the model that is not read.
    """
    concepts = Concepts.load(folder)
    for name in COLUMNS:
        _open(connection, name)
    left = _without_doubted(connection, concepts.doubted)
    version = _version(connection)
    _look_up(connection, list(concepts.wanted(terms)))
    _choose(connection, terms.calendar)
    _own(connection, site or Site())
    for table, query in queries(concepts, site or Site(), terms).items():
        target = str(work / f"{table}.parquet").replace("'", "''")
        connection.execute(f"COPY ({query}) TO '{target}'")
    return [*_notes(connection, version, persons), *left]


def _open(connection: DuckDBPyConnection, name: str) -> None:
    """Name a table of the CDM ``cdm_<name>``; what is missing, or was never filled, is empty."""
    there = {
        row[0].lower()
        for row in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE lower(table_name) = ?", [name]
        ).fetchall()
    }
    first = next(x for x in COLUMNS[name] if x != "person_id")
    filled = first in there
    selected = ", ".join(
        f"{_cast(column if filled and column in there else 'NULL', kind)} AS {column}"
        for column, kind in COLUMNS[name].items()
    )
    source = f' FROM "{name}"' if filled else " WHERE false"
    connection.execute(f"CREATE TEMP VIEW cdm_{name} AS SELECT {selected}{source}")


def _without_doubted(connection: DuckDBPyConnection, words: Iterable[str]) -> list[str]:
    """Leave conditions out of which the status says that they are not sure, and say how many they are."""
    pattern = _text("|".join(rf"\b{word}\b" for word in words))
    every, run = "every_condition", connection.execute
    run(f"ALTER VIEW cdm_condition_occurrence RENAME TO {every}")
    run(
        f"""
        CREATE TEMP TABLE doubted_status AS SELECT concept_id FROM cdm_concept
        WHERE concept_id IN (SELECT DISTINCT condition_status_concept_id FROM {every})
        AND regexp_matches(concept_name, {pattern}, 'i');
        CREATE TEMP VIEW cdm_condition_occurrence AS SELECT * FROM {every}
        WHERE coalesce(condition_status_concept_id, 0) NOT IN (SELECT concept_id FROM doubted_status)
        AND NOT regexp_matches(coalesce(condition_status_source_value, ''), {pattern}, 'i')
        """
    )
    (counts,) = run(
        f"SELECT (SELECT count(*) FROM {every}) - (SELECT count(*) FROM cdm_condition_occurrence)"
    ).fetchall()
    if not counts[0]:
        return []
    return [f"condition_occurrence: {counts[0]} whose status says that they are not sure: not used"]


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _version(connection: DuckDBPyConnection) -> str:
    """Return the version that a CDM says it has; nothing where it says none."""
    said = connection.execute("SELECT cdm_version FROM cdm_cdm_source LIMIT 1").fetchall()
    version = str(said[0][0] or "").lower().removeprefix("v") if said else ""
    if version and not version.startswith("5."):
        raise SourceError(f"OMOP CDM {version}: is not read; 5.3 and 5.4 are")
    return version


def _cast(column: str, kind: str) -> str:
    if kind != NUMBER:
        return f"{column}::{kind}"
    # A number has no thousands point, and a fourth figure says so; what is none stays as it is written.
    plain = f"coalesce(TRY_CAST({column} AS DOUBLE)::VARCHAR, {column}::VARCHAR)"
    return f"regexp_replace({plain}, '^(-?[0-9]+[.][0-9]{{3}})$', '\\10')"


def _look_up(connection: DuckDBPyConnection, wanted: list[Wanted]) -> None:
    connection.execute(
        "CREATE TEMP TABLE wanted (kind VARCHAR, place INTEGER, word VARCHAR, method VARCHAR, "
        "from_days INTEGER, to_days INTEGER, now BOOLEAN, vocabulary VARCHAR, code VARCHAR)"
    )
    connection.executemany(
        "INSERT INTO wanted VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [list(one.row()) for one in wanted]
    )
    connection.execute(
        """
        CREATE TEMP TABLE named AS
        SELECT w.*, c.concept_id FROM wanted w JOIN cdm_concept c
        ON c.vocabulary_id = w.vocabulary AND c.concept_code = w.code;
        CREATE TEMP TABLE meant AS
        SELECT kind, place, word, method, from_days, to_days, now, concept_id FROM named
        UNION
        SELECT kind, place, word, method, from_days, to_days, now, a.descendant_concept_id
        FROM named n JOIN cdm_concept_ancestor a ON a.ancestor_concept_id = n.concept_id
        """
    )


def _choose(connection: DuckDBPyConnection, calendar: Calendar) -> None:
    # A day that nobody can have meant, as 1900-01-01, is a label all the same.
    day = dated("o.condition_start_date", calendar)
    connection.execute(
        f"""
        CREATE TEMP TABLE chosen AS
        WITH labelled AS (
            SELECT o.person_id, min({day}) AS first_label, max({day}) AS last_label,
                first(m.word ORDER BY {day} DESC NULLS LAST, m.place) AS label
            FROM cdm_condition_occurrence o JOIN meant m
            ON m.kind = 'label' AND m.concept_id = o.condition_concept_id
            GROUP BY o.person_id
        ), seen AS (
            SELECT person_id, max({dated("observation_period_end_date", calendar)}) AS until
            FROM cdm_observation_period GROUP BY person_id
        )
        SELECT l.*, greatest(s.until, l.last_label) AS until
        FROM labelled l LEFT JOIN seen s USING (person_id)
        """
    )


def _own(connection: DuckDBPyConnection, site: Site) -> None:
    """Note what concepts of the site's own say, as the tables ``own`` and ``own_value``."""
    connection.execute(
        "CREATE TEMP TABLE own (place INTEGER, word VARCHAR, concept_id BIGINT, source VARCHAR, "
        "measure BOOLEAN, valued BOOLEAN);"
        "CREATE TEMP TABLE own_value (place INTEGER, value VARCHAR, answer VARCHAR)"
    )
    for place, one in enumerate(site.all):
        if isinstance(one, OwnMeasure):
            row = [place, one.measure, one.concept, one.source, True, False]
        else:
            valued = bool(one.yes or one.no)
            row = [place, one.finding, one.concept, one.source, False, valued]
            for answer, value in (*(("yes", x) for x in one.yes), *(("no", x) for x in one.no)):
                said = [place, str(value).strip().lower(), answer]
                connection.execute("INSERT INTO own_value VALUES (?, ?, ?)", said)
        connection.execute("INSERT INTO own VALUES (?, ?, ?, ?, ?, ?)", row)


def _notes(connection: DuckDBPyConnection, version: str, persons: int | None) -> Iterator[str]:
    count = "SELECT count(*) FROM "
    if persons is None:
        persons = connection.execute(count + "cdm_person").fetchall()[0][0]
    chosen = connection.execute(count + "chosen JOIN cdm_person USING (person_id)").fetchall()[0][0]
    named = f"OMOP CDM {version}".strip()
    yield f"{named}: {chosen} of {persons} persons carry a label of {FILE}; the others are not read"
    rows = connection.execute(
        """
        SELECT kind, string_agg(DISTINCT vocabulary || ' ' || code, ', ' ORDER BY vocabulary || ' ' || code)
        FROM wanted w ANTI JOIN named n USING (vocabulary, code) GROUP BY kind ORDER BY kind
        """
    ).fetchall()
    for kind, codes in rows:
        yield f"not in the table concept of this database, for {kind}: {codes}"
