"""Rows that somebody pastes from a spreadsheet become rows of a table of the form."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from myoresist.case.catalogue import lower
from myoresist.case.template import as_yaml
from myoresist.case.terms import Terms
from myoresist.service.fields import GRIDS, LABS, Grid
from myoresist.service.form import MORE, Entries, rows

PASTE = "paste"
MOST_ROWS = 500
LONGEST_CELL = 10_000
"""Characters; a text with a longer one is no table."""
_WITH_UNIT = re.compile(r"(.+?)[\s,]*[(\[]([^)\]]+)[)\]]")
_WORDS = {
    "labs": {
        "analyte": "test", "result": "value", "uln": "upper_limit", "limit": "upper_limit",
        "units": "unit",
    },
    "autoantibodies": {"test": "antibody", "assay": "method"},
    "treatments": {
        "medication": "drug", "treatment": "drug", "often": "frequency", "duration": "weeks",
        "response": "response", "started": "start", "stopped": "stop", "reason": "reason_stopped",
    },
    "visits": {"mmt": "mmt8", "phga": "physician_global", "ptga": "patient_global", "haq": "haq_di"},
}  # fmt: skip
"""Headings that people write, besides the keys and the labels of the columns."""


def with_pasted(entries: Entries, terms: Terms) -> dict[str, str]:
    """Return the entries of a form with its pasted rows at the end of each table."""
    found = dict(entries)
    for section, grid in GRIDS.items():
        text = found.pop(f"{section}.{PASTE}", "")
        if text.strip():
            number = max(rows(entries, grid), default=-1) + 1
            for row, cells in enumerate(pasted(text, grid, terms), number):
                found |= {f"{section}.{row}.{key}": cell for key, cell in cells.items() if cell}
    return found


def section_of(text: str, terms: Terms) -> str | None:
    """Return the table to which the heading of a text belongs; ``None`` where it names columns of none."""
    cells = _cells(text)
    heads = cells[0] if len(cells) > 1 and len(cells[0]) > 1 else []
    named = {
        section: sum(_column(cell, grid, terms) is not None for cell in heads)
        for section, grid in GRIDS.items()
    }
    best = max(named, key=lambda section: named[section])
    return best if named[best] >= 2 and 2 * named[best] >= len(heads) else None


def _cells(text: str) -> list[list[str]]:
    """Return rows of cells, parted by tabs, semicolons or commas as the first is; none if it is no table."""
    lines = [line for line in text.splitlines() if line.strip()][:MOST_ROWS]
    sign = next((one for one in "\t;" if one in lines[0]), ",") if lines else ","
    try:
        cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=sign)]
    except (
        csv.Error
    ):  # a cell that is longer than the reader takes, which others of this process set
        return []
    return [] if any(len(cell) > LONGEST_CELL for row in cells for cell in row) else cells


def pasted(text: str, grid: Grid, terms: Terms) -> list[dict[str, str]]:
    """Return the rows of a text, each as what stands in its columns.

    Args:
        text: rows with tabs, semicolons or commas between their cells; a heading names the columns, and where
            it names laboratory tests each cell under it is a value of its own.
        grid: the table.
        terms: how tests are called.
    """
    cells = _cells(text)
    if not cells:
        return []
    heads = [_column(cell, grid, terms) for cell in cells[0]]
    # A first row of which at least half are names of columns is a heading.
    if 2 * sum(one is not None for one in heads) < len(heads):
        heads = [*grid.keys, *(None for _ in cells[0])][: len(cells[0])]
        names: Sequence[str] = [""] * len(heads)
    else:
        names, cells = cells[0], cells[1:]
    return [row for line in cells for row in _rows(line, heads, names, grid)]


def _column(head: str, grid: Grid, terms: Terms) -> str | None:
    """Return the key of the column that a heading names; for a laboratory test, ``=`` and its name."""
    word = lower(head).replace("_", " ")
    known = {one.label.lower(): one.key for one in grid.fields}
    known |= {key.replace("_", " "): key for key in grid.entry.model_fields}
    known |= _WORDS[grid.section]
    bare = _WITH_UNIT.fullmatch(head)
    found = known.get(word) or (known.get(lower(bare[1])) if bare else None)
    if found or grid is not LABS:
        return found
    test = terms.lab(bare[1] if bare else head)
    return f"={test.synonyms[0]}" if test else None


def _rows(
    line: Sequence[str], heads: Sequence[str | None], names: Sequence[str], grid: Grid
) -> Iterator[dict[str, str]]:
    row: dict[str, str] = {}
    more: dict[str, str] = {}
    values: list[tuple[str, str, str]] = []
    for head, name, cell in zip(heads, names, line, strict=False):
        if not cell:
            continue
        if head is None:
            more["notes"] = "; ".join(x for x in (more.get("notes"), f"{name} {cell}".strip()) if x)
        elif head.startswith("="):
            bare = _WITH_UNIT.fullmatch(name)
            values.append((head[1:], cell, bare[2] if bare else ""))
        elif head in grid.keys:
            row[head] = cell
        else:
            more[head] = cell
    if more:
        row[MORE] = as_yaml(more, in_a_line=True).strip()
    if not values:
        yield row
    for test, value, unit in values:
        yield row | {"test": test, "value": value} | ({"unit": unit} if unit else {})
