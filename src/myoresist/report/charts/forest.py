"""A forest plot of the evidence on a treatment: one panel a group of compatible studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log10

from myoresist.arrays.intervals import Interval
from myoresist.report.charts.drawing import Drawing
from myoresist.report.evidence import heading, predicted, ratio, share, summarised, treatment_of
from myoresist.treatment.evidence import Evidence, Study, StudyGroup

WIDTH = 680.0
NAME, COUNTS, LEFT, RIGHT, FIGURES = 4.0, 186.0, 276.0, 500.0, 512.0
ROW, LINE, SMALL, HALF = 22.0, 15.0, 11.5, 4.0
LONGEST_NAME = 26
KEY = "Open squares: not to be put together with other studies; the evidence on the treatment says why."
RATIO_MARKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
LEAST_SPAN = (0.3, 3.0)
"""At least a factor of ten, so that a narrow interval looks narrow."""
Place = Callable[[float], float]


def forest(found: Evidence, id: str = "forest") -> str:
    """Draw every group of studies with counts of patients; an open square stays apart from the others.

    Args:
        found: what studies found on a treatment.
        id: unique on the page.
    """
    groups = panels(found)
    described = " ".join(line for group in groups for line in _described(group))
    drawn = Drawing(id, f"Forest plot: {treatment_of(found)}", described or "No counts.", WIDTH)
    top = 6.0
    if not groups:
        drawn.text(NAME, top + LINE, "No study gives counts of patients.")
        return drawn.svg(top + ROW)
    for group in groups:
        top = _panel(drawn, group, top) + 10
    if any(one.not_pooled for group in groups for one in group.studies if one.response):
        top = drawn.paragraph(NAME, top + 4, KEY, WIDTH - NAME, SMALL, "muted") + 8
    return drawn.svg(top)


def panels(found: Evidence) -> list[StudyGroup]:
    """Return the groups of which at least one study can be drawn."""
    return [group for group in found.groups if any(_point(group, one) for one in group.studies)]


def _point(group: StudyGroup, study: Study) -> Interval | None:
    return study.risk_ratio if group.measure == "risk_ratio" else study.response


def _panel(drawn: Drawing, group: StudyGroup, top: float) -> float:
    """Draw a group from ``top`` on, and return its foot."""
    studies = [one for one in group.studies if one.response]
    at, marks = _axis(group, studies)
    what, _, of = heading(group).partition("; ")
    y = drawn.paragraph(NAME, top + LINE, what, WIDTH - NAME, bold=True)
    y = drawn.paragraph(NAME, y + LINE, of, WIDTH - NAME, SMALL, "muted") + 6
    first = y
    y += ROW / 2
    for study in studies:
        _study(drawn, group, study, y, at)
        y += ROW
    if group.summary:
        y = _summary(drawn, group, y, at)
    foot = y - ROW / 2 + 2
    drawn.line(LEFT, foot, RIGHT, foot)
    for mark in marks:
        text = f"{mark:g}" if group.measure == "risk_ratio" else f"{mark:.0%}"
        drawn.line(at(mark), foot, at(mark), foot + 4)
        drawn.text(at(mark), foot + 16, text, "muted", SMALL, "middle")
    if group.measure == "risk_ratio":
        drawn.line(at(1), first, at(1), foot)
    drawn.text((LEFT + RIGHT) / 2, foot + 31, _axis_title(group), "muted", SMALL, "middle")
    return foot + 36


def _axis_title(group: StudyGroup) -> str:
    if group.measure == "proportion":
        return "proportion of patients, no control group"
    if group.better is None:
        return "risk ratio"
    return f"risk ratio; {'right' if group.better == 'more' else 'left'} of 1 favours treatment"


def _axis(group: StudyGroup, studies: Sequence[Study]) -> tuple[Place, list[float]]:
    """Return where a value stands on the axis, and its marks."""
    if group.measure == "proportion":
        return lambda value: LEFT + (RIGHT - LEFT) * value, [0, 0.25, 0.5, 0.75, 1]
    ends = [1.0]
    for one in (_point(group, study) for study in studies):
        ends += [one.low, one.high] if one else []
    if group.summary:
        ends += [group.summary.ci_low, group.summary.ci_high]
        ends += [group.summary.prediction_low or 1, group.summary.prediction_high or 1]
    start = min(max(min(RATIO_MARKS), min(ends) / 1.1), LEAST_SPAN[0])
    end = max(min(max(RATIO_MARKS), max(ends) * 1.1), LEAST_SPAN[1])

    def at(value: float) -> float:
        part = (log10(min(max(value, start), end)) - log10(start)) / (log10(end) - log10(start))
        return LEFT + (RIGHT - LEFT) * part

    return at, [mark for mark in RATIO_MARKS if start <= mark <= end]


def _study(drawn: Drawing, group: StudyGroup, study: Study, y: float, at: Place) -> None:
    point = _point(group, study)
    counts = [f"{one.events}/{one.patients}" for one in (study.response, study.control) if one]
    drawn.text(NAME, y + 4, _short(study), size=12.5)
    drawn.text(COUNTS, y + 4, " : ".join(counts), "muted", SMALL)
    if point is None:
        why = "no risk ratio" if study.control else "no count of controls"
        drawn.text((LEFT + RIGHT) / 2, y + 4, why, "muted", SMALL, "middle")
        return
    drawn.line(at(point.low), y, at(point.high), y, "ink", 1.5)
    x = at(point.value)
    drawn.rect(x - HALF, y - HALF, 2 * HALF, 2 * HALF, "ink")
    if study.not_pooled:
        drawn.rect(x - HALF + 1.5, y - HALF + 1.5, 2 * HALF - 3, 2 * HALF - 3, "page")
    drawn.text(FIGURES, y + 4, _figure(group, point), size=12.5)


def _summary(drawn: Drawing, group: StudyGroup, y: float, at: Place) -> float:
    """Draw the summary of a group and its prediction interval, and return where the next row stands."""
    summary = group.summary
    assert summary is not None
    left, middle, right = (at(x) for x in (summary.ci_low, summary.estimate, summary.ci_high))
    drawn.text(NAME, y + 4, "Summary", size=12.5, bold=True)
    drawn.text(COUNTS, y + 4, f"{summary.patients} patients", "muted", SMALL)
    drawn.area([(left, y), (middle, y - 6), (right, y), (middle, y + 6)], "main")
    drawn.text(FIGURES, y + 4, summarised(summary), size=12.5)
    y += ROW
    further = predicted(summary)
    if further and summary.prediction_low is not None and summary.prediction_high is not None:
        drawn.text(NAME, y + 4, "Prediction interval", size=12.5)
        drawn.line(at(summary.prediction_low), y, at(summary.prediction_high), y, "main", 2)
        drawn.text(FIGURES, y + 4, further, size=12.5)
        y += ROW
    return y


def _figure(group: StudyGroup, point: Interval) -> str:
    return ratio(point) if group.measure == "risk_ratio" else share(point)


def _short(study: Study) -> str:
    """Return the name of a study cut to its column; the year stays."""
    name, year = study.trial.label, f" {study.trial.year}" if study.trial.year else ""
    room = LONGEST_NAME - len(year)
    return (name if len(name) <= room else name[: room - 1].rstrip() + "…") + year


def _described(group: StudyGroup) -> Iterator[str]:
    """Say what a panel shows, for those who hear it."""
    yield f"{heading(group)}."
    for study in group.studies:
        point = _point(group, study)
        if point:
            apart = ", not put together with others" if study.not_pooled else ""
            yield f"{study.trial.name}: {_figure(group, point)}{apart}."
    if group.summary:
        yield f"Summary: {summarised(group.summary)}."
        if predicted(group.summary):
            yield f"Prediction interval: {predicted(group.summary)}."
    elif group.why_no_summary:
        yield f"No summary: {group.why_no_summary}."
