"""What a condition is made of: a dozen frozen kinds of node, each with the kind of its value.

Conditions are written as SQL, which only ``syntax`` reads; everything else walks through these nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

Kind = Literal["bool", "number", "category", "date"]
Comparison = Literal[">", ">=", "<", "<=", "=", "<>"]
Operation = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, or one that another rule fills."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Constant:
    """A truth value, a number or a word."""

    value: bool | float | str


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false."""

    part: Node


@dataclass(frozen=True, slots=True)
class AtLeast:
    """True when at least ``least`` of the parts are true: AND asks for all, OR for one, ``n_of`` for some."""

    least: int
    parts: tuple[Node, ...]

    @property
    def is_and(self) -> bool:
        """Tell whether all parts are asked for."""
        return self.least == len(self.parts)

    @property
    def is_or(self) -> bool:
        """Tell whether any part is enough, of several."""
        return self.least == 1 and len(self.parts) > 1


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """True when nothing is known of its part; never unknown itself."""

    part: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """Two numbers, or two words, compared; unknown when either is."""

    relation: Comparison
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between:
    """A number from ``low`` to ``high``, both included."""

    part: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class OneOf:
    """A number or word that is one of several constants."""

    part: Node
    options: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first of its parts that is known."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class NullIf:
    """Its part, but unknown where that equals ``value``."""

    part: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Branch:
    """One way of a case."""

    when: Node
    then: Node


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true, else ``otherwise``, else unknown."""

    branches: tuple[Branch, ...]
    otherwise: Node | None = None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers put together."""

    operation: Operation
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Signed:
    """A number with its sign turned round, or without it."""

    sign: Literal["negated", "absolute"]
    part: Node


Node: TypeAlias = (
    Column | Constant | Not | AtLeast | IsUnknown | Compare | Between | OneOf | Coalesce | NullIf
    | Branch | Case | Arithmetic | Signed
)  # fmt: skip
NODES: dict[str, type[Node]] = {
    one.__name__: one
    for one in (
        Column, Constant, Not, AtLeast, IsUnknown, Compare, Between, OneOf, Coalesce, NullIf,
        Branch, Case, Arithmetic, Signed,
    )
}  # fmt: skip
"""Every kind of node by its name."""


def kind_of(node: Node) -> Kind:
    """Return the kind of a node's value."""
    match node:
        case Column(kind=kind):
            return kind
        case (
            Constant(value=bool())
            | Not()
            | AtLeast()
            | IsUnknown()
            | Compare()
            | Between()
            | OneOf()
        ):
            return "bool"
        case Constant(value=str()):
            return "category"
        case Coalesce(parts=(first, *_)) | NullIf(part=first) | Branch(then=first):
            return kind_of(first)
        case Case(branches=(first, *_)):
            return kind_of(first.then)
    return "number"


def children(node: Node) -> Iterator[Node]:
    """Return the nodes directly inside a node, in the order in which they are read."""
    for field in fields(node):
        inner = getattr(node, field.name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if type(one).__name__ in NODES:
                yield one


def walk(node: Node) -> Iterator[Node]:
    """Return a node and everything inside it."""
    yield node
    for one in children(node):
        yield from walk(one)


def any_of(parts: tuple[Node, ...]) -> Node:
    """Return the node that is true when any of the parts is."""
    return parts[0] if len(parts) == 1 else AtLeast(1, parts)


Phrase: TypeAlias = Callable[[str], str]
"""What to call a column."""
