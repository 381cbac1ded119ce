"""Made-up lists of courses, and what is said of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from myoresist import knowledge
from myoresist.case.courses import Treatments
from myoresist.case.reading import packaged_terms
from myoresist.resistance.adequacy.evaluate import History, TreatmentKnowledge
from myoresist.resistance.adequacy.records import MISSING
from myoresist.resistance.adequacy.tables import VERDICTS

TERMS = packaged_terms()
BASE = TreatmentKnowledge.load(knowledge.folder(), TERMS)
TODAY = date(2023, 6, 1)
Course = dict[str, Any]


def treatments(
    *patients: list[Course], complete: bool | None = True, today: date | None = TODAY
) -> Treatments:
    """Return what was given to some patients."""
    people = pl.DataFrame(
        {
            "patient_id": [str(i) for i in range(len(patients))],
            "date": pl.Series([today and str(today)] * len(patients), dtype=pl.String),
            "treatments_complete": pl.Series([complete] * len(patients), dtype=pl.Boolean),
        }
    )
    rows = [{"patient_id": str(i), **one} for i, p in enumerate(patients) for one in p]
    schema = {"patient_id": pl.String, "drug": pl.String}
    courses = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame(schema=schema)
    return Treatments.of(people, courses, None, TERMS)


def judge(
    *patients: list[Course], complete: bool | None = True, today: date | None = TODAY
) -> History:
    """Return what was given to some patients, judged."""
    return BASE.history(treatments(*patients, complete=complete, today=today))


def columns_of(history: History) -> pl.DataFrame:
    """Return the derived columns that are no bounds, one row a patient."""
    return history.columns.frame([x for x in history.names if not x.endswith("_at_least")])


def verdict(history: History, name: str, patient: int = 0) -> tuple[str, tuple[str, ...]]:
    """Return the verdict on a trial, and what it lacks."""
    trials, number = history.trials, BASE.regimens.numbers[name]
    rows = ((trials.regimen == number) & (trials.patient == patient)).nonzero()[0]
    if not len(rows):
        return "not_tried" if history.whole[patient] else "unknown", ()
    lacks = trials.lacks[rows[0]]
    missing = tuple(word for word, lack in zip(MISSING, lacks, strict=True) if lack)
    return VERDICTS[trials.verdict.item(rows[0])], missing


def state(history: History, name: str, patient: int = 0) -> str:
    """Return the verdict on a trial."""
    return verdict(history, name, patient)[0]


DRUGS = {
    "methotrexate": (7.5, 15.0, 20.0),
    "azathioprine": (50.0, 140.0, 200.0),
    "prednisone": (5.0, 20.0, 35.0, 60.0),
}


@st.composite
def exact(draw: st.DrawFn) -> Course:
    """Draw a course with its dates."""
    drug = draw(st.sampled_from(sorted(DRUGS)))
    start = date(2021, 1, 1) + timedelta(days=draw(st.integers(0, 600)))
    return {
        "drug": drug,
        "dose": draw(st.sampled_from([*DRUGS[drug], None])),
        "unit": "mg",
        "frequency": "weekly" if drug == "methotrexate" else "daily",
        "start": str(start),
        "stop": str(start + timedelta(days=draw(st.integers(0, 200)))),
        "ongoing": None,
        "reason_stopped": draw(st.sampled_from(["no effect", "side effect", None])),
        "weight_kg": draw(st.sampled_from([70.0, None])),
    }


@st.composite
def vague(draw: st.DrawFn) -> Course:
    """Draw a course of which some dates are only known in part, or not at all."""
    one = draw(exact())
    for end in ("start", "stop"):
        shown = draw(st.sampled_from([10, 10, 7, 4, 0]))
        one[end] = one[end][:shown] or None
    if one["stop"] is None and one["reason_stopped"] is None:
        one["ongoing"] = draw(st.sampled_from([None, True, False]))
    return one


@st.composite
def following(draw: st.DrawFn) -> list[Course]:
    """Draw courses of one drug of which each begins about when the one before ended."""
    first = draw(exact())
    day, courses = date.fromisoformat(first["start"]), []
    for _ in range(draw(st.integers(1, 4))):
        day += timedelta(days=draw(st.sampled_from([-5, 0, 1, 14, 16])))
        stop = day + timedelta(days=draw(st.sampled_from([6, 27, 30, 59, 83, 111])))
        shown = [draw(st.sampled_from([10, 10, 7])) for _ in range(2)]
        dose = draw(st.sampled_from([*DRUGS[first["drug"]], None]))
        one = {**first, "start": str(day)[: shown[0]], "stop": str(stop)[: shown[1]], "dose": dose}
        one["stop"] = draw(st.sampled_from([one["stop"], one["stop"], None]))
        courses.append(one)
        day = stop
    return courses


LISTS = st.lists(vague(), min_size=1, max_size=6) | following()
