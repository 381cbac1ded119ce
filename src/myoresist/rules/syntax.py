"""Parse a condition and refuse everything on which SQL engines could differ.

Conditions are SQL expressions over named columns. Unknown is NULL and logic is Kleene's. The forms allowed
here give the same answer, NULLs included, on Polars, DuckDB and Spark; what is not listed is refused, among
it ``IS TRUE`` (Polars differs), ``GREATEST`` and ``LEAST`` (they skip unknowns) and bare division.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Kind = Literal["bool", "number", "category", "date"]
DIALECT = "duckdb"

_COMPARISONS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ, exp.Between, exp.In)


class RuleError(ValueError):
    """A condition that cannot be used; the message says why."""


@dataclass(frozen=True)
class Name:
    """What a name in a condition stands for: a column of the table and its kind."""

    column: str
    kind: Kind


@dataclass(frozen=True)
class Condition:
    """A checked condition: as written, its parse tree with resolved columns, and the kind of its value."""

    text: str
    tree: exp.Expr
    kind: Kind

    @property
    def reads(self) -> frozenset[str]:
        """Return the columns that the condition names."""
        return frozenset(column.name for column in self.tree.find_all(exp.Column))

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Return the columns of a condition that says no more than that any of them is true, else nothing."""
        parts = tuple(self.tree.flatten()) if isinstance(self.tree, exp.Or) else ()
        names = tuple(part.name for part in parts if isinstance(part, exp.Column))
        return names if len(names) == len(parts) else ()

    def asked_for(self) -> Condition | None:
        """Return the condition that any finding is present which this one asks for, not what it rules out."""
        asked = [part.copy() for part in _asked_for(self.tree)]
        if not asked:
            return None
        tree = asked[0] if len(asked) == 1 else exp.or_(*asked)
        return Condition(tree.sql(dialect=DIALECT), tree, "bool")

    def sql(self) -> str:
        """Return the condition as portable SQL, with macros expanded."""
        return self.tree.transform(_expanded).sql(dialect=DIALECT)

    def thresholds(self) -> dict[str, set[float]]:
        """Return the numbers with which each column is compared directly."""
        found: dict[str, set[float]] = {}
        for node in self.tree.find_all(*_COMPARISONS):
            columns = [part for part in node.iter_expressions() if isinstance(part, exp.Column)]
            numbers = [
                float(part.this)
                for part in node.iter_expressions()
                if isinstance(part, exp.Literal) and not part.is_string
            ]
            for column in columns:
                found.setdefault(column.name, set()).update(numbers)
        return {column: numbers for column, numbers in found.items() if numbers}


def _asked_for(node: exp.Expr) -> list[exp.Expr]:
    """Return the parts of a condition that have to be true, without those that it negates."""
    match node:
        case exp.Paren():
            return _asked_for(node.this)
        case exp.And() | exp.Or():
            return [*_asked_for(node.left), *_asked_for(node.right)]
        case exp.Column():
            return [node]
        case _:
            # A number that fits, such as an age, asks for nothing by itself.
            return []


def is_macro(node: exp.Expr) -> bool:
    """Tell whether a node is ``n_of(k, a, b, …)``: at least k of the arguments are true."""
    return isinstance(node, exp.Anonymous) and node.name.lower() == "n_of"


def parse(text: str, names: Mapping[str, Name], expected: Kind | None = "bool") -> Condition:
    """Parse and check one condition.

    Args:
        text: the SQL expression.
        names: what each name that may be used stands for.
        expected: the kind that the value must have; ``None`` allows any.

    Raises:
        RuleError: naming what is wrong and, for an unknown name, the nearest known one.
    """
    try:
        statements = sqlglot.parse(text, read=DIALECT)
    except (SqlglotError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise RuleError(f"not an SQL expression: {reason}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Expr):
        raise RuleError("exactly one SQL expression is expected")
    tree = statements[0]
    kind = _kind(tree, names)
    if expected is not None and kind != expected:
        raise RuleError(f"gives a {kind}, but a {expected} is expected")

    def resolve(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return exp.column(exp.to_identifier(names[node.name].column, quoted=True))
        return node

    return Condition(text=text, tree=tree.transform(resolve), kind=kind)


def _kind(node: exp.Expr, names: Mapping[str, Name]) -> Kind:
    """Return the kind of a node's value; raise RuleError for whatever the allow-list does not hold."""
    match node:
        case exp.Paren():
            return _kind(node.this, names)
        case exp.Boolean():
            return "bool"
        case exp.Literal():
            return "category" if node.is_string else "number"
        case exp.Column() if not node.table:
            return _named(node.name, names).kind
        case exp.And() | exp.Or():
            _require("bool", [node.left, node.right], names, node)
            return "bool"
        case exp.Not():
            _require("bool", [node.this], names, node)
            return "bool"
        case exp.Is() if isinstance(node.expression, exp.Null):
            _kind(node.this, names)
            return "bool"
        case exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
            _require("number", [node.left, node.right], names, node)
            return "bool"
        case exp.EQ() | exp.NEQ():
            kind = _same([node.left, node.right], names, node)
            if kind not in ("number", "category"):
                raise RuleError(f"{_shown(node)}: compare numbers or words; write a bool by itself")
            return "bool"
        case exp.Between():
            _require("number", [node.this, node.args["low"], node.args["high"]], names, node)
            return "bool"
        case exp.In() if node.expressions:
            if not all(isinstance(one, exp.Literal) for one in node.expressions):
                raise RuleError(f"{_shown(node)}: IN takes a list of numbers or words")
            _same([node.this, *node.expressions], names, node)
            return "bool"
        case exp.Coalesce():
            return _same([node.this, *node.expressions], names, node)
        case exp.Nullif():
            return _same([node.this, node.expression], names, node)
        case exp.Case() if node.this is None:
            branches = node.args["ifs"]
            _require("bool", [branch.this for branch in branches], names, node)
            values = [branch.args["true"] for branch in branches]
            default = node.args.get("default")
            return _same([*values, default] if default else values, names, node)
        case exp.Abs() | exp.Neg():
            _require("number", [node.this], names, node)
            return "number"
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
            _require("number", [node.left, node.right], names, node)
            if isinstance(node, exp.Div) and not _guarded(node.right):
                raise RuleError(f"{_shown(node)}: divide by NULLIF(x, 0), x being a finding")
            return "number"
        case exp.Anonymous() if is_macro(node):
            least, *options = node.expressions
            if not (isinstance(least, exp.Literal) and least.is_int):
                raise RuleError(f"{_shown(node)}: n_of starts with a whole number")
            if not 1 <= int(least.this) <= len(options):
                raise RuleError(f"{_shown(node)}: n_of({least.this}, …) has {len(options)} options")
            _require("bool", options, names, node)
            return "bool"
    raise RuleError(f"{_shown(node)}: this form of SQL is not allowed in a condition")


def _named(name: str, names: Mapping[str, Name]) -> Name:
    if name in names:
        return names[name]
    near = get_close_matches(name, names, n=1)
    raise RuleError(f"unknown name {name}" + (f"; did you mean {near[0]}?" if near else ""))


def _require(kind: Kind, parts: list[exp.Expr], names: Mapping[str, Name], node: exp.Expr) -> None:
    for part in parts:
        found = _kind(part, names)
        if found != kind:
            raise RuleError(f"{_shown(node)}: {_shown(part)} is a {found}, not a {kind}")


def _same(parts: list[exp.Expr], names: Mapping[str, Name], node: exp.Expr) -> Kind:
    first = _kind(parts[0], names)
    _require(first, parts[1:], names, node)
    return first


def _guarded(node: exp.Expr) -> bool:
    """Tell whether a divisor is safe: not zero, and not a number, by which Polars divides inexactly."""
    zero = isinstance(node, exp.Nullif) and node.expression.sql() == "0"
    return zero and any(node.this.find_all(exp.Column))


def _shown(node: exp.Expr) -> str:
    return node.sql(dialect=DIALECT)


def _expanded(node: exp.Expr) -> exp.Expr:
    """Replace ``n_of`` by plain SQL that is true, false or NULL as Kleene's counting asks."""
    if not is_macro(node):
        return node
    least, *options = node.expressions
    options = [one.transform(_expanded) for one in options]
    wanted = int(least.this)
    if wanted == 1:
        return exp.paren(exp.or_(*options))
    if wanted == len(options):
        return exp.paren(exp.and_(*options))
    known = " + ".join(f"CASE WHEN {_shown(one)} THEN 1 ELSE 0 END" for one in options)
    open_ = " + ".join(f"CASE WHEN NOT ({_shown(one)}) THEN 0 ELSE 1 END" for one in options)
    counted = f"CASE WHEN {known} >= {wanted} THEN TRUE WHEN {open_} < {wanted} THEN FALSE END"
    return sqlglot.parse_one(counted, read=DIALECT)
