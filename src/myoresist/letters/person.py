"""The head of a case: who the patient is, the day of the letter, the label."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from myoresist.case.dates import PartialDate
from myoresist.knowledge.schema import Entry
from myoresist.letters.context import Context
from myoresist.letters.dates import DateReader
from myoresist.letters.layout import Sentence
from myoresist.letters.numbers import AMOUNT, number
from myoresist.letters.phrases import Hit, Phrases


class PersonWords(Entry):
    """The words of ``person.yaml``."""

    sex: Mapping[str, tuple[str, ...]]
    pronouns: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]
    dates: Mapping[str, tuple[str, ...]]
    onset: tuple[str, ...]
    tempo: Mapping[str, tuple[str, ...]]
    spans: Mapping[str, str]
    measures: Mapping[str, tuple[str, ...]]

    def grow(self, phrases: Phrases) -> None:
        """Add the words to the tree of phrases."""
        for kind in ("labels", "tempo", "measures"):
            for name, say in getattr(self, kind).items():
                for phrase in say:
                    phrases.add(phrase, HeadMark(kind, name))
        for phrase in self.onset:
            phrases.add(phrase, HeadMark("onset", ""))


@dataclass(frozen=True, slots=True)
class HeadMark:
    """A word about the patient in the tree of phrases."""

    kind: str
    of: str


@dataclass(frozen=True)
class Fact:
    """One entry of the head of a case: its path, its value, and where it stands in the plain text."""

    path: str
    value: str | float | PartialDate
    start: int
    end: int
    doubt: str | None = None


_AGE = r"(?P<age>\d{1,3})"
_AGES = tuple(
    re.compile(pattern, re.IGNORECASE if flags else 0)
    for pattern, flags in (
        (rf"\b{_AGE}[\s-]?(?:year|yr)s?[\s-]?old\b", 1),
        (rf"\b{_AGE}\s?(?:yo|y/o|y\.o\.)\b", 1),
        (r"\b(?:aged?|age)\s*:?\s*" + _AGE + r"\b(?!\s?(?:mm|cm|%))", 1),
        (rf"(?<![\d.,/]){_AGE}\s?(?:[MF])\b(?!\w)", 0),
        (rf"\b(?:[MF])[ ,]\s?{_AGE}\s?(?:y|yrs?|years)?\b(?![./%\d])", 0),
        (
            rf"\b{_AGE}\s?(?:y|yrs?|years?)\b(?=\s*(?:[,.;)M]|F\b|man|woman|old|male|female|$|\n))",
            1,
        ),
        (
            rf"\b(?:male|female|man|woman|lady|gentleman)\b[,\s]+(?:aged? )?{_AGE}\b"
            r"(?!\s?(?:mg|%|weeks|months|/))",
            1,
        ),
        (
            rf"\b(?:Mr|Mrs|Ms|Miss)\b\.?[^\n;.]{{0,24}}?(?:\.[^\n;.]{{0,18}})?[,(]\s?{_AGE}\b(?=\s*[,)])",
            0,
        ),
        (r"\((?P<age2>\d{1,3}) years?\)", 1),
        (rf"\b(?:Mr|Mrs|Ms|Miss)\b\.?[^\n;]{{0,24}}?\s{_AGE}\s?(?:y|yrs?|years)\b", 0),
    )
)
_NO_AGE = re.compile(
    r"(?<!woman )(?<!man )(?<!lady )(?<!age )\bof\s*$|[-–~]\s*$|"
    r"\b(?:for|over|past|last|after|within|in|during|than|every|next|first|previous|nearly|some|least|to|and|until)"
    r"(?: (?:about|around|another|a further))?\s*$"
)
"""What makes years no age: weakness for 6 years."""
_OF_ANOTHER = re.compile(
    r"\b(?:brother|sister|mother|father|son|daughter|wife|husband|"
    r"diagnosed at|at the age of|since|onset|tb|quit)\b[^.]*$|\b(?:19|20)\d\d\s*\($"
)
_BORN = re.compile(
    r"\b(?:born|geb\.|dob|d\.o\.b\.?|date of birth|b\.)\s*(?:on|in)?\s*:?\s*", re.IGNORECASE
)
_TITLE = re.compile(
    r"\b(?:(?P<female>[Ll]ady|[Ww]oman|[Ff]emale|FEMALE|[Gg]irl|Mrs|Ms|Miss|MRS|MS|Frau|Madame|Mme|Sra)|"
    r"(?:[Gg]entleman|[Mm]an|[Mm]ale|MALE|[Bb]oy|Mr|MR|Herr|Monsieur|Sr))\b"
)
_ADDRESS = re.compile(r"(?:\bDear\s(?:Dr\.?\s)?|\bcc:?\s|\bFrom:?\s)$")
_CHILD = re.compile(
    r"\b(?:boy|girl|son|daughter|child|baby|brother|sister|twins?)\b[^.\n]{0,24}$", re.IGNORECASE
)
_WEIGHT = re.compile(
    rf"\b(?:weight|wt|weighs|weighing)\b\s*(?:is|was|of|:|=)?\s*(?:today\s*)?(?P<num>{AMOUNT})\s?kg\b",
    re.IGNORECASE,
)
_WEIGHT_HEAD = re.compile(rf"(?<![\d.,/])(?P<num>{AMOUNT})\s?kg\b(?!\s?/)", re.IGNORECASE)


_DIAGNOSIS = re.compile(r"\W*(?:dx|diagnos|referred|re:)", re.IGNORECASE)
_SUGGESTED = re.compile(
    r"(?:not|previously treated as|features of|consistent with|typical of|pattern of|rather than|"
    r"in keeping with|versus|compatible with|characteristic of|(?:would )?fits?(?: with)?|favou?rs?|"
    r"in line with|suggest\w*)\s+(?:a\s|an\s|the\s)?$"
)
_REVISED = re.compile(
    r"\b(?:(?:label|diagnos[ie]s|classification)\b[^.;]{0,40}\b(?:changed|revised|amended|altered|updated|corrected)"
    r"|(?:changed|revised|amended|altered|updated|corrected)\b[^.;]{0,30}\b(?:label|diagnos[ie]s|classification)"
    r"|relabell?ed|reclassified)\b[^.;]{0,50}\b(?:to|as)\s+"
    r"(?:a\s|an\s|that of\s|anti-\S+\s(?:positive\s)?)*$",
    re.IGNORECASE,
)
_LEFT = re.compile(
    r"\bdischarge (?:summary|letter|report|note)\b|\bdate of discharge\b|\bdischarged\s*:?\s*\d|"
    r"\bdischarge date\b",
    re.IGNORECASE,
)
"""Words of a letter that is written when a patient leaves the ward."""
REQUEST = ("details", "question", "history")


class Person:
    """Reads the head of one letter."""

    def __init__(
        self, plain: str, words: PersonWords, dates: DateReader, commas: bool, report: bool = False
    ) -> None:
        """Take the letter, the words, how dates and decimals are written, whether it reports one study."""
        self.report = report
        self.plain, self.words, self.dates, self.commas = plain, words, dates, commas

    def today(self, lines: Sequence[tuple[int, int]]) -> Fact | None:
        """Return the day of the letter: the visit or report that its head names, or its first date."""
        found: list[tuple[int, int, Fact]] = []
        for place, (start, end) in enumerate(lines[:14]):
            for hit in self.dates.find(self.plain, start, end):
                if not hit.whole or hit.date.day is None:
                    continue
                before = self.plain[start : hit.start].lower()
                kind = self._kind(before)
                if kind is None:
                    continue
                found.append((kind, place, Fact("date", hit.date, hit.start, hit.end)))
        if not found:
            return None
        best = min(
            found, key=lambda one: (one[0], one[1] if one[0] != 1 else -one[1], one[2].start)
        )
        if _LEFT.search(self.plain, 0, best[2].start) is None:
            return best[2]
        # What a summary of a stay tells of a visit before it is not its day.
        left = [one for one in found if one[0] == 1 and self._later(one[2], best[2])]
        return left[-1][2] if left else best[2]

    @staticmethod
    def _later(one: Fact, other: Fact) -> bool:
        assert isinstance(one.value, PartialDate) and isinstance(other.value, PartialDate)
        return one.value.earliest > other.value.latest

    def _kind(self, before: str) -> int | None:
        """Return how well the words before a date suit the day of the letter; ``None`` if not at all."""
        ends: list[tuple[int, int | None]] = []
        for kind, name in ((0, "visit"), (1, "report"), (2, "other"), (4, "late"), (None, "never")):
            for word in self.words.dates[name]:
                for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", before):
                    if len(before) - match.end() <= 42:
                        ends.append((match.end(), kind))
        if not ends:
            return 3
        return max(ends, key=lambda one: (one[0], -(one[1] if one[1] is not None else 9)))[1]

    def who(self, sentences: Sequence[Sentence]) -> Iterator[Fact]:
        """Yield sex, age, birth date and weight."""
        head = self.plain[: sentences[min(len(sentences) - 1, 22)].end] if sentences else ""
        yield from self._sex(head)
        born = next(_BORN.finditer(head), None)
        hits = []
        if born and not _CHILD.search(head, 0, born.start()):
            hits = [
                h
                for h in self.dates.find(self.plain, born.end(), born.end() + 14)
                if h.start - born.end() <= 2
            ]
        if born and hits:
            yield Fact("patient.birth_date", hits[0].date, born.start(), hits[0].end)
        else:
            yield from self._age(head)
        yield from self._weight(head)

    def _sex(self, head: str) -> Iterator[Fact]:
        titles = list(_TITLE.finditer(head))
        named = next((m for m in titles if not _ADDRESS.search(head, 0, m.start())), None)
        if named:
            sex = "female" if named["female"] else "male"
            yield Fact("patient.sex", sex, named.start(), named.end())
            return
        match = re.search(
            r"\b\d{1,3}\s?(?:y|yo|yrs?)?[ ,]*(?P<s>[MF])\b(?![/\w])|"
            r"\b(?P<t>[MF])[ ,]+\d{1,3}\s?(?:y|yrs?|years)?\b|\bSex\s*:?\s*(?P<u>[MF])\b|"
            r"-(?P<v>[MF])-(?:19|20)\d\d|\bPatient:\s*(?P<w>[MF])\b",
            head,
        )
        if match:
            letter = next(x for x in match.groups() if x)
            yield Fact(
                "patient.sex", "female" if letter == "F" else "male", match.start(), match.end()
            )
            return
        said = {
            sex: re.findall(rf"\b(?:{'|'.join(words)})\b", self.plain, re.IGNORECASE)
            for sex, words in self.words.pronouns.items()
        }
        most = max(said, key=lambda sex: len(said[sex]))
        other_count = sum(len(x) for sex, x in said.items() if sex != most)
        if len(said[most]) >= 2 and len(said[most]) > 2 * other_count:
            place = re.search(
                rf"\b(?:{'|'.join(self.words.pronouns[most])})\b", self.plain, re.IGNORECASE
            )
            if place:
                yield Fact("patient.sex", most, place.start(), place.end())

    def _age(self, head: str) -> Iterator[Fact]:
        for pattern in _AGES:
            for match in pattern.finditer(head):
                age = int(next(x for x in match.groups() if x))
                before = head[max(0, match.start() - 30) : match.start()].lower()
                span = match[0][0].isdigit() and match[0][-1] in "rRsSyY" and _NO_AGE.search(before)
                if not span and 0 < age <= 110 and not _OF_ANOTHER.search(before):
                    yield Fact("patient.age", float(age), match.start(), match.end())
                    return

    def _weight(self, head: str) -> Iterator[Fact]:
        match = _WEIGHT.search(self.plain) or _WEIGHT_HEAD.search(head)
        if match is None:
            return
        sentence_start = max(self.plain.rfind(sign, 0, match.start()) for sign in (".", "\n", ":"))
        lead = self.plain[max(sentence_start, match.start() - 40, 0) : match.start()].lower()
        if re.search(
            r"\b(?:lost|gained|gain|loss|down|up|increase\w*|mg|lose|put on|was|from|dose|"
            r"in november|in october)\b",
            lead,
        ):
            return
        value = number(match["num"], self.commas)
        if value and 2 <= value <= 250:
            yield Fact("patient.weight_kg", value, match.start(), match.end())

    def label(self, read: Sequence[tuple[Sentence, Sequence[Hit], Context]]) -> Fact | None:
        """Return the diagnosis that the letter carries: the first one that it does not doubt.

        A report on a study carries the one of its request, not what its findings suggest.
        """
        if revised := self._revised(read):
            return revised
        for headed in (True, False):
            for sentence, hits, context in read:
                if self.report and sentence.section not in REQUEST:
                    continue
                if headed and not self._is_heading(sentence):
                    continue
                for hit in own(hits, "labels"):
                    if self._carried(hit, sentence, context):
                        words = sentence.words
                        start, end = words[hit.first].start, words[hit.last].end
                        return Fact("label", hit.of.of, start, end)
        return None

    def _revised(self, read: Sequence[tuple[Sentence, Sequence[Hit], Context]]) -> Fact | None:
        """Return the diagnosis to which the letter says that it changes the label."""
        for sentence, hits, context in read:
            words = sentence.words
            for hit in own(hits, "labels"):
                start, end = words[hit.first].start, words[hit.last].end
                if _REVISED.search(self.plain, sentence.start, start) and not (
                    context.at(hit.first, hit.last).means & {"doubt", "if", "other", "no"}
                ):
                    return Fact("label", hit.of.of, start, end)
        return None

    def _is_heading(self, sentence: Sentence) -> bool:
        text = self.plain[sentence.start : sentence.end]
        return sentence.section in ("impression", "question") or bool(_DIAGNOSIS.match(text))

    def _carried(self, hit: Hit, sentence: Sentence, context: Context) -> bool:
        """Tell whether a diagnosis is named as the patient's, and not as one that something suggests."""
        if context.at(hit.first, hit.last).means & {"doubt", "if", "other", "no"}:
            return False
        words = sentence.words
        if words[hit.first].text == "DM" and not self._is_dermatomyositis(hit, sentence):
            return False
        start, end = words[hit.first].start, words[hit.last].end
        before = self.plain[max(sentence.start, start - 44) : start].lower()
        asked = re.match(r"\s*\?", self.plain[end : end + 14])
        return not asked and not _SUGGESTED.search(before)

    def _is_dermatomyositis(self, hit: Hit, sentence: Sentence) -> bool:
        before = self.plain[
            max(sentence.start, sentence.words[hit.first].start - 12) : sentence.words[
                hit.first
            ].start
        ]
        return bool(
            re.search(
                r"(?:MDA-?5|TIF1\S*|NXP-?2|Mi-?2|SAE|[Dd]x:?|[Aa]myopathic|juvenile|"
                r"\d\.)[\s-]*(?:positive\s)?$",
                before,
            )
        )


def own(hits: Sequence[Hit], kind: str) -> list[Hit]:
    """Return the marks of one kind in their order, without those that lie within longer ones."""
    found = [hit for hit in hits if isinstance(hit.of, HeadMark) and hit.of.kind == kind]
    kept = [
        h
        for h in found
        if not any(o.first <= h.first and h.last <= o.last and o.length > h.length for o in found)
    ]
    return sorted(kept, key=lambda hit: hit.first)
