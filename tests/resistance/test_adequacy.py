"""Trials of drugs: what is adequate, what is not, what is missing, and what must not matter."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import adequacy_per_patient as witness
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from myoresist import knowledge
from myoresist.case.courses import Treatments
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.knowledge.schema import load_references
from myoresist.resistance.adequacy import evaluate as adequacy
from myoresist.resistance.adequacy.evaluate import History
from myoresist.resistance.adequacy.explain import TreatmentHistory, TreatmentKnowledge
from myoresist.resistance.adequacy.exposure import lacking

TERMS = packaged_terms()
BASE = TreatmentKnowledge.load(knowledge.folder(), TERMS)
TODAY = date(2023, 6, 1)
Course = dict[str, Any]


def judge(*patients: list[Course], complete: bool | None = True, today: date = TODAY) -> History:
    people = pl.DataFrame(
        {
            "patient_id": [str(i) for i in range(len(patients))],
            "date": [str(today)] * len(patients),
            "treatments_complete": pl.Series([complete] * len(patients), dtype=pl.Boolean),
        }
    )
    rows = [{"patient_id": str(i), **one} for i, p in enumerate(patients) for one in p]
    schema = {"patient_id": pl.String, "drug": pl.String}
    courses = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame(schema=schema)
    return BASE.history(Treatments.of(people, courses, None, TERMS))


def trial(history: History, name: str, patient: int = 0) -> dict[str, Any]:
    number = BASE.regimens.numbers[name]
    found = history.trials.filter((pl.col("regimen") == number) & (pl.col("patient") == patient))
    return found.row(0, named=True)


def of_case(text: str) -> TreatmentHistory:
    case, problems = check_case_text("patient: {id: P, weight_kg: 70}\n" + text, "case")
    assert case is not None, problems
    return BASE.of_case(case, TERMS)


MTX: Course = {
    "drug": "methotrexate", "dose": 15.0, "unit": "mg", "frequency": "weekly",
    "start": "2022-01-03", "stop": "2022-03-28", "weight_kg": 70.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "state", "missing"),
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
        ({"unit": "mg/m2", "dose": 15.0}, "undetermined", ("unit",)),
        ({"route": "topical"}, "not_tried", ()),
    ],
)
def test_methotrexate(change: Course, state: str, missing: tuple[str, ...]) -> None:
    found = trial(judge([{**MTX, **change}]), "methotrexate")
    assert (found["state"], lacking(found["missing"])) == (state, missing)


def test_a_stop_date_that_nobody_knows_is_asked_for() -> None:
    found = trial(judge([{**MTX, "stop": None}], complete=None), "methotrexate")
    assert (found["state"], lacking(found["missing"])) == ("undetermined", ("stop",))


def test_a_short_course_that_goes_on_is_inadequate_so_far() -> None:
    history = of_case(
        "date: 2022-02-28\ntreatments:\n- {drug: MTX, dose: 15, unit: mg/week, start: 2022-01-03,"
        " ongoing: yes}\n"
    )
    one = history.trials[0]
    assert (one.verdict, one.so_far, one.weeks_short) == ("inadequate", True, 3.9)


@pytest.mark.parametrize(
    ("weeks", "others", "state"),
    [
        (12.0, [], "adequate"),
        (11.0, [], "inadequate"),
        (11.0, [{**MTX, "stop": "2022-02-01"}], "undetermined"),
        (11.0, [MTX], "adequate"),
        (6.0, [{**MTX, "start": None, "stop": None, "weeks": 6.0}], "undetermined"),
    ],
)
def test_a_course_may_say_how_long_it_lasted(
    weeks: float, others: list[Course], state: str
) -> None:
    one = {**MTX, "start": None, "stop": None, "weeks": weeks}
    assert trial(judge([one, *others]), "methotrexate")["state"] == state
    assert trial(judge([*others, one]), "methotrexate")["state"] == state


@pytest.mark.parametrize("end", ["start", "stop"])
def test_one_date_and_the_length_are_two_dates(end: str) -> None:
    other = {"start": "stop", "stop": "start"}[end]
    both = {**MTX, "start": "2022-01-03", "stop": "2022-03-21"}
    for weeks, state in ((12.0, "adequate"), (11.0, "inadequate")):
        one = {**both, other: None, "weeks": weeks}
        assert trial(judge([one]), "methotrexate")["state"] == state


def test_batches_give_what_all_give_together(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [[MTX], [], [{**MTX, "dose": 7.5}], [PREDNISONE], [MTX, PREDNISONE]]
    people = pl.DataFrame({"patient_id": [str(i) for i in range(5)], "date": [str(TODAY)] * 5})
    rows = [{"patient_id": str(i), **one} for i, p in enumerate(many) for one in p]
    courses = pl.DataFrame(rows, infer_schema_length=None)
    treatments = Treatments.of(people, courses, None, TERMS)
    whole = BASE.derived(treatments)
    monkeypatch.setattr(adequacy, "BATCH", 2)
    assert_frame_equal(BASE.derived(treatments), whole)


def test_intravenous_immunoglobulin_needs_three_monthly_courses() -> None:
    ivig = {"drug": "IVIG", "dose": 2.0, "unit": "g/kg", "frequency": "every 4 weeks"}
    for stop, state in (("2022-02-26", "adequate"), ("2022-01-29", "inadequate")):
        found = trial(judge([{**ivig, "start": "2022-01-01", "stop": stop}]), "ivig")
        assert found["state"] == state


def test_single_doses_make_a_course_of_their_own() -> None:
    dose = {"drug": "IVIG", "dose": 2.0, "unit": "g/kg", "frequency": "once"}
    months = [{**dose, "start": f"2022-0{month}-01"} for month in (1, 2, 3)]
    assert trial(judge(months), "ivig")["state"] == "adequate"
    two = trial(judge(months[:2]), "ivig")
    assert (two["state"], two["running"]) == ("inadequate", False)


def test_rituximab_is_counted_by_amount_and_judged_by_time_since() -> None:
    one = {"drug": "rituximab", "dose": 1.0, "unit": "g", "frequency": "once"}
    first, second = {**one, "start": "2022-12-01"}, {**one, "start": "2022-12-15"}
    assert trial(judge([first, second]), "rituximab")["state"] == "adequate"
    assert trial(judge([first]), "rituximab")["state"] == "inadequate"
    soon = judge([first, second], today=date(2023, 3, 1))
    assert trial(soon, "rituximab")["state"] == "inadequate"
    unsaid = trial(judge([{**first, "frequency": None}]), "rituximab")
    assert (unsaid["state"], lacking(unsaid["missing"])) == ("undetermined", ("frequency",))


def test_a_pulse_alone_is_no_trial() -> None:
    pulse = {
        "drug": "methylprednisolone", "dose": 1000.0, "unit": "mg", "frequency": "daily",
        "route": "iv", "start": "2022-01-01", "stop": "2022-01-03",
    }  # fmt: skip
    columns = judge([pulse]).columns.row(0, named=True)
    assert columns["trial_glucocorticoid_iv_pulse_adequate"] is False
    assert columns["trial_glucocorticoid_oral_never_tried"] is True
    assert columns["gc_cumulative_g"] == 3.75
    assert columns["gc_peak_mg_day"] is None


def test_the_parts_of_a_combination_have_to_be_taken_together() -> None:
    aza = {"drug": "azathioprine", "dose": 1.5, "unit": "mg/kg/day"}
    beside = {**aza, "start": "2022-01-03", "stop": "2022-03-28"}
    after = {**aza, "start": "2022-05-01", "stop": "2022-12-01"}
    assert trial(judge([MTX, beside]), "mtx_aza_combination")["state"] == "adequate"
    assert trial(judge([MTX, after]), "mtx_aza_combination")["state"] == "not_tried"
    counted = judge([{**MTX, "dose": 15.0}, beside]).columns
    assert counted["n_trials_adequate"].to_list() == [1.0]


def test_a_trough_below_target_makes_a_trial_inadequate() -> None:
    course = "treatments:\n- {drug: tacrolimus, dose: 5, unit: mg/day, start: 2022-01-01, stop: 2022-09-01}\n"
    level = "labs:\n- {test: tacrolimus level, value: %s, unit: ng/mL, date: 2022-05-01}\n"
    for value, verdict in ((4.9, "inadequate"), (5, "adequate")):
        assert of_case(course + level % value).trials[0].verdict == verdict


def test_never_tried_needs_a_list_that_is_complete_and_understood() -> None:
    def never(*patients: list[Course], complete: bool | None) -> Any:
        return judge(*patients, complete=complete).columns["trial_rituximab_never_tried"].item()

    assert never([MTX], complete=True) is True
    assert never([MTX], complete=None) is None
    assert never([MTX, {"drug": "rituximap"}], complete=True) is None
    assert never([], complete=True) is True


def test_any_trial_is_only_inadequate_when_every_course_is_listed() -> None:
    low = {**MTX, "dose": 7.5}
    for complete, expected in ((True, False), (None, None)):
        columns = judge([low], complete=complete).columns
        assert columns["trial_any_adequate"].item() is expected
        assert columns["trial_last_adequate"].item() is False


def test_intolerance_is_not_failure() -> None:
    short = {**MTX, "stop": "2022-02-01", "reason_stopped": "side effect"}
    columns = judge([short]).columns.row(0, named=True)
    assert columns["trial_methotrexate_stopped_intolerance"] is True
    assert columns["trial_methotrexate_failed"] is False
    columns = judge([{**MTX, "reason_stopped": "no effect"}]).columns.row(0, named=True)
    assert columns["trial_methotrexate_stopped_intolerance"] is False
    assert columns["trial_methotrexate_failed"] is True


def test_the_last_trial_is_that_of_an_immunosuppressant_and_not_a_taper() -> None:
    taper = {"drug": "prednisone", "dose": 5.0, "unit": "mg/day", "start": "2023-01-01"}
    columns = judge([MTX, taper]).columns.row(0, named=True)
    assert columns["trial_last_adequate"] is True
    assert judge([taper]).columns["trial_last_below_min_dose"].item() is None  # weight
    heavy = {**taper, "weight_kg": 70.0}
    assert judge([heavy]).columns["trial_last_below_min_dose"].item() is True


PREDNISONE: Course = {"drug": "prednisone", "unit": "mg", "frequency": "daily", "weight_kg": 70.0}


def test_glucocorticoid_over_time() -> None:
    courses = [
        {**PREDNISONE, "dose": 60.0, "start": "2023-01-01", "stop": "2023-01-28"},
        {**PREDNISONE, "dose": 40.0, "start": "2023-01-29", "stop": "2023-02-11"},
        {**PREDNISONE, "dose": 20.0, "start": "2023-02-12", "ongoing": True},
    ]
    columns = judge(courses, today=date(2023, 3, 11)).columns.row(0, named=True)
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
    columns = judge(courses).columns.row(0, named=True)
    assert (columns["gc_current_mg_day"], columns["gc_peak_mg_day"]) == (15, 15)


def test_months_that_meet_leave_no_doubt_about_the_peak() -> None:
    courses = [
        {**PREDNISONE, "dose": 60.0, "start": "2022-01", "stop": "2022-03"},
        {**PREDNISONE, "dose": 40.0, "start": "2022-03", "stop": "2022-05"},
        {**PREDNISONE, "dose": 20.0, "start": "2022-06", "stop": "2022-09"},
    ]
    columns = judge(courses).columns.row(0, named=True)
    assert columns["gc_peak_mg_day"] == 60
    assert columns["window_gc_20mg_4_weeks"] is True
    assert columns["window_gc_12_weeks"] is True


def test_another_glucocorticoid_follows_without_a_pause() -> None:
    courses = [
        {**PREDNISONE, "dose": 60.0, "start": "2022-01", "stop": "2022-03"},
        {**PREDNISONE, "drug": "deflazacort", "dose": 48.0, "start": "2022-03", "stop": "2022-04"},
        {**PREDNISONE, "dose": 20.0, "start": "2022-05", "stop": "2022-09"},
    ]
    columns = judge(courses).columns.row(0, named=True)
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
    assert trial(judge([low, low]), "methotrexate")["state"] == "inadequate"
    other = {**low, "dose": 8.0}
    assert trial(judge([low, other]), "methotrexate")["state"] == "adequate"


# ---- what must not matter

DRUGS = {
    "methotrexate": (7.5, 15.0, 20.0),
    "azathioprine": (50.0, 140.0, 200.0),
    "prednisone": (5.0, 20.0, 35.0, 60.0),
}


@st.composite
def exact(draw: st.DrawFn) -> Course:
    drug = draw(st.sampled_from(sorted(DRUGS)))
    start = date(2021, 1, 1) + timedelta(days=draw(st.integers(0, 600)))
    return {
        "drug": drug,
        "dose": draw(st.sampled_from([*DRUGS[drug], None])),
        "unit": "mg",
        "frequency": "weekly" if drug == "methotrexate" else "daily",
        "start": str(start),
        "stop": str(start + timedelta(days=draw(st.integers(0, 200)))),
        "reason_stopped": draw(st.sampled_from(["no effect", "side effect", None])),
        "weight_kg": draw(st.sampled_from([70.0, None])),
    }


@st.composite
def vague(draw: st.DrawFn) -> Course:
    one = draw(exact())
    for end in ("start", "stop"):
        shown = draw(st.sampled_from([10, 10, 7, 4, 0]))
        one[end] = one[end][:shown] or None
    return one


LISTS = st.lists(vague(), min_size=1, max_size=6)


def told(history: History) -> pl.DataFrame:
    return history.columns.drop("patient_id")


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
    found = BASE.history(Treatments.of(dated, typed, None, TERMS))
    assert found.columns["patient_id"].to_list() == list(numbers)
    assert found.columns["patient_id"].dtype == pl.UInt32
    assert_frame_equal(told(found), told(plain))


@settings(max_examples=25, deadline=None)
@given(many=st.lists(LISTS, min_size=1, max_size=4), complete=st.sampled_from([True, False, None]))
def test_trials_that_were_tried_are_those_of_the_whole_table(
    many: list[list[Course]], complete: bool | None
) -> None:
    history = judge(*many, complete=complete)
    tried = history.trials.filter(pl.col("tried").is_not_null())
    assert_frame_equal(history.tried, tried, check_column_order=False)
    assert len(history.trials) == len(many) * len(BASE.regimens.regimens)


def test_a_word_for_a_response_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="splendid is none of good, none, partial"):
        judge([{**MTX, "response": "splendid"}])


@settings(max_examples=40, deadline=None)
@given(courses=LISTS, data=st.data())
def test_the_order_of_courses_does_not_matter(courses: list[Course], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(courses))
    assert_frame_equal(told(judge(courses)), told(judge(shuffled)))


@settings(max_examples=25, deadline=None)
@given(many=st.lists(LISTS, min_size=2, max_size=5))
def test_one_patient_alone_is_that_patient_in_a_table(many: list[list[Course]]) -> None:
    together = told(judge(*many))
    for place, courses in enumerate(many):
        assert_frame_equal(told(judge(courses)), together[place])


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
    assert_frame_equal(told(whole), told(split))


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

    assert_frame_equal(told(judge(courses)), told(judge([other(x) for x in courses])))


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

    before, after = told(judge(courses)), told(judge([filled(x) for x in courses]))
    for name in before.columns:
        known = before[name].item()
        assert known is None or after[name].item() == known, name


@settings(max_examples=60, deadline=None)
@given(one=vague(), data=st.data())
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
    before = told(judge([one], complete=None))
    after = told(judge([{**one, "start": str(start), "stop": str(stop)}], complete=None))
    for name in before.columns:
        known = before[name].item()
        assert known is None or after[name].item() == known, name


@settings(max_examples=150, deadline=None)
@given(courses=st.lists(exact(), min_size=1, max_size=6))
def test_a_second_implementation_says_the_same(courses: list[Course]) -> None:
    history = judge(courses)
    for drug, name in (
        ("methotrexate", "methotrexate"),
        ("azathioprine", "azathioprine"),
        ("prednisone", "glucocorticoid_oral"),
    ):
        assert trial(history, name)["state"] == witness.verdict(courses, drug), name


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
    assert declared == set(judge([MTX]).columns.columns) - {"patient_id"}


def test_two_immunosuppressants_may_be_any_two() -> None:
    definition = next(one for one in BASE.refractory.definitions if one.id == "gc_plus_two")
    for one in BASE.regimens.trials:
        counted = one.kind == "immunosuppressant" and one.parts == 1
        assert (f"trial_{one.id}_adequate" in (definition.when or "").split("n_of")[1]) is counted
