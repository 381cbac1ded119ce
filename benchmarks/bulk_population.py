"""Made-up patients of an export of FHIR R4 in bulk, as hospitals write them: half of it is of no use here."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from myoresist.exchange.codes import Codes, Kind, packaged_codes

Resource = dict[str, Any]
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
LOINC, RXNORM = "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
LABELS = ("dermatomyositis", "polymyositis", "inclusion_body_myositis", "antisynthetase_syndrome")
LABS = (
    ("ck", "U/L", 190),
    ("alt", "U/L", 40),
    ("ast", "U/L", 40),
    ("ldh", "U/L", 240),
    ("crp", "mg/L", 5),
)
ANTIBODIES = ("anti_jo1", "anti_hmgcr", "anti_mi2", "anti_tif1")
DRUGS = (("prednisone", 40, "d"), ("methotrexate", 15, "wk"), ("azathioprine", 100, "d"))
FINDINGS = ("dysphagia", "ild", "heliotrope_rash", "proximal_weakness", "raynaud", "arthralgia")
VITALS = ("8867-4", "8480-6", "8462-4", "8310-5", "9279-1", "59408-5", "718-7", "2160-0")
"""Codes that say nothing here, as most of an export does."""
OTHERS = ("38341003", "44054006", "195967001")
OTHER_DRUGS = ("197361", "314076")


class Population:
    """Draws patients; the same seed draws the same ones.

    Args:
        seed: of the draw.
        whole: with all that a hospital writes, or only with what a registry would ask for.
    """

    def __init__(self, seed: int = 1, whole: bool = True) -> None:
        self.whole = whole
        self.codes: Codes = packaged_codes()
        self.random = random.Random(seed)

    def patient(self, number: int) -> Iterator[Resource]:
        """Yield the resources of one patient."""
        name, draw = f"p{number:07}", self.random
        yield {
            "resourceType": "Patient", "id": name, "gender": draw.choice(("female", "male")),
            "birthDate": f"{draw.randrange(1935, 2000)}-0{draw.randrange(1, 10)}-11",
            "name": [{"family": f"Family{number}", "given": ["Given"]}],
        }  # fmt: skip
        own = [*self._conditions(), *self._observations(), *self._medicines()]
        for place, one in enumerate(own):
            yield {
                "resourceType": one.pop("resourceType"), "id": f"{name}-{place}",
                "meta": {"versionId": "1", "lastUpdated": "2024-05-01T08:00:00.000Z"},
                "subject": {"reference": f"Patient/{name}"}, **one,
            }  # fmt: skip

    def write(self, folder: Path, patients: int) -> int:
        """Write a file a type of resource, and return how many resources there are."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {}
        count = 0
        for number in range(patients):
            for one in self.patient(number):
                kind = one["resourceType"]
                if kind not in files:
                    files[kind] = (folder / f"{kind}.ndjson").open("w", encoding="utf-8")
                files[kind].write(json.dumps(one, separators=(",", ":")) + "\n")
                count += 1
        for file in files.values():
            file.close()
        return count

    def _said(self, kind: Kind, name: str) -> Resource:
        same = self.codes.saying(kind, name)
        if not same:
            return {"text": name}
        one = self.random.choice(same)
        return {"coding": [{"system": one.system, "code": one.code, "display": one.display}]}

    def _conditions(self) -> Iterator[Resource]:
        draw = self.random
        said = [self._said("label", draw.choice(LABELS))]
        said += [self._said("finding", x) for x in draw.sample(FINDINGS, 2)]
        others = draw.sample(OTHERS, 2) if self.whole else ()
        said += [{"coding": [{"system": SNOMED, "code": x}]} for x in others]
        for concept in said:
            doubt = draw.choices(("confirmed", "provisional", "refuted"), (8, 1, 1))[0]
            yield {
                "resourceType": "Condition", "code": concept, "clinicalStatus": _status("active"),
                "verificationStatus": _status(doubt), "recordedDate": self._day(),
            }  # fmt: skip

    def _observations(self) -> Iterator[Resource]:
        draw = self.random
        for name, unit, limit in (*LABS, LABS[0], LABS[0]) if self.whole else LABS[:2]:
            value = round(draw.lognormvariate(0, 1) * limit, 1)
            yield self._observation(self._said("lab", name)) | {
                "valueQuantity": {"value": value, "unit": unit, "code": unit},
                "referenceRange": [{"high": {"value": limit, "unit": unit}}],
            }
        for name in draw.sample(ANTIBODIES, 2):
            result = draw.choice(("260385009", "10828004"))
            yield self._observation(self._said("antibody", name)) | {
                "valueCodeableConcept": {"coding": [{"system": SNOMED, "code": result}]}
            }
        for code in VITALS if self.whole else ():
            yield self._observation(
                {"coding": [{"system": LOINC, "code": code}], "text": "vital"}
            ) | {"valueQuantity": {"value": draw.randrange(30, 200), "unit": "1"}}

    def _observation(self, concept: Resource) -> Resource:
        return {
            "resourceType": "Observation", "status": "final", "code": concept,
            "category": [_status("laboratory")], "effectiveDateTime": f"{self._day()}T08:30:00+01:00",
        }  # fmt: skip

    def _medicines(self) -> Iterator[Resource]:
        draw = self.random
        for name, dose, often in draw.sample(DRUGS, 2 if self.whole else 1):
            timing = {
                "frequency": 1, "period": 1, "periodUnit": often, "boundsPeriod": {"start": self._day()},
            }  # fmt: skip
            yield self._order(self._said("drug", name), dose, timing)
        for code in OTHER_DRUGS if self.whole else ():
            yield self._order({"coding": [{"system": RXNORM, "code": code}], "text": code}, 5, {})

    def _order(self, concept: Resource, dose: float, repeat: Resource) -> Resource:
        dosage = {
            "timing": {"repeat": repeat}, "route": {"text": "oral"},
            "doseAndRate": [{"doseQuantity": {"value": dose, "unit": "mg"}}],
        }  # fmt: skip
        return {
            "resourceType": "MedicationRequest", "status": "active", "intent": "order",
            "medicationCodeableConcept": concept, "dosageInstruction": [dosage],
        }  # fmt: skip

    def _day(self) -> str:
        draw = self.random
        return f"{draw.randrange(2019, 2025)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"


def _status(code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}/status", "code": code}]}
