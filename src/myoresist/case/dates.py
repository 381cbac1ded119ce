"""Dates as medicine writes them: a year, a month or a day."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats
from myoresist.document import shown

_FORM = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME = re.compile(r"(?<=^....-..-..)(?:[T ][0-9]{1,2}:.*|Z|[+-][0-9]{2}:?[0-9]{2})$")
_DIGITS = re.compile(r"((?:19|20)[0-9]{2})(0[1-9]|1[0-2])([0-3][0-9])")
_DAY_FIRST = re.compile(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}")
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
NO_DATE = " is not a date"


@dataclass(frozen=True)
class PartialDate:
    """A date of which the day, or day and month, may be unknown."""

    year: int
    month: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, value: object) -> PartialDate:
        """Read ``2023``, ``2023-05`` or ``2023-05-17``, with or without a time.

        Raises:
            ValueError: saying what to write instead.
        """
        if isinstance(value, PartialDate):
            return value
        return _of_text(value) if isinstance(value, str) else cls._read(value)

    @classmethod
    def _read(cls, value: object) -> PartialDate:
        # Databases write a day with a time, without its lines, or a year with decimals.
        text = _TIME.sub("", str(value).strip())
        text = _DIGITS.sub(r"\1-\2-\3", text) if _DIGITS.fullmatch(text) else text
        match = _FORM.fullmatch(text.removesuffix(".0")) if not isinstance(value, bool) else None
        if match is None:
            raise ValueError(f"{shown(value)}{NO_DATE}; {_advice(text)}")
        year, month, day = (int(part) if part else None for part in match.groups())
        try:
            date(year or 0, month or 1, day or 1)
        except ValueError as error:
            raise ValueError(f"{shown(value)} is not a date of the calendar") from error
        return cls(year or 0, month, day)

    def __str__(self) -> str:
        """Return the date as it was written."""
        parts = [f"{self.year:04}", *(f"{part:02}" for part in (self.month, self.day) if part)]
        return "-".join(parts)

    @property
    def earliest(self) -> date:
        """Return the first day that it could be."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def latest(self) -> date:
        """Return the last day that it could be."""
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    @property
    def exact(self) -> date | None:
        """Return the day, if it is known."""
        return self.earliest if self.day else None


@lru_cache(maxsize=2**14)
def _of_text(text: str) -> PartialDate:
    # Records hold the same dates over and over.
    return PartialDate._read(text)


def _advice(text: str) -> str:
    """Say what to write instead of a text that is not a date."""
    if _DAY_FIRST.fullmatch(text):
        return "day and month can be mistaken; write 2023-05-17"
    if _SHORT_YEAR.fullmatch(text):
        return "its year has two figures; write 2023-05-17"
    if _SERIAL.fullmatch(text):
        return "it may be a day number of a spreadsheet; write 2023-05-17"
    return "write 2023, 2023-05 or 2023-05-17"


def misordered(start: PartialDate | None, stop: PartialDate | None) -> str | None:
    """Say what is wrong if something certainly stops before it starts."""
    if start and stop and stop.latest < start.earliest:
        return f"stops ({stop}) before it starts ({start})"
    return None


def whole_months(start: PartialDate, end: PartialDate) -> tuple[int, int]:
    """Return the least and the most completed months from ``start`` to ``end``."""

    def between(first: date, last: date) -> int:
        months = (last.year - first.year) * 12 + last.month - first.month
        return months - (last.day < first.day)

    return between(start.latest, end.earliest), between(start.earliest, end.latest)


When = Annotated[
    PartialDate,
    PlainValidator(PartialDate.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["2023", "2023-05", "2023-05-17"]}),
]
"""A partial date in a case file."""


@dataclass(frozen=True)
class Days(Rows):
    """The first and the last day that each of N dates may be: days since 1970, NaN where it is unknown."""

    earliest: Floats
    latest: Floats

    @classmethod
    def of(cls, dates: Sequence[PartialDate | str | None]) -> Days:
        """Return the days of dates, read or as they are written.

        Raises:
            ValueError: for a text that is not a date.
        """
        earliest, latest = [], []
        for one in dates:
            first, last = _days_of(one) if one is not None else (np.nan, np.nan)
            earliest.append(first)
            latest.append(last)
        return cls(np.array(earliest, np.float64), np.array(latest, np.float64))

    @property
    def known(self) -> Flags:
        """Tell which dates are known, at least in part."""
        return ~np.isnan(self.earliest)

    @property
    def vague(self) -> Flags:
        """Tell which dates are known, but not to the day."""
        vague: Flags = self.latest > self.earliest
        return vague

    def otherwise(self, other: Days) -> Days:
        """Return these dates, and where one is unknown that of ``other``."""
        return self.where(self.known, other)

    def where(self, wanted: Flags, other: Days) -> Days:
        """Return these dates where they are wanted, and else those of ``other``."""
        return Days(
            np.where(wanted, self.earliest, other.earliest),
            np.where(wanted, self.latest, other.latest),
        )

    def later(self, days: Floats) -> Days:
        """Return the dates some days later."""
        return Days(self.earliest + days, self.latest + days)


@lru_cache(maxsize=2**16)
def _days_of(when: PartialDate | str) -> tuple[float, float]:
    # Tables hold the same dates over and over.
    known = PartialDate.parse(when)
    since = date(1970, 1, 1).toordinal()
    return float(known.earliest.toordinal() - since), float(known.latest.toordinal() - since)
