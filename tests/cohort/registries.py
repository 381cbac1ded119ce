"""Turns cases into the tables of a registry, and back, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from myoresist import read_case
from myoresist.case.dates import PartialDate
from myoresist.case.model import Case
from myoresist.case.reading import packaged_terms
from myoresist.case.record import record
from myoresist.cohort import run
from myoresist.document import read_document
from myoresist.resistance.response.visits import value_column

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


def exact(case: Case) -> Case:
    """Return a case whose visits have a day, as those of a registry do: the first that is possible."""
    days = [
        one.model_copy(update={"date": PartialDate.parse(one.date.earliest.isoformat())})
        for one in case.visits
    ]
    return case.model_copy(update={"visits": tuple(days)})


def tables(found: Iterable[Case]) -> dict[str, pl.DataFrame]:
    """Return cases as the tables of a registry, every cell as text."""
    rows: dict[str, list[dict[str, Any]]] = {
        x: []
        for x in (
            "patients", "findings", "labs", "antibodies", "treatments", "medicines", "visits",
        )
    }  # fmt: skip
    terms = packaged_terms()
    for case in found:
        data = case.model_dump(mode="json", exclude_none=True)
        own = {"patient_id": case.patient.id}
        values = record(case, terms).values
        rows["patients"].append(
            own
            | {
                "date": data.get("date"),
                "label": data.get("label"),
                "sex": data["patient"].get("sex"),
                "weight_kg": data["patient"].get("weight_kg"),
                "tempo": data["onset"].get("tempo"),
                "treatments_complete": data.get("treatments_complete"),
                # A registry is given ages, a case may be given dates.
                **{x: values.get(x) for x in ("age", "age_at_onset", "weakness_duration_months")},
            }
        )
        rows["findings"] += [own | {"finding": x, "value": y} for x, y in answers(data)]
        rows["labs"] += [own | flat(one, "limit_assumed") for one in data["labs"]]
        rows["antibodies"] += [own | flat(one, "unit") for one in data["autoantibodies"]]
        rows["treatments"] += [own | course(one) for one in data["treatments"]]
        rows["medicines"] += [own | flat(one, "dose") for one in data["medicines"]]
        for visit in case.visits:
            measured = terms.measures.values(visit)
            rows["visits"].append(
                own
                | {"date": visit.date, "weight_kg": visit.weight_kg}
                | {value_column(terms.measures[name]): x for name, x in measured.items()}
            )
    return {
        name: pl.DataFrame(
            [{k: None if v is None else str(v) for k, v in row.items()} for row in listed],
            infer_schema_length=None,
        )
        for name, listed in rows.items()
        if listed
    }


def answers(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the findings that the sections of a case name."""
    own = {"age", "age_at_onset", "weakness_duration_months"}
    sections = [data["findings"], data["exposures"], data["comorbidities"]]
    sections += [one["findings"] for x in ("imaging", "emg", "biopsies") for one in data[x]]
    for section in sections:
        yield from ((name, value) for name, value in section.items() if name not in own)
    for one in data["biopsies"]:
        if one.get("tissue") == "muscle":
            yield "biopsy_done", True


def flat(entry: Mapping[str, Any], *left_out: str) -> dict[str, Any]:
    """Return the cells of one entry of a list; what a table has no cell for says nothing there."""
    return {k: v for k, v in entry.items() if k not in ("notes", *left_out) and v not in ([], {})}


def course(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of one course; a scheme is written out already."""
    found = flat(entry, "scheme", "response_by_organ", "together_with")
    organs = {f"response_{x.lower()}": y for x, y in entry.get("response_by_organ", {}).items()}
    together = "; ".join(entry.get("together_with", ()))
    return found | organs | ({"together_with": together} if together else {})


def cases_of(found: Mapping[str, pl.DataFrame]) -> list[Case]:
    """Return the patients of a simulated registry as cases."""
    fields = {"sex", "weight_kg", "age", "tempo", "label", "date", "treatments_complete"}
    onset = {"age": "age_at_onset", "duration_months": "weakness_duration_months", "tempo": "tempo"}
    lists = {
        "labs": "labs",
        "antibodies": "autoantibodies",
        "treatments": "treatments",
        "visits": "visits",
    }
    parts = {
        name: {key[0]: rows.drop("patient_id", "on_treatment", strict=False).to_dicts()
               for key, rows in found[name].group_by("patient_id", maintain_order=True)}
        for name in (*lists, "findings")
    }  # fmt: skip
    cases = []
    for row in found["patients"].to_dicts():
        id_ = row.pop("patient_id")
        known = {name: value for name, value in row.items() if value is not None}
        finding = {x: y for x, y in known.items() if x not in fields | set(onset.values())}
        finding.pop("final_diagnosis", None)
        finding |= {x["finding"]: x["value"] for x in parts["findings"].get(id_, ())}
        case = {
            "patient": {"id": id_} | {x: known[x] for x in ("sex", "weight_kg", "age") if x in known},
            "onset": {x: known[y] for x, y in onset.items() if y in known},
            "findings": {x: _answer(y) for x, y in finding.items()},
            **{x: known[x] for x in ("label", "date", "treatments_complete") if x in known},
            **{
                section: [
                    {k: v for k, v in one.items() if v is not None} for one in parts[table].get(id_, ())
                ]
                for table, section in lists.items()
            },
        }  # fmt: skip
        cases.append(Case.model_validate(case))
    return cases


def _answer(value: Any) -> Any:
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


def contents(out: Path) -> dict[str, bytes]:
    """Return what a run wrote, file by file, without what only an unfinished run needs."""
    return {
        str(file.relative_to(out)): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file() and run.WORK not in file.parts
    }
