"""What was read in a letter, for a terminal: what it says, what is to be settled, what was not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap

from myoresist.letters import Letter, Statement
from myoresist.report.printable import printable

WIDTH = 80
_SIGNS = {"yes": "✓", "no": "✗", "unsure": "?"}
_INDENT = 6
_SPACE = re.compile(r"\s+")


def lines(letter: Letter, width: int = WIDTH) -> Iterator[str]:
    """Say what a letter says of the patient, statement by statement.

    Args:
        letter: what was read.
        width: columns of the terminal.
    """
    told = letter.statements
    paired = {n for pair in letter.contradictions for n in pair}
    standing = [one for one in told if one.stands]
    asked = [one for one in told if not one.stands and one.number not in paired]
    yield printable(
        f"{letter.source}: {len(standing)} statements stand, {len(asked)} are open, "
    ) + (f"{len(letter.contradictions)} contradict")
    yield "Nothing counts before you have confirmed it."
    for title, answer in (("Yes", "yes"), ("No", "no")):
        yield from _group(title, (one for one in standing if one.answer == answer), width)
    if letter.contradictions:
        yield from ("", "Contradictions: which is right?")
        for one, other in letter.contradictions:
            yield from _statement(told[one], width)
            yield from _statement(told[other], width, "against")
    yield from _group("Questions", asked, width)
    yield from _not_read(letter, width)


def _group(title: str, statements: Iterable[Statement], width: int) -> Iterator[str]:
    found = list(statements)
    if found:
        yield from ("", title)
    for one in found:
        yield from _statement(one, width)


def _statement(one: Statement, width: int, lead: str = "") -> Iterator[str]:
    """Yield a statement, where it goes, its words, and what is asked about it."""
    where = f"→ {one.where.split('.')[0]}"
    head = printable(f"{lead} {one.text}".strip())
    room = width - _INDENT
    rows = wrap(head, room - len(where) - 2) or [""]
    yield f"{_SIGNS[one.answer]:>3}   {rows[0]:<{room - len(where)}}{where}"
    yield from (" " * _INDENT + row for row in rows[1:])
    yield from _wrapped(f'"{printable(one.quote)}"', _INDENT + 2, width)
    if one.question:
        yield from _wrapped(one.question, _INDENT + 2, width)


def _wrapped(text: str, indent: int, width: int) -> Iterator[str]:
    lead = " " * indent
    yield from wrap(text, width, initial_indent=lead, subsequent_indent=lead)


def _not_read(letter: Letter, width: int) -> Iterator[str]:
    """Yield what no statement rests on, a paragraph of the letter a paragraph."""
    pieces: list[list[str]] = [[]]
    at = 0
    for start, end in letter.not_read:
        if re.search(r"\n\s*\n", letter.text[at:start]):
            pieces.append([])
        parts = re.split(r"\n[^\S\n]*\n", letter.text[start:end])
        pieces[-1].append(parts[0])
        pieces += [[part] for part in parts[1:]]
        at = end
    rest = [" … ".join(_SPACE.sub(" ", x).strip() for x in piece) for piece in pieces if piece]
    if rest:
        yield from ("", "Not read")
    for text in rest:
        yield from _wrapped(printable(text), 2, width)
