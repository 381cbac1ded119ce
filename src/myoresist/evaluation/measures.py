"""How well cases are ranked, and how well probabilities are calibrated, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.planes import Flags
from myoresist.arrays.table import Numbers

BINS = 10
RESAMPLES = 2_000
SEED = 20101


@dataclass(frozen=True)
class Measure:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Round:
    """All cases asked once: the probabilities and what is right.

    Attributes:
        probability: probability of each disease, (cases, D).
        right: which diseases count as right, (cases, D).
    """

    probability: Numbers
    right: Flags

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Return the rank of the best right diagnosis; ties count against it."""
        best = np.where(self.right, self.probability, -1).max(axis=1, keepdims=True)
        better = (self.probability >= best) & ~self.right
        found: NDArray[np.int64] = better.sum(axis=1) + 1
        return found

    def measures(self) -> dict[str, Measure]:
        """Return how well the cases are ranked and how well the probabilities are calibrated."""
        first = self.probability.max(axis=1)
        hit = (self.rank == 1).astype(float)
        brier = ((self.probability - self._target) ** 2).sum(axis=1)
        by_case = {
            "top-1": hit,
            "top-3": (self.rank <= 3).astype(float),
            "top-5": (self.rank <= 5).astype(float),
            "mean reciprocal rank": 1 / self.rank,
            "Brier score": brier,
        }
        found = {name: _mean(values) for name, values in by_case.items()}
        found["calibration error"] = _bootstrap(
            len(hit), lambda rows: calibration_error(first[rows], hit[rows])
        )
        found["of a perfect forecaster"] = _perfect(first)
        return found

    @cached_property
    def _target(self) -> Numbers:
        """Return where the right diagnosis is; of several, the one that is believed most."""
        held = np.where(self.right, self.probability, -1)
        target = np.zeros_like(self.probability)
        target[np.arange(len(held)), held.argmax(axis=1)] = 1
        return target

    def reliability(self) -> list[tuple[float, float, int]]:
        """Return for each stretch of the leading probability: its mean, the share that was right, cases."""
        first, hit = self.probability.max(axis=1), self.rank == 1
        place = _bins(first)
        return [
            (
                float(first[place == b].mean()),
                float(hit[place == b].mean()),
                int((place == b).sum()),
            )
            for b in range(BINS)
            if (place == b).any()
        ]


def calibration_error(probability: Numbers, hit: Numbers) -> float:
    """Return the expected calibration error of the leading probability, in ten stretches."""
    place = _bins(probability)
    gaps = [
        (place == b).mean() * abs(probability[place == b].mean() - hit[place == b].mean())
        for b in range(BINS)
        if (place == b).any()
    ]
    return float(sum(gaps))


def _perfect(probability: Numbers) -> Measure:
    """Return the calibration error that chance alone gives probabilities that are right, on so many cases."""
    generator = np.random.default_rng(SEED)
    drawn = [
        calibration_error(
            probability, (generator.random(len(probability)) < probability).astype(np.float64)
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Measure(float(np.mean(drawn)), float(low), float(high))


def _bins(probability: Numbers) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def share(values: Sequence[float]) -> Measure | None:
    """Return the mean of values with its interval, or nothing of nothing."""
    return _mean(np.array(values)) if values else None


def _mean(values: Numbers) -> Measure:
    return _bootstrap(len(values), lambda rows: float(values[rows].mean()))


def _bootstrap(cases: int, statistic: Callable[[NDArray[np.int64]], float]) -> Measure:
    generator = np.random.default_rng(SEED)
    drawn = [statistic(generator.integers(cases, size=cases)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Measure(statistic(np.arange(cases)), float(low), float(high))
