"""The answers of a form: "Smoking: never", "Fever: -", "Rash Y/N", boxes with a cross and without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from myoresist.letters.cues import Meaning
from myoresist.letters.phrases import Hit
from myoresist.letters.tokens import Token


@dataclass(frozen=True, slots=True)
class Answer:
    """A sign of a form from word ``at`` to word ``last``, and what it is about.

    Attributes:
        means: "no", or "doubt" where it may deny as well as stand where nobody answered.
        at, last: its words.
        first: where what it is about ends, if that is what stands to its left.
        governs: the words that it is about, if they are known.
    """

    means: Meaning
    at: int
    last: int
    first: int = 0
    governs: range | None = None


def answers(words: Sequence[Token], opens: bool, things: Sequence[Hit]) -> Iterator[Answer]:
    """Yield the answers in a line of a form that do not affirm.

    Args:
        words: the words of a sentence.
        opens: whether it begins a line.
        things: what it speaks of.
    """
    yield from _denied(words, opens)
    yield from _brackets(words)
    yield from _ticks(words)
    yield from _signs(words, {hit.last: hit.first for hit in things})


def _denied(words: Sequence[Token], opens: bool) -> Iterator[Answer]:
    """Yield the "no" of a form: "Smoking: never", "Dysphagia   none"."""
    if not opens and all(word.text not in ":." for word in words):
        return
    for n, word in enumerate(words):
        before = words[n - 1] if n else None
        after = words[n + 1].text if n + 1 < len(words) else ""
        if before is None or word.norm not in _NO or (after and after not in ".,;)/"):
            continue
        colon = before.text == ":" or (before.text == "." and words[n - 2].text == ".")
        if colon or (word.start - before.end >= 2 and not after):
            yield Answer("no", n, n, n - colon)


def _brackets(words: Sequence[Token]) -> Iterator[Answer]:
    """Yield empty boxes: "Arthritis [ ]", or "[ ] arthritis [x] rash" where they stand before their words."""
    opened = [n for n, word in enumerate(words) if word.text == "["]
    leads = opened[:1] == [0]
    closed = 0
    for n, following in pairwise([*opened, len(words)]):
        if n + 1 < len(words) and words[n + 1].text == "]":
            about = range(n + 2, following) if leads else range(closed, n)
            yield Answer("doubt", n, n + 1, governs=about)
        closed = next((k + 1 for k in range(n, following) if words[k].text == "]"), n + 1)


def _ticks(words: Sequence[Token]) -> Iterator[Answer]:
    """Yield signs of empty boxes, which stand before what they are about, up to the next box or gap."""
    for n, word in enumerate(words):
        if word.text not in _EMPTY:
            continue
        end = n + 1
        while end < len(words) and not (
            words[end].text in _BOXES or (end > n + 1 and words[end].start - words[end - 1].end > 1)
        ):
            end += 1
        yield Answer("doubt", n, n, governs=range(n + 1, end))


def _signs(words: Sequence[Token], named: dict[int, int]) -> Iterator[Answer]:
    """Yield signs behind a name that may deny it: "Fever: -", "Rash N", "Rash (denies)", "Ulcers Y/N"."""
    for n, word in enumerate(words):
        at = n - 1
        while at >= 0 and words[at].text in (":", "(", "."):
            at -= 1
        if at not in named or (words[n - 1].text == "." and words[n - 2].text != "."):
            continue
        after = [one.text for one in words[n + 1 : n + 3]]
        told = word.norm in _NO and words[n - 1].text == ":"
        empty = word.text in _DASHES and not told and (not after or after[0] in ".,;)|")
        denies = word.norm in _DENIES and words[n - 1].text == "("
        aside = words[n - 1].text in ":." and _begins(words[n : n + 3])
        if (
            empty
            or denies
            or aside
            or word.text in _CROSSES
            or [word.text.lower(), *map(str.lower, after)] in _EITHER
        ):
            yield Answer("doubt", n, n, governs=range(named[at], n))


def _begins(words: Sequence[Token]) -> bool:
    """Tell whether what stands behind a colon begins with words that affirm nothing: "ILD: screen yearly"."""
    said = " ".join(word.norm for word in words)
    return any(said == one or said.startswith(f"{one} ") for one in _ASIDE)


_ASIDE = (
    "deny", "patient deny", "n / a", "na", "nad", "false",
    "family", "at risk", "risk", "surveillance", "surveilled", "screen", "screening", "screened",
    "immune", "immunized", "vaccinated", "vaccine", "nr", "non - reactive", "nonreactive", "see",
    "discussed", "counselled", "counseled", "on contraception", "contraception", "previously",
    "unknown", "unclear", "tbc", "unable", "monitor", "monitoring",
    "watch", "check", "checked", "refer", "referred", "advised", "protection", "prevention",
)  # fmt: skip
_NO = frozenset(
    ("no", "none", "never", "nil", "neg", "negative", "negativ", "absent", "denied", "0")
)
_EMPTY = frozenset("☐□▢")
_BOXES = _EMPTY | frozenset("☑☒■✓✔✗✘")
_DASHES = frozenset(("-", "−", "–", "—", "N", "Ø", "0"))
_CROSSES = frozenset("✗✘")
_DENIES = frozenset(("deny", "denies"))
_EITHER = (["y", "/", "n"], ["yes", "/", "no"], ["n", "/", "y"], ["no", "/", "yes"])
