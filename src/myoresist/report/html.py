"""The report as one HTML file: no script, no request, light and dark, for screen, phone and paper.

It shows page one; the appendix is folded below it, and stays folded on paper.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from myoresist.report.charts.drawing import PAPER
from myoresist.report.document import Report


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("myoresist.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def render(report: Report, unfolded: bool = False, style_at: str = "") -> str:
    """Return a report as HTML; whatever a case says is escaped.

    Args:
        report: what to show.
        unfolded: whether the appendix is open from the start.
        style_at: where its style stands, if not in the file itself.
    """
    environment = _environment()
    style = environment.get_template("report.css").render(roles=list(PAPER))
    page = environment.get_template("report.html.j2")
    return page.render(report=report, style=style, style_at=style_at, unfolded=unfolded)
