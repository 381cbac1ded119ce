"""Which examination each sentence of a letter speaks of."""

from __future__ import annotations

from collections.abc import Sequence

from myoresist.letters.layout import Sentence
from myoresist.letters.phrases import Hit
from myoresist.letters.things import SceneMark

_TITLE = 6
"""Sentences at the head of a letter in which its kind is named."""


def scenes(sentences: Sequence[Sentence], hits: Sequence[Sequence[Hit]]) -> list[list[str | None]]:
    """Return the scene at each word of each sentence.

    Args:
        sentences: the sentences of the letter.
        hits: the phrases found in each.
    """
    marks = [_marks(found) for found in hits]
    whole = of_letter(hits)
    found: list[list[str | None]] = []
    now, paragraph = whole, -1
    for sentence, own in zip(sentences, marks, strict=True):
        if sentence.paragraph != paragraph or sentence.item:
            now, paragraph = whole, sentence.paragraph
        if sentence.section in _OTHER_SECTIONS:
            now = "other"
        line: list[str | None] = []
        outside: list[str | None] = []
        for n, word in enumerate(sentence.words):
            if word.text == "(":
                outside.append(now)
            for hit in own:
                if hit.first == n:
                    now = hit.of.scene
            line.append(now)
            if word.text == ")" and outside:
                # "Inclusion body myositis (biopsy 2021). Quadriceps 3": what a bracket names ends with it.
                now = outside.pop()
        # A scene named at the end of a sentence holds for its beginning too: "Type 2 atrophy on biopsy".
        if own and own[0].first > 0:
            line[: own[0].first] = [own[0].of.scene] * own[0].first
        found.append(line)
    return found


_OTHER_SECTIONS = frozenset(("details", "exam", "medication", "family", "ros"))


def _marks(hits: Sequence[Hit]) -> list[Hit]:
    found = [hit for hit in hits if isinstance(hit.of, SceneMark)]
    kept = [
        hit
        for hit in found
        if not any(
            o.first <= hit.first and hit.last <= o.last and o.length > hit.length for o in found
        )
    ]
    return sorted(kept, key=lambda hit: hit.first)


def of_letter(hits: Sequence[Sequence[Hit]]) -> str | None:
    """Return the scene of a report that is about one examination.

    Args:
        hits: the phrases found in each sentence.
    """
    marks = [_marks(found) for found in hits]
    head = [hit.of.scene for own in marks[:_TITLE] for hit in own if hit.of.scene != "other"]
    scene: str
    for scene in dict.fromkeys(head):
        said = sum(hit.of.scene == scene for own in marks for hit in own)
        rest = sum(hit.of.scene not in (scene, "other") for own in marks for hit in own)
        if said >= 3 and said > 2 * rest:
            return scene
    return None
