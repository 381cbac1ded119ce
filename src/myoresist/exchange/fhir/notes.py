"""Notes beside a statement: what they say is to be confirmed, and some take the statement back."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import Resource, listed, place
from myoresist.exchange.fhir.observations import VOID
from myoresist.exchange.received import Draft

MEDICINE, OBSERVATION = "Medication", "Observation"
LONGEST = 160
"""Signs of a note that are told."""


def without_undone(found: Iterator[Resource], codes: Codes, draft: Draft) -> Iterator[Resource]:
    """Yield resources without those that a note beside them takes back; every note is told.

    An observation stays as one that is not final, so that what it could have changed is open.

    Args:
        found: resources of one patient.
        codes: which words take what back.
        draft: takes the notes.
    """
    for one in found:
        kind = one["resourceType"]
        said = [
            x
            for part in listed(one, "note")
            if isinstance(x := part.get("text"), str) and x.strip()
        ]
        if not said or one.get("status") in VOID:
            yield one
            continue
        text = " ".join(" ".join(said).split())
        told = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
        undone = codes.undone(MEDICINE if kind.startswith(MEDICINE) else kind, text)
        left = f"; “{undone}” leaves it open" if undone else ""
        draft.note(place(one), f"a note says: “{told}”{left}; to be confirmed")
        if not undone:
            yield one
        elif kind == OBSERVATION:
            yield {**one, "status": "unknown"}
