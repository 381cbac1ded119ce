"""The report in a terminal: colour only where there is any, and as plain text it reads as well.

Page one is what is printed; the appendix follows where the report has one.
"""

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
ASIDE, LEAST_ASIDE = 20, 64
"""Width of the headings beside the lines of page one, and of the console from which they stand there."""
SIGNS = {"today": "!", "why": "·", "confirm": "!", "do": "·", "changes": "·"}
MORE = "The reasons, the four questions and all sources: --full"
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
    sheet.page(report)
    sheet.say()
    sheet.say(report.disclaimer, "dim")
    sheet.say(report.about, "dim")
    if report.sections:
        _appendix(sheet, report)
    else:
        sheet.say(MORE, "dim")
    sheet.print()


def _appendix(sheet: _Sheet, report: Report) -> None:
    sheet.chapter("Behind each line")
    for one in report.page.lines:
        sheet.behind(one, report)
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
    sheet.say(report.caveat, "dim")


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

    def page(self, report: Report) -> None:
        """Add page one: the state, the bottom line, and each block with its heading beside it."""
        page = report.page
        self.say()
        self.say(page.state.upper(), f"bold {STYLES[page.tone]}")
        self.say(page.bottom_line.text, "bold")
        for block in page.blocks:
            self.say()
            aside = self.width >= LEAST_ASIDE
            heading = f"bold {STYLES[block.tone]}"
            if not aside:
                self.say(block.title, heading)
            for number, one in enumerate(block.lines, 1):
                sign = f"{number}." if block.numbered else SIGNS.get(block.id, "")
                title = (block.title if number == 1 else "", heading) if aside else None
                self.say(
                    one.text, STYLES[one.tone], ASIDE if aside else INDENT, sign,
                    report.short(one), mark="", title=title,
                )  # fmt: skip
        if page.doubt:
            self.say()
            self.say(page.doubt, STYLES["open"], sign="!")

    def behind(self, one: Paragraph, report: Report, indent: int = INDENT) -> None:
        """Add what opens behind a line of page one elsewhere: the rule, the patient, the sources."""
        self.say(one.text, "bold", indent, one.sign)
        for name, text in (
            ("Rule", one.rule),
            ("In this patient", "; ".join(map(str, one.data))),
            ("Sources", report.short(one)),
        ):
            if text:
                self.say(f"{name}: {text}", "", indent + INDENT)
        for detail in one.details:
            self.behind(detail, report, indent + INDENT)

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
        self,
        text: str = "",
        style: str = "",
        indent: int = 0,
        sign: str = "",
        behind: str = "",
        mark: str = "←",
        title: tuple[str, str] | None = None,
    ) -> None:
        """Add one paragraph.

        Args:
            text: what to say.
            style: how it looks.
            indent: blanks before every line.
            sign: what stands before the first line; the others begin below its text.
            behind: what stands after it where it fits, and below it where not.
            mark: what stands before ``behind``.
            title: what stands in the indent of the first line, and how it looks.
        """
        head, style_of_head = title or ("", "")
        signed = f"{sign} " if sign else ""
        margin = indent + cell_len(signed)
        lines = _wrapped(text, self.width - margin)
        marked = f"{mark} " if mark else ""
        after = f"  {marked}{behind}" if behind else ""
        fits = margin + cell_len(lines[-1] + after) <= self.width
        for number, line in enumerate(lines, 1):
            beside = after if fits and number == len(lines) else ""
            if number == 1:
                self._put(
                    (set_cell_size(head, indent), style_of_head),
                    (signed + line, style),
                    (beside, "dim"),
                )
            else:
                self._put((" " * margin + line, style), (beside, "dim"))
        if behind and not fits:
            self.say(behind, "dim", margin, mark)

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
