"""Sums and extremes of neighbours: rows of a group follow each other, so that no table has to be grouped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer[Any]]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Runs:
    """Where each group of rows begins, and how many rows there are."""

    starts: Ints
    rows: int

    @classmethod
    def of(cls, *columns: Numbers) -> Runs:
        """Return the runs of rows in which no column changes."""
        rows = len(columns[0])
        changes = np.ones(rows, np.bool_)
        if rows:
            changes[1:] = False
            for column in columns:
                changes[1:] |= column[1:] != column[:-1]
        return cls.at(changes)

    @classmethod
    def of_column(cls, column: pl.Series) -> Runs:
        """Return the runs of rows in which a column without NULL does not change."""
        return cls.at((column != column.shift()).fill_null(True).to_numpy())

    @classmethod
    def at(cls, changes: Flags) -> Runs:
        """Return the runs that begin where ``changes`` is true, as it is in the first row."""
        return cls(np.flatnonzero(changes), len(changes))

    @cached_property
    def lengths(self) -> Ints:
        """Return the number of rows of each run."""
        return np.diff(self.starts, append=self.rows)

    @cached_property
    def ends(self) -> Ints:
        """Return the last row of each run."""
        ends: Ints = self.starts + self.lengths - 1
        return ends

    @property
    def numbers(self) -> Ints:
        """Return for each row the number of its run."""
        return self.spread(np.arange(len(self.starts)))

    def first(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the value in the first row of each run."""
        return values.take(self.starts)

    def last(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the value in the last row of each run."""
        return values.take(self.ends)

    def sum(self, values: Ints) -> Ints:
        """Return the sum of each run."""
        total = np.cumsum(values)
        summed: Ints = total.take(self.ends) - total.take(self.starts) + values.take(self.starts)
        return summed

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the sum of each run, of numbers whose sum depends on what else is added."""
        return self._of_several(np.add.reduceat, values)

    def max(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the largest value of each run."""
        return self._of_several(np.maximum.reduceat, values)

    def min(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the least value of each run."""
        return self._of_several(np.minimum.reduceat, values)

    def bits(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the bits that are set in any row of each run."""
        return self._of_several(np.bitwise_or.reduceat, values)

    def any(self, values: Flags) -> Flags:
        """Tell of each run whether any row is true."""
        return self._of_several(np.logical_or.reduceat, values)

    def all(self, values: Flags) -> Flags:
        """Tell of each run whether all rows are true."""
        return self._of_several(np.logical_and.reduceat, values)

    def _of_several(
        self, reduce: Callable[..., npt.NDArray[Scalar]], values: npt.NDArray[Scalar]
    ) -> npt.NDArray[Scalar]:
        # Many runs have one row, and of that there is nothing to compute.
        found = values.take(self.starts)
        runs, rows, starts = self._several
        found[runs] = reduce(values.take(rows), starts)
        return found

    @cached_property
    def _several(self) -> tuple[Ints, Ints, Ints]:
        """Return which runs have several rows, these rows, and where each of the runs begins among them."""
        several = self.lengths > 1
        lengths = self.lengths[several]
        return (
            np.flatnonzero(several),
            np.flatnonzero(np.repeat(several, self.lengths)),
            np.cumsum(lengths) - lengths,
        )

    def spread(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return for each row the value of its run."""
        return np.repeat(values, self.lengths)


def numbers(values: pl.Series, unknown: int = 0) -> Ints:
    """Return whole numbers or days with ``unknown`` in place of NULL."""
    return values.to_physical().cast(pl.Int64).fill_null(unknown).to_numpy()


def out_of_order(group: Numbers, *by: Numbers) -> tuple[Ints, Ints]:
    """Return which rows have to be replaced by which so that the rows of each group are sorted.

    Most groups are in order already, so only the others are sorted.

    Args:
        group: numbers that do not fall.
        by: what the rows of a group are sorted by; the first counts most.
    """
    wrong = np.zeros(max(len(group) - 1, 0), np.bool_)
    tied = group[1:] == group[:-1]
    for column in by:
        wrong |= tied & (column[1:] < column[:-1])
        tied &= column[1:] == column[:-1]
    if not wrong.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    runs = Runs.of(group)
    unsorted = np.zeros(len(runs.starts), np.bool_)
    unsorted[np.searchsorted(runs.starts, np.flatnonzero(wrong), side="right") - 1] = True
    rows = np.flatnonzero(np.repeat(unsorted, runs.lengths))
    order = np.lexsort([column[rows] for column in reversed((group, *by))])
    return rows, rows[order]
