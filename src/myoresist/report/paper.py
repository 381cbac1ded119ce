"""The report as PDF, set by typst from the same consult; typst comes with the extra ``report``."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from typing import Final

from myoresist.report.charts.drawing import on_paper
from myoresist.report.consult import Consult, rules

STANDARD: Final = "ua-1"
"""PDF/UA, the standard for PDF that everyone can read."""


class NoTypst(RuntimeError):
    """Typst is not installed; the message says what to install."""


def render(consult: Consult) -> bytes:
    """Return a report as PDF.

    Raises:
        NoTypst: where typst is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise NoTypst("PDF needs typst: pip install 'myoresist[report]'") from error
    data = asdict(consult) | {"rules": [asdict(one) for one in rules(consult)]}
    for section in data["sections"]:
        for part in section["parts"]:
            for figure in part["figures"]:
                figure["svg"] = on_paper(figure["svg"])
    template = files("myoresist.report").joinpath("templates", "report.typ").read_bytes()
    return typst.compile(template, sys_inputs={"consult": json.dumps(data)}, pdf_standards=STANDARD)
