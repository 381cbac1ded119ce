"""Rows about patients: by their places in a batch, until their assessment, and what is carried along."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.courses import period
from myoresist.cohort.schema import ASKED, KEPT, OF_END, ROW, rejections, unused
from myoresist.resistance.response.visits import DATE, PATIENT


def carried_through(
    tables: Mapping[str, pl.DataFrame],
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return tables without the columns that are only carried through, and these with ``row``."""
    patients = tables["patients"]
    kept = [x for x in patients.columns if x.startswith(KEPT)]
    carried = patients.select(
        pl.col(ROW), *(pl.col(x).cast(pl.String).alias(x.removeprefix(KEPT)) for x in kept)
    )
    return {**tables, "patients": patients.drop(kept)}, carried


def open_end(asked: pl.DataFrame) -> pl.Series:
    """Return the patients of whom it cannot be read whether one of their courses goes on."""
    flags = [x + ASKED for x in OF_END if x + ASKED in asked.columns]
    ends = [pl.col(x) for x in flags]
    if "reason_stopped" + ASKED in asked.columns:
        ends.append(pl.col("reason_stopped" + ASKED) & pl.col("stop").is_null())
    return asked.filter(pl.any_horizontal(pl.lit(False), *ends))[PATIENT].unique()


def not_ongoing(
    table: pl.DataFrame, asked: pl.DataFrame, ongoing: bool | None = None
) -> pl.DataFrame:
    """Return courses of which it is not taken for said that they go on where their end cannot be read."""
    flags = [pl.col(x + ASKED) for x in OF_END if x + ASKED in asked.columns]
    rows = asked.filter(pl.any_horizontal(pl.lit(False), *flags))[ROW].unique()
    if rows.is_empty():
        return table
    own = pl.col(ROW).is_in(rows.implode())
    return table.with_columns(
        pl.when(own).then(pl.lit(ongoing, pl.Boolean)).otherwise("ongoing").alias("ongoing")
    )


def by_place(table: pl.DataFrame, ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows about patients by their places, in the order of rows, and those about nobody."""
    words = Words.of_runs(table[PATIENT])
    places = words.texts.replace_strict(
        ids,
        pl.int_range(len(ids), dtype=pl.UInt32, eager=True),
        default=None,
        return_dtype=pl.UInt32,
    )
    place = words.read(places).alias(PATIENT)
    known = table.with_columns(place)
    lost = table.filter(place.is_null())
    if lost.height:
        known = known.filter(place.is_not_null())
    return known.sort(ROW), lost


def with_ids(table: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Return a table with the ids of patients instead of their places."""
    return table.with_columns(ids.gather(table[PATIENT]).alias(PATIENT))


def by_numbers(rejected: pl.DataFrame) -> pl.DataFrame:
    """Return rejections about patients by their places, also where there are none."""
    return rejected.with_columns(pl.col(PATIENT).cast(pl.UInt32))


_LATE = "lies after the date of the assessment"


def until_assessed(
    table: pl.DataFrame, name: str, patients: pl.DataFrame
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the rows that are not dated after the assessment of their patient, and the cells that are.

    A course that begins before it stays, without its stop.
    """
    given = patients[DATE]
    columns = [x for x in (DATE, "start", "stop") if x in table.columns]
    if not given.count() or not columns:
        return table, []
    today = Words.of(given).select(period(DATE, "day")[1], name=DATE).to_series()
    own, gone = today.gather(table[PATIENT]), []
    late = pl.repeat(False, table.height, eager=True)
    for column in columns:
        later = (_first_day(table[column]) > own).fill_null(False) & ~late
        if not later.any():
            continue
        if column == "stop":
            # On the day of the assessment the course still ran.
            gone.append(unused(table.filter(later), name, column, _LATE))
            end = [x for x in ("stop", "reason_stopped") if x in table.columns]
            table = table.with_columns(
                *(pl.when(~later).then(pl.col(x)).alias(x) for x in end),
                *(
                    pl.when(later).then(True).otherwise(pl.col(x)).alias(x)
                    for x in ("ongoing",)
                    if x in table.columns
                ),
            )
        else:
            gone.append(rejections(table.filter(later), name, column, _LATE))
            late |= later
    return table.filter(~late) if gone else table, gone


def _first_day(dates: pl.Series) -> pl.Series:
    if dates.dtype == pl.Date:
        return dates
    return Words.of(dates).select(period(dates.name, "day")[0], name=dates.name).to_series()
