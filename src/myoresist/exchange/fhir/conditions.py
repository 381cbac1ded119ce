"""Conditions: what a problem list says, and how surely."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from myoresist.case.dates import PartialDate
from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.exchange.codes import Code, Codes
from myoresist.exchange.fhir.bundle import Resource, listed, place
from myoresist.exchange.fhir.concepts import agreeing
from myoresist.exchange.fhir.datatypes import (
    Concept,
    code,
    concept,
    misdated,
    named,
    quantity,
    when,
)
from myoresist.exchange.received import Draft

UNSURE = ("unconfirmed", "provisional", "differential")
PAST = ("inactive", "remission", "resolved")
DATES = ("recordedDate", "onsetDateTime", "onsetPeriod")
ENCOUNTER = "encounter-diagnosis"
OLDER = "another label than the newest, not used"
UNORDERED = "another label, which no date makes the older one; to be confirmed which of them counts"
CANCER, YEAR = "cancer_within_3y", 365
UNSPECIFIED = "myositis_unspecified"
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
    terms = terms or packaged_terms()
    for one in found:
        for label in _read(one, codes, draft, terms):
            labels.append((when(one, *DATES) or "", label, one))
    # A label that says no more than myositis counts where there is no other.
    labels = [x for x in labels if x[1] != UNSPECIFIED] or labels
    labels.sort(key=lambda each: each[0])
    if not labels:
        return None
    days = {day for _, _, one in labels for key in DATES if (day := when(one, key))}
    first = min(days, default=None)
    if first and any(_is_cancer_near(one, first, codes) for one in found):
        draft.find(CANCER, True)
    last, label, newest = labels[-1]
    draft.case["label"] = label
    for date, other, one in labels[:-1]:
        if other != label:
            why = OLDER if date and date < last else UNORDERED
            draft.note(place(one), f"{named(one.get('code'))}: {why}")
    _onset(newest, draft)
    return first


def _is_cancer_near(one: Resource, first: str, codes: Codes) -> bool:
    """Tell whether a condition is a malignancy that nobody doubts, found near the first day of the label."""
    what = concept(one.get("code"))
    cancer = codes.remembered(
        (CANCER, what), lambda: any(x.id == CANCER for x in codes.of(what.codings))
    )
    if not cancer or codes.cancer_years is None:
        return False
    told = when(one, "onsetDateTime", "onsetPeriod")
    if not told:
        return False
    verified, clinical = _status(one)
    sure = verified == "confirmed" and clinical and not codes.doubt(what.words)
    uncounted = codes.conventions.uncounted
    if not sure or any(x.code.startswith(uncounted) for x in what.codings):
        return False
    most = timedelta(days=codes.cancer_years * YEAR)
    seen, label = PartialDate.parse(told), PartialDate.parse(first)
    return max(seen.latest - label.earliest, label.latest - seen.earliest) <= most


def _read(one: Resource, codes: Codes, draft: Draft, terms: Terms) -> tuple[str, ...]:
    """Add the findings of a condition, and return the labels that it stands for."""
    verified, clinical = _status(one)
    if verified == "entered-in-error":
        return ()
    what = concept(one.get("code"))
    said = agreeing(one, what, codes, terms, draft)
    if said is None:
        return ()
    if not said:
        draft.note(place(one), f"{what.named}: no code that is known here, to be confirmed")
        return ()
    for text in misdated(one, DATES):
        draft.note(place(one), f"{what.named}: {text} is no date that can be, not used")
    unsure = verified in UNSURE or _rules_out(one, verified)
    told = codes.remembered(
        (what, verified, clinical, unsure), lambda: _told(said, what, verified, clinical, unsure, codes)
    )  # fmt: skip
    for text in told.notes:
        draft.note(place(one), text)
    for name, answer in told.findings:
        draft.find(name, answer)
    return told.labels


class _Told(NamedTuple):
    """What a condition says: labels, findings with their answers, and what cannot be used."""

    labels: tuple[str, ...]
    findings: tuple[tuple[str, bool], ...]
    notes: tuple[str, ...]


def _told(
    said: Iterable[Code], what: Concept, verified: str, clinical: str, unsure: bool, codes: Codes
) -> _Told:
    """Return what a condition says.

    Args:
        said: what its codes say.
        what: the concept.
        verified: how surely it is so.
        clinical: whether it still is.
        unsure: whether it may not be so.
        codes: which words leave it open.
    """
    labels: list[str] = []
    findings: list[tuple[str, bool]] = []
    notes: list[str] = []
    for row in said:
        if row.kind not in ("label", "finding"):
            notes.append("recorded, and no finding of a case; to be weighed")
        elif row.relation == "broader":
            notes.append(f"says less than {row.gloss}; to be confirmed")
        elif verified == "refuted":
            if row.kind == "finding" and row.relation == "exact":
                findings.append((row.id, False))
            else:
                notes.append("refuted")
        elif unsure:
            notes.append(f"{verified or 'a diagnosis of an encounter'}, to be confirmed")
        elif doubt := codes.doubt(what.words):
            notes.append(f"“{doubt}” leaves it open; to be confirmed")
        elif clinical in PAST:
            notes.append(f"{clinical}; to be confirmed if it still counts")
        elif not clinical and verified != "confirmed":
            notes.append("without a status, to be confirmed")
        elif row.kind == "label":
            labels.append(row.id)
        else:
            findings.append((row.id, True))
    return _Told(tuple(labels), tuple(findings), tuple(f"{what.named}: {x}" for x in notes))


def _status(one: Resource) -> tuple[str, str]:
    """Return how surely and how now a condition is, also by what stands at its code."""
    verified, clinical = code(one.get("verificationStatus")), code(one.get("clinicalStatus"))
    # R5 asks for a status, and has a word for none.
    clinical = "" if clinical == "unknown" else clinical
    if verified == "entered-in-error":
        return verified, clinical
    concept = one.get("code")
    held = [
        x for part in (one, concept, *listed(concept, "coding")) for x in listed(part, "extension")
    ]
    if not held:
        return verified, clinical
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
