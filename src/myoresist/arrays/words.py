"""Columns of text as their different texts, so that each is read once however often it stands there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from myoresist.arrays.runs import Floats, Ints, numbers

NO_WORD = -1
"""Stands for a word that is not known, where words are kept as their places."""


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


@dataclass(frozen=True)
class Texts:
    """A column of text: its different texts, and for each row the place of its own (``NO_WORD`` for none)."""

    texts: Sequence[str]
    places: Ints

    @classmethod
    def of(cls, column: Sequence[str | None]) -> Texts:
        """Return the different texts of a few values."""
        texts = [text for text in dict.fromkeys(column) if text is not None]
        place = {text: place for place, text in enumerate(texts)}
        places = [NO_WORD if text is None else place[text] for text in column]
        return cls(texts, np.array(places, np.int64))

    @classmethod
    def of_column(cls, column: pl.Series) -> Texts:
        """Return the different texts of a column of a table."""
        words = Words.of(column)
        return cls(words.texts.to_list(), numbers(words.codes, NO_WORD))

    def read(self, look_up: Callable[[str], Sequence[float] | None], width: int) -> list[Floats]:
        """Return what each text stands for as ``width`` columns of numbers, NaN for nothing."""
        nothing = (np.nan,) * width
        rows = [look_up(text) or nothing for text in self.texts]
        table = np.array([*rows, nothing], np.float64)
        return [np.ascontiguousarray(column) for column in table.take(self.places, axis=0).T]

    def word(self, look_up: Callable[[str], int | None]) -> Ints:
        """Return the place of the word for which each text stands, ``NO_WORD`` for none."""
        found = [look_up(text) for text in self.texts]
        words = [NO_WORD if one is None else one for one in found]
        return np.array([*words, NO_WORD], np.int64).take(self.places)
