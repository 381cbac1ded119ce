"""Every criteria set answered for every patient: met, not met or undetermined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from myoresist.arrays.planes import Flags, Planes, mask, pack, unpack
from myoresist.arrays.table import Codes, Numbers, Table, coded
from myoresist.diagnosis.criteria.compile import (
    CLASS,
    LEAF,
    READING,
    VARIANT,
    add_disagreement,
    add_set,
    column,
    scale,
)
from myoresist.diagnosis.criteria.schema import (
    CriteriaSet,
    Disagreement,
    Score,
    ScoreClass,
    Variant,
    load_disagreements,
    load_sets,
)
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook

UNDETERMINED, NOT_MET, MET = "undetermined", "not_met", "met"
STATES = (MET, NOT_MET, UNDETERMINED)


@dataclass(frozen=True)
class Criteria:
    """All criteria sets of a knowledge folder, compiled.

    Attributes:
        sets: every set by id, those in outline only among them.
        disagreements: facts that published sets read in opposite ways.
        program: the compiled rules; its columns are named by ``column``.
    """

    sets: Mapping[str, CriteriaSet]
    disagreements: tuple[Disagreement, ...]
    program: Program

    @classmethod
    def load(cls, folder: Path, names: Mapping[str, Name]) -> Criteria:
        """Read and compile ``criteria/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            names: what a condition may read: the findings.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        sets = load_sets(folder)
        disagreements = load_disagreements(folder)
        book = Rulebook(names)
        for one in sets.values():
            add_set(book, one, folder / "criteria" / one.id / "criteria.yaml")
        for clash in disagreements:
            add_disagreement(book, clash, sets, folder / "criteria" / "disagreements.yaml")
        return cls(sets, disagreements, book.program())

    @cached_property
    def implemented(self) -> tuple[CriteriaSet, ...]:
        """Return the sets that are computed, in the order of their ids."""
        return tuple(one for one in self.sets.values() if one.status == "implemented")

    def evaluate(self, known: Table) -> Table:
        """Answer every set for every patient.

        Args:
            known: one column a finding; one that is not there is unknown.

        Returns:
            For each set ``S``: ``S.state`` (met, not_met or undetermined), ``S.outcome`` (a class of the
            set, ``not_met`` or ``undetermined``), truth for each item (``S.item``), class
            (``S.class.name``), exclusion (``S.excluded``) and note (``S.note.id``), and for weighted sets
            ``S.variant``, ``S.score`` (unknown items count zero, so it is also the lowest value possible),
            ``S.score_max``, ``S.probability``, ``S.probability_max``, ``S.outcome_max``,
            ``S.outcome_by_probability`` and ``S.subgroup``; where the variants are readings of one paper,
            also ``S.reading.R.score``, ``.outcome`` and their ``_max`` for each reading ``R``.
        """
        table = self.program.run(known)
        words: dict[str, Codes] = {}
        numbers: dict[str, Numbers] = {}
        for one in self.implemented:
            verdict = _Verdict(one, table)
            words |= verdict.words
            numbers |= verdict.numbers
        return table.with_columns(Table(table.size, numbers=numbers, words=words))

    def open_classes(self, one: CriteriaSet, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the classes stronger than the outcome that one patient could still reach, in order.

        Args:
            one: the set.
            row: the patient's row of ``evaluate``.
        """
        outcome = row[column(one.id, "outcome")]
        if one.score:
            variant = next(v for v in one.score.variants if v.id == row[column(one.id, VARIANT)])
            highest = Decimal(str(row[column(one.id, "score_max")]))
            reach = [
                c.name
                for c in variant.classes
                if c.at_least <= highest
                and (c.when is None or row[column(one.id, CLASS, c.name)] is not False)
            ]
            return tuple(reach[: reach.index(outcome)] if outcome in reach else reach)
        stronger = [one_class.name for one_class in one.outcomes]
        if outcome in stronger:
            stronger = stronger[: stronger.index(outcome)]
        return tuple(name for name in stronger if row[column(one.id, CLASS, name)] is None)

    def changed(self, one: CriteriaSet, verdicts: Table) -> Flags:
        """Tell for each patient whether the verdict of a set differs from that on the first patient.

        Args:
            one: the set.
            verdicts: what ``evaluate`` returned.
        """
        watched = ["outcome", "state", *(["subgroup"] if one.subgroups else [])]
        codes = [verdicts.words[column(one.id, name)].codes for name in watched]
        differs: Flags = np.any([each != each[0] for each in codes], axis=0)
        return differs


class _Verdict:
    """Turns the rules of one set into verdicts, for every patient.

    Attributes:
        words: outcomes, states, variants and subgroups.
        numbers: scores and probabilities.
    """

    def __init__(self, one: CriteriaSet, table: Table) -> None:
        self.one, self.table, self.size = one, table, table.size
        self.words: dict[str, Codes] = {}
        self.numbers: dict[str, Numbers] = {}
        if one.score and one.score.readings:
            self._read(one.score)
        elif one.score:
            self._score(one.score)
        else:
            self._reach()
        if one.subgroups:
            self._descend()

    def _truth(self, *parts: str) -> Planes:
        return self.table.truth(column(self.one.id, *parts))

    def _say(
        self, name: str, words: Iterable[str], *cases: tuple[int, str], otherwise: str
    ) -> None:
        """Fill a column with the word of the first case that holds."""
        every = tuple(dict.fromkeys([*words, NOT_MET, UNDETERMINED]))
        self.words[column(self.one.id, name)] = coded(
            every, *cases, size=self.size, otherwise=otherwise
        )

    def _state(self, met: int, open_: int) -> None:
        self.words[column(self.one.id, "state")] = coded(
            STATES, (met, MET), (open_, UNDETERMINED), size=self.size, otherwise=NOT_MET
        )

    def _reach(self) -> None:
        """Take the first class that is true; one that is unknown leaves the outcome open, never false."""
        classes = [(way, self._truth(CLASS, way.name)) for way in self.one.outcomes]
        every = mask(self.size)
        open_, met, open_meeting = 0, 0, 0
        for way, truth in classes:
            open_ |= every ^ truth.known
            if way.meets:
                met |= truth.t
                open_meeting |= every ^ truth.known
        cases = [(truth.t, way.name) for way, truth in classes]
        self._say(
            "outcome", [way.name for way, _ in classes], *cases, (open_, UNDETERMINED),
            otherwise=NOT_MET,
        )  # fmt: skip
        self._state(met, open_meeting)

    def _score(self, score: Score) -> None:
        """Score with the variant that applies, and turn the scores into classes and probabilities.

        Met when the lowest score meets, not met when the highest does not, else undetermined.
        """
        variants = score.variants
        applies = [self._truth(VARIANT, v.id).t for v in variants[:-1]]
        classes = [way for v in variants for way in v.classes]
        names = list(dict.fromkeys(way.name for way in classes))

        def chosen(value: Callable[[Variant], Numbers]) -> Numbers:
            *earlier, found = [value(v) for v in variants]
            for plane, values in reversed(list(zip(applies, earlier, strict=True))):
                found = np.where(unpack(plane, self.size), values, found)
            return found

        def classed(value: Callable[[Variant], Sequence[tuple[Flags, str]]], name: str) -> None:
            words = (*names, *(x for x in (NOT_MET, UNDETERMINED) if x not in names))

            def codes(variant: Variant) -> Numbers:
                found = np.full(self.size, float(words.index(NOT_MET)))
                for enough, word in reversed(value(variant)):
                    found[enough] = words.index(word)
                return found

            self.words[column(self.one.id, name)] = Codes(chosen(codes).astype(np.int32), words)

        self._say(
            VARIANT, [v.id for v in variants], *zip(applies, (v.id for v in variants), strict=False),
            otherwise=variants[-1].id,
        )  # fmt: skip
        for end, suffix in (("score", ""), ("score_max", "_max")):
            self._number(end, chosen(partial(self._points, end=end)))
            self._number("probability" + suffix, chosen(partial(self._probability, end=end)))
            classed(partial(self._classes, end=end), "outcome" + suffix)
        classed(self._classes_by_probability, "outcome_by_probability")
        self._score_state(classes)

    def _score_state(self, classes: Iterable[ScoreClass]) -> None:
        meeting = {way.name for way in classes if way.meets}
        met, could = (self._is(name, meeting) for name in ("outcome", "outcome_max"))
        self._state(met, could)

    def _read(self, score: Score) -> None:
        """Score by every reading: what all of them reach is sure, what any of them reaches is possible."""
        variants = score.variants
        classes = variants[-1].classes
        names = [way.name for way in classes]
        self._say(VARIANT, [v.id for v in variants], otherwise=variants[-1].id)
        for end, suffix, taken in (("score", "", np.min), ("score_max", "_max", np.max)):
            each = {v.id: self._points(v, end) for v in variants}
            each_and_all = {
                **{column(READING, x, ""): values for x, values in each.items()},
                "": taken(list(each.values()), axis=0),
            }
            for prefix, values in each_and_all.items():
                self._number(prefix + end, values)
                cases = [
                    (pack(enough), word) for enough, word in self._reached(classes, values, end)
                ]
                self._say(f"{prefix}outcome{suffix}", names, *cases, otherwise=NOT_MET)
            self._number("probability" + suffix, np.full(self.size, np.nan))
        by_score = self.words[column(self.one.id, "outcome")]
        self.words[column(self.one.id, "outcome_by_probability")] = by_score
        self._score_state(classes)

    def _reached(
        self, classes: Iterable[ScoreClass], points: Numbers, end: str
    ) -> list[tuple[Flags, str]]:
        """Tell who reaches each class; a condition that is unknown holds for the highest score only."""
        found = []
        for way in classes:
            enough: Flags = points >= float(way.at_least)
            if way.when:
                truth = self._truth(CLASS, way.name)
                holds = truth.t if end == "score" else mask(self.size) ^ truth.f
                enough &= unpack(holds, self.size)
            found.append((enough, way.name))
        return found

    def _number(self, name: str, values: Numbers) -> None:
        self.numbers[column(self.one.id, name)] = values

    def _is(self, name: str, words: Iterable[str]) -> int:
        """Return the bits of the patients whose word is one of some."""
        said = self.words[column(self.one.id, name)]
        wanted = [place for place, word in enumerate(said.words) if word in words]
        return pack(np.isin(said.codes, wanted))

    def _raw(self, variant: Variant, end: str) -> Numbers:
        return self.table.number(column(self.one.id, end, variant.id))

    def _points(self, variant: Variant, end: str) -> Numbers:
        factor = scale(self.one, variant)
        points: Numbers = np.round(self._raw(variant, end) / factor, len(str(factor)) - 1)
        return points

    def _probability(self, variant: Variant, end: str) -> Numbers:
        if variant.logistic_intercept is None:
            return np.full(self.size, np.nan)
        probability: Numbers = 1 / (
            1 + np.exp(-(self._points(variant, end) + variant.logistic_intercept))
        )
        return probability

    def _classes(self, variant: Variant, end: str) -> list[tuple[Flags, str]]:
        return self._reached(variant.classes, self._points(variant, end), end)

    def _classes_by_probability(self, variant: Variant) -> list[tuple[Flags, str]]:
        value = self._probability(variant, "score")
        return [
            (value >= way.probability_at_least, way.name)
            for way in variant.classes
            if way.probability_at_least is not None
        ]

    def _descend(self) -> None:
        """Walk the tree from the top: an unknown leaf leaves everything below it undetermined."""
        assert self.one.subgroups is not None
        left = self._is("outcome", self.one.subgroups.requires)
        every, cases = mask(self.size), []
        for leaf in self.one.subgroups.leaves:
            truth = self._truth(LEAF, leaf.id)
            open_ = left & (every ^ truth.known)
            cases += [(left & truth.t, leaf.id), (open_, UNDETERMINED)]
            left &= truth.f
        reached = left
        name = column(self.one.id, "subgroup")
        words = tuple(
            dict.fromkeys([*(x.id for x in self.one.subgroups.leaves), NOT_MET, UNDETERMINED])
        )
        codes = np.full(self.size, -1, np.int32)
        for plane, word in (*cases, (reached, NOT_MET)):
            if plane:
                codes[unpack(plane, self.size)] = words.index(word)
        self.words[name] = Codes(codes, words)
