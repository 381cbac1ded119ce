"""Measure the response criteria on a made-up registry: one command; the README beside this file says how."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import per_patient_response
import polars as pl
from bench import best, machine

from myoresist import Knowledge
from myoresist.findings.evaluate import finding_names
from myoresist.knowledge import folder, version
from myoresist.resistance.response.evaluate import Responses

HERE = Path(__file__).parent
PATIENTS, VISITS, SLICE = 100_000, 10, 10_000
SEED = 20170401
UNKNOWN = 0.1
START = date(2015, 1, 1)
# Decimals to which a measure is written down, and its highest value.
WRITTEN = {
    "physician_global": (1, 10), "patient_global": (1, 10), "mmt8": (0, 150),
    "extramuscular_global": (1, 10), "ck_x_uln": (2, 25), "aldolase_x_uln": (2, 8),
    "ldh_x_uln": (2, 4), "ast_x_uln": (2, 4), "alt_x_uln": (2, 4),
}  # fmt: skip
CADENCES: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
    "against_baseline": per_patient_response.against_baseline,
    "consecutive": per_patient_response.consecutive,
}


def registry(patients: int, visits: int = VISITS, unknown: float = UNKNOWN) -> pl.DataFrame:
    """Return made-up patients, each with some visits three months apart; a share of the values is unknown.

    Measures wander from visit to visit; two thirds of the patients are adults.
    """
    rng = np.random.default_rng(SEED)
    rows = patients * visits
    columns: dict[str, pl.Series] = {
        "patient_id": pl.Series(np.repeat(np.arange(patients), visits)).cast(pl.String),
        "date": pl.Series(np.tile(np.arange(visits) * 91, patients))
        + (START - date(1970, 1, 1)).days,
        "population": pl.Series(
            np.repeat(np.where(rng.random(patients) < 2 / 3, "adult", "juvenile"), visits)
        ),
    }
    for name, (decimals, highest) in WRITTEN.items():
        columns[name] = _wandering(rng, patients, visits, highest).round(decimals)
    columns["haq_di"] = (_wandering(rng, patients, visits, 24).round(0) / 8).alias("haq_di")
    measured = [name for name in columns if name not in ("patient_id", "date", "population")]
    table = pl.DataFrame(columns).with_columns(pl.col("date").cast(pl.Int32).cast(pl.Date))
    holes = pl.DataFrame({name: rng.random(rows) < unknown for name in measured})
    return table.with_columns(
        pl.when(~holes[name]).then(pl.col(name)).alias(name) for name in measured
    )


def _wandering(rng: np.random.Generator, patients: int, visits: int, highest: float) -> pl.Series:
    start = rng.uniform(0, highest, (patients, 1))
    steps = rng.normal(0, highest / 8, (patients, visits)).cumsum(axis=1)
    return pl.Series(np.clip(start + steps, 0, highest).ravel())


def packaged() -> Responses:
    """Return the packaged response criteria."""
    knowledge = Knowledge.load()
    return Responses.load(folder(), knowledge.terms.measures, finding_names(knowledge.catalogue))


def per_patient(visits: pl.DataFrame, cadence: str) -> tuple[float, pl.DataFrame]:
    """Return how long the per-patient code takes, without making its dictionaries, and its answers."""
    rows = visits.select("patient_id", "date", "population", *per_patient_response.COLUMNS)
    groups = [list(one) for _, one in groupby(rows.to_dicts(), key=lambda row: row["patient_id"])]
    begin = perf_counter()
    answers = [answer for one in groups for answer in CADENCES[cadence](one)]
    return perf_counter() - begin, pl.DataFrame(answers, infer_schema_length=None)


def differences(ours: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """Return in how many pairs of visits the two differ in points, scores or category."""
    differs = pl.repeat(len(ours) != len(theirs), len(theirs), eager=True)
    for name in theirs.columns:
        kind = pl.String if name in ("patient_id", "category", "date") else pl.Float64
        differs |= theirs[name].cast(kind).ne_missing(ours[name].cast(kind))
    return int(differs.sum())


def measure(patients: int) -> dict[str, Any]:
    """Measure both cadences, and compare every answer."""
    responses = packaged()
    table = registry(patients)
    checking = best(partial(responses.visits, table))
    visits = responses.visits(table)
    result: dict[str, Any] = {"patients": patients, "visits": VISITS, "checking_seconds": checking}
    for cadence in CADENCES:
        work = partial(getattr(responses, cadence), visits)
        seconds = best(work)
        answers = work()
        theirs, different = 0.0, 0
        pairs = VISITS - 1
        for start in range(0, patients, SLICE):
            taken, found = per_patient(visits.slice(start * VISITS, SLICE * VISITS), cadence)
            theirs += taken
            different += differences(answers.slice(start * pairs, SLICE * pairs), found)
        result[cadence] = {
            "seconds": seconds,
            "patients_per_second": patients / seconds,
            "per_patient_seconds": theirs,
            "times_faster": theirs / seconds,
            "different_answers": different,
        }
    return result


def main() -> int:
    """Run from the command line; return 1 when an answer differs from that of the per-patient code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=PATIENTS)
    given = parser.parse_args()
    result = {
        "machine": machine(),
        "knowledge": version(),
        "seed": SEED,
        **measure(given.patients),
    }
    print(json.dumps(result, indent=2))
    if given.patients == PATIENTS:
        text = json.dumps(result, indent=2) + "\n"
        (HERE / "response.json").write_text(text, encoding="utf-8")
    return int(any(result[cadence]["different_answers"] for cadence in CADENCES))


if __name__ == "__main__":
    sys.exit(main())
