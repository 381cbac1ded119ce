"""Every criteria set answered for every patient: met, not met or undetermined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, reduce
from operator import or_
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.diagnosis.criteria.schema import (
    CriteriaSet,
    Disagreement,
    Item,
    Variant,
    load_disagreements,
    load_sets,
)
from myoresist.document import DocumentError, Problem
from myoresist.rules.program import Program
from myoresist.rules.syntax import Condition, Kind, Name, RuleError, parse

UNDETERMINED, NOT_MET, MET = "undetermined", "not_met", "met"
STATE = pl.Enum([MET, NOT_MET, UNDETERMINED])
EXCLUDED, VARIANT, LEAF, NOTE, CLASS = "excluded", "variant", "leaf", "note", "class"


def column(*parts: str) -> str:
    """Return the name of a result column: the set, then what it holds."""
    return ".".join(parts)


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
        compiler = _Compiler(names)
        for one in sets.values():
            compiler.add(one, str(folder / "criteria" / one.id / "criteria.yaml"))
        where = str(folder / "criteria" / "disagreements.yaml")
        for clash in disagreements:
            compiler.rule(column("disagreement", clash.id), clash.when, names, where, clash.id)
            for unknown in sorted(set(clash.sets) - sets.keys()):
                compiler.problems.append(Problem(where, None, clash.id, f"unknown set {unknown}"))
        if compiler.problems:
            raise DocumentError(compiler.problems)
        return cls(sets, disagreements, Program(compiler.rules))

    @cached_property
    def implemented(self) -> tuple[CriteriaSet, ...]:
        """Return the sets that are computed, in the order of their ids."""
        return tuple(one for one in self.sets.values() if one.status == "implemented")

    def evaluate(self, known: pl.DataFrame) -> pl.DataFrame:
        """Answer every set for every patient.

        Args:
            known: one row a patient, one column a finding; NULL is unknown.

        Returns:
            One row a patient, in the same order. For each set ``S``: ``S.state`` (met, not_met or
            undetermined), ``S.outcome`` (a class of the set, ``not_met`` or ``undetermined``), a Boolean
            for each item (``S.item``), class (``S.class.name``), exclusion (``S.excluded``) and note
            (``S.note.id``), and for weighted sets ``S.variant``, ``S.score`` (unknown items count zero, so
            it is also the lowest value possible), ``S.score_max``, ``S.probability``,
            ``S.probability_max``, ``S.outcome_max``, ``S.outcome_by_probability`` and ``S.subgroup``.
        """
        given = set(known.columns)
        table = self.program.run(known.select(pl.col(sorted(self._read & given))))
        for step in self.steps:
            table = table.with_columns(step)
        results = table.select(pl.col([name for name in table.columns if name not in given]))
        if "patient_id" in given:
            results.insert_column(0, known["patient_id"])
        return results

    @cached_property
    def _read(self) -> frozenset[str]:
        return self.program.leaves(self.program.rules)

    @cached_property
    def steps(self) -> tuple[list[pl.Expr], ...]:
        """Return what turns rules into verdicts: outcomes and scores, then states, then subgroups."""
        steps: tuple[dict[str, pl.Expr], ...] = ({}, {}, {})
        for one in self.implemented:
            if one.score:
                steps[0].update(_scored(one))
                steps[1].update(_score_state(one))
            else:
                steps[0].update(_reached(one))
            if one.subgroups:
                steps[2].update(_subgroup(one))
        return tuple([expr.alias(name) for name, expr in step.items()] for step in steps)

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
            reach = [c.name for c in variant.classes if c.at_least <= highest]
            return tuple(reach[: reach.index(outcome)] if outcome in reach else reach)
        stronger = [one_class.name for one_class in one.outcomes]
        if outcome in stronger:
            stronger = stronger[: stronger.index(outcome)]
        return tuple(name for name in stronger if row[column(one.id, CLASS, name)] is None)

    def changed(self, base: Mapping[str, Any], answers: pl.DataFrame) -> pl.DataFrame:
        """Tell for each row of ``answers`` and each set whether the verdict differs from ``base``.

        Args:
            base: one patient's row of ``evaluate``.
            answers: rows of ``evaluate`` for the same patient with more known.

        Returns:
            One Boolean column a set, named by its id.
        """
        differs: dict[str, pl.Expr] = {}
        for one in self.implemented:
            watched = ["outcome", "state", *(["subgroup"] if one.subgroups else [])]
            names = [column(one.id, name) for name in watched]
            differs[one.id] = reduce(or_, (pl.col(x).ne_missing(pl.lit(base[x])) for x in names))
        return answers.select(**differs)


class _Compiler:
    """Collects rules and what is wrong with them."""

    def __init__(self, findings: Mapping[str, Name]) -> None:
        self.findings = findings
        self.rules: dict[str, Condition] = {}
        self.problems: list[Problem] = []

    def rule(
        self,
        name: str,
        text: str,
        names: Mapping[str, Name],
        file: str,
        field: str,
        kind: Kind = "bool",
    ) -> None:
        if name in self.rules:
            self.problems.append(Problem(file, None, field, "stands here twice"))
            return
        try:
            self.rules[name] = parse(text, names, kind)
        except RuleError as error:
            self.problems.append(Problem(file, None, field, str(error)))

    def add(self, one: CriteriaSet, file: str) -> None:
        if one.status == "outline":
            return
        items = {item.id: Name(column(one.id, item.id), "bool") for item in one.items}
        for shadowed in sorted(items.keys() & self.findings.keys()):
            self.problems.append(Problem(file, None, shadowed, "an item has the name of a finding"))
        names = {**self.findings, **items}
        for item in one.items:
            self.rule(column(one.id, item.id), item.when, names, file, item.id)
        if one.exclusions:
            where = (names, file, "exclusions")
            self.rule(column(one.id, EXCLUDED), one.exclusions.when, *where)
        for way in one.outcomes:
            self.rule(
                column(one.id, CLASS, way.name), way.when, names, file, f"outcomes.{way.name}"
            )
        for leaf in one.subgroups.leaves if one.subgroups else ():
            self.rule(column(one.id, LEAF, leaf.id), leaf.when, names, file, f"subgroups.{leaf.id}")
        for note in one.notes:
            if note.when:
                self.rule(column(one.id, NOTE, note.id), note.when, names, file, f"notes.{note.id}")
        for variant in one.score.variants if one.score else ():
            field = f"score.{variant.id}"
            if variant.when:
                self.rule(column(one.id, VARIANT, variant.id), variant.when, names, file, field)
            for end, text in zip(("score", "score_max"), _sums(one, variant), strict=True):
                self.rule(column(one.id, end, variant.id), text, names, file, field, "number")


def _scale(one: CriteriaSet, variant: Variant) -> int:
    """Return by what to multiply points so that they are whole: decimals must not be added as floats."""
    numbers = [item.points[variant.id] for item in one.items if variant.id in item.points]
    numbers += [reached.at_least for reached in variant.classes]
    digits = max(-int(number.as_tuple().exponent) for number in numbers)
    return int(10 ** max(digits, 0))


def _sums(one: CriteriaSet, variant: Variant) -> tuple[str, str]:
    """Return SQL for the score with unknown items as zero and for the highest it could still be."""
    scale = _scale(one, variant)
    groups: dict[str, list[Item]] = {}
    for item in one.items:
        if variant.id in item.points:
            groups.setdefault(item.one_of or item.id, []).append(item)

    def highest_first(items: Iterable[Item], reached: str) -> str:
        ordered = sorted(items, key=lambda item: -item.points[variant.id])
        branches = " ".join(
            f"WHEN {reached.format(item.id)} THEN {int(item.points[variant.id] * scale)}"
            for item in ordered
        )
        return f"CASE {branches} ELSE 0 END"

    now = " + ".join(highest_first(items, "{}") for items in groups.values())
    most = " + ".join(highest_first(items, "COALESCE({}, TRUE)") for items in groups.values())
    return now, most


def _reached(one: CriteriaSet) -> dict[str, pl.Expr]:
    """The first class that is true; a class that is unknown leaves the outcome open, never false."""
    classes = [(way, pl.col(column(one.id, CLASS, way.name))) for way in one.outcomes]
    say = _words([way.name for way in one.outcomes])
    open_ = pl.any_horizontal(value.is_null() for _, value in classes)
    outcome = pl.when(open_).then(say(UNDETERMINED)).otherwise(say(NOT_MET))
    for way, value in reversed(classes):
        outcome = pl.when(value).then(say(way.name)).otherwise(outcome)
    meeting = [value for way, value in classes if way.meets]
    state = _state(
        pl.any_horizontal(meeting).fill_null(False),
        pl.any_horizontal(value.is_null() for value in meeting),
    )
    return {column(one.id, "outcome"): outcome, column(one.id, "state"): state}


def _words(names: Iterable[str]) -> Callable[[str], pl.Expr]:
    """Return how to write one of these classes, or the lack of one, into a column."""
    known = pl.Enum(list(dict.fromkeys([*names, NOT_MET, UNDETERMINED])))
    return lambda name: pl.lit(name, dtype=known)


def _state(met: pl.Expr, open_: pl.Expr) -> pl.Expr:
    word = {name: pl.lit(name, dtype=STATE) for name in (MET, NOT_MET, UNDETERMINED)}
    return (
        pl.when(met)
        .then(word[MET])
        .otherwise(pl.when(open_).then(word[UNDETERMINED]).otherwise(word[NOT_MET]))
    )


def _scored(one: CriteriaSet) -> dict[str, pl.Expr]:
    """Score with the variant that applies, and turn the scores into classes and probabilities."""
    assert one.score is not None
    variants = one.score.variants
    say = _words(reached.name for v in variants for reached in v.classes)

    def chosen(values: Iterable[pl.Expr]) -> pl.Expr:
        *earlier, last = values
        for variant, value in reversed(list(zip(variants[:-1], earlier, strict=True))):
            applies = pl.col(column(one.id, VARIANT, variant.id))
            last = pl.when(applies).then(value).otherwise(last)
        return last

    def classed(variant: Variant, score: str) -> pl.Expr:
        value = pl.col(column(one.id, score, variant.id))
        result = say(NOT_MET)
        for reached in reversed(variant.classes):
            limit = int(reached.at_least * _scale(one, variant))
            result = pl.when(value >= limit).then(say(reached.name)).otherwise(result)
        return result

    def points(variant: Variant, score: str) -> pl.Expr:
        # Rounded, since Polars divides a column by a number through its reciprocal, a single value exactly.
        scale = _scale(one, variant)
        return (pl.col(column(one.id, score, variant.id)) / scale).round(len(str(scale)) - 1)

    def probability(variant: Variant, score: str) -> pl.Expr:
        if variant.logistic_intercept is None:
            return pl.lit(None, pl.Float64)
        return 1 / (1 + (-(points(variant, score) + variant.logistic_intercept)).exp())

    def classed_by_probability(variant: Variant) -> pl.Expr:
        result = say(NOT_MET)
        for reached in reversed(variant.classes):
            if reached.probability_at_least is None:
                continue
            enough = probability(variant, "score") >= reached.probability_at_least
            result = pl.when(enough).then(say(reached.name)).otherwise(result)
        return result

    used = pl.Enum([v.id for v in variants])
    columns: dict[str, pl.Expr] = {VARIANT: chosen(pl.lit(v.id, dtype=used) for v in variants)}
    for end in ("score", "score_max"):
        suffix = end.removeprefix("score")
        columns[end] = chosen(points(v, end) for v in variants)
        columns["probability" + suffix] = chosen(probability(v, end) for v in variants)
        columns["outcome" + suffix] = chosen(classed(v, end) for v in variants)
    columns["outcome_by_probability"] = chosen(classed_by_probability(v) for v in variants)
    return {column(one.id, name): expr for name, expr in columns.items()}


def _score_state(one: CriteriaSet) -> dict[str, pl.Expr]:
    """Met when the lowest score meets, not met when the highest does not, else undetermined."""
    assert one.score is not None
    names = {way.name: way.meets for v in one.score.variants for way in v.classes}
    say = _words(names)

    def meets(outcome: str) -> pl.Expr:
        reached = pl.col(column(one.id, outcome))
        return pl.any_horizontal(reached == say(name) for name, enough in names.items() if enough)

    return {column(one.id, "state"): _state(meets("outcome"), meets("outcome_max"))}


def _subgroup(one: CriteriaSet) -> dict[str, pl.Expr]:
    """Walk the tree from the top: an unknown leaf leaves everything below it undetermined."""
    assert one.subgroups is not None
    say = _words(leaf.id for leaf in one.subgroups.leaves)
    found = say(NOT_MET)
    for leaf in reversed(one.subgroups.leaves):
        value = pl.col(column(one.id, LEAF, leaf.id))
        below = pl.when(value.is_null()).then(say(UNDETERMINED)).otherwise(found)
        found = pl.when(value).then(say(leaf.id)).otherwise(below)
    outcome = pl.col(column(one.id, "outcome")).cast(pl.String)
    return {
        column(one.id, "subgroup"): pl.when(outcome.is_in(list(one.subgroups.requires))).then(found)
    }
