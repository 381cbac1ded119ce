"""Serology for people: one row a patient with the result of each antibody, and every statement."""

from __future__ import annotations

import numpy as np
import polars as pl

from myoresist.resistance.response.visits import PATIENT

PREFIX, SAYS = "serology.", "serology.says."
RESULT = pl.Enum(["positive", "weak", "negative"])
PARTED = "; "


def antibodies_table(serology: pl.DataFrame) -> pl.DataFrame:
    """Return one row a patient: what was found of each antibody.

    Args:
        serology: the whole table of serology.

    Returns:
        ``patient_id``; for each antibody its result (positive, weak where no result was more, negative; empty
        is not tested); ``positive`` and ``confirmed``, ids parted by semicolons; ``cancer_category``.
    """
    names = _antibodies(serology)
    result = [
        pl.when(pl.col(f"{PREFIX}{x}.weak_only"))
        .then(pl.lit("weak"))
        .when(pl.col(f"{PREFIX}{x}.reported"))
        .then(pl.lit("positive"))
        .when(~pl.col(f"{PREFIX}{x}.reported"))
        .then(pl.lit("negative"))
        .cast(RESULT)
        .alias(x)
        for x in names
    ]
    return serology.select(
        PATIENT,
        *result,
        _listed(names, "reported").alias("positive"),
        _listed(names, "confirmed").alias("confirmed"),
        pl.col(f"{PREFIX}cancer.category").cast(pl.String).alias("cancer_category"),
    )


def statements_table(serology: pl.DataFrame) -> pl.DataFrame:
    """Return one row a patient and statement that is true: ``patient_id``, ``statement``."""
    kinds = serology.schema
    says = sorted(x for x, kind in kinds.items() if x.startswith(SAYS) and kind == pl.Boolean)
    kind = pl.Enum([x.removeprefix(SAYS) for x in says])
    if not says or serology.is_empty():
        return serology.select(PATIENT, pl.lit(None, kind).alias("statement")).clear()
    flags = serology.select(pl.col(says).fill_null(False)).to_numpy()
    # Row by row, so that nothing has to be sorted.
    rows, places = np.nonzero(flags)
    statement = pl.Series("statement", places.astype(np.uint16)).cat.to(kind)
    return pl.DataFrame([serology[PATIENT].gather(rows), statement])


def _antibodies(serology: pl.DataFrame) -> list[str]:
    ends = (
        x.removeprefix(PREFIX).removesuffix(".reported")
        for x in serology.columns
        if x.endswith(".reported")
    )
    return [x for x in ends if f"{PREFIX}{x}.weak_only" in serology.columns]


def _listed(names: list[str], what: str) -> pl.Expr:
    return pl.concat_str(
        [pl.when(pl.col(f"{PREFIX}{x}.{what}")).then(pl.lit(x)) for x in names],
        separator=PARTED,
        ignore_nulls=True,
    )
