"""Laboratory values of a case: which is the highest, which the latest, and what bounds still say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from myoresist.case.cells import CODE, CODES
from myoresist.case.dates import PartialDate
from myoresist.case.model import Case, Lab
from myoresist.case.terms import Fall, LabFinding, LabTest, Terms
from myoresist.case.units import converted, spelling

Entry = TypeVar("Entry")
ZERO = date(2000, 1, 1)
"""From which day weeks are counted where nobody knows it, to put values in order."""
Said = tuple[str, float | bool, tuple[str | int, ...]]
"""A finding, its value, and where the case says so."""


@dataclass(frozen=True)
class _Row:
    """A laboratory value with its limit, both in the unit in which the test is kept."""

    index: int
    lab: Lab
    when: PartialDate | None
    value: float
    limit: float | None


@dataclass(frozen=True)
class _Open:
    """A value that is not known, with its bounds as multiples of its limit where both are."""

    index: int
    lab: Lab
    when: PartialDate | None

    @property
    def raised(self) -> bool:
        """Tell whether it surely lies above its limit; one that may lie on the limit is not raised."""
        lab, limit = self.lab, self.lab.upper_limit
        return limit is not None and (
            (lab.above is not None and lab.above >= limit)
            or (lab.at_least is not None and lab.at_least > limit)
        )

    @property
    def at_most(self) -> float | None:
        """Return how often its limit it is at most."""
        bound, limit = self.lab.at_most, self.lab.upper_limit
        return bound / limit if bound is not None and limit else None


class Labs:
    """Says what laboratory values tell of findings."""

    def __init__(self, case: Case, terms: Terms, remarks: list[str], left_open: list[str]) -> None:
        self.case = case
        self.terms = terms
        self.remarks = remarks
        self.left_open = left_open

    def _note(self, said: str) -> None:
        """Remark on a value that is used as far as it goes."""
        self.remarks.append(said)
        self.left_open.append(said)

    def said(self) -> Iterator[Said]:
        """Yield what the values say."""
        rows: dict[str, list[_Row]] = {}
        unread: dict[str, list[_Open]] = {}
        tests = [self.terms.lab(lab.test) for lab in self.case.labs]
        dated = {x.id for x, lab in zip(tests, self.case.labs, strict=True) if x and lab.date}
        for index, (test, lab) in enumerate(zip(tests, self.case.labs, strict=True)):
            if test is None:
                continue
            when = lab.date if test.id in dated else _day_of(lab.week)
            self._remark(index, lab, test)
            known = rows.setdefault(test.id, [])
            if lab.value is None:
                unread.setdefault(test.id, []).append(_Open(index, lab, when))
            else:
                unit = spelling(lab.unit, test) or test.unit
                limit = lab.upper_limit and converted(lab.upper_limit, unit, test)
                known.append(_Row(index, lab, when, converted(lab.value, unit, test), limit))
        for name, found in rows.items():
            test = self.terms.labs[name]
            yield from self._of_test(test, found, unread.get(name, []))
            fallen = _fallen(found, test.fall) if test.fall else None
            if test.fall and fallen is not None:
                yield test.fall.finding, True, ("labs", fallen, "value")

    def _remark(self, index: int, lab: Lab, test: LabTest) -> None:
        short = test.synonyms[0]
        if lab.value is None and {lab.above, lab.at_least, lab.at_most} == {None}:
            self.remarks.append(
                f"labs[{index}]: {short} without its value: whatever it could have changed is unknown"
            )
        elif lab.value is None:
            self._note(
                f"labs[{index}]: {short} is only bounded; it counts as far as its bounds and its "
                "upper limit go"
            )
        elif lab.value in CODES:
            self.remarks.append(f"labs[{index}]: {lab.value:g} {CODE}")
        if lab.limit_assumed:
            self._note(
                f"labs[{index}]: {short}: the upper limit of {lab.upper_limit:g} {lab.unit} is assumed; "
                "the laboratory gave none"
            )

    def _of_test(
        self, test: LabTest, found: Sequence[_Row], open_: Sequence[_Open]
    ) -> Iterator[Said]:
        for use in test.findings:
            if use.take == "highest_multiple":
                taken = self._peak(found, open_)
                raised = _raised(found, open_)
                if use.raised and taken is None and raised is not None:
                    yield use.raised, True, ("labs", raised, "value")
            else:
                taken = self._current(test, use, found, open_)
                bound = None if taken else _last_bound(found, open_)
                if use.normal and bound and bound.at_most is not None and bound.at_most <= 1:
                    yield use.normal, True, ("labs", bound.index, "value")
            if taken is not None:
                yield from _values(test, use, taken)
        without = [x.index for x in found if x.limit is None and x.lab.lower_limit is None]
        if without and any(use.upper_limit for use in test.findings):
            self._note(
                f"labs[{without[0]}]: {test.synonyms[0]} without its upper limit of normal, so its "
                "multiple of the limit is unknown; give upper_limit"
            )

    def _peak(self, found: Sequence[_Row], open_: Sequence[_Open]) -> _Row | None:
        """Return the highest row, unless a value that is not known may be higher."""
        taken = _highest(found) if found else None
        if taken is None or not open_:
            return taken
        reached = taken.value / taken.limit if taken.limit else None
        lower = all(
            reached is not None and one.at_most is not None and one.at_most <= reached
            for one in open_
        )
        return taken if lower else None

    def _current(
        self, test: LabTest, use: LabFinding, found: Sequence[_Row], open_: Sequence[_Open]
    ) -> _Row | None:
        taken = self._latest(test, use, found) if found else None
        if taken is None or any(_perhaps_later(one, found) for one in open_):
            return None
        return taken

    def _latest(self, test: LabTest, use: LabFinding, rows: Sequence[_Row]) -> _Row | None:
        """Return the row that gives the current value, if there is no doubt which one it is."""
        if len(rows) == 1 and rows[0].when is None and not use.dated:
            return rows[0]
        last = last_of([(row.when, row) for row in rows if row.when])
        undated = [row for row in rows if row.when is None]
        if undated:
            so = "it is not taken for the current value" if last else "the current value is unknown"
            self._note(
                f"labs[{undated[0].index}]: {test.synonyms[0]} without a date, so {so}; give date"
            )
        if len({(row.value, row.limit) for row in last}) > 1:
            places = " and ".join(f"labs[{row.index}]" for row in last)
            self.remarks.append(
                f"{places}: {test.synonyms[0]}: the dates do not tell which is the latest, so the "
                "current value is unknown; give the day"
            )
            return None
        return last[-1] if last else None


def _day_of(week: float | None) -> PartialDate | None:
    """Return a day that puts a week in order among others, where no value of its test has a date."""
    if week is None:
        return None
    day = ZERO + timedelta(days=math.floor(week * 7))
    return PartialDate(day.year, day.month, day.day)


def _values(test: LabTest, use: LabFinding, taken: _Row) -> Iterator[Said]:
    yield use.value, taken.value, ("labs", taken.index, "value")
    if use.lower_limit and taken.lab.lower_limit is not None:
        unit = spelling(taken.lab.unit, test) or test.unit
        limit = converted(taken.lab.lower_limit, unit, test)
        yield use.lower_limit, limit, ("labs", taken.index, "lower_limit")
    if use.upper_limit and taken.limit:
        yield use.upper_limit, taken.limit, ("labs", taken.index, "upper_limit")


def _raised(found: Sequence[_Row], open_: Sequence[_Open]) -> int | None:
    """Return the place of a value that is surely above its limit, whatever the others are."""
    bounded = [one.index for one in open_ if one.raised]
    highest = _highest(found) if found else None
    if highest and highest.limit and highest.value > highest.limit:
        return highest.index
    return bounded[0] if bounded else None


def _last_bound(found: Sequence[_Row], open_: Sequence[_Open]) -> _Open | None:
    """Return the bounded value that is surely the latest one."""
    dated = [(one.when, one) for one in open_ if one.when]
    last = last_of(dated)
    every = len(dated) == len(open_) and all(row.when for row in found)
    if len(last) != 1 or not every:
        return None
    first = last[0].when
    later = [x for x in found if x.when and first and x.when.latest >= first.earliest]
    return None if later else last[0]


def _fallen(found: Sequence[_Row], fall: Fall) -> int | None:
    """Return the place of the latest value, if it lies far enough below one that is surely before it."""
    dated = [(row.when, row) for row in found if row.when]
    last = last_of(dated)
    before = [row for _, row in dated if row not in last]
    if not before or len({row.value for row in last}) != 1:
        return None
    return (
        last[-1].index if fall.reached(max(row.value for row in before), last[-1].value) else None
    )


def unread_tests(case: Case, terms: Terms) -> frozenset[str]:
    """Return the laboratory tests of which a value is not known."""
    tests = (terms.lab(lab.test) for lab in case.labs if lab.value is None)
    return frozenset(test.id for test in tests if test)


def _highest(rows: Sequence[_Row]) -> _Row:
    """Return the row with the highest multiple of its limit or, where none has one, the highest.

    A higher value without a limit goes before one that is not above its own.
    """

    def multiple(row: _Row) -> float:
        return row.value / (row.limit or 1)

    limited, bare = [x for x in rows if x.limit], [x for x in rows if not x.limit]
    if limited and bare:
        top, high = max(limited, key=multiple), max(limited, key=lambda row: row.value)
        higher = max(bare, key=lambda row: row.value)
        return higher if multiple(top) <= 1 and higher.value > high.value else top
    return max(limited or bare, key=multiple)


def _perhaps_later(one: _Open, rows: Sequence[_Row]) -> bool:
    """Tell whether a result that is not known may be later than the latest one that is."""
    since = max((row.when.earliest for row in rows if row.when), default=None)
    return one.when is None or since is None or one.when.latest >= since


def last_of(dated: Sequence[tuple[PartialDate, Entry]]) -> list[Entry]:
    """Return every entry that may be the latest: those that are not certainly before another."""
    since = max((date.earliest for date, _ in dated), default=None)
    return [entry for date, entry in dated if since is None or date.latest >= since]
