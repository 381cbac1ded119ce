"""How good the differential diagnosis is, on patients whose diagnosis is known, each asked twice.

Published cases are asked without and with the findings that give the diagnosis away, refractory ones as they
were before and after the answer was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.planes import Flags
from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.explain import rank
from myoresist.diagnosis.differential.next_test import propose
from myoresist.document import DocumentError, Problem
from myoresist.evaluation.measures import Measure, Round, share
from myoresist.evaluation.subjects import Subject

Miss = tuple[str, str, int, str]
"""A patient whose diagnosis does not lead: id, diagnosis, its rank, the disease that leads."""


@dataclass(frozen=True)
class Evaluation:
    """How the differential did on some patients.

    Attributes:
        cases: how many were scored.
        left_out: how many were not: children, thin cases, weak diagnoses, diseases that are not listed.
        rounds: all patients at first and in the end.
        next_test: share of those with something that settled it for whom such a test is proposed at first.
        resolved: share of these in whom the right diagnosis leads in the end.
        challenged: share of wrong labels that the true disease outranks, at first and in the end.
        confusion: true family, leading family and how often, at first and in the end.
        misses: for each round those whose diagnosis does not lead.
        flags: the red flags against each wrong label, by case.
    """

    cases: int
    left_out: int
    rounds: tuple[Round, Round]
    next_test: Measure | None
    resolved: Measure | None
    challenged: tuple[Measure | None, Measure | None]
    confusion: tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]
    misses: tuple[list[Miss], list[Miss]]
    flags: Mapping[str, tuple[str, ...]]


def evaluate(
    subjects: Sequence[Subject],
    differential: Differential,
    of: int | None = None,
    advance: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Score the differential on patients whose diagnosis is known.

    Args:
        subjects: the patients; those whose diagnosis is not in the differential are left out.
        differential: what is judged.
        of: how many there were, if some have been left out before.
        advance: called after each patient, for a progress bar.

    Raises:
        DocumentError: when nobody can be scored.
    """
    place = {name: index for index, name in enumerate(differential.diseases)}
    used = [one for one in subjects if place.keys() & set(one.accepted)]
    if not used:
        raise DocumentError([Problem("cases", None, "final_diagnosis", "no case can be scored")])
    right = np.zeros((len(used), len(place)), dtype=np.bool_)
    for row, one in enumerate(used):
        right[row, [place[x] for x in one.accepted if x in place]] = True
    first, last = (
        Round(
            np.concatenate([differential.posterior(x.known[i], x.beside[i]) for x in used]), right
        )
        for i in (0, 1)
    )
    asked = _next_tests(used, differential, (first, last), advance)
    wrong = _wrong_labels(used, differential)
    return Evaluation(
        cases=len(used),
        left_out=(len(subjects) if of is None else of) - len(used),
        rounds=(first, last),
        next_test=share([found for found, _ in asked]),
        resolved=share([leads for _, leads in asked]),
        challenged=(_challenged(wrong, first), _challenged(wrong, last)),
        confusion=(_confusion(differential, first), _confusion(differential, last)),
        misses=(_misses(used, differential, first), _misses(used, differential, last)),
        flags={used[row].id: _flags(used[row], differential) for row, _ in wrong},
    )


def _next_tests(
    used: Sequence[Subject],
    differential: Differential,
    rounds: tuple[Round, Round],
    advance: Callable[[], object],
) -> list[tuple[float, float]]:
    shown = differential.base.method.next_test.shown
    found = []
    for row, one in enumerate(used):
        if one.settling:
            observed = differential.likelihoods.observe(one.known[0])
            # Terms that no finding stands for count in the ranking; tests are weighed by findings alone.
            probability = differential.posterior(one.known[0])[0]
            labelled = differential.labelled(one.label)
            first = propose(differential, observed, probability, labelled)[:shown]
            found.append((float(any(map(one.settled_by, first))), float(rounds[1].rank[row] == 1)))
        advance()
    return found


def _wrong_labels(used: Sequence[Subject], differential: Differential) -> list[tuple[int, Flags]]:
    """Return the patients whose first label was wrong, each with the diseases that it stands for."""
    found = []
    for row, one in enumerate(used):
        labelled = differential.labelled(one.label)
        right = np.isin(differential.diseases, one.accepted)
        if labelled.any() and not (labelled & right).any():
            found.append((row, labelled))
    return found


def _challenged(wrong: Sequence[tuple[int, Flags]], asked: Round) -> Measure | None:
    def best(row: int, which: Flags) -> float:
        return float(asked.probability[row][which].max())

    return share([float(best(row, asked.right[row]) > best(row, own)) for row, own in wrong])


def _flags(one: Subject, differential: Differential) -> tuple[str, ...]:
    """Return the red flags against a wrong label."""
    said = rank(differential, one.known[1], one.label).label
    return tuple(flag.finding for flag in said.flags) if said else ()


def _confusion(differential: Differential, asked: Round) -> list[tuple[str, str, int]]:
    family = [one.family for one in differential.base.diseases.values()]
    counts: dict[tuple[str, str], int] = {}
    for row, chosen in enumerate(_leading(asked.probability)):
        believed = np.where(asked.right[row], asked.probability[row], -1).argmax()
        pair = (family[believed], family[chosen])
        counts[pair] = counts.get(pair, 0) + 1
    return [(true, chosen, n) for (true, chosen), n in sorted(counts.items())]


def _misses(used: Sequence[Subject], differential: Differential, asked: Round) -> list[Miss]:
    leading = _leading(asked.probability)
    return [
        (one.id, one.accepted[0], int(asked.rank[row]), differential.diseases[leading[row]])
        for row, one in enumerate(used)
        if asked.rank[row] > 1
    ]


def _leading(probability: Numbers) -> list[int]:
    return [int(one) for one in probability.argmax(axis=1)]
