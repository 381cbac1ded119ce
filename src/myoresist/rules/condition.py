"""A checked condition, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from myoresist.rules.nodes import (
    AtLeast,
    Between,
    Column,
    Compare,
    Constant,
    Kind,
    Node,
    OneOf,
    any_of,
    children,
    kind_of,
    walk,
)


class RuleError(ValueError):
    """A condition that cannot be used; the message says why."""


@dataclass(frozen=True)
class Name:
    """What a name in a condition stands for: a column of the table and its kind."""

    column: str
    kind: Kind


@dataclass(frozen=True)
class Condition:
    """A checked condition: as written, and what it is made of."""

    text: str
    node: Node

    @property
    def kind(self) -> Kind:
        """Return the kind of its value."""
        return kind_of(self.node)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return the columns that the condition names."""
        return frozenset(one.name for one in walk(self.node) if isinstance(one, Column))

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Return the columns of a condition that says no more than that any of them is true, else nothing."""
        parts = self.node.parts if isinstance(self.node, AtLeast) and self.node.is_or else ()
        names = tuple(one.name for one in parts if isinstance(one, Column))
        return names if len(names) == len(parts) else ()

    def asked_for(self) -> Condition | None:
        """Return the condition that any finding is present which this one asks for, not what it rules out."""
        asked = tuple(_positive(self.node))
        return (
            Condition(f"any finding that is asked for by: {self.text}", any_of(asked))
            if asked
            else None
        )

    def thresholds(self) -> dict[str, set[float]]:
        """Return the numbers with which each column is compared directly."""
        found: dict[str, set[float]] = {}
        for node in walk(self.node):
            if isinstance(node, Compare | Between | OneOf):
                parts = list(children(node))
                numbers = {
                    one.value
                    for one in parts
                    if isinstance(one, Constant) and isinstance(one.value, float)
                }
                for one in parts:
                    if isinstance(one, Column) and numbers:
                        found.setdefault(one.name, set()).update(numbers)
        return found


def _positive(node: Node) -> Iterator[Node]:
    """Return the columns that have to be true, without those that are negated.

    A number that fits, such as an age, asks for nothing by itself.
    """
    match node:
        case AtLeast(parts=parts) if node.is_and or node.is_or:
            for one in parts:
                yield from _positive(one)
        case Column():
            yield node
