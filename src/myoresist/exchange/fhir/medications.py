"""Medicines: orders, statements and administrations as courses; what was never given is none."""

from __future__ import annotations

from collections.abc import Mapping

from myoresist.case.terms import Terms
from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import Record, Resource, listed, place
from myoresist.exchange.fhir.datatypes import code, codings, day, named, quantity, words
from myoresist.exchange.received import Draft

GOES_ON, ENDED = ("active",), ("completed", "stopped")
NO_ORDER = ("proposal", "plan", "option")
PERIODS = {"h": "hours", "d": "days", "wk": "weeks", "mo": "months", "a": "years"}
OFTEN = {(1, 1, "d"): "daily", (1, 1, "wk"): "weekly", (1, 1, "mo"): "monthly"}
OVER, WHOLE_DAY = "every", 24


class Medications:
    """Reads medicines into a draft."""

    def __init__(self, record: Record, codes: Codes, terms: Terms, draft: Draft) -> None:
        self.record, self.codes, self.terms, self.draft = record, codes, terms, draft

    def read(self, found: list[Resource]) -> None:
        """Add the courses that were given."""
        for one in found:
            self._one(one)

    def _one(self, one: Resource) -> None:
        status = one.get("status")
        if status == "entered-in-error":
            return
        concept = self._concept(one)
        name = named(concept)
        rows = [
            x
            for x in self.codes.of(codings(concept))
            if x.kind == "drug" and x.relation != "broader"
        ]
        if not rows:
            self.draft.note(
                place(one), f"{name}: no code of a drug that is known here, to be confirmed"
            )
            return
        why = _not_given(one)
        if why:
            self.draft.note(place(one), f"{name}: {why}, not a course")
            return
        if len({x.id for x in rows}) > 1:
            self.draft.note(place(one), f"{name}: codes of several drugs, to be confirmed")
            return
        self.draft.add("treatments", drug=rows[0].id, **self._course(one, name))

    def _concept(self, one: Resource) -> object:
        """Return what was given: a concept, or that of the medication to which the resource refers."""
        reference = one.get("medicationReference")
        if isinstance(reference, Mapping):
            medication = self.record.resolve(reference.get("reference"), one)
            return medication.get("code") if medication else {"text": reference.get("display")}
        return one.get("medicationCodeableConcept")

    def _course(self, one: Resource, name: str) -> dict[str, object]:
        status = one.get("status")
        single = one["resourceType"] == "MedicationAdministration"
        start, stop = _period(one)
        dosage = only_dosage(one)
        told: dict[str, object] = {"start": start, "stop": start if single else stop}
        if status in ENDED and not stop and not single:
            told["ongoing"] = False
        elif status in GOES_ON and not stop:
            told["ongoing"] = True
        told["route"] = self._route(dosage)
        dose, unit, often = self._dose(dosage, single)
        if dose is None and dosage:
            text = dosage.get("text")
            said = f": {text}" if isinstance(text, str) else ""
            self.draft.note(place(one), f"{name}: the dose is not known{said}")
        told |= {"dose": dose, "unit": unit, "frequency": often}
        reason = words(one.get("statusReason")) or words(
            next(iter(listed(one, "statusReason")), None)
        )
        told["notes"] = reason or None
        return told

    def _route(self, dosage: Resource) -> str | None:
        route = dosage.get("route")
        said = [*(x.code for x in codings(route)), words(route)]
        return next((x for x in map(self.codes.route, said) if x), None)

    def _dose(self, dosage: Resource, single: bool) -> tuple[float | None, str | None, str | None]:
        """Return dose, unit and frequency, all or none: half of a dose is none."""
        rates = listed(dosage, "doseAndRate")
        told = (
            dosage.get("dose")
            if single
            else rates[0].get("doseQuantity")
            if len(rates) == 1
            else None
        )
        read = quantity(told)
        often = "once" if single else how_often(dosage)
        if read is None or read.comparator or often is None or dosage.get("asNeededBoolean"):
            return None, None, None
        unit = next((x for x in read.units if self.terms.doses.unit(x)), None)
        return (read.value, unit, often) if unit else (None, None, None)


def _not_given(one: Resource) -> str | None:
    """Say why a resource does not tell that the medicine was given."""
    kind, status = one["resourceType"], one.get("status")
    if one.get("doNotPerform") is True:
        return "not to be given"
    if kind == "MedicationRequest" and one.get("intent") in NO_ORDER:
        return f"only a {one['intent']}"
    given = ("completed",) if kind == "MedicationAdministration" else (*GOES_ON, *ENDED)
    return None if status in given else str(status or "without a status")


def only_dosage(one: Resource) -> Resource:
    """Return the only instruction; of several, which may follow each other, none."""
    if isinstance(one.get("dosage"), Mapping):
        dosage: Resource = one["dosage"]
        return dosage
    found = listed(one, "dosageInstruction") or listed(one, "dosage")
    return found[0] if len(found) == 1 else {}


def _period(one: Resource) -> tuple[str | None, str | None]:
    """Return first and last day; the day of an order is not the day of the first dose."""
    timing = only_dosage(one).get("timing")
    repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, Mapping) else None
    for period in (one.get("effectivePeriod"), bounds):
        if isinstance(period, Mapping):
            return day(period.get("start")), day(period.get("end"))
    return day(one.get("effectiveDateTime")), None


def how_often(dosage: Resource) -> str | None:
    """Return how often, in the words of a case; only what says it as data."""
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
    if not isinstance(repeat, Mapping):
        return {"QD": "daily", "BID": "2 times daily", "TID": "3 times daily", "WK": "weekly"}.get(
            code(timing.get("code")) if isinstance(timing, Mapping) else ""
        )
    days = repeat.get("dayOfWeek")
    if isinstance(days, list) and days:
        return "weekly" if len(days) == 1 else f"{len(days)} times weekly"
    times, period, unit = (repeat.get(x) for x in ("frequency", "period", "periodUnit"))
    if not isinstance(unit, str):
        return None
    if repeat.get("frequencyMax") or repeat.get("periodMax") or unit not in PERIODS or not period:
        return None
    times = 1 if times is None else times
    if not isinstance(times, int) or not isinstance(period, int | float) or period != int(period):
        return None
    if unit == "h":
        if WHOLE_DAY % int(period):
            return None
        times, period, unit = times * WHOLE_DAY // int(period), 1, "d"
    if (times, int(period), unit) in OFTEN:
        return OFTEN[times, int(period), unit]
    if times == 1:
        return f"{OVER} {int(period)} {PERIODS[unit]}"
    return f"{times} times {OFTEN[1, 1, unit]}" if period == 1 and (1, 1, unit) in OFTEN else None
