"""A paragraph of the report, before any form has numbered its sources or laid it out."""

from __future__ import annotations

from dataclasses import dataclass

DETAIL = 3
"""A line that is indented by so much more than the one before is a detail of it."""


@dataclass(frozen=True)
class Line:
    """One paragraph.

    Attributes:
        text: what it says.
        style: how it looks; ``red`` is against or urgent, ``yellow`` open, ``green`` for, ``dim`` in passing.
        indent: how far it is set in.
        sign: what stands before it.
        cites: keys of the works that it rests on.
        rule: the rule behind it, in plain words.
        because: ids of the findings that triggered it.
        record: what else of the record triggered it, in words.
    """

    text: str
    style: str = ""
    indent: int = 0
    sign: str = ""
    cites: tuple[str, ...] = ()
    rule: str = ""
    because: tuple[str, ...] = ()
    record: tuple[str, ...] = ()
