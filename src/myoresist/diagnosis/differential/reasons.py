"""Why each disease is as probable as it is in one patient: what counts, for it and against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from myoresist.arrays.planes import Flags, value_at
from myoresist.arrays.table import Numbers, Table
from myoresist.diagnosis.differential.adjustments import LABEL
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.evidence import Evidence, Observations
from myoresist.diagnosis.differential.likelihood import AGE, ONSET, ONSET_HIGH, ONSET_LOW
from myoresist.diagnosis.differential.results import (
    EvidenceResult,
    PairResult,
    ProbabilityResult,
    RankedDiseaseResult,
    RankedLabelResult,
)
from myoresist.diagnosis.differential.schema import CONFIRMED, PAIR, Disease

Kind: TypeAlias = Literal["present", "absent", "missing", "test", "number", "bounds", "adjustment"]
COUNTED: tuple[Kind, ...] = ("present", "absent", "missing")
MOST = 6
"""Findings shown for a disease, and against it."""
NEVER_NONE = 1e-12
"""Added to probabilities that are weighed with each other, so that none of them sum to nothing."""


@dataclass(frozen=True)
class CountedFinding:
    """One finding as it is counted of the patient.

    Attributes:
        finding: its id.
        value: whether it is present, or what was measured.
        kind: how it counts: as present, absent, or absent although a broader finding is present; by a test
            that may err; as a number; as bounds of the onset; as a pattern, a need or the label.
        row: its row among the findings, the measured ones, or what is added for patterns, needs and labels.
        weight: what of its logarithm counts.
    """

    finding: str
    value: bool | float
    kind: Kind
    row: int
    weight: float

    @property
    def measured(self) -> bool:
        """Tell whether it is a number, which has a distribution rather than a frequency."""
        return self.kind in ("number", "bounds")

    @property
    def of_finding(self) -> bool:
        """Tell whether it is a single finding with a frequency."""
        return not self.measured and self.kind != "adjustment"


@dataclass(frozen=True)
class Reasons:
    """What counts of one patient, and what it says about each disease.

    Attributes:
        differential: the diseases, in a setting.
        known: what is known of the patient, one row.
        observations: the same in the order of the arrays.
        evidence: what of it may be counted.
        posterior: the probability of each disease, (D,).
    """

    differential: Differential
    known: Table
    observations: Observations
    evidence: Evidence
    posterior: Numbers

    @classmethod
    def of(cls, differential: Differential, known: Table) -> Reasons:
        """Return what counts of one patient."""
        observations = differential.likelihoods.observe(known)
        evidence = differential.likelihoods.count(observations)
        return cls(differential, known, observations, evidence, differential.given(evidence)[0])

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Return the diseases by probability, the most probable first."""
        return tuple(np.argsort(-self.posterior, kind="stable").tolist())

    @cached_property
    def counted(self) -> tuple[CountedFinding, ...]:
        """Return everything that counts."""
        likelihoods, evidence = self.differential.likelihoods, self.evidence
        names, weights = likelihoods.findings, likelihoods.weights.tolist()
        found = [
            CountedFinding(names[row], kind == "present", kind, row, weights[row])
            for kind, planes in zip(
                COUNTED, (evidence.present, evidence.absent, evidence.missing), strict=True
            )
            for row, plane in enumerate(planes)
            if plane
        ]
        found += [
            CountedFinding(names[row], ratio > 1, "test", row, weights[row])
            for row, ratio in zip(
                evidence.tested.tolist(), evidence.ratios[:, 0].tolist(), strict=True
            )
            if ratio == ratio
        ]
        for row, name in enumerate(likelihoods.numbers):
            weight = likelihoods.number_weight(name)
            if evidence.places[row, 0] >= 0:
                found.append(CountedFinding(name, self._number(name), "number", row, weight))
            elif name == ONSET and evidence.bounds[1, 0] >= 0:
                bounds = (ONSET_HIGH, AGE, ONSET_LOW)
                bound = next(x for x in bounds if not np.isnan(self._number(x)))
                found.append(CountedFinding(bound, self._number(bound), "bounds", row, weight))
        needs = {one.id for one in likelihoods.base.needs}
        found += [
            CountedFinding(one.name, one.name not in needs, "adjustment", row, one.weight)
            for row, one in enumerate(likelihoods.adjustments.gains)
            if evidence.adjusted[row] and not one.silent
        ]
        return tuple(found)

    def _number(self, name: str) -> float:
        return float(self.known.number(name)[0])

    @cached_property
    def log_ratios(self) -> Numbers:
        """Return the logarithm of the likelihood ratio of each disease against the background, untempered.

        One row for each of ``counted``, (K, D).
        """
        rows = [self._log_ratio(one) for one in self.counted]
        found = np.array(rows).reshape(len(rows), len(self.posterior))
        adjustments = self.differential.likelihoods.adjustments
        at = {(one.kind, one.row): place for place, one in enumerate(self.counted)}
        held = self.evidence.adjusted[len(adjustments.gains) :]
        for silence, plane in zip(adjustments.silences, held, strict=True):
            if plane:
                found[at[silence.kind, silence.row], list(silence.diseases)] = 0
        return found

    def _log_ratio(self, one: CountedFinding) -> Numbers:
        likelihoods, evidence = self.differential.likelihoods, self.evidence
        ratio: Numbers
        match one.kind:
            case "present":
                ratio = likelihoods.present[one.row]
            case "absent":
                ratio = likelihoods.absent[one.row] / likelihoods.method.absence_weight
            case "missing":
                ratio = likelihoods.missing[one.row] / likelihoods.method.absence_weight
            case "test":
                tested = evidence.tested == one.row
                ratio = likelihoods.tested(evidence.tested[tested], evidence.ratios[tested, 0])[0]
            case "number":
                place = evidence.places[one.row, 0]
                ratio = likelihoods.distributions[one.row].log_ratio[place]
            case "bounds":
                ratio = likelihoods.between(*evidence.bounds)[0]
            case "adjustment":
                ratio = likelihoods.adjustments.gains[one.row].adds
        return ratio

    @cached_property
    def _weights(self) -> Numbers:
        return np.array([one.weight for one in self.counted])

    def _evidence(self, one: CountedFinding, disease: int, ratio: float) -> EvidenceResult:
        """Return what a finding says of a disease, with its source."""
        frequencies = self.differential.likelihoods.frequencies
        share = other = None
        if one.kind == "adjustment":
            share, other = self._pattern(one, disease)
        elif not one.measured:
            share = float(frequencies.share[one.row, disease]) * 100
            other = float(frequencies.background[one.row]) * 100
        source, check = self._source(one, disease)
        return EvidenceResult(
            finding=one.finding,
            value=one.value,
            ratio=ratio,
            percent=share,
            other_percent=other,
            weight=one.weight,
            source=source,
            check=check,
        )

    def _pattern(self, one: CountedFinding, disease: int) -> tuple[float | None, float | None]:
        """Return how often a pattern is found in a disease and elsewhere, in percent, if it is one."""
        gain = self.differential.likelihoods.adjustments.gains[one.row]
        if gain.share is None or gain.background is None:
            return None, None
        return float(gain.share[disease]) * 100, gain.background * 100

    def _source(self, one: CountedFinding, disease: int) -> tuple[str | None, str | None]:
        if one.kind == "adjustment":
            gain = self.differential.likelihoods.adjustments.gains[one.row]
            return (gain.cites[0] if gain.cites else None), gain.check
        finding = ONSET if one.kind == "bounds" else one.finding
        return self.differential.source(finding, self.differential.diseases[disease], one.measured)

    def of_disease(self, disease: int) -> RankedDiseaseResult:
        """Return the reasons for and against one disease, those with most weight first."""
        base, method = self.differential.base, self.differential.base.method
        entry = base.diseases[self.differential.diseases[disease]]
        logs = self.log_ratios[:, disease]
        order = np.argsort(-logs * self._weights, kind="stable").tolist()
        least = float(np.log(method.reason_ratio))
        supporting = [place for place in order if logs[place] > least]
        order = np.argsort(logs * self._weights, kind="stable").tolist()
        opposing = [place for place in order if logs[place] < -least]
        share = self.differential.likelihoods.frequencies.share[:, disease] * 100
        typical = [
            place
            for place in opposing
            if self.counted[place].kind in ("absent", "missing")
            and share[self.counted[place].row] >= method.typical_percent
        ]
        unexplained = [
            place
            for place in opposing
            if self.counted[place].kind == "present"
            and share[self.counted[place].row] <= method.unexplained_percent
        ]

        def shown(places: Sequence[int]) -> tuple[EvidenceResult, ...]:
            return tuple(
                self._evidence(self.counted[place], disease, float(np.exp(logs[place])))
                for place in places[:MOST]
            )

        return RankedDiseaseResult(
            id=entry.id,
            name=entry.name,
            family=entry.family,
            probability=float(self.posterior[disease]),
            confirmed=self._confirmed(entry),
            confirmed_by=entry.confirmed_by,
            supporting=shown(supporting),
            opposing=shown(opposing),
            typical_missing=shown(typical),
            unexplained=shown(unexplained),
            why_it_resists=entry.why_it_resists,
            implication=entry.implication,
            cites=entry.cites,
            check=entry.check,
        )

    def _confirmed(self, entry: Disease) -> bool | None:
        if not entry.confirmed_when:
            return False
        return value_at(self._rules.truth(CONFIRMED + entry.id), 0)

    @cached_property
    def _rules(self) -> Table:
        """Return which diseases are confirmed."""
        return self.differential.base.confirmed.run(self.known)

    def estimated(self) -> float:
        """Return which share of the evidence on the leading disease rests on estimates, 0 to 1."""
        leading = self.order[0]
        weights = np.abs(self.log_ratios[:, leading]) * self._weights
        total = weights.sum()
        guessed = np.array([self._source(one, leading)[0] is None for one in self.counted], bool)
        return float(weights[guessed].sum() / total) if total else 1.0

    def of_label(self, label: str | None) -> RankedLabelResult | None:
        """Return the label against everything else; none without one, or if it stands for no disease."""
        labelled, names = self.differential.labelled(label), self.differential.diseases
        if label is None or not labelled.any():
            return None
        first_other = next((one for one in self.order if not labelled[one]), None)
        outranked = first_other is not None and not labelled[self.order[0]]
        flags, pointing = self._flags(labelled)
        return RankedLabelResult(
            label=label,
            diseases=tuple(name for name, mine in zip(names, labelled, strict=True) if mine),
            probability=float(self.posterior[labelled].sum()),
            without=float(self.unlabelled[labelled].sum()),
            outranked_by=names[first_other] if outranked and first_other is not None else None,
            flags=flags,
            pointing=pointing,
        )

    def _flags(self, labelled: Flags) -> tuple[tuple[EvidenceResult, ...], tuple[str, ...]]:
        """Return what speaks against the label, and to what: findings that other diseases explain better."""
        mine, others = ((self.posterior + NEVER_NONE) * which for which in (labelled, ~labelled))
        mine, others = mine / mine.sum(), others / others.sum()
        ratios = np.exp(self.log_ratios)
        against = (ratios @ others) / (ratios @ mine)
        order = np.argsort(-np.log(against) * self._weights, kind="stable").tolist()
        least = self.differential.base.method.red_flag_ratio
        here = int(np.argmax(mine))
        flags, pointing = [], []
        for place in [place for place in order if against[place] >= least][:MOST]:
            one, best = self.counted[place], int(np.argmax(others * ratios[place]))
            flag = self._evidence(one, best, float(against[place]))
            if one.of_finding:
                share = self.differential.likelihoods.frequencies.share[one.row, here]
                flag = flag.model_copy(update={"other_percent": float(share) * 100})
            flags.append(flag)
            pointing.append(self.differential.diseases[best])
        return tuple(flags), tuple(pointing)

    def pairs(self) -> tuple[PairResult, ...]:
        """Return what stands beside whatever leads."""
        base = self.differential.base
        held = base.paired.run(self.known)
        return tuple(
            PairResult(
                id=one.id,
                text=one.text,
                diseases=one.diseases,
                why=one.why,
                cites=one.cites,
                check=one.check,
            )
            for one in base.pairs
            if value_at(held.truth(PAIR + one.id), 0)
        )

    @cached_property
    def unlabelled(self) -> Numbers:
        """Return the probability of each disease if nothing were known of the label, (D,)."""
        found: Numbers = self.differential.posterior(self.known.without([LABEL]))[0]
        return found

    def beside(self) -> tuple[ProbabilityResult, ...]:
        """Return diseases that may add to the leading one.

        In a patient with both, a finding is there if either of the two gives it. One finding at least has to
        ask for it; a sum of common ones does not.
        """
        base, leading = self.differential.base, self.order[0]
        others = [
            (row, one)
            for row, one in enumerate(base.diseases.values())
            if one.beside_myositis and row != leading
        ]
        counted = [one for one in self.counted if one.of_finding]
        share = self.differential.likelihoods.frequencies.share[[one.row for one in counted]]
        alone = share[:, [leading]]
        both = 1 - (1 - alone) * (1 - share[:, [row for row, _ in others]])
        there = np.array([[one.kind == "present"] for one in counted], bool).reshape(-1, 1)
        ratios = np.where(there, both / alone, (1 - both) / (1 - alone))
        prior = np.array([one.prior for _, one in others])
        weights = np.array([one.weight for one in counted])
        odds = np.log(prior / (1 - prior)) + weights @ np.log(ratios)
        probability = 1 / (1 + np.exp(-odds))
        most = ratios.max(axis=0, initial=1.0)
        found = [
            ProbabilityResult(id=one.id, name=one.name, probability=float(probability[place]))
            for place, (_, one) in enumerate(others)
            if probability[place] >= base.method.beside_probability
            and most[place] >= base.method.beside_ratio
        ]
        return tuple(sorted(found, key=lambda one: -one.probability))
