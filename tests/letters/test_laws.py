"""What holds of every letter, whatever it says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_scores import OWN, answers

from myoresist.case.reading import check_case_text
from myoresist.letters import Letter, LetterError, read

LETTERS = [path.read_text(encoding="utf-8") for path in sorted(OWN.glob("*.txt"))]
LINES = sorted({line for text in LETTERS for line in text.splitlines() if line.strip()})
KIN = (
    "Her mother has dysphagia, ILD, calcinosis, diabetes, breast cancer and a heliotrope rash.",
    "His sister takes azathioprine 150 mg daily; her CK was 4,000 U/L and her anti-Jo-1 was positive.",
)


def check(letter: Letter, text: str) -> None:
    """Everything that is quoted stands where it is said to stand."""
    assert letter.text == text
    for number, one in enumerate(letter.statements):
        assert one.number == number
        assert one.spans
        assert all(0 <= start < end <= len(text) for start, end in one.spans)
        assert all(before[1] < after[0] for before, after in pairwise(one.spans))
        assert one.quote == " … ".join(" ".join(text[a:b].split()) for a, b in one.spans)
        assert one.entry == {"yes": one.if_yes, "no": one.if_no, "unsure": None}[one.answer]
        assert one.answer != "unsure" or not one.stands
        assert one.stands or one.reason
        for other in one.contradicts:
            assert number in letter.statements[other].contradicts
    read_spans = [span for one in letter.statements for span in one.spans]
    for start, end in letter.not_read:
        assert text[start:end].strip()
        assert all(end <= a or b <= start for a, b in read_spans)


@pytest.mark.parametrize("text", LETTERS, ids=lambda one: one[:24])
def test_every_statement_stands_at_its_words(text: str) -> None:
    check(read(text), text)


@pytest.mark.parametrize("text", LETTERS, ids=lambda one: one[:24])
@pytest.mark.parametrize("kin", KIN)
def test_what_is_said_of_kin_changes_nothing_of_the_patient(text: str, kin: str) -> None:
    before, after = read(text).case(), read(f"{text}\n\n{kin}\n").case()
    assert answers(after) == answers(before)
    assert after.get("treatments") == before.get("treatments")
    assert after.get("labs") == before.get("labs")
    assert after.get("autoantibodies") == before.get("autoantibodies")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=25))
def test_lines_in_any_order_make_a_case_that_can_be_read(lines: list[str]) -> None:
    text = "\n".join(lines)
    letter = read(text, source="lines")
    check(letter, text)
    case, problems = check_case_text(letter.yaml(), "lines")
    assert case is not None, problems


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        letter = read(text)
    except LetterError:
        return
    check(letter, text)


@pytest.mark.parametrize(
    "text",
    ["rash, " * 1_000, "no " * 2_000 + "rash", "1 " * 3_000 + "CK", "(" * 999 + "rash" + ")" * 999],
)
def test_monstrous_text_is_read(text: str) -> None:
    check(read(text), text)


def test_the_same_letter_is_read_the_same() -> None:
    assert read(LETTERS[0]) == read(LETTERS[0])
