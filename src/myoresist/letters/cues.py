"""The words that tell how a statement is meant, as ``cues.yaml`` gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from myoresist.knowledge.schema import Entry
from myoresist.letters.phrases import Phrases
from myoresist.letters.tokens import normal

Meaning = Literal["no", "doubt", "if", "over", "other", "undone", "planned", "neutral"]
Reach = Literal["item", "list", "clause", "sentence"]


class CueWords(Entry):
    """Words of one meaning and one reach."""

    means: Meaning
    to: Literal["left", "right", "both", "none"]
    reach: Reach
    say: tuple[str, ...]


class Cues(Entry):
    """The words of ``cues.yaml``."""

    cues: tuple[CueWords, ...]
    breaks: tuple[str, ...]
    subjects: tuple[str, ...]
    verbs: tuple[str, ...]
    relations: tuple[str, ...]
    family_words: tuple[str, ...]
    speaks: tuple[str, ...]
    company: tuple[str, ...]
    degrees: tuple[str, ...]

    def grow(self, phrases: Phrases) -> None:
        """Add every cue to the tree of phrases."""
        for cue in self.cues:
            for phrase in cue.say:
                phrases.add(phrase, CueMark(cue.means, cue.to, cue.reach))
        for phrase in self.breaks:
            phrases.add(phrase, CueMark("neutral", "none", "item", ends=True))
        for phrase in self.relations:
            phrases.add(phrase, RELATION)

    def words(self, name: str) -> frozenset[str]:
        """Return single words of one of the lists, as they are compared."""
        return frozenset(normal(phrase) for phrase in getattr(self, name) if " " not in phrase)


@dataclass(frozen=True, slots=True)
class CueMark:
    """What a cue in the tree of phrases stands for."""

    means: Meaning
    to: str
    reach: Reach
    ends: bool = False


RELATION = CueMark("other", "right", "list")
