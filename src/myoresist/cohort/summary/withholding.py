"""Takes from the page what would tell of few patients: their counts, and those from which they follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from myoresist.cohort.disclosure import SMALL, WITHHELD, Disclosure
from myoresist.cohort.layout import Bar, Cell, Fact, Row, Section, Table


def guarded(section: Section, disclosure: Disclosure) -> Section:
    """Return a section without what tells of few patients."""
    if disclosure.least <= 1:
        return section
    return replace(
        section,
        bars={x: guarded_bars(bars, disclosure) for x, bars in section.bars.items()},
        tables=tuple(guarded_table(one, disclosure) for one in section.tables),
    )


def guarded_table(table: Table, disclosure: Disclosure) -> Table:
    """Return a table whose cells of few patients say no more than that."""
    rows: list[Row] = []
    block: list[Row] = []
    for one in (*table.rows, Row("")):
        if one.cells:
            block.append(one)
            continue
        rows += _guarded_rows(block, table, disclosure)
        block = []
        rows.append(one)
    heads = _guarded_rows([Row("", table.heads)], table, disclosure)[0].cells
    return replace(table, rows=tuple(rows[:-1]), heads=heads)


def _guarded_rows(rows: list[Row], table: Table, disclosure: Disclosure) -> list[Row]:
    if not rows:
        return []
    width = max(len(one.cells) for one in rows)
    first = np.full((len(rows), width), np.nan)
    few = np.zeros((len(rows), width), np.bool_)
    for y, one in enumerate(rows):
        for x, cell in enumerate(one.cells):
            if cell.counts:
                first[y, x] = cell.counts[0]
                few[y, x] = any(map(disclosure.small, cell.counts))
    # A sum is told apart from what it is the sum of.
    known = np.flatnonzero(~np.isnan(first).all(axis=0))
    begin = known[0] + 1 if table.summed and len(known) else 0
    hidden = few.copy()
    hidden[:, begin:] = disclosure.withheld(first[:, begin:], True, table.parts, few[:, begin:])
    return [
        Row(
            one.name,
            tuple(_cell(cell, hidden[y, x], disclosure) for x, cell in enumerate(one.cells)),
        )
        for y, one in enumerate(rows)
    ]


def _cell(cell: Cell, hidden: bool, disclosure: Disclosure) -> Cell:
    if not hidden:
        return cell
    small = disclosure.small(cell.counts[0])
    mark = SMALL.format(disclosure.least) if small else WITHHELD
    if not cell.text[:1].isdigit() and cell.small.startswith("n = "):
        return Cell(cell.text, f"n {mark}" if small else f"n = {mark}", cell.counts)
    return Cell(mark, "", cell.counts)


def guarded_bars(bars: tuple[Bar, ...], disclosure: Disclosure) -> tuple[Bar, ...]:
    """Return bars without parts of few patients; bars of one part each are parts of a whole together."""
    counts = [one.counts for one in bars]
    if not counts or len({len(x) for x in counts}) > 1 or not counts[0]:
        return bars
    matrix = np.array(counts, float)
    hidden = (
        disclosure.withheld(matrix.T).T if matrix.shape[1] == 1 else disclosure.withheld(matrix)
    )
    return tuple(_bar(one, hidden[y], disclosure) for y, one in enumerate(bars))


def _bar(bar: Bar, hidden: np.ndarray, disclosure: Disclosure) -> Bar:
    if not hidden.any():
        return bar
    parts = tuple(
        (role, 0.0 if gone else share)
        for (role, share), gone in zip(bar.parts, hidden, strict=True)
    )
    if len(bar.parts) == 1:
        mark = SMALL.format(disclosure.least) if disclosure.small(bar.counts[0]) else WITHHELD
        return Bar(bar.name, mark, parts, bar.counts)
    return Bar(bar.name, f"some counts below {disclosure.least}", parts, bar.counts)


def guarded_fact(fact: Fact, count: int, of: int, disclosure: Disclosure) -> Fact:
    """Return a figure of the head of the page, unless it tells of few patients."""
    few = disclosure.small(count) or disclosure.small(of - count)
    return replace(fact, figure=WITHHELD) if few else fact
