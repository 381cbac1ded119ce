"""Whether some groups, such as sites, write a measure on one scale and others on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl

from myoresist.cohort.draft.profile import number_of

if TYPE_CHECKING:
    from myoresist.cohort.draft.guess import Found

_ENOUGH = 5
"""Numbers of a group that tell on which scale it writes."""


def groupings(
    one: Found,
    measure: str,
    who: str | None,
    patients: Found | None,
    is_group: Callable[[str, str], bool],
) -> Iterator[tuple[str, pl.Series]]:
    """Yield every column by which the rows of a table may be grouped, those of the patients too.

    Args:
        one: the table.
        measure: the column of the measure.
        who: the column of its ids.
        patients: the table of the patients, if it is another one.
        is_group: tells whether a header names a group, given that of the measure.
    """
    for name in one.columns:
        if is_group(name, measure):
            yield name, one.rows[name]
    ids = None if patients is None else _ids(patients, who)
    if patients is None or ids is None or who is None:
        return
    for name in patients.columns:
        if is_group(name, measure):
            by = dict(zip(patients.rows[ids].to_list(), patients.rows[name].to_list(), strict=True))
            yield (
                name,
                pl.Series(name, [by.get(x) for x in one.rows[who].to_list()], dtype=pl.String),
            )


def _ids(patients: Found, who: str | None) -> str | None:
    return who if who in patients.columns else next(iter(patients.columns), None)


def mixed(measure: str, rows: pl.DataFrame, groups: pl.Series, lower: float) -> str | None:
    """Say which groups lie within the lower scale, and which do not; nothing where all do or none.

    Args:
        measure: the column of the measure.
        rows: the rows, as text.
        groups: the group of each.
        lower: the highest number of the lower scale.
    """
    numbers = [None if x is None else number_of(x) for x in rows[measure].to_list()]
    found = (
        pl.DataFrame({"by": groups, "x": pl.Series(numbers, dtype=pl.Float64)})
        .drop_nulls()
        .group_by("by")
        .agg(pl.len().alias("n"), pl.col("x").max())
        .filter(pl.col("n") >= _ENOUGH)
        .sort("by")
    )
    low, high = found.filter(pl.col("x") <= lower), found.filter(pl.col("x") > lower)
    if low.is_empty() or high.is_empty():
        return None
    return "; ".join(
        f"up to {max(one['x'].to_list()):g} in {', '.join(one['by'].head(3).to_list())}"
        for one in (low, high)
    )
