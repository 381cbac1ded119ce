"""What stands in cells of registries: read as it is meant, or left open and named, at every door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from doors import DOORS, findings, folder, rejected

from myoresist.case.cells import Read
from myoresist.case.reading import packaged_terms
from myoresist.cohort import run
from myoresist.cohort.as_written import as_written
from myoresist.cohort.checking import check
from myoresist.cohort.freeze.one_patient import case_of
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.schema import Schema

Rows = Sequence[Mapping[str, Any]]
OTHERS = [door for door in DOORS if door != "csv"]


def at_doors(*cases: Any) -> list[tuple[Any, ...]]:
    """Return every case at the first door, and the first one at the others: cells are text at all."""
    first = cases[0] if isinstance(cases[0], tuple) else (cases[0],)
    rows = [("csv", *(one if isinstance(one, tuple) else (one,))) for one in cases]
    return [*rows, *((door, *first) for door in OTHERS)]


CK = {"patient_id": "P", "test": "CK", "unit": "U/L"}


def texts(rows: Rows) -> pl.DataFrame:
    names = dict.fromkeys(name for row in rows for name in row)
    data = {x: [None if row.get(x) is None else str(row[x]) for row in rows] for x in names}
    return pl.DataFrame(data, dict.fromkeys(names, pl.String))


def answered(
    door: str, path: Path, mapping: Path | None = None, **tables: Rows
) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Return the findings of the first patient, and what could not be used."""
    (path / "in").mkdir(exist_ok=True)
    given = {name: texts(rows) for name, rows in tables.items()}
    given.setdefault("patients", texts([{"patient_id": "P"}]))
    source = DOORS[door](given, path / "in")
    found = findings(source, path / "out", mapping)
    return found.row(0, named=True), rejected(path / "out")


@pytest.mark.parametrize(
    ("door", "wrong", "column"),
    at_doors(
        ({"value": "haemolysed", "upper_limit": 200, "date": "2022-05"}, "value"),
        ({"value": 22000, "upper_limit": "0-190", "date": "2022-05"}, "upper_limit"),
        ({"value": 22000, "upper_limit": 200, "date": "2022-05", "unit": "E/L"}, "unit"),
        ({"value": 22000, "upper_limit": 200, "date": "2022-05", "test": "CKK total"}, "test"),
        ({"value": 22000, "upper_limit": 3.3, "date": "2022-05"}, "upper_limit"),
        ({"value": 999, "upper_limit": 200, "date": "2022-05"}, "value"),
        ({"value": 0, "upper_limit": 200, "date": "2022-05"}, "value"),
        ({"value": "23.780", "upper_limit": 200, "date": "2022-05"}, "value"),
        ({"value": "23,780", "upper_limit": 200, "date": "2022-05"}, "value"),
    ),
)
def test_a_value_that_cannot_be_read_may_be_the_peak(
    door: str, wrong: Mapping[str, Any], column: str, tmp_path: Path
) -> None:
    later = {"value": 150, "upper_limit": 200, "date": "2023-05-17"}
    found, told = answered(door, tmp_path, labs=[CK | wrong, CK | later])
    if wrong.get("test") == "CKK total":
        # Nobody knows which test that was.
        assert [one[1] for one in told] == ["test"]
        return
    assert [one[:2] for one in told] == [("labs", column)]
    assert (found["ck_x_uln"], found["ck_raised"], found["ck_u_l"]) == (None, None, None)
    # What is dated before the last value is not the current one.
    assert found["ck_current_x_uln"] == 0.75


@pytest.mark.parametrize("door", DOORS)
def test_a_bound_is_used_as_far_as_it_goes(door: str, tmp_path: Path) -> None:
    before = {"value": ">22000", "upper_limit": 200, "date": "2022-05"}
    later = {"value": 150, "upper_limit": 200, "date": "2023-05-17"}
    found, told = answered(door, tmp_path, labs=[CK | before, CK | later])
    assert told == []
    assert (found["ck_x_uln"], found["ck_raised"], found["ck_current_x_uln"]) == (None, True, 0.75)


def test_a_bound_without_a_limit_or_between_both_sides_leaves_it_open(tmp_path: Path) -> None:
    later = CK | {"value": 150, "upper_limit": 200, "date": "2023-05-17"}
    for number, row in enumerate(
        (
            {"value": ">22000"},
            {"value": "100-900", "upper_limit": 200},
            {"value": "<300", "upper_limit": 200},
        )
    ):
        (tmp_path / str(number)).mkdir()
        found, told = answered("csv", tmp_path / str(number), labs=[CK | row, later])
        assert told == []
        assert (found["ck_x_uln"], found["ck_raised"], found["ck_current_u_l"]) == (
            None,
            None,
            None,
        )


@pytest.mark.parametrize("door", DOORS)
def test_a_bound_below_its_cut_off_is_negative(door: str, tmp_path: Path) -> None:
    found, told = answered(door, tmp_path, antibodies=[JO1 | {"value": "<20", "cut_off": 20}])
    assert (found["anti_jo1"], told) == (False, [])


def test_a_name_that_is_almost_that_of_a_test_leaves_it_open(tmp_path: Path) -> None:
    lost = {"patient_id": "P", "test": "LDHH", "value": 900, "unit": "U/L", "upper_limit": 250}
    found, _ = answered("csv", tmp_path, labs=[lost, {**lost, "test": "LDH", "value": 200}])
    assert (found["ldh_u_l"], found["ldh_x_uln"]) == (None, None)


def test_what_was_raised_stays_raised_and_what_may_be_later_is_not_current(tmp_path: Path) -> None:
    first = {"value": 5000, "upper_limit": 200, "date": "2022-05-17"}
    found, _ = answered("csv", tmp_path, labs=[CK | first, CK | {"value": "pending"}])
    assert found["ck_raised"] is True
    assert (found["ck_u_l"], found["ck_current_u_l"]) == (None, None)


def test_a_date_that_cannot_be_read_leaves_the_current_value_open(tmp_path: Path) -> None:
    first = {"value": 100, "upper_limit": 200, "date": "2022-05-17"}
    last = {"value": 5000, "upper_limit": 200, "date": "17.05.23"}
    found, told = answered("csv", tmp_path, labs=[CK | first, CK | last])
    assert told == [("labs", "date", "its year has two figures; write 2023-05-17")]
    assert (found["ck_x_uln"], found["ck_current_u_l"]) == (25, None)


def test_a_row_without_a_value_says_nothing(tmp_path: Path) -> None:
    first = {"value": 100, "upper_limit": 200, "date": "2022-05-17"}
    for number, empty in enumerate((None, "NA", "n/a", "not done")):
        folder_ = tmp_path / str(number)
        folder_.mkdir()
        found, told = answered("csv", folder_, labs=[CK | first, CK | {"value": empty}])
        assert [one[2] for one in told] == ["is empty"]
        assert found["ck_raised"] is False


def test_a_higher_value_without_a_limit_is_not_below_that_of_another(tmp_path: Path) -> None:
    rows = [CK | {"value": 22000}, CK | {"value": 150, "upper_limit": 200}]
    found, _ = answered("csv", tmp_path, labs=rows)
    # Of whose laboratory it may be: 22,000 U/L is above any limit.
    assert (found["ck_u_l"], found["ck_x_uln"], found["ck_raised"]) == (22000, None, True)


def test_values_in_units_with_decimals_have_no_thousands(tmp_path: Path) -> None:
    rows = [{**CK, "value": "3.826", "upper_limit": "2.833", "unit": "µkat/L"}]
    found, told = answered("csv", tmp_path, labs=rows)
    assert told == []
    assert found["ck_x_uln"] == pytest.approx(3.826 / 2.833)
    told_of = folder(tmp_path, {"m.yaml": "decimal: point\n"}) / "m.yaml"
    (tmp_path / "p").mkdir()
    found, told = answered("csv", tmp_path / "p", told_of, labs=[CK | {"value": "23.780"}])
    assert (found["ck_u_l"], told) == (23.78, [])


JO1 = {"patient_id": "P", "antibody": "anti-Jo-1"}


@pytest.mark.parametrize(
    ("door", "row", "whole"),
    at_doors(
        ({"value": 0, "cut_off": 0}, False),
        ({"value": 5, "cut_off": -9}, False),
        ({"value": -9, "cut_off": 20}, False),
        ({"value": "<30", "cut_off": 20}, False),
        ({"value": 80, "cut_off": None}, True),
        ({"result": "+/-"}, False),
        ({"result": "posit"}, False),
    ),
)
def test_a_result_that_cannot_be_read_leaves_the_antibody_open(
    door: str, row: Mapping[str, Any], whole: bool, tmp_path: Path
) -> None:
    rows = [JO1 | row, JO1 | {"result": "negative"}]
    found, told = answered(door, tmp_path, antibodies=rows)
    assert len(told) == 1
    assert found["anti_jo1"] is None
    # Nor does question 2 count it as negative.
    assert run.scan(tmp_path / "out", "antibody_results").collect().height == 0


def test_a_positive_result_stays_beside_one_that_cannot_be_read(tmp_path: Path) -> None:
    rows = [JO1 | {"result": "?!"}, JO1 | {"result": "positive", "method": "lin blot"}]
    found, told = answered("csv", tmp_path, antibodies=rows)
    assert found["anti_jo1"] is True
    assert [one[1] for one in told] == ["result", "method"]


def test_a_row_without_any_result_is_listed_and_changes_nothing(tmp_path: Path) -> None:
    rows = [JO1 | {"result": None, "value": None}, JO1 | {"result": "negative"}]
    found, told = answered("csv", tmp_path, antibodies=rows)
    assert [one[0] for one in told] == ["antibodies"]
    assert found["anti_jo1"] is False


@pytest.mark.parametrize(
    ("door", "written"),
    at_doors(
        "2023-05-17T11:20",
        "2023-05-17 00:00:00",
        "2023-05-17Z",
        "20230517",
        "2023-05-17 00:00:00.000",
    ),
)
def test_a_day_is_read_with_its_time_or_without_its_lines(
    door: str, written: str, tmp_path: Path
) -> None:
    rows = [CK | {"value": 900, "date": written}]
    found, told = answered(door, tmp_path, labs=rows)
    assert (found["ck_current_u_l"], told) == (900, [])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("17-05-23", "two figures"),
        ("17.05.23", "two figures"),
        ("03/04/2023", "day and month"),
        ("45063", "spreadsheet"),
        ("9999-12-31", "future"),
        ("2203-05-17", "future"),
        ("1900-01-01", "before 1920"),
        ("0017-05-23", "before 1920"),
        ("1684281600", "write 2023"),
        ("2023-02-30", "write a date"),
    ],
)
def test_a_day_that_nobody_can_have_meant_is_named(written: str, said: str, tmp_path: Path) -> None:
    course = {"patient_id": "P", "drug": "methotrexate", "start": "2023-01"}
    found, told = answered(
        "csv",
        tmp_path,
        patients=[
            {"patient_id": "P", "date": written, "baseline": written, "treatments_complete": "yes"}
        ],
        labs=[CK | {"value": 900, "date": written}],
        visits=[{"patient_id": "P", "date": written, "mmt8": 100}],
        treatments=[course | {"stop": written}],
    )
    assert len(told) == 5
    assert all(said in one[2] for one in told), told
    assert (found["ck_u_l"], found["ck_current_u_l"]) == (900, None)
    # The drug was taken; for how long nobody knows.
    trials = run.scan(tmp_path / "out", "trials").collect()
    assert trials["never_tried"].to_list() == [False] * trials.height
    assert not trials["adequate"].any()
    assert run.scan(tmp_path / "out", "courses").collect()["running"].to_list() == [None]


def test_what_is_dated_after_the_assessment_is_left_out(tmp_path: Path) -> None:
    found, told = answered(
        "csv",
        tmp_path,
        patients=[{"patient_id": "P", "date": "2023-05"}],
        labs=[CK | {"value": 900, "date": "2023-06-01"}, CK | {"value": 100, "date": "2023-05-31"}],
    )
    assert told == [("labs", "date", "lies after the date of the assessment")]
    assert found["ck_u_l"] == 100


def test_a_later_visit_that_cannot_be_read_leaves_the_current_measure_open(tmp_path: Path) -> None:
    visits = [
        {"patient_id": "P", "date": "2023-01-01", "mmt8": 100, "haq_di": 1},
        {"patient_id": "P", "date": "2023-06-01", "mmt8": "l40", "haq_di": 2},
    ]
    found, _ = answered("csv", tmp_path, visits=visits)
    assert (found["mmt8_150"], found["haq_di"]) == (None, 2)


def test_enzymes_of_visits_are_laboratory_values_for_every_question(tmp_path: Path) -> None:
    visits = [
        {"patient_id": "P", "date": "2023-01-01", "ck_ukat_l": "100", "ck_uln_ukat_l": 3},
        {"patient_id": "P", "date": "2023-06-01", "ck_ukat_l": "2", "ck_uln_ukat_l": 3},
    ]
    found, told = answered("csv", tmp_path, visits=visits)
    assert (found["ck_u_l"], found["ck_current_u_l"], found["ck_normal_now"]) == (6000, 120, True)
    assert told == []
    inputs = run.scan(tmp_path / "out", "inputs").collect()
    assert dict(inputs.select("table", "rows").rows()) == {"patients": 1, "visits": 2}
    labs = [{**CK, "value": 6000, "upper_limit": 180, "date": "2023-01-01"}]
    case = case_of(folder(tmp_path / "page", {
        "patients.csv": "patient_id\nP\n",
        "visits.csv": "patient_id,date,ck_u_l,ck_uln_u_l\nP,2023-01-01,6000,180\n",
    }), "P")  # fmt: skip
    assert [(x.test, x.value, x.upper_limit) for x in case.labs] == [("ck", 6000, 180)]
    # The same value stands in both tables: it is one.
    later = {"patient_id": "P", "date": "2023-01-01", "ck_u_l": "l00", "ck_uln_u_l": 180}
    tables = {"patients": texts([{"patient_id": "P"}]), "labs": texts(labs)}
    both = [later | {"ck_u_l": "6000"}]
    once = assess_tables({**tables, "visits": texts(both)})["findings"]
    assert once["ck_current_u_l"].to_list() == [6000]
    # What cannot be read is told of the visit, once, and may be the peak.
    open_ = assess_tables({**tables, "visits": texts([later])})
    assert open_["findings"]["ck_u_l"].to_list() == [None]
    assert open_["rejected"].select("table", "row", "column").rows() == [("visits", 1, "ck_u_l")]
    # What the patients say of it themselves goes first.
    own = {"patients": texts([{"patient_id": "P", "ck_u_l": 9000}]), "visits": texts(both)}
    assert assess_tables(own)["findings"]["ck_u_l"].to_list() == [9000]


@pytest.mark.parametrize("column", ["ck_uln_u_l", "ck_x_uln", "ldh_uln_u_l", "aldolase_x_uln"])
@pytest.mark.parametrize("value", [0, -9, 1e9])
def test_an_impossible_limit_of_one_visit_stops_nobody_else(
    column: str, value: float, tmp_path: Path
) -> None:
    if column.endswith("x_uln") and value == 0:
        pytest.skip("a multiple of nothing is possible")
    visits = [
        {"patient_id": "P", "date": "2023-01-01", "mmt8": 100, column: value},
        {"patient_id": "Q", "date": "2023-01-01", "mmt8": 100, column: None},
    ]
    patients = [{"patient_id": "P"}, {"patient_id": "Q"}]
    _, told = answered("csv", tmp_path, patients=patients, visits=visits)
    assert [one[:2] for one in told] == [("visits", column)]
    assert run.scan(tmp_path / "out", "findings").collect()["mmt8_150"].to_list() == [100, 100]


@pytest.mark.parametrize("door", ["csv", "sqlite"])
@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"frequency": "1-0-1"}, "frequency"),
        ({"frequency": "biweekly"}, "frequency"),
        ({"frequency": "every 10000000000000000000 weeks"}, "frequency"),
        ({"unit": "mg/tab"}, "unit"),
        ({"route": "per rectumm"}, "route"),
        ({"drug": "methotrexat"}, "drug"),
        ({"unit": "mg/day"}, "frequency"),
    ],
)
def test_words_of_a_course_that_are_not_understood_leave_its_dose_open(
    door: str, cells: Mapping[str, Any], column: str, tmp_path: Path
) -> None:
    course = {
        "patient_id": "P", "drug": "methotrexate", "dose": 20, "unit": "mg", "frequency": "weekly",
        "route": "oral", "start": "2022-01-01", "stop": "2023-01-01", "response": "none",
    }  # fmt: skip
    _, told = answered(door, tmp_path, treatments=[course | cells])
    # Methotrexate in mg a day is told as a dose that is too high as well.
    expected = ["dose", column] if cells.get("unit") == "mg/day" else [column]
    assert [one[:2] for one in told] == [("treatments", one) for one in expected]
    trials = run.scan(tmp_path / "out", "trials").filter(trial="methotrexate").collect()
    assert trials["state"].to_list() == ([] if column == "drug" else ["undetermined"])
    problems = check(tmp_path / "in" / "r.db" if door == "sqlite" else tmp_path / "in").problems
    assert problems["column"].to_list() == expected


@pytest.mark.parametrize("weeks", [2e18, -1, 0, 5000])
def test_weeks_are_those_of_a_lifetime(weeks: float, tmp_path: Path) -> None:
    course = {"patient_id": "P", "drug": "methotrexate", "weeks": weeks}
    _, told = answered("parquet", tmp_path, treatments=[course])
    assert [one[1] for one in told] == ["weeks"]


@pytest.mark.parametrize("code", [-9, -99, 999, 9999])
def test_usual_codes_for_a_missing_value_are_asked_about(code: int, tmp_path: Path) -> None:
    patients = [{"patient_id": "P", "weakness_duration_months": code}]
    found, told = answered("csv", tmp_path, patients=patients)
    assert found["weakness_duration_months"] is None
    assert "usual code for a missing value" in told[0][2]
    if code > 0:
        mapping = folder(tmp_path, {"m.yaml": "missing: []\n"}) / "m.yaml"
        (tmp_path / "named").mkdir()
        found, told = answered("csv", tmp_path / "named", mapping, patients=patients)
        assert (found["weakness_duration_months"], told) == (code if code < 1200 else None, told)


def test_a_final_diagnosis_that_is_no_disease_is_named(tmp_path: Path) -> None:
    patients = [{"patient_id": "P", "final_diagnosis": "foo"}]
    _, told = answered("csv", tmp_path, patients=patients)
    assert told == [("patients", "final_diagnosis", "is no disease of the differential")]


def test_numbers_held_as_such_have_the_same_bounds_as_text() -> None:
    frames = {
        "patients": pl.DataFrame({"patient_id": ["P"]}),
        "labs": pl.DataFrame([CK | {"value": 999.0, "upper_limit": 200.0}]),
        "antibodies": pl.DataFrame([JO1 | {"value": 5.0, "cut_off": 0.0}]),
        "treatments": pl.DataFrame([{"patient_id": "P", "drug": "methotrexate", "weeks": 2e18}]),
    }
    assert assess_tables(frames)["rejected"]["column"].to_list() == ["cut_off", "value", "weeks"]


WRITTEN = (
    "2023-05-17", "2023-02-30", "2023-5-17", "1890-01-01", "2300-01-01", "20230517", "2023-05",
    "2023", "1", "12.5", "-3", "-0", "00012", "23.780", "1.234.567", "1.000", "999", "-9", "99.0",
    "1e5", "+4", ".5", "5.", "9999999999999999999999", "0.1000000000000000055511151231257827",
    "nan", "inf", "١٢", "1_0", "NA", "Unknown", "K", "abc", "éa", "none", "true", "N",
)  # fmt: skip
SPACED = ("", "na ", "2023-05-17 ", "a b", "\x1cx")


def test_cells_that_are_read_together_say_what_each_says_alone() -> None:
    tables = Schema(packaged_terms()).tables.values()
    columns = {column for table in tables for column in table.values()}
    texts = [*WRITTEN, *SPACED]
    for column in columns:
        for text, value in zip(texts, as_written(pl.Series(texts), column).to_list(), strict=True):
            assert value is None or column.read(text) == Read(value), (column, text)


def test_a_course_that_ends_after_the_assessment_runs_on_its_day(tmp_path: Path) -> None:
    course = {
        "patient_id": "P",
        "drug": "methotrexate",
        "start": "2023-01-02",
        "stop": "2023-09-01",
    }
    _, told = answered(
        "csv",
        tmp_path,
        patients=[{"patient_id": "P", "date": "2023-05-31"}],
        treatments=[course, course | {"drug": "azathioprine", "start": "2023-06-02"}],
    )
    late = "lies after the date of the assessment"
    assert sorted(told) == [("treatments", "start", late), ("treatments", "stop", late)]
    courses = run.scan(tmp_path / "out", "courses").collect()
    assert courses.select("drug", "running").rows() == [("methotrexate", True)]


def test_a_multiple_of_the_limit_is_not_normal_because_its_limit_is_higher() -> None:
    labs = {"patient_id": ["a", "b"], "test": ["CK"] * 2, "value": ["25", "0.5"],
            "unit": ["xULN", "× ULN"], "upper_limit": ["190"] * 2, "date": ["2020-01-01"] * 2}  # fmt: skip
    patients = pl.DataFrame({"patient_id": ["a", "b"]})
    found = assess_tables({"patients": patients, "labs": pl.DataFrame(labs)})
    assert found["findings"]["ck_normal_now"].to_list() == [None, True]
    assert found["rejected"]["reason"].str.contains("is a multiple of the limit, not a unit").all()
