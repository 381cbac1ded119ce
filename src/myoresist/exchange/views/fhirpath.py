"""The expressions of FHIRPath that views may use, as a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*')|(?P<name>[A-Za-z_]\w*|`[^`]+`)"
    r"|(?P<variable>%[A-Za-z_]\w*|\$this)|(?P<sign><=|>=|!=|[=<>.,()\[\]-]))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
MOST = 2_000
"""Letters of an expression: a view has a line of them."""
MOST_DEEP = 40


class PathError(Exception):
    """An expression that is not read; the message says what of it."""


@dataclass(frozen=True)
class Literal:
    """A value: text, a whole number, a decimal or a truth value."""

    value: str | int | float | bool


@dataclass(frozen=True)
class Constant:
    """A constant of the view, ``%name``."""

    name: str


@dataclass(frozen=True)
class This:
    """What the expression is about: the resource, or the item of a collection."""


@dataclass(frozen=True)
class Member:
    """An element of what stands before it."""

    of: Node
    name: str


@dataclass(frozen=True)
class Call:
    """A function of what stands before it."""

    of: Node
    name: str
    given: tuple[Node, ...]


@dataclass(frozen=True)
class Index:
    """One item of what stands before it."""

    of: Node
    place: Node


@dataclass(frozen=True)
class Binary:
    """Two expressions with a sign or a word between them."""

    sign: str
    left: Node
    right: Node


Node = Literal | Constant | This | Member | Call | Index | Binary


def parse(text: str) -> Node:
    """Return the tree of an expression.

    Raises:
        PathError: if it is none, or goes beyond what is read.
    """
    if len(text) > MOST:
        raise PathError(f"is longer than {MOST} letters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise PathError(f"{text[place:].strip()[:20]!r} is not read")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()
        self.place = 0
        self.depth = 0

    def whole(self) -> Node:
        found = self._or()
        if self.place < len(self.tokens):
            raise PathError(f"{self.tokens[self.place][1]!r} is not read")
        return found

    def _next(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "its end")

    def _is(self, *texts: str) -> str | None:
        """Step over a sign or a word, if it is there."""
        kind, text = self._next()
        if kind not in ("sign", "name") or text not in texts:
            return None
        self.place += 1
        return text

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise PathError(f"has {self._next()[1]!r} where {text!r} should be")

    def _or(self) -> Node:
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise PathError("is nested too deeply")
        found = self._and()
        while self._is("or"):
            found = Binary("or", found, self._and())
        self.depth -= 1
        return found

    def _and(self) -> Node:
        found = self._equal()
        while self._is("and"):
            found = Binary("and", found, self._equal())
        return found

    def _equal(self) -> Node:
        found = self._compared()
        while sign := self._is("=", "!="):
            found = Binary(sign, found, self._compared())
        return found

    def _compared(self) -> Node:
        found = self._path()
        while sign := self._is("<", "<=", ">", ">="):
            found = Binary(sign, found, self._path())
        return found

    def _path(self) -> Node:
        found = self._first()
        while True:
            if self._is("."):
                found = self._invoked(found)
            elif self._is("["):
                found = Index(found, self._or())
                self._expect("]")
            else:
                return found

    def _first(self) -> Node:
        kind, text = self._next()
        if kind == "sign":
            if self._is("("):
                found = self._or()
                self._expect(")")
                return found
            if self._is("-") and self._next()[0] == "number":
                number = self._first()
                if isinstance(number, Literal) and isinstance(number.value, int | float):
                    return Literal(-number.value)
        if kind == "name" and text not in ("true", "false"):
            return self._invoked(This())
        self.place += 1
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if kind == "text":
            return Literal(_ESCAPED.sub(_plain, text[1:-1]))
        if kind == "name":
            return Literal(text == "true")
        if kind == "variable":
            return This() if text == "$this" else Constant(text[1:])
        raise PathError(f"{text!r} is not read")

    def _invoked(self, of: Node) -> Node:
        kind, text = self._next()
        if kind != "name":
            raise PathError(f"has {text!r} where an element should be")
        self.place += 1
        name = text.strip("`")
        if text.startswith("`") or not self._is("("):
            return Member(of, name)
        given: list[Node] = []
        while not self._is(")"):
            if given:
                self._expect(",")
            given.append(self._or())
        return Call(of, name, tuple(given))


def _plain(found: re.Match[str]) -> str:
    said = found[1]
    if len(said) > 1:
        return chr(int(said[1:], 16))
    return _ESCAPES.get(said, said)
