"""In which order courses were begun, as far as the record says without dates: after, before, and weeks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints
from myoresist.arrays.words import NO_WORD
from myoresist.case.dates import Days

Pair = tuple[int, int]


@dataclass(frozen=True)
class Order(Rows):
    """What records say of when they began besides dates, one row a record.

    Attributes:
        after: place in ``drugs.csv`` of the drug after which it was begun, ``NO_WORD`` for none.
        before: that of the drug before which it was begun.
        week: week of its start, NaN if unknown.
    """

    after: Ints
    before: Ints
    week: Floats

    @property
    def said(self) -> Flags:
        """Tell of which records an order is said."""
        said: Flags = (self.after != NO_WORD) | (self.before != NO_WORD) | ~np.isnan(self.week)
        return said


@dataclass(frozen=True)
class Sequence(Rows):
    """Pairs of drugs of a patient: some course of ``later`` was begun after the first one of ``earlier``.

    Attributes:
        patient: row of the patient.
        earlier: place in ``drugs.csv``.
        later: the same.
    """

    patient: Ints
    earlier: Ints
    later: Ints


def begun_after(
    patient: Ints, drug: Ints, start: Days, undated: Flags, order: Order, today: Days
) -> Days:
    """Return between which days courses without any date began, where another drug is named before them.

    They began after the first day on which that drug can have begun, and not after the assessment.

    Args:
        patient: row of the patient of each record.
        drug: place of its drug.
        start: when it started.
        undated: whether nothing is known of its time.
        order: what is said besides.
        today: the date of the assessment of each patient.
    """
    earliest, latest = np.full(len(patient), np.nan), np.full(len(patient), np.nan)
    for place in np.flatnonzero(undated & (order.after != NO_WORD)):
        named = (patient == patient[place]) & (drug == order.after[place]) & start.known
        now = today.latest[patient[place]]
        if named.any() and not np.isnan(now):
            earliest[place] = min(start.earliest[named].min() + 1, now)
            latest[place] = now
    return Days(earliest, latest)


def sequence_of(patient: Ints, drug: Ints, start: Days, order: Order) -> Sequence:
    """Return which drugs were begun after which; what contradicts itself, and dates, go first.

    Args:
        patient: row of the patient of each record.
        drug: place of its drug.
        start: when it started.
        order: what is said besides.
    """
    found: list[tuple[int, int, int]] = []
    for one in np.unique(patient[order.said]):
        rows = np.flatnonzero((patient == one) & (drug != NO_WORD))
        known = _closed(set(_pairs(drug[rows], start.take(rows), order.take(rows))), drug[rows])
        found += [(int(one), *pair) for pair in sorted(known) if pair[::-1] not in known]
    columns = np.array(found, np.int64).reshape(-1, 3)
    return Sequence(columns[:, 0], columns[:, 1], columns[:, 2])


def circular(pairs: set[tuple[str, str]]) -> list[str]:
    """Return the drugs of which it is said that each was begun before itself."""
    found = set(pairs)
    while True:
        further = {(x, z) for x, y in found for w, z in pairs if w == y} - found
        if not further:
            return sorted(x for x, y in found if x == y)
        found |= further


def _pairs(drug: Ints, start: Days, order: Order) -> Iterator[Pair]:
    """Yield the pairs that the records of one patient say."""
    several = Counter(drug.tolist())
    dated = {int(x) for x in drug[start.known]}
    for place, own in enumerate(drug.tolist()):
        for other, first in ((int(order.after[place]), False), (int(order.before[place]), True)):
            # Between two dates there is nothing to say.
            by_date = start.known[place] and other in dated
            if other in several and other != own and not by_date:
                yield (own, other) if first else (other, own)
        for other_place, other in enumerate(drug.tolist()):
            if several[own] == 1 and own != other and _before(place, other_place, start, order):
                yield own, other


def _before(one: int, other: int, start: Days, order: Order) -> bool:
    """Tell whether one record surely began before another, by dates or else by weeks."""
    if start.known[one] and start.known[other]:
        return bool(start.latest[one] < start.earliest[other])
    return bool(order.week[one] < order.week[other]) and not start.known[[one, other]].any()


def _closed(pairs: set[Pair], drug: Ints) -> set[Pair]:
    """Return pairs with those that follow from two of them, over a drug of which there is one record."""
    several = Counter(drug.tolist())
    after: dict[int, set[int]] = defaultdict(set)
    for earlier, later in pairs:
        after[earlier].add(later)
    found = set(pairs)
    for earlier in list(after):
        seen: set[int] = set()
        open_ = list(after[earlier])
        while open_:
            one = open_.pop()
            if one in seen:
                continue
            seen.add(one)
            found.add((earlier, one))
            if several[one] == 1:
                open_ += after.get(one, ())
    return found
