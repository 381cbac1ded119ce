"""What a notebook shows of a result. Forms register here, so that a result need not know any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_pages: dict[str, Callable[[Any], str]] = {}


def register(kind: str, page: Callable[[Any], str]) -> None:
    """Let notebooks show every result of a class.

    Args:
        kind: the name of the class.
        page: returns a result as HTML, in which everything is escaped.
    """
    _pages[kind] = page


def html(result: object) -> str | None:
    """Return what a notebook shows of a result, or ``None`` where no form of it is registered."""
    page = _pages.get(type(result).__name__)
    return page(result) if page else None
