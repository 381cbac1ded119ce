"""What a request is told that cannot be answered: problem details after RFC 9457."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from myoresist.document import Problem

MEDIA_TYPE = "application/problem+json"


@dataclass
class Refusal(Exception):
    """A request that is not answered, and why.

    Attributes:
        status: status of the response.
        kind: which kind of problem, the end of its ``type``.
        title: the same in words, whatever the request.
        detail: what to do about this one.
        errors: what is wrong with the case: field, line, and what to write instead.
        headers: further headers of the response.
    """

    status: int
    kind: str
    title: str
    detail: str
    errors: tuple[Problem, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """Return the problem details as JSON."""
        told: dict[str, Any] = {
            "type": f"urn:myoresist:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            told["errors"] = [
                {"field": one.field, "line": one.line, "message": one.message}
                for one in self.errors
            ]
        return json.dumps(told, indent=2, ensure_ascii=False).encode()


def unusable(problems: Iterable[Problem]) -> Refusal:
    """Return the refusal of a case that cannot be used."""
    errors = tuple(problems)
    many = "1 mistake" if len(errors) == 1 else f"{len(errors)} mistakes"
    detail = f"The case has {many}; each error names the field and what to write instead."
    return Refusal(422, "case", "The case cannot be used as it is written", detail, errors)


def no_letter(said: str) -> Refusal:
    """Return the refusal of what is no letter; ``said`` is why, and what to do."""
    return Refusal(422, "letter", "The letter cannot be read", said)


def unreadable(most: int) -> Refusal:
    """Return the refusal of a form that cannot be read, or that has more than ``most`` fields."""
    detail = f"Send it as the page does: UTF-8, at most {most:,} fields."
    return Refusal(400, "form", "The form cannot be read", detail)


def too_large(most: int) -> Refusal:
    """Return the refusal of a request that is larger than ``most`` bytes."""
    detail = f"A request has at most {most / 1e6:g} MB; a case is a few kB."
    return Refusal(413, "size", "The request is too large", detail)


def too_slow(seconds: float) -> Refusal:
    """Return the refusal of what takes longer than it may."""
    detail = f"It was ended after {seconds:g} s. Send less at once, or use the command line."
    return Refusal(503, "time", "The answer took too long", detail)


def busy() -> Refusal:
    """Return the refusal of a request for which there is no room."""
    detail = "More requests wait than can be answered soon; ask again in a few seconds."
    return Refusal(503, "busy", "Too many requests at once", detail, headers={"Retry-After": "5"})


def stranger(detail: str) -> Refusal:
    """Return the refusal of a request that came by a way that it should not."""
    return Refusal(403, "origin", "This request is not from this page", detail)


def failed() -> Refusal:
    """Return what is told where the program is at fault; it says nothing of the request."""
    detail = (
        "The request was not answered, and nothing of it was kept. Please report how to repeat it."
    )
    return Refusal(500, "internal", "An unexpected error", detail)
