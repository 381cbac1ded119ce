"""From a case to a row of findings: units, dates, results, conflicts, and the doors for NaN."""

from __future__ import annotations

import polars as pl
import pytest

from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import Record, conform, findings_table, record

CATALOGUE = packaged_terms().catalogue


def recorded(text: str) -> Record:
    read, wrong = check_case_text(text if "patient:" in text else "patient: {id: P}\n" + text, "c")
    assert read is not None, wrong
    return record(read)


@pytest.mark.parametrize(
    ("unit", "value", "limit"),
    [
        ("U/L", 1200.0, 200.0),
        ("IU/L", 1200.0, 200.0),
        ("µkat/L", 20.0, 10 / 3),
        ("ukat/L", 20.0, 10 / 3),
    ],
)
def test_ck_in_any_unit_is_the_same_multiple(unit: str, value: float, limit: float) -> None:
    values = recorded(
        f"labs: [{{test: CK, value: {value}, unit: {unit}, upper_limit: {limit}}}]"
    ).values
    assert values["ck_u_l"] == pytest.approx(1200)
    assert values["ck_uln_u_l"] == pytest.approx(200)


def test_the_peak_is_the_highest_multiple_and_the_current_value_the_latest() -> None:
    values = recorded(
        "labs:\n"
        "- {test: CK, value: 3000, unit: U/L, upper_limit: 300, date: 2020}\n"
        "- {test: CK, value: 2500, unit: U/L, upper_limit: 200, date: 2021}\n"
        "- {test: CPK, value: 100, unit: U/L, upper_limit: 200, date: 2022-03}\n"
    ).values
    assert (values["ck_u_l"], values["ck_uln_u_l"]) == (2500, 200)
    assert (values["ck_current_u_l"], values["ck_current_uln_u_l"]) == (100, 200)


def test_a_value_without_limit_or_date_is_told_and_not_guessed() -> None:
    one = recorded("labs: [{test: CK, value: 3000, unit: U/L}]")
    assert "ck_uln_u_l" not in one.values
    assert "ck_current_u_l" not in one.values
    assert any("without its upper limit" in remark for remark in one.remarks)
    assert any("without a date" in remark for remark in one.remarks)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("result: negative", False),
        ("result: weak", None),
        ("result: moderate", True),
        ("result: strong", True),
        ("result: positive", True),
        ("result: unknown", None),
        ("value: 20, cut_off: 20", True),
        ("value: 19.9, cut_off: 20", False),
    ],
)
def test_an_antibody_result(entry: str, value: bool | None) -> None:
    one = recorded(f"autoantibodies: [{{antibody: Jo-1, {entry}}}]")
    assert one.values.get("anti_jo1") is value


@pytest.mark.parametrize(
    "name", ["Jo-1", "anti-Jo-1", "anti_jo1", "ANTI JO1", "Anti-Jo-1 (histidyl-tRNA synthetase)"]
)
def test_an_antibody_by_any_of_its_names(name: str) -> None:
    assert recorded(f"autoantibodies: [{{antibody: {name}, result: strong}}]").values == {
        "anti_jo1": True
    }


def test_two_results_that_disagree_leave_the_antibody_unknown() -> None:
    one = recorded(
        "autoantibodies:\n- {antibody: SRP, method: line blot, result: strong}\n"
        "- {antibody: SRP, method: immunoprecipitation, result: negative}\n"
    )
    assert "anti_srp" not in one.values
    (conflict,) = one.conflicts
    assert (
        "autoantibodies[0] (line 3) says yes, autoantibodies[1] (line 4) says no" in conflict.text
    )


def test_dates_give_ages_only_when_they_leave_no_doubt() -> None:
    sure = recorded(
        "patient: {id: P, birth_date: 1960-03-01}\ndate: 2020-03-01\nonset: {date: 2010-06}\n"
    )
    assert (sure.values["age"], sure.values["age_at_onset"]) == (60, 50)
    assert "weakness_duration_months" not in sure.values
    vague = recorded("patient: {id: P, birth_date: 1960}\ndate: 2020\nonset: {date: 2010}\n")
    assert vague.values == {}
    assert any("leaves 59 to 60 open" in remark for remark in vague.remarks)


def test_the_latest_visit_counts_measure_by_measure_in_any_order() -> None:
    visits = ["{date: 2022, mmt8: 110}", "{date: 2021-05, mmt8: 90, haq_di: 2}"]
    for order in (visits, visits[::-1]):
        values = recorded("visits:\n" + "".join(f"- {visit}\n" for visit in order)).values
        assert (values["mmt8_150"], values["haq_di"]) == (110, 2)


def test_a_muscle_biopsy_was_done_and_its_silence_is_unknown() -> None:
    values = recorded(
        "biopsies: [{tissue: muscle, findings: {biopsy_rimmed_vacuoles: unknown}}]"
    ).values
    assert values == {"biopsy_done": True}
    assert recorded("biopsies: [{tissue: skin}]").values == {}


def test_an_unknown_drug_is_remarked_and_kept() -> None:
    one = recorded("treatments: [{drug: methotrexat}]")
    assert one.remarks == (
        "treatments[0]: methotrexat is not in the list of drugs; did you mean Methotrexate?",
    )


def test_nan_becomes_null_at_the_door_for_tables() -> None:
    table = pl.DataFrame({"patient_id": ["1", "2"], "ck_x_uln": [float("nan"), 5.0]})
    assert conform(table, CATALOGUE)["ck_x_uln"].to_list() == [None, 5.0]


def test_nan_cannot_enter_through_a_record() -> None:
    one = Record("P", {"ck_x_uln": float("nan")}, (), (), ())
    assert findings_table([one], CATALOGUE)["ck_x_uln"].to_list() == [None]


def test_the_door_for_tables_refuses_what_it_does_not_know() -> None:
    with pytest.raises(
        ValueError, match="column heliotrop_rash: unknown finding; did you mean heliotrope_rash"
    ):
        conform(pl.DataFrame({"heliotrop_rash": [True]}), CATALOGUE)
    with pytest.raises(ValueError, match="column ild: holds String, but Boolean is expected"):
        conform(pl.DataFrame({"ild": ["yes"]}), CATALOGUE)
