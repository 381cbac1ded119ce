"""How the disease began: its date, how long ago, and how fast."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoresist.case.dates import PartialDate
from myoresist.letters.context import Context
from myoresist.letters.dates import DateReader
from myoresist.letters.layout import Sentence
from myoresist.letters.marks import marks
from myoresist.letters.numbers import NUMBERS
from myoresist.letters.person import REQUEST, Fact, PersonWords, own
from myoresist.letters.phrases import Hit

_DURATION = re.compile(r"(?<![\d./])(?P<n>\d+)\s?/\s?(?P<per>12|52)\b(?!/)", re.IGNORECASE)
_SPAN = re.compile(
    r"\b(?P<n>\d+|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"twelve)\s?-?(?P<unit>weeks?|wks?|months?|mths?|years?|yrs?)\b(?![\s-]old)",
    re.IGNORECASE,
)
_SYMPTOM = re.compile(
    r"\b(?:weak\w*|legs?|arms?|rash|stairs|difficult\w*|symptoms?|swell\w*|progressive|"
    r"myalgia|rising|cough|dyspn\w*)\b",
    re.IGNORECASE,
)
_QUIET = re.compile(
    r"\b(?:remission|quiescent|well|stable|off|free|controlled|normal|recovered|better|asymptomatic|inactive)\b"
    r"[^.;]{0,40}$",
    re.IGNORECASE,
)
_DISEASE = re.compile(
    r"onset|disease|diagnos|myositis|myopathy|syndrome|eruption|illness", re.IGNORECASE
)
_GROWN = re.compile(
    r"\bover (?:the (?:last|past) )?(?:about |some |around |approximately )?"
    r"(?:\d+|two|three|four|five|six|seven|eight|ten|several|many|a few|a number of) "
    r"(?P<unit>years|weeks|days)\b",
    re.IGNORECASE,
)
_HISTORY = 40
"""Sentences at the beginning of a letter in which it is told how the disease began."""
_NOT_OF_ONSET = ("family", "past", "medication", "treatment", "plan", "results")
_FOLLOWED = re.compile(
    r"\b(?:followed|treated|attend\w*|under our|cancer|carcinoma|statin|worse|relaps\w*|again|known|"
    r"flar\w*|recur\w*|return\w*|lost to f|back (?:on|again|over|since|for)|"
    r"(?:is|are|came|come|crept) back|deteriorat\w*)\b",
    re.IGNORECASE,
)
_NEAR, _DAYS_A_MONTH = 40, 30.5
"""Signs behind a diagnosis in which its day may stand; days of a month."""


@dataclass(frozen=True)
class Onset:
    """Reads how the disease of one letter began.

    Attributes:
        plain: the text of the letter.
        words: the words of the head of a case.
        dates: how its dates are read.
        report: whether it reports one study.
    """

    plain: str
    words: PersonWords
    dates: DateReader
    report: bool

    def read(self, read: Sequence[tuple[Sentence, Sequence[Hit], Context]]) -> Iterator[Fact]:
        """Yield date, duration and tempo of the beginning of the disease.

        A report on a study tells them only in the details that were sent with the request.
        """
        tempo = date = duration = None
        known = self._known_since(read)
        for place, (sentence, hits, _) in enumerate(read):
            text = self.plain[sentence.start : sentence.end]
            if sentence.section in _NOT_OF_ONSET or _FOLLOWED.search(text):
                continue
            if self.report and sentence.section not in REQUEST:
                continue
            treated = min((hit.first for hit in marks(hits, "drug")), default=len(sentence.words))
            tempo = tempo or self._tempo(sentence, hits, text, treated)
            if place >= _HISTORY:
                continue
            starts = own(hits, "onset")
            symptom = _SYMPTOM.search(text)
            if starts and date is None:
                tells = symptom or sentence.section == "impression" or own(hits, "tempo")
                if tells or _DISEASE.search(text):
                    date = self._onset_date(sentence, [hit for hit in starts if hit.last < treated])
            if duration is None and symptom:
                duration = self._duration(sentence, text)
                if duration and known and self._shorter(duration, known):
                    # "Dermatomyositis, diagnosed 2024 … 1 week of weakness" is a flare.
                    duration = None
        yield from (one for one in (date, duration if date is None else None, tempo) if one)

    def _known_since(
        self, read: Sequence[tuple[Sentence, Sequence[Hit], Context]]
    ) -> PartialDate | None:
        """Return the day that stands beside a diagnosis, if the letter names one with its day."""
        for sentence, hits, context in read[:_HISTORY]:
            for hit in own(hits, "labels"):
                if context.at(hit.first, hit.last).means & {"doubt", "if", "other", "no"}:
                    continue
                end = sentence.words[hit.last].end
                stop = min(sentence.end, end + _NEAR)
                for date in self.dates.find(self.plain, end, stop):
                    return date.date
        return None

    def _shorter(self, duration: Fact, known: PartialDate) -> bool:
        """Tell whether so many months ago is after a day."""
        today = self.dates.today
        if today is None or not isinstance(duration.value, float):
            return False
        return (today.latest - known.latest).days > duration.value * _DAYS_A_MONTH

    def _tempo(
        self, sentence: Sentence, hits: Sequence[Hit], text: str, treated: int
    ) -> Fact | None:
        """Return how fast the disease came, in a word or by the span in which symptoms grew.

        What stands behind a drug, from the word ``treated`` on, is of it: "30 mg tapering over 6 weeks".
        """
        for hit in own(hits, "tempo"):
            if hit.first > treated:
                continue
            words = sentence.words
            return Fact("onset.tempo", hit.of.of, words[hit.first].start, words[hit.last].end)
        span = _GROWN.search(text)
        if span is None or not _SYMPTOM.search(text):
            return None
        for tempo, unit in self.words.spans.items():
            if span["unit"].lower().startswith(unit):
                start = sentence.start + span.start()
                return Fact("onset.tempo", tempo, start, sentence.start + span.end())
        return None

    def _onset_date(self, sentence: Sentence, starts: Sequence[Hit]) -> Fact | None:
        words = sentence.words
        for hit in starts:
            end = words[hit.last].end
            began = words[hit.first].start
            if words[hit.last].norm == "since" and _QUIET.search(self.plain, sentence.start, began):
                # "In remission since 2023" is not how it began.
                continue
            for date in self.dates.find(self.plain, end, sentence.end):
                if len(self.plain[end : date.start].split()) <= 9 and not re.search(
                    r"[;.]", self.plain[end : date.start]
                ):
                    return Fact("onset.date", date.date, words[hit.first].start, date.end)
                break
        return None

    def _duration(self, sentence: Sentence, text: str) -> Fact | None:
        if match := _DURATION.search(text):
            months = float(match["n"]) * (1 if match["per"] == "12" else 12 / 52)
        elif (
            (match := _SPAN.search(text))
            and re.search(
                r"(?:for|of|with|since|with a)\s*$|^\W*(?:\w+:)?\W*$",
                text[: match.start()],
                re.IGNORECASE,
            )
        ) or (
            match
            and re.match(
                r"\s+(?:of|history|prox|progressive|difficulty)",
                text[match.end() :],
                re.IGNORECASE,
            )
        ):
            n = float(NUMBERS.get(match["n"].lower()) or match["n"])
            months = n * {"w": 12 / 52, "m": 1.0, "y": 12.0}[match["unit"][0].lower()]
        else:
            return None
        return Fact(
            "onset.duration_months",
            round(months, 1),
            sentence.start + match.start(),
            sentence.start + match.end(),
        )
