"""Conditions: what a problem list says, and how surely."""

from __future__ import annotations

from datetime import timedelta

from myoresist.case.dates import PartialDate
from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import Resource, listed, place
from myoresist.exchange.fhir.concepts import agreeing
from myoresist.exchange.fhir.datatypes import code, codings, misdated, named, quantity, when, words
from myoresist.exchange.received import Draft

UNSURE = ("unconfirmed", "provisional", "differential")
PAST = ("inactive", "remission", "resolved")
DATES = ("recordedDate", "onsetDateTime", "onsetPeriod")
ENCOUNTER = "encounter-diagnosis"
CANCER, YEAR = "cancer_within_3y", 365
CERTAINTY = ("icd-10-gm-diagnosesicherheit", "icd_diagnosesicherheit")
"""Ends of the address of the extension by which a code of ICD-10-GM says how sure it is."""
CERTAIN = {"A": "refuted", "V": "provisional", "Z": "resolved", "G": "confirmed"}
"""Excluded, suspected, state after, confirmed: the letters of KBV."""


def read_conditions(
    found: list[Resource], codes: Codes, draft: Draft, terms: Terms | None = None
) -> str | None:
    """Add what conditions say; the newest label that nobody doubts is that of the patient.

    Returns:
        The first day that any of the labels names, as precisely as it is written.
    """
    labels: list[tuple[str, str, Resource]] = []
    for one in found:
        for label in _read(one, codes, draft, terms or packaged_terms()):
            labels.append((when(one, *DATES) or "", label, one))
    labels.sort(key=lambda each: each[0])
    if not labels:
        return None
    days = {day for _, _, one in labels for key in DATES if (day := when(one, key))}
    first = min(days, default=None)
    if first and any(_is_cancer_near(one, first, codes) for one in found):
        draft.find(CANCER, True)
    _, label, newest = labels[-1]
    draft.case["label"] = label
    for _, other, one in labels[:-1]:
        if other != label:
            draft.note(
                place(one), f"{named(one.get('code'))}: another label than the newest, not used"
            )
    _onset(newest, draft)
    return first


def _is_cancer_near(one: Resource, first: str, codes: Codes) -> bool:
    """Tell whether a condition is a malignancy that nobody doubts, found near the first day of the label."""
    said = codings(one.get("code"))
    rows = [x for x in codes.of(said) if x.id == CANCER]
    told = when(one, "onsetDateTime", "onsetPeriod")
    if not rows or not told or codes.cancer_years is None:
        return False
    verified, clinical = _status(one)
    sure = verified == "confirmed" and clinical and not codes.doubt(words(one.get("code")))
    if not sure or any(x.code.startswith(codes.conventions.uncounted) for x in said):
        return False
    most = timedelta(days=codes.cancer_years * YEAR)
    cancer, label = PartialDate.parse(told), PartialDate.parse(first)
    return max(cancer.latest - label.earliest, label.latest - cancer.earliest) <= most


def _read(one: Resource, codes: Codes, draft: Draft, terms: Terms) -> list[str]:
    """Add the findings of a condition, and return the labels that it stands for."""
    verified, clinical = _status(one)
    name = named(one.get("code"))
    if verified == "entered-in-error":
        return []
    said = agreeing(one, one.get("code"), codes, terms, draft)
    if said is None:
        return []
    if not said:
        draft.note(place(one), f"{name}: no code that is known here, to be confirmed")
        return []
    for text in misdated(one, DATES):
        draft.note(place(one), f"{name}: {text} is no date that can be, not used")
    labels: list[str] = []
    for row in said:
        if row.kind not in ("label", "finding"):
            draft.note(place(one), f"{name}: recorded, and no finding of a case; to be weighed")
        elif row.relation == "broader":
            draft.note(place(one), f"{name}: says less than {row.gloss}; to be confirmed")
        elif verified == "refuted":
            if row.kind == "finding" and row.relation == "exact":
                draft.find(row.id, False)
            else:
                draft.note(place(one), f"{name}: refuted")
        elif verified in UNSURE or _rules_out(one, verified):
            draft.note(
                place(one), f"{name}: {verified or 'a diagnosis of an encounter'}, to be confirmed"
            )
        elif doubt := codes.doubt(words(one.get("code"))):
            draft.note(place(one), f"{name}: “{doubt}” leaves it open; to be confirmed")
        elif clinical in PAST:
            draft.note(place(one), f"{name}: {clinical}; to be confirmed if it still counts")
        elif not clinical and verified != "confirmed":
            draft.note(place(one), f"{name}: without a status, to be confirmed")
        elif row.kind == "label":
            labels.append(row.id)
        else:
            draft.find(row.id, True)
    return labels


def _status(one: Resource) -> tuple[str, str]:
    """Return how surely and how now a condition is, also by what stands at its code."""
    verified, clinical = code(one.get("verificationStatus")), code(one.get("clinicalStatus"))
    if verified == "entered-in-error":
        return verified, clinical
    concept = one.get("code")
    held = [
        x for part in (one, concept, *listed(concept, "coding")) for x in listed(part, "extension")
    ]
    letters = {
        x["valueCoding"].get("code")
        if isinstance(x.get("valueCoding"), dict)
        else x.get("valueCode")
        for x in held
        if str(x.get("url")).lower().endswith(CERTAINTY)
    }
    told = {CERTAIN[x] for x in map(str, letters) if x in CERTAIN}
    if "resolved" in told:
        told.remove("resolved")
        clinical = "resolved"
    if verified:
        told.add(verified)
    if len(told) < 2:
        return next(iter(told), ""), clinical
    # Two that differ: neither is sure.
    return next((x for x in UNSURE if x in told), UNSURE[0]), clinical


def _rules_out(one: Resource, verified: str) -> bool:
    """Tell whether it may only be what an encounter was to rule out."""
    categories = one.get("category")
    found = categories if isinstance(categories, list) else []
    return verified != "confirmed" and any(code(x) == ENCOUNTER for x in found)


def _onset(one: Resource, draft: Draft) -> None:
    date = when(one, "onsetDateTime", "onsetPeriod")
    age = quantity(one.get("onsetAge"))
    onset: dict[str, object] = {}
    if date:
        onset["date"] = date
    elif age and not age.comparator and set(age.units) & {"a", "yr", "years", "year"}:
        onset["age"] = age.value
    if onset:
        draft.case["onset"] = onset
