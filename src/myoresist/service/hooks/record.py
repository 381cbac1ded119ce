"""The record of a call: what was sent along, and what is missing, fetched where that is allowed.

Three things are kept apart, and none of them is *absent*: a query that was not answered, one that failed, and
one that was answered with nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from myoresist.exchange.fhir.form import URL
from myoresist.service.hooks.fetch import Fetcher, filled, server_of
from myoresist.service.hooks.request import Call, misasked, unmet
from myoresist.service.hooks.settings import Issuer

WEIGHT, HAQ = "29463-7", "75874-8"
TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "laboratory": "Observation?patient={{context.patientId}}&category=laboratory",
    "measures": f"Observation?patient={{{{context.patientId}}}}&code={WEIGHT},{HAQ}",
    "orders": "MedicationRequest?patient={{context.patientId}}",
    "medicines": "MedicationStatement?patient={{context.patientId}}",
    "procedures": "Procedure?patient={{context.patientId}}",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    "form": f"QuestionnaireResponse?patient={{{{context.patientId}}}}&questionnaire={URL}",
}
NEEDED = ("patient", "conditions", "laboratory", "orders")
"""Without them silence would say that nothing speaks against a drug."""
IN_WORDS = {
    "measures": "weight and HAQ", "medicines": "medicines as told by the patient",
    "procedures": "procedures", "allergies": "allergies and intolerances",
    "form": "the form of myoresist", "pages": "the rest of a long list",
}  # fmt: skip
MOST_RESOURCES = 20_000
OUTCOME = "OperationOutcome"


@dataclass(frozen=True)
class Gathered:
    """What is known of the patient, and what could not be had.

    Attributes:
        bundle: a Bundle of type collection.
        missing: in words.
    """

    bundle: dict[str, Any]
    missing: tuple[str, ...]


async def gather(call: Call, issuer: Issuer | None, seconds: float) -> Gathered:
    """Return the record that belongs to a call.

    Args:
        call: the call.
        issuer: the system that calls; nothing is fetched without one.
        seconds: how long fetching may take.

    Raises:
        Refusal: 412 where something needed cannot be had, 400 where the wrong patient was sent.
    """
    sent = call.prefetch or {}
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for name in TEMPLATES:
        if name in sent and not _failed(sent[name]):
            parts[name] = _one(sent[name], name)
    wanted = [x for x in TEMPLATES if x not in parts]
    if wanted:
        parts |= await _fetched(call, issuer, wanted, seconds)
    lacking = [x for x in NEEDED if x not in parts or (x == "patient" and not parts[x])]
    if lacking:
        raise unmet(f"Neither sent nor to be fetched: {', '.join(lacking)}.")
    missing = [IN_WORDS[x] for x in TEMPLATES if x not in parts]
    if any(_goes_on(x) for name in parts for x in parts[name]) and not _followed(wanted, parts):
        missing.append(IN_WORDS["pages"])
    base = call.fhirServer or _base(parts)
    return Gathered(together(call.context.patientId, base, parts), tuple(missing))


def _failed(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("resourceType") == OUTCOME


def _one(value: object, name: str) -> list[Mapping[str, Any]]:
    """Return what was sent for a query: nothing for ``null``."""
    if value is None:
        return []
    if not isinstance(value, Mapping) or not isinstance(value.get("resourceType"), str):
        raise misasked(f"prefetch.{name} is no resource.")
    return [value]


async def _fetched(
    call: Call, issuer: Issuer | None, wanted: list[str], seconds: float
) -> dict[str, list[Mapping[str, Any]]]:
    """Fetch what is wanted, from a server of the system that calls and with its leave."""
    server = server_of(issuer, call.fhirServer) if issuer else None
    if server is None or call.fhirAuthorization is None:
        return {}
    fetcher = Fetcher(server, call.fhirAuthorization.access_token, seconds)
    queries = [filled(TEMPLATES[x], call.context.patientId) for x in wanted]
    found = await fetcher.all(queries)
    return {
        name: list(pages) for name, pages in zip(wanted, found, strict=False) if pages is not None
    }


def _goes_on(value: Mapping[str, Any]) -> bool:
    links = value.get("link")
    found = links if isinstance(links, list) else []
    return any(isinstance(x, Mapping) and x.get("relation") == "next" for x in found)


def _followed(wanted: list[str], parts: Mapping[str, list[Mapping[str, Any]]]) -> bool:
    """Tell whether every list that goes on was fetched, and so with all of its pages."""
    return all(name in wanted for name, pages in parts.items() if any(map(_goes_on, pages)))


def together(
    name: str, server: str, parts: Mapping[str, list[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Put the resources of one patient together; no other patient, and nobody's besides.

    Args:
        name: the id of the patient.
        server: from which they come.
        parts: the pages that were had, by what was asked for.

    Raises:
        Refusal: 400 where they are about somebody else.
    """
    patient = parts["patient"][0]
    if patient.get("resourceType") == "Bundle":
        patient = next((x for x in _resources(patient) if x.get("resourceType") == "Patient"), {})
    if patient.get("resourceType") != "Patient" or patient.get("id") != name:
        raise misasked("prefetch.patient is not the patient of the context.")
    base = server.rstrip("/")
    entries = [{"fullUrl": f"{base}/Patient/{name}", "resource": patient}]
    for key, pages in parts.items():
        if key != "patient":
            found = (x for page in pages for x in _resources(page))
            entries += ({"resource": x} for x in found if x["resourceType"] != "Patient")
    if len(entries) > MOST_RESOURCES:
        raise misasked(f"The record holds more than {MOST_RESOURCES:,} resources.")
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _resources(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the resources of a page, without what is about a patient or the search itself."""
    if page.get("resourceType") != "Bundle":
        yield page
        return
    entries = page.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        one = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(one, Mapping) and isinstance(one.get("resourceType"), str):
            yield one


def _base(parts: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """Return the server from which entries say that they come, where the call does not name it."""
    for pages in parts.values():
        for page in pages:
            entries = page.get("entry")
            for entry in entries if isinstance(entries, list) else ():
                one = entry.get("resource") if isinstance(entry, Mapping) else None
                address = entry.get("fullUrl") if isinstance(entry, Mapping) else None
                if isinstance(one, Mapping) and isinstance(address, str):
                    base, found, _ = address.rpartition(
                        f"/{one.get('resourceType')}/{one.get('id')}"
                    )
                    if found and base:
                        return base
    return ""
