"""Medicines: orders, statements and administrations as courses; what was never given is none."""

from __future__ import annotations

import re
from collections.abc import Collection

from myoresist.case.dates import PartialDate
from myoresist.case.terms import Terms
from myoresist.exchange.codes import Code, Codes
from myoresist.exchange.fhir.bundle import Record, Resource, listed, place
from myoresist.exchange.fhir.concepts import agreeing
from myoresist.exchange.fhir.datatypes import Concept, code, concept, day, misdated, when, words
from myoresist.exchange.fhir.dosage import instructions, only_dosage, read_dose, route_of
from myoresist.exchange.received import Draft

GOES_ON, ENDED = ("active",), ("completed", "stopped")
ISSUED = ("authoredOn", "dateAsserted")
"""When a medicine without a period was given at the latest, or was about to be."""
UNDATED = "whether it was given before the onset is not known"
NO_ORDER = ("proposal", "plan", "option")
_NAME_AND_FORM = re.compile(r"(?:[\d.]+ (?:ML|HR) )*([^\d\[]*)(.*)", re.DOTALL)


class Medications:
    """Reads medicines into a draft."""

    def __init__(
        self, record: Record, codes: Codes, terms: Terms, draft: Draft, first: str | None = None
    ) -> None:
        """Take a draft, and the first day of the illness as far as it is recorded."""
        self.record, self.codes, self.terms, self.draft = record, codes, terms, draft
        self.first = first

    def read(self, found: list[Resource]) -> None:
        """Add the courses that were given."""
        for one in found:
            self._one(one)

    def _one(self, one: Resource) -> None:
        if one.get("status") == "entered-in-error":
            return
        what = concept(concept_of(one, self.record))
        name = what.named
        told = agreeing(one, what, self.codes, self.terms, self.draft)
        if told is None:
            return
        said = [x for x in told if x.kind in ("drug", "finding")]
        rows = [x for x in said if x.kind == "drug" and x.relation != "broader"]
        why = _not_given(one)
        if why and said:
            self.draft.note(place(one), f"{name}: {why}, not a course")
        elif len({x.id for x in rows}) > 1:
            self.draft.note(place(one), f"{name}: codes of several drugs, to be confirmed")
        elif rows and self._local(one, what):
            self.draft.note(place(one), f"{name}: acts where it is put, by its words; not a course")
        elif rows:
            for part in _in_turn(one):
                self.draft.add("treatments", drug=rows[0].id, **self._course(part, name))
            self._before(one, name, self.terms.drugs[rows[0].id].before)
        elif not any([self._exposure(one, name, row) for row in said]):
            if any(x.kind == "finding" and x.relation != "broader" for x in said):
                seen = "known, but not shown to be taken now; to be confirmed"
                self.draft.note(place(one), f"{name}: {seen}")
            else:
                self._unknown(one, what, why)

    def _local(self, one: Resource, what: Concept) -> bool:
        """Tell whether only the words of a medicine say that it acts locally."""
        dosages = instructions(one)
        if any(route_of(x, self.codes) for x in dosages):
            return False
        names = [what.words, *(x.display for x in what.codings)]
        spoken = [said for x in dosages if isinstance(said := x.get("text"), str)]
        return any(self.codes.acts_locally(x) for x in (*names, *spoken))

    def _unknown(self, one: Resource, what: Concept, why: str | None) -> None:
        """Tell of a medicine that no code of its tells; a name alone is to be confirmed."""
        drug = product(what, self.terms, self.codes)
        state = f" ({why})" if why else ""
        hint = f"by its name {self.terms.drugs[drug].label}, " if drug else ""
        told = f"{what.named}{state}: no code of a drug that is known here; {hint}to be confirmed"
        self.draft.note(place(one), told)
        if drug and why is None:
            self.draft.named.append(self.terms.drugs[drug].label)

    def _exposure(self, one: Resource, name: str, row: Code) -> bool:
        """Add what is true of whoever had a medicine, ever or now; tell whether it was anything."""
        if row.kind != "finding" or row.relation == "broader":
            return False
        dosage = only_dosage(one)
        route = route_of(dosage, self.codes)
        if route and self.terms.is_local(route):
            return False
        now = one.get("status") in GOES_ON and not _period(one, _repeat(dosage))[1]
        drugs = [x for x in self.terms.drugs.values() if row.id in (*x.ever, *x.now, *x.before)]
        told = any(row.id in x.ever or (now and row.id in x.now) for x in drugs)
        if told:
            self.draft.find(row.id, True)
        return self._before(one, name, {x for drug in drugs for x in drug.before}) or told

    def _before(self, one: Resource, name: str, findings: Collection[str]) -> bool:
        """Add what is true of whoever had a medicine before or at the onset; tell whether it was anything."""
        if not findings:
            return False
        start, stop = _period(one, _repeat(only_dosage(one)))
        held = start or stop or when(one, *ISSUED)
        given = PartialDate.parse(held) if held else None
        first = PartialDate.parse(self.first) if self.first else None
        if given and first and given.latest <= first.earliest:
            for finding in findings:
                self.draft.find(finding, True)
            return True
        if given is None or first is None or given.earliest <= first.latest:
            self.draft.note(place(one), f"{name}: {UNDATED}; to be confirmed")
        return False

    def _course(self, one: Resource, name: str) -> dict[str, object]:
        status = one.get("status")
        single = one["resourceType"] == "MedicationAdministration"
        dosages = instructions(one)
        dosage = dosages[0] if len(dosages) == 1 else {}
        repeat = _repeat(dosage)
        start, stop = _period(one, repeat)
        own = misdated(one, ("effectivePeriod", "effectiveDateTime"))
        for wrong in (*own, *misdated(repeat, ("boundsPeriod",))):
            self.draft.note(place(one), f"{name}: {wrong} is no date that can be, not used")
        told: dict[str, object] = {"start": start, "stop": start if single else stop}
        if status in ENDED and not stop and not single:
            told["ongoing"] = False
        elif status in GOES_ON and not stop:
            told["ongoing"] = True
        if len(dosages) > 1:
            self.draft.note(
                place(one), f"{name}: {len(dosages)} instructions, the dose is not known"
            )
        told["route"] = route_of(dosage, self.codes)
        if dosage:
            dose, why = read_dose(dosage, single, self.terms.doses, self.codes)
            if dose:
                told |= {"dose": dose.amount, "unit": dose.unit, "frequency": dose.often}
                told["route"] = told["route"] or dose.route
            else:
                text = dosage.get("text")
                said = f": {text}" if isinstance(text, str) else ""
                self.draft.note(place(one), f"{name}: {why}{said}")
        return told | self._reason(one, name)

    def _reason(self, one: Resource, name: str) -> dict[str, object]:
        """Return why a course was stopped: by a code as a reason of a case, else in its own words."""
        if "statusReason" not in one and "reasonStopped" not in one:
            return {}
        concepts = [
            one.get("statusReason"),
            *listed(one, "statusReason"),
            *listed(one, "reasonStopped"),
        ]
        told = next(filter(None, map(words, concepts)), None)
        known = {self.codes.reason(code(x)) for x in concepts} - {None}
        if one.get("status") == "stopped" and len(known) == 1:
            return {"reason_stopped": known.pop(), "notes": told}
        if told:
            self.draft.note(place(one), f"{name}: {told}; why it was stopped is to be confirmed")
        return {"notes": told}


def concept_of(one: Resource, record: Record) -> object:
    """Return what was given: a concept, or that of the medication to which the resource refers."""
    reference = one.get("medicationReference")
    if isinstance(reference, dict):
        medication = record.resolve(reference.get("reference"), one)
        return _made_of(medication) if medication else {"text": reference.get("display")}
    return one.get("medicationCodeableConcept")


def _made_of(medication: Resource) -> object:
    """Return what a medication is, with the codes of its ingredient if it has but one."""
    concept, ingredients = medication.get("code"), listed(medication, "ingredient")
    parts = [x.get("itemCodeableConcept") for x in ingredients]
    if len(parts) != 1 or not isinstance(parts[0], dict):
        return concept
    own = concept if isinstance(concept, dict) else {}
    coding = [*listed(own, "coding"), *listed(parts[0], "coding")]
    return {"text": words(own) or words(parts[0]), "coding": coding}


def product(what: Concept, terms: Terms, codes: Codes) -> str | None:
    """Return the drug that the name of a product names, such as *Methotrexate 2.5 MG Oral Tablet*."""
    return codes.remembered(("product", what), lambda: _product(what, terms, codes))


def _product(what: Concept, terms: Terms, codes: Codes) -> str | None:
    forms = codes.conventions.forms
    for text in (what.words, *(x.display for x in what.codings)):
        name, form = (x.strip() for x in _NAME_AND_FORM.fullmatch(text).groups(""))  # type: ignore[union-attr]
        drug = terms.drug(name)
        route = terms.route_in(name)
        if drug is None or (route and terms.is_local(route)):
            continue
        if not form or any(x in form.lower() for x in forms):
            return drug.id
    return None


def _in_turn(one: Resource) -> list[Resource]:
    """Return an order as one for each of its instructions, where each has days of its own: a taper."""
    found = instructions(one)
    if len(found) < 2:
        return [one]
    spans = [x["repeat"].get("boundsPeriod") for each in found if (x := _timing(each))]
    dated = [x for x in spans if isinstance(x, dict) and day(x.get("start"))]
    if len(dated) < len(found) or len({x["start"] for x in dated}) < len(found):
        return [one]
    key = "dosage" if "dosage" in one else "dosageInstruction"
    rest = {k: v for k, v in one.items() if k not in ("effectivePeriod", "effectiveDateTime")}
    return [{**rest, key: [x]} for x in found]


def _timing(dosage: Resource) -> Resource | None:
    timing = dosage.get("timing")
    return timing if isinstance(timing, dict) and isinstance(timing.get("repeat"), dict) else None


def _not_given(one: Resource) -> str | None:
    """Say why a resource does not tell that the medicine was given."""
    kind, status = one["resourceType"], one.get("status")
    if one.get("doNotPerform") not in (None, False):
        return "not to be given"
    if kind == "MedicationRequest" and one.get("intent") in NO_ORDER:
        return f"only a {one['intent']}"
    given = ("completed",) if kind == "MedicationAdministration" else (*GOES_ON, *ENDED)
    return None if status in given else str(status or "without a status")


def _period(one: Resource, repeat: Resource) -> tuple[str | None, str | None]:
    """Return first and last day; the day of an order is not the day of the first dose."""
    for period in (one.get("effectivePeriod"), repeat.get("boundsPeriod")):
        if isinstance(period, dict):
            return day(period.get("start")), day(period.get("end"))
    return day(one.get("effectiveDateTime")), None


def _repeat(dosage: Resource) -> Resource:
    """Return how an instruction is repeated."""
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    return repeat if isinstance(repeat, dict) else {}
