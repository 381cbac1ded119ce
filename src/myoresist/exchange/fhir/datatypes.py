"""Data types of FHIR: concepts, dates, quantities and ranges, as far as they say one thing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from myoresist.case.dates import PartialDate
from myoresist.case.reading import packaged_terms
from myoresist.exchange.codes import Coding
from myoresist.exchange.fhir.bundle import Resource, listed

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
LONGEST = len("2000-01-31")
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_BOUND = re.compile(rf"\s*(<=?|>=?)\s*({_NUMBER})\s*(.*)")
_RANGE = re.compile(rf"\s*({_NUMBER})\s*(?:-|–|to)\s*({_NUMBER})\s*(.*)")
_ANNOTATION = re.compile(r"\{[^}]*\}")
REMEMBERED = 10_000
"""Concepts, days and units of which is kept how they are read: the same ones come again and again."""


class Quantity(NamedTuple):
    """A number with its unit; ``comparator`` says that it is only a bound."""

    value: float
    units: tuple[str, ...]
    comparator: str = ""


@dataclass(frozen=True)
class Limits:
    """Limits of normal, in the units in which they are given; without any, in that of the value."""

    low: float | None
    high: float | None
    units: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Concept:
    """A CodeableConcept. Those that say the same are one object, so that what they mean is soon found again.

    Attributes:
        codings: its codes.
        words: its text, or the display of its first code that has one.
        named: how to speak of it: its words, else its first code.
        code: its first code, for the small code systems of FHIR itself.
    """

    codings: tuple[Coding, ...]
    words: str
    named: str
    code: str


def concept(value: object) -> Concept:
    """Return a CodeableConcept; what is none says nothing."""
    if not isinstance(value, dict):
        return _NOTHING
    told, text = [], value.get("text")
    for one in listed(value, "coding"):
        system, code, display = one.get("system"), one.get("code"), one.get("display", "")
        if isinstance(system, str) and isinstance(code, str):
            told.append((system, code, display if isinstance(display, str) else str(display or "")))
        elif isinstance(display, str) and not isinstance(text, str):
            # Without a system it is no code, and its words are still told.
            text = display
    return _concept(text if isinstance(text, str) else "", *told)


@lru_cache(maxsize=REMEMBERED)
def _concept(text: str, *told: tuple[str, str, str]) -> Concept:
    codings = tuple(Coding(*x) for x in told)
    words = text.strip() or next((x.display for x in codings if x.display), "")
    first = codings[0].code if codings else ""
    return Concept(codings, words, words or first or "without a code", first)


_NOTHING = _concept("")


def codings(value: object) -> tuple[Coding, ...]:
    """Return the codes of a CodeableConcept."""
    return concept(value).codings


def words(value: object) -> str:
    """Return the text of a CodeableConcept, or the display of its first code."""
    return concept(value).words


def named(value: object) -> str:
    """Return how to speak of a concept: its text, else its first code."""
    return concept(value).named


def code(value: object) -> str:
    """Return the first code of a concept, for the small code systems of FHIR itself."""
    return concept(value).code


def day(value: object) -> str | None:
    """Return a date as precise as it is written; a time keeps the local day that it names.

    What is no day of the calendar, or none that a record can hold, is none.
    """
    if not isinstance(value, str):
        return None
    text, _, time = value.partition("T")
    return _day(text) if len(text) <= LONGEST and "\n" not in time else None


@lru_cache(maxsize=REMEMBERED)
def _day(text: str) -> str | None:
    found = _DATE.fullmatch(text)
    try:
        day = PartialDate.parse("-".join(x for x in found.groups() if x)) if found else None
    except ValueError:
        return None
    return None if day is None or packaged_terms().calendar.wrong(day) else str(day)


def misdated(one: Resource, keys: Iterable[str]) -> list[str]:
    """Return the dates of a resource that cannot be read, as they are written."""
    found = []
    for key in keys:
        held = one.get(key)
        if held is None:
            continue
        parts = [held.get(x) for x in ("start", "end")] if isinstance(held, dict) else [held]
        found += [str(x) for x in parts if x is not None and day(x) is None]
    return found


def when(one: Resource, *keys: str) -> str | None:
    """Return the first date that a resource gives under some keys; a period counts with its start."""
    for key in keys:
        value = one.get(key)
        if value is None:
            continue
        found = day(value.get("start")) if isinstance(value, dict) else day(value)
        if found:
            return found
    return None


def quantity(value: object) -> Quantity | None:
    """Return a Quantity; ``None`` if it has no number."""
    if not isinstance(value, dict):
        return None
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    comparator = value.get("comparator") or ""
    try:
        read = float(number)
    except OverflowError:
        return None
    return Quantity(read, units(value), str(comparator)) if math.isfinite(read) else None


def units(value: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the unit by its code and by its text, without annotations."""
    told = (value.get("code"), value.get("unit"))
    return _units(*(x if isinstance(x, str) else "" for x in told))


@lru_cache(maxsize=REMEMBERED)
def _units(*told: str) -> tuple[str, ...]:
    plain = (_ANNOTATION.sub("", x).strip() for x in told)
    return tuple(dict.fromkeys(x for x in (*told, *plain) if x))


def quantity_in(text: str) -> Quantity | None:
    """Return a bound or number that is written as text, such as ``< 7 U/L``; else ``None``."""
    bound = _BOUND.fullmatch(text)
    if bound:
        return Quantity(float(bound[2]), (bound[3],) if bound[3] else (), bound[1])
    # A titre, a date or a fraction begins with a number and is another one.
    plain = re.fullmatch(rf"\s*({_NUMBER})\s*((?:[^\W\d]|[%°\[({{]).*)?", text)
    return Quantity(float(plain[1]), (plain[2],) if plain[2] else ()) if plain else None


def limits(one: Resource) -> Limits | None:
    """Return the limits of normal: one range for everybody that agrees with its own text; else ``None``."""
    general = [
        x
        for x in listed(one, "referenceRange")
        if not x.get("appliesTo")
        and not x.get("age")
        and (x.get("type") is None or code(x["type"]) in ("", "normal"))
    ]
    if len(general) != 1:
        return None
    (only,) = general
    low, high = quantity(only.get("low")), quantity(only.get("high"))
    told = (low.value if low else None, high.value if high else None)
    text = only.get("text")
    read = _range_in(text) if isinstance(text, str) else None
    if low is None and high is None:
        return Limits(*read) if read else None
    if read and read != told:
        return None
    first = high or low
    return Limits(*told, first.units if first else ())


def _range_in(text: str) -> tuple[float | None, float | None] | None:
    """Read ``0-220``, ``<=10`` or ``>5`` as limits."""
    both = _RANGE.fullmatch(text)
    if both:
        return float(both[1]), float(both[2])
    bound = _BOUND.fullmatch(text)
    if not bound:
        return None
    value = float(bound[2])
    return (None, value) if bound[1].startswith("<") else (value, None)
