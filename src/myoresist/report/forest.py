"""A forest plot of the evidence on a treatment, as SVG: one panel a group of compatible studies.

The plot takes the colour of the text around it (``currentColor``) and ``--accent`` for the summary, so that
it reads on light and dark ground. Everything that a table wrote into it is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import log10
from textwrap import wrap

from myoresist.report.evidence import heading, predicted, ratio, share, summarised
from myoresist.report.plain import plain
from myoresist.treatment.evidence import Evidence, Study, StudyGroup
from myoresist.treatment.intervals import Interval

WIDTH = 640
NAME, COUNTS, LEFT, RIGHT, FIGURES = 8, 170, 270, 486, 498
ROW, TOP, LINE = 22, 56, 15
LONGEST_NAME, LONGEST_LINE = 24, 92
KEY = "Open squares: not to be put together with other studies; the text says why."
RATIO_MARKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
STYLE = (
    ".myo-forest{font-family:system-ui,sans-serif;font-size:12px;fill:currentColor}"
    ".myo-forest .line{stroke:currentColor;fill:none}"
    ".myo-forest .faint{stroke:currentColor;fill:none;opacity:.35}"
    ".myo-forest .open{stroke:currentColor;fill:var(--ground,Canvas)}"
    ".myo-forest .head{font-weight:600;font-size:13px}"
    ".myo-forest .small{font-size:11px;opacity:.8}"
    ".myo-forest .sum{fill:var(--accent,#1f6f8b);stroke:var(--accent,#1f6f8b)}"
)
Place = Callable[[float], float]


def forest(found: Evidence) -> str:
    """Return a plot of every group of studies with counts of patients; the text says what it shows."""
    panels = [group for group in found.groups if any(_point(group, one) for one in group.studies)]
    where = f" in {found.subset_text}" if found.subset_text else ""
    title = f"Forest plot: {found.text}{where}"
    body, below = [_text(NAME, 22, title, "head"), _text(NAME, 40, KEY, "small")], TOP
    if not panels:
        body.append(_text(NAME, below, "No study gives counts of patients.", ""))
        below += ROW
    for group in panels:
        drawn, height = _panel(group, below)
        body.append(drawn)
        below += height
    described = " ".join(line for group in panels for line in _described(group))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {below}" width="{WIDTH}" '
        f'height="{below}" role="img" class="myo-forest">'
        f"<title>{_safe(title)}</title><desc>{_safe(described)}</desc>"
        f"<style>{STYLE}</style>{''.join(body)}</svg>\n"
    )


def _point(group: StudyGroup, study: Study) -> Interval | None:
    return study.risk_ratio if group.measure == "risk_ratio" else study.response


def _panel(group: StudyGroup, top: int) -> tuple[str, int]:
    """Return a group drawn from ``top`` on, and its height."""
    studies = [one for one in group.studies if one.response]
    at, marks = _axis(group, studies)
    drawn = []
    y = top + LINE
    for part, style in zip(heading(group).split("; ", 1), ("", "small"), strict=True):
        for line in wrap(part, LONGEST_LINE):
            drawn.append(_text(NAME, y, line, style))
            y += LINE
    first = y
    y += ROW // 2
    for study in studies:
        drawn.append(_study(group, study, y, at))
        y += ROW
    if group.summary:
        drawn.append(_summary(group, y, at))
        y += ROW + (ROW if predicted(group.summary) else 0)
    foot = y - ROW // 2 + 2
    drawn.append(f'<line class="line" x1="{LEFT}" y1="{foot}" x2="{RIGHT}" y2="{foot}"/>')
    for mark in marks:
        x = at(mark)
        text = f"{mark:g}" if group.measure == "risk_ratio" else f"{mark:.0%}"
        drawn.append(f'<line class="line" x1="{x:.1f}" y1="{foot}" x2="{x:.1f}" y2="{foot + 4}"/>')
        drawn.append(_text(x, foot + 16, text, "small", "middle"))
    if group.measure == "risk_ratio":
        x = at(1)
        drawn.append(f'<line class="faint" x1="{x:.1f}" y1="{first}" x2="{x:.1f}" y2="{foot}"/>')
    drawn.append(_text((LEFT + RIGHT) / 2, foot + 31, _axis_title(group), "small", "middle"))
    return "".join(drawn), foot + 50 - top


def _axis_title(group: StudyGroup) -> str:
    if group.measure == "proportion":
        return "proportion of patients, no control group"
    if group.better is None:
        return "risk ratio"
    more = group.better == "more"
    return (
        "risk ratio; right of 1 favours treatment"
        if more
        else "risk ratio; left of 1 favours treatment"
    )


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
    low = max(min(RATIO_MARKS), min(ends) / 1.1)
    high = min(max(RATIO_MARKS), max(ends) * 1.1)
    # At least a factor of ten, so that a narrow interval looks narrow.
    start, end = min(low, 0.3), max(high, 3.0)

    def at(value: float) -> float:
        part = (log10(min(max(value, start), end)) - log10(start)) / (log10(end) - log10(start))
        return LEFT + (RIGHT - LEFT) * part

    return at, [mark for mark in RATIO_MARKS if start <= mark <= end]


def _study(group: StudyGroup, study: Study, y: int, at: Place) -> str:
    point = _point(group, study)
    counts = [f"{one.events}/{one.patients}" for one in (study.response, study.control) if one]
    parts = [
        _text(NAME, y + 4, _short(study), ""),
        _text(COUNTS, y + 4, " : ".join(counts), "small"),
    ]
    if point is None:
        why = "no risk ratio" if study.control else "no count of controls"
        parts.append(_text((LEFT + RIGHT) / 2, y + 4, why, "small", "middle"))
    else:
        open_ = ' class="open" fill="none"' if study.not_pooled else ""
        parts.append(
            f'<line class="line" x1="{at(point.low):.1f}" y1="{y}" x2="{at(point.high):.1f}" y2="{y}"/>'
            f'<rect{open_} x="{at(point.value) - 4:.1f}" y="{y - 4}" width="8" height="8"/>'
        )
        parts.append(_text(FIGURES, y + 4, _figure(group, point), ""))
    return "".join(parts)


def _summary(group: StudyGroup, y: int, at: Place) -> str:
    summary = group.summary
    assert summary is not None
    left, middle, right = (at(x) for x in (summary.ci_low, summary.estimate, summary.ci_high))
    diamond = f"{left:.1f},{y} {middle:.1f},{y - 6} {right:.1f},{y} {middle:.1f},{y + 6}"
    parts = [
        _text(NAME, y + 4, "Summary", "head"),
        _text(COUNTS, y + 4, f"{summary.patients} patients", "small"),
        f'<polygon class="sum" fill="#1f6f8b" points="{diamond}"/>',
        _text(FIGURES, y + 4, summarised(summary), ""),
    ]
    further = predicted(summary)
    if further and summary.prediction_low is not None and summary.prediction_high is not None:
        low, high, below = at(summary.prediction_low), at(summary.prediction_high), y + ROW
        parts += [
            _text(NAME, below + 4, "Prediction interval", ""),
            f'<line class="sum" stroke="#1f6f8b" stroke-width="2" stroke-dasharray="4 3" '
            f'x1="{low:.1f}" y1="{below}" x2="{high:.1f}" y2="{below}"/>',
            _text(FIGURES, below + 4, further, ""),
        ]
    return "".join(parts)


def _figure(group: StudyGroup, point: Interval) -> str:
    return ratio(point) if group.measure == "risk_ratio" else share(point)


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


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    style_ = f' class="{style}"' if style else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{style_}>{_safe(text)}</text>'


def _safe(text: str) -> str:
    """Return text that is text in XML, whatever a table held: no markup, no control characters."""
    return escape(plain(text))


def _short(study: Study) -> str:
    """Return the name of a study cut to its column; the year stays."""
    name, year = study.trial.label, f" {study.trial.year}" if study.trial.year else ""
    room = LONGEST_NAME - len(year)
    return (name if len(name) <= room else name[: room - 1].rstrip() + "…") + year
