"""What the consult proposes, as FHIR: drafts with the intent *proposal*, for a person to take up or leave."""

from __future__ import annotations

from typing import Any

from myoresist.consult.schema import Verb

ORDERED: tuple[Verb, ...] = ("test", "repeat")
"""Verbs of page one that an order can follow."""


def service_request(text: str, patient: str, **more: Any) -> dict[str, Any]:
    """Return an investigation that is proposed, in words; ``patient`` is a reference."""
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"text": text.rstrip(".")},
        "subject": {"reference": patient},
        **more,
    }
