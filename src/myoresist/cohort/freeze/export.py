"""A freeze for the next tool: other formats, names that travel, pseudonyms by keyed hash.

Pseudonyms hide who a patient is from those who do not hold the key; dates and rare findings stay, so that
what is written is not anonymous.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from myoresist.cohort.dictionary import Dictionary, short_names
from myoresist.cohort.folder import SourceError
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.registry import REJECTED
from myoresist.cohort.run import DICTIONARY
from myoresist.resistance.response.visits import PATIENT

Form = Literal["csv", "parquet", "arrow", "duckdb"]
FORMS: tuple[Form, ...] = ("csv", "parquet", "arrow", "duckdb")
LABELS = "labels.do"
SHORTEST_KEY = 16
"""Bytes below which a key could be guessed."""
_HEX = 20
_STATA_LABEL = 80


@dataclass(frozen=True)
class Export:
    """How a freeze is written for another tool.

    Attributes:
        freeze: the answers.
        form: the format.
        short: whether columns have the names that Stata and SAS can take, and truth is 0 and 1.
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
        if self.form == "duckdb":
            self._into_database(out)
            return
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in self.freeze.tables:
            frame = self._table(name)
            target = out / f"{name}.{self.form}"
            if self.form == "csv":
                frame.sink_csv(target)
            elif self.form == "arrow":
                frame.sink_ipc(target, compression="zstd")
            else:
                frame.sink_parquet(target, compression="zstd")
        shutil.copy(self.freeze.folder / DICTIONARY, out / DICTIONARY)
        if self.form == "csv" and self.short:
            (out / LABELS).write_text(self.labels(), encoding="utf-8")

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

        schemas = {x: dict(self._table(x).collect_schema()) for x in self.freeze.tables}
        words = self._words()
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

    def labels(self) -> str:
        """Return commands by which Stata reads the tables and labels their columns."""
        lines = []
        words = self._words()
        for table in self.freeze.tables:
            lines.append(f'import delimited "{table}.csv", clear case(preserve)')
            for (other, column), label in words.items():
                if other == table:
                    plain = label.replace('"', "'")[:_STATA_LABEL]
                    lines.append(f'label variable {column} "{plain}"')
            lines.append(f'save "{table}.dta", replace')
        return "\n".join(lines) + "\n"


def pseudonym(patient: str, key: bytes) -> str:
    """Return what stands for a patient: the same for the same id and key, and no way back without the key."""
    return hmac.new(key, patient.encode(), hashlib.sha256).hexdigest()[:_HEX]
