"""Which investigation would tell most: results are drawn as the diseases would give them, then counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
LEAST = 1e-12
"""The least probability that is told apart from none."""
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
    """

    investigation: Investigation
    name: str
    invasiveness: int
    again: bool
    unknown: tuple[str, ...]
    differential: float
    label: float


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
        of_draw: which of them each draw gave, (S,).
    """

    rows: Sequence[int]
    truths: Truths
    columns: Sequence[int]
    places: Places
    answered: frozenset[int]
    of_draw: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Return how many different results there are, R."""
        return len(self.truths[0]) if len(self.truths) else len(self.places[0])


def gains(
    differential: Differential,
    known: Observations,
    posterior: Numbers,
    labelled: Flags,
    again: Collection[str] = (),
) -> list[Gain]:
    """Return what each investigation that is not done yet would tell of one patient.

    Args:
        differential: the diseases.
        known: what is known of the patient.
        posterior: the probability of each disease now, (D,).
        labelled: which diseases the patient's label stands for, (D,).
        again: investigations that are wanted even if they were done.
    """
    tests = _open(differential, known, again)
    telling = [one for one in tests if one.unknown]
    told = _bits(differential, known, posterior, labelled, [one.unknown for one in telling])
    bits = dict(zip((one.investigation.id for one in telling), told, strict=True))
    found = []
    for one in tests:
        order = one.again or one.investigation
        gain, of_label = bits.get(one.investigation.id, (0.0, 0.0))
        found.append(
            Gain(
                investigation=one.investigation,
                name=order.name,
                invasiveness=order.invasiveness,
                again=one.again is not None,
                unknown=one.unknown,
                differential=gain,
                label=of_label,
            )
        )
    return found


def _bits(
    differential: Differential,
    known: Observations,
    posterior: Numbers,
    labelled: Flags,
    unknown: Sequence[Sequence[str]],
) -> list[tuple[float, float]]:
    """Return what each of T investigations is expected to tell about the disease, and about the label."""
    if not unknown:
        return []
    draws = _Draws.of(differential, known, posterior)
    results = [draws.results(names) for names in unknown]
    after = differential.given(differential.likelihoods.count(_variants(known, results)))
    starts = np.cumsum([0, *(one.size for one in results[:-1])])
    reached = np.stack([start + one.of_draw for start, one in zip(starts, results, strict=True)])
    told = _told(after, posterior, draws.diseases, reached)
    about_label = np.zeros(len(results))
    if labelled.any():
        both = np.stack([labelled, ~labelled], axis=1).astype(np.float64)
        true = np.where(labelled[draws.diseases], 0, 1)
        about_label = _told(after @ both, posterior @ both, true, reached)
    return list(zip(told.tolist(), about_label.tolist(), strict=True))


def _told(after: Numbers, before: Numbers, true: Places, reached: Places) -> Numbers:
    """Return how much more probable, in bits, what is true becomes on average, never below nothing.

    Unlike the divergence of what is believed afterwards it cannot exceed the uncertainty there is: results
    are drawn otherwise than they are counted, and whoever believes too much gains nothing by it.

    Args:
        after: the probability of each of K possibilities after each result, (R, K).
        before: the same now, (K,).
        true: which possibility holds in each draw, (S,).
        reached: the result of each draw, for each of T investigations, (T, S).
    """
    sure = np.maximum(after[reached, true[None, :]], LEAST)
    gained: Numbers = np.log2(sure / np.maximum(before[true], LEAST)).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = -np.where(before > 0, before * np.log2(before), 0).sum()
    return np.clip(gained, 0, left)


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
    after = differential.given(likelihoods.count(known.changed(variants)))
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


def _open(differential: Differential, known: Observations, again: Collection[str]) -> list[_Open]:
    """Return what could still be ordered, and what is wanted again."""
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
        if (unknown and not done and not early) or one.id in again:
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
        different, of_draw = _different(np.array([*settled.values(), *places], np.int16))
        return _Results(
            rows=list(settled),
            truths=different[: len(settled)].astype(np.int8),
            columns=columns,
            places=different[len(settled) :].astype(np.int64),
            answered=frozenset(rows),
            of_draw=of_draw,
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
    """Return the different columns of a table, and which of them each column is."""
    rows = np.ascontiguousarray(columns.T)
    # Compared as bytes, which is many times as fast as number by number.
    place: dict[bytes, int] = {}
    of_row = [
        place.setdefault(one, len(place))
        for one in rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel().tolist()
    ]
    different = np.frombuffer(b"".join(place), rows.dtype).reshape(len(place), -1)
    return different.T, np.array(of_row)


def _variants(known: Observations, results: Sequence[_Results]) -> Observations:
    """Return the patient once with each different result of each investigation."""
    variants = known.variants(sum(one.size for one in results))
    tested, first = known.tested.tolist(), 0
    for one in results:
        part = slice(first, first + one.size)
        variants.truths[one.rows, part] = one.truths
        variants.places[one.columns, part] = one.places
        answered = [place for place, row in enumerate(tested) if row in one.answered]
        variants.ratios[answered, part] = np.nan
        first = part.stop
    return known.changed(variants)
