"""A folder of tables: one file a table, or a folder of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from myoresist.cohort.delimited import DoubtError, Form, TextError, open_delimited
from myoresist.cohort.ndjson import open_ndjson
from myoresist.cohort.statistical import STATISTICAL, StatisticalError, open_statistical
from myoresist.cohort.workbook import WORKBOOKS, WorkbookError, open_workbook

DELIMITED, NDJSON = (".csv", ".tsv", ".tab", ".txt"), (".ndjson", ".jsonl")
ARROW, PARQUET = (".arrow", ".feather", ".ipc"), (".parquet",)
KINDS = (*PARQUET, *ARROW, *NDJSON, *DELIMITED, *WORKBOOKS, *STATISTICAL)
ASSUME, WESTERN = "assume", "cp1252"
ASSUMED = (
    f"encoding: {WESTERN}, of Western Europe, as its letters may be; or cp1250, of Central Europe?"
)
MAPPING = "mapping.yaml"
"""The mapping file of a folder, which is used where none is named."""
_PACKED, _OF_SAS = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z"), (".sas7bdat", ".xpt")
_NO_TABLE = (".", "_", "~$", MAPPING)
"""What the name of a file begins with that a program left there."""
_PAPERS = ("readme", "license", "licence", "thumbs.db", "desktop.ini", "manifest", "changelog")


class SourceError(Exception):
    """A source that cannot be used; the message says why and what to do."""


@dataclass
class Found:
    """What a door finds.

    Attributes:
        tables: a lazy frame for each of our tables.
        files: what was read.
        unread: what lies there and was not read, and why.
        decimal: the tables whose numbers may be written with a comma.
        notes: what a reader should know of how the tables came about.
        encoding: of files of text whose letters leave a doubt; ``ASSUME`` takes those of Western Europe.
        root: the folder of which files have their names in the manifest; their own name where there is none.
    """

    tables: dict[str, pl.LazyFrame] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    decimal: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    root: Path | None = None
    encoding: str | None = None


def read_folder(
    path: Path,
    wanted: Mapping[str, str],
    ignored: Iterable[str],
    work: Path,
    encoding: str | None = None,
) -> Found:
    """Open the tables of a folder.

    Args:
        path: the folder.
        wanted: for each of our tables what it is called here.
        ignored: files that are not meant to be read.
        work: a folder for what has to be written anew.
        encoding: see ``Found``.

    Raises:
        SourceError: for a table that is there twice or cannot be read.
    """
    found = Found(root=path, encoding=encoding)
    entries = sorted(x for x in path.iterdir() if may_be_table(x) and x.name not in set(ignored))
    used: set[Path] = set()
    for ours, theirs in wanted.items():
        own = _named(entries, theirs)
        if len(own) > 1:
            names = ", ".join(x.name for x in own)
            raise SourceError(f"{path}: {theirs} is there more than once: {names}")
        for entry in own:
            used.add(entry)
            parts = list(_parts(entry))
            found.files += parts
            found.tables[ours] = _joined(parts, work / "text" / ours, ours, found)
    found.unread += [_unread(x, wanted) for x in entries if x not in used]
    return found


def read_file(
    path: Path,
    wanted: Mapping[str, str],
    ignored: Iterable[str],
    work: Path,
    encoding: str | None = None,
) -> Found:
    """Open a single file: a workbook of tables, or one table, which is that of the patients.

    Args:
        path: the file.
        wanted: for each of our tables what it is called here.
        ignored: sheets that are not meant to be read.
        work: a folder for what has to be written anew.
        encoding: see ``Found``.

    Raises:
        SourceError: if it cannot be read.
    """
    found = Found(files=[path], encoding=encoding)
    if path.suffix.lower() in WORKBOOKS:
        try:
            there = open_workbook(path, work / "sheets", found.notes)
        except WorkbookError as error:
            raise SourceError(f"{path}: {error}") from error
    else:
        there = {path.stem: _opened(path, work / "text" / "one", "patients", found)}
    used = set()
    for ours, theirs in wanted.items():
        name = next((x for x in there if x.lower() == theirs.lower()), None)
        if name is None and ours == theirs == "patients" and len(there) == 1:
            name = next(iter(there))
        if name is not None:
            used.add(name)
            found.tables[ours] = there[name]
    if found.decimal:
        found.decimal = set(found.tables)
    found.unread += [
        f"sheet {x}: is not read{meant(x, '', wanted)}"
        for x in sorted(there.keys() - used - set(ignored))
    ]
    return found


def meant(name: str, suffix: str, wanted: Mapping[str, str]) -> str:
    """Say which table something that is not read may be meant to be."""
    near = nearest_table(name, wanted.values())
    return f"; is it meant to be {near}{suffix}? A mapping file may name it" if near else ""


def may_be_table(path: Path) -> bool:
    """Tell whether a file may be meant as a table, and is not what a program left there."""
    name = path.name.lower()
    return not name.startswith((*_NO_TABLE, *_PAPERS))


def _named(entries: Sequence[Path], name: str) -> list[Path]:
    """Return the entries that hold a table; case matters only where two differ in nothing else."""
    fit = [x for x in entries if x.is_dir() or x.suffix.lower() in KINDS]
    exact = [x for x in fit if name in (x.stem, x.name)]
    return exact or [x for x in fit if x.stem.lower() == name.lower()]


def no_table(path: Path) -> str:
    """Say why a file is no table by what it is called, and what to do."""
    name = path.name.lower()
    packed = next((x for x in _PACKED if name.endswith(x)), None)
    if packed:
        return f"is packed; unpack it first (of packed files only those of FHIR, .ndjson{packed}, are read)"
    if name.endswith(".json"):
        return "is JSON: a table has one object a line (.ndjson); one patient is for `myoresist assess`"
    if name.endswith(_OF_SAS):
        return "is a file of SAS; save it as CSV, or for SPSS or Stata"
    return f"is no table; tables are files {', '.join(KINDS)}"


def _unread(path: Path, wanted: Mapping[str, str]) -> str:
    """Say of an entry of the folder that it is not read, and what to do."""
    if not path.is_dir() and path.suffix.lower() not in KINDS:
        return f"{path.name}: is not read; it {no_table(path)}"
    return f"{path.name}: is not read{meant(path.stem, path.suffix, wanted)}"


def nearest_table(name: str, tables: Iterable[str]) -> str | None:
    """Return the table that a name most likely means."""
    plain, known = name.lower(), {x.lower(): x for x in tables}
    begun = [x for x in known if plain.startswith(x) or x.startswith(plain)]
    near = begun or get_close_matches(plain, known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def _parts(entry: Path) -> Iterator[Path]:
    if not entry.is_dir():
        yield entry
        return
    inside = sorted(x for x in entry.iterdir() if may_be_table(x))
    folder = next((x for x in inside if x.is_dir()), None)
    if folder is not None:
        raise SourceError(f"{folder}: parts of a table lie in one folder; move its files up")
    if not inside:
        raise SourceError(f"{entry}: is empty")
    yield from inside


def _joined(parts: Sequence[Path], work: Path, table: str, found: Found) -> pl.LazyFrame:
    """Open the parts of a table; a column that one of them lacks is unknown there."""
    frames = [_opened(x, work / f"{n:05}", table, found) for n, x in enumerate(parts)]
    if len(frames) == 1:
        return frames[0]
    schemas = [columns_of(frame, part) for frame, part in zip(frames, parts, strict=True)]
    alike = all(one == schemas[0] for one in schemas)
    if alike and {x.suffix.lower() for x in parts} == {".parquet"}:
        # Read one after the other, where frames that are put together are all read at once.
        return pl.scan_parquet(list(parts), glob=False)
    kinds: dict[str, set[pl.DataType]] = {}
    for schema in schemas:
        for name, kind in schema.items():
            kinds.setdefault(name, set()).add(kind)
    texts = [name for name, several in kinds.items() if len(several) > 1]
    own = [
        frame.with_columns(pl.col(x).cast(pl.String) for x in texts if x in schema)
        for frame, schema in zip(frames, schemas, strict=True)
    ]
    return pl.concat(own, how="diagonal")


def _opened(file: Path, copy: Path, table: str, found: Found) -> pl.LazyFrame:
    suffix = file.suffix.lower()
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        if suffix in DELIMITED:
            frame, form = _of_text(file, copy.with_suffix(".csv"), found)
            if form.separator == ";":
                found.decimal.add(table)
            return frame
        if suffix in NDJSON:
            return open_ndjson(file, copy)
        if suffix in PARQUET:
            frame = pl.scan_parquet(file, glob=False, hive_partitioning=False)
        elif suffix in ARROW:
            frame = pl.scan_ipc(file, glob=False, hive_partitioning=False)
        elif suffix in STATISTICAL:
            frame = open_statistical(file, copy)
        elif suffix in WORKBOOKS:
            sheets = open_workbook(file, copy, found.notes)
            if len(sheets) > 1:
                raise WorkbookError("has several sheets; give the workbook itself as source")
            frame = next(iter(sheets.values()))
        else:
            raise SourceError(f"{file}: {no_table(file)}")
        columns_of(frame, file)
        return frame
    except (TextError, WorkbookError, StatisticalError) as error:
        raise SourceError(f"{file}: {error}") from error
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror or error}") from error


def _of_text(file: Path, copy: Path, found: Found) -> tuple[pl.LazyFrame, Form]:
    if found.encoding != ASSUME:
        return open_delimited(file, copy, found.encoding)
    try:
        return open_delimited(file, copy)
    except DoubtError:
        found.notes.append(ASSUMED)
        return open_delimited(file, copy, WESTERN)


def columns_of(frame: pl.LazyFrame, where: object) -> pl.Schema:
    """Return the columns of a table.

    Raises:
        SourceError: if it cannot be read.
    """
    try:
        return frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{where}: cannot be read: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return what a library says of a mistake, without its advice to programmers."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
