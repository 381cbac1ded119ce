"""Gathers the rules of one topic: parsed, named by file and field where they are wrong, and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from myoresist.document import DocumentError, Problem
from myoresist.rules.condition import Condition, Name, RuleError
from myoresist.rules.kept import parse
from myoresist.rules.nodes import Kind
from myoresist.rules.program import Program


@dataclass
class Rulebook:
    """Rules by the column that each fills, and what is wrong with those that cannot be used.

    Attributes:
        names: what each name that a condition may use stands for.
    """

    names: Mapping[str, Name]
    rules: dict[str, Condition] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        column: str,
        text: str,
        file: Path | str,
        place: str,
        *,
        kind: Kind = "bool",
        names: Mapping[str, Name] | None = None,
    ) -> Condition | None:
        """Parse a condition as the rule of a column.

        Args:
            column: the column that it fills.
            text: the condition.
            file: where it stands.
            place: the entry or field there.
            kind: the kind of value that is needed.
            names: the names that it may use, where they differ from those of the book.

        Returns:
            The condition; ``None`` if it cannot be used, which is noted.
        """
        if column in self.rules:
            self.wrong(file, place, "stands here twice")
            return None
        try:
            self.rules[column] = parse(text, self.names if names is None else names, kind)
        except RuleError as error:
            self.wrong(file, place, str(error))
            return None
        return self.rules[column]

    def wrong(self, file: Path | str, place: str, message: str) -> None:
        """Note what is wrong with an entry."""
        self.problems.append(Problem(str(file), None, place, message))

    def check(self) -> None:
        """Raise what is wrong, if anything is.

        Raises:
            DocumentError: naming file and entry of each.
        """
        if self.problems:
            raise DocumentError(self.problems)

    def program(self) -> Program:
        """Return the rules, compiled.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        self.check()
        return Program(self.rules)
