"""A case as a GA4GH phenopacket, version 2: what has a public term or code, and nothing else.

A finding that is unknown is left out; one that is absent is ``excluded``. Doses, results by degree and what
has no code stay behind: FHIR holds all of a case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from myoresist.case.model import AntibodyTest, Case, Lab
from myoresist.case.reading import packaged_terms
from myoresist.exchange.codes import Kind, packaged_codes
from myoresist.version import __version__

SCHEMA = "2.0"
HPO = "HP"
SEXES = {"female": "FEMALE", "male": "MALE"}
RESULTS = ("positive", "negative")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Part = dict[str, Any]


def phenopacket(case: Case, created: str) -> Part:
    """Return a case as a phenopacket.

    Args:
        case: the case.
        created: when it is made, as a date and time with its zone.
    """
    return _Writer(case, created).packet()


class _Writer:
    def __init__(self, case: Case, created: str) -> None:
        self.case, self.created = case, created
        self.codes, self.terms = packaged_codes(), packaged_terms()
        self.used: set[str] = set()

    def packet(self) -> Part:
        lists = {
            "phenotypicFeatures": list(self._features()),
            "measurements": [
                *self._labs(self.case.labs),
                *self._antibodies(self.case.autoantibodies),
            ],
            "diseases": list(self._diseases()),
            "medicalActions": list(self._actions()),
        }
        return {
            "id": str(self.case.patient.id),
            "subject": self._subject(),
            **{name: value for name, value in lists.items() if value},
            "metaData": self._about(),
        }

    def _subject(self) -> Part:
        one = self.case.patient
        told: Part = {"id": str(one.id), "sex": SEXES.get(one.sex or "", "UNKNOWN_SEX")}
        if born := _stamp(one.birth_date):
            told["dateOfBirth"] = born
        elif age := _age(one.age):
            told["timeAtLastEncounter"] = age
        return told

    def _features(self) -> Iterator[Part]:
        case = self.case
        answers = {**case.findings, **case.exposures, **case.comorbidities}
        for name, answer in answers.items():
            term = self._term("finding", name) if isinstance(answer, bool) else None
            if term:
                yield {"type": term, **({} if answer else {"excluded": True})}

    def _labs(self, labs: Iterable[Lab]) -> Iterator[Part]:
        found = [(one, test) for one in labs if (test := self.terms.lab(one.test))]
        # Beside a value that cannot be written, such as a bound, the others would look like all there are.
        partly = {test.id for one, test in found if one.value is None}
        for one, test in found:
            assay = self._term("lab", test.id)
            if assay is None or one.value is None or test.id in partly:
                continue
            unit = {"id": f"UCUM:{one.unit}", "label": one.unit}
            limits = {"unit": unit, "low": one.lower_limit or 0, "high": one.upper_limit}
            ranged = {"referenceRange": limits} if one.upper_limit and not one.limit_assumed else {}
            quantity = {"unit": unit, "value": one.value, **ranged}
            yield {"assay": assay, "value": {"quantity": quantity}, **_observed(one.date)}

    def _antibodies(self, tests: Iterable[AntibodyTest]) -> Iterator[Part]:
        for one in tests:
            found = self.terms.antibody(one.antibody)
            assay = self._term("antibody", found.id) if found else None
            value = self._term("result", one.result) if one.result in RESULTS else None
            if assay and value:
                yield {"assay": assay, "value": {"ontologyClass": value}, **_observed(one.date)}

    def _diseases(self) -> Iterator[Part]:
        term = self._term("label", self.case.label) if self.case.label else None
        if term:
            age = _age(self.case.onset.age)
            yield {"term": term, **({"onset": age} if age else {})}

    def _actions(self) -> Iterator[Part]:
        for one in self.case.treatments:
            drug = self.terms.drug(one.drug)
            agent = self._term("drug", drug.id) if drug else None
            if agent:
                yield {"treatment": {"agent": agent}}

    def _term(self, kind: Kind, name: str) -> Part | None:
        """Return a term that says the same as an id, of HPO if there is one; ``None`` where there is none."""
        said = [(self.codes.compact(one), one.display) for one in self.codes.saying(kind, name)]
        for (prefix, term), label in sorted(said, key=lambda x: x[0][0] != HPO):
            self.used.add(prefix)
            return {"id": term, "label": label}
        return None

    def _about(self) -> Part:
        systems = [x for x in self.codes.conventions.systems if x.prefix in self.used]
        resources = [
            {
                "id": one.prefix.lower(),
                "name": one.id,
                "url": one.addresses[0],
                "namespacePrefix": one.prefix,
                **({"version": one.version} if one.version else {}),
            }
            for one in systems
        ]
        return {
            "created": self.created,
            "createdBy": f"myoresist {__version__}",
            "resources": resources,
            "phenopacketSchemaVersion": SCHEMA,
        }


def _stamp(date: object) -> str | None:
    """Return a day as a time; a month or a year is none."""
    text = "" if date is None else str(date)
    return f"{text}T00:00:00Z" if _DAY.fullmatch(text) else None


def _observed(date: object) -> Part:
    stamp = _stamp(date)
    return {"timeObserved": {"timestamp": stamp}} if stamp else {}


def _age(years: float | None) -> Part:
    """Return an age in whole years; parts of a year are said of no month, and left out."""
    known = years is not None and years == int(years)
    return {"age": {"iso8601duration": f"P{years:g}Y"}} if known else {}
