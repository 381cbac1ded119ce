"""Tables of laboratory values: a column a test, a column a day, or a row a result with unit, limit, day."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from myoresist.case.dates import PartialDate
from myoresist.case.terms import Terms
from myoresist.case.units import spelling
from myoresist.letters.dates import DateReader
from myoresist.letters.lab_value import LabValue
from myoresist.letters.layout import Line
from myoresist.letters.numbers import AMOUNT, number
from myoresist.letters.tokens import tokens

_CELL = re.compile(r"\S+(?:[ ](?! )\S+)*")
_FIGURE = re.compile(rf"({AMOUNT})\*?(?:\s?[HL↑↓+*]|\s?\((?:H|L)\))?")
_RULE = re.compile(r"[-=:+_|]+")
_BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,40})[)\]]")
_LIMIT_NAME = re.compile(
    r"\b(?:uln|upper limit(?: of normal)?|limit|reference range|ref(?:erence)?|range|normal)\b",
    re.IGNORECASE,
)
_LIMIT_WORDS = frozenset(
    (
        "uln",
        "limit",
        "upper limit",
        "ref",
        "reference",
        "range",
        "normal",
        "norm",
        "ref range",
        "reference range",
        "uln u l",
    )
)


_HEADINGS = {
    "result": ("result", "results", "value", "your result", "finding"),
    "unit": ("unit", "units", "uom"),
    "limit": (
        "ref", "reference", "range", "ref range", "reference range", "normal range", "normal", "limits",
        "reference interval", "ref interval", "ref. range", "normal values", "biological reference interval",
    ),
    "date": ("date", "collected", "sampled", "sample date", "drawn", "taken", "collection date"),
}  # fmt: skip
"""What heads the columns of a report with a result a row."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table, its place in the plain text, and where in its line its middle stands."""

    text: str
    start: int
    end: int
    middle: float


@dataclass(frozen=True)
class _Column:
    """What a column of a table holds."""

    kind: str
    cell: Cell
    test: str | None = None
    date: PartialDate | None = None


class Tables:
    """Reads the tables of one letter."""

    def __init__(
        self,
        plain: str,
        lines: Sequence[Line],
        terms: Terms,
        names: Mapping[str, str],
        dates: DateReader,
        commas: bool,
    ) -> None:
        """Take the letter and its lines, the tests by name, and how its dates and decimals are written."""
        self.plain, self.lines, self.terms = plain, lines, terms
        self.names, self.dates, self.commas = names, dates, commas
        self.spans: list[tuple[int, int]] = []

    def values(self) -> list[LabValue]:
        """Return the values of every table; ``spans`` then says which parts of the letter are tables."""
        found: list[LabValue] = []
        at = 0
        while at < len(self.lines):
            cells = _cells(self.lines[at])
            tests = [self._test(cell.text) for cell in cells]
            columns_of_tests = sum(test is not None for test in tests)
            dates = [self._date(cell) for cell in cells]
            if columns_of_tests >= 3:
                at = self._by_date(at, cells, found)
            elif sum(date is not None for date in dates) >= 2 and not any(tests):
                at = self._by_test(at, cells, found)
            elif (kinds := _report(cells)) is not None:
                at = self._by_result(at, cells, kinds, found)
            else:
                at += 1
        return found

    def _test(self, text: str) -> str | None:
        key = " ".join(
            word.norm
            for word in tokens(re.split(r"[(\[]", text)[0].strip(" .:"))
            if word.text.isalnum()
        )
        return self.names.get(key)

    def _date(self, cell: Cell) -> PartialDate | None:
        hits = list(self.dates.find(self.plain, cell.start, cell.end))
        if len(hits) == 1 and hits[0].end - hits[0].start >= len(cell.text) - 1:
            return hits[0].date
        return None

    def _by_date(self, at: int, head: Sequence[Cell], found: list[LabValue]) -> int:
        """Read a table with a test a column; return the line after it."""
        columns = [_Column(*self._kind(cell)) for cell in head]
        units: dict[int, str] = {}
        limits: dict[str, float] = {}
        rows: list[tuple[PartialDate, dict[int, Cell]]] = []
        end = at + 1
        while end < len(self.lines) and not (self.lines[end].blank and rows):
            cells = _cells(self.lines[end])
            placed = _placed(cells, columns)
            date = self._date(cells[0]) if cells else None
            if date is not None and len(cells) >= 2:
                rows.append((date, placed))
            elif cells and not rows and all(_RULE.fullmatch(c.text) for c in cells):
                pass
            elif cells and not rows and all(not _FIGURE.fullmatch(c.text) for c in cells):
                units = {n: cell.text for n, cell in placed.items()}
            elif rows and not self._limits(self.lines[end], limits):
                break
            end += 1
        if not rows:
            return at + 1
        for date, placed in rows:
            found += self._row(date, placed, columns, units, limits)
        self.spans.append((self.lines[at].start, self.lines[end - 1].end))
        return end

    def _kind(self, cell: Cell) -> tuple[str, Cell, str | None]:
        test = self._test(cell.text)
        if test is not None:
            return "test", cell, test
        return ("limit" if cell.text.lower().strip(".:") in _LIMIT_WORDS else "other"), cell, None

    def _limits(self, line: Line, limits: dict[str, float]) -> bool:
        """Read a line below a table that gives limits: "upper limits: ALD 7.6, LDH 250"."""
        if not re.match(r"\s*(?:upper limits?|uln|limits?|normal|ref)", line.text, re.IGNORECASE):
            return False
        for match in re.finditer(rf"([A-Za-z][\w-]*)\s*[:=<]?\s*({AMOUNT})", line.text):
            test, value = self._test(match[1]), number(match[2], self.commas)
            if test and value:
                limits[test] = value
        return bool(limits)

    def _row(
        self,
        date: PartialDate,
        placed: Mapping[int, Cell],
        columns: Sequence[_Column],
        units: Mapping[int, str],
        limits: Mapping[str, float],
    ) -> Iterator[LabValue]:
        for n, column in enumerate(columns):
            cell = placed.get(n)
            if column.test is None or cell is None:
                continue
            beside = columns[n + 1] if n + 1 < len(columns) else None
            unit, limit = self._beside(column.test, column.cell.text)
            unit, limit = units.get(n, unit), limits.get(column.test, limit)
            if beside is not None and beside.kind == "limit" and n + 1 in placed:
                limit = self._figure(placed[n + 1].text)
            value = self._lab(column.test, cell, unit, limit, date)
            if value is not None:
                yield value

    def _by_test(self, at: int, head: Sequence[Cell], found: list[LabValue]) -> int:
        """Read a table with a date a column; return the line after it."""
        columns = [self._head_of_dates(cell) for cell in head]
        end, read = at + 1, 0
        while end < len(self.lines) and not self.lines[end].blank:
            cells = _cells(self.lines[end])
            if len(cells) < 2:
                break
            test = self._test(cells[0].text)
            if test is not None:
                read += 1
                found += self._row_of_test(test, cells, columns)
            end += 1
        if read:
            self.spans.append((self.lines[at].start, self.lines[end - 1].end))
            return end
        return at + 1

    def _by_result(
        self, at: int, head: Sequence[Cell], kinds: Sequence[str], found: list[LabValue]
    ) -> int:
        """Read a report with a result a row; return the line after it.

        Only the lines of known tests are taken; what else it holds is read as sentences are.
        """
        columns = [_Column(kind, cell) for kind, cell in zip(kinds, head, strict=True)]
        end = at + 1
        while end < len(self.lines) and not self.lines[end].blank:
            cells = _cells(self.lines[end])
            test = self._test(cells[0].text) if cells else None
            value = self._result(test, cells, columns) if test else None
            if value is not None:
                found.append(value)
                self.spans.append((self.lines[end].start, self.lines[end].end))
            end += 1
        return end

    def _result(
        self, test: str, cells: Sequence[Cell], columns: Sequence[_Column]
    ) -> LabValue | None:
        by_kind = {columns[n].kind: cell for n, cell in _placed(cells, columns, _begins).items()}
        figure = by_kind.get("result")
        if figure is None:
            return None
        unit, limit = self._beside(test, cells[0].text)
        if "unit" in by_kind:
            unit = by_kind["unit"].text
        if "limit" in by_kind:
            limit = self._upper(by_kind["limit"].text) or limit
        date = self._date(by_kind["date"]) if "date" in by_kind else None
        value = self._lab(test, figure, unit, limit, date)
        return replace(value, dated=date is not None) if value else None

    def _head_of_dates(self, cell: Cell) -> _Column:
        date = self._date(cell)
        if date is not None:
            return _Column("date", cell, None, date)
        word = cell.text.lower().strip(".:")
        return _Column(
            "unit" if word.startswith("unit") else "limit" if word in _LIMIT_WORDS else "other",
            cell,
        )

    def _row_of_test(
        self, test: str, cells: Sequence[Cell], columns: Sequence[_Column]
    ) -> Iterator[LabValue]:
        # The column of the names may have no heading.
        placed = _placed(cells if len(cells) == len(columns) else cells[1:], columns)
        unit, limit = self._beside(test, cells[0].text)
        unit = next(
            (placed[n].text for n, c in enumerate(columns) if c.kind == "unit" and n in placed),
            unit,
        )
        limit = next(
            (
                self._upper(placed[n].text)
                for n, c in enumerate(columns)
                if c.kind == "limit" and n in placed
            ),
            limit,
        )
        for n, column in enumerate(columns):
            if column.date is not None and n in placed:
                value = self._lab(test, placed[n], unit, limit, column.date)
                if value is not None:
                    yield value

    def _beside(self, test: str, heading: str) -> tuple[str | None, float | None]:
        """Return unit and limit that a heading has in brackets: "CK (U/L, ULN 190)", "CK [<190 U/L]"."""
        percent = "%" if heading.rstrip().endswith("%") else None
        unit = percent if percent and spelling(percent, self.terms.labs[test]) else None
        limit: float | None = None
        for inside in _BRACKETS.findall(heading):
            for part in re.split(r"[,;]\s+", inside):
                words = _LIMIT_NAME.sub("", part).strip(" :=")
                if spelling(words, self.terms.labs[test]):
                    unit = words
                    continue
                figure, rest = _split(words)
                limit = limit if figure is None else self._upper(figure) or limit
                if figure is not None and words != part.strip():
                    limit = limit or self._figure(figure)
                if rest and spelling(rest, self.terms.labs[test]):
                    unit = rest
        return unit, limit

    def _upper(self, text: str) -> float | None:
        """Return the upper end of a range such as ``40 - 320`` or ``< 50``."""
        if match := re.fullmatch(rf"\(?\s*(?:{AMOUNT})\s*(?:-|to)\s*({AMOUNT})\s*\)?", text):
            return number(match[1], self.commas)
        if match := re.fullmatch(rf"\(?\s*(?:<|≤|up to)\s*({AMOUNT})\s*\)?", text):
            return number(match[1], self.commas)
        return None

    def _figure(self, text: str) -> float | None:
        match = _FIGURE.fullmatch(text.strip())
        return number(match[1], self.commas) if match else None

    def _lab(
        self, id_: str, cell: Cell, unit: str | None, limit: float | None, date: PartialDate | None
    ) -> LabValue | None:
        test, value = self.terms.labs[id_], self._figure(cell.text)
        if value is None:
            return None
        known = spelling(unit, test) if unit else None
        if known == test.unit and not test.minimum <= value <= test.maximum:
            return None
        return LabValue(
            id_,
            value,
            known,
            limit,
            date,
            cell.start,
            cell.end,
            None if known else "unit",
            unit is None,
            True,
        )


def _report(cells: Sequence[Cell]) -> list[str] | None:
    """Return what the columns of a report hold, by its heading; ``None`` if it is not the heading of one."""
    words = [cell.text.lower().strip(".: ") for cell in cells]
    kinds = [
        next((kind for kind, say in _HEADINGS.items() if word in say), "other") for word in words
    ]
    if len(cells) < 3 or "result" not in kinds[1:] or not {"unit", "limit"} & set(kinds):
        return None
    return kinds if len(kinds) - kinds.count("other") == len(set(kinds) - {"other"}) else None


def _split(text: str) -> tuple[str | None, str | None]:
    """Return the figures of "40-190 U/L" or "< 190 U/L", and its unit."""
    match = re.match(
        rf"(?P<figures>(?:<|≤|up to)?\s*(?:{AMOUNT})(?:\s*(?:-|–|to)\s*(?:{AMOUNT}))?)"
        r"\s*(?P<unit>.*)$",
        text,
    )
    return (match["figures"].replace("–", "-"), match["unit"]) if match else (None, None)


def _cells(line: Line) -> list[Cell]:
    """Return the cells of a line, which two spaces or bars part; between bars a cell may be empty."""
    if line.text.count("|") >= 2:
        return _between_bars(line)
    return [_cell(line, m.start(), m.end()) for m in _CELL.finditer(line.text.replace("|", " "))]


def _between_bars(line: Line) -> list[Cell]:
    bars = [n for n, sign in enumerate(line.text) if sign == "|"]
    if line.text[: bars[0]].strip():
        bars.insert(0, -1)
    if line.text[bars[-1] + 1 :].strip():
        bars.append(len(line.text))
    found = []
    for left, right in itertools.pairwise(bars):
        inside = line.text[left + 1 : right]
        start = left + 1 + len(inside) - len(inside.lstrip())
        found.append(_cell(line, start, start + len(inside.strip())))
    return found


def _cell(line: Line, start: int, end: int) -> Cell:
    text = line.text[start:end]
    return Cell(text, line.start + start, line.start + end, (start + end) / 2)


def _middle(cell: Cell) -> float:
    """Return where the middle of a cell stands in its line; a column of figures is centred or not."""
    return cell.middle


def _begins(cell: Cell) -> float:
    """Return where a cell begins in its line; the columns of a report are flush on the left."""
    return cell.middle - len(cell.text) / 2


def _placed(
    cells: Sequence[Cell], columns: Sequence[_Column], at: Callable[[Cell], float] = _middle
) -> dict[int, Cell]:
    """Return cells by the column under which they stand, as the place of a cell tells."""
    if len(cells) == len(columns):
        return dict(enumerate(cells))
    places = [at(column.cell) for column in columns]
    placed: dict[int, Cell] = {}
    for cell in cells:
        near = min(range(len(columns)), key=lambda n: abs(places[n] - at(cell)))
        placed.setdefault(near, cell)
    return placed
