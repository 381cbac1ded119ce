"""The consult as FHIR R4: a document with what it rests on, and proposals that a person takes up or leaves.

Everything in it is made by a machine and says so. A proposal is a draft, never an order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from myoresist.assessment import Assessment
from myoresist.case.model import Case
from myoresist.consult.results import Action, Said
from myoresist.diagnosis.differential.results import ProbabilityResult
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.fhir.bundle import MACHINE_MADE
from myoresist.exchange.fhir.form import URL
from myoresist.exchange.fhir.proposals import ORDERED, service_request
from myoresist.exchange.fhir.written import PATIENT, concept_of, written
from myoresist.library import Knowledge

BEGUN = ("start", "switch")
SEVERITY = {"contraindicated": "high", "avoid": "moderate", "caution": "low"}
SECTIONS = {
    "consult": "What a specialist would write back",
    "diagnosis": "Is the diagnosis right?",
    "safety": "What speaks against what is given, and what does not agree",
    "proposals": "Proposals",
    "record": "The record as it was read",
    "sources": "Sources",
}
RECORD = "The form holds everything; what has public codes stands beside it."
MOST_DISEASES, PERCENT = 10, 100
Resource = dict[str, Any]


def document(case: Case, found: Assessment, recorded: str) -> Resource:
    """Return the consult on a case as a Bundle of type document.

    Args:
        case: the case.
        found: what was answered.
        recorded: when it was made, as a date and time with its zone.
    """
    return _Writer(case, found, recorded).bundle()


class _Writer:
    def __init__(self, case: Case, found: Assessment, recorded: str) -> None:
        self.case, self.found, self.recorded = case, found, recorded
        self.subject = {"reference": f"Patient/{PATIENT}"}
        said = json.dumps(case.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
        self.hash = hashlib.sha256(said.encode()).hexdigest()

    def bundle(self) -> Resource:
        groups = {
            "consult": [self._impression()],
            "diagnosis": [self._risk()],
            "safety": list(self._issues()),
            "proposals": list(self._proposals()),
            "record": written(self.case),
        }
        device = self._device()
        composition = self._composition(groups)
        provenance = self._provenance()
        parts = [composition, device, *(x for group in groups.values() for x in group), provenance]
        about = f"{URL}:{self.hash}:{self.found.software_version}:{self.recorded}:"
        places = [f"{x['resourceType']}/{x['id']}" for x in parts]
        names = {place: f"urn:uuid:{uuid5(NAMESPACE_URL, about + place)}" for place in places}
        return {
            "resourceType": "Bundle",
            "type": "document",
            "identifier": {"system": URL, "value": names["Composition/consult"]},
            "timestamp": self.recorded,
            "entry": [
                {"fullUrl": names[place], "resource": _linked(x, names)}
                for place, x in zip(places, parts, strict=True)
            ],
        }

    def _composition(self, groups: dict[str, list[Resource]]) -> Resource:
        sections = [self._section(key, groups[key]) for key in groups]
        works = [
            f"{x.text} {x.link or ''}".strip() for x in self.found.references.values()
        ]  # fmt: skip
        sections.append(
            {"title": SECTIONS["sources"], "text": _narrative(works or ["None."])}
        )  # fmt: skip
        return self._made("Composition", "consult") | {
            "status": "final",
            "type": {"text": "Second opinion on a treatment-resistant myositis"},
            "subject": self.subject,
            "date": self.recorded,
            "author": [{"reference": "Device/myoresist"}],
            "title": "Second opinion",
            "text": _narrative([self.found.consult.bottom_line, self.found.notice]),
            "section": sections,
        }

    def _section(self, key: str, resources: list[Resource]) -> Resource:
        page = self.found.consult
        said: Iterable[str] = {
            "consult": (page.bottom_line, *(x.text for x in page.lines())),
            "diagnosis": [f"{x.name}: {_percent(x.probability)} %" for x in self._diseases()],
            "safety": [x["detail"] for x in resources if "detail" in x],
            "proposals": [x["note"][0]["text"] for x in resources if "note" in x],
            "record": [RECORD, *self.found.remarks],
        }[key]  # fmt: skip
        told = list(said)
        section: Resource = {"title": SECTIONS[key], "text": _narrative(told or ["Nothing."])}
        if resources:
            return section | {
                "entry": [{"reference": f"{x['resourceType']}/{x['id']}"} for x in resources]
            }
        reason = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
        return section | {"emptyReason": {"coding": [{"system": reason, "code": "unavailable"}]}}

    def _impression(self) -> Resource:
        page = self.found.consult
        names = self.found.differential_names
        return self._made("ClinicalImpression", "impression") | {
            "status": "completed",
            "description": "Made by a program from what is recorded, to be weighed by a physician.",
            "subject": self.subject,
            "date": self.recorded,
            "summary": page.bottom_line,
            **_unless_empty(
                finding=[
                    {
                        "itemCodeableConcept": self._disease(name, names.get(name, name)),
                        "basis": f"{page.certainty.replace('_', ' ')}; {page.state_text}",
                    }
                    for name in page.diseases
                ],
                note=[{"text": one.text} for one in page.lines()],
            ),
        }

    def _risk(self) -> Resource:
        return self._made("RiskAssessment", "differential") | {
            "status": "final",
            "subject": self.subject,
            "occurrenceDateTime": self.recorded,
            "method": {"text": f"Differential diagnosis, knowledge {self.found.knowledge_version}"},
            "basis": [{"reference": "QuestionnaireResponse/case-form"}],
            **_unless_empty(prediction=[self._prediction(x) for x in self._diseases()]),
            "note": [{"text": "Probabilities are in percent."}],
        }

    def _diseases(self) -> list[ProbabilityResult]:
        """Return the likeliest diseases, the first one first."""
        ranked = sorted(self.found.differential.diseases, key=lambda x: -x.probability)
        return ranked[:MOST_DISEASES]

    def _prediction(self, one: ProbabilityResult) -> Resource:
        told: Resource = {
            "outcome": self._disease(one.id, one.name),
            "probabilityDecimal": _percent(one.probability),
        }
        for more in self.found.differential.leading:
            if more.id == one.id:
                within = f"{_percent(more.low)} to {_percent(more.high)} %"
                told["rationale"] = (
                    f"95 % credible interval {within}; proven by: {more.confirmed_by}"
                )
        return told

    def _issues(self) -> Iterator[Resource]:
        number = 0
        for one in self.found.treatment.given:
            for said in one.against:
                number += 1
                yield self._issue(
                    number, SEVERITY[said.level], f"{one.name}: {said.text}", said.cites
                )
        for action in self.found.consult.today:
            number += 1
            yield self._issue(number, "high", action.text, action.cites)
        for clash in self.found.contradictions:
            number += 1
            yield self._issue(number, "moderate", clash.text, ())
        proposed = {x.object for x in self.found.consult.do if x.verb in BEGUN}
        for check in self.found.treatment.missing:
            if not proposed & set(check.options):
                continue
            number += 1
            yield self._issue(number, "low", f"Not recorded: {check.text}", check.cites)

    def _issue(self, number: int, severity: str, text: str, cites: Iterable[str]) -> Resource:
        works = [self.found.references[x] for x in cites if x in self.found.references]
        links = [x.link for x in works if x.link]
        sources = f" ({'; '.join(x.short for x in works)})" if works else ""
        return self._made("DetectedIssue", f"issue-{number}") | {
            "status": "final",
            "patient": self.subject,
            "severity": severity,
            "identifiedDateTime": self.recorded,
            "author": {"reference": "Device/myoresist"},
            "detail": text + sources,
            **({"reference": links[0]} if links else {}),
        }

    def _proposals(self) -> Iterator[Resource]:
        page = self.found.consult
        for number, one in enumerate((*page.today, *page.do), 1):
            if one.verb in ORDERED:
                more = self._made("ServiceRequest", f"proposal-{number}")
                told = service_request(one.text, self.subject["reference"], **self._why(one))
                yield {**told, **more}
            elif one.verb in BEGUN and one.object in self.found.treatment.options:
                yield self._medicine(one, number)

    def _medicine(self, one: Action, number: int) -> Resource:
        """Return a drug that is proposed; its dose stands in the words of the line, with their sources."""
        option = Knowledge.load().options.data.options[one.object]
        same = [
            x for name in (*option.atc, option.id) for x in packaged_codes().saying("drug", name)
        ]
        only = tuple(same) if len(option.atc) <= 1 else ()
        return self._made("MedicationRequest", f"proposal-{number}") | {
            "status": "draft",
            "intent": "proposal",
            "medicationCodeableConcept": concept_of(tuple(dict.fromkeys(only)), option.name)
            or {"text": option.name},
            "subject": self.subject,
            **self._why(one),
        }

    def _why(self, one: Said) -> Resource:
        works = [self.found.references[x].short for x in one.cites if x in self.found.references]
        sources = f" ({'; '.join(works)})" if works else ""
        return {
            "reasonReference": [{"reference": "ClinicalImpression/impression"}],
            "note": [{"text": f"{one.text}{sources}"}],
        }

    def _device(self) -> Resource:
        return self._made("Device", "myoresist") | {
            "deviceName": [{"name": "myoresist", "type": "manufacturer-name"}],
            "version": [{"value": self.found.software_version}],
            "note": [{"text": self.found.notice}],
        }

    def _provenance(self) -> Resource:
        return self._made("Provenance", "provenance") | {
            "target": [{"reference": "Composition/consult"}],
            "recorded": self.recorded,
            "agent": [{"who": {"reference": "Device/myoresist"}}],
            "entity": [
                {
                    "role": "source",
                    "what": {
                        "reference": "QuestionnaireResponse/case-form",
                        "identifier": {
                            "system": "urn:ietf:rfc:6920",
                            "value": f"sha-256:{self.hash}",
                        },
                        "display": f"The case; knowledge {self.found.knowledge_version}",
                    },
                }
            ],
        }

    def _disease(self, name: str, text: str) -> Resource:
        return concept_of(packaged_codes().saying("disease", name), text) or {"text": text}

    def _made(self, kind: str, name: str) -> Resource:
        return {"resourceType": kind, "id": name, "meta": {"tag": [dict(MACHINE_MADE)]}}


def _unless_empty(**lists: list[Resource]) -> Resource:
    """Return what holds anything; FHIR knows no empty list."""
    return {name: value for name, value in lists.items() if value}


def _percent(share: float) -> float:
    """Return a probability as FHIR R4 has it, in percent."""
    return round(share * PERCENT, 1)


def _narrative(lines: Iterable[str]) -> Resource:
    said = "".join(f"<p>{escape(x)}</p>" for x in lines if x)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{said}</div>'}


def _linked(value: Any, names: dict[str, str]) -> Any:
    """Return a resource in which references lead to entries of the bundle."""
    if isinstance(value, dict):
        return {
            key: names.get(inner, inner)
            if key == "reference" and isinstance(inner, str)
            else _linked(inner, names)
            for key, inner in value.items()
        }
    return [_linked(x, names) for x in value] if isinstance(value, list) else value
