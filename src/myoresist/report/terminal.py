"""The report in a terminal: colour only where there is any, and as plain text it reads as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.console import Console
from rich.segment import Segment, Segments

from myoresist.report.document import UNKNOWN, Cell, Datum, Paragraph, Part, Report, Table, Tone
from myoresist.report.printable import printable

STYLES: dict[Tone, str] = {
    "": "", "for": "green", "against": "red", "open": "yellow", "quiet": "dim",
}  # fmt: skip
INDENT, GAP, BAR = 2, 2, 10
NARROWEST = 8
MOST_REASONS, MOST_UNKNOWN = 5, 3
"""Findings behind one statement that are named; more are counted."""


def render(report: Report, console: Console) -> None:
    """Print a report; nothing in it is markup, and its pictures are not drawn.

    Args:
        report: what to show.
        console: where to; its width is used, and colour only where it has any.
    """
    sheet = _Sheet(console)
    sheet.say(report.title, "bold")
    if report.source:
        sheet.say(report.source, "dim")
    sheet.say(report.about, "dim")
    sheet.chapter("The answer")
    for one in report.answers:
        sheet.say(one.question, "bold", INDENT)
        sheet.say(one.text, STYLES[one.tone], 2 * INDENT)
    if report.problems:
        sheet.chapter("To settle in the record")
        sheet.parts(report.problems)
    for section in report.sections:
        sheet.chapter(section.title)
        sheet.parts(section.parts)
    sheet.chapter("Sources")
    for work in report.sources:
        link = f" {work.link}" if work.link else ""
        sheet.say(work.text + link, indent=INDENT, sign=f"{work.number}.")
    sheet.say()
    sheet.say(report.notice, "dim")
    sheet.print()


class _Sheet:
    """Lines that are laid out for a console, and printed together."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = console.width
        self.segments: list[Segment] = []

    def print(self) -> None:
        self.console.print(Segments(self.segments), end="", crop=False)

    def chapter(self, title: str) -> None:
        self.say()
        self.say(title, "bold")
        self.say("─" * min(cell_len(title), self.width), "dim")

    def parts(self, parts: Iterable[Part]) -> None:
        for number, part in enumerate(parts):
            if number:
                self.say()
            self.say(part.title, "bold")
            blocks = [len(one.details) > 1 for one in part.paragraphs]
            for place, one in enumerate(part.paragraphs):
                if place and any(blocks[place - 1 : place + 1]):
                    self.say()
                self.paragraph(one, INDENT, part.traced)
            pictured = (figure.table for figure in part.figures if not figure.in_words)
            for place, table in enumerate((*pictured, *part.tables)):
                if place or part.paragraphs:
                    self.say()
                self.table(table)

    def paragraph(self, one: Paragraph, indent: int, traced: bool) -> None:
        cites = f" [{', '.join(map(str, one.cites))}]" if one.cites else ""
        style = f"{'bold ' if one.strong else ''}{STYLES[one.tone]}"
        self.say(one.text + cites, style, indent, one.sign, _behind(one.data) if traced else "")
        for detail in one.details:
            self.paragraph(detail, indent + 2 * INDENT, traced)

    def say(
        self, text: str = "", style: str = "", indent: int = 0, sign: str = "", behind: str = ""
    ) -> None:
        """Add one paragraph.

        Args:
            text: what to say.
            style: how it looks.
            indent: blanks before every line.
            sign: what stands before the first line; the others begin below its text.
            behind: what stands after it where it fits, and below it where not.
        """
        head = " " * indent + (f"{sign} " if sign else "")
        margin = cell_len(head)
        lines = _wrapped(text, self.width - margin)
        after = f"  ← {behind}" if behind else ""
        fits = margin + cell_len(lines[-1] + after) <= self.width
        for number, line in enumerate(lines, 1):
            start = head if number == 1 else " " * margin
            beside = after if fits and number == len(lines) else ""
            self._put((start + line, style), (beside, "dim"))
        if behind and not fits:
            self.say(behind, "dim", margin, "←")

    def table(self, table: Table) -> None:
        """Add a table; a wide column for which there is no room stands below each row."""
        self.say(table.caption, "dim", INDENT)
        rows = [tuple(Cell(head, "quiet") for head in table.header), *table.rows]
        widths, below = _laid_out(rows, self.width - INDENT)
        for row in rows:
            self._row([(cell, width) for cell, width in zip(row, widths, strict=True) if width])
            if below and row[below].text:
                self.say(row[below].text, STYLES[row[below].tone], 3 * INDENT)

    def _row(self, row: Sequence[tuple[Cell, int]]) -> None:
        cells = [_wrapped(_shown(cell), width - GAP) for cell, width in row]
        for lines in zip_longest(*cells, fillvalue=""):
            pieces = [
                (set_cell_size(line, width), STYLES[cell.tone])
                for line, (cell, width) in zip(lines, row, strict=True)
            ]
            self._put((" " * INDENT, ""), *pieces)

    def _put(self, *pieces: tuple[str, str]) -> None:
        """Add a line of pieces with their styles, without the blanks at its end."""
        told = [(printable(text), style) for text, style in pieces]
        while told and not told[-1][0].strip():
            told.pop()
        for number, (text, style) in enumerate(told, 1):
            shown = text.rstrip() if number == len(told) else text
            self.segments.append(Segment(shown, self.console.get_style(style)))
        self.segments.append(Segment.line())


def _laid_out(rows: Sequence[Sequence[Cell]], room: int) -> tuple[list[int], int]:
    """Return how wide each column of a table is with the gap behind it, and which stands below the rows.

    The first column names the row and stays; with 0 none stands below.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(cell_len(_shown(cell)) for cell in column) + GAP for column in columns]
    below = widths.index(max(widths))
    if sum(widths) <= room + GAP or max(widths) < room / 2:
        below = 0
    if below:
        widths[below] = 0
    words = [max(cell_len(x) for one in column for x in one.text.split(" ")) for column in columns]
    for least in (words, [NARROWEST] * len(words)):
        while sum(widths) > room + GAP:
            wider = [n for n, width in enumerate(widths) if width > least[n] + GAP]
            if not wider:
                break
            widths[max(wider, key=widths.__getitem__)] -= 1
    return widths, below


def _wrapped(text: str, width: int) -> list[str]:
    """Return text in lines of at most so many cells; an address stays whole, so that it can be followed."""
    lines = [""]
    for word in printable(text).split():
        whole = cell_len(word) <= width or "://" in word
        for piece in (word,) if whole else chop_cells(word, max(width, NARROWEST)):
            longer = f"{lines[-1]} {piece}" if lines[-1] else piece
            if lines[-1] and cell_len(longer) > width:
                lines.append(piece)
            else:
                lines[-1] = longer
    return lines


def _shown(cell: Cell) -> str:
    if cell.share is None:
        return cell.text
    filled = round(cell.share * BAR)
    return f"{'█' * filled}{'░' * (BAR - filled)} {cell.text}"


def _behind(data: Iterable[Datum]) -> str:
    """Return the findings behind a statement in short, those that are known first."""
    known = [f"{one.label}: {one.value}" for one in data if one.value != UNKNOWN]
    unknown = [f"{one.label}: {one.value}" for one in data if one.value == UNKNOWN]
    if len(known) > MOST_REASONS + 1:
        known[MOST_REASONS:] = [f"and {len(known) - MOST_REASONS} more"]
    if len(unknown) > MOST_UNKNOWN:
        unknown = [f"{len(unknown)} findings unknown"]
    return "; ".join((*known, *unknown))
