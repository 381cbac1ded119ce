"""What keeps the folder of a run whole: one run at a time, no half files, no part that is lost unseen."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from myoresist.cohort.folder import SourceError

WORK, MARKS, LOCK = ".work", "done", "lock"
CANNOT_WRITE = "cannot be written; is the disk full, is there a quota or a limit of size?"
_STRAY = re.compile(r"\..+\.[0-9]+")
_LEAST = 2**20
"""Bytes of a disk below which it counts as full."""


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep other runs out of a folder as long as this one lasts, whatever ends it.

    Raises:
        SourceError: if another run is in it.
    """
    made = not out.exists()
    (out / WORK).mkdir(mode=0o700, parents=True, exist_ok=True)
    if made:
        out.chmod(0o700)
    with (out / WORK / LOCK).open("a") as stream:
        if not _taken(stream.fileno()):
            raise SourceError(f"{out}: another run is in this folder; wait for it, or end it")
        yield


def _taken(file: int) -> bool:
    """Take a lock that ends with this process; tell whether nobody else has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A disk that knows no locks is used without.
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def remove_strays(out: Path) -> None:
    """Remove the half files that a run left which was ended from outside."""
    for folder in (out, out / WORK, out / WORK / MARKS, *_folders(out)):
        if folder.is_dir():
            for file in folder.iterdir():
                if _STRAY.fullmatch(file.name) and file.is_file():
                    with suppress(OSError):
                        file.unlink()


def _folders(out: Path) -> list[Path]:
    return [x for x in out.iterdir() if x.is_dir() and x.name != WORK] if out.is_dir() else []


def beside(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def not_written(out: Path) -> OSError:
    """Return what it means that a library cannot write, which does not say why; our own tables it can."""
    if full(out if out.exists() else out.parent):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out))
    return OSError(errno.EIO, CANNOT_WRITE, str(out))


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give a place beside that of a file or folder, which takes its own once it is whole.

    Whatever ends the writing leaves nothing behind that could be taken for the whole.

    Raises:
        OSError: if it cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    half = beside(out)
    try:
        yield half
        if out.is_dir():
            out.rmdir()
        half.replace(out)
    except pl.exceptions.PolarsError as error:
        raise not_written(out) from error
    except OSError as error:
        # It is the place that is asked for that a reader knows.
        said = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, said, str(out)) from error
    finally:
        if half.is_dir():
            shutil.rmtree(half, ignore_errors=True)
        else:
            half.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, so that no half file is ever there."""
    half = beside(path)
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)


def part(out: Path, table: str, bucket: int) -> Path:
    """Return the file that holds what a table says of a bucket."""
    return out / table / f"part-{bucket:05}.parquet"


def mark(out: Path, bucket: int) -> Path:
    """Return the file that says that a bucket is finished."""
    return out / WORK / MARKS / f"{bucket:05}.json"


def write_mark(out: Path, bucket: int, rows: Mapping[str, int]) -> None:
    """Say that a bucket is finished: how many rows each of its parts has, and how many bytes."""
    sizes = {name: part(out, name, bucket).stat().st_size for name in rows}
    found = {"rows": dict(rows), "bytes": sizes}
    write_text(mark(out, bucket), json.dumps(found, sort_keys=True) + "\n")


def finished(out: Path, bucket: int) -> dict[str, int] | None:
    """Return the rows of each part of a bucket, or nothing if it is not finished, or a part is lost."""
    try:
        found = json.loads(mark(out, bucket).read_text(encoding="utf-8"))
        whole = all(
            part(out, name, bucket).stat().st_size == n for name, n in found["bytes"].items()
        )
        rows: dict[str, int] = found["rows"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return rows if whole and rows.keys() == found["bytes"].keys() else None


def remove_others(out: Path, tables: tuple[str, ...], buckets: int) -> None:
    """Remove parts that are of none of the buckets, which another plan left."""
    for table in tables:
        own = {part(out, table, x) for x in range(buckets)}
        for file in (out / table).glob("part-*.parquet") if (out / table).is_dir() else ():
            if file not in own:
                file.unlink()


def full(path: Path) -> bool:
    """Tell whether the disk of a folder is full."""
    with suppress(OSError):
        return shutil.disk_usage(path).free < _LEAST
    return False


def end_with(parent: int) -> None:
    """Make this worker end with the process that began it, and leave the keyboard to that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    if hasattr(os, "getppid"):
        threading.Thread(target=watch, daemon=True).start()
