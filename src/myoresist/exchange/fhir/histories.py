"""Allergies, procedures, vaccinations and relatives, each as far as a case has a place for it."""

from __future__ import annotations

from collections import Counter

from myoresist.case.terms import Terms
from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import Resource, listed, place
from myoresist.exchange.fhir.concepts import agreeing
from myoresist.exchange.fhir.datatypes import code, concept, day, misdated, named, when, words
from myoresist.exchange.fhir.medications import product
from myoresist.exchange.received import Draft

DONE, VOID = "completed", "entered-in-error"
PERFORMED = ("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod")
"""When a procedure was done, in R4 and in R5."""
UNSURE = ("unconfirmed", "presumed", "provisional", "differential")


def read_allergies(found: list[Resource], codes: Codes, terms: Terms, draft: Draft) -> None:
    """Add which drugs must not be given again, and what a drug did to the courses of it."""
    for one in found:
        verified, clinical = code(one.get("verificationStatus")), code(one.get("clinicalStatus"))
        what = concept(one.get("code"))
        name = what.named
        if verified == VOID:
            continue
        told = agreeing(one, what, codes, terms, draft)
        rows = [x for x in told or () if x.kind == "drug"]
        sure = [x.id for x in rows if x.relation != "broader"]
        drug = sure[0] if sure else product(what, terms, codes)
        if verified == "refuted":
            draft.note(place(one), f"{name}: an allergy that was refuted")
            if sure and (finding := _alone(sure[0], terms)):
                draft.find(finding, False)
            continue
        doubt = f", {verified}" if verified in UNSURE else ""
        over = f", {clinical}" if clinical in ("inactive", "resolved") else ""
        if drug is None and name.lower().startswith(codes.conventions.no_allergy):
            draft.note(place(one), f"{name}: said, and no finding becomes absent by it")
            continue
        if drug is None:
            draft.note(place(one), f"{name}{doubt}{over}: an allergy or intolerance, not weighed")
            continue
        harm = _harm(one)
        finding, counts = terms.drugs[drug].allergy, bool(sure) and not doubt and not over
        weighed = "" if counts and finding else ", to be confirmed" if finding else ", not weighed"
        draft.note(
            place(one),
            f"{name}{doubt}{over}: an allergy or intolerance{harm}{_since(one)}; it speaks against giving "
            f"{terms.drugs[drug].label}{weighed}",
        )
        if counts:
            _borne(draft, drug, f"allergy or intolerance{harm}")
            if finding:
                draft.find(finding, True)


def _alone(drug: str, terms: Terms) -> str | None:
    """Return the finding of an allergy to a drug that is about no other drug."""
    finding = terms.drugs[drug].allergy
    about = [x.id for x in terms.drugs.values() if finding and x.allergy == finding]
    return finding if about == [drug] else None


def _since(one: Resource) -> str:
    """Return since when an allergy is known, in words; nothing if that is not said."""
    date = when(one, "onsetDateTime", "onsetPeriod", "recordedDate")
    return f", {date}" if date else ""


def _harm(one: Resource) -> str:
    """Return what a drug did, in the words of the record, and how grave a next time may be."""
    told = [named(x) for part in listed(one, "reaction") for x in listed(part, "manifestation")]
    grave = "high risk" if one.get("criticality") == "high" else ""
    said = ", ".join(dict.fromkeys(x for x in (*told, grave) if x))
    return f" ({said})" if said else ""


def _borne(draft: Draft, drug: str, harm: str) -> None:
    """Note the harm at each course of the drug that has none."""
    for course in draft.case.get("treatments", ()):
        if course.get("drug") == drug:
            course.setdefault("side_effects", harm)


def read_procedures(found: list[Resource], codes: Codes, terms: Terms, draft: Draft) -> None:
    """Add what was done and is known here: treatments, and findings that it makes true."""
    for one in found:
        what, status = concept(one.get("code")), one.get("status")
        if status == VOID:
            continue
        name = what.named
        rows = agreeing(one, what, codes, terms, draft)
        if rows is None:
            continue
        known = [x for x in rows if x.relation != "broader" and x.kind in ("drug", "finding")]
        outcome = words(one.get("outcome"))
        if status != DONE or not known:
            less = f"says less than {rows[0].gloss}" if rows else "not known here"
            told = status or "without a status" if status != DONE else less
            draft.note(place(one), f"{name}: {told}, to be confirmed")
            continue
        first = when(one, *PERFORMED)
        for text in misdated(one, PERFORMED):
            draft.note(place(one), f"{name}: {text} is no date that can be, not used")
        period = one.get("performedPeriod") or one.get("occurrencePeriod")
        last = day(period.get("end")) if isinstance(period, dict) else first
        for row in known:
            if row.kind == "drug":
                draft.add("treatments", drug=row.id, start=first, stop=last or first)
            else:
                draft.find(row.id, True)
        if outcome:
            draft.note(place(one), f"{name}: {outcome}; to be entered")


def read_immunizations(found: list[Resource], draft: Draft) -> None:
    """Tell which vaccines were given; no code here says which of them are live."""
    given = Counter[str]()
    for one in found:
        if one.get("status") == DONE:
            date = day(one.get("occurrenceDateTime")) or "without a date"
            given[f"{named(one.get('vaccineCode'))} ({date})"] += 1
        elif one.get("status") != VOID:
            draft.note(
                place(one), f"{named(one.get('vaccineCode'))}: {one.get('status')}, not given"
            )
    if given:
        draft.note(
            "Immunization",
            f"{'; '.join(given)}: given; whether a vaccine is live, or still missing, is to be entered",
        )


def read_relatives(found: list[Resource], draft: Draft) -> None:
    """Tell what relatives have, which is never the patient's."""
    for one in found:
        if one.get("status") == VOID:
            continue
        has = (
            ", ".join(named(x.get("code")) for x in listed(one, "condition")) or "no disease named"
        )
        who = words(one.get("relationship")) or "a relative"
        draft.note(place(one), f"{who}: {has}: a relative's, not the patient's; to be asked")
