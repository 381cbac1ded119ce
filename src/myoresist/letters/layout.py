"""The parts of a letter: paragraphs, headings, sentences; which lines go on and which begin something new."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from myoresist.letters.tokens import Token, tokens

_ITEM = re.compile(r"\s*(?:[-*#>+]|\(?\d{1,2}[.)]|[a-z][.)])\s+(?=\S)")
_LABEL = re.compile(
    r"\s*(?:[-*#>]\s*|\(?\d{1,2}[.)]\s+)?([A-Za-z][\w/&+'(),. -]{0,48}?)\s*(?::(?![\d])|\.{4,})\s*"
)
_SHORT_LABEL = re.compile(r"\s*(?:([A-Z][A-Za-z/+]{0,5})[.:]|([A-Z][A-Z/]+x?))\s+(?=\S)")
_GAP = re.compile(r"\S(?:[ ]{2,}|\s*\|\s*)(?=\S)")
_STOP = re.compile(r"(?<![.!?])[.!?]++[\"')\]]*+(?=\s|$)|;(?=\s|$)")
_NOT_A_STOP = re.compile(
    r"(?:(?:^|(?<=[\s(]))(?:dr|mr|mrs|ms|prof|st|approx|ca|e\.g|i\.e|eg|vs|incl|prev|resp|"
    "ref|max|min|no|nr|fig|bds|pat|dept|tel|m|mm|n|v|"
    r"i\.v|s\.c|p\.o|i\.m|b\.d|o\.d|b\.i\.d|t\.d\.s|i|s|p|a\.m|p\.m|jan|feb|mar|apr|jun|"
    "jul|aug|sept?|oct|nov|dec|est|cf|etc|ext|"
    r"transl|typ|lat|med|dist|prox|sin|dex|ant|post|sup|inf|bilat|elev|neg|pos)|^[A-Z]|(?<=\s)[A-Z])\.$",
    re.IGNORECASE,
)  # fmt: skip
_OWN_STOP = re.compile(
    r"\b(?:neg|pos|bilat|prox|dist|post|ant|etc|no|max|m|n|v|inf|sup|ext|elev|lat|med)\.$",
    re.IGNORECASE,
)


_GOES_ON = frozenset((
    "and", "or", "of", "the", "a", "an", "in", "with", "to", "for", "by", "on", "at", "from",
    "no", "not", "was", "were", "is", "are", "her", "his", "she", "he", "it", "has", "had",
    "have", "but", "which", "who", "that", "as", "than", "without", "any", "per", "into",
))  # fmt: skip


_ITEMS = 13
"""Numbers below may be those of a list within a line, or months."""
_MONTH = re.compile(
    r"(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|okt|oct|nov|dec|dez)", re.IGNORECASE
)
LONGEST = 1_500
"""Signs that a sentence may have, so that time is bounded whatever a text is made of."""


@dataclass(frozen=True)
class Line:
    """A line of the plain text without its end."""

    start: int
    end: int
    text: str

    @property
    def blank(self) -> bool:
        """Tell whether it holds nothing."""
        return not self.text.strip()

    @property
    def columns(self) -> int:
        """Return into how many cells gaps part the line."""
        return len(_GAP.findall(self.text)) + 1 if not self.blank else 0


@dataclass
class Sentence:
    """A sentence, or what stands for one: an item of a list, a line of a form.

    Attributes:
        start, end: place in the plain text.
        words: its words.
        section: what the heading above it says it is about, if that is known.
        paragraph: number of its paragraph.
        label: text of the label that it begins with, if it has one.
        opens: whether it begins a line.
        closes: what ends it: ".", ";", "?" or nothing.
        item: whether it belongs to an item of a list.
    """

    start: int
    end: int
    words: tuple[Token, ...]
    section: str | None
    paragraph: int
    label: str | None = None
    opens: bool = False
    closes: str = ""
    item: bool = False
    scene: str | None = field(default=None, compare=False)


def lines(plain: str) -> list[Line]:
    """Return the lines of a text."""
    found, at = [], 0
    for text in plain.split("\n"):
        found.append(Line(at, at + len(text), text))
        at += len(text) + 1
    return found


def begins_new(before: Line, line: Line, width: float) -> bool:
    """Tell whether a line begins something new, or goes on with the one before."""
    if before.blank or line.blank or _ITEM.match(line.text):
        return True
    last, first = before.text.rstrip(), line.text.lstrip()
    label = _LABEL.match(line.text)
    if label and label[1][:1].isupper() and len(label[1].split()) <= 5 and not last.endswith(","):
        return True
    if before.columns >= 3 or line.columns >= 3:
        return True
    if label and _LABEL.match(before.text) and _indent(before) == _indent(line) > 0:
        return True
    if last.endswith((",", "-")) or first[:1].islower() or first[:1] in ")]/%<>=":
        return False
    if last.split()[-1].lower() in _GOES_ON:
        return False
    full = len(last) >= 0.72 * width
    if last.endswith((".", ":", "!", ";")):
        return not full
    if (
        last.isupper() != first.isupper()
        and (last.isupper() or first.isupper())
        and len(last) < width
    ):
        return True
    return not full


def _indent(line: Line) -> int:
    return len(line.text) - len(line.text.lstrip())


class Layout:
    """Cuts a text into sentences."""

    def __init__(self, plain: str, headings: Mapping[str, str]) -> None:
        """Take the text and the words of headings, each with the section that it opens."""
        self.plain = plain
        self.headings = headings
        self.lines = lines(plain)
        lengths = sorted(len(line.text.rstrip()) for line in self.lines if not line.blank)
        self.width = lengths[int(len(lengths) * 0.85)] if lengths else 0
        self.sentences = tuple(self._sentences())

    def heading(self, text: str) -> str | None:
        """Return the section that a label or a line opens, if it is one."""
        key = " ".join(word.norm for word in tokens(text) if word.text.isalnum())
        return self.headings.get(key)

    def _sentences(self) -> Iterator[Sentence]:
        section: str | None = None
        paragraph = 0
        for start, end, fresh in self._blocks():
            paragraph += fresh
            section = None if fresh else section
            alone = self._alone(self.plain[start:end])
            if alone is not None:
                section = alone
                yield self._one(start, end, alone, paragraph, None, True, "")
                continue
            for number, (left, right, closes) in enumerate(self._cuts(start, end)):
                label, named = self._label(left, right)
                if named is not None:
                    section = named
                elif label and number == 0 and section == "family":
                    section = None
                yield self._one(left, right, section, paragraph, label, number == 0, closes)

    def _alone(self, text: str) -> str | None:
        """Return the section that a line opens which is nothing but a heading."""
        return self.heading(text) if len(text) < 60 else None

    def _one(
        self, start: int, end: int, section: str | None, paragraph: int, label: str | None,
        opens: bool, closes: str,
    ) -> Sentence:  # fmt: skip
        item = opens and bool(_ITEM.match(self.plain[start:end]))
        words = tuple(tokens(self.plain, start, end))
        return Sentence(start, end, words, section, paragraph, label, opens, closes, item)

    def _label(self, start: int, end: int) -> tuple[str | None, str | None]:
        """Return the label with which a sentence begins, and the section that it opens."""
        text = self.plain[start:end]
        if match := _LABEL.match(text):
            return match[1], self.heading(match[1])
        short = _SHORT_LABEL.match(text)
        word = (short[1] or short[2]) if short else ""
        named = self.heading(word) if word else None
        return (word if named else None), named

    def _blocks(self) -> Iterator[tuple[int, int, bool]]:
        """Yield runs of lines that go on, and whether a blank line or a heading came before."""
        run: list[Line] = []
        fresh = True
        heading = False
        for line in self.lines:
            if line.blank:
                if run:
                    yield run[0].start, run[-1].end, fresh
                    run = []
                fresh = not heading
                continue
            if run and begins_new(run[-1], line, self.width):
                yield run[0].start, run[-1].end, fresh
                run, fresh = [], False
            run.append(line)
            heading = len(run) == 1 and self._alone(line.text) is not None
            if heading:
                yield line.start, line.end, True
                run, fresh = [], False
        if run:
            yield run[0].start, run[-1].end, fresh

    def _cuts(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Cut a run of lines where a sentence ends, and what is too long for one at a space."""
        for left, right, closes in self._sentence_ends(start, end):
            while right - left > LONGEST:
                at = self.plain.rfind(" ", left + LONGEST // 2, left + LONGEST)
                cut = at if at > 0 else left + LONGEST
                yield left, cut, ""
                left = cut
            if self.plain[left:right].strip():
                yield left, right, closes

    def _sentence_ends(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        at = start
        for match in _STOP.finditer(self.plain, start, end):
            if match[0][0] == "." and not self._ends(at, match.end(), end):
                continue
            if match[0].startswith("....") or (
                match[0][0] == ";" and self._bracketed(at, match.start())
            ):
                continue
            if match[0][0] == "?" and (
                match.start() == 0 or self.plain[match.start() - 1] in " (\n"
            ):
                continue
            if self.plain[at : match.end()].strip(" .;!?\n"):
                yield at, match.end(), match[0][0]
                at = match.end()
        if self.plain[at:end].strip():
            yield at, end, ""

    def _bracketed(self, start: int, at: int) -> bool:
        """Tell whether a semicolon stands within brackets."""
        return self.plain.count("(", start, at) > self.plain.count(")", start, at)

    def _ends(self, start: int, stop: int, end: int) -> bool:
        """Tell whether a full stop ends a sentence."""
        before, after = (
            self.plain[max(start, stop - 12) : stop].rstrip("\"')]"),
            self.plain[stop:end].lstrip(),
        )
        if not after:
            return True
        if numbered := re.search(r"(?:^|\s)\(?(\d{1,2})\.$", before):
            # "12. 6. 2019", "1. Dermatomyositis"; but "Vitamin D 38. Testosterone …"
            item = start == stop - len(numbered[1]) - 1 or int(numbered[1]) < _ITEMS
            return not item and after[:1].isupper() and not _MONTH.match(after)
        if _NOT_A_STOP.search(before):
            return bool(_OWN_STOP.search(before)) and after[:1].isupper()
        return True
