"""Is the disease refractory? Every definition answered for every patient: met, not met or undetermined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from myoresist.arrays.table import Table
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.resistance.adequacy.columns import Columns
from myoresist.result import Result
from myoresist.rules.blocking import Blocking
from myoresist.rules.program import Program
from myoresist.rules.reasons import explain
from myoresist.rules.rulebook import Rulebook
from myoresist.rules.since import Since

State = Literal["met", "not_met", "undetermined"]


class Definition(Sourced):
    """One definition of refractory disease, or a finding about the history beside them.

    Attributes:
        window: in which time it looks at treatments and activity.
        reading: how its text is read where it leaves that open.
    """

    id: str
    title: str
    kind: Literal["published", "working", "finding"]
    text: str
    status: Literal["implemented", "outline"] = "implemented"
    when: str | None = None
    window: str | None = None
    reading: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Definition:
        if (self.when is None) == (self.status == "implemented"):
            raise ValueError("an implemented definition, and only such a one, has 'when'")
        if (self.window is None) == (self.status == "implemented"):
            raise ValueError("an implemented definition, and only such a one, says its 'window'")
        if not (self.cites and self.check):
            raise ValueError("a definition cites its source and says how it was checked")
        return self


class DefinitionResult(Result):
    """One definition for one patient.

    Attributes:
        state: ``None`` for a definition in outline.
        because: what settles it, or what leaves it open.
        missing: what would have to be known, while it is undetermined.
        window: in which time it looks at treatments and activity; ``reading`` says where its text leaves that
            open.
    """

    id: str
    title: str
    kind: str
    text: str
    state: State | None
    because: tuple[str, ...]
    missing: tuple[str, ...]
    window: str | None
    reading: str | None
    note: str | None
    cites: tuple[str, ...]
    check: str


@dataclass(frozen=True)
class Refractory:
    """All definitions of a knowledge folder, compiled; a rule fills the column of its definition's id."""

    definitions: tuple[Definition, ...]
    columns: Columns
    program: Program

    @classmethod
    def load(cls, folder: Path, columns: Columns) -> Refractory:
        """Read ``refractory/definitions.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        path = folder / "refractory" / "definitions.yaml"
        definitions = load_list(path, Definition)
        book = Rulebook(columns.names)
        for one in definitions:
            if one.when is not None:
                book.add(one.id, one.when, path, one.id)
        return cls(definitions, columns, book.program())

    @cached_property
    def blocking(self) -> Blocking:
        """Return what tells which unknown columns leave the definitions open."""
        return Blocking(self.program, tuple(self.program.rules))

    @cached_property
    def since(self) -> Since:
        """Return what tells since when the definitions are met."""
        return Since(self.program.rules)

    def evaluate(self, table: Table) -> Table:
        """Answer every definition for every patient: met, not met, or unknown for undetermined.

        Args:
            table: findings and derived columns.
        """
        return self.program.run(table)

    def results(self, row: Mapping[str, Any]) -> tuple[DefinitionResult, ...]:
        """Return every definition for one patient with what settles it.

        Args:
            row: the patient's findings and derived columns; a missing key is unknown.
        """
        return tuple(self._result(one, row) for one in self.definitions)

    def _result(self, one: Definition, row: Mapping[str, Any]) -> DefinitionResult:
        state: State | None = None
        because: tuple[str, ...] = ()
        if one.when is not None:
            verdict = explain(one.id, self.program, row)
            words: dict[Any, State] = {True: "met", False: "not_met", None: "undetermined"}
            state, because = words[verdict.value], tuple(sorted(verdict.because))
        missing = tuple(x for x in because if row.get(x) is None) if state == "undetermined" else ()
        assert one.check is not None
        return DefinitionResult(
            id=one.id, title=one.title, kind=one.kind, text=one.text, state=state, because=because,
            missing=missing, window=one.window, reading=one.reading, note=one.note, cites=one.cites,
            check=one.check,
        )  # fmt: skip
