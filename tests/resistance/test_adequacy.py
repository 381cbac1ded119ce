"""Trials of drugs: what is adequate, what is not, what is missing, and what must not matter."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from treatment_lists import (
    BASE,
    DRUGS,
    LISTS,
    TERMS,
    TODAY,
    Course,
    columns_of,
    exact,
    judge,
    state,
    vague,
    verdict,
)

from myoresist import knowledge
from myoresist.case.courses import Treatments
from myoresist.case.reading import check_case_text
from myoresist.knowledge.schema import load_references
from myoresist.resistance.adequacy.explain import TreatmentHistory, TrialResult, treatment_history
from myoresist.resistance.adequacy.tables import trials_table


def of_case(text: str) -> TreatmentHistory:
    case, problems = check_case_text("patient: {id: P, weight_kg: 70}\n" + text, "case")
    assert case is not None, problems
    return treatment_history(BASE, BASE.history(Treatments.of_cases([case], TERMS)), {})


MTX: Course = {
    "drug": "methotrexate", "dose": 15.0, "unit": "mg", "frequency": "weekly",
    "start": "2022-01-03", "stop": "2022-03-28", "weight_kg": 70.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected", "missing"),
    [
        ({}, "adequate", ()),
        ({"dose": 14.9}, "inadequate", ()),
        ({"stop": "2022-03-20"}, "inadequate", ()),
        ({"stop": "2022-03-21"}, "adequate", ()),
        ({"dose": None}, "undetermined", ("dose",)),
        ({"unit": None}, "undetermined", ("unit",)),
        ({"frequency": None}, "undetermined", ("frequency",)),
        ({"start": None}, "undetermined", ("start",)),
        ({"stop": None, "ongoing": True}, "adequate", ()),
        ({"stop": "2022"}, "undetermined", ("day",)),
        ({"start": "2021-11", "stop": "2022-04"}, "adequate", ()),
        ({"unit": "mg/kg", "dose": 0.3}, "adequate", ()),
        ({"unit": "mg/kg", "dose": 0.3, "weight_kg": None}, "undetermined", ("weight",)),
        ({"unit": "mg/m2", "dose": 15.0}, "adequate", ()),
        ({"unit": "mg/m2", "dose": 14.0}, "inadequate", ()),
        ({"unit": "U"}, "undetermined", ("unit",)),
        ({"route": "topical"}, "not_tried", ()),
    ],
)
def test_methotrexate(change: Course, expected: str, missing: tuple[str, ...]) -> None:
    assert verdict(judge([{**MTX, **change}]), "methotrexate") == (expected, missing)


def test_a_stop_date_that_nobody_knows_is_asked_for() -> None:
    history = judge([{**MTX, "stop": None}], complete=None)
    assert verdict(history, "methotrexate") == ("undetermined", ("stop",))


def test_a_dose_close_to_the_least_is_called_so_with_its_time() -> None:
    def trial(dose: float) -> TrialResult:
        return of_case(
            f"treatments:\n- {{drug: MTX, dose: {dose}, unit: mg/week, start: 2022-01-03,"
            " stop: 2022-06-20}\n"
        ).trials[0]

    for dose, weeks in ((13.5, 24.1), (13.4, None)):
        one = trial(dose)
        assert one.verdict == "inadequate"
        assert one.weeks_at_dose.high == 0
        assert (one.weeks_close.low if one.weeks_close else None) == weeks
    assert trial(15).weeks_close is None


def test_a_good_response_is_a_fact_that_no_dose_table_overrules() -> None:
    low = {**MTX, "dose": 7.5, "stop": "2022-02-01"}
    for response, reason, expected in (
        ("good", None, "adequate"),
        (None, "remission", "adequate"),
        ("partial", None, "inadequate"),
        ("none", None, "inadequate"),
    ):
        one = {**low, "response": response, "reason_stopped": reason}
        assert state(judge([one]), "methotrexate") == expected


@pytest.mark.parametrize(("weight", "expected"), [(90.0, "adequate"), (None, "undetermined")])
def test_a_weight_that_is_found_later_takes_no_answer_back(
    weight: float | None, expected: str
) -> None:
    course = {
        "drug": "prednisone", "dose": 40.0, "unit": "mg", "frequency": "daily",
        "start": "2022-01-01", "stop": "2022-03-01", "weight_kg": weight,
    }  # fmt: skip
    assert state(judge([course]), "glucocorticoid_oral") == expected
    # Two records of which only one has a weight are added up, as far as that is certain.
    halves = [{**course, "dose": 30.0}, {**course, "dose": 30.0, "weight_kg": None}]
    assert state(judge(halves), "glucocorticoid_oral") == ("adequate" if weight else "undetermined")


def test_a_short_course_that_goes_on_is_inadequate_so_far() -> None:
    history = of_case(
        "date: 2022-02-28\ntreatments:\n- {drug: MTX, dose: 15, unit: mg/week, start: 2022-01-03,"
        " ongoing: yes}\n"
    )
    one = history.trials[0]
    assert (one.verdict, one.so_far, one.weeks_short) == ("inadequate", True, 3.9)


@pytest.mark.parametrize(
    ("weeks", "others", "expected"),
    [
        (12.0, [], "adequate"),
        (11.0, [], "inadequate"),
        (11.0, [{**MTX, "stop": "2022-02-01"}], "undetermined"),
        (11.0, [MTX], "adequate"),
        (6.0, [{**MTX, "start": None, "stop": None, "weeks": 6.0}], "undetermined"),
    ],
)
def test_a_course_may_say_how_long_it_lasted(
    weeks: float, others: list[Course], expected: str
) -> None:
    one = {**MTX, "start": None, "stop": None, "weeks": weeks}
    assert state(judge([one, *others]), "methotrexate") == expected
    assert state(judge([*others, one]), "methotrexate") == expected


def test_a_course_without_dates_counts_as_long_as_it_lasted() -> None:
    one = {**PREDNISONE, "dose": 10.0, "weeks": 300.0}
    columns = judge([one, {**one, "dose": 20.0}]).columns.row(0)
    assert (columns["gc_weeks_total"], columns["gc_peak_mg_day"]) == (None, None)
    columns = judge([one]).columns.row(0)
    assert (columns["gc_weeks_total"], columns["gc_cumulative_g"]) == (300, 21)


def test_the_sum_of_a_list_that_is_not_complete_is_a_bound() -> None:
    one = {**PREDNISONE, "dose": 10.0, "start": "2020-01-01", "stop": "2020-04-09"}
    unread = {**one, "dose": None, "start": "2021-01-01", "stop": "2021-02-01"}
    for courses, complete, expected in (
        ([one], True, (1.0, 1.0)), ([one], False, (None, 1.0)), ([one, unread], True, (None, 1.0)),
    ):  # fmt: skip
        columns = judge(courses, complete=complete).columns.row(0)
        assert (columns["gc_cumulative_g"], columns["gc_cumulative_g_at_least"]) == expected


@pytest.mark.parametrize("end", ["start", "stop"])
def test_one_date_and_the_length_are_two_dates(end: str) -> None:
    other = {"start": "stop", "stop": "start"}[end]
    both = {**MTX, "start": "2022-01-03", "stop": "2022-03-21"}
    for weeks, expected in ((12.0, "adequate"), (11.0, "inadequate")):
        one = {**both, other: None, "weeks": weeks}
        assert state(judge([one]), "methotrexate") == expected


def test_intravenous_immunoglobulin_needs_three_monthly_courses() -> None:
    ivig = {"drug": "IVIG", "dose": 2.0, "unit": "g/kg", "frequency": "every 4 weeks"}
    for stop, expected in (("2022-02-26", "adequate"), ("2022-01-29", "inadequate")):
        assert state(judge([{**ivig, "start": "2022-01-01", "stop": stop}]), "ivig") == expected


def test_single_doses_make_a_course_of_their_own() -> None:
    dose = {"drug": "IVIG", "dose": 2.0, "unit": "g/kg", "frequency": "once"}
    months = [{**dose, "start": f"2022-0{month}-01"} for month in (1, 2, 3)]
    assert state(judge(months), "ivig") == "adequate"
    two = judge(months[:2])
    assert state(two, "ivig") == "inadequate"
    assert two.columns.row(0)["trial_ivig_running"] is False


def test_rituximab_is_counted_by_amount_and_judged_by_time_since() -> None:
    one = {"drug": "rituximab", "dose": 1.0, "unit": "g", "frequency": "once"}
    first, second = {**one, "start": "2022-12-01"}, {**one, "start": "2022-12-15"}
    assert state(judge([first, second]), "rituximab") == "adequate"
    assert state(judge([first]), "rituximab") == "inadequate"
    soon = judge([first, second], today=date(2023, 3, 1))
    assert state(soon, "rituximab") == "inadequate"
    unsaid = judge([{**first, "frequency": None}])
    assert verdict(unsaid, "rituximab") == ("undetermined", ("frequency",))


def test_a_pulse_alone_is_no_trial() -> None:
    pulse = {
        "drug": "methylprednisolone", "dose": 1000.0, "unit": "mg", "frequency": "daily",
        "route": "iv", "start": "2022-01-01", "stop": "2022-01-03",
    }  # fmt: skip
    columns = judge([pulse]).columns.row(0)
    assert columns["trial_glucocorticoid_iv_pulse_adequate"] is False
    assert columns["trial_glucocorticoid_oral_never_tried"] is True
    assert columns["gc_cumulative_g"] == 3.75
    assert columns["gc_peak_mg_day"] is None


def test_the_parts_of_a_combination_have_to_be_taken_together() -> None:
    aza = {"drug": "azathioprine", "dose": 1.5, "unit": "mg/kg/day"}
    beside = {**aza, "start": "2022-01-03", "stop": "2022-03-28"}
    after = {**aza, "start": "2022-05-01", "stop": "2022-12-01"}
    assert state(judge([MTX, beside]), "mtx_aza_combination") == "adequate"
    assert state(judge([MTX, after]), "mtx_aza_combination") == "not_tried"
    counted = judge([{**MTX, "dose": 15.0}, beside]).columns.row(0)
    assert counted["n_trials_adequate"] == 1


def test_a_trough_below_target_makes_a_trial_inadequate() -> None:
    course = "treatments:\n- {drug: tacrolimus, dose: 5, unit: mg/day, start: 2022-01-01, stop: 2022-09-01}\n"
    level = "labs:\n- {test: tacrolimus level, value: %s, unit: ng/mL, date: 2022-05-01}\n"
    for value, expected in ((4.9, "inadequate"), (5, "adequate")):
        assert of_case(course + level % value).trials[0].verdict == expected


def test_never_tried_needs_a_list_that_is_complete_and_understood() -> None:
    def never(*patients: list[Course], complete: bool | None) -> Any:
        return judge(*patients, complete=complete).columns.row(0)["trial_rituximab_never_tried"]

    assert never([MTX], complete=True) is True
    assert never([MTX], complete=None) is None
    assert never([MTX, {"drug": "rituximap"}], complete=True) is None
    assert never([], complete=True) is True


def test_any_trial_is_only_inadequate_when_every_course_is_listed() -> None:
    low = {**MTX, "dose": 7.5}
    for complete, expected in ((True, False), (None, None)):
        columns = judge([low], complete=complete).columns.row(0)
        assert columns["trial_any_adequate"] is expected
        assert columns["trial_last_adequate"] is False


def test_intolerance_is_not_failure() -> None:
    short = {**MTX, "stop": "2022-02-01", "reason_stopped": "side effect"}
    columns = judge([short]).columns.row(0)
    assert columns["trial_methotrexate_stopped_intolerance"] is True
    assert columns["trial_methotrexate_failed"] is False
    columns = judge([{**MTX, "reason_stopped": "no effect"}]).columns.row(0)
    assert columns["trial_methotrexate_stopped_intolerance"] is False
    assert columns["trial_methotrexate_failed"] is True


def test_the_last_trial_is_that_of_an_immunosuppressant_and_not_a_taper() -> None:
    taper = {"drug": "prednisone", "dose": 5.0, "unit": "mg/day", "start": "2023-01-01"}
    columns = judge([MTX, taper]).columns.row(0)
    assert columns["trial_last_adequate"] is True
    assert judge([taper]).columns.row(0)["trial_last_below_min_dose"] is None  # weight
    heavy = {**taper, "weight_kg": 70.0}
    assert judge([heavy]).columns.row(0)["trial_last_below_min_dose"] is True


PREDNISONE: Course = {"drug": "prednisone", "unit": "mg", "frequency": "daily", "weight_kg": 70.0}


def test_glucocorticoid_over_time() -> None:
    courses = [
        {**PREDNISONE, "dose": 60.0, "start": "2023-01-01", "stop": "2023-01-28"},
        {**PREDNISONE, "dose": 40.0, "start": "2023-01-29", "stop": "2023-02-11"},
        {**PREDNISONE, "dose": 20.0, "start": "2023-02-12", "ongoing": True},
    ]
    columns = judge(courses, today=date(2023, 3, 11)).columns.row(0)
    assert {name: columns[f"gc_{name}"] for name in (
        "current_mg_day", "peak_mg_day", "weeks_at_peak", "weeks_total", "weeks_since_last_change",
        "cumulative_g", "taper_mg_per_week",
    )} == {
        "current_mg_day": 20, "peak_mg_day": 60, "weeks_at_peak": 4, "weeks_total": 10,
        "weeks_since_last_change": pytest.approx(27 / 7), "cumulative_g": 2.8,
        "taper_mg_per_week": 10,
    }  # fmt: skip


def test_equivalents_add_up() -> None:
    courses = [
        {**PREDNISONE, "dose": 10.0, "start": "2023-01-01", "ongoing": True},
        {**PREDNISONE, "drug": "hydrocortisone", "dose": 20.0, "start": "2023-02-01",
         "route": "oral", "ongoing": True},
    ]  # fmt: skip
    columns = judge(courses).columns.row(0)
    assert (columns["gc_current_mg_day"], columns["gc_peak_mg_day"]) == (15, 15)


def test_months_that_meet_leave_no_doubt_about_the_peak() -> None:
    courses = [
        {**PREDNISONE, "dose": 60.0, "start": "2022-01", "stop": "2022-03"},
        {**PREDNISONE, "dose": 40.0, "start": "2022-03", "stop": "2022-05"},
        {**PREDNISONE, "dose": 20.0, "start": "2022-06", "stop": "2022-09"},
    ]
    columns = judge(courses).columns.row(0)
    assert columns["gc_peak_mg_day"] == 60
    assert columns["window_gc_20mg_4_weeks"] is True
    assert columns["window_gc_12_weeks"] is True


def test_another_glucocorticoid_follows_without_a_pause() -> None:
    courses = [
        {**PREDNISONE, "dose": 60.0, "start": "2022-01", "stop": "2022-03"},
        {**PREDNISONE, "drug": "deflazacort", "dose": 48.0, "start": "2022-03", "stop": "2022-04"},
        {**PREDNISONE, "dose": 20.0, "start": "2022-05", "stop": "2022-09"},
    ]
    columns = judge(courses).columns.row(0)
    assert columns["gc_peak_mg_day"] == 60
    assert columns["window_gc_20mg_4_weeks"] is True


def test_one_patient_is_told_what_is_missing_and_what_goes_together() -> None:
    history = of_case(
        "date: 2022-12-01\n"
        "findings: {iim_subtype_ibm: no}\n"
        "treatments:\n"
        "- {drug: prednisone, dose: 60, unit: mg/day, start: 2022-01-01, stop: 2022-03-01}\n"
        "- {drug: MTX, dose: 15, unit: mg, start: 2022-02-01, stop: 2022-06-01,"
        " reason_stopped: side effect}\n"
        "treatments_complete: yes\n"
    )
    assert history.complete
    trials = {one.id: one for one in history.trials}
    assert trials["methotrexate"].missing == ("frequency",)
    course = trials["methotrexate"].courses[0]
    assert (course.ended, course.together_with) == ("side_effect", ("Oral glucocorticoid",))
    assert trials["glucocorticoid_oral"].highest_dose.low == pytest.approx(1.714)
    assert [(str(x.start), str(x.end), x.mg_day) for x in history.glucocorticoid] == [
        ("2022-01-01", "2022-03-01", 60)
    ]
    by_id = {one.id: one for one in history.definitions}
    assert by_id["never_adequately_treated"].state == "not_met"
    assert by_id["gc_plus_two"].state == "not_met"
    assert by_id["part_of_treatment_missing"].missing == ("trial_any_adequate",)
    assert by_id["severe_for_transplant"].state is None


def test_a_record_written_twice_counts_once_and_two_doses_a_day_add_up() -> None:
    low = {**MTX, "dose": 7.5}
    assert state(judge([low, low]), "methotrexate") == "inadequate"
    other = {**low, "dose": 8.0}
    assert state(judge([low, other]), "methotrexate") == "adequate"


# ---- what must not matter


@settings(max_examples=25, deadline=None)
@given(many=st.lists(LISTS, min_size=1, max_size=4), data=st.data())
def test_the_types_of_a_table_do_not_matter(many: list[list[Course]], data: st.DataObject) -> None:
    numbers = data.draw(st.sampled_from([range(len(many)), range(len(many), 0, -1)]))
    named = {str(place): number for place, number in enumerate(numbers)}
    people = pl.DataFrame({"patient_id": list(named), "date": [str(TODAY)] * len(many)})
    rows = [{"patient_id": str(i), **one} for i, p in enumerate(many) for one in p]
    rows.append({"patient_id": str(len(many)), **MTX})
    courses = pl.DataFrame(rows, infer_schema_length=None)
    plain = BASE.history(Treatments.of(people, courses, None, TERMS))
    by_number = pl.col("patient_id").replace_strict(named, default=77, return_dtype=pl.UInt32)
    words = data.draw(st.sampled_from([pl.Categorical(), pl.Enum(["mg", "daily", "weekly"])]))
    typed = courses.with_columns(by_number, pl.col("unit", "frequency").cast(words))
    if all(len(one["start"] or "2023-01-01") == 10 for one in rows):
        typed = typed.with_columns(pl.col("start").str.to_date("%Y-%m-%d"))
    dated = people.with_columns(by_number, pl.col("date").str.to_date("%Y-%m-%d"))
    read = Treatments.of(dated, typed, None, TERMS)
    assert read.patient_ids.to_list() == list(numbers)
    assert read.patient_ids.dtype == pl.UInt32
    assert_frame_equal(columns_of(BASE.history(read)), columns_of(plain))


def test_a_registry_is_told_what_each_trial_lacks() -> None:
    vague = {**MTX, "stop": None, "weight_kg": None, "unit": "mg/kg"}
    table = trials_table(judge([{**MTX, "start": "2022-01"}], [vague], complete=None))
    rows = {(x["patient"], x["trial"]): x for x in table.to_dicts()}
    known, unknown = rows[0, "methotrexate"], rows[1, "methotrexate"]
    assert (known["state"], known["days_sure"], known["days_possible"]) == ("undetermined", 63, 93)
    assert (known["missing"], unknown["missing"]) == ("day", "weight, stop")
    assert (unknown["days_sure"], unknown["days_possible"]) == (0, 515)
    assert known["running"] is False and unknown["running"] is None


def test_what_began_after_the_assessment_has_not_lasted_yet() -> None:
    later = {"drug": "rituximab", "dose": 2.0, "unit": "g", "frequency": "once"}
    table = trials_table(judge([{**later, "start": "2023-08-01"}]))
    found = table.filter(pl.col("trial") == "rituximab").row(0, named=True)
    assert (found["days_sure"], found["days_possible"], found["adequate"]) == (0, 0, False)


def test_a_word_for_a_response_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="splendid is none of complete, good, "):
        judge([{**MTX, "response": "splendid"}])


@settings(max_examples=40, deadline=None)
@given(courses=LISTS, data=st.data())
def test_the_order_of_courses_does_not_matter(courses: list[Course], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(courses))
    assert_frame_equal(columns_of(judge(courses)), columns_of(judge(shuffled)))


@settings(max_examples=25, deadline=None)
@given(many=st.lists(LISTS, min_size=2, max_size=5))
def test_one_patient_alone_is_that_patient_in_a_table(many: list[list[Course]]) -> None:
    together = columns_of(judge(*many))
    for place, courses in enumerate(many):
        assert_frame_equal(columns_of(judge(courses)), together[place])


@settings(max_examples=40, deadline=None)
@given(courses=st.lists(exact(), min_size=1, max_size=5), data=st.data())
def test_a_course_split_in_two_is_the_same_course(
    courses: list[Course], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(courses) - 1))
    one = courses[place]
    start, stop = date.fromisoformat(one["start"]), date.fromisoformat(one["stop"])
    days = (stop - start).days
    if days < 2:
        return
    cut = start + timedelta(days=data.draw(st.integers(1, days - 1)))
    first = {**one, "stop": str(cut), "reason_stopped": None}
    second = {**one, "start": str(cut)}
    others = [x for number, x in enumerate(courses) if number != place and x["drug"] != one["drug"]]
    whole, split = judge([one, *others]), judge([first, second, *others])
    assert_frame_equal(columns_of(whole), columns_of(split))


@settings(max_examples=40, deadline=None)
@given(courses=LISTS)
def test_units_do_not_matter(courses: list[Course]) -> None:
    def other(one: Course) -> Course:
        dose = one["dose"]
        if one["drug"] == "methotrexate":
            changed = {"unit": "mg/week", "frequency": None}
        else:
            changed = {"unit": "g/day", "frequency": None, "dose": dose and dose / 1000}
        return {**one, **changed}

    assert_frame_equal(columns_of(judge(courses)), columns_of(judge([other(x) for x in courses])))


@settings(max_examples=60, deadline=None)
@given(courses=LISTS, data=st.data())
def test_one_more_fact_never_takes_an_answer_back(
    courses: list[Course], data: st.DataObject
) -> None:
    def filled(one: Course) -> Course:
        one = {**one, "weight_kg": one["weight_kg"] or 70.0}
        if one["dose"] is None and data.draw(st.booleans()):
            one["dose"] = data.draw(st.sampled_from(DRUGS[one["drug"]]))
        return one

    before, after = (
        columns_of(judge(courses)),
        columns_of(judge([filled(x) for x in courses])),
    )
    for name in before.columns:
        known = before[name].item()
        assert known is None or after[name].item() == known, name


@settings(max_examples=60, deadline=None)
@given(one=vague().filter(lambda one: not one["ongoing"]), data=st.data())
def test_what_is_said_of_vague_dates_holds_for_every_day_they_may_mean(
    one: Course, data: st.DataObject
) -> None:
    def some_day(text: str | None, low: date, high: date) -> date:
        if text is None:
            first, last = low, high
        elif len(text) == 4:
            first, last = date(int(text), 1, 1), date(int(text), 12, 31)
        elif len(text) == 7:
            first = date.fromisoformat(text + "-01")
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        else:
            first = last = date.fromisoformat(text)
        return first + timedelta(days=data.draw(st.integers(0, (last - first).days)))

    start = some_day(one["start"], date(2015, 1, 1), date(2020, 1, 1))
    stop = some_day(one["stop"], start, TODAY)
    if stop < start or stop > TODAY:
        return
    before = columns_of(judge([one], complete=None))
    after = columns_of(judge([{**one, "start": str(start), "stop": str(stop)}], complete=None))
    for name in before.columns:
        known = before[name].item()
        assert known is None or after[name].item() == known, name


def test_every_work_that_is_cited_is_in_the_bibliography() -> None:
    known = load_references(knowledge.folder() / "references.json")
    cited = {
        *(key for one in BASE.regimens.regimens for key in one.cites),
        *(key for one in BASE.regimens.regimens for r in one.remarks for key in r.cites),
        *(key for one in BASE.regimens.equivalents.values() for key in one.cites),
        *(key for one in BASE.refractory.definitions for key in one.cites),
    }
    assert not cited - known.keys()


def test_every_column_that_treatments_tell_is_declared_and_filled() -> None:
    declared = {x.name for x in BASE.columns.columns.values() if x.origin == "treatments"}
    assert declared == set(judge([MTX]).columns)


def test_two_immunosuppressants_may_be_any_two() -> None:
    definition = next(one for one in BASE.refractory.definitions if one.id == "gc_plus_two")
    for one in BASE.regimens.trials:
        counted = one.kind == "immunosuppressant" and one.parts == 1
        assert (f"trial_{one.id}_active" in (definition.when or "").split("n_of")[1]) is counted
