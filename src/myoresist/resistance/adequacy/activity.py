"""Was the disease active under a treatment or at its end, and ever since? Courses beside visits, N patients.

A treatment is judged from the day on which it has been taken for long enough until some weeks after its end.
It left the disease active if a visit in this window found activity and nothing since then found none. Where
no visit was made in the window, the words of the course speak: no effect, or a good response. So a relapse
without treatment, years after a remission, is none under the treatment that led to it.

As with exposure, dates that are known in part leave two windows: the days that are in it whatever the dates,
and those that may be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided, negated
from myoresist.arrays.rows import Rows, joined
from myoresist.arrays.runs import Flags, Floats, Ints, Runs
from myoresist.case.course_columns import REASONS, RESPONSES
from myoresist.case.dates import Days
from myoresist.resistance.adequacy.bounds import Bound
from myoresist.resistance.adequacy.courses import JudgedCourses
from myoresist.resistance.adequacy.doses import LEAST, ROUNDING
from myoresist.resistance.adequacy.exposure import BEFORE_ALL, Exposures
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.segments import segments_in_order, unbroken

_NONE, _GOOD, _PARTIAL = (RESPONSES.index(word) for word in ("none", "good", "partial"))
_NO_EFFECT, _REMISSION = (REASONS.index(word) for word in ("no effect", "remission"))
_HALF = 2.0**22
"""More days than there are between two dates, so that patient and day make one number."""
IN_PART = 3
"""Beside false, unknown and true: the disease got better and did not go."""
_FOREVER = 1e9
"""A day that is not known, before or after all others, as a number that can be added up."""


@dataclass(frozen=True)
class Visits(Rows):
    """When visits were, in order of patient and time, and what they found.

    Attributes:
        patient: row of the patient.
        row: place of the visit in the table from which it is.
        on: between which days it was; the times of two visits of a patient do not overlap.
        active: whether the disease was active.
    """

    patient: Ints
    row: Ints
    on: Days
    active: Truths

    def within(self, patient: Ints, low: Floats, high: Floats) -> tuple[Ints, Ints]:
        """Return the first row and the row after the last of the visits that surely lie between days."""
        begin = np.searchsorted(self._key(self.on.earliest), _key(patient, low))
        end = np.searchsorted(self._key(self.on.latest), _key(patient, high), side="right")
        return begin, end

    def touching(self, patient: Ints, low: Floats, high: Floats) -> tuple[Ints, Ints]:
        """Return the same of the visits that may lie between days."""
        begin = np.searchsorted(self._key(self.on.latest), _key(patient, low))
        end = np.searchsorted(self._key(self.on.earliest), _key(patient, high), side="right")
        return begin, end

    def _key(self, day: Floats) -> Floats:
        return _key(self.patient, day)


@dataclass(frozen=True)
class Seen:
    """What visits found.

    Attributes:
        visits: the visits.
        gained: tells of pairs of visits, by their places in the table, whether strength was gained.
    """

    visits: Visits
    gained: Callable[[Ints, Ints], Truths]

    @classmethod
    def nothing(cls) -> Seen:
        """Return what is found without any visit."""
        none, day = np.empty(0, np.int64), np.empty(0, np.float64)
        visits = Visits(none, none, Days(day, day), np.empty(0, np.int8))
        return cls(visits, lambda before, _: np.full(len(before), UNKNOWN, np.int8))


def _key(patient: Ints, day: Floats) -> Floats:
    key = patient * (2 * _HALF) + np.clip(day, -_HALF, _HALF - 1)
    return key.astype(np.float64, copy=False)


def word(response: Ints, reason: Ints) -> Truths:
    """Tell by the words of courses whether they left the disease active; ``IN_PART`` if it got better.

    Args:
        response: place in ``RESPONSES``.
        reason: place in ``REASONS`` of why it was stopped.
    """
    failed = (response == _NONE) | (reason == _NO_EFFECT)
    helped = (response == _GOOD) | (reason == _REMISSION)
    return decided(
        (failed & helped, UNKNOWN), (failed, TRUE), (helped, FALSE), (response == _PARTIAL, IN_PART)
    )


@dataclass(frozen=True)
class Activity:
    """What is told of courses and patients.

    Attributes:
        active: of each course whether the disease was active under it or at its end and ever since.
        gainless: of each course whether no strength was gained on it. Like ``active`` false for a course that
            is not adequate.
        quiet: of each patient whether the disease was found inactive last.
    """

    active: Truths
    gainless: Truths
    quiet: Flags


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
    since = _since(records, seen.visits, regimens, patients)
    own = _own_words(found, records, courses, regimens)
    sure, possible = (_windows(found, courses, regimens, bound) for bound in Bound)
    return Activity(
        _active(courses, own, sure, possible, seen.visits, since),
        _gainless(courses, own, sure, possible, seen),
        since.quiet,
    )


@dataclass(frozen=True)
class _Windows(Rows):
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


def _windows(
    found: Exposures, courses: JudgedCourses, regimens: Regimens, bound: Bound
) -> _Windows:
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
        return _Windows(course, windows.begin, windows.low, high).only(dated)
    # A course without a date may have been at any time.
    low = np.where(dated, windows.low, -np.inf)
    return _Windows(course, windows.begin, low, np.where(dated, high, np.inf))


def _at_dose(
    found: Exposures, courses: JudgedCourses, regimens: Regimens, bound: Bound
) -> _Windows:
    """Return the stretches of time at the dose, from the day on which they were long enough to their end."""
    columns = regimens.columns.take(courses.regimen)
    least = np.where(columns.strict, LEAST + ROUNDING + 1, LEAST - ROUNDING)
    taken = segments_in_order(found, bound, found.course, regimens)
    counted = (taken.dose >= least.take(taken.by)) & ~columns.by_amount.take(taken.by)
    at = taken.only(counted)
    at_begin, at_end = np.maximum(at.begin, -_FOREVER), np.minimum(at.end, _FOREVER)
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
    return _Windows(course[enough], begin, low, end)


def _of_amounts(courses: JudgedCourses, regimens: Regimens, bound: Bound) -> _Windows:
    """Return the same of courses whose doses are added: judged some time after the first of them."""
    columns = regimens.columns.take(courses.regimen)
    course = np.flatnonzero(columns.by_amount & (courses.peak[bound] >= LEAST - ROUNDING))
    begin = courses.begin.latest if bound is Bound.CERTAIN else courses.begin.earliest
    begin = begin.take(course)
    low = begin + columns.needed.take(course) - 1
    return _Windows(course, begin, low, low)


@dataclass(frozen=True)
class _Since:
    """What is known of activity at the end of the record of each patient, by visits and words.

    Attributes:
        inactive: the last day on which the disease was surely found inactive, at the earliest.
        lasting: activity after this day has lasted to the end of the record, as far as anything tells.
        found: the last day on which it was surely found active, at the earliest.
        quiet: whether nothing may have found activity since the disease was found inactive last.
    """

    inactive: Floats
    lasting: Floats
    found: Floats
    quiet: Flags


@dataclass(frozen=True)
class _Told(Rows):
    """Activity at a time: whose, what it was, since when at the latest it had been so, and if this counts."""

    patient: Ints
    active: Truths
    since: Floats
    on: Days
    counts: Flags

    def where(self, *active: int) -> _Told:
        """Return what is told of some activity."""
        return self.only(np.isin(self.active, active))


def _since(records: Records, visits: Visits, regimens: Regimens, patients: int) -> _Since:
    known = visits.only(visits.active != UNKNOWN)
    counts = np.ones(len(known.patient), np.bool_)
    seen = _Told(known.patient, known.active, known.on.latest, known.on, counts)
    words = _words(records, known, regimens)
    told = joined(seen, words)
    off, on = told.where(FALSE), told.where(TRUE)
    ended = _latest(patients, off.patient, off.on.latest)
    lasting = np.maximum(ended, _interrupted(patients, told.where(TRUE, IN_PART), regimens))
    found = _latest(patients, on.patient, on.on.earliest)
    lasting[_lost(found, seen, words, visits, regimens)] = np.inf
    unlooked = visits.only(visits.active != FALSE)
    later = np.maximum(
        _latest(patients, on.patient, on.on.latest),
        _latest(patients, unlooked.patient, unlooked.on.latest),
    )
    helped = words.only(words.counts)
    by_visits, by_words = (
        _latest(patients, x.patient, x.on.earliest)
        for x in (seen.where(FALSE), helped.where(FALSE))
    )
    unclear = words.where(UNKNOWN, IN_PART)
    since_words = np.maximum(later, _latest(patients, unclear.patient, unclear.on.latest))
    quiet = (np.isfinite(by_visits) & (later <= by_visits)) | (
        np.isfinite(by_words) & (since_words <= by_words)
    )
    return _Since(np.maximum(by_visits, by_words), lasting, found, quiet)


def _lost(found: Floats, seen: _Told, words: _Told, visits: Visits, regimens: Regimens) -> Flags:
    """Tell of whom nobody knows what became of the activity that was found last.

    A visit long after it, at which nobody looked for it, leaves that open, and so does a drug that was begun
    after it, where it is told by words alone.
    """
    patients = len(found)
    final = _latest(patients, visits.patient, visits.on.latest)
    last, said, new = seen.where(TRUE), words.where(TRUE), words.where(UNKNOWN, IN_PART)
    visited = _latest(patients, last.patient, last.on.earliest)
    spoken = _latest(patients, said.patient, said.on.latest)
    begun = _latest(patients, new.patient, new.since)
    with np.errstate(invalid="ignore"):
        late = final - found > regimens.conventions.persist_days
    lost: Flags = late | ((spoken > visited) & (begun > found))
    return lost


def _latest(patients: int, patient: Ints, day: Floats) -> Floats:
    """Return the latest of some days of each patient; minus infinity for none."""
    found = np.full(patients, -np.inf)
    np.maximum.at(found, patient, day)
    return found


def _interrupted(patients: int, on: _Told, regimens: Regimens) -> Floats:
    """Return the day after which times with activity follow each other closely, to the last of them."""
    on = on.take(np.lexsort([on.since, on.patient]))
    runs = Runs.of(on.patient)
    reached = runs.highest_so_far(np.clip(on.on.earliest, -_FOREVER, _FOREVER))
    apart = np.zeros(len(on.patient), np.bool_)
    pause = on.since[1:] - reached[:-1]
    apart[:-1] = (on.patient[1:] == on.patient[:-1]) & (pause > regimens.conventions.persist_days)
    last = runs.highest_so_far(np.clip(on.on.latest, -_FOREVER, _FOREVER))
    return _latest(patients, on.patient[apart], last[apart])


def _words(records: Records, known: Visits, regimens: Regimens) -> _Told:
    """Return what the words of records tell, unknown where they leave open whether the disease was active.

    A drug that is said to have had no effect left the disease active all the time; that one helped is told of
    its end. Where a visit near that time found out, the visit counts; where one may have been near, the words
    end an activity and don't prove that there is none.
    """
    some = records.only(regimens.speaks.take(records.written.drug))
    active = word(some.written.response, some.written.reason_stopped)
    start, patient = some.written.start, some.written.patient
    goes_on = some.running == TRUE
    today = Days(
        np.where(some.today.known, some.today.earliest, -np.inf),
        np.where(some.today.known, some.today.latest, np.inf),
    )
    begun = np.where(start.known, start.earliest, -np.inf)
    ended = ~goes_on & some.ends.known
    first = np.where(
        ended, some.ends.earliest, np.where(goes_on, np.maximum(today.earliest, begun), begun)
    )
    last = np.where(ended, some.ends.latest, today.latest)
    since = np.where(start.known, start.latest, np.where(active == TRUE, last, np.inf))
    near = regimens.conventions.after_days
    begin, end = known.within(patient, last - near, first + near)
    drug = some.written.drug
    perhaps, until = known.touching(patient, first - near, last + near)
    told = _Told(patient, active, since, Days(first, last), perhaps >= until)
    # A drug that had no effect has none in another dose, as long as nobody says so.
    drugs = int(drug.max(initial=0)) + 1
    place = patient * drugs + drug
    again = np.isin(place, place[active == TRUE]) & (active == UNKNOWN)
    return told.only((begin >= end) & ~again)


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
    low, high = runs.min(np.where(spoken, said, IN_PART)), runs.max(np.where(spoken, said, FALSE))
    agreed = np.where((low == high) & runs.any(spoken), low, UNKNOWN).astype(np.int8)
    earliest = runs.max(np.where(spoken, found.end.certain, -np.inf)) - 1
    begun = courses.begin.earliest
    return _OwnWords(agreed, Days(np.where(earliest > begun, earliest, begun), last - 1))


def _active(
    courses: JudgedCourses,
    own: _OwnWords,
    sure: _Windows,
    possible: _Windows,
    visits: Visits,
    since: _Since,
) -> Truths:
    patient, adequate, said = courses.patient, courses.adequate, own.said
    inactive, lasting = since.inactive.take(patient), since.lasting.take(patient)

    def visited(windows: _Windows, rows: tuple[Ints, Ints]) -> Flags:
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
    in_part = (said == IN_PART) & (since.found.take(patient) > own.ended.latest)
    return decided(
        ((adequate == FALSE) | since.quiet.take(patient), FALSE),
        (enough & lasted, TRUE),
        (went_on & ((said == TRUE) | in_part), TRUE),
        (enough & (said != TRUE) & looked & ~may_be, FALSE),
        ((said == FALSE) & ~may_be, FALSE),
        (ends < inactive, FALSE),
    )


def _gainless(
    courses: JudgedCourses, own: _OwnWords, sure: _Windows, possible: _Windows, seen: Seen
) -> Truths:
    """Tell whether strength at the last visit of the last window is what it was before the treatment.

    Where no visit was made in the window, the words of the course tell.
    """
    visits, patient = seen.visits, courses.patient
    said = np.where(own.said == IN_PART, UNKNOWN, own.said).astype(np.int8)
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


def _last_window(windows: _Windows, courses: int) -> Ints:
    """Return the row of the last window of each course, -1 for none."""
    found = np.full(courses, -1, np.int64)
    found[windows.course] = np.arange(len(windows.course))
    return found
