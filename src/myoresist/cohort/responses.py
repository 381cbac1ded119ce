"""The table of responses: a score is given only where it is complete, and its bounds beside it."""

from __future__ import annotations

import polars as pl

from myoresist.resistance.response.improvement import SCORE

SCORE_MIN, MEASURES = "score_min", "n_measures"
_POINTS = ".points"


def scored(compared: pl.DataFrame) -> pl.DataFrame:
    """Return visits compared with their baseline, with the score in three columns.

    Args:
        compared: what ``Responses.against_baseline`` returned; its ``score`` counts what is unknown as zero.

    Returns:
        The same with ``n_measures`` (of the six, known at both visits), ``score`` (empty unless all are),
        ``score_min`` and ``score_max``.
    """
    points = [x for x in compared.columns if x.endswith(_POINTS)]
    known = pl.sum_horizontal(pl.col(x).is_not_null().cast(pl.Int64) for x in points)
    complete = pl.all_horizontal(pl.col(x).is_not_null() for x in points)
    columns: list[str | pl.Expr] = []
    for name in compared.columns:
        if name == SCORE:
            columns += [
                known.alias(MEASURES),
                pl.when(complete).then(SCORE).alias(SCORE),
                pl.col(SCORE).alias(SCORE_MIN),
            ]
        else:
            columns.append(name)
    return compared.select(columns)
