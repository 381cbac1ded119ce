"""Doses as people write them: an amount per body size and time, and how often it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from pydantic import Field

from myoresist.knowledge.schema import Entry

Measure = Literal["mass", "activity", "count"]
Body = Literal["kg", "m2"]

_EVERY = re.compile(r"(?:every|each|q) ?(\d+) ?([a-z]+)")
_TIMES = re.compile(r"(\d+) ?(?:x|times) ?(?:per|a|/)? ?([a-z]+)")
_OUT_OF = re.compile(r"(\d+) ?([a-z]+) every (\d+) ?([a-z]+)")
MOST_ASKED = 1_000
"""Units and frequencies of which is kept how they are read."""
MOST_DIGITS = 4
"""Figures of a number of days, weeks or months; one with more is no pause between doses."""
LOCAL = "local"
"""What ``DoseWords.route`` says of a drug that is only applied locally."""
_DAILY = {"daily": "day", "weekly": "week", "monthly": "month"}


class Amount(Entry):
    """A unit of amount and what one of it is in the unit that is kept."""

    id: str
    measure: Measure
    factor: float = Field(gt=0)
    words: tuple[str, ...]


class BodySize(Entry):
    """A measure of body size that a dose may be given by."""

    id: Body
    words: tuple[str, ...]


class Period(Entry):
    """A length of time."""

    days: int = Field(gt=0)
    words: tuple[str, ...]


class Frequency(Period):
    """How often a dose is given: ``times`` in ``days``."""

    times: int = Field(gt=0)


class DoseWords(Entry):
    """The words in which doses, frequencies and routes are written (``drugs/doses.yaml``)."""

    amounts: tuple[Amount, ...]
    bodies: tuple[BodySize, ...]
    periods: tuple[Period, ...]
    frequencies: tuple[Frequency, ...]
    single: tuple[str, ...]
    routes: Mapping[str, tuple[str, ...]]
    strengths: tuple[str, ...] = ()
    pulses: tuple[str, ...] = ()
    pulsed: Mapping[str, str] = {}

    def unit(self, text: str) -> DoseUnit | None:
        """Read a unit such as ``mg``, ``mg/kg/day`` or ``g/kg/4 weeks``; ``None`` if it is none."""
        return self._remembered_unit(text)

    def frequency(self, text: str) -> Interval | None:
        """Read a frequency such as ``weekly`` or ``every 4 weeks``; ``None`` if it is none."""
        return self._remembered_frequency(text)

    # The same units and frequencies come again and again.
    @cached_property
    def _remembered_unit(self) -> Callable[[str], DoseUnit | None]:
        return lru_cache(MOST_ASKED)(self._unit)

    @cached_property
    def _remembered_frequency(self) -> Callable[[str], Interval | None]:
        return lru_cache(MOST_ASKED)(self._frequency)

    def _unit(self, text: str) -> DoseUnit | None:
        first, *rest = [part.strip() for part in re.split(r"/| per ", text.lower().strip())]
        amount = self._amounts.get(first)
        if amount is None:
            return None
        body: Body | None = None
        days: int | None = None
        for part in rest:
            size, time = self._bodies.get(part), self._days(part)
            if size and body is None and days is None:
                body = size
            elif time and days is None:
                days = time
            else:
                return None
        return DoseUnit(amount.measure, amount.factor, body, days)

    def _frequency(self, text: str) -> Interval | None:
        plain = " ".join(text.lower().split())
        if plain in self.single:
            return Interval(1, None)
        known = self._frequencies.get(plain)
        if known:
            return Interval(known.times, known.days)
        if match := _OUT_OF.fullmatch(plain):
            given, every = (
                self._days(f"{match[1]} {match[2]}"),
                self._days(f"{match[3]} {match[4]}"),
            )
            return Interval(given, every) if given and every else None
        if match := _EVERY.fullmatch(plain):
            days = self._days(f"{match[1]} {match[2]}")
            return Interval(1, days) if days else None
        if match := _TIMES.fullmatch(plain):
            days = self._days(_DAILY.get(match[2], match[2]))
            return Interval(int(match[1]), days) if days and int(match[1]) else None
        return None

    def is_single(self, text: str) -> bool:
        """Tell whether a frequency is that of a single dose."""
        often = self.frequency(text)
        return often is not None and often.days is None

    def clash(self, unit: str, frequency: str) -> str | None:
        """Say why a dose cannot be given as often as written: 15 mg/day is not taken weekly."""
        amount, often = self.unit(unit), self.frequency(frequency)
        if amount is None or often is None or amount.days is None:
            return None
        if often.days is not None and often.days > amount.days:
            return "is less often than its unit says; write the amount of a dose, or leave one out"
        return None

    def route(self, text: str, local: Iterable[str]) -> str | None:
        """Read a route: a key of ``routes``, ``local`` for a word of ``local``, else ``None``."""
        plain = " ".join(text.lower().split())
        if not set(re.findall(r"\w+", plain)).isdisjoint(local):
            return LOCAL
        return next((id_ for id_, words in self.routes.items() if plain in words), None)

    @cached_property
    def _amounts(self) -> dict[str, Amount]:
        return {word: one for one in self.amounts for word in one.words}

    @cached_property
    def _bodies(self) -> dict[str, Body]:
        return {word: one.id for one in self.bodies for word in one.words}

    @cached_property
    def _frequencies(self) -> dict[str, Frequency]:
        return {word: one for one in self.frequencies for word in one.words}

    def _days(self, text: str) -> int | None:
        """Return the days of a time such as ``week`` or ``4 weeks``."""
        match = re.fullmatch(r"(\d*) ?([a-z]+)", text)
        one = match and next((p.days for p in self.periods if match[2] in p.words), None)
        days = int(match[1] or 1) * one if match and one and len(match[1]) < MOST_DIGITS else 0
        return days or None


@dataclass(frozen=True)
class DoseUnit:
    """A unit of dose.

    Attributes:
        measure: what is measured; masses are kept in mg.
        factor: what one of the unit is in the unit that is kept.
        body: the body size by which the dose is given.
        days: the days on which the dose spreads, when the unit says so.
    """

    measure: Measure
    factor: float
    body: Body | None
    days: int | None


@dataclass(frozen=True)
class Interval:
    """How often a dose is given: ``times`` in ``days``; a single dose has no ``days``."""

    times: int
    days: int | None
