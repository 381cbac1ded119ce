"""On a real Spark session the answers are the same bytes, and a lost worker loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from registries import contents

from myoresist.cohort import run, spark
from myoresist.cohort.simulate import simulate
from myoresist.cohort.source import SourceError

PATIENTS, BATCH = 160, 20
RETRYING = "local[2,4]"
"""Two cores; a task may fail three times before the job does."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    for name, frame in simulate(PATIENTS, 5).items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("embedded") / "out"
    job = run.prepare(source, out, None, BATCH)
    run.answer(job)
    run.finish(job)
    return contents(out)


def workers() -> list[int]:
    """Return the Python workers of Spark: children of its daemon."""
    found, daemons = {}, set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"pyspark.daemon" in words:
            found[int(folder.name)] = parent
            daemons.add(int(folder.name))
    return [one for one, parent in found.items() if parent in daemons]


def test_a_killed_worker_is_replaced_and_the_bytes_are_those_of_the_embedded_engine(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = run.prepare(source, out, None, BATCH)
    assert job.plan.buckets > 2
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 120
        while not killed and time.monotonic() < deadline:
            if list((out / run.WORK / run.MARKS).glob("*.json")) and workers():
                killed.append(workers()[0])
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    told: list[int] = []
    spark.answer(job, RETRYING, lambda patients, _: told.append(patients))
    killer.join()
    assert killed
    assert sum(told) == PATIENTS
    run.finish(job)
    assert contents(out) == expected


def test_without_java_it_says_which_one_is_needed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run.prepare(source, tmp_path / "out", None, BATCH)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SourceError, match="needs Java 17 or 21"):
        spark.answer(job, None, lambda *_: None)
