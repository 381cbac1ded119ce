"""How sure each antibody is: from results by method and strength to a probability.

Every method and strength has a likelihood ratio. Results of one method share their errors and count as their
mean, ratios of different methods multiply. At most one myositis-specific antibody is taken to be true, so
their probabilities are weighed against each other and against there being none; the others stand alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from myoresist.serology.knowledge import POSITIVE, SerologyKnowledge, Strength
from myoresist.serology.results import STRENGTHS, UNSTATED

PREFIX = "serology"
FLAGS = (
    "reported",
    "weak_only",
    "by_blot",
    "confirmed",
    "contradicted",
    "negative_blot_only",
)
"""What the results of one antibody come to; each is true, false or, without a result, NULL."""
DIGITS = 6
_LOG, _SHARE = "log_ratio", "positive_blots"


def column(*parts: str) -> str:
    """Return the name of a result column: ``serology``, the antibody or topic, then what it holds."""
    return ".".join((PREFIX, *parts))


def ratio_table(knowledge: SerologyKnowledge) -> pl.DataFrame:
    """Return the ``likelihood_ratio`` of every ``method``, ``antibody`` and ``strength``."""
    ratios = [
        (method.id, one.id, strength, ratio(knowledge, method.id, one.id, strength))
        for method in knowledge.confidence.methods
        for one in knowledge.antibodies.values()
        for strength in STRENGTHS
    ]
    return pl.DataFrame(
        ratios, schema=["method", "antibody", "strength", "likelihood_ratio"], orient="row"
    )


def ratio(knowledge: SerologyKnowledge, method: str, antibody: str, strength: Strength) -> float:
    """Return the likelihood ratio of one result; bands are graded for blots only."""
    used = next(one for one in knowledge.confidence.methods if one.id == method)
    ratios = used.ratios(antibody)
    if strength == "negative":
        return ratios.negative
    if not used.blot and strength != "weak":
        return ratios.positive
    return ratios.positive * knowledge.confidence.factor(
        knowledge.antibodies[antibody].kind, strength
    )


def gathered(results: pl.DataFrame, knowledge: SerologyKnowledge) -> pl.DataFrame:
    """Return one row a patient with the flags of each antibody and the sum of its evidence.

    Args:
        results: rows of ``results.usable`` with ``likelihood_ratio``.
        knowledge: which antibodies and methods there are.

    Returns:
        ``patient_id`` and for each antibody and flag the column ``serology.<antibody>.<flag>``.
    """
    methods = knowledge.confidence.methods
    blots = [one.id for one in methods if one.blot]
    references = [one.id for one in methods if one.reference]
    strength, method = pl.col("strength"), pl.col("method")
    positive = strength.is_in(POSITIVE)
    by_method = (
        results.group_by("patient_id", "antibody", "method", maintain_order=True)
        .agg(
            positive.any().alias("positive"),
            (~positive).any().alias("negative"),
            (strength == "weak").filter(positive).all().alias("weak"),
            pl.col("likelihood_ratio").log().mean().alias(_LOG),
            positive.mean().alias(_SHARE),
        )
        .with_columns(
            method.is_in(blots).alias("blot"),
            method.is_in(references).alias("reference"),
            (method != UNSTATED).alias("stated"),
        )
    )
    found, absent = pl.col("positive"), pl.col("negative")
    stated = found & pl.col("stated")
    blot = pl.when(pl.col("stated")).then(pl.col("blot"))
    flags = {
        "reported": found.any(),
        "weak_only": found.any() & pl.col("weak").filter(found).all(),
        "by_blot": found.any() & blot.filter(found).all(ignore_nulls=False),
        "confirmed": (stated & pl.col("reference")).any() | (stated.sum() >= pl.lit(2)),
        "contradicted": found.any() & absent.any(),
        "negative_blot_only": ~found.any() & blot.filter(absent).all(ignore_nulls=False),
        _LOG: pl.col(_LOG).sum(),
        _SHARE: pl.col(_SHARE).filter(pl.col("blot")).sum(),
    }
    summed = by_method.group_by("patient_id", "antibody", maintain_order=True).agg(
        expr.alias(name) for name, expr in flags.items()
    )
    names = list(knowledge.antibodies)
    wide = summed.pivot(
        "antibody", on_columns=names, index="patient_id", values=list(flags), maintain_order=True
    )
    return wide.rename({f"{flag}_{name}": column(name, flag) for flag in flags for name in names})


def hep2_ratios(knowledge: SerologyKnowledge) -> dict[str, tuple[float, float]]:
    """Return by antibody what a fitting and a differing HEp-2 pattern beside a blot says."""
    general = knowledge.confidence.hep2
    return {
        one.id: (
            one.hep2.fits or general.fits,
            1.0 if one.hep2.missed else one.hep2.differs or general.differs,
        )
        for one in knowledge.antibodies.values()
        if one.hep2
    }


def posterior(knowledge: SerologyKnowledge) -> list[list[pl.Expr]]:
    """Return in steps the expressions that fill prior, likelihood ratio, probability and level.

    They read ``serology.<antibody>.frequency`` and ``.pattern_fits``, ``serology.setting.factor``, and what
    ``gathered`` returns.
    """
    factor = pl.col(column("setting", "factor"))
    patterns = hep2_ratios(knowledge)
    with_prior = [one for one in knowledge.antibodies.values() if one.priors]
    first: list[pl.Expr] = []
    for one in with_prior:
        # A rule that is one number gives a decimal, others give floats.
        frequency = pl.col(column(one.id, "frequency")).cast(pl.Float64)
        prior = frequency if one.target else frequency * factor
        log_ratio = pl.col(column(one.id, _LOG)).fill_null(0.0)
        if one.id in patterns:
            # The pattern is evidence beside each positive blot, so it takes part in their mean.
            fits, differs = (math.log(value) for value in patterns[one.id])
            seen = pl.col(column(one.id, "pattern_fits"))
            said = pl.when(seen).then(fits).when(~seen).then(differs).otherwise(0.0)
            log_ratio = log_ratio + pl.col(column(one.id, _SHARE)).fill_null(0.0) * said
        first += [
            prior.round(DIGITS).alias(column(one.id, "prior")),
            log_ratio.exp().round(DIGITS).alias(column(one.id, "likelihood_ratio")),
        ]
    exclusive = [one.id for one in with_prior if one.kind == "msa"]
    priors = pl.sum_horizontal(pl.col(column(x, "prior")) for x in exclusive)
    weights = pl.sum_horizontal(_weight(x) for x in exclusive)
    total = [(1 - priors + weights).alias(column("total"))]
    probabilities = []
    for one in with_prior:
        alone = 1 - pl.col(column(one.id, "prior")) + _weight(one.id)
        whole = pl.col(column("total")) if one.id in exclusive else alone
        share = (_weight(one.id) / whole).round(DIGITS)
        tested = pl.col(column(one.id, "reported")).is_not_null()
        probabilities.append(pl.when(tested).then(share).alias(column(one.id, "probability")))
    levels = [
        _level(knowledge, pl.col(column(one.id, "probability"))).alias(column(one.id, "level"))
        for one in with_prior
    ]
    return [first, total, probabilities, levels]


def _weight(antibody: str) -> pl.Expr:
    return pl.col(column(antibody, "prior")) * pl.col(column(antibody, "likelihood_ratio"))


def _level(knowledge: SerologyKnowledge, probability: pl.Expr) -> pl.Expr:
    levels = knowledge.confidence.levels
    words = pl.Enum([one.id for one in levels])
    found: pl.Expr = pl.lit(None, dtype=words)
    for one in reversed(levels):
        found = (
            pl.when(probability >= one.at_least).then(pl.lit(one.id, dtype=words)).otherwise(found)
        )
    return found


def checked(knowledge: SerologyKnowledge) -> Mapping[str, str]:
    """Return by antibody what is wrong with its ratios: a stronger result must never say less."""
    wrong = {}
    patterns = hep2_ratios(knowledge)
    for method in knowledge.confidence.methods:
        for one in knowledge.antibodies.values():
            ratios = [ratio(knowledge, method.id, one.id, strength) for strength in STRENGTHS]
            if method.blot:
                least = min(patterns.get(one.id, (1.0, 1.0)))
                ratios[1:] = [least * value for value in ratios[1:]]
            if ratios != sorted(ratios):
                wrong[one.id] = f"{method.id}: a stronger result says less than a weaker one"
    return wrong
