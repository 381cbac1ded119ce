"""An evaluation of the differential diagnosis, as text and as a reliability plot."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.evaluation.evaluate import Evaluation
from myoresist.evaluation.measures import Measure, Round

ROUNDS = ("without", "with")
SIDE, EDGE = 320, 50


def lines(evaluation: Evaluation) -> Iterator[str]:
    """Say how good the differential was, line by line."""
    yield f"{evaluation.cases} cases scored, {evaluation.left_out} left out."
    yield (
        "Asked twice: without and with the findings that give the diagnosis away, or before and after "
        "the answer was found. 95 % bootstrap intervals."
    )
    yield ""
    measured = [one.measures() for one in evaluation.rounds]
    yield f"{'':24}{ROUNDS[0]:>24}{ROUNDS[1]:>24}"
    for name in measured[0]:
        percent = name.startswith("top")
        first, second = (_said(one[name], percent) for one in measured)
        yield f"{name:24}{first:>24}{second:>24}"
    challenged = [_said(one, True) for one in evaluation.challenged]
    yield f"{'wrong label outranked':24}{challenged[0]:>24}{challenged[1]:>24}"
    yield ""
    yield f"An investigation that settles it is among the first proposed: {_said(evaluation.next_test, True)}"
    yield f"Once it is known, the right diagnosis leads: {_said(evaluation.resolved, True)}"
    for name, asked in zip(ROUNDS, evaluation.rounds, strict=True):
        yield ""
        yield f"Reliability {name} (believed, right, cases)"
        for believed, right, cases in asked.reliability():
            yield f"  {believed:6.0%} {right:6.0%} {cases:5}"
    for name, pairs in zip(ROUNDS, evaluation.confusion, strict=True):
        yield ""
        yield f"Family taken for another, {name} (true, leading, cases)"
        for true, leading, cases in pairs:
            if true != leading:
                yield f"  {true:20} {leading:20} {cases:3}"
    for name, misses in zip(ROUNDS, evaluation.misses, strict=True):
        yield ""
        yield f"Not leading, {name} (case, diagnosis, rank, leading)"
        for case, diagnosis, rank, leading in misses:
            yield f"  {case:34} {diagnosis:34} {rank:3}  {leading}"
    if evaluation.flags:
        yield ""
        yield "Red flags against labels that were wrong"
        for case, flags in evaluation.flags.items():
            yield f"  {case:34} {', '.join(flags) or 'none'}"


def _said(measure: Measure | None, percent: bool) -> str:
    if measure is None:
        return "no such case"
    form = "{:.0%} ({:.0%} to {:.0%})" if percent else "{:.3f} ({:.3f} to {:.3f})"
    return form.format(measure.value, measure.low, measure.high)


def reliability_plot(evaluation: Evaluation) -> str:
    """Return as SVG how probable the leading disease was called, and how often it was right."""
    size = SIDE + 2 * EDGE
    panels = "".join(
        f'<g transform="translate({index * size},0)">{_panel(one, name)}</g>'
        for index, (name, one) in enumerate(zip(ROUNDS, evaluation.rounds, strict=True))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * size} {size}" role="img" '
        f'aria-label="Reliability of the leading probability" font-family="sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _panel(asked: Round, name: str) -> str:
    def at(believed: float, right: float) -> tuple[float, float]:
        return EDGE + believed * SIDE, EDGE + (1 - right) * SIDE

    dots = []
    for believed, right, cases in asked.reliability():
        x, y = at(believed, right)
        title = f"believed {believed:.0%}, right {right:.0%}, {cases} cases"
        dots.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 + cases**0.5:.1f}" fill="#1f6f8b" '
            f'fill-opacity="0.7"><title>{title}</title></circle>'
        )
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    ticks = "".join(
        f'<text x="{at(share, 0)[0]}" y="{EDGE + SIDE + 14}" text-anchor="middle" font-size="10">'
        f"{share:.0%}</text>"
        f'<text x="{EDGE - 4}" y="{at(0, share)[1] + 3}" text-anchor="end" font-size="10">'
        f"{share:.0%}</text>"
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return (
        f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#888"/>'
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#888" stroke-dasharray="4"/>'
        f"{''.join(dots)}{ticks}"
        f'<text x="{EDGE + SIDE / 2}" y="{EDGE - 14}" text-anchor="middle">{name} the findings that '
        f"give it away</text>"
        f'<text x="{EDGE + SIDE / 2}" y="{EDGE + SIDE + 32}" text-anchor="middle">probability of the '
        f"leading disease</text>"
        f'<text transform="translate(10,{EDGE + SIDE / 2}) rotate(-90)" text-anchor="middle">share that '
        f"was right</text>"
    )
