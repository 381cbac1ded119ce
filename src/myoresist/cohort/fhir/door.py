"""The door for bulk data of FHIR: files in, tables of a registry out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from myoresist.cohort.fhir.files import bulk_files
from myoresist.cohort.fhir.parts import TEXT, TEXTS, Parts
from myoresist.cohort.fhir.picking import STORE, Picking
from myoresist.cohort.fhir.rows import Remark
from myoresist.cohort.folder import Found, SourceError
from myoresist.exchange.codes import packaged_codes

LAST = "counted"
"""The part of the remarks that is about all patients."""
_LEFT_BY_PROGRAMS = ("manifest", "readme", "license", "licence", "log", "thumbs.db", "desktop.ini")


def is_bulk(path: Path, ignored: Collection[str] = ()) -> bool:
    """Tell whether a folder or file holds resources of FHIR, one a line."""
    return any(x.name not in ignored for x in bulk_files(path))


def read_bulk(
    path: Path,
    ignored: Collection[str],
    work: Path,
    told: Callable[[int], None] | None = None,
    workers: int = 1,
) -> Found:
    """Read bulk data of FHIR R4.

    Args:
        path: a folder with files of resources, one a line, or one such file.
        ignored: files that are not meant to be read.
        work: a folder for what is kept meanwhile, and for the tables.
        told: called with the resources and with the patients that were read.
        workers: processes that may share the work.

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
    parts = Parts(folder / STORE, folder / "tables", tuple(x.name for x in files))
    try:
        picking.read(files)
        count = picking.sort()
        strangers, unread = list(_strangers(picking)), list(picking.unread())
        load = picking.load(TEXTS, TEXT)
        # Others may read the store as soon as nobody writes it.
        picking.connection.close()
        parts.write(count, load, workers, told or (lambda _: None))
    except duckdb.Error as error:
        raise SourceError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    finally:
        picking.close()
    parts.remark(strangers, LAST)
    return Found(
        tables=parts.tables(),
        files=files,
        notes=[f"FHIR: {count:,} patients", *picking.notes],
        unread=[*unread, *_beside(path, files, ignored)],
    )


def _strangers(picking: Picking) -> Iterator[Remark]:
    """Yield what has no code that is known, counted over all patients."""
    for kind, name, code, count, patients, file, place in picking.strangers():
        known_by = f"{name} ({code})" if code and code != name else name
        said = (
            f"{known_by}: no code that is known here: {count:,} of {patients:,} patients, not used"
        )
        yield Remark(None, file, place, kind, said)


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
