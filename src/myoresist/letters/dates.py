"""Dates as letters write them: in numbers of either order, in words, or only a month or a season."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from myoresist.case.dates import PartialDate

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb febuary", "march mar", "april apr", "may", "june jun",
            "july jul", "august aug", "september sept sep", "october oct", "november nov", "december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_NAME = "|".join(sorted(_MONTHS, key=len, reverse=True))
_SEASONS = "spring|summer|autumn|fall|winter|easter|christmas"
_YEAR = r"(?:19|20)\d\d"
_PATTERN = re.compile(
    rf"""(?:(?<![\d./:,-])|(?<=(?:19|20)\d\d-)|(?<=\d/\d\d-))(?:
    (?P<iso>{_YEAR}-\d\d(?:-\d\d)?)(?!\d)
    |(?P<a>\d{{1,2}})(?P<sep>\s?[./]\s?)(?P<b>\d{{1,2}})(?P=sep)(?P<y>{_YEAR}|\d\d)(?![\d/]|\.\d)
    |(?<![xX×*])(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?[\s-]?(?:of\s)?(?P<m1>{_NAME})\b\.?,?
        (?:[\s-](?P<y1>{_YEAR}|'?\d\d(?!\d|:|\s?(?:mg|kg|%))))?
    |(?P<m2>{_NAME})\b\.?[ ](?P<d2>\d{{1,2}})(?:st|nd|rd|th)?
        (?![\d/]|\s?(?:mg|g\b|%|kg)),?(?:\s(?P<y2>{_YEAR}))?
    |(?P<m3>{_NAME})\b\.?,?(?:\sof)?(?:\s(?P<y3>{_YEAR})|\s'?(?P<y3b>\d\d)(?!\d|\s?(?:mg|kg|%)))?
    |(?P<m4>\d{{1,2}})\s?/\s?(?P<y4>{_YEAR})(?!\d)
    |(?P<c>\d{{1,2}})/(?P<e>\d{{1,2}})(?![\d/]|\s?(?:mmHg|\d{{1,2}}(?![\d,.])))
    |(?P<c2>\d\d)\.(?P<e2>\d\d)\.(?!\d)
    |(?:(?:early|late|mid|end\sof|beginning\sof|the)?[\s-]?(?:{_SEASONS})(?:\sof)?\s)?
        (?:(?P<y6>(?<=\s)'\d\d(?![\d'\w]|\s?(?:mg|kg|%)))|(?P<y5>{_YEAR}))(?!\d|-\d\d-|\s?(?:mg|U|IU|g\b|mL|ng|%))
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_AMERICAN = re.compile(
    r"\b(?:mg/dL|edema|fibers?|tumor|hemoglobin|color|\w+ized|prednisone|discharged|"
    r"insurer|attending|ER|EKG|pediatric|anemia|dyspnea)\b"
)


_SPAN = re.compile(
    r"(?<![\d./:,-])(?:(?P<first>\d{1,2}(?=(?:st|nd|rd|th)?\s?(?:-|–|to)\s?\d)"
    rf"|\b(?:{_NAME})\b(?=\.?\s?(?:-|–|to)\s?[a-z]))"
    rf"(?:st|nd|rd|th|\.)?\s?(?:-|–|to)\s?(?:(?P<last>\d{{1,2}})(?:st|nd|rd|th)?\s)?"
    rf"(?P<month>{_NAME})\b\.?,?(?:\s(?P<year>{_YEAR}))?)",
    re.IGNORECASE,
)
_DAYS = re.compile(
    r"(?<![\d./:,-])(?P<first>\d{1,2})\s?[-–]\s?(?P<last>\d{1,2})(?P<sep>[/.])(?P<month>\d{1,2})"
    r"(?:(?P=sep)(?P<year>(?:19|20)?\d\d))?(?![\d/]|\.\d)"
)
"""From day to day within a month: "13-15/8", "9-11/11/22"."""
_PARTS = frozenset((5, 7, 10, 12))
"""Below the line of a grade of strength, of days of a week, of a score, of months of a year."""
_BETWEEN = ("-", "–", "to ", "to\n")
"""Signs without which nothing is a span, which is slow to look for."""
_MONTHS_OF_YEARS = re.compile(
    r"(?<![\d/])(?:0?[1-9]|1[0-2])/(?:1[3-9]|[23]\d)\s?(?:-|to|until)\s?(?:0?[1-9]|1[0-2])/(?:1[3-9]|[23]\d)(?![\d/])"
)
"""From month to month: "6/22-2/24" holds no days."""
_DATED = re.compile(
    r"(?:\b(?:on|since|from|until|till|by|dated?|of|to|after|before)\s|[(→>-]\s?)$", re.IGNORECASE
)


_VALUE_BEHIND = re.compile(r"\s*[:=]?\s(?:\d{3,}|\d{1,2},\d{3})(?![\d/.])")
"""A figure behind a day and a month, as in "3/5 10,250", which no grade of strength has."""


@dataclass(frozen=True)
class DateHit:
    """A date and its place in the plain text; ``whole`` tells whether its year is written."""

    start: int
    end: int
    date: PartialDate
    whole: bool


@dataclass(frozen=True)
class DateReader:
    """Reads the dates of one letter: which number is the day, and which year goes without saying."""

    month_first: bool
    today: PartialDate | None = None

    @classmethod
    def of(cls, plain: str, today: PartialDate | None = None) -> DateReader:
        """Return a reader for a letter: day and month stand as in its dates, or as its spelling suggests."""
        found = list(_PATTERN.finditer(plain))
        months = [span.span() for span in _MONTHS_OF_YEARS.finditer(plain)]
        # Where dates have stops, or months stand with years of four digits, "02/26" is a month, too.
        of_months = any(m["m4"] or (m["a"] and "." in m["sep"]) for m in found)
        pairs = [
            (int(m["a"] or m["c"]), int(m["b"] or m["e"]))
            for m in found
            if (m["a"] and "/" in m["sep"])
            or (
                m["c"]
                and not of_months
                and not any(start <= m.start() < end for start, end in months)
            )
        ]
        if any(a > 12 for a, _ in pairs):
            return cls(False, today)
        if any(b > 12 for _, b in pairs):
            return cls(True, today)
        return cls(len(_AMERICAN.findall(plain)) >= 2, today)

    def find(self, plain: str, start: int, end: int) -> Iterator[DateHit]:
        """Walk through the dates between two places."""
        told = any(plain.find(sign, start, end) >= 0 for sign in _BETWEEN)
        spans = list(_SPAN.finditer(plain, start, end)) if told else []
        found = [hit for span in spans for hit in self._span(span)]
        for days in _DAYS.finditer(plain, start, end) if told else ():
            if both := list(self._days(days)):
                spans.append(days)
                found += both
        for match in _PATTERN.finditer(plain, start, end):
            if any(match.start() < span.end() and span.start() < match.end() for span in spans):
                continue
            if years := _years(match):
                found += years
            elif (read := self._read(match)) is not None:
                found.append(DateHit(match.start(), match.end(), *read))
        yield from sorted(found, key=lambda hit: hit.start)

    def without_year(self, day: int, month: int) -> PartialDate | None:
        """Return the latest day of a day and a month that is not after the letter, if there is one."""
        return self._day(day, month, None)

    def _day(self, day: int, month: int, year: int | None) -> PartialDate | None:
        try:
            read = self._whole(year, month, day) if year else self._without_year(month, day)
        except ValueError:
            return None
        return read[0] if read else None

    def _span(self, match: re.Match[str]) -> Iterator[DateHit]:
        """Yield first and last day of "8-12 February 2026", first and last month of "Oct-Dec 2021"."""
        first, last = match["first"], match["last"]
        of_days = first.isdigit()
        try:
            if of_days:
                begin = self._named(match["month"], match["year"], int(first))
                end = self._named(match["month"], match["year"], int(last))
            else:
                end = self._named(match["month"], match["year"], None)
                begin = self._named(first, str(end[0].year) if end else None, None)
        except ValueError:
            return
        if not begin or not end:
            return
        if begin[0].earliest > end[0].latest:
            # "Nov to Feb 2022" begins in the year before.
            begin = PartialDate(begin[0].year - 1, begin[0].month, begin[0].day), begin[1]
        yield DateHit(match.start("first"), match.end("first"), *begin)
        yield DateHit(match.start("last" if of_days else "month"), match.end(), *end)

    def _days(self, match: re.Match[str]) -> Iterator[DateHit]:
        """Yield first and last day of "13-15/8"; not of a grade, a score or a span of time."""
        first, last, month = int(match["first"]), int(match["last"]), int(match["month"])
        dated = match["year"] or _DATED.search(
            match.string[max(0, match.start() - 12) : match.start()]
        )
        if first >= last or (not dated and last <= 12 and month in _PARTS):
            return
        for place, day in (("first", first), ("last", last)):
            stop = match.end() if place == "last" else match.end("first")
            year = _year(match["year"]) if match["year"] else None
            if (read := self._day(day, month, year)) is not None:
                yield DateHit(match.start(place), stop, read, year is not None)

    def _read(self, m: re.Match[str]) -> tuple[PartialDate, bool] | None:
        try:
            if m["iso"]:
                return PartialDate.parse(m["iso"]), True
            if m["a"]:
                first, second = int(m["a"]), int(m["b"])
                day, month = self._ordered(first, second, "." in m["sep"])
                return self._whole(_year(m["y"]), month, day)
            if m["m1"]:
                return self._named(m["m1"], m["y1"], int(m["d1"]))
            if m["m2"]:
                if not self.month_first and not m["y2"] and int(m["d2"]) >= 10:
                    # "July 22": who writes the day first means the year.
                    return self._named(m["m2"], m["d2"], None)
                return self._named(m["m2"], m["y2"], int(m["d2"]))
            if m["m3"]:
                return self._month(m)
            if m["m4"]:
                return self._whole(int(m["y4"]), int(m["m4"]), None)
            if m["c"]:
                return self._pair(m)
            if m["c2"]:
                return self._without_year(int(m["e2"]), int(m["c2"]))
            return PartialDate(int(m["y5"] or _year(m["y6"].strip("'")))), True
        except ValueError:
            return None

    def _month(self, m: re.Match[str]) -> tuple[PartialDate, bool] | None:
        if m["m3"].lower() in ("may", "mar", "march") and not m["m3"][0].isupper():
            return None
        year = m["y3"] or m["y3b"]
        if m["m3"].isupper() and not year:
            return None
        if (
            m["m3"].lower() == "may"
            and not year
            and not re.search(
                r"\b(?:in|since|from|until|till|to|of|last|by|during)\s$",
                m.string[max(0, m.start() - 8) : m.start()],
                re.I,
            )
        ):
            return None
        return self._named(m["m3"], year, None)

    def _pair(self, m: re.Match[str]) -> tuple[PartialDate, bool] | None:
        """Read two numbers: a day and a month, or a month and a year; not a grade, a score or a span."""
        first, second = int(m["c"]), int(m["e"])
        dated = _DATED.search(m.string[max(0, m.start() - 12) : m.start()]) or _VALUE_BEHIND.match(
            m.string, m.end()
        )
        padded = m["c"][0] == "0" or m["e"][0] == "0"
        if not dated and not padded and second in _PARTS and first <= second:
            return None
        if not self.month_first and first <= 12 < second <= 40:
            return self._whole(2000 + second, first, None)
        day, month = self._ordered(first, second, False)
        return self._without_year(month, day)

    def _named(
        self, name: str, year: str | None, day: int | None
    ) -> tuple[PartialDate, bool] | None:
        month = _MONTHS[name.lower()]
        if year:
            return self._whole(_year(year.strip("'")), month, day)
        return self._without_year(month, day)

    def _ordered(self, first: int, second: int, dotted: bool) -> tuple[int, int]:
        """Return day and month of two numbers."""
        month_first = self.month_first and not dotted
        if month_first and first <= 12:
            return second, first
        if second > 12 >= first:
            return second, first
        return first, second

    @staticmethod
    def _whole(year: int, month: int, day: int | None) -> tuple[PartialDate, bool]:
        date(year, month, day or 1)
        return PartialDate(year, month, day), True

    def _without_year(self, month: int, day: int | None) -> tuple[PartialDate, bool] | None:
        """Return the latest such date that is not after the letter."""
        if self.today is None or day == 0:
            return None
        date(2000, month, day or 1)
        year = self.today.year
        if date(year, month, min(day or 1, 28)) > self.today.latest:
            year -= 1
        date(year, month, day or 1)
        return PartialDate(year, month, day), False


def _years(match: re.Match[str]) -> tuple[DateHit, DateHit] | None:
    """Return the two years of "2015-17", which cannot be a month."""
    first, sign, last = (match["iso"] or "").partition("-")
    if not sign or not last.isdigit() or not max(12, int(first[2:])) < int(last):
        return None
    at = match.start() + len(first)
    return (
        DateHit(match.start(), at, PartialDate(int(first)), True),
        DateHit(at + 1, match.end(), PartialDate(int(first[:2] + last)), True),
    )


def _year(text: str) -> int:
    number = int(text)
    if number >= 100:
        return number
    return 2000 + number if number <= 40 else 1900 + number
