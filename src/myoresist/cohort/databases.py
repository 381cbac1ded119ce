"""Tables of a DuckDB or SQLite file, copied out of it.

A database from elsewhere may hold views, macros and settings of its own. It is opened for reading only, may
not touch any file but itself and the copies, and loads no extension.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from myoresist import knowledge as packaged
from myoresist.case.terms import Terms
from myoresist.cohort import omop
from myoresist.cohort.folder import Found, SourceError, first_line, meant
from myoresist.resistance.response.visits import PATIENT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DUCKDB, SQLITE = "duckdb", "sqlite"
SUFFIXES = (".duckdb", ".ddb", ".sqlite", ".sqlite3", ".db")
_ROWS = 100_000
"""Rows that are read at a time."""
_PLAIN = ("BOOLEAN", "DATE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE")
"""Types that are copied as they are."""
_NO_CELL = re.compile(r"(STRUCT|MAP|UNION|INTERVAL|BLOB|BIT|TIME|GEOMETRY)\b|.*\]$")
"""Types that hold no value of a table of ours."""


def kind_of(path: Path) -> str | None:
    """Return what database a file is, by what it begins with."""
    with path.open("rb") as stream:
        head = stream.read(16)
    if head[8:12] == b"DUCK":
        return DUCKDB
    return SQLITE if head.startswith(b"SQLite format 3\0") else None


def read_database(
    path: Path, wanted: Mapping[str, str], left_out: Mapping[str, set[str]], work: Path, terms: Terms,
    ignored: Iterable[str],
) -> Found:  # fmt: skip
    """Copy the tables of a database.

    Args:
        path: the file.
        wanted: for each of our tables what it is called here.
        left_out: for each of our tables columns that need not be read.
        work: a folder for the copies.
        terms: the words that an OMOP CDM is searched for.
        ignored: tables that are not meant to be read.

    Raises:
        SourceError: if it cannot be read.
    """
    kind = kind_of(path)
    if kind is None:
        raise SourceError(f"{path}: is no folder of tables, and no DuckDB or SQLite database")
    found = Found(files=[path])
    if kind == SQLITE:
        there = _of_sqlite(path, wanted, work, found)
    else:
        there = _of_duckdb(path, wanted, left_out, work, terms, found)
    used = {theirs for ours, theirs in wanted.items() if ours in found.tables}
    for name in sorted(there - {x for x in there if _fold(x) in map(_fold, used)} - set(ignored)):
        found.unread.append(f"table {name}: is not read{meant(name, '', wanted)}")
    return found


def _fold(name: str) -> str:
    return name.lower()


def _chosen(there: Iterable[str], name: str) -> str | None:
    """Return the table of this name; case matters only where two differ in nothing else."""
    same = sorted(x for x in there if _fold(x) == _fold(name))
    return name if name in same else same[0] if len(same) == 1 else None


def _of_duckdb(
    path: Path, wanted: Mapping[str, str], left_out: Mapping[str, set[str]], work: Path, terms: Terms,
    found: Found,
) -> set[str]:  # fmt: skip
    try:
        import duckdb
    except ImportError as error:
        raise SourceError(f"{path}: needs duckdb: pip install 'myoresist[cohort]'") from error
    try:
        with _opened(path, work) as connection:
            listed = "SELECT table_name FROM information_schema.tables WHERE table_catalog = "
            listed += "current_database() AND table_schema = 'main'"
            there = {row[0] for row in connection.execute(listed).fetchall()}
            if not _chosen(there, wanted["patients"]) and omop.is_cdm(there):
                found.notes += omop.copy_tables(connection, terms, packaged.folder(), work)
                for ours in omop.TABLES:
                    found.tables[ours] = pl.scan_parquet(work / f"{ours}.parquet", glob=False)
                return set()
            for ours, name in wanted.items():
                theirs = _chosen(there, name)
                if theirs is not None:
                    copy = work / f"{ours}.parquet"
                    _copy(connection, path, theirs, left_out.get(ours, set()), copy)
                    found.tables[ours] = pl.scan_parquet(copy, glob=False)
            return there
    except duckdb.Error as error:
        raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error


def _opened(path: Path, work: Path) -> DuckDBPyConnection:
    import duckdb

    settings = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
    }
    connection = duckdb.connect(str(path), read_only=True, config=dict(settings))
    folder = _literal(str(work.resolve()))
    connection.execute(f"SET allowed_directories=[{folder}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def _copy(
    connection: DuckDBPyConnection, path: Path, table: str, left_out: set[str], copy: Path
) -> None:
    name = table.replace('"', '""')
    columns = connection.execute(f'DESCRIBE SELECT * FROM "{name}"').fetchall()
    selected = []
    for column, kind, *_ in columns:
        own = f'"{_quoted(column)}"'
        if column in left_out:
            selected.append(f"NULL AS {own}")
        elif _NO_CELL.match(str(kind)):
            raise SourceError(
                f"{path}: {table}: column {column} holds {kind}, which is no value of a table "
                "(a mapping file may leave it out with null)"
            )
        else:
            same = column.lower() != PATIENT and str(kind) in _PLAIN
            selected.append(own if same else f"{own}::VARCHAR AS {own}")
    query = f'SELECT {", ".join(selected)} FROM "{name}"'
    connection.execute(f"COPY ({query}) TO {_literal(str(copy.resolve()))} (FORMAT parquet)")


def _quoted(name: str) -> str:
    return name.replace('"', '""')


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _of_sqlite(path: Path, wanted: Mapping[str, str], work: Path, found: Found) -> set[str]:
    # The name goes into an address, where some letters mean something else.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        there = {row[0] for row in connection.execute(listed) if not row[0].startswith("sqlite_")}
        for ours, name in wanted.items():
            theirs = _chosen(there, name)
            if theirs is not None:
                found.tables[ours] = _rows(connection, theirs, work / f"sqlite-{ours}")
        return there
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, table: str, copies: Path) -> pl.LazyFrame:
    """Copy a table of SQLite, where every cell may have a type of its own, as text."""
    copies.mkdir(exist_ok=True)
    cursor = connection.execute(f'SELECT * FROM "{_quoted(table)}"')
    schema = dict.fromkeys((one[0] for one in cursor.description), pl.String)
    parts: list[Path] = []
    while rows := cursor.fetchmany(_ROWS):
        part = copies / f"{len(parts):05}.parquet"
        texts = [[None if x is None else _text(x) for x in row] for row in rows]
        pl.DataFrame(texts, schema=schema, orient="row").write_parquet(part)
        parts.append(part)
    if not parts:
        return pl.LazyFrame(schema=schema)
    return pl.concat([pl.scan_parquet(x, glob=False) for x in parts])


def _text(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
