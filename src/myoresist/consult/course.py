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
    size = len(ids)
    rows = pl.DataFrame({PATIENT: ids}).with_row_index("place")
    table = visits.select(PATIENT, DATE, *measures).sort(PATIENT, DATE)
    numbers = {}
    for name, better in measures.items():
        measured = table.filter(pl.col(name).is_not_null())
        value = pl.col(name) if better == "more" else -pl.col(name)
        held = measured.group_by(PATIENT, maintain_order=True).agg(
            change=value.slice(0, pl.len() - 1).max() - value.last(), visits=pl.len()
        )
        change = pl.when(pl.col("visits") > 1).then(pl.col("change"))
        found = rows.join(held, PATIENT, "left", maintain_order="left").select(change)
        numbers[PREFIX + name] = (
            found.to_series().cast(pl.Float64).fill_null(float("nan")).to_numpy()
        )
    return Table(size, numbers=numbers)
