"""One part that is weaker than another, where a sentence says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.strength_words import Comparison


@dataclass
class Item:
    """A muscle, a grade or another word about strength, from word ``first`` to word ``last``."""

    kind: str
    first: int
    last: int
    part: str = ""
    grade: float = 0.0


def weaker_than(
    sentence: Sentence, items: Sequence[Item], rules: Sequence[Comparison]
) -> Iterator[Found]:
    """Yield that one part is weaker than another, where the sentence says so.

    Args:
        sentence: the sentence.
        items: what it says of strength, in its order.
        rules: which comparisons answer which findings.
    """
    words = sentence.words
    muscles = [one for one in items if one.kind == "muscle"]
    for item in items:
        if item.kind != "weak" or words[item.first].norm != "weaker":
            continue
        after = words[item.last + 1 : item.last + 3]
        if not any(word.norm == "than" for word in after):
            continue
        before = [one for one in muscles if one.last < item.first]
        behind = [one for one in muscles if one.first > item.last]
        for rule in rules if before and behind else ():
            if rule.weaker == before[-1].part and rule.than == behind[0].part:
                places = ((before[-1].first, behind[0].last),)
                yield from (Found(x, True, None, places, sentence) for x in rule.yes)
