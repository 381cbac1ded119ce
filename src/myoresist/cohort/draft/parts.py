"""What a draft is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from myoresist.cohort.draft.codes import Codes


@dataclass(frozen=True)
class Line:
    """A column of theirs: which one it is of ours, or that it is left out, and why.

    ``guess`` is what it may be, for somebody to confirm.
    """

    theirs: str
    ours: str | None
    note: str
    guess: str | None = None


@dataclass(frozen=True)
class Side:
    """A row that stands side by side with others; one that is not sure is only proposed."""

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    note: str
    origin: str = "patients"
    sure: bool = True


@dataclass
class Draft:
    """A mapping file that is proposed.

    Attributes:
        source: what it is for.
        looked_at: for each of their tables how many rows were looked at.
        tables: for each of our tables the name of theirs.
        lines: for each of our tables what its columns are.
        values: for each of our tables and their columns: for each of their values ours.
        strange: for each of our tables and their columns the values that are not known.
        near: for each of our tables and such a value what it may be.
        rows: for each of our tables what stands side by side in others.
        repeated: for each repeated instrument of REDCap the table of its rows.
        unplaced: for each repeated instrument that is no table of ours, why.
        ignored: for each of their tables that is left out, why.
        dates: in which forms dates are written.
        doubted: signs between day and month of which nobody can tell which stands first.
        decimal: what stands before decimals; ``both`` if two columns say otherwise,
            ``asked`` if the points of one may divide thousands.
        codes: those for a missing value, by column.
        keep: columns that are carried through.
        notes: how tables were read.
    """

    source: str
    looked_at: dict[str, int] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    values: dict[str, dict[str, Mapping[str, str]]] = field(default_factory=dict)
    strange: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    near: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, list[Side]] = field(default_factory=dict)
    repeated: dict[str, str] = field(default_factory=dict)
    unplaced: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    doubted: frozenset[str] = frozenset()
    decimal: str | None = None
    codes: tuple[Codes, ...] = ()
    keep: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
