"""Registries written for each door, and what the command finds in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from myoresist.cohort import run

Tables = Mapping[str, pl.DataFrame]


def folder(path: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def findings(source: Path, out: Path, mapping: Path | None = None) -> pl.DataFrame:
    job = run.prepare(source, out, mapping)
    run.answer(job)
    run.finish(job)
    return run.scan(out, "findings").collect()


def rejected(out: Path) -> list[tuple[str, str, str]]:
    """Return table, column and reason of what the run into this folder could not use."""
    found = pl.read_parquet(out / "rejected.parquet", glob=False)
    return found.select("table", "column", "reason").rows()


def _files(
    kind: str, write: Callable[[pl.DataFrame, Path], object], tables: Tables, path: Path
) -> Path:
    for name, frame in tables.items():
        write(frame, path / f"{name}.{kind}")
    return path


def _duckdb(tables: Tables, path: Path) -> Path:
    with duckdb.connect(str(path / "r.db")) as connection:
        for name, frame in tables.items():
            connection.register("one", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM one")
    return path / "r.db"


def _sqlite(tables: Tables, path: Path) -> Path:
    connection = sqlite3.connect(path / "r.db")
    for name, frame in tables.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(frame.columns)})")
        marks = ", ".join("?" * frame.width)
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", frame.rows())
    connection.commit()
    connection.close()
    return path / "r.db"


DOORS: Mapping[str, Callable[[Tables, Path], Path]] = {
    "csv": partial(_files, "csv", pl.DataFrame.write_csv),
    "parquet": partial(_files, "parquet", pl.DataFrame.write_parquet),
    "arrow": partial(_files, "arrow", pl.DataFrame.write_ipc),
    "ndjson": partial(_files, "ndjson", pl.DataFrame.write_ndjson),
    "duckdb": _duckdb,
    "sqlite": _sqlite,
}
