"""A waterfall: how each finding moves the odds of one disease, from most to least."""

from __future__ import annotations

from collections.abc import Callable
from math import log2

from myoresist.diagnosis.differential.results import DiseaseResult, EvidenceResult
from myoresist.report.charts.drawing import Drawing

WIDTH, LEFT, RIGHT, BAR = 420.0, 4.0, 12.0, 11.0


def waterfall(
    one: DiseaseResult, named: Callable[[EvidenceResult], str], times: Callable[[float], str]
) -> str:
    """Draw the evidence for and against a disease; each bar begins where the one before ended.

    Args:
        one: the disease.
        named: what to call a finding.
        times: how to write a likelihood ratio.
    """
    evidence = [*one.supporting, *one.opposing]
    moves = [log2(x.ratio) * x.weight for x in evidence]
    ends = [sum(moves[: n + 1]) for n in range(len(moves))]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    scale = (WIDTH - LEFT - RIGHT) / ((high - low) or 1)
    said = "; ".join(
        f"{named(x)} {'for' if x.ratio > 1 else 'against'}, {times(x.ratio)}" for x in evidence
    )
    title = f"Evidence for and against {one.name}, against unselected patients"
    drawn = Drawing(f"evidence-{one.id}", title, said, WIDTH)
    zero = LEFT - low * scale
    top, start = 4.0, 0.0
    for found, end in zip(evidence, ends, strict=True):
        speaks = found.ratio > 1
        sign = "+" if speaks else "−"
        foot = drawn.paragraph(
            LEFT, top + 12, f"{sign} {named(found)}", WIDTH - LEFT - RIGHT - 80, 12.5
        )
        drawn.text(WIDTH - RIGHT, top + 12, times(found.ratio), "ink", 12.5, "end")
        y = foot + 5
        drawn.rect(LEFT, y, WIDTH - LEFT - RIGHT, BAR, "track")
        left, right = sorted((start, end))
        role = "for" if speaks else "against"
        drawn.rect(LEFT + (left - low) * scale, y, max((right - left) * scale, 1.5), BAR, role)
        drawn.line(zero, y - 2, zero, y + BAR + 2, "ink")
        top, start = y + BAR + 7, end
    note = "Odds double with each equal step to the right; the line is no evidence."
    foot = drawn.paragraph(LEFT, top + 11, note, WIDTH - LEFT - RIGHT, 12, "muted")
    return drawn.svg(foot + 6)
