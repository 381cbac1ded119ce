"""Every door reads what it is given, or says what it does not read: names, spellings, foreign files."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from doors import DOORS, findings, folder

from myoresist.cohort import run
from myoresist.cohort.checking import check
from myoresist.cohort.folder import SourceError
from myoresist.document import DocumentError


def unread(source: Path, mapping: Path | None = None) -> str:
    return "\n".join(check(source, mapping).unread)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("codes", [["1", " 01", "2", "0"], [1.0, 1.0, 2.0, 0.0], [1, 1, 2, 0]])
def test_a_mapping_compares_values_and_not_their_spelling(door, codes, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    names = folder(tmp_path, {"m.yaml": "values: {patients: {exanthem: {1: no, '2': yes}}}\n"
        "columns: {patients: {exanthem: heliotrope_rash}}\n"})  # fmt: skip
    (tmp_path / "in").mkdir()
    table = pl.DataFrame({"patient_id": ["a", "b", "c", "d"], "exanthem": codes})
    source = door({"patients": table}, tmp_path / "in")
    found = findings(source, tmp_path / "out", names / "m.yaml")
    # 0 is "no" without a mapping; here the mapping has another code for it and does not name this one.
    assert found["heliotrope_rash"].to_list() == [False, False, True, None]
    told = pl.read_parquet(tmp_path / "out" / "rejected.parquet")
    assert told["patient_id"].to_list() == ["d"]
    assert "the mapping does not say" in told["value"][0]


@pytest.mark.parametrize("value", [999, 999.0, "999", " 999.0"])
def test_codes_for_missing_are_named_once_for_a_table(value: Any, tmp_path: Path) -> None:
    names = folder(tmp_path, {"m.yaml": "missing: {patients: [999, -9]}\n"}) / "m.yaml"
    (tmp_path / "in").mkdir()
    table = pl.DataFrame({"patient_id": ["999"], "ck_u_l": [value]})
    source = DOORS["parquet"]({"patients": table}, tmp_path / "in")
    found = findings(source, tmp_path / "out", names)
    assert found.select("patient_id", "ck_u_l").rows() == [("999", None)]
    assert pl.read_parquet(tmp_path / "out" / "rejected.parquet").is_empty()


PATIENTS = "patient_id,label\nP1,polymyositis\n"


@pytest.mark.parametrize("name", ["Labs.csv", "labs.CSV", "labs.tsv", "LABS.txt"])
def test_a_table_is_found_whatever_the_case_of_its_name(name: str, tmp_path: Path) -> None:
    cells = ["patient_id", "test", "value", "unit"], ["P1", "CK", "900", "U/L"]
    text = "\n".join(("\t" if name == "labs.tsv" else ",").join(row) for row in cells)
    source = folder(tmp_path / "in", {"patients.csv": PATIENTS, name: text})
    assert findings(source, tmp_path / "out")["ck_u_l"].to_list() == [900]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lab.csv", "is it meant to be labs.csv"),
        ("labs_2023.csv", "is it meant to be labs.csv"),
        ("labs.csv.gz", "is not read"),
        ("labs.sas7bdat", "is not read"),
        ("Treatment.csv", "is it meant to be treatments.csv"),
    ],
)
def test_what_is_not_read_is_said(name: str, said: str, tmp_path: Path) -> None:
    source = folder(tmp_path / "in", {"patients.csv": PATIENTS, name: "patient_id\nP1\n"})
    assert said in unread(source)
    mapping = folder(tmp_path, {"m.yaml": f"ignore: [{name}]\n"}) / "m.yaml"
    assert unread(source, mapping) == ""


def test_parts_in_folders_of_their_own_are_refused(tmp_path: Path) -> None:
    labs = {f"labs/{x}": "patient_id\nP1\n" for x in ("a.csv", "year=2023/b.csv")}
    source = folder(tmp_path / "in", {"patients.csv": PATIENTS, **labs})
    with pytest.raises(SourceError, match="year=2023"):
        check(source)


def test_what_programs_leave_in_a_folder_is_no_table(tmp_path: Path) -> None:
    left = {x: "" for x in (".DS_Store", "README.txt", "patients/_SUCCESS", "patients/.x.crc")}
    source = folder(tmp_path / "in", {"patients/a.csv": PATIENTS, **left})
    assert unread(source) == ""
    out = tmp_path / "out"
    findings(source, out)
    (source / "Thumbs.db").touch()
    # The same run: nothing of it is new.
    assert run.prepare(source, out).open == []


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ("tables: {labs: laboratry}", "tables.labs"),
        ("columns: {patients: {wieght: weight_kg}}", "columns.patients.wieght"),
        ("values: {patients: {sexx: {w: female}}}", "values.patients.sexx"),
        ("repeated: {laboratory: labs}", "repeated.laboratory"),
        ("constants: {patients: {label: polymyositis}}", "constants.patients.label"),
        ("missing: {patient: [9]}", "missing.patient"),
    ],
)
def test_an_entry_of_the_mapping_that_fits_nothing_is_an_error(
    mapping: str, field: str, tmp_path: Path
) -> None:
    source = folder(tmp_path / "in", {"patients.csv": PATIENTS})
    names = folder(tmp_path, {"m.yaml": mapping + "\n"}) / "m.yaml"
    with pytest.raises(DocumentError) as error:
        check(source, names)
    assert [one.field for one in error.value.problems] == [field]


def test_a_value_of_the_mapping_that_no_cell_holds_is_said(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", {"patients.csv": "patient_id,sex\nP1,w\n"})
    names = folder(tmp_path, {"m.yaml": "values: {patients: {sex: {W: female, n: male}}}\n"})
    found = check(source, names / "m.yaml")
    assert found.problems.is_empty()
    assert found.unread == ("values.patients.sex.n: no cell holds this",)


MICRO = 'patient_id,test,value,unit,upper_limit\nP1,CK,"{}",µkat/L,3\n'


@pytest.mark.parametrize(
    "text",
    [
        MICRO.format("30").encode("cp1252"),
        MICRO.format("30").encode("utf-16"),
        MICRO.format("30").encode("utf-8-sig"),
        MICRO.format("30").replace("\n", "\r").encode(),
        MICRO.format("30").replace("\n", "\r\n").encode(),
        MICRO.format("30").replace("L,3\n", "L,3\r").encode() + b"\n",
        MICRO.format("30,0").replace('"', "").replace(",", ";").replace("30;0", "30,0").encode(),
        b"sep=;\n" + MICRO.format("30").replace(",", ";").encode(),
        MICRO.format("30").replace(",", "\t").encode(),
    ],
    ids=["cp1252", "utf16", "bom", "cr", "crlf", "mixed", "semicolon", "sep", "tab"],
)  # fmt: skip
def test_text_of_spreadsheets_is_read_where_it_leaves_no_doubt(text: bytes, tmp_path: Path) -> None:
    source = folder(tmp_path / "in", {"patients.csv": PATIENTS, "labs.csv": text})
    assert findings(source, tmp_path / "out")["ck_x_uln"].to_list() == [10]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patient_id,sex\nř,female\n".encode("cp1250"), "is not UTF-8"),
        (b"patient_id,sex,age\nP1,female,60\nP2,male,50,x\n", "line 3: has one cell more"),
        (b"patient_id,sex,age\nP1,female,60\nP2,male\n", "line 3: has one cell less"),
        (b'patient_id,sex,age\n"P1,female,40\nP2,male,50\n', "a quote is opened that is never closed"),
        (b'patient_id,label,age\nP1,"5 tall,60\nP2,x,50\nP3,6 tall",40\n', "lines 2 to 4"),
        (b'patient_id,sex\n"P1"x,female\n', "line 2: a quote stands within a cell"),
        (b"patient_id,age,age\nP1,5,6\n", "column age is there twice"),
        (b"patient_id;sex,age\nP1;female,6\n", "leaves a doubt"),
        (b"patient_id,age,\nP1,5,\n", "a column without a name"),
        (b"patient_id\nP\0\n", "is no text"),
        (b"", "begins with an empty line"),
        (b"patient_id\n" + b"P" * 1_100_000 + b"\n", "more than 1,000,000 characters"),
    ],
)  # fmt: skip
def test_text_that_leaves_a_doubt_is_refused_with_the_line(
    text: bytes, said: str, tmp_path: Path
) -> None:
    source = folder(tmp_path / "in", {"patients.csv": text})
    with pytest.raises(SourceError, match=f"patients.csv: .*{said}"):
        check(source)


def test_a_key_of_ndjson_may_come_late_and_change_its_type(tmp_path: Path) -> None:
    rows = [f'{{"patient_id": "p{x:03}", "age": 50}}' for x in range(150)]
    rows.append('{"patient_id": "z", "age": 60.7, "heliotrope_rash": true, "ck_u_l": "900"}')
    source = folder(tmp_path / "in", {"patients.ndjson": "\n".join(rows)})
    last = findings(source, tmp_path / "out").tail(1)
    assert last.select("age", "heliotrope_rash", "ck_u_l").row(0) == (60.7, True, 900)


@pytest.mark.parametrize("text", ["[1]\n", '{"patient_id": 1', '{"a": 1, "a": 2}', "[" * 9999])
def test_ndjson_that_is_none_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    source = folder(tmp_path / "in", {"patients.ndjson": '{"patient_id": 1}\n' + text})
    with pytest.raises(SourceError, match="line 2"):
        check(source)


@pytest.mark.parametrize("name", ["reg[1]", "what?", "a*", "reg#1 %41", "ř {x}"])
def test_names_of_folders_are_names(name: str, tmp_path: Path) -> None:
    for one in (name, "reg1", "whatX", "ab"):
        folder(tmp_path / one, {"patients.csv": f"patient_id,age\n{one},x\n"})
    # What a pattern would take with it lies beside it, where it is read and where it is written.
    lure = {"reg[1]": "reg1", "what?": "whatX", "a*": "ab"}.get(name, "reg1")
    for one in (lure, name):
        found = findings(tmp_path / one, tmp_path / "out" / one)
        assert found["patient_id"].to_list() == [one]
    rejected = pl.read_parquet(tmp_path / "out" / name / "rejected.parquet", glob=False)
    assert rejected["patient_id"].to_list() == [name]


@pytest.mark.parametrize("name", ["My%20registry.sqlite", "reg #2.sqlite", "a?b.db", "ř'.sqlite"])
def test_names_of_databases_are_names(name: str, tmp_path: Path) -> None:
    for one in ("My registry.sqlite", "reg ", name):
        with sqlite3.connect(tmp_path / one) as connection:
            connection.execute("CREATE TABLE patients(patient_id, age)")
            connection.execute("INSERT INTO patients VALUES (?, 50)", [one])
        connection.close()
    before = sorted(x.name for x in tmp_path.iterdir())
    found = findings(tmp_path / name, tmp_path / "out")
    assert found["patient_id"].to_list() == [name]
    assert sorted(x.name for x in tmp_path.iterdir() if x.name != "out") == before


def of_duckdb(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for one in statements:
            connection.execute(one)
    return path


def test_a_foreign_database_reads_no_file_but_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("patient_id,age\nsecret,77\n")
    gift = of_duckdb(
        tmp_path / "gift.duckdb",
        f"CREATE VIEW patients AS SELECT * FROM read_csv('{secret}', all_varchar=true)",
    )
    with pytest.raises(SourceError, match="cannot be read: Permission"):
        run.prepare(gift, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    mine = of_duckdb(
        tmp_path / "mine.duckdb",
        "CREATE TABLE t AS SELECT 'a' AS patient_id, 50 AS age",
        "CREATE VIEW patients AS SELECT * FROM t",
    )
    assert findings(mine, tmp_path / "mine")["age"].to_list() == [50]


def test_ids_of_every_type_are_the_same_in_every_table(tmp_path: Path) -> None:
    source = of_duckdb(
        tmp_path / "r.duckdb",
        "CREATE TABLE patients AS SELECT 1234::HUGEINT AS patient_id, 'polymyositis' AS label",
        "CREATE TABLE labs AS SELECT 1234::BIGINT AS patient_id, 'CK' AS test, 9000.0 AS value, "
        "'U/L' AS unit, 200.0 AS upper_limit, DATE '2023-05-17' AS date",
    )
    found = findings(source, tmp_path / "out")
    assert found.select("patient_id", "ck_x_uln").rows() == [("1234", 45)]
    frames = {"patients": {"patient_id": [7.0, None]}, "findings": {"patient_id": [7]}}
    extra = {"finding": ["ild"], "value": ["yes"]}
    (tmp_path / "in").mkdir()
    for name, data in frames.items():
        more = extra if name == "findings" else {}
        pl.DataFrame({**data, **more}).write_parquet(tmp_path / "in" / f"{name}.parquet")
    found = findings(tmp_path / "in", tmp_path / "floats")
    assert found.select("patient_id", "ild").rows() == [("7", True)]


def test_an_id_of_type_uuid_is_its_text(tmp_path: Path) -> None:
    source = of_duckdb(
        tmp_path / "r.duckdb", "CREATE TABLE patients AS SELECT uuid() AS patient_id"
    )
    assert len(findings(source, tmp_path / "out")["patient_id"][0]) == 36


@pytest.mark.parametrize("kind", ["['yes']", "INTERVAL 1 DAY", "{'a': 1}", "'x'::BLOB"])
def test_a_column_that_holds_no_value_is_named(kind: str, tmp_path: Path) -> None:
    source = of_duckdb(
        tmp_path / "r.duckdb", f"CREATE TABLE patients AS SELECT 'a' AS patient_id, {kind} AS age"
    )
    with pytest.raises(SourceError, match="patients: column age holds"):
        check(source)
    mapping = folder(tmp_path, {"m.yaml": "columns: {patients: {age: null}}\n"}) / "m.yaml"
    assert check(source, mapping).problems.is_empty()


@pytest.mark.parametrize("value", [[1], timedelta(days=5), b"\xff"])
def test_a_column_of_parquet_that_holds_no_value_is_named(value: Any, tmp_path: Path) -> None:
    table = pl.DataFrame({"patient_id": ["a"], "age": [value]})
    DOORS["parquet"]({"patients": table}, tmp_path)
    with pytest.raises(SourceError, match="patients: column age holds"):
        check(tmp_path)


@pytest.mark.parametrize("name", ["r.duckdb", "r.sqlite", "r.txt", "in/patients.parquet"])
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"garbage" * 1000)
    source = file if file.parent == tmp_path else file.parent
    with pytest.raises(SourceError, match=file.name):
        check(source)


def test_a_source_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        run.prepare(tmp_path / "nothing", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


REDCAP = """\
record_id,redcap_repeat_instrument,redcap_repeat_instance,label,sex,dysphagia,skin___1,skin___2,exam_complete,lab_test,lab_value
007,,,polymyositis,female,,0,0,2,,
007,laboratory,1,,,,0,0,,CK,900
007,laboratory,2,,,,0,0,,CK,100
7,,,dermatomyositis,male,1,1,0,2,,
8,,,dermatomyositis,male,,0,0,0,,
9,,,dermatomyositis,male,,1,0,0,,
"""
REDCAP_NAMES = """\
columns:
  patients: {record_id: patient_id, skin___1: heliotrope_rash, skin___2: gottron_papules}
  labs: {lab_test: test, lab_value: value}
constants: {labs: {unit: U/L, upper_limit: 200}}
repeated: {laboratory: labs}
"""


def test_an_export_of_redcap_is_read_as_it_is_meant(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", {"patients.csv": REDCAP})
    mapping = folder(tmp_path, {"m.yaml": REDCAP_NAMES}) / "m.yaml"
    found = findings(source, tmp_path / "out", mapping)
    assert found.select("patient_id", "heliotrope_rash", "gottron_papules", "ck_x_uln").rows() == [
        ("007", False, False, 4.5),
        ("7", True, False, None),
        # The form of this one was never opened, and that of the next is not complete.
        ("8", None, None, None),
        ("9", True, None, None),
    ]
    assert pl.read_parquet(tmp_path / "out" / "rejected.parquet").is_empty()


def test_repeated_instruments_that_no_mapping_names_are_said(tmp_path: Path) -> None:
    source = folder(tmp_path / "in", {"patients.csv": REDCAP})
    names = REDCAP_NAMES.split("  labs")[0].replace("}", ", lab_test: null, lab_value: null}")
    mapping = folder(tmp_path, {"m.yaml": names}) / "m.yaml"
    assert "2 rows of the repeated instrument laboratory" in unread(source, mapping)


def test_years_that_may_stand_for_a_missing_value_are_pointed_out(tmp_path: Path) -> None:
    source = folder(
        tmp_path / "in", {"patients.csv": "patient_id,age_at_onset\na,99\nb,0\nc,60\nd,99\n"}
    )
    assert "patients.age_at_onset: 2 rows hold 99, which is taken as it stands" in unread(source)
    assert "patients.age_at_onset: 1 rows hold 0" in unread(source)
    names = folder(tmp_path, {"m.yaml": "missing: {patients: [99, 0]}\n"}) / "m.yaml"
    assert unread(source, names) == ""
