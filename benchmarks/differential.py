"""How fast the differential diagnosis is, as a ratio against the bare matrix products in the same run.

    python benchmarks/differential.py --patients 1000000

The floor multiplies what counts of each patient, ready as numbers, with the likelihood ratios, for the same
patients in the same pieces: nothing is read, sorted out, measured or normalised. One patient is measured with
draws, reasons and the next test.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import polars as pl

from myoresist.arrays.table import Table
from myoresist.case.reading import read_case
from myoresist.case.record import conform, findings_table, record
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.explain import opinion
from myoresist.library import Knowledge

PIECE = 100_000
"""Patients made and answered at a time."""
KNOWN = 0.1
"""Share of the findings that are known of a patient: some 25, as many as a full record has."""


def patients(differential: Differential, knowledge: Knowledge, count: int) -> pl.DataFrame:
    """Return random patients, each with some findings known."""
    generator = np.random.default_rng(1)
    likelihoods = differential.likelihoods
    columns = {}
    for name in likelihoods.findings:
        drawn = generator.random(count)
        columns[name] = pl.Series(drawn < KNOWN / 2).set(pl.Series(drawn > KNOWN), None)
    for name in likelihoods.numbers:
        values = np.where(generator.random(count) < KNOWN, generator.lognormal(2, 1, count), np.nan)
        columns[name] = pl.Series(values)
    return conform(pl.DataFrame(columns), knowledge.catalogue)


def floor(differential: Differential, table: pl.DataFrame) -> float:
    """Return the seconds that the bare product takes for one piece of the table."""
    likelihoods, seconds = differential.likelihoods, 0.0
    for _, block in likelihoods.counted(differential.seen(table)):
        start = time.perf_counter()
        likelihoods.weighed @ block
        seconds += time.perf_counter() - start
    return seconds


def main() -> None:
    """Measure, print and write ``differential.json`` beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=1_000_000)
    count = parser.parse_args().patients
    knowledge = Knowledge.load()
    differential = knowledge.differential
    ours = bare = 0.0
    for start in range(0, count, PIECE):
        table = patients(differential, knowledge, min(PIECE, count - start))
        bare += floor(differential, table)
        begin = time.perf_counter()
        differential.posterior(table)
        ours += time.perf_counter() - begin
    example = Path(read_case.__globals__["__file__"]).parents[1] / "examples"
    case = read_case(example / "dysferlinopathy_called_polymyositis.yaml")
    recorded = findings_table([record(case, knowledge.terms)], knowledge.catalogue)
    known = knowledge.inference.known(Table.of_frame(recorded)).findings.frame(recorded.columns)
    times = []
    for _ in range(30):
        begin = time.perf_counter()
        opinion(differential, known, case.label)
        times.append((time.perf_counter() - begin) * 1000)
    results = {
        "patients": count,
        "diseases": len(differential.diseases),
        "seconds": round(ours, 2),
        "seconds of the bare product": round(bare, 2),
        "ratio": round(ours / bare, 2),
        "patients per second": round(count / ours),
        "one patient with draws, reasons and next test, ms": round(statistics.median(times), 1),
    }
    print(json.dumps(results, indent=2))
    path = Path(__file__).with_name("differential.json")
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
