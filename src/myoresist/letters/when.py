"""Of which day a value is that stands without a date: of today, of an earlier time, or of a change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from myoresist.case.dates import PartialDate
from myoresist.letters.dates import DateHit, DateReader

_PAST = frozenset((
    "peak", "peaked", "highest", "maximum", "max", "initial", "initially", "presentation",
    "admission", "first", "found", "then", "time", "previously", "previou", "prev", "earlier",
    "nadir", "lowest", "best", "worst", "diagnosis", "onset", "baseline", "start", "fell", "dropped",
    "before",
))  # fmt: skip
_TODAY = frozenset(("today", "now", "currently", "current", "latest"))
_PAST_AFTER = re.compile(
    r"\s*[(,]?\s*(?:(?:at|on|before|prior to|from|since)\s(?:the\s|his\s|her\s)?(?:time of\s)?"
    r"(?:first\s|initial\s)?(?:diagnosis|presentation|onset|baseline|admission|start|relapse|"
    r"transfer|referral|outset|peak)"
    r"|initially|previously|originally|last (?:year|month|week|time|visit)|(?:a|one|two|three|four|six|\d+)\s"
    r"(?:days?|weeks?|months?|years?) (?:ago|earlier|before))\b",
    re.IGNORECASE,
)
_SINCE = re.compile(r"\b(?:since|until|till)\s(?:\w+\s)?$", re.IGNORECASE)
_ARROW = re.compile(r"(?:->|→|>{1,2}|⟶)\s*$")
_FROM = re.compile(r"\bfrom\s*(?:about\s|around\s|a peak of\s)?$", re.IGNORECASE)
_UP_TO = re.compile(r"\b(?:to|down to|up to)\s*(?:about\s|around\s)?$", re.IGNORECASE)
_TODAY_AFTER = re.compile(
    r"\s*[(,]?\s*(?:today|now|currently|at present|this week)\b(?!\s*(?:[a-z]+\s){0,2}[\d<>~])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class When:
    """Tells the day of values in one letter.

    Attributes:
        plain: the text of the letter.
        dates: how its dates are read.
    """

    plain: str
    dates: DateReader

    def today(self, at: int, stop: int) -> int | None:
        """Return where "today" or "now" ends that stands behind a value; ``None`` where it does not."""
        match = _TODAY_AFTER.match(self.plain, at, stop)
        return match.end() if match else None

    def earlier(self, at: int, stop: int) -> int | None:
        """Return where "at diagnosis" or "three months ago" ends behind a value."""
        match = _PAST_AFTER.match(self.plain, at, stop)
        return match.end() if match else None

    def since(self, hit: DateHit) -> bool:
        """Tell whether a date begins or ends a span, and is not the day of what follows."""
        return _SINCE.search(self.plain[max(0, hit.start - 16) : hit.start]) is not None

    def of_then(self, begin: int, dated: Sequence[DateHit]) -> bool:
        """Tell whether a clause tells of an earlier day: "diagnosed in 2022 on the basis of CK 890".

        Args:
            begin: where the value is looked for.
            dated: the dates of its sentence.
        """
        before = [hit for hit in dated if hit.end <= begin]
        if not before or not self.dates.today:
            return False
        hit = before[-1]
        if re.match(r"\s*when\b", self.plain[hit.end : begin], re.IGNORECASE):
            # "Polymyositis since 2009, when CK was 1,400"
            return hit.date.latest < self.dates.today.earliest
        if re.search(r"[,;:]", self.plain[hit.end : begin]):
            return False
        return not self.since(hit) and hit.date.latest < self.dates.today.earliest

    def undated(self, words: Sequence[str], first: bool, end: int) -> PartialDate | None:
        """Return the day of a value without a date: that of the letter, if it is not told as past.

        Args:
            words: the words between the test and its value.
            first: whether it is the first value of the test.
            end: where the value ends.
        """
        now = bool(_TODAY & set(words)) or self.today(end, len(self.plain)) is not None
        past = bool(_PAST & set(words)) or self.earlier(end, len(self.plain)) is not None
        return self.dates.today if now or (first and not past) else None

    def turned(self, begin: int, one: tuple[int, int], other: int) -> bool:
        """Tell whether a figure became the next one: "from 8,200 to 900", "450 -> 1,200".

        Args:
            begin: where the figures of the test begin.
            one: where the first figure begins and ends.
            other: where the next one begins.
        """
        between = self.plain[one[1] : other]
        if _ARROW.search(between):
            return True
        return bool(_FROM.search(self.plain, begin, one[0]) and _UP_TO.search(between))
