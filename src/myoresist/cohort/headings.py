"""Where the heading of a sheet stands: under a title, under a row of groups, above a row of units."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

Row = Sequence[str | None]
_MOST_ABOVE = 12
"""Rows among which the heading is looked for."""
_NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?%?|\d{4}-\d{2}-\d{2}.*")
_NUMERIC = 0.6
"""Share of numbers in a column above which a word under its name is its unit."""


def below_title(rows: pl.DataFrame, sheet: str) -> tuple[pl.DataFrame, str] | None:
    """Return the rows below the heading, named by it, and what to say of those above it.

    Args:
        rows: a sheet as it stands, every cell as text.
        sheet: its name.

    Returns:
        Nothing where no row names every column that holds something.
    """
    lines: Sequence[Row] = rows.head(_MOST_ABOVE).rows()
    for place in range(1, len(lines)):
        data = rows[place + 1 :]
        held = [n for n, x in enumerate(data.columns) if data[x].null_count() < data.height]
        cells = [_text(lines[place][n]) for n in held]
        if not held or not all(cells) or any(_NUMBER.fullmatch(x) for x in cells):
            continue
        names = _apart(cells, [_filled(lines[place - 1])[n] for n in held])
        if len(set(names)) < len(names):
            continue
        named = data.select(
            pl.col(data.columns[n]).alias(x) for n, x in zip(held, names, strict=True)
        )
        return (
            named,
            f"sheet {sheet}: its heading is row {place + 1}; what stands above it is not read",
        )
    return None


def with_units(frame: pl.DataFrame, sheet: str) -> tuple[pl.DataFrame, str | None]:
    """Return rows whose first one holds the units of the columns with these behind their names.

    It is one where it has no id, and a word stands only in columns of numbers.

    Args:
        frame: the rows, every cell as text; the ids stand in the first column that has a cell below.
        sheet: its name.
    """
    if frame.height < 2:
        return frame, None
    first = dict(zip(frame.columns, map(_text, frame.row(0)), strict=True))
    units = {x: y for x, y in first.items() if y}
    rest = frame[1:]
    if not units or first[frame.columns[0]] or any(_NUMBER.fullmatch(x) for x in units.values()):
        return frame, None
    if not all(_is_numeric(rest[x]) for x in units):
        return frame, None
    named = {x: f"{x} ({y})" for x, y in units.items()}
    listed = ", ".join(named.values())
    return rest.rename(
        named
    ), f"sheet {sheet}: the row under the heading is read as units: {listed}"


def _is_numeric(column: pl.Series) -> bool:
    cells = [x.strip() for x in column.drop_nulls().to_list()]
    return sum(_NUMBER.fullmatch(x) is not None for x in cells) > _NUMERIC * len(cells)


def _text(cell: str | None) -> str:
    return " ".join((cell or "").split())


def _filled(row: Row) -> list[str]:
    """Return a row whose empty cells hold what stands left of them, as in merged cells."""
    found: list[str] = []
    for cell in row:
        found.append(_text(cell) or (found[-1] if found else ""))
    return found


def _apart(names: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return names with that of their group before those that are there twice."""
    return [
        f"{group} {name}" if names.count(name) > 1 and group else name
        for name, group in zip(names, groups, strict=True)
    ]
