"""One answer to a finding that a sentence gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from myoresist.letters.layout import Sentence

Places = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Found:
    """One answer to a finding that a sentence gives.

    Attributes:
        finding: the finding.
        value: whether it is so; ``None`` when the sentence leaves it open.
        why: what leaves it open or keeps it out: doubt, supposed, over, other, weak, planned.
        words: first and last word of each place that says so.
        sentence: the sentence.
        scene: the examination that is spoken of.
    """

    finding: str
    value: bool | None
    why: str | None
    words: Places
    sentence: Sentence = field(compare=False)
    scene: str | None = None
