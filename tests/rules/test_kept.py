"""What is kept of parsed conditions says the same as parsing, and changes nothing but time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from myoresist import Knowledge
from myoresist.rules import kept
from myoresist.rules.condition import Name, RuleError
from myoresist.rules.syntax import parse

NAMES = {"a": Name("a", "bool"), "b": Name("t.b", "bool"), "x": Name("x", "number")}
TEXT = "a AND (b OR x > 1.5) AND COALESCE(x IN (1, 2), TRUE)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(kept, "user_cache_path", lambda name: tmp_path / name)
    kept._store.cache_clear()
    yield tmp_path / "myoresist"
    kept._store.cache_clear()


def again() -> None:
    """Forget what this process knows, as another would."""
    kept._store().save()
    kept._store.cache_clear()


def test_what_is_kept_is_what_was_parsed(folder: Path) -> None:
    first = kept.parse(TEXT, NAMES)
    again()
    assert kept.parse(TEXT, NAMES) == first == parse(TEXT, NAMES)
    assert not kept._store().fresh


def test_every_packaged_condition_is_kept_unchanged() -> None:
    rules = Knowledge.load().criteria.program.rules.values()
    for one in rules:
        assert kept._node(json.loads(json.dumps(kept._data(one.node)))) == one.node


def test_a_name_that_stands_for_something_else_is_parsed_anew() -> None:
    kept.parse(TEXT, NAMES)
    again()
    moved = {**NAMES, "b": Name("u.b", "bool")}
    assert kept.parse(TEXT, moved) == parse(TEXT, moved)
    with pytest.raises(RuleError, match="is a number, not a bool"):
        kept.parse(TEXT, {**NAMES, "b": Name("t.b", "number")})
    with pytest.raises(RuleError, match="a number is expected"):
        kept.parse(TEXT, NAMES, "number")


@pytest.mark.parametrize("damage", ["", "{}", "x\n{}", "\x00"])
def test_a_damaged_file_is_made_anew(folder: Path, damage: str) -> None:
    kept.parse(TEXT, NAMES)
    again()
    (path,) = folder.iterdir()
    whole = path.read_text()
    path.write_text(damage or whole.replace("1.5", "9.5"))
    assert kept.parse(TEXT, NAMES) == parse(TEXT, NAMES)
    again()
    assert path.read_text() == whole


def test_where_nothing_can_be_written_only_time_is_lost(folder: Path) -> None:
    folder.write_text("a file stands in the way")
    assert kept.parse(TEXT, NAMES) == parse(TEXT, NAMES)
    again()
    assert kept.parse(TEXT, NAMES) == parse(TEXT, NAMES)
