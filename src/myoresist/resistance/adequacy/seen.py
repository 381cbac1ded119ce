"""What visits found of activity, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import UNKNOWN, Truths
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Floats, Ints
from myoresist.case.dates import Days

_HALF = 2.0**22
"""More days than there are between two dates, so that patient and day make one number."""


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
