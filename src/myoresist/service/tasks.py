"""What a process is asked: a request in bytes or text becomes a reply. It reads and writes nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING

from myoresist.service.problems import MEDIA_TYPE, Refusal, unusable

if TYPE_CHECKING:
    from myoresist.case.model import Case

JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
NAME = "-"
"""What a case is called that came from no file, as on the command line."""


@dataclass(frozen=True)
class Reply:
    """What is answered; an empty one where nobody waits for it any more.

    Attributes:
        file: what a browser shall call it when it saves it; it names no patient.
    """

    media: str = TEXT
    body: bytes = b""
    status: int = 200
    file: str | None = None


def begin() -> None:
    """Read the whole knowledge, and answer once, so that the first request does not wait."""
    # One request has one process; its tables are too small to be shared out.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from myoresist.assessment import assess
    from myoresist.case.model import Case
    from myoresist.library import Knowledge

    Knowledge.load(check=True)
    assess(Case.model_validate({"patient": {"id": "1"}}))


def assess_json(text: bytes) -> Reply:
    """Answer a case file as ``myoresist assess --json`` does."""
    from myoresist.assessment import assess

    case = _read(text)
    if isinstance(case, Reply):
        return case
    return Reply(JSON, (assess(case).model_dump_json(indent=2) + "\n").encode())


def validate_json(text: bytes) -> Reply:
    """Answer a case file as ``myoresist validate --json`` does."""
    from myoresist.assessment import doubts
    from myoresist.case.reading import check_case_text
    from myoresist.document import checked

    case, problems = check_case_text(text, NAME)
    return as_json([checked(NAME, problems, doubts(case) if case else ())])


def schema_json(of: str) -> Reply:
    """Answer as ``myoresist schema`` does; ``of`` is case or assessment."""
    return as_json(schemas()[of])


def schemas() -> dict[str, dict[str, object]]:
    """Return the JSON Schema of the case file and of the assessment."""
    from myoresist.assessment import assessment_schema
    from myoresist.case.words import case_schema

    return {"case": case_schema(), "assessment": assessment_schema()}


def as_json(data: object) -> Reply:
    """Return data as the command line prints it for a machine."""
    return Reply(JSON, (dumps(data, indent=2, ensure_ascii=False) + "\n").encode())


def refused(refusal: Refusal) -> Reply:
    """Return a refusal as a reply."""
    return Reply(MEDIA_TYPE, refusal.body, refusal.status)


def _read(text: bytes) -> Case | Reply:
    from myoresist.case.reading import check_case_text

    case, problems = check_case_text(text, NAME)
    return refused(unusable(problems)) if case is None else case
