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
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.integer[Any]]
Scalar = TypeVar("Scalar", bound=np.generic)
_FEW = 500
"""So few rows are computed as they are; to tell which of them need it takes longer."""


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
        lengths: Ints = np.append(self.starts[1:], self.rows)[: len(self.starts)] - self.starts
        return lengths

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

    def any_of(self, rows: Ints, values: Flags) -> Flags:
        """Tell of each run whether any is true of some rows.

        Args:
            rows: the rows, in order.
            values: one value for each of them, or one row of values.
        """
        found = np.zeros((len(self.starts), *values.shape[1:]), np.bool_)
        number = self.numbers.take(rows)
        runs = Runs.of(number)
        found[runs.first(number)] = runs.any(values)
        return found

    def all(self, values: Flags) -> Flags:
        """Tell of each run whether all rows are true."""
        return self._of_several(np.logical_and.reduceat, values)

    def highest_so_far(self, values: Floats) -> Floats:
        """Return for each row the largest value of its run up to there."""
        lifted = self._lifted(values)
        # Where a new highest value stands, it is that of the rows that follow.
        rises = np.ones(self.rows, np.bool_)
        rises[1:] = lifted[1:] > np.maximum.accumulate(lifted)[:-1]
        so_far = Runs.at(rises)
        return so_far.spread(so_far.first(values))

    def order(self, values: Floats) -> Ints:
        """Return the places of the rows sorted by run, then value; equal ones keep their order."""
        return np.argsort(self._lifted(values), kind="stable")

    def _lifted(self, values: Floats) -> Floats:
        """Return values with those of each run above all of earlier ones, to look at all of them at once."""
        finite = values[np.isfinite(values)]
        low, high = finite.min(initial=0.0) - 1, finite.max(initial=0.0) + 1
        lifted: Floats = np.clip(values, low, high) + self.numbers * (high - low + 1)
        return lifted

    def _of_several(
        self, reduce: Callable[..., npt.NDArray[Scalar]], values: npt.NDArray[Scalar]
    ) -> npt.NDArray[Scalar]:
        if self.rows <= _FEW:
            return reduce(values, self.starts, axis=0)
        # Many runs have one row, and of that there is nothing to compute.
        found = values.take(self.starts, axis=0)
        runs, rows, starts = self._several
        found[runs] = reduce(values.take(rows, axis=0), starts, axis=0)
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


def ordered(first: Numbers | Floats, *further: Numbers | Floats) -> Ints:
    """Return the places of the rows sorted by the first column, then the further ones; ties keep their order.

    The further ones are only looked at where the first leaves open which row comes first.
    """
    order: Ints = np.argsort(first, kind="stable")
    same = same_as_next(first.take(order))
    tied = same.copy()
    tied[1:] |= same[:-1]
    rows = order[tied]
    order[tied] = rows[np.lexsort([column.take(rows) for column in reversed((first, *further))])]
    return order


def ordered_within(group: Numbers, *by: Numbers | Floats) -> Ints:
    """Return the places of the rows sorted by ``by`` inside of each group.

    Most groups are in order as a rule, so only the others are sorted.

    Args:
        group: numbers that do not fall.
        by: what the rows of a group are sorted by; the first counts most.
    """
    order = np.arange(len(group))
    wrong = np.zeros(max(len(group) - 1, 0), np.bool_)
    tied = group[1:] == group[:-1]
    for column in by:
        wrong |= tied & (column[1:] < column[:-1])
        tied &= column[1:] == column[:-1]
    if not wrong.any():
        return order
    runs = Runs.of(group)
    unsorted = np.zeros(len(runs.starts), np.bool_)
    unsorted[np.searchsorted(runs.starts, np.flatnonzero(wrong), side="right") - 1] = True
    rows = np.flatnonzero(runs.spread(unsorted))
    order[rows] = rows[np.lexsort([column[rows] for column in reversed((group, *by))])]
    return order


def same_as_next(*columns: Numbers | Floats) -> Flags:
    """Tell of each row whether no column changes in the next one; of the last it is false."""
    same = np.zeros(len(columns[0]), np.bool_)
    same[:-1] = True
    for column in columns:
        same[:-1] &= column[1:] == column[:-1]
    return same


def of_next(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return the value of the next row; the last row keeps its own."""
    return np.concatenate([values[1:], values[-1:]])


def of_previous(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Return the value of the row before; the first row keeps its own."""
    return np.concatenate([values[:1], values[:-1]])
