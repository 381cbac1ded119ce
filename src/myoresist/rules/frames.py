"""Rules on Polars frames."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from myoresist.arrays.table import Table
from myoresist.rules.program import Program
from myoresist.rules.to_sql import to_sql


def polars_levels(program: Program) -> Iterator[dict[str, pl.Expr]]:
    """Return the rules as Polars has them, in steps: a step reads the table and earlier steps only."""
    left = dict(program.rules)
    while left:
        ready = [x for x, rule in left.items() if not (rule.reads & left.keys())]
        yield {x: pl.sql_expr(to_sql(left.pop(x).node)).alias(x) for x in ready}


def run_frame(program: Program, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with one further column a rule."""
    leaves = program.inputs
    table = Table.of_frame(frame.select(x for x in frame.columns if x in leaves), frame.height)
    return frame.hstack(program.run(table).frame(list(program.rules)))
