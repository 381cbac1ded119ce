"""The report of a case in the forms that one takes along."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from myoresist.assessment import assess, page_one
from myoresist.case.model import Case
from myoresist.report import html, markdown, pdf, terminal
from myoresist.report.builder import build_page, build_report
from myoresist.service.tasks import HTML, TEXT, Reply

STYLE = "/static/serve.css"
WIDTH = 90


def _reasons(case: Case) -> Reply:
    """Show the report with all its reasons, unfolded on demand."""
    return Reply(HTML, html.render(build_report(assess(case)), style_at=STYLE).encode())


def _html(case: Case) -> Reply:
    return Reply(HTML, html.render(build_report(assess(case))).encode(), file="second-opinion.html")


def _pdf(case: Case) -> Reply:
    try:
        data = pdf.render(build_page(page_one(case)))
    except (pdf.NoTypst, pdf.PdfError) as error:
        return Reply(TEXT, f"{error}\n".encode(), 501)
    return Reply("application/pdf", data, file="second-opinion.pdf")


def _markdown(case: Case) -> Reply:
    text = markdown.render(build_page(page_one(case)))
    return Reply("text/markdown; charset=utf-8", text.encode(), file="second-opinion.md")


def _text(case: Case) -> Reply:
    held = io.StringIO()
    report = build_page(page_one(case))
    terminal.render(report, Console(file=held, width=WIDTH, highlight=False, no_color=True))
    # How the command line shows the reasons helps nobody here.
    return Reply(TEXT, held.getvalue().rstrip().removesuffix(terminal.MORE).encode())


FORMS: dict[str, Callable[[Case], Reply]] = {
    "reasons": _reasons, "html": _html, "pdf": _pdf, "md": _markdown, "txt": _text,
}  # fmt: skip
