"""Whether something is false, unknown or true, as numbers.

The largest of several is what "any of them" comes to, the least what "all of them" does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.planes import Planes, pack_rows, unpack_rows
from myoresist.arrays.table import Table

FALSE, UNKNOWN, TRUE = 0, 1, 2
KLEENE = (FALSE, UNKNOWN, TRUE)
Truths = NDArray[np.int8]


def to_numbers(
    table: pl.DataFrame, names: Sequence[str], numbers: tuple[int, int, int] = KLEENE
) -> Truths:
    """Return Boolean columns as rows of numbers.

    The columns are laid end to end, since one long column is read much faster than many short ones.

    Args:
        table: where the columns stand.
        names: the columns.
        numbers: what stands for false, unknown and true.
    """
    if not names:
        return np.empty((0, table.height), np.int8)
    columns = table[list(names)].get_columns()
    told = pl.concat(columns, rechunk=True).alias("told").to_frame()
    false, unknown, true = (pl.lit(number, pl.Int8) for number in numbers)
    is_ = pl.col("told")
    # A choice between constants is several times as fast as a cast.
    chosen = pl.when(is_).then(true).when(is_.is_null()).then(unknown).otherwise(false)
    rows: Truths = told.select(chosen).to_series().to_numpy()
    return rows.reshape(len(columns), table.height)


def to_columns(rows: Truths, names: Sequence[str]) -> list[pl.Series]:
    """Return rows of ``FALSE``, ``UNKNOWN`` and ``TRUE`` as Boolean columns.

    Args:
        rows: the numbers.
        names: what to call each row.
    """
    size = rows.shape[1]
    number = pl.col("number")
    told = (
        pl.DataFrame({"number": rows.reshape(-1)})
        .select(pl.when(number != UNKNOWN).then(number == TRUE))
        .to_series()
    )
    return [told.slice(place * size, size).alias(name) for place, name in enumerate(names)]


def rows_of(table: Table, names: Sequence[str]) -> Truths:
    """Return columns of truth of a table as rows of ``FALSE``, ``UNKNOWN`` and ``TRUE``, (names, N)."""
    return numbers_of([table.truth(name) for name in names], table.size)


def numbers_of(truths: Sequence[Planes], size: int) -> Truths:
    """Return truths as rows of ``FALSE``, ``UNKNOWN`` and ``TRUE``, (truths, N)."""
    true, false = (
        unpack_rows(planes, size).view(np.int8)
        for planes in ([one.t for one in truths], [one.f for one in truths])
    )
    found: Truths = UNKNOWN + true - false
    return found


def planes_of(rows: Truths, names: Sequence[str]) -> dict[str, Planes]:
    """Return rows of ``FALSE``, ``UNKNOWN`` and ``TRUE``, (names, N), as planes."""
    true, false = pack_rows(rows == TRUE), pack_rows(rows == FALSE)
    return {name: Planes(*both) for name, *both in zip(names, true, false, strict=True)}


def truth(values: pl.Series) -> Truths:
    """Return truth values as numbers; see ``TRUE``."""
    return (values.cast(pl.Int8) * TRUE).fill_null(UNKNOWN).to_numpy()


def of_values(values: Sequence[bool | None]) -> Truths:
    """Return truth values, ``None`` for unknown, as numbers."""
    codes = {True: TRUE, False: FALSE, None: UNKNOWN}
    return np.array([codes[one] for one in values], np.int8)


def negated(values: Truths) -> Truths:
    """Return what is true where ``values`` are false, false where they are true, else unknown."""
    return np.subtract(TRUE, values, dtype=np.int8)


def decided(*cases: tuple[NDArray[np.bool_], int]) -> Truths:
    """Return for each row the value of the first case that is true, ``UNKNOWN`` if none is."""
    found = np.full(len(cases[0][0]), UNKNOWN, np.int8)
    for true, value in reversed(cases):
        np.putmask(found, true, value)
    return found


def told(column: str) -> pl.Expr:
    """Return a column of truth values as numbers as one of truth values, NULL for unknown."""
    return pl.when(pl.col(column) != UNKNOWN).then(pl.col(column) == TRUE).alias(column)
