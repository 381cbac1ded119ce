"""The door for bulk data of FHIR: files in, tables of a registry out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from myoresist.case.terms import Terms
from myoresist.cohort.fhir.files import bulk_files
from myoresist.cohort.fhir.picking import Picking
from myoresist.cohort.fhir.rows import Line, Patients, Remark, by_patient
from myoresist.cohort.folder import Found, SourceError
from myoresist.cohort.of_cases import CaseRows
from myoresist.cohort.remarks import FRAME, REMARKS
from myoresist.document import DocumentError
from myoresist.exchange.codes import packaged_codes

CHUNK = 2_000
"""Patients that are read together."""
_LEFT_BY_PROGRAMS = ("manifest", "readme", "license", "licence", "log", "thumbs.db", "desktop.ini")


def is_bulk(path: Path, ignored: Collection[str] = ()) -> bool:
    """Tell whether a folder or file holds resources of FHIR, one a line."""
    return any(x.name not in ignored for x in bulk_files(path))


def read_bulk(
    path: Path,
    ignored: Collection[str],
    work: Path,
    terms: Terms,
    told: Callable[[int], None] | None = None,
) -> Found:
    """Read bulk data of FHIR R4.

    Args:
        path: a folder with files of resources, one a line, or one such file.
        ignored: files that are not meant to be read.
        work: a folder for what is kept meanwhile, and for the tables.
        terms: the words of a case.
        told: called with the resources that were read.

    Raises:
        SourceError: if the data cannot be used.
    """
    try:
        import duckdb
    except ImportError as error:
        raise SourceError(f"{path}: needs duckdb: pip install 'myoresist[cohort]'") from error
    files = [x for x in bulk_files(path) if x.name not in ignored]
    folder = work / "fhir"
    shutil.rmtree(folder, ignore_errors=True)
    picking = Picking(folder, packaged_codes(), told)
    try:
        picking.read(files)
        found = _Writer(picking, terms, folder / "tables").write()
    except duckdb.Error as error:
        raise SourceError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    except DocumentError as error:
        raise SourceError(f"{path}: {error}") from error
    finally:
        picking.close()
    found.files = files
    found.unread += _beside(path, files, ignored)
    return found


@dataclass
class _Writer:
    picking: Picking
    terms: Terms
    folder: Path
    parts: dict[str, list[Path]] = field(default_factory=dict)

    def write(self) -> Found:
        count = self.picking.sort()
        patients = Patients(self.picking.codes, self.terms, CaseRows(self.terms))
        for begin in range(0, count, CHUNK):
            lines = by_patient(self.picking.resources(begin, begin + CHUNK))
            for number, file, place, name, text in self.picking.patients(begin, begin + CHUNK):
                patients.add(name, Line(file, place, text), lines.get(number, ()))
            if begin + CHUNK >= count:
                patients.remarks += self._strangers()
            for table, frame in patients.rows.frames().items():
                self._part(table, begin, frame)
            self._part(REMARKS, begin, self._remarks(patients.remarks))
            patients.remarks = []
        tables = {name: pl.scan_parquet(some, glob=False) for name, some in self.parts.items()}
        own = Found(tables=tables, notes=[f"FHIR: {count:,} patients", *self.picking.notes])
        own.unread += self.picking.unread()
        return own

    def _part(self, table: str, begin: int, frame: pl.DataFrame) -> None:
        target = self.folder / table / f"{begin:010}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(target, compression="lz4", statistics=False)
        self.parts.setdefault(table, []).append(target)

    def _strangers(self) -> Iterator[Remark]:
        for kind, name, code, count, patients, file, place in self.picking.strangers():
            known_by = f"{name} ({code})" if code and code != name else name
            said = f"{known_by}: no code that is known here: {count:,} of {patients:,} patients, not used"
            yield Remark(None, file, place, kind, said)

    def _remarks(self, remarks: list[Remark]) -> pl.DataFrame:
        names = [x.name for x in self.picking.files]
        rows = [
            (x.patient, None if x.file is None else names[x.file], x.row, x.resource, x.said)
            for x in remarks
        ]
        return pl.DataFrame(rows, FRAME, orient="row")


def _beside(path: Path, files: list[Path], ignored: Collection[str]) -> Iterator[str]:
    """Yield what lies beside the files and is not read."""
    if path.is_file():
        return
    for entry in sorted(path.iterdir()):
        name = entry.name.lower()
        if (
            entry in files
            or entry.name in ignored
            or name.startswith((".", "_", *_LEFT_BY_PROGRAMS))
        ):
            continue
        what = (
            "is a folder; its files are" if entry.is_dir() else "holds no resources of FHIR and is"
        )
        yield f"{entry.name}: {what} not read"
