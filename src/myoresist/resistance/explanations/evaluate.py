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

from pydantic import Field

from myoresist.arrays.table import Codes, Table, coded
from myoresist.knowledge.schema import Check, Entry, Sourced, load_list
from myoresist.result import Result
from myoresist.rules.condition import Name
from myoresist.rules.nodes import Kind
from myoresist.rules.program import Program
from myoresist.rules.reasons import Verdict, explain
from myoresist.rules.rulebook import Rulebook

Status = Literal["supported", "possible", "argued_against", "not_assessable"]
Strength = Literal["strong", "moderate", "weak"]

PREFIX = "explanation_"
AGAINST, UNLESS, HINT, STATUS = ".against", ".unless", ".hint", ".status"
FAILURE, URGENT = "failure.", "urgent."
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
        book = Rulebook(columns)

        def add(file: str, column: str, text: str | None) -> None:
            if text is not None:
                book.add(column, text, where / file, column)

        for one in entries.values():
            add("explanations.yaml", PREFIX + one.id, one.when)
            add("explanations.yaml", PREFIX + one.id + AGAINST, one.against)
            add("explanations.yaml", PREFIX + one.id + UNLESS, one.unless)
        for failure in failures:
            add("failure_types.yaml", FAILURE + failure.id, failure.when)
        for step in steps:
            add("workup.yaml", URGENT + step.id, step.urgent_when)
            for used in (*step.uses, *step.asks):
                if used not in entries and used not in names:
                    book.wrong(where / "workup.yaml", step.id, f"{used} is not known")
        book.check()
        for name in entries:
            hint = book.rules[PREFIX + name].asked_for()
            if hint is not None:
                book.rules[PREFIX + name + HINT] = hint
        kinds = {one.column: one.kind for one in columns.values()}
        return cls(entries, failures, steps, book.program(), kinds)

    def evaluate(self, table: Table) -> Table:
        """Answer every explanation for every patient.

        Args:
            table: findings, and what treatments, visits and the differential tell; what is not there is
                unknown.

        Returns:
            ``explanation_<id>``, with ``.against``, ``.unless`` and ``.status``, ``failure.<id>`` and
            ``urgent.<id>``.
        """
        found = self.program.run(table)
        statuses = {PREFIX + one + STATUS: self._status(one, found) for one in self.entries}
        return found.with_columns(Table(table.size, words=statuses))

    def _status(self, one: str, found: Table) -> Codes:
        column = PREFIX + one
        rule = found.truth(column)
        against, hint = found.truth(column + AGAINST).t, found.truth(column + HINT).t
        return coded(
            get_args(Status),
            (rule.t & ~against, "supported"),
            (rule.t, "possible"),
            (rule.f | against, "argued_against"),
            (hint, "possible"),
            size=found.size,
            otherwise="not_assessable",
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return every column of the table that a rule reads."""
        return self.program.inputs


class ExplanationResult(Result):
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


class StepResult(Result):
    """One step of the work-up: what of it is known and what is missing."""

    id: str
    text: str
    done: tuple[str, ...]
    missing: tuple[str, ...]
    urgent: bool
    cites: tuple[str, ...]


class FailureResult(Result):
    """A kind of treatment failure that this is."""

    id: str
    text: str
    cites: tuple[str, ...]


class ExplanationsResult(Result):
    """Why treatment may not have worked, in the order in which it should be looked at."""

    failures: tuple[FailureResult, ...]
    explanations: tuple[ExplanationResult, ...]
    steps: tuple[StepResult, ...]

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites."""
        parts: Iterable[Any] = (*self.failures, *self.explanations, *self.steps)
        return [key for one in parts for key in one.cites]


def explanations_of(
    base: Explanations, row: Mapping[str, Any], found: Mapping[str, Any]
) -> ExplanationsResult:
    """Return the explanations for one patient, those that can harm first, then by support and ease.

    Args:
        base: the compiled explanations.
        row: what is known of the patient: findings, and what treatments, visits and the differential tell.
        found: the patient's row of ``evaluate``.
    """
    seen: dict[str, Verdict] = {}
    results = [_explanation(base, one, row, found, seen) for one in base.entries.values()]
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
    base: Explanations,
    one: Explanation,
    row: Mapping[str, Any],
    found: Mapping[str, Any],
    seen: dict[str, Verdict],
) -> ExplanationResult:
    column = PREFIX + one.id
    verdict = explain(column, base.program, row, seen)
    hint = base.program.rules.get(column + HINT)
    asked = hint.reads if hint else frozenset()
    # A hint is no more than any of its findings.
    there = [name for name in sorted(asked) if row.get(name) is True]
    unknown = verdict.because if verdict.value is None else frozenset()
    against: set[str] = set()
    if found.get(column + AGAINST):
        against |= explain(column + AGAINST, base.program, row, seen).because
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
