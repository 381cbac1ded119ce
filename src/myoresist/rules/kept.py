"""Parsed conditions, kept in the user's cache folder, so that the SQL parser is needed only for new ones.

A condition is found by its text, and used only if every name in it stands for the same column as when it was
parsed; so nothing that is kept can become stale. The file is JSON with a checksum, written when a process
ends and made anew when it is damaged or the reading of conditions changed. Without it, or where it cannot be
written, only time is lost.
"""

from __future__ import annotations

import atexit
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from platformdirs import user_cache_path

from myoresist.rules import nodes
from myoresist.rules.condition import Condition, Name
from myoresist.rules.nodes import NODES, Column, Kind, Node, kind_of, walk

MOST = 5_000
"""Conditions that are kept; the packaged knowledge has about 1,300."""

Data: TypeAlias = Any


def parse(text: str, names: Mapping[str, Name], expected: Kind | None = "bool") -> Condition:
    """Read and check one condition, or take what was read of it before; see ``syntax.parse``."""
    kept = _store()
    for used, node in kept.conditions.get(text, ()):
        known = all(names.get(name) == one for name, one in used.items())
        if known and expected in (None, kind_of(node)):
            return Condition(text, node)
    from myoresist.rules.syntax import parse as read

    condition = read(text, names, expected)
    kept.add(text, condition.node, names)
    return condition


class _Store:
    """What is kept: by text, the names that were used with what they stood for, and the nodes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fresh = False
        self.conditions: dict[str, list[tuple[dict[str, Name], Node]]] = {}
        try:
            checksum, _, body = path.read_text(encoding="utf-8").partition("\n")
            if checksum == _checksum(body):
                self.conditions = {
                    text: _conditions(rows) for text, rows in json.loads(body).items()
                }
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            self.conditions = {}

    def add(self, text: str, node: Node, names: Mapping[str, Name]) -> None:
        columns = {one.name for one in walk(node) if isinstance(one, Column)}
        used = {name: one for name, one in names.items() if one.column in columns and name in text}
        self.conditions.setdefault(text, []).append((used, node))
        self.fresh = True

    def save(self) -> None:
        if not self.fresh:
            return
        self.fresh = False
        newest = list(self.conditions.items())[-MOST:]
        body = json.dumps(
            {
                text: [
                    [{name: [x.column, x.kind] for name, x in used.items()}, _data(node)]
                    for used, node in ways
                ]
                for text, ways in newest
            },
            separators=(",", ":"),
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.stem)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{_checksum(body)}\n{body}")
            Path(name).replace(self.path)
        except OSError:
            return


@cache
def _store() -> _Store:
    here = Path(nodes.__file__).parent
    reading = b"".join((here / name).read_bytes() for name in ("nodes.py", "syntax.py", "kept.py"))
    name = f"conditions-{sha256(reading).hexdigest()[:16]}.json"
    store = _Store(user_cache_path("myoresist") / name)
    atexit.register(store.save)
    return store


def _checksum(body: str) -> str:
    return sha256(body.encode()).hexdigest()


def _data(node: Data) -> Data:
    """Return a node as lists, numbers and words."""
    if isinstance(node, tuple):
        return [_data(one) for one in node]
    if type(node).__name__ in NODES:
        return {type(node).__name__: [_data(getattr(node, x.name)) for x in fields(node)]}
    return node


def _node(data: Data) -> Data:
    """Return the node that ``_data`` wrote."""
    if isinstance(data, list):
        return tuple(_node(one) for one in data)
    if isinstance(data, dict):
        ((name, parts),) = data.items()
        return NODES[name](*(_node(one) for one in parts))
    return data


def _conditions(rows: Data) -> list[tuple[dict[str, Name], Node]]:
    return [
        ({name: Name(column, kind) for name, (column, kind) in used.items()}, _node(data))
        for used, data in rows
    ]
