"""myoresist: a sourced second opinion for treatment-resistant myositis.

``read_case`` reads what is known of one patient, ``assess`` answers what follows. Names are imported when
they are first used, so that starting is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from myoresist import display
from myoresist.version import __version__

if TYPE_CHECKING:
    from myoresist.assessment import Assessment, assess
    from myoresist.case.reading import read_case
    from myoresist.library import Knowledge

__all__ = ["Assessment", "Knowledge", "__version__", "assess", "read_case"]

_HOMES = {
    "Assessment": "myoresist.assessment",
    "Knowledge": "myoresist.library",
    "assess": "myoresist.assessment",
    "read_case": "myoresist.case.reading",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _page(assessment: Assessment) -> str:
    from myoresist.report.builder import build_report
    from myoresist.report.notebook import render

    return render(build_report(assessment, "full"))


display.register("Assessment", _page)
