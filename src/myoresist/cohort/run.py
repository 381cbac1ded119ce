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
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from myoresist import knowledge as packaged
from myoresist.cohort import spool
from myoresist.cohort.batch import STRANGER, TWICE
from myoresist.cohort.registry import FINDINGS, REJECTED, TABLES, Registry
from myoresist.cohort.schema import ROW, SYNTHETIC, Schema, empty_rejections, rejections
from myoresist.cohort.source import SourceError, open_source
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT
from myoresist.version import __version__

BATCH = 20_000
WORK, PLAN, MARKS, BUCKETS, MANIFEST = ".work", "plan.json", "done", "buckets", "manifest.json"
THREADS = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What tells the engine and the matrix product how many threads to use."""
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
    software: str
    knowledge: str
    polars: str

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(self.__dict__, indent=2, sort_keys=True, default=list) + "\n"


@dataclass(frozen=True)
class Job:
    """A registry that is cut into buckets and can be answered."""

    out: Path
    plan: Plan

    @property
    def open(self) -> list[int]:
        """Return the buckets that are not finished."""
        return [x for x in range(self.plan.buckets) if not mark(self.out, x).exists()]

    @property
    def answered(self) -> int:
        """Return the number of patients of the buckets that are finished."""
        finished = set(range(self.plan.buckets)) - set(self.open)
        return sum(counted(self.out, x)[FINDINGS] for x in finished)


def mark(out: Path, bucket: int) -> Path:
    """Return the file that says that a bucket is finished."""
    return out / WORK / MARKS / f"{bucket:05}.json"


def counted(out: Path, bucket: int) -> dict[str, int]:
    """Return the rows of each table of a bucket that is finished."""
    counts: dict[str, int] = json.loads(mark(out, bucket).read_text(encoding="utf-8"))
    return counts


def prepare(
    path: Path,
    out: Path,
    mapping: Path | None = None,
    batch: int = BATCH,
    told: Callable[[int], None] | None = None,
) -> Job:
    """Cut the tables of a registry into buckets of patients, or find them cut.

    Args:
        path: where the tables are.
        out: the folder for the answers; what another run left there is not touched.
        mapping: a mapping file.
        batch: patients a bucket, on average.
        told: called with the rows that were cut.

    Raises:
        SourceError: if the tables cannot be used, or ``out`` holds something else.
    """
    knowledge = Knowledge.load()
    work = out / WORK
    if out.exists() and any(out.iterdir()) and not (work / PLAN).exists() and not work.exists():
        raise SourceError(f"{out}: is not empty; name another folder")
    (work / MARKS).mkdir(parents=True, exist_ok=True)
    source = open_source(path, Schema(knowledge.terms), work, mapping)
    ids = source.tables["patients"].select(PATIENT)
    patients, made_up = _made_up(ids)
    plan = Plan(
        patients=patients,
        synthetic=patients == made_up > 0,
        buckets=max(1, math.ceil(patients / batch)),
        files=source.hashes(),
        left_out=source.left_out,
        notes=source.notes,
        software=__version__,
        knowledge=packaged.version(),
        polars=pl.__version__,
    )
    if (work / PLAN).exists():
        if (work / PLAN).read_text(encoding="utf-8") != plan.text():
            raise SourceError(
                f"{out}: holds a run of other input or of another version; name another folder"
            )
        return Job(out, plan)
    shutil.rmtree(work / BUCKETS, ignore_errors=True)
    begins = spool.boundaries(ids, plan.buckets, patients)
    tables = {name: source.batches(name) for name in source.named}
    spool.write(tables, work / BUCKETS, begins, told)
    write_text(work / PLAN, plan.text())
    return Job(out, plan)


def _made_up(ids: pl.LazyFrame) -> tuple[int, int]:
    """Return how many patients there are, and how many of them are made up."""
    made_up = pl.col(PATIENT).str.starts_with(SYNTHETIC).sum()
    row = ids.select(pl.len(), made_up=made_up).collect(engine="streaming").row(0)
    return row[0], row[1]


@cache
def _registry() -> Registry:
    return Registry(Knowledge.load())


def answer_bucket(out: Path, bucket: int) -> int:
    """Answer for the patients of a bucket, write their part of every table, and mark it as finished.

    Returns:
        The number of patients.
    """
    tables = _registry().assess(spool.read(out / WORK / BUCKETS, bucket))
    counts = {}
    for name in TABLES:
        target = out / name / f"part-{bucket:05}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        tables[name].write_parquet(
            beside, compression="zstd", compression_level=LEVEL, statistics=False
        )
        beside.replace(target)
        counts[name] = tables[name].height
    write_text(mark(out, bucket), json.dumps(counts, sort_keys=True) + "\n")
    return counts[FINDINGS]


def answer(job: Job, workers: int = 1, told: Told | None = None) -> None:
    """Answer for every patient of the buckets that are not finished.

    Args:
        job: the registry.
        workers: processes that answer at the same time.
        told: called with the patients that were answered and the buckets that are left.
    """
    left = job.open
    for number, count in enumerate(_answered(job.out, left, workers), 1):
        if told:
            told(count, len(left) - number)


def _answered(out: Path, buckets: list[int], workers: int) -> Iterator[int]:
    if workers < 2 or len(buckets) < 2:
        for bucket in buckets:
            yield answer_bucket(out, bucket)
        return
    # A fresh interpreter each: the engine's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with threads(workers), ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(answer_bucket, out, bucket) for bucket in buckets]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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
    counts = [counted(job.out, x) for x in range(job.plan.buckets)]
    rejected = pl.scan_parquet(job.out / REJECTED / "*.parquet")
    rejected.sort("table", "row", "column").sink_parquet(
        job.out / "rejected.parquet", statistics=False
    )
    manifest = {
        "notice": "Research and decision-support tool, not a certified medical device.",
        **json.loads(job.plan.text()),
        "rows": {name: sum(one[name] for one in counts) for name in TABLES},
    }
    write_text(job.out / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return manifest


def clear(job: Job) -> None:
    """Remove what only an unfinished run needs."""
    shutil.rmtree(job.out / WORK / BUCKETS, ignore_errors=True)
    for file in (job.out / WORK).glob("*.parquet"):
        file.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, so that no half file is ever there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def scan(out: Path, table: str) -> pl.LazyFrame:
    """Open a table of answers."""
    return pl.scan_parquet(out / table / "*.parquet")


@dataclass(frozen=True)
class Check:
    """What of a registry can be used, found before anything is answered.

    Attributes:
        tables: one row a table: ``table``, ``rows``, ``columns`` used, ``left_out``.
        problems: one row a kind of problem: ``table``, ``column``, ``reason``, ``rows``, ``value`` and
            ``row`` of the first, ``whole_row``.
        notes: what a reader should know of how the tables came about.
    """

    tables: pl.DataFrame
    problems: pl.DataFrame
    notes: tuple[str, ...]


def check(
    path: Path, mapping: Path | None = None, told: Callable[[int], None] | None = None
) -> Check:
    """Read every cell of a registry without answering anything.

    Args:
        path: where the tables are.
        mapping: a mapping file.
        told: called with the rows that were read.

    Raises:
        SourceError: if the tables cannot be used at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        reader = Registry(Knowledge.load()).reader
        source = open_source(path, reader.schema, Path(folder), mapping)
        rows, found = [], [empty_rejections()]
        for name, frame in source.tables.items():
            read = 0
            for part in source.batches(name):
                found.append(reader.unusable(name, part))
                read += part.height
                if told:
                    told(part.height)
            found.append(_misplaced(name, frame, source.tables["patients"]))
            columns = ", ".join(x for x in frame.collect_schema().names() if x != ROW)
            rows.append((name, read, columns, ", ".join(source.left_out[name])))
    problems = (
        pl.concat(found)
        .group_by("table", "column", "reason", "whole_row", maintain_order=True)
        .agg(rows=pl.len(), value=pl.col("value").first(), row=pl.col(ROW).first())
        .sort("rows", descending=True, maintain_order=True)
    )
    schema = ["table", "rows", "columns", "left_out"]
    return Check(pl.DataFrame(rows, schema=schema, orient="row"), problems, source.notes)


def _misplaced(table: str, frame: pl.LazyFrame, patients: pl.LazyFrame) -> pl.DataFrame:
    """Return the rows about somebody who is not in the table of patients, or stands there twice."""
    own = frame.filter(pl.col(PATIENT).is_not_null()).select(ROW, PATIENT)
    if table == "patients":
        found = own.filter(~pl.col(PATIENT).is_first_distinct())
        return rejections(found.collect(engine="streaming"), table, PATIENT, TWICE)
    known = patients.select(PATIENT).filter(pl.col(PATIENT).is_not_null())
    found = own.join(known, on=PATIENT, how="anti").sort(ROW)
    return rejections(found.collect(engine="streaming"), table, PATIENT, STRANGER)
