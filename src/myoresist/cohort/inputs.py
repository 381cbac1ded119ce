"""What was entered of each patient: rows and a fingerprint a table, so that two freezes can be compared."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from myoresist.cohort.schema import GROUPED, ROW
from myoresist.resistance.response.visits import PATIENT


def inputs_table(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return how many rows of each table are about each patient, and a fingerprint of what they say.

    The order of rows and columns makes no difference, nor how a value is written. The fingerprint is that of
    the library and may change with its version, which the manifest names.

    Args:
        tables: the tables, read, by the places of the patients.

    Returns:
        ``patient_id`` (its row), ``table``, ``rows``, ``fingerprint``.
    """
    found = []
    for name, frame in sorted(tables.items()):
        # A column of which nothing is known says as little as one that is not there.
        own = (x for x in frame.columns if x not in (ROW, PATIENT) and not x.endswith(GROUPED))
        columns = sorted(x for x in own if frame[x].count())
        cells = frame.select(columns)
        words = [x for x, kind in cells.schema.items() if kind in (pl.Categorical, pl.Enum)]
        cells = cells.with_columns(pl.col(words).cast(pl.String))
        marks = cells.hash_rows() if columns else None
        mark = pl.Series("mark", [0] * frame.height if marks is None else marks, dtype=pl.UInt64)
        rows = frame.select(PATIENT).with_columns(mark)
        told = rows.group_by(PATIENT).agg(rows=pl.len().cast(pl.Int64), marks=pl.col("mark").sort())
        found.append(
            told.select(
                PATIENT, pl.lit(name).alias("table"), "rows",
                pl.col("marks").hash().cast(pl.String).alias("fingerprint"),
            )
        )  # fmt: skip
    return pl.concat(found).sort(PATIENT, maintain_order=True)
