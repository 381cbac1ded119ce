"""What a knowledge folder rests on: which statement cites which work, and what was never looked up."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TypeAlias

from myoresist.document import read_document
from myoresist.knowledge.schema import Entry, load_list

Sureness: TypeAlias = Literal["low", "medium", "high", "not stated"]
SURENESS: tuple[Sureness, ...] = ("low", "medium", "high", "not stated")
REFERENCES = "references.json"
_NAMES = ("id", "class", "name", "drug", "finding", "set", "text")
_LEVEL = re.compile(r"confidence: (low|medium|high)|\((low|medium|high) confidence\)")
_RECALL = re.compile(r"\brecall\b|from memory")


class Topic(Entry):
    """Files of one topic. Topics stand in the order of what a mistake in them can do."""

    topic: str
    files: tuple[str, ...]
    reported: bool = True


@dataclass(frozen=True)
class Fact:
    """One statement of the knowledge that says how it was checked or what it rests on.

    Attributes:
        file: where it stands, from the folder on.
        entry: the entry and the part of it.
        check: how it was checked, if it says so itself.
        confidence: how sure it is, where a column says so.
        cites: the works that it rests on.
    """

    file: str
    entry: str
    check: str
    confidence: str
    cites: tuple[str, ...]

    @property
    def recalled(self) -> Literal["", "part", "whole"]:
        """Return how much of it was never looked up."""
        if not _RECALL.search(self.check):
            return ""
        return "whole" if self.check.startswith("recall") else "part"

    @property
    def sureness(self) -> Sureness:
        """Return how sure what was not looked up is said to be."""
        found = _LEVEL.search(self.check)
        said = (found[1] or found[2]) if found else self.confidence
        return next((one for one in SURENESS if one == said), "not stated")


@dataclass(frozen=True)
class Inventory:
    """Every statement of a knowledge folder, by topic."""

    topics: tuple[Topic, ...]
    facts: tuple[Fact, ...]

    @classmethod
    def of(cls, folder: Path) -> Inventory:
        """Take stock of a knowledge folder.

        Raises:
            DocumentError: if a file cannot be read.
        """
        topics = load_list(folder / "inventory.yaml", Topic)
        return cls(topics, tuple(_facts(folder)))

    def by_topic(self) -> Iterator[tuple[Topic, list[Fact]]]:
        """Yield each topic with its statements; a file belongs to the first topic that names it."""
        left = list(self.facts)
        for topic in self.topics:
            own = [one for one in left if _belongs(one.file, topic)]
            left = [one for one in left if not _belongs(one.file, topic)]
            yield topic, own

    @cached_property
    def citing(self) -> Mapping[str, list[Fact]]:
        """Return by work the statements that can reach a report and rest on it."""
        found: dict[str, list[Fact]] = {}
        for topic, facts in self.by_topic():
            if topic.reported:
                for one in facts:
                    for key in one.cites:
                        found.setdefault(key, []).append(one)
        return found


def seed(folder: Path) -> dict[int, str]:
    """Return the works of the review that the knowledge starts from, by their number in it."""
    works = json.loads((folder / REFERENCES).read_text(encoding="utf-8"))
    numbered = ((one["custom"].get("seed_ref"), one["id"]) for one in works)
    return {number: key for number, key in sorted(x for x in numbered if x[0])}


def _belongs(file: str, topic: Topic) -> bool:
    return any(fnmatch(file, pattern) for pattern in topic.files)


def _facts(folder: Path) -> Iterator[Fact]:
    for path in sorted(folder.rglob("*.yaml")):
        if path.name != "tests.yaml":
            yield from _in_entries(
                read_document(path).data, path.relative_to(folder).as_posix(), ()
            )
    for path in sorted(folder.rglob("*.csv")):
        rows = csv.DictReader(StringIO(path.read_text(encoding="utf-8")))
        if {"check", "source"} <= set(rows.fieldnames or ()):
            for row in rows:
                yield _row(path.relative_to(folder).as_posix(), row)
    for work in json.loads((folder / REFERENCES).read_text(encoding="utf-8")):
        yield Fact(REFERENCES, work["id"], work["custom"].get("check", ""), "", ())


def _row(file: str, row: Mapping[str, str | None]) -> Fact:
    source = row.get("source") or ""
    names = [value for name, value in row.items() if value and name != "source"][:2]
    check, confidence = row.get("check") or "", row.get("confidence") or ""
    cites = tuple(source.split("|")) if source else ()
    return Fact(file, " ".join(dict.fromkeys(names)), check, confidence, cites)


def _in_entries(value: Any, file: str, within: tuple[str, ...]) -> Iterator[Fact]:
    if isinstance(value, dict):
        name = next((str(value[key]) for key in _NAMES if isinstance(value.get(key), str)), "")
        within = (*within, name) if name else within
        checks = {k: v for k, v in value.items() if str(k).endswith("check") and isinstance(v, str)}
        cites = tuple(key for k, v in value.items() if str(k).endswith("cites") for key in _keys(v))
        if checks or cites:
            entry = ", ".join(within)
            yield Fact(
                file, entry, checks.pop("check", ""), str(value.get("confidence", "")), cites
            )
            for check in checks.values():
                yield Fact(file, entry, check, "", ())
        for inner in value.values():
            yield from _in_entries(inner, file, within)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_entries(inner, file, within)


def _keys(cited: Any) -> list[str]:
    return [str(key) for key in cited] if isinstance(cited, list) else [str(cited)]
