"""Page one of many patients as a table: one row a patient, actions and reasons in their order."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from myoresist.consult.choose import Chosen
from myoresist.consult.leading import CERTAINTIES
from myoresist.consult.pages import Numbers, Pages
from myoresist.consult.schema import SECTIONS, Section

ACTIONS: tuple[Section, ...] = ("today", "do")
"""The columns that hold actions."""
PARTED, INSTEAD = "; ", " instead of "


def consult_table(pages: Pages) -> pl.DataFrame:
    """Return what stands on the page of each patient.

    Returns:
        One row a patient, in their order: ``state``, ``certainty``, ``diseases``, and for each section its
        lines, as ``verb object`` (with ``instead of``) or as what they are about; several are parted by a
        semicolon.
    """
    found = pages.found
    lines = [said(one) for one in pages.chosen.lines]
    states = [one.id for one in found.consult.data.states]
    return pl.DataFrame(
        [
            _joined("state", states, found.state[None]),
            _joined("certainty", CERTAINTIES, found.certainty[None]),
            _joined("diseases", found.leading.diseases.names, found.diseases),
            *(_joined(section, lines, pages.placed[section]) for section in SECTIONS),
        ]
    )


def _joined(name: str, words: Sequence[str], places: Numbers) -> pl.Series:
    """Return the words at some places, (places, N), as one text a patient; -1 is none."""
    texts = pl.Series(words, dtype=pl.String)
    # A section may have no place on any of these pages.
    nothing = pl.Series("nothing", [None], pl.String).new_from_index(0, places.shape[1])
    columns = [
        texts.gather(pl.Series(one).set(pl.Series(one < 0), None)).alias(str(place))
        for place, one in enumerate(places)
    ]
    joined = pl.concat_str(pl.all(), separator=PARTED, ignore_nulls=True)
    return pl.DataFrame([nothing, *columns]).select(joined.alias(name)).to_series()


def said(one: Chosen) -> str:
    """Return a line in ids: ``verb object``, or what it is about."""
    about = f"{one.verb} {one.object}" if one.verb else one.object
    return f"{about}{INSTEAD}{one.instead_of}" if one.instead_of else about


def action_of(line: pl.Expr) -> pl.Expr:
    """Return ``verb object`` of a line in ids, without what it takes the place of."""
    return line.str.split(INSTEAD).list.first()
