"""The total improvement score with its six parts."""

from __future__ import annotations

from myoresist.report.charts.drawing import Drawing
from myoresist.resistance.response.explain import ChangeResult, ImprovementResult

WIDTH, LEFT, RIGHT, BAR = 420.0, 4.0, 12.0, 11.0
WHOLE = 100.0
"""The most that the score can be."""


def improvement(one: ImprovementResult, when: str) -> str:
    """Draw the score on 0 to 100 and what each measure adds; what is unknown is drawn lighter.

    Args:
        one: the score.
        when: which visits it compares.
    """
    said = "; ".join(f"{x.title} {_points(x)}" for x in one.changes)
    drawn = Drawing("improvement", f"{one.title}, {when}", f"Score {one.score:g}; {said}", WIDTH)
    span = WIDTH - LEFT - RIGHT
    drawn.text(LEFT, 16, "Total", bold=True)
    more = f" (up to {one.score_max:g})" if one.score_max > one.score else ""
    drawn.text(WIDTH - RIGHT, 16, f"{one.score:g}{more} of 100", "ink", 13, "end", True)
    drawn.rect(LEFT, 22, span, BAR + 3, "track")
    drawn.rect(LEFT, 22, span * one.score_max / WHOLE, BAR + 3, "soft", 0.6)
    drawn.rect(LEFT, 22, span * one.score / WHOLE, BAR + 3, "main")
    top = 46.0
    for x in one.changes:
        drawn.text(LEFT, top + 12, x.measure_title or x.title, size=12.5)
        drawn.text(WIDTH - RIGHT, top + 12, _points(x), "ink", 12.5, "end")
        drawn.rect(LEFT, top + 17, span, BAR - 2, "track")
        if x.points is None:
            drawn.rect(LEFT, top + 17, span * x.points_max / WHOLE, BAR - 2, "soft", 0.6)
        else:
            drawn.rect(LEFT, top + 17, span * x.points / WHOLE, BAR - 2, "main")
        top += 34
    return drawn.svg(top + 4)


def _points(one: ChangeResult) -> str:
    return f"unknown, up to {one.points_max:g}" if one.points is None else f"{one.points:g}"
