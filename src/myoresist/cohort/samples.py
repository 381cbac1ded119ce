"""Enzymes that stand in the table of visits, as the laboratory values that they are.

Their rows carry numbers that no row of a table of laboratory values has, so that what cannot be used of them
is told of the visit.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from myoresist.case.terms import Terms
from myoresist.cohort.labs import LIMIT, TEST, Kept
from myoresist.cohort.relative import with_limits
from myoresist.cohort.schema import (
    ASKED,
    ROW,
    VALUE,
    Cleaned,
    CodesNamed,
    Schema,
    cleaned,
    codes_are_named,
)
from myoresist.cohort.shorthand import written_out
from myoresist.resistance.response.visits import DATE, PATIENT

_FIRST, _EACH = 2**31, 2**28
"""The number of the first such row, and how many rows visits can have."""
_OWN = pl.col(ROW) < _FIRST


class Enzyme(NamedTuple):
    """An enzyme of the table of visits.

    Attributes:
        test: the laboratory test.
        value: the column of its values.
        limit: the column of their upper limits, in the same unit.
        unit: which the name of the column gives.
        first: the number of the first row of its samples.
    """

    test: str
    value: str
    limit: str
    unit: str
    first: int


def enzymes(columns: Container[str], terms: Terms) -> Iterator[Enzyme]:
    """Yield the enzymes among the columns of the table of visits."""
    for place, measure in enumerate(x for x in terms.measures if x.enzyme):
        units = {x.lower().replace("/", "_"): x for x in terms.labs[measure.id].units}
        for value in measure.columns:
            if value in columns:
                unit = value.removeprefix(f"{measure.id}_")
                limit = f"{measure.id}_uln_{unit}"
                yield Enzyme(measure.id, value, limit, units[unit], _FIRST + place * _EACH)


def samples(
    visits: pl.DataFrame, patients: pl.DataFrame, schema: Schema, codes_named: CodesNamed = False
) -> Iterator[Cleaned]:
    """Yield the enzymes of the visits as laboratory values, a table for each.

    What the table of patients says of an enzyme itself goes before its samples. What of a cell cannot be read
    is told of the visits; here are only the limits that were assumed.

    Args:
        visits: rows as they came in, with dates for their weeks.
        patients: rows as they came in.
        schema: what the tables may hold.
        codes_named: of which columns codes for a missing value were named.
    """
    for one in enzymes(visits.columns, schema.terms):
        said = {y for x in schema.terms.labs[one.test].findings for y in (x.value, *x.told)}
        stated = [pl.col(x).is_not_null() for x in patients.columns if x in said]
        known = patients.filter(pl.any_horizontal(pl.lit(False), *stated))[PATIENT]
        rows = visits.filter(
            pl.col(one.value).is_not_null() & ~pl.col(PATIENT).is_in(known.implode())
        )
        cells = {VALUE: one.value, LIMIT: one.limit, DATE: DATE}
        named = rows.select(
            pl.col(ROW).cast(pl.UInt32) + pl.lit(one.first, pl.UInt32),
            PATIENT,
            *(pl.col(y).alias(x) for x, y in cells.items() if y in visits.columns),
            test=pl.lit(one.test),
            unit=pl.lit(one.unit),
        )
        limited, assumed = with_limits(written_out(named, "labs"), patients, schema.terms)
        read = cleaned(limited, "labs", schema, codes_are_named(codes_named, "visits", one.value))
        there = [pl.col(x) for x in (VALUE + ASKED,) if x in read.asked.columns]
        asked = read.asked.filter(pl.any_horizontal(pl.col(VALUE).is_not_null(), *there))
        yield Cleaned(read.rows, assumed, asked)


def put_together(labs: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """Return laboratory values with samples of visits; words of the one are not those of the other."""
    words = cs.categorical() | cs.enum()
    both = [x.with_columns(words.cast(pl.String)) for x in (labs, more)]
    return pl.concat(both, how="diagonal_relaxed")


def told_once(kept: Kept) -> Kept:
    """Return laboratory values without samples of visits that have one of their test and day besides."""
    of_labs = kept.rows.filter(_OWN).select(PATIENT, TEST, DATE)
    of_visits = kept.rows.filter(~_OWN)
    more = of_visits.join(of_labs, on=[PATIENT, TEST, DATE], how="anti", maintain_order="left")
    return kept._replace(rows=pl.concat([kept.rows.filter(_OWN), more]))


def entered(labs: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that stand in the table of laboratory values."""
    return labs.filter(_OWN)


def of_visits(rejected: pl.DataFrame, columns: Container[str], terms: Terms) -> pl.DataFrame:
    """Return what could not be used, where that of samples is told of their visits, and once.

    Args:
        rejected: cells and rows of all tables.
        columns: those of the table of visits.
        terms: the tests.
    """
    ours = (pl.col("table") == "labs") & ~_OWN
    parts = [rejected.filter(~ours)]
    for one in enzymes(columns, terms):
        own = rejected.filter(ours & (pl.col(ROW) // _EACH * _EACH == one.first))
        named = {VALUE: one.value, LIMIT: one.limit}
        told = own.with_columns(
            pl.lit("visits").alias("table"),
            pl.col(ROW) - one.first,
            pl.col("column").replace(named),
            whole_row=pl.lit(False),
        )
        place = ["table", ROW, "column"]
        parts.append(told.join(parts[0], on=place, how="anti", maintain_order="left"))
    return pl.concat(parts)
