"""FHIR R4 as a case: by code, with what was not understood listed and left open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.exchange.codes import Codes, packaged_codes
from myoresist.exchange.fhir.bundle import (
    Record,
    Resource,
    counted,
    listed,
    place,
    read_paths,
    read_record,
)
from myoresist.exchange.fhir.conditions import read_conditions
from myoresist.exchange.fhir.datatypes import day, misdated
from myoresist.exchange.fhir.form import read_response
from myoresist.exchange.fhir.histories import (
    read_allergies,
    read_immunizations,
    read_procedures,
    read_relatives,
)
from myoresist.exchange.fhir.medications import Medications
from myoresist.exchange.fhir.notes import without_undone
from myoresist.exchange.fhir.observations import VOID, Observations
from myoresist.exchange.fhir.texts import texts
from myoresist.exchange.fhir.told import read_texts
from myoresist.exchange.received import Draft, Received, received

MEDICINES = ("MedicationStatement", "MedicationRequest", "MedicationAdministration")
QUIET = (
    "Patient", "Medication", "Binary", "Organization", "Practitioner", "PractitionerRole", "Encounter",
    "Location", "Composition",
)  # fmt: skip
READ = (
    "Condition", "Observation", "Procedure", "FamilyMemberHistory", "AllergyIntolerance", "Immunization",
    "DocumentReference", "DiagnosticReport", *MEDICINES,
)  # fmt: skip
TOLD = frozenset((*READ, *QUIET))
FORM, DECEASED = "QuestionnaireResponse", "deceased"
CHANGED = {"modifierExtension", "implicitRules", "focus"}
"""Elements with which a resource means something else than it says."""


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
        drafted(read_record(text, name), codes or packaged_codes(), packaged_terms()), name
    )


def read_fhir_path(path: Path) -> Received:
    """Read a file, or a folder of JSON and NDJSON files."""
    return read_fhir(read_paths(path), str(path))


def drafted(record: Record, codes: Codes, terms: Terms) -> Draft:
    """Return what a record says, before it is checked as a case."""
    draft = Draft({"patient": _patient(record.patient)}, list(record.notes))
    for text in misdated(record.patient, ("birthDate",)):
        draft.note(place(record.patient), f"born {text}: no date that can be, not used")
    _life(record.patient, draft)
    forms = [x for x in record.resources if x["resourceType"] == FORM and read_response(x, draft)]
    by_type: dict[str, list[Resource]] = {}
    own = list(
        without_undone(
            _understood((x for x in record.resources if not _drawn_from(x, forms, record)), draft),
            codes,
            draft,
        )
    )
    for one in own:
        by_type.setdefault(one["resourceType"], []).append(one)
    first = read_conditions(by_type.get("Condition", []), codes, draft, terms)
    observations = [*by_type.get("Observation", []), *_within(own)]
    said = Observations(codes, terms, draft).read(_held_back(observations, own, record))
    medicines = [one for kind in MEDICINES for one in by_type.get(kind, [])]
    Medications(record, codes, terms, draft, first).read(medicines)
    read_procedures(by_type.get("Procedure", []), codes, terms, draft)
    read_allergies(by_type.get("AllergyIntolerance", []), codes, terms, draft)
    read_immunizations(by_type.get("Immunization", []), draft)
    read_relatives(by_type.get("FamilyMemberHistory", []), draft)
    read_texts([*said, *texts(record, draft)], draft, terms)
    left = [x for x in own if x["resourceType"] not in TOLD and x not in forms]
    draft.notes += (f"{kind}: {n} not read" for kind, n in sorted(counted(left).items()))
    return draft


def _understood(found: Iterable[Resource], draft: Draft) -> Iterator[Resource]:
    """Yield resources without those that say of themselves that they mean something else than they say.

    An observation stays as one that is not final, so that what it could have changed is open.
    """
    for one in found:
        if CHANGED.isdisjoint(one):
            yield one
            continue
        changed = next((x for x in sorted(CHANGED, reverse=True) if one.get(x)), None)
        if changed is None:
            yield one
            continue
        draft.note(place(one), f"{changed} changes what it means, not used")
        if one["resourceType"] == "Observation" and changed != "focus":
            yield {**one, "status": "unknown"} if one.get("status") not in VOID else one


def _within(own: list[Resource]) -> Iterator[Resource]:
    """Yield the results that a report or a panel contains and names as its own."""
    for one in (x for x in own if "contained" in x):
        links = [*listed(one, "result"), *listed(one, "hasMember")]
        named = {str(x.get("reference")).removeprefix("#") for x in links}
        for part in listed(one, "contained"):
            if part.get("resourceType") == "Observation" and part.get("id") in named:
                yield {**part, "id": f"{one.get('id')}#{part['id']}"}


def _held_back(found: list[Resource], own: list[Resource], record: Record) -> list[Resource]:
    """Return observations; what stands in a report that was withdrawn counts as not final."""
    void = [x for x in own if x["resourceType"] == "DiagnosticReport" and x.get("status") in VOID]
    gone = [record.resolve(x.get("reference"), one) for one in void for x in listed(one, "result")]
    if not gone:
        return found
    return [
        {**x, "status": "unknown"}
        if any(x is y for y in gone) and x.get("status") not in VOID
        else x
        for x in found
    ]


def _drawn_from(one: Resource, forms: list[Resource], record: Record) -> bool:
    """Tell whether a resource repeats what a form says that was read."""
    if not forms:
        return False
    sources = [
        *listed(one, "derivedFrom"),
        *(y for x in listed(one, "evidence") for y in listed(x, "detail")),
    ]
    found = (record.resolve(x.get("reference"), one) for x in sources)
    return any(x is form for x in found if x is not None for form in forms)


def died(one: Resource) -> bool | None:
    """Tell whether a patient has died; ``None`` where nothing is said of it."""
    if one.get("deceasedDateTime") is not None:
        return True
    said = one.get("deceasedBoolean")
    return said if isinstance(said, bool) else None


def _life(one: Resource, draft: Draft) -> None:
    """Add whether the patient has died, and tell when."""
    said = died(one)
    if said is not None:
        draft.find(DECEASED, said)
    if date := day(one.get("deceasedDateTime")):
        draft.note(place(one), f"has died on {date}")


def _patient(one: Resource) -> dict[str, object]:
    sex = one.get("gender")
    told = {
        "id": str(one.get("id") or "patient"),
        "sex": sex if sex in ("female", "male") else None,
        "birth_date": day(one.get("birthDate")),
    }
    return {key: value for key, value in told.items() if value is not None}
