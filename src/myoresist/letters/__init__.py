"""A clinic letter becomes statements to confirm. Nothing is sent anywhere, and nothing is learned."""

from __future__ import annotations

from myoresist.letters.reading import gathered
from myoresist.letters.sound import sound
from myoresist.letters.statements import Answer, Kind, Letter, LetterError, Span, Statement
from myoresist.letters.words import words_of
from myoresist.letters.writer import letter
from myoresist.library import Knowledge

__all__ = [
    "MOST_CHARACTERS", "Answer", "Kind", "Letter", "LetterError", "Span", "Statement", "read",
]  # fmt: skip

MOST_CHARACTERS = 60_000
"""Characters that a letter may have, about twenty pages, so that time and memory are bounded."""


def read(text: str, knowledge: Knowledge | None = None, source: str = "letter") -> Letter:
    """Read a letter in English.

    Args:
        text: the letter; line ends of any kind.
        knowledge: the words of which findings it is read for; the packaged one when left out.
        source: what the letter is called; it becomes the name of the patient in a case file.

    Raises:
        LetterError: where it holds no words, is in another language, or is too long to be one letter.
    """
    if len(text) > MOST_CHARACTERS:
        raise LetterError(
            f"{source}: has {len(text):,} characters; a letter may have {MOST_CHARACTERS:,}: "
            "read its parts one by one"
        )
    if not any(sign.isalnum() for sign in text):
        raise LetterError(f"{source}: holds no words")
    words = words_of(knowledge or Knowledge.load())
    if language := words.languages.other(text):
        raise LetterError(f"{source}: looks like {language}; only English is read")
    found = letter(gathered(text, words), words, source)
    return sound(found, words.terms, words.questions["impossible"])
