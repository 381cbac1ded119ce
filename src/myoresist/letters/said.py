"""How something in a sentence is meant, and which words say so."""

from __future__ import annotations

from dataclasses import dataclass

from myoresist.letters.cues import Meaning


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue in a sentence and the words that it governs."""

    means: Meaning
    first: int
    last: int
    governs: range


@dataclass(frozen=True)
class Said:
    """How something is meant."""

    means: frozenset[Meaning]
    cues: tuple[Cue, ...] = ()

    def __contains__(self, meaning: object) -> bool:
        return meaning in self.means
