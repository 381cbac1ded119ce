"""What a process answers to a call of CDS Hooks: a record becomes cards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from myoresist.service.hooks.request import ID, unmet
from myoresist.service.problems import Refusal
from myoresist.service.tasks import JSON, Reply, refused

if TYPE_CHECKING:
    from myoresist.exchange.fhir.bundle import Resource

NOT_LABELLED = ("refuted", "entered-in-error")
RECORD = "record"
UNUSABLE = "The record is not FHIR R4 of one patient."


def cards(
    hook: str,
    record: bytes,
    drafts: bytes,
    selected: tuple[str, ...],
    missing: tuple[str, ...],
    address: str,
    launch: str | None = None,
) -> Reply:
    """Answer a call.

    Args:
        hook: which hook.
        record: a Bundle of the record of one patient.
        drafts: a Bundle of what is being ordered, or nothing.
        selected: references to the orders that were just selected.
        missing: what of the record could not be had, in words.
        address: of this server.
        launch: where the record system can open the page with its patient.
    """
    from myoresist.document import DocumentError
    from myoresist.exchange.fhir.reading import died

    try:
        patient = _concerned(record)
        if patient is None or died(patient):
            return _answer([])
        if hook == "patient-view":
            return _answer(_viewed(record, patient, missing, address), launch)
        found = _ordered(hook, record, patient, json.loads(drafts), selected, missing, address)
        return _answer(found, launch)
    except DocumentError:
        # What it says may quote the record.
        return refused(unmet(UNUSABLE))
    except Refusal as refusal:
        return refused(refusal)


def _answer(found: list[dict[str, Any]], launch: str | None = None) -> Reply:
    if launch:
        own = {"label": "Open with this patient", "url": launch, "type": "smart"}
        found = [{**card, "links": [own, *card["links"]]} for card in found]
    return Reply(JSON, json.dumps({"cards": found}, ensure_ascii=False).encode())


def _concerned(text: bytes) -> Resource | None:
    """Return the patient, if anything of the record speaks of a myositis, confirmed or not."""
    from myoresist.exchange.codes import packaged_codes
    from myoresist.exchange.fhir.bundle import read_record
    from myoresist.exchange.fhir.datatypes import code, codings

    codes, record = packaged_codes(), read_record(text, RECORD)
    told = any(
        one["resourceType"] == "Condition"
        and code(one.get("verificationStatus")) not in NOT_LABELLED
        and any(x.kind == "label" for x in codes.of(codings(one.get("code"))))
        for one in record.resources
    )
    return record.patient if told else None


def _viewed(
    record: bytes, patient: Resource, missing: tuple[str, ...], address: str
) -> list[dict[str, Any]]:
    from myoresist.assessment import page_one
    from myoresist.exchange.fhir import read_fhir
    from myoresist.service.hooks.cards import consult_cards

    found = read_fhir(record, RECORD)
    if found.case.label is None:
        return []
    return consult_cards(page_one(found.case), f"Patient/{patient['id']}", address, missing)


def _ordered(
    hook: str, record: bytes, patient: Resource, drafts: Mapping[str, Any],
    selected: tuple[str, ...], missing: tuple[str, ...], address: str,
) -> list[dict[str, Any]]:  # fmt: skip
    import re

    from myoresist.exchange.fhir import read_fhir
    from myoresist.library import Knowledge
    from myoresist.service.hooks.cards import stop_cards
    from myoresist.service.hooks.stops import orders, stops

    ordered = [
        x for x in orders(drafts, patient, Knowledge.load()) if x.id is None or re.match(ID, x.id)
    ]
    if not ordered:
        return []
    chosen = {one.rpartition("/")[2] for one in selected} if hook == "order-select" else None
    found = stops(read_fhir(record, RECORD), ordered, chosen)
    return stop_cards(found, hook == "order-sign", address, missing)
