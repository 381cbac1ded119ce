"""Until when and since when a disease was active or inactive, by visits and by the words of courses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided
from myoresist.arrays.rows import Rows, joined
from myoresist.arrays.runs import Flags, Floats, Ints, Runs
from myoresist.case.course_columns import REASONS, RESPONSES, places_of
from myoresist.case.dates import Days
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.seen import Visits

_FAILED = places_of(RESPONSES, "none", "worse")
_HELPED = places_of(RESPONSES, "good", "complete")
_LOST, _PARTIAL = (RESPONSES.index(word) for word in ("good, then lost", "partial"))
_NO_EFFECT, _RELAPSE, _REMISSION = (
    REASONS.index(word) for word in ("no effect", "relapse", "remission")
)
IN_PART = 3
"""Beside false, unknown and true: the disease got better and did not go."""
LOST = 4
"""Beside these: it got better, and was back at the end."""
FOREVER = 1e9
"""A day that is not known, before or after all others, as a number that can be added up."""


def word(response: Ints, reason: Ints) -> Truths:
    """Tell by the words of courses whether they left the disease active.

    ``IN_PART`` if it only got better, ``LOST`` if it came back before the end.

    Args:
        response: place in ``RESPONSES``.
        reason: place in ``REASONS`` of why it was stopped.
    """
    back = (response == _LOST) | (reason == _RELAPSE)
    failed = np.isin(response, _FAILED) | ((reason == _NO_EFFECT) & ~back)
    well = reason == _REMISSION
    helped = np.isin(response, _HELPED) | well
    return decided(
        (back & well, UNKNOWN),
        (back & ~failed, LOST),
        (failed & helped, UNKNOWN),
        (failed, TRUE),
        (helped, FALSE),
        (response == _PARTIAL, IN_PART),
    )


@dataclass(frozen=True)
class Since:
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


def since_when(records: Records, visits: Visits, regimens: Regimens, patients: int) -> Since:
    """Return what visits and words tell of the end of the record of each patient.

    Args:
        records: what was given.
        visits: what visits found.
        regimens: whose words count, and for how long activity is taken to last.
        patients: how many there are.
    """
    known = visits.only(visits.active != UNKNOWN)
    counts = np.ones(len(known.patient), np.bool_)
    seen = _Told(known.patient, known.active, known.on.latest, known.on, counts)
    words = _words(records, known, regimens)
    told = joined(seen, words)
    off, on = told.where(FALSE), told.where(TRUE, LOST)
    ended = _latest(patients, off.patient, off.on.latest)
    lasting = np.maximum(ended, _interrupted(patients, told.where(TRUE, IN_PART, LOST), regimens))
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
    return Since(np.maximum(by_visits, by_words), lasting, found, quiet)


def _lost(found: Floats, seen: _Told, words: _Told, visits: Visits, regimens: Regimens) -> Flags:
    """Tell of whom nobody knows what became of the activity that was found last.

    A visit long after it, at which nobody looked for it, leaves that open, and so does a drug that was begun
    after it, where it is told by words alone.
    """
    patients = len(found)
    final = _latest(patients, visits.patient, visits.on.latest)
    last, said, new = seen.where(TRUE), words.where(TRUE, LOST), words.where(UNKNOWN, IN_PART)
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
    reached = runs.highest_so_far(np.clip(on.on.earliest, -FOREVER, FOREVER))
    apart = np.zeros(len(on.patient), np.bool_)
    pause = on.since[1:] - reached[:-1]
    apart[:-1] = (on.patient[1:] == on.patient[:-1]) & (pause > regimens.conventions.persist_days)
    last = runs.highest_so_far(np.clip(on.on.latest, -FOREVER, FOREVER))
    return _latest(patients, on.patient[apart], last[apart])


def _words(records: Records, known: Visits, regimens: Regimens) -> _Told:
    """Return what the words of records tell, unknown where they leave open whether the disease was active.

    A drug that is said to have had no effect left the disease active all the time; that one helped, or at
    last no longer did, is told of its end. Where a visit near that time found out, the visit counts; where
    one may have been near, the words end an activity and don't prove that there is none.
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
    drug = some.written.drug
    drugs = int(drug.max(initial=0)) + 1
    place = patient * drugs + drug
    since = np.where(start.known, start.latest, np.where(active == TRUE, last, np.inf))
    since = _of_whole(since, some.ends.latest, place, regimens.conventions.gap_days)
    # What came back before the end was there at the end, and no longer.
    since = np.where(active == LOST, last, since)
    near = regimens.conventions.after_days
    begin, end = known.within(patient, last - near, first + near)
    perhaps, until = known.touching(patient, first - near, last + near)
    told = _Told(patient, active, since, Days(first, last), perhaps >= until)
    # A drug that had no effect has none in another dose, as long as nobody says so.
    again = np.isin(place, place[active == TRUE]) & (active == UNKNOWN)
    return told.only((begin >= end) & ~again)


def _of_whole(since: Floats, ends: Floats, place: Ints, gap: int) -> Floats:
    """Return since when records last; those that follow one of the same drug, since that began."""
    order = np.lexsort([since, place])
    begun, owner = since.take(order), place.take(order)
    new = np.ones(len(order), np.bool_)
    with np.errstate(invalid="ignore"):
        near = begun[1:] - ends.take(order)[:-1] <= gap
    new[1:] = ~(near & (owner[1:] == owner[:-1]))
    first = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    whole = np.empty_like(since)
    whole[order] = begun.take(first)
    return whole
