"""Draw the terminal report of the demo case for the README: ``docs/report.svg``."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from myoresist import assess, read_case
from myoresist.cli import DEMO, EXAMPLES
from myoresist.report.terminal import render

LINES = 58
LEADING = re.compile(r"^(\x1b\[[0-9;]*m| )+")


def main() -> None:
    """Render the report, keep its beginning, and save it without fonts from elsewhere."""
    whole = Console(file=StringIO(), record=True, width=100, highlight=False, force_terminal=True)
    render(assess(read_case(EXAMPLES / f"{DEMO}.yaml")), whole)
    styled = whole.export_text(styles=True).splitlines()[:LINES]
    shown = Console(file=StringIO(), record=True, width=100, highlight=False, force_terminal=True)
    # A drawing drops spaces at the beginning of a line, so they are made to stay.
    kept = [LEADING.sub(lambda found: found[0].replace(" ", "\u00a0"), line) for line in styled]
    shown.print(Text.from_ansi("\n".join(kept)))
    svg = shown.export_svg(title="myoresist demo")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    path = Path(__file__).parents[1] / "docs" / "report.svg"
    path.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
