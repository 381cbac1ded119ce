"""Core set measures that a letter gives, with the visit they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoresist.case.dates import PartialDate
from myoresist.letters.dates import DateReader
from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.numbers import AMOUNT, number
from myoresist.letters.person import own
from myoresist.letters.phrases import Hit

_VALUE = re.compile(
    r"[\s:=]*(?:total|score|is|was|of|VAS|activity|"
    rf"assessment)?[\s:=]*(?P<num>{AMOUNT})\s?(?:/\s?(?P<of>\d+))?(?!\s?%)",
    re.IGNORECASE,
)
_EARLIER = re.compile(
    rf"\s*(?:today)?\s*\(\s*(?P<num>{AMOUNT})(?:\s?/\s?\d+)?\s+(?:in|on)\s+", re.IGNORECASE
)
_KILOS = re.compile(rf"\(\s*(?P<num>{AMOUNT})\s?kg\s+(?:in|on)\s+", re.IGNORECASE)


_CHANGE = re.compile(
    rf"\b(?:weight|wt)\b\D{{0,12}}(?P<now>{AMOUNT})\s?kg\s*[,;(]?\s*(?:it\s)?(?:was|"
    rf"down from|up from|from|previously|before that)\s(?P<before>{AMOUNT})(?:\s?kg)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Measured:
    """A measure at a visit and its place in the plain text."""

    measure: str
    value: float
    date: PartialDate | None
    start: int
    end: int


class Measures:
    """Reads the measures of one letter, sentence by sentence."""

    def __init__(
        self, plain: str, dates: DateReader, commas: bool, ranges: dict[str, tuple[float, float]]
    ) -> None:
        """Take the letter, how its dates and decimals are written, and between what each measure lies."""
        self.plain, self.dates, self.commas, self.ranges = plain, dates, commas, ranges

    def read(self, sentence: Sentence, hits: Sequence[Hit]) -> Iterator[Measured]:
        """Yield the measures of a sentence."""
        for hit in own(hits, "measures"):
            start, end = sentence.words[hit.first].start, sentence.words[hit.last].end
            match = _VALUE.match(self.plain, end, sentence.end)
            value = number(match["num"], self.commas) if match else None
            if match is None or value is None:
                continue
            name = hit.of.of
            if name == "mmt8" and match["of"] == "80":
                name = "mmt8_80"
            if name in ("physician_global", "patient_global") and match["of"] == "100":
                value /= 10
            if not self._possible(name, value):
                continue
            day = self._day(start, match.end(), sentence)
            yield Measured(name, value, day, start, match.end())
            earlier = _EARLIER.match(self.plain, match.end(), sentence.end)
            if earlier:
                yield from self._earlier(name, earlier, start, sentence)

    def _day(self, start: int, end: int, sentence: Sentence) -> PartialDate | None:
        """Return the day that stands behind a value, or before its name: "in April MMT8 was 131"."""
        for hit in self.dates.find(self.plain, end, min(sentence.end, end + 24)):
            if re.fullmatch(r"\s*(?:on|in|\()\s*", self.plain[end : hit.start]):
                return hit.date
        cut = max(self.plain.rfind(sign, sentence.start, start) for sign in ",;(")
        for hit in self.dates.find(self.plain, max(cut, sentence.start), start):
            if re.fullmatch(r"[\s,:]*(?:the|her|his|total)?\s*", self.plain[hit.end : start]):
                return hit.date
        return self.dates.today

    def _earlier(
        self, name: str, match: re.Match[str], start: int, sentence: Sentence
    ) -> Iterator[Measured]:
        value = number(match["num"], self.commas)
        for hit in self.dates.find(self.plain, match.end(), sentence.end):
            if hit.start == match.end() and value is not None and self._possible(name, value):
                yield Measured(name, value, hit.date, start, hit.end)
            return

    def weight_changes(self, sentence: Sentence) -> Iterator[Found]:
        """Yield loss or gain where the weight now and before is given: "84 kg, was 92 in September"."""
        match = _CHANGE.search(self.plain, sentence.start, sentence.end)
        if match is None:
            return
        now, before = number(match["now"], self.commas), number(match["before"], self.commas)
        if now and before and now != before:
            places = ((0, len(sentence.words) - 1),)
            yield Found(
                "weight_loss" if now < before else "weight_gain", True, None, places, sentence
            )

    def weights(self) -> Iterator[Measured]:
        """Yield earlier weights that are given beside the present one: "61.2 kg (65.3 kg in February)"."""
        for match in _KILOS.finditer(self.plain):
            value = number(match["num"], self.commas)
            for hit in self.dates.find(self.plain, match.end(), match.end() + 20):
                if hit.start == match.end() and value:
                    yield Measured("weight_kg", value, hit.date, match.start(), hit.end)
                break

    def _possible(self, name: str, value: float) -> bool:
        low, high = self.ranges.get(name, (0.0, 1000.0))
        return low <= value <= high
