"""The total improvement score as one would write it by hand for one patient at a time, from the papers.

This shares no code and no data with myoresist; it is the peer of the benchmark and a witness of its answers.
A visit is a mapping from measure to a number or None, which is unknown. Values are compared as whole
thousandths, so that 1.1 to 0.6 cm is 5% of 10 cm and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Visit = Mapping[str, Any]
Answer = dict[str, Any]

VAS_BANDS = (5, 15, 25, 40)
# Measure, sign of improvement, range, edges, points of the five bands.
MEASURES = (
    ("physician", "physician_global", -1, 10, VAS_BANDS, (0, 7.5, 15, 17.5, 20)),
    ("patient", "patient_global", -1, 10, VAS_BANDS, (0, 2.5, 5, 7.5, 10)),
    ("strength", "mmt8", 1, 150, (2, 10, 20, 30), (0, 10, 20, 27.5, 32.5)),
    ("function", "haq_di", -1, 3, VAS_BANDS, (0, 5, 7.5, 7.5, 10)),
    ("extramuscular", "extramuscular_global", -1, 10, VAS_BANDS, (0, 7.5, 12.5, 15, 20)),
)
# Enzymes in multiples of their limit, with the range of each.
ENZYMES = (("ck", 15), ("aldolase", 6), ("ldh", 3), ("ast", 3), ("alt", 3))
ENZYME_POINTS = (0, 2.5, 5, 7.5, 7.5)
CUT_OFFS = {
    "adult": (("major", 60), ("moderate", 40), ("minimal", 20)),
    "juvenile": (("major", 70), ("moderate", 45), ("minimal", 30)),
}
COLUMNS = (*(one[1] for one in MEASURES), *(f"{name}_x_uln" for name, _ in ENZYMES))


def points_of(better: int, span: int, bands: Sequence[int], points: Sequence[float]) -> float:
    """Return the points of an improvement in thousandths of the unit of a range."""
    band = sum(100 * better > edge * span * 1000 for edge in bands)
    return points[band]


def thousandths(value: float) -> int:
    """Return a value as whole thousandths."""
    return round(value * 1000)


def improvement(baseline: Visit, final: Visit, population: str) -> Answer:
    """Return points, lowest and highest score and category of two visits."""
    answer: Answer = {}
    low = high = 0.0
    for domain, name, sign, span, bands, points in MEASURES:
        start, end = baseline[name], final[name]
        top = 0 if sign < 0 else span
        bottom = span - top
        best = points_of(
            sign
            * (
                thousandths(top if end is None else end)
                - thousandths(bottom if start is None else start)
            ),
            span,
            bands,
            points,
        )
        known = start is not None and end is not None
        answer[f"{domain}.points"] = best if known else None
        low += best if known else 0
        high += best
    measured = [
        (baseline[f"{name}_x_uln"], name, span)
        for name, span in ENZYMES
        if baseline[f"{name}_x_uln"] is not None
    ]
    answer["enzyme.points"], best = None, ENZYME_POINTS[-1]
    if measured:
        start, name, span = max(measured, key=lambda one: one[0])
        end = final[f"{name}_x_uln"]
        better = thousandths(start) - thousandths(end or 0)
        best = points_of(better, span, VAS_BANDS, ENZYME_POINTS)
        if end is not None:
            answer["enzyme.points"] = best
            low += best
    high += best
    answer["score"], answer["score_max"] = low, high
    first, last = (reached(score, population) for score in (low, high))
    answer["category"] = first if first == last else "undetermined"
    return answer


def reached(score: float, population: str) -> str:
    """Return the category of a score."""
    for name, least in CUT_OFFS[population]:
        if score >= least:
            return name
    return "none"


def against_baseline(visits: Sequence[Visit]) -> list[Answer]:
    """Return the improvement of every visit but the first, which come in order of time, against the first."""
    first, *others = visits
    return [
        {
            "patient_id": first["patient_id"],
            "date": one["date"],
            **improvement(first, one, one["population"]),
        }
        for one in others
    ]


def consecutive(visits: Sequence[Visit]) -> list[Answer]:
    """Return the improvement of every visit but the first against the one before."""
    return [
        {
            "patient_id": one["patient_id"],
            "date": one["date"],
            **improvement(before, one, one["population"]),
        }
        for before, one in pairwise(visits)
    ]
