"""The command over a registry: what it says while it reads and answers, and how it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from myoresist.cohort import run
from myoresist.cohort.checking import check
from myoresist.cohort.keeping import alone
from myoresist.cohort.source import Place
from myoresist.cohort.summary.page import write_summary
from myoresist.report.printable import printable

Said = Callable[[str], None]
MOST_COLUMNS = 24
"""Columns of a table that are named; all of them may be hundreds of findings."""


class EndedError(Exception):
    """The command was ended from outside; ``status`` is what it ends with."""

    def __init__(self, status: int, goes_on: bool) -> None:
        super().__init__("ended" + ("; the same command goes on where it was" if goes_on else ""))
        self.status = status


@contextmanager
def ended_by_signals(goes_on: bool) -> Iterator[None]:
    """Turn the keyboard's and the system's wish that a command ends into ``EndedError``.

    Args:
        goes_on: whether the same command goes on later where it was.

    Raises:
        EndedError: when it was ended.
    """

    def end(_: int, __: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as error:
        status = error.code if isinstance(error, SystemExit) else 128 + signal.SIGINT
        raise EndedError(int(status or 0), goes_on) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def check_registry(source: Place, mapping: Path | None, say: Said) -> None:
    """Say what of a registry can be used and what cannot."""
    columns = TextColumn("{task.description} {task.completed} rows")
    with (
        ended_by_signals(goes_on=False),
        Progress(columns, console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("reading", total=None)
        found = check(
            source, mapping, lambda rows: progress.advance(task, rows), os.cpu_count() or 1
        )
    for note in found.notes:
        say(printable(note))
    for name, rows, used, left_out in found.tables.iter_rows():
        names = used.split(", ")
        more = len(names) - MOST_COLUMNS
        shown = ", ".join(names[:MOST_COLUMNS]) + (f" and {more} more" if more > 0 else "")
        say(printable(f"{name}: {rows:,} rows; columns {shown}"))
        if left_out:
            say(printable(f"    left out by the mapping: {left_out}"))
    for one in found.problems.iter_rows(named=True):
        lost = "row{} left out" if one["whole_row"] else "cell{} unknown"
        lost = lost.format("" if one["rows"] == 1 else "s")
        value = "" if one["value"] is None else f": {one['value']}"
        first = f"; first in row {one['row']}{value}"
        say(
            printable(
                f"{one['table']}.{one['column']}: {one['rows']} {lost}: {one['reason']}{first}"
            )
        )
    for note in found.unread:
        say(printable(note))
    if not found.problems.height and not found.unread:
        say("Everything can be used.")


def run_registry(
    source: Place,
    out: Path,
    mapping: Path | None,
    engine: str,
    master: str | None,
    workers: int | None,
    batch: int,
    say: Said,
    complain: Said,
) -> None:
    """Answer for every patient of a registry, and say how far it is.

    Only their owner may read the answers.

    Raises:
        EndedError: when it was ended from outside.
        SourceError: if the tables cannot be used, or another run is in the folder.
    """
    os.umask(os.umask(0) | 0o077)
    run.check_places(source, out)
    fresh = not out.exists()
    with ended_by_signals(goes_on=True), alone(out):
        _run(source, out, mapping, engine, master, workers, batch, say, complain, fresh)


def _run(
    source: Place,
    out: Path,
    mapping: Path | None,
    engine: str,
    master: str | None,
    workers: int | None,
    batch: int,
    say: Said,
    complain: Said,
    fresh: bool,
) -> None:
    rows = TextColumn("{task.description} {task.completed:,} rows")
    with Progress(rows, console=Console(stderr=True), transient=True) as progress:
        reading = progress.add_task("reading", total=None)
        job = run.prepare(
            source, out, mapping, batch, lambda more: progress.advance(reading, more), fresh,
            workers or os.cpu_count() or 1,
        )  # fmt: skip
    for note in (*job.plan.notes, *job.unread):
        complain(printable(note))
    whole, left = job.plan.buckets, len(job.open)
    if left < whole:
        complain(f"{out}: {whole - left} of {whole} parts are finished; going on")
    bars = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("patients"),
        TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[left]}"),
    )  # fmt: skip
    with Progress(*bars, console=Console(stderr=True)) as progress:
        todo = job.plan.patients - job.answered
        task = progress.add_task("answering", total=todo, rate="", left="")

        def told(patients: int, parts: int) -> None:
            progress.advance(task, patients)
            shown = progress.tasks[task]
            # Parts come in groups, so that only all since the beginning tell how fast it goes.
            rate = shown.completed / max(shown.elapsed or 0, 0.001)
            rest = timedelta(seconds=round((todo - shown.completed) / max(rate, 1)))
            # Rows that are no patient were counted among those to do.
            done = None if parts else shown.completed
            progress.update(
                task,
                completed=done,
                total=done,
                rate=f"{rate:,.0f}/s",
                left=f"{rest} left" if parts else "",
            )

        if engine == "spark":
            from myoresist.cohort.spark import answer

            answer(job, master, told)
        else:
            run.answer(job, workers or os.cpu_count() or 1, told)
    manifest = run.finish(job)
    write_summary(out)
    run.clear(job)
    rejected = manifest["rows"]["rejected"]
    say(f"{manifest['rows']['findings']} patients in {out}; summary.html shows them")
    if rejected:
        say(f"{rejected} cells or rows could not be used: rejected.parquet says which and why")
