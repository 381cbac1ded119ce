"""The command line. Heavy imports wait until a command needs them, so that --help is instant."""

from __future__ import annotations

import gc
import io
import os
import sys

# In this order commands stand in the help.
# isort: off
from myoresist.cli import patient, service, registry, knowledge

# isort: on
from myoresist.cli.apps import app
from myoresist.cli.patient import DEMO, EXAMPLES
from myoresist.cli.terminal import complain
from myoresist.report.printable import SPELT

__all__ = ["DEMO", "EXAMPLES", "app", "knowledge", "main", "patient", "registry", "service"]


def main() -> None:
    """Run the command line; an unexpected error is one line, unless MYORESIST_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SPELT)
    # What knowledge is read into stays; walking through it over and over took a seventh of the time.
    gc.set_threshold(100_000, 20, 100)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("MYORESIST_DEBUG"):
            raise
        lines = str(error).splitlines() or [""]
        hint = "set MYORESIST_DEBUG=1 to see where"
        complain(f"myoresist: unexpected error: {type(error).__name__}: {lines[0]} ({hint})")
        sys.exit(1)
