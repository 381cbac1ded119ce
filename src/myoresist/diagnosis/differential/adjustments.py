"""What single frequencies cannot say: patterns, needs, what tells neighbours apart, and the label.

Each is a plane of patients and what it adds to the logarithm of each disease. A pattern stands for its
members: what they say of a disease that the pattern speaks of is taken out again, so that nothing is counted
twice. What merely comes with an exposure is taken out while the exposure is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from myoresist.arrays.planes import Planes, mask, pack
from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.evidence import Links, Observations
from myoresist.diagnosis.differential.frequencies import drawn_towards
from myoresist.diagnosis.differential.schema import (
    CONTRAST,
    NEED,
    PATTERN,
    Diseases,
    Pattern,
)

LABEL = "diagnosis_label"
"""The finding that holds the diagnosis that a patient carries."""

Kind: TypeAlias = Literal["present", "absent", "missing"]
KINDS: tuple[Kind, ...] = ("present", "absent", "missing")


@dataclass(frozen=True)
class Gain:
    """What is added where a condition holds.

    Attributes:
        name: of the pattern, the need or the contrast, or of the finding that holds the label.
        adds: to the logarithm of each disease, (D,).
        weight: what of that logarithm counts before it is tempered.
        patients: how many patients the figures are worth; none where they are taken as they are.
        share: how often a pattern is found in each disease it speaks of, else NaN, (D,).
        background: how often elsewhere.
        silent: whether nothing recorded stands behind it: the need is not known.
        cites: the works it rests on.
        check: how that was checked.
    """

    name: str
    adds: Numbers
    weight: float
    patients: float | None = None
    share: Numbers | None = None
    background: float | None = None
    silent: bool = False
    cites: tuple[str, ...] = ()
    check: str | None = None


@dataclass(frozen=True)
class Silence:
    """What a finding says of some diseases, taken out where a condition holds.

    Attributes:
        gain: the pattern that stands for the finding; none for what only comes with an exposure.
        row: the finding.
        kind: how it counts.
        diseases: of which it says nothing, by their places.
    """

    gain: int | None
    row: int
    kind: Kind
    diseases: tuple[int, ...]


@dataclass(frozen=True)
class Adjustments:
    """Patterns, needs and labels as rows that are added up like findings.

    Attributes:
        base: diseases, patterns, needs, contrasts and labels.
        rows: the row of each finding.
        links: how findings depend on each other.
        weighed: what each finding that is present, absent or missing adds, (3 M, D).
        spread: the variance that each adds, present or absent, (2 M, D).
    """

    base: Diseases
    rows: Mapping[str, int]
    links: Links
    weighed: Numbers
    spread: Numbers

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the place of each disease."""
        return {name: place for place, name in enumerate(self.base.diseases)}

    @cached_property
    def further(self) -> tuple[str, ...]:
        """Return the columns that conditions read and that are no findings of the differential."""
        rules = self.base.adjusting
        return (*sorted(rules.inputs - self.rows.keys()), LABEL)

    # --- what is compiled ---

    @cached_property
    def gains(self) -> tuple[Gain, ...]:
        """Return what patterns (once a set of diseases), needs, contrasts and labels add."""
        patterns = [gain for gain, *_ in self._patterns]
        return (*patterns, *self._needs, *self._contrasts, *self._labels)

    @cached_property
    def _patterns(self) -> list[tuple[Gain, int, tuple[int, ...], tuple[int, ...]]]:
        """Return for each pattern its gains, with its place, the earlier ones that go before, and diseases.

        Of two patterns that share a member only the earlier speaks of a disease.
        """
        found = []
        patterns = self.base.patterns
        for place, one in enumerate(patterns):
            before: dict[tuple[int, ...], list[int]] = {}
            for name in one.percent:
                earlier = tuple(
                    other
                    for other, first in enumerate(patterns[:place])
                    if name in first.percent and self._members[other] & self._members[place]
                )
                before.setdefault(earlier, []).append(self.places[name])
            for earlier, diseases in before.items():
                found.append((self._pattern(one, diseases), place, earlier, tuple(diseases)))
        return found

    def _pattern(self, one: Pattern, diseases: Sequence[int]) -> Gain:
        method, names = self.base.method, tuple(self.base.diseases)
        patients = method.pseudo_counts[one.confidence]
        usual = one.background / 100
        share = np.full(len(names), np.nan)
        for place in diseases:
            share[place] = drawn_towards(one.percent[names[place]] / 100, usual, patients, method)
        adds = np.where(np.isnan(share), 0.0, np.log(share / max(usual, method.lowest)))
        return Gain(
            one.id,
            adds,
            1.0,
            patients + method.shrinkage,
            share,
            usual,
            cites=one.cites,
            check=one.check,
        )

    @cached_property
    def _members(self) -> list[frozenset[int]]:
        """Return for each pattern the findings that it stands for, and those that imply them."""
        return [
            frozenset(
                row
                for name in one.stands_for
                for row in (self.rows[name], *self.links.children.get(self.rows[name], ()))
            )
            for one in self.base.patterns
        ]

    @cached_property
    def _needs(self) -> list[Gain]:
        """Return what it costs the diseases whose need is not met, and those of which it is not known."""
        return [
            Gain(
                one.id,
                self._times(dict.fromkeys(one.diseases, times)),
                self._untempered,
                silent=silent,
                cites=one.cites,
                check=one.check,
            )
            for one in self.base.needs
            for times, silent in ((one.otherwise, False), (one.unknown, True))
            if times is not None
        ]

    @cached_property
    def _contrasts(self) -> list[Gain]:
        """Return what tells neighbours apart: it speaks against those that the disease is told from."""
        return [
            Gain(
                one.id,
                self._times(dict.fromkeys(one.than, 1 / one.times)),
                self._untempered,
                cites=one.cites,
                check=one.check,
            )
            for one in self.base.contrasts
        ]

    @cached_property
    def _labels(self) -> list[Gain]:
        """Return what each label says."""
        return [
            Gain(LABEL, self._times(one.times), self._untempered, cites=one.cites, check=one.check)
            for one in self.base.labels
        ]

    @property
    def _untempered(self) -> float:
        """Return the weight of what is a likelihood ratio of its own and not to be tempered with the rest."""
        return self.base.method.temperature

    def _times(self, times: Mapping[str, float]) -> Numbers:
        """Return the logarithms of how many times as likely each disease, or each of a family, is."""
        found = np.zeros(len(self.places))
        for place, one in enumerate(self.base.diseases.values()):
            found[place] = np.log(times.get(one.id, times.get(one.family, 1.0)))
        return found

    @cached_property
    def silences(self) -> tuple[Silence, ...]:
        """Return what is taken out again."""
        found = [
            Silence(index, row, kind, diseases)
            for index, (_, place, _, diseases) in enumerate(self._patterns)
            for row in sorted(self._members[place])
            for kind in KINDS
        ]
        for one in self.base.needs:
            diseases = tuple(self.places[name] for name in one.diseases)
            for name in one.comes_with:
                found += [Silence(None, self.rows[name], kind, diseases) for kind in KINDS]
        return tuple(found)

    @cached_property
    def _waiting(self) -> list[str]:
        """Return the column of the need behind each silence that is none of a pattern."""
        return [NEED + one.id for one in self.base.needs for _ in one.comes_with for _ in KINDS]

    @cached_property
    def adds(self) -> Numbers:
        """Return what each gain, and then each silence, adds to the logarithm, (R, D)."""
        taken = np.zeros((len(self.silences), len(self.places)))
        size = len(self.rows)
        for place, one in enumerate(self.silences):
            offset = {"present": 0, "absent": size, "missing": 2 * size}[one.kind]
            taken[place, list(one.diseases)] = -self.weighed[offset + one.row, list(one.diseases)]
        return np.vstack([*(one.weight * one.adds for one in self.gains), taken])

    @cached_property
    def variances(self) -> Numbers:
        """Return the variance that each gain adds, and that each silence takes out, (R, D)."""
        given = np.zeros((len(self.gains), len(self.places)))
        for place, one in enumerate(self.gains):
            if one.share is not None and one.patients is not None:
                share = one.share
                given[place] = np.nan_to_num(np.log1p((1 - share) / (share * (one.patients + 1))))
        taken = np.zeros((len(self.silences), len(self.places)))
        size = len(self.rows)
        for place, silence in enumerate(self.silences):
            row = silence.row + (0 if silence.kind == "present" else size)
            taken[place, list(silence.diseases)] = -self.spread[row, list(silence.diseases)]
        return np.vstack([given, taken])

    # --- of some patients ---

    def planes(self, known: Observations, counted: Mapping[Kind, Sequence[int]]) -> list[int]:
        """Return where each gain, and then each silence, holds.

        Args:
            known: what is known of the patients.
            counted: for each finding the plane of the patients in whom it counts, by kind.
        """
        rules = self.base.adjusting
        truths = {
            name: Planes(known.present[row], known.absent[row])
            for name in rules.inputs
            if (row := self.rows.get(name)) is not None
        }
        held = rules.run(known.further.with_truths(truths))
        patterns = [held.truth(PATTERN + one.id).t for one in self.base.patterns]
        found = []
        for _, place, earlier, _ in self._patterns:
            plane = patterns[place]
            for other in earlier:
                plane &= ~patterns[other]
            found.append(plane)
        every = mask(known.size)
        for need in self.base.needs:
            truth = held.truth(NEED + need.id)
            if need.otherwise is not None:
                found.append(truth.f)
            if need.unknown is not None:
                found.append(every & ~truth.known)
        found += [held.truth(CONTRAST + one.id).t for one in self.base.contrasts]
        found += self._labelled(known)
        waiting = iter(self._waiting)
        for one in self.silences:
            where = every & ~held.truth(next(waiting)).t if one.gain is None else found[one.gain]
            found.append(where & counted[one.kind][one.row])
        return found

    def _labelled(self, known: Observations) -> list[int]:
        said = known.further.word(LABEL)
        by_word = {word: place for place, word in enumerate(said.words)}
        return [
            pack(said.codes == by_word[one.label]) if one.label in by_word else 0
            for one in self.base.labels
        ]
