"""The differential diagnosis of one patient, with its reasons: what an assessment says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.investigations import (
    Answer,
    Gain,
    answers,
    gains,
    information,
    open_at_bedside,
)
from myoresist.diagnosis.differential.likelihood import (
    AGE,
    ONSET,
    ONSET_HIGH,
    ONSET_LOW,
    Array,
    Known,
    Seen,
)
from myoresist.diagnosis.differential.schema import Disease
from myoresist.rules.frames import run_frame

LEADING = 5
MOST = 6

Finding = bool | float


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EvidenceResult(_Result):
    """What one finding says for or against a disease.

    Attributes:
        ratio: likelihood ratio against what it is compared with; above 1 speaks for the disease.
        percent: how often it is found in the disease, in percent; none for a measured finding.
        other_percent: how often in what it is compared with.
        weight: the share of its weight that counts, as it travels together with others.
        source: key of the publication; none for an estimate.
    """

    finding: str
    value: Finding
    ratio: float
    percent: float | None = None
    other_percent: float | None = None
    weight: float = 1.0
    source: str | None = None
    check: str | None = None


class DiseaseResult(_Result):
    """One disease with its probability (0 to 1), the 95 % credible interval, and the reasons.

    Attributes:
        confirmed: whether the test that confirms it is there; none where not all of it is known.
        supporting: findings that speak for it, compared with unselected suspected neuromuscular disease.
        opposing: findings that speak against it.
        typical_missing: findings that are usual in it and absent here.
        unexplained: findings that are present and unusual in it.
    """

    id: str
    name: str
    family: str
    probability: float
    low: float
    high: float
    confirmed: bool | None
    confirmed_by: str
    supporting: tuple[EvidenceResult, ...]
    opposing: tuple[EvidenceResult, ...]
    typical_missing: tuple[EvidenceResult, ...]
    unexplained: tuple[EvidenceResult, ...]
    why_it_resists: str
    implication: str
    cites: tuple[str, ...]
    check: str | None


class ProbabilityResult(_Result):
    """A disease or a family with its probability (0 to 1)."""

    id: str
    name: str
    probability: float


class LabelResult(_Result):
    """The diagnosis that the patient carries, against everything else.

    Attributes:
        diseases: what the label stands for in the differential.
        outranked_by: the leading disease, if the label does not stand for it.
        flags: findings that speak against the label, those with most weight first; the ratio says how many
            times as often they are found in the other diseases, weighed by their probability.
        pointing: for each flag the disease that it points to most.
    """

    label: str
    diseases: tuple[str, ...]
    probability: float
    low: float
    high: float
    outranked_by: str | None
    flags: tuple[EvidenceResult, ...]
    pointing: tuple[str, ...]


class ResultResult(_Result):
    """What a single result would do to the ranking."""

    finding: str
    value: bool
    likely: float
    leading: str
    probability: float
    label_probability: float | None


class InvestigationResult(_Result):
    """An investigation with what it is expected to tell (bits) and what its results would do.

    Attributes:
        invasiveness: 1 bedside or blood, 2 imaging or electrophysiology, 3 biopsy or genetic panel.
        again: whether it was done before, so that only more is asked of it.
    """

    id: str
    name: str
    invasiveness: int
    again: bool
    gain: float
    gain_label: float
    unknown: tuple[str, ...]
    results: tuple[ResultResult, ...]
    note: str | None
    cites: tuple[str, ...]
    check: str | None


class QuestionResult(_Result):
    """A question, or a sign to look for: what it is expected to tell (bits), and its answers."""

    finding: str
    gain: float
    results: tuple[ResultResult, ...]


class DifferentialResult(_Result):
    """The differential diagnosis of one patient.

    Attributes:
        counted: how many findings count; without any, the priors are all there is.
        estimated: the share of the evidence on the leading disease that rests on estimates, 0 to 1.
        leading: the most probable diseases, with reasons.
        diseases: all diseases by probability.
        families: probability summed by family.
        beside: diseases that may add to the leading one rather than replace it.
        next_tests: what would tell most, for each step of invasiveness.
        questions: what history and examination leave open and would tell most.
    """

    setting: str
    population: str
    counted: int
    estimated: float
    leading: tuple[DiseaseResult, ...]
    diseases: tuple[ProbabilityResult, ...]
    families: tuple[ProbabilityResult, ...]
    label: LabelResult | None
    beside: tuple[ProbabilityResult, ...]
    next_tests: tuple[InvestigationResult, ...]
    questions: tuple[QuestionResult, ...]
    cites: tuple[str, ...]

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites, in the order of reading."""
        found = [*self.cites]
        parts = [self.label.flags] if self.label else []
        for one in self.leading:
            found += one.cites
            parts += [one.supporting, one.opposing, one.typical_missing, one.unexplained]
        found += [key for test in self.next_tests for key in test.cites]
        return found + [e.source for part in parts for e in part if e.source]


@dataclass(frozen=True)
class Term:
    """One thing that is counted of the patient: the row of its frequency, and how it counts."""

    finding: str
    value: Finding
    kind: Literal["present", "absent", "missing", "test", "number", "bounds"]
    row: int
    weight: float


def opinion(
    differential: Differential, known: pl.DataFrame, label: str | None
) -> DifferentialResult:
    """Return the differential diagnosis of one patient, with its reasons.

    Args:
        differential: the diseases, in a setting.
        known: what is known of the patient: one row, as ``Inference.known`` returns it.
        label: the diagnosis that the patient carries, as in ``families.yaml``, or the id of a disease.
    """
    return _Opinion(differential, known, label).result()


@dataclass(frozen=True)
class _Opinion:
    differential: Differential
    table: pl.DataFrame
    label: str | None

    @cached_property
    def known(self) -> Known:
        return self.differential.likelihoods.read(self.table)

    @cached_property
    def seen(self) -> Seen:
        return self.differential.likelihoods.seen(self.known)

    @cached_property
    def values(self) -> Mapping[str, Any]:
        return self.table.row(0, named=True)

    @cached_property
    def probability(self) -> Array:
        probability: Array = self.differential.of(self.seen)[0]
        return probability

    @cached_property
    def labelled(self) -> Any:
        return self.differential.labelled(self.label)

    def result(self) -> DifferentialResult:
        base, names = self.differential.base, self.differential.diseases
        low, high, (label_low, label_high) = self.differential.intervals_of(
            self.seen, self.labelled
        )
        order = np.argsort(-self.probability, kind="stable")
        confirmed = run_frame(base.confirmed, self.table).row(0, named=True)
        leading = tuple(
            self._disease(i, low[i], high[i], confirmed.get(f"confirmed.{names[i]}"))
            for i in order[:LEADING]
            if self.probability[i] > 0
        )
        families = self.differential.families(self.probability)
        return DifferentialResult(
            setting=self.differential.setting.text,
            population=base.method.population,
            counted=len(self.terms),
            estimated=self._estimated(order[0]),
            leading=leading,
            diseases=tuple(
                ProbabilityResult(
                    id=names[i], name=base.diseases[names[i]].name, probability=self.probability[i]
                )
                for i in order
            ),
            families=tuple(
                ProbabilityResult(id=key, name=name, probability=share)
                for (key, name), share in sorted(
                    zip(base.families.families.items(), families, strict=True),
                    key=lambda pair: -pair[1],
                )
            ),
            label=self._label(order, float(label_low), float(label_high)),
            beside=self._beside(order[0]),
            next_tests=self._next_tests(),
            questions=self._questions(),
            cites=(*self.differential.setting.cites, *base.method.cites),
        )

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        likelihoods, seen = self.differential.likelihoods, self.seen
        found = []
        kinds: tuple[tuple[Literal["present", "absent", "missing"], Any], ...] = (
            ("present", seen.present),
            ("absent", seen.absent),
            ("missing", seen.missing),
        )
        for kind, flags in kinds:
            for row in np.flatnonzero(flags[0]).tolist():
                name = likelihoods.findings[row]
                found.append(
                    Term(name, kind == "present", kind, row, float(likelihoods.weights[row]))
                )
        for row, ratio in seen.tests.items():
            if not np.isnan(ratio[0]):
                name, weight = likelihoods.findings[row], float(likelihoods.weights[row])
                found.append(Term(name, bool(ratio[0] > 1), "test", row, weight))
        for row, name in enumerate(likelihoods.numbers):
            weight = float(likelihoods.weights[len(likelihoods.findings) + row])
            if seen.number[0, row] >= 0:
                found.append(Term(name, self.values[name], "number", row, weight))
            elif name == ONSET and seen.bounds[0, 1] >= 0:
                bound = next(x for x in (ONSET_HIGH, AGE, ONSET_LOW) if self.values[x] is not None)
                found.append(Term(bound, self.values[bound], "bounds", row, weight))
        return tuple(found)

    def ratios(self, term: Term) -> Array:
        """Return the logarithm of the likelihood ratio of each disease against the background, untempered."""
        likelihoods = self.differential.likelihoods
        match term.kind:
            case "number":
                ratio: Array = likelihoods.tables[term.row].density[self.seen.number[0, term.row]]
            case "test":
                ratio = likelihoods.tested(term.row, self.seen.tests[term.row])[0]
            case "bounds":
                ratio = likelihoods.between(self.seen.bounds)[0]
            case "present":
                ratio = likelihoods.present[term.row]
            case _:
                held = likelihoods.absent if term.kind == "absent" else likelihoods.missing
                ratio = held[term.row] / likelihoods.method.absence_weight
        return ratio

    def _evidence(self, term: Term, disease: int, ratio: float) -> EvidenceResult:
        likelihoods = self.differential.likelihoods
        share = other = None
        if term.kind not in ("number", "bounds"):
            share = float(likelihoods.share[term.row, disease]) * 100
            other = float(likelihoods.background[term.row]) * 100
        source, check = self._source(term, self.differential.diseases[disease])
        return EvidenceResult(
            finding=term.finding,
            value=term.value,
            ratio=ratio,
            percent=share,
            other_percent=other,
            weight=float(term.weight),
            source=source,
            check=check,
        )

    def _source(self, term: Term, disease: str) -> tuple[str | None, str | None]:
        measured = term.kind in ("number", "bounds")
        finding = ONSET if term.kind == "bounds" else term.finding
        return self.differential.source(finding, disease, measured)

    def _disease(
        self, index: int, low: float, high: float, confirmed: bool | None
    ) -> DiseaseResult:
        entry: Disease = self.differential.base.diseases[self.differential.diseases[index]]
        method, likelihoods = self.differential.base.method, self.differential.likelihoods
        weighed = [(float(self.ratios(term)[index]), term) for term in self.terms]
        least = float(np.log(method.reason_ratio))
        supporting = sorted((x for x in weighed if x[0] > least), key=lambda x: -x[0] * x[1].weight)
        opposing = sorted((x for x in weighed if x[0] < -least), key=lambda x: x[0] * x[1].weight)

        def shown(pairs: Sequence[tuple[float, Term]]) -> tuple[EvidenceResult, ...]:
            return tuple(self._evidence(t, index, float(np.exp(r))) for r, t in pairs[:MOST])

        share = likelihoods.share[:, index] * 100
        typical = [
            (ratio, term)
            for ratio, term in opposing
            if term.kind in ("absent", "missing") and share[term.row] >= method.typical_percent
        ]
        unexplained = [
            (ratio, term)
            for ratio, term in opposing
            if term.kind == "present" and share[term.row] <= method.unexplained_percent
        ]
        return DiseaseResult(
            id=entry.id,
            name=entry.name,
            family=entry.family,
            probability=float(self.probability[index]),
            low=float(low),
            high=float(high),
            confirmed=confirmed if entry.confirmed_when else False,
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

    def _estimated(self, index: int) -> float:
        parts = [
            (abs(float(self.ratios(term)[index])) * term.weight, self._source(term, disease)[0])
            for disease in [self.differential.diseases[index]]
            for term in self.terms
        ]
        total = sum(weight for weight, _ in parts)
        return sum(weight for weight, source in parts if source is None) / total if total else 1.0

    def _label(self, order: Any, low: float, high: float) -> LabelResult | None:
        if self.label is None or not self.labelled.any():
            return None
        names, own = self.differential.diseases, self.labelled
        first_other = next((i for i in order if not own[i]), None)
        outranked = first_other is not None and not own[order[0]]
        flags, pointing = self._flags()
        return LabelResult(
            label=self.label,
            diseases=tuple(name for name, mine in zip(names, own, strict=True) if mine),
            probability=float(self.probability[own].sum()),
            low=low,
            high=high,
            outranked_by=names[first_other] if outranked and first_other is not None else None,
            flags=flags,
            pointing=pointing,
        )

    def _flags(self) -> tuple[tuple[EvidenceResult, ...], tuple[str, ...]]:
        """Return what speaks against the label: findings that the other candidates explain better."""
        own, method = self.labelled, self.differential.base.method
        names = self.differential.diseases
        mine = self.probability * own + 1e-12 * own
        others = self.probability * ~own + 1e-12 * ~own
        mine, others = mine / mine.sum(), others / others.sum()
        found = []
        for term in self.terms:
            ratios = np.exp(self.ratios(term))
            ratio = float(others @ ratios) / float(mine @ ratios)
            if ratio >= method.red_flag_ratio:
                best = int(np.argmax(others * ratios))
                here = int(np.argmax(mine))
                found.append((np.log(ratio) * term.weight, ratio, term, best, here))
        found.sort(key=lambda one: -one[0])
        flags = []
        for _, ratio, term, best, here in found[:MOST]:
            said = self._evidence(term, best, ratio)
            if said.percent is not None:
                usual = float(self.differential.likelihoods.share[term.row, here]) * 100
                said = said.model_copy(update={"other_percent": usual})
            flags.append(said)
        return tuple(flags), tuple(names[best] for _, _, _, best, _ in found[:MOST])

    def _beside(self, leading: int) -> tuple[ProbabilityResult, ...]:
        """Return diseases that may add to the leading one.

        In a patient with both, a finding is there if either of the two gives it. One finding at least has to
        ask for it; a sum of common ones does not.
        """
        base, likelihoods = self.differential.base, self.differential.likelihoods
        found = []
        for index, entry in enumerate(base.diseases.values()):
            if not entry.beside_myositis or index == leading:
                continue
            odds, most = np.log(entry.prior / (1 - entry.prior)), 1.0
            for term in self.terms:
                if term.kind in ("number", "bounds"):
                    continue
                alone = float(likelihoods.share[term.row, leading])
                both = 1 - (1 - alone) * (1 - float(likelihoods.share[term.row, index]))
                there = term.kind == "present"
                ratio = both / alone if there else (1 - both) / (1 - alone)
                odds += term.weight * np.log(ratio)
                most = max(most, ratio)
            share = float(1 / (1 + np.exp(-odds)))
            if share >= base.method.beside_probability and most >= base.method.beside_ratio:
                found.append(ProbabilityResult(id=entry.id, name=entry.name, probability=share))
        return tuple(sorted(found, key=lambda one: -one.probability))

    def _next_tests(self) -> tuple[InvestigationResult, ...]:
        shown = self.differential.base.method.next_test
        best = gains(self.differential, self.known, self.probability, self.labelled)[: shown.shown]
        asked = list(dict.fromkeys(name for gain in best for name in gain.unknown))
        told = self._told(asked)
        return tuple(self._investigation(gain, told, shown.results_shown) for gain in best)

    def _told(self, findings: Sequence[str]) -> dict[str, list[Answer]]:
        """Return what each finding would tell, present and absent, those that tell most first."""
        told: dict[str, list[Answer]] = {}
        for answer in answers(self.differential, self.known, self.probability, findings):
            told.setdefault(answer.finding, []).append(answer)
        return dict(sorted(told.items(), key=lambda pair: -self._gain(pair[1])))

    def _gain(self, told: Sequence[Answer]) -> float:
        return sum(a.likely * information(a.after, self.probability) for a in told)

    def _result(self, answer: Answer) -> ResultResult:
        first = int(np.argmax(answer.after))
        own = float(answer.after[self.labelled].sum()) if self.labelled.any() else None
        return ResultResult(
            finding=answer.finding,
            value=answer.present,
            likely=answer.likely,
            leading=self.differential.diseases[first],
            probability=float(answer.after[first]),
            label_probability=own,
        )

    def _questions(self) -> tuple[QuestionResult, ...]:
        shown = self.differential.base.method.next_test.shown
        told = self._told(open_at_bedside(self.differential, self.known))
        return tuple(
            QuestionResult(
                finding=finding,
                gain=self._gain(said),
                results=tuple(self._result(answer) for answer in said),
            )
            for finding, said in list(told.items())[:shown]
        )

    def _investigation(
        self, gain: Gain, told: Mapping[str, Sequence[Answer]], most: int
    ) -> InvestigationResult:
        findings = [finding for finding in told if finding in gain.unknown]
        results = [self._result(a) for finding in findings[:most] for a in told[finding]]
        return InvestigationResult(
            id=gain.investigation.id,
            name=gain.name,
            invasiveness=gain.invasiveness,
            again=gain.again,
            gain=gain.differential,
            gain_label=gain.label,
            unknown=gain.unknown,
            results=tuple(results),
            note=gain.investigation.note,
            cites=gain.investigation.cites,
            check=gain.investigation.check,
        )
