"""What each finding says about each disease, and with which weight.

Everything is an array over M findings, J measured findings and D diseases, relative to the background, so
that a finding without a figure for a disease says nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import or_

import numpy as np

from myoresist.arrays.planes import Planes, mask, pack_rows
from myoresist.arrays.table import Numbers, Table
from myoresist.diagnosis.differential.adjustments import Adjustments, Kind
from myoresist.diagnosis.differential.evidence import (
    Evidence,
    Links,
    Observations,
    Places,
)
from myoresist.diagnosis.differential.frequencies import Frequencies
from myoresist.diagnosis.differential.measured import STEPS, Distribution
from myoresist.diagnosis.differential.schema import CONFIRMED, Diseases, Method
from myoresist.diagnosis.differential.sums import Counted, Lookup, Sum
from myoresist.findings.evaluate import Inference

ONSET, AGE = "age_at_onset", "age"
ONSET_LOW, ONSET_HIGH = "age_at_onset_at_least", "age_at_onset_at_most"
TESTED = "serology.{}.likelihood_ratio"
"""The column that says how much a test of a finding is worth."""


@dataclass(frozen=True)
class Likelihoods:
    """Likelihood ratios against the background, with the rules by which findings are counted.

    Attributes:
        diseases: ids, D.
        frequencies: of the findings that are present or absent, M.
        numbers: ids of measured findings, J.
        distributions: of each measured finding.
        links: how findings depend on each other.
        weights: what of its logarithm counts, as it travels together with others, (M + J,).
        base: diseases, patterns, needs, labels and method.
    """

    diseases: tuple[str, ...]
    frequencies: Frequencies
    numbers: tuple[str, ...]
    distributions: tuple[Distribution, ...]
    links: Links
    weights: Numbers
    base: Diseases

    @classmethod
    def of(cls, base: Diseases, inference: Inference) -> Likelihoods:
        """Derive the likelihood ratios from published frequencies.

        Args:
            base: diseases, frequencies and method.
            inference: how findings follow from each other; the narrowest known one is counted.
        """
        frequencies = Frequencies.of(base, inference)
        findings = frequencies.findings
        numbers = tuple(base.numbers["finding"].unique(maintain_order=True))
        members = _members(base, (*findings, *numbers), inference.parents)
        return cls(
            diseases=tuple(base.diseases),
            frequencies=frequencies,
            numbers=numbers,
            distributions=tuple(Distribution.tabulate(base, number) for number in numbers),
            links=Links.of(
                findings,
                numbers,
                inference,
                exclusive=[members[one.id] for one in base.groups if one.kind == "exclusive"],
                overruled=[
                    (members[one.id], members[one.overruled_by])
                    for one in base.groups
                    if one.overruled_by is not None
                ],
                labels=base.method.label_findings,
            ),
            weights=_weights(base, (*findings, *numbers), members),
            base=base,
        )

    @property
    def method(self) -> Method:
        """Return how frequencies become probabilities."""
        return self.base.method

    @property
    def findings(self) -> tuple[str, ...]:
        """Return the ids of the findings that are present or absent, M."""
        return self.frequencies.findings

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Return the row of each finding that is present or absent."""
        return {name: row for row, name in enumerate(self.findings)}

    @cached_property
    def tests(self) -> tuple[str, ...]:
        """Return for each finding the column that would say how much a test of it is worth."""
        return tuple(TESTED.format(name) for name in self.findings)

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the columns that are read, as far as there are any."""
        bounds = (AGE, ONSET_LOW, ONSET_HIGH)
        return (*self.findings, *self.numbers, *self.tests, *bounds, *self.further)

    # --- what is known ---

    def observe(self, known: Table) -> Observations:
        """Return what is known of each patient, in the order of the arrays."""
        truths = [known.truth(name) for name in self.findings]
        places = np.empty((len(self.numbers), known.size), np.int64)
        for row, (name, one) in enumerate(zip(self.numbers, self.distributions, strict=True)):
            places[row] = one.places(known.number(name))
        tests = {
            row: known.numbers[name]
            for row, name in enumerate(self.tests)
            if name in known.numbers and not np.isnan(known.numbers[name]).all()
        }
        return Observations(
            size=known.size,
            present=[one.t for one in truths],
            absent=[one.f for one in truths],
            places=places,
            bounds=self._bounds(known, places),
            tested=np.array(list(tests), np.int64),
            ratios=np.array(list(tests.values())).reshape(len(tests), known.size),
            further=known.select(self.further),
        )

    @cached_property
    def asks(self) -> frozenset[str]:
        """Return the columns that confirmation, and the need for an investigation, are judged by."""
        asked = (self.base.confirmed, self.base.needed)
        return frozenset(name for one in asked for name in one.inputs)

    @cached_property
    def further(self) -> tuple[str, ...]:
        """Return the columns that are read beside the findings."""
        return (*self.adjustments.further, *sorted(self.asks - self.rows.keys()))

    def count(self, known: Observations) -> Evidence:
        """Return what may be counted of each patient, with patterns, needs and the label."""
        evidence = self.links.count(known)
        counted: dict[Kind, Sequence[int]] = {
            "present": evidence.present, "absent": evidence.absent, "missing": evidence.missing,
        }  # fmt: skip
        return replace(
            evidence,
            adjusted=self.adjustments.planes(known, counted),
            unproven=self._unproven(known),
        )

    @cached_property
    def vague(self) -> tuple[int, ...]:
        """Return the places of the diseases of whose figures too much is estimates."""
        most = self.method.ceiling.estimates
        return tuple(np.flatnonzero(self.frequencies.estimates > most).tolist())

    def _unproven(self, known: Observations) -> dict[int, int]:
        """Return where each disease that rests on estimates is not confirmed."""
        program, every = self.base.confirmed, mask(known.size)
        truths = {
            name: Planes(known.present[row], known.absent[row])
            for name in self._confirming
            if (row := self.rows.get(name)) is not None
        }
        proven = program.run(known.further.with_truths(truths))
        columns = {place: CONFIRMED + self.diseases[place] for place in self.vague}
        return {
            place: every & ~proven.truth(column).t if column in program.rules else every
            for place, column in columns.items()
        }

    @cached_property
    def _confirming(self) -> frozenset[str]:
        return self.base.confirmed.inputs

    @cached_property
    def adjustments(self) -> Adjustments:
        """Return what single frequencies cannot say."""
        return Adjustments(self.base, self.rows, self.links, self.weighed, self._variances)

    def _bounds(self, known: Table, places: Places) -> Places:
        """An onset that is not known lies before the present age, and within what bounds are given."""
        bounds = np.full((2, known.size), -1)
        if ONSET not in self.numbers:
            return bounds
        column = self.numbers.index(ONSET)
        one = self.distributions[column]
        highest = known.number(ONSET_HIGH)
        high = one.places(np.where(np.isnan(highest), known.number(AGE), highest))
        low = one.places(known.number(ONSET_LOW))
        open_ = (places[column] < 0) & ((high >= 0) | (low >= 0))
        bounds[0, open_] = np.maximum(low, 0)[open_]
        bounds[1, open_] = np.where(high < 0, STEPS - 1, high)[open_]
        return bounds

    # --- what a finding says ---

    @cached_property
    def present(self) -> Numbers:
        """Return the logarithm of the likelihood ratio of each finding when present, (M, D)."""
        ratio: Numbers = np.log(self.frequencies.share / self.frequencies.background[:, None])
        return ratio

    @cached_property
    def absent(self) -> Numbers:
        """Return the logarithm of the likelihood ratio of each finding when absent, (M, D)."""
        share, background = self.frequencies.share, self.frequencies.background[:, None]
        ratio: Numbers = self.method.absence_weight * np.log((1 - share) / (1 - background))
        return ratio

    @cached_property
    def missing(self) -> Numbers:
        """Return the same for a finding that is absent although the broader one is present, (M, D)."""
        share, background = self.frequencies.share, self.frequencies.background
        limits = self.method.lowest, self.method.highest
        ratio = self.absent.copy()
        for row, parents in self.links.parents.items():
            parent = min(parents, key=lambda one: float(background[one]))
            among = np.clip(share[row] / share[parent], *limits)
            usual = np.clip(background[row] / background[parent], *limits)
            ratio[row] = self.method.absence_weight * np.log((1 - among) / (1 - usual))
        return ratio

    def tested(self, rows: Places, ratio: Numbers) -> Numbers:
        """Return the logarithm of the likelihood ratio of tests that may err, (T, D).

        Args:
            rows: the findings that they test for, (T,).
            ratio: how many times as likely the result of each is if the finding is there, (T,).
        """
        odds = ratio[:, None] - 1
        share, background = self.frequencies.share[rows], self.frequencies.background[rows, None]
        found: Numbers = np.log1p(odds * share) - np.log1p(odds * background)
        return found

    def between(self, low: Places, high: Places) -> Numbers:
        """Return the logarithm of the likelihood ratio of an onset between two grid points, (N, D)."""
        below = self.distributions[self.numbers.index(ONSET)].below
        before = np.where(low[:, None] > 0, below[np.maximum(low - 1, 0)], 0.0)
        share = np.maximum(below[high] - before, self.method.lowest)
        part = self.method.number_background
        mixed = (1 - part) * share + part * share[:, -1:]
        found: Numbers = np.log(mixed[:, :-1] / mixed[:, -1:])
        return found

    # --- what everything that counts comes to ---

    def log_ratio(self, evidence: Evidence) -> Sum:
        """Return the logarithm of the likelihood ratio of each disease against the background, (N, D)."""
        counted = (*evidence.present, *evidence.absent, *evidence.missing)
        tests, several = self._tests(evidence)
        lookups = [*self._measured(evidence), *several, *self._bounded(evidence)]
        adjusted = (evidence.adjusted, self.adjustments.adds)
        return Sum.of(evidence.size, [(counted, self.weighed), adjusted, tests], lookups)

    @cached_property
    def weighed(self) -> Numbers:
        """Return what each finding that is present, absent or missing adds to the logarithm, (3 M, D)."""
        return np.vstack(
            [self._finding_weights * one for one in (self.present, self.absent, self.missing)]
        )

    @property
    def _finding_weights(self) -> Numbers:
        return self.weights[: len(self.findings), None]

    def number_weight(self, number: str) -> float:
        """Return what of the logarithm of a measured finding counts."""
        return float(self.weights[len(self.findings) + self.numbers.index(number)])

    def _measured(self, evidence: Evidence) -> Iterator[Lookup]:
        """Yield what measured findings add."""
        for places, table in zip(evidence.places, self._number_tables, strict=True):
            known = places >= 0
            if known.any():
                yield table, np.where(known, places, STEPS)

    @cached_property
    def _number_tables(self) -> tuple[Numbers, ...]:
        """Return what each grid point of a measured finding adds; below them stands nothing."""
        nothing = np.zeros((1, len(self.diseases)))
        return tuple(
            np.vstack([self.number_weight(name) * one.log_ratio, nothing])
            for name, one in zip(self.numbers, self.distributions, strict=True)
        )

    def _tests(self, evidence: Evidence) -> tuple[Counted, list[Lookup]]:
        """Return what results of tests add: in planes where they have one ratio, else looked up."""
        rows, ratios = evidence.tested, evidence.ratios
        least, most = (x.reduce(ratios, axis=1, initial=np.nan) for x in (np.fmin, np.fmax))
        one, several = least == most, least < most
        table = self.weights[rows[one], None] * self.tested(rows[one], least[one])
        lookups = []
        for row, ratio in zip(rows[several], ratios[several], strict=True):
            # Methods and strengths are few, and so are the different ratios.
            values, places = np.unique(ratio, return_inverse=True)
            added = self.weights[row] * self.tested(np.repeat(row, len(values)), values)
            lookups.append((np.where(np.isnan(values)[:, None], 0.0, added), places))
        return (pack_rows(~np.isnan(ratios[one])), table), lookups

    def _bounded(self, evidence: Evidence) -> Iterator[Lookup]:
        """Yield what an onset adds of which bounds are known."""
        low, high = evidence.bounds
        if (high >= 0).any():
            pairs, places = np.unique(
                np.where(high < 0, -1, low * STEPS + high), return_inverse=True
            )
            table = self.number_weight(ONSET) * self.between(*divmod(np.maximum(pairs, 0), STEPS))
            yield np.where(pairs[:, None] < 0, 0.0, table), places

    def log_variance(self, evidence: Evidence) -> Numbers:
        """Return the variance of ``log_ratio`` that comes from how well each frequency is known, (N, D).

        A frequency is a Beta distribution; its logarithm is taken as the normal distribution that gives the
        frequency the same mean and variance.
        """
        counted = (*evidence.present, *map(or_, evidence.absent, evidence.missing))
        total = np.empty((evidence.size, len(self.diseases)))
        adjusted = (evidence.adjusted, self.adjustments.variances)
        counts = [(counted, self._variances), adjusted]
        for part, block in Sum.of(evidence.size, counts).blocks():
            total[part] = block.T
        rows = evidence.tested
        odds, share = evidence.ratios[..., None] - 1, self.frequencies.share[rows, None]
        steep = self.weights[rows, None, None] * odds / (1 + odds * share)
        patients = self.frequencies.patients[rows, None]
        total += np.nansum(steep**2 * share * (1 - share) / (patients + 1), axis=0)
        # What is taken out again leaves a rounding error.
        return np.maximum(total, 0)

    @cached_property
    def _variances(self) -> Numbers:
        """Return the variance that each finding that is present, or absent, adds, (2 M, D)."""
        share, more = self.frequencies.share, self.frequencies.patients + 1
        present = np.log1p((1 - share) / (share * more))
        absent = np.log1p(share / ((1 - share) * more))
        weights = self._finding_weights
        return np.vstack(
            [weights**2 * present, (weights * self.method.absence_weight) ** 2 * absent]
        )


def _members(
    base: Diseases, names: Sequence[str], implied: Mapping[str, frozenset[str]]
) -> dict[str, list[str]]:
    """Return by group what belongs to it: what it names, and what implies that; the first group has it."""
    named = {one.id: frozenset(one.findings) for one in base.groups}
    members: dict[str, list[str]] = {one: [] for one in named}
    for name in names:
        wider = {name, *implied.get(name, ())}
        group = next((one for one, findings in named.items() if wider & findings), None)
        if group is not None:
            members[group].append(name)
    return members


def _weights(base: Diseases, names: Sequence[str], members: Mapping[str, Sequence[str]]) -> Numbers:
    """Return what of the logarithm of each finding counts.

    The weight of findings that travel together is the same however many of them are known: otherwise a
    further finding that speaks for a disease could speak against it, because it takes weight from the others.
    """
    method = base.method
    weights = dict.fromkeys(names, 1.0)
    for one in base.groups:
        if one.kind == "correlated":
            correlation = method.correlation if one.correlation is None else one.correlation
            design_effect = 1 + (len(members[one.id]) - 1) * correlation
            weights |= dict.fromkeys(members[one.id], 1 / design_effect)
    for name in base.numbers["finding"].unique():
        weights[name] *= method.number_weight
    return np.array(list(weights.values()))
