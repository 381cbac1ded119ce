"""Small counts are withheld from what is meant to leave, and so are those from which they could be computed.

A count from 1 to one below the least is small. Where one count of a line is withheld whose sum is shown, it
could be computed from the others; then the next larger one is withheld too. A line is a row of groups beside
their total, or the parts of a whole one below the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

Counts: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
SMALL, WITHHELD = "<{}", "…"
"""What stands for a small count, and for one that is withheld to protect it."""


@dataclass(frozen=True)
class Disclosure:
    """What may be told of counts; with a least count of 1 everything may."""

    least: int

    def small(self, count: float) -> bool:
        """Tell whether a count is too small to be told."""
        return 0 < count < self.least

    def number(self, count: int) -> str:
        """Return a count, unless it is small."""
        return SMALL.format(self.least) if self.small(count) else f"{count:,}"

    def withheld(
        self, counts: Counts, rows: bool = True, columns: bool = False, few: Mask | None = None
    ) -> Mask:
        """Return which counts of a table are not told.

        Args:
            counts: R × C, NaN where there is none.
            rows: whether the sum of each row is told elsewhere.
            columns: whether the sum of each column is.
            few: further counts that are not told, whatever they are.
        """
        hidden = np.nan_to_num(counts) > 0
        hidden &= np.nan_to_num(counts) < self.least
        if few is not None:
            hidden |= few
        while True:
            before = hidden.sum()
            if rows:
                for row in range(len(counts)):
                    _protect(counts[row], hidden[row])
            if columns:
                for column in range(counts.shape[1]):
                    _protect(counts[:, column], hidden[:, column])
            if hidden.sum() == before:
                return hidden

    def guarded(
        self,
        frame: pl.DataFrame,
        count: str,
        group: str,
        by: Sequence[str],
        parts: str | None = None,
    ) -> pl.DataFrame:
        """Return a long table of counts with those that are not told empty, and ``withheld`` true for them.

        Args:
            frame: one row a cell.
            count: the column of counts.
            group: the column of groups, whose total is told.
            by: the columns that tell one line of groups from another.
            parts: a column of levels that add up within the rest of ``by``, if any.
        """
        if frame.is_empty():
            return frame.with_columns(withheld=pl.lit(None, pl.Boolean))
        hidden = np.zeros(frame.height, np.bool_)
        outer = [x for x in by if x != parts]
        numbered = frame.select(*by, group, count).with_row_index("place")
        for _, block in (
            numbered.group_by(outer, maintain_order=True) if outer else [((), numbered)]
        ):
            levels = block[parts].unique(maintain_order=True).to_list() if parts else [None]
            groups = block[group].unique(maintain_order=True).to_list()
            counts = np.full((len(levels), len(groups)), np.nan)
            places = np.full(counts.shape, -1)
            for one in block.iter_rows(named=True):
                at = levels.index(one[parts]) if parts else 0, groups.index(one[group])
                counts[at] = np.nan if one[count] is None else one[count]
                places[at] = one["place"]
            mask = self.withheld(counts, rows=True, columns=parts is not None)
            hidden[places[mask & (places >= 0)]] = True
        flags = pl.Series("withheld", hidden)
        return frame.with_columns(flags, pl.when(~flags).then(pl.col(count)).alias(count))


def _protect(counts: Counts, hidden: Mask) -> None:
    """Withhold a second count of a line of which one alone is withheld."""
    if hidden.sum() != 1:
        return
    others = np.where(hidden | ~(counts > 0), np.inf, counts)
    if np.isfinite(others).any():
        hidden[int(others.argmin())] = True
