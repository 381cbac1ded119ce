"""A registry that was opened: its tables under our names, and what was left of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.names import code
from myoresist.cohort.numbering import numbered
from myoresist.cohort.numbering import trimmed as trimmed_ids
from myoresist.cohort.schema import CodesNamed

_BATCH = 50_000
"""Rows of a table that are read at a time."""


@dataclass(frozen=True)
class Source:
    """The tables of a registry, opened and named as ours.

    Attributes:
        named: a lazy frame each.
        paths: the files that are read, by what they are called in the manifest.
        left_out: columns that the mapping leaves out, by table.
        notes: what a reader should know of how the tables came about.
        unread: what lies in the source and is not read.
        unused: entries of the mapping that fit no value, found by ``unused_values``.
        codes_named: of which columns the mapping says which codes stand for a missing value.
    """

    named: Mapping[str, pl.LazyFrame]
    paths: Mapping[str, Path]
    left_out: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    codes_named: CodesNamed = False
    coded: Mapping[tuple[str, str], pl.LazyFrame] | None = None
    values: Mapping[tuple[str, str], tuple[str, ...]] | None = None

    @cached_property
    def tables(self) -> Mapping[str, pl.LazyFrame]:
        """Return the tables with ``row`` and trimmed ids."""
        return {
            name: numbered(frame.with_columns(trimmed_ids(frame)), 1)
            for name, frame in self.named.items()
        }

    def batches(self, name: str) -> Iterator[pl.DataFrame]:
        """Walk through a table of ``tables``, some rows at a time; the first are none.

        Rows are numbered and trimmed here: in the plan of the library many would be made ready at once,
        however slowly they are taken.

        Raises:
            SourceError: if the table cannot be read to its end.
        """
        ids = trimmed_ids(self.named[name])
        row = 1
        try:
            yield self.tables[name].head(0).collect()
            for part in self.named[name].collect_batches(chunk_size=_BATCH, maintain_order=True):
                yield numbered(part.with_columns(ids), row)
                row += part.height
        except pl.exceptions.PolarsError as error:
            raise SourceError(f"{name}: cannot be read: {first_line(error)}") from error

    def unused_values(self) -> Iterator[str]:
        """Yield every value of the mapping that no cell holds; reads the columns that have such values."""
        for place, frame in (self.coded or {}).items():
            held = set(frame.unique().collect(engine="streaming").to_series().drop_nulls())
            for value in (self.values or {})[place]:
                if code(value) not in held:
                    yield f"values.{'.'.join(place)}.{value}: no cell holds this"

    def hashes(self) -> dict[str, str]:
        """Return the hash of every file; reads all of them."""
        return {name: hashed(path) for name, path in self.paths.items()}


def hashed(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
