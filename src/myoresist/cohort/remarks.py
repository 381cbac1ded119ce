"""What of a foreign record could not be used, on its way to the table of rejections."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from myoresist.cohort.schema import ROW, empty_rejections
from myoresist.resistance.response.visits import PATIENT

REMARKS = "remarks"
"""The table that only a door writes: ``patient_id``, ``file``, ``place`` in it, ``resource``, ``said``."""
FRAME = {
    PATIENT: pl.String, "file": pl.String, "place": pl.Int64, "resource": pl.String, "said": pl.String,
}  # fmt: skip


def taken_out(
    tables: Mapping[str, pl.DataFrame],
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return the tables without the remarks, and the remarks as rejections.

    Of these ``table`` is the file, ``row`` the place in it, ``column`` the type of the resource, by which
    they can be counted, and ``value`` the resource.
    """
    kept = dict(tables)
    remarks = kept.pop(REMARKS, None)
    if remarks is None:
        return kept, empty_rejections()
    return kept, remarks.select(
        table=pl.coalesce("file", pl.lit(REMARKS)),
        row=pl.col("place").alias(ROW),
        patient_id=pl.col(PATIENT),
        column=pl.col("resource").str.split("/").list.first(),
        value=pl.when(pl.col("resource").str.contains("/", literal=True)).then("resource"),
        reason=pl.col("said"),
        whole_row=pl.lit(False),
    )
