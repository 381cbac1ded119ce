"""FHIR R4 as a case: by code, with what was not understood listed and left open."""

from __future__ import annotations

from pathlib import Path

from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.exchange.codes import Codes, packaged_codes
from myoresist.exchange.fhir.bundle import (
    Record,
    Resource,
    counted,
    listed,
    read_paths,
    read_record,
)
from myoresist.exchange.fhir.conditions import read_conditions
from myoresist.exchange.fhir.datatypes import codings, day, named
from myoresist.exchange.fhir.form import read_response
from myoresist.exchange.fhir.medications import Medications
from myoresist.exchange.fhir.observations import Observations
from myoresist.exchange.received import Draft, Received, received

MEDICINES = ("MedicationStatement", "MedicationRequest", "MedicationAdministration")
QUIET = (
    "Patient",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Encounter",
    "Composition",
)
READ = ("Condition", "Observation", "Procedure", "FamilyMemberHistory", *MEDICINES)
FORM = "QuestionnaireResponse"
DONE = "completed"


def read_fhir(text: str | bytes, name: str = "FHIR", *, codes: Codes | None = None) -> Received:
    """Read the record of one patient.

    Args:
        text: a Bundle or resource as JSON, or resources as NDJSON.
        name: what to call it in errors.
        codes: which codes say what; the packaged ones when left out.

    Raises:
        DocumentError: with one clear problem: not R4, not one patient, not JSON.
    """
    return received(
        _draft(read_record(text, name), codes or packaged_codes(), packaged_terms()), name
    )


def read_fhir_path(path: Path) -> Received:
    """Read a file, or a folder of JSON and NDJSON files."""
    return read_fhir(read_paths(path), str(path))


def _draft(record: Record, codes: Codes, terms: Terms) -> Draft:
    draft = Draft({"patient": _patient(record.patient)}, list(record.notes))
    forms = [x for x in record.resources if x["resourceType"] == FORM and read_response(x, draft)]
    by_type: dict[str, list[Resource]] = {}
    own = [x for x in record.resources if not _drawn_from(x, forms, record)]
    for one in own:
        by_type.setdefault(one["resourceType"], []).append(one)
    read_conditions(by_type.get("Condition", []), codes, draft)
    Observations(codes, terms, draft).read(by_type.get("Observation", []))
    medicines = [one for kind in MEDICINES for one in by_type.get(kind, [])]
    Medications(record, codes, terms, draft).read(medicines)
    for one in by_type.get("Procedure", []):
        _procedure(one, codes, draft)
    for one in by_type.get("FamilyMemberHistory", []):
        draft.note(
            f"FamilyMemberHistory/{one.get('id')}", "a relative's, not the patient's; to be asked"
        )
    left = counted(x for x in own if x["resourceType"] not in (*READ, *QUIET) and x not in forms)
    draft.notes += (f"{kind}: {n} not read" for kind, n in sorted(left.items()))
    return draft


def _drawn_from(one: Resource, forms: list[Resource], record: Record) -> bool:
    """Tell whether a resource repeats what a form says that was read."""
    sources = [
        *listed(one, "derivedFrom"),
        *(y for x in listed(one, "evidence") for y in listed(x, "detail")),
    ]
    found = (record.resolve(x.get("reference"), one) for x in sources)
    return any(x is form for x in found if x is not None for form in forms)


def _patient(one: Resource) -> dict[str, object]:
    sex = one.get("gender")
    told = {
        "id": str(one.get("id") or "patient"),
        "sex": sex if sex in ("female", "male") else None,
        "birth_date": day(one.get("birthDate")),
    }
    return {key: value for key, value in told.items() if value is not None}


def _procedure(one: Resource, codes: Codes, draft: Draft) -> None:
    """Add a procedure that was done."""
    place, name = f"Procedure/{one.get('id')}", named(one.get("code"))
    if one.get("status") == "entered-in-error":
        return
    rows = [x for x in codes.of(codings(one.get("code"))) if x.relation != "broader"]
    if one.get("status") != DONE or not rows:
        draft.note(
            place, f"{name}: {'not known here' if not rows else one.get('status')}, to be confirmed"
        )
        return
    date = day(one.get("performedDateTime"))
    for row in rows:
        if row.kind == "drug":
            draft.add("treatments", drug=row.id, start=date, stop=date)
        elif row.kind == "finding":
            draft.find(row.id, True)
