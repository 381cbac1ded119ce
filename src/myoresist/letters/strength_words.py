"""The words about strength, as ``strength.yaml`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from myoresist.knowledge.schema import Entry
from myoresist.letters.phrases import Phrases

PRECISE = (
    "proximal", "distal", "neck_flexion", "neck_extension", "finger_flexion", "knee_extension",
)  # fmt: skip
"""Parts that whoever complains of weakness does not name so."""


def precise(part: str) -> bool:
    """Tell whether a part is named as a physician names it."""
    return part in PRECISE


class Muscle(Entry):
    """A muscle, movement or region by its names."""

    part: str
    say: tuple[str, ...]


class PartAnswers(Entry):
    """What the strength of a part says."""

    weak: tuple[str, ...] = ()
    one_side: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    strong_yes: tuple[str, ...] = ()
    grade_4: tuple[str, ...] = ()


class Comparison(Entry):
    """A part that is weaker than another."""

    weaker: str
    than: str
    yes: tuple[str, ...]


class StrengthWords(Entry):
    """The words of ``strength.yaml``."""

    muscles: tuple[Muscle, ...]
    parts: Mapping[str, PartAnswers]
    weak: tuple[str, ...]
    strong: tuple[str, ...]
    power: tuple[str, ...]
    symmetric: tuple[str, ...]
    asymmetric: tuple[str, ...]
    both: tuple[str, ...]
    complaints: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    def grow(self, phrases: Phrases) -> None:
        """Add the words to the tree of phrases."""
        for muscle in self.muscles:
            for phrase in muscle.say:
                phrases.add(phrase, MuscleMark(muscle.part))
        for kind in ("weak", "strong", "power", "symmetric", "asymmetric", "both", "complaints"):
            for phrase in getattr(self, kind):
                phrases.add(phrase, StrengthMark(kind))


@dataclass(frozen=True, slots=True)
class MuscleMark:
    """A muscle or region in the tree of phrases."""

    part: str


@dataclass(frozen=True, slots=True)
class StrengthMark:
    """A word about strength in the tree of phrases."""

    kind: str
