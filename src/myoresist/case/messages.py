"""What a case file is told of its mistakes: what is wrong, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, TypeGuard, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from myoresist.case.cells import BOUND
from myoresist.case.model import Case
from myoresist.document import plain_value, shown


def message(error: ErrorDetails) -> str:
    """Say what is wrong, and what to write instead, for an error of the model."""
    kind, value = error["type"], error.get("input")
    key = str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        fields = _fields_at(Case, error["loc"][:-1])
        if key.isdecimal():
            return "is no key; a comma parts what stands between braces, so write a number as 1200 or 0.5"
        near = get_close_matches(key, fields, n=1)
        return "unknown key; " + (
            f"did you mean {near[0]}?" if near else f"known are {', '.join(fields)}"
        )
    if kind == "missing":
        return "is missing"
    if kind in ("string_too_short", "too_short"):
        return "is empty"
    if kind == "literal_error":
        choices = re.sub("'([^']*)'", _choice, error["ctx"]["expected"])
        return f"{shown(value)} is not one of the choices; write {choices}"
    if kind.startswith("float") or kind == "finite_number":
        said = quoted(value)
        if said.startswith(("<", ">", "≤", "≥")):
            return f"{said} {BOUND}; write unknown, and the limit into notes"
        quotes = " without quotes" if said.startswith('"') else ""
        return f"{said} is not a number; write a number{quotes}"
    if kind.startswith("bool"):
        return f"{shown(value)} is not an answer; write yes or no"
    if kind.startswith("string"):
        plain = isinstance(value, bool | int | float)
        return f"{shown(value)} is not text; put it in quotes" if plain else "must be text"
    if kind in ("tuple_type", "list_type"):
        return "must be a list; begin each entry with -"
    if kind in ("model_type", "model_attributes_type", "mapping_type", "dict_type"):
        return "must have keys of its own, such as key: value"
    if kind == "greater_than":
        return f"{shown(value)} is impossible; it must be above {error['ctx']['gt']:g}"
    if kind == "greater_than_equal":
        return f"{shown(value)} is impossible; it must be at least {error['ctx']['ge']:g}"
    return error["msg"].removeprefix("Value error, ")


def unknown(name: str, known: tuple[str, ...]) -> str | None:
    """Say that a name is not one of those known, and which it may have been."""
    if name in known:
        return None
    near = get_close_matches(name, known, n=1)
    return "unknown name; " + (
        f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    )


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def either(words: Any) -> str:
    """Return words as a choice."""
    listed = list(words)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


def quoted(value: object) -> str:
    """Return a value as it is shown where a number is asked: in quotes if these are the mistake."""
    looks_right = isinstance(value, str) and is_number(plain_value(value))
    return f'"{shown(value)}"' if looks_right else shown(value)


def _fields_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the part of the model at ``path`` may have."""
    for part in path:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        for kind in _inner(model.model_fields[part].annotation):
            model = kind
    return list(model.model_fields)


def _inner(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _inner(part)


def _choice(found: re.Match[str]) -> str:
    """Return a choice as one writes it: in quotes where it holds a comma."""
    return f'"{found[1]}"' if "," in found[1] else found[1]
