"""What is known of patients, and what of it may be counted, so that no fact is counted twice.

Truth is kept in planes: whole numbers of which bit *i* says whether something is so of patient *i*. One
patient is a plane of one bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths
from myoresist.arrays.planes import pack_rows, unpack_rows
from myoresist.arrays.table import Numbers, Table
from myoresist.findings.evaluate import Inference

Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Observations:
    """What is known of N patients, in the order of M findings and J measured ones.

    Attributes:
        size: N.
        present: for each finding the plane of the patients who have it.
        absent: for each finding the plane of those who have not.
        places: the grid point of each measured finding, -1 where it is unknown, (J, N).
        bounds: grid points of the onset between which it lies, where only that is known, else -1, (2, N).
        tested: the findings with a test that is known to err and has a result in any patient, (T,).
        ratios: how many times as likely that result is if the finding is there, NaN without one, (T, N).
        further: columns beside the findings that patterns and needs read, and the label.
    """

    size: int
    present: Sequence[int]
    absent: Sequence[int]
    places: Places
    bounds: Places
    tested: Places
    ratios: Numbers
    further: Table

    @cached_property
    def truths(self) -> Truths:
        """Return the findings as truth values, (M, N)."""
        present, absent = (unpack_rows(one, self.size) for one in (self.present, self.absent))
        return (present.astype(np.int8) - absent) + np.int8(UNKNOWN)

    def variants(self, size: int) -> Variants:
        """Return a single patient so many times, to be changed."""
        return Variants(
            self.truths.repeat(size, axis=1),
            self.places.repeat(size, axis=1),
            self.ratios.repeat(size, axis=1),
        )

    def changed(self, variants: Variants) -> Observations:
        """Return what is known of variants of a single patient."""
        size = variants.truths.shape[1]
        return replace(
            self,
            size=size,
            present=pack_rows(variants.truths == TRUE),
            absent=pack_rows(variants.truths == FALSE),
            places=variants.places,
            bounds=self.bounds.repeat(size, axis=1),
            ratios=variants.ratios,
            further=self.further.repeated(size),
        )


@dataclass(frozen=True)
class Variants:
    """Variants of a single patient, in arrays that may be changed.

    Attributes:
        truths: the findings, (M, N).
        places: as for ``Observations``.
        ratios: as for ``Observations``.
    """

    truths: Truths
    places: Places
    ratios: Numbers


@dataclass(frozen=True)
class Evidence:
    """What may be counted of N patients.

    Attributes:
        size: N.
        present: for each finding the plane of the patients in whom it counts as present.
        absent: where it counts as absent, and nothing is known of a broader finding.
        missing: where it counts as absent although a broader finding is present.
        places: as for ``Observations``.
        bounds: as for ``Observations``.
        tested: as for ``Observations``.
        ratios: as for ``Observations``, NaN where the result does not count.
        adjusted: where each pattern, need, contrast and label is to be added, and what is taken out for it.
        unproven: the patients in whom each disease that rests on estimates is not confirmed, by its place.
    """

    size: int
    present: Sequence[int]
    absent: Sequence[int]
    missing: Sequence[int]
    places: Places
    bounds: Places
    tested: Places
    ratios: Numbers
    adjusted: Sequence[int] = ()
    unproven: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Links:
    """How findings depend on each other, by their rows; only those that have such links are listed.

    Attributes:
        children: the findings that imply it.
        parents: the findings that it implies.
        partners: the findings that exclude it.
        measured: the measured findings from which it follows.
        exclusive: groups of which as a rule only one is present.
        overruled: findings that say nothing once any of others is present.
        labels: what is present in whoever carries the label, and so says nothing when present.
    """

    children: Mapping[int, tuple[int, ...]]
    parents: Mapping[int, tuple[int, ...]]
    partners: Mapping[int, tuple[int, ...]]
    measured: Mapping[int, tuple[int, ...]]
    exclusive: tuple[tuple[int, ...], ...]
    overruled: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    labels: tuple[int, ...]

    @classmethod
    def of(
        cls,
        findings: Sequence[str],
        numbers: Sequence[str],
        inference: Inference,
        exclusive: Iterable[Sequence[str]],
        overruled: Iterable[tuple[Sequence[str], Sequence[str]]],
        labels: Iterable[str],
    ) -> Links:
        """Return the links between findings.

        Args:
            findings: ids, M.
            numbers: ids of measured findings, J.
            inference: how findings follow from each other.
            exclusive: groups of findings of which as a rule only one is present.
            overruled: findings that say nothing once any of others, which stand second, is present.
            labels: findings that say nothing when present.
        """
        row = {name: index for index, name in enumerate(findings)}
        place = {name: index for index, name in enumerate(numbers)}
        sources = {name: _sources(inference, name) for name in findings}
        return cls(
            children=_rows(row, inference.children, row),
            parents=_rows(row, inference.parents, row),
            partners=_rows(row, inference.partners, row),
            measured=_rows(row, sources, place),
            exclusive=tuple(tuple(row[x] for x in group if x in row) for group in exclusive),
            overruled=tuple(
                (tuple(row[x] for x in weak if x in row), tuple(row[x] for x in by if x in row))
                for weak, by in overruled
            ),
            labels=tuple(row[name] for name in labels if name in row),
        )

    def count(self, known: Observations) -> Evidence:
        """Return what may be counted of each patient.

        The narrowest finding that is present counts, and the broadest that is absent; a finding that is
        absent only because another excludes it says nothing; nor does one that follows from a measured one;
        findings of the label say nothing when present. The result of a test that may err takes the place of
        the finding that it tests for.
        """
        counted, ruled = list(known.present), list(known.absent)
        missing = [0] * len(counted)
        for row in self.labels:
            counted[row] = 0
        for row, children in self.children.items():
            for child in children:
                counted[row] &= ~known.present[child]
        for row, parents in self.parents.items():
            for parent in parents:
                ruled[row] &= ~known.absent[parent]
                missing[row] |= known.present[parent]
        for row, partners in self.partners.items():
            for partner in partners:
                ruled[row] &= ~known.present[partner]
        if self.measured:
            given = pack_rows(known.places >= 0)
            for row, columns in self.measured.items():
                for column in columns:
                    counted[row] &= ~given[column]
                    ruled[row] &= ~given[column]
        for rows in self.exclusive:
            found = 0
            for row in rows:
                found |= known.present[row]
            for row in rows:
                ruled[row] &= ~found
        for row in self.parents:
            missing[row] &= ruled[row]
            ruled[row] &= ~missing[row]
        for weak, by in self.overruled:
            silent = 0
            for row in by:
                silent |= known.present[row]
            for row in weak:
                for flags in (counted, ruled, missing):
                    flags[row] &= ~silent
        ratios = _test(known, counted, ruled, missing) if len(known.tested) else known.ratios
        return Evidence(
            size=known.size,
            present=counted,
            absent=ruled,
            missing=missing,
            places=known.places,
            bounds=known.bounds,
            tested=known.tested,
            ratios=ratios,
        )


def _test(known: Observations, counted: list[int], ruled: list[int], missing: list[int]) -> Numbers:
    """Let results of tests take the place of the findings that they test for; return those that count.

    None counts where the finding is known to be absent from elsewhere.
    """
    given = ~np.isnan(known.ratios)
    followed = [known.absent[row] & ~ruled[row] & ~missing[row] for row in known.tested]
    for row, plane in zip(known.tested, pack_rows(given), strict=True):
        for flags in (counted, ruled, missing):
            flags[row] &= ~plane
    return np.where(unpack_rows(followed, known.size), np.nan, known.ratios)


def _rows(
    row: Mapping[str, int], links: Mapping[str, Iterable[str]], other: Mapping[str, int]
) -> dict[int, tuple[int, ...]]:
    """Return by row of a finding the rows of what it is linked with."""
    found = {
        row[name]: tuple(sorted(other[one] for one in links.get(name, ()) if one in other))
        for name in row
    }
    return {name: rows for name, rows in found.items() if rows}


def _sources(inference: Inference, finding: str) -> set[str]:
    """Return everything that a derived finding is derived from, step by step."""
    found: set[str] = set()
    todo = [finding]
    while todo:
        rule = inference.program.rules.get(todo.pop())
        new = rule.reads - found if rule else frozenset()
        found |= new
        todo += new
    return found
