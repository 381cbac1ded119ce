"""What else explains that treatment did not work: explanations as rules over what is known.

An explanation is supported when its rule is true, argued against when it cannot be true any more or when
what speaks against it is there, possible while the rule is open and something that it asks for is there,
and otherwise not assessable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from myoresist.case.catalogue import DTYPES
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Check, Entry, Sourced, load_list
from myoresist.rules.condition import Condition, Name, RuleError
from myoresist.rules.frames import run_frame
from myoresist.rules.nodes import Kind
from myoresist.rules.program import Program
from myoresist.rules.reasons import explain
from myoresist.rules.syntax import parse

Status = Literal["supported", "possible", "argued_against", "not_assessable"]
Strength = Literal["strong", "moderate", "weak"]

PREFIX = "explanation_"
AGAINST, UNLESS, HINT, STATUS = ".against", ".unless", ".hint", ".status"
FAILURE, URGENT = "failure.", "urgent."
_STATUS = pl.Enum(get_args(Status))
ORDER: dict[Status, int] = {
    "supported": 0, "possible": 1, "not_assessable": 2, "argued_against": 3,
}  # fmt: skip
STRENGTH: dict[Strength, int] = {"strong": 0, "moderate": 1, "weak": 2}


class Explanation(Sourced):
    """One explanation; the file explains the fields."""

    id: str
    name: str
    category: str
    harm: bool
    ease: int = Field(ge=1, le=3)
    when: str
    unless: str | None = None
    against: str | None = None
    confirm: str
    action: str
    strength: Strength
    note: str | None = None


class FailureType(Sourced):
    """A kind of treatment failure."""

    id: str
    text: str
    when: str


class Step(Sourced):
    """One step of the work-up, with what has to be known for it and the explanations that it answers."""

    id: str
    text: str
    uses: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    urgent_when: str | None = None


class Extra(Entry):
    """A column that conditions may read beside the findings."""

    id: str
    label: str
    kind: Literal["bool", "number"] = "bool"


EXTRA = (
    Extra(id="label_probability", label="Probability of the current label", kind="number"),
    Extra(id="label_outranked", label="Another disease is more probable than the label"),
)
"""What the differential diagnosis hands on."""


@dataclass(frozen=True)
class Explanations:
    """All explanations, kinds of failure and steps, compiled."""

    entries: Mapping[str, Explanation]
    failures: tuple[FailureType, ...]
    steps: tuple[Step, ...]
    program: Program
    kinds: Mapping[str, Kind]
    extra: tuple[Extra, ...] = EXTRA

    @classmethod
    def load(cls, folder: Path, names: Mapping[str, Name]) -> Explanations:
        """Read ``explanations/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            names: every column that a condition may read: findings, and what treatments and visits tell.

        Raises:
            DocumentError: naming file and entry of a rule that cannot be used.
        """
        where = folder / "explanations"
        entries = {one.id: one for one in load_list(where / "explanations.yaml", Explanation)}
        failures = load_list(where / "failure_types.yaml", FailureType)
        steps = load_list(where / "workup.yaml", Step)
        columns = {**names, **{one.id: Name(one.id, one.kind) for one in EXTRA}}
        columns |= {PREFIX + one: Name(PREFIX + one, "bool") for one in entries}
        rules: dict[str, Condition] = {}
        problems: list[Problem] = []

        def add(file: str, column: str, text: str | None) -> None:
            if text is None:
                return
            try:
                rules[column] = parse(text, columns)
            except RuleError as error:
                problems.append(Problem(str(where / file), None, column, str(error)))

        for one in entries.values():
            add("explanations.yaml", PREFIX + one.id, one.when)
            add("explanations.yaml", PREFIX + one.id + AGAINST, one.against)
            add("explanations.yaml", PREFIX + one.id + UNLESS, one.unless)
        for failure in failures:
            add("failure_types.yaml", FAILURE + failure.id, failure.when)
        for step in steps:
            add("workup.yaml", URGENT + step.id, step.urgent_when)
            problems += [
                Problem(str(where / "workup.yaml"), None, step.id, f"{used} is not known")
                for used in (*step.uses, *step.asks)
                if used not in entries and used not in names
            ]
        if problems:
            raise DocumentError(problems)
        hints = {
            PREFIX + one + HINT: hint
            for one in entries
            if (hint := rules[PREFIX + one].asked_for()) is not None
        }
        kinds = {one.column: one.kind for one in columns.values()}
        return cls(entries, failures, steps, Program(rules | hints), kinds)

    def evaluate(self, table: pl.DataFrame) -> pl.DataFrame:
        """Answer every explanation for every patient.

        Args:
            table: one row a patient: findings, and what treatments, visits and the differential tell. What a
                rule reads and is not there counts as unknown.

        Returns:
            ``explanation_<id>``, with ``.against``, ``.unless`` and ``.status``, ``failure.<id>`` and
            ``urgent.<id>``.
        """
        given = set(table.columns)
        typed = table.select(
            (pl.col(name) if name in given else pl.lit(None))
            .cast(DTYPES[self.kinds[name]])
            .alias(name)
            for name in sorted(self.reads)
        )
        found = run_frame(self.program, typed)
        return found.select(list(self.program.rules)).with_columns(self._statuses)

    @cached_property
    def _statuses(self) -> tuple[pl.Expr, ...]:
        return tuple(self._status(one).alias(PREFIX + one + STATUS) for one in self.entries)

    def _status(self, one: str) -> pl.Expr:
        column = PREFIX + one
        rule = pl.col(column)
        against = (
            pl.col(column + AGAINST).fill_null(False)
            if column + AGAINST in self.program.rules
            else pl.lit(False)
        )
        hint = (
            pl.col(column + HINT).fill_null(False)
            if column + HINT in self.program.rules
            else pl.lit(False)
        )
        said = {one: pl.lit(one, _STATUS) for one in _STATUS.categories}
        status = (
            pl.when(rule & ~against)
            .then(said["supported"])
            .when(rule)
            .then(said["possible"])
            .when((rule == pl.lit(False)) | against)
            .then(said["argued_against"])
            .when(hint)
            .then(said["possible"])
            .otherwise(said["not_assessable"])
        )
        # Numbers of words are chosen faster than words.
        return status.cast(pl.String)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return every column of the table that a rule reads."""
        return self.program.leaves(self.program.rules)


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExplanationResult(_Result):
    """One explanation for one patient.

    Attributes:
        because: what is there and speaks for it.
        against: what is there and speaks against it.
        unknown: what would decide.
        urgent: something is there for which one must not wait.
    """

    id: str
    name: str
    category: str
    status: Status
    harm: bool
    because: tuple[str, ...]
    against: tuple[str, ...]
    unknown: tuple[str, ...]
    urgent: bool
    confirm: str
    action: str
    strength: Strength
    note: str | None
    cites: tuple[str, ...]
    check: Check | None


class StepResult(_Result):
    """One step of the work-up: what of it is known and what is missing."""

    id: str
    text: str
    done: tuple[str, ...]
    missing: tuple[str, ...]
    urgent: bool
    cites: tuple[str, ...]


class FailureResult(_Result):
    """A kind of treatment failure that this is."""

    id: str
    text: str
    cites: tuple[str, ...]


class ExplanationsResult(_Result):
    """Why treatment may not have worked, in the order in which it should be looked at."""

    failures: tuple[FailureResult, ...]
    explanations: tuple[ExplanationResult, ...]
    steps: tuple[StepResult, ...]

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites."""
        parts: Iterable[Any] = (*self.failures, *self.explanations, *self.steps)
        return [key for one in parts for key in one.cites]


def explanations_of(base: Explanations, row: Mapping[str, Any]) -> ExplanationsResult:
    """Return the explanations for one patient, those that can harm first, then by support and ease.

    Args:
        base: the compiled explanations.
        row: what is known of the patient: findings, and what treatments, visits and the differential tell.
    """
    given = {name: value for name, value in row.items() if name in base.reads}
    table = pl.DataFrame({name: [value] for name, value in given.items()})
    found = base.evaluate(table if given else pl.DataFrame({"_": [None]})).row(0, named=True)
    results = [_explanation(base, one, row, found) for one in base.entries.values()]
    ease = {one.id: one.ease for one in base.entries.values()}
    results.sort(
        key=lambda one: (
            not one.harm or one.status == "argued_against",
            ORDER[one.status],
            STRENGTH[one.strength],
            ease[one.id],
        )
    )
    return ExplanationsResult(
        failures=tuple(
            FailureResult(id=one.id, text=one.text, cites=one.cites)
            for one in base.failures
            if found[FAILURE + one.id]
        ),
        explanations=tuple(results),
        steps=tuple(
            StepResult(
                id=one.id,
                text=one.text,
                done=tuple(name for name in one.asks if row.get(name) is not None),
                missing=tuple(name for name in one.asks if row.get(name) is None),
                urgent=bool(found.get(URGENT + one.id)),
                cites=one.cites,
            )
            for one in base.steps
        ),
    )


def _explanation(
    base: Explanations, one: Explanation, row: Mapping[str, Any], found: Mapping[str, Any]
) -> ExplanationResult:
    column = PREFIX + one.id
    verdict = explain(column, base.program, row)
    hint = base.program.rules.get(column + HINT)
    asked = hint.reads if hint else frozenset()
    there = [name for name in sorted(asked) if _there(base, column, name, row)]
    unknown = verdict.because if verdict.value is None else frozenset()
    against: set[str] = set()
    if found.get(column + AGAINST):
        against |= explain(column + AGAINST, base.program, row).because
    if verdict.value is False:
        against |= {name for name in verdict.because if row.get(name) is not None}
    return ExplanationResult(
        id=one.id,
        name=one.name,
        category=one.category,
        status=found[column + STATUS],
        harm=one.harm,
        because=tuple(sorted(verdict.because)) if verdict.value is True else tuple(there),
        against=tuple(sorted(against)),
        unknown=tuple(sorted(name for name in unknown if row.get(name) is None)),
        urgent=bool(found.get(column + UNLESS)),
        confirm=one.confirm,
        action=one.action,
        strength=one.strength,
        note=one.note,
        cites=one.cites,
        check=one.check,
    )


def _there(base: Explanations, column: str, name: str, row: Mapping[str, Any]) -> bool:
    """Tell whether something that an explanation asks for is there."""
    alone = base.program.rules[column + HINT]
    only = {name: row.get(name)}
    return explain("hint", Program({"hint": alone}), only).value is True
