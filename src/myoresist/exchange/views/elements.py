"""Which elements the types of FHIR R4 have (``knowledge/exchange/elements.json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from myoresist import knowledge

TEXTS = (
    "string", "code", "id", "uri", "url", "canonical", "oid", "uuid", "markdown", "base64Binary",
    "xhtml",
)  # fmt: skip
WHOLE = ("integer", "positiveInt", "unsignedInt")
NUMBERS = (*WHOLE, "decimal")
TIMES = ("date", "dateTime", "instant", "time")
PRIMITIVES = (*TEXTS, *NUMBERS, *TIMES, "boolean")


@dataclass(frozen=True)
class Element:
    """An element: its types, of which there are several where one is chosen, and whether it is a list."""

    types: tuple[str, ...]
    many: bool


@dataclass(frozen=True)
class Elements:
    """The elements of types and resources.

    Attributes:
        resources: the resources among the types.
    """

    resources: frozenset[str]
    _types: Mapping[str, Mapping[str, str]]

    def of(self, kind: str, name: str) -> Element | None:
        """Return an element of a type; ``None`` if it has none of this name."""
        said = self._types.get(kind, {}).get(name)
        if said is None:
            return None
        return Element(tuple(said.removesuffix("[]").split("|")), said.endswith("[]"))


@cache
def elements() -> Elements:
    """Return the packaged elements, read once."""
    path = knowledge.folder() / "exchange" / "elements.json"
    held = json.loads(path.read_text(encoding="utf-8"))
    return Elements(frozenset(held["resources"]), held["elements"])


def kind_of(primitive: str) -> str | None:
    """Return which values can be compared with those of a type: texts, numbers, times, truth."""
    if primitive in TEXTS:
        return "text"
    if primitive in NUMBERS:
        return "number"
    return primitive if primitive in (*TIMES, "boolean") else None
