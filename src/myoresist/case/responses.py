"""What a course did, in words: to the disease as a whole, or to each organ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Protocol, get_args

from pydantic import BeforeValidator

Response = Literal["worse", "none", "partial", "good", "complete", "good, then lost", "unknown"]
Reason = Literal[
    "no effect", "relapse", "side effect", "remission", "wish for pregnancy", "access", "other", "unknown"
]  # fmt: skip
Organ = Literal["muscle", "skin", "lung", "swallowing", "heart", "joints", "CK"]

ORGANS = get_args(Organ)
FAILED = ("worse", "none")
HELPED = ("partial", "good", "complete")
WELL = ("good", "complete")
_LOST = "good, then lost"


def _spelt(value: object) -> object:
    """Return a word with the comma that people leave out."""
    if not isinstance(value, str):
        return value
    word = " ".join(value.lower().split())
    return _LOST if word == "good then lost" else word


Responded = Annotated[Response, BeforeValidator(_spelt)]


class Judged(Protocol):
    """A course with what it did, whichever door it came through."""

    @property
    def response(self) -> str | None:
        """Return what it did to the disease."""

    @property
    def response_by_organ(self) -> Mapping[Organ, str]:
        """Return what it did to each organ."""


def overall(course: Judged) -> str | None:
    """Return what a course did to the myositis: as it is said, or as follows from the organs.

    Without a word on muscle the whole stays open: what the skin did need not be what the disease did. A blood
    test is no organ.
    """
    if course.response is not None:
        return course.response
    organs = {x: y for x, y in course.response_by_organ.items() if x != "CK" and y != "unknown"}
    if "muscle" not in organs:
        return None
    words = set(organs.values())
    if len(words) == 1:
        return words.pop()
    if words <= set(FAILED):
        return "none"
    if words <= set(WELL):
        return "good"
    return _LOST if _LOST in words and not words & set(HELPED[:1]) else "partial"


def of_organs(courses: Sequence[Judged]) -> Iterator[tuple[str, int]]:
    """Yield findings that courses tell by what they did to each organ, each with the course that tells it.

    What a later word on the same organ may have changed is not told.
    """
    for place, course in enumerate(courses):
        told = course.response_by_organ
        muscle, enzymes = told.get("muscle"), told.get("CK")
        others = [organ for organ, word in told.items() if word in FAILED and organ != "CK"]
        if muscle in WELL and any(not _ever(courses, x, WELL) for x in others):
            yield "course_organ_discordant", place
        if muscle in FAILED and enzymes in HELPED and not _ever(courses, "muscle", HELPED):
            yield "course_ck_fell_strength_did_not", place
        if muscle in HELPED and enzymes in FAILED and not _ever(courses, "CK", HELPED):
            yield "course_strength_improved_ck_did_not", place


def _ever(courses: Sequence[Judged], organ: Organ, words: Sequence[str]) -> bool:
    """Tell whether any course is said to have done one of some things to an organ."""
    return any(one.response_by_organ.get(organ) in words for one in courses)
