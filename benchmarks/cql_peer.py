"""Measure two criteria sets against the reference engine of Clinical Quality Language, answer by answer.

    python benchmarks/cql_peer.py
    python benchmarks/cql_peer.py --exported --patients 200    # every set, as myoresist schema cql writes it

Needs Node.js with npm; the engine is installed into ``build/cql`` from ``cql/package-lock.json``. Both sides
get the same findings as drawn, without inference. Times are CPU seconds, so they are those of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import polars as pl
from bench import machine, only, synthetic

from myoresist import Knowledge
from myoresist.arrays.table import Table
from myoresist.diagnosis.criteria.evaluate import Criteria
from myoresist.exchange.cql import libraries, title
from myoresist.knowledge import version

HERE = Path(__file__).parent
LIBRARIES = HERE / "cql"
INSTALLED = HERE.parent / "build" / "cql"
SETS = ("bohan_peter_1975", "eular_acr_2017")
SYSTEM = "urn:myoresist:finding"
PATIENTS, TABLE = 2_000, 1_000_000
RUNS = 3
LEAST_SECONDS = 2.0
TOLERANCE = 1e-9
STEPS = ("score.", "score_max.", "variant.", "leaf.")
"""Columns on the way to a score or subgroup, which the CQL libraries compute without naming them."""

Result = dict[str, Any]


def install(source: Path = LIBRARIES, target: Path = INSTALLED) -> Path:
    """Return a folder with the locked packages, installing them when they are missing or others.

    Args:
        source: where package and lock stand.
        target: where they are installed.

    Raises:
        FileNotFoundError: npm is not there.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("Node.js with npm is needed")
    lock = (source / "package-lock.json").read_bytes()
    done = target / ".lock"
    if not done.exists() or done.read_bytes() != lock:
        target.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(source / name, target)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=target, check=True, stdout=sys.stderr.fileno())
        done.write_bytes(lock)
    return target


def both_sets(knowledge: Knowledge) -> Criteria:
    """Return the two sets, compiled without the others."""
    return only(knowledge.criteria, SETS)


def drawn(patients: int, knowledge: Knowledge) -> pl.DataFrame:
    """Return made-up patients with the findings that the two sets read; a third of the values is unknown."""
    program = both_sets(knowledge).program
    return synthetic(patients, knowledge).select(sorted(program.leaves(program.rules)))


def bundles(frame: pl.DataFrame) -> list[Result]:
    """Return a FHIR R4 Bundle a patient: an Observation a known finding, none for an unknown one."""
    return [
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"resource": {"resourceType": "Patient", "id": f"p{place}"}},
                *(
                    {"resource": observation(f"p{place}", finding, value)}
                    for finding, value in row.items()
                    if value is not None
                ),
            ],
        }
        for place, row in enumerate(frame.iter_rows(named=True))
    ]


def observation(patient: str, finding: str, value: bool | float | str) -> Result:
    """Return one finding as a FHIR R4 Observation."""
    amount = (
        {"valueString": value} if isinstance(value, str) else {"valueQuantity": {"value": value}}
    )
    return {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": SYSTEM, "code": finding}]},
        **({"valueBoolean": value} if isinstance(value, bool) else amount),
    }


def in_cql(frame: pl.DataFrame, folder: Path, runs: int = RUNS) -> tuple[pl.DataFrame, Result]:
    """Answer the sets with the CQL libraries.

    Args:
        frame: one row a patient, one column a finding.
        folder: where patients, answers and times are written.
        runs: how often; the fastest counts.

    Returns:
        One row a patient in the same order, with columns named as those of ``Criteria.evaluate``; and the
        versions and CPU seconds that ``run.mjs`` reports.
    """
    modules = install()
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(one) + "\n" for one in bundles(frame))
    (folder / "patients.ndjson").write_text("".join(lines), encoding="utf-8")
    command = ["node", str(LIBRARIES / "run.mjs"), str(modules), str(folder), str(runs)]
    subprocess.run(command, check=True, stdout=sys.stderr.fileno())
    text = (folder / "answers.ndjson").read_text(encoding="utf-8")
    rows = [
        {f"{name}.{answer}": value for name in SETS for answer, value in row[name].items()}
        for row in map(json.loads, text.splitlines())
    ]
    timing: Result = json.loads((folder / "timing.json").read_text(encoding="utf-8"))
    return pl.DataFrame(rows, infer_schema_length=None), timing


def exported(
    sets: Sequence[str], patients: int, modules: Path, folder: Path
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what we answer and what the CQL engine answers with the libraries that we write.

    Args:
        sets: ids of criteria sets.
        patients: how many are made up.
        modules: the folder of the engine; see ``install``.
        folder: where libraries, patients and answers are written.
    """
    knowledge = Knowledge.load()
    criteria = only(knowledge.criteria, tuple(sets))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in libraries(criteria).items():
        (folder / f"{name}.cql").write_text(text, encoding="utf-8")
    (folder / "libraries.json").write_text(json.dumps({x: title(x) for x in sets}))
    read = criteria.program.leaves(criteria.program.rules)
    frame = synthetic(patients, knowledge).select(sorted(read))
    lines = (json.dumps(one) + "\n" for one in bundles(frame))
    (folder / "patients.ndjson").write_text("".join(lines), encoding="utf-8")
    command = ["node", str(LIBRARIES / "run.mjs"), str(modules), str(folder), "0", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = [
        {f"{name}.{answer}": value for name in sets for answer, value in row[name].items()}
        for row in map(json.loads, (folder / "answers.ndjson").read_text("utf-8").splitlines())
    ]
    return criteria.evaluate(Table.of_frame(frame)).frame(), pl.DataFrame(
        rows, infer_schema_length=None
    )


def compared(verdicts: pl.DataFrame) -> list[str]:
    """Return the columns in which every answer has to be the same."""
    return [name for name in verdicts.columns if not name.partition(".")[2].startswith(STEPS)]


def differences(verdicts: pl.DataFrame, answers: pl.DataFrame) -> dict[str, int]:
    """Return for each column with different answers in how many patients; unknown differs from known.

    Raises:
        ValueError: the two have not the same answers or patients.
    """
    names = compared(verdicts)
    if set(names) != set(answers.columns) or len(verdicts) != len(answers):
        raise ValueError(f"only one side has {sorted(set(names) ^ set(answers.columns))}")
    found: dict[str, int] = {}
    for name in names:
        ours, theirs = verdicts[name], answers[name]
        if ours.dtype == pl.Float64:
            theirs = theirs.cast(pl.Float64)
            differs = (ours.is_null() != theirs.is_null()) | (
                (ours - theirs).abs() > TOLERANCE
            ).fill_null(False)
        else:
            differs = ours.cast(pl.String).ne_missing(theirs.cast(pl.String))
        found[name] = int(differs.sum())
    return {name: count for name, count in found.items() if count}


def best(run: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of at least three runs that together take two seconds."""
    run()
    times: list[float] = []
    while len(times) < RUNS or sum(times) < LEAST_SECONDS:
        begin = process_time()
        run()
        times.append(process_time() - begin)
    return min(times)


def ours(patients: int) -> Result:
    """Measure the two sets in this process."""
    knowledge = Knowledge.load()
    table = Table.of_frame(drawn(patients, knowledge))
    return {
        "patients": patients,
        "seconds": {
            name: best(partial(only(knowledge.criteria, (name,)).evaluate, table)) for name in SETS
        },
        "together": best(partial(both_sets(knowledge).evaluate, table)),
    }


def ours_apart(patients: int) -> Result:
    """Measure the two sets in a process of its own, in which Polars has one thread."""
    command = [sys.executable, str(Path(__file__)), "--ours", str(patients)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    result: Result = json.loads(done.stdout)
    return result


def measure(patients: int, table: int) -> Result:
    """Compare every answer, and measure both sides."""
    knowledge = Knowledge.load()
    frame = drawn(patients, knowledge)
    answers, timing = in_cql(frame, INSTALLED / "run")
    verdicts = both_sets(knowledge).evaluate(Table.of_frame(frame)).frame()
    theirs = {
        name: sum(timing["seconds"][one][name] for one in SETS)
        for name in ("evaluate", "load_and_evaluate")
    }
    rate = patients / theirs["evaluate"]
    runs = [ours_apart(size) for size in (patients, table)]
    return {
        "machine": {**machine(), **timing["versions"]},
        "knowledge": version(),
        "patients": patients,
        "findings": frame.width,
        "answers_compared": len(compared(verdicts)) * patients,
        "different_answers": differences(verdicts, answers),
        "cql_seconds": timing["seconds"],
        "cql_patients_per_second": rate,
        "cql_patients_per_second_with_loading": patients / theirs["load_and_evaluate"],
        "ours": [
            {
                **run,
                "patients_per_second": run["patients"] / run["together"],
                "times_faster": run["patients"] / run["together"] / rate,
            }
            for run in runs
        ],
    }


def main() -> int:
    """Run from the command line; return 1 when an answer differs from that of the CQL engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=PATIENTS, help="answered by both")
    parser.add_argument("--table", type=int, default=TABLE, help="answered by myoresist alone, too")
    parser.add_argument("--ours", type=int, help="measure only myoresist, in this process")
    parser.add_argument("--exported", action="store_true", help="compare every library we write")
    given = parser.parse_args()
    if given.exported:
        sets = [one.id for one in Knowledge.load().criteria.implemented]
        ours_, theirs = exported(sets, given.patients, install(), INSTALLED / "exported")
        found = differences(ours_, theirs)
        told = {"sets": len(sets), "patients": given.patients, "answers": theirs.width}
        print(json.dumps({**told, "different_answers": found}))
        return int(bool(found))
    if given.ours:
        print(json.dumps(ours(given.ours)))
        return 0
    result = measure(given.patients, given.table)
    print(json.dumps(result, indent=2))
    if (given.patients, given.table) == (PATIENTS, TABLE):
        text = json.dumps(result, indent=2) + "\n"
        (LIBRARIES / "results.json").write_text(text, encoding="utf-8")
    return int(bool(result["different_answers"]))


if __name__ == "__main__":
    sys.exit(main())
