"""The glossary is in order, explains the words that it uses as words, and every name of code in it exists."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from pkgutil import resolve_name

import pytest

from myoresist import knowledge

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|(.*)\|$", PAGE, re.MULTILINE)
NAMES = sorted({name for _, _, where in ENTRIES for name in re.findall(r"`([^`]+)`", where)})


def exists(name: str) -> bool:
    """Tell whether there is a file or folder of knowledge, or a module or name of the package."""
    if (knowledge.folder() / name).exists():
        return True
    holder, _, field = f"myoresist.{name}".rpartition(".")
    try:
        # A field that a class only declares is no attribute of it.
        if field in getattr(resolve_name(holder), "__annotations__", {}):
            return True
        resolve_name(f"{holder}.{field}")
    except (ImportError, AttributeError, ValueError):
        return False
    return True


def test_every_row_is_an_entry() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert len(rows) == len(ENTRIES) + 2


def test_words_stand_in_alphabetical_order() -> None:
    words = [word.casefold() for word, _, _ in ENTRIES]
    wrong = [later for one, later in pairwise(words) if one >= later]
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_code_exists(name: str) -> None:
    assert exists(name)


def test_a_name_that_is_nowhere_is_found_out() -> None:
    assert not exists("assessment.Assesment")
    assert not exists("assessments")
    assert not exists("adequacy/regimen.yaml")


def test_words_in_italics_are_explained() -> None:
    words = {part for word, _, _ in ENTRIES for part in (word, *word.split(", "))}
    used = {one for _, text, _ in ENTRIES for one in re.findall(r"\*([^*]+)\*", text)}
    assert {one for one in used if one not in words and one.removesuffix("s") not in words} == set()


def test_the_first_pages_lead_to_it() -> None:
    for page in ("README.md", "docs/how-it-works.md", "docs/add-knowledge.md", "CONTRIBUTING.md"):
        assert "glossary.md" in (ROOT / page).read_text(encoding="utf-8"), page
