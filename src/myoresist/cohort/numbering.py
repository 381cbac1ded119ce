"""The ids and numbers of rows as they came in."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from myoresist.cohort.schema import ROW
from myoresist.resistance.response.visits import PATIENT

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def numbered(frame: Frame, first: int) -> Frame:
    """Return rows with their numbers, unless they have those of the file that they were taken from."""
    known = frame.collect_schema().names()
    return frame if ROW in known else frame.with_row_index(ROW, offset=first)


def trimmed(frame: pl.LazyFrame) -> pl.Expr:
    """Return the ids as text without what surrounds them; a whole number has no decimals."""
    ids = pl.col(PATIENT)
    if frame.collect_schema()[PATIENT].is_float():
        whole = ids.cast(pl.Int64, strict=False)
        ids = pl.when(whole.cast(pl.Float64) == ids).then(whole.cast(pl.String)).otherwise(
            ids.fill_nan(None).cast(pl.String)
        )  # fmt: skip
    return ids.cast(pl.String).str.strip_chars().alias(PATIENT)
