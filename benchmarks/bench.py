"""Measure myoresist on this machine: one command, one run; the README beside this file says what and how.

Every size is measured in a process of its own, so that peak memory is its own too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import per_patient
import polars as pl

from myoresist import Knowledge, assess, read_case
from myoresist.answers import Answers
from myoresist.arrays.table import Table
from myoresist.assessment import one_patient as one_patient_of
from myoresist.case.catalogue import Finding
from myoresist.case.record import record
from myoresist.diagnosis.criteria.compile import column
from myoresist.diagnosis.criteria.evaluate import Criteria
from myoresist.knowledge import version
from myoresist.rules.frames import polars_levels
from myoresist.rules.program import Program

HERE = Path(__file__).parent
SIZES = (1, 1_000, 100_000, 1_000_000)
SEED = 20170101
SLICE = 100_000
LEAST_SECONDS = 2.0
STARTS = 7
ASSESSMENTS = 20
LAST_RUN = "## The last run\n"

Result = dict[str, Any]


def synthetic(patients: int, knowledge: Knowledge) -> pl.DataFrame:
    """Return made-up patients with every finding of the catalogue.

    A finding is present, absent or unknown with equal chance. A third of the numbers is unknown, a third is
    one of those with which a rule compares, a third lies anywhere in the plausible range.
    """
    rng = np.random.default_rng(SEED)
    columns = {
        finding.id: _values(finding, patients, rng, knowledge.thresholds.get(finding.id, ()))
        for finding in knowledge.catalogue
    }
    return pl.DataFrame(columns, schema=knowledge.catalogue.table_schema())


def _values(
    finding: Finding, patients: int, rng: np.random.Generator, thresholds: tuple[float, ...]
) -> pl.Series:
    fate = pl.Series(rng.integers(0, 3, patients, dtype=np.int8))
    unknown = pl.Series([None], dtype=pl.Null)
    if finding.kind == "bool":
        known = fate == 1
    elif finding.kind == "category":
        known = pl.Series(rng.choice(np.array(finding.choices), patients))
    elif finding.kind == "date":
        known = pl.Series(rng.integers(15_000, 20_000, patients)).cast(pl.Int32).cast(pl.Date)
    else:
        assert finding.minimum is not None and finding.maximum is not None
        anywhere = rng.uniform(finding.minimum, finding.maximum, patients)
        compared = rng.choice(np.array(thresholds), patients) if thresholds else anywhere
        known = pl.Series(np.where(fate.to_numpy() == 1, compared, anywhere))
    return known.zip_with(fate < 2, unknown.cast(known.dtype).extend_constant(None, patients - 1))


def best(run: Callable[[], object]) -> float:
    """Return the seconds of the fastest of at least three runs that together take two seconds."""
    run()
    times: list[float] = []
    while len(times) < 3 or sum(times) < LEAST_SECONDS:
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


def bare(criteria: Criteria, frame: pl.DataFrame) -> pl.DataFrame:
    """Evaluate the same rules on Polars, with nothing around them."""
    for step in polars_levels(criteria.program):
        frame = frame.with_columns(list(step.values()))
    return frame


def speed(patients: int) -> Result:
    """Measure all criteria on made-up patients, and the same expressions bare."""
    knowledge = Knowledge.load()
    frame = synthetic(patients, knowledge)
    criteria = knowledge.criteria
    table = Table.of_frame(frame)
    ours = best(partial(criteria.evaluate, table))
    floor = best(partial(bare, criteria, frame))
    inferred = best(partial(knowledge.inference.known, table))
    return {
        "patients": patients,
        "rules": len(criteria.program.rules),
        "findings": len(frame.columns),
        "seconds": ours,
        "patients_per_second": patients / ours,
        "bare_seconds": floor,
        "times_bare": ours / floor,
        "inference_seconds": inferred,
    }


def peer(patients: int) -> Result:
    """Measure two sets against the per-patient code, and compare every answer."""
    knowledge = Knowledge.load()
    criteria = only(knowledge.criteria, tuple(per_patient.SETS))
    frame = synthetic(patients, knowledge)
    table = Table.of_frame(frame)
    ours = best(partial(criteria.evaluate, table))
    verdicts = criteria.evaluate(table).frame()
    theirs = 0.0
    different: dict[str, int] = {}
    for start in range(0, patients, SLICE):
        rows = frame.slice(start, SLICE).select(per_patient.FINDINGS).to_dicts()
        for set_id, answer in per_patient.SETS.items():
            begin = perf_counter()
            answers = [answer(row) for row in rows]
            theirs += perf_counter() - begin
            different[set_id] = different.get(set_id, 0) + differences(
                set_id,
                pl.DataFrame(answers, infer_schema_length=None),
                verdicts.slice(start, SLICE),
            )
    return {
        "patients": patients,
        "seconds": ours,
        "per_patient_seconds": theirs,
        "times_faster": theirs / ours,
        "different_answers": different,
    }


def only(criteria: Criteria, sets: tuple[str, ...]) -> Criteria:
    """Return some of the criteria sets, compiled without the others."""
    rules = {
        name: rule for name, rule in criteria.program.rules.items() if name.split(".")[0] in sets
    }
    return replace(
        criteria, sets={name: criteria.sets[name] for name in sets}, program=Program(rules)
    )


def differences(set_id: str, answers: pl.DataFrame, verdicts: pl.DataFrame) -> int:
    """Return for how many patients the per-patient code and the engine differ in anything."""
    differs = pl.repeat(False, len(answers), eager=True)
    for name in answers.columns:
        theirs, ours = answers[name], verdicts[column(set_id, name)]
        if theirs.dtype == pl.Float64:
            differs |= (theirs - ours).abs() > 1e-9
        else:
            differs |= theirs.cast(pl.String).ne_missing(ours.cast(pl.String))
    return int(differs.sum())


def memory(patients: int) -> Result:
    """Measure peak memory of making and answering the patients, and what the table itself takes."""
    knowledge = Knowledge.load()
    frame = synthetic(patients, knowledge)
    before = peak_mb()
    knowledge.criteria.evaluate(Table.of_frame(frame))
    return {
        "patients": patients,
        "table_mb": frame.estimated_size("mb"),
        "peak_mb_before": before,
        "peak_mb": peak_mb(),
    }


def peak_mb() -> float:
    """Return the most memory this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def one_patient(_: int) -> Result:
    """Measure reading and assessing one example, after everything is imported."""
    example = sorted((HERE.parent / "src" / "myoresist" / "examples").glob("*.yaml"))[0]
    start = perf_counter()
    knowledge = Knowledge.load()
    loaded = perf_counter()
    assess(read_case(example), knowledge)
    first = perf_counter()
    times, cpu = [], []
    for _again in range(ASSESSMENTS):
        begin, used = perf_counter(), process_time()
        assess(read_case(example), knowledge)
        times.append(perf_counter() - begin)
        cpu.append(process_time() - used)
    return {
        "example": example.name,
        "least_cpu_ms": min(cpu) * 1e3,
        "load_knowledge_ms": (loaded - start) * 1e3,
        "first_ms": (first - loaded) * 1e3,
        "median_ms": statistics.median(times) * 1e3,
    }


def live_form(_: int) -> Result:
    """Measure what a form needs after each answer: findings, criteria, differential, options."""
    example = sorted((HERE.parent / "src" / "myoresist" / "examples").glob("*.yaml"))[0]
    case, knowledge = read_case(example), Knowledge.load()

    def answer() -> None:
        patients, _ = one_patient_of(case, record(case, knowledge.terms), knowledge)
        found = Answers(patients, knowledge, knowledge.differential)
        assert found.criteria.size == len(found.posterior) == 1
        found.options.to_dicts()

    answer()
    times = []
    for _again in range(ASSESSMENTS):
        begin = process_time()
        answer()
        times.append(process_time() - begin)
    return {"example": example.name, "least_cpu_ms": min(times) * 1e3}


MEASURES: Mapping[str, Callable[[int], Result]] = {
    "speed": speed,
    "peer": peer,
    "memory": memory,
    "one_patient": one_patient,
    "live_form": live_form,
}


def apart(name: str, patients: int = 1) -> Result:
    """Take one measure in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--measure", name, "--sizes", str(patients)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: Result = json.loads(done.stdout)
    return result


def starting() -> Result:
    """Measure how long new processes take, as a multiple of one that does nothing."""
    help_page = (
        "import sys; sys.argv = ['myoresist', '--help']; from myoresist.cli import main; main()"
    )
    programs = {
        "pass": "pass",
        "import myoresist": "import myoresist",
        "import myoresist.assessment": "import myoresist.assessment",
        "myoresist --help": help_page,
    }
    seconds = {}
    for name, code in programs.items():
        times = []
        for _ in range(STARTS):
            begin = perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
            times.append(perf_counter() - begin)
        seconds[name] = statistics.median(times)
    return {
        name: {"seconds": taken, "times_pass": taken / seconds["pass"]}
        for name, taken in seconds.items()
    }


def machine() -> Result:
    """Return what a figure was measured on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "polars": pl.__version__,
    }


def main() -> int:
    """Run from the command line; return 1 when an answer differs from that of the per-patient code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of patients"
    )
    parser.add_argument(
        "--measure", choices=MEASURES, help="take only this, print JSON, write nothing"
    )
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(MEASURES[given.measure](given.sizes[0])))
        return 0
    results: Result = {
        "machine": machine(),
        "knowledge": version(),
        "seed": SEED,
    }
    for name in ("speed", "peer", "memory"):
        results[name] = []
        for patients in given.sizes:
            print(f"measuring {name} with {patients:,} patients", file=sys.stderr)
            results[name].append(apart(name, patients))
    results["one_patient"] = apart("one_patient")
    results["live_form"] = apart("live_form")
    results["starting"] = starting()
    print(table(results))
    if given.sizes == list(SIZES):
        keep(results)
    return int(any(any(row["different_answers"].values()) for row in results["peer"]))


def keep(results: Result) -> None:
    """Write the results as JSON, and as tables at the end of the page that explains them."""
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    page = HERE / "README.md"
    above, heading, _ = page.read_text(encoding="utf-8").partition(LAST_RUN)
    page.write_text(f"{above}{heading}\n{table(results)}\n", encoding="utf-8")


def table(results: Result) -> str:
    """Return the results as Markdown tables."""
    machine = results["machine"]
    lines = [
        f"{machine['system']}, {machine['cores']} cores, Python {machine['python']}, "
        f"Polars {machine['polars']}, knowledge {results['knowledge']}",
        "",
        f"All criteria: {results['speed'][0]['rules']} rules over {results['speed'][0]['findings']} findings",
        "",
        "| patients | time | patients/s | bare | ratio | inference | table | peak memory |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row, held in zip(results["speed"], results["memory"], strict=True):
        lines.append(
            f"| {row['patients']:,} | {_ms(row['seconds'])} | {row['patients_per_second']:,.0f} "
            f"| {_ms(row['bare_seconds'])} | {row['times_bare']:.2f} | {_ms(row['inference_seconds'])} "
            f"| {held['table_mb']:,.0f} MB | {held['peak_mb']:,.0f} MB |"
        )
    lines += [
        "",
        "Bohan & Peter 1975 and EULAR/ACR 2017 alone, against code for one patient at a time",
        "",
        "| patients | myoresist | per patient | ratio | different answers |",
        "|---:|---:|---:|---:|---:|",
    ]
    for row in results["peer"]:
        lines.append(
            f"| {row['patients']:,} | {_ms(row['seconds'])} | {_ms(row['per_patient_seconds'])} "
            f"| {row['times_faster']:.2f} | {sum(row['different_answers'].values())} |"
        )
    one = results["one_patient"]
    lines += [
        "",
        f"One patient ({one['example']}): knowledge loaded in {one['load_knowledge_ms']:,.0f} ms, "
        f"first read and assessed in {one['first_ms']:,.0f} ms, "
        f"then in {one['median_ms']:,.0f} ms (median of {ASSESSMENTS}; "
        f"{one['least_cpu_ms']:,.0f} ms of CPU at least)",
        f"What a live form needs of one patient: {results['live_form']['least_cpu_ms']:,.0f} ms of CPU",
        "",
        "| new process | time | of doing nothing |",
        "|---|---:|---:|",
    ]
    for name, taken in results["starting"].items():
        lines.append(f"| `{name}` | {_ms(taken['seconds'])} | {taken['times_pass']:.1f} |")
    return "\n".join(lines)


def _ms(seconds: float) -> str:
    milliseconds = seconds * 1e3
    return f"{milliseconds:,.0f} ms" if milliseconds >= 100 else f"{milliseconds:.3g} ms"


if __name__ == "__main__":
    sys.exit(main())
