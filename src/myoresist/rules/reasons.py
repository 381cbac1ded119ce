"""A naive evaluator of one condition for one patient: slow and obvious.

It is a witness of the compiled rules, and it tells what they cannot: which findings decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any, NamedTuple

from myoresist.rules.nodes import (
    Arithmetic,
    AtLeast,
    Between,
    Case,
    Coalesce,
    Column,
    Compare,
    Comparison,
    Constant,
    IsUnknown,
    Node,
    Not,
    NullIf,
    OneOf,
    Operation,
    Signed,
)
from myoresist.rules.program import Program

_RELATIONS: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    ">": gt, ">=": ge, "<": lt, "<=": le, "=": eq, "<>": ne,
}  # fmt: skip
_OPERATIONS: Mapping[Operation, Callable[[Any, Any], float]] = {
    "+": add, "-": sub, "*": mul, "/": truediv,
}  # fmt: skip
_NOTHING: frozenset[str] = frozenset()


class Verdict(NamedTuple):
    """A value (``None`` is unknown) and the columns of the table that settled it, or that left it open."""

    value: Any
    because: frozenset[str] = _NOTHING


def explain(
    column: str, program: Program, values: Mapping[str, Any], seen: dict[str, Verdict] | None = None
) -> Verdict:
    """Evaluate one rule of a program for one patient, down to the columns of the table.

    Args:
        column: a column that the program fills, or one of the table.
        program: the rules.
        values: the patient's row; a missing key is unknown.
        seen: verdicts on the same patient, kept so that rules which share items need not repeat them.
    """
    known = {} if seen is None else seen
    found = known.get(column)
    if found is None:
        rule = program.rules.get(column)
        if rule is None:
            found = Verdict(values.get(column), frozenset((column,)))
        else:
            found = _evaluate(rule.node, lambda name: explain(name, program, values, known))
        known[column] = found
    return found


def evaluate(node: Node, values: Mapping[str, Any]) -> Verdict:
    """Evaluate a single condition for one patient; a missing key is unknown."""
    return _evaluate(node, lambda name: Verdict(values.get(name), frozenset((name,))))


def decisive(node: Node, values: Mapping[str, Any]) -> frozenset[str]:
    """Return the columns that settle a single condition for one patient, or that leave it open."""
    return evaluate(node, values).because


def _evaluate(node: Node, look_up: Callable[[str], Verdict]) -> Verdict:
    def parts(*nodes: Node) -> list[Verdict]:
        return [_evaluate(one, look_up) for one in nodes]

    match node:
        case Column(name=name):
            return look_up(name)
        case Constant(value=value):
            return Verdict(value)
        case AtLeast(least=least):
            return _count(parts(*node.parts), least)
        case Not(part=part):
            inner = _evaluate(part, look_up)
            return Verdict(None if inner.value is None else not inner.value, inner.because)
        case IsUnknown(part=part):
            inner = _evaluate(part, look_up)
            return Verdict(inner.value is None, inner.because)
        case Compare(relation=relation, left=left, right=right):
            return _strict(_RELATIONS[relation], *parts(left, right))
        case Between(part=part, low=low, high=high):
            return _strict(lambda v, a, b: a <= v <= b, *parts(part, low, high))
        case OneOf(part=part, options=options):
            return _strict(lambda v, *words: v in words, *parts(part, *options))
        case Coalesce():
            return _first(parts(*node.parts))
        case NullIf(part=part, value=value):
            return _null_if(*parts(part, value))
        case Signed(sign="absolute", part=part):
            return _strict(abs, *parts(part))
        case Signed(part=part):
            return _strict(lambda v: -v, *parts(part))
        case Arithmetic(operation=operation, left=left, right=right):
            return _strict(_OPERATIONS[operation], *parts(left, right))
        case Case():
            return _case(node, look_up)
    raise TypeError(f"{node} cannot be evaluated by itself")


def _count(parts: list[Verdict], wanted: int) -> Verdict:
    """Kleene's counting: true when enough are true, false when enough can no longer be, else unknown."""
    true = [part for part in parts if part.value is True]
    if len(true) >= wanted:
        return Verdict(True, _union(true))
    false = [part for part in parts if part.value is False]
    if len(parts) - len(false) < wanted:
        return Verdict(False, _union(false))
    return Verdict(None, _union(part for part in parts if part.value is None))


def _first(parts: list[Verdict]) -> Verdict:
    for part in parts:
        if part.value is not None:
            return part
    return Verdict(None, _union(parts))


def _null_if(part: Verdict, other: Verdict) -> Verdict:
    if part.value is None or part.value == other.value:
        return Verdict(None, _union((part, other)) if part.value is not None else part.because)
    return Verdict(part.value, _union((part, other)))


def _case(node: Case, look_up: Callable[[str], Verdict]) -> Verdict:
    read: frozenset[str] = _NOTHING
    for branch in node.branches:
        condition = _evaluate(branch.when, look_up)
        read |= condition.because
        if condition.value:
            value = _evaluate(branch.then, look_up)
            return Verdict(value.value, condition.because | value.because)
    value = _evaluate(node.otherwise, look_up) if node.otherwise is not None else Verdict(None)
    return Verdict(value.value, read | value.because)


def _strict(function: Callable[..., Any], *parts: Verdict) -> Verdict:
    unknown = [part for part in parts if part.value is None]
    if unknown:
        return Verdict(None, _union(unknown))
    return Verdict(function(*(part.value for part in parts)), _union(parts))


def _union(parts: Iterable[Verdict]) -> frozenset[str]:
    return _NOTHING.union(*(part.because for part in parts))
