"""Which files of a folder hold resources of FHIR, one a line."""

from __future__ import annotations

import gzip
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from myoresist.cohort.folder import SourceError

SUFFIXES = (".ndjson", ".jsonl")
PACKED = ".gz"
BOM = b"\xef\xbb\xbf"
_FOREIGN_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HEAD = 65_536
"""Bytes that are looked at to see what a file holds."""
_RESOURCE = re.compile(rb'^\s*\{.*"resourceType"\s*:', re.DOTALL)


def bulk_files(path: Path) -> list[Path]:
    """Return the files with resources of a folder, or the file itself if it has some.

    Raises:
        SourceError: for a file that cannot be read.
    """
    if path.is_file():
        return [path] if _is_bulk(path) else []
    inside = (x for x in path.iterdir() if x.is_file() and not x.name.startswith((".", "_")))
    return sorted(x for x in inside if _is_bulk(x))


def readable(path: Path, copy: Path) -> Path:
    """Return a file as DuckDB can read it: without a mark of the order of bytes before its first line."""
    if not _head(path).startswith(BOM):
        return path
    copy.parent.mkdir(parents=True, exist_ok=True)
    with opened(path) as source, copy.open("wb") as target:
        source.read(len(BOM))
        shutil.copyfileobj(source, target)
    return copy


def opened(path: Path) -> BinaryIO | gzip.GzipFile:
    """Open a file, packed or not."""
    return gzip.open(path, "rb") if path.name.lower().endswith(PACKED) else path.open("rb")


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Walk through the lines that are not blank, each with its number in the file."""
    with opened(path) as file:
        yield from ((number, x) for number, x in enumerate(file, 1) if x.strip())


def _is_bulk(path: Path) -> bool:
    name = path.name.lower().removesuffix(PACKED)
    return name.endswith(SUFFIXES) and _RESOURCE.match(_head(path).removeprefix(BOM)) is not None


def _head(path: Path) -> bytes:
    try:
        with opened(path) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{path}: cannot be read: {reason}") from error
    if head.startswith(_FOREIGN_MARKS):
        raise SourceError(f"{path}: is UTF-16; NDJSON is UTF-8")
    return head
