"""What a record system asks and tells by CDS Hooks, as far as it is read; the rest is left alone."""

from __future__ import annotations

import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from myoresist.service.problems import Refusal

Hook = Literal["patient-view", "order-select", "order-sign"]
ID = r"^[A-Za-z0-9\-.]{1,64}$"
"""An id of FHIR; it becomes part of an address."""
MOST_FEEDBACK = 50


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Context(_Read):
    """Whom it is about; what is being ordered."""

    patientId: str = Field(pattern=ID)
    draftOrders: dict[str, Any] | None = None
    selections: tuple[str, ...] = Field((), max_length=200)


class Authorization(_Read):
    """With what the record system may be asked."""

    access_token: str = Field(min_length=1, max_length=8000, repr=False, pattern=r"^[!-~]+$")
    token_type: Literal["Bearer", "bearer"] = "Bearer"


class Call(_Read):
    """One call of a service."""

    hook: Hook
    hookInstance: str = Field(min_length=1, max_length=200)
    context: Context
    prefetch: dict[str, Any] | None = None
    fhirServer: str | None = Field(None, max_length=500)
    fhirAuthorization: Authorization | None = None


class Reason(_Read):
    """Why a card was not followed. What a user writes may tell of a patient, and is not read."""

    class Coding(_Read):
        """The reason that was chosen."""

        code: str = Field(max_length=200)

    reason: Coding | None = None


class Outcome(_Read):
    """What became of one card."""

    card: str = Field(max_length=200)
    outcome: Literal["accepted", "overridden"]
    overrideReason: Reason | None = None


class Feedback(_Read):
    """What became of cards."""

    feedback: tuple[Outcome, ...] = Field(min_length=1, max_length=MOST_FEEDBACK)


Model = TypeVar("Model", bound=_Read)


def read(model: type[Model], body: bytes) -> Model:
    """Read the body of a request.

    Raises:
        Refusal: 400, with the names of the fields that are wrong and nothing of what stands in them.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise misasked("The body is not JSON in UTF-8.") from error
    try:
        return model.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise misasked(_wrong(error)) from error


def _wrong(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "It is nested too deeply."
    named = {
        ".".join("…" if isinstance(x, int) else x for x in one["loc"])
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    }
    return "Missing or wrong: " + ", ".join(sorted(x or "the whole" for x in named)) + "."


def misasked(detail: str) -> Refusal:
    """Return the refusal of a request that is not written as CDS Hooks asks; it quotes nothing."""
    return Refusal(400, "hook", "The request is not one of CDS Hooks 2.0", detail)


def unmet(detail: str) -> Refusal:
    """Return the refusal of a call for which something needed is missing."""
    return Refusal(412, "record", "What is needed of the record is missing", detail)
