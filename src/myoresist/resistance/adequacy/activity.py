"""Was the disease active under a treatment or at its end, and ever since? Courses beside visits, N patients.

A treatment is judged from the day on which it has been taken for long enough until some weeks after its end.
It left the disease active if a visit in this window found activity and nothing since then found none. Where
no visit was made in the window, the words of the course speak: no effect, or a good response. So a relapse
without treatment, years after a remission, is none under the treatment that led to it.

As with exposure, dates that are known in part leave two windows: the days that are in it whatever the dates,
and those that may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided, negated
from myoresist.arrays.rows import Rows, joined
from myoresist.arrays.runs import Flags, Floats, Ints, Runs
from myoresist.case.dates import Days
from myoresist.resistance.adequacy.bounds import Bound
from myoresist.resistance.adequacy.courses import JudgedCourses
from myoresist.resistance.adequacy.doses import LEAST, ROUNDING
from myoresist.resistance.adequacy.exposure import BEFORE_ALL, Exposures
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.seen import Seen, Visits
from myoresist.resistance.adequacy.segments import segments_in_order, unbroken
from myoresist.resistance.adequacy.since import FOREVER, IN_PART, LOST, Since, since_when, word


@dataclass(frozen=True)
class Windows(Rows):
    """Days in which treatments are judged, in order of courses and time.

    Attributes:
        course: number of the course.
        begin: the day on which the time at the dose began.
        low: the first day of the window.
        high: its last day.
    """

    course: Ints
    begin: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Activity:
    """What is told of courses and patients.

    Attributes:
        active: of each course whether the disease was active under it or at its end and ever since.
        gainless: of each course whether no strength was gained on it. Like ``active`` false for a course that
            is not adequate.
        quiet: of each patient whether the disease was found inactive last.
        judged: the days in which treatments can surely be judged.
    """

    active: Truths
    gainless: Truths
    quiet: Flags
    judged: Windows


def activity(
    found: Exposures,
    records: Records,
    courses: JudgedCourses,
    regimens: Regimens,
    seen: Seen,
    patients: int,
) -> Activity:
    """Tell whether treatments left the disease active.

    Args:
        found: from when to when records were taken.
        records: the records.
        courses: the courses that they make.
        regimens: what counts as a trial.
        seen: what visits found.
        patients: how many there are.
    """
    since = since_when(records, seen.visits, regimens, patients)
    own = _own_words(found, records, courses, regimens)
    sure, possible = (judging_windows(found, courses, regimens, bound) for bound in Bound)
    return Activity(
        _active(courses, own, sure, possible, seen.visits, since),
        _gainless(courses, own, sure, possible, seen),
        since.quiet,
        sure,
    )


def judging_windows(
    found: Exposures, courses: JudgedCourses, regimens: Regimens, bound: Bound
) -> Windows:
    """Return the windows in one bound: one for every stretch of time at the dose that was long enough."""
    windows = joined(
        _at_dose(found, courses, regimens, bound), _of_amounts(courses, regimens, bound)
    )
    windows = windows.take(np.lexsort([windows.low, windows.course]))
    course, end = windows.course, windows.high
    runs = Runs.of(found.course)
    columns = regimens.columns.take(courses.regimen.take(course))
    ends = runs.max(found.end[bound]).take(course)
    end = np.where(columns.to_end, np.maximum(end, ends), end)
    # Dates in part leave open when the time that it takes to judge began.
    unsure = found.begin.certain - found.begin.possible
    vague = runs.max(np.where(np.isfinite(unsure), unsure, 0.0)).take(course)
    began = windows.begin + np.where(bound is Bound.CERTAIN, -vague, vague)
    began = began if bound is Bound.CERTAIN else np.minimum(began, end)
    high = np.maximum(end, began + columns.judged) + regimens.conventions.after_days
    dated = courses.begin.earliest.take(course) > BEFORE_ALL / 2
    if bound is Bound.CERTAIN:
        return Windows(course, windows.begin, windows.low, high).only(dated)
    # A course without a date may have been at any time.
    low = np.where(dated, windows.low, -np.inf)
    return Windows(course, windows.begin, low, np.where(dated, high, np.inf))


def _at_dose(found: Exposures, courses: JudgedCourses, regimens: Regimens, bound: Bound) -> Windows:
    """Return the stretches of time at the dose, from the day on which they were long enough to their end."""
    columns = regimens.columns.take(courses.regimen)
    least = np.where(columns.strict, LEAST + ROUNDING + 1, LEAST - ROUNDING)
    taken = segments_in_order(found, bound, found.course, regimens)
    counted = (taken.dose >= least.take(taken.by)) & ~columns.by_amount.take(taken.by)
    at = taken.only(counted)
    at_begin, at_end = np.maximum(at.begin, -FOREVER), np.minimum(at.end, FOREVER)
    stretches = unbroken(at, columns.gap.take(at.by))
    course, days = stretches.first(at.by), at_end - at_begin
    total = np.cumsum(days)
    before = total.take(stretches.starts) - days.take(stretches.starts)
    target = before + columns.needed.take(course)
    enough = total.take(stretches.ends) >= target
    last = np.searchsorted(total, target[enough])
    # The last of the days that are needed is the first on which one can judge.
    low = at_end.take(last) - (total.take(last) - target[enough]) - 1
    begin, end = stretches.first(at.begin)[enough], stretches.last(at.end)[enough]
    return Windows(course[enough], begin, low, end)


def _of_amounts(courses: JudgedCourses, regimens: Regimens, bound: Bound) -> Windows:
    """Return the same of courses whose doses are added: judged some time after the first of them."""
    columns = regimens.columns.take(courses.regimen)
    course = np.flatnonzero(columns.by_amount & (courses.peak[bound] >= LEAST - ROUNDING))
    begin = courses.begin.latest if bound is Bound.CERTAIN else courses.begin.earliest
    begin = begin.take(course)
    low = begin + columns.needed.take(course) - 1
    return Windows(course, begin, low, low)


@dataclass(frozen=True)
class _OwnWords:
    """What is said of each course itself: by its last record of which anything is said, and when that ended.

    Attributes:
        said: see ``word``.
        ended: between which days that was.
    """

    said: Truths
    ended: Days


def _own_words(
    found: Exposures, records: Records, courses: JudgedCourses, regimens: Regimens
) -> _OwnWords:
    written = records.written
    said = word(written.response, written.reason_stopped).take(found.record)
    runs = Runs.of(found.course)
    spoken = said != UNKNOWN
    last = runs.max(np.where(spoken, found.end.possible, -np.inf))
    single = regimens.columns.parts.take(found.regimen) == 1
    # A combination ends with any of its parts, so there all records have to agree.
    spoken &= ~single | (found.end.possible == runs.spread(last))
    low, high = runs.min(np.where(spoken, said, LOST)), runs.max(np.where(spoken, said, FALSE))
    agreed = np.where((low == high) & runs.any(spoken), low, UNKNOWN).astype(np.int8)
    earliest = runs.max(np.where(spoken, found.end.certain, -np.inf)) - 1
    begun = courses.begin.earliest
    return _OwnWords(agreed, Days(np.where(earliest > begun, earliest, begun), last - 1))


def _active(
    courses: JudgedCourses,
    own: _OwnWords,
    sure: Windows,
    possible: Windows,
    visits: Visits,
    since: Since,
) -> Truths:
    patient, adequate, said = courses.patient, courses.adequate, own.said
    inactive, lasting = since.inactive.take(patient), since.lasting.take(patient)

    def visited(windows: Windows, rows: tuple[Ints, Ints]) -> Flags:
        there = np.zeros(len(patient), np.bool_)
        there[windows.course[rows[0] < rows[1]]] = True
        return there

    known = visits.only(visits.active != UNKNOWN)
    owner = patient.take(sure.course)
    since_then = np.maximum(sure.low, lasting.take(sure.course) + 1)
    lasted = visited(sure, known.within(owner, since_then, sure.high))
    looked = visited(sure, known.within(owner, sure.low, sure.high))
    owner = patient.take(possible.course)
    later = np.maximum(possible.low, inactive.take(possible.course) + 1)
    open_ = visits.only(visits.active != FALSE)
    may_be = visited(possible, open_.touching(owner, later, possible.high))
    off = visits.only(visits.active == FALSE)
    denied = visited(possible, off.touching(owner, possible.low, possible.high))
    ends = courses.end - 1
    np.maximum.at(ends, possible.course, possible.high)
    enough = adequate == TRUE
    went_on = enough & (own.ended.earliest > lasting) & ~denied
    # A partial response ended no activity, so what is found later has been there since.
    left = (said == TRUE) | (said == LOST)
    in_part = (said == IN_PART) & (since.found.take(patient) > own.ended.latest)
    return decided(
        ((adequate == FALSE) | since.quiet.take(patient), FALSE),
        (enough & lasted, TRUE),
        (went_on & (left | in_part), TRUE),
        (enough & ~left & looked & ~may_be, FALSE),
        ((said == FALSE) & ~may_be, FALSE),
        (ends < inactive, FALSE),
    )


def _gainless(
    courses: JudgedCourses, own: _OwnWords, sure: Windows, possible: Windows, seen: Seen
) -> Truths:
    """Tell whether strength at the last visit of the last window is what it was before the treatment.

    Where no visit was made in the window, the words of the course tell.
    """
    visits, patient = seen.visits, courses.patient
    said = np.where(np.isin(own.said, (IN_PART, LOST)), UNKNOWN, own.said).astype(np.int8)
    last_sure, last_possible = (_last_window(x, len(patient)) for x in (sure, possible))
    rows = np.flatnonzero((last_sure >= 0) & (last_possible >= 0))
    owner, ever = patient.take(rows), np.full(len(rows), -np.inf)
    one, other = sure.take(last_sure.take(rows)), possible.take(last_possible.take(rows))
    _, after = visits.within(owner, one.low, one.high)
    begin, after_possible = visits.touching(owner, other.low, other.high)
    first, before = visits.within(owner, ever, other.begin)
    _, before_possible = visits.touching(owner, ever, one.begin)
    paired = (after == after_possible) & (before == before_possible)
    paired &= (after > begin) & (before > first) & (after > before)
    gained = np.full(len(rows), UNKNOWN, np.int8)
    places = visits.row.take(before[paired] - 1), visits.row.take(after[paired] - 1)
    gained[paired] = seen.gained(*places)
    gainless = said.copy()
    visited = after_possible > begin
    gainless[rows] = np.where(visited, negated(gained), said.take(rows))
    return np.minimum(courses.adequate, gainless)


def _last_window(windows: Windows, courses: int) -> Ints:
    """Return the row of the last window of each course, -1 for none."""
    found = np.full(courses, -1, np.int64)
    found[windows.course] = np.arange(len(windows.course))
    return found
