"""What each finding says about each disease, in the order and with the weight in which it may be counted.

Everything is an array over M findings and D diseases, relative to the background, so that a finding without
a figure for a disease says nothing about it. Patients are rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.kleene import to_numbers
from myoresist.diagnosis.differential.schema import BACKGROUND, Diseases, Method
from myoresist.findings.evaluate import Inference

Array: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

ONSET, AGE = "age_at_onset", "age"
ONSET_LOW, ONSET_HIGH = "age_at_onset_at_least", "age_at_onset_at_most"
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
TESTED = "serology.{}.likelihood_ratio"
"""The column that says how much a test of a finding is worth."""
BLOCK = 1024
"""Patients in one matrix product."""
STEPS = 600
"""Points of the grid on which the density of a measured finding is tabulated."""


@dataclass(frozen=True)
class Known:
    """What is known of each patient, as arrays; one row a patient.

    Attributes:
        flags: 1 present, 0 absent, -1 unknown, (N, M).
        number: for each measured finding the row of its table, or -1 where it is unknown.
        bounds: rows of the onset table between which the onset lies, where only that is known, else -1.
        tests: for findings whose test is known to err, how many times as likely its result is if the finding
            is there, NaN where there is no result.
    """

    flags: NDArray[np.int8]
    number: NDArray[np.int64]
    bounds: NDArray[np.int64]
    tests: Mapping[int, Array]

    def repeated(self, times: int) -> Known:
        """Return a single patient so many times, in arrays that may be changed."""
        return Known(
            self.flags.repeat(times, axis=0),
            self.number.repeat(times, axis=0),
            self.bounds.repeat(times, axis=0),
            {row: ratio.repeat(times) for row, ratio in self.tests.items()},
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
        tests: for findings whose test may err, the likelihood ratio of its result, NaN where none counts.
    """

    present: Flags
    absent: Flags
    missing: Flags
    number: NDArray[np.int64]
    bounds: NDArray[np.int64]
    tests: Mapping[int, Array]


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
        rows = np.full(len(values), -1)
        known = np.flatnonzero(~np.isnan(values))
        with np.errstate(divide="ignore"):
            scaled = values[known] if self.linear else np.log(values[known])
        place = np.rint((np.maximum(scaled, self.low) - self.low) / self.step)
        rows[known] = np.minimum(place, len(self.density) - 1)
        return rows


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood ratios against the background, with the rules by which findings are counted.

    Attributes:
        diseases: ids, D.
        findings: ids of findings that are present or absent, M.
        numbers: ids of measured findings, J.
        share: the frequency of each finding in each disease, drawn towards the background, (M, D).
        background: the same in the background, (M,).
        patients: how many patients each frequency is worth, (M, D).
        tables: the distribution of each measured finding.
        children, parents, partners: for each finding the rows of those that imply it, that it implies, and
            that exclude it.
        measured: for each finding the measured ones from which it follows.
        weights: what of its logarithm counts, as it travels together with others, (M + J,).
        exclusive: rows of which as a rule only one is present.
    """

    diseases: tuple[str, ...]
    findings: tuple[str, ...]
    numbers: tuple[str, ...]
    share: Array
    background: Array
    patients: Array
    tables: tuple[Quantiles, ...]
    children: tuple[tuple[int, ...], ...]
    parents: tuple[tuple[int, ...], ...]
    partners: tuple[tuple[int, ...], ...]
    measured: tuple[tuple[int, ...], ...]
    weights: Array
    exclusive: tuple[NDArray[np.int64], ...]
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
        findings, share, patients = _shares(base)
        composite = _composites(inference, findings)
        for name, parts in composite.items():
            rows = [findings.index(part) for part in parts]
            findings = (*findings, name)
            share = np.vstack([share, 1 - np.prod(1 - share[rows], axis=0)])
            patients = np.vstack([patients, patients[rows].min(axis=0)])
        numbers = tuple(base.numbers["finding"].unique(maintain_order=True))
        place = {name: index for index, name in enumerate(findings)}
        implied = inference.parents
        implying = inference.children
        ordered = (*findings, *numbers)
        group = np.full(len(ordered), -1)
        for index, one in reversed(list(enumerate(base.groups))):
            named = set(one.findings)
            held = [bool(named & {f, *implied.get(f, ())}) for f in ordered]
            group[held] = index
        weights = np.ones(len(ordered))
        for index, one in enumerate(base.groups):
            if one.kind == "correlated":
                own = method.correlation if one.correlation is None else one.correlation
                weights[group == index] = 1 / _design_effect(int((group == index).sum()), own)
        weights[len(findings) :] *= method.number_weight
        exclusive = [index for index, one in enumerate(base.groups) if one.kind == "exclusive"]
        reads = {name: _through(inference, name) for name in findings}
        return cls(
            diseases=diseases,
            findings=findings,
            numbers=numbers,
            share=share[:, :-1],
            background=share[:, -1],
            patients=patients[:, :-1],
            tables=tuple(_table(base, number) for number in numbers),
            children=_rows(findings, place, implying),
            parents=_rows(findings, place, implied),
            partners=_rows(findings, place, inference.partners),
            measured=tuple(
                tuple(i for i, number in enumerate(numbers) if number in reads[name])
                for name in findings
            ),
            weights=weights,
            exclusive=tuple(np.flatnonzero(group == index) for index in exclusive),
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
        flags = to_numbers(known, self.findings, (0, -1, 1)).T
        number = np.empty((known.height, len(self.numbers)), np.int64, order="F")
        for column, (name, table) in enumerate(zip(self.numbers, self.tables, strict=True)):
            number[:, column] = table.rows(known[name].to_numpy().astype(np.float64))
        given = set(known.columns)
        tests = {
            row: known[TESTED.format(name)].to_numpy().astype(np.float64)
            for row, name in enumerate(self.findings)
            if TESTED.format(name) in given
        }
        return Known(flags, number, self._bounds(known, number), tests)

    def seen(self, known: Known) -> Seen:
        """Return what may be counted of each patient.

        The narrowest finding that is present counts, and the broadest that is absent; a finding that is
        absent only because another excludes it says nothing; findings of the label say nothing when present.
        """
        present, absent = known.flags == 1, known.flags == 0
        # In the order of columns, in which everything below walks.
        counted, ruled = present.copy(order="K"), absent.copy(order="K")
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
        tests = {}
        for row, ratio in known.tests.items():
            tested = ~np.isnan(ratio)
            open_ = tested & ~(absent[:, row] & ~ruled[:, row] & ~missing[:, row])
            tests[row] = np.where(open_, ratio, np.nan)
            for flags in (counted, ruled, missing):
                flags[:, row] &= ~tested
        return Seen(counted, ruled, missing, known.number, known.bounds, tests)

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

    def log_ratio(self, seen: Seen) -> Array:
        """Return the logarithm of the likelihood ratio of each disease against the background, (N, D)."""
        total = np.empty((len(seen.present), len(self.diseases)))
        looked_up = list(self._looked_up(seen))
        room = np.empty((min(BLOCK, len(total)), len(self.diseases)))
        for part, block in self.counted(seen):
            np.matmul(block.T, self.weighed.T, out=total[part])
            added = room[: block.shape[1]]
            for said, place in looked_up:
                # Clipping, which never happens, spares a copy that guards against a place out of bounds.
                np.take(said, place[part], axis=0, out=added, mode="clip")
                total[part] += added
        rows = np.flatnonzero(seen.bounds[:, 1] >= 0)
        if len(rows):
            weight = self.weights[len(self.findings) + self.numbers.index(ONSET)]
            total[rows] += weight * self.between(seen.bounds[rows])
        return total

    def _looked_up(self, seen: Seen) -> Iterator[tuple[Array, NDArray[np.int64]]]:
        """Return what each measured finding and tested antibody adds: a table, and each patient's row in it.

        The last row of a table is for patients in whom it is unknown.
        """
        nothing = np.zeros((1, len(self.diseases)))
        for column, density in enumerate(self._densities):
            known = seen.number[:, column] >= 0
            if known.any():
                yield density, np.where(known, seen.number[:, column], len(density) - 1)
        for row, ratio in seen.tests.items():
            known = ~np.isnan(ratio)
            if known.any():
                # Methods and strengths are few, so are the different ratios.
                values = np.unique(ratio[known])
                # What is not known is sorted behind every number, as is its row.
                place = np.searchsorted(values, ratio)
                yield np.vstack([self.weights[row] * self.tested(row, values), nothing]), place

    @cached_property
    def _densities(self) -> tuple[Array, ...]:
        """Return what each value of a measured finding adds, and below it nothing."""
        nothing = np.zeros((1, len(self.diseases)))
        weights = self.weights[len(self.findings) :]
        tables = zip(weights, self.tables, strict=True)
        return tuple(np.vstack([weight * one.density, nothing]) for weight, one in tables)

    def counted(self, seen: Seen) -> Iterator[tuple[slice, Array]]:
        """Return what counts as ones and zeros for ``weighed``, patients as columns, block by block.

        All blocks share their memory: making room for all patients at once takes longer than the product.
        """
        narrow, first = self._narrow, len(self.findings)
        patients = len(seen.present)
        room = np.empty((2 * first + len(narrow), min(BLOCK, patients)))
        for start in range(0, patients, BLOCK):
            part = slice(start, min(start + BLOCK, patients))
            block = room[:, : part.stop - part.start]
            block[:first] = seen.present[part].T
            block[first : 2 * first] = seen.absent[part].T
            block[2 * first :] = seen.missing.T[narrow, part]
            yield part, block

    @cached_property
    def weighed(self) -> Array:
        """Return what each thing that counts adds to the logarithm for each disease, diseases as rows."""
        narrow = self._flag_weights[self._narrow] * self.missing[self._narrow]
        parts = [self._flag_weights * self.present, self._flag_weights * self.absent, narrow]
        return np.ascontiguousarray(np.vstack(parts).T)

    @property
    def _flag_weights(self) -> Array:
        return self.weights[: len(self.findings), None]

    def tested(self, row: int, ratio: Array) -> Array:
        """Return the logarithm of the likelihood ratio of a test that may err, (N, D).

        Args:
            row: the finding that it tests for.
            ratio: how many times as likely the result is if the finding is there.
        """
        odds = ratio[:, None] - 1
        found: Array = np.log1p(odds * self.share[row]) - np.log1p(odds * self.background[row])
        return found

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
        total: Array = seen.present @ self._spread_present
        total += (seen.absent | seen.missing) @ self._spread_absent
        for row, ratio in seen.tests.items():
            rows = np.flatnonzero(~np.isnan(ratio))
            odds, share = ratio[rows, None] - 1, self.share[row]
            steep = self.weights[row] * odds / (1 + odds * share)
            total[rows] += steep**2 * share * (1 - share) / (self.patients[row] + 1)
        return total

    @cached_property
    def _spread_present(self) -> Array:
        ratio = np.log1p((1 - self.share) / (self.share * (self.patients + 1)))
        return self._flag_weights**2 * ratio

    @cached_property
    def _spread_absent(self) -> Array:
        ratio = np.log1p(self.share / ((1 - self.share) * (self.patients + 1)))
        return (self._flag_weights * self.method.absence_weight) ** 2 * ratio


def _design_effect(members: int, correlation: float) -> float:
    """Return by how much the weight of each of so many findings that travel together is divided.

    It is the same however many of them are known: otherwise a further finding that speaks for a disease could
    speak against it, because it takes weight from the others.
    """
    return 1 + (members - 1) * correlation


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
    for name in inference.program.order:
        rule = inference.program.rules.get(name)
        known = {*findings, *found}
        if rule and name not in known and rule.alternatives and known.issuperset(rule.alternatives):
            found[name] = rule.alternatives
    return {
        name: tuple(leaf for part in parts for leaf in found.get(part, (part,)))
        for name, parts in found.items()
    }


def _table(base: Diseases, number: str) -> Quantiles:
    """Tabulate for each disease a distribution that has its published quantiles.

    Between the quantiles the logit of the share of patients below a value is a straight line, and beyond the
    outer ones it goes on as it was, so that no value is impossible.
    """
    method = base.method
    linear = number in method.linear_numbers
    rows = {row["disease"]: row for row in base.numbers.filter(finding=number).to_dicts()}
    usual = [rows[BACKGROUND][name] for name in QUANTILES]
    given = [[rows[d][n] for n in QUANTILES] if d in rows else usual for d in base.diseases]
    points = np.array([*given, usual])
    points = points if linear else np.log(points)
    spread = np.ptp(points[-1])
    grid = np.linspace(points.min() - spread, points.max() + spread, STEPS)
    shares = np.array(list(QUANTILES.values()))
    logits = np.log(shares / (1 - shares))
    below = np.column_stack([_below(grid, row, logits, 0.02 * spread) for row in points])
    density = np.gradient(below, grid, axis=0)
    floor = np.maximum(density[:, -1:], 1e-3 * density[:, -1].max())
    mixed = (1 - method.number_background) * density + method.number_background * floor
    return Quantiles(
        low=float(grid[0]),
        step=float(grid[1] - grid[0]),
        linear=linear,
        density=np.log(mixed[:, :-1] / mixed[:, -1:]),
        below=below,
    )


def _below(grid: Array, points: Array, logits: Array, least: float) -> Array:
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
    share: Array = 1 / (1 + np.exp(-inner))
    return share
