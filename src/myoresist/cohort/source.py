"""Where the tables of a registry come from: a folder, a DuckDB file (an OMOP CDM too) or a SQLite file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from myoresist import knowledge as packaged
from myoresist.cohort import omop
from myoresist.cohort.schema import ROW, Schema
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, load
from myoresist.resistance.response.visits import PATIENT

DUCKDB, SQLITE = (".duckdb", ".ddb"), (".sqlite", ".sqlite3", ".db")
_SCANS: Mapping[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": pl.scan_parquet,
    ".arrow": pl.scan_ipc,
    ".feather": pl.scan_ipc,
    ".ipc": pl.scan_ipc,
    ".ndjson": pl.scan_ndjson,
    ".jsonl": pl.scan_ndjson,
}
_ROWS, _BATCH = 100_000, 50_000
"""Rows that are read at a time: from SQLite, and of a table."""
_TRIMMED = pl.col(PATIENT).cast(pl.String).str.strip_chars()
NAME_IT = " (a mapping file may name it, or leave it out with null)"


class SourceError(Exception):
    """A source that cannot be used; the message says why and what to do."""


class Names(Entry):
    """A mapping file: what foreign tables, columns and values are called here.

    Attributes:
        tables: for each of our tables the name of theirs.
        columns: for each of our tables: for each of their columns ours, or nothing to leave it out.
        values: for each of our tables and columns: for each of their values ours.
    """

    tables: Mapping[str, str] = {}
    columns: Mapping[str, Mapping[str, str | None]] = {}
    values: Mapping[str, Mapping[str, Mapping[str, str]]] = {}


@dataclass(frozen=True)
class Source:
    """The tables of a registry, opened and named as ours.

    Attributes:
        named: a lazy frame each.
        paths: the files that are read, by what they are called in the manifest.
        left_out: columns that the mapping leaves out, by table.
        notes: what a reader should know of how the tables came about.
    """

    named: Mapping[str, pl.LazyFrame]
    paths: Mapping[str, Path]
    left_out: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()

    @cached_property
    def tables(self) -> Mapping[str, pl.LazyFrame]:
        """Return the tables with ``row`` and trimmed ids."""
        return {
            name: frame.with_columns(_TRIMMED).with_row_index(ROW, offset=1)
            for name, frame in self.named.items()
        }

    def batches(self, name: str) -> Iterator[pl.DataFrame]:
        """Walk through a table of ``tables``, some rows at a time; the first are none.

        Rows are numbered and trimmed here: in the plan of the library many would be made ready at once,
        however slowly they are taken.
        """
        yield self.tables[name].head(0).collect()
        row = 1
        for part in self.named[name].collect_batches(chunk_size=_BATCH, maintain_order=True):
            yield part.with_columns(_TRIMMED).with_row_index(ROW, offset=row)
            row += part.height

    def hashes(self) -> dict[str, str]:
        """Return the hash of every file; reads all of them."""
        return {name: _hash(path) for name, path in self.paths.items()}


def open_source(path: Path, schema: Schema, work: Path, mapping: Path | None = None) -> Source:
    """Open the tables of a registry.

    Args:
        path: a folder of tables, or a DuckDB or SQLite file.
        schema: what the tables may hold.
        work: a folder for what has to be copied out of a database.
        mapping: a mapping file.

    Raises:
        SourceError: if there is no table of patients, or a column is not known.
        DocumentError: if the mapping file cannot be used.
    """
    mapped = load(mapping, Names) if mapping else Names()
    _check_mapping(mapped, mapping, schema)
    wanted = {ours: mapped.tables.get(ours, ours) for ours in schema.tables}
    notes: list[str] = []
    if path.is_dir():
        found = dict(_of_folder(path, wanted))
    elif path.suffix.lower() in DUCKDB:
        found = dict(_of_duckdb(path, wanted, work, schema, notes))
    elif path.suffix.lower() in SQLITE:
        found = dict(_of_sqlite(path, wanted, work))
    else:
        kinds = ", ".join((*DUCKDB, *SQLITE))
        raise SourceError(f"{path}: is no folder of tables and no database ({kinds})")
    if "patients" not in found:
        raise SourceError(f"{path}: has no table {wanted['patients']}; see docs/cohort.md")
    tables, left_out = {}, {}
    for name, frame in found.items():
        tables[name], left_out[name] = _named(frame, name, mapped, schema, path)
    files = sorted(x for x in path.rglob("*") if x.is_file()) if path.is_dir() else [path]
    if mapping:
        files.append(mapping)
    # Parts of different tables may share a name.
    inside = path.is_dir()
    names = {
        x.relative_to(path).as_posix() if inside and x != mapping else x.name: x for x in files
    }
    return Source(tables, names, left_out, tuple(notes))


def _check_mapping(mapped: Names, path: Path | None, schema: Schema) -> None:
    problems = []
    for part, names in (
        ("tables", mapped.tables), ("columns", mapped.columns), ("values", mapped.values),
    ):  # fmt: skip
        problems += [
            Problem(str(path), None, f"{part}.{name}", "is not a table of ours")
            for name in names
            if name not in schema.tables
        ]
    for table, columns in mapped.columns.items():
        known = schema.tables.get(table, {})
        for theirs, ours in columns.items():
            if ours is not None and ours not in known:
                near = schema.nearest(table, ours) if table in schema.tables else None
                hint = f"; did you mean {near}?" if near else ""
                field = f"columns.{table}.{theirs}"
                problems.append(Problem(str(path), None, field, f"{ours} is not a column{hint}"))
    if problems:
        raise DocumentError(problems)


def _of_folder(path: Path, wanted: Mapping[str, str]) -> Iterator[tuple[str, pl.LazyFrame]]:
    """Open each table: one file, or a folder of parts."""
    for ours, theirs in wanted.items():
        files = sorted(
            x
            for x in path.iterdir()
            if x.stem == theirs and (x.suffix.lower() in {*_SCANS, ".csv"} or x.is_dir())
        )
        if len(files) > 1:
            names = ", ".join(x.name for x in files)
            raise SourceError(f"{path}: {theirs} is there more than once: {names}")
        for file in files:
            parts = sorted(x for x in file.iterdir() if x.is_file()) if file.is_dir() else [file]
            if not parts:
                raise SourceError(f"{file}: is empty")
            yield ours, _scan_all(parts)


def _scan_all(parts: Sequence[Path]) -> pl.LazyFrame:
    """Open the parts of a table; a column that one of them lacks is unknown there."""
    frames = [_scan(part) for part in parts]
    if {part.suffix.lower() for part in parts} == {".parquet"}:
        schemas = [_columns(frame, part) for frame, part in zip(frames, parts, strict=True)]
        if all(one == schemas[0] for one in schemas):
            # Read one after the other, where frames that are put together are all read at once.
            return pl.scan_parquet(list(parts))
    return pl.concat(frames, how="diagonal")


def _columns(frame: pl.LazyFrame, where: object) -> pl.Schema:
    try:
        return frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{where}: cannot be read: {str(error).splitlines()[0]}") from error


def _scan(file: Path) -> pl.LazyFrame:
    suffix = file.suffix.lower()
    try:
        if suffix == ".csv":
            # As text, so that what cannot be read is reported, cell by cell, and not guessed.
            return pl.scan_csv(file, infer_schema=False)
        if suffix in _SCANS:
            return _SCANS[suffix](file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{file}: cannot be read: {str(error).splitlines()[0]}") from error
    raise SourceError(f"{file}: is none of {', '.join((*_SCANS, '.csv'))}")


def _of_duckdb(
    path: Path, wanted: Mapping[str, str], work: Path, schema: Schema, notes: list[str]
) -> Iterator[tuple[str, pl.LazyFrame]]:
    try:
        import duckdb
    except ImportError as error:
        raise SourceError(f"{path}: needs duckdb: pip install 'myoresist[cohort]'") from error
    with duckdb.connect(str(path), read_only=True) as connection:
        there = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
        if wanted["patients"] not in there and omop.is_cdm(there):
            try:
                notes += omop.copy_tables(connection, schema.terms, packaged.folder(), work)
            except duckdb.Error as error:
                said = str(error).splitlines()[0]
                raise SourceError(f"{path}: is no OMOP CDM that can be read: {said}") from error
            for ours in omop.TABLES:
                yield ours, pl.scan_parquet(work / f"{ours}.parquet")
            return
        for ours, theirs in wanted.items():
            if theirs in there:
                copy = work / f"{ours}.parquet"
                name = theirs.replace('"', '""')
                connection.execute(
                    f"COPY (SELECT * FROM \"{name}\") TO '{str(copy).replace(chr(39), chr(39) * 2)}'"
                )
                yield ours, pl.scan_parquet(copy)


def _of_sqlite(
    path: Path, wanted: Mapping[str, str], work: Path
) -> Iterator[tuple[str, pl.LazyFrame]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        there = {row[0] for row in connection.execute(listed)}
        for ours, theirs in wanted.items():
            if theirs not in there:
                continue
            name = theirs.replace('"', '""')
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            columns = [one[0] for one in cursor.description]
            parts: list[Path] = []
            while rows := cursor.fetchmany(_ROWS):
                part = work / f"{ours}-{len(parts):05}.parquet"
                texts = [[None if x is None else str(x) for x in row] for row in rows]
                pl.DataFrame(
                    texts, schema=dict.fromkeys(columns, pl.String), orient="row"
                ).write_parquet(part)
                parts.append(part)
            empty = pl.LazyFrame(schema=dict.fromkeys(columns, pl.String))
            yield ours, pl.concat([pl.scan_parquet(x) for x in parts]) if parts else empty
    except sqlite3.DatabaseError as error:
        raise SourceError(f"{path}: cannot be read: {error}") from error
    finally:
        connection.close()


def _named(
    frame: pl.LazyFrame, table: str, mapped: Names, schema: Schema, path: Path
) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """Return a table with our names and values, and what of it is left out."""
    columns = _columns(frame, f"{path}: {table}").names()
    named = dict(mapped.columns.get(table, {}))
    left_out = tuple(x for x in columns if x in named and named[x] is None)
    kept = {x: named.get(x) or x for x in columns if x not in left_out}
    unfit = schema.unfit(table, list(kept.values()))
    if unfit:
        help_ = "" if set(kept.values()) <= schema.tables[table].keys() else NAME_IT
        raise SourceError(f"{path}: {table}: {unfit}{help_}")
    selected = []
    for theirs, ours in kept.items():
        column = pl.col(theirs)
        values = mapped.values.get(table, {}).get(ours)
        if values:
            column = column.cast(pl.String).replace(dict(values))
        selected.append(column.alias(ours))
    return frame.select(selected), left_out


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
