"""Whether a text is in English, which is what the reader of letters reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from myoresist.knowledge.schema import Entry

_WORDS = re.compile(r"[^\W\d_]+")
_LAST_LATIN = "\u024f"
ENOUGH = 2
"""Words of another language that tell it where none denies."""


class Small(Entry):
    """Small words of a language: those that deny, and others."""

    denies: tuple[str, ...]
    says: tuple[str, ...]


class Languages(Entry):
    """The small words of languages (``letters/languages.yaml``)."""

    check: str
    english: tuple[str, ...]
    others: Mapping[str, Small]

    def other(self, text: str) -> str | None:
        """Return the language of a text that is not in English; ``None`` for others."""
        letters = [x for x in text if x.isalpha()]
        if sum(x > _LAST_LATIN for x in letters) * 2 > len(letters):
            return "a language of another script"
        plain = f" {' '.join(_WORDS.findall(text.lower()))} "
        own = _held(self.english, plain)
        best, most, sure = None, 0, False
        for name, small in self.others.items():
            denies, says = _held(small.denies, plain), _held(small.says, plain)
            if denies + says > most:
                best, most = name, denies + says
                sure = denies > 0 or says >= ENOUGH
        return best if sure and most > own else None


def _held(words: tuple[str, ...], plain: str) -> int:
    return sum(f" {x} " in plain for x in words)
