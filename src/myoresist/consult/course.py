"""What the last visit is against the best one before it, measure by measure.

A response is judged against a baseline; that strength was better in between is said here.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from myoresist.arrays.table import Table
from myoresist.resistance.response.visits import DATE, PATIENT

PREFIX = "worse_than_best_"


def columns_of(measures: Mapping[str, str]) -> tuple[str, ...]:
    """Return every column of numbers that ``since_best`` fills."""
    return tuple(PREFIX + name for name in measures)


def since_best(ids: pl.Series, visits: pl.DataFrame, measures: Mapping[str, str]) -> Table:
    """Return how much worse each measure is at the last visit than at the best one before.

    Args:
        ids: the patients, as ``visits`` names them.
        visits: what was measured, one row a visit.
        measures: which measures, and whether ``more`` or ``less`` of each is better.

    Returns:
        One number a measure, in its own unit, below 0 where the last visit is the best; unknown where it was
        measured at fewer than two visits.
    """
    held = visits.lazy().sort(PATIENT, DATE).group_by(PATIENT).agg(
        _worse(name, better).alias(PREFIX + name) for name, better in measures.items()
    )  # fmt: skip
    rows = pl.LazyFrame({PATIENT: ids}).join(held, PATIENT, "left", maintain_order="left")
    return Table.of_frame(rows.drop(PATIENT).collect(), len(ids))


def _worse(measure: str, better: str) -> pl.Expr:
    """Return how much worse the last of the measured values of a patient is than the best before."""
    value = pl.col(measure).drop_nulls().cast(pl.Float64) * (1 if better == "more" else -1)
    change = value.slice(0, value.len() - 1).max() - value.last()
    return pl.when(value.len() > 1).then(change)
