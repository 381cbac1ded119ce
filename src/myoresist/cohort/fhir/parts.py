"""Reads the patients of a store, some at a time, into parts of the tables, in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from myoresist.case.reading import packaged_terms
from myoresist.cohort.fhir.rows import Line, Patients, Remark
from myoresist.cohort.folder import SourceError
from myoresist.cohort.keeping import end_with
from myoresist.cohort.of_cases import CaseRows
from myoresist.cohort.remarks import FRAME, REMARKS
from myoresist.document import DocumentError
from myoresist.exchange.codes import packaged_codes

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK, LEAST = 5_000, 25
"""Patients that are read together, at most and at least."""
SHARE = 4
"""Such chunks, at most, of which a process writes one after the other."""
WORTH = 100_000
"""Resources from which it pays to begin further processes, which take seconds to be ready."""
TEXT = 200
"""How many resources a text counts for: it is read as a letter."""
TEXTS = ("Composition", "DocumentReference", "DiagnosticReport")
_PATIENTS = (
    "SELECT number, file, place, json, id FROM persons WHERE number >= ? AND number < ? "
    "ORDER BY number"
)
_RESOURCES = (
    "SELECT number, file, place, json, drug FROM sorted WHERE number >= ? AND number < ? "
    "ORDER BY number, file, place"
)


@dataclass(frozen=True)
class Parts:
    """Where patients are kept, and where their rows go.

    Attributes:
        store: the store of resources, which nobody writes any more.
        folder: a folder for the parts of each table.
        files: names of the files from which the resources came, in their order.
    """

    store: Path
    folder: Path
    files: tuple[str, ...]

    def write(self, count: int, load: int, workers: int, told: Callable[[int], None]) -> None:
        """Write the rows of all patients.

        Args:
            count: how many patients there are.
            load: how many resources are to be read, a text counting for several.
            workers: processes that may share the work.
            told: called with the patients that were read.

        Raises:
            SourceError: if a resource is of another version of FHIR.
        """
        if workers < 2 or load < WORTH or count < 2 * LEAST:
            for begin in range(0, count, SHARE * CHUNK):
                told(self.write_some(begin, SHARE * CHUNK))
            return
        size = max(LEAST, min(SHARE * CHUNK, count // (4 * workers)))
        begins = range(0, count, size)
        # A fresh interpreter each: the engine's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            min(workers, len(begins)) - 1, mp_context=context, initializer=end_with,
            initargs=(os.getpid(),),
        ) as pool:  # fmt: skip
            left = {pool.submit(_write_some, self, begin, size): begin for begin in begins}
            try:
                while left:
                    # This process is ready first, and does what no other has begun, from the end.
                    own = next((x for x in reversed(left) if x.cancel()), None)
                    if own is not None:
                        told(self.write_some(left.pop(own), size))
                    for one in [x for x in left if own is None or x.done()]:
                        told(one.result())
                        del left[one]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def write_some(self, begin: int, size: int) -> int:
        """Write the rows of some patients, and return how many they are."""
        import duckdb

        end = begin + size
        with duckdb.connect(str(self.store), read_only=True, config={"threads": 1}) as connection:
            return sum(
                self._write(connection, first, min(first + CHUNK, end))
                for first in range(begin, end, CHUNK)
            )

    def _write(self, connection: DuckDBPyConnection, begin: int, end: int) -> int:
        """Write the rows of patients as one part of each table, and return how many they are."""
        terms = packaged_terms()
        who = connection.execute(_PATIENTS, [begin, end]).fetchall()
        rows = connection.execute(_RESOURCES, [begin, end]).fetchall()
        lines = {number: [*own] for number, own in groupby(map(Line._make, rows), itemgetter(0))}
        patients = Patients(packaged_codes(), terms, CaseRows(terms))
        try:
            for *line, name in who:
                patient = Line(*line)
                patients.add(name, patient, lines.pop(patient.number, ()))
        except DocumentError as error:
            raise SourceError(f"{self.files[0]} and others: {error}") from error
        for table, frame in patients.rows.frames().items():
            self._part(table, f"{begin:010}", frame)
        self.remark(patients.remarks, f"{begin:010}")
        return len(who)

    def remark(self, remarks: Sequence[Remark], name: str) -> None:
        """Write what could not be used."""
        rows = [
            (x.patient, None if x.file is None else self.files[x.file], x.row, x.resource, x.said)
            for x in remarks
        ]
        self._part(REMARKS, name, pl.DataFrame(rows, FRAME, orient="row"))

    def tables(self) -> dict[str, pl.LazyFrame]:
        """Return the tables, whose parts are in the order of their patients."""
        return {
            one.name: pl.scan_parquet(sorted(one.glob("*.parquet")), glob=False)
            for one in sorted(self.folder.iterdir())
        }

    def _part(self, table: str, name: str, frame: pl.DataFrame) -> None:
        target = self.folder / table / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(target, compression="lz4", statistics=False)


def _write_some(parts: Parts, begin: int, size: int) -> int:
    return parts.write_some(begin, size)
