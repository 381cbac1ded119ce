"""Rows whose columns are parted by spaces or bars, outside of what is read as a table of values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from myoresist.letters.tokens import Token


def between_days(plain: str) -> re.Pattern[str]:
    """Return what parts the first day of a course from its last one: a dash, or a column below a heading."""
    if _HEAD.search(plain):
        return _BARS
    return _GAP if _HEAD_OF_GAPS.search(plain) else _DASH


def last_cell(words: Sequence[Token], places: range) -> range:
    """Return the part of some words that stands in the last cell of a row with columns."""
    gaps = [n for n in places if n and apart(words, n)]
    return range(gaps[-1], places.stop) if len(gaps) > 1 else places


def apart(words: Sequence[Token], n: int) -> bool:
    """Tell whether a word stands in another column than the one before it."""
    return words[n].start - words[n - 1].end >= _SPACES


_SPACES = 3
"""Spaces that part the columns of a row."""
_DASH = re.compile(r"\s*(?:-|to|until|till)\s*")
_BARS = re.compile(r"\s*(?:-|to|until|till|\|)\s*")
_GAP = re.compile(r"\s*(?:-|to|until|till)\s*|\s{2,}")
_HEAD_OF_GAPS = re.compile(
    r"^[^\n]*\s{2,}(?:start|from|begin|begun|started)\s{2,}(?:stop|end|to|until|stopped|ended)(?:\s{2,}|\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_HEAD = re.compile(
    r"^[^\n]*\|\s*(?:start|from|begin|begun|started)\s*\|\s*(?:stop|end|to|until|stopped|ended)\s*(?:\||$)",
    re.IGNORECASE | re.MULTILINE,
)
