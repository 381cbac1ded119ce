"""Finds the phrases of the knowledge in the words of a letter.

A phrase is written as a physician would say it. ``{class}`` stands for any phrase of a class, ``one|two``
for one of two words, ``word*`` for every word that begins so. ``a & b`` are two phrases near each other in
any order, ``a ... b`` two in this order. Capitals in a short abbreviation have to be capitals in the
letter; after ``=`` every letter has to be as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from myoresist.letters.tokens import SILENT, Token, normal, tokens

NEAR = 9
"""Words within which two phrases that belong together have to stand."""

_CLASS = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that was found: what it stands for and the words, by their numbers, that say it.

    Attributes:
        of: what the phrase belongs to.
        first, last: numbers of the first and the last word.
        parts: first and last word of each phrase of which it is made.
    """

    of: Any
    first: int
    last: int
    parts: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """Return how many words it spans."""
        return self.last - self.first + 1


@dataclass(slots=True)
class _Node:
    """A place in the tree of words."""

    next: dict[str, _Node] = field(default_factory=dict)
    starts: dict[str, _Node] = field(default_factory=dict)
    ends: list[tuple[Any, tuple[str, ...] | None, bool]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Part:
    """One phrase of several that belong together."""

    rules: list[tuple[_Together, int]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Together:
    """Phrases that say something together."""

    of: Any
    size: int
    ordered: bool


class Phrases:
    """A tree of the words of all phrases."""

    def __init__(self, classes: Mapping[str, Sequence[str]]) -> None:
        """Take the classes that a phrase may name."""
        self.classes = classes
        self.root = _Node()
        self.words: set[str] = set()
        self._parts: dict[str, _Part] = {}

    def add(self, phrase: str, of: Any) -> None:
        """Add a phrase and what it stands for."""
        for sign, ordered in (("&", False), ("...", True)):
            pieces = [piece.strip() for piece in phrase.split(f" {sign} ")]
            if len(pieces) > 1:
                rule = _Together(of, len(pieces), ordered)
                for number, piece in enumerate(pieces):
                    if piece not in self._parts:
                        self._parts[piece] = _Part()
                        self._grow(piece, self._parts[piece])
                    self._parts[piece].rules.append((rule, number))
                return
        self._grow(phrase, of)

    def _grow(self, phrase: str, of: Any) -> None:
        for written in self._written(phrase):
            strict = written.startswith("=")
            node, exact = self.root, strict
            words = [
                word
                for word in _split(written.removeprefix("="))
                if word.strip("*").lower() not in SILENT
            ]
            for word in words:
                if word.endswith("*"):
                    node = node.starts.setdefault(normal(word[:-1]).rstrip("'"), _Node())
                    continue
                norm = normal(word)
                self.words.add(norm)
                exact = exact or (word.isalpha() and word.isupper() and 1 < len(word) <= 4)
                node = node.next.setdefault(norm, _Node())
            case = tuple(word for word in words if word.isalpha()) if exact else None
            node.ends.append((of, case, strict))

    def _written(self, phrase: str) -> Iterator[str]:
        """Yield a phrase once for every choice that it leaves."""
        slots: list[list[str]] = []
        for piece in phrase.split():
            named = _CLASS.fullmatch(piece)
            if named:
                slots.append([x for one in self.classes[named[1]] for x in self._written(one)])
            else:
                slots.append(["" if x == "_" else x for x in piece.split("|")])
        for chosen in product(*slots):
            yield " ".join(word for word in chosen if word)

    def find(self, words: Sequence[Token], fixed: Mapping[int, str] = {}) -> list[Hit]:
        """Return every phrase in a run of words, those that lie within others included.

        Args:
            words: the words.
            fixed: words, by their numbers, that are read as another word.
        """
        told = [n for n, word in enumerate(words) if not word.silent]
        norms = [fixed.get(n, words[n].norm) for n in told]
        hits: list[Hit] = []
        found: dict[_Part, list[tuple[int, int]]] = {}
        for at in range(len(told)):
            for of, end in self._at(words, told, norms, at):
                span = (told[at], told[end - 1])
                if isinstance(of, _Part):
                    found.setdefault(of, []).append(span)
                else:
                    hits.append(Hit(of, *span, (span,)))
        hits += _together(found)
        return hits

    def _at(
        self, words: Sequence[Token], told: Sequence[int], norms: Sequence[str], at: int
    ) -> Iterator[tuple[Any, int]]:
        """Yield what ends where, of the phrases that begin at a word."""
        nodes, end = [self.root], at
        while nodes and end < len(norms):
            norm, onward = norms[end], []
            for node in nodes:
                if norm in node.next:
                    onward.append(node.next[norm])
                if node.starts:
                    onward += [
                        next_ for start, next_ in node.starts.items() if norm.startswith(start)
                    ]
            nodes, end = onward, end + 1
            for node in nodes:
                for of, case, strict in node.ends:
                    written = [words[n].text for n in told[at:end]] if case else ()
                    if case is None or _same_case(case, written, strict):
                        yield of, end


def _split(phrase: str) -> list[str]:
    """Return the words of a phrase, each as tokens would part it; a star stays with its word."""
    parts: list[str] = []
    for word in phrase.split():
        pieces = [one.text for one in tokens(word.rstrip("*")) if one.text not in "-'_"]
        if pieces and word.endswith("*"):
            pieces[-1] += "*"
        parts += pieces
    return parts


def _same_case(wanted: Iterable[str], written: Sequence[str], strict: bool) -> bool:
    """Tell whether what has to be in capitals is, however the rest is written unless that counts too."""
    have = [word for word in written if word.isalpha() or "'" in word]
    if strict:
        return list(wanted) == have
    return all(
        not (want.isupper() and 1 < len(want) <= 4) or got in (want, f"{want}s", f"{want}'s")
        for want, got in zip(wanted, have, strict=False)
    )


def _together(found: Mapping[_Part, list[tuple[int, int]]]) -> Iterator[Hit]:
    """Yield what phrases say that stand near each other."""
    rules: dict[_Together, dict[int, list[tuple[int, int]]]] = {}
    for part, spans in found.items():
        for rule, number in part.rules:
            rules.setdefault(rule, {})[number] = spans
    for rule, parts in rules.items():
        if len(parts) < rule.size:
            continue
        for first in parts[0]:
            chosen = _nearest(first, [parts[n] for n in range(1, rule.size)], rule.ordered)
            if chosen is not None:
                places = (first, *chosen)
                yield Hit(rule.of, min(s[0] for s in places), max(s[1] for s in places), places)


def _nearest(
    first: tuple[int, int], others: Sequence[Sequence[tuple[int, int]]], ordered: bool
) -> list[tuple[int, int]] | None:
    """Return of each other phrase the place nearest to the one before, if it is near enough."""
    chosen: list[tuple[int, int]] = []
    for spans in others:
        last = chosen[-1] if chosen else first
        near = [
            (abs(span[0] - last[0]), span)
            for span in spans
            if span != last and _gap(last, span, ordered) <= NEAR
        ]
        if not near:
            return None
        chosen.append(min(near)[1])
    return chosen


def _gap(one: tuple[int, int], other: tuple[int, int], ordered: bool) -> int:
    """Return how many words stand between two places; very many if they are in the wrong order."""
    if other[0] > one[1]:
        return other[0] - one[1] - 1
    if ordered or one[0] <= other[1]:
        return NEAR + 1
    return one[0] - other[1] - 1
