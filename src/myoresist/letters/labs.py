"""Laboratory values in sentences: the test, its figures with unit and limit, and the day of each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from myoresist.case.dates import PartialDate
from myoresist.case.terms import LabTest, Terms
from myoresist.case.units import spelling
from myoresist.letters.context import Context
from myoresist.letters.dates import DateHit, DateReader
from myoresist.letters.lab_value import LabValue
from myoresist.letters.lab_words import LabWords
from myoresist.letters.layout import Sentence
from myoresist.letters.marks import marks
from myoresist.letters.numbers import AMOUNT, number
from myoresist.letters.phrases import Hit
from myoresist.letters.tokens import normal
from myoresist.letters.when import When

_UNIT = (
    r"(?:[µu]kat|nkat|U|IU|mg|[µu]g|mcg|ng|pg|g|mm|mL/min(?:/1[.,]73\s?m[2²])?|pmol|nmol|"
    "mmol|[µu]mol|CU|AU|mU|units?)"
    r"(?:\s?/\s?(?:L|dL|mL|1\s?h|hr|h|hour))?(?![A-Za-z])|/\s?h(?![A-Za-z])"
)
_VALUE = re.compile(
    rf"(?P<cmp>(?<!-)[<>≥≤~]\s?)?(?<![\d.,/])(?<!\d-)(?P<num>{AMOUNT})(?![\d/]|\.\d|,\d|\s?-\s?\d|"
    r":\d)(?P<tail>s\b|\s?%|\s?(?:x|×)\s?(?!\d)|\s?(?:fold|times))?"
    rf"(?:\s?(?P<unit>{_UNIT}))?",
    re.IGNORECASE,
)
_BOUND = (
    rf"(?:<|≤|up to|till|to|under|below|upto)?\s?(?P<low>{AMOUNT})"
    rf"(?:\s?(?:-|to)\s?(?P<high>{AMOUNT}))?\s?(?:{_UNIT})?"
)
_PERCENT_BEHIND = re.compile(r"\s*\(\s*\d{1,3}\s?%")
_AGO = re.compile(
    r"\s*(?:(?:a|one|two|three|four|five|six|\d+)\s(?:weeks?|months?|years?)\s(?:ago|earlier|before)|"
    r"last (?:year|month|time|visit)|previously|before that)\b",
    re.IGNORECASE,
)
"""What begins a piece that tells of an earlier day, which is not told."""
_SHORT_DAY = re.compile(r"\s*\((\d{1,2})\.(\d{1,2})\.?\)")
_BARE = re.compile(rf"\(\s*{AMOUNT}\s*\)")
_THEN_BEHIND = re.compile(
    r"\s*[,(]?\s*(?:before|prior to|pre-?|at (?:the )?(?:start|time|diagnosis|presentation|onset))\b",
    re.IGNORECASE,
)
"""Behind a figure, these tell that it is of an earlier day: "IgG 3.9 g/L before IVIG"."""
_LITRES = re.compile(r"\s?(?:L|l|litres?|liters?)\b")
_TIMES = re.compile(
    rf"(?P<num>{AMOUNT})\s?(?:x|×|times|fold|-fold)\s?(?:the\s)?(?:ULN|upper limit(?: of normal)?|normal)",
    re.IGNORECASE,
)
_AS_LIMIT = re.compile(
    r"\((?:[^()]*\b)?(?:normal|ref\w*|limit|uln|range|up to|nr|rr)\b[^()\d]*$", re.IGNORECASE
)
_BLOCK = re.compile(
    r"\b(?:bloods?|labs?|laboratory|investigations?|results?|tests?|data|ix|values?|biochemistry)\b|^\W*\d",
    re.IGNORECASE,
)
_CHAIN = frozenset((
    "then", "previously", "prev", "previou", "against", "from", "to", "after", "earlier",
    "before", "and", "vs", "versus", "down", "up", "via", "again", "later", "followed", "last",
    "it", "wa", "is", "in", "on", "at", "of", "by", "this", "the", "now", "today", "fell", "rose",
    "dropped", "climbed", "rising", "falling", "mid", "early", "late",
))  # fmt: skip


class Labs:
    """Reads the values of one letter, sentence by sentence."""

    def __init__(
        self, plain: str, terms: Terms, words: LabWords, dates: DateReader, commas: bool
    ) -> None:
        """Take the letter, the tests, their words, and how dates and decimals are written."""
        self.plain, self.terms, self.words, self.dates, self.commas = (
            plain,
            terms,
            words,
            dates,
            commas,
        )
        self.when = When(plain, dates)
        self.fillers = (
            {normal(w) for w in words.fillers} | {w.lower() for w in words.fillers} | _CHAIN
        )
        names = sorted(words.limits, key=len, reverse=True)
        said = "|".join(re.escape(name) for name in names)
        bare = _BOUND.replace("?P<low>", "?P<low2>").replace("?P<high>", "?P<high2>")
        self.limit = re.compile(
            rf"\s*[,;]?\s*(?:\(\s*(?:(?:{said})\s*[:=]?\s*)?{_BOUND}\s*(?P<close>\)|,|;)"
            rf"|(?:{said})\s*[:=]?\s*(?P<bare>{bare}))",
            re.IGNORECASE,
        )
        self.never = re.compile(
            r"\b(?:"
            + "|".join(map(re.escape, sorted(words.never, key=len, reverse=True)))
            + r")\s*(?:of\s*)?$",
            re.IGNORECASE,
        )
        self.prefix: tuple[int, DateHit] | None = None
        self.carry: tuple[str, int] | None = None
        self.ago = False

    def read(self, sentence: Sentence, hits: Sequence[Hit], context: Context) -> Iterator[LabValue]:
        """Yield the values of a sentence."""
        names = marks(hits, "lab", "other_lab")
        names = [hit for hit in names if self._meant(hit, hits)]
        dated = list(self.dates.find(self.plain, sentence.start, sentence.end))
        self.ago = _AGO.match(self.plain, sentence.start) is not None
        before = None if self.ago else self._prefix(sentence, names, dated)
        yield from self._carried(sentence, names, dated)
        found: list[LabValue] = []
        for number_, hit in enumerate(names):
            if hit.of.kind != "lab":
                continue
            start = sentence.words[hit.first].start
            begin = sentence.words[hit.last].end
            stop = (
                sentence.words[names[number_ + 1].first].start
                if number_ + 1 < len(names)
                else sentence.end
            )
            said = context.at(hit.first, hit.last)
            why = next(
                (w for means, w in (("other", "other"), ("if", "supposed")) if means in said), None
            )
            self.carry = None
            series = list(self._series(hit.of.id, start, begin, stop, dated, before))
            for value in self._in_turn(series, begin):
                found.append(replace(value, why=value.why or why))
                if sentence.closes == ";" and why is None:
                    self.carry = (hit.of.id, sentence.end)
        yield from self._shared_day(found)

    def _shared_day(self, found: Sequence[LabValue]) -> Iterator[LabValue]:
        """Yield values; those of "FVC 62 %, DLCO 41 % (Aug 2023)" are of one day."""
        day: LabValue | None = None
        dated = []
        for value in reversed(found):
            if day is not None and not value.dated and self._beside(value, day):
                value = replace(value, date=day.date, dated=True)
            day = value if value.dated else None
            dated.append(value)
        yield from reversed(dated)

    def _beside(self, one: LabValue, other: LabValue) -> bool:
        """Tell whether a figure in a list stands before one whose day is in the bracket behind it."""
        between = self.plain[one.end : other.start]
        bracket = self.plain[other.end : other.end + 2].strip()[:1]
        return bracket in ("(", "[") and not between.strip(" ,/&") and len(between) < 5

    def _carried(
        self, sentence: Sentence, names: Sequence[Hit], dated: Sequence[DateHit]
    ) -> Iterator[LabValue]:
        """Yield values that go on with the test before a semicolon: "…; previously 2,300 (Oct 2013)"."""
        if self.carry is None or self.plain[self.carry[1] : sentence.start].strip():
            return
        test, self.carry = self.carry[0], None
        stop = sentence.words[names[0].first].start if names else sentence.end
        first = sentence.words[0].norm
        opens = bool(dated) and dated[0].start == sentence.words[0].start and not names
        if (
            opens
            or (first in _CHAIN and not names)
            or (names and first in ("previously", "prev", "previou"))
        ):
            begin = sentence.words[0].start
            for value in self._series(test, begin, begin, stop, dated, None):
                if value.dated:
                    yield value
                    if sentence.closes == ";" and opens:
                        # "CK: 28/4 9,800; 3/5 10,250; 10/5 6,100"
                        self.carry = (test, sentence.end)

    def times_limit(
        self, sentence: Sentence, hits: Sequence[Hit]
    ) -> Iterator[tuple[str, float, int, int]]:
        """Yield values that are given as multiples of the limit: test, multiple, place."""
        for hit in marks(hits, "lab"):
            begin = sentence.words[hit.last].end
            match = _TIMES.search(self.plain, begin, min(sentence.end, begin + 60))
            value = number(match["num"], self.commas) if match else None
            if match and value is not None:
                yield hit.of.id, value, sentence.words[hit.first].start, match.end()

    def _meant(self, hit: Hit, hits: Sequence[Hit]) -> bool:
        """Tell whether a name that several tests share is of this one: a trough, beside the drug."""
        name = self.words.tests.get(hit.of.id) if hit.of.kind == "lab" else None
        if name is None or name.beside is None or hit.length > 1:
            return True
        return any(mark.of.id == name.beside for mark in marks(hits, "drug"))

    def _prefix(
        self, sentence: Sentence, names: Sequence[Hit], dated: Sequence[DateHit]
    ) -> PartialDate | None:
        """Return the date that stands before all values of a block: "Bloods of 30 May: CK …"."""
        first = sentence.words[names[0].first].start if names else sentence.end
        head = [
            hit
            for hit in dated
            if hit.end <= first
            and len(self.plain[hit.end : first].split()) <= 3
            and not self.when.since(hit)
        ]
        if not names and not (
            sentence.closes == ":" or _BLOCK.search(self.plain, sentence.start, first)
        ):
            # "Known polymyositis (2018)" begins no block of values.
            head = []
        if head and (
            sentence.opens or len(self.plain[sentence.start : head[-1].start].split()) <= 4
        ):
            if sentence.opens or _BLOCK.search(self.plain, sentence.start, first):
                # "…; Jun 2022 CK 160. FVC 62 %" dates no more than its own piece.
                self.prefix = (sentence.paragraph, head[-1])
            return head[-1].date
        if sentence.opens and not sentence.words[0].text[:1].islower():
            self.prefix = None
        if self.prefix and self.prefix[0] == sentence.paragraph and names:
            return self.prefix[1].date
        if head:
            return head[-1].date
        return None

    def _in_turn(self, found: Sequence[LabValue], begin: int) -> Iterator[LabValue]:
        """Yield the figures of one test; of a change without days the last is that of the letter.

        "CK 450 -> 1,200 -> 3,400", "fell from 8,200 to 900".
        """
        turns = [
            self.when.turned(begin, (one.figure, one.end), other.figure)
            for one, other in itertools.pairwise(found)
        ]
        for one, came, goes in zip(found, [False, *turns], [*turns, False], strict=False):
            if one.dated or not (came or goes):
                yield one
            else:
                yield replace(one, date=None if goes else self.dates.today)

    def _series(
        self,
        id_: str,
        start: int,
        begin: int,
        stop: int,
        dated: Sequence[DateHit],
        before: PartialDate | None,
    ) -> Iterator[LabValue]:
        """Yield the figures of one test up to the next name."""
        test = self.terms.labs[id_]
        at, words, date, first = begin, list[str](), None, True
        while at < stop:
            hit = next((d for d in dated if d.start <= at < d.end or d.start == at), None)
            if hit is not None:
                date, at = hit, hit.end
                continue
            if not first and (bare := _BARE.match(self.plain, at, stop)):
                # "240 (200)": a limit or an earlier figure, which is not told.
                at = bare.end()
                continue
            if not first and self.plain[at] == ">" and self.plain[at + 1 : at + 2] == " ":
                # "1,120 > 2,050": an arrow between two figures.
                at += 1
                continue
            match = _VALUE.match(self.plain, at, stop)
            if match is not None and (at == 0 or not self.plain[at - 1].isalnum()):
                if not self._plausible(words, first) or words[-1:] == ["between"]:
                    return
                value = self._value(test, match, at)
                if value is None:
                    passed = self._passed(at, match)
                    if passed is None:
                        return
                    at, words, date = passed, [], None
                    continue
                amount, unit, assumed = value
                limit, end = self.limit_at(match.end(), stop)
                today = self.when.today(end, stop)
                if limit is None and today is not None:
                    # "4,350 today (normal up to 320)"
                    limit, _ = self.limit_at(today, stop)
                after = self._date_after(end, stop, dated)
                after = after or (self._short_day(end) if limit is None else None)
                if date and after and not self.plain[end : after.start].strip(" ,"):
                    # "1/3/21 450, 4/4/21 600": the days stand before their figures.
                    after = None
                when = after or date
                told = (
                    when.date
                    if when
                    else self.dates.today
                    if today is not None
                    else (before if first else None)
                    or (
                        None
                        if self.ago
                        or self.when.of_then(begin, dated)
                        or _THEN_BEHIND.match(self.plain, end)
                        else self.when.undated(words, first, end)
                    )
                )
                yield LabValue(
                    id_,
                    amount,
                    unit,
                    limit,
                    told,
                    start,
                    match.end(),
                    None if unit else "unit",
                    assumed,
                    when is not None or before is not None,
                    at,
                )
                at = after.end if after else end
                at = self.when.earlier(at, stop) or self.when.today(at, stop) or at
                words, date, first = [], None, False
                continue
            word = re.compile(r"[A-Za-zÀ-ÿ]+|\S").match(self.plain, at, stop)
            if word is None:
                at += 1
                continue
            if word[0].isalpha():
                words.append(normal(word[0]))
            elif word[0] in ";" and first:
                return
            at = word.end()

    def _passed(self, at: int, match: re.Match[str]) -> int | None:
        """Return where to read on behind a figure that is no value, as in "FVC 2.3 L (68 %)"."""
        if _AS_LIMIT.search(self.plain, max(0, at - 40), at):
            return match.end()
        if match["cmp"] or self.never.search(self.plain, max(0, at - 20), at):
            return match.end()
        litres = _LITRES.match(self.plain, match.end("num"))
        if (
            litres is None
            and not match["unit"]
            and _PERCENT_BEHIND.match(self.plain, match.end("num"))
        ):
            # "FVC 1.42 (51%)"
            return match.end("num")
        return litres.end() if litres else None

    def _plausible(self, words: Sequence[str], first: bool) -> bool:
        """Tell whether only words that may stand between a test and its figure stand there."""
        most = 9 if first else 7
        return len(words) <= most and all(word in self.fillers for word in words)

    def _value(
        self, test: LabTest, match: re.Match[str], at: int
    ) -> tuple[float, str | None, bool] | None:
        """Return a figure with its unit and whether the unit is assumed, if it can be one of this test."""
        tail = (match["tail"] or "").strip()
        percent = tail == "%" and "%" in test.units
        if (tail and not percent) or self._passed(at, match) is not None:
            return None
        amount = number(match["num"], self.commas)
        if amount is None:
            return None
        written = tail or match["unit"]
        if written:
            unit = spelling(_spelt(written), test)
            if unit is None:
                return None
        else:
            name = self.words.tests[test.id]
            unit = name.unit
            if amount < name.least:
                return None
        if unit == test.unit and not test.minimum <= amount <= test.maximum:
            return None
        return amount, unit, not written

    def limit_at(self, at: int, stop: int) -> tuple[float | None, int]:
        """Return the upper limit that stands behind a value, and where it ends."""
        match = self.limit.match(self.plain, at, stop + 1)
        if match is None:
            return None, at
        low, high = match["low"] or match["low2"], match["high"] or match["high2"]
        inside = match[0]
        if match["close"] and not re.search(r"[<≤-]|[A-Za-z]", inside) and not high:
            return None, at
        limit = number(high or low, self.commas)
        bound = high or re.search(
            r"<|≤|up to|till|under|below|limit|uln|norm|to|ref", inside, re.IGNORECASE
        )
        if limit is None or not bound or limit <= 0 or re.match(r"\s*[,;]?\s*\(\s*to\s", inside):
            return None, at
        return limit, match.end() - (match["close"] in (",", ";") if match["close"] else 0)

    def _short_day(self, at: int) -> DateHit | None:
        """Return the day in the bracket behind a figure that is a day and a month: "1,120 (13.8)"."""
        short = _SHORT_DAY.match(self.plain, at)
        day = self.dates.without_year(int(short[1]), int(short[2])) if short else None
        return DateHit(short.start(), short.end(), day, False) if short and day else None

    def _date_after(self, at: int, stop: int, dated: Sequence[DateHit]) -> DateHit | None:
        """Return the date that belongs to a figure before it."""
        for hit in dated:
            if at <= hit.start < stop + 1:
                between = self.plain[at : hit.start]
                if re.fullmatch(
                    r"\s*[(,[]?\s*(?:(?:at|on) (?:presentation|diagnosis|admission),? )?"
                    r"(?:on|in|of|at|since|from|back in|dated|by)?\s*"
                    r"(?:the\s|early\s|mid[\s-]|late\s|spring\s|summer\s|autumn\s|winter\s)?\(?\s*",
                    between,
                    re.IGNORECASE,
                ):
                    return hit
                return None
        return None


def _spelt(unit: str) -> str:
    """Return a unit as the tests know it."""
    plain = re.sub(r"\s", "", unit)
    if re.fullmatch(r"(?:mm)?/(?:1?h|hr|hour)", plain, re.IGNORECASE):
        return "mm/h"
    return plain.replace("²", "2")
