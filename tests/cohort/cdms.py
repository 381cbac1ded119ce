"""Two patients as case files and as rows of an OMOP CDM, and databases of each kind that hold them."""

from __future__ import annotations

import asyncio
import csv
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import duckdb
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "postgres.sh"
FIELDS = Path(__file__).with_name("cdm_fields.csv")
"""Columns of the model: what may not be empty, and what refers to what."""
PASSWORD = "a password that nobody shall see"
Row = dict[str, Any]
Rows = dict[str, list[Row]]

CASES = """\
- patient: {id: "1", age: 59, sex: female}
  date: 2020-07-01
  label: dermatomyositis
  findings: {ild: yes, emg_irritable_myopathy: yes, biopsy_perifascicular_atrophy: no,
    allergy_methotrexate: yes}
  labs:
  - {test: CK, value: 3400, unit: U/L, upper_limit: 170, date: 2019-02-01}
  - {test: CK, value: ">2000", unit: U/L, upper_limit: 170, date: 2019-03-01}
  autoantibodies: [{antibody: anti-Jo-1, result: negative, date: 2019-02-02}]
  treatments:
  - {drug: prednisone, dose: 20, unit: mg, frequency: daily, route: oral, start: 2019-02-01,
     stop: 2019-03-02}
  - {drug: prednisone, dose: 7.5, unit: mg, frequency: daily, route: oral, start: 2019-03-03,
     stop: 2019-04-01}
  - {drug: methotrexate, start: 2019-02-01, stop: 2019-08-01}
  visits:
  - {date: 2019-02-01, mmt8: 110, physician_global: 6.5}
  - {date: 2019-08-01, mmt8: 132}
- patient: {id: "2", sex: male}
  date: 2020-07-01
  label: polymyositis
  findings: {dysphagia: yes, deceased: yes}
"""
MAPPING = """\
omop:
  measures:
  - {concept: 2000000001, measure: mmt8}
  - {source: PhysGlobal, measure: physician_global}
  findings:
  - {concept: 2000000002, finding: emg_irritable_myopathy, yes: [4181412]}
  - {source: biopsy-pfa, finding: biopsy_perifascicular_atrophy, yes: [found], no: [not found, 0]}
"""
CONCEPTS = [
    (80182, "Dermatomyositis", "Condition", "SNOMED", "396230008"),
    (80800, "Polymyositis", "Condition", "SNOMED", "31384009"),
    (900001, "A kind of dermatomyositis that only this database has", "Condition", "Local", "x"),
    (4197819, "Interstitial lung disease", "Condition", "SNOMED", "233703007"),
    (31317, "Dysphagia", "Condition", "SNOMED", "40739000"),
    (3007220, "Creatine kinase", "Measurement", "LOINC", "2157-6"),
    (8645, "unit per liter", "Unit", "UCUM", "U/L"),
    (8576, "milligram", "Unit", "UCUM", "mg"),
    (3013023, "Jo-1 extractable nuclear Ab [Presence] in Serum", "Measurement", "LOINC", "8076-2"),
    (4181412, "Present", "Meas Value", "SNOMED", "52101004"),
    (9189, "Negative", "Meas Value", "SNOMED", "260385009"),
    (1551099, "prednisone", "Drug", "RxNorm", "8640"),
    (900002, "prednisone 5 MG Oral Tablet", "Drug", "RxNorm", "312617x"),
    (1305058, "methotrexate", "Drug", "RxNorm", "6851"),
    (900003, "methotrexate 2.5 MG Oral Tablet", "Drug", "RxNorm", "105585x"),
    (8507, "MALE", "Gender", "Gender", "M"),
    (8532, "FEMALE", "Gender", "Gender", "F"),
    (4172704, ">", "Meas Value Operator", "SNOMED", "276139006"),
    (439224, "Allergy to drug", "Condition", "SNOMED", "416098002"),
    (32899, "Preliminary diagnosis", "Condition Status", "Condition Status", "x"),
    (32817, "EHR", "Type Concept", "Type Concept", "OMOP4976890"),
    (2000000001, "MMT8 of this clinic", "Measurement", "Local", "mmt8"),
    (2000000002, "EMG of this clinic", "Measurement", "Local", "emg"),
]
ANCESTORS = [(80182, 900001), (1551099, 900002), (1305058, 900003)]


def rows(version: str) -> Rows:
    """Return the rows of the patients, and of somebody who is none."""
    found: Rows = {"concept": [], "concept_ancestor": [], "person": [], "observation_period": []}
    for number, name, domain, vocabulary, code in CONCEPTS:
        found["concept"].append(
            {"concept_id": number, "concept_name": name, "domain_id": domain, "concept_code": code,
             "vocabulary_id": vocabulary, "standard_concept": "S"}
        )  # fmt: skip
    for above, below in [*ANCESTORS, *((x[0], x[0]) for x in CONCEPTS)]:
        found["concept_ancestor"].append(
            {"ancestor_concept_id": above, "descendant_concept_id": below}
        )
    for person, sex, born in (
        (1, 8532, (1960, 7, 2)),
        (2, 8507, (1970, None, None)),
        (3, 8507, (1980, 1, 1)),
    ):
        names = ("year_of_birth", "month_of_birth", "day_of_birth")
        found["person"].append(
            {"person_id": person, "gender_concept_id": sex, **dict(zip(names, born, strict=True))}
        )
        found["observation_period"].append(
            {"person_id": person, "observation_period_start_date": date(2018, 1, 1),
             "observation_period_end_date": date(2020, 7, 1)}
        )  # fmt: skip

    def add(table: str, person: int, concept: int, day: str, **more: Any) -> None:
        start = {
            "drug_exposure": "drug",
            "condition_occurrence": "condition",
            "death": "cause",
        }.get(table, table)
        when = {
            "drug_exposure": "drug_exposure_start_date",
            "condition_occurrence": "condition_start_date",
        }
        found.setdefault(table, []).append(
            {"person_id": person, f"{start}_concept_id": concept, **more,
             when.get(table, f"{table}_date"): date.fromisoformat(day)}
        )  # fmt: skip

    add("condition_occurrence", 1, 900001, "2019-01-10")
    add("condition_occurrence", 1, 4197819, "2019-01-10")
    add("condition_occurrence", 2, 80800, "2019-01-10")
    add("condition_occurrence", 2, 31317, "2019-01-12")
    # What is not sure is neither a label nor a finding.
    add("condition_occurrence", 2, 80182, "2020-01-10", condition_status_concept_id=32899)
    add("condition_occurrence", 2, 4197819, "2020-01-10", condition_status_source_value="Suspected")
    add("condition_occurrence", 3, 31317, "2019-01-12")
    add("observation", 1, 439224, "2019-09-01", value_as_concept_id=1305058)
    add("death", 2, 0, "2020-08-01")
    unit = {"unit_concept_id": 8645, "unit_source_value": "U/L", "range_high": 170}
    add("measurement", 1, 3007220, "2019-02-01", value_as_number=3400, **unit)
    add(
        "measurement",
        1,
        3007220,
        "2019-03-01",
        value_as_number=2000,
        operator_concept_id=4172704,
        **unit,
    )
    add("measurement", 1, 3013023, "2019-02-02", value_as_concept_id=9189)
    add("measurement", 1, 2000000001, "2019-02-01", value_as_number=110)
    add("measurement", 1, 2000000001, "2019-08-01", value_as_number=132)
    add(
        "measurement",
        1,
        0,
        "2019-02-01",
        value_as_number=6.5,
        measurement_source_value="PhysGlobal",
    )
    add("measurement", 1, 2000000002, "2019-02-01", value_as_concept_id=4181412)
    add(
        "observation",
        1,
        0,
        "2019-02-01",
        value_as_string="Not found",
        observation_source_value="biopsy-pfa",
    )

    def given(concept: int, day: str, end: str, pieces: float, days: int) -> None:
        add("drug_exposure", 1, concept, day, drug_exposure_end_date=date.fromisoformat(end),
            quantity=pieces, days_supply=days)  # fmt: skip

    given(900002, "2019-02-01", "2019-03-02", 120, 30)
    given(900002, "2019-03-03", "2019-04-01", 45, 30)
    given(900003, "2019-02-01", "2019-08-01", 156, 182)
    found["drug_strength"] = [
        {"drug_concept_id": 900002, "ingredient_concept_id": 1551099, "amount_value": 5,
         "amount_unit_concept_id": 8576},
        {"drug_concept_id": 900003, "ingredient_concept_id": 1305058, "amount_value": 2.5,
         "amount_unit_concept_id": 8576},
    ]  # fmt: skip
    found["cdm_source"] = [{"cdm_source_name": "made up", "cdm_version": f"v{version}.0"}]
    return found


class Field(NamedTuple):
    """A column of the model."""

    name: str
    kind: str
    needed: bool
    key: bool
    refers_to: str


def fields(version: str) -> Mapping[str, list[Field]]:
    """Return the tables of a version."""
    found: dict[str, list[Field]] = {}
    with FIELDS.open(encoding="utf-8") as file:
        for one in csv.DictReader(file):
            if version in one["versions"].split():
                yes = (one["needed"] == "yes", one["key"] == "yes")
                field = Field(one["column"], one["type"], *yes, one["refers_to"])
                found.setdefault(one["table"], []).append(field)
    return found


def ddl(version: str) -> Iterator[str]:
    """Yield statements that make the tables of a version."""
    for table, columns in fields(version).items():
        cells = ", ".join(
            f"{x.name} {x.kind}{' NOT NULL' if x.needed else ''}{' PRIMARY KEY' if x.key else ''}"
            for x in columns
        )
        yield f"CREATE TABLE {table} ({cells})"


BASE: Rows = {
    "concept": [
        {"concept_id": 0, "concept_name": "No matching concept", "vocabulary_id": "None"},
        {"concept_id": 32880, "concept_name": "Standard algorithm", "vocabulary_id": "None"},
        {"concept_id": 1147314, "concept_name": "person", "vocabulary_id": "None"},
    ],
    "vocabulary": [{"vocabulary_id": "None", "vocabulary_name": "OMOP"}],
    "domain": [
        {"domain_id": "Observation", "domain_name": "Observation"}, {"domain_id": "", "domain_name": "none"},
    ],
    "concept_class": [{"concept_class_id": "", "concept_class_name": "none"}],
}  # fmt: skip
"""What every CDM has of the vocabularies, as far as it is referred to."""


ORDER = ("vocabulary", "concept_class", "concept", "cohort_definition", "observation", "cohort")
"""Tables of answers in the order in which they refer to each other."""


def constraints(version: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield what refers to what: table, column, and the table and column that it means."""
    tables = fields(version)
    for table, columns in tables.items():
        for one in columns:
            if one.refers_to in tables:
                key = next(x.name for x in tables[one.refers_to] if x.key)
                yield table, one.name, one.refers_to, key


def filled(found: Rows, version: str) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    """Yield the rows of each table with something in every column that may not be empty."""
    blank = {"integer": 0, "numeric": 0, "date": date(1970, 1, 1), "timestamp": None}
    for table, listed in found.items():
        columns = fields(version)[table]
        cells = [
            [
                row.get(
                    x.name, number + 1 if x.key else blank.get(x.kind, "") if x.needed else None
                )
                for x in columns
            ]
            for number, row in enumerate(listed)
        ]
        yield table, [x.name for x in columns], cells


def in_duckdb(path: Path, version: str = "5.4") -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in ddl(version):
            connection.execute(statement)
        for table, columns, cells in filled(rows(version), version):
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)
    return path


def in_sqlite(path: Path, version: str = "5.3") -> Path:
    connection = sqlite3.connect(path)
    for statement in ddl(version):
        connection.execute(statement)
    for table, columns, cells in filled(rows(version), version):
        marks = ", ".join("?" * len(columns))
        plain = [[x.isoformat() if isinstance(x, date) else x for x in row] for row in cells]
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", plain)
    connection.commit()
    connection.close()
    return path


class Server(NamedTuple):
    """A Postgres server that runs."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Return where it is, over its socket, where no password is asked for."""
        return f"postgresql://tests@/postgres?host={self.folder}&port={self.port}"

    @property
    def loopback(self) -> str:
        """Return where it is, where a password is asked for."""
        return f"postgresql://tests@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def run(self, *statements: str) -> None:
        """Run statements, one after the other."""

        async def run() -> None:
            connection = await asyncpg.connect(self.address)
            for one in statements:
                await connection.execute(one)
            await connection.close()

        asyncio.run(run())

    def copy(self, table: str, file: Path) -> None:
        """Copy a CSV file with its heading into a table."""
        schema, _, name = table.partition(".")

        async def run() -> None:
            connection = await asyncpg.connect(self.address)
            await connection.copy_to_table(
                name, source=file, schema_name=schema, format="csv", header=True
            )
            await connection.close()

        asyncio.run(run())

    def load(self, schema: str, found: Rows, version: str) -> None:
        """Make a schema with the tables of a version, and fill them."""

        async def run() -> None:
            connection = await asyncpg.connect(self.address)
            await connection.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}")
            for statement in ddl(version):
                await connection.execute(statement)
            for table, columns, cells in filled(found, version):
                await connection.copy_records_to_table(
                    table, records=cells, columns=columns, schema_name=schema
                )
            await connection.close()

        asyncio.run(run())


@contextmanager
def postgres() -> Iterator[Server]:
    """Start a Postgres server in a folder of its own, and end it."""
    if not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        if os.environ.get("CI"):
            raise AssertionError("Postgres is missing; scripts/postgres.sh installs it")
        pytest.skip("Postgres is not installed; scripts/postgres.sh installs it")
    # The server may run as somebody else, who cannot enter every temporary folder.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "password").write_text(PASSWORD)
    try:
        subprocess.run(
            [SCRIPT, "start", folder, str(port)], check=True, capture_output=True, timeout=60
        )
        try:
            yield Server(folder, port)
        finally:
            subprocess.run([SCRIPT, "stop", folder], check=True, capture_output=True, timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
