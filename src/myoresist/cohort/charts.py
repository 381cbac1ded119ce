"""Pictures of a registry as SVG: which criteria sets agree, calibration, response over time.

What is undetermined is always hatched or marked with a question mark, so that it is never taken for absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from myoresist.arrays.intervals import Response
from myoresist.report.charts.drawing import Drawing

SMALL, RING = 11.5, 6.5
HATCH = "hatch"
ROLES = ("ink", "muted", "rule", "track", "page", "deep", "mid", "soft")
"""What a part of a picture is; the page gives each a colour, from deep to soft by tone, not by hue."""
LEAST, MOST = 0.04, 0.96
"""The shares between which a ring is filled, so that one patient of thousands still shows."""


@dataclass(frozen=True)
class Picture:
    """A finished picture and the width in pixels at which its text has the size of a note."""

    svg: str
    width: float


@dataclass(frozen=True)
class SetRow:
    """A criteria set: in how many patients it is met, undetermined and not met; ``said`` for the first."""

    name: str
    met: int
    open: int
    not_met: int
    said: str = ""


@dataclass(frozen=True)
class Combination:
    """Patients in whom the same sets are met; of each other set, in how many it is undetermined."""

    patients: int
    met: tuple[bool, ...]
    open: tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """A stacked column: what stands under it, the patients, and the counts of each part from the foot up."""

    name: str
    parts: tuple[int, ...]

    @property
    def patients(self) -> int:
        """Return the patients of all parts."""
        return sum(self.parts)


@dataclass(frozen=True)
class Point:
    """A group of patients: the mean probability that was given, and how often it came true.

    Attributes:
        place: the middle of the probabilities that belong to the group.
        expected: the mean of them.
        observed: how often the leading disease was right.
    """

    place: float
    expected: float
    observed: Response


class Canvas(Drawing):
    """A picture that can also mark what is undetermined."""

    def hatched(self, x: float, y: float, width: float, height: float) -> None:
        """Add a rectangle that stands for what is undetermined."""
        if not any(f'id="{self.id}-{HATCH}"' in one for one in self.parts):
            self.parts.insert(
                0,
                f'<defs><pattern id="{self.id}-{HATCH}" width="5" height="5" patternUnits="userSpaceOnUse" '
                'patternTransform="rotate(45)"><rect class="track" width="5" height="5"/>'
                '<path class="muted-line" d="M0 0V5" stroke-width="1.6"/></pattern></defs>',
            )
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
            f'fill="url(#{self.id}-{HATCH})"/>'
        )

    def fill(self, x: float, y: float, width: float, height: float, role: str) -> None:
        """Add a rectangle of a role, hatched for what is undetermined."""
        if role == HATCH:
            self.hatched(x, y, width, height)
        else:
            self.rect(x, y, width, height, role)

    def ring(self, x: float, y: float, share: float) -> None:
        """Mark a set that is undetermined: a ring, filled by the share of patients in whom it is.

        In all of them, the ring holds a question mark.
        """
        self.parts.append(
            f'<circle class="muted-line" cx="{x:.1f}" cy="{y:.1f}" r="{RING:g}" stroke-width="1.4"/>'
        )
        if share >= 1:
            self.text(x, y + 4, "?", "ink", SMALL, "middle", bold=True)
            return
        angle = 2 * pi * min(max(share, LEAST), MOST)
        steps = [angle * n / 24 for n in range(25)]
        round_ = [(x + RING * sin(one), y - RING * cos(one)) for one in steps]
        self.area([(x, y), *round_], "soft")

    def met(self, x: float, y: float) -> None:
        """Mark a set that is met."""
        self.dot(x, y, "deep", RING + 0.7)

    def not_met(self, x: float, y: float) -> None:
        """Mark a set that is not met in any of the patients."""
        self.dot(x, y, "muted", 1.8)

    def said(self, x: float, y: float, text: str, role: str, size: float = SMALL) -> None:
        """Add a centred figure that stands on a part; on hatching it gets a ground of its own."""
        if role == HATCH:
            wide = len(text) * size * 0.6 + 4
            self.rect(x - wide / 2, y - size + 0.5, wide, size + 3, "track")
        on = {"deep": "page", "mid": "page"}.get(role, "ink")
        self.text(x, y, text, on, size, "middle")


LEFT_BARS, BAR_WIDTH, NAMES, MATRIX = 62.0, 150.0, 226.0, 438.0
STEP, ROW, TOP, HEIGHT, HEAD = 36.0, 24.0, 8.0, 178.0, 26.0
FEWEST = 5
"""Columns for which there is room, however few there are."""


def upset(sets: Sequence[SetRow], combinations: Sequence[Combination], patients: int) -> Picture:
    """Draw which sets are met together: sizes of combinations above, sizes of sets at the left.

    Args:
        sets: the sets, in the order of the rows.
        combinations: the combinations, in the order of the columns.
        patients: all patients of the registry.
    """
    width = MATRIX + max(len(combinations), FEWEST) * STEP + 6
    drawn = Canvas("upset", "Criteria sets that are met together", _told(sets, combinations), width)
    foot = TOP + HEIGHT
    top = foot + HEAD
    for number in range(0, len(sets), 2):
        drawn.rect(NAMES - 5, top + number * ROW, width - NAMES + 5, ROW, "track", 0.6)
    _key(drawn)
    _sizes(drawn, sets, top, patients)
    most = max((one.patients for one in combinations), default=1)
    drawn.line(MATRIX, foot, width, foot)
    for number, one in enumerate(combinations):
        x = MATRIX + (number + 0.5) * STEP
        height = max((HEIGHT - 20) * one.patients / most, 1)
        drawn.rect(x - 9, foot - height, 18, height, "deep")
        drawn.text(x, foot - height - 5, brief(one.patients), "ink", 11, "middle")
        _signs(drawn, one, x, top)
    return Picture(drawn.svg(top + len(sets) * ROW + 24), width)


def _told(sets: Sequence[SetRow], combinations: Sequence[Combination]) -> str:
    """Say what the picture shows, for those who do not see it."""
    largest = "; ".join(
        f"{one.patients:,} patients: {_named(sets, one)}" for one in combinations[:FEWEST]
    )
    return (
        f"{len(sets)} criteria sets, and the {len(combinations)} most frequent combinations of sets that "
        f"are met. The largest: {largest}. The tables below have every number."
    )


def _named(sets: Sequence[SetRow], one: Combination) -> str:
    names = [row.name for row, met in zip(sets, one.met, strict=True) if met]
    return " and ".join(names) or "none is met"


def _key(drawn: Canvas) -> None:
    """Explain the signs, where the picture has nothing else."""
    y = TOP + 12
    drawn.text(4, y, "Columns: patients in whom the same sets are met", "ink", 12, bold=True)
    lines = (
        "met",
        "undetermined in all of these patients",
        "undetermined in some of them, filled by their share;",
        "not met in any of them",
    )
    for number, said in enumerate(lines):
        # The third one needs two lines.
        at = y + 22 + (number + (number > 2)) * 20
        if number == 0:
            drawn.met(14, at - 4)
        elif number == 3:
            drawn.not_met(14, at - 4)
        else:
            drawn.ring(14, at - 4, 1 if number == 1 else 0.3)
        drawn.text(28, at, said, "ink", 12)
    drawn.text(28, y + 22 + 3 * 20 - 3, "not met in the rest", "ink", 12)
    at = y + 22 + 5 * 20 + 6
    drawn.text(4, at, "Rows: share of all patients", "ink", 12, bold=True)
    for x, role, said in (
        (4, "deep", "met"),
        (70, HATCH, "undetermined"),
        (190, "track", "not met"),
    ):
        drawn.fill(x, at + 10, 20, 11, role)
        drawn.text(x + 26, at + 20, said, "ink", 12)


def _sizes(drawn: Canvas, sets: Sequence[SetRow], top: float, patients: int) -> None:
    """Draw of each set in how many it is met and undetermined."""
    right = LEFT_BARS + BAR_WIDTH
    drawn.text(LEFT_BARS - 8, top - 6, "met", "muted", SMALL, "end")
    scale = BAR_WIDTH / (patients or 1)
    for number, row in enumerate(sets):
        y = top + number * ROW
        drawn.text(LEFT_BARS - 8, y + 16, row.said or brief(row.met), "ink", 12, "end")
        drawn.rect(LEFT_BARS, y + 5, BAR_WIDTH, ROW - 10, "track")
        drawn.hatched(right - (row.met + row.open) * scale, y + 5, row.open * scale, ROW - 10)
        drawn.rect(right - row.met * scale, y + 5, row.met * scale, ROW - 10, "deep")
        drawn.text(NAMES, y + 16, row.name, "ink", 12)
    end = top + len(sets) * ROW
    for share in (0.0, 0.5, 1.0):
        x = right - BAR_WIDTH * share
        drawn.line(x, end, x, end + 5)
        drawn.text(x, end + 18, f"{share:.0%}", "muted", 11, "middle")


def _signs(drawn: Canvas, one: Combination, x: float, top: float) -> None:
    """Draw the column of a combination."""
    rows = [top + (place + 0.5) * ROW for place in range(len(one.met))]
    filled = [y for y, met in zip(rows, one.met, strict=True) if met]
    if len(filled) > 1:
        drawn.line(x, filled[0], x, filled[-1], "deep", 2.5)
    for y, met, opened in zip(rows, one.met, one.open, strict=True):
        if met:
            drawn.met(x, y)
        elif opened:
            # A ground of its own, so that no line runs through it.
            drawn.dot(x, y, "page", RING)
            drawn.ring(x, y, opened / one.patients)
        else:
            drawn.not_met(x, y)


SQUARE, EDGE, UNDER = 320.0, 50.0, 96.0


def reliability(points: Sequence[Point]) -> Picture:
    """Draw how often the leading disease was right, against how probable it was said to be."""
    said = "; ".join(
        f"given {one.expected:.0%}, right in {one.observed.value:.0%} "
        f"({one.observed.low:.0%} to {one.observed.high:.0%}) of {one.observed.patients:,} patients"
        for one in points
    )
    width = EDGE + SQUARE + 16
    drawn = Canvas(
        "reliability",
        "Probability of the leading disease against how often it was right",
        said,
        width,
    )
    top, foot = 30.0, 30.0 + SQUARE
    drawn.text(4, 14, "It was the final diagnosis", "ink", 12)
    for step in range(0, 101, 20):
        x, y = EDGE + SQUARE * step / 100, foot - SQUARE * step / 100
        drawn.line(EDGE, y, EDGE + SQUARE, y)
        drawn.line(x, top, x, foot)
        drawn.text(EDGE - 6, y + 4, f"{step}%", "muted", SMALL, "end")
        drawn.text(x, foot + 16, f"{step}%", "muted", SMALL, "middle")
    drawn.line(EDGE, foot, EDGE + SQUARE, top, "muted", 1.5)
    for one in points:
        x = EDGE + SQUARE * one.expected
        low, high = (foot - SQUARE * share for share in (one.observed.low, one.observed.high))
        drawn.line(x, low, x, high, "deep", 2)
        for end in (low, high):
            drawn.line(x - 4, end, x + 4, end, "deep", 2)
        drawn.dot(x, foot - SQUARE * one.observed.value, "deep", 4.5)
    drawn.text(
        EDGE + SQUARE / 2, foot + 34, "Probability of the leading disease", "ink", 12, "middle"
    )
    _crowds(drawn, points, foot + 44)
    return Picture(drawn.svg(foot + UNDER), width)


def _crowds(drawn: Canvas, points: Sequence[Point], top: float) -> None:
    """Draw how many patients each point stands for."""
    most = max((one.observed.patients for one in points), default=1)
    drawn.text(EDGE - 8, top + 46, "n", "muted", SMALL, "end")
    for one in points:
        x, height = EDGE + SQUARE * one.place, max(30 * one.observed.patients / most, 1)
        drawn.rect(x - 10, top + 34 - height, 20, height, "soft")
        drawn.text(x, top + 46, brief(one.observed.patients), "ink", 10.5, "middle")


LEFT, WIDE, TALL, PITCH = 44.0, 30.0, 230.0, 38.0
LEAST_SAID = 0.07
"""A part that is flatter than this has no room for its figure."""


def columns(
    id: str, title: str, under: str, found: Sequence[Column], parts: Sequence[tuple[str, str]]
) -> Picture:
    """Draw stacked columns of shares, with the patients under each.

    Args:
        id: unique on the page.
        title: what the picture shows.
        under: what the names of the columns are.
        found: the columns.
        parts: name and role of each part, from the foot up.
    """
    told = "; ".join(
        f"{one.name}: " + ", ".join(
            f"{name} {count / one.patients:.0%}" for (name, _), count in zip(parts, one.parts, strict=True)
        )
        for one in found
    )  # fmt: skip
    width = LEFT + max(len(found), FEWEST + 2) * PITCH + 8
    drawn = Canvas(id, title, told, width)
    foot = 10.0 + TALL
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = foot - TALL * share
        drawn.line(LEFT - 4, y, width, y)
        drawn.text(LEFT - 8, y + 4, f"{share:.0%}", "muted", SMALL, "end")
    for number, one in enumerate(found):
        x = LEFT + number * PITCH + 4
        y = foot
        for (_, role), count in zip(parts, one.parts, strict=True):
            share = count / one.patients
            y -= TALL * share
            drawn.fill(x, y, WIDE, TALL * share, role)
            drawn.line(x, y, x + WIDE, y, "page")
            if share >= LEAST_SAID:
                drawn.said(x + WIDE / 2, y + TALL * share / 2 + 4, f"{share * 100:.0f}", role, 11)
        middle = x + WIDE / 2
        drawn.text(middle, foot + 17, one.name, "ink", 12, "middle")
        drawn.text(middle, foot + 33, brief(one.patients), "muted", 11, "middle")
    drawn.text(LEFT - 8, foot + 33, "n", "muted", SMALL, "end")
    drawn.text(LEFT, foot + 52, under, "ink", 12)
    return Picture(drawn.svg(foot + 58), width)


def brief(count: int) -> str:
    """Return a count that fits under a column: exact below 10,000, then three figures."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= max(size, 10_000):
            figure = count / size
            return f"{figure:.0f}{letter}" if figure >= 99.95 else f"{figure:.3g}{letter}"
    return f"{count:,}"
