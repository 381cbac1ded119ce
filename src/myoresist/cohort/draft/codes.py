"""Which codes stand for a missing value, column by column: 999 is one of an MMT8, and may be a CK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from myoresist.case.cells import Column
from myoresist.cohort.draft.profile import Profile, is_code
from myoresist.resistance.response.visits import PATIENT

if TYPE_CHECKING:
    from myoresist.cohort.draft.guess import Found
    from myoresist.cohort.draft.parts import Draft
    from myoresist.cohort.schema import Schema


class Codes(NamedTuple):
    """Codes of a column.

    Attributes:
        table: of ours.
        theirs: their column.
        sure: codes that stand for a missing value, each with how often it is there.
        asked: numbers that may be such codes or values.
        beside: the other numbers, in words.
    """

    table: str
    theirs: str
    sure: Mapping[str, int]
    asked: Mapping[str, int]
    beside: str


def codes_of(draft: Draft, placed: Mapping[str, Found], schema: Schema) -> Iterator[Codes]:
    """Yield the codes of every column that is read.

    Args:
        draft: a draft of which every table is placed.
        placed: for each of our tables theirs.
        schema: what our columns may hold.
    """
    for table, theirs, ours, column in _used(draft, placed):
        found: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for text, count in column.values.items():
            if is_code(text) or text.lower() in column.missing:
                sure = not is_code(text) or _is_none(text, schema.tables[table][ours], column)
                found[sure][text] = count
        if found[False]:
            # Once some codes of a column are named, its other numbers are taken for values.
            found = {True: {}, False: {**found[True], **found[False]}}
        if found[True] or found[False]:
            yield Codes(table, theirs, found[True], found[False], column.span)


def _used(draft: Draft, placed: Mapping[str, Found]) -> Iterator[tuple[str, str, str, Profile]]:
    """Yield every column that is read: for which table, its name, ours, and what it looks like."""
    seen = set()
    for table, lines in draft.lines.items():
        for line in lines:
            if line.ours and line.ours != PATIENT and line.theirs in placed[table].columns:
                seen.add((table, line.theirs))
                yield table, line.theirs, line.ours, placed[table].columns[line.theirs]
    for table, several in draft.rows.items():
        for one in several:
            for theirs, ours in one.columns.items() if one.sure else ():
                if (table, theirs) not in seen:
                    seen.add((table, theirs))
                    yield table, theirs, ours, placed[one.origin].columns[theirs]


def _is_none(text: str, kind: Column, column: Profile) -> bool:
    """Tell whether a number cannot be a value of its column."""
    if kind.kind != "number":
        return True
    number = float(text.replace(",", "."))
    return not kind.fits(number) or (number < 0 <= min(column.numbers, default=-1))
