"""Values of blood, lungs and heart: read in their units, with limits on both sides."""

from __future__ import annotations

import polars as pl
import pytest

from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import record
from myoresist.case.units import converted, spelling
from myoresist.cohort.registry import assess_tables

TERMS = packaged_terms()


def values(**sections: object) -> dict[str, object]:
    case = Case.model_validate({"patient": {"id": "P"}, **sections})
    return dict(record(case).values)


def test_limits_on_both_sides_are_kept_in_one_unit() -> None:
    ft4 = {"test": "fT4", "value": 0.4, "unit": "ng/dL", "lower_limit": 0.9, "upper_limit": 1.7}
    assert values(labs=[ft4]) == {
        "ft4_pmol_l": pytest.approx(5.148),
        "ft4_lln_pmol_l": pytest.approx(11.583),
        "ft4_uln_pmol_l": pytest.approx(21.879),
    }


@pytest.mark.parametrize(
    ("test", "unit", "value", "kept"),
    [
        ("creatinine", "mg/dL", 1.0, 88.4),
        ("calcium", "mg/dL", 10.0, 2.495),
        ("lymphocytes", "/µL", 600.0, 0.6),
        ("lymphocytes", "10^9/L", 0.6, 0.6),
        ("troponin I", "ng/mL", 0.04, 40.0),
        ("IgG", "mg/dL", 700.0, 7.0),
        ("TSH", "µIU/mL", 40.0, 40.0),
        ("DLCO", "% predicted", 39.0, 39.0),
    ],
)
def test_a_value_is_kept_in_one_unit(test: str, unit: str, value: float, kept: float) -> None:
    known = TERMS.lab(test)
    assert known is not None
    spelt = spelling(unit, known)
    assert spelt is not None
    assert converted(value, spelt, known) == pytest.approx(kept)


def test_every_unit_of_every_test_can_be_converted() -> None:
    for test in TERMS.labs.values():
        assert all(converted(1.0, unit, test) > 0 for unit in test.units)


def test_titre_and_pattern_of_antinuclear_antibodies() -> None:
    ana = {"antibody": "ANA", "result": "positive", "titre": "1:320", "pattern": "nucleolar"}
    assert values(autoantibodies=[ana]) == {"ana": True, "ana_titre": 320, "ana_nucleolar": True}
    other = {"antibody": "ANA", "result": "positive", "pattern": "striped"}
    case = Case.model_validate({"patient": {"id": "P"}, "autoantibodies": [other]})
    assert record(case).remarks == ("autoantibodies[0]: pattern striped is not known",)


def test_an_impossible_saturation_is_refused() -> None:
    text = "patient: {id: P}\nlabs: [{test: SpO2, value: 101, unit: '%'}]"
    (problem,) = check_case_text(text, "c")[1]
    said = "101 % is impossible for SpO2; it lies between 20 and 100 %; check the unit"
    assert problem.message == said


@pytest.mark.parametrize(
    ("values", "fallen"),
    [
        ("2023-01: 80, 2024-01: 72", True),
        ("2023-01: 80, 2024-01: 73", None),
        ("2024-01: 80, 2023-01: 60", None),
        ("2022-01: 60, 2023-01: 80, 2024-01: 70", True),
        # Nobody knows which was the later one.
        ("2023: 80, 2023-05: 60", None),
        ("0: 80, 12: 70", True),
        ("12: 80, 0: 70", None),
    ],
)
def test_a_fall_of_vital_capacity_follows_from_two_values(values: str, fallen: bool | None) -> None:
    rows = ""
    for one in values.split(", "):
        when, value = one.split(": ")
        key = "date" if len(when) > 3 else "week"
        rows += f"- {{test: FVC, value: {value}, unit: '%', {key}: {when}}}\n"
    text = f"patient: {{id: P}}\nlabs:\n{rows}"
    case, wrong = check_case_text(text, "c")
    assert case is not None, wrong
    assert record(case).values.get("fvc_decline_10pct") == fallen
    table = [{"patient_id": "P", "test": "FVC", "value": str(x.value), "unit": "%", "date": str(x.date)}
             for x in case.labs if x.date]  # fmt: skip
    if table:
        patients = pl.DataFrame({"patient_id": ["P"]})
        found = assess_tables({"patients": patients, "labs": pl.DataFrame(table)})
        assert found["findings"]["fvc_decline_10pct"].to_list() == [fallen]
