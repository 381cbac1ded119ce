"""Polars, DuckDB and the naive interpreter agree on every packaged rule of serology, cell by cell."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import polars as pl
import pytest

from myoresist import Knowledge, knowledge
from myoresist.arrays.table import Table
from myoresist.findings.variants import representative
from myoresist.rules.frames import polars_levels
from myoresist.rules.reasons import explain
from myoresist.rules.to_sql import to_sql
from myoresist.serology.evaluate import REPORTED, TESTED, Serology

BASE = Knowledge.load()
SEROLOGY = Serology.load(knowledge.folder(), BASE.catalogue)
PROGRAM = SEROLOGY.program
LEAVES = sorted(PROGRAM.leaves(PROGRAM.rules))


def values(leaf: str) -> list[Any]:
    """Return values of a column on either side of every number with which a rule compares it."""
    if leaf in (REPORTED, TESTED):
        return [0.0, 1.0, 2.0]
    if leaf in BASE.catalogue and BASE.catalogue[leaf].kind == "number":
        entry = BASE.catalogue[leaf]
        assert entry.minimum is not None
        assert entry.maximum is not None
        limits = PROGRAM.thresholds.get(leaf, (1.0,))
        return list(representative(limits, entry.minimum, entry.maximum).values())
    return [True, False]


@pytest.mark.parametrize("unknown", [0.1, 0.5, 0.9])
def test_three_witnesses_agree_on_every_rule(unknown: float) -> None:
    chance = random.Random(1)
    columns = {
        leaf: [
            None if chance.random() < unknown else chance.choice(values(leaf)) for _ in range(60)
        ]
        for leaf in LEAVES
    }
    kinds = {leaf: pl.Float64 if len(values(leaf)) > 2 else pl.Boolean for leaf in LEAVES}
    table = pl.DataFrame(columns, schema=kinds)
    rows = table.to_dicts()
    ours = PROGRAM.run(Table.of_frame(table)).frame()
    theirs = table
    for level in polars_levels(PROGRAM):
        rules = ", ".join(f'{to_sql(PROGRAM.rules[name].node)} AS "{name}"' for name in level)
        with duckdb.connect() as connection:
            connection.register("patients", theirs.to_arrow())
            answered = connection.sql(f"SELECT {rules} FROM patients").to_arrow_table()
        theirs = theirs.hstack(pl.DataFrame(pl.from_arrow(answered)))
    for name, rule in PROGRAM.rules.items():
        said, other = ours[name], theirs[name]
        if rule.kind == "number":
            # A number that stands in a rule is a decimal for one engine and binary for another.
            said, other = said.cast(pl.Float64), other.cast(pl.Float64)
        assert said.to_list() == other.to_list(), name
        seen: list[dict[str, Any]] = [{} for _ in rows]
        naive = [
            explain(name, PROGRAM, row, known).value for row, known in zip(rows, seen, strict=True)
        ]
        assert said.to_list() == naive, name
