"""Rows that stand side by side in one row of a table, as the visits of a patient do, become rows of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from myoresist.case.cells import NO, UNKNOWN
from myoresist.cohort.names import Names, Spread
from myoresist.document import did_you_mean
from myoresist.resistance.response.visits import PATIENT

_NOTHING = (*UNKNOWN, "-", "--", ".")
"""What a cell holds that does not say by itself that there was a visit or a value."""
_NEVER = (*NO, "never", "nein", "nie", "non", "jamais", "0.0", "0.00")
"""What a cell holds that says that there was no course, or nothing of one."""
_OF_DRUGS = ("treatments", "medicines")


def spread_out(names: Names, table: str) -> frozenset[str]:
    """Return the columns of a table that make rows of others."""
    rows = (one for several in names.rows.values() for one in several if one.origin == table)
    return frozenset(theirs for one in rows for theirs in one.columns)


def of_itself(names: Names, table: str) -> bool:
    """Tell whether the rows of a table are made of those of the table of this name."""
    return any(one.origin == table for one in names.rows.get(table, ()))


def wrong(names: Names, table: str, held: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield every entry about rows that names no column or table, and what to do.

    Args:
        names: the mapping file.
        table: of ours, whose rows are made.
        held: the columns of every table that was found.
    """
    for number, one in enumerate(names.rows[table]):
        where = f"rows.{table}.{number}"
        if one.origin not in held:
            yield f"{where}.from", f"there is no table {one.origin}"
            continue
        columns = held[one.origin]
        for name in one.columns:
            if name not in columns:
                hint = did_you_mean(name, columns)
                yield f"{where}.columns.{name}", f"is no column of this table{hint}"
        if of_patient(names, one.origin, columns) is None:
            yield f"{where}.from", f"{one.origin} has no column {PATIENT}"
    if table not in held:
        made = names.of_rows(table)
        parts = {"values": names.values.get(table, {}), "missing": names.codes_of_columns(table)}
        for part, named in parts.items():
            for name in named:
                if name not in made:
                    yield f"{part}.{table}.{name}", f"is no column{did_you_mean(name, made)}"


def of_patient(names: Names, table: str, columns: Iterable[str]) -> str | None:
    """Return the column of a table that holds the ids of patients."""
    named = names.columns_of(table)
    return next((x for x in columns if named.get(x, x) == PATIENT), None)


def said(frame: pl.LazyFrame, one: Spread, table: str) -> pl.LazyFrame:
    """Return the rows of which a cell says that there is one, whatever a constant says.

    Args:
        frame: rows with our names and values.
        one: what they are made of.
        table: of ours that they belong to.
    """
    nothing = (*_NOTHING, *_NEVER) if table in _OF_DRUGS else _NOTHING
    cells = (pl.col(x).cast(pl.String).str.strip_chars() for x in one.columns.values())
    return frame.filter(
        pl.any_horizontal(
            x.is_not_null() & ~x.str.to_lowercase().is_in(nothing).fill_null(True) for x in cells
        )
    )


def joined(frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Return rows one after another; what differs in its type is text."""
    if len(frames) == 1:
        return frames[0]
    schemas = [x.collect_schema() for x in frames]
    kinds: dict[str, set[pl.DataType]] = {}
    for schema in schemas:
        for name, kind in schema.items():
            kinds.setdefault(name, set()).add(kind)
    texts = {name for name, several in kinds.items() if len(several) > 1}
    own = [
        frame.with_columns(pl.col(x).cast(pl.String) for x in schema if x in texts)
        for frame, schema in zip(frames, schemas, strict=True)
    ]
    return pl.concat(own, how="diagonal")
