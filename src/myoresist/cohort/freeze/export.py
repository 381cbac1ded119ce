"""A freeze for the next tool: other formats, names that travel, pseudonyms by keyed hash.

Pseudonyms hide who a patient is from those who do not hold the key; dates and rare findings stay, so that
what is written is not anonymous.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from myoresist.cohort.dictionary import Dictionary, short_names
from myoresist.cohort.folder import SourceError
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.freeze.labelled import (
    STATA,
    SUFFIX,
    Labelled,
    Package,
    R,
    r_commands,
    stata_commands,
)
from myoresist.cohort.keeping import not_written, whole
from myoresist.cohort.registry import REJECTED
from myoresist.cohort.run import DICTIONARY
from myoresist.resistance.response.visits import PATIENT

Form = Literal["csv", "parquet", "arrow", "duckdb", "stata", "spss", "sas"]
FORMS: tuple[Form, ...] = ("csv", "parquet", "arrow", "duckdb", "stata", "spss", "sas")
SHORTEST_KEY = 16
"""Bytes below which a key could be guessed."""
_HEX = 20


@dataclass(frozen=True)
class Export:
    """How a freeze is written for another tool.

    Attributes:
        freeze: the answers.
        form: the format.
        short: whether columns have the names that Stata and SAS can take, and truth is 0 and 1; a
            file of a package of statistics always has these names.
        key: the key of the pseudonyms; the ids as they came in without one.
    """

    freeze: Freeze
    form: Form
    short: bool = False
    key: bytes | None = None

    def write(self, out: Path) -> None:
        """Write every table into a folder, or into one DuckDB file.

        Raises:
            SourceError: if the place is taken, or the key is too short.
        """
        if self.key is not None and len(self.key) < SHORTEST_KEY:
            raise SourceError(
                f"the key has fewer than {SHORTEST_KEY} bytes; openssl rand -hex 32 makes one"
            )
        if out.exists() and (out.is_file() or any(out.iterdir())):
            raise SourceError(f"{out}: is there already; name another place")
        with whole(out) as half:
            self._write(half)

    def _write(self, out: Path) -> None:
        if self.form == "duckdb":
            import duckdb

            try:
                self._into_database(out)
            except duckdb.Error as error:
                raise not_written(out) from error
            return
        out.mkdir(mode=0o700)
        if self.form == "stata" or self.form == "spss" or self.form == "sas":
            self._for_statistics(out, self.form)
        else:
            self._as_tables(out)
        shutil.copy(self.freeze.folder / DICTIONARY, out / DICTIONARY)

    def _as_tables(self, out: Path) -> None:
        for name in self.freeze.tables:
            frame = self._table(name)
            target = out / f"{name}.{self.form}"
            if self.form == "csv":
                frame.sink_csv(target)
            elif self.form == "arrow":
                frame.sink_ipc(target, compression="zstd")
            else:
                frame.sink_parquet(target, compression="zstd")
        words, schemas = self._words(), self._schemas()
        told = {x: {y: words[x, y] for y in columns} for x, columns in schemas.items()}
        if self.form == "csv" and self.short:
            (out / STATA).write_text(stata_commands(told.items()), encoding="utf-8")
        if self.form in ("csv", "parquet"):
            every = ((x, told[x], columns) for x, columns in schemas.items())
            (out / R).write_text(r_commands(every, self.form), encoding="utf-8")

    def _for_statistics(self, out: Path, package: Package) -> None:
        """Write one file a table, one table in memory at a time."""
        words = replace(self, short=True)._words()
        for name in self.freeze.tables:
            frame = replace(self, short=False)._table(name)
            frame = frame.rename(short_names(frame.collect_schema()))
            labels = {y: text for (x, y), text in words.items() if x == name}
            one = Labelled(name, frame.collect(), labels)
            one.write(out / f"{name}.{SUFFIX[package]}", package)

    def _schemas(self) -> dict[str, dict[str, pl.DataType]]:
        """Return the columns of each table as they are written."""
        return {x: dict(self._table(x).collect_schema()) for x in self.freeze.tables}

    def _table(self, name: str) -> pl.LazyFrame:
        frame = self.freeze.scan(name)
        columns = frame.collect_schema()
        if self.key is not None:
            if name == REJECTED:
                # What a cell held may be an id.
                frame = frame.with_columns(value=pl.lit(None, pl.String))
            ids = frame.select(pl.col(PATIENT).unique()).collect()[PATIENT].drop_nulls().to_list()
            frame = frame.with_columns(
                pl.col(PATIENT).replace_strict(
                    ids, [pseudonym(x, self.key) for x in ids], default=None, return_dtype=pl.String
                )
            )
        if not self.short:
            return frame
        truths = [x for x, kind in columns.items() if kind == pl.Boolean]
        return frame.with_columns(pl.col(truths).cast(pl.Int8)).rename(short_names(columns))

    def _into_database(self, out: Path) -> None:
        import duckdb

        schemas, words = self._schemas(), self._words()
        with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(out)) as base:
            for name, columns in schemas.items():
                file = Path(folder) / f"{name}.parquet"
                self._table(name).sink_parquet(file)
                base.execute(f'CREATE TABLE "{name}" AS SELECT * FROM read_parquet(?)', [str(file)])
                for column in columns:
                    text = words.get((name, column), column).replace("'", "''")
                    base.execute(f'COMMENT ON COLUMN "{name}"."{column}" IS \'{text}\'')

    def _words(self) -> dict[tuple[str, str], str]:
        """Return the label of each column, by table and the name under which it is written."""
        schemas = {x: dict(self.freeze.scan(x).collect_schema()) for x in self.freeze.tables}
        rows = Dictionary(self.freeze.knowledge).frame(schemas)
        name = "short_name" if self.short else "column"
        return {(one["table"], one[name]): one["label"] for one in rows.iter_rows(named=True)}


def pseudonym(patient: str, key: bytes) -> str:
    """Return what stands for a patient: the same for the same id and key, and no way back without the key."""
    return hmac.new(key, patient.encode(), hashlib.sha256).hexdigest()[:_HEX]
