"""The report as PDF, set by typst; typst comes with the extra ``report``."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from myoresist.report.charts.drawing import on_paper
from myoresist.report.document import Datum, Figure, Report

LATIN: Final = 0x24F
"""The last letter that every font of ours has."""
STANDARD: Final = "ua-1"
"""PDF/UA, the standard for PDF that everyone can read."""


class NoTypst(RuntimeError):
    """Typst is not installed; the message says what to install."""


class PdfError(RuntimeError):
    """A report cannot be set on this machine; the message says why."""


def render(report: Report) -> bytes:
    """Return a report as PDF.

    Raises:
        NoTypst: where typst is not installed.
        PdfError: where the fonts of this machine lack letters of the report.
    """
    try:
        import typst
    except ImportError as error:
        raise NoTypst("PDF needs typst: pip install 'myoresist[report]'") from error
    data = json.dumps(
        vars(report)
        | {
            "rules": report.rules,
            "disclaimer": report.disclaimer,
            "caveat": report.caveat,
            "behind": report.page.lines if report.sections else (),
        },
        default=_as_data,
    )
    template = files("myoresist.report").joinpath("templates", "report.typ").read_bytes()
    try:
        return typst.compile(template, sys_inputs={"report": data}, pdf_standards=STANDARD)
    except typst.TypstError as error:
        strange = dict.fromkeys(x for x in json.loads(data)["title"] if ord(x) > LATIN)
        raise PdfError(
            "no PDF: the fonts of this machine lack letters of this record"
            + (f" ({' '.join(strange)})" if strange else "")
            + "; install a font that has them, such as Noto, or use --html"
        ) from error


def _as_data(one: object) -> str | dict[str, Any]:
    """Return a piece of the report as typst takes it."""
    match one:
        case Datum():
            return str(one)
        case Figure():
            return {**vars(one), "draw": None, "svg": on_paper(one.svg)}
    return vars(one)
