"""Records of treatment, made ready to be judged: what follows from each and from its neighbours."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints, Runs, of_next, ordered, same_as_next
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import Courses
from myoresist.case.courses import Treatments
from myoresist.case.dates import Days
from myoresist.resistance.adequacy.bounds import Bounds
from myoresist.resistance.adequacy.regimens import Regimens

MISSING = (
    "dose", "unit", "ingredient", "frequency", "weight", "route", "start", "stop", "day",
    "today",
)  # fmt: skip
"""What a record may lack."""


def flags(**columns: Flags) -> Flags:
    """Return what records lack as a table, one column for each word of ``MISSING``."""
    rows = len(next(iter(columns.values())))
    table = np.zeros((rows, len(MISSING)), np.bool_)
    for word, column in columns.items():
        table[:, MISSING.index(word)] = column
    return table


@dataclass(frozen=True)
class Records(Rows):
    """Records of patients, each once, sorted by patient, then by when they began.

    Attributes:
        written: what was written, with the usual route, and with dates that follow from how long it lasted.
        order: the place of the record among those of the patient.
        today: the date of the assessment.
        running: whether it goes on.
        ends: the last day, where a stop is known or follows from the next record.
        replaced: whether another dose of the same drug took its place.
        undated: whether only its length is known.
        interval: days from one dose to the next.
        doses: number of doses; as ``possible`` NaN where it is not known.
        lacks: what is missing to know from when to when it was taken; see ``flags``.
    """

    written: Courses
    order: Ints
    today: Days
    running: Truths
    ends: Days
    replaced: Flags
    undated: Flags
    interval: Bounds
    doses: Bounds
    lacks: Flags


def records_of(treatments: Treatments, regimens: Regimens) -> Records:
    """Return the records of all patients; what was only applied locally is left out."""
    courses = treatments.courses.only(~treatments.courses.local)
    usual = regimens.usual_route.take(courses.drug)
    routed = replace(courses, route=np.where(courses.route == NO_WORD, usual, courses.route))
    once = _once(_in_order(_dated_by_length(routed)))
    until = _until_replaced(once)
    # From here on drugs of one regimen may follow each other, so what counts is when they began.
    rows = ordered(_place(once.patient, once.start), *_columns_to_sort_by(once))
    written = once.take(rows)
    return _judged(written, until.take(rows), treatments, regimens)


def _interval(courses: Courses) -> Floats:
    """Return the days from one dose to the next; NaN if not known."""
    return np.maximum(np.floor(courses.every / courses.times), 1.0)


def _dated_by_length(courses: Courses) -> Courses:
    """Fill in the stop, or the start, of a record of which one is known and how long it lasted."""
    ahead = np.maximum(courses.length - np.fmax(_interval(courses), 1.0), 0.0)
    return replace(
        courses,
        stop=courses.stop.otherwise(courses.start.later(ahead)),
        start=courses.start.otherwise(courses.stop.later(-ahead)),
    )


def _in_order(courses: Courses) -> Courses:
    """Bound dates in part by each other: nothing starts after it has stopped, nor stops before it started."""
    start, stop = courses.start, courses.stop
    # What is not known bounds nothing; fmin and fmax pass over it.
    latest = np.fmin(start.latest, np.maximum(stop.latest, start.earliest))
    earliest = np.fmax(stop.earliest, np.minimum(start.earliest, stop.latest))
    return replace(
        courses,
        start=Days(start.earliest, np.where(start.known, latest, start.latest)),
        stop=Days(np.where(stop.known, earliest, stop.earliest), stop.latest),
    )


def _place(group: Ints, start: Days) -> Floats:
    """Return a number that sorts by group, then by start; starts out of all bounds are taken for equal."""
    half = 2.0**22
    day = np.nan_to_num(start.earliest, nan=-half).clip(-half, half - 1)
    place: Floats = group * (2 * half) + day
    return place


def _columns_to_sort_by(courses: Courses) -> list[Any]:
    """Return every column, what counts first in front, and what is not known before all that is."""
    when = (courses.start.earliest, courses.start.latest, courses.stop.latest)
    content = (
        courses.drug, courses.amount, courses.every, courses.length, courses.weight_kg,
        courses.ongoing, courses.reason_stopped, courses.response,
    )  # fmt: skip
    rest: list[Any] = [getattr(courses, one.name) for one in fields(courses)]
    plain = [x for x in rest if not isinstance(x, Days)]
    columns = [*when, *content, courses.stop.earliest, *plain]
    return [np.nan_to_num(x, nan=-np.inf) if x.dtype == np.float64 else x for x in columns]


def _once(courses: Courses) -> Courses:
    """Return each dated record once, sorted by patient, drug and start.

    Exports of records hold entries twice; counted twice they would make too low a dose high enough.
    """
    drugs = int(courses.drug.max(initial=0)) + 2
    columns = _columns_to_sort_by(courses)
    group = courses.patient * drugs + courses.drug + 1
    rows = ordered(_place(group, courses.start), *columns)
    near = np.flatnonzero(same_as_next(group.take(rows), courses.start.earliest.take(rows)))
    one, next_ = rows.take(near), rows.take(near + 1)
    same = np.ones(len(near), np.bool_)
    for column in columns:
        same &= column.take(one) == column.take(next_)
    again = np.zeros(len(rows), np.bool_)
    again[near[same] + 1] = True
    return courses.take(rows[~again])


def _until_replaced(courses: Courses) -> Days:
    """Return until when doses lasted that another of the same drug replaced; unknown for the others.

    A dose that is followed by another of the same drug, and of which nobody says that it goes on or when it
    ended, lasted until then. The courses are sorted by patient, drug and start.
    """
    following = Days(of_next(courses.start.earliest), of_next(courses.start.latest))
    replaced = (
        same_as_next(courses.patient, courses.drug)
        & (courses.drug != NO_WORD)
        & (following.earliest > courses.start.earliest)
        & ~courses.stop.known
        & (courses.ongoing == UNKNOWN)
        & (courses.reason_stopped == NO_WORD)
    )
    return Days(
        np.where(replaced, following.earliest, np.nan), np.where(replaced, following.latest, np.nan)
    )


def _judged(written: Courses, until: Days, treatments: Treatments, regimens: Regimens) -> Records:
    """Tell whether each record goes on, how many doses it has, when it ends, and what it lacks."""
    start, stop, single = written.start, written.stop, written.single
    today = treatments.today.take(written.patient)
    complete = treatments.complete.take(written.patient) == TRUE
    replaced = until.known
    running = decided(
        (stop.known | (written.reason_stopped != NO_WORD), FALSE),
        (written.ongoing == TRUE, TRUE),
        ((written.ongoing == FALSE) | replaced | single, FALSE),
        (complete & start.known, TRUE),
    )
    goes_on = running == TRUE
    runs = Runs.of(written.patient)
    interval = _interval(written)
    longest = float(regimens.conventions.unknown_interval_days)
    return Records(
        written=written,
        order=np.arange(len(replaced)) - runs.spread(runs.starts),
        today=today,
        running=running,
        # A single dose ends on the day that it is given.
        ends=stop.otherwise(start.where(single, until)),
        replaced=replaced,
        undated=~start.known & ~stop.known & ~np.isnan(written.length),
        interval=Bounds(
            np.where(np.isnan(interval), 1.0, interval),
            np.where(np.isnan(interval), longest, interval),
        ),
        doses=_doses(written),
        lacks=flags(
            start=~start.known,
            stop=~stop.known & ~replaced & ~single & ~goes_on,
            day=start.vague | stop.vague,
            today=goes_on & (today.vague | ~today.known),
        ),
    )


def _doses(written: Courses) -> Bounds:
    """Return how many doses each record stands for; as ``possible`` NaN where it is not known."""
    start, stop = written.start, written.stop
    given_certain = np.floor((stop.earliest - start.latest) / written.every) + 1
    given_possible = np.floor((stop.latest - start.earliest) / written.every) + 1
    one_day = (start.earliest == start.latest) & (stop.latest == start.earliest)
    return Bounds(
        # At least one was given.
        np.where(written.single, 1.0, np.fmax(given_certain * written.times, 1.0)),
        np.where(written.single | one_day, 1.0, given_possible * written.times),
    )
