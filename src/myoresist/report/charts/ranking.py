"""Bars: how probable each disease is, and what each investigation would tell."""

from __future__ import annotations

from collections.abc import Sequence

from myoresist.diagnosis.differential.results import DiseaseResult, InvestigationResult
from myoresist.report.charts.drawing import Drawing
from myoresist.report.wording import percent, tells

WIDTH, LEFT, RIGHT = 420.0, 4.0, 12.0
BAR = 11.0


def differential(diseases: Sequence[DiseaseResult], label: Sequence[str]) -> str:
    """Draw the leading diseases as bars from 0 to 100 % with their credible intervals.

    Args:
        diseases: the diseases, the most probable first.
        label: the ids that the label of the patient stands for; they are marked.
    """
    said = "; ".join(
        f"{one.name} {percent(one.probability)}, interval {percent(one.low)} to {percent(one.high)}"
        for one in diseases
    )
    drawn = Drawing("differential", "How probable each disease is", said, WIDTH)
    span = WIDTH - LEFT - RIGHT
    top = 4.0
    for number, one in enumerate(diseases):
        name = f"{one.name}{' (the label)' if one.id in label else ''}"
        foot = drawn.paragraph(LEFT, top + 13, name, span - 130, bold=number == 0)
        drawn.text(
            WIDTH - RIGHT,
            top + 13,
            f"{percent(one.probability)} ({percent(one.low)} to {percent(one.high)})",
            "ink",
            12.5,
            "end",
        )
        y = foot + 7
        drawn.rect(LEFT, y, span, BAR, "track")
        drawn.rect(LEFT, y, span * one.probability, BAR, "main" if number == 0 else "soft")
        low, high, middle = LEFT + span * one.low, LEFT + span * one.high, y + BAR / 2
        drawn.line(low, middle, high, middle, "ink", 1.5)
        for end in (low, high):
            drawn.line(end, y - 1, end, y + BAR + 1, "ink", 1.5)
        top = y + BAR + 9
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = LEFT + span * share
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        drawn.line(x, top - 4, x, top)
        drawn.text(x, top + 12, f"{share * 100:.0f}%", "muted", 12, anchor)
    return drawn.svg(top + 18)


def next_tests(tests: Sequence[InvestigationResult], steps: dict[int, str]) -> str:
    """Draw how much each investigation is expected to tell, against the one that tells most.

    Args:
        tests: the investigations, in the order in which they are advised.
        steps: what each step of invasiveness is called.
    """
    most = max([one.gain for one in tests], default=0) or 1.0
    said = "; ".join(f"{one.name}: {tells(one.gain)}" for one in tests)
    drawn = Drawing("next-tests", "What each investigation is expected to tell", said, WIDTH)
    span = WIDTH - LEFT - RIGHT
    top = 4.0
    for one in tests:
        name = one.name + ("" if one.again else f" ({steps[one.invasiveness]})")
        foot = drawn.paragraph(LEFT, top + 13, name, span - 110)
        drawn.text(WIDTH - RIGHT, top + 13, tells(one.gain), "ink", 12.5, "end")
        drawn.rect(LEFT, foot + 7, span, BAR, "track")
        drawn.rect(LEFT, foot + 7, span * one.gain / most, BAR, "main")
        top = foot + 7 + BAR + 9
    return drawn.svg(top)
