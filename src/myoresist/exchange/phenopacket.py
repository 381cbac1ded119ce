"""GA4GH phenopackets, version 2 and, where it says the same, version 1, as a case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.case.units import factor, spelling
from myoresist.document import DocumentError, Problem
from myoresist.exchange.codes import Code, Codes, Coding, packaged_codes
from myoresist.exchange.ontology import excluded_with, kinds_of
from myoresist.exchange.received import Draft, Received, received

MAX_BYTES = 2_000_000
SEXES = {"FEMALE": "female", "MALE": "male"}
_AGE = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T.*)?")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T.*)?")
VITAL = {"DECEASED": True, "ALIVE": False}
STUDIED = ("biopsy", "mri", "emg", "lab", "enzyme", "antibody", "genetics", "exposure")
"""Groups of findings that only a study tells: that a broader term is excluded does not say it was done."""
MONTHS, DAYS = 12, 365.25
Part = Mapping[str, Any]


def is_phenopacket(value: object) -> bool:
    """Tell whether JSON is a phenopacket of one person."""
    return isinstance(value, Mapping) and "subject" in value and (
        "phenotypicFeatures" in value or "metaData" in value
    )  # fmt: skip


def read_phenopacket(
    text: str | bytes, name: str = "phenopacket", *, codes: Codes | None = None
) -> Received:
    """Read one phenopacket.

    Args:
        text: a phenopacket as JSON.
        name: what to call it in errors.
        codes: which codes say what; the packaged ones when left out.

    Raises:
        DocumentError: with one clear problem.
    """
    if len(text) > MAX_BYTES:
        raise DocumentError([Problem(name, None, "", f"is larger than {MAX_BYTES // 10**6} MB")])
    try:
        packet = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError([Problem(name, None, "", f"is not JSON: {error}")]) from error
    if not is_phenopacket(packet):
        raise DocumentError([Problem(name, None, "", "is no phenopacket of one person")])
    return received(_Reader(codes or packaged_codes(), packaged_terms()).read(packet), name)


class _Reader:
    def __init__(self, codes: Codes, terms: Terms) -> None:
        self.codes, self.terms = codes, terms
        self.draft = Draft()

    def read(self, packet: Part) -> Draft:
        subject = _part(packet, "subject")
        self.draft.case["patient"] = self._subject(subject, packet)
        if _part(subject, "vitalStatus").get("status") in VITAL:
            self.draft.find("deceased", VITAL[_part(subject, "vitalStatus")["status"]])
        for number, one in enumerate(_parts(packet, "phenotypicFeatures")):
            self._feature(one, f"phenotypicFeatures[{number}]")
        for number, one in enumerate(_parts(packet, "diseases")):
            self._disease(one, f"diseases[{number}]")
        for number, one in enumerate(_parts(packet, "measurements")):
            self._measurement(one, f"measurements[{number}]")
        for number, one in enumerate(_parts(packet, "medicalActions")):
            self._action(one, f"medicalActions[{number}]")
        left = ("biosamples", "interpretations", "files", "htsFiles", "genes", "variants")
        self.draft.notes += (f"{x}: {len(packet[x])} not read" for x in left if packet.get(x))
        return self.draft

    def _subject(self, one: Part, packet: Part) -> dict[str, object]:
        last = one.get("timeAtLastEncounter") or one.get("ageAtCollection") or {}
        age = _age(last)
        told: dict[str, object] = {
            "id": str(one.get("id") or packet.get("id") or "patient"),
            "sex": SEXES.get(str(one.get("sex"))),
            "birth_date": _day(one.get("dateOfBirth")),
        }
        if age is not None and told["birth_date"] is None:
            told["age"] = age
        return {key: value for key, value in told.items() if value is not None}

    def _feature(self, one: Part, place: str) -> None:
        excluded = bool(one.get("excluded") or one.get("negated"))
        term = str(_part(one, "type").get("id") or "")
        rows = [x for x in self._rows(_part(one, "type")) if x.kind == "finding"]
        name = _name(_part(one, "type"))
        if not rows and not excluded:
            rows = list(kinds_of(term, self.codes))
        elif excluded and not one.get("resolution"):
            own = {x.id for x in rows}
            known = self.terms.catalogue
            gone = [
                x
                for x in excluded_with(term, self.codes)
                if x not in own and known[x].group not in STUDIED
            ]
            for finding in gone:
                self.draft.find(finding, False)
            if gone and not rows:
                labels = ", ".join(known[x].label for x in gone)
                self.draft.note(
                    place,
                    f"{name}: excluded, and with it {labels}; more that it says is to be confirmed",
                )
                return
        if not rows:
            self.draft.note(place, f"{name}: no term that is known here, to be confirmed")
        for row in rows:
            if one.get("resolution"):
                self.draft.note(place, f"{name}: is over; to be confirmed if it still counts")
            elif excluded and row.relation in ("exact", "broader"):
                # What is excluded takes with it whatever is a kind of it.
                self.draft.find(row.id, False)
            elif not excluded and row.relation in ("exact", "narrower"):
                self.draft.find(row.id, True)
            else:
                self.draft.note(
                    place, f"{name}: says something else than {row.gloss}; to be confirmed"
                )

    def _disease(self, one: Part, place: str) -> None:
        term = _part(one, "term")
        labels = [x for x in self._rows(term) if x.kind == "label" and x.relation != "broader"]
        if not labels or one.get("excluded"):
            said = "excluded" if one.get("excluded") else "no label of a case"
            self.draft.note(place, f"{_name(term)}: {said}, not used")
            return
        self.draft.case.setdefault("label", labels[0].id)
        age = _age(_part(one, "onset") or _part(one, "ageOfOnset"))
        if age is not None:
            self.draft.case["onset"] = {"age": age}

    def _measurement(self, one: Part, place: str) -> None:
        assay = _part(one, "assay")
        row = next(
            (x for x in self._rows(assay) if x.kind == "lab" and x.relation != "broader"), None
        )
        antibodies = [x for x in self._rows(assay) if x.kind == "antibody"]
        if row is None and antibodies:
            self._antibody(antibodies[0], one, place)
            return
        if row is None:
            self.draft.note(place, f"{_name(assay)}: no test that is known here, not used")
            return
        test = self.terms.labs[row.id]
        read = _part(_part(one, "value"), "quantity")
        date = _day(_part(one, "timeObserved").get("timestamp"))
        value, unit = _number(read.get("value")), self._unit(_part(read, "unit"), row.id)
        entry: dict[str, object] = {"test": test.synonyms[0], "date": date}
        if value is None or unit is None:
            self.draft.note(
                place, f"{_name(assay)}: no value in a unit that is known; it stays open"
            )
            self.draft.add("labs", **entry, value="unknown", unit=test.unit)
            return
        limits = _part(read, "referenceRange")
        low, high = (_number(limits.get(x)) or None for x in ("low", "high"))
        self.draft.add("labs", **entry, value=value, unit=unit, upper_limit=high, lower_limit=low)

    def _antibody(self, row: Code, one: Part, place: str) -> None:
        """Add the result of an antibody test, if it is a term for one."""
        said = _part(_part(one, "value"), "ontologyClass")
        result = next((x.id for x in self._rows(said) if x.kind == "result"), None)
        if row.relation == "broader":
            self.draft.note(place, f"{row.gloss}: says less than a test of a case; to be confirmed")
            return
        result = result or self.codes.result(str(said.get("label") or ""))
        if result is None:
            self.draft.note(place, f"{row.gloss}: no result that can be read; it stays open")
        date = _day(_part(one, "timeObserved").get("timestamp"))
        result = result or "unknown"
        self.draft.add("autoantibodies", antibody=row.id, result=result, date=date)

    def _unit(self, unit: Part, test: str) -> str | None:
        own = self.codes.conventions.units
        told = [str(unit.get("id") or "").removeprefix("UCUM:"), str(unit.get("label") or "")]
        lab = self.terms.labs[test]
        found = [x for x in (spelling(own.get(x, x), lab) for x in told if x) if x]
        return found[0] if len({factor(x, lab) or 1 for x in found}) == 1 else None

    def _action(self, one: Part, place: str) -> None:
        """Add a treatment, with each of its intervals as a course."""
        agent = _part(_part(one, "treatment"), "agent")
        rows = [x for x in self._rows(agent) if x.kind == "drug" and x.relation != "broader"]
        if len({x.id for x in rows}) != 1:
            self.draft.note(place, f"{_name(agent)}: no drug that is known here, to be confirmed")
            return
        spans = list(_parts(_part(one, "treatment"), "doseIntervals"))
        way = str(
            _part(_part(one, "treatment"), "routeOfAdministration").get("label") or ""
        ).lower()
        route = self.codes.route(way) or self.codes.route(
            way.removesuffix(" route of administration")
        )
        known = [self._given(x) for x in spans]
        for each in known or [{}]:
            self.draft.add("treatments", drug=rows[0].id, route=route, **each)
        if not known or not all("dose" in x and "start" in x for x in known):
            self.draft.note(place, f"{_name(agent)}: dose or time to be entered")
        self.draft.note(place, f"{_name(agent)}: response to be entered")

    def _given(self, span: Part) -> dict[str, object]:
        """Return dose and days of one interval; of a dose all or nothing."""
        amount, days = _part(span, "quantity"), _part(span, "interval")
        value = _number(amount.get("value"))
        unit = str(_part(amount, "unit").get("id") or "").removeprefix("UCUM:")
        said = str(_part(span, "scheduleFrequency").get("label") or "").lower()
        often = self.codes.often(said) or (said if self.terms.doses.frequency(said) else None)
        told: dict[str, object] = {"start": _day(days.get("start")), "stop": _day(days.get("end"))}
        if value and self.terms.doses.unit(unit) and often:
            told |= {"dose": value, "unit": unit, "frequency": often}
        return {key: x for key, x in told.items() if x is not None}

    def _rows(self, term: Part) -> tuple[Code, ...]:
        prefix, _, code = str(term.get("id") or "").partition(":")
        return self.codes.of([Coding(prefix, code)])


def _part(one: Part, key: str) -> Part:
    value = one.get(key)
    return value if isinstance(value, Mapping) else {}


def _parts(one: Part, key: str) -> Iterable[Part]:
    value = one.get(key)
    return [x for x in value if isinstance(x, Mapping)] if isinstance(value, list) else []


def _name(term: Part) -> str:
    return str(term.get("label") or term.get("id") or "without a term")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _day(value: object) -> str | None:
    found = _DAY.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def _age(value: object) -> float | None:
    """Return whole years of an age such as P45Y6M; ``None`` for a range or a class."""
    one = value if isinstance(value, Mapping) else {}
    text = one.get("iso8601duration") or _part(one, "age").get("iso8601duration") or one.get("age")
    found = _AGE.fullmatch(text) if isinstance(text, str) else None
    if not found or not any(found.groups()):
        return None
    years, months, days = (int(x or 0) for x in found.groups())
    return float(years) if years else round(months / MONTHS + days / DAYS, 2)
