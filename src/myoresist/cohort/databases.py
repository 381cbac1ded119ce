"""Tables of a DuckDB or SQLite file or of a Postgres server, copied out of it.

A database from elsewhere may hold views, macros and settings of its own. It is opened for reading only; of a
file, it may not touch any but itself and the copies, and loads no extension.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from myoresist import knowledge as packaged
from myoresist.case.terms import Terms
from myoresist.cohort import postgres
from myoresist.cohort.folder import Found, SourceError, first_line, meant, no_table
from myoresist.cohort.omop import cdm
from myoresist.cohort.omop.extract import copy_cdm
from myoresist.cohort.omop.read import copy_tables
from myoresist.cohort.omop.site import Site
from myoresist.cohort.tables import ROWS, Server, copied, literal, quoted
from myoresist.resistance.response.visits import PATIENT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DUCKDB, SQLITE = "duckdb", "sqlite"
SUFFIXES = (".duckdb", ".ddb", ".sqlite", ".sqlite3", ".db")
_LISTED = (
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_catalog = current_database() AND table_schema = 'main'"
)
_PLAIN = ("BOOLEAN", "DATE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE")
"""Types that are copied as they are."""
_NUMBER = re.compile(r"(smallint|integer|bigint|real|double precision|numeric)\b")
"""Types of Postgres that hold numbers."""
_NO_CELL = re.compile(r"(STRUCT|MAP|UNION|INTERVAL|BLOB|BIT|TIME|GEOMETRY)\b|.*\]$")
"""Types that hold no value of a table of ours."""


def kind_of(path: Path) -> str | None:
    """Return what database a file is, by what it begins with."""
    with path.open("rb") as stream:
        head = stream.read(16)
    if head[8:12] == b"DUCK":
        return DUCKDB
    return SQLITE if head.startswith(b"SQLite format 3\0") else None


@dataclass(frozen=True)
class Asked:
    """What is wanted of a database.

    Attributes:
        wanted: for each of our tables what it is called there.
        left_out: for each of our tables columns that need not be read.
        ignored: tables that are not meant to be read.
        site: what concepts of a site's own say in an OMOP CDM.
        terms: the words that an OMOP CDM is searched for.
        work: a folder for the copies.
    """

    wanted: Mapping[str, str]
    left_out: Mapping[str, set[str]]
    ignored: Iterable[str]
    site: Site | None
    terms: Terms
    work: Path

    def cdm(self, there: Iterable[str]) -> bool:
        """Tell whether a database with these tables is read as an OMOP CDM."""
        return not _chosen(there, self.wanted.get("patients", "")) and cdm.is_cdm(there)


def read_database(place: Path | postgres.Address, asked: Asked) -> Found:
    """Copy the tables of a database.

    Raises:
        SourceError: if it cannot be read.
    """
    found = Found()
    if isinstance(place, postgres.Address):
        with postgres.opened(place) as server:
            there = _of_server(server, asked, found, place)
        copies = {x for table in found.tables for x in _copies(asked.work, table)}
        found.files, found.root = sorted(copies), asked.work
    else:
        there = _of_file(place, asked, found)
        found.files = [place]
    used = {theirs for ours, theirs in asked.wanted.items() if ours in found.tables}
    others = there - {x for x in there if _fold(x) in map(_fold, used)} - set(asked.ignored)
    for name in sorted(others):
        found.unread.append(f"table {name}: is not read{meant(name, '', asked.wanted)}")
    if asked.site and not found.notes:
        found.unread.append("omop: this source is no OMOP CDM, and nothing is read by it")
    return found


def _of_file(path: Path, asked: Asked, found: Found) -> set[str]:
    kind = kind_of(path)
    if kind is None:
        raise SourceError(f"{path}: {no_table(path)}; nor is it a DuckDB or SQLite database")
    if kind == DUCKDB:
        return _of_duckdb(path, asked, found)
    # The name goes into an address, where some letters mean something else.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        return _of_server(Sqlite(connection), asked, found, path)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error
    finally:
        connection.close()


def names_of(place: Path | postgres.Address, work: Path) -> list[str]:
    """Return the names of the tables of a database.

    Args:
        place: where it is.
        work: a folder that it may write to.

    Raises:
        SourceError: if it cannot be read, or is an OMOP CDM, whose tables need no names.
    """
    found: Iterable[str]
    if isinstance(place, postgres.Address):
        with postgres.opened(place) as server:
            found = server.tables
    elif kind_of(place) is None:
        raise SourceError(f"{place}: {no_table(place)}; nor is it a DuckDB or SQLite database")
    elif kind_of(place) == SQLITE:
        connection = sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)
        try:
            found = Sqlite(connection).tables
        except sqlite3.Error as error:
            raise SourceError(f"{place}: cannot be read: {first_line(error)}") from error
        finally:
            connection.close()
    else:
        duckdb = _duckdb(place)
        try:
            with _opened(place, work) as opened:
                found = {row[0] for row in opened.execute(_LISTED).fetchall()}
        except duckdb.Error as error:
            raise SourceError(f"{place}: cannot be read: {first_line(error)}") from error
    if cdm.is_cdm(found):
        raise SourceError(f"{place}: is an OMOP CDM, which is read without a mapping file")
    return sorted(found)


def _fold(name: str) -> str:
    return name.lower()


def _chosen(there: Iterable[str], name: str) -> str | None:
    """Return the table of this name; case matters only where two differ in nothing else."""
    same = sorted(x for x in there if _fold(x) == _fold(name))
    return name if name in same else same[0] if len(same) == 1 else None


def _of_duckdb(path: Path, asked: Asked, found: Found) -> set[str]:
    duckdb = _duckdb(path)
    try:
        with _opened(path, asked.work) as connection:
            there = {row[0] for row in connection.execute(_LISTED).fetchall()}
            if asked.cdm(there):
                _of_cdm(connection, asked, found, None)
                return set()
            for ours, name in asked.wanted.items():
                theirs = _chosen(there, name)
                if theirs is not None:
                    copy = asked.work / f"{ours}.parquet"
                    _copy(connection, path, theirs, asked.left_out.get(ours, set()), copy)
                    found.tables[ours] = pl.scan_parquet(copy, glob=False)
            return there
    except duckdb.Error as error:
        raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error


def _duckdb(place: object) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise SourceError(f"{place}: needs duckdb: pip install 'myoresist[cohort]'") from error
    return duckdb


def _of_cdm(
    connection: DuckDBPyConnection, asked: Asked, found: Found, persons: int | None
) -> None:
    """Make the tables of a registry out of a CDM."""
    found.notes += copy_tables(
        connection, asked.terms, packaged.folder(), asked.work, asked.site, persons
    )
    for ours in (*cdm.TABLES, *(["visits"] if asked.site and asked.site.measures else [])):
        found.tables[ours] = pl.scan_parquet(asked.work / f"{ours}.parquet", glob=False)


def _of_server(server: Server, asked: Asked, found: Found, place: object) -> set[str]:
    """Copy what is wanted of a server, or of what a CDM there holds of the patients."""
    there = set(server.tables)
    if asked.cdm(there):
        duckdb = _duckdb(place)
        try:
            with _opened(None, asked.work) as connection:
                persons = copy_cdm(
                    server,
                    connection,
                    asked.terms,
                    packaged.folder(),
                    asked.work,
                    asked.site or Site(),
                )
                _of_cdm(connection, asked, found, persons)
        except duckdb.Error as error:
            raise SourceError(f"{place}: cannot be read: {first_line(error)}") from error
        return set()
    for ours, name in asked.wanted.items():
        theirs = _chosen(there, name)
        if theirs is not None:
            copies = _rows(server, theirs, asked, ours)
            found.tables[ours] = pl.concat([pl.scan_parquet(x, glob=False) for x in copies])
    return there


def _copies(work: Path, table: str) -> list[Path]:
    """Return the files that hold a table of ours which came from a server."""
    whole = work / f"{table}.parquet"
    return [whole] if whole.exists() else sorted((work / f"server-{table}").iterdir())


def _rows(server: Server, table: str, asked: Asked, ours: str) -> list[Path]:
    """Copy a table of a server in an order that does not change, as text but for numbers."""
    columns = server.columns(table)
    left_out = asked.left_out.get(ours, set())
    cells, kinds = [], {}
    for column, kind in columns.items():
        own = f'"{quoted(column)}"'
        number = column.lower() != PATIENT and bool(_NUMBER.match(kind))
        kinds[column] = pl.Float64 if number else None
        if column in left_out:
            cells.append("NULL")
        else:
            cells.append(f"CAST({own} AS double precision)" if number else server.text(own))
    order = ", ".join(str(place + 1) for place in range(len(cells)))
    query = f"SELECT {', '.join(cells)} FROM {server.tables[table]}"
    if server.ordered:
        query += f" ORDER BY {order}"
    return copied(server.rows(query), kinds, asked.work / f"server-{ours}")


def _opened(path: Path | None, work: Path) -> DuckDBPyConnection:
    """Open a file for reading, or a database in memory."""
    import duckdb

    settings = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
    }
    if path is None:
        settings["temp_directory"] = str(work.resolve())
    name = ":memory:" if path is None else str(path)
    connection = duckdb.connect(name, read_only=path is not None, config=dict(settings))
    folder = literal(str(work.resolve()))
    connection.execute("SET enable_progress_bar=false")
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
        own = f'"{quoted(column)}"'
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
    connection.execute(f"COPY ({query}) TO {literal(str(copy.resolve()))} (FORMAT parquet)")


@dataclass(frozen=True)
class Sqlite:
    """A file of SQLite, where every cell may have a type of its own, and is read as text."""

    connection: sqlite3.Connection
    ordered: ClassVar[bool] = False

    @cached_property
    def tables(self) -> Mapping[str, str]:
        """Return its tables and views."""
        listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        names = [row[0] for row in self.connection.execute(listed)]
        return {x: f'"{quoted(x)}"' for x in names if not x.startswith("sqlite_")}

    def columns(self, table: str) -> Mapping[str, str]:
        """Return the columns of a table, without types: they promise nothing."""
        cursor = self.connection.execute(f"SELECT * FROM {self.tables[table]} LIMIT 0")
        return {one[0]: "" for one in cursor.description}

    def rows(self, query: str) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the rows of a query, some at a time."""
        cursor = self.connection.execute(query)
        while rows := cursor.fetchmany(ROWS):
            yield [[None if x is None else _text(x) for x in row] for row in rows]

    @staticmethod
    def text(column: str) -> str:
        """Return the column itself: each cell becomes text as its own type writes it."""
        return column


def _text(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
