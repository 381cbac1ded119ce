"""Measure bulk data of FHIR, from files to settled statements, beside the reference engine of CQL.

    python benchmarks/bulk_fhir.py

Two exports are drawn: one of a registry, of which every resource says something, and one of a hospital, of
which half says nothing here. The CQL engine (``cql_peer.py``) reads its own patients, an Observation a known
finding, with ``cql-exec-fhir``, and answers two criteria sets. CPU seconds are those of all processes; wall
seconds are on the cores that there are.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import cql_peer
from bench import machine
from bulk_population import Population

from myoresist import Knowledge
from myoresist.cohort.registry import Registry
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import open_source
from myoresist.knowledge import version

TARGET = Path(__file__).with_suffix(".json")
PATIENTS, CQL = 20_000, 300
"""Patients of each export, as many as a part of a registry has, and of the CQL engine."""
WORKERS = 2
AIM = 5_000
"""Patients a second, to statements, on two cores."""
Result = dict[str, Any]


def cpu() -> float:
    """Return the CPU seconds of this process and of those that it began and that have ended."""
    own, others = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and CPU seconds of a run."""
    begin, used = perf_counter(), cpu()
    run()
    return perf_counter() - begin, cpu() - used


def export(name: str, patients: int, registry: Registry) -> Result:
    """Measure an export of some patients."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "export"
        resources = Population(whole=name == "hospital").write(files, patients)
        size = sum(x.stat().st_size for x in files.iterdir())
        work = Path(folder) / "work"
        schema = Schema(registry.knowledge.terms)

        def read() -> None:
            source = open_source(files, schema, work, workers=WORKERS)
            tables = {x: y.collect() for x, y in source.tables.items()}
            registry.reader.read(tables)

        registry.reader.read(
            {"patients": open_source(files, schema, work).tables["patients"].head(1).collect()}
        )
        wall, used = timed(read)
    return {
        "export": name,
        "patients": patients,
        "resources": resources,
        "megabytes": round(size / 1e6),
        "wall_seconds": wall,
        "cpu_seconds": used,
        "patients_per_second": patients / wall,
        "patients_per_second_of_two_idle_cores": WORKERS * patients / used,
        "resources_per_cpu_second": resources / used,
    }


def by_cql(patients: int) -> Result:
    """Measure the CQL engine, reading FHIR included."""
    frame = cql_peer.drawn(patients, Knowledge.load())
    _, timing = cql_peer.in_cql(frame, cql_peer.INSTALLED / "bulk", runs=1)
    resources = sum(len(one["entry"]) for one in cql_peer.bundles(frame))
    used = sum(timing["seconds"][x]["load_and_evaluate"] for x in cql_peer.SETS)
    return {
        "patients": patients,
        "resources": resources,
        "cpu_seconds": used,
        "patients_per_second": patients / used,
        "resources_per_cpu_second": resources / used,
        "versions": timing["versions"],
    }


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument(
        "--cql", type=int, default=CQL, help="patients of the CQL engine; 0 for none"
    )
    given = parser.parse_args()
    registry = Registry(Knowledge.load(), codes_named=True)
    theirs = by_cql(given.cql) if given.cql else None
    ours = [export(name, given.patients, registry) for name in ("registry", "hospital")]
    result = {
        "machine": {**machine(), "load": os.getloadavg()[0]},
        "knowledge": version(),
        "aim_patients_per_second": AIM,
        "reached": {one["export"]: one["patients_per_second"] >= AIM for one in ours},
        "bulk": ours,
        "cql_exec_fhir": theirs,
        "times_faster_by_resource": theirs and {
            one["export"]: one["resources_per_cpu_second"] / theirs["resources_per_cpu_second"]
            for one in ours
        },
    }  # fmt: skip
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if (given.patients, given.cql) == (PATIENTS, CQL):
        TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
