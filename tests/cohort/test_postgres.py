"""Registries and an OMOP CDM in a real Postgres server, which these tests start and end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import polars as pl
import pytest
import yaml
from cdms import (
    BASE,
    CASES,
    MAPPING,
    ORDER,
    PASSWORD,
    Server,
    constraints,
    in_duckdb,
    in_sqlite,
    rows,
)
from doors import folder
from roads import differences, of_assessment, of_tables
from typer.testing import CliRunner

from myoresist import Knowledge, assess
from myoresist.case.reading import check_case_text
from myoresist.cli import app
from myoresist.cohort import run
from myoresist.cohort.checking import check
from myoresist.cohort.postgres import Address, opened
from myoresist.cohort.registry import TABLES
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import SourceError, open_source, place_of

KNOWLEDGE = Knowledge.load()
SHARED = ("concept", "concept_ancestor", "drug_strength")


@pytest.fixture(scope="module", autouse=True)
def cdms(server: Server) -> None:
    server.load("cdm54", rows("5.4"), "5.4")
    server.load("cdm53", rows("5.3"), "5.3")
    # A vocabulary that several databases share has a schema of its own.
    server.run(
        "CREATE SCHEMA vocabulary",
        *(f"ALTER TABLE cdm53.{x} SET SCHEMA vocabulary" for x in SHARED),
    )


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("mapping"), {"m.yaml": MAPPING}) / "m.yaml"


def read(place: object, mapping: Path, work: Path) -> dict[str, pl.DataFrame]:
    work.mkdir()
    source = open_source(place, Schema(KNOWLEDGE.terms), work, mapping)  # type: ignore[arg-type]
    # What stands as text in one database and as a number in another is read as the same.
    return {name: frame.collect().cast(pl.String) for name, frame in source.tables.items()}


def test_every_database_and_version_of_the_model_gives_the_same_tables(
    server: Server, mapping: Path, tmp_path: Path
) -> None:
    first = read(in_duckdb(tmp_path / "54.duckdb"), mapping, tmp_path / "a")
    assert first["patients"]["patient_id"].to_list() == ["1", "2"]
    places = {
        "b": in_duckdb(tmp_path / "53.duckdb", "5.3"),
        "c": in_sqlite(tmp_path / "53.sqlite"),
        "d": place_of(server.address, ["cdm54"]),
        "e": place_of(server.address, ["cdm53", "vocabulary"]),
    }
    for name, place in places.items():
        for table, frame in read(place, mapping, tmp_path / name).items():
            assert frame.equals(first[table]), (name, table)


def test_a_case_file_and_a_cdm_in_postgres_say_the_same(
    server: Server, mapping: Path, tmp_path: Path
) -> None:
    job = run.prepare(place_of(server.address, ["cdm54"]), tmp_path / "out", mapping)
    run.answer(job)
    # What is read again is the same, so that a run that was ended goes on.
    again = run.prepare(place_of(server.address, ["cdm54"]), tmp_path / "out", mapping)
    assert again.open == []
    manifest = run.finish(job)
    assert "OMOP CDM 5.4.0: 2 of 3 persons carry a label" in manifest["notes"][0]
    assert manifest["command"].startswith("myoresist cohort postgresql:postgres --out FOLDER")
    answered = {name: run.scan(tmp_path / "out", name).collect() for name in TABLES}
    assert answered["rejected"].is_empty(), answered["rejected"].rows()
    said = of_tables(answered)
    for data in yaml.safe_load(CASES):
        one, problems = check_case_text(yaml.safe_dump(data), "case")
        assert one is not None, problems
        assert differences(of_assessment(assess(one)), said[one.patient.id]) == []


def test_plain_tables_are_read_like_those_of_a_file(server: Server, tmp_path: Path) -> None:
    server.run(
        "CREATE SCHEMA plain",
        'CREATE TABLE plain."Patients" (patient_id integer, label text, ild boolean, '
        "age numeric(5, 3), born date)",
        "INSERT INTO plain.\"Patients\" VALUES (2, 'polymyositis', NULL, 'NaN', NULL), "
        "(1, '', true, 23.780, '1999-02-03')",
        "CREATE TABLE plain.lab (patient_id integer)",
    )
    names = folder(tmp_path, {"m.yaml": "columns: {patients: {born: birth_date}}\n"}) / "m.yaml"
    place = place_of(server.address, ["plain"])
    found = read(place, names, tmp_path / "work")["patients"].drop("row")
    assert found.rows() == [
        ("1", "", "true", "23.78", "1999-02-03"),
        ("2", "polymyositis", None, "NaN", None),
    ]
    words = [server.address, "--schema", "plain", "--mapping", str(names)]
    shown = CliRunner().invoke(app, ["registry", "page", *words, "--patient", "2"])
    assert shown.exit_code == 0, shown.output
    told = "\n".join(check(place, names).unread)
    assert "table lab: is not read; is it meant to be labs" in told


def test_a_password_is_never_shown_and_is_taken_from_where_postgres_keeps_it(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for address in (
        server.loopback.replace("tests@", "tests:geheim@"),
        server.loopback + "&password=geheim",
    ):
        refused = CliRunner().invoke(app, ["cohort", address, "--check"])
        assert refused.exit_code == 2
        assert "geheim" not in refused.output and "~/.pgpass" in refused.output
    words = ["cohort", server.loopback, "--schema", "cdm54", "--check"]
    monkeypatch.setenv("PGPASSWORD", "wrong " + PASSWORD)
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2 and "password authentication failed" in refused.output
    assert PASSWORD not in refused.output
    monkeypatch.delenv("PGPASSWORD")
    kept = tmp_path / "pgpass"
    kept.write_text(f"127.0.0.1:{server.port}:postgres:tests:{PASSWORD}\n")
    kept.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(kept))
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output + caplog.text


def test_what_cannot_be_read_is_said_without_what_stands_in_a_cell(
    server: Server, tmp_path: Path
) -> None:
    server.run(
        "CREATE SCHEMA broken",
        "CREATE VIEW broken.patients AS "
        "SELECT CAST(x AS integer) AS patient_id FROM (VALUES ('Smith')) v (x)",
    )
    schema = Schema(KNOWLEDGE.terms)
    for schemas, said in (
        (["broken"], "error 22P02 of the server"),
        (["nowhere"], "has no table that may be read in nowhere; name a --schema"),
    ):
        with pytest.raises(SourceError) as error:
            open_source(place_of(server.address, schemas), schema, tmp_path)
        assert said in str(error.value) and "Smith" not in str(error.value)
    with pytest.raises(SourceError, match="cannot be reached"):
        open_source(place_of("postgresql://tests@127.0.0.1:1/x"), schema, tmp_path)
    with pytest.raises(SourceError, match="has no schemas"):
        place_of("registry", ["cdm"])


def test_answers_load_into_a_cdm_that_holds_to_all_of_its_keys(
    server: Server, written: Path
) -> None:
    people = [{"person_id": x} for x in range(1, 161)]
    server.load("answers", BASE | {"person": people}, "5.4")
    server.run(
        *(
            f"ALTER TABLE answers.{table} ADD FOREIGN KEY ({column}) REFERENCES answers.{other} ({key})"
            for table, column, other, key in constraints("5.4")
        )
    )
    for table in ORDER:
        server.copy(f"answers.{table}", written / "5.4" / f"{table}.csv")
    server.run("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_full_disk_is_no_fault_of_the_server(server: Server, tmp_path: Path) -> None:
    place = Address.of(server.address, ["cdm54"])
    with pytest.raises(OSError, match="No space"), opened(place):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(SourceError, match="terminating connection"),
        opened(place) as one,
    ):
        list(one.rows("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_nothing_can_be_written_there(server: Server) -> None:
    with (
        pytest.raises(SourceError, match="error 25006"),
        opened(Address.of(server.address, ["cdm54"])) as one,
    ):
        list(one.rows("INSERT INTO cdm54.person SELECT * FROM cdm54.person RETURNING 1"))
