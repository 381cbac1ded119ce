"""Tables of a registry as statements about findings."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from myoresist.findings.statements import Statements
from myoresist.resistance.response.visits import PATIENT

FINDING, VALUE = "finding", "value"
_STATED = {PATIENT: pl.UInt32, FINDING: pl.UInt16, VALUE: pl.Float64}


def stated(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that have a patient, the place of a finding and a value as statements."""
    return rows.select(pl.col(x).cast(kind) for x, kind in _STATED.items()).drop_nulls()


def of_column(rows: pl.DataFrame, place: int, value: pl.Series | pl.Expr) -> pl.DataFrame:
    """Return a statement about one finding, by its place, for every row that has a value."""
    return stated(rows.select(PATIENT, pl.lit(place).alias(FINDING), value.alias(VALUE)))


def empty_statements() -> pl.DataFrame:
    """Return a table of statements without any."""
    return pl.DataFrame(schema=_STATED)


def joined(parts: Iterable[pl.DataFrame]) -> Statements:
    """Return the statements of several tables, in their order."""
    said = pl.concat([empty_statements(), *parts])
    return Statements(
        said[PATIENT].cast(pl.Int64).to_numpy(),
        said[FINDING].cast(pl.Int64).to_numpy(),
        said[VALUE].to_numpy(),
    )
