"""A whole registry, batch by batch: in bounded memory, to be resumed, the same bytes for the same input.

The tables are first cut into buckets of patients on disk. Each bucket is then answered on its own, and is
finished when its mark is written; a run that was ended goes on with the buckets that have none.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from myoresist import knowledge as packaged
from myoresist.cohort import spool
from myoresist.cohort.dictionary import Dictionary
from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.keeping import (
    LOCK,
    MARKS,
    WORK,
    beside,
    end_with,
    finished,
    full,
    not_written,
    part,
    remove_others,
    remove_strays,
    write_mark,
    write_text,
)
from myoresist.cohort.opened import hashed
from myoresist.cohort.postgres import Address
from myoresist.cohort.registry import FINDINGS, REJECTED, TABLES, Registry
from myoresist.cohort.schema import SYNTHETIC, CodesNamed, Schema
from myoresist.cohort.source import Place, Source, open_source
from myoresist.cohort.threads import THREADS
from myoresist.document import DocumentError
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT
from myoresist.version import __version__

BATCH = 20_000
PLAN, BUCKETS, MANIFEST = "plan.json", "buckets", "manifest.json"
DICTIONARY = "dictionary.csv"
LEVEL = 1
"""How hard answers are compressed: a harder one takes longer than the space is worth."""
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """How a registry is worked off, and what it came from; two runs with the same plan are the same run."""

    patients: int
    synthetic: bool
    buckets: int
    files: Mapping[str, str]
    left_out: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]
    codes_named: bool | tuple[str, ...]
    software: str
    knowledge: str
    polars: str

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(self.__dict__, indent=2, sort_keys=True, default=list) + "\n"


@dataclass(frozen=True)
class Job:
    """A registry that is cut into buckets and can be answered.

    Attributes:
        out: the folder for the answers.
        plan: how it is worked off.
        unread: what lies in the source and is not read.
        command: what was asked for, by the names of files, without where they lie.
    """

    out: Path
    plan: Plan
    unread: tuple[str, ...] = ()
    command: str = ""

    @property
    def open(self) -> list[int]:
        """Return the buckets that are not finished, or of which a part is lost."""
        return [x for x in range(self.plan.buckets) if finished(self.out, x) is None]

    @property
    def answered(self) -> int:
        """Return the number of patients of the buckets that are finished."""
        counts = (finished(self.out, x) for x in range(self.plan.buckets))
        return sum(one[FINDINGS] for one in counts if one)


def prepare(
    path: Place,
    out: Path,
    mapping: Path | None = None,
    batch: int = BATCH,
    told: Callable[[int], None] | None = None,
    fresh: bool | None = None,
    workers: int = 1,
) -> Job:
    """Cut the tables of a registry into buckets of patients, or find them cut.

    Args:
        path: where the tables are.
        out: the folder for the answers; what another run left there is not touched.
        mapping: a mapping file.
        batch: patients a bucket, on average.
        told: called with the rows that were cut.
        fresh: whether ``out`` was made for this run, and goes if nothing can be read.
        workers: processes that may share the reading of foreign records.

    Raises:
        SourceError: if the tables cannot be used, or ``out`` holds something else.
    """
    knowledge = Knowledge.load()
    work = out / WORK
    check_places(path, out)
    fresh = not out.exists() if fresh is None else fresh
    (work / MARKS).mkdir(mode=0o700, parents=True, exist_ok=True)
    if fresh:
        out.chmod(0o700)
    try:
        source = open_source(path, Schema(knowledge.terms), work, mapping, told, workers)
        ids = source.tables["patients"].select(PATIENT)
        plan = _plan(source, ids, batch)
        command = f"myoresist cohort {path.name} --out FOLDER --batch {batch}"
        command += "".join(f" --schema {x}" for x in getattr(path, "schemas", ()))
        command += f" --mapping {mapping.name}" if mapping else ""
        return _cut(Job(out, plan, source.unread, command), source, ids, told)
    except (SourceError, DocumentError):
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        raise
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error


def check_places(path: Place, out: Path) -> None:
    """Check that a run over these tables may write into this folder.

    Raises:
        SourceError: saying why it may not.
    """
    work = out / WORK
    if out.exists() and not out.is_dir():
        raise SourceError(f"{out}: is a file; name a folder")
    if out.exists() and any(out.iterdir()) and not work.exists():
        raise SourceError(f"{out}: is not empty; name another folder")
    if isinstance(path, Address):
        return
    if not path.exists():
        raise SourceError(f"{path}: does not exist")
    if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
        raise SourceError(f"{out}: lies in the folder of the tables; name another folder")


def _plan(source: Source, ids: pl.LazyFrame, batch: int) -> Plan:
    patients, made_up = _made_up(ids)
    return Plan(
        patients=patients,
        synthetic=patients == made_up > 0,
        buckets=max(1, math.ceil(patients / batch)),
        files=source.hashes(),
        left_out=source.left_out,
        notes=source.notes,
        codes_named=source.codes_named
        if isinstance(source.codes_named, bool)
        else tuple(sorted(source.codes_named)),
        software=__version__,
        knowledge=packaged.version(),
        polars=pl.__version__,
    )


def _cut(job: Job, source: Source, ids: pl.LazyFrame, told: Callable[[int], None] | None) -> Job:
    """Cut the tables into buckets, unless that is done or no longer needed."""
    work, plan = job.out / WORK, job.plan
    remove_strays(job.out)
    known = (work / PLAN).exists()
    if known and (work / PLAN).read_text(encoding="utf-8") != plan.text():
        raise SourceError(
            f"{job.out}: holds a run of other input or of another version; name another folder"
        )
    if not known:
        # What was answered without a plan may be about others.
        shutil.rmtree(work / MARKS)
        (work / MARKS).mkdir(mode=0o700)
    if known and (not job.open or (work / BUCKETS / spool.INDEX).exists()):
        return job
    shutil.rmtree(work / BUCKETS, ignore_errors=True)
    begins = spool.boundaries(ids, plan.buckets, plan.patients)
    tables = {name: source.batches(name) for name in source.named}
    spool.write(tables, work / BUCKETS, begins, told)
    write_text(work / PLAN, plan.text())
    return job


def _made_up(ids: pl.LazyFrame) -> tuple[int, int]:
    """Return how many patients there are, and how many of them are made up."""
    made_up = pl.col(PATIENT).str.starts_with(SYNTHETIC).sum()
    row = ids.select(pl.len(), made_up=made_up).collect(engine="streaming").row(0)
    return row[0], row[1]


@cache
def _metadata(table: str, columns: tuple[tuple[str, pl.DataType], ...]) -> dict[str, str]:
    return Dictionary(Knowledge.load()).metadata(table, dict(columns))


@cache
def _registry(codes_named: CodesNamed) -> Registry:
    return Registry(Knowledge.load(), codes_named)


def answer_bucket(out: Path, bucket: int) -> int:
    """Answer for the patients of a bucket, write their part of every table, and mark it as finished.

    Returns:
        The number of patients.
    """
    named = json.loads((out / WORK / PLAN).read_text(encoding="utf-8"))["codes_named"]
    registry = _registry(named if isinstance(named, bool) else frozenset(named))
    # What came in is no longer needed once it is read, nor a table once it is written.
    batch = registry.reader.read(spool.read(out / WORK / BUCKETS, bucket))
    counts = {}
    for name, table in registry.answered(batch):
        _write_part(out, name, bucket, table)
        counts[name] = table.height
    write_mark(out, bucket, counts)
    return counts[FINDINGS]


def _write_part(out: Path, name: str, bucket: int, table: pl.DataFrame) -> None:
    """Write a part of a table in one step, so that no half file is ever there."""
    target = part(out, name, bucket)
    target.parent.mkdir(parents=True, exist_ok=True)
    half = beside(target)
    try:
        table.write_parquet(
            half, compression="zstd", compression_level=LEVEL, statistics=False,
            metadata=_metadata(name, tuple(table.schema.items())),
        )  # fmt: skip
        half.replace(target)
    except (pl.exceptions.PolarsError, OSError) as error:
        half.unlink(missing_ok=True)
        if isinstance(error, OSError) and not full(out):
            raise
        raise not_written(out) from error


def answer(job: Job, workers: int = 1, told: Told | None = None) -> None:
    """Answer for every patient of the buckets that are not finished.

    A bucket that cannot be answered does not stop the others.

    Args:
        job: the registry.
        workers: processes that answer at the same time.
        told: called with the patients that were answered and the buckets that are left.

    Raises:
        SourceError: at the end, if a bucket could not be answered.
    """
    left = job.open
    failed: list[str] = []
    try:
        for number, count in enumerate(_answered(job.out, left, workers, failed), 1):
            if told:
                told(count, len(left) - number)
    finally:
        remove_strays(job.out)
    if failed:
        raise SourceError(
            f"{job.out}: {len(failed)} of {job.plan.buckets} parts failed: {failed[0]}"
        )


def _answered(out: Path, buckets: list[int], workers: int, failed: list[str]) -> Iterator[int]:
    if workers < 2 or len(buckets) < 2:
        for bucket in buckets:
            yield _counted(partial(answer_bucket, out, bucket), bucket, failed)
        return
    # A fresh interpreter each: the engine's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with (
        threads(workers),
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
        ) as pool,
    ):
        futures = {pool.submit(answer_bucket, out, bucket): bucket for bucket in buckets}
        try:
            for future in as_completed(futures):
                yield _counted(future.result, futures[future], failed)
        except BaseException:
            # Workers that go on would answer for nobody, and their half files are removed.
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.kill()
            raise


def _counted(answered: Callable[[], int], bucket: int, failed: list[str]) -> int:
    """Return the patients of a bucket, or note why there are none; what ends the run is passed on."""
    try:
        return answered()
    except (OSError, BrokenProcessPool, MemoryError):
        raise
    except Exception as error:
        if os.environ.get("MYORESIST_DEBUG"):
            raise
        failed.append(f"part {bucket}: {type(error).__name__}: {first_line(error)}")
        return 0


@contextmanager
def threads(workers: int) -> Iterator[None]:
    """Share the cores among workers that start meanwhile, unless somebody has said otherwise."""
    share = str(max(1, (os.cpu_count() or 1) // workers))
    said = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(said, share))
    try:
        yield
    finally:
        for name in said:
            del os.environ[name]


def finish(job: Job) -> dict[str, Any]:
    """Write the manifest of a run of which every bucket is finished, and return it.

    Raises:
        SourceError: if a bucket is not finished.
    """
    if job.open:
        raise SourceError(
            f"{job.out}: {len(job.open)} of {job.plan.buckets} parts are not finished"
        )
    counts = [finished(job.out, x) or {} for x in range(job.plan.buckets)]
    remove_others(job.out, TABLES, job.plan.buckets)
    rejected = scan(job.out, REJECTED).sort("table", "row", "column")
    target = job.out / "rejected.parquet"
    rejected.sink_parquet(beside(target), statistics=False)
    beside(target).replace(target)
    knowledge = Knowledge.load()
    schemas = {x: dict(scan(job.out, x).collect_schema()) for x in TABLES}
    dictionary = Dictionary(knowledge).frame(schemas).write_csv()
    write_text(job.out / DICTIONARY, dictionary)
    kept = [x for x in schemas[FINDINGS] if x not in knowledge.catalogue and x != PATIENT]
    manifest = {
        "notice": "Research and decision-support tool, not a certified medical device.",
        **json.loads(job.plan.text()),
        "unread": list(job.unread),
        "rows": {name: sum(one[name] for one in counts) for name in TABLES},
        "command": job.command,
        "kept": kept,
        "schema": {x: {y: str(kind) for y, kind in one.items()} for x, one in schemas.items()},
        "answers": {
            path.relative_to(job.out).as_posix(): hashed(path)
            for name in TABLES
            for path in (part(job.out, name, x) for x in range(job.plan.buckets))
        },
    }
    # A second row about a patient is none.
    manifest["patients"] = manifest["rows"][FINDINGS]
    write_text(job.out / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return manifest


def clear(job: Job) -> None:
    """Remove what only an unfinished run needs."""
    for entry in (job.out / WORK).iterdir():
        if entry.name in (PLAN, MARKS, LOCK):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def scan(out: Path, table: str) -> pl.LazyFrame:
    """Open a table of answers."""
    return pl.scan_parquet(sorted((out / table).glob("part-*.parquet")), glob=False)
