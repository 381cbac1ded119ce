"""The course in time: drugs as bars, glucocorticoid, CK, strength and activity, events.

A date that is only a month or a year is drawn lighter over all days that it can be, and an end that nobody
knows stays open. What has no date is not drawn; it stands in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import ceil, floor, log10

from myoresist.assessment import Assessment
from myoresist.case.dates import PartialDate
from myoresist.case.timeline import DrugCourseResult, MomentResult
from myoresist.report.charts.drawing import Drawing
from myoresist.resistance.response.explain import MeasureResult

WIDTH, LEFT, RIGHT = 760.0, 168.0, 18.0
ROW, BAR, PANEL = 24.0, 13.0, 92.0
MOST_DRUGS = 16
CROWD = 22.0
"""Events nearer than this share a mark."""
CK = "ck"
STRENGTH = ("mmt8", "mmt8_80", "mmt24", "cmas")
ACTIVITY = ("physician_global",)


@dataclass(frozen=True)
class Point:
    """A value on a date that may be vague."""

    earliest: date
    latest: date
    value: float

    @property
    def middle(self) -> date:
        """Return the middle of the days that it can be."""
        return self.earliest + (self.latest - self.earliest) / 2


def drawable(data: Assessment) -> bool:
    """Tell whether anything has a date, so that there is a course to draw."""
    return len(set(_days(data))) > 1


def timeline(data: Assessment) -> str:
    """Draw the course of one patient in time.

    Args:
        data: the assessment; it has to be ``drawable``.
    """
    return _Timeline(data).svg()


def _dated(courses: Sequence[DrugCourseResult]) -> dict[str, list[DrugCourseResult]]:
    """Return the courses that have a date, by drug, the drug begun first first."""
    found: dict[str, list[DrugCourseResult]] = {}
    for one in courses:
        if one.start or one.stop:
            found.setdefault(one.drug, []).append(one)

    def first(drug: str) -> date:
        return min(one.earliest for x in found[drug] for one in (x.start, x.stop) if one)

    return {drug: found[drug] for drug in sorted(found, key=lambda drug: (first(drug), drug))}


def _days(data: Assessment) -> Iterator[date]:
    line = data.timeline
    moments: list[MomentResult | None] = [line.assessed]
    moments += [one.date for one in line.samples]
    moments += [one.date for one in line.events]
    moments += [moment for one in line.courses for moment in (one.start, one.stop)]
    for moment in moments:
        if moment:
            yield from (moment.earliest, moment.latest)
    for visit in data.resistance.response.visits:
        yield PartialDate.parse(visit.date).earliest
    for dose in data.resistance.treatment.glucocorticoid:
        yield from (dose.start, dose.end)


def _measured(data: Assessment, wanted: Sequence[str]) -> tuple[MeasureResult | None, list[Point]]:
    """Return the first of some measures that was ever taken, with its values."""
    for name in wanted:
        found = [
            (one, PartialDate.parse(visit.date))
            for visit in data.resistance.response.visits
            for one in (*visit.activity, *visit.activity_or_damage)
            if one.id == name
        ]
        if found:
            points = [Point(when.earliest, when.latest, one.value) for one, when in found]
            return found[0][0], points
    return None, []


class _Timeline:
    def __init__(self, data: Assessment) -> None:
        self.data = data
        days = list(_days(data))
        self.first, self.last = min(days), max(days)
        self.scale = (WIDTH - LEFT - RIGHT) / max((self.last - self.first).days, 1)
        self.drawn = Drawing("timeline", "The course in time", self._description(), WIDTH)

    def _description(self) -> str:
        drugs = ", ".join(_dated(self.data.timeline.courses)) or "no dated course"
        count = len(self.data.resistance.response.visits)
        return (
            f"From {self.first} to {self.last}: {drugs}; {count} visits; "
            f"{len(self.data.timeline.events)} events. The table below has every value."
        )

    def x(self, day: date) -> float:
        return LEFT + (day - self.first).days * self.scale

    def svg(self) -> str:
        top = self._drugs(6.0)
        top = self._glucocorticoid(top)
        top = self._enzyme(top)
        for wanted in (STRENGTH, ACTIVITY):
            measure, points = _measured(self.data, wanted)
            if measure:
                top = self._panel(top, measure, points)
        top = self._events(top)
        bottom = self._axis(top)
        return self.drawn.svg(bottom)

    def _drugs(self, top: float) -> float:
        rows = list(_dated(self.data.timeline.courses).items())
        for drug, courses in rows[-MOST_DRUGS:]:
            foot = self.drawn.paragraph(4, top + 12, drug, LEFT - 12, 12)
            for one in courses:
                self._course(one, top)
            top = max(top + ROW, foot + 10)
        if len(rows) > MOST_DRUGS:
            rest = len(rows) - MOST_DRUGS
            self.drawn.text(4, top + 12, f"and {rest} earlier drugs, in the table", "muted", 12)
            top += ROW
        return top

    def _course(self, one: DrugCourseResult, top: float) -> None:
        """Draw what is sure of a course in full colour, and what is only possible lighter."""
        y = top + 2
        start, stop = one.start, one.stop
        known_end = stop is not None or one.goes_on is True
        sure_from = self.x(start.latest) if start else None
        sure_to = self.x(stop.earliest) if stop else self.x(self.last) if one.goes_on else None
        for moment in (start, stop):
            if moment and moment.latest > moment.earliest:
                left = self.x(moment.earliest)
                self.drawn.rect(left, y, self.x(moment.latest) - left, BAR, "soft", 0.5)
        if sure_from is not None and sure_to is not None and sure_from <= sure_to:
            # A gap as wide as a hair keeps courses of one drug apart.
            self.drawn.rect(sure_from, y, max(sure_to - sure_from - 0.8, 2), BAR, "main")
        if start and not known_end:
            # Given on the first day; for how long nobody knows.
            at = self.x(start.latest)
            self.drawn.rect(at, y, 3, BAR, "main")
            self.drawn.text(min(at + 6, WIDTH - RIGHT - 60), y + 11, "end unknown", "muted", 11)
        if stop and not start:
            at = self.x(stop.earliest)
            self.drawn.text(max(at - 4, LEFT + 74), y + 11, "start unknown", "muted", 11, "end")
        if one.goes_on:
            self._arrow(self.x(self.last), y + BAR / 2)
        self._label(one, sure_from, sure_to, y)

    def _label(
        self, one: DrugCourseResult, start: float | None, end: float | None, y: float
    ) -> None:
        dose = one.dose.split(",")[0]
        if dose and start is not None and end is not None and end - start > 7 * len(dose):
            self.drawn.text(start + 4, y + 10.5, dose, "page", 11)

    def _arrow(self, x: float, y: float) -> None:
        self.drawn.area([(x, y - 7), (x + 9, y), (x, y + 7)], "main")

    def _frame(self, top: float, title: str, ticks: Sequence[tuple[float, str]]) -> None:
        """Draw the title and the scale of a panel; ticks are heights with what they mean."""
        self.drawn.paragraph(4, top + 22, title, LEFT - 54, 12)
        for y, said in ticks:
            self.drawn.line(LEFT, y, WIDTH - RIGHT, y)
            self.drawn.text(LEFT - 5, y + 4, said, "muted", 11, "end")

    def _glucocorticoid(self, top: float) -> float:
        doses = self.data.resistance.treatment.glucocorticoid
        if not doses:
            return top
        most = max(one.mg_day for one in doses) or 1.0
        floor_, height = top + PANEL - 12, PANEL - 32
        ticks = [(floor_, "0"), (floor_ - height, f"{most:g}")]
        self._frame(top, "Prednisone equivalent, mg/day", ticks)
        for one in doses:
            y = floor_ - height * one.mg_day / most
            left, right = self.x(one.start), self.x(one.end + timedelta(days=1))
            points = [(left, floor_), (left, y), (max(right, left + 1), y)]
            self.drawn.area([*points, (max(right, left + 1), floor_)], "soft", 0.8)
        return top + PANEL

    def _enzyme(self, top: float) -> float:
        samples = [
            one for one in self.data.timeline.samples if one.test == CK and one.date and one.value
        ]
        if not samples:
            return top
        multiples = all(one.times_limit for one in samples)
        points = sorted(
            (
                Point(
                    one.date.earliest,
                    one.date.latest,
                    float(one.times_limit or 0) if multiples else one.value,
                )
                for one in samples
                if one.date
            ),
            key=lambda point: point.earliest,
        )
        low = floor(min(log10(point.value) for point in points))
        high = max(ceil(max(log10(point.value) for point in points)), low + 1)
        unit = "× upper limit" if multiples else samples[0].unit
        floor_, height = top + PANEL - 12, PANEL - 32
        step = height / (high - low)
        ticks = [(floor_ - step * (n - low), f"{10.0**n:g}") for n in range(low, high + 1)]
        self._frame(top, f"CK, {unit}, logarithmic", ticks)
        self._points(points, lambda value: floor_ - step * (log10(value) - low))
        return top + PANEL

    def _panel(self, top: float, measure: MeasureResult, points: Sequence[Point]) -> float:
        low, high = measure.minimum, measure.maximum
        floor_, height = top + PANEL - 12, PANEL - 32
        scale = height / (high - low)
        self._frame(top, measure.title, [(floor_, f"{low:g}"), (floor_ - height, f"{high:g}")])
        self._points(points, lambda value: floor_ - scale * (value - low))
        return top + PANEL

    def _points(self, points: Sequence[Point], y: Callable[[float], float]) -> None:
        placed = [(self.x(point.middle), y(point.value)) for point in points]
        if len(placed) > 1:
            self.drawn.curve(placed, "main")
        taken: list[tuple[float, float]] = []
        for point, (x, at) in zip(points, placed, strict=True):
            if point.latest > point.earliest:
                self.drawn.line(self.x(point.earliest), at, self.x(point.latest), at, "soft", 3)
            self.drawn.dot(x, at, "main")
            if all(abs(x - other) > 34 for other, _ in taken):
                self.drawn.text(x, at - 6, f"{point.value:.3g}", "ink", 11, "middle")
                taken.append((x, at))

    def _events(self, top: float) -> float:
        events = self.data.timeline.events
        if not events:
            return top
        y = top + 20
        self.drawn.text(4, y + 4, "Events", size=12)
        self.drawn.line(LEFT, y, WIDTH - RIGHT, y)
        crowds: list[tuple[float, list[int]]] = []
        for number, one in enumerate(events, 1):
            left, right = self.x(one.date.earliest), self.x(one.date.latest)
            self.drawn.line(left, y, right, y, "soft", 6)
            x = (left + right) / 2
            self.drawn.dot(x, y, "open", 4)
            near = next((crowd for at, crowd in crowds if abs(at - x) < CROWD), None)
            if near is None:
                crowds.append((x, [number]))
            else:
                near.append(number)
        for x, crowd in crowds:
            said = ", ".join(map(str, crowd))
            self.drawn.text(
                x, y - 8, said, "ink", 11, "middle" if x < WIDTH - RIGHT - 30 else "end"
            )
        return top + 34

    def _axis(self, top: float) -> float:
        """Draw the years, or the months of a short course."""
        years = range(self.first.year, self.last.year + 2)
        marks = [(date(year, 1, 1), str(year)) for year in years]
        if (self.last - self.first).days < 900:
            marks = [
                (date(year, month, 1), f"{year}-{month:02}")
                for year in years
                for month in (1, 4, 7, 10)
            ]
        shown = [mark for mark in marks if self.first <= mark[0] <= self.last]
        if len(shown) < 2:
            shown = [(self.first, str(self.first)), (self.last, str(self.last))]
        gaps = [self.x(b[0]) - self.x(a[0]) for a, b in pairwise(shown)]
        every = max(ceil(56 / min(gaps)), 1) if gaps else 1
        grid = Drawing("", "", "", WIDTH)
        for day, said in shown[::every]:
            x = self.x(day)
            grid.line(x, 4, x, top + 4)
            anchor = "end" if x > WIDTH - RIGHT - 24 else "middle"
            self.drawn.text(x, top + 18, said, "muted", 11.5, anchor)
        # The grid lies below everything else.
        self.drawn.parts[:0] = grid.parts
        return top + 26
