"""Stretches of time on which the dose stayed the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoresist.arrays.rows import Rows, joined
from myoresist.arrays.runs import Flags, Floats, Ints, Runs, of_next, same_as_next
from myoresist.resistance.adequacy.bounds import Bound
from myoresist.resistance.adequacy.exposure import Exposures
from myoresist.resistance.adequacy.regimens import Regimens


@dataclass(frozen=True)
class Segments(Rows):
    """Days on which the dose stayed the same, in order of ``by``, then time.

    Attributes:
        by: the number of the course or the patient.
        begin: the first day, counted from 1970.
        end: the day after the last.
        dose: of several parts the least, in billionths of the least dose of the regimen; infinite if it may
            be any.
    """

    by: Ints
    begin: Floats
    end: Floats
    dose: Floats


def segments(found: Exposures, bound: Bound, by: Ints, regimens: Regimens) -> list[Segments]:
    """Return the days on which the dose stayed the same and every part was taken.

    Args:
        found: what was taken.
        bound: what is certain, or what is possible.
        by: whose records are added up, one number a row of ``found``; they do not fall.
        regimens: what they are compared with.

    Returns:
        One table or two; each number of ``by`` is in one of them.
    """
    taken = Segments(by, found.begin[bound], found.end[bound], found.dose(bound))
    counted = taken.begin < taken.end
    if bound is Bound.CERTAIN:
        counted &= ~found.no_route
    taken = taken.only(counted)
    combined = regimens.columns.parts.take(found.regimen[counted]) > 1
    overlap = same_as_next(taken.by)
    overlap[:-1] &= taken.begin[1:] < taken.end[:-1]
    # Records that do not overlap are segments as they are.
    runs = Runs.of(taken.by)
    mixed = runs.spread(runs.any(overlap | combined))
    if not mixed.any():
        return [taken]
    swept = sweep(taken.only(mixed), found.part[counted][mixed], combined[mixed])
    return [taken.only(~mixed), swept]


def segments_in_order(found: Exposures, bound: Bound, by: Ints, regimens: Regimens) -> Segments:
    """Return what ``segments`` does in one table."""
    first, *rest = segments(found, bound, by, regimens)
    for other in rest:
        both = joined(first, other)
        first = both.take(np.argsort(both.by, kind="stable"))
    return first


def sweep(taken: Segments, part: Ints, combined: Flags) -> Segments:
    """Return the segments of records that may overlap or have several parts.

    Args:
        taken: the records, in order of ``by``.
        part: which part of a combination each is.
        combined: whether it is of a combination.
    """
    runs = Runs.of(taken.by)
    # A combination of which a part was never taken was not taken.
    whole = ~combined | runs.spread(runs.min(part) != runs.max(part))
    taken, part, combined = taken.only(whole), part[whole], combined[whole]
    count = len(part)
    record, sign = np.repeat(np.arange(count), 2), np.tile([1.0, -1.0], count)
    day = np.stack([taken.begin, taken.end], axis=1).ravel()
    order = Runs.of(taken.by.take(record)).order(day)
    record, sign, day = record.take(order), sign.take(order), day.take(order)
    by, dose, combined = taken.by.take(record), taken.dose.take(record), combined.take(record)
    first = np.where(part.take(record) == 0, sign, 0.0)
    least, going_on = _sum_so_far(dose, first), np.cumsum(first) > 0
    if combined.any():
        second = sign - first
        least = np.where(combined, np.minimum(least, _sum_so_far(dose, second)), least)
        going_on &= ~combined | (np.cumsum(second) > 0)
    until = of_next(day)
    found = Segments(by, day, until, least)
    return found.only(same_as_next(by) & (until > day) & going_on)


def _sum_so_far(dose: Floats, sign: Floats) -> Floats:
    """Return the sum of the doses after each day on which one begins (1) or ends (-1)."""
    any_ = np.isinf(dose)
    known = np.cumsum(np.where(any_, 0.0, dose) * sign)
    return np.where(np.cumsum(any_ * sign) > 0, np.inf, known)


def unbroken(taken: Segments, gap: Floats) -> Runs:
    """Return the runs of segments without a pause longer than the gap.

    Args:
        taken: segments that count.
        gap: for each segment the days of the gap.
    """
    new = np.ones(len(taken.by), np.bool_)
    paused = taken.begin[1:] > (taken.end + gap)[:-1]
    new[1:] = paused | (taken.by[1:] != taken.by[:-1])
    return Runs.at(new)


def longest(taken: Segments, gap: Floats) -> tuple[Ints, Floats]:
    """Return for each number of ``by`` the most days without a pause longer than the gap.

    Args:
        taken: segments that count; the days of a pause do not count.
        gap: for each segment the days of the gap.

    Returns:
        The numbers and their days.
    """
    stretches = unbroken(taken, gap)
    days, by = stretches.total(taken.end - taken.begin), stretches.first(taken.by)
    whole = Runs.of(by)
    return whole.first(by), whole.max(days)
