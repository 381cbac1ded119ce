"""Cells that say plainly what they mean, read many at once; all others are read one by one."""

from __future__ import annotations

import polars as pl

from myoresist.case.cells import CODES, EMPTY, Column

_MARKS, _DAY = r"^[!-~]+$", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_NUMBER, _THOUSANDS = r"^-?[0-9]+(\.[0-9]+)?$", r"^-?[1-9][0-9]{0,2}(\.[0-9]{3})+$"


def as_written(texts: pl.Series, column: Column) -> pl.Series:
    """Return what plain texts say: a day of the calendar, a number in its range, a name without spaces.

    Args:
        texts: different texts of a column.
        column: what the column may hold.

    Returns:
        What ``column.read`` makes of each text; NULL for every text that is not plain.
    """
    if column.kind == "text":
        plain = texts.str.contains(_MARKS) & ~texts.str.to_lowercase().is_in(EMPTY)
        return texts.set(~plain, None)
    if column.kind in ("date", "partial_date"):
        days = texts.str.to_date("%Y-%m-%d", strict=False)
        plain = texts.str.contains(_DAY) & days.is_not_null()
        if column.calendar is not None:
            plain &= days.is_between(column.calendar.earliest, column.calendar.today)
        return (days if column.kind == "date" else texts).set(~plain.fill_null(False), None)
    if column.kind == "number":
        values = texts.set(~texts.str.contains(_NUMBER), None).cast(pl.Float64)
        plain = within(values, column) & ~values.is_in(CODES)
        if column.large:
            plain &= ~texts.str.contains(_THOUSANDS)
        return values.set(~plain, None)
    kind = pl.Boolean if column.kind == "yes_no" else pl.String
    return pl.Series([None], dtype=kind).new_from_index(0, len(texts))


def within(values: pl.Series, column: Column) -> pl.Series:
    """Return which numbers are finite and within what a column may hold; NULL stays NULL."""
    fits = values.is_finite()
    if column.minimum is not None:
        fits &= values >= column.minimum
    if column.maximum is not None:
        fits &= values <= column.maximum
    if column.above is not None:
        fits &= values > column.above
    return fits
