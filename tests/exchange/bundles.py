"""Bundles of FHIR R4 about one patient, put together for tests."""

from __future__ import annotations

import json
from typing import Any

SNOMED, LOINC, RXNORM = (
    "http://snomed.info/sct", "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm",
)  # fmt: skip
POLYMYOSITIS, DYSPHAGIA, CK, JO1 = "31384009", "40739000", "2157-6", "8076-2"
METHOTREXATE = "6851"


def coded(system: str, code: str, text: str = "") -> dict[str, Any]:
    concept: dict[str, Any] = {"coding": [{"system": system, "code": code}]}
    return {**concept, "text": text} if text else concept


def status(code: str) -> dict[str, Any]:
    return coded("http://terminology.hl7.org/CodeSystem/status", code)


def bundle(*resources: dict[str, Any], **more: Any) -> str:
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-05"}
    about = [{"subject": {"reference": "Patient/p"}, **one} for one in resources]
    entries = [{"resource": one} for one in (patient, *about)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries, **more})


def condition(said: str, /, **more: Any) -> dict[str, Any]:
    own = {"clinicalStatus": status("active"), "verificationStatus": status("confirmed")}
    return {"resourceType": "Condition", "id": "c", "code": coded(SNOMED, said), **own, **more}


def observation(code: str, **more: Any) -> dict[str, Any]:
    own = {"status": "final", "effectiveDateTime": "2023-01-02T23:30:00-05:00"}
    return {"resourceType": "Observation", "id": "o", "code": coded(LOINC, code), **own, **more}


def order(**more: Any) -> dict[str, Any]:
    dosage = {
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}},
        "route": {"text": "oral"},
        "doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}],
    }
    own = {"status": "active", "intent": "order", "dosageInstruction": [dosage]}
    concept = coded(RXNORM, METHOTREXATE)
    return {
        "resourceType": "MedicationRequest", "id": "m", "medicationCodeableConcept": concept, **own,
        **more,
    }  # fmt: skip


def ck(value: float = 6800, **more: Any) -> dict[str, Any]:
    measured = {"value": value, "unit": "U/L"}
    limits = [{"high": {"value": 170, "unit": "U/L"}}]
    return observation(CK, **{"valueQuantity": measured, "referenceRange": limits, **more})
