"""Columns of text as their different texts, so that each is read once however often it stands there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Words:
    """A column of text.

    Attributes:
        texts: its different texts, or those of its runs.
        codes: for each row the place of its text; NULL where it is empty.
    """

    texts: pl.Series
    codes: pl.Series

    @classmethod
    def of(cls, column: pl.Series) -> Words:
        """Return the different texts of a column of text or of days."""
        if column.dtype == pl.Date:
            days = column.unique().drop_nulls().sort()
            codes = days.search_sorted(column)
            return cls(days.cast(pl.String), codes.set(column.is_null(), None))
        own = column if isinstance(column.dtype, pl.Enum) else categories(column)
        assert isinstance(own.dtype, pl.Enum)
        return cls(own.dtype.categories, own.to_physical())

    @classmethod
    def of_runs(cls, column: pl.Series) -> Words:
        """Return the text of each run of equal ones, of a column that has too many different ones.

        Numbers may stand in place of texts.
        """
        runs = column.rle().struct.unnest()
        codes = np.repeat(np.arange(runs.height, dtype=np.uint32), runs["len"].to_numpy())
        return cls(runs["value"], pl.Series(codes))

    def map(self, look_up: Callable[[str], Any], kind: type[pl.DataType] = pl.String) -> pl.Series:
        """Return for each row what its text stands for."""
        return self.read(pl.Series([look_up(one) for one in self.texts.to_list()], dtype=kind))

    def select(self, *expressions: pl.Expr, name: str) -> pl.DataFrame:
        """Return for each row what expressions make of its text, which they find in column ``name``."""
        told = self.texts.rename(name).to_frame().select(expressions)
        return told.select(pl.all().gather(self.codes))

    def read(self, told: pl.Series) -> pl.Series:
        """Return for each row what was told of its text."""
        return told.gather(self.codes)


def categories(column: pl.Series) -> pl.Series:
    """Return a column of text or of categories as one of its different texts."""
    return column.cast(pl.Enum(column.unique().drop_nulls().cast(pl.String)))
