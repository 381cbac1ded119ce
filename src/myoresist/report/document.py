"""What a report is made of, before any form lays it out.

A topic says its part in lines, which know their sources and findings by id. The builder numbers the sources,
looks up the findings and gathers all of it into one report. Both carry meaning: how it looks, each form says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Tone = Literal["", "for", "against", "open", "quiet"]
"""What a statement means: it speaks for something, speaks against it or warns, is open, or in passing."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Datum:
    """Something known of the patient that triggered a statement, or that is unknown.

    Attributes:
        label: the finding, or what else of the record.
        value: what is known of it.
        where: places of the case file where it stands.
    """

    label: str
    value: str
    where: str = ""

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.label}: {self.value}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True)
class Line:
    """One statement as a topic says it.

    Attributes:
        text: what it says.
        tone: what it means.
        strong: whether it stands out.
        detail: whether it belongs to the statement before it.
        sign: what stands before it.
        cites: keys of the works that it rests on.
        rule: the rule behind it, in plain words.
        because: ids of the findings that triggered it.
        record: what else of the record triggered it.
    """

    text: str
    tone: Tone = ""
    strong: bool = False
    detail: bool = False
    sign: str = ""
    cites: tuple[str, ...] = ()
    rule: str = ""
    because: tuple[str, ...] = ()
    record: tuple[Datum, ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """One statement of the report, with what can be opened behind it.

    Attributes:
        text: what it says.
        tone: what it means.
        strong: whether it stands out.
        sign: what stands before it.
        cites: numbers of the sources.
        rule: the rule in plain words.
        data: what of the patient triggered it.
        details: what belongs to it.
    """

    text: str
    tone: Tone = ""
    strong: bool = False
    sign: str = ""
    cites: tuple[int, ...] = ()
    rule: str = ""
    data: tuple[Datum, ...] = ()
    details: tuple[Paragraph, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says.
        tone: what it means.
        share: the share of a whole that it gives, where a form may draw a bar.
    """

    text: str
    tone: Tone = ""
    share: float | None = None


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names the row."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture, with what it shows in words and the table behind it.

    Attributes:
        draw: returns the picture; a form without pictures never asks.
        alternative: what is to be seen, for a reader who does not see it.
        in_words: whether the statements beside it say all that its table does.
        wide: whether it needs the whole width.
    """

    id: str
    caption: str
    draw: Callable[[], str] = field(repr=False, compare=False)
    alternative: str
    table: Table
    in_words: bool = False
    wide: bool = False

    @cached_property
    def svg(self) -> str:
        """Return the picture."""
        return self.draw()


@dataclass(frozen=True)
class Part:
    """A part of a section: statements, pictures and tables under a heading.

    Attributes:
        traced: whether the findings behind each statement belong beside it, even where nothing can be opened.
        folded: whether its tables are opened on demand.
    """

    id: str
    title: str
    paragraphs: tuple[Paragraph, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    traced: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One question, or another chapter of the report."""

    id: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Block:
    """A part of page one: what must not wait, why it did not respond, what to do.

    Attributes:
        numbered: whether the order of the lines is that in which to act.
    """

    id: str
    title: str
    lines: tuple[Paragraph, ...]
    tone: Tone = ""
    numbered: bool = False


@dataclass(frozen=True)
class Page:
    """Page one: what a specialist would write back.

    Attributes:
        state: in what state the patient is.
        tone: what that means.
        bottom_line: what it is, in one sentence.
        doubt: what in the record does not agree or could not be used, if anything.
    """

    state: str
    tone: Tone
    bottom_line: Paragraph
    blocks: tuple[Block, ...]
    doubt: str

    @property
    def lines(self) -> tuple[Paragraph, ...]:
        """Return every line in its order."""
        return (self.bottom_line, *(line for block in self.blocks for line in block.lines))


@dataclass(frozen=True)
class CitedWork:
    """A cited work; ``short`` is what stands on page one."""

    number: int
    text: str
    short: str
    link: str | None


@dataclass(frozen=True)
class Report:
    """The whole report, or page one alone.

    Attributes:
        title: who it is about.
        source: where the record comes from.
        about: what the record is, and which versions made the report.
        notice: what the report is not.
        page: page one.
        problems: where the record contradicts itself or could not be used.
        sections: the appendix: the reasons; none where page one stands alone.
        sources: the cited works, numbered as they are first cited.
    """

    title: str
    source: str | None
    about: str
    notice: str
    page: Page
    problems: tuple[Part, ...]
    sections: tuple[Section, ...]
    sources: tuple[CitedWork, ...]

    @property
    def disclaimer(self) -> str:
        """Return what the report is not, in the one line that stands on page one."""
        return self.notice.partition(". ")[0].removesuffix(".") + "."

    @property
    def caveat(self) -> str:
        """Return the rest of the notice."""
        return self.notice.partition(". ")[2]

    def short(self, line: Paragraph) -> str:
        """Return the sources of a line of page one in short."""
        return ", ".join(self.sources[number - 1].short for number in line.cites)

    @property
    def rules(self) -> tuple[Paragraph, ...]:
        """Return the statements with a rule behind them, for a form in which nothing can be opened."""
        return tuple(
            one
            for section in self.sections
            for part in section.parts
            for one in part.paragraphs
            if one.rule
        )
