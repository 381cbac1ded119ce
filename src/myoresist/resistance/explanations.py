"""What else explains the failure? Every explanation weighed for every patient, and the work-up in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.resistance.columns import Columns
from myoresist.rules.interpreter import explain
from myoresist.rules.program import Program
from myoresist.rules.syntax import Condition, Name, RuleError, parse

Support = Literal["supported", "possible", "not_assessable", "argued_against"]
SUPPORT: tuple[Support, ...] = ("supported", "possible", "not_assessable", "argued_against")
Strength = Literal["strong", "moderate", "weak"]
Effort = Literal["easy", "moderate", "hard"]
_STRENGTH: tuple[Strength, ...] = ("strong", "moderate", "weak")
_EFFORT: tuple[Effort, ...] = ("easy", "moderate", "hard")

DAMAGE = "irreversible_damage"
DAMAGE_COLUMN = "irreversible_damage_suspected"
SIGNS = ("all_of", "any_of", "none_of", "against")
WORKUP, TESTS = "workup.yaml", "tests.yaml"


class Explanation(Sourced):
    """One explanation of a failure that is no true resistance.

    Attributes:
        can_harm: it is shown first whatever its rank, since missing it can harm.
        strength: how much of the failure it explains when it holds.
        effort: how easily it is checked (a convention of this catalogue).
        all_of: what has to be there.
        any_of: of which at least one has to be there, if any are named.
        none_of: of which none may be there.
        against: what argues against it without excluding it.
        confirm: how to confirm it.
        action: what to do.
        do_not_wait: when the action must not be waiting.
    """

    id: str
    name: str
    can_harm: bool = False
    strength: Strength
    effort: Effort
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    confirm: str
    action: str
    do_not_wait: str | None = None
    do_not_wait_text: str | None = None
    numbers: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Explanation:
        if not (self.all_of or self.any_of):
            raise ValueError("an explanation needs something that speaks for it")
        if (self.do_not_wait is None) != (self.do_not_wait_text is None):
            raise ValueError("do_not_wait and do_not_wait_text belong together")
        if not (self.cites and self.check):
            raise ValueError("an explanation cites its source and says how it was checked")
        return self


class Step(Sourced):
    """One step of the work-up: done once everything that it needs is known."""

    id: str
    text: str
    urgent: str | None = None
    explains: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExplanationResult(_Result):
    """One explanation for one patient.

    Attributes:
        evidence_for: findings and columns that speak for it.
        evidence_against: those that speak against it.
        missing: those that would settle it.
        do_not_wait: why waiting is no option for this patient, if it is none.
    """

    id: str
    name: str
    support: Support
    can_harm: bool
    strength: Strength
    effort: Effort
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]
    missing: tuple[str, ...]
    confirm: str
    action: str
    do_not_wait: str | None
    numbers: str | None
    note: str | None
    cites: tuple[str, ...]
    check: str


class StepResult(_Result):
    """One step of the work-up for one patient; a step that needs no finding has no ``done``."""

    id: str
    text: str
    urgent: bool
    done: bool | None
    missing: tuple[str, ...]
    explains: tuple[str, ...]
    cites: tuple[str, ...]


def column(id_: str, *parts: str | int) -> str:
    """Return the name of a column of ``Explanations.evaluate``."""
    return ".".join(("explanation", id_, *map(str, parts)))


@dataclass(frozen=True)
class Explanations:
    """All explanations and the work-up of a knowledge folder, compiled."""

    explanations: tuple[Explanation, ...]
    steps: tuple[Step, ...]
    columns: Columns
    program: Program

    @classmethod
    def load(cls, folder: Path, columns: Columns) -> Explanations:
        """Read ``explanations/`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        where = folder / "explanations"
        files = sorted(x for x in where.glob("*.yaml") if x.name not in (WORKUP, TESTS))
        found = [(file, one) for file in files for one in load_list(file, Explanation)]
        steps = load_list(where / WORKUP, Step)
        rules: dict[str, Condition] = {}
        problems: list[Problem] = []

        def add(file: Path, field: str, name: str, text: str, names: Mapping[str, Name]) -> None:
            try:
                if name in rules:
                    raise RuleError("stands here twice")
                rules[name] = parse(text, names)
            except RuleError as error:
                problems.append(Problem(str(file), None, field, str(error)))

        names = columns.names
        for file, one in found:
            own = dict(names)
            for kind, place, text in _signs(one):
                name = column(one.id, kind, place)
                add(file, f"{one.id}.{kind}", name, text, names)
                own[f"{kind}_{place}"] = Name(name, "bool")
            add(file, one.id, column(one.id), _whole(one), own)
            if one.do_not_wait:
                where_ = f"{one.id}.do_not_wait"
                add(file, where_, column(one.id, "do_not_wait"), one.do_not_wait, names)
        known = {one.id for _, one in found}
        for step in steps:
            if step.urgent:
                add(where / WORKUP, step.id, column(step.id, "urgent"), step.urgent, names)
            wrong = [x for x in step.explains if x not in known]
            wrong += [x for x in step.needs if x not in names]
            problems += [Problem(str(where / WORKUP), None, step.id, f"unknown {x}") for x in wrong]
        if problems:
            raise DocumentError(problems)
        return cls(tuple(one for _, one in found), steps, columns, Program(rules))

    def evaluate(self, table: pl.DataFrame) -> pl.DataFrame:
        """Weigh every explanation for every patient.

        Args:
            table: one row a patient with findings and derived columns; what is not there is unknown.

        Returns:
            One row a patient. For each explanation ``E`` a Boolean ``explanation.E`` (its rule; NULL is
            undetermined) and ``explanation.E.support`` (one of ``SUPPORT``); and
            ``irreversible_damage_suspected``, which definitions of refractory disease read.
        """
        ran = self.program.run(
            self.columns.complete(table, self.program.leaves(self.program.rules))
        )
        word = {x: pl.lit(x, dtype=pl.Enum(SUPPORT)) for x in SUPPORT}
        results: dict[str, pl.Expr] = {}
        for one in self.explanations:
            rule = pl.col(column(one.id))
            results[column(one.id)] = rule
            disputed = _some(one, "against")
            results[column(one.id, "support")] = (
                pl.when(rule & disputed)
                .then(word["possible"])
                .when(rule)
                .then(word["supported"])
                .when(~rule)
                .then(word["argued_against"])
                .when(_some(one, "all_of", "any_of"))
                .then(word["possible"])
                .otherwise(word["not_assessable"])
            )
        results[DAMAGE_COLUMN] = pl.col(column(DAMAGE))
        return ran.select(**results)

    def results(self, row: Mapping[str, Any]) -> tuple[ExplanationResult, ...]:
        """Return every explanation for one patient, what can harm first, then the most telling.

        Args:
            row: the patient's findings and derived columns; a missing key is unknown.
        """
        read = self.program.leaves(self.program.rules)
        told = self.evaluate(self.columns.one_row(row, read)).row(0, named=True)
        found = [
            self._result(one, row, told[column(one.id, "support")]) for one in self.explanations
        ]
        return tuple(sorted(found, key=_order))

    def workup(self, row: Mapping[str, Any]) -> tuple[StepResult, ...]:
        """Return the steps of the work-up for one patient, with what is done and what is missing."""
        steps = []
        for one in self.steps:
            missing = tuple(name for name in one.needs if row.get(name) is None)
            urgent = one.urgent and explain(column(one.id, "urgent"), self.program, row).value
            steps.append(
                StepResult(
                    id=one.id, text=one.text, urgent=bool(urgent), missing=missing,
                    done=not missing if one.needs else None, explains=one.explains, cites=one.cites,
                )
            )  # fmt: skip
        return tuple(steps)

    def _result(
        self, one: Explanation, row: Mapping[str, Any], support: Support
    ) -> ExplanationResult:
        speaks: dict[bool, dict[str, None]] = {True: {}, False: {}}
        for kind, place, _ in _signs(one):
            verdict = explain(column(one.id, kind, place), self.program, row)
            if verdict.value is True:
                sides = speaks[kind in ("all_of", "any_of")]
            elif verdict.value is False and kind == "all_of":
                sides = speaks[False]
            elif verdict.value is False and kind == "none_of":
                sides = speaks[True]
            else:
                continue
            sides.update(dict.fromkeys(sorted(verdict.because)))
        whole = explain(column(one.id), self.program, row)
        missing = whole.because if whole.value is None else ()
        waits = one.do_not_wait and explain(column(one.id, "do_not_wait"), self.program, row).value
        assert one.check is not None
        return ExplanationResult(
            id=one.id, name=one.name, support=support, can_harm=one.can_harm, strength=one.strength,
            effort=one.effort, evidence_for=tuple(speaks[True]),
            evidence_against=tuple(speaks[False]), missing=tuple(sorted(missing)),
            confirm=one.confirm, action=one.action,
            do_not_wait=one.do_not_wait_text if waits else None, numbers=one.numbers,
            note=one.note, cites=one.cites, check=one.check,
        )  # fmt: skip


def _signs(one: Explanation) -> Iterator[tuple[str, int, str]]:
    for kind in SIGNS:
        for place, text in enumerate(getattr(one, kind)):
            yield kind, place, text


def _whole(one: Explanation) -> str:
    """Return the condition of an explanation over its signs."""
    parts = [f"all_of_{place}" for place in range(len(one.all_of))]
    if one.any_of:
        parts.append(f"({' OR '.join(f'any_of_{place}' for place in range(len(one.any_of)))})")
    parts += [f"NOT none_of_{place}" for place in range(len(one.none_of))]
    return " AND ".join(parts)


def _some(one: Explanation, *kinds: str) -> pl.Expr:
    """Return whether any sign of these kinds is known to be there."""
    signs = [pl.col(column(one.id, k, place)) for k, place, _ in _signs(one) if k in kinds]
    return pl.any_horizontal(signs).fill_null(False) if signs else pl.lit(False)


def _order(one: ExplanationResult) -> tuple[bool, int, int, int, str]:
    """What can harm and is not argued against first; then by support, strength and effort."""
    first = one.can_harm and one.support != "argued_against"
    rank = SUPPORT.index(one.support), _STRENGTH.index(one.strength), _EFFORT.index(one.effort)
    return (not first, *rank, one.id)
