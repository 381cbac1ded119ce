"""Numbers as letters write them: points, commas or spaces for thousands, points or commas for decimals."""

from __future__ import annotations

import re

# "1 ,050" is what a scanner makes of 1,050.
AMOUNT = r"\d{1,3}(?:(?: |,| ,|\.|')\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
"""Numbers in words."""
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])\d{1,3},\d{1,2}(?![\d,])(?!\s*,\s*\d)")
_DECIMAL_POINT = re.compile(r"(?<![\d.,/])\d{1,3}\.\d{1,2}(?![\d.])")
_GROUPED = re.compile(r"\d{1,3}(?:(?: |,| ,|\.|')\d{3})+")


def decimal_commas(text: str) -> bool:
    """Tell whether a letter writes decimals with commas."""
    return len(_DECIMAL_COMMA.findall(text)) > len(_DECIMAL_POINT.findall(text))


def number(text: str, commas: bool) -> float | None:
    """Return what a written number means.

    Args:
        text: the number, such as ``1,240`` or ``23,4``.
        commas: whether the letter writes decimals with commas.
    """
    plain = text.replace(" ,", ",").strip()
    grouped = _GROUPED.fullmatch(re.sub(r"[.,]\d{1,2}$", "", plain)) is not None
    if grouped:
        head = _GROUPED.match(plain)
        point = "." in plain and "," not in plain and " " not in plain and "'" not in plain
        if head and not (point and not commas):
            whole = re.sub(r"[ ,.']", "", head[0])
            return float(whole + plain[head.end() :].replace(",", "."))
    try:
        return float(plain.replace(" ", "").replace("'", "").replace(",", "."))
    except ValueError:
        return None
