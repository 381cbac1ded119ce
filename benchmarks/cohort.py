"""Speed and memory of a whole registry: how it grows, and against reading and writing alone and single cases.

    python benchmarks/cohort.py [10000 100000 1000000]

Synthetic patients are drawn first. Timed are ``myoresist cohort`` as a command on all cores, from files to
the assessment alone, from tables to tables in memory, with a process a core; and the command on a registry
whose rows are in no order. The floor reads the same tables and writes the same answers, nothing else. Writes
``benchmarks/cohort.json``.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from myoresist import Knowledge, __version__, assess, read_case
from myoresist.cohort.registry import TABLES, Registry
from myoresist.cohort.run import BATCH, LEVEL
from myoresist.cohort.simulate import simulate
from myoresist.cohort.threads import THREADS

SIZES = (10_000, 100_000)
EXAMPLES = Path(__file__).parents[1] / "src" / "myoresist" / "examples"
SINGLE = 20
"""Single cases that are timed."""
PARTS, CALLS = 2, 12
"""How many parts of different patients are assessed in memory, and how often one is."""
SHUFFLED = 100_000
"""The size that is also measured with its rows in no order."""


def command(*words: object) -> tuple[float, float]:
    """Run myoresist, and return its seconds and the peak memory of any of its processes in MB."""
    begun = time.perf_counter()
    script = (
        "import resource, subprocess, sys; "
        "code = subprocess.run([sys.executable, '-m', 'myoresist', *sys.argv[1:]]).returncode; "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    return time.perf_counter() - begun, float(done.stdout.split()[-1])


def floor(source: Path, out: Path, target: Path) -> float:
    """Return the seconds that it takes to read all tables and to write all answers, nothing else."""
    seconds = 0.0
    for file in sorted(source.rglob("*.parquet")):
        begun = time.perf_counter()
        pl.read_parquet(file)
        seconds += time.perf_counter() - begun
    for name in TABLES:
        (target / name).mkdir(parents=True)
        for part in sorted((out / name).glob("*.parquet")):
            frame = pl.read_parquet(part)
            begun = time.perf_counter()
            frame.write_parquet(
                target / name / part.name,
                compression="zstd",
                compression_level=LEVEL,
                statistics=False,
            )
            seconds += time.perf_counter() - begun
    return seconds


@cache
def registry() -> Registry:
    """Return what answers, once a process."""
    return Registry(Knowledge.load())


@cache
def drawn(part: int) -> dict[str, pl.DataFrame]:
    """Return the tables of some synthetic patients, the same at every call."""
    tables = simulate(BATCH, part + 1)
    return {name: frame.with_row_index("row", 1) for name, frame in tables.items()}


def assessed(part: int) -> float:
    """Assess some patients that are in memory, and return the seconds of the processor that it took."""
    tables = drawn(part)
    begun = time.process_time()
    registry().assess(tables)
    return time.process_time() - begun


def alone() -> dict[str, float]:
    """Return how fast patients are assessed from tables to tables in memory, by a process a core."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for name in THREADS:
            os.environ[name] = "1"
        # The first calls draw the patients and compile the rules; each process is to have made some.
        list(pool.map(assessed, [one % PARTS for one in range(4 * PARTS * cores)]))
        begun = time.perf_counter()
        spent = list(pool.map(assessed, [one % PARTS for one in range(CALLS)]))
        seconds = time.perf_counter() - begun
    for name in THREADS:
        del os.environ[name]
    return {
        "patients": BATCH * CALLS,
        "patients_per_second": round(BATCH * CALLS / seconds),
        "cpu_us_a_patient": round(sum(spent) / (BATCH * CALLS) * 1e6, 1),
    }


def shuffled(source: Path, target: Path) -> None:
    """Write the tables of a registry with their rows in no order."""
    target.mkdir()
    for folder in source.iterdir():
        if folder.is_dir():
            rows = pl.read_parquet(folder / "*.parquet")
            rows.sample(fraction=1, shuffle=True, seed=1).write_parquet(
                target / f"{folder.name}.parquet"
            )


def single() -> float:
    """Return the seconds that one patient takes through the interface for a single case."""
    cases = [read_case(path) for path in sorted(EXAMPLES.glob("*.yaml"))]
    assess(cases[0])
    begun = time.perf_counter()
    for number in range(SINGLE):
        assess(cases[number % len(cases)])
    return (time.perf_counter() - begun) / SINGLE


def main() -> None:
    """Measure, print and write the figures."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    one_case = single()
    in_memory = alone()
    print("assessment alone", in_memory, flush=True)
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source, out = Path(folder) / "in", Path(folder) / "out"
            drawn_in, _ = command("simulate", size, "--out", source)
            seconds, peak = command("cohort", source, "--out", out)
            least = floor(source, out, Path(folder) / "again")
            row = {
                "patients": size,
                "draw_s": round(drawn_in, 1),
                "seconds": round(seconds, 1),
                "patients_per_second": round(size / seconds),
                "peak_mb_of_a_process": round(peak),
                "times_the_floor": round(seconds / least, 1),
                "times_faster_than_single_cases": round(one_case * size / seconds),
            }
            if size == SHUFFLED:
                shuffled(source, Path(folder) / "shuffled")
                took, _ = command(
                    "cohort", Path(folder) / "shuffled", "--out", Path(folder) / "third"
                )
                row["times_as_long_in_no_order"] = round(took / seconds, 2)
            rows.append(row)
            print(row, flush=True)
    found: dict[str, Any] = {
        "software": __version__,
        "polars": pl.__version__,
        "cores": os.cpu_count(),
        "single_case_ms": round(one_case * 1000),
        "assessment_alone": in_memory,
        "sizes": rows,
    }
    if len(rows) > 1:
        steps = [
            math.log(later["seconds"] / one["seconds"])
            / math.log(later["patients"] / one["patients"])
            for one, later in pairwise(rows)
        ]
        found["growth_exponents"] = [round(one, 3) for one in steps]
        print("growth exponents, step by step", found["growth_exponents"])
    path = Path(__file__).with_name("cohort.json")
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
