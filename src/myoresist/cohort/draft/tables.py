"""Every table of a source, whatever it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from myoresist.case.terms import Terms
from myoresist.cohort.databases import Asked, kind_of, names_of, read_database
from myoresist.cohort.folder import (
    ASSUME,
    KINDS,
    SourceError,
    first_line,
    may_be_table,
    no_table,
    read_file,
    read_folder,
)
from myoresist.cohort.source import Place
from myoresist.cohort.workbook import WORKBOOKS, WorkbookError, open_workbook


class Tables(NamedTuple):
    """The tables of a source, by name.

    Attributes:
        frames: those that can be read.
        files: what each is called where it lies, to be ignored.
        notes: how some of them were read.
        lost: why others cannot be read, by what they are called there.
    """

    frames: dict[str, pl.LazyFrame]
    files: dict[str, str]
    lost: dict[str, str]
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, frames: dict[str, pl.LazyFrame], lost: dict[str, str] | None = None) -> Tables:
        """Return tables that are called as they are named."""
        return cls(frames, {x: x for x in frames}, lost or {})


def every_table(path: Place, terms: Terms, work: Path) -> Tables:
    """Return the tables of a source, whatever they are called.

    Args:
        path: a folder, a file or a database.
        terms: the words of a case.
        work: a folder for what has to be copied.

    Raises:
        SourceError: if there is none.
    """
    if isinstance(path, Path) and path.is_dir():
        return _of_folder(path, work)
    if isinstance(path, Path) and not path.is_file():
        raise SourceError(f"{path}: does not exist")
    suffix = path.suffix.lower() if isinstance(path, Path) and kind_of(path) is None else ""
    if isinstance(path, Path) and suffix in WORKBOOKS:
        try:
            notes: list[str] = []
            return Tables.of(open_workbook(path, work / "sheets", notes))._replace(notes=notes)
        except WorkbookError as error:
            raise SourceError(f"{path}: {error}") from error
    if isinstance(path, Path) and suffix in KINDS:
        there = read_file(path, {"patients": "patients"}, (), work, ASSUME)
        return Tables.of({path.stem: there.tables["patients"]})._replace(notes=there.notes)
    named = {name: name for name in names_of(path, work)}
    found: dict[str, pl.LazyFrame] = {}
    lost: dict[str, str] = {}
    for name in named:
        own = work / f"{len(found) + len(lost):05}"
        own.mkdir()
        try:
            asked = Asked({name: name}, {}, named, None, terms, own)
            found |= read_database(path, asked).tables
        except SourceError as error:
            lost[name] = str(error).removeprefix(f"{path}: ")
    return Tables.of(found, lost)


def _of_folder(path: Path, work: Path) -> Tables:
    notes: list[str] = []
    found = Tables({}, {}, {}, notes)
    for entry in sorted(x for x in path.iterdir() if may_be_table(x)):
        if not entry.is_dir() and entry.suffix.lower() not in KINDS:
            found.lost[entry.name] = no_table(entry)
            continue
        name = entry.name if entry.is_dir() else entry.stem
        try:
            there = read_folder(path, {name: entry.name}, (), work / name, ASSUME)
        except (SourceError, pl.exceptions.PolarsError) as error:
            found.lost[entry.name] = first_line(error).removeprefix(f"{entry}: ")
        else:
            found.frames[name], found.files[name] = there.tables[name], entry.name
            notes += there.notes
    return found
