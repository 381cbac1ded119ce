"""Short forms are written out: bounds, weeks, schemes and limits that are assumed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoresist import assess
from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import Record, record
from myoresist.case.shorthand import parsed
from myoresist.case.template import write_case
from myoresist.case.timeline import timeline


def case(text: str) -> Case:
    found, problems = check_case_text("patient: {id: P}\n" + text, "c")
    assert problems == []
    assert found is not None
    return found


def read(text: str) -> Record:
    return record(case(text))


def problems(text: str) -> list[str]:
    return [x.message for x in check_case_text("patient: {id: P}\n" + text, "c")[1]]


def lab(value: str, *, limit: bool = True, date: str = "2023-05") -> str:
    upper = ", upper_limit: 200" if limit else ""
    return f'{{test: CK, value: "{value}", unit: U/L{upper}, date: {date}}}'


def test_a_bound_above_the_limit_says_raised_and_no_figure() -> None:
    assert read(f"labs: [{lab('>22000')}]").values == {"ck_raised": True}
    assert read(f"labs: [{lab('400-500')}]").values == {"ck_raised": True}


def test_a_bound_below_the_limit_says_normal_now() -> None:
    assert read(f"labs: [{lab('<100')}]").values == {"ck_normal_now": True}
    assert read(f"labs: [{lab('<100')}, {lab('150', date='2024')}]").values["ck_current_u_l"] == 150
    assert "ck_normal_now" not in read(f"labs: [{lab('<100')}, {lab('900', date='2023')}]").values


def test_a_bound_that_leaves_it_open_says_nothing() -> None:
    assert read(f"labs: [{lab('<500')}]").values == {}
    assert read(f"labs: [{lab('>100')}]").values == {}
    assert read(f"labs: [{lab('>22000', limit=False)}]").values == {}


@pytest.mark.parametrize(
    ("value", "raised"),
    [(">200", True), ("≥200", None), (">=201", True), ("200-300", None), ("201-300", True)],
)
def test_what_may_lie_on_its_limit_is_not_raised(value: str, raised: bool | None) -> None:
    assert read(f"labs: [{lab(value)}]").values.get("ck_raised") is raised


def test_a_bound_does_not_hide_a_peak_that_is_higher() -> None:
    known = read(f"labs: [{lab('9000', date='2022-01')}, {lab('<700')}]").values
    assert known == {"ck_u_l": 9000.0, "ck_uln_u_l": 200.0}
    hidden = read(f"labs: [{lab('300', date='2022-01')}, {lab('<700')}]").values
    assert hidden == {"ck_raised": True}


@given(
    value=st.integers(10, 5000),
    limit=st.integers(50, 400),
    slack=st.integers(0, 3000),
    above=st.booleans(),
)
def test_a_bound_never_says_what_the_value_behind_it_would_not(
    value: int, limit: int, slack: int, above: bool
) -> None:
    least = max(value - slack, 1)
    bound = (
        f">={least}" if above and least % 2 else f">{least - 1}" if above else f"<={value + slack}"
    )
    rest = f", unit: U/L, upper_limit: {limit}, date: 2023-05"
    exact = read(f"labs: [{{test: CK, value: {value}{rest}}}]").values
    bounded = read(f'labs: [{{test: CK, value: "{bound}"{rest}}}]').values
    raised = exact["ck_u_l"] > exact["ck_uln_u_l"]  # type: ignore[operator]
    assert bounded.get("ck_raised", raised) == raised
    assert bounded.get("ck_normal_now", not raised) == (not raised)


def test_weeks_put_values_in_order_and_are_dates_where_their_start_is_known() -> None:
    labs = ", ".join(
        f"{{test: CK, value: {value}, unit: U/L, upper_limit: 200, week: {week}}}"
        for value, week in ((5600, 0), (12810, 20), (3210, 9))
    )
    assert read(f"labs: [{labs}]").values["ck_current_u_l"] == 12810
    zero = "weeks_from: {event: first prednisone, date: 2023-01-02}"
    dated = case(f"{zero}\nlabs: [{labs}]\ntreatments: [{{drug: MTX, from_week: 1, to_week: 5}}]")
    assert [str(x.date) for x in dated.labs] == ["2023-01-02", "2023-05-22", "2023-03-06"]
    assert str(dated.treatments[0].start) == "2023-01-09"
    assert str(dated.treatments[0].stop) == "2023-02-06"
    undated = case("treatments: [{drug: MTX, from_week: 1, to_week: 13}]")
    assert undated.treatments[0].weeks == 12
    given = case(f"{zero}\nlabs: [{{test: CK, value: 9, unit: U/L, date: 2020, week: 3}}]")
    assert str(given.labs[0].date) == "2020"


@pytest.mark.parametrize(
    ("scheme", "steps"),
    [
        ("1 g × 3 days", [(1, "g", "daily", 3)]),
        ("1 g a day for 3 days", [(1, "g", "daily", 3)]),
        ("2 × 1000 mg, 2 weeks apart", [(1000, "mg", "every 2 weeks", 28)]),
        (
            "5 x 40 g daily, then 3 x 30 g monthly",
            [(40, "g", "daily", 5), (30, "g", "monthly", 84)],
        ),
        (
            "from 60 to 10 mg over 6 months",
            [(60, "mg", "daily", 1), (None, "mg", "daily", 166), (10, "mg", "daily", 1)],
        ),
    ],
)
def test_a_scheme_is_its_steps(scheme: str, steps: list[tuple[Any, ...]]) -> None:
    found = parsed(scheme)
    assert found is not None
    assert [(x.get("dose"), x["unit"], x["frequency"], x["days"]) for x in found] == steps


def test_steps_of_a_scheme_follow_each_other_and_leave_the_places_of_others() -> None:
    found = case(
        "treatments:\n"
        "- {drug: prednisone, scheme: from 60 to 10 mg over 2 months, start: 2023-01-01, response: good}\n"
        "- {drug: rituximab, scheme: '2 × 1000 mg, 2 weeks apart'}"
    )
    told = [(x.drug, x.dose, str(x.start), str(x.stop), x.weeks) for x in found.treatments]
    assert told == [
        ("prednisone", 60, "2023-01-01", "2023-01-01", None),
        ("rituximab", 1000, "None", "None", 4),
        ("prednisone", None, "2023-01-02", "2023-02-24", None),
        ("prednisone", 10, "2023-02-25", "2023-02-25", None),
    ]
    assert {x.response for x in found.treatments if x.drug == "prednisone"} == {"good"}
    again, wrong = check_case_text(write_case(found), "c")
    assert wrong == []
    assert again is not None
    assert again.treatments == found.treatments


def test_what_is_no_scheme_is_told() -> None:
    (message,) = problems("treatments: [{drug: prednisone, scheme: slowly down}]")
    assert message.startswith("slowly down is no scheme; write such as 1 g × 3 days")


def test_an_assumed_limit_is_used_only_where_asked_for_and_is_marked() -> None:
    row = "{test: CK, value: 9000, unit: U/L}"
    assert "ck_uln_u_l" not in read(f"labs: [{row}]").values
    assumed = read(f"assumed_limits: {{CK: 200}}\nlabs: [{row}]")
    assert assumed.values["ck_uln_u_l"] == 200
    assert assumed.remarks == (
        "labs[0]: CK: the upper limit of 200 U/L is assumed; the laboratory gave none",
        *assumed.remarks[1:],
    )
    own = "{test: CK, value: 9000, unit: U/L, upper_limit: 180}"
    assert read(f"assumed_limits: {{CK: 200}}\nlabs: [{own}]").values["ck_uln_u_l"] == 180


@pytest.mark.parametrize(
    ("value", "found"),
    [("<20", False), ("<5", False), (">20", True), ("≥ 20", True), (">100", True)],
)
def test_a_bound_on_one_side_of_the_cut_off_is_a_result(value: str, found: bool) -> None:
    test = f'{{antibody: anti-Jo-1, value: "{value}", cut_off: 20}}'
    assert read(f"autoantibodies: [{test}]").values == {"anti_jo1": found}


@pytest.mark.parametrize("value", ["<21", "<=20", ">19"])
def test_a_bound_that_leaves_the_result_open_is_refused(value: str) -> None:
    (message,) = problems(f'autoantibodies: [{{antibody: Jo-1, value: "{value}", cut_off: 20}}]')
    assert "is a limit and no value" in message


def test_order_without_dates_is_shown() -> None:
    text = "treatments: [{drug: MTX, after: prednisone, from_week: 4, to_week: 30}]"
    (course,) = timeline(case(text), packaged_terms()).courses
    assert (course.dose, course.weeks) == ("after prednisone, week 4 to 30", 26)
    (message,) = problems("treatments: [{drug: MTX, after: mystery}]")
    assert message == "unknown drug mystery"


ORDER = """\
date: 2024-06-01
label: polymyositis
treatments:
- {drug: methotrexate, dose: 15, unit: mg, frequency: weekly, route: oral, start: 2022-01-10,
   stop: 2022-12-10, response: none, reason_stopped: no effect}
- {drug: azathioprine, dose: 25, unit: mg, frequency: daily, response: none%s}
"""


def test_a_drug_of_which_no_course_is_recorded_puts_nothing_in_order_and_is_named() -> None:
    (said,) = read("treatments: [{drug: MTX, after: prednisone}]").remarks
    assert said == "treatments[0]: no course of Prednisone is recorded, so after tells nothing"


def test_an_order_that_contradicts_itself_is_named() -> None:
    first = "treatments: [{drug: MTX, after: IVIG}, {drug: azathioprine, after: MTX}, {drug: IVIG"
    assert read(first + "}]").remarks == ()
    (said,) = read(first + ", after: azathioprine}]").remarks
    assert said == (
        "treatments: the order of Azathioprine and Intravenous immunoglobulin and Methotrexate "
        "contradicts itself, so it is not weighed"
    )


@pytest.mark.parametrize(
    ("order", "too_low"),
    [
        ("", None),
        (", after: methotrexate", True),
        # Between two without a date it counts as well, over others in between, too.
        (", after: tacrolimus}\n- {drug: tacrolimus, after: methotrexate", True),
        (
            ", after: IVIG}\n- {drug: IVIG, after: tacrolimus}\n- {drug: tacrolimus, after: methotrexate",
            True,
        ),
        # What contradicts itself puts nothing in order.
        (", after: tacrolimus}\n- {drug: tacrolimus, after: azathioprine", None),
        # Another drug that nobody gave a date puts nothing in order.
        (", after: tacrolimus", None),
        # A date of its own goes first.
        (", after: methotrexate, start: 2021-01-01, stop: 2021-12-01", False),
        # Whenever it was: begun before one with a date, it is not the last.
        (", before: methotrexate", False),
        (", before: IVIG}\n- {drug: IVIG, before: methotrexate", False),
    ],
)
def test_a_drug_after_which_another_was_begun_puts_them_in_order(
    order: str, too_low: bool | None
) -> None:
    """The course begun last is the one whose dose was too low, where the order is known."""
    text = "patient: {id: P, weight_kg: 70, age: 50}\n" + ORDER % order
    known, wrong = check_case_text(text, "c")
    assert known is not None, wrong
    columns = assess(known).resistance.treatment.columns
    assert columns["trial_last_below_min_dose"] is too_low
