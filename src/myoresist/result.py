"""The base of everything that an assessment holds: plain data that does not change."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from myoresist.document import figure

State = Literal["met", "not_met", "undetermined"]
Value = bool | float | str


class Result(BaseModel):
    """A part of an assessment."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(Protocol):
    """A part that rests on works."""

    def sources(self) -> Iterable[str]:
        """Return the keys of these works."""
        ...


class NoteResult(Result):
    """A remark, limit or disagreement, with its sources."""

    text: str
    cites: tuple[str, ...] = ()

    def sources(self) -> tuple[str, ...]:
        """Return the keys of the works that are cited."""
        return self.cites


def in_words(value: object) -> str:
    """Return a value as a reader reads it."""
    if isinstance(value, bool):
        return "present" if value else "absent"
    return figure(value) if isinstance(value, float) and isfinite(value) else str(value)
