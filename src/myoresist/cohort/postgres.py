"""Tables of a Postgres database, read in one transaction that can write nothing.

Where it is and who asks is told as to every program of Postgres: an address, the environment (``PGHOST`` …),
a service, a file of passwords. A password never stands in the address, which others can see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.tables import ROWS, literal, quoted

if TYPE_CHECKING:
    from asyncpg import Connection

SCHEMES = ("postgresql", "postgres")
_SECONDS = 20.0
_TOLD = ("08", "28", "3D", "3F", "42", "53", "57")
"""Classes of errors whose message is about the server and not about what stands in a cell."""
_SETTINGS = {
    "application_name": "myoresist", "default_transaction_read_only": "on", "datestyle": "ISO, YMD",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """Where a Postgres database is.

    Attributes:
        text: its address, without a password.
        schemas: where its tables are looked for, one after the other; as the server does where there is none.
    """

    text: str
    schemas: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what it is called in a manifest: what is asked, not where it lies."""
        return f"postgresql:{urlsplit(self.text).path.strip('/')}"

    def __str__(self) -> str:
        """Return the address."""
        return self.text

    @staticmethod
    def leads(text: str) -> bool:
        """Tell whether a text is an address of Postgres."""
        return text.partition("://")[0] in SCHEMES and "://" in text

    @classmethod
    def of(cls, text: str, schemas: Sequence[str] = ()) -> Address:
        """Return the address that a text gives.

        Raises:
            SourceError: for one with a password, which is not repeated.
        """
        try:
            parts = urlsplit(text)
            secret = parts.password is not None or "password" in parse_qs(parts.query)
        except ValueError as error:
            raise SourceError("the address of Postgres cannot be read") from error
        if secret:
            raise SourceError(
                "an address with a password can be seen by others: leave it to ~/.pgpass, to a service "
                "(?service=NAME) or to PGPASSWORD"
            )
        return cls(text, tuple(schemas))


@dataclass
class Postgres:
    """An open connection."""

    runner: asyncio.Runner
    connection: Connection
    tables: Mapping[str, str]
    ordered: ClassVar[bool] = True

    def columns(self, table: str) -> Mapping[str, str]:
        """Return the columns of a table with their types."""
        query = (
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            f"WHERE attrelid = to_regclass({literal(self.tables[table])}) "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return {row[0]: row[1] for row in self.runner.run(self.connection.fetch(query))}

    def rows(self, query: str) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the rows of a query, some at a time."""
        cursor = self.runner.run(_cursor(self.connection, query))
        while rows := self.runner.run(cursor.fetch(ROWS)):
            yield rows

    @staticmethod
    def text(column: str) -> str:
        """Return SQL of a column as text."""
        return f"CAST({column} AS text)"


async def _cursor(connection: Connection, query: str) -> Any:
    return await connection.cursor(query)


@contextmanager
def opened(address: Address) -> Iterator[Postgres]:
    """Open a database for reading what it holds at one moment.

    Raises:
        SourceError: if it cannot be read; the message names nothing that stands in a cell.
    """
    try:
        import asyncpg
    except ImportError as error:
        raise SourceError(f"{address}: needs asyncpg: pip install 'myoresist[postgres]'") from error
    with asyncio.Runner() as runner:
        try:
            connection = runner.run(_connected(address))
        except asyncpg.PostgresError as error:
            raise _unread(address, error) from error
        except (OSError, asyncpg.InterfaceError, ValueError) as error:
            raise SourceError(f"{address}: cannot be reached: {first_line(error)}") from error
        try:
            yield Postgres(runner, connection, runner.run(_tables(connection, address)))
        except asyncpg.PostgresError as error:
            raise _unread(address, error) from error
        except (ConnectionError, asyncpg.InterfaceError) as error:
            raise SourceError(f"{address}: the connection was lost: {first_line(error)}") from error
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                runner.run(connection.close(timeout=_SECONDS))


def _unread(address: Address, error: Any) -> SourceError:
    """Return what is said of an error of the server: its words only where they are about the server."""
    state = error.sqlstate or ""
    told = first_line(error) if state[:2] in _TOLD else f"error {state} of the server"
    return SourceError(f"{address}: cannot be read: {told}")


async def _connected(address: Address) -> Connection:
    import asyncpg

    connection = await asyncpg.connect(
        address.text, timeout=_SECONDS, server_settings=_SETTINGS, statement_cache_size=0
    )
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return connection


async def _tables(connection: Connection, address: Address) -> Mapping[str, str]:
    """Return the tables and views that may be read, each in the first of the schemas that has it."""
    given = f"ARRAY[{', '.join(map(literal, address.schemas))}]::name[]"
    schemas = given if address.schemas else "current_schemas(false)"
    query = f"""
        SELECT c.relname, n.nspname FROM unnest({schemas}) WITH ORDINALITY s (name, place)
        JOIN pg_namespace n ON n.nspname = s.name JOIN pg_class c ON c.relnamespace = n.oid
        WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY s.place DESC
    """
    rows = await connection.fetch(query)
    if not rows:
        named = ", ".join(address.schemas) or "its search path"
        raise SourceError(f"{address}: has no table that may be read in {named}; name a --schema")
    return {table: f'"{quoted(schema)}"."{quoted(table)}"' for table, schema in rows}
