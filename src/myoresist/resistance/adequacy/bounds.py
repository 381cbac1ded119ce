"""What is certain and what is possible: whatever nobody knows is bounded from both sides.

Certain is what every reading of the record shares, possible the most that the record allows. What is true of
the certain is true, what is false of the possible is false, and anything between is unknown. A further fact
narrows the gap and never moves an answer from one side to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Floats, Ints


class Bound(Enum):
    """A side from which a number is bounded."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


@dataclass(frozen=True)
class Bounds(Rows):
    """N numbers, each bounded from both sides; infinite where there is no bound."""

    certain: Floats
    possible: Floats

    @classmethod
    def of(cls, compute: Callable[[Bound], Floats]) -> Bounds:
        """Compute both bounds in the same way."""
        return cls(compute(Bound.CERTAIN), compute(Bound.POSSIBLE))

    def __getitem__(self, bound: Bound) -> Floats:
        return self.certain if bound is Bound.CERTAIN else self.possible

    def at_least(self, limit: Floats | float) -> Truths:
        """Tell whether each number is at least the limit."""
        within = np.where(self.possible < limit, FALSE, UNKNOWN)
        return np.where(self.certain >= limit, TRUE, within).astype(np.int8)

    @property
    def agreed(self) -> Floats:
        """Return each number that is known, since both bounds are the same; NaN for the others."""
        same = (self.certain == self.possible) & np.isfinite(self.certain)
        return np.where(same, self.certain, np.nan)

    def put(self, rows: Ints, other: Bounds) -> Bounds:
        """Return these bounds with others in place of some rows."""
        found = Bounds(self.certain.copy(), self.possible.copy())
        for bound in Bound:
            found[bound][rows] = other[bound]
        return found
