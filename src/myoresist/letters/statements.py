"""What a letter says, as statements to confirm: each with its words, its answer, and where it would stand in a case."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

READING_VERSION = "1.0"

Kind = Literal[
    "patient", "date", "label", "onset", "finding", "lab", "antibody", "treatment", "measure"
]
Span = tuple[int, int]


class Part(BaseModel):
    """A part of what was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(Part):
    """One statement of a letter about the patient, to be confirmed, changed or refused."""

    kind: Kind = Field(description="What it is about.")
    about: str = Field(description="Finding, test, antibody, drug, measure or field.")
    text: str = Field(description="The statement in words.")
    answer: Literal["yes", "no", "unsure"] = Field(
        description="Whether it is so, of this patient, now."
    )
    stands: bool = Field(
        description="Whether it stands without doubt; only such a statement is written to a case file."
    )
    reason: str | None = Field(None, description="Why it does not stand, or what was assumed.")
    question: str | None = Field(None, description="What to ask the physician about it.")
    where: str = Field(description="Where it would stand in a case file.")
    entry: Any = Field(None, description="What would be written there.")
    spans: tuple[Span, ...] = Field(
        description="Places of its words in the text, as offsets of characters."
    )
    quote: str = Field(description="Its words; … joins two places.")
    contradicts: tuple[int, ...] = Field(
        (), description="Numbers of statements that say otherwise."
    )


class Reading(Part):
    """What was read in a letter."""

    version: str = READING_VERSION
    source: str = Field(description="The name of the letter.")
    text: str = Field(description="The letter, to which the offsets belong.")
    statements: tuple[Statement, ...] = Field(
        description="The statements in the order of the letter, by kind."
    )
    contradictions: tuple[tuple[int, int], ...] = Field(
        description="Pairs of statements that contradict each other."
    )
    not_read: tuple[Span, ...] = Field(
        description="The rest of the letter: places that no statement rests on."
    )

    def standing(self) -> tuple[Statement, ...]:
        """Return the statements that stand without doubt."""
        return tuple(one for one in self.statements if one.stands)
