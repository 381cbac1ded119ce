"""Which investigation would tell most: results are drawn as the diseases would give them, then counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths
from myoresist.arrays.planes import Flags
from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.evidence import Observations, Places
from myoresist.diagnosis.differential.likelihood import Likelihoods
from myoresist.diagnosis.differential.schema import Again, Investigation

DIGITS = 12
"""Decimals by which investigations are put in order."""
_FALSE, _UNKNOWN, _TRUE = np.int8(FALSE), np.int8(UNKNOWN), np.int8(TRUE)


@dataclass(frozen=True)
class Gain:
    """What an investigation is expected to tell: its expected information gain, in bits.

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
    """What a single result would do.

    Attributes:
        finding: what is asked for.
        present: the result.
        likely: how likely it is.
        posterior: the probability of each disease after it, (D,).
        divergence: how far that is from what it was before, in bits.
    """

    finding: str
    present: bool
    likely: float
    posterior: Numbers
    divergence: float


@dataclass(frozen=True)
class _Open:
    """An investigation that could still be ordered, what it would answer, and what it is if done before."""

    investigation: Investigation
    unknown: tuple[str, ...]
    again: Again | None


@dataclass(frozen=True)
class _Results:
    """The different results that were drawn for one investigation, R of them.

    Attributes:
        rows: the findings that any of them settles, and what these imply, (K,).
        truths: their values, (K, R).
        columns: the measured findings that it answers, (L,).
        places: their grid points, (L, R).
        answered: the findings that it answers; tests of them that may err count no longer.
        count: how many draws gave each, (R,).
    """

    rows: Sequence[int]
    truths: Truths
    columns: Sequence[int]
    places: Places
    answered: frozenset[int]
    count: NDArray[np.int64]


def gains(
    differential: Differential, known: Observations, posterior: Numbers, labelled: Flags
) -> list[Gain]:
    """Return what each investigation that is not done yet would tell of one patient, the best first.

    Args:
        differential: the diseases.
        known: what is known of the patient.
        posterior: the probability of each disease now, (D,).
        labelled: which diseases the patient's label stands for, (D,).
    """
    tests = _open(differential, known)
    if not tests:
        return []
    method, links = differential.base.method, differential.likelihoods.links
    draws = _Draws.of(differential, known, posterior)
    results = [draws.results(one.unknown) for one in tests]
    after = differential.given(links.count(_variants(known, results)))
    counts = np.concatenate([one.count for one in results])
    starts = np.cumsum([0, *(len(one.count) for one in results[:-1])])

    def expected(divergence: Numbers) -> Numbers:
        mean: Numbers = np.add.reduceat(counts * divergence, starts) / len(draws.diseases)
        return mean

    told = expected(kl_divergence(after, posterior))
    about_label = np.zeros(len(tests))
    if labelled.any():
        both = np.stack([labelled, ~labelled], axis=1).astype(np.float64)
        about_label = expected(kl_divergence(after @ both, posterior @ both))
    cost = method.next_test.step_cost
    found = []
    for one, gain, of_label in zip(tests, told.tolist(), about_label.tolist(), strict=True):
        order = one.again or one.investigation
        found.append(
            Gain(
                investigation=one.investigation,
                name=order.name,
                invasiveness=order.invasiveness,
                again=one.again is not None,
                unknown=one.unknown,
                differential=gain,
                label=of_label,
                per_step=gain / cost[order.invasiveness],
            )
        )
    # Rounded, so that the last digits, which differ between machines, do not decide.
    return sorted(found, key=lambda gain: (-round(gain.per_step, DIGITS), gain.investigation.id))


def answers(
    differential: Differential, known: Observations, posterior: Numbers, findings: Sequence[str]
) -> list[Answer]:
    """Return what each finding, present and then absent, would make of the probabilities of one patient."""
    likelihoods = differential.likelihoods
    links = likelihoods.links
    asked = [name for name in findings if name in likelihoods.rows]
    if not asked:
        return []
    rows = [likelihoods.rows[name] for name in asked]
    tests = {row: place for place, row in enumerate(known.tested.tolist())}
    variants = known.variants(2 * len(rows))
    for index, row in enumerate(rows):
        present, absent = 2 * index, 2 * index + 1
        for parent in (row, *links.parents.get(row, ())):
            variants.truths[parent, present] = TRUE
        for child in (row, *links.children.get(row, ())):
            variants.truths[child, absent] = FALSE
        # A result that settles it goes before one that may err.
        if row in tests:
            variants.ratios[tests[row], [present, absent]] = np.nan
    after = differential.given(links.count(known.changed(variants)))
    share = likelihoods.frequencies.share[rows] @ posterior
    likely = np.column_stack([share, 1 - share]).ravel().tolist()
    divergence = kl_divergence(after, posterior).tolist()
    return [
        Answer(name, present, likely[index], after[index], divergence[index])
        for index, (name, present) in enumerate((x, y) for x in asked for y in (True, False))
    ]


def open_at_bedside(differential: Differential, known: Observations) -> list[str]:
    """Return what bedside investigations that are begun leave open: to be asked or looked for."""
    settled = _settled(differential.likelihoods, known)
    begun = [
        one.resolves
        for one in differential.base.investigations
        if one.bedside and any(settled.get(name, False) for name in one.resolves)
    ]
    return [name for names in begun for name in names if settled.get(name) is False]


def kl_divergence(after: Numbers, before: Numbers) -> Numbers:
    """Return the Kullback-Leibler divergence of ``after`` from ``before``, along the last axis, in bits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(after > 0, after * np.log2(after / before), 0)
    total: Numbers = terms.sum(axis=-1)
    return total


def _settled(likelihoods: Likelihoods, known: Observations) -> dict[str, bool]:
    """Return of each finding that the diseases differ in whether it is known of a single patient."""
    truths = (np.array(known.present) | np.array(known.absent)).astype(bool).tolist()
    places = (known.places[:, 0] >= 0).tolist()
    names = (*likelihoods.findings, *likelihoods.numbers)
    return dict(zip(names, [*truths, *places], strict=True))


def _open(differential: Differential, known: Observations) -> list[_Open]:
    """Return what could still be ordered."""
    likelihoods = differential.likelihoods
    settled = _settled(likelihoods, known)
    begun = {
        one.id
        for one in differential.base.investigations
        if any(settled.get(name, False) for name in one.resolves)
    }
    found = []
    for one in differential.base.investigations:
        unknown = tuple(name for name in one.resolves if settled.get(name) is False)
        done = one.bedside and one.id in begun
        early = one.follows is not None and one.follows not in begun
        if unknown and not done and not early:
            row = likelihoods.rows.get(one.again.when) if one.again else None
            before = row is not None and known.present[row]
            found.append(_Open(one, unknown, one.again if before else None))
    return found


@dataclass(frozen=True)
class _Draws:
    """Results of investigations, drawn as diseases would give them.

    Attributes:
        likelihoods: how often each disease gives which result.
        given: what is known of the patient, by row of a finding, each (1,).
        diseases: drawn by their probability, in ascending order, (S,).
        generator: where chance comes from.
    """

    likelihoods: Likelihoods
    given: Mapping[int, Truths]
    diseases: Places
    generator: np.random.Generator

    @classmethod
    def of(cls, differential: Differential, known: Observations, posterior: Numbers) -> _Draws:
        """Draw diseases, evenly spaced, so that few draws represent their probabilities well."""
        method = differential.base.method
        points = (np.arange(method.next_test.samples) + 0.5) / method.next_test.samples
        diseases = np.minimum(np.searchsorted(np.cumsum(posterior), points), len(posterior) - 1)
        given = {row: truth for row, truth in enumerate(known.truths) if truth[0] != UNKNOWN}
        generator = np.random.default_rng(method.seed)
        return cls(differential.likelihoods, given, diseases, generator)

    def results(self, unknown: Sequence[str]) -> _Results:
        """Draw what an investigation would answer."""
        likelihoods = self.likelihoods
        # A broad finding is drawn before the narrow ones that it decides about.
        rows = sorted(
            (likelihoods.rows[name] for name in unknown if name in likelihoods.rows),
            key=lambda row: len(likelihoods.links.parents.get(row, ())),
        )
        columns = [row for row, name in enumerate(likelihoods.numbers) if name in unknown]
        chance = self.generator.random((len(rows) + len(columns), len(self.diseases)))
        settled = self._findings(rows, chance)
        places = [
            likelihoods.distributions[column].drawn(self.diseases, one)
            for column, one in zip(columns, chance[len(rows) :], strict=True)
        ]
        different, count = _different(np.array([*settled.values(), *places], np.int16))
        return _Results(
            rows=list(settled),
            truths=different[: len(settled)].astype(np.int8),
            columns=columns,
            places=different[len(settled) :].astype(np.int64),
            answered=frozenset(rows),
            count=count,
        )

    def _findings(self, rows: Sequence[int], chance: Numbers) -> dict[int, Truths]:
        """Return by row whether each finding is there in each draw, and what those that are imply."""
        links, known = self.likelihoods.links, dict(self.given)
        settled: dict[int, Truths] = {}
        for index, row in enumerate(rows):
            likely, parents = self._share[row], links.parents.get(row, ())
            for parent in parents:
                if parent in known:
                    among = np.minimum(likely / self._share[parent], 1)
                    possible = np.where(known[parent] == FALSE, 0, likely)
                    likely = np.where(known[parent] == TRUE, among, possible)
            for partner in links.partners.get(row, ()):
                if partner in known:
                    likely = np.where(known[partner] == TRUE, 0, likely)
            found = chance[index] < likely
            known[row] = settled[row] = np.where(found, _TRUE, _FALSE)
            for parent in parents:
                known[parent] = settled[parent] = np.where(
                    found, _TRUE, known.get(parent, _UNKNOWN)
                )
        return settled

    @cached_property
    def _share(self) -> Numbers:
        """Return how often each finding is present in the disease of each draw, (M, S)."""
        return self.likelihoods.frequencies.share[:, self.diseases]


def _different(columns: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Return the different columns of a table, and how often each stands in it."""
    rows = np.ascontiguousarray(columns.T)
    # Compared as bytes, which is many times as fast as number by number.
    count = Counter(rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel().tolist())
    different = np.frombuffer(b"".join(count), rows.dtype).reshape(len(count), -1)
    return different.T, np.array(list(count.values()))


def _variants(known: Observations, results: Sequence[_Results]) -> Observations:
    """Return the patient once with each different result of each investigation."""
    variants = known.variants(sum(len(one.count) for one in results))
    tested, first = known.tested.tolist(), 0
    for one in results:
        part = slice(first, first + len(one.count))
        variants.truths[one.rows, part] = one.truths
        variants.places[one.columns, part] = one.places
        answered = [place for place, row in enumerate(tested) if row in one.answered]
        variants.ratios[answered, part] = np.nan
        first = part.stop
    return known.changed(variants)
