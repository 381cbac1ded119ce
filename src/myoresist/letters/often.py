"""How often a drug is given, and by which route, in the words beside its dose."""

from __future__ import annotations

import re

from myoresist.letters.drugs import DrugWords
from myoresist.letters.numbers import NUMBERS

_EVERY = re.compile(
    r"\b(?:every|each|q)\s?(?P<n>\d+|two|three|four|five|six|eight|ten|twelve)\s?-?(?P<unit>weeks?|"
    r"wks?|w\b|months?|days?|d\b)"
    r"|\b(?P<n2>\d+|two|three|four|five|six|eight|ten|twelve)\s?-?\s?(?P<unit2>week|month)ly\b"
    r"|\b(?:every|each|q)\s?(?P<n3>\d+)/52\b",
    re.IGNORECASE,
)
_OF_A_TIME = re.compile(r"/(?:day|week|month|d|w)")
_OVER_DAYS = re.compile(r"\s*(?:over|for) (?:\d|two|three|four|five) days")
_NEAR = 40
"""Letters behind a dose within which its route stands."""


class Often:
    """Reads how often and by which route."""

    def __init__(self, words: DrugWords) -> None:
        """Take the words about drugs."""
        self._often = [
            (_phrase(say, re.IGNORECASE), name)
            for name, group in words.often.items()
            for say in sorted(group, key=len, reverse=True)
        ]
        self._routes = [
            (_phrase(say, re.IGNORECASE if len(say) > 2 else re.NOFLAG), name)
            for name, group in words.routes.items()
            for say in group
        ]

    def often(self, text: str, unit: str | None) -> str | None:
        """Return how often, in the words of a case file.

        Args:
            text: the words beside a dose.
            unit: the unit of the dose; one that holds a time, such as mg/day, needs no other.
        """
        every = _EVERY.search(text)
        near = [(m.start(), -len(m[0]), name) for p, name in self._often if (m := p.search(text))]
        if every and not any(at < every.start() for at, _, _ in near):
            return _every(every)
        if near and unit and not _OF_A_TIME.search(unit):
            return min(near)[2]
        return "once" if unit == "g/kg" and _OVER_DAYS.match(text) else None

    def route(self, text: str) -> str | None:
        """Return the route that is named first, near the dose."""
        named = [
            (m.start(), name)
            for p, name in self._routes
            if (m := p.search(text)) and _alone(text, m.start())
        ]
        return min(named)[1] if named and min(named)[0] < _NEAR else None


def _alone(text: str, at: int) -> bool:
    """Tell whether a route is that of the dose, and not of what a comma parts from it.

    "5 mg, oral, daily" is; "prednisolone 7.5 mg, potent topical steroids" is not.
    """
    comma = text.rfind(",", 0, at)
    if comma < 0:
        return True
    return not text[comma + 1 : at].strip()


def _phrase(say: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """Return a pattern for whole words; "/week" may follow a unit."""
    if say[0] == "/":
        return re.compile(rf"{re.escape(say)}\b", flags)
    return re.compile(rf"(?<![\w/]){re.escape(say)}(?![\w/])", flags)


def _every(match: re.Match[str]) -> str:
    said = match["n"] or match["n2"] or match["n3"]
    count = NUMBERS.get(said.lower()) or int(said)
    unit = {"w": "week", "m": "month", "d": "day"}[
        (match["unit"] or match["unit2"] or "w")[0].lower()
    ]
    if count == 1:
        return {"week": "weekly", "month": "monthly", "day": "daily"}[unit]
    return f"every {count} {unit}s"
