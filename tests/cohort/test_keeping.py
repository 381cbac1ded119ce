"""The folder of a run stays whole: one run at a time, no lost part, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from doors import folder
from polars.exceptions import PolarsError

from myoresist.cohort import run
from myoresist.cohort.folder import SourceError
from myoresist.cohort.keeping import MARKS, WORK, alone, part, whole

PATIENTS = "patient_id,age\n" + "".join(f"P{x:02},50\n" for x in range(6))


def source(path: Path, text: str = PATIENTS) -> Path:
    return folder(path / "in", {"patients.csv": text})


def finished(tables: Path, out: Path) -> run.Job:
    job = run.prepare(tables, out, batch=3)
    run.answer(job)
    run.finish(job)
    run.clear(job)
    return job


def test_a_part_that_is_lost_or_cut_is_answered_again(tmp_path: Path) -> None:
    tables, out = source(tmp_path), tmp_path / "out"
    finished(tables, out)
    lost, cut = part(out, "findings", 0), part(out, "differential", 1)
    before = lost.read_bytes(), cut.read_bytes()
    lost.unlink()
    os.truncate(cut, 100)
    (out / WORK / MARKS / "00001.json").write_text("")
    (out / "findings" / ".part-00000.parquet.123").write_text("half")
    job = finished(tables, out)
    assert job.open == []
    assert (lost.read_bytes(), cut.read_bytes()) == before
    assert not list(out.rglob(".part*"))


def test_without_its_plan_nothing_is_taken_for_answered(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished(source(tmp_path), out)
    (out / WORK / run.PLAN).unlink()
    other = folder(tmp_path / "other", {"patients.csv": "patient_id,age\nQ,40\n"})
    finished(other, out)
    assert run.scan(out, "findings").collect()["patient_id"].to_list() == ["Q"]


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path / "out"), pytest.raises(SourceError, match="another run"):  # noqa: SIM117
        with alone(tmp_path / "out"):
            pass
    with alone(tmp_path / "out"):
        pass


def test_answers_never_lie_among_the_tables(tmp_path: Path) -> None:
    tables = source(tmp_path)
    with pytest.raises(SourceError, match="lies in the folder of the tables"):
        run.prepare(tables, tables / "answers")


@pytest.mark.skipif(os.name != "posix", reason="has no such permissions")
def test_a_run_that_is_ended_says_so_in_one_line_and_leaves_no_worker(tmp_path: Path) -> None:
    rows = "".join(f"P{x:05},50\n" for x in range(400))
    tables, out = source(tmp_path, "patient_id,age\n" + rows), tmp_path / "out"
    words = ["cohort", str(tables), "--out", str(out), "--workers", "2", "--batch", "10"]
    running = subprocess.Popen(
        [sys.executable, "-m", "myoresist", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list((out / WORK / MARKS).glob("*.json")):
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 128 + signal.SIGTERM
    assert said.splitlines()[-1] == "ended; the same command goes on where it was"
    assert "Traceback" not in said
    while True:
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not list(out.rglob(".part*"))
    assert out.stat().st_mode & 0o077 == 0
    assert all(x.stat().st_mode & 0o077 == 0 for x in out.rglob("*.parquet"))


@pytest.mark.skipif(os.name != "posix", reason="has no such limits")
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tmp_path: Path) -> None:
    rows = "".join(f"P{x:05},50\n" for x in range(30))
    tables, out = source(tmp_path, "patient_id,age\n" + rows), tmp_path / "out"
    words = [
        sys.executable,
        "-m",
        "myoresist",
        "cohort",
        str(tables),
        "--out",
        str(out),
        "--workers",
        "1",
        "--batch",
        "10",
    ]
    full = limited(words)
    assert full.returncode == 2
    told = full.stderr.splitlines()[-1]
    assert told.startswith(f"{out}: ") and told.endswith("the same command goes on where it was")
    assert "Traceback" not in full.stderr and "unexpected" not in full.stderr
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run.scan(out, "findings").collect().height == 30
    assert not list(out.rglob(".part*"))


@pytest.mark.skipif(os.name != "posix", reason="has no such limits")
def test_a_full_disk_leaves_no_half_report(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    told = limited([sys.executable, "-m", "myoresist", "demo", "--html", str(page)])
    assert told.returncode == 2
    assert told.stderr == f"{page}: cannot be written: File too large\n"
    assert list(tmp_path.iterdir()) == []


def limited(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command that can write no file of more than 4 kB, as on a full disk."""
    most = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
    most += "os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", most, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_folder_takes_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for ends in (KeyboardInterrupt(), OSError(28, "No space left on device"), PolarsError("?")):
        with pytest.raises((KeyboardInterrupt, OSError)) as said, whole(out) as half:
            half.mkdir()
            (half / "patients.csv").write_text("half of them")
            raise ends
        assert isinstance(ends, KeyboardInterrupt) or said.value.filename == str(out)
        assert list(tmp_path.iterdir()) == []
    with whole(out) as half:
        half.write_text("all")
    assert out.read_text() == "all"
