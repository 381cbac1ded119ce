"""A condition as portable SQL again, for the engines that check ours: Polars, DuckDB and Spark."""

from __future__ import annotations

from myoresist.rules.nodes import (
    Arithmetic,
    AtLeast,
    Between,
    Case,
    Coalesce,
    Column,
    Compare,
    Constant,
    IsUnknown,
    Node,
    Not,
    NullIf,
    OneOf,
    Signed,
)


def to_sql(node: Node) -> str:
    """Return a condition as an SQL expression in which every name is quoted and ``n_of`` is spelt out."""
    match node:
        case Column(name=name):
            return f'"{name}"'
        case Constant(value=bool(value)):
            return "TRUE" if value else "FALSE"
        case Constant(value=float(value)):
            return repr(value)
        case Constant(value=str(value)):
            quoted = value.replace("'", "''")
            return f"'{quoted}'"
        case AtLeast():
            return _at_least(node)
        case Not(part=part):
            return f"(NOT {to_sql(part)})"
        case IsUnknown(part=part):
            return f"({to_sql(part)} IS NULL)"
        case (
            Compare(relation=sign, left=left, right=right)
            | Arithmetic(operation=sign, left=left, right=right)
        ):
            return f"({to_sql(left)} {sign} {to_sql(right)})"
        case Between(part=part, low=low, high=high):
            return f"({to_sql(part)} BETWEEN {to_sql(low)} AND {to_sql(high)})"
        case OneOf(part=part, options=options):
            return f"({to_sql(part)} IN ({', '.join(to_sql(one) for one in options)}))"
        case Coalesce(parts=parts):
            return f"COALESCE({', '.join(to_sql(one) for one in parts)})"
        case NullIf(part=part, value=value):
            return f"NULLIF({to_sql(part)}, {to_sql(value)})"
        case Signed(sign="absolute", part=part):
            return f"ABS({to_sql(part)})"
        case Signed(part=part):
            return f"(- {to_sql(part)})"
        case Case(branches=branches, otherwise=otherwise):
            ways = " ".join(f"WHEN {to_sql(x.when)} THEN {to_sql(x.then)}" for x in branches)
            last = f" ELSE {to_sql(otherwise)}" if otherwise is not None else ""
            return f"(CASE {ways}{last} END)"
    raise TypeError(f"{node} is no SQL by itself")


def _at_least(node: AtLeast) -> str:
    """Count by Kleene: true when enough are true, false when enough can no longer be, else NULL."""
    parts = [to_sql(one) for one in node.parts]
    if node.is_and or node.is_or:
        return f"({(' AND ' if node.is_and else ' OR ').join(parts)})"
    true = " + ".join(f"CASE WHEN {one} THEN 1 ELSE 0 END" for one in parts)
    possible = " + ".join(f"CASE WHEN NOT {one} THEN 0 ELSE 1 END" for one in parts)
    return f"(CASE WHEN {true} >= {node.least} THEN TRUE WHEN {possible} < {node.least} THEN FALSE END)"
