"""Made-up records of FHIR with what is hard in real ones: statuses, bounds, units, dates, references."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

from bulk_population import Population

Resource = dict[str, Any]
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def said(code: str) -> Resource:
    return {"coding": [{"system": "urn:x", "code": code}]}


def quantity(**parts: Any) -> Resource:
    return {"valueQuantity": {"unit": "U/L", **parts}}


def dosage(repeat: Resource, dose: float, **more: Any) -> Resource:
    rate = [{"doseQuantity": {"value": dose, "unit": "mg"}}]
    return {"dosageInstruction": [{"timing": {"repeat": repeat}, "doseAndRate": rate, **more}]}


OBSERVATIONS: list[Resource] = [
    *({"status": x} for x in ("preliminary", "cancelled", "entered-in-error", "amended", "registered")),
    *(quantity(value=7000, comparator=x) for x in ("<", "<=", ">", ">=", "<>")),
    *(quantity(value=x) for x in (1.234, -5, 1e30, 999, 0, None)),
    *(quantity(value=900, unit=x) for x in ("bananas", "[IU]/L", "")),
    quantity(value=12.345, unit=None, code="ukat/L"),
    *({"valueQuantity": None, "valueString": x} for x in ("< 7 U/L", "POSITIVE", ".", "Not Performed")),
    *({"referenceRange": [x]} for x in (
        {"text": "0-220"}, {"text": "<=10"}, {"text": ">5", "high": {"value": 5, "unit": "U/L"}},
        {"high": {"value": 170, "unit": "mg/L"}},
    )),
    *({"effectiveDateTime": x} for x in (
        "2016", "2016-03", "2023-02-30", "2099-01-01", "0001-01-01", "soon", None,
    )),
    {"effectiveDateTime": None, "effectivePeriod": {"start": "2022-02-01"}},
    {"interpretation": [said("POS")]}, {"interpretation": [said("NEG")]},
    {"dataAbsentReason": said("masked")}, {"valueBoolean": True}, {"valueQuantity": "7"},
    *({"valueCodeableConcept": {"text": x}} for x in ("Reactive non-confirm", "weakly positive")),
    *({"subject": x} for x in ({"reference": "Patient/nobody"}, {"display": "X"}, None)),
    {"code": {"text": "CK"}}, {"code": "CK"}, {"method": {"text": "line blot"}},
    *({"identifier": True, "issued": f"202{x}-01-01T00:00:00Z"} for x in (3, 4)),
]  # fmt: skip
CONDITIONS: list[Resource] = [
    *({"verificationStatus": said(x)} for x in (
        "refuted", "entered-in-error", "unconfirmed", "differential", "provisional",
    )),
    *({"clinicalStatus": said(x)} for x in ("resolved", "inactive", "remission", "recurrence")),
    {"clinicalStatus": None, "verificationStatus": None},
    {"verificationStatus": None, "category": [said("encounter-diagnosis")]},
    *({"onsetDateTime": x} for x in ("2021", "2077")),
    *({"onsetAge": {"value": x, "unit": "a"}} for x in (45, 450)),
    {"code": {"text": "GOUT?"}}, {"recordedDate": None}, {"subject": {"reference": "Patient/nobody"}},
    {"code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M3312"}]}},
    {"code": {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.90", "code": " m33.12 "}]}},
]  # fmt: skip
WEEKLY = {"frequency": 1, "period": 1, "periodUnit": "wk"}
MEDICINES: list[Resource] = [
    *({"status": x} for x in (
        "draft", "cancelled", "entered-in-error", "stopped", "completed", "on-hold", "unknown",
    )),
    *({"intent": x} for x in ("proposal", "plan")), {"doNotPerform": True},
    {"dosageInstruction": [{"text": "2.5 mg, Oral, DAILY"}]}, {"dosageInstruction": None},
    {"statusReason": {"text": "side effects"}},
    dosage({**WEEKLY, "dayOfWeek": ["mon"], "boundsPeriod": {"start": "2020-05-05", "end": "2019-01"}}, 15),
    dosage({**WEEKLY, "boundsPeriod": {"start": "2020", "end": "2021-13"}}, -15),
    dosage({"frequency": 1, "period": 8, "periodUnit": "h"}, 1.125, route={"text": "eye"}),
    *({"medicationCodeableConcept": None, "medicationReference": {"reference": x}, "contained": [
        {"resourceType": "Medication", "id": "m1", "code": {"coding": [{"system": RXNORM, "code": "6851"}]}}
    ]} for x in ("#m1", "#none", "Medication/gone")),
]  # fmt: skip
JO1 = {"coding": [{"system": "http://loinc.org", "code": "8076-2"}]}
METHOTREXATE = {"coding": [{"system": RXNORM, "code": "6851"}]}
OTHERS: list[Resource] = [
    {"resourceType": "AllergyIntolerance", "code": METHOTREXATE, "criticality": "high"},
    {"resourceType": "AllergyIntolerance", "code": {"text": "Penicillin"}},
    {"resourceType": "FamilyMemberHistory", "condition": [{"code": {"text": "Dysphagia"}}]},
    {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "Influenza"}},
    {"resourceType": "Procedure", "status": "completed", "code": {"text": "Biopsy"}},
    {
        "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "CT chest"},
        "conclusion": "Interstitial lung disease. CK 5000 U/L. No dysphagia.",
    },
    {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "Panel"}},
    {
        "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "Serology"},
        "result": [{"reference": "#a"}], "contained": [{
            "resourceType": "Observation", "id": "a", "status": "final", "code": JO1,
            "valueCodeableConcept": {"text": "positive"},
        }],
    },
    {
        "resourceType": "Observation", "status": "final", "code": {"text": "Note"},
        "valueString": "The patient has a heliotrope rash and dysphagia.",
    },
    {
        "resourceType": "DocumentReference", "status": "current", "content": [
            {"attachment": {"contentType": "text/plain", "data": "V2Vha25lc3Mgb2YgdGhlIHRoaWdocy4="}}
        ],
    },
]  # fmt: skip
OF_PATIENT = ("AllergyIntolerance", "FamilyMemberHistory", "Immunization")
MUTATIONS = {"Observation": OBSERVATIONS, "Condition": CONDITIONS, "MedicationRequest": MEDICINES}


def patients(count: int, seed: int) -> list[list[Resource]]:
    """Return the resources of some patients, each with its Patient first."""
    draw, population = random.Random(seed), Population(seed)
    return [_patient(list(population.patient(number)), draw) for number in range(count)]


def _patient(resources: list[Resource], draw: random.Random) -> list[Resource]:
    first, *rest = resources
    if draw.random() < 0.1:
        first["birthDate"] = draw.choice(["1960", "1960-05", "2077-01-01", "x"])
    others = []
    for number, one in enumerate(draw.sample(OTHERS, 2)):
        whom = "patient" if one["resourceType"] in OF_PATIENT else "subject"
        own = {whom: {"reference": f"Patient/{first['id']}"}, "id": f"{first['id']}-x{number}"}
        others.append({**deepcopy(one), **own})
    return [
        first, *others, *(_changed(one, draw) if draw.random() < 0.35 else one for one in rest),
    ]  # fmt: skip


def _changed(one: Resource, draw: random.Random) -> Resource:
    change = deepcopy(draw.choice(MUTATIONS[one["resourceType"]]))
    if "identifier" in change:
        change["identifier"] = [{"system": "urn:x", "value": str(one["code"])}]
    return {key: value for key, value in {**one, **change}.items() if value is not None}
