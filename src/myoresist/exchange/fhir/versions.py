"""FHIR R5 as R4, where the parts that are read say the same under another name.

R4B differs from R4 in none of these parts. What is of R5 is known by elements that only R5 has; checked
against the models of R4B and R5 of ``fhir.resources`` 8.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAMED = {"0": "DSTU1", "1": "DSTU2", "3": "STU3", "6": "R6"}
"""Versions that are refused, by the first figure of their number."""
TAKEN = {
    "taking": "active", "not-taking": "not-taken", "on-hold": "on-hold", "stopped": "stopped",
}  # fmt: skip
"""What the adherence of R5 is as a status of R4, by the word before how it was directed."""
_PROFILE = re.compile(r"https?://hl7\.org/fhir/(\d)\.\d+/StructureDefinition/")
_RENAMED = {
    "MedicationAdministration": {
        "occurenceDateTime": "effectiveDateTime",
        "occurencePeriod": "effectivePeriod",
    },
    "MedicationRequest": {"effectiveDosePeriod": "effectivePeriod"},
}
"""Elements with another name; R5 spells *occurence* so."""
_MEDICINES = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


def stated(one: Mapping[str, Any]) -> str | None:
    """Return the first figure of the version that a resource names by itself, if it names any."""
    version = one.get("fhirVersion") if one.get("resourceType") == "CapabilityStatement" else None
    if isinstance(version, str):
        return version[:1]
    meta = one.get("meta")
    profiles = meta.get("profile") if isinstance(meta, Mapping) else None
    found = (
        _PROFILE.match(x)
        for x in (profiles if isinstance(profiles, list) else ())
        if isinstance(x, str)
    )
    return next((x[1] for x in found if x), None)


def as_r4(one: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return a resource as R4 would write it, and whether it is one of R5."""
    kind = one.get("resourceType")
    told: dict[str, Any] = {}
    # What is written as in both is of neither.
    both = any(x in one for x in ("medicationCodeableConcept", "medicationReference"))
    if kind in _MEDICINES and isinstance(one.get("medication"), Mapping) and not both:
        told |= _either(one["medication"], "medicationCodeableConcept", "medicationReference")
    if kind == "MedicationStatement" and one.get("status") == "recorded":
        told["status"] = _taken(one)
    if kind == "Medication" and isinstance(one.get("ingredient"), list):
        parts = [_ingredient(x) for x in one["ingredient"]]
        if parts != one["ingredient"]:
            told["ingredient"] = parts
    if kind == "AllergyIntolerance" and isinstance(one.get("reaction"), list):
        reactions = [_reaction(x) for x in one["reaction"]]
        if reactions != one["reaction"]:
            told["reaction"] = reactions
    for new, old in _RENAMED.get(str(kind), {}).items():
        if new in one and old not in one:
            told[old] = one[new]
    if isinstance(one.get("contained"), list):
        parts = [as_r4(x)[0] if isinstance(x, Mapping) else x for x in one["contained"]]
        if parts != one["contained"]:
            told["contained"] = parts
    if not told:
        return one, False
    left = {key: x for key, x in one.items() if key != "medication" or both}
    return left | told, True


def _either(held: Mapping[str, Any], concept: str, reference: str) -> dict[str, Any]:
    """Return what a CodeableReference holds, under the names of R4; its concept first."""
    if isinstance(held.get("concept"), Mapping):
        return {concept: held["concept"]}
    return {reference: held["reference"]} if isinstance(held.get("reference"), Mapping) else {}


def _taken(one: Mapping[str, Any]) -> str:
    """Return whether a medicine that is recorded is taken; without a word on it that is not known."""
    adherence = one.get("adherence")
    code = adherence.get("code") if isinstance(adherence, Mapping) else None
    codings = code.get("coding") if isinstance(code, Mapping) else None
    said = [
        str(x.get("code"))
        for x in (codings if isinstance(codings, list) else ())
        if isinstance(x, Mapping)
    ]
    words = (word for word in TAKEN for x in said if x == word or x.startswith(f"{word}-"))
    return TAKEN.get(next(words, ""), "unknown")


def _ingredient(one: Any) -> Any:
    if not isinstance(one, Mapping) or not isinstance(one.get("item"), Mapping):
        return one
    return {**one, **_either(one["item"], "itemCodeableConcept", "itemReference")}


def _reaction(one: Any) -> Any:
    found = one.get("manifestation") if isinstance(one, Mapping) else None
    if not isinstance(found, list):
        return one
    told = [
        x["concept"] if isinstance(x, Mapping) and isinstance(x.get("concept"), Mapping) else x
        for x in found
    ]
    return {**one, "manifestation": told}
