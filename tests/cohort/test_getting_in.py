"""What a registry holds as dates, in its own forms and beside ours: ages, forms of dates, columns kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pyreadstat
import pytest

from myoresist.case.reading import packaged_terms
from myoresist.cohort import run
from myoresist.cohort.names import Names
from myoresist.cohort.registry import TABLES, assess_tables
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import SourceError, open_source
from myoresist.document import DocumentError

DATED = {
    "patient_id": ["a", "b", "c", "d"],
    "date": ["2020-06-15"] * 4,
    "birth_date": ["1960-06-15", "1960", "1960-07", "1960-06-16"],
    "onset_date": ["2018-03", "2018", "2018-03-02", "2018-03-02"],
    "age": [None, None, None, "40"],
}
COURSE = {
    "patient_id": "a",
    "drug": "methotrexate",
    "dose": "20",
    "unit": "mg",
    "frequency": "weekly",
}


def test_dates_give_ages_where_they_leave_no_doubt() -> None:
    found = assess_tables({"patients": pl.DataFrame(DATED)})
    findings = found["findings"]
    # On the birthday; in a year that leaves two ages; before the month; and against the age that is written.
    assert findings["age"].to_list() == [60.0, None, 59.0, None]
    assert findings["age_at_onset"].to_list() == [57.0, None, 57.0, None]
    assert findings["weakness_duration_months"].to_list() == [None, None, 27.0, None]
    assert findings["onset_date"].cast(pl.String).to_list() == [None, None, *["2018-03-02"] * 2]
    assert ("d", "age") in found["conflicts"].select("patient_id", "finding").rows()


def written(folder: Path, mapping: str, **tables: str) -> Path:
    """Write tables and a mapping file, answer, and return the answers."""
    source = folder / "in"
    source.mkdir()
    for name, text in tables.items():
        (source / f"{name}.csv").write_text(text)
    (folder / "m.yaml").write_text(mapping)
    job = run.prepare(source, folder / "out", folder / "m.yaml")
    run.answer(job)
    run.finish(job)
    return job.out


def test_a_mapping_says_how_dates_are_written_and_what_is_kept(tmp_path: Path) -> None:
    out = written(
        tmp_path,
        'dates: ["%d.%m.%Y", "%m/%Y"]\nkeep: {zentrum: site}\n',
        patients="patient_id,zentrum,birth_date,date,label\n"
        "a,Wien,25.01.1960,15.06.2020,dermatomyositis\nb, ,05/1970,2020-06-15,polymyositis\n",
        treatments="patient_id,drug,dose,unit,frequency,start\na,prednisone,40,mg,daily,03/2019\n",
    )
    findings = run.scan(out, "findings").collect()
    assert findings.columns[:2] == ["patient_id", "site"]
    assert findings.select("site", "age").rows() == [("Wien", 60.0), (None, 50.0)]
    for table in TABLES:
        if table != "rejected":
            assert run.scan(out, table).collect_schema().names()[1] == "site"
    start = run.scan(out, "courses").collect().row(0, named=True)
    assert [str(start[x]) for x in ("start", "start_last")] == ["2019-03-01", "2019-03-31"]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("keep: [site]", "keep.site: is no column of this table"),
        ('keep: {site: "my site"}', "write a name of letters"),
        ('dates: ["%d.%m.%y"]', "write %Y for the year"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path: Path, mapping: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        written(tmp_path, mapping, patients="patient_id\na\n")


def test_what_is_kept_has_a_name_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"call it otherwise: keep: \{state: NAME\}"):
        written(tmp_path, "keep: [state]", patients="patient_id,state\na,Wien\n")


def test_every_unknown_column_is_named_at_once() -> None:
    table = pl.DataFrame({"patient_id": ["a"], "record_id": ["1"], "agge": ["5"], "clerk": ["x"]})
    with pytest.raises(SourceError, match=r"record_id, agge \(did you mean age\?\), clerk are not"):
        assess_tables({"patients": table})


@pytest.mark.parametrize("column", ["dose", "start", "stop", "ongoing", "weeks", "reason_stopped"])
def test_a_cell_of_a_course_that_cannot_be_read_is_unknown_and_the_course_stays(
    column: str,
) -> None:
    course = {**COURSE, "start": "2019-01-01", column: "lost to FU"}
    patients = {"patient_id": ["a"], "date": ["2020-01-01"], "treatments_complete": ["yes"]}
    found = assess_tables(
        {"patients": pl.DataFrame(patients), "treatments": pl.DataFrame([course])}
    )
    assert found["rejected"].select("column", "whole_row").rows() == [(column, False)]
    assert found["courses"]["drug"].to_list() == ["methotrexate"]
    running = found["courses"]["running"].to_list()
    # Where its end cannot be read, nobody knows whether it goes on.
    assert running == [True if column == "dose" else None]
    assert found["trials"].filter(pl.col("trial") == "methotrexate")["never_tried"].to_list() == [
        False
    ]


def test_a_limit_that_cannot_be_read_leaves_its_value() -> None:
    ck = {"test": "CK", "unit": "U/L", "upper_limit": "0-190"}
    rows = [
        {"patient_id": "a", "value": "900", "date": "2020-01-01", **ck},
        # Of several nobody knows which is the highest multiple; the last one is what it is.
        {"patient_id": "b", "value": "900", "date": "2020-01-01", **ck},
        {"patient_id": "b", "value": "600", "date": "2019-01-01", **ck, "upper_limit": "200"},
        # Its date may be later than that of the other.
        {"patient_id": "c", "value": "900", "date": "01/02/2020", **ck},
        {"patient_id": "c", "value": "600", "date": "2019-01-01", **ck, "upper_limit": "200"},
    ]
    found = assess_tables(
        {"patients": pl.DataFrame({"patient_id": ["a", "b", "c"]}), "labs": pl.DataFrame(rows)}
    )
    findings = found["findings"]
    assert findings["ck_u_l"].to_list() == [900, None, None]
    assert findings["ck_current_u_l"].to_list() == [900, 900, None]
    assert findings["ck_x_uln"].to_list() == [None, None, None]
    assert findings["ck_current_x_uln"].to_list() == [None, None, None]
    assert not found["rejected"]["whole_row"].any()


def test_the_unit_of_the_row_may_stand_in_the_cell() -> None:
    rows = [
        {
            "patient_id": "a",
            "test": "CK",
            "unit": "U/L",
            "value": "900 u/l",
            "upper_limit": "190 U/L",
        },
        {"patient_id": "b", "test": "CK", "unit": "U/L", "value": "<30U/L", "upper_limit": "190"},
        {
            "patient_id": "c",
            "test": "CK",
            "unit": "U/L",
            "value": "15 µkat/L",
            "upper_limit": "190",
        },
    ]
    found = assess_tables(
        {"patients": pl.DataFrame({"patient_id": ["a", "b", "c"]}), "labs": pl.DataFrame(rows)}
    )
    assert found["findings"]["ck_u_l"].to_list() == [900, None, None]
    assert found["rejected"].select("patient_id", "column").rows() == [("c", "value")]


def test_what_a_column_cannot_hold_is_refused_with_its_line(tmp_path: Path) -> None:
    lines = (
        "values:", "  patients:", "    sex: {f: femal}", '    ild: {"2": maybe}', "constants:",
        "  treatments: {response: so-so}", "rows:", "  treatments:",
        "  - {columns: {ild: drug}, constants: {ongoing: perhaps}}",
    )  # fmt: skip
    (tmp_path / "m.yaml").write_text("\n".join(lines))
    with pytest.raises(DocumentError) as wrong:
        Names.read(tmp_path / "m.yaml", Schema(packaged_terms()))
    said = [str(x).removeprefix(f"{tmp_path}/") for x in wrong.value.problems]
    assert said == [
        "m.yaml:3: values.patients.sex.f: femal is nothing that sex can hold; write female, male, unknown; "
        "did you mean female?",
        "m.yaml:4: values.patients.ild.2: maybe is nothing that ild can hold; write yes, no or unknown",
        "m.yaml:6: constants.treatments.response: so-so is nothing that response can hold; write worse, "
        "none, partial, good, complete, good, then lost, unknown",
        "m.yaml:9: rows.treatments.0.constants.ongoing: perhaps is nothing that ongoing can hold; write yes, "
        "no or unknown",
    ]


def test_days_of_a_spreadsheet_are_dates_when_the_mapping_says_so(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text('dates: ["%d.%m.%Y", spreadsheet]\n')
    days = ["22280", "22280.0", "31.12.2019", "2019", "220", None]
    rows = {"patient_id": list("abcdef"), "birth_date": days}
    pl.DataFrame(rows).write_csv(tmp_path / "p.csv")
    pl.DataFrame({"patient_id": ["a"], "birth_date": [22280.0]}).write_parquet(
        tmp_path / "p.parquet"
    )
    read = ["1960-12-30", "1960-12-30", "2019-12-31", "2019", "220", None]
    for name, expected in (("p.csv", read), ("p.parquet", read[:1])):
        source = open_source(
            tmp_path / name, Schema(packaged_terms()), tmp_path, tmp_path / "m.yaml"
        )
        assert source.tables["patients"].collect()["birth_date"].to_list() == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("p.csv.gz", "is packed; unpack it first"),
        ("p.json", "has one object a line"),
        ("p.sas7bdat", "a file of SAS; save it as CSV"),
        ("p.sav", "cannot be read as a file of SPSS or Stata"),
    ],
)
def test_a_file_that_is_no_table_says_what_to_do(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("[]")
    with pytest.raises(SourceError, match=said):
        open_source(tmp_path / name, Schema(packaged_terms()), tmp_path)


def test_a_ready_mapping_says_that_it_is_for_another_export(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("nr,geschlecht\n1,w\n")
    with pytest.raises(SourceError) as wrong:
        open_source(tmp_path / "p.csv", Schema(packaged_terms()), tmp_path, Path("imacs"))
    said = str(wrong.value)
    assert "none of the columns that imacs.yaml names (imacs_number, assessor, " in said
    assert said.endswith("; it has nr, geschlecht; --draft-mapping proposes a mapping file")


def test_files_of_spss_and_stata_are_read_with_the_labels_of_their_values(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"patient_id": [1.0, 2.0], "sex": [1.0, 2.0], "age": [50.5, 99.0], "ild": [0.0, None],
         "date": [date(2020, 1, 2)] * 2}
    )  # fmt: skip
    labels = {"sex": {1: "female", 2: "male"}, "ild": {0: "no", 1: "yes"}, "age": {99: "not known"}}
    pyreadstat.write_sav(
        frame, str(tmp_path / "p.sav"), variable_value_labels=labels, missing_ranges={"age": [99]}
    )
    pyreadstat.write_dta(frame, str(tmp_path / "p.dta"), variable_value_labels=labels)
    for name, second in (("p.sav", None), ("p.dta", 99.0)):
        source = open_source(tmp_path / name, Schema(packaged_terms()), tmp_path)
        read = source.tables["patients"].collect()
        assert read.select("patient_id", "sex", "age", "ild", "date").rows() == [
            ("1", "female", 50.5, "no", date(2020, 1, 2)),
            ("2", "male", second, None, date(2020, 1, 2)),
        ]
