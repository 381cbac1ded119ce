"""What the page about a registry is made of, and how it writes numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from myoresist.cohort.charts import Picture

_JOINTS = re.compile(r"(?i)(anti|synthe|dermato|granulo|inflam|necro|poly|check)(?=[a-z]{4})")
"""Parts of words after which they may be divided."""


@dataclass(frozen=True)
class Cell:
    """A figure, and in small type under it how many are unknown.

    ``counts`` are the counts of patients that it tells, the first of which adds up with those of its line.
    """

    text: str
    small: str = ""
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row of a table; without cells it heads the rows below it."""

    name: str
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table of the page; a folded one repeats a picture in numbers, and a wordy one has long cells.

    ``summed`` says that the first cell of a row is the sum of the others, and ``parts`` that the rows under a
    heading add up to a whole.
    """

    id: str
    caption: str
    heads: tuple[Cell, ...]
    rows: tuple[Row, ...]
    note: str = ""
    folded: bool = True
    wordy: bool = False
    summed: bool = False
    parts: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar in parts, each a role and its share of the whole; the text says the figures that matter.

    ``counts`` are the counts of patients of its parts.
    """

    name: str
    text: str
    parts: tuple[tuple[str, float], ...]
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Section:
    """One question to the registry, with its answer as pictures and tables."""

    id: str
    title: str
    lead: tuple[str, ...] = ()
    picture: Picture | None = None
    caption: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    bars: Mapping[str, tuple[Bar, ...]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One of the figures that the page begins with, and the section that explains it."""

    figure: str
    text: str
    target: str


def share(count: int, of: int) -> str:
    """Return a share in percent, as none or all only where it is."""
    if 0 < count < of:
        percent = 100 * count / of
        return "<1%" if percent < 1 else ">99%" if percent > 99 else f"{percent:.0f}%"
    return f"{100 * count / of:.0f}%"


def bounds(count: int, open_: int, of: int) -> str:
    """Return the share that it is at least and at most, as some of whom it is unknown may belong to it."""
    low, high = share(count, of), share(count + open_, of)
    return low if low == high else f"{low.removesuffix('%')} to {high}"


def figures(value: float) -> str:
    """Return a measured value with three figures."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def counted(count: int, of: int) -> str:
    """Return a count with its share."""
    return f"{number(count)} ({share(count, of)})"


def number(count: int) -> str:
    """Return a count with its thousands apart."""
    return f"{count:,}"


def words(name: str) -> str:
    """Return an id as words, where nothing better is given."""
    text = name.replace("_", " ").replace("immune mediated", "immune-mediated")
    return text[:1].upper() + text[1:]


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return texts as cells."""
    return tuple(map(Cell, texts))


def row(name: str, *texts: str) -> Row:
    """Return a row of texts."""
    return Row(name, cells(*texts))


def bar(
    name: str,
    counts: Mapping[str, int],
    said: Sequence[tuple[str, str]],
    parts: Sequence[tuple[str, str]],
) -> Bar:
    """Return a bar of all parts, with some of them in words unless there are none."""
    whole = sum(counts.values())
    text = ", ".join(
        f"{words(x).lower()} {share(counts.get(x, 0), whole)}"
        for place, (x, _) in enumerate(said)
        if place == 0 or counts.get(x, 0)
    )
    return Bar(
        name,
        text,
        tuple((role, counts.get(x, 0) / whole) for x, role in parts),
        tuple(counts.get(x, 0) for x, _ in parts),
    )


def numbers(*counts: int) -> tuple[Cell, ...]:
    """Return counts of patients as cells."""
    return tuple(Cell(number(x), counts=(x,)) for x in counts)


def part_cell(count: int, of: int) -> Cell:
    """Return a count with its share as a cell."""
    return Cell(counted(count, of), counts=(count,))


def hyphened(text: str) -> str:
    """Return a text whose long words may be divided, for the heads of narrow columns."""
    return _JOINTS.sub("\\1\u00ad", text)
