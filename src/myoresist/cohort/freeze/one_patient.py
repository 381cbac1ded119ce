"""One patient of a registry as a case, so that the page of this patient can be read.

What a cell says is read as a run reads it; what it could not use is left out here, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.case.model import Case
from myoresist.cohort.folder import SourceError
from myoresist.cohort.places import carried_through
from myoresist.cohort.registry import Registry
from myoresist.cohort.samples import samples
from myoresist.cohort.schema import OF_ORGANS, ROW, cleaned, codes_are_named
from myoresist.cohort.shorthand import written_out
from myoresist.cohort.source import Place, open_source
from myoresist.document import DocumentError, Problem
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import ON_TREATMENT, PATIENT, POPULATION

_PERSON = {"sex": "sex", "weight_kg": "weight_kg", "age": "age", "birth_date": "birth_date"}
_ONSET = {
    "age_at_onset": "age", "onset_date": "date", "weakness_duration_months": "duration_months",
    "tempo": "tempo",
}  # fmt: skip
_OWN = ("date", "label", "treatments_complete")
_LISTS = {
    "labs": "labs", "antibodies": "autoantibodies", "treatments": "treatments", "medicines": "medicines",
    "visits": "visits",
}  # fmt: skip


def case_of(path: Place, patient: str, mapping: Path | None = None) -> Case:
    """Return a patient of a registry as a case.

    Args:
        path: where the tables are.
        patient: the id.
        mapping: the mapping file of the registry.

    Raises:
        SourceError: if there is no such patient, or the tables cannot be used.
        DocumentError: if what is recorded is no case.
    """
    knowledge = Knowledge.load()
    schema = Registry(knowledge).reader.schema
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(path, schema, Path(folder), mapping)
        own = {x: y.filter(pl.col(PATIENT) == patient).collect() for x, y in source.tables.items()}
        registry = Registry(knowledge, source.codes_named)
    if own["patients"].is_empty():
        raise SourceError(f"{patient}: is no patient of {path}")
    own, _ = carried_through(own)
    rows = {
        name: cleaned(written_out(frame, name), name, schema, registry.codes_named)
        .rows.drop(ROW)
        .to_dicts()
        for name, frame in own.items()
        if frame.height
    }
    for read in samples(
        own.get("visits", pl.DataFrame()), own["patients"], schema, registry.codes_named
    ):
        rows.setdefault("labs", []).extend(read.rows.drop(ROW).to_dicts())
    try:
        return Case.model_validate(_case(rows, registry))
    except ValueError as error:
        raise DocumentError([Problem(str(path), None, patient, str(error))]) from error


def _case(rows: Mapping[str, list[dict[str, Any]]], registry: Registry) -> dict[str, Any]:
    told = _known(rows["patients"][0])
    taken = {PATIENT, "final_diagnosis", "baseline", *_PERSON, *_ONSET, *_OWN}
    findings = {x: _answer(y) for x, y in told.items() if x not in taken}
    named = codes_are_named(registry.codes_named, "findings", "value")
    for one in rows.get("findings", ()):
        known = registry.knowledge.catalogue.find(one["finding"])
        if known and one["value"] is not None:
            said = registry.reader.schema.finding(known.id).read(one["value"], named)
            if said.value is not None:
                findings[known.id] = _answer(said.value)
    return {
        "patient": {"id": told[PATIENT], **{y: _answer(told[x]) for x, y in _PERSON.items() if x in told}},
        "onset": {y: _answer(told[x]) for x, y in _ONSET.items() if x in told},
        "findings": findings,
        **{x: _answer(told[x]) for x in _OWN if x in told},
        **{
            section: [
                _visit(x, registry) if table == "visits" else _entry(x) for x in rows.get(table, ())
            ]
            for table, section in _LISTS.items()
        },
    }  # fmt: skip


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of a list, with responses of organs and drugs of a combination as a case has them."""
    told = {x: _answer(y) for x, y in _known(row).items() if x != PATIENT and "~" not in x}
    organs = {organ: told.pop(x) for x, organ in OF_ORGANS.items() if x in told}
    if organs:
        told["response_by_organ"] = organs
    if "together_with" in told:
        told["together_with"] = [x.strip() for x in str(told["together_with"]).split(";")]
    return told


def _visit(row: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return a visit with every measure in the unit of a case."""
    told = _entry(row)
    for measure in registry.reader.terms.measures:
        first = next(iter(measure.columns))
        for name, factor in measure.columns.items():
            if name != first and name in told:
                told[first] = told.pop(name) * factor
    # A case has its enzymes among the laboratory values.
    enzymes = {
        x
        for one in registry.reader.terms.measures
        if one.enzyme
        for x in (*one.columns, *one.limit_columns, one.multiple_column)
    }
    return {x: y for x, y in told.items() if x not in {POPULATION, ON_TREATMENT, *enzymes}}


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {x: y for x, y in row.items() if y is not None}


def _answer(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
