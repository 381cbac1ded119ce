"""The text of a letter as it is read: words mended that a line end or a scanner broke, with the way back."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Signs that typewriters, word processors and scanners write in several ways; one sign for one.
_SIGNS = str.maketrans(
    {
        # Quotation marks and accents, dashes and the minus sign, spaces, ends of line.
        **dict.fromkeys("\u2018\u2019\u201a`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        **dict.fromkeys("\u2010\u2011\u2013\u2014\u2212\u2022\u2023\u25aa", "-"),
        **dict.fromkeys("\u00a0\u2009\u202f\t\r", " "),
        **dict.fromkeys("\f\v\x85\u2028\u2029", "\n"),
        **dict.fromkeys("\u2044\u2215", "/"),
        "\u03bc": "µ",
        "·": ".",
    }
)

_KEEPS_HYPHEN = frozenset(["well", "non", "self", "follow", "long", "half"])
_BROKEN = re.compile(r"([A-Za-z]{2,})-[ ]*\n[ ]*(?=[a-z])")
_BROKEN_CAPITAL = re.compile(r"[A-Za-z]-([ ]*\n[ ]*)(?=[A-Z0-9])")
_WORD = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9OoIl]*[0-9][0-9OoIl]*")
_AMOUNT = re.compile(r"([IlO0-9]{2,})(mg|g|mcg|ml|iu|u)", re.IGNORECASE)
_LITRES = re.compile(r"[0-9]+l")
_CAPITALS = re.compile(r"[A-Z0l]*[A-Z][A-Z0l]*")
_IMPOSSIBLE_START = re.compile(r"l[bcdfgmnpqrstvwxz][a-z]+")


@dataclass(frozen=True)
class Text:
    """A letter as it was written, as it is read, and where each sign of the second stands in the first."""

    raw: str
    plain: str
    back: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the written letter of ``plain[start:end]``, without space around it."""
        while start < end and self.plain[start].isspace():
            start += 1
        while end > start and self.plain[end - 1].isspace():
            end -= 1
        if start >= end:
            at = self.back[start] if start < len(self.back) else len(self.raw)
            return at, at
        return self.back[start], self.back[end - 1] + 1


def prepared(raw: str) -> Text:
    """Mend what a line end or a scanner broke; every sign keeps its place in ``raw``."""
    signs = list(raw.translate(_SIGNS))
    back = list(range(len(signs)))
    _join(signs, back)
    plain = "".join(signs)
    for match in _WORD.finditer(plain):
        word = match[0]
        mended = _mended(word)
        if mended != word:
            signs[match.start() : match.end()] = mended
    plain = re.sub(r"(?<=\bJo-)l\b", "1", "".join(signs))
    return Text(raw, plain, tuple(back))


def _join(signs: list[str], back: list[int]) -> None:
    """Put the two halves of a word that a line end parts together again."""
    plain = "".join(signs)
    cuts: list[tuple[int, int]] = []
    for match in _BROKEN.finditer(plain):
        hyphen = match.end(1)
        keeps = match[1].lower() in _KEEPS_HYPHEN
        cuts.append((hyphen + keeps, match.end()))
    cuts += [match.span(1) for match in _BROKEN_CAPITAL.finditer(plain)]
    for start, end in sorted(cuts, reverse=True):
        del signs[start:end]
        del back[start:end]


def _mended(word: str) -> str:
    """Return a word in which a scanner may have taken O for 0, or l for 1 or I."""
    if word.isdigit() or (word.isalpha() and word.islower() and word[0] != "l"):
        return word
    if amount := _AMOUNT.fullmatch(word):
        return _as_digits(amount[1]) + amount[2]
    if _DIGITS.fullmatch(word) and not _LITRES.fullmatch(word):
        return _as_digits(word)
    if len(word) > 1 and _CAPITALS.fullmatch(word):
        # RHEUMAT0LOGY, NSlP, lU; but not a plural (MRls) or a figure.
        return word.replace("l", "I").replace("0", "O") if len(word) > 1 else word
    if _IMPOSSIBLE_START.fullmatch(word):
        return "I" + word[1:]
    mended = re.sub(r"(?<=[a-z])[I1](?=[a-z])", "l", word)
    return re.sub(r"(?<=[a-z]{4})[I1]$", "l", mended)


def _as_digits(word: str) -> str:
    return word.translate(str.maketrans("OoIl", "0011"))
