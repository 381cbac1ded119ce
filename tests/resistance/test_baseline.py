"""The default baseline: columns of many patients against the rule written out for one."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.case.courses import Treatments
from myoresist.case.dates import PartialDate
from myoresist.resistance.response.baseline import Visited, default_baselines
from myoresist.resistance.response.series import EPOCH

KNOWLEDGE = Knowledge.load()
DRUGS = KNOWLEDGE.terms.drugs
CONVENTIONS = KNOWLEDGE.resistance.responses.conventions

DAYS = st.integers(0, 900).map(lambda x: date(2020, 1, 1) + timedelta(days=x))
DATES = st.tuples(DAYS, st.sampled_from([4, 7, 10, 10])).map(
    lambda x: PartialDate.parse(x[0].isoformat()[: x[1]])
)
COURSES = st.lists(
    st.fixed_dictionaries(
        {
            "drug": st.sampled_from(["prednisone", "methotrexate", "rituximab", "exercise"]),
            "start": st.one_of(st.none(), DATES),
            "stop": st.one_of(st.none(), DATES),
            "route": st.sampled_from([None, "oral", "topical"]),
        }
    ),
    max_size=5,
)
PATIENTS = st.lists(
    st.tuples(st.lists(DATES, max_size=4), COURSES), min_size=1, max_size=4
)  # fmt: skip


def apart(dates: list[PartialDate]) -> list[PartialDate]:
    """Return dates in order, without those that may be earlier than one before them."""
    kept: list[PartialDate] = []
    for one in sorted(dates, key=lambda x: x.earliest):
        if not kept or one.earliest > kept[-1].latest:
            kept.append(one)
    return kept


def by_hand(visits: list[PartialDate], courses: list[dict]) -> int:
    """Return the place of the baseline among the visits, by the words of the rule."""
    for classes in CONVENTIONS.course_classes:
        own = [
            (x["start"], x["stop"], x["drug"])
            for x in courses
            if x["start"] and DRUGS[x["drug"]].drug_class in classes and x["route"] != "topical"
        ]
        own.sort(key=lambda x: x[0].earliest)
        begun = []
        for place, (start, _, drug) in enumerate(own):
            before = [stop for _, stop, other in own[:place] if other == drug]
            days = (start.earliest - before[-1].latest).days if before and before[-1] else None
            if not before or (days is not None and days > CONVENTIONS.same_course_days):
                begun.append(start)
        # Of courses that may have begun on the same first day, the one that may have begun latest counts.
        for start in sorted(begun, key=lambda x: (x.earliest, x.latest), reverse=True):
            earlier = [
                place
                for place, visit in enumerate(visits)
                if visit.latest <= start.earliest or (visit == start and visit.month)
            ]
            if earlier and earlier[-1] + 1 < len(visits):
                return earlier[-1]
    return 0 if visits else -1


def days(dates: list[date]) -> np.ndarray:
    return np.array([(one - EPOCH).days for one in dates], np.int64)


@given(PATIENTS)
def test_many_patients_at_once_are_each_judged_by_the_rule(
    patients: list[tuple[list[PartialDate], list[dict]]],
) -> None:
    visits = [apart(dates) for dates, _ in patients]
    rows = [
        {"patient_id": str(number)} | {k: None if v is None else str(v) for k, v in one.items()}
        for number, (_, courses) in enumerate(patients)
        for one in courses
    ]
    schema = dict.fromkeys(("patient_id", "drug", "start", "stop", "route"), pl.String)
    treatments = Treatments.of(
        pl.DataFrame({"patient_id": [str(x) for x in range(len(patients))]}),
        pl.DataFrame(rows, schema=schema),
        None,
        KNOWLEDGE.terms,
    )
    flat = [one for listed in visits for one in listed]
    visited = Visited(
        np.repeat(np.arange(len(visits)), [len(one) for one in visits]),
        days([one.earliest for one in flat]),
        days([one.latest for one in flat]),
    )
    found = default_baselines(visited, treatments, DRUGS, CONVENTIONS)
    first = np.cumsum([0, *(len(one) for one in visits)])
    for number, (_, courses) in enumerate(patients):
        place = by_hand(visits[number], courses)
        expected = -1 if place < 0 else int(first[number]) + place
        assert found.visit[number] == expected
