"""Activity under treatment: the columns against the rule written out visit by visit, and dates in part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN
from myoresist.case.courses import Treatments
from myoresist.case.dates import Days, PartialDate
from myoresist.resistance.adequacy.evaluate import History
from myoresist.resistance.adequacy.schema import ORAL
from myoresist.resistance.adequacy.seen import Seen, Visits

KNOWLEDGE = Knowledge.load()
BASE = KNOWLEDGE.resistance.treatments
CONVENTIONS = BASE.regimens.conventions
REGIMEN = BASE.regimens[ORAL]
EPOCH, START = date(1970, 1, 1), date(2020, 1, 1)
ENOUGH_MG = 40

Record = tuple[int, int, int]
"""First day, last day and dose in mg a day."""
Visit = tuple[int, int]
"""Day and whether the disease was active."""


def sequence(parts: Sequence[tuple[int, int, int]]) -> list[Record]:
    records, day = [], 0
    for pause, length, dose in parts:
        records.append((day + pause, day + pause + length - 1, dose))
        day += pause + length
    return records


RECORDS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 70), st.sampled_from([10, ENOUGH_MG, 60])),
    max_size=4,
).map(sequence)
VISITS = st.dictionaries(
    st.integers(-30, 900), st.sampled_from([FALSE, UNKNOWN, TRUE]), max_size=6
).map(lambda found: sorted(found.items()))


def windows(records: Sequence[Record]) -> list[tuple[int, int]]:
    """Return the first and last day of every time in which the trial is judged, day by day."""
    days = sorted(
        x for first, last, dose in records if dose >= ENOUGH_MG for x in range(first, last + 1)
    )
    stretches: list[list[int]] = []
    for day in days:
        if stretches and day - stretches[-1][-1] - 1 <= CONVENTIONS.gap_days:
            stretches[-1].append(day)
        else:
            stretches.append([day])
    judged = round(7 * (REGIMEN.judge_at_weeks or 0))
    return [
        (one[REGIMEN.days - 1], max(one[-1] + 1, one[0] + judged) + CONVENTIONS.after_days)
        for one in stretches
        if len(one) >= REGIMEN.days
    ]


def by_hand(records: Sequence[Record], visits: Sequence[Visit]) -> int:
    """Return what the rule says of the trial of oral glucocorticoid, of the best of its courses."""
    courses: list[list[Record]] = []
    for record in records:
        if courses and record[0] - courses[-1][-1][1] - 1 <= CONVENTIONS.gap_days:
            courses[-1].append(record)
        else:
            courses.append([record])
    return max((of_course(one, visits) for one in courses), default=FALSE)


def of_course(records: Sequence[Record], visits: Sequence[Visit]) -> int:
    known = [visit for visit in visits if visit[1] != UNKNOWN]
    inactive = max((day for day, found in known if found == FALSE), default=None)
    judged = windows(records)
    if not judged or (inactive is not None and inactive == visits[-1][0]):
        return FALSE
    high = max(last for _, last in judged)

    def inside(day: int) -> bool:
        return any(low <= day <= high for low, high in judged)

    for place, (day, _) in enumerate(known):
        lasts = all(found == TRUE for _, found in known[place:])
        times = [*(x for x, _ in known[place:]), visits[-1][0]]
        closely = all(b - a <= CONVENTIONS.persist_days for a, b in pairwise(times))
        if inside(day) and lasts and closely:
            return TRUE
    looked = any(inside(day) for day, _ in known)
    may_be = any(
        inside(day) and found != FALSE and (inactive is None or day > inactive)
        for day, found in visits
    )
    if looked and not may_be:
        return FALSE
    return FALSE if inactive is not None and inactive > high else UNKNOWN


def written(day: int, digits: int = 10) -> str:
    return (START + timedelta(days=day)).isoformat()[:digits]


Course = dict[str, str | float | None]
Patient = tuple[Sequence[Course], Sequence[tuple[str, int]]]


def prednisone(start: str, stop: str, dose: int) -> Course:
    return {
        "drug": "prednisone",
        "dose": float(dose),
        "unit": "mg/day",
        "start": start,
        "stop": stop,
    }


def judged(patients: Sequence[Patient]) -> list[int]:
    """Return what the columns say of oral glucocorticoid of each patient."""
    active = history(patients).tests["active"][BASE.regimens.numbers[ORAL]]
    return [int(one) for one in active]


def history(patients: Sequence[Patient]) -> History:
    rows = [
        {"patient_id": str(number), "weight_kg": 70.0, **course}
        for number, (courses, _) in enumerate(patients)
        for course in courses
    ]
    schema = dict.fromkeys(("patient_id", "drug", "unit", "start", "stop", "response"), pl.String)
    people = pl.DataFrame(
        {
            "patient_id": [str(x) for x in range(len(patients))],
            "date": ["2024-01-01"] * len(patients),
            "treatments_complete": [True] * len(patients),
        }
    )
    numbers = {"dose": pl.Float64, "weight_kg": pl.Float64}
    courses = pl.DataFrame(rows, schema=schema | numbers)
    flat = [(number, *visit) for number, (_, visits) in enumerate(patients) for visit in visits]
    dates = [PartialDate.parse(day) for _, day, _ in flat]
    ends = (
        np.array([(x - EPOCH).days for x in days], np.float64)
        for days in ([x.earliest for x in dates], [x.latest for x in dates])
    )
    found = Visits(
        np.array([number for number, *_ in flat], np.int64),
        np.arange(len(flat)),
        Days(*ends),
        np.array([active for *_, active in flat], np.int8),
    )
    treatments = Treatments.of(people, courses, None, KNOWLEDGE.terms)
    return BASE.history(treatments, seen=Seen(found, Seen.nothing().gained))


@settings(max_examples=60)
@given(st.lists(st.tuples(RECORDS, VISITS), min_size=1, max_size=5))
def test_many_patients_at_once_are_each_judged_by_the_rule(
    patients: list[tuple[list[Record], list[Visit]]],
) -> None:
    exact = [
        (
            [prednisone(written(first), written(last), dose) for first, last, dose in records],
            [(written(day), found) for day, found in visits],
        )
        for records, visits in patients
    ]
    assert judged(exact) == [by_hand(*one) for one in patients]


@settings(max_examples=80)
@given(RECORDS, VISITS, st.data())
def test_dates_in_part_leave_open_and_never_turn_an_answer(
    records: list[Record], visits: list[Visit], data: st.DataObject
) -> None:
    digits = st.sampled_from([10, 10, 7, 4])
    # Records of one drug that may meet are taken to follow each other, which is another convention.
    parts = digits if len(records) == 1 else st.just(10)
    vague = [
        prednisone(written(first, data.draw(parts)), written(last, data.draw(parts)), dose)
        for first, last, dose in records
    ]
    places = [written(day, data.draw(digits)) for day, _ in visits]
    dates = [PartialDate.parse(one) for one in places]
    # Visits whose order is open are not judged at all.
    ordered = all(a.latest < b.earliest for a, b in pairwise(dates))
    seen = [
        (place if ordered else written(day), found)
        for place, (day, found) in zip(places, visits, strict=True)
    ]
    exact = by_hand(records, visits)
    assert judged([(vague, seen)])[0] in (exact, UNKNOWN)


DRUGS = [
    ("prednisone", 60.0, "mg/day"),
    ("methotrexate", 20.0, "mg/week"),
    ("azathioprine", 150.0, "mg/day"),
    ("rituximab", 2000.0, "mg"),
]
COURSES = st.lists(
    st.tuples(
        st.sampled_from(DRUGS),
        st.integers(0, 800),
        st.integers(20, 250),
        st.sampled_from([None, "none", "good", "partial"]),
    ),
    max_size=4,
    # Two records of one drug that may meet are taken to follow each other, which is another convention.
    unique_by=lambda one: one[0],
)


@settings(max_examples=100)
@given(COURSES, VISITS, st.data())
def test_with_the_words_of_courses_dates_in_part_turn_no_answer_either(
    courses: list[tuple[tuple[str, float, str], int, int, str | None]],
    visits: list[Visit],
    data: st.DataObject,
) -> None:
    digits = st.sampled_from([10, 10, 7, 4])

    def given_at(first: Sequence[int], last: Sequence[int]) -> list[Course]:
        return [
            {"drug": drug, "dose": dose, "unit": unit, "response": response,
             "start": written(start, one), "stop": written(start + length, other)}
            for ((drug, dose, unit), start, length, response), one, other in zip(
                courses, first, last, strict=True
            )
        ]  # fmt: skip

    exact, seen = [10] * len(courses), [(written(day), found) for day, found in visits]
    vague = [[data.draw(digits) for _ in courses] for _ in range(2)]
    sure, open_ = (
        history([(given_at(*of), seen)]).tests["active"] for of in ((exact, exact), vague)
    )
    assert ((open_ == UNKNOWN) | (open_ == sure)).all()
