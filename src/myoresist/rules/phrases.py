"""A condition in plain English, for a reader who does not read SQL."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from myoresist.rules.syntax import is_macro

_RELATIONS: dict[type[exp.Binary], str] = {
    exp.GT: "above", exp.GTE: "at least", exp.LT: "below", exp.LTE: "at most", exp.EQ: "=",
    exp.NEQ: "other than",
}  # fmt: skip
_SIGNS: dict[type[exp.Binary], str] = {exp.Add: "+", exp.Sub: "−", exp.Mul: "×", exp.Div: "÷"}


def in_words(node: exp.Expr, phrase: Callable[[str], str]) -> str:
    """Return a parsed condition in words.

    Args:
        node: the parse tree.
        phrase: what to call each column.
    """

    def say(part: exp.Expr) -> str:
        return in_words(part, phrase)

    def listed(parts: list[exp.Expr], joint: str) -> str:
        return joint.join(
            f"({say(part)})" if isinstance(part.unnest(), exp.And | exp.Or) else say(part)
            for part in parts
        )

    match node:
        case exp.Paren():
            return say(node.this)
        case exp.Column():
            return phrase(node.name)
        case exp.And():
            return listed(list(node.flatten(unnest=False)), " and ")
        case exp.Or():
            return listed(list(node.flatten(unnest=False)), " or ")
        case exp.Not():
            inner = node.this.unnest()
            if isinstance(inner, exp.Is):
                return f"{say(inner.this)} is known"
            return (
                f"not ({say(inner)})" if isinstance(inner, exp.And | exp.Or) else f"no {say(inner)}"
            )
        case exp.Is():
            return f"{say(node.this)} is not known"
        case exp.Anonymous() if is_macro(node):
            least, *options = node.expressions
            return f"at least {least.this} of [{'; '.join(say(one) for one in options)}]"
        case exp.Between():
            low, high = say(node.args["low"]), say(node.args["high"])
            return f"{say(node.this)} from {low} to {high}"
        case exp.In():
            return f"{say(node.this)} one of {', '.join(say(one) for one in node.expressions)}"
        case exp.Coalesce():
            default = node.expressions[-1]
            if isinstance(default, exp.Boolean):
                counts = "present" if default.this else "absent"
                return f"{say(node.this)} (if unknown: {counts})"
            return " or, if unknown, ".join(say(one) for one in (node.this, *node.expressions))
        case exp.Case():
            ways = [f"{say(b.args['true'])} if {say(b.this)}" for b in node.args["ifs"]]
            default = node.args.get("default")
            return "; ".join([*ways, f"otherwise {say(default) if default else 'unknown'}"])
        case exp.Nullif():
            return say(node.this)
        case exp.Boolean():
            return "present" if node.this else "absent"
        case exp.Literal():
            return str(node.this)
        case exp.Abs():
            return f"the size of {say(node.this)}"
        case exp.Neg():
            return f"−{say(node.this)}"
    assert isinstance(node, exp.Binary)
    relation = _RELATIONS.get(type(node)) or _SIGNS[type(node)]
    return f"{say(node.left)} {relation} {say(node.right)}"
