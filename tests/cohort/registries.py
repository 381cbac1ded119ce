"""Turns cases into the tables of a registry, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from myoresist import read_case
from myoresist.case.model import Case
from myoresist.cohort import run
from myoresist.document import read_document

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "src/myoresist/examples").glob("*.yaml"))
ARCHETYPES = sorted((ROOT / "tests/treatment/archetypes").glob("*.yaml"))


def cases(folder: Path) -> list[Case]:
    """Return the bundled cases and the archetypes of treatment."""
    found = [read_case(path) for path in EXAMPLES]
    for path in ARCHETYPES:
        copy = folder / path.name
        case = read_document(path).data["case"]
        copy.write_text(yaml.safe_dump(case, sort_keys=False), encoding="utf-8")
        found.append(read_case(copy))
    return found


def tables(found: Iterable[Case]) -> dict[str, pl.DataFrame]:
    """Return cases as the tables of a registry, every cell as text."""
    rows: dict[str, list[dict[str, Any]]] = {
        x: [] for x in ("patients", "findings", "labs", "antibodies", "treatments", "visits")
    }
    for case in found:
        data = case.model_dump(mode="json", exclude_none=True)
        own = {"patient_id": case.patient.id}
        person = data["patient"]
        patient = own | {
            "date": data.get("date"),
            "label": data.get("label"),
            "sex": person.get("sex"),
            "age": person.get("age"),
            "weight_kg": person.get("weight_kg"),
            "tempo": data["onset"].get("tempo"),
            "age_at_onset": data["onset"].get("age"),
            "weakness_duration_months": data["onset"].get("duration_months"),
            "treatments_complete": data.get("treatments_complete"),
        }
        rows["patients"].append(patient)
        answers = [
            *data["findings"].items(),
            *data["exposures"].items(),
            *data["comorbidities"].items(),
        ]
        for part in (*data["imaging"], *data["emg"], *data["biopsies"]):
            answers += part["findings"].items()
        answers += [("biopsy_done", True) for x in data["biopsies"] if x.get("tissue") == "muscle"]
        rows["findings"] += [own | {"finding": name, "value": value} for name, value in answers]
        for name, key in (("labs", "labs"), ("antibodies", "autoantibodies"), ("treatments", "treatments"),
                          ("visits", "visits")):  # fmt: skip
            for one in data[key]:
                flat = {k: v for k, v in one.items() if not isinstance(v, dict | list)}
                rows[name].append(own | {k: v for k, v in flat.items() if k not in LEFT_OUT})
    return {
        name: pl.DataFrame(
            [{k: None if v is None else str(v) for k, v in row.items()} for row in found],
            infer_schema_length=None,
        )
        for name, found in rows.items()
        if found
    }


LEFT_OUT = {"notes", "report", "vas_unit"}


def contents(out: Path) -> dict[str, bytes]:
    """Return what a run wrote, file by file, without what only an unfinished run needs."""
    return {
        str(file.relative_to(out)): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file() and run.WORK not in file.parts
    }
