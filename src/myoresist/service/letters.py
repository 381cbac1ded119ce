"""A letter in the page: its words marked, its statements to confirm, and what of it the form takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from myoresist.case.template import as_yaml
from myoresist.document import parse_document
from myoresist.letters import Letter, Statement
from myoresist.library import Knowledge
from myoresist.service.form import Entries, case_of, entries_of

TEXT, FORM, ALL = "letter", "form", "all"
"""Fields that carry the letter, the form as it was, and whether what is certain counts unconfirmed."""
CAREFUL = ("unsure", "no", "yes")
SIGNS = {"yes": "✓", "no": "✗", "unsure": "?"}
UNCONFIRMED = "Read from a letter; not confirmed by a physician: {} of its statements"


@dataclass(frozen=True)
class Piece:
    """A piece of a letter.

    Attributes:
        text: its words.
        answer: what statements say that rest on it, the most careful one; nothing where none does.
        number: number of the statement to which it leads.
        sign: the sign at the end of the words of a statement.
        told: what the statements say.
    """

    text: str
    answer: str = ""
    number: int = 0
    sign: str = ""
    told: str = ""


@dataclass(frozen=True)
class Taken:
    """What becomes of a letter.

    Attributes:
        entries: the form, with what counts.
        kept: what was entered otherwise before, and stays.
    """

    entries: dict[str, str]
    kept: tuple[str, ...]


def pieces(letter: Letter) -> Iterator[Piece]:
    """Yield a letter piece by piece, with the statements that rest on each."""
    spans = [(start, end, one) for one in letter.statements for start, end in one.spans]
    edges = sorted({0, len(letter.text), *(x for start, end, _ in spans for x in (start, end))})
    for start, end in pairwise(edges):
        on = [one for first, last, one in spans if first <= start and end <= last]
        if not on:
            yield Piece(letter.text[start:end])
            continue
        first = min(on, key=lambda one: CAREFUL.index(one.answer))
        ends = any(last == end for _, last, one in spans if one in on)
        told = "; ".join(dict.fromkeys(f"{one.text}: {one.answer}" for one in on))
        sign = SIGNS[first.answer] if ends else ""
        yield Piece(letter.text[start:end], first.answer, first.number, sign, told)


def groups(letter: Letter) -> list[tuple[str, list[Statement]]]:
    """Return the statements in the order in which to look at them: what is to be settled first."""
    paired = {n for pair in letter.contradictions for n in pair}
    told = letter.statements
    found = [
        ("The letter says both: which is right?", [told[n] for pair in letter.contradictions for n in pair]),
        ("To be settled", [x for x in told if not x.stands and x.number not in paired]),
        ("Without doubt", [x for x in told if x.stands and x.number not in paired]),
    ]  # fmt: skip
    return [(title, list({x.number: x for x in some}.values())) for title, some in found if some]


def taken(letter: Letter, sent: Entries, entries: Entries) -> Taken:
    """Return the form with what of a letter counts: what was confirmed, and what the user lets count.

    Args:
        letter: the letter.
        sent: the answer to each statement by ``s.`` and its number: yes, no, or open; ``all`` lets what
            stands without doubt count where it is open.
        entries: the form as it was; what somebody entered goes before what a letter says.
    """
    counted, unconfirmed = [], 0
    for one in letter.statements:
        answer = sent.get(f"s.{one.number}", "open")
        if answer in ("yes", "no"):
            counted.append(one.confirmed(answer == "yes"))
        elif one.stands and sent.get(ALL):
            counted.append(one)
            unconfirmed += 1
    told = letter.case(counted)
    # The letter has no name for the patient but its own.
    told["patient"] = {key: value for key, value in told["patient"].items() if key != "id"}
    kept: list[str] = []
    whole = _joined(case_of(entries).data, told, "", kept)
    if unconfirmed:
        before = whole.get("source", {}).get("citation")
        said = UNCONFIRMED.format(unconfirmed)
        citation = "; ".join(one for one in (before, said) if one)
        whole["source"] = {**whole.get("source", {}), "citation": citation}
    document = parse_document(as_yaml(whole), "form")
    return Taken(entries_of(document, Knowledge.load().catalogue), tuple(kept))


def _joined(
    own: Mapping[str, Any], told: Mapping[str, Any], place: str, kept: list[str]
) -> dict[str, Any]:
    found = dict(own)
    for key, value in told.items():
        before = found.get(key)
        if before is None:
            found[key] = value
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = _joined(before, value, f"{place}{key}.", kept)
        elif isinstance(before, list) and isinstance(value, list):
            found[key] = before + [one for one in value if one not in before]
        elif before != value:
            kept.append(f"{place}{key}")
    return found
