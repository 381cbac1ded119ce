"""The visit from which the response of each patient is judged, where nobody names one.

It is the last visit before the most recent course of treatment began, of the classes of drugs in
``response/conventions.yaml``, if there is a visit after it; else the first visit. A response is one to a
treatment: counted from the first visit, it would also hold what earlier drugs did, and somebody whom an
earlier drug helped would go on to answer to one that does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from myoresist.arrays.runs import Ints, Runs, numbers, same_as_next
from myoresist.case.courses import Treatments
from myoresist.case.drug_names import Drug
from myoresist.resistance.response.evaluate import Conventions
from myoresist.resistance.response.visits import DATE, PATIENT

_SPAN = 1 << 23
"""More days than there are in the calendar, so that patient and day make one number."""
_MONTH = 31
_NEVER = -1


@dataclass(frozen=True)
class Visited:
    """When the visits of N patients were, in order of patient and time.

    Attributes:
        patient: row of the patient.
        first: the first day on which the visit may have been, counted from 1970.
        last: the last such day; the times of two visits of a patient do not overlap.
    """

    patient: Ints
    first: Ints
    last: Ints

    @classmethod
    def of_table(
        cls, visits: pl.DataFrame, patients: pl.Series, last: Ints | None = None
    ) -> Visited:
        """Return when the visits of a table were.

        Args:
            visits: what ``checked_visits`` returned, of some of the patients and in their order; the first
                day of a date in part stands for it.
            patients: the ids of all patients.
            last: the last day of each visit; when left out, their days are known.
        """
        rows = pl.DataFrame({PATIENT: patients}).with_row_index("row")
        place = visits.select(PATIENT).join(rows, PATIENT, "left", maintain_order="left")["row"]
        day = numbers(visits[DATE])
        return cls(numbers(place), day, day if last is None else last)


@dataclass(frozen=True)
class Baselines:
    """The baseline of each patient.

    Attributes:
        visit: row of the visit, -1 for a patient without visits.
        record: place in the list of courses, as in ``Treatments.courses``, of the course before which it is
            the last visit; -1 where it is the first visit since no course began between two visits.
    """

    visit: Ints
    record: Ints


def default_baselines(
    visited: Visited, treatments: Treatments, drugs: Mapping[str, Drug], conventions: Conventions
) -> Baselines:
    """Return the baseline of each patient of ``treatments``.

    Args:
        visited: when the visits were.
        treatments: what was given.
        drugs: every drug by its id.
        conventions: which classes of drugs count, and when a course is a new one.
    """
    count = len(treatments.patient_ids)
    runs = Runs.of(visited.patient)
    owner = runs.first(visited.patient)
    first, end = np.full(count, _NEVER), np.full(count, _NEVER)
    first[owner], end[owner] = runs.starts, runs.ends
    visit, record = first.copy(), np.full(count, _NEVER)
    begun = _begun(treatments, drugs, conventions)
    at = _last_before(visited, begun)
    patient = begun.patient
    between = (at >= first.take(patient)) & (first.take(patient) >= 0) & (at < end.take(patient))
    rows = np.flatnonzero(between)
    # The last of each patient is that of the first list of classes, and of it the latest.
    order = np.lexsort(
        [-begun.drug[rows], begun.last[rows], begun.first[rows], -begun.level[rows], patient[rows]]
    )
    rows = rows[order]
    chosen = rows[Runs.of(patient.take(rows)).ends] if len(rows) else rows
    visit[patient.take(chosen)] = at.take(chosen)
    record[patient.take(chosen)] = begun.record.take(chosen)
    return Baselines(visit, record)


@dataclass(frozen=True)
class _Begun:
    """Beginnings of courses: who, of what, and between which days."""

    patient: Ints
    record: Ints
    drug: Ints
    level: Ints
    first: Ints
    last: Ints


def _begun(treatments: Treatments, drugs: Mapping[str, Drug], conventions: Conventions) -> _Begun:
    """Return when courses of some classes began; a change of dose begins none, nor does a local drug."""
    courses = treatments.courses
    groups = enumerate(conventions.course_classes)
    levels = {name: place for place, group in groups for name in group}
    # Drugs are numbered in the order in which they are listed; the last is one that is not known.
    of_drug = np.array([*(levels.get(one.drug_class, _NEVER) for one in drugs.values()), _NEVER])
    level = of_drug.take(courses.drug)
    record = np.flatnonzero((level >= 0) & courses.start.known & ~courses.local)
    courses, level = courses.take(record), level.take(record)
    order = np.lexsort([record, courses.start.earliest, courses.drug, courses.patient])
    courses, level, record = courses.take(order), level.take(order), record.take(order)
    again = same_as_next(courses.patient, courses.drug)[:-1]
    pause = courses.start.earliest[1:] - courses.stop.latest[:-1]
    near = ~courses.stop.known[:-1] | (pause <= conventions.same_course_days)
    new = np.ones(len(record), np.bool_)
    new[1:] = ~(again & near)
    first, last = courses.start.earliest.astype(np.int64), courses.start.latest.astype(np.int64)
    return _Begun(
        courses.patient[new], record[new], courses.drug[new], level[new], first[new], last[new]
    )


def _last_before(visited: Visited, begun: _Begun) -> Ints:
    """Return the row of the last visit before each beginning; it may be one of another patient.

    A visit of the first day is before it, and so is one that is dated alike, to the month at least.
    """
    ends = visited.patient * _SPAN + visited.last
    following = np.searchsorted(ends, begun.patient * _SPAN + begun.first, side="right")
    if not len(ends):
        return following - 1
    last = np.minimum(following, len(ends) - 1)
    alike = (
        (following < len(ends))
        & (visited.patient.take(last) == begun.patient)
        & (visited.first.take(last) == begun.first)
        & (visited.last.take(last) == begun.last)
        & (begun.last - begun.first < _MONTH)
    )
    before: Ints = following + alike - 1
    return before
