"""What each finding says about each disease, in the order and with the weight in which it may be counted.

Everything is an array over M findings and D diseases, relative to the background, so that a finding without
a figure for a disease says nothing about it. Patients are rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.diagnosis.diseases import BACKGROUND, Diseases, Method
from myoresist.rules.inference import Inference

Array: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

ONSET, AGE = "age_at_onset", "age"
ONSET_LOW, ONSET_HIGH = "age_at_onset_at_least", "age_at_onset_at_most"
STEPS = 600
"""Points of the grid on which the density of a measured finding is tabulated."""


@dataclass(frozen=True)
class Known:
    """What is known of each patient, as arrays; one row a patient.

    Attributes:
        flags: 1 present, 0 absent, -1 unknown, (N, M).
        number: for each measured finding the row of its table, or -1 where it is unknown.
        bounds: rows of the onset table between which the onset lies, where only that is known, else -1.
    """

    flags: NDArray[np.int8]
    number: NDArray[np.int64]
    bounds: NDArray[np.int64]

    def repeated(self, times: int) -> Known:
        """Return a single patient so many times, in arrays that may be changed."""
        return Known(
            self.flags.repeat(times, axis=0),
            self.number.repeat(times, axis=0),
            self.bounds.repeat(times, axis=0),
        )


@dataclass(frozen=True)
class Seen:
    """What may be counted of each patient; one row a patient.

    Attributes:
        present: findings counted as present.
        absent: findings counted as absent, where nothing is known of the broader finding.
        missing: findings counted as absent although the broader finding is present.
        number: for each measured finding the row of its table, or -1 where it is unknown.
        bounds: rows of the onset table between which the onset lies, where only that is known, else -1.
        weight: the weight of each finding, measured ones after the others.
    """

    present: Flags
    absent: Flags
    missing: Flags
    number: NDArray[np.int64]
    bounds: NDArray[np.int64]
    weight: Array


@dataclass(frozen=True)
class Quantiles:
    """A measured finding: the density of its values in each disease, tabulated on a grid.

    Attributes:
        low: the value of the first grid point, on the scale that is used.
        step: distance of the grid points.
        linear: whether the scale is the value itself, not its logarithm.
        density: logarithm of the density relative to the background, (grid, D).
        below: share of values up to each grid point, background last, (grid, D + 1).
    """

    low: float
    step: float
    linear: bool
    density: Array
    below: Array

    def rows(self, values: Array) -> NDArray[np.int64]:
        """Return the grid point of each value, -1 for NaN."""
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = values if self.linear else np.log(values)
            place = np.round((np.maximum(scaled, self.low) - self.low) / self.step)
        last = len(self.density) - 1
        return np.where(np.isnan(values), -1, np.clip(place, 0, last)).astype(np.int64)


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood ratios against the background, with the rules by which findings are counted."""

    diseases: tuple[str, ...]
    findings: tuple[str, ...]
    numbers: tuple[str, ...]
    share: Array
    background: Array
    weight: Array
    tables: tuple[Quantiles, ...]
    children: tuple[tuple[int, ...], ...]
    parents: tuple[tuple[int, ...], ...]
    partners: tuple[tuple[int, ...], ...]
    measured: tuple[tuple[int, ...], ...]
    group: NDArray[np.int64]
    exclusive: tuple[NDArray[np.int64], ...]
    untempered: NDArray[np.int64]
    method: Method

    @classmethod
    def of(cls, base: Diseases, inference: Inference) -> Likelihoods:
        """Derive the likelihood ratios from published frequencies.

        Args:
            base: diseases, frequencies and method.
            inference: how findings follow from each other; the narrowest known one is counted.
        """
        method = base.method
        diseases = tuple(base.diseases)
        findings, share, weight = _shares(base)
        composite = _composites(inference, findings)
        for name, parts in composite.items():
            rows = [findings.index(part) for part in parts]
            findings = (*findings, name)
            share = np.vstack([share, 1 - np.prod(1 - share[rows], axis=0)])
            weight = np.vstack([weight, weight[rows].min(axis=0)])
        numbers = tuple(base.numbers["finding"].unique(maintain_order=True))
        place = {name: index for index, name in enumerate(findings)}
        implied = inference.parents
        implying = inference.children
        ordered = (*findings, *numbers)
        group = np.full(len(ordered), len(base.groups), dtype=np.int64)
        for index, one in enumerate(base.groups):
            named = set(one.findings)
            for row, finding in enumerate(ordered):
                if finding in named or named & implied.get(finding, frozenset()):
                    group[row] = min(index, group[row])
        exclusive = [index for index, one in enumerate(base.groups) if one.kind == "exclusive"]
        reads = {name: _through(inference, name) for name in findings}
        return cls(
            diseases=diseases,
            findings=findings,
            numbers=numbers,
            share=share[:, :-1],
            background=share[:, -1],
            weight=weight[:, :-1],
            tables=tuple(_table(base, number) for number in numbers),
            children=_rows(findings, place, implying),
            parents=_rows(findings, place, implied),
            partners=_rows(findings, place, inference.partners),
            measured=tuple(
                tuple(i for i, number in enumerate(numbers) if number in reads[name])
                for name in findings
            ),
            group=group,
            exclusive=tuple(np.flatnonzero(group == index) for index in exclusive),
            untempered=np.array([*exclusive, len(base.groups)]),
            method=method,
        )

    @cached_property
    def present(self) -> Array:
        """Return the logarithm of the likelihood ratio of each finding when present, (M, D)."""
        return np.log(self.share / self.background[:, None])

    @cached_property
    def absent(self) -> Array:
        """Return the logarithm of the likelihood ratio of each finding when absent, (M, D)."""
        ratio = np.log((1 - self.share) / (1 - self.background[:, None]))
        return self.method.absence_weight * ratio

    @cached_property
    def missing(self) -> Array:
        """Return the same for a finding that is absent although the broader one is present, (M, D)."""
        ratio = self.absent.copy()
        for row, parents in enumerate(self.parents):
            if parents:
                parent = min(parents, key=lambda one: float(self.background[one]))
                among = np.clip(self.share[row] / self.share[parent], *self._limits)
                usual = np.clip(self.background[row] / self.background[parent], *self._limits)
                ratio[row] = self.method.absence_weight * np.log((1 - among) / (1 - usual))
        return ratio

    @property
    def _limits(self) -> tuple[float, float]:
        return self.method.lowest, self.method.highest

    def read(self, known: pl.DataFrame) -> Known:
        """Return the findings of each patient as arrays.

        Args:
            known: one row a patient, one column a finding, as ``Inference.known`` returns it.
        """
        flags = known.select(pl.col(self.findings).cast(pl.Int8).fill_null(-1)).to_numpy()
        number = np.column_stack(
            [
                table.rows(known[name].to_numpy().astype(np.float64))
                for name, table in zip(self.numbers, self.tables, strict=True)
            ]
        )
        return Known(flags, number, self._bounds(known, number))

    def seen(self, known: Known) -> Seen:
        """Return what may be counted of each patient.

        The narrowest finding that is present counts, and the broadest that is absent; a finding that is
        absent only because another excludes it says nothing; findings of the label say nothing when present.
        """
        present, absent = known.flags == 1, known.flags == 0
        counted, ruled = present.copy(), absent.copy()
        missing = np.zeros_like(present)
        for row, name in enumerate(self.findings):
            if name in self.method.label_findings:
                counted[:, row] = False
            for other in self.children[row]:
                counted[:, row] &= ~present[:, other]
            for other in self.parents[row]:
                ruled[:, row] &= ~absent[:, other]
                missing[:, row] |= present[:, other]
            for other in self.partners[row]:
                ruled[:, row] &= ~present[:, other]
            for column in self.measured[row]:
                counted[:, row] &= known.number[:, column] < 0
                ruled[:, row] &= known.number[:, column] < 0
        for rows in self.exclusive:
            ruled[:, rows] &= ~present[:, rows].any(axis=1, keepdims=True)
        missing &= ruled
        ruled &= ~missing
        weight = self._weights(counted | ruled | missing, known.number, known.bounds)
        return Seen(counted, ruled, missing, known.number, known.bounds, weight)

    def _bounds(self, known: pl.DataFrame, number: NDArray[np.int64]) -> NDArray[np.int64]:
        """An onset that is not known lies before the present age, and within what bounds are given."""
        bounds = np.full((known.height, 2), -1, dtype=np.int64)
        if ONSET not in self.numbers:
            return bounds
        column = self.numbers.index(ONSET)
        table = self.tables[column]
        high = table.rows(known.select(pl.coalesce(ONSET_HIGH, AGE)).to_series().to_numpy())
        low = table.rows(known[ONSET_LOW].to_numpy())
        open_ = (number[:, column] < 0) & ((high >= 0) | (low >= 0))
        last = len(table.density) - 1
        bounds[open_, 0] = np.maximum(low, 0)[open_]
        bounds[open_, 1] = np.where(high < 0, last, high)[open_]
        return bounds

    def _weights(
        self, counted: Flags, number: NDArray[np.int64], bounds: NDArray[np.int64]
    ) -> Array:
        """Temper findings that travel together: m of them weigh as m / (1 + (m - 1) r)."""
        measured = number >= 0
        if ONSET in self.numbers:
            measured[:, self.numbers.index(ONSET)] |= bounds[:, 1] >= 0
        together = np.hstack([counted, measured])
        count = together.astype(np.float64) @ self._member
        tempered = 1 / (1 + np.maximum(count - 1, 0) * self.method.correlation)
        tempered[:, self.untempered] = 1
        weight: Array = tempered[:, self.group]
        weight[:, len(self.findings) :] *= self.method.number_weight
        return weight

    @cached_property
    def _member(self) -> Array:
        """Return which findings belong to which group; the last group is that of all others."""
        member = np.zeros((len(self.group), int(self.untempered[-1]) + 1))
        member[np.arange(len(self.group)), self.group] = 1
        return member

    def log_ratio(self, seen: Seen) -> Array:
        """Return the logarithm of the likelihood ratio of each disease against the background, (N, D)."""
        weight = seen.weight[:, : len(self.findings)]
        total: Array = (seen.present * weight) @ self.present
        total += (seen.absent * weight) @ self.absent
        narrow = self._narrow
        total += (seen.missing[:, narrow] * weight[:, narrow]) @ self.missing[narrow]
        for column, table in enumerate(self.tables):
            rows = np.flatnonzero(seen.number[:, column] >= 0)
            if len(rows):
                heavy = seen.weight[rows, len(self.findings) + column, None]
                total[rows] += heavy * table.density[seen.number[rows, column]]
        rows = np.flatnonzero(seen.bounds[:, 1] >= 0)
        if len(rows):
            column = self.numbers.index(ONSET)
            heavy = seen.weight[rows, len(self.findings) + column, None]
            total[rows] += heavy * self.between(seen.bounds[rows])
        return total

    def between(self, bounds: NDArray[np.int64]) -> Array:
        """Return the logarithm of the likelihood ratio of an onset within bounds, (N, D)."""
        table = self.tables[self.numbers.index(ONSET)]
        before = np.where(bounds[:, :1] > 0, table.below[np.maximum(bounds[:, 0] - 1, 0)], 0.0)
        share = np.maximum(table.below[bounds[:, 1]] - before, self.method.lowest)
        part = self.method.number_background
        mixed = (1 - part) * share + part * share[:, -1:]
        return np.log(mixed[:, :-1] / mixed[:, -1:])

    @cached_property
    def _narrow(self) -> NDArray[np.int64]:
        return np.array([row for row, parents in enumerate(self.parents) if parents], np.int64)

    def spread(self, seen: Seen) -> Array:
        """Return the variance of ``log_ratio`` that comes from how well each frequency is known, (N, D).

        A frequency is a Beta distribution; its logarithm is taken as the normal distribution that gives the
        frequency the same mean and variance.
        """
        squared = seen.weight[:, : len(self.findings)] ** 2
        total: Array = (seen.present * squared) @ self._spread_present
        total += ((seen.absent | seen.missing) * squared) @ self._spread_absent
        return total

    @cached_property
    def _spread_present(self) -> Array:
        return np.log1p((1 - self.share) / (self.share * (self.weight + 1)))

    @cached_property
    def _spread_absent(self) -> Array:
        ratio = np.log1p(self.share / ((1 - self.share) * (self.weight + 1)))
        return self.method.absence_weight**2 * ratio


def _through(inference: Inference, finding: str) -> set[str]:
    """Return everything that a derived finding is derived from, step by step."""
    found: set[str] = set()
    todo = [finding]
    while todo:
        rule = inference.program.rules.get(todo.pop())
        new = rule.reads - found if rule else frozenset()
        found |= new
        todo += new
    return found


def _rows(
    findings: Sequence[str],
    place: Mapping[str, int],
    links: Mapping[str, Mapping[str, object] | frozenset[str]],
) -> tuple[tuple[int, ...], ...]:
    """Return for each finding the rows of those that it is linked with."""
    return tuple(
        tuple(sorted(place[other] for other in links.get(name, ()) if other in place))
        for name in findings
    )


def _shares(base: Diseases) -> tuple[tuple[str, ...], Array, Array]:
    """Return findings, their shares (M, D + 1), background last, and how many patients each rests on."""
    method = base.method
    columns = {name: index for index, name in enumerate((*base.diseases, BACKGROUND))}
    table = base.frequencies
    findings = tuple(table["finding"].unique(maintain_order=True))
    rows = {name: index for index, name in enumerate(findings)}
    at = (
        table["finding"].replace_strict(rows, return_dtype=pl.Int64).to_numpy(),
        table["disease"].replace_strict(columns, return_dtype=pl.Int64).to_numpy(),
    )
    assumed = pl.when(pl.col("check").str.starts_with("convention")).then(pl.lit("convention"))
    pseudo = table.select(
        assumed.otherwise("confidence").replace_strict(method.pseudo_counts, default=None)
    ).to_series()
    count = table["total"].clip(upper_bound=method.most_counts).fill_null(pseudo)
    percent = np.full((len(findings), len(columns)), np.nan)
    weight = np.zeros(percent.shape)
    percent[at] = table["percent"].to_numpy() / 100
    weight[at] = count.cast(pl.Float64).to_numpy()
    usual = percent[:, -1]
    usual = np.where(np.isnan(usual), np.nanmean(percent, axis=1), usual)[:, None]
    known = np.where(np.isnan(percent), 0, percent)
    share = (weight * known + method.shrinkage * usual) / (weight + method.shrinkage)
    return findings, np.clip(share, method.lowest, method.highest), weight + method.shrinkage


def _composites(inference: Inference, findings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the findings that are defined as any of others, all with a frequency, narrow ones first."""
    found: dict[str, tuple[str, ...]] = {}
    for level in inference.program.levels:
        for name in level:
            parts = inference.program.rules[name].alternatives
            known = {*findings, *found}
            if name not in known and parts and all(part in known for part in parts):
                found[name] = tuple(parts)
    return {
        name: tuple(leaf for part in parts for leaf in found.get(part, (part,)))
        for name, parts in found.items()
    }


def _table(base: Diseases, number: str) -> Quantiles:
    """Tabulate a two-piece normal distribution through the published quantiles of each disease."""
    method = base.method
    linear = number in method.linear_numbers
    rows = {row["disease"]: row for row in base.numbers.filter(finding=number).to_dicts()}
    names = ("p05", "p25", "p50", "p75", "p95")
    usual = [rows[BACKGROUND][name] for name in names]
    given = [[rows[d][n] for n in names] if d in rows else usual for d in base.diseases]
    quantiles = np.array([*given, usual])
    scaled = quantiles if linear else np.log(quantiles)
    # Both outer quantiles of a side estimate its spread.
    far, near = 1.6449, 0.6745
    middle = scaled[:, 2]
    left = ((middle - scaled[:, 0]) / far + (middle - scaled[:, 1]) / near) / 2
    right = ((scaled[:, 4] - middle) / far + (scaled[:, 3] - middle) / near) / 2
    least = 0.01 * float(np.ptp(scaled[-1]))
    left, right = np.maximum(left, least), np.maximum(right, least)
    low, high = float((middle - 4 * left).min()), float((middle + 4 * right).max())
    grid = np.linspace(low, high, STEPS)[:, None]
    side = np.where(grid < middle, left, right)
    density = np.exp(-0.5 * ((grid - middle) / side) ** 2) * 2 / (left + right)
    below = np.cumsum(density, axis=0) / density.sum(axis=0)
    floor = np.maximum(density[:, -1:], 1e-3 * density[:, -1].max())
    mixed = (1 - method.number_background) * density + method.number_background * floor
    return Quantiles(
        low=low,
        step=(high - low) / (STEPS - 1),
        linear=linear,
        density=np.log(mixed[:, :-1] / mixed[:, -1:]),
        below=below,
    )
