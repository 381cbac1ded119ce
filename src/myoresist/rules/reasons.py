"""A naive evaluator of one condition for one patient: slow and obvious.

It is the second witness of the compiled rules, and it tells what they cannot: which findings decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any

from sqlglot import exp

from myoresist.rules.program import Program
from myoresist.rules.syntax import is_macro

_BINARY: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.GT: gt, exp.GTE: ge, exp.LT: lt, exp.LTE: le, exp.EQ: eq, exp.NEQ: ne,
    exp.Add: add, exp.Sub: sub, exp.Mul: mul, exp.Div: truediv,
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """A value (``None`` is unknown) and the columns of the table that settled it, or that left it open."""

    value: Any
    because: frozenset[str] = frozenset()


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
    if column not in known:
        if column in program.rules:
            tree = program.rules[column].tree
            known[column] = _evaluate(tree, lambda name: explain(name, program, values, known))
        else:
            known[column] = Verdict(values.get(column), frozenset([column]))
    return known[column]


def decisive(tree: exp.Expr, values: Mapping[str, Any]) -> frozenset[str]:
    """Return the columns that settle a single condition for one patient, or that leave it open."""
    return _evaluate(tree, lambda name: Verdict(values.get(name), frozenset([name]))).because


def _evaluate(node: exp.Expr, look_up: Callable[[str], Verdict]) -> Verdict:
    def parts(*nodes: exp.Expr) -> list[Verdict]:
        return [_evaluate(one, look_up) for one in nodes]

    match node:
        case exp.Paren():
            return _evaluate(node.this, look_up)
        case exp.Column():
            return look_up(node.name)
        case exp.Boolean():
            return Verdict(node.this)
        case exp.Literal():
            return Verdict(node.this if node.is_string else float(node.this))
        case exp.And() | exp.Or():
            both = parts(node.left, node.right)
            return _count(both, wanted=2 if isinstance(node, exp.And) else 1)
        case exp.Anonymous() if is_macro(node):
            least, *options = node.expressions
            return _count(parts(*options), wanted=int(least.this))
        case exp.Not():
            inner = _evaluate(node.this, look_up)
            return Verdict(None if inner.value is None else not inner.value, inner.because)
        case exp.Is():
            inner = _evaluate(node.this, look_up)
            return Verdict(inner.value is None, inner.because)
        case exp.Between():
            value, low, high = parts(node.this, node.args["low"], node.args["high"])
            return _strict(lambda v, a, b: a <= v <= b, value, low, high)
        case exp.In():
            return _strict(lambda v, *options: v in options, *parts(node.this, *node.expressions))
        case exp.Coalesce():
            return _first(parts(node.this, *node.expressions))
        case exp.Nullif():
            return _strict(lambda a, b: None if a == b else a, *parts(node.this, node.expression))
        case exp.Abs() | exp.Neg():
            sign: Callable[[Any], Any] = abs if isinstance(node, exp.Abs) else lambda v: -v
            return _strict(sign, *parts(node.this))
        case exp.Case():
            read: frozenset[str] = frozenset()
            for branch in node.args["ifs"]:
                condition = _evaluate(branch.this, look_up)
                read |= condition.because
                if condition.value:
                    value = _evaluate(branch.args["true"], look_up)
                    return Verdict(value.value, condition.because | value.because)
            default = node.args.get("default")
            value = _evaluate(default, look_up) if default else Verdict(None)
            return Verdict(value.value, read | value.because)
    assert isinstance(node, exp.Binary)
    return _strict(_BINARY[type(node)], *parts(node.left, node.right))


def _count(parts: list[Verdict], wanted: int) -> Verdict:
    """Kleene's counting: true when enough are true, false when enough can no longer be, else unknown."""
    true = [part for part in parts if part.value is True]
    false = [part for part in parts if part.value is False]
    if len(true) >= wanted:
        return Verdict(True, _union(true))
    if len(parts) - len(false) < wanted:
        return Verdict(False, _union(false))
    return Verdict(None, _union([part for part in parts if part.value is None]))


def _first(parts: list[Verdict]) -> Verdict:
    for part in parts:
        if part.value is not None:
            return part
    return Verdict(None, _union(parts))


def _strict(function: Callable[..., Any], *parts: Verdict) -> Verdict:
    unknown = [part for part in parts if part.value is None]
    if unknown:
        return Verdict(None, _union(unknown))
    return Verdict(function(*(part.value for part in parts)), _union(list(parts)))


def _union(parts: list[Verdict]) -> frozenset[str]:
    return frozenset[str]().union(*(part.because for part in parts))
