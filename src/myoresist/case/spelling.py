"""Answers and numbers in quotes, as programs write them, and words with capitals: what they stand for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from myoresist.case import cells
from myoresist.case.catalogue import Finding
from myoresist.case.model import UNKNOWN, Answer, Case
from myoresist.case.terms import Terms
from myoresist.document import Document, Path_, plain_value

Known = Callable[[str], Finding | None]


def respelled(document: Document, terms: Terms) -> Document:
    """Return a document in which "yes" is yes, "9000" is 9000 and Unknown is unknown.

    A number whose point may divide thousands stays as it is spelled, for whoever knows its unit.
    """

    def known(name: str) -> Finding | None:
        return terms.catalogue.findings.get(name)

    spelled: dict[Path_, str] = dict(document.spelled)
    data = _part(document.data, Case, (), known, spelled)
    return replace(document, data=data, spelled=spelled)


def _part(
    data: Any, model: type[BaseModel], path: Path_, known: Known, spelled: dict[Path_, str]
) -> Any:
    if not isinstance(data, Mapping):
        return data
    fields = _fields(model)
    found = {
        key: _value(value, fields.get(key, ()), (*path, key), known, spelled)
        for key, value in data.items()
    }
    # What has to be there may be unknown, but may not be forgotten.
    needed = {key for key, one in model.model_fields.items() if one.is_required()}
    return {
        key: UNKNOWN if value is None and key in needed and isinstance(data[key], str) else value
        for key, value in found.items()
    }


def _value(
    value: Any, kinds: tuple[Any, ...], path: Path_, known: Known, spelled: dict[Path_, str]
) -> Any:
    """Return a value as the first kind that it fits."""
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if isinstance(value, list):
                return [
                    _part(one, kind, (*path, place), known, spelled)
                    for place, one in enumerate(value)
                ]
            return _part(value, kind, path, known, spelled)
        if get_origin(kind) is Mapping or kind is Mapping:
            return _mapping(value, kind, path, known, spelled)
    if not isinstance(value, str):
        return value
    for kind in kinds:
        if get_origin(kind) is Literal:
            return _word(value, get_args(kind))
        if kind is float:
            return _number(value, path, spelled)
        if kind is bool:
            return _answer(value)
    return value


def _mapping(value: Any, kind: Any, path: Path_, known: Known, spelled: dict[Path_, str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    inner = get_args(kind)[1] if get_args(kind) else None
    if inner == Answer:
        return {
            name: _finding(one, known(name), (*path, name), spelled) for name, one in value.items()
        }
    if float in _kinds(inner):
        return {
            name: _number(one, (*path, name), spelled) if isinstance(one, str) else one
            for name, one in value.items()
        }
    return value


def _finding(value: Any, finding: Finding | None, path: Path_, spelled: dict[Path_, str]) -> Any:
    if not isinstance(value, str) or finding is None:
        return value
    if cells.says_nothing(value):
        return UNKNOWN
    if finding.kind == "bool":
        return _answer(value)
    return (
        _number(value, path, spelled) if finding.kind == "number" else _word(value, finding.choices)
    )


def _answer(value: str) -> bool | str | None:
    said = cells.answer(value) if value.strip().isalpha() else None
    if said is None and cells.says_nothing(value):
        return None
    return value if said is None else said


def _number(value: str, path: Path_, spelled: dict[Path_, str]) -> float | str | None:
    if cells.says_nothing(value):
        return None
    found = plain_value(value.strip())
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return value
    if cells.may_be_thousands(value, None):
        spelled[path] = value.strip()
    return found


def _word(value: str, words: tuple[Any, ...]) -> str:
    return next((x for x in words if x.lower() == cells.plain(value)), value)


@cache
def _fields(model: type[BaseModel]) -> Mapping[str, tuple[Any, ...]]:
    return {name: tuple(_kinds(one.annotation)) for name, one in model.model_fields.items()}


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the plain kinds of which a field may be one."""
    origin = get_origin(annotation)
    if origin is Literal or (
        origin is not None and isinstance(origin, type) and issubclass(origin, Mapping)
    ):
        yield annotation
    elif get_args(annotation):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    elif isinstance(annotation, type) and annotation is not NoneType:
        yield annotation
