"""A case as FHIR R4: the form with all of it, and what has codes of public systems as resources of its own.

The resources are drawn from the form and say so, so that whoever reads both counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from myoresist.case.model import AntibodyTest, Case, Lab, Treatment
from myoresist.case.reading import packaged_terms
from myoresist.exchange.codes import Codes, Coding, Kind, packaged_codes
from myoresist.exchange.fhir.datatypes import day
from myoresist.exchange.fhir.form import response

PATIENT, FORM = "patient", "case-form"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
INTERPRETED = {
    "negative": "NEG",
    "positive": "POS",
    "weak": "POS",
    "moderate": "POS",
    "strong": "POS",
}
REPEATS = {"daily": (1, 1, "d"), "2 times daily": (2, 1, "d"), "3 times daily": (3, 1, "d"),
           "weekly": (1, 1, "wk"), "monthly": (1, 1, "mo")}  # fmt: skip
ADMINISTRATIVE = ("male", "female", "unknown")
Resource = dict[str, Any]


def written(case: Case) -> list[Resource]:
    """Return a case as resources: the patient, the form, and what has codes, each with an id of its own."""
    return list(_Writer(case).resources())


class _Writer:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.codes: Codes = packaged_codes()
        self.terms = packaged_terms()
        self.subject = {"reference": f"Patient/{PATIENT}"}
        self.form = {"reference": f"QuestionnaireResponse/{FORM}"}

    def resources(self) -> Iterator[Resource]:
        yield self._patient()
        yield {**response(self.case, self.subject["reference"]), "id": FORM}
        if self.case.label:
            yield from self._label(self.case.label)
        findings = {**self.case.findings, **self.case.exposures, **self.case.comorbidities}
        for name, answer in findings.items():
            yield from self._finding(name, answer)
        for number, lab in enumerate(self.case.labs, 1):
            yield from self._lab(lab, number)
        for number, test in enumerate(self.case.autoantibodies, 1):
            yield from self._antibody(test, number)
        for number, course in enumerate(self.case.treatments, 1):
            yield from self._course(course, number)

    def _patient(self) -> Resource:
        one = self.case.patient
        told: Resource = {
            "resourceType": "Patient", "id": PATIENT, "identifier": [{"value": str(one.id)}],
        }  # fmt: skip
        if one.sex in ADMINISTRATIVE:
            told["gender"] = one.sex
        if day(_text(one.birth_date)):
            told["birthDate"] = _text(one.birth_date)
        return told

    def _label(self, label: str) -> Iterator[Resource]:
        concept = self._concept("label", label, label.replace("_", " "))
        if concept:
            yield {
                "resourceType": "Condition", "id": "label", "subject": self.subject, "code": concept,
                "clinicalStatus": _status("condition-clinical", "active"),
                "verificationStatus": _status("condition-ver-status", "confirmed"),
                "evidence": [{"detail": [self.form]}],
            }  # fmt: skip

    def _finding(self, name: str, answer: object) -> Iterator[Resource]:
        known = self.terms.catalogue.findings.get(name)
        concept = self._concept("finding", name, known.label) if known else None
        if concept and isinstance(answer, bool):
            yield self._observation(f"finding-{name}", "exam", concept, None) | {
                "valueBoolean": answer
            }

    def _lab(self, one: Lab, number: int) -> Iterator[Resource]:
        test = self.terms.lab(one.test)
        concept = self._concept("lab", test.id, test.label) if test else None
        if test is None or concept is None:
            return
        told = self._observation(f"lab-{number}", "laboratory", concept, one.date)
        bounds = [(one.at_least, ">="), (one.at_most, "<=")]
        bound = next(((x, sign) for x, sign in bounds if x is not None), None)
        if one.value is not None:
            told["valueQuantity"] = {"value": one.value, "unit": one.unit}
        elif bound and None in (one.at_least, one.at_most):
            told["valueQuantity"] = {"value": bound[0], "comparator": bound[1], "unit": one.unit}
        else:
            told["dataAbsentReason"] = _status("data-absent-reason", "unknown")
        limits = {
            name: {"value": limit, "unit": one.unit}
            for name, limit in (("low", one.lower_limit), ("high", one.upper_limit))
            if limit is not None and not one.limit_assumed
        }
        yield told | ({"referenceRange": [limits]} if limits else {})

    def _antibody(self, one: AntibodyTest, number: int) -> Iterator[Resource]:
        found = self.terms.antibody(one.antibody)
        concept = self._concept("antibody", found.id, found.label) if found else None
        if concept is None:
            return
        told = self._observation(f"antibody-{number}", "laboratory", concept, one.date)
        if one.result in INTERPRETED:
            told["valueCodeableConcept"] = {"text": one.result}
            told["interpretation"] = [
                _status("v3-ObservationInterpretation", INTERPRETED[one.result])
            ]
        elif one.value is not None and one.cut_off is not None:
            told["valueQuantity"] = _quantity(one.value, one.unit)
            told["referenceRange"] = [{"high": _quantity(one.cut_off, one.unit)}]
        else:
            told["dataAbsentReason"] = _status("data-absent-reason", "unknown")
        yield told | ({"method": {"text": one.method}} if one.method else {})

    def _observation(self, name: str, category: str, concept: Resource, date: object) -> Resource:
        told: Resource = {
            "resourceType": "Observation", "id": name.replace("_", "-")[:64], "status": "final",
            "category": [_status("observation-category", category)], "code": concept,
            "subject": self.subject, "derivedFrom": [self.form],
        }  # fmt: skip
        return told | ({"effectiveDateTime": _text(date)} if day(_text(date)) else {})

    def _course(self, one: Treatment, number: int) -> Iterator[Resource]:
        drug = self.terms.drug(one.drug)
        concept = self._concept("drug", drug.id, drug.label) if drug else None
        if concept is None:
            return
        ended = one.stop is not None or one.ongoing is False or one.reason_stopped is not None
        period = {"start": _text(one.start), "end": _text(one.stop)}
        period = {key: value for key, value in period.items() if day(value)}
        told: Resource = {
            "resourceType": "MedicationStatement", "id": f"course-{number}",
            "status": "completed" if ended else "active" if one.ongoing else "unknown",
            "medicationCodeableConcept": concept, "subject": self.subject, "derivedFrom": [self.form],
        }  # fmt: skip
        own = {"effectivePeriod": period, "dosage": list(filter(None, [_dosage(one)]))}
        yield {**told, **{key: value for key, value in own.items() if value}}

    def _concept(self, kind: Kind, name: str, text: str) -> Resource | None:
        """Return an id as a concept; ``None`` where no public code says the same."""
        return concept_of(self.codes.saying(kind, name), text)


def concept_of(same: tuple[Coding, ...], text: str) -> Resource | None:
    """Return codes that say the same as a concept; ``None`` without any."""
    if not same:
        return None
    coding = [{"system": x.system, "code": x.code} for x in same]
    return {"coding": coding, "text": text}


def _dosage(one: Treatment) -> Resource:
    repeat = REPEATS.get(one.frequency or "")
    told: Resource = {}
    if one.scheme:
        told["text"] = one.scheme
    if one.dose is not None and one.unit and repeat:
        frequency, period, unit = repeat
        told["timing"] = {"repeat": {"frequency": frequency, "period": period, "periodUnit": unit}}
        told["doseAndRate"] = [{"doseQuantity": _quantity(one.dose, one.unit)}]
    elif one.dose is not None:
        told["text"] = " ".join(filter(None, (f"{one.dose:g}", one.unit, one.frequency)))
    return told | ({"route": {"text": one.route}} if one.route else {})


def _quantity(value: float, unit: str | None) -> Resource:
    return {"value": value, **({"unit": unit} if unit else {})}


def _status(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}/{system}", "code": code}]}


def _text(date: object) -> str | None:
    return None if date is None else str(date)
