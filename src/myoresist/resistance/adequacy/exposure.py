"""Exposure: from when to when each record was taken, for certain and possibly, and which make one course."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from myoresist.arrays.kleene import TRUE
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import (
    Flags,
    Floats,
    Ints,
    Runs,
    of_next,
    of_previous,
    ordered_within,
    same_as_next,
)
from myoresist.case.dates import Days
from myoresist.resistance.adequacy.bounds import Bound, Bounds
from myoresist.resistance.adequacy.doses import Compared, compared
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens

BEFORE_ALL, APART = -1e8, 1e5
"""Courses without dates stand for themselves: on days before all that are written, far from each other."""


@dataclass(frozen=True)
class Exposures(Rows):
    """One row for every record and every regimen that takes its drug, by regimen, then patient, then course.

    Attributes:
        record: place of the record.
        limit: place of the limit with which it is compared.
        patient: row of the patient.
        regimen: number of the regimen.
        part: which part of a combination.
        course: number of the course; records of a course follow each other without a longer pause.
        share: the dose in billionths of the least dose; NaN if not known.
        most: the highest that it may be; NaN if it may be any.
        weight: whether it depends on a weight that is not known.
        no_route: whether the drug may not be meant at all, since nothing says how it was taken.
        undated: whether only its length is known.
        begin: the first day, counted from 1970.
        end: the day after the last.
    """

    record: Ints
    limit: Ints
    patient: Ints
    regimen: Ints
    part: Ints
    course: Ints
    share: Floats
    most: Floats
    weight: Flags
    no_route: Flags
    undated: Flags
    begin: Bounds
    end: Bounds

    def of_regimen(self, number: int) -> Exposures:
        """Return the rows of one regimen."""
        low, high = np.searchsorted(self.regimen, [number, number + 1])
        return self.between(low, high)

    def dose(self, bound: Bound) -> Floats:
        """Return the dose, in billionths of the least; one that is not known is none, or may be any."""
        if bound is Bound.CERTAIN:
            return np.nan_to_num(self.share, nan=0.0)
        return np.nan_to_num(self.most, nan=np.inf)


def exposures(records: Records, regimens: Regimens) -> Exposures:
    """Return one row for every record and every regimen that takes its drug."""
    pairs = compared(records, regimens)
    lines = _lines(pairs, records, regimens)
    order = ordered_within(*lines, records.order.take(pairs.record))
    pairs, lines = pairs.take(order), [column.take(order) for column in lines]
    begin, end = _days(pairs, records, regimens, same_as_next(*lines))
    found = Exposures(
        record=pairs.record,
        limit=pairs.limit,
        patient=records.written.patient.take(pairs.record),
        regimen=regimens.limits.columns.regimen.take(pairs.limit),
        part=regimens.limits.columns.part.take(pairs.limit),
        course=Runs.of(*lines[:2]).numbers,
        share=pairs.share,
        most=pairs.most,
        weight=pairs.weight,
        no_route=pairs.no_route,
        undated=records.undated.take(pairs.record),
        begin=begin,
        end=end,
    )
    return _in_courses(_with_undated(found, records), records, regimens)


def _lines(pairs: Compared, records: Records, regimens: Regimens) -> list[Ints]:
    """Return what records share of which one may take the place of the other.

    Returns:
        A number of patient and regimen, the drug where each drug counts for itself, the part, and the route.
    """
    written, limits = records.written, regimens.limits.columns
    regimen = limits.regimen.take(pairs.limit)
    patients = int(written.patient.max(initial=0)) + 1
    group = regimen * patients + written.patient.take(pairs.record)
    apart = regimens.columns.each_drug.take(regimen)
    drug = np.where(apart, written.drug.take(pairs.record), -1)
    return [group, drug, limits.part.take(pairs.limit), written.route.take(pairs.record)]


def _days(
    pairs: Compared, records: Records, regimens: Regimens, followed: Flags
) -> tuple[Bounds, Bounds]:
    """Tell on which day the exposure of each record begins, and after which day it has ended.

    Args:
        pairs: records with their limits, in order.
        records: the records.
        regimens: what they are compared with.
        followed: whether the next record may take the place of this one.
    """
    start, ends = records.written.start.take(pairs.record), records.ends.take(pairs.record)
    following = Days(
        np.where(followed, of_next(start.earliest), np.nan),
        np.where(followed, of_next(start.latest), np.nan),
    )
    begin = Bounds(
        np.where(start.known, start.latest, np.inf), np.where(start.known, start.earliest, -np.inf)
    )
    acts = regimens.limits.columns.acts.take(pairs.limit)
    end = _ends(records, pairs.record, acts, start, ends, following)
    meet, earliest = _meet(start, ends, following)
    begin, end = _handed_over(begin, end, pairs, meet, Days(earliest, following.latest))
    today = records.today.take(pairs.record)
    return begin, Bounds(
        np.fmin(end.certain, today.earliest + 1), np.fmin(end.possible, today.latest + 1)
    )


def _ends(
    records: Records, record: Ints, acts: Floats, start: Days, ends: Days, following: Days
) -> Bounds:
    """Return the day after the last of each record, whatever follows."""
    today = records.today.take(record)
    running = records.running.take(record) == TRUE
    single = records.written.single.take(record)
    # A single dose acts for as long as the regimen gives it.
    certain, possible = (
        np.where(single, acts, records.interval[bound].take(record)) for bound in Bound
    )

    def acted_until(last: Floats, interval: Floats, next_: Floats) -> Floats:
        """Return when a last dose stops to act: when the next is due or another takes its place."""
        replaced = np.where(np.isnan(next_), np.inf, np.maximum(next_, last + 1))
        return np.minimum(last + interval, replaced)

    at_least = np.where(
        ends.known,
        acted_until(ends.earliest, certain, following.earliest),
        start.latest + certain,
    )
    at_least = np.where(running & today.known, today.earliest + 1, at_least)
    at_most = np.where(
        ends.known & ~running,
        acted_until(ends.latest, possible, following.latest),
        today.latest + 1,
    )
    return Bounds(
        np.where(np.isnan(at_least), -np.inf, at_least),
        np.where(np.isnan(at_most), np.inf, at_most),
    )


def _meet(start: Days, ends: Days, following: Days) -> tuple[Flags, Floats]:
    """Tell which records are followed by another without a pause, as far as their dates tell.

    So does 2020-03 follow 2020-03 or 2020-02.

    Returns:
        Whether they meet, and the first day on which the other may have taken the place of the one.
    """
    earliest = np.maximum(following.earliest, np.minimum(ends.earliest, following.latest))
    meet = (
        (following.earliest <= ends.latest + 1)
        & (following.latest >= ends.earliest)
        & (start.latest <= earliest)
    )
    return meet, earliest


def _handed_over(
    begin: Bounds, end: Bounds, pairs: Compared, meet: Flags, on: Days
) -> tuple[Bounds, Bounds]:
    """Return the days of records of which some meet.

    On the days on which either may have been taken, the lower dose is certain and the higher one possible.

    Args:
        begin: first days.
        end: days after the last.
        pairs: the records.
        meet: whether each record meets the next.
        on: between which days the next takes its place.
    """
    least = np.where(np.isnan(pairs.share) | pairs.no_route, 0.0, pairs.share)
    most = np.nan_to_num(pairs.most, nan=np.inf)
    lower_first, higher_first = least <= of_next(least), most >= of_next(most)
    day = Bounds(
        np.where(lower_first, on.latest, on.earliest),
        np.where(higher_first, on.latest, on.earliest),
    )
    met = of_previous(meet) & (np.arange(len(meet)) > 0)
    return (
        Bounds.of(lambda bound: np.where(met, of_previous(day[bound]), begin[bound])),
        Bounds.of(lambda bound: np.where(meet, day[bound], end[bound])),
    )


def _with_undated(found: Exposures, records: Records) -> Exposures:
    """Give the records of which only the length is known days of their own.

    If such a one is the only one of its drug, nothing can make it longer.
    """
    if not found.undated.any():
        return found
    first = BEFORE_ALL + APART * records.order.take(found.record)
    after = first + records.written.length.take(found.record)
    keys = Runs.of(found.course)
    alone = found.undated & keys.spread(keys.lengths == 1)
    return replace(
        found,
        begin=Bounds(
            np.where(found.undated, first, found.begin.certain),
            np.where(alone, first, found.begin.possible),
        ),
        end=Bounds(
            np.where(found.undated, after, found.end.certain),
            np.where(alone, after, found.end.possible),
        ),
    )


def _in_courses(found: Exposures, records: Records, regimens: Regimens) -> Exposures:
    """Sort by course and number the courses: records of one regimen without a longer pause between them.

    Args:
        found: exposures, of which ``course`` tells what may be of one course at all.
        records: the records.
        regimens: how long a pause may be.
    """
    order = records.order.take(found.record)
    found = found.take(ordered_within(found.course, found.begin.possible, order))
    runs = Runs.of(found.course)
    limit = runs.highest_so_far(found.end.possible) + regimens.columns.gap.take(found.regimen)
    paused = found.begin.possible[1:] > limit[:-1]
    new = np.ones(len(found.course), np.bool_)
    new[1:] = paused | (found.course[1:] != found.course[:-1])
    return replace(found, course=np.cumsum(new) - 1)
