"""Results that a letter tells of a day long before it: they say little about today.

"HRCT 2018 clear; now crackles" does not deny lung disease, and a search for cancer of six years ago is
not one of today. What such a result denies, and that the test was done, is asked about. What it found stays
found, and so do slides and recordings, which later days do not change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from myoresist.case.dates import PartialDate
from myoresist.letters.course import Course
from myoresist.letters.dates import DateHit, DateReader
from myoresist.letters.drugs import Mention
from myoresist.letters.figures import FigureRules
from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.phrases import Hit
from myoresist.letters.things import Thing
from myoresist.letters.tokens import Token


@dataclass(frozen=True)
class Old:
    """Tells which answers of a letter are old.

    Attributes:
        plain: the text of the letter.
        dates: how its dates are read.
        rules: after how long a result is old, and of which examinations none ever is.
        done: findings that say that a test was done.
        lines: the day of lines that begin with one, by the start of their sentences.
    """

    plain: str
    dates: DateReader
    rules: FigureRules
    done: Collection[str]
    lines: Mapping[int, PartialDate]

    def asked(
        self, found: Iterable[Found], sentence: Sentence, things: Sequence[Hit]
    ) -> list[Found]:
        """Return the answers of a sentence; those that are old are open.

        Args:
            found: the answers, with their examinations.
            sentence: the sentence.
            things: what it speaks of.
        """
        answers = list(found)
        if not any(self._fades(one) for one in answers):
            return answers
        told = list(self._told(sentence, things))
        named = [range(hit.first, hit.last + 1) for hit in things]
        return [
            replace(one, value=None, why="old")
            if self._fades(one) and _meets(one, told) and _meets(one, named)
            else one
            for one in answers
        ]

    def _fades(self, one: Found) -> bool:
        if one.scene in self.rules.lasting:
            return False
        return one.value is False or (one.value is True and one.finding in self.done)

    def _told(self, sentence: Sentence, things: Sequence[Hit]) -> Iterator[range]:
        """Yield the words of a sentence that are told of an old day."""
        words = sentence.words
        line = self.lines.get(sentence.start)
        if line is not None and self._is_old(line):
            yield _until_now(words, 0, len(words))
            return
        hits = list(self.dates.find(self.plain, sentence.start, sentence.end))
        places = [_place(words, hit) for hit in hits]
        for hit, place in zip(hits, places, strict=True):
            if not place or not hit.whole or not self._is_old(hit.date):
                continue
            later = min(
                (p.start for p in places if p and p.start > place.start), default=len(words)
            )
            if governed := _governed(words, place, things, later):
                yield governed

    def _is_old(self, day: PartialDate) -> bool:
        today = self.dates.today
        return today is not None and (today.earliest - day.latest).days > self.rules.old_days


def of_past_course(
    found: Iterable[Found],
    sentence: Sentence,
    drugs: Sequence[Mention],
    courses: Sequence[Course],
) -> list[Found]:
    """Return the answers of a sentence; what stands behind the colon of a past course is over.

    "- AZA 150 mg 2/23-8/23: leukopenia" tells why it ended, and not what is so today.
    """
    answers = list(found)
    if not (sentence.item and drugs and courses and all(c.stop or c.ended for c in courses)):
        return answers
    first = drugs[0].hit.first
    if first > _LEAD:
        return answers
    told = {n + 1 for n, word in enumerate(sentence.words) if n > first and word.text in ":(-"}
    return [
        replace(one, value=None, why="over")
        if one.value and all(place[0] in told for place in one.words)
        else one
        for one in answers
    ]


def _governed(
    words: Sequence[Token], date: range, things: Sequence[Hit], later: int
) -> range | None:
    """Return the words that a date in a sentence is said of, up to the next date."""
    if any(
        word.norm == "since" and words[n + 1].norm != "then"
        for n, word in enumerate(words[:-1])
        if n >= date.stop
    ):
        # "Suspected in 2019, since refuted", "treated in 2004, no recurrence since" are said of today.
        return None
    lead = [word.norm for word in words[: date.start]]
    if lead and lead[-1] in _SPANS:
        # "No rash since 2018" is said of today.
        return None
    if all(word in _OPENING or not word.isalnum() for word in lead):
        return _until_now(words, 0, later)
    start, stop = _segment(words, date)
    if not any(start <= hit.first < stop and _is_test(hit.of) for hit in things):
        # "Lung disease was excluded in 2020" is the judgement of whoever writes today.
        return None
    # "CT of the chest in 2018: clear, no nodules": what follows is its result, up to another test.
    others = (hit.first for hit in things if hit.first >= stop and _is_test(hit.of))
    stop = min(min(others, default=len(words)), later)
    return _until_now(words, start, max(stop, date.stop))


def _is_test(thing: Thing) -> bool:
    return thing.test or thing.has_qualities


def _segment(words: Sequence[Token], date: range) -> tuple[int, int]:
    """Return where the part of a list begins and ends in which a date stands."""
    start, stop = date.start, date.stop
    while start > 0 and words[start - 1].text not in _ENDS and words[start - 1].norm not in _NOW:
        start -= 1
    while stop < len(words) and words[stop].text not in _ENDS:
        stop += 1
    return start, stop


def _until_now(words: Sequence[Token], start: int, stop: int) -> range:
    """Return words up to where a sentence comes back to today."""
    for n in range(start, stop):
        if words[n].text == ";" or words[n].norm in _NOW:
            return range(start, n)
    return range(start, stop)


def _place(words: Sequence[Token], hit: DateHit) -> range:
    """Return the words of a date."""
    inside = [n for n, word in enumerate(words) if hit.start <= word.start < hit.end]
    return range(inside[0], inside[-1] + 1) if inside else range(0)


def _meets(one: Found, told: Sequence[range]) -> bool:
    return any(first in words for first, _ in one.words for words in told)


_LEAD = 3
"""Words before the drug with which a line begins, such as a number or a dash."""
_ENDS = frozenset((",", ";"))
_NOW = frozenset((
    "now", "today", "currently", "current", "still", "since", "then", "but", "present", "presently",
))  # fmt: skip
_SPANS = frozenset(("since", "until", "till", "after", "before", "to", "by", "than", "from"))
_OPENING = frozenset((
    "in", "on", "at", "early", "late", "mid", "back", "end", "of", "around", "about", "spring",
    "summer", "autumn", "winter",
))  # fmt: skip
