"""Every table of the page as a file of its own, for a spreadsheet; what the page withholds stays withheld."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path

from myoresist.cohort.keeping import write_text
from myoresist.cohort.layout import Cell, Section, Table

FOLDER = "tables"
_SMALL = "unknown"


def write_tables(out: Path, sections: Iterable[Section]) -> None:
    """Write ``tables/<id>.csv`` for each table of some sections, and remove those of another run."""
    folder = out / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    written = set()
    for section in sections:
        for one in section.tables:
            written.add(f"{one.id}.csv")
            write_text(folder / f"{one.id}.csv", as_csv(one))
    for file in folder.glob("*.csv"):
        if file.name not in written:
            file.unlink()


def as_csv(table: Table) -> str:
    """Return a table: under which heading a row stands, the row, its cells, and what is in small type."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    heads = [_head(one) for one in table.heads]
    beside = [any(_small(row.cells, n) for row in table.rows) for n in range(len(heads) - 1)]
    names = list(_named(heads[1:], beside))
    writer.writerow(["heading", heads[0] or "row", *names])
    heading = ""
    for row in table.rows:
        if not row.cells:
            heading = row.name
            continue
        cells: list[str] = []
        for n, cell in enumerate(row.cells):
            cells.append(_safe(cell.text))
            if beside[n]:
                cells.append(_safe(cell.small))
        writer.writerow([_safe(heading), _safe(row.name), *cells])
    return stream.getvalue()


def as_link(table: Table) -> str:
    """Return a table as CSV in an address of its own, so that the page has it wherever it is."""
    return f"data:text/csv;charset=utf-8;base64,{b64encode(as_csv(table).encode()).decode()}"


def _small(cells: tuple[Cell, ...], place: int) -> bool:
    return place < len(cells) and bool(cells[place].small)


def _named(heads: list[str], beside: list[bool]) -> Iterator[str]:
    for head, also in zip(heads, beside, strict=True):
        yield head
        if also:
            yield f"{head}: {_SMALL}"


def _head(cell: Cell) -> str:
    return f"{cell.text} ({cell.small})" if cell.small else cell.text


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
