"""Copy out of a database server what a CDM holds of the patients, by plain SQL; nothing is written there.

What comes is a small CDM of its own, which is read like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from myoresist.case.terms import Terms
from myoresist.cohort.omop.cdm import COLUMNS, NUMBER
from myoresist.cohort.omop.concepts import LABEL, Concepts
from myoresist.cohort.omop.site import Site
from myoresist.cohort.tables import Server, copied, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CONCEPT_OF = {
    "condition_occurrence": "condition_concept_id", "drug_exposure": "drug_concept_id",
    "measurement": "measurement_concept_id", "observation": "observation_concept_id",
}  # fmt: skip
"""Tables of which the records of concepts that mean something are copied."""
_SITE_OF = {
    "condition_occurrence": "condition", "measurement": "measurement",
    "observation": "observation", "procedure_occurrence": "procedure",
}  # fmt: skip
"""Tables in which concepts of a site's own are looked for, and how their columns begin."""
_SECONDS = r"-?[0-9]+([.][0-9]+)?"
"""How SQLite holds a day that a program of OHDSI wrote there."""


def copy_cdm(
    server: Server, connection: DuckDBPyConnection, terms: Terms, folder: Path, work: Path, site: Site
) -> int:  # fmt: skip
    """Make the tables of a CDM with what another one holds of the patients.

    Args:
        server: where it is.
        connection: where the tables are made, as views of files.
        terms: the terms of a case.
        folder: the knowledge folder.
        work: where the files are written.
        site: what concepts of the site's own say.

    Returns:
        How many persons there are in all.
    """
    reader = _Extract(server, work, site)
    reader.look_up(Concepts.load(folder), terms)
    for table in COLUMNS:
        if reader.column(table, next(iter(COLUMNS[table]))):
            files = copied(
                server.rows(reader.query(table)),
                dict.fromkeys(COLUMNS[table]),
                work / f"cdm-{table}",
            )
            connection.execute(_view(table, files))
    (persons,) = next(iter(server.rows(f"SELECT count(*) FROM {reader.named('person')}")))[0]
    return int(persons)


class _Extract:
    def __init__(self, server: Server, work: Path, site: Site) -> None:
        self.server, self.work = server, work
        self.tables = {name.lower(): name for name in server.tables}
        self.concepts = [x.concept for x in site.all if x.concept is not None]
        self.sources = [x.source for x in site.all if x.source is not None]
        self.ids: list[int] = []
        self.labels: list[int] = []

    def look_up(self, concepts: Concepts, terms: Terms) -> None:
        """Find the concepts that mean something, and those of them that are labels."""
        wanted = list(concepts.wanted(terms))
        kinds = {(x.concept.vocabulary, x.concept.code): set[str]() for x in wanted}
        for one in wanted:
            kinds[one.concept.vocabulary, one.concept.code].add(one.kind)
        code, vocabulary, number = (
            f"CAST({self.column('concept', x)} AS text)"
            for x in ("concept_code", "vocabulary_id", "concept_id")
        )
        query = (
            f"SELECT {vocabulary}, {code}, {number} FROM {self.named('concept')} "
            f"WHERE {code} IN ({_listed(sorted({x for _, x in kinds}))})"
        )
        for rows in self.server.rows(query):
            for vocabulary, code, number in rows:
                said = kinds.get((str(vocabulary), str(code)), set())
                if said:
                    self.ids.append(int(float(str(number))))
                if LABEL in said:
                    self.labels.append(self.ids[-1])

    def named(self, table: str) -> str:
        """Return a table as the server calls it."""
        return self.server.tables[self.tables[table]]

    def column(self, table: str, name: str) -> str | None:
        """Return a column as the server calls it; ``None`` for one that is not there."""
        if table not in self.tables:
            return None
        there = self.server.columns(self.tables[table])
        return next((f'"{quoted(x)}"' for x in there if x.lower() == name), None)

    def query(self, table: str) -> str:
        """Return what selects the rows of a table that are about the patients, every cell as text."""
        cells = ", ".join(
            f"CAST({self.column(table, x)} AS text)" if self.column(table, x) else "NULL"
            for x in COLUMNS[table]
        )
        return f"SELECT {cells} FROM {self.named(table)} WHERE {self._where(table)}"

    def _where(self, table: str) -> str:
        if table == "cdm_source":
            return "1 = 1"
        if table == "concept":
            return self._concepts()
        if table == "concept_ancestor":
            return f"{self.column(table, 'ancestor_concept_id')} IN ({_numbers(self.ids)})"
        if table == "drug_strength":
            return f"{self.column(table, 'drug_concept_id')} IN ({self._meant(self.ids)})"
        return f"{self.column(table, 'person_id')} IN ({self._chosen()}) AND {self._said(table)}"

    def _said(self, table: str) -> str:
        """Return the condition that a record is of a concept that means something."""
        some = []
        if table in _CONCEPT_OF:
            some.append(f"{self.column(table, _CONCEPT_OF[table])} IN ({self._meant(self.ids)})")
        if table in _SITE_OF:
            start = _SITE_OF[table]
            columns = (
                self.column(table, f"{start}_{x}") for x in ("concept_id", "source_concept_id")
            )
            if self.concepts:
                some += [f"{x} IN ({_numbers(self.concepts)})" for x in columns if x]
            source = self.column(table, f"{start}_source_value")
            if source and self.sources:
                some.append(f"{source} IN ({_listed(self.sources)})")
        elif table not in _CONCEPT_OF:
            return "1 = 1"
        return f"({' OR '.join(some)})" if some else "1 = 0"

    def _concepts(self) -> str:
        """Return the condition that a concept stands in what is copied, or means something."""
        number = self.column("concept", "concept_id")
        used = [f"{number} IN ({_numbers(self.ids)})"]
        for table, name in (
            ("drug_exposure", "drug_concept_id"), ("measurement", "unit_concept_id"),
            ("measurement", "value_as_concept_id"), ("drug_strength", "amount_unit_concept_id"),
            ("condition_occurrence", "condition_status_concept_id"),
        ):  # fmt: skip
            column = self.column(table, name)
            if column:
                used.append(
                    f"{number} IN (SELECT {column} FROM {self.named(table)} WHERE {self._where(table)})"
                )
        return " OR ".join(used)

    def _meant(self, ids: Iterable[int]) -> str:
        """Return what selects concepts and whatever they are above."""
        ancestors = self.named("concept_ancestor")
        above, below = (
            self.column("concept_ancestor", x)
            for x in ("ancestor_concept_id", "descendant_concept_id")
        )
        numbers, own = _numbers(ids), self.column("concept", "concept_id")
        return (
            f"SELECT {below} FROM {ancestors} WHERE {above} IN ({numbers}) "
            f"UNION SELECT {own} FROM {self.named('concept')} WHERE {own} IN ({numbers})"
        )

    def _chosen(self) -> str:
        """Return what selects the persons who carry a label."""
        person, concept = (
            self.column("condition_occurrence", x) for x in ("person_id", "condition_concept_id")
        )
        records = self.named("condition_occurrence")
        return f"SELECT {person} FROM {records} WHERE {concept} IN ({self._meant(self.labels)})"


def _numbers(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids)) or "NULL"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(map(literal, words))


def _view(table: str, files: Iterable[Path]) -> str:
    """Return SQL that makes a table of a CDM of files, where every cell is text."""
    listed = ", ".join(literal(str(x.resolve())) for x in files)
    cells = ", ".join(f"{_typed(name, kind)} AS {name}" for name, kind in COLUMNS[table].items())
    return f'CREATE VIEW "{table}" AS SELECT {cells} FROM read_parquet([{listed}])'


def _typed(column: str, kind: str) -> str:
    if kind == "DATE":
        return (
            f"CASE WHEN regexp_full_match({column}, '{_SECONDS}') "
            f"THEN make_timestamp(CAST({column} AS DOUBLE)::BIGINT * 1000000)::DATE "
            f"ELSE left({column}, 10)::DATE END"
        )
    if kind in ("BIGINT", "INTEGER"):
        return f"{column}::DOUBLE::{kind}"
    return column if kind == NUMBER else f"{column}::{kind}"
