"""Measure how many patients a second are judged: made-up histories of treatment, fixed seed."""

from __future__ import annotations

import argparse
import resource
from time import perf_counter

import numpy as np
import polars as pl

from myoresist import knowledge
from myoresist.case.courses import Treatments
from myoresist.case.reading import packaged_terms
from myoresist.resistance.adequacy.evaluate import History, history
from myoresist.resistance.adequacy.regimens import Regimens

SEED = 20170101
DRUGS = (
    ("prednisone", (60.0, 40.0, 20.0, 10.0), "mg/day"),
    ("prednisone", (1.0, 0.5), "mg/kg/day"),
    ("methotrexate", (10.0, 15.0, 25.0), "mg/week"),
    ("azathioprine", (100.0, 150.0), "mg/day"),
    ("azathioprine", (2.0,), "mg/kg/day"),
    ("mycophenolate", (1.0, 2.0), "g/day"),
    ("tacrolimus", (3.0, 5.0), "mg/day"),
    ("intravenous immunoglobulin", (1.0, 2.0), "g/kg/4 weeks"),
    ("rituximab", (1.0, 2.0), "g"),
)
"""Drugs, doses and units of the made-up courses; they need only be varied, not sensible."""


def synthetic(patients: int, courses: int) -> Treatments:
    """Return made-up treatments: a tenth of the doses, dates and weights is unknown."""
    rng = np.random.default_rng(SEED)
    count = patients * courses
    choices = [(drug, dose, unit) for drug, doses, unit in DRUGS for dose in doses]
    start = rng.integers(15_000, 19_000, count)
    written = pl.DataFrame(
        {
            "patient_id": np.repeat(np.arange(patients), courses),
            "choice": rng.integers(0, len(choices), count),
            "start": start,
            "stop": start + rng.integers(7, 400, count),
            "fate": rng.integers(0, 10, count),
            "reason_stopped": rng.choice(["no effect", "side effect", "remission", "other"], count),
            "weight_kg": np.repeat(rng.integers(45, 110, patients).astype(float), courses),
        }
    )
    listed = pl.DataFrame(choices, schema=["drug", "dose", "unit"], orient="row").with_columns(
        choice=pl.int_range(len(choices), dtype=pl.Int64)
    )
    fate = pl.col("fate")
    date = {x: pl.col(x).cast(pl.Int32).cast(pl.Date).dt.to_string() for x in ("start", "stop")}
    table = written.join(listed, on="choice", how="left", maintain_order="left").select(
        pl.col("patient_id").cast(pl.String),
        "drug",
        pl.when(fate != 0).then("dose").alias("dose"),
        "unit",
        pl.lit("once").alias("frequency"),
        pl.when(fate == 1).then(date["start"].str.head(7)).otherwise(date["start"]).alias("start"),
        pl.when(fate == 1)
        .then(date["stop"].str.head(7))
        .when(fate != 2)
        .then(date["stop"])
        .alias("stop"),
        pl.when(fate > 4).then("reason_stopped").alias("reason_stopped"),
        pl.when(fate != 3).then("weight_kg").alias("weight_kg"),
    )
    people = pl.DataFrame(
        {
            "patient_id": np.arange(patients).astype(str),
            "date": ["2023-06-01"] * patients,
            "treatments_complete": rng.integers(0, 2, patients).astype(bool),
        }
    )
    return Treatments.of(people, table, None, packaged_terms())


def judged(treatments: Treatments, regimens: Regimens) -> History:
    """Judge the treatments."""
    return history(treatments, regimens)


def main() -> None:
    """Print one line of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--courses", type=int, default=10)
    asked = parser.parse_args()
    regimens = Regimens.load(knowledge.folder(), packaged_terms())
    begin = perf_counter()
    treatments = synthetic(asked.patients, asked.courses)
    read = perf_counter() - begin
    begin = perf_counter()
    result = judged(treatments, regimens)
    took = perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{asked.patients:,} patients, {len(treatments.courses.patient):,} courses: read in {read:.2f} s, "
        f"judged in {took:.2f} s, {asked.patients / took:,.0f} patients/s, "
        f"{len(result.names)} columns, peak {memory:,.0f} MB"
    )


if __name__ == "__main__":
    main()
