"""Tables cut into buckets of patients on disk, in memory that does not grow with them.

A bucket holds the patients whose ids lie between two others. One file a table holds pieces, each with rows
of one bucket in their order; an index says where they lie. A table that is sorted by patient is only cut.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import polars as pl

from myoresist.resistance.response.visits import PATIENT

CHUNK = 8 * 2**20
"""Bytes of rows in no order that are cut at a time, by the estimate of the library."""
_TABLES = 2
"""Tables that are cut at the same time."""
_SAMPLE = 100
"""Ids that are looked at for each bucket, to find where it begins."""
INDEX, _TABLE, _BUCKET, _OFFSET, _LENGTH = "index.parquet", "table", "bucket", "offset", "length"
_SCHEMA = {_TABLE: pl.String, _BUCKET: pl.Int64, _OFFSET: pl.Int64, _LENGTH: pl.Int64}


def boundaries(ids: pl.LazyFrame, buckets: int, patients: int) -> pl.Series:
    """Return the ids at which buckets of about the same size begin, but for the first.

    Args:
        ids: ``patient_id`` of every patient.
        buckets: how many there are.
        patients: how many ids there are.
    """
    every = max(1, patients // (buckets * _SAMPLE))
    # The hash of the library may change with its version, so the version is part of the plan of a run.
    some = ids.filter(pl.col(PATIENT).hash(0) % every == 0).drop_nulls()
    sample = some.collect(engine="streaming")[PATIENT].unique().sort()
    return sample.gather([one * len(sample) // buckets for one in range(1, buckets) if len(sample)])


def write(
    tables: Mapping[str, Iterable[pl.DataFrame]],
    folder: Path,
    begins: pl.Series,
    told: Callable[[int], None] | None = None,
) -> None:
    """Write every row of some tables into the bucket of its patient.

    Args:
        tables: each in parts with ``patient_id``; one part at least, which may be empty.
        folder: where to; it is made.
        begins: the ids at which the buckets begin, but for the first.
        told: called with the rows that were written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_TABLES) as pool:
        pieces = [
            pool.submit(_write_table, name, parts, folder, begins, told)
            for name, parts in tables.items()
        ]
        index = pl.concat([one.result() for one in pieces])
    index.sort(_BUCKET, _TABLE, _OFFSET).write_parquet(folder / INDEX)


def _write_table(
    name: str,
    parts: Iterable[pl.DataFrame],
    folder: Path,
    begins: pl.Series,
    told: Callable[[int], None] | None,
) -> pl.DataFrame:
    """Write one table, and return where its pieces lie."""
    pieces = []
    with (folder / name).open("wb") as file:
        for chunk in _chunks(parts):
            for bucket, rows in _cut(chunk, begins):
                begin = file.tell()
                rows.write_ipc_stream(file, compression="lz4")
                pieces.append((name, bucket, begin, file.tell() - begin))
            if told:
                told(chunk.height)
    return pl.DataFrame(pieces, schema=_SCHEMA, orient="row")


def read(folder: Path, bucket: int) -> dict[str, pl.DataFrame]:
    """Return the rows of a bucket, by table; a table that has no row of it is empty."""
    whole = _whole_index(folder / INDEX, (folder / INDEX).stat().st_mtime_ns)
    own = whole.filter(pl.col(_BUCKET) == bucket)
    rest = whole.unique(_TABLE, maintain_order=True).join(own, on=_TABLE, how="anti")
    found: dict[str, list[pl.DataFrame]] = {}
    for name, _, offset, length in own.iter_rows():
        found.setdefault(name, []).append(_piece(folder / name, offset, length))
    for name, _, offset, length in rest.iter_rows():
        found[name] = [_piece(folder / name, offset, length).clear()]
    return {name: pl.concat(parts, rechunk=True) for name, parts in found.items()}


def _piece(path: Path, offset: int, length: int) -> pl.DataFrame:
    with path.open("rb") as file:
        file.seek(offset)
        return pl.read_ipc_stream(io.BytesIO(file.read(length)))


def _chunks(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Walk through a table in order.

    Rows that are not in the order of their patients go to many buckets, so more of them are taken together.
    """
    held: list[pl.DataFrame] = []
    size = 0
    for part in parts:
        if not held and part[PATIENT].is_sorted():
            yield part
            continue
        held.append(part)
        size += int(part.estimated_size())
        if size >= CHUNK:
            yield pl.concat(held)
            held, size = [], 0
    if held:
        yield pl.concat(held)


def _cut(chunk: pl.DataFrame, begins: pl.Series) -> Iterator[tuple[int, pl.DataFrame]]:
    """Walk through the rows of a chunk by bucket, in their order within each."""
    ids = chunk[PATIENT]
    if ids.is_sorted():
        ends = ids.search_sorted(begins, side="left").to_list()
    else:
        places = begins.search_sorted(ids, side="right").alias(_BUCKET).to_frame()
        ordered = places.with_row_index().sort(_BUCKET, maintain_order=True)
        chunk = chunk[ordered["index"]]
        ends = ordered[_BUCKET].search_sorted(pl.Series(range(len(begins))), side="right").to_list()
    begin = 0
    for number, end in enumerate([*ends, chunk.height]):
        # A table without rows has a piece all the same, which says what its columns are.
        if end > begin or (number == 0 and not chunk.height):
            yield number, chunk.slice(begin, end - begin)
        begin = end


@lru_cache(maxsize=2)
def _whole_index(path: Path, changed: int) -> pl.DataFrame:
    return pl.read_parquet(path, glob=False).set_sorted(_BUCKET)
