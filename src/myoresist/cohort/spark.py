"""The same answers on a Spark cluster: each task answers buckets that lie on storage which all machines see.

What comes back through Arrow are counts; the answers themselves are written by the workers, one file a bucket
and table, in one step. A task that is lost is run again and writes the same files.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from myoresist.cohort.folder import SourceError
from myoresist.cohort.run import Job, Told, answer_bucket, threads
from myoresist.cohort.threads import THREADS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

TASKS_A_CORE = 4
"""Tasks for each core, so that a slow bucket does not hold up the end."""


def answer(job: Job, master: str | None, told: Told) -> None:
    """Answer for every patient of the buckets that are not finished, on Spark.

    Args:
        job: the registry; its folder has to be seen by every machine.
        master: address of the cluster; that of the environment, or this machine, when left out.
        told: called with the patients that were answered and the buckets that are left.

    Raises:
        SourceError: if Spark or Java is not there.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise SourceError("--engine spark needs pyspark: pip install 'myoresist[spark]'") from error
    if shutil.which("java") is None:
        raise SourceError("--engine spark needs Java 17 or 21, and there is no java on the PATH")
    builder = SparkSession.builder.appName("myoresist")
    if master:
        builder = builder.master(master)
    if not master or master.startswith("local"):
        # On this machine the workers run in the environment of this process; a cluster has its own.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name in THREADS:
        # A task has one core, so that its engine is to have one thread.
        builder = builder.config(f"spark.executorEnv.{name}", "1")
    with threads(os.cpu_count() or 1):
        session = builder.getOrCreate()
        _answer(session, job, told)


def _answer(session: SparkSession, job: Job, told: Told) -> None:
    left = job.open
    out = str(job.out.resolve())

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow

        for batch in batches:
            for bucket in batch.column(0).to_pylist():
                count = answer_bucket(Path(out), bucket)
                yield pyarrow.RecordBatch.from_pydict({"bucket": [bucket], "patients": [count]})

    try:
        tasks = min(len(left), session.sparkContext.defaultParallelism * TASKS_A_CORE) or 1
        buckets = session.createDataFrame([(x,) for x in left], "bucket long").repartition(tasks)
        found = buckets.mapInArrow(work, "bucket long, patients long")
        for number, row in enumerate(found.toLocalIterator(prefetchPartitions=True), 1):
            told(row["patients"], len(left) - number)
    finally:
        session.stop()
