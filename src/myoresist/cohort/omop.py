"""Read an OMOP CDM 5.x in a DuckDB file as the tables of a registry.

Which concepts mean what stands in ``knowledge/omop/concepts.yaml``. Patients are the persons who carry one of
its labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from myoresist.case.cells import Calendar
from myoresist.case.terms import Terms
from myoresist.knowledge.schema import Check, Entry, Sourced, load

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FILE = "omop/concepts.yaml"
TABLES = ("patients", "findings", "labs", "antibodies", "treatments")
NEEDED = ("person", "condition_occurrence", "concept", "concept_ancestor")
_COLUMNS: Mapping[str, str] = {
    "drug_exposure": "drug_concept_id",
    "measurement": "measurement_concept_id",
    "observation_period": "observation_period_end_date",
}


_OPTIONAL = {"measurement": ("operator_concept_id", "value_source_value", "range_high")}
"""Columns that some databases lack."""


class Concept(Sourced):
    """A concept by vocabulary and code; its name is for the reader."""

    vocabulary: str
    code: str
    name: str


class Meant(Entry):
    """What records of these concepts, or of descendants of them, say."""

    concepts: tuple[Concept, ...]


class Label(Meant):
    """A diagnosis that the patient carries."""

    label: str


class Finding(Meant):
    """A finding that is present when a record lies in a window of days around the first label."""

    finding: str
    table: Literal["condition_occurrence", "drug_exposure"]
    from_days: int | None = None
    to_days: int | None = None


class Drug(Meant):
    """A drug, by its ingredient."""

    drug: str


class Antibody(Meant):
    """A test for an antibody."""

    antibody: str
    method: str | None = None


class Result(Meant):
    """A word for a result."""

    result: str


class Concepts(Entry):
    """The concepts of ``knowledge/omop/concepts.yaml``, explained in the file."""

    check: Check
    labels: tuple[Label, ...]
    findings: tuple[Finding, ...]
    drugs: tuple[Drug, ...]
    antibodies: tuple[Antibody, ...]
    results: tuple[Result, ...]
    weight: Concept
    sex: Mapping[str, int]
    units: Mapping[str, str]
    weight_unit: str
    local_forms: tuple[str, ...]
    persistence_days: int
    operators: Mapping[str, int]
    equal: int

    @classmethod
    def load(cls, folder: Path) -> Concepts:
        """Read the concepts of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        return load(folder / FILE, cls)


@dataclass(frozen=True)
class Wanted:
    """A concept to look up, and what it says: ``kind``, ``place`` in its list, ``word``, ``method``, days."""

    kind: str
    place: int
    word: str
    concept: Concept
    method: str | None = None
    from_days: int | None = None
    to_days: int | None = None

    def row(self) -> tuple[object, ...]:
        """Return it as a row of the table ``wanted``."""
        one = self.concept
        window = (self.from_days, self.to_days)
        return (self.kind, self.place, self.word, self.method, *window, one.vocabulary, one.code)


def is_cdm(tables: Iterable[str]) -> bool:
    """Return whether a database with these tables is an OMOP CDM."""
    return set(NEEDED) <= {name.lower() for name in tables}


def copy_tables(
    connection: DuckDBPyConnection, terms: Terms, folder: Path, work: Path
) -> list[str]:
    """Write patients, findings, labs, antibodies and treatments as Parquet files.

    Args:
        connection: an open CDM; only temporary tables are made in it.
        terms: the terms of a case.
        folder: the knowledge folder.
        work: where the files are written, ``<table>.parquet``.

    Returns:
        What a reader should know: how many persons carry a label, which concepts the database lacks.
    """
    concepts = Concepts.load(folder)
    for name in (*NEEDED, *_COLUMNS):
        _open(connection, name)
    _look_up(connection, list(_wanted(concepts, terms)))
    _choose(connection, terms.calendar)
    for table, query in _queries(concepts, terms.calendar).items():
        target = str(work / f"{table}.parquet").replace("'", "''")
        connection.execute(f"COPY ({query}) TO '{target}'")
    return list(_notes(connection))


def _wanted(concepts: Concepts, terms: Terms) -> Iterator[Wanted]:
    kinds: tuple[tuple[str, tuple[Meant, ...]], ...] = (
        ("label", concepts.labels), ("finding", concepts.findings), ("drug", concepts.drugs),
        ("antibody", concepts.antibodies), ("result", concepts.results),
    )  # fmt: skip
    for kind, entries in kinds:
        for place, entry in enumerate(entries):
            given = entry.model_dump()
            for concept in entry.concepts:
                yield Wanted(
                    given.get("table", kind), place, given[kind], concept,
                    given.get("method"), given.get("from_days"), given.get("to_days"),
                )  # fmt: skip
    for place, test in enumerate(terms.labs.values()):
        if test.loinc:
            named = Concept(vocabulary="LOINC", code=test.loinc, name=test.label)
            yield Wanted("lab", place, test.id, named)
    yield Wanted("weight", 0, "weight_kg", concepts.weight)


def _open(connection: DuckDBPyConnection, name: str) -> None:
    """Name a table of the CDM ``cdm_<name>``; one that is missing, or was never filled, is empty."""
    there = {
        row[0].lower()
        for row in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE lower(table_name) = ?", [name]
        ).fetchall()
    }
    if name in NEEDED or _COLUMNS[name] in there:
        lacking = [x for x in _OPTIONAL.get(name, ()) if x not in there]
        query = f'SELECT *{"".join(f", NULL AS {x}" for x in lacking)} FROM "{name}"'
    else:
        query = {
            "drug_exposure": "SELECT 0 person_id, 0 drug_concept_id, "
            "NULL::DATE drug_exposure_start_date, NULL::DATE drug_exposure_end_date",
            "measurement": "SELECT 0 person_id, 0 measurement_concept_id, NULL::DATE measurement_date, "
            "NULL::DOUBLE value_as_number, 0 value_as_concept_id, 0 unit_concept_id, "
            "NULL::VARCHAR unit_source_value, NULL::DOUBLE range_high, 0 operator_concept_id, "
            "NULL::VARCHAR value_source_value",
            "observation_period": "SELECT 0 person_id, NULL::DATE observation_period_end_date",
        }[name] + " WHERE false"
    connection.execute(f"CREATE TEMP VIEW cdm_{name} AS {query}")


def _look_up(connection: DuckDBPyConnection, wanted: list[Wanted]) -> None:
    connection.execute(
        "CREATE TEMP TABLE wanted (kind VARCHAR, place INTEGER, word VARCHAR, method VARCHAR, "
        "from_days INTEGER, to_days INTEGER, vocabulary VARCHAR, code VARCHAR)"
    )
    connection.executemany(
        "INSERT INTO wanted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [list(one.row()) for one in wanted]
    )
    connection.execute(
        """
        CREATE TEMP TABLE named AS
        SELECT w.*, c.concept_id FROM wanted w JOIN cdm_concept c
        ON c.vocabulary_id = w.vocabulary AND c.concept_code = w.code;
        CREATE TEMP TABLE meant AS
        SELECT kind, place, word, method, from_days, to_days, concept_id FROM named
        UNION
        SELECT kind, place, word, method, from_days, to_days, a.descendant_concept_id
        FROM named n JOIN cdm_concept_ancestor a ON a.ancestor_concept_id = n.concept_id
        """
    )


def _choose(connection: DuckDBPyConnection, calendar: Calendar) -> None:
    # A day that nobody can have meant, as 1900-01-01, is a label all the same.
    day = _dated("o.condition_start_date", calendar)
    connection.execute(
        f"""
        CREATE TEMP TABLE chosen AS
        SELECT o.person_id, min({day}) AS first_label, max({day}) AS last_label,
            first(m.word ORDER BY {day} DESC NULLS LAST, m.place) AS label
        FROM cdm_condition_occurrence o JOIN meant m
        ON m.kind = 'label' AND m.concept_id = o.condition_concept_id
        GROUP BY o.person_id
        """
    )


def _dated(column: str, calendar: Calendar) -> str:
    """Return SQL of a day, NULL where it cannot be one of a record."""
    between = f"{column}::DATE BETWEEN DATE '{calendar.earliest}' AND DATE '{calendar.today}'"
    return f"CASE WHEN {between} THEN {column}::DATE END"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)


def _matched(column: str, values: Mapping[str, str], otherwise: str) -> str:
    """Return SQL that turns the values of a column into others."""
    cases = " ".join(f"WHEN {_quoted([x])} THEN {_quoted([y])}" for x, y in values.items())
    return f"CASE {column} {cases} ELSE {otherwise} END"


def _queries(concepts: Concepts, calendar: Calendar) -> dict[str, str]:
    """Return for each of our tables the query that makes it."""
    # A value with an operator is a limit, and is written as one.
    signs = " ".join(
        f"WHEN {number} THEN {_quoted([sign])}" for sign, number in concepts.operators.items()
    )
    value = (
        f"CASE WHEN o.value_as_number IS NULL AND coalesce(o.value_as_concept_id, 0) = 0 "
        f"THEN o.value_source_value WHEN coalesce(o.operator_concept_id, 0) IN (0, {concepts.equal}) "
        # A number has no thousands point, and a fourth figure says so.
        f"THEN regexp_replace(o.value_as_number::VARCHAR, '^(-?[0-9]+[.][0-9]{{3}})$', '\\10') "
        f"ELSE concat(CASE o.operator_concept_id {signs} ELSE '?' END, o.value_as_number) END"
    )
    result = (
        "CASE WHEN r.word IS NOT NULL THEN r.word WHEN coalesce(o.value_as_concept_id, 0) <> 0 "
        "THEN coalesce(v.concept_name, 'concept ' || o.value_as_concept_id) END"
    )
    sex = _matched(
        "p.gender_concept_id::VARCHAR", {str(y): x for x, y in concepts.sex.items()}, "NULL"
    )
    unit = _matched(
        "u.concept_code", concepts.units, "coalesce(o.unit_source_value, u.concept_code)"
    )
    local = "|".join(concepts.local_forms)
    measured = """
        FROM cdm_measurement o JOIN chosen USING (person_id)
        JOIN meant m ON m.concept_id = o.measurement_concept_id
        LEFT JOIN cdm_concept u ON u.concept_id = o.unit_concept_id AND o.unit_concept_id <> 0
    """

    def present(table: str, concept: str, date: str) -> str:
        return f"""
            SELECT o.person_id, m.word FROM cdm_{table} o JOIN chosen c USING (person_id)
            JOIN meant m ON m.kind = '{table}' AND m.concept_id = o.{concept}
            WHERE (m.from_days IS NULL OR o.{date} >= c.first_label + m.from_days)
            AND (m.to_days IS NULL OR o.{date} <= c.first_label + m.to_days)
        """

    return {
        # Without month and day of birth the age is known only to within a year, and stays unknown.
        "patients": f"""
            WITH seen AS (
                SELECT person_id, max({_dated("observation_period_end_date", calendar)}) AS until
                FROM cdm_observation_period GROUP BY person_id
            ), weighed AS (
                SELECT o.person_id,
                    first(o.value_as_number ORDER BY o.measurement_date DESC, o.value_as_number) AS kg
                {measured} WHERE m.kind = 'weight'
                AND coalesce(u.concept_code, o.unit_source_value) = {_quoted([concepts.weight_unit])}
                GROUP BY o.person_id
            ), dated AS (
                SELECT c.*, greatest(s.until, c.last_label) AS until
                FROM chosen c LEFT JOIN seen s USING (person_id)
            )
            SELECT p.person_id::VARCHAR AS patient_id, strftime(d.until, '%Y-%m-%d') AS date, d.label,
                {sex} AS sex,
                date_sub('year', TRY(make_date(p.year_of_birth::INTEGER, p.month_of_birth::INTEGER,
                    p.day_of_birth::INTEGER)), d.until::DATE)::DOUBLE AS age,
                w.kg AS weight_kg
            FROM dated d JOIN cdm_person p USING (person_id) LEFT JOIN weighed w USING (person_id)
            ORDER BY p.person_id
        """,
        "findings": f"""
            SELECT person_id::VARCHAR AS patient_id, word AS finding, 'yes' AS value FROM (
                {present("condition_occurrence", "condition_concept_id", "condition_start_date")}
                UNION
                {present("drug_exposure", "drug_concept_id", "drug_exposure_start_date")}
            ) ORDER BY person_id, word
        """,
        "labs": f"""
            SELECT o.person_id::VARCHAR AS patient_id, m.word AS test, {value} AS value,
                {unit} AS unit, o.range_high AS upper_limit,
                strftime(o.measurement_date, '%Y-%m-%d') AS date
            {measured} WHERE m.kind = 'lab' ORDER BY o.person_id, date, test, value
        """,
        "antibodies": f"""
            SELECT o.person_id::VARCHAR AS patient_id, m.word AS antibody, m.method, {result} AS result,
                {value} AS value, o.range_high AS cut_off, strftime(o.measurement_date, '%Y-%m-%d') AS date
            {measured}
            LEFT JOIN meant r ON r.kind = 'result' AND r.concept_id = o.value_as_concept_id
            LEFT JOIN cdm_concept v ON v.concept_id = o.value_as_concept_id
            WHERE m.kind = 'antibody' ORDER BY o.person_id, date, antibody, method, result, value
        """,
        "treatments": f"""
            WITH given AS (
                SELECT DISTINCT o.person_id, m.word, o.drug_exposure_start_date AS begin,
                    greatest(coalesce(o.drug_exposure_end_date, begin), begin) AS until
                FROM cdm_drug_exposure o JOIN chosen USING (person_id)
                JOIN meant m ON m.kind = 'drug' AND m.concept_id = o.drug_concept_id
                LEFT JOIN cdm_concept d ON d.concept_id = o.drug_concept_id
                WHERE NOT coalesce(regexp_matches(d.concept_name, {_quoted([local])}, 'i'), false)
            ), after AS (
                SELECT *, max(until) OVER (PARTITION BY person_id, word ORDER BY begin, until
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM given
            ), counted AS (
                SELECT *, count(*) FILTER (before IS NULL OR begin > before + {concepts.persistence_days})
                    OVER (PARTITION BY person_id, word ORDER BY begin, until
                        ROWS UNBOUNDED PRECEDING) AS course FROM after
            )
            SELECT person_id::VARCHAR AS patient_id, word AS drug,
                strftime(min(begin), '%Y-%m-%d') AS start, strftime(max(until), '%Y-%m-%d') AS stop
            FROM counted GROUP BY person_id, word, course ORDER BY person_id, start, drug
        """,
    }


def _notes(connection: DuckDBPyConnection) -> Iterator[str]:
    count = "SELECT count(*) FROM "
    persons = connection.execute(count + "cdm_person").fetchall()[0][0]
    chosen = connection.execute(count + "chosen JOIN cdm_person USING (person_id)").fetchall()[0][0]
    yield f"OMOP CDM: {chosen} of {persons} persons carry a label of {FILE}; the others are not read"
    rows = connection.execute(
        """
        SELECT kind, string_agg(DISTINCT vocabulary || ' ' || code, ', ' ORDER BY vocabulary || ' ' || code)
        FROM wanted w ANTI JOIN named n USING (vocabulary, code) GROUP BY kind ORDER BY kind
        """
    ).fetchall()
    for kind, codes in rows:
        yield f"not in the table concept of this database, for {kind}: {codes}"
