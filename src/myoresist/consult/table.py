"""Page one of many patients as a table: one row a patient, actions and reasons in their order."""

from __future__ import annotations

from typing import Any, get_args

import polars as pl

from myoresist.consult.evaluate import Chosen, Consults
from myoresist.consult.schema import Section
from myoresist.consult.texts import Names, Page

SECTIONS: tuple[Section, ...] = get_args(Section)
ACTIONS: tuple[Section, ...] = ("today", "do")
"""The columns that hold actions."""
PARTED, INSTEAD = "; ", " instead of "


def consult_table(found: Consults, names: Names) -> pl.DataFrame:
    """Return what stands on the page of each patient.

    Args:
        found: what ``Consult.evaluate`` returned.
        names: what things are called; how long the texts are decides how many lines fit.

    Returns:
        One row a patient, in their order: ``state``, ``certainty``, ``diseases``, and for each section its
        lines, as ``verb object`` (with ``instead of``) or as what they are about; several are parted by a
        semicolon.
    """
    rows: list[dict[str, str]] = []
    for row in range(found.table.size):
        lines = Page(found, row, names).lines
        rows.append(
            {
                "state": found.state_of(row),
                "certainty": found.certainty_of(row),
                "diseases": PARTED.join(found.diseases_of(row)),
                **{x: PARTED.join(said(one) for one, _ in lines[x]) for x in SECTIONS},
            }
        )
    columns = ("state", "certainty", "diseases", *SECTIONS)
    kinds: dict[str, Any] = dict.fromkeys(columns, pl.String)
    return pl.DataFrame(rows, schema=kinds)


def said(one: Chosen) -> str:
    """Return a line in ids: ``verb object``, or what it is about."""
    about = f"{one.verb} {one.object}" if one.verb else one.object
    return f"{about}{INSTEAD}{one.instead_of}" if one.instead_of else about


def action_of(line: pl.Expr) -> pl.Expr:
    """Return ``verb object`` of a line in ids, without what it takes the place of."""
    return line.str.split(INSTEAD).list.first()
