"""How fast question 3 is answered for a registry: response, trials, refractoriness, explanations in one pass.

    PYTHONPATH=src:benchmarks python benchmarks/registry.py

100,000 made-up patients with 10 courses and 10 visits each, and a few findings. The ratio is to
``per_patient_response.py``, plain Python that does no more than score the visits.
"""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from adequacy import synthetic
from response import per_patient, registry

from myoresist import Knowledge
from myoresist.arrays.table import Table
from myoresist.case.record import conform

FINDINGS = (
    "proximal_weakness", "mri_muscle_edema", "mri_fatty_replacement", "onset_insidious", "ild",
    "anti_srp", "anti_jo1", "hepatitis_b", "cancer_active", "glucocorticoid_current",
)  # fmt: skip


def findings(patients: int, knowledge: Knowledge) -> Table:
    """Return made-up findings: present, absent or unknown with equal chance."""
    rng = np.random.default_rng(3)
    drawn = {name: rng.integers(0, 3, patients) for name in FINDINGS}
    table = pl.DataFrame(
        {
            name: pl.Series(values == 1).set(pl.Series(values == 2), None)
            for name, values in drawn.items()
        }
    )
    recorded = conform(table, knowledge.catalogue)
    return knowledge.inference.known(Table.of_frame(recorded)).findings


def main() -> None:
    """Measure, print and write ``registry.json`` beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=100_000)
    count = parser.parse_args().patients
    knowledge = Knowledge.load()
    base = knowledge.resistance
    known = findings(count, knowledge)
    visits = base.responses.visits(registry(count))
    treatments = synthetic(count, 10)
    begin = perf_counter()
    judged = base.judge(known, treatments, visits)
    row = judged.row(known)
    answers = row.with_columns(base.explanations.evaluate(row))
    base.treatments.refractory.evaluate(row)
    took = perf_counter() - begin
    seconds, _ = per_patient(visits, "against_baseline")
    results = {
        "patients": count,
        "columns": len(list(answers)),
        "seconds": round(took, 2),
        "patients per second": round(count / took),
        "seconds of plain Python for the improvement score alone": round(seconds, 2),
        "ratio": round(seconds / took, 2),
        "peak memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(results, indent=2))
    if count == parser.get_default("patients"):
        path = Path(__file__).with_name("registry.json")
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
