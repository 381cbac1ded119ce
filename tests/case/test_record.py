"""From a case to a row of findings: units, dates, results, conflicts, and the doors for NaN."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import Record, conform, findings_table, record

CATALOGUE = packaged_terms().catalogue


def recorded(text: str) -> Record:
    read, wrong = check_case_text(text if "patient" in text else "patient: {id: P}\n" + text, "c")
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


def test_a_conversion_is_exact_in_decimals() -> None:
    """Else 0.09 mg/dL were 0.8999999 mg/L, and a value on a threshold would miss it."""
    for unit, factor in (("mg/dL", 10), ("µkat/L", 60)):
        test, finding = {"mg/dL": ("CRP", "crp_mg_l"), "µkat/L": ("CK", "ck_u_l")}[unit]
        for hundredths in range(10, 300):
            given, exact = hundredths / 100, float(Fraction(hundredths, 100) * factor)
            text = f"labs: [{{test: {test}, value: {given}, unit: {unit}}}]"
            assert recorded(f"{text}\nfindings: {{{finding}: {exact}}}").values[finding] == exact


@pytest.mark.parametrize("dates", [("2023", "2023-05"), ("2023-05-17", "2023-05-17")])
def test_where_the_dates_do_not_tell_the_latest_there_is_no_current_value(
    dates: tuple[str, str],
) -> None:
    one = recorded(
        "labs:\n"
        f"- {{test: CRP, value: 5, unit: mg/L, date: {dates[0]}}}\n"
        f"- {{test: CRP, value: 50, unit: mg/L, date: {dates[1]}}}\n"
        "- {test: CRP, value: 7, unit: mg/L, date: 2020}\n"
        f"visits:\n- {{date: {dates[0]}, mmt8: 100}}\n- {{date: {dates[1]}, mmt8: 140}}\n"
    )
    assert one.values == {}
    assert one.remarks == (
        "labs[0] and labs[1]: CRP: the dates do not tell which is the latest, so the current value is "
        "unknown; give the day",
        "visits[0] and visits[1]: mmt8: the dates do not tell which is the latest, so it is unknown; "
        "give the day",
    )


def test_equal_values_of_one_day_are_the_current_value() -> None:
    row = "- {test: CRP, value: 5, unit: mg/L, date: 2023-05}\n"
    assert recorded(f"labs:\n{row}{row}").values == {"crp_mg_l": 5}


def test_a_value_without_date_beside_dated_ones_is_told() -> None:
    one = recorded(
        "labs:\n- {test: CRP, value: 5, unit: mg/L, date: 2023}\n- {test: CRP, value: 9, unit: mg/L}\n"
    )
    assert one.values == {"crp_mg_l": 5}
    assert one.remarks == (
        "labs[1]: CRP without a date, so it is not taken for the current value; give date",
    )


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
        ("result: unknown, value: 30, cut_off: 20", True),
        ("result: weak, value: 30, cut_off: 20", None),
        ("result: strong, value: 30, cut_off: 20", True),
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


def test_a_word_that_its_own_value_contradicts_is_a_conflict() -> None:
    one = recorded("autoantibodies: [{antibody: SRP, result: negative, value: 80, cut_off: 20}]")
    assert one.values == {}
    (conflict,) = one.conflicts
    assert "autoantibodies[0] (line 2) says no, autoantibodies[0].value (line 2)" in conflict.text


def test_ages_and_dates_that_disagree_are_a_conflict() -> None:
    text = (
        "patient: {{id: P, age: {age}, birth_date: 1961}}\n"
        "date: 2024-03\n"
        "onset: {{age: {onset}, date: 2020}}\n"
    )
    agrees = recorded(text.format(age=62.5, onset=59))
    assert (agrees.values["age"], agrees.values["age_at_onset"], agrees.conflicts) == (62.5, 59, ())
    differs = recorded(text.format(age=52, onset=45))
    assert [one.text.split(": ")[1] for one in differs.conflicts] == [
        "patient.age (line 1) says 52, patient.birth_date (line 1) says 62",
        "onset.age (line 3) says 45, onset.date (line 3) says 58",
    ]


def test_without_a_date_of_the_assessment_an_age_is_not_doubted() -> None:
    one = recorded(
        "patient: {id: P, age: 62, birth_date: 1961}\nvisits: [{date: 2015, mmt8: 100}]\n"
    )
    assert (one.values["age"], one.conflicts) == (62, ())


def test_a_treatment_tells_how_late_the_assessment_is_at_least() -> None:
    one = recorded(
        "patient: {id: P, birth_date: 1960-03}\nvisits: [{date: 2010-05, mmt8: 100}]\n"
        "treatments: [{drug: MTX, start: 2019-04, stop: 2020-05}]\n"
    )
    assert one.values["age"] == 60


def test_an_onset_after_everything_else_is_no_duration() -> None:
    one = recorded(
        "onset: {date: 2023-06}\nlabs: [{test: CRP, value: 1, unit: mg/L, date: 2023-01}]"
    )
    assert (one.values, one.remarks) == ({"crp_mg_l": 1}, ())


def test_a_finding_that_is_a_date_needs_its_day() -> None:
    assert recorded("findings: {onset_date: 2023-05-17}").values == {
        "onset_date": date(2023, 5, 17)
    }
    vague = recorded("findings: {onset_date: 2023}")
    assert vague.values == {}
    assert "2023 leaves the day open" in vague.remarks[0]


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
    silent = recorded("biopsies: [{findings: {biopsy_rimmed_vacuoles: yes}}]")
    assert silent.values == {"biopsy_rimmed_vacuoles": True}
    assert silent.remarks == (
        "biopsies[0]: without its tissue it does not count as a muscle biopsy; give tissue",
    )


@pytest.mark.parametrize(
    ("course", "taken"),
    [
        ("start: 2020", True),
        ("start: 2020, route: oral", True),
        ("start: 2020, response: none", True),
        ("start: 2020, stop: 2021", None),
        ("start: 2020, reason_stopped: side effect", None),
        ("start: 2020, route: Topical cream", None),
        ("start: 2020, route: intra-articular", None),
        ("start: 2020, route: subcutaneous", True),
        ("response: good", None),
    ],
)
def test_a_drug_is_current_only_if_that_is_sure(course: str, taken: bool | None) -> None:
    text = f"treatments: [{{drug: prednisone, {course}}}]\n"
    whole = recorded(text + "treatments_complete: yes")
    assert whole.values.get("glucocorticoid_current") is taken
    assert recorded(text).values == {}


def test_no_response_is_an_answer() -> None:
    read, _ = check_case_text(
        "patient: {id: P}\ntreatments: [{drug: prednisone, response: none}]\n", "c"
    )
    assert read is not None
    assert read.treatments[0].response == "none"


def test_every_treatment_of_the_drug_list_is_known_by_its_names() -> None:
    terms = packaged_terms()
    names: dict[str, str] = {}
    for drug in terms.drugs.values():
        for name in (drug.id, drug.label, *drug.synonyms):
            found = terms.drug(name.upper())
            assert found is not None
            assert names.setdefault(name.lower(), found.id) == drug.id == found.id, name


def test_no_two_antibodies_share_a_name() -> None:
    terms = packaged_terms()
    for finding in terms.catalogue:
        if finding.group == "antibody" and finding.kind == "bool":
            for name in (finding.id, finding.label, *finding.synonyms):
                found = terms.antibody(name)
                assert found is not None
                assert found.id == finding.id, name


def test_no_records_are_an_empty_table_with_every_column() -> None:
    table = findings_table([], CATALOGUE)
    assert (table.height, table.width) == (0, len(CATALOGUE.findings) + 1)


def test_an_unknown_drug_is_remarked_and_kept() -> None:
    one = recorded("treatments: [{drug: methotrexat}]")
    assert one.remarks == (
        "treatments[0]: methotrexat is not in the list of drugs; did you mean Methotrexate?",
    )


def test_a_remark_is_short_whatever_was_written() -> None:
    (remark,) = recorded(
        json.dumps({"treatments": [{"drug": "x " * 190}], "patient": {"id": 1}})
    ).remarks
    assert len(remark) < 100


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


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"age": [50, -5]}, "column age: -5"),
        ({"age": [float("inf")]}, "column age: inf"),
        ({"ck_x_uln": [1e9]}, "column ck_x_uln: 1000000000.0 is impossible"),
        ({"diagnosis_label": ["foo"]}, "column diagnosis_label: foo is not one of the choices"),
    ],
)
def test_the_door_for_tables_refuses_what_a_finding_cannot_be(
    column: dict[str, list[Any]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        conform(pl.DataFrame(column), CATALOGUE)


def test_an_age_at_onset_that_its_date_denies_is_a_conflict() -> None:
    text = "patient: {id: P, age: 50}\ndate: 2023-01-01\nonset: {age: %d, date: 2022-01-01}\n"
    (conflict,) = recorded(text % 20).conflicts
    assert conflict.finding == "age_at_onset"
    assert "onset.age (line 3) says 20, onset.date (line 3) says 48" in conflict.text
    assert recorded(text % 49).conflicts == ()
    assert recorded(text % 48).conflicts == ()


def test_a_month_of_onset_is_used_as_it_is_written() -> None:
    one = recorded("patient: {id: P}\ndate: 2023-01-05\nonset: {date: 2022-06}\n")
    assert len(one.remarks) == 1
    assert one.left_open == set(one.remarks)
