"""What a figure without a word says: above the limit beside it, or above one that medicine sets."""

from __future__ import annotations

import re

from myoresist.knowledge.schema import Sourced
from myoresist.letters.labs import Labs
from myoresist.letters.numbers import AMOUNT, number


class FigureRules(Sourced):
    """The figures of ``figures.yaml``."""

    ana_titre: int
    ejection_fraction: float
    cancer_years: int
    old_days: int
    lasting: tuple[str, ...]


_FIGURE = re.compile(
    rf"\s*(?:is|was|of|:|=|level)?\s*(?P<cmp>[<>])?\s?(?P<num>{AMOUNT})"
    rf"(?:\s?-\s?{AMOUNT})?(?:\s?(?P<unit>%|[a-zA-Zµ]+/[a-zA-Z]+))?",
    re.IGNORECASE,
)


class Figures:
    """Judges the figures of one letter."""

    def __init__(self, plain: str, rules: FigureRules, labs: Labs, commas: bool) -> None:
        """Take the letter, the rules, what reads limits, and how decimals are written."""
        self.plain, self.rules, self.labs, self.commas = plain, rules, labs, commas

    def judged(self, how: str, start: int, end: int) -> str | None:
        """Return whether a figure is high, low or normal; ``None`` without a figure or a limit."""
        match = _FIGURE.match(self.plain, start, end)
        value = number(match["num"], self.commas) if match else None
        if match is None or value is None:
            return None
        if how == "ejection_fraction":
            if match["unit"] != "%" or not 5 <= value <= 95:
                return None
            return "normal" if value >= self.rules.ejection_fraction else "low"
        limit, _ = self.labs.limit_at(match.end(), end)
        if limit is None:
            return None
        if match["cmp"] == "<":
            return "normal" if value <= limit else None
        return "high" if value > limit or match["cmp"] == ">" else "normal"
