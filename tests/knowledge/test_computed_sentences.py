"""Sentences that state a result are computed once more from the rules that they speak of.

Likelihood ratios of antibodies, which are computed from counts, stand in ``tests/serology/test_figures.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal

import pytest

from myoresist import Knowledge
from myoresist.diagnosis.criteria.schema import CriteriaSet, Variant

KNOWLEDGE = Knowledge.load()
SETS = KNOWLEDGE.criteria.sets
NUMBER = r"([0-9]+(?:\.[0-9]+)?)"


def matched(pattern: str, texts: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the numbers of every place that a pattern fits; there has to be one."""
    joined = " ".join(" ".join(text.split()) for text in texts)
    found = re.findall(pattern, joined)
    assert found, pattern
    return [one if isinstance(one, tuple) else (one,) for one in found]


def test_what_an_improvement_in_all_measures_earns() -> None:
    criteria = KNOWLEDGE.resistance.responses.improvement.criteria

    def earned(percent: float) -> float:
        # A band leaves its lower edge out and holds its upper one.
        return sum(one.points[sum(percent > x for x in one.edges)] for one in criteria.domains)

    said = matched(
        rf"{NUMBER}% better in all measures earns {NUMBER} points, {NUMBER}% earns {NUMBER}",
        (one.text for one in criteria.limits),
    )
    for less, points, more, more_points in said:
        assert earned(float(less)) == float(points)
        assert earned(float(more)) == float(more_points)


def probability(intercept: float, score: float) -> float:
    return 1 / (1 + math.exp(-(intercept + score)))


def constants_that_fit(variant: Variant) -> None:
    """Compute which constants the published cut-offs allow, and how far the probability can be off."""
    assert variant.logistic_intercept is not None
    [(least, most)] = matched(rf"allow only {NUMBER} to {NUMBER} for", [variant.check or ""])
    [(points,)] = matched(rf"off by at most {NUMBER} percentage", [variant.check or ""])
    fits = [
        (float(one.at_least) - math.log(p / (1 - p)))
        for one in variant.classes
        if (p := one.probability_at_least)
    ]
    low, high = max(fits) - 0.05, min(fits) + 0.05
    assert (round(low, 3), round(high, 3)) == (float(least), float(most))
    assert low < -variant.logistic_intercept < high
    scores = [score / 100 for score in range(1500)]
    off = max(
        abs(probability(variant.logistic_intercept, x) - probability(-constant, x))
        for x in scores
        for constant in (low, high)
    )
    assert round(100 * off, 1) == float(points)


def test_probabilities_of_scores_of_eular_acr() -> None:
    """Percentages are computed from the two constants; those of the text are rounded."""
    one = SETS["eular_acr_2017"]
    assert one.score is not None
    biopsy, no_biopsy = one.score.variants
    for variant in (biopsy, no_biopsy):
        for constant, score, percent in matched(
            rf"with {NUMBER} the score {NUMBER} gives {NUMBER}%", [variant.check or ""]
        ):
            assert variant.logistic_intercept == -float(constant)
            got = 100 * probability(-float(constant), float(score))
            assert round(got) == float(percent)
        constants_that_fit(variant)
    assert no_biopsy.logistic_intercept is not None
    # "the published score cut-offs and probability cut-offs disagree at three scores"
    text = [limit.text for limit in one.limits if "cut-offs disagree" in limit.text]
    for score, percent in matched(rf"{NUMBER} gives {NUMBER}%", text):
        got = 100 * probability(no_biopsy.logistic_intercept, float(score))
        assert got == pytest.approx(float(percent), abs=0.006)
    by_score = {x.at_least: x.probability_at_least or 0 for x in no_biopsy.classes}
    borderline = {
        str(score)
        for score, least in by_score.items()
        if probability(no_biopsy.logistic_intercept, float(score)) < least
    }
    assert borderline == {score for score, _ in matched(rf"{NUMBER} gives {NUMBER}%", text)}


def most_points(one: CriteriaSet, group: str, variant: str) -> Decimal:
    """Return the most points that the items of one group add."""
    return max(item.points[variant] for item in one.items if item.one_of == group)


def test_what_the_age_adds_in_eular_acr() -> None:
    one = SETS["eular_acr_2017"]
    note = next(x for x in one.notes if x.id == "ea_age_needed")
    [(without, with_biopsy)] = matched(
        rf"up to {NUMBER} points \({NUMBER} with biopsy\)", [note.text]
    )
    assert most_points(one, "age", "no_biopsy") == Decimal(without)
    assert most_points(one, "age", "biopsy") == Decimal(with_biopsy)
