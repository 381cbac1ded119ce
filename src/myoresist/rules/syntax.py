"""Read a condition from SQL and refuse everything on which SQL engines could differ.

Conditions are SQL expressions over named columns. Unknown is NULL and logic is Kleene's. The forms allowed
here give the same answer, NULLs included, on Polars, DuckDB and Spark; what is not listed is refused, among
it ``IS TRUE`` (Polars differs), ``GREATEST`` and ``LEAST`` (they skip unknowns) and bare division.

This is the only place that knows the SQL parser, and it is needed only when knowledge is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from myoresist.rules.condition import Condition, Name, RuleError
from myoresist.rules.nodes import (
    Arithmetic,
    AtLeast,
    Between,
    Branch,
    Case,
    Coalesce,
    Column,
    Compare,
    Comparison,
    Constant,
    IsUnknown,
    Kind,
    Node,
    Not,
    NullIf,
    OneOf,
    Operation,
    Signed,
    kind_of,
    walk,
)

DIALECT = "duckdb"
_RELATIONS: Mapping[type[exp.Expr], Comparison] = dict(
    zip((exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ), get_args(Comparison), strict=True)
)
_OPERATIONS: Mapping[type[exp.Expr], Operation] = dict(
    zip((exp.Add, exp.Sub, exp.Mul, exp.Div), get_args(Operation), strict=True)
)


def parse(text: str, names: Mapping[str, Name], expected: Kind | None = "bool") -> Condition:
    """Read and check one condition.

    Args:
        text: the SQL expression.
        names: what each name that may be used stands for.
        expected: the kind of value that is needed; any when left out.

    Raises:
        RuleError: naming what is wrong.
    """
    try:
        statements = sqlglot.parse(text, read=DIALECT)
        if len(statements) != 1 or not isinstance(statements[0], exp.Expr):
            raise RuleError("exactly one SQL expression is expected")
        node = _Reader(names).read(statements[0])
    except SqlglotError as error:
        raise RuleError(f"not an SQL expression: {str(error).partition(chr(10))[0]}") from error
    except RecursionError as error:
        raise RuleError("not an SQL expression: nested too deeply") from error
    kind = kind_of(node)
    if expected is not None and kind != expected:
        raise RuleError(f"gives a {kind}, but a {expected} is expected")
    return Condition(text, node)


@dataclass(frozen=True)
class _Reader:
    """Turns what the SQL parser made of a condition into nodes; what the allow-list lacks is refused."""

    names: Mapping[str, Name]

    def read(self, node: exp.Expr) -> Node:
        match node:
            case exp.Paren():
                return self.read(node.this)
            case exp.Boolean():
                return Constant(bool(node.this))
            case exp.Literal():
                return _literal(node)
            case exp.Column() if not node.table:
                found = self._named(node.name)
                return Column(found.column, found.kind)
            case exp.And() | exp.Or():
                parts = self._parts("bool", _flat(node), node)
                return AtLeast(len(parts) if isinstance(node, exp.And) else 1, parts)
            case exp.Not():
                return Not(self._part("bool", node.this, node))
            case exp.Is() if isinstance(node.expression, exp.Null):
                return IsUnknown(self.read(node.this))
            case exp.EQ() | exp.NEQ():
                left, right = self._alike([node.left, node.right], node)
                if kind_of(left) not in ("number", "category"):
                    raise RuleError(
                        f"{_shown(node)}: compare numbers or words; write a bool by itself"
                    )
                return Compare(_RELATIONS[type(node)], left, right)
            case exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
                return Compare(
                    _RELATIONS[type(node)], *self._parts("number", [node.left, node.right], node)
                )
            case exp.Between():
                ends = [node.this, node.args["low"], node.args["high"]]
                return Between(*self._parts("number", ends, node))
            case exp.In() if node.expressions:
                return self._one_of(node)
            case exp.Coalesce():
                return Coalesce(self._alike([node.this, *node.expressions], node))
            case exp.Nullif():
                return NullIf(*self._alike([node.this, node.expression], node))
            case exp.Case() if node.this is None:
                return self._case(node)
            case exp.Abs():
                return Signed("absolute", self._part("number", node.this, node))
            case exp.Neg():
                return Signed("negated", self._part("number", node.this, node))
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
                return self._arithmetic(node)
            case exp.Anonymous() if node.name.lower() == "n_of":
                return self._at_least(node)
        raise RuleError(f"{_shown(node)}: this form of SQL is not allowed in a condition")

    def _named(self, name: str) -> Name:
        if name in self.names:
            return self.names[name]
        near = get_close_matches(name, self.names, n=1)
        raise RuleError(f"unknown name {name}" + (f"; did you mean {near[0]}?" if near else ""))

    def _part(self, kind: Kind, part: exp.Expr, node: exp.Expr) -> Node:
        found = self.read(part)
        if kind_of(found) != kind:
            raise RuleError(f"{_shown(node)}: {_shown(part)} is a {kind_of(found)}, not a {kind}")
        return found

    def _parts(self, kind: Kind, parts: Sequence[exp.Expr], node: exp.Expr) -> tuple[Node, ...]:
        return tuple(self._part(kind, part, node) for part in parts)

    def _alike(self, parts: Sequence[exp.Expr], node: exp.Expr) -> tuple[Node, ...]:
        first = self.read(parts[0])
        return (first, *self._parts(kind_of(first), parts[1:], node))

    def _one_of(self, node: exp.In) -> Node:
        if not all(isinstance(one, exp.Literal) for one in node.expressions):
            raise RuleError(f"{_shown(node)}: IN takes a list of numbers or words")
        part, *options = self._alike([node.this, *node.expressions], node)
        return OneOf(part, tuple(one for one in options if isinstance(one, Constant)))

    def _case(self, node: exp.Case) -> Node:
        branches = node.args["ifs"]
        when = self._parts("bool", [branch.this for branch in branches], node)
        values = [branch.args["true"] for branch in branches]
        default = node.args.get("default")
        then = self._alike([*values, default] if default else values, node)
        ways = tuple(Branch(*one) for one in zip(when, then, strict=False))
        return Case(ways, then[-1] if default else None)

    def _arithmetic(self, node: exp.Binary) -> Node:
        left, right = self._parts("number", [node.left, node.right], node)
        if isinstance(node, exp.Div) and not _guarded(right):
            raise RuleError(f"{_shown(node)}: divide by NULLIF(x, 0), x being a finding")
        return Arithmetic(_OPERATIONS[type(node)], left, right)

    def _at_least(self, node: exp.Anonymous) -> Node:
        least, *options = node.expressions
        if not (isinstance(least, exp.Literal) and least.is_int):
            raise RuleError(f"{_shown(node)}: n_of starts with a whole number")
        wanted = int(least.this)
        if not 1 <= wanted <= len(options):
            raise RuleError(f"{_shown(node)}: n_of({wanted}, …) has {len(options)} options")
        return AtLeast(wanted, self._parts("bool", options, node))


def _literal(node: exp.Literal) -> Constant:
    return Constant(str(node.this) if node.is_string else float(node.this))


def _flat(node: exp.Connector) -> list[exp.Expr]:
    """Return the parts of a chain of ANDs or ORs as one list; a part in brackets stays one part."""
    parts: list[exp.Expr] = []
    for side in (node.left, node.right):
        parts += _flat(side) if type(side) is type(node) else [side]
    return parts


def _guarded(divisor: Node) -> bool:
    """Tell whether a divisor is safe: not zero, and not a number, by which Polars divides inexactly."""
    if not (isinstance(divisor, NullIf) and divisor.value == Constant(0.0)):
        return False
    return any(isinstance(one, Column) for one in walk(divisor.part))


def _shown(node: exp.Expr) -> str:
    return node.sql(dialect=DIALECT)
