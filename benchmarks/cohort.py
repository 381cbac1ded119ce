"""Speed and memory of a whole registry: how it grows, and against reading and writing alone and single cases.

    python benchmarks/cohort.py [10000 100000 1000000]

Synthetic patients are drawn first; what is timed is ``myoresist cohort`` as a command on all cores. The floor
reads the same tables and writes the same answers, nothing else. Writes ``benchmarks/cohort.json``.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from myoresist import __version__, assess, read_case
from myoresist.cohort.answers import TABLES

SIZES = (10_000, 100_000)
EXAMPLES = Path(__file__).parents[1] / "src" / "myoresist" / "examples"
SINGLE = 20
"""Single cases that are timed."""


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
    answers = {name: sorted((out / name).glob("*.parquet")) for name in TABLES}
    seconds = 0.0
    for folder in source.iterdir():
        if folder.suffix == ".txt":
            continue
        begun = time.perf_counter()
        pl.read_parquet(folder / "*.parquet" if folder.is_dir() else folder)
        seconds += time.perf_counter() - begun
    for name, parts in answers.items():
        (target / name).mkdir(parents=True)
        for part in parts:
            frame = pl.read_parquet(part)
            begun = time.perf_counter()
            frame.write_parquet(target / name / part.name, compression="zstd", statistics=False)
            seconds += time.perf_counter() - begun
    return seconds


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
    alone = single()
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source, out = Path(folder) / "in", Path(folder) / "out"
            drawn, _ = command("simulate", size, "--out", source)
            seconds, peak = command("cohort", source, "--out", out)
            least = floor(source, out, Path(folder) / "again")
            rows.append(
                {
                    "patients": size,
                    "draw_s": round(drawn, 1),
                    "seconds": round(seconds, 1),
                    "patients_per_second": round(size / seconds),
                    "peak_mb_of_a_process": round(peak),
                    "times_the_floor": round(seconds / least, 1),
                    "times_faster_than_single_cases": round(alone * size / seconds),
                }
            )
            print(rows[-1], flush=True)
    found: dict[str, Any] = {
        "software": __version__,
        "polars": pl.__version__,
        "cores": os.cpu_count(),
        "single_case_ms": round(alone * 1000),
        "sizes": rows,
    }
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        growth = math.log(last["seconds"] / first["seconds"])
        found["growth_exponent"] = round(growth / math.log(last["patients"] / first["patients"]), 3)
        print("growth exponent", found["growth_exponent"])
    path = Path(__file__).with_name("cohort.json")
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
