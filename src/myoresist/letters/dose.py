"""A dose as letters write it, and its unit as the case file does."""

from __future__ import annotations

import re

from myoresist.letters.numbers import AMOUNT

DOSE = re.compile(
    rf"(?:(?P<times>\d)\s?[x×]\s?)?(?<![\d.,/])(?P<num>{AMOUNT})\s?(?P<unit>mg|g|µg|mcg|"
    r"micrograms?|grams?|units?|IU)(?P<per>\s?/\s?(?:kg|m2|m²))?"
    r"(?P<time>\s?/\s?(?:day|d|week|wk|w|month)\b|\s?/\s?kg\s?/\s?(?:day|d)\b)?(?![A-Za-z/])",
    re.IGNORECASE,
)
NEVER_A_DOSE = re.compile(r"\s*(?:/\s?(?:d?L|m?L|ml|l)\b|%)", re.IGNORECASE)
"""Behind a figure, these tell that it is of a laboratory."""

BEFORE_DOSE = frozenset((
    "at", "to", "of", "dose", "started", "on", "was", "is", "were", "currently", "now", "then",
    "down", "back", "up", "from", "increased", "reduced", "raised", "lowered", "again", "with",
    "in", "tablets", "tablet", "initially", "began", "restarted", "s", "c", "iv", "po", "i", "v",
    "sc", "oral", "orally", "pulses", "pulse", "daily", "the", "a", "took", "takes", "taken",
    "taking", "only", "still", "by", "and", "given", "for", "since", "until", "days", "months",
    "weeks", "around", "about", "approximately", "today", "od", "bd", "weekly", "m", "infusion",
    "infusions", "starting", "commenced", "maintained", "subcutaneously", "intravenously",
    "mofetil", "gave", "have", "has", "sodium", "therapy", "begin", "end", "last", "level",
    "monthly", "fortnightly", "every", "month", "admission", "discharge", "present", "entry",
    "time", "moment", "visit", "ongoing", "continuing", "current",
))  # fmt: skip
"""Words that may stand between a drug and its dose."""


def unit_of(match: re.Match[str]) -> str:
    """Return the unit of a dose as the case file writes it."""
    unit = {
        "mcg": "µg",
        "microgram": "µg",
        "micrograms": "µg",
        "gram": "g",
        "grams": "g",
        "iu": "units",
        "unit": "units",
    }.get(match["unit"].lower(), match["unit"].lower())
    body = re.sub(r"[\s]", "", match["per"] or "").lower().replace("²", "2")
    time = re.sub(r"[\s]", "", match["time"] or "").lower()
    if time.startswith("/kg"):
        body, time = "/kg", time[3:]
    time = {"/d": "/day", "/wk": "/week", "/w": "/week"}.get(time, time)
    return unit + body + time
