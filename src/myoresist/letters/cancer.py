"""Cancer of the patient: whether it is active, and whether it was found within the years that count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoresist.case.dates import PartialDate
from myoresist.knowledge.schema import Entry
from myoresist.letters.context import Context
from myoresist.letters.dates import DateReader
from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.phrases import Hit, Phrases
from myoresist.letters.things import Thing

_ACTIVE, _WITHIN, _SCREENED = "cancer_active", "cancer_within_3y", "cancer_enhanced_panel_done"


class CancerWords(Entry):
    """The words of ``cancer.yaml``."""

    names: tuple[str, ...]
    other: tuple[str, ...]
    active: tuple[str, ...]
    gone: tuple[str, ...]
    clean: tuple[str, ...]

    def grow(self, phrases: Phrases) -> None:
        """Add the names to the tree of phrases."""
        for phrase in self.names:
            phrases.add(phrase, CancerMark(True))
        for phrase in self.other:
            phrases.add(phrase, CancerMark(False))


@dataclass(frozen=True, slots=True)
class CancerMark:
    """A name of a cancer, or what only looks like one, in the tree of phrases."""

    meant: bool


class Cancer:
    """Reads what a letter says about cancer, sentence by sentence."""

    def __init__(self, plain: str, words: CancerWords, dates: DateReader, years: int) -> None:
        """Take the letter, the words, how its dates are read, and the years around onset that count."""
        self.plain, self.dates, self.years = plain, dates, years
        self.active, self.gone, self.clean = (
            _any(say) for say in (words.active, words.gone, words.clean)
        )

    def read(
        self, sentence: Sentence, following: Sentence | None, hits: Sequence[Hit], context: Context
    ) -> Iterator[Found]:
        """Yield what a sentence says about cancer, with the sentence after it."""
        names = [hit for hit in hits if isinstance(hit.of, CancerMark)]
        names = [h for h in names if h.of.meant and not any(_longer(o, h) for o in names)]
        text = self.plain[sentence.start : sentence.end]
        for hit in names:
            yield from self._name(hit, sentence, following, context)
        yield from self._screened(sentence, hits, text, context)

    def _name(
        self, hit: Hit, sentence: Sentence, following: Sentence | None, context: Context
    ) -> Iterator[Found]:
        said = context.at(hit.first, hit.last)
        places = ((hit.first, hit.last),)
        aside = (("other", "other"), ("if", "supposed"), ("doubt", "doubt"))
        why = next((w for means, w in aside if means in said), None)
        if sentence.section == "family":
            why = "other"
        if why:
            yield from (Found(x, None, why, places, sentence) for x in (_ACTIVE, _WITHIN))
            return
        own = self.plain[sentence.start : sentence.end]
        heads = sentence.label is not None and self._in_label(hit, sentence)
        if heads and self.clean.search(own):
            # "Malignancy: CT 9/22, PET-CT 3/23 both negative": the days are those of the search.
            yield Found(_ACTIVE, False, None, places, sentence)
            return
        wide = own
        if following is not None and following.paragraph == sentence.paragraph:
            wide += " " + self.plain[following.start : following.end]
        if self.gone.search(wide):
            yield Found(_ACTIVE, False, None, places, sentence)
        elif "no" in said:
            yield Found(_ACTIVE, False, None, places, sentence)
            return
        elif self.active.search(own):
            yield Found(_ACTIVE, True, None, places, sentence)
        else:
            yield Found(_ACTIVE, None, "weak", places, sentence)
        yield Found(_WITHIN, *self._within(sentence), places, sentence)

    def _in_label(self, hit: Hit, sentence: Sentence) -> bool:
        """Tell whether a name stands before the colon with which a sentence begins."""
        colon = self.plain.find(":", sentence.start, sentence.end)
        return 0 <= sentence.words[hit.last].end <= colon

    def _within(self, sentence: Sentence) -> tuple[bool | None, str | None]:
        """Tell whether the date beside a cancer lies within the years that count before the letter."""
        today = self.dates.today
        found = [hit.date for hit in self.dates.find(self.plain, sentence.start, sentence.end)]
        if today is None or not found:
            return None, "weak"
        first = min(found, key=lambda date: date.earliest)
        if _years(first, today) <= self.years:
            return True, None
        return None, "weak"

    def _screened(
        self, sentence: Sentence, hits: Sequence[Hit], text: str, context: Context
    ) -> Iterator[Found]:
        """Yield that no cancer was seen, where a study of the whole trunk was clean."""
        scans = [
            hit
            for hit in hits
            if isinstance(hit.of, Thing) and _SCREENED in hit.of.yes and len(hit.parts) == 1
        ]
        for hit in scans:
            said = context.at(hit.first, hit.last)
            behind = self.plain[sentence.words[hit.last].end : sentence.end]
            if said.means & {"other", "if", "planned", "undone", "doubt"}:
                continue
            if self.clean.search(behind):
                yield Found(_ACTIVE, False, None, ((hit.first, hit.last),), sentence)


def _any(say: Sequence[str]) -> re.Pattern[str]:
    words = "|".join(re.escape(one) for one in sorted(say, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def _longer(other: Hit, hit: Hit) -> bool:
    return other.first <= hit.first and hit.last <= other.last and other.length > hit.length


def _years(one: PartialDate, other: PartialDate) -> float:
    return (other.latest - one.earliest).days / 365.25
