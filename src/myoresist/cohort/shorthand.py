"""Short forms in the cells of a registry, written out as those of a case file are: bounds and schemes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from myoresist.arrays.words import categories
from myoresist.case.shorthand import bounded, settled, steps_of
from myoresist.cohort.schema import BOUNDS, ROW, VALUE

_WITH_UNIT = (VALUE, "upper_limit", "lower_limit")
_IN_CELL = r"^\s*([<>≤≥]?\s*[0-9][0-9.]*)\s*([^0-9.,\s-].*?)\s*$"
_CUT_OFF, _RESULT = "cut_off", "result"


def written_out(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Return a table as it came in, with bounds such as <20, >22000 or 400-500 in columns of their own.

    Args:
        frame: rows as they came in.
        table: which table it is.
    """
    if table == "labs":
        frame = _without_units(frame)
    if VALUE not in frame.columns or frame.schema[VALUE] != pl.String:
        return frame
    if table == "labs":
        return _bounded(frame)
    return _settled(frame) if table == "antibodies" and _CUT_OFF in frame.columns else frame


def _without_units(frame: pl.DataFrame) -> pl.DataFrame:
    """Return laboratory values without the unit in a cell, where it is that of the row: 190 U/L in U/L."""
    texts = [x for x in _WITH_UNIT if frame.schema.get(x) == pl.String]
    if frame.schema.get("unit") != pl.String:
        return frame
    plain = _unspaced(pl.col("unit"))
    return frame.with_columns(
        pl.when(_unspaced(pl.col(x).str.extract(_IN_CELL, 2)) == plain)
        .then(pl.col(x).str.extract(_IN_CELL, 1))
        .otherwise(x)
        .alias(x)
        for x in texts
    )


def _unspaced(text: pl.Expr) -> pl.Expr:
    return (
        text.str.replace_all(r"\s", "").str.replace_all("μ", "µ", literal=True).str.to_lowercase()
    )


def _bounded(frame: pl.DataFrame) -> pl.DataFrame:
    """Return laboratory values with their bounds."""
    texts = frame[VALUE].unique().drop_nulls().to_list()
    read = {text: bounded({VALUE: text}) for text in texts}
    found = {text: one for text, one in read.items() if not one.keys().isdisjoint(BOUNDS)}
    if not found:
        return frame
    value = pl.col(VALUE)
    columns = [pl.when(~value.is_in(list(found))).then(value).alias(VALUE)]
    for name in BOUNDS:
        bounds = {text: str(one[name]) for text, one in found.items() if name in one}
        said = value.replace_strict(bounds, default=None, return_dtype=pl.String)
        own = [pl.col(name).cast(pl.String)] if name in frame.columns else []
        columns.append(pl.coalesce(*own, said).alias(name))
    return frame.with_columns(columns)


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return antibody results of which a bound says on which side of the cut-off they lie, as such."""
    own = (
        frame[_RESULT].cast(pl.String)
        if _RESULT in frame.columns
        else pl.Series([None] * frame.height)
    )
    said: dict[int, Mapping[str, Any]] = {}
    bound = frame.with_columns(own.cast(pl.String).alias(_RESULT)).filter(
        pl.col(VALUE).str.contains("^ *[<>≤≥]")
    )
    for row in bound.select(ROW, VALUE, _CUT_OFF, _RESULT).iter_rows(named=True):
        cut_off = _number(row[_CUT_OFF])
        test = settled({VALUE: row[VALUE], _CUT_OFF: cut_off, _RESULT: row[_RESULT] or None})
        if test.get(VALUE) is None:
            said[row[ROW]] = test
    if not said:
        return frame
    results = {row: str(test[_RESULT]) for row, test in said.items()}
    told = pl.col(ROW).replace_strict(results, default=None, return_dtype=pl.String)
    return frame.with_columns(
        pl.when(~pl.col(ROW).is_in(list(said))).then(VALUE).alias(VALUE),
        pl.coalesce(told, own.cast(pl.String)).alias(_RESULT),
    )


def _number(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def with_steps(courses: pl.DataFrame) -> pl.DataFrame:
    """Return courses, read, with one row for each step of a scheme that can be read."""
    having = courses.filter(pl.col("scheme").is_not_null() & pl.col("dose").is_null())
    if having.is_empty():
        return courses
    words = [x for x, kind in courses.schema.items() if kind in (pl.Categorical, pl.Enum)]
    # The steps have words that no row has written.
    spelt = courses.with_columns(pl.col(words).cast(pl.String))
    having = spelt.filter(pl.col(ROW).is_in(having[ROW].implode()))
    steps = list(_steps(having.iter_rows(named=True)))
    if not steps:
        return courses
    fresh = pl.DataFrame(steps, spelt.schema)
    rest = spelt.filter(~pl.col(ROW).is_in(fresh[ROW].unique().implode()))
    both = pl.concat([rest, fresh]).sort(ROW, maintain_order=True)
    return both.with_columns(categories(both[x]) for x in words)


def _steps(rows: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for row in rows:
        given = {x: y for x, y in row.items() if y is not None}
        own = {x: y for x, y in given.items() if x not in _OF_A_STEP}
        yield from (own | {x: y for x, y in one.items() if x in row} for one in steps_of(given))


_OF_A_STEP = ("start", "stop", "weeks", "ongoing", "reason_stopped", "unit", "frequency", "dose")
"""What each step of a scheme says for itself."""
