"""What a letter says, as statements to confirm: each with its words, its answer, its place in a case."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from myoresist.letters.casefile import case_data, case_text

LETTER_VERSION = "1.0"

Kind = Literal[
    "patient", "date", "label", "onset", "finding", "lab", "antibody", "treatment", "measure"
]
Answer = Literal["yes", "no", "unsure"]
Span = tuple[int, int]


class LetterError(ValueError):
    """A letter that cannot be read; the message says why and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(_Part):
    """One statement of a letter about the patient, to be confirmed, changed or refused.

    It counts only where ``stands`` is true or the physician confirms it. To change an answer, put
    ``if_yes`` or ``if_no`` in the place of ``entry``; ``confirmed`` does so.
    """

    number: int = Field(description="Its number in the letter, from 0.")
    kind: Kind = Field(description="What it is about.")
    about: str = Field(
        description="Id of the finding, test, antibody or drug, or the field of the case file."
    )
    text: str = Field(description="The statement in words.")
    answer: Answer = Field(description="Whether it is so, of this patient, now.")
    stands: bool = Field(
        description="Whether the letter leaves no doubt about it; only then it goes into a case unasked."
    )
    reason: str | None = Field(
        None, description="Why it does not stand, or what was assumed; a key of questions.yaml."
    )
    question: str | None = Field(None, description="What to ask the physician about it.")
    where: str = Field(
        description="Where it goes in a case file, such as findings.dysphagia, biopsies[muscle] or labs."
    )
    entry: Any = Field(
        None, description="What its answer writes there; null where it is unsure or writes nothing."
    )
    if_yes: Any = Field(None, description="What would be written there if it is so.")
    if_no: Any = Field(
        None, description="What would be written there if it is not so; null for nothing."
    )
    spans: tuple[Span, ...] = Field(
        description="Start and end of its words in the text, as offsets of characters (code points)."
    )
    quote: str = Field(description="Its words, spaces and line ends as one space; … joins places.")
    contradicts: tuple[int, ...] = Field(
        (), description="Numbers of the statements that say otherwise."
    )

    def confirmed(self, so: bool = True) -> Statement:
        """Return the statement as the physician answered it: it then stands, without a question."""
        return self.model_copy(
            update={
                "answer": "yes" if so else "no",
                "stands": True,
                "reason": None,
                "question": None,
                "contradicts": (),
                "entry": self.if_yes if so else self.if_no,
            }
        )


class Letter(_Part):
    """What was read in a letter."""

    version: str = Field(LETTER_VERSION, description="Version of this form.")
    source: str = Field(description="The name of the letter.")
    text: str = Field(description="The letter, to which all offsets belong.")
    statements: tuple[Statement, ...] = Field(
        description="Patient, findings, values, antibodies, treatments and measures, in this order."
    )
    contradictions: tuple[tuple[int, int], ...] = Field(
        description="Numbers of pairs of statements that say otherwise of each other."
    )
    not_read: tuple[Span, ...] = Field(
        description="The rest of the letter: places that no statement rests on."
    )

    @property
    def standing(self) -> tuple[Statement, ...]:
        """Return the statements that stand without doubt."""
        return tuple(one for one in self.statements if one.stands)

    @property
    def open(self) -> tuple[Statement, ...]:
        """Return the statements that the physician has to settle before they count."""
        return tuple(one for one in self.statements if not one.stands)

    def case(self, confirmed: Collection[Statement] | None = None) -> dict[str, Any]:
        """Return a case as data.

        Args:
            confirmed: the statements that count; those that stand without doubt when left out.
        """
        return case_data(self.standing if confirmed is None else confirmed, self.source)

    def yaml(self, confirmed: Collection[Statement] | None = None) -> str:
        """Return a case file in YAML; see ``case``."""
        return case_text(self.case(confirmed), self.source)
