"""No text of the knowledge that can reach a reader holds the notes of those who wrote it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from myoresist import knowledge
from myoresist.document import read_document

FOLDER = knowledge.folder()
NOT_TOLD = {"addresses", "check", "when", "value", "cites", "source", "synonyms", "say", "files"}
"""How a fact was checked stands beside it, conditions are told in words, keys as works, and what letters
are searched for is told by nobody."""
NOTES = {
    "where the project comes from": r"\bseed\b(?! (?:light|oil))",
    "from memory": r"\brecall(?:ed)?\b|\bmemory\b(?! (?:B|T) cell)",
    "not looked up yet": r"(?:counts?|numbers?|figures?|results?|reports?) (?:was |were )?not (?:been )?"
    r"(?:verified|read|seen|retrieved|checked)|\bnot (?:verified|retrieved)\b|\b(?:was|were) not read\b",
    "a file": r"\w\.(?:yaml|yml|csv|json|py|md)\b",
    "a field": r"\bcustom\.\w+|\b\w+_\w+\.\w+\b",
    "to do": r"\bTODO\b|\bFIXME\b|to be (?:checked|verified|reviewed|read)\b",
    "an address": r"https?://|\bwww\.",
}


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every text of a file that a reader can be told, with its place."""
    if path.suffix == ".csv":
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            name = next(iter(row.values()))
            for field, value in row.items():
                if field not in NOT_TOLD and value:
                    yield f"{name}.{field}", value
    elif path.name == "references.json":
        for work in json.loads(path.read_text(encoding="utf-8")):
            yield f"{work['id']}.title", work["title"]
    else:
        yield from _told(read_document(path).data, "")


def _told(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        name = value.get("id") or value.get("name") or at
        for field, inner in value.items():
            key = str(field)
            if key not in NOT_TOLD and not key.endswith(("_check", "_cites")):
                yield from _told(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _told(inner, at)
    elif isinstance(value, str):
        yield at, value


FILES = [
    path
    for pattern in ("*.yaml", "*.csv", "references.json")
    for path in sorted(FOLDER.rglob(pattern))
    if path.name != "tests.yaml" and "omop" not in path.parts
]


@pytest.mark.parametrize("path", FILES, ids=lambda one: one.relative_to(FOLDER).as_posix())
def test_no_text_holds_working_notes(path: Path) -> None:
    found = [
        f"{place}: {what}: {text}"
        for place, text in texts(path)
        for what, pattern in NOTES.items()
        if re.search(pattern, text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "note",
    [
        "a seed series, count not verified",
        "label, recall",
        "13 patients recalled",
        "from memory",
        "the result was not read",
        "numbers not read",
        "see autoantibodies.yaml",
        "onset.duration_months of symptom_onset.age",
        "to be reviewed by a clinician",
        "https://example.org",
    ],
)
def test_the_notes_are_told_from_prose(note: str) -> None:
    assert any(re.search(pattern, note) for pattern in NOTES.values())
