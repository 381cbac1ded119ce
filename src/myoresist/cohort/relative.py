"""What a registry says of one patient for all of its rows: from when weeks count, and limits to assume.

Both are written out as those of a case file are, before the cells are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.cells import Column, says_nothing
from myoresist.case.dates import PartialDate
from myoresist.case.shorthand import day_of_week
from myoresist.case.terms import Terms
from myoresist.cohort.schema import (
    ASSUMED_LIMITS,
    FROM_WEEK,
    TO_WEEK,
    WEEK,
    WEEKS_FROM,
    empty_rejections,
    rejections,
)
from myoresist.resistance.response.visits import DATE, PATIENT

_LIMIT, _START, _STOP, _LENGTH = "upper_limit", "start", "stop", "weeks"
_DATED = {
    "labs": ((WEEK, DATE),),
    "visits": ((WEEK, DATE),),
    "treatments": ((FROM_WEEK, _START), (TO_WEEK, _STOP)),
}
"""The weeks of a table, and the dates that they stand for."""
_ASSUMED = re.compile(r"(.+?)[ :=]+([0-9]+(?:\.[0-9]+)?)")
NO_LIMITS = "is no list of limits; write such as CK 200; LDH 250"


def week_zero(patients: pl.DataFrame, column: Column) -> dict[str, date]:
    """Return the day from which the weeks of each patient are counted, where it is known.

    Args:
        patients: their table, as it came in.
        column: how its dates are read.
    """
    found: dict[str, date] = {}
    for patient, cell in _texts(patients, WEEKS_FROM):
        said = column.read(cell).value
        day = PartialDate.parse(said).exact if said is not None else None
        if day is not None:
            found.setdefault(patient, day)
    return found


def with_weeks(frame: pl.DataFrame, table: str, zero: Mapping[str, date]) -> pl.DataFrame:
    """Return a table with dates for its weeks; a date of its own goes first.

    Args:
        frame: rows as they came in.
        table: which table it is.
        zero: from when weeks are counted, by patient.
    """
    for week, when in _DATED.get(table, ()):
        if zero and week in frame.columns:
            frame = _dated(frame, week, when, zero)
    if table == "treatments" and {FROM_WEEK, TO_WEEK} <= set(frame.columns):
        frame = _lasting(frame)
    return frame.drop(WEEK, strict=False) if table == "visits" else frame


def _dated(frame: pl.DataFrame, week: str, when: str, zero: Mapping[str, date]) -> pl.DataFrame:
    """Return rows with the date of a week where they have none."""
    days: list[str | None] = []
    rows = zip(frame[PATIENT], _numbers(frame[week]), _own(frame, when), strict=True)
    for patient, number, given in rows:
        begin = zero.get(str(patient))
        try:
            counted = str(day_of_week(begin, number)) if begin and number is not None else None
        except OverflowError:
            counted = None
        days.append(counted if _empty(given) else given)
    return frame.with_columns(pl.Series(when, days, pl.String))


def _lasting(frame: pl.DataFrame) -> pl.DataFrame:
    """Return courses without any date with the weeks that lie between their first and their last."""
    weeks: list[str | None] = []
    given = zip(*(_own(frame, x) for x in (_START, _STOP, _LENGTH)), strict=True)
    between = zip(_numbers(frame[FROM_WEEK]), _numbers(frame[TO_WEEK]), strict=True)
    for own, (begin, end) in zip(given, between, strict=True):
        open_ = all(_empty(x) for x in own)
        known = begin is not None and end is not None and end > begin
        weeks.append(str(end - begin) if open_ and known and begin is not None and end else own[2])
    return frame.with_columns(pl.Series(_LENGTH, weeks, pl.String))


def limits_in(text: str, terms: Terms) -> dict[str, float] | None:
    """Return the limits that a text such as ``CK 200; LDH 250`` gives, by test; nothing for any other."""
    found = {}
    for part in re.split(r"[;,]", text):
        match = _ASSUMED.fullmatch(part.strip())
        test = terms.lab(match[1]) if match else None
        if match is None or test is None:
            return None
        found[test.id] = float(match[2])
    return found


def with_limits(
    labs: pl.DataFrame, patients: pl.DataFrame, terms: Terms
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return laboratory values with the limits that are assumed for a patient, and which these are.

    Args:
        labs: rows as they came in.
        patients: their table, as it came in, which asks for them.
        terms: the tests with their units.
    """
    read = ((one, limits_in(text, terms)) for one, text in _texts(patients, ASSUMED_LIMITS))
    limits = {(one, test): limit for one, found in read for test, limit in (found or {}).items()}
    if not limits or not {"test", "unit"} <= set(labs.columns):
        return labs, empty_rejections()
    tests = Words.of(labs["test"].cast(pl.String)).map(lambda x: _id(terms, x), pl.String)
    assumed: list[bool] = []
    filled: list[str | None] = []
    rows = zip(labs[PATIENT], tests, labs["unit"], _own(labs, _LIMIT), strict=True)
    for patient, test, unit, own in rows:
        limit = limits.get((str(patient), test or ""))
        so = limit is not None and _empty(own) and unit == terms.labs[test].unit
        assumed.append(so)
        filled.append(str(limit) if so else own)
    found = labs.with_columns(pl.Series(_LIMIT, filled, pl.String))
    marked = found.filter(pl.Series(assumed, dtype=pl.Boolean))
    reason = "is assumed, as asked for; the laboratory gave none"
    return found, rejections(marked, "labs", _LIMIT, reason).with_columns(whole_row=False)


def unread_limits(patients: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Return the cells of limits to assume that cannot be read."""
    if ASSUMED_LIMITS not in patients.columns:
        return empty_rejections()
    texts = _own(patients, ASSUMED_LIMITS)
    wrong = [x is not None and not _empty(x) and limits_in(x, terms) is None for x in texts]
    strange = patients.filter(pl.Series(wrong, dtype=pl.Boolean))
    found = rejections(strange, "patients", ASSUMED_LIMITS, NO_LIMITS)
    return found.with_columns(whole_row=False)


def _id(terms: Terms, word: str) -> str | None:
    known = terms.lab(word)
    return known.id if known else None


def _own(frame: pl.DataFrame, name: str) -> list[str | None]:
    """Return the cells of a column as texts; none of a column that is not there."""
    if name not in frame.columns:
        return [None] * frame.height
    cells = frame[name]
    cells = cells.dt.date() if isinstance(cells.dtype, pl.Datetime) else cells
    return cells.cast(pl.String).to_list()


def _numbers(cells: pl.Series) -> list[float | None]:
    """Return the cells that are numbers; what is none is said where the cells are read."""
    found = cells.str.strip_chars() if cells.dtype == pl.String else cells
    return found.cast(pl.Float64, strict=False).fill_nan(None).to_list()


def _empty(cell: str | None) -> bool:
    return cell is None or says_nothing(cell)


def _texts(frame: pl.DataFrame, column: str) -> Iterable[tuple[str, str]]:
    """Yield patients with what stands in a column that may not be there."""
    if column in frame.columns:
        for patient, cell in zip(frame[PATIENT], _own(frame, column), strict=True):
            if patient is not None and cell is not None and not _empty(cell):
                yield str(patient), cell
