"""What the values of a column look like: numbers, dates and in which form, answers and in which code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import polars as pl

from myoresist.case.cells import CODES, says_nothing
from myoresist.case.dates import PartialDate

MOST_VALUES = 2000
"""Different values of a column that are looked at."""
MOST_ROWS = 50_000
"""Rows of a table that are looked at."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)([eE][+-]?\d+)?")
_WITH_UNIT = re.compile(r"([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*[^\d.,\s<>-]?[^\d<>]{0,12}")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:,\d{3})+\.\d+)")
_BOUND = re.compile(r"[<>≤≥]\s*\d+([.,]\d+)?")
_COMMA = re.compile(r"[+-]?\d*,(\d{1,2}|\d{4,})")
_POINT = re.compile(r"[+-]?\d*\.(\d{1,2}|\d{4,})")
ASKED = "asked"
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_COMMAS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_HIGH = 1000
"""A column with such a number holds no scores, whose decimals may be three."""
_BOTH = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2\d{4}")
_FORMS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%m.%d.%Y", "%Y/%m/%d", "%Y.%m.%d",
    "%m/%Y", "%m.%Y", "%m-%Y",
)  # fmt: skip
_ENOUGH = 0.8
"""Share of the values that have to be dates or numbers for a column of them."""
_DAYS = 31
_YEARS = (1900, 2100)
"""Years that may be meant."""


@dataclass(frozen=True)
class Profile:
    """A column: its name, and its different values, without blanks around them, with how often each is there.

    ``missing`` are codes for a missing value, in small letters.
    """

    name: str
    values: Mapping[str, int]
    missing: frozenset[str]

    @cached_property
    def said(self) -> dict[str, int]:
        """Return the values that say something."""
        return {
            x: n
            for x, n in self.values.items()
            if not says_nothing(x) and x.lower() not in self.missing and not is_code(x)
        }

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """Return the values as numbers, those that are bounds left out; none where most are neither."""
        found = [x for x in map(number_of, self.said) if x is not None]
        bounds = sum(_BOUND.fullmatch(x) is not None for x in self.said)
        return tuple(found) if found and len(found) + bounds >= _ENOUGH * len(self.said) else ()

    @property
    def nested(self) -> bool:
        """Tell whether most of the values are lists or objects of JSON."""
        inside = sum(n for x, n in self.said.items() if x[0] + x[-1] in ("[]", "{}"))
        return inside > sum(self.said.values()) / 2

    @property
    def span(self) -> str:
        """Return the lowest and the highest number in words."""
        return f"{min(self.numbers):g} to {max(self.numbers):g}" if self.numbers else ""

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """Return every form in which one of the values is a date, beside those of ISO 8601."""
        rest = [x for x in self.said if not _is_iso(x)]
        return tuple(x for x in _FORMS if any(_is_date(y, x) for y in rest))

    @property
    def dates(self) -> bool:
        """Tell whether most of the values are dates in one form or another."""
        return self.dated(self.forms)

    @property
    def iso(self) -> bool:
        """Tell whether most of the values are dates as they are read without a mapping."""
        return self.dated(())

    def dated(self, forms: Sequence[str]) -> bool:
        """Tell whether most of the values are dates, in some forms or as they are read without a mapping."""
        good = sum(_is_iso(x) or any(_is_date(x, y) for y in forms) for x in self.said)
        return bool(self.said) and good >= _ENOUGH * len(self.said)


def number_of(text: str) -> float | None:
    """Return the number that a text is, whatever its signs, and whatever unit stands behind it."""
    match = _WITH_UNIT.fullmatch(text)
    if match is None:
        return None
    plain = match[1]
    if _GROUPED.fullmatch(plain):
        sign = "." if "." in plain and plain.index(".") < plain.find(",") % len(plain) else ","
        plain = plain.replace(sign, "")
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def is_code(text: str) -> bool:
    """Tell whether a text is a usual number for a missing value."""
    try:
        return float(text.replace(",", ".")) in CODES
    except ValueError:
        return False


def _is_date(text: str, form: str) -> bool:
    """Tell whether a text is written in a form; that a day is none of the calendar is told later."""
    return _shape(form).fullmatch(text) is not None


@cache
def _shape(form: str) -> re.Pattern[str]:
    digits = {"%Y": r"\d{4}", "%m": r"\d{1,2}", "%d": r"\d{1,2}"}
    parts = re.split(r"(%[Ymd])", form)
    return re.compile("".join(digits.get(x, re.escape(x)) for x in parts))


def _is_iso(text: str) -> bool:
    try:
        found = PartialDate.parse(text)
    except ValueError:
        return False
    # Any four figures may be a year.
    return _YEARS[0] <= found.earliest.year <= _YEARS[1]


def profiles(
    frame: pl.LazyFrame, missing: frozenset[str]
) -> tuple[dict[str, Profile], pl.DataFrame]:
    """Return what the columns of a table look like, and the rows that were looked at, as text."""
    rows = frame.head(MOST_ROWS).collect()
    texts = rows.select(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    found = {}
    for name in texts.columns:
        counts = texts[name].drop_nulls().value_counts(sort=True).head(MOST_VALUES)
        found[name] = Profile(name, dict(counts.iter_rows()), missing)
    return found, texts


def decimal_of(columns: Iterable[Profile]) -> tuple[str | None, bool]:
    """Return what stands before decimals, ``ASKED`` if it has to be asked; and whether two columns differ."""
    numeric = [x for x in columns if x.numbers and not (x.dates and x.forms)]
    comma = any(_COMMA.fullmatch(x) for one in numeric for x in one.said)
    point = any(_POINT.fullmatch(x) for one in numeric for x in one.said)
    if point and not comma and any(_may_group(x) for x in numeric):
        # Of 5.000 it has to be asked; once a point is said to stand before decimals, it is 5.
        return ASKED, False
    return (None if comma == point else "comma" if comma else "point"), comma and point


def _may_group(column: Profile) -> bool:
    """Tell whether the points of a column may divide thousands: none of its numbers tells otherwise."""
    grouped = any(_THOUSANDS.fullmatch(x) for x in column.said)
    small = any(_POINT.fullmatch(x) for x in column.said)
    commas = any(_COMMAS.fullmatch(x) for x in column.said)
    high = max(column.numbers, default=0) >= _HIGH
    return grouped and (commas or not small or high)


@dataclass(frozen=True)
class Calendar:
    """In which form dates are written, by all columns that hold some.

    Attributes:
        forms: those that leave no doubt.
        doubted: signs between day and month of which nobody can tell which stands first.
    """

    forms: tuple[str, ...]
    doubted: frozenset[str]

    @classmethod
    def of(cls, columns: Sequence[Profile]) -> Calendar:
        """Return the forms of some columns."""
        dated = [x for x in columns if x.dates and x.forms]
        first: set[str] = set()
        second: set[str] = set()
        for text in (x for one in dated for x in one.said):
            match = _BOTH.fullmatch(text)
            if match:
                day_first, month_first = int(match[1]) > 12, int(match[3]) > 12
                if day_first and int(match[1]) <= _DAYS:
                    first.add(match[2])
                if month_first and int(match[3]) <= _DAYS:
                    second.add(match[2])
        # Nobody writes the month first with points.
        first |= {"."} - second
        sure = {f"%d{x}%m{x}%Y" for x in first - second}
        sure |= {f"%m{x}%d{x}%Y" for x in second - first}
        single = {x for x in _FORMS if "%d" not in x or x.startswith("%Y")}
        used = {x for one in dated for x in one.forms}
        both = {x[2] for x in used if "%d" in x and not x.startswith("%Y")}
        return cls(
            tuple(x for x in _FORMS if x in used & (sure | single)),
            frozenset((both - first - second) | (first & second)),
        )

    def reads(self, one: Profile) -> bool:
        """Tell whether the dates of a column can be read without a doubt."""
        return one.dated(self.forms)
