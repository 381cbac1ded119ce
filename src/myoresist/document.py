"""Read a YAML or JSON file with the line of every value, in bounded time and memory."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 2_000_000
MAX_DEPTH = 40
MAX_NODES = 200_000

Path_ = tuple[str | int, ...]

# Characters that YAML does not take, raw or escaped, in its own or in JSON clothes.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Next line, line and paragraph separator: line breaks for YAML, but for no editor and not for JSON.
ODD_BREAKS = "\x85\u2028\u2029"
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|\t', re.DOTALL)
_JSON_PART = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\.|[\x85\u2028\u2029]", re.DOTALL
)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(?!0[0-9])([0-9]++\.?[0-9]*+|\.[0-9]++)([eE][-+]?[0-9]++)?")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}\.[0-9]{3}")
_NOT_A_NUMBER = re.compile(r"[-+]?\.?(nan|inf|infinity)", re.IGNORECASE)
_WORDS = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    **dict.fromkeys(("", "~", "null"), None),
}


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a file."""

    file: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        """Return ``file:line: field: message`` on one line; what is not known is left out."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return _printable(": ".join(part for part in (place, self.field, self.message) if part))


class DocumentError(ValueError):
    """A file that cannot be used; it holds every problem that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order of the file."""
        self.problems = tuple(
            sorted(problems, key=lambda one: (one.file, one.line or 0, one.field))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


def checked(name: str, problems: Iterable[Problem], notes: Iterable[str] = ()) -> dict[str, object]:
    """Return as data what is wrong with a file, and what is to be noted of it."""
    wrong = [{"line": x.line, "field": x.field, "message": x.message} for x in problems]
    return {"file": name, "ok": not wrong, "mistakes": wrong, "notes": list(notes)}


@dataclass(frozen=True)
class Document:
    """The content of a file, and the 1-based line on which each value stands.

    ``spelled`` holds the numbers whose point may divide thousands as they are written. ``problems`` are
    mistakes beside which the rest can be read; what they are about is left out.
    """

    name: str
    data: Any
    lines: Mapping[Path_, int]
    spelled: Mapping[Path_, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, path: Path_) -> int | None:
        """Return the line of a value or, when it has none, of the nearest value around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def read_document(
    source: str | Path, *, name: str | None = None, max_bytes: int = MAX_BYTES
) -> Document:
    """Read a YAML or JSON file.

    Args:
        source: a path, or ``-`` for standard input.
        name: what to call the file in errors; its path when left out.
        max_bytes: a longer file is refused without being read whole.

    Raises:
        DocumentError: with one clear problem.
    """
    return parse_document(*read_content(source, name=name, max_bytes=max_bytes))


def read_content(
    source: str | Path, *, name: str | None = None, max_bytes: int = MAX_BYTES
) -> tuple[bytes, str]:
    """Return what a file holds, and what to call it in errors; see ``read_document``."""
    called = name or ("standard input" if str(source) == "-" else str(source))
    try:
        if str(source) == "-":
            content = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # a name with a zero in it is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError([Problem(called, None, "", f"cannot be read: {reason}")]) from error
    if len(content) > max_bytes:
        message = f"is larger than {max_bytes / 1e6:g} MB; a case is a few kB"
        raise DocumentError([Problem(called, None, "", message)])
    return content, called


def parse_document(text: str | bytes, name: str) -> Document:
    """Parse YAML or JSON text; see ``read_document``."""
    document = parse_all(text, name)
    if document.problems:
        raise DocumentError(document.problems)
    return document


def parse_all(text: str | bytes, name: str, texts: Collection[Path_] = ()) -> Document:
    """Parse YAML or JSON text, and keep what is wrong beside what can be read.

    Args:
        text: the text.
        name: what to call it in errors.
        texts: the places whose values are texts, however they are spelled: 1e5 there is no number.

    Raises:
        DocumentError: with one clear problem, where nothing can be read.
    """
    decoded = _decoded(text, name)
    if decoded.lstrip()[:1] in ("{", "["):
        decoded = _JSON_STRING.sub(_json_as_yaml, decoded)
    decoded = decoded.translate(dict.fromkeys(map(ord, ODD_BREAKS), " "))
    builder = _Builder(name, texts)
    try:
        builder.build(yaml.parse(decoded, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or error
        if mark and decoded[mark.index : mark.index + 1] == "\t":
            reason = "a tab stands where YAML takes only spaces"
        message = " ".join(f"is neither YAML nor JSON: {reason}".split())
        raise DocumentError(
            [Problem(name, mark.line + 1 if mark else None, "", message)]
        ) from error
    if not builder.filled:
        raise DocumentError([Problem(name, None, "", "is empty")])
    found = tuple(builder.problems)
    return Document(name, builder.root, builder.lines, builder.spelled, found)


def _decoded(text: str | bytes, name: str) -> str:
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = "is not UTF-8 text; save it as UTF-8"
            raise DocumentError([Problem(name, None, "", message)]) from error
    if "\0" in text:
        raise DocumentError([Problem(name, None, "", "is a binary file, not text")])
    text = text.removeprefix("\ufeff")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        line = len(re.findall(r"\r\n|\r|\n", text[: forbidden.start()])) + 1
        message = f"holds the control character U+{ord(forbidden[0]):04X}; remove it"
        raise DocumentError([Problem(name, line, "", message)])
    return text


def _json_as_yaml(match: re.Match[str]) -> str:
    """Write a string of JSON as YAML means it, and a tab between values as a space."""
    return " " if match[0] == "\t" else _JSON_PART.sub(_part_as_yaml, match[0])


def _part_as_yaml(match: re.Match[str]) -> str:
    """Join the two halves of a character, and keep a line break that only YAML sees."""
    part = match[0]
    if len(part) == 1:
        return f"\\u{ord(part):04x}"
    return str(json.loads(f'"{part}"')) if len(part) == 12 else part


class _Builder:
    """Builds plain data from YAML events, one by one, and stops at the first sign of an attack."""

    def __init__(self, name: str, texts: Collection[Path_]) -> None:
        self.name = name
        self.texts = texts
        self.root: Any = None
        self.filled = False
        self.lines: dict[Path_, int] = {}
        self.spelled: dict[Path_, str] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def build(self, events: Iterator[Any]) -> None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.filled:
                    self._stop(event, "holds a second document; keep one to a file")
                first = next(events)
                self.filled = not (
                    isinstance(first, yaml.ScalarEvent) and not first.value and first.implicit[0]
                )
                self.root = self._value(first, events, ())

    def _stop(self, event: Any, message: str) -> None:
        raise DocumentError([Problem(self.name, event.start_mark.line + 1, "", message)])

    def _value(self, event: Any, events: Iterator[Any], path: Path_) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(event, f"has more than {MAX_NODES} entries")
        if len(path) > MAX_DEPTH:
            self._stop(event, f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            self._stop(
                event, "uses a YAML anchor or alias (& or *); write the value out, or quote it"
            )
        if event.tag and event.tag != "!":
            self._stop(event, f"uses a YAML tag ({shown(event.tag)}); leave it out")
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            values: list[Any] = []
            for inner in events:
                if isinstance(inner, yaml.SequenceEndEvent):
                    return values
                values.append(self._value(inner, events, (*path, len(values))))
        return self._mapping(events, path)

    def _mapping(self, events: Iterator[Any], path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            if not isinstance(key, yaml.ScalarEvent) or key.anchor:
                self._stop(key, "has a key that is not plain text")
            inner = (*path, key.value)
            line = key.start_mark.line + 1
            if key.value in result:
                message = f"stands here twice; the first is on line {self.lines[inner]}"
                self.problems.append(Problem(self.name, line, field_name(inner), message))
            else:
                self.lines[inner] = line
            result[key.value] = self._value(next(events), events, inner)
        return result

    def _scalar(self, event: yaml.ScalarEvent, path: Path_) -> Any:
        if not event.implicit[0]:
            return event.value
        value = plain_value(event.value)
        if path in self.texts and isinstance(value, int | float) and not isinstance(value, bool):
            return event.value
        if isinstance(value, float) and _THOUSANDS.fullmatch(event.value):
            self.spelled[path] = event.value
        if not isinstance(value, float) or math.isfinite(value):
            return value
        message = (
            f"{shown(event.value)} is not a number that can be used; leave it out if it is unknown"
        )
        self.problems.append(Problem(self.name, self.lines[path], field_name(path), message))
        return None


THOUSANDS_FROM, MOST_FIGURES = 10_000, 1e15
"""From where thousands are parted in messages, and from where nobody reads the figures any more."""


def plain_value(text: str) -> bool | int | float | str | None:
    """Return what text without quotes stands for; NaN or infinity for a number that cannot be used."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return math.nan if _NOT_A_NUMBER.fullmatch(text) else text


def shown(value: object) -> str:
    """Return a value as it is shown in an error: on one line, shortened, a truth value as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a group of keys"
    text = str(value)
    cut = " ".join(text[:200].split())
    return cut if len(text) <= 200 and len(cut) <= 40 else cut[:40] + "…"


def figure(value: float) -> str:
    """Return a number as people write it: 1,000,000 and not 1e+06."""
    whole = float(value).is_integer() and abs(value) < MOST_FIGURES
    return f"{int(value):,}" if whole and abs(value) >= THOUSANDS_FROM else f"{value:g}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of an error about a word that is not known: the nearest one, if any is near."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def field_name(path: Path_) -> str:
    """Return a path as a person would write it, such as ``labs[2].unit``."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += ("." if name else "") + (part if len(part) <= 80 else part[:80] + "…")
    return name


def _printable(text: str) -> str:
    """Write out what would break the line or steer a terminal."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
