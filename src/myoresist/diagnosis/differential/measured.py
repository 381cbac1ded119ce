"""How a measured finding is distributed in each disease, from the quantiles that were published."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.schema import BACKGROUND, QUANTILES, Diseases

STEPS = 600
"""Points of the grid on which a distribution is tabulated."""
LEAST_DENSITY = 1e-3
"""The least density of the background, as a share of its largest."""
APART = 0.02
"""How far quantiles that coincide are moved apart, as a share of the range of the background."""


@dataclass(frozen=True)
class Distribution:
    """The distribution of a measured finding in each of D diseases, tabulated on a grid of ``STEPS`` points.

    Attributes:
        low: the value of the first grid point, on the scale that is used.
        step: distance of the grid points.
        linear: whether the scale is the value itself, not its logarithm.
        log_ratio: logarithm of the density relative to the background, (grid, D).
        below: share of values up to each grid point, background last, (grid, D + 1).
    """

    low: float
    step: float
    linear: bool
    log_ratio: Numbers
    below: Numbers

    @classmethod
    def tabulate(cls, base: Diseases, number: str) -> Distribution:
        """Tabulate for each disease a distribution that has its published quantiles.

        Between the quantiles the logit of the share of patients below a value is a straight line, and beyond
        the outer ones it goes on as it was, so that no value is impossible.
        """
        method = base.method
        linear = number in method.linear_numbers
        rows = {row["disease"]: row for row in base.numbers.filter(finding=number).to_dicts()}
        usual = [rows[BACKGROUND][name] for name in QUANTILES]
        given = [[rows[d][n] for n in QUANTILES] if d in rows else usual for d in base.diseases]
        points = np.array([*given, usual])
        points = points if linear else np.log(points)
        width = np.ptp(points[-1])
        grid = np.linspace(points.min() - width, points.max() + width, STEPS)
        shares = np.array(list(QUANTILES.values()))
        logits = np.log(shares / (1 - shares))
        below = np.column_stack([_below(grid, row, logits, APART * width) for row in points])
        density = np.gradient(below, grid, axis=0)
        floor = np.maximum(density[:, -1:], LEAST_DENSITY * density[:, -1].max())
        mixed = (1 - method.number_background) * density + method.number_background * floor
        return cls(
            low=float(grid[0]),
            step=float(grid[1] - grid[0]),
            linear=linear,
            log_ratio=np.log(mixed[:, :-1] / mixed[:, -1:]),
            below=below,
        )

    def places(self, values: Numbers) -> NDArray[np.int64]:
        """Return the grid point of each value, -1 for NaN."""
        places = np.full(len(values), -1)
        known = np.flatnonzero(~np.isnan(values))
        with np.errstate(divide="ignore"):
            scaled = values[known] if self.linear else np.log(values[known])
        nearest = np.rint((np.maximum(scaled, self.low) - self.low) / self.step)
        places[known] = np.minimum(nearest, STEPS - 1)
        return places

    def drawn(self, diseases: NDArray[np.int64], chance: Numbers) -> NDArray[np.int64]:
        """Return the grid point below which as many patients of a disease lie as each chance, 0 to 1, says.

        Args:
            diseases: the disease of each value that is drawn, in ascending order, (N,).
            chance: drawn evenly, (N,).
        """
        places = np.empty(len(diseases), np.int64)
        starts = np.flatnonzero(np.diff(diseases, prepend=-1))
        for first, last in pairwise([*starts.tolist(), len(diseases)]):
            below = self._rising[diseases[first]]
            places[first:last] = below.searchsorted(chance[first:last])
        return np.minimum(places, STEPS - 1)

    @cached_property
    def _rising(self) -> Numbers:
        """Return ``below`` with diseases as rows."""
        return np.ascontiguousarray(self.below.T)


def _below(grid: Numbers, points: Numbers, logits: Numbers, least: float) -> Numbers:
    """Return the share of values below each grid point."""
    # Quantiles that coincide are moved apart, so that no value has all the weight.
    apart = points.copy()
    for place in range(1, len(apart)):
        apart[place] = max(apart[place], apart[place - 1] + least)
    inner = np.interp(grid, apart, logits)
    steepness = (logits[1] - logits[0]) / (apart[1] - apart[0])
    inner += np.minimum(grid - apart[0], 0) * steepness
    steepness = (logits[-1] - logits[-2]) / (apart[-1] - apart[-2])
    inner += np.maximum(grid - apart[-1], 0) * steepness
    share: Numbers = 1 / (1 + np.exp(-inner))
    return share
