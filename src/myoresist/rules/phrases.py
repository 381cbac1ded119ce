"""A condition in plain English, for a reader who does not read SQL."""

from __future__ import annotations

from collections.abc import Sequence

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
    Phrase,
    Signed,
)

_RELATIONS: dict[Comparison, str] = {
    ">": "above", ">=": "at least", "<": "below", "<=": "at most", "=": "=", "<>": "other than",
}  # fmt: skip
_SIGNS: dict[Operation, str] = {"+": "+", "-": "−", "*": "×", "/": "÷"}


def in_words(node: Node, phrase: Phrase) -> str:
    """Return a condition in words.

    Args:
        node: the condition.
        phrase: what to call each column.
    """

    def say(part: Node) -> str:
        return in_words(part, phrase)

    match node:
        case Column(name=name):
            return phrase(name)
        case Constant(value=bool(value)):
            return "present" if value else "absent"
        case Constant(value=float(value)):
            return f"{value:g}"
        case Constant(value=value):
            return str(value)
        case AtLeast() if node.is_and or node.is_or:
            return (" and " if node.is_and else " or ").join(
                f"({say(one)})" if _joins(one) else say(one) for one in node.parts
            )
        case AtLeast(least=least, parts=parts):
            return f"at least {least} of [{'; '.join(say(one) for one in parts)}]"
        case Not(part=IsUnknown(part=part)):
            return f"{say(part)} is known"
        case Not(part=Coalesce(parts=(Not(part=part), Constant(value=False)))):
            return f"{say(part)} not known to be absent"
        case Not(part=Coalesce(parts=(Column() as part, Constant(value=False)))):
            return f"{say(part)} not known to be present"
        case Not(part=part):
            said = f"({say(part)})" if _joins(part) else say(part)
            # What is put into brackets or quotation marks is no noun.
            return f"{'not' if said[0] in '(“' else 'no'} {said}"
        case IsUnknown(part=part):
            return f"{say(part)} is not known"
        case Between(part=part, low=low, high=high):
            return f"{say(part)} from {say(low)} to {say(high)}"
        case OneOf(part=part, options=options):
            return f"{say(part)} one of {', '.join(say(one) for one in options)}"
        case Coalesce(parts=parts):
            return _coalesced(parts, phrase)
        case Case(branches=branches, otherwise=otherwise):
            ways = [f"{say(one.then)} if {say(one.when)}" for one in branches]
            return "; ".join([*ways, f"otherwise {say(otherwise) if otherwise else 'unknown'}"])
        case NullIf(part=part):
            return say(part)
        case Signed(sign="absolute", part=part):
            return f"the size of {say(part)}"
        case Signed(part=part):
            return f"−{say(part)}"
        case Compare(relation=relation, left=left, right=right):
            return f"{say(left)} {_RELATIONS[relation]} {say(right)}"
        case Arithmetic(operation=operation, left=left, right=right):
            return f"{say(left)} {_SIGNS[operation]} {say(right)}"
    raise TypeError(f"{node} cannot be said by itself")


def _joins(node: Node) -> bool:
    """Tell whether a part has to stand in brackets."""
    return isinstance(node, AtLeast) and len(node.parts) > 1 and (node.is_and or node.is_or)


def _coalesced(parts: Sequence[Node], phrase: Phrase) -> str:
    said = [in_words(one, phrase) for one in parts]
    match parts:
        case (_, *_, Constant(value=bool(default))):
            return f"{said[0]} (if unknown: {'present' if default else 'absent'})"
    return " or, if unknown, ".join(said)
