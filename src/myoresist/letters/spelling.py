"""Misspelt words of a letter, read as the word of the knowledge that is nearest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from myoresist.letters.statements import LetterError
from myoresist.letters.tokens import Token
from myoresist.letters.words import Words

if TYPE_CHECKING:
    from spellchecker import SpellChecker

_SHORTEST = 7
"""Letters from which a word is long enough to be told when one is wrong."""
_TWO_WRONG = 10
"""Letters from which two may be wrong."""


class Spelling:
    """Finds the words that are meant."""

    def __init__(self, words: Words) -> None:
        """Take what the reader knows."""
        self.known = words.phrases.words
        self.choices = words.long_words
        self.kept = words.not_misspelt

    def fixed(self, words: Sequence[Token]) -> dict[int, str]:
        """Return misspelt words, by their numbers, with the word that is meant."""
        found: dict[int, str] = {}
        for n, word in enumerate(words):
            norm = word.norm
            if (
                len(norm) < _SHORTEST
                or norm in self.known
                or norm in self.kept
                or not norm.isalpha()
            ):
                continue
            meant = _nearest(norm, self.choices)
            if meant is not None:
                found[n] = meant
        return found


@lru_cache(maxsize=20_000)
def _nearest(word: str, choices: tuple[str, ...]) -> str | None:
    """Return the known word that differs by a letter, or by two if it is long, and begins alike."""
    try:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA
    except ImportError as error:
        raise LetterError("a letter needs rapidfuzz: pip install 'myoresist[letters]'") from error
    most = 2 if len(word) >= _TWO_WRONG else 1
    match = process.extractOne(word, choices, scorer=OSA.distance, score_cutoff=most)
    if match is None or match[0][:2] != word[:2]:
        return None
    meant: str = match[0]
    # An ending is grammar, not a mistake.
    if (word.startswith(meant) or meant.startswith(word)) and abs(len(word) - len(meant)) > 1:
        return None
    return None if word in _english() else meant


@lru_cache(maxsize=1)
def _english() -> SpellChecker:
    """Return the ordinary words of English, which are never misspelt: "washing" is no wasting."""
    try:
        from spellchecker import SpellChecker
    except ImportError as error:
        raise LetterError(
            "a letter needs pyspellchecker: pip install 'myoresist[letters]'"
        ) from error
    return SpellChecker(language="en")
