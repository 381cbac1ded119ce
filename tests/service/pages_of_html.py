"""What a browser would have to mend in a page."""

from __future__ import annotations

import html5lib


def valid(text: str) -> None:
    """Parse a page as a browser does, and refuse what a browser would mend."""
    html5lib.HTMLParser(strict=True).parse(text)
