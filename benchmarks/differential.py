"""How fast the differential diagnosis is, as a ratio against the bare matrix products in the same run.

    python benchmarks/differential.py --patients 1000000

The floor multiplies what counts of each patient, ready as numbers, with the likelihood ratios, for the same
patients in the same pieces: nothing is read, sorted out, measured or normalised. For one patient the figures
are milliseconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from myoresist.arrays.table import Table
from myoresist.case.reading import read_case
from myoresist.case.record import conform, findings_table, record
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.explain import explain, rank
from myoresist.diagnosis.differential.investigations import gains
from myoresist.diagnosis.differential.sums import BLOCK
from myoresist.library import Knowledge

PIECE = 100_000
"""Patients made and answered at a time."""
KNOWN = 0.1
"""Share of the findings that are known of a patient: some 25, as many as a full record has."""


def patients(differential: Differential, knowledge: Knowledge, count: int) -> Table:
    """Return random patients, each with some findings known."""
    generator = np.random.default_rng(1)
    likelihoods = differential.likelihoods
    columns = {}
    for name in likelihoods.findings:
        drawn = generator.random(count)
        columns[name] = pl.Series(drawn < KNOWN / 2).set(pl.Series(drawn > KNOWN), None)
    for name in likelihoods.numbers:
        values = np.where(generator.random(count) < KNOWN, generator.lognormal(2, 1, count), np.nan)
        columns[name] = pl.Series(np.clip(values, None, knowledge.catalogue[name].maximum))
    return Table.of_frame(conform(pl.DataFrame(columns), knowledge.catalogue))


def floor(differential: Differential, table: Table) -> float:
    """Return the seconds that the bare product takes for one piece of the table."""
    sums = differential.likelihoods.log_ratio(differential.evidence(table))
    weights, seconds = np.ascontiguousarray(sums.weights.T), 0.0
    for start in range(0, sums.size, BLOCK):
        block = sums.bits(slice(start, min(start + BLOCK, sums.size))).astype(np.float64)
        begin = time.perf_counter()
        weights @ block
        seconds += time.perf_counter() - begin
    return seconds


def milliseconds(work: Callable[[], object], times: int = 30) -> float:
    """Return how long the processor takes, in the middle of several times."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        work()
        taken.append((time.process_time() - begin) * 1000)
    return round(statistics.median(taken), 1)


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
    known = knowledge.inference.known(Table.of_frame(recorded)).findings
    observations = differential.likelihoods.observe(known)
    posterior = differential.posterior(known)[0]
    labelled = differential.labelled(case.label)
    results = {
        "patients": count,
        "diseases": len(differential.diseases),
        "seconds": round(ours, 2),
        "seconds of the bare product": round(bare, 2),
        "ratio": round(ours / bare, 2),
        "patients per second": round(count / ours),
        "one patient with reasons, ms": milliseconds(lambda: rank(differential, known, case.label)),
        "next test, ms": milliseconds(
            lambda: gains(differential, observations, posterior, labelled)
        ),
        "one patient with draws, reasons and next test, ms": milliseconds(
            lambda: explain(differential, known, case.label)
        ),
    }
    print(json.dumps(results, indent=2))
    path = Path(__file__).with_name("differential.json")
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
