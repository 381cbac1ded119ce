"""A run over a registry: the same answers from every source, to be resumed, the same bytes, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest
from registries import contents

from myoresist import Knowledge
from myoresist.cohort import run
from myoresist.cohort.checking import check
from myoresist.cohort.folder import SourceError
from myoresist.cohort.registry import TABLES as ANSWERS
from myoresist.cohort.registry import Registry, assess_tables
from myoresist.cohort.simulate import simulate
from myoresist.cohort.summary.page import write_summary
from myoresist.document import DocumentError

PATIENTS, BATCH = 120, 40


@pytest.fixture(scope="module")
def drawn() -> dict[str, pl.DataFrame]:
    return simulate(PATIENTS, 11)


@pytest.fixture(scope="module")
def source(drawn: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    for name, frame in drawn.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def finished(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_run(source, tmp_path_factory.mktemp("run") / "out")


def whole_run(source: Path, out: Path, mapping: Path | None = None) -> Path:
    job = run.prepare(source, out, mapping, BATCH)
    run.answer(job)
    run.finish(job)
    run.clear(job)
    return out


def answers(out: Path, table: str) -> pl.DataFrame:
    return run.scan(out, table).collect()


def test_answers_by_parts_are_those_of_the_whole_table(
    drawn: dict[str, pl.DataFrame], source: Path, finished: Path
) -> None:
    expected = assess_tables(drawn)
    for name in ANSWERS:
        found = answers(finished, name)
        assert found.height == expected[name].height, name
        keys = [x for x in found.columns if found.schema[x] in (pl.String, pl.Date)]
        left, right = (one.select(found.columns).sort(keys) for one in (found, expected[name]))
        assert left.equals(right), name
    manifest = json.loads((finished / run.MANIFEST).read_text())
    assert manifest["patients"] == PATIENTS
    assert manifest["synthetic"] is True
    assert manifest["rows"]["findings"] == PATIENTS
    assert manifest["rows"]["rejected"] == 0
    assert set(manifest["files"]) == {file.name for file in source.iterdir()}


def test_the_same_input_gives_the_same_bytes(source: Path, finished: Path, tmp_path: Path) -> None:
    assert contents(whole_run(source, tmp_path / "again")) == contents(finished)


def test_several_workers_give_the_same_bytes(source: Path, finished: Path, tmp_path: Path) -> None:
    job = run.prepare(source, tmp_path / "out", None, BATCH)
    told: list[int] = []
    run.answer(job, 2, lambda patients, _: told.append(patients))
    run.finish(job)
    assert sum(told) == PATIENTS
    assert contents(tmp_path / "out") == contents(finished)


def as_files(
    kind: str,
    write: Callable[[pl.DataFrame, Path], object],
    drawn: dict[str, pl.DataFrame],
    folder: Path,
) -> Path:
    for name, frame in drawn.items():
        write(frame, folder / f"{name}.{kind}")
    return folder


as_csv = partial(as_files, "csv", pl.DataFrame.write_csv)
as_ndjson = partial(as_files, "ndjson", pl.DataFrame.write_ndjson)
as_arrow = partial(as_files, "arrow", pl.DataFrame.write_ipc)


def as_parts(drawn: dict[str, pl.DataFrame], folder: Path) -> Path:
    for name, frame in drawn.items():
        (folder / name).mkdir()
        half = frame.height // 2
        frame.head(half).write_parquet(folder / name / "a.parquet")
        frame.tail(frame.height - half).write_parquet(folder / name / "b.parquet")
    return folder


def as_duckdb(drawn: dict[str, pl.DataFrame], folder: Path) -> Path:
    with duckdb.connect(str(folder / "registry.duckdb")) as connection:
        for name, frame in drawn.items():
            connection.register("one", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM one")
    return folder / "registry.duckdb"


def as_sqlite(drawn: dict[str, pl.DataFrame], folder: Path) -> Path:
    connection = sqlite3.connect(folder / "registry.sqlite")
    for name, frame in drawn.items():
        columns = ", ".join(f'"{x}"' for x in frame.columns)
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        marks = ", ".join("?" * frame.width)
        days = frame.with_columns(pl.col(pl.Date).cast(pl.String))
        connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', days.rows())
    connection.commit()
    connection.close()
    return folder / "registry.sqlite"


@pytest.mark.parametrize(
    "form",
    [as_csv, as_ndjson, as_arrow, as_parts, as_duckdb, as_sqlite],
    ids=["csv", "ndjson", "arrow", "parts", "duckdb", "sqlite"],
)
def test_every_form_of_a_registry_gives_the_same_answers(
    form, drawn: dict[str, pl.DataFrame], finished: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "in").mkdir()
    out = whole_run(form(drawn, tmp_path / "in"), tmp_path / "out")
    for name in ANSWERS:
        assert answers(out, name).equals(answers(finished, name)), name


def test_a_mapping_file_names_foreign_tables_columns_and_values(
    drawn: dict[str, pl.DataFrame], finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, frame in drawn.items():
        if name == "patients":
            frame.rename({"patient_id": "record_id", "sex": "geschlecht"}).with_columns(
                pl.col("geschlecht").replace({"female": "w", "male": "m"}), clerk=pl.lit("x")
            ).write_csv(folder / "demo.csv")
        else:
            frame.write_csv(folder / f"{name}.csv")
    mapping = tmp_path / "names.yaml"
    mapping.write_text(
        "tables: {patients: demo}\n"
        "columns: {patients: {record_id: patient_id, geschlecht: sex, clerk: null}}\n"
        "values: {patients: {sex: {w: female, m: male}}}\n"
    )
    out = whole_run(folder, tmp_path / "out", mapping)
    for name in ANSWERS:
        assert answers(out, name).equals(answers(finished, name)), name
    mapping.write_text("columns: {patients: {record_id: pateint_id}}\n")
    with pytest.raises(DocumentError, match="did you mean patient_id"):
        run.prepare(folder, tmp_path / "other", mapping)


def test_what_cannot_be_used_is_kept_with_its_reason_and_stops_nothing(
    drawn: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    first = drawn["patients"]["patient_id"][0]
    bad = {name: frame.cast(pl.String) for name, frame in drawn.items()}
    bad["patients"] = bad["patients"].with_columns(
        age=pl.when(pl.col("patient_id") == first).then(pl.lit("old")).otherwise("age")
    )
    stranger = {"patient_id": "nobody", "test": "CK", "value": "5", "unit": "U/L"}
    bad["labs"] = pl.concat([bad["labs"], pl.DataFrame([stranger])], how="diagonal")
    as_csv(bad, folder)
    found = check(folder)
    assert {(one["table"], one["column"]) for one in found.problems.iter_rows(named=True)} == {
        ("patients", "age"), ("labs", "patient_id"),
    }  # fmt: skip
    out = whole_run(folder, tmp_path / "out")
    rejected = pl.read_parquet(out / "rejected.parquet")
    assert rejected.filter(table="patients").select(
        "row", "column", "value", "whole_row"
    ).rows() == [(1, "age", "old", False)]
    assert rejected.filter(table="labs")["row"].to_list() == [drawn["labs"].height + 1]
    assert answers(out, "findings").filter(patient_id=first)["age"].to_list() == [None]
    assert answers(out, "findings").height == PATIENTS


def test_other_input_does_not_go_on_with_an_unfinished_run(
    drawn: dict[str, pl.DataFrame], source: Path, tmp_path: Path
) -> None:
    run.prepare(source, tmp_path / "out", None, BATCH)
    other = tmp_path / "other"
    other.mkdir()
    drawn["patients"].head(10).write_parquet(other / "patients.parquet")
    with pytest.raises(SourceError, match="name another folder"):
        run.prepare(other, tmp_path / "out", None, BATCH)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("patients.csv", "patient_id,heliotrope_rahs\nP,yes\n", "did you mean heliotrope_rash"),
        ("patients.csv", "id,age\nP,5\n", "id"),
        ("labs.csv", "patient_id,test,value,unit\nP,CK,5,U/L\n", "has no table patients"),
        ("patients.parquet", "no parquet", "cannot be read"),
    ],
)
def test_a_source_that_cannot_be_used_says_why(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(text)
    with pytest.raises(SourceError, match=said):
        run.prepare(tmp_path / "in", tmp_path / "out")


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "myoresist", *map(str, words)]


def test_a_killed_run_goes_on_where_it_was(source: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = command("cohort", source, "--out", out, "--workers", "1", "--batch", str(BATCH // 4))
    killed = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    marks = out / run.WORK / run.MARKS
    deadline = time.monotonic() + 120
    while not (marks.exists() and len(list(marks.glob("*.json"))) >= 2):
        assert killed.poll() is None, killed.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    before = {one: one.stat().st_mtime_ns for one in marks.glob("*.json")}
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "are finished; going on" in again.stderr
    assert {one: one.stat().st_mtime_ns for one in before} == before
    for name in ("findings", "differential", "options"):
        same = answers(finished, name)
        assert answers(out, name).sort(pl.all()).equals(same.sort(pl.all())), name
    assert f"{PATIENTS} patients" in again.stdout


def test_a_hostile_patient_id_stays_text(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    hostile = '<script>alert("1")</script>'
    frame = pl.DataFrame({"patient_id": [hostile, "../../x", "ř"], "age": [50, 60, 70]})
    frame.write_csv(tmp_path / "in" / "patients.csv")
    out = whole_run(tmp_path / "in", tmp_path / "out")
    write_summary(out)
    assert answers(out, "findings")["patient_id"].sort().to_list() == sorted(
        [hostile, "../../x", "ř"]
    )
    assert "<script" not in (out / "summary.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("ids", [[], ["only one"]])
def test_a_registry_of_nobody_or_of_one_is_answered(ids: list[str], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    frame = pl.DataFrame({"patient_id": ids, "age": ["50"] * len(ids)}).cast(pl.String)
    frame.write_csv(tmp_path / "in" / "patients.csv")
    out = whole_run(tmp_path / "in", tmp_path / "out")
    assert answers(out, "findings")["patient_id"].to_list() == ids
    assert {one.name for one in out.iterdir() if one.is_dir()} >= set(ANSWERS)
    assert json.loads((out / run.MANIFEST).read_text())["synthetic"] is False
    write_summary(out)


def test_a_patient_named_twice_is_answered_once_and_reported() -> None:
    found = Registry(Knowledge.load()).assess(
        {"patients": pl.DataFrame({"row": [1, 2], "patient_id": ["a", "a"], "age": [50, 60]})}
    )
    assert found["findings"].height == 1
    assert found["rejected"]["row"].to_list() == [2]
