"""What a case file says that nobody can have meant, and what is said of words that are easily confused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from myoresist import assess
from myoresist.assessment import doubts
from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import record
from myoresist.case.words import WORDS, case_schema, words


def problems(text: str) -> list[str]:
    return [str(one) for one in check_case_text("patient: {id: P}\n" + text, "c")[1]]


def case(text: str) -> Case:
    head = "" if "patient" in text else "patient: {id: P}\n"
    read, wrong = check_case_text(head + text, "c")
    assert read is not None, wrong
    return read


def values(text: str) -> dict[str, Any]:
    return dict(record(case(text)).values)


def test_answers_and_numbers_in_quotes_are_what_they_say() -> None:
    said = {
        "patient": {"id": "P", "sex": "Female", "age": "62"},
        "findings": {"dysphagia": "yes", "ild": "No", "calcinosis": "Unknown", "ck_x_uln": "5"},
        "labs": [{"test": "CK", "value": "9000", "unit": "U/L", "upper_limit": "200"}],
        "treatments": [{"drug": "methotrexate", "ongoing": "yes", "response": "None"}],
        "treatments_complete": "no",
    }
    found = case(json.dumps(said))
    assert (found.treatments_complete, found.treatments[0].ongoing) == (False, True)
    known = record(found).values
    wanted = {"dysphagia": True, "ild": False, "ck_u_l": 9000, "sex_female": True, "age": 62}
    assert {x: known.get(x) for x in wanted} == wanted
    assert "calcinosis" not in known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("labs: [{test: CK, value: 23.780, unit: U/L, upper_limit: 200}]", "thousands"),
        ("labs: [{test: CK, value: '23.780', unit: U/L}]", "thousands"),
        ("labs: [{test: CK, value: 20, unit: µkat/L, upper_limit: 200}]", "check the unit"),
        ("labs: [{test: CK, value: 190, unit: U/L, upper_limit: 3.3}]", "check the unit"),
        ("labs: [{test: CK, value: 900000, unit: U/L, upper_limit: 100}]", "2000 times"),
        ("labs: [{test: CK, value: 0, unit: U/L}]", "impossible"),
        ("labs: [{test: CK, value: 9, unit: U/L, date: 9999-12-31}]", "future"),
        ("visits: [{date: 17-05-23}]", "two figures"),
        ("visits: [{date: 1900-01-01}]", "before 1920"),
        ("findings: {ck_u_l: 23.780}", "thousands"),
        ("treatments: [{drug: methotrexate, start: 9999}]", "future"),
        ("treatments: [{drug: methotrexate, weeks: 2e18}]", "more than"),
        ("treatments: [{drug: x, frequency: every 99999 weeks}]", "not a frequency"),
        ("treatments: [{drug: methotrexate, dose: 15, unit: mg/day, frequency: weekly}]", "less often"),
        ("treatments: [{drug: methotrexate, dose: 15, frequency: biweekly}]", "not a frequency"),
        ("notes: \"a\\0b\"", "U+0000"),
        ("findings: [1]\nlabel: " + "x" * 401, "401 characters"),
        ("visits:\n" + "- {date: 2023}\n" * 301, "301 entries"),
    ],
)  # fmt: skip
def test_what_nobody_can_have_meant_is_refused(text: str, said: str) -> None:
    assert any(said in one for one in problems(text)), problems(text)


def test_a_birth_before_a_lifetime_is_refused() -> None:
    _, wrong = check_case_text("patient: {id: P, birth_date: 1900-01-01}", "c")
    assert "before" in wrong[0].message


@pytest.mark.parametrize("date", ["2023-05-17T11:20", "'2023-05-17 00:00:00'", "20230517"])
def test_a_day_with_a_time_is_that_day(date: str) -> None:
    assert str(case(f"visits: [{{date: {date}}}]").visits[0].date) == "2023-05-17"


PEAK = (
    "labs: [{{test: CK, value: unknown, unit: U/L{}}}, "
    "{{test: CK, value: {}, unit: U/L, upper_limit: 200, date: 2023-05-17}}]"
)


def test_a_value_that_is_not_known_leaves_open_what_it_could_have_changed() -> None:
    normal = values(PEAK.format(", date: 2022", 150))
    assert "ck_u_l" not in normal
    assert normal["ck_current_u_l"] == 150
    raised = values(PEAK.format("", 5000))
    assert raised == {"ck_raised": True}


def test_a_higher_value_without_a_limit_is_not_below_that_of_another() -> None:
    found = values(
        "labs: [{test: CK, value: 22000, unit: U/L}, {test: CK, value: 150, unit: U/L, upper_limit: 200}]"
    )
    assert (found["ck_u_l"], "ck_uln_u_l" in found) == (22000, False)


COURSE = (
    "label: dermatomyositis\ntreatments_complete: yes\ntreatments:\n- {{drug: {}, start: 2022-01-01, "
    "stop: 2022-12-31, response: none}}\n"
)


@pytest.mark.parametrize(
    ("given", "trial", "said"),
    [
        ("methotrexate, dose: 20, unit: mg, frequency: daily, route: oral", "methotrexate", "daily?"),
        ("methotrexate, dose: 2.5, unit: g, frequency: weekly, route: oral", "methotrexate", "usual dose"),
        ("prednisone, dose: 60, unit: g, frequency: daily", "glucocorticoid_oral", "usual dose"),
        ("mycophenolate, dose: 2000, unit: g, frequency: daily", "mycophenolate", "usual dose"),
        ("prednisone, dose: 60, unit: mg, frequency: daily, route: topicl", "glucocorticoid_oral", "topicl"),
    ],
)  # fmt: skip
def test_a_dose_that_nobody_gives_is_noted_and_counts_as_no_trial(
    given: str, trial: str, said: str
) -> None:
    one = case(COURSE.format(given))
    assert any(said in note for note in doubts(one))
    found = {x.id: x.verdict for x in assess(one).resistance.treatment.trials}
    assert found[trial] == "undetermined"


def test_methotrexate_that_is_taken_daily_now_reaches_the_stop() -> None:
    text = COURSE.format("methotrexate, dose: 15, unit: mg, frequency: daily, route: oral")
    taken = case(text.replace("stop: 2022-12-31", "ongoing: yes"))
    urgent = " ".join(str(one) for one in assess(taken).treatment.urgent)
    assert "methotrexate" in urgent.lower()


def test_a_suggestion_is_never_the_opposite() -> None:
    (told,) = problems("findings: {objective_weaknes: yes}")
    assert "no_objective_weakness" not in told


@pytest.mark.parametrize("what", WORDS)
def test_every_list_of_words_can_be_read(what: str) -> None:
    assert len(words(packaged_terms(), what)) > 3


def test_the_schema_offers_the_words_to_an_editor() -> None:
    schema = case_schema()
    assert "polymyositis" in str(schema["properties"]["label"])
    assert "heliotrope_rash" in str(schema["properties"]["findings"])
    assert "methotrexate" in str(schema["$defs"]["Treatment"]["properties"]["drug"])


def test_notes_hold_more_than_names(tmp_path: Path) -> None:
    assert case("notes: " + "word " * 5000).notes


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("patient: {id: x, sex: male}\nfindings: {pregnancy: yes}",
         ("findings.pregnancy, line 2", "patient.sex, line 1")),
        ("patient: {id: x, age: 90}\nfindings: {pregnancy: yes}", ("findings.pregnancy", "patient.age")),
        ("patient: {id: x, age: 60}\nfindings: {age_at_onset: 70}",
         ("findings.age_at_onset", "patient.age")),
        ("patient: {id: x, age: 20}\nonset: {duration_months: 600}",
         ("onset.duration_months", "patient.age")),
        ("patient: {id: x, age: 50}\nonset: {age: 49, duration_months: 600}",
         ("onset.duration_months", "onset.age")),
        ("patient: {id: x, age: 60}\nonset: {age: 58}\nlabel: JDM", ("label, line 3", "onset.age, line 2")),
        ("patient: {id: x}\nfindings: {no_objective_weakness: yes}\nvisits: [{date: 2023-01-01, mmt8: 20}]",
         ("findings.no_objective_weakness, line 2", "visits[0].mmt8, line 3")),
    ],
)  # fmt: skip
def test_what_cannot_be_true_together_is_said_with_both_places(
    text: str, both: tuple[str, str]
) -> None:
    case, problems = check_case_text(text, "c")
    assert problems == []
    assert case is not None
    (said,) = [one for one in doubts(case) if ", yet " in one]
    assert all(f"({place}" in said for place in both)


def test_an_adult_does_not_weigh_seven_kilograms() -> None:
    (problem,) = check_case_text("patient: {id: x, age: 62, weight_kg: 7}", "c")[1]
    assert problem.message == "7 kg is impossible at the age of 62"
    assert check_case_text("patient: {id: x, age: 1, weight_kg: 7}", "c")[1] == []
