"""How one cell is read, whichever door it comes through: answers, numbers, dates and words.

A cell that says nothing is unknown. One that cannot be read, or that nobody can have meant, is refused with
what to write; it is never read as something near it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from myoresist.case.dates import NO_DATE, PartialDate
from myoresist.document import figure

Kind = Literal["text", "number", "yes_no", "date", "partial_date", "word"]
Value = bool | float | str | date
YES, NO = ("yes", "true", "1", "y"), ("no", "false", "0", "n")
EMPTY = ("", "unknown", "na", "null")
UNKNOWN = (*EMPTY, "n/a", "none", "nan", "not known", "not done", "nd")
CODES = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0)
"""Numbers that stand for a missing value in many a database, and are hardly ever measured."""
PERHAPS_CODES = (0.0, 99.0)
"""Numbers of years that may stand for a missing value, and may be meant."""
CODE = "is a usual code for a missing value; leave it out, or name the codes in a mapping file"
THOUSANDS = "may be thousands; write the figures without a point, or with other decimals"
COMMA = "has a comma; write a decimal point, or say in a mapping file what the comma is"
BOUND = "is a limit and no value"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_COMMA = re.compile(r"[+-]?[\d.]*,[\d.,]*")
_SLACK = timedelta(days=1)
"""It is tomorrow already elsewhere."""


class Read(NamedTuple):
    """What a cell says: a value, nothing, or why it cannot be read."""

    value: Value | None = None
    wrong: str | None = None


NOTHING = Read()


def plain(text: str) -> str:
    """Return a text without what people write in different ways."""
    return text.strip().lower()


def says_nothing(text: str) -> bool:
    """Tell whether a cell says that nothing is known."""
    return plain(text) in UNKNOWN


def answer(text: str) -> bool | None:
    """Return what a yes or no says; nothing for any other text."""
    word = plain(text).removesuffix(".0")
    return True if word in YES else False if word in NO else None


def may_be_thousands(text: str, highest: float | None) -> bool:
    """Tell whether the point of a number may divide thousands: 23.780 may be 23780.

    Args:
        text: the number as it is written.
        highest: what the number can be at most.
    """
    if not _THOUSANDS.fullmatch(text.strip()):
        return False
    whole = float(text.strip().replace(".", ""))
    return highest is None or whole <= highest


@dataclass(frozen=True)
class Calendar:
    """Which days can stand in a record.

    Attributes:
        earliest: the first one.
        today: the last one.
    """

    earliest: date
    today: date

    def wrong(self, when: PartialDate) -> str | None:
        """Say why a date cannot be one of a record."""
        if when.earliest > self.today + _SLACK:
            return "lies in the future; leave it out, as the end of what still goes on"
        if when.latest < self.earliest:
            return f"lies before {self.earliest.year}; leave out a date that is not known"
        return None


@dataclass(frozen=True)
class Column:
    """One kind of cell: the words or the range that it may hold.

    Attributes:
        kind: what it holds.
        words: words that it may hold.
        minimum: the lowest number, and ``maximum`` the highest.
        above: a number that it lies above.
        needed: whether a row says nothing without it.
        calendar: which days it may be.
        large: whether a point before three figures may divide thousands.
        by_unit: whether its unit decides that, so that it is asked later.
    """

    kind: Kind
    words: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    needed: bool = False
    calendar: Calendar | None = None
    large: bool = False
    by_unit: bool = False

    def read(self, text: str, codes_named: bool = False) -> Read:
        """Read a cell.

        Args:
            text: what it holds.
            codes_named: whether codes for a missing value are named elsewhere, so that none is suspected.
        """
        if self.kind == "text":
            # A name may be one of the other words, such as the initials of somebody.
            return NOTHING if plain(text) in EMPTY else Read(text.strip())
        if self.kind == "word":
            # A word of ours may be one that says nothing elsewhere.
            known = self._words.get(plain(text))
            if known is not None:
                return Read(known)
        if says_nothing(text):
            return NOTHING
        match self.kind:
            case "yes_no":
                said = answer(text)
                return Read(said) if said is not None else self._refused
            case "number":
                return self._number(text.strip(), codes_named)
            case "date" | "partial_date":
                return self._date(text)
        return self._refused

    def fits(self, value: float) -> bool:
        """Tell whether a number lies in the range."""
        return (
            math.isfinite(value)
            and (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
        )

    @property
    def expected(self) -> str:
        """Say what may be written."""
        limits = ""
        if self.minimum is not None and self.maximum is not None:
            limits = f" from {figure(self.minimum)} to {figure(self.maximum)}"
        elif self.above is not None:
            limits = f" above {figure(self.above)}"
            limits += f" and up to {figure(self.maximum)}" if self.maximum is not None else ""
        elif self.minimum is not None:
            limits = f" of at least {figure(self.minimum)}"
        return {
            "text": "text",
            "number": f"a number{limits}",
            "yes_no": "yes, no or unknown",
            "date": "a date such as 2023-05-17",
            "partial_date": "a date such as 2023-05-17, 2023-05 or 2023",
            "word": ", ".join(self.words),
        }[self.kind]

    @property
    def _refused(self) -> Read:
        return Read(None, f"write {self.expected}")

    @cached_property
    def _words(self) -> Mapping[str, str]:
        return {plain(word): word for word in self.words}

    def _number(self, text: str, codes_named: bool) -> Read:
        if not _NUMBER.fullmatch(text) or not text.isascii():
            if text.startswith(("<", ">", "≤", "≥")):
                return Read(None, BOUND)
            return Read(None, COMMA) if _COMMA.fullmatch(text) else self._refused
        value = float(text)
        if not codes_named and value in CODES:
            return Read(None, CODE)
        if not self.fits(value):
            return self._refused
        if self.large and may_be_thousands(text, self.maximum):
            return Read(None, THOUSANDS)
        return Read(value)

    def _date(self, text: str) -> Read:
        try:
            found = PartialDate.parse(text)
        except ValueError as error:
            # What a table says of its cells is the same for all of them.
            said = str(error).partition(f"{NO_DATE}; ")[2]
            return Read(None, said or f"write {self.expected}")
        wrong = self.calendar.wrong(found) if self.calendar else None
        if wrong:
            return Read(None, wrong)
        if self.kind == "partial_date":
            return Read(str(found))
        return Read(found.exact) if found.exact else self._refused
