"""A small SVG canvas: all text escaped, colours by role, so that one picture serves every theme and paper."""

from __future__ import annotations

from html import escape
from textwrap import wrap

from myoresist.report.printable import printable

PAPER = {
    "ink": "#1b1f24", "muted": "#57606a", "rule": "#c9d1d9", "track": "#eaeef2", "main": "#0b5cad",
    "soft": "#8db8e8", "page": "#ffffff", "for": "#17693a", "against": "#a4262c", "open": "#7a5200",
}  # fmt: skip
"""The colours of the roles on white paper; a page may give them other ones, for a dark screen."""

LETTER, BOLD = 0.54, 0.6
"""Mean width of a letter as a share of the size of the type."""


class Drawing:
    """A picture under construction; lengths are in units of the picture, of which it is ``width`` wide.

    Args:
        id: unique on the page.
        title: what it shows.
        description: what is to be seen, for a reader who does not see it.
        width: width of the picture.
    """

    def __init__(self, id: str, title: str, description: str, width: float = 480) -> None:
        self.id, self.title, self.description, self.width = id, title, description, width
        self.parts: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, role: str, opacity: float = 1
    ) -> None:
        """Add a filled rectangle."""
        faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
        self.parts.append(
            f'<rect class="{role}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
            f'height="{height:.1f}"{faint}/>'
        )

    def line(
        self, x: float, y: float, to_x: float, to_y: float, role: str = "rule", thick: float = 1
    ) -> None:
        """Add a straight line."""
        self.parts.append(
            f'<path class="{role}-line" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" '
            f'stroke-width="{thick:g}"/>'
        )

    def curve(self, points: list[tuple[float, float]], role: str) -> None:
        """Add a line through points."""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path class="{role}-line" d="M{path}" stroke-width="1.5"/>')

    def area(self, points: list[tuple[float, float]], role: str, opacity: float = 1) -> None:
        """Add a filled area."""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path class="{role}" d="M{path}Z" opacity="{opacity:g}"/>')

    def dot(self, x: float, y: float, role: str, radius: float = 3) -> None:
        """Add a filled circle."""
        self.parts.append(f'<circle class="{role}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>')

    def text(
        self,
        x: float,
        y: float,
        said: str,
        role: str = "ink",
        size: float = 13,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Add a line of text whose foot is at ``y``."""
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text class="{role}" x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" '
            f'text-anchor="{anchor}"{weight}>{escape(printable(said))}</text>'
        )

    def paragraph(
        self, x: float, y: float, said: str, width: float, size: float = 13, role: str = "ink",
        bold: bool = False,
    ) -> float:  # fmt: skip
        """Add text in lines of at most ``width``, and return the foot of the last one."""
        letters = max(int(width / (size * (BOLD if bold else LETTER))), 8)
        lines = wrap(printable(said), letters) or [""]
        for number, line in enumerate(lines):
            self.text(x, y + number * size * 1.25, line, role, size, bold=bold)
        return y + (len(lines) - 1) * size * 1.25

    def svg(self, height: float) -> str:
        """Return the picture, with a title and a description for those who do not see it."""
        title, description = escape(printable(self.title)), escape(printable(self.description))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {height:.0f}" '
            f'role="img" aria-labelledby="{self.id}-title {self.id}-text" class="chart">'
            f'<title id="{self.id}-title">{title}</title><desc id="{self.id}-text">{description}</desc>'
            f"{''.join(self.parts)}</svg>"
        )


def style(colours: dict[str, str] = PAPER) -> str:
    """Return the style sheet of the roles."""
    rules = [f".{role}{{fill:{colour}}}" for role, colour in colours.items()]
    rules += [f".{role}-line{{stroke:{colour};fill:none}}" for role, colour in colours.items()]
    return "".join(rules)


def on_paper(svg: str, font: str = "Libertinus Serif") -> str:
    """Return a picture that stands alone on white paper."""
    head, _, rest = svg.partition(">")
    return f'{head} font-family="{font}"><style>{style()}</style>{rest}'
