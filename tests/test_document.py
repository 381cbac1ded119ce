"""Reading a file: every value with its line, and nothing that a file holds can hurt."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.document import DocumentError, Problem, parse_document, read_document


def problem(text: str | bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_document(text, "f")
    return str(caught.value)


def test_values_and_their_lines() -> None:
    text = "a: yes\nb:\n- x: 2023\n  y: 2023-05-17\n- {z: 1.5e1}\nc: 'yes'\nd: ~\ne: 007\n"
    document = parse_document(text, "f")
    assert document.data == {
        "a": True,
        "b": [{"x": 2023, "y": "2023-05-17"}, {"z": 15.0}],
        "c": "yes",
        "d": None,
        "e": "007",
    }
    assert document.line(("b", 0, "y")) == 4
    assert document.line(("b", 1, "z")) == 5
    assert document.line(("b", 1, "missing")) == 5
    assert document.line(("nowhere",)) == 1


def test_json_is_read_the_same_way() -> None:
    document = parse_document('{\n\t"a": {"b": [1, "\\ud83d\\ude00"]},\n\t"c": true}', "f")
    assert document.data == {"a": {"b": [1, "😀"]}, "c": True}
    assert document.line(("c",)) == 3


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    data=st.dictionaries(st.text(max_size=6), values, min_size=1, max_size=4),
    ascii_only=st.booleans(),
)
def test_any_json_comes_back(data: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(data, ensure_ascii=ascii_only)
    try:
        assert parse_document(text, "f").data == json.loads(text)
    except DocumentError as error:
        # Characters that no text file may hold, such as lone surrogates and controls.
        assert any(
            reason in str(error)
            for reason in ("neither YAML nor JSON", "binary", "control character")
        )


anything = st.text(st.characters(exclude_categories=()), max_size=300)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300) | anything)
def test_any_content_is_data_or_a_clear_problem(content: str | bytes) -> None:
    try:
        parse_document(content, "f")
    except DocumentError as error:
        assert error.problems
        assert all(str(one).startswith("f") and "\n" not in str(one) for one in error.problems)


BOMB = "a: &a [1]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcd", "bcde", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: is empty"),
        ("# only a comment\n", "f: is empty"),
        (b"\xff\xfe\x00a", "f: is not UTF-8 text; save it as UTF-8"),
        ("a: 1".encode("utf-16"), "f: is not UTF-8 text; save it as UTF-8"),
        ("a: 1\r\nb: \x07", "f:2: holds the control character U+0007; remove it"),
        ("a: \ud800", "f:1: holds the control character U+D800; remove it"),
        (
            "a:\n\tb: 1\n",
            "f:2: is neither YAML nor JSON: a tab stands where YAML takes only spaces",
        ),
        ("a\0b", "f: is a binary file, not text"),
        ("[" * 2_000_000, "f:1: is nested more than 40 levels deep"),
        (BOMB, "f:1: uses a YAML anchor or alias"),
        ("a: !!python/object:os.system x", "f:1: uses a YAML tag"),
        ("a: 1\n---\nb: 2\n", "f:2: holds a second document"),
        ("a: 1\nb: 2\na: 3\n", "f:3: a: stands here twice; the first is on line 1"),
        ("a: .nan\nb: -.inf\n", "f:1: a: .nan is not a number that can be used"),
        ("a: 1e999\n", "f:1: a: 1e999 is not a number that can be used"),
        ("a: [1, 2\n", "f:2: is neither YAML nor JSON"),
        ("? [a]\n: 1\n", "f:1: has a key that is not plain text"),
        ("a: " + "9" * 400, "f:1: a: " + "9" * 40 + "… is not a number that can be used"),
        ("- 1\n" * 200_001, "has more than 200000 entries"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(text: str | bytes, message: str) -> None:
    assert message in problem(text)


def test_only_the_words_of_yaml_are_read_as_words() -> None:
    """``response: none`` is an answer, not a field left empty."""
    document = parse_document("a: none\nb: None\nc: null\nd: Yes\ne: OFF\nf: n\n", "f")
    assert document.data == {"a": "none", "b": "None", "c": None, "d": True, "e": False, "f": "n"}


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029"])
def test_a_line_break_that_no_editor_shows_is_none(sign: str) -> None:
    assert parse_document(f'{{"a": "x{sign}y\\\\{sign}"}}', "f").data == {"a": f"x{sign}y\\{sign}"}
    document = parse_document(f"a: x{sign}y\nb: 1\n", "f")
    assert document.data == {"a": "x y", "b": 1}
    assert document.line(("b",)) == 2


def test_tabs_stay_in_strings() -> None:
    assert parse_document('\t{"a":\t"x\ty",\t"b": 1}', "f").data == {"a": "x\ty", "b": 1}


def test_a_problem_is_one_line_and_cannot_steer_a_terminal() -> None:
    assert str(Problem("f", 1, "a\nb", "x\x1b[31m\u202e")) == r"f:1: a\nb: x\x1b[31m\u202e"


@pytest.mark.parametrize(
    "text",
    [
        "- " * 900_000,
        "{a: " * 400_000,
        "&a " * 600_000,
        "a: " + "1" * 1_900_000 + "e",
        "a: " + "." * 1_900_000,
        '{"' + '\\"' * 900_000,
        '"' + "a" * 1_900_000,
        "!" * 1_900_000,
        "[" * 39 + "1," * 90_000 + "]" * 39,
        "a: |\n" + " x\n" * 600_000,
    ],
    ids=lambda text: text[:6],
)
def test_no_content_takes_long(text: str) -> None:
    start = time.perf_counter()
    try:
        parse_document(text, "f")
    except DocumentError as error:
        assert len(str(error)) < 500
    assert time.perf_counter() - start < 5


def test_a_byte_order_mark_and_windows_lines_do_not_matter() -> None:
    assert parse_document(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "f").data == {"a": 1, "b": 2}


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(DocumentError, match=r"huge.yaml: is larger than 2 MB"):
        read_document(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        read_document(tmp_path / "nothing.yaml")
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        read_document(tmp_path)


def test_a_name_that_cannot_be_a_file() -> None:
    with pytest.raises(DocumentError, match="cannot be read: embedded null") as caught:
        read_document("a\0b")
    assert "\0" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    with pytest.raises(DocumentError, match="cannot be read: Permission denied"):
        read_document(path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for content, name in ((b"a: 1\n", None), (b"", "piped")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        if content:
            assert read_document("-", name=name).name == "standard input"
        else:
            with pytest.raises(DocumentError, match="piped: is empty"):
                read_document("-", name=name)
