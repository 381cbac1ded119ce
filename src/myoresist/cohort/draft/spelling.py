"""Words without what is written in different ways: case, blanks, accents, signs."""

from __future__ import annotations

import re
import unicodedata


def snake(header: str) -> str:
    """Return a header in small letters with lines between its words."""
    parts = unicodedata.normalize("NFKD", header.replace("ß", "ss").lower())
    text = "".join(x for x in parts if not unicodedata.combining(x))
    return re.sub(r"[\W_]+", "_", text).strip("_")


def plain(header: str) -> str:
    """Return a header without case, blanks and signs."""
    return snake(header).replace("_", "")
