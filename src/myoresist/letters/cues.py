"""The words that tell how a statement is meant, as ``cues.yaml`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
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
    speaks: tuple[str, ...]
    company: tuple[str, ...]
    degrees: tuple[str, ...]
    subsides: tuple[str, ...]
    gone: tuple[str, ...]

    def grow(self, phrases: Phrases) -> None:
        """Add every cue to the tree of phrases."""
        for cue in self.cues:
            for phrase in cue.say:
                phrases.add(phrase, CueMark(cue.means, cue.to, cue.reach))
        for phrase in self.breaks:
            phrases.add(phrase, CueMark("neutral", "none", "item", ends=True))
        for phrase in self.relations:
            phrases.add(phrase, RELATION)

    @cached_property
    def single(self) -> Mapping[str, frozenset[str]]:
        """Return the single words of each list, as they are compared."""
        lists = ("subjects", "verbs", "speaks", "company", "degrees")
        found = {
            name: frozenset(normal(one) for one in getattr(self, name) if " " not in one)
            for name in lists
        }
        return found | {"verbs": found["verbs"] | {word.lower() for word in self.verbs}}


@dataclass(frozen=True, slots=True)
class CueMark:
    """What a cue in the tree of phrases stands for."""

    means: Meaning
    to: str
    reach: Reach
    ends: bool = False


RELATION = CueMark("other", "right", "list")
