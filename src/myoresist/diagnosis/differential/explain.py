"""The differential diagnosis of one patient, with its reasons: what an assessment says of it.

The ranking with its reasons is quick, for a form that answers while it is filled in. How sure it is, and
which test would tell most, are asked for with ``explain``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from myoresist.arrays.planes import Flags
from myoresist.arrays.table import Table
from myoresist.diagnosis.differential.evaluate import OUTER, Differential
from myoresist.diagnosis.differential.investigations import (
    Answer,
    answers,
    open_at_bedside,
)
from myoresist.diagnosis.differential.next_test import Proposal, ask_first, propose
from myoresist.diagnosis.differential.reasons import Reasons
from myoresist.diagnosis.differential.results import (
    DifferentialResult,
    DiseaseResult,
    InvestigationResult,
    LabelResult,
    ProbabilityResult,
    QuestionResult,
    RankingResult,
    ResultResult,
)

LEADING = 5


def rank(differential: Differential, known: Table, label: str | None) -> RankingResult:
    """Return how probable each disease is in one patient, and why.

    Args:
        differential: the diseases, in a setting.
        known: what is known of the patient, as for ``Differential.posterior``.
        label: the diagnosis that the patient carries, as in ``families.yaml``, or the id of a disease.
    """
    return ranking_of(Reasons.of(differential, known), label)


def explain(differential: Differential, known: Table, label: str | None) -> DifferentialResult:
    """Return the same with how sure it is, and what would tell most.

    Args:
        differential: as for ``rank``.
        known: as for ``rank``.
        label: as for ``rank``.
    """
    reasons = Reasons.of(differential, known)
    return complete(reasons, ranking_of(reasons, label), label)


def complete(reasons: Reasons, ranking: RankingResult, label: str | None) -> DifferentialResult:
    """Return a ranking with how sure it is, and what would tell most."""
    leading, of_label = _with_intervals(reasons, ranking)
    investigations, questions = _next(reasons, label)
    return DifferentialResult(
        **{**dict(ranking), "leading": leading, "label": of_label},
        next_tests=investigations,
        questions=questions,
    )


def ranking_of(reasons: Reasons, label: str | None) -> RankingResult:
    """Return how probable each disease is in one patient, and why, from what counts."""
    differential, base = reasons.differential, reasons.differential.base
    names, order = differential.diseases, reasons.order
    probability = reasons.posterior.tolist()
    families = zip(
        base.families.families.items(), differential.families(reasons.posterior), strict=True
    )
    return RankingResult(
        setting=differential.setting.text,
        population=base.method.population,
        counted=len(reasons.counted),
        estimated=reasons.estimated(),
        leading=tuple(reasons.of_disease(i) for i in order[:LEADING] if probability[i] > 0),
        diseases=tuple(
            ProbabilityResult(
                id=names[i], name=base.diseases[names[i]].name, probability=probability[i]
            )
            for i in order
        ),
        families=tuple(
            ProbabilityResult(id=key, name=name, probability=share)
            for (key, name), share in sorted(families, key=lambda pair: -pair[1])
        ),
        label=reasons.of_label(label),
        beside=reasons.beside(),
        pairs=reasons.pairs(),
        cites=(*differential.setting.cites, *base.method.cites),
    )


def _with_intervals(
    reasons: Reasons, ranking: RankingResult
) -> tuple[tuple[DiseaseResult, ...], LabelResult | None]:
    """Return the leading diseases and the label with the 95 % credible intervals of their probabilities."""
    draws = reasons.differential.draws(reasons.evidence)[0]
    shown = draws[list(reasons.order[: len(ranking.leading)])]
    low, high = np.quantile(shown, OUTER, axis=-1).tolist()
    leading = tuple(
        # What is proven has no interval, and a probability lies in its own.
        DiseaseResult(
            **dict(one),
            low=one.probability if one.confirmed else min(low[place], one.probability),
            high=one.probability if one.confirmed else max(high[place], one.probability),
        )
        for place, one in enumerate(ranking.leading)
    )
    if ranking.label is None:
        return leading, None
    labelled = reasons.differential.labelled(ranking.label.label)
    low, high = np.quantile(draws[labelled].sum(axis=0), OUTER).tolist()
    believed = ranking.label.probability
    bounds = {"low": min(low, believed), "high": max(high, believed)}
    return leading, LabelResult(**dict(ranking.label), **bounds)


def _next(
    reasons: Reasons, label: str | None
) -> tuple[tuple[InvestigationResult, ...], tuple[QuestionResult, ...]]:
    """Return the investigations and the questions that would tell most."""
    differential, known, posterior = reasons.differential, reasons.observations, reasons.posterior
    labelled = differential.labelled(label)
    shown = differential.base.method.next_test
    best = propose(differential, known, posterior, labelled)[: shown.shown]
    questions = open_at_bedside(differential, known)
    asked = list(dict.fromkeys([name for one in best for name in one.gain.unknown] + questions))
    told: dict[str, list[Answer]] = {}
    for answer in answers(differential, known, posterior, asked):
        told.setdefault(answer.finding, []).append(answer)
    gain = {name: sum(x.likely * x.divergence for x in both) for name, both in told.items()}
    first = ask_first(differential, known)
    order = sorted(told, key=lambda name: (name not in first, -gain[name]))

    def results(finding: str) -> tuple[ResultResult, ...]:
        return tuple(_result(differential, labelled, answer) for answer in told[finding])

    return (
        tuple(
            _investigation(
                one,
                [x for x in order if x in one.gain.unknown][: shown.results_shown],
                results,
            )
            for one in best
        ),
        tuple(
            QuestionResult(finding=name, gain=gain[name], results=results(name))
            for name in [x for x in order if x in questions][: shown.shown]
        ),
    )


def _result(differential: Differential, labelled: Flags, answer: Answer) -> ResultResult:
    first = int(np.argmax(answer.posterior))
    return ResultResult(
        finding=answer.finding,
        value=answer.present,
        likely=answer.likely,
        leading=differential.diseases[first],
        probability=float(answer.posterior[first]),
        label_probability=float(answer.posterior[labelled].sum()) if labelled.any() else None,
    )


def _investigation(
    one: Proposal, findings: Sequence[str], results: Callable[[str], tuple[ResultResult, ...]]
) -> InvestigationResult:
    entry, gain = one.investigation, one.gain
    return InvestigationResult(
        id=entry.id,
        name=gain.name,
        invasiveness=gain.invasiveness,
        again=gain.again,
        gain=gain.differential,
        gain_label=gain.label,
        proof=one.proof,
        needed=one.needed,
        analytes=one.analytes,
        unknown=gain.unknown,
        results=tuple(result for finding in findings for result in results(finding)),
        note=entry.note,
        cites=entry.cites,
        check=entry.check,
    )
