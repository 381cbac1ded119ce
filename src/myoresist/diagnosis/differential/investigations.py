"""Which investigation would tell most: results are drawn as the diseases would give them, then counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.likelihood import STEPS, Array, Known, Likelihoods
from myoresist.diagnosis.differential.schema import Again, Investigation


@dataclass(frozen=True)
class Gain:
    """What an investigation is expected to tell, in bits.

    Attributes:
        investigation: which one.
        name: what to order; of an investigation done before, what remains of it.
        invasiveness: 1 to 3.
        again: whether it was done before.
        unknown: the findings that it would answer and that are not known yet.
        differential: about which disease it is.
        label: about whether the current label is right; 0 without a label.
        per_step: what it tells about the differential for what its invasiveness costs.
    """

    investigation: Investigation
    name: str
    invasiveness: int
    again: bool
    unknown: tuple[str, ...]
    differential: float
    label: float
    per_step: float


@dataclass(frozen=True)
class Answer:
    """What a single result would do: the probabilities after it, (D,), and how likely it is."""

    finding: str
    present: bool
    likely: float
    after: Array


def gains(
    differential: Differential, known: Known, probability: Array, labelled: NDArray[np.bool_]
) -> list[Gain]:
    """Return what each investigation that is not done yet would tell of one patient, the best first.

    Args:
        differential: the diseases.
        known: what is known of the patient, one row.
        probability: the probability of each disease now, (D,).
        labelled: which diseases the patient's label stands for, (D,).
    """
    likelihoods = differential.likelihoods
    tests = _open(differential, known)
    if not tests:
        return []
    samples = differential.base.method.next_test.samples
    drawn = _diseases(probability, samples)
    generator = np.random.default_rng(differential.base.method.seed)
    parts = [_results(likelihoods, known, unknown, drawn, generator) for _, unknown, _ in tests]
    together = Known(
        np.vstack([part.flags for part in parts]),
        np.vstack([part.number for part in parts]),
        np.vstack([part.bounds for part in parts]),
        {row: np.concatenate([part.tests[row] for part in parts]) for row in parts[0].tests},
    )
    after = differential.of(likelihoods.seen(together)).reshape(len(tests), samples, -1)
    told = _information(after, probability).mean(axis=1)
    answer = np.stack([after[..., labelled].sum(-1), after[..., ~labelled].sum(-1)], axis=-1)
    before = np.array([probability[labelled].sum(), probability[~labelled].sum()])
    about_label = _information(answer, before).mean(axis=1) if labelled.any() else told * 0
    cost = differential.base.method.next_test.step_cost
    found = []
    for index, (one, unknown, again) in enumerate(tests):
        said = again or one
        gain = float(told[index])
        found.append(
            Gain(
                investigation=one,
                name=said.name,
                invasiveness=said.invasiveness,
                again=again is not None,
                unknown=unknown,
                differential=gain,
                label=float(about_label[index]),
                per_step=gain / cost[said.invasiveness],
            )
        )
    return sorted(found, key=lambda gain: (-gain.per_step, gain.investigation.id))


def _open(
    differential: Differential, known: Known
) -> list[tuple[Investigation, tuple[str, ...], Again | None]]:
    """Return what could still be ordered, what each would answer, and what it is if done before."""
    likelihoods = differential.likelihoods
    names = (*likelihoods.findings, *likelihoods.numbers)
    values = dict(zip(names, [*known.flags[0], *known.number[0]], strict=True))
    begun = {
        one.id
        for one in differential.base.investigations
        if any(values.get(name, -1) >= 0 for name in one.resolves)
    }
    found = []
    for one in differential.base.investigations:
        unknown = tuple(name for name in one.resolves if values.get(name) == -1)
        done = one.bedside and one.id in begun
        early = one.follows is not None and one.follows not in begun
        if unknown and not done and not early:
            again = one.again if one.again and values.get(one.again.when) == 1 else None
            found.append((one, unknown, again))
    return found


def open_at_bedside(differential: Differential, known: Known) -> list[str]:
    """Return what bedside investigations that are begun leave open: to be asked or looked for."""
    likelihoods = differential.likelihoods
    values = dict(zip(likelihoods.findings, known.flags[0], strict=True))
    done = [
        one.resolves
        for one in differential.base.investigations
        if one.bedside and any(values.get(name, -1) >= 0 for name in one.resolves)
    ]
    return [name for names in done for name in names if values.get(name) == -1]


def answers(
    differential: Differential, known: Known, probability: Array, findings: Sequence[str]
) -> list[Answer]:
    """Return what each finding, present or absent, would make of the probabilities of one patient."""
    likelihoods = differential.likelihoods
    asked = [name for name in findings if name in likelihoods.findings]
    if not asked:
        return []
    rows = known.repeated(2 * len(asked))
    for index, name in enumerate(asked):
        column = likelihoods.findings.index(name)
        rows.flags[2 * index, column] = 1
        rows.flags[2 * index + 1, column] = 0
        # A result that settles it goes before one that may err.
        if column in rows.tests:
            rows.tests[column][2 * index : 2 * index + 2] = np.nan
        for parent in likelihoods.parents[column]:
            rows.flags[2 * index, parent] = 1
        for child in likelihoods.children[column]:
            rows.flags[2 * index + 1, child] = 0
    after = differential.of(likelihoods.seen(rows))
    found = []
    for index, name in enumerate(asked):
        share = float(likelihoods.share[likelihoods.findings.index(name)] @ probability)
        found.append(Answer(name, True, share, after[2 * index]))
        found.append(Answer(name, False, 1 - share, after[2 * index + 1]))
    return found


def information(after: Array, before: Array) -> float:
    """Return how much one result tells, in bits."""
    return float(_information(after, before))


def _information(after: Array, before: Array) -> Array:
    """Return the divergence of the probabilities after from those before, along the last axis, in bits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(after > 0, after * np.log2(after / before), 0)
    total: Array = terms.sum(axis=-1)
    return total


def _diseases(probability: Array, samples: int) -> NDArray[np.int64]:
    """Draw diseases by their probability, evenly spaced, so that few draws represent it well."""
    points = (np.arange(samples) + 0.5) / samples
    drawn: NDArray[np.int64] = np.searchsorted(np.cumsum(probability), points)
    return np.minimum(drawn, len(probability) - 1)


def _results(
    likelihoods: Likelihoods,
    known: Known,
    unknown: Sequence[str],
    drawn: NDArray[np.int64],
    generator: np.random.Generator,
) -> Known:
    """Return the patient once for each drawn disease, with results of one investigation as it gives them."""
    rows = known.repeated(len(drawn))
    place = {name: index for index, name in enumerate(likelihoods.findings)}
    columns = [place[name] for name in unknown if name in place]
    # A broad finding is drawn before the narrow ones that it decides about.
    for column in sorted(columns, key=lambda one: len(likelihoods.parents[one])):
        share = likelihoods.share[column, drawn]
        for parent in likelihoods.parents[column]:
            there = rows.flags[:, parent]
            among = share / likelihoods.share[parent, drawn]
            share = np.where(there == 1, np.minimum(among, 1), np.where(there == 0, 0, share))
        for partner in likelihoods.partners[column]:
            share = np.where(rows.flags[:, partner] == 1, 0, share)
        found = generator.random(len(drawn)) < share
        rows.flags[:, column] = found
        if column in rows.tests:
            rows.tests[column][:] = np.nan
        for parent in likelihoods.parents[column]:
            rows.flags[found, parent] = 1
    for index, name in enumerate(likelihoods.numbers):
        if name in unknown:
            below = likelihoods.tables[index].below[:, drawn]
            rows.number[:, index] = (below < generator.random(len(drawn))).sum(axis=0)
    np.minimum(rows.number, STEPS - 1, out=rows.number)
    return rows
