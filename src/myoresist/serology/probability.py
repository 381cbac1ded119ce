"""How sure each antibody is: from results by method and strength to a probability.

Every method and strength has a likelihood ratio. Results of one method share their errors and count as their
mean, ratios of different methods multiply. A method that is not stated may be one of those that are, so that
its result does not add to theirs. At most one myositis-specific antibody is taken to be true, so
their probabilities are weighed against each other and against there being none; the others stand alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, planes_of, rows_of
from myoresist.arrays.planes import Planes
from myoresist.arrays.runs import Runs
from myoresist.arrays.table import Codes, Numbers, Table
from myoresist.serology.results import STRENGTHS, UNSTATED, Results, Vocabulary
from myoresist.serology.schema import Method, SerologyKnowledge, Strength

PREFIX = "serology"
FLAGS = (
    "reported",
    "weak_only",
    "by_blot",
    "confirmed",
    "contradicted",
    "negative_blot_only",
)
"""What the results of one antibody come to; each is true, false or, without a result, NULL."""
DIGITS = 6


def column(*parts: str) -> str:
    """Return the name of a result column: ``serology``, the antibody or topic, then what it holds."""
    return ".".join((PREFIX, *parts))


def ratio(knowledge: SerologyKnowledge, method: str, antibody: str, strength: Strength) -> float:
    """Return the likelihood ratio of one result; bands are graded for blots only."""
    used = next(one for one in knowledge.confidence.methods if one.id == method)
    ratios = used.ratios(antibody)
    if strength == "negative":
        return ratios.negative
    if not used.blot and strength != "weak":
        return ratios.positive
    return ratios.positive * knowledge.confidence.factor(
        knowledge.antibodies[antibody].kind, strength
    )


@dataclass(frozen=True)
class Weights:
    """What a result says, as tables over the numbers of ``words``."""

    words: Vocabulary

    def kinds(self, results: Results) -> NDArray[np.int64]:
        """Return one number for method, antibody and strength of each result."""
        kind = results.method.astype(np.int64) * len(self.words.antibodies.categories)
        kind += results.antibody
        kind *= len(self.words.strengths.categories)
        kind += results.strength
        return kind

    @cached_property
    def ratios(self) -> NDArray[np.float64]:
        """Return the likelihood ratio of each of ``kinds``."""
        words = self.words
        return np.array(
            [
                ratio(words.knowledge, method, antibody, strength)
                for method in words.methods.categories
                for antibody in words.antibodies.categories
                for strength in words.strengths.categories
            ]
        )

    @cached_property
    def logs(self) -> NDArray[np.float64]:
        """Return the logarithms of ``ratios``."""
        return np.log(self.ratios)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """Return the place of each antibody in the knowledge."""
        places = {name: place for place, name in enumerate(self.words.knowledge.antibodies)}
        return np.array([places[name] for name in self.words.antibodies.categories])

    @cached_property
    def blots(self) -> NDArray[np.bool_]:
        """Return which methods are blots."""
        return np.array([one.blot for one in self._methods])

    @cached_property
    def signs(self) -> NDArray[np.uint8]:
        """Return the sign of a result of each strength."""
        strengths = self.words.strengths.categories
        signs = [
            _NEGATIVE if x == "negative" else _WEAK if x == "weak" else _POSITIVE for x in strengths
        ]
        return np.array(signs, np.uint8)

    @cached_property
    def marks(self) -> NDArray[np.uint16]:
        """Return what results of one method come to, by method and their signs."""
        return np.array(
            [
                [self._mark(signs, one) for signs in range(_NEGATIVE + _WEAK + _POSITIVE + 1)]
                for one in self._methods
            ],
            np.uint16,
        )

    @property
    def _methods(self) -> list[Method]:
        methods = {one.id: one for one in self.words.knowledge.confidence.methods}
        return [methods[x] for x in self.words.methods.categories]

    @staticmethod
    def _mark(signs: int, method: Method) -> int:
        found, absent = bool(signs & (_WEAK | _POSITIVE)), bool(signs & _NEGATIVE)
        stated = method.id != UNSTATED
        held = {
            _FOUND: found,
            _ABSENT: absent,
            _SURE: bool(signs & _POSITIVE),
            _NO_BLOT: found and stated and not method.blot,
            _UNSTATED: found and not stated,
            _REFERENCE: found and stated and method.reference,
            _ABSENT_NO_BLOT: absent and stated and not method.blot,
            _ABSENT_UNSTATED: absent and not stated,
        }
        return sum(mark for mark, holds in held.items() if holds)


_NEGATIVE, _WEAK, _POSITIVE = 1, 2, 4
"""Signs of results, to be added up for those of one method."""
(
    _FOUND,
    _ABSENT,
    _SURE,
    _NO_BLOT,
    _UNSTATED,
    _REFERENCE,
    _ABSENT_NO_BLOT,
    _ABSENT_UNSTATED,
    _TWICE,
) = (2**place for place in range(9))
"""Marks of an antibody: a method found it, or did not; one found more than a weak result; one that found
it is no blot, is not stated, is a reference; one that did not find it is no blot, or is not stated; several
stated ones found it."""


def _flags() -> NDArray[np.int8]:
    """Return each flag for every sum of marks."""
    marks = np.arange(2 * _TWICE)

    def has(mark: int) -> NDArray[np.bool_]:
        return (marks & mark) > 0

    def so(holds: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.where(holds, TRUE, FALSE)

    def blots_only(other: int, unstated: int) -> NDArray[np.int64]:
        return np.where(has(other), FALSE, np.where(has(unstated), UNKNOWN, TRUE))

    found = has(_FOUND)
    flags = {
        "reported": so(found),
        "weak_only": so(found & ~has(_SURE)),
        "by_blot": np.where(found, blots_only(_NO_BLOT, _UNSTATED), FALSE),
        "confirmed": so(has(_REFERENCE) | has(_TWICE)),
        "contradicted": so(found & has(_ABSENT)),
        "negative_blot_only": np.where(found, FALSE, blots_only(_ABSENT_NO_BLOT, _ABSENT_UNSTATED)),
    }
    tested = marks > 0
    return np.array([np.where(tested, flags[x], UNKNOWN) for x in FLAGS], np.int8)


_FLAGS = _flags()


@dataclass(frozen=True)
class Sums:
    """The sum of the evidence for each antibody, in the order of the knowledge; 0 without a result.

    Attributes:
        log_ratio: logarithm of the likelihood ratio, (antibodies, N).
        positive_blots: what share of the results of each blot is positive, added up, (antibodies, N).
        tested: whether there is a result, (antibodies, N).
    """

    log_ratio: NDArray[np.float64]
    positive_blots: NDArray[np.float64]
    tested: NDArray[np.bool_]


def gathered(results: Results, patients: int, weights: Weights) -> tuple[dict[str, Planes], Sums]:
    """Return the flags of each antibody and the sum of its evidence, for each patient.

    Args:
        results: the results, sorted.
        patients: how many patients there are.
        weights: what a result says.

    Returns:
        For each antibody and flag the column ``serology.<antibody>.<flag>``, unknown without a result, and
        the sums.
    """
    names = list(weights.words.knowledge.antibodies)
    cell = weights.place[results.antibody] * patients + results.row
    method = results.method
    runs = Runs.of(cell, method)
    signs = weights.signs[results.strength]
    positive = (signs != _NEGATIVE).astype(np.float64)
    # Results of one method share their errors, so that they count as their mean.
    log_ratio = runs.total(weights.logs[weights.kinds(results)]) / runs.lengths
    share = runs.total(positive) / runs.lengths
    cell, method = runs.first(cell), runs.first(method)
    marks = weights.marks[method, runs.bits(signs)]
    runs = Runs.of(cell)
    apart = method == weights.words.method(UNSTATED)
    log_ratio = _together(runs, log_ratio, apart)
    stated = (marks & _FOUND > 0) & (marks & _UNSTATED == 0)
    twice = runs.sum(stated.astype(np.int64)) >= 2
    marks = runs.bits(marks)
    marks[twice] |= _TWICE
    cell = runs.first(cell)

    def spread(values: NDArray[Any]) -> NDArray[Any]:
        room = np.zeros(len(names) * patients, values.dtype)
        room[cell] = values
        return room.reshape(len(names), patients)

    marks = spread(marks)
    flags = np.take(_FLAGS, marks, axis=1).reshape(len(FLAGS) * len(names), patients)
    columns = planes_of(flags, [column(name, flag) for flag in FLAGS for name in names])
    share = np.where(weights.blots[method], share, 0.0)
    sums = Sums(
        spread(log_ratio),
        spread(runs.total(share)),
        marks > 0,
    )
    return columns, sums


def _together(
    runs: Runs, log_ratio: NDArray[np.float64], unstated: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the evidence of all methods of each run.

    A method that is not stated may be one of those that are. Where both say the same, the one that says
    more counts; where they differ, both do.
    """
    others = runs.total(np.where(unstated, 0.0, log_ratio))
    own = runs.total(np.where(unstated, log_ratio, 0.0))
    stronger = np.where(np.abs(own) > np.abs(others), own, others)
    return np.where(own * others > 0, stronger, own + others)


def hep2_ratios(knowledge: SerologyKnowledge) -> dict[str, tuple[float, float]]:
    """Return by antibody what a fitting and a differing HEp-2 pattern beside a blot says."""
    general = knowledge.confidence.hep2
    return {
        one.id: (
            one.hep2.fits or general.fits,
            1.0 if one.hep2.missed else one.hep2.differs or general.differs,
        )
        for one in knowledge.antibodies.values()
        if one.hep2
    }


@dataclass(frozen=True)
class Sureness:
    """How sure antibodies with a prior are, (antibodies, N) each.

    Attributes:
        prior: the probability before the results.
        ratio: the likelihood ratio of all results.
        probability: the probability with the results; NaN without a result.
        level: the place of its level among those of the knowledge; -1 is unknown.
    """

    prior: Numbers
    ratio: Numbers
    probability: Numbers
    level: NDArray[np.int32]


@dataclass(frozen=True)
class Posterior:
    """How sure each antibody is, for knowledge compiled once."""

    knowledge: SerologyKnowledge

    @cached_property
    def antibodies(self) -> tuple[str, ...]:
        """Return the antibodies that have a prior."""
        return tuple(one.id for one in self.knowledge.antibodies.values() if one.priors)

    def of(self, table: Table, factor: Numbers, sums: Sums) -> Sureness:
        """Return how sure each antibody is of each patient.

        Args:
            table: ``serology.<antibody>.frequency`` and ``.pattern_fits``.
            factor: by what the setting multiplies frequencies, (N,).
            sums: the evidence.
        """
        log_ratio = sums.log_ratio.copy()
        fits = rows_of(table, self._patterns)
        # The pattern is evidence beside each positive blot, so it takes part in their mean.
        said = self._said[np.arange(len(fits))[:, None], fits]
        log_ratio[self._with_pattern] += sums.positive_blots[self._with_pattern] * said
        frequency = np.array([table.number(name) for name in self._frequencies])
        prior = np.where(self._targeted[:, None], frequency, frequency * factor).round(DIGITS)
        ratio = np.exp(log_ratio[self._rows]).round(DIGITS)
        weight = prior * ratio
        whole = 1 - prior + weight
        own = self._exclusive
        whole[own] = 1 - prior[own].sum(axis=0) + weight[own].sum(axis=0)
        tested = sums.tested[self._rows]
        probability = np.where(tested, (weight / whole).round(DIGITS), np.nan)
        return Sureness(prior, ratio, probability, self._level(probability))

    def columns(self, found: Sureness) -> Table:
        """Return one column an antibody and part: ``serology.<antibody>.<part>``."""
        levels = tuple(one.id for one in self.knowledge.confidence.levels)
        numbers = {
            column(name, part): values[place]
            for part, values in (
                ("prior", found.prior),
                ("likelihood_ratio", found.ratio),
                ("probability", found.probability),
            )
            for place, name in enumerate(self.antibodies)
        }
        words = {
            column(name, "level"): Codes(found.level[place], levels)
            for place, name in enumerate(self.antibodies)
        }
        return Table(found.prior.shape[1], numbers=numbers, words=words)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        places = {name: place for place, name in enumerate(self.knowledge.antibodies)}
        return np.array([places[name] for name in self.antibodies], np.int64)

    @cached_property
    def _targeted(self) -> NDArray[np.bool_]:
        """Return whether the probability is that of a disease, whose frequency knows no setting."""
        known = self.knowledge.antibodies
        return np.array([known[name].target is not None for name in self.antibodies])

    @cached_property
    def _exclusive(self) -> NDArray[np.bool_]:
        """Return of which antibodies at most one is taken to be true."""
        return np.array([self.knowledge.antibodies[name].kind == "msa" for name in self.antibodies])

    @cached_property
    def _frequencies(self) -> list[str]:
        return [column(name, "frequency") for name in self.antibodies]

    @cached_property
    def _with_pattern(self) -> list[int]:
        """Return the antibodies whose HEp-2 pattern is evidence."""
        patterns = hep2_ratios(self.knowledge)
        return [n for n, name in enumerate(self.knowledge.antibodies) if name in patterns]

    @cached_property
    def _patterns(self) -> list[str]:
        names = list(self.knowledge.antibodies)
        return [column(names[place], "pattern_fits") for place in self._with_pattern]

    @cached_property
    def _said(self) -> NDArray[np.float64]:
        """Return what a pattern says that differs, is unknown or fits, by antibody."""
        logs = np.zeros((len(self._with_pattern), TRUE + 1))
        for row, (fits, differs) in enumerate(hep2_ratios(self.knowledge).values()):
            logs[row, TRUE], logs[row, FALSE] = math.log(fits), math.log(differs)
        return logs

    def _level(self, probability: Numbers) -> NDArray[np.int32]:
        """Return the place of the first level that a probability reaches, -1 where it is unknown."""
        level = np.full(probability.shape, -1, np.int32)
        levels = self.knowledge.confidence.levels
        for place, one in reversed(list(enumerate(levels))):
            level[probability >= one.at_least] = place
        return level


def checked(knowledge: SerologyKnowledge) -> Mapping[str, str]:
    """Return by antibody what is wrong with its ratios: a stronger result must never say less."""
    wrong = {}
    patterns = hep2_ratios(knowledge)
    for method in knowledge.confidence.methods:
        for one in knowledge.antibodies.values():
            ratios = [ratio(knowledge, method.id, one.id, strength) for strength in STRENGTHS]
            if method.blot:
                least = min(patterns.get(one.id, (1.0, 1.0)))
                ratios[1:] = [least * value for value in ratios[1:]]
            if ratios != sorted(ratios):
                wrong[one.id] = f"{method.id}: a stronger result says less than a weaker one"
    wrong.update(_surer_than_stated(knowledge))
    return wrong


def _surer_than_stated(knowledge: SerologyKnowledge) -> Iterator[tuple[str, str]]:
    """Yield the antibodies of which an unstated method says more than a stated one that can show them."""
    methods = {one.id: one for one in knowledge.confidence.methods}
    unstated = methods.pop(UNSTATED)
    for antibody in knowledge.antibodies:
        own = unstated.ratios(antibody)
        others = [ratios for x in methods.values() if (ratios := x.ratios(antibody)).negative < 1]
        least = min(x.positive for x in others), max(x.negative for x in others)
        if own.positive > least[0] or own.negative < least[1]:
            yield antibody, f"{UNSTATED}: says more than a method that is stated"
