"""Text that any terminal can show: no control characters, and a spelling for signs that it lacks."""

from __future__ import annotations

import codecs
import unicodedata

SPELT = "myoresist.spelt"
"""The name of the error handler that spells signs out, for ``reconfigure(errors=SPELT)``."""

# Met, not met and unknown have to stay three different signs, whatever the terminal can show.
_SPELLINGS = {
    "✓": "+", "✗": "x", "–": "-", "−": "-", "·": "*", "→": "->", "←": "<-", "×": "x", "÷": "/", "≥": ">=",
    "≤": "<=", "µ": "u", "μ": "u", "α": "alpha", "β": "beta", "γ": "gamma", "’": "'", "…": "...",
    "█": "#", "░": ".", "─": "-", "▲": "^", "●": "@",
    "○": "o", "ł": "l", "ø": "o", "ß": "ss", "æ": "ae",
}  # fmt: skip


def printable(text: str) -> str:
    """Return text in one line without control characters, so that a case cannot write to the terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)


def spelt(text: str) -> str:
    """Return text in ASCII: known signs spelt out, letters without their accents, the rest as ``#``."""
    return "".join(_spelt(sign) for sign in text)


def _spelt(sign: str) -> str:
    if sign in _SPELLINGS:
        return _SPELLINGS[sign]
    letters = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode("ascii")
    # A question mark would read as "unknown".
    return letters or "#"


def _handle(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return spelt(error.object[error.start : error.end]), error.end


codecs.register_error(SPELT, _handle)
