"""A database server as a registry sees it, and its rows as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import polars as pl

ROWS = 100_000
"""Rows that are read at a time."""


class Server(Protocol):
    """A database that answers SQL."""

    ordered: ClassVar[bool]
    """Whether its rows have to be put into an order, so that the same rows come in the same."""

    @property
    def tables(self) -> Mapping[str, str]:
        """Return its tables, and for each how a query names it."""

    def columns(self, table: str) -> Mapping[str, str]:
        """Return the columns of a table with the types that the server gives them."""

    def rows(self, query: str) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the rows of a query, some at a time; of each column all cells have its type."""

    def text(self, column: str) -> str:
        """Return SQL of a column as text."""


def copied(
    rows: Iterable[Sequence[Sequence[Any]]], columns: Mapping[str, Any], folder: Path
) -> list[Path]:
    """Write rows as Parquet files, the first of them even if there are none.

    Args:
        rows: some at a time.
        columns: their names; the type of a column is that of Polars, text where it is ``None``.
        folder: where the files are written.
    """
    folder.mkdir(exist_ok=True)
    schema = {name: kind or pl.String for name, kind in columns.items()}
    parts: list[Path] = []
    for some in rows:
        frame = pl.DataFrame(list(map(tuple, some)), schema=schema, orient="row")
        parts.append(_written(frame, folder, parts))
    return parts or [_written(pl.DataFrame(schema=schema), folder, parts)]


def _written(frame: pl.DataFrame, folder: Path, before: Sequence[Path]) -> Path:
    part = folder / f"{len(before):05}.parquet"
    frame.write_parquet(part)
    return part


def quoted(name: str) -> str:
    """Return what stands between the quotes of a name."""
    return name.replace('"', '""')


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"
