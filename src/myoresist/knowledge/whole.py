"""What holds between the files of a knowledge folder: what is covered is there, what is cited is known."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from myoresist.document import Path_, Problem, did_you_mean, field_name, read_document
from myoresist.knowledge.schema import Coverage, load_list

CRITERIA = "criteria"
COVERAGE = "coverage.yaml"
NOT_COVERED = "not covered"
SOURCE = "source"
"""Column of a table that names the work from which a row is."""


def uncovered(folder: Path, sets: Mapping[str, tuple[str, int | None]]) -> Iterator[Problem]:
    """Yield where the criteria sets and ``coverage.yaml`` differ.

    Args:
        folder: the knowledge folder.
        sets: status of each criteria set and since when it is in force.

    Raises:
        DocumentError: if ``coverage.yaml`` cannot be used.
    """
    path = folder / COVERAGE
    listed = {one.id: one for one in load_list(path, Coverage) if one.kind == CRITERIA}
    for name in sets.keys() - listed.keys():
        file = folder / CRITERIA / name / "criteria.yaml"
        yield Problem(str(file), None, name, f"does not stand in {COVERAGE}")
    for name, one in listed.items():
        if name in sets:
            said, is_so = (one.status, one.since), sets[name]
            if said != is_so:
                message = (
                    f"is {said[0]} since {said[1]}, but the set says {is_so[0]} since {is_so[1]}"
                )
                yield Problem(str(path), None, name, message)
        # What is about several sets, such as their disagreements, stands in a file of its own.
        elif one.status != NOT_COVERED and not (folder / CRITERIA / f"{name}.yaml").exists():
            message = f"there is no such criteria set{did_you_mean(name, sets)}"
            yield Problem(str(path), None, name, message)


def unknown_works(folder: Path, known: Mapping[str, object]) -> Iterator[Problem]:
    """Yield each place of a knowledge folder that cites a work which is not in the bibliography.

    Args:
        folder: the knowledge folder.
        known: the bibliography by key.

    Raises:
        DocumentError: if a file cannot be read at all.
    """
    for path in sorted(folder.rglob("*.yaml")):
        document = read_document(path)
        for at, key in _cited(document.data, ()):
            if key not in known:
                yield _unknown(path, document.line(at), field_name(at), key, known)
    for path in sorted(folder.rglob("*.csv")):
        # What is no text at all is refused by whoever reads the table.
        text = path.read_text(encoding="utf-8", errors="replace")
        rows = csv.DictReader(StringIO(text))
        for row in rows:
            work = row.get(SOURCE)
            if work and work not in known:
                yield _unknown(path, rows.line_num, SOURCE, work, known)


def _cited(value: Any, at: Path_) -> Iterator[tuple[Path_, str]]:
    """Yield every work that is cited somewhere in a value, with its place."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        here = (*at, name)
        if str(name).endswith("cites"):
            keys = inner if isinstance(inner, list) else [inner]
            yield from ((here, str(key)) for key in keys)
        elif isinstance(inner, list | dict):
            yield from _cited(inner, here)


def _unknown(
    path: Path, line: int | None, field: str, key: str, known: Mapping[str, object]
) -> Problem:
    message = f"{key} is not in references.json{did_you_mean(key, known)}"
    return Problem(str(path), line, field, message)
