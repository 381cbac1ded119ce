"""Letters of our own are read at least as well as they were when these figures were written."""

from __future__ import annotations

from pathlib import Path

import pytest
from letter_scores import Score, score

from myoresist.letters import read

SENTENCES = [
    line.split(" | ")
    for line in (Path(__file__).parent / "sentences.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
FLOORS = {
    "yes": (0.98, 0.90),
    "no": (0.99, 0.95),
    "labs": (0.98, 0.96),
    "antibodies": (0.95, 0.95),
    "drugs": (0.98, 0.96),
    "doses": (0.95, 0.95),
}
"""Precision and recall of what stands in the letters of our own."""


@pytest.fixture(scope="module")
def found() -> Score:
    return score()


@pytest.mark.parametrize("kind", FLOORS)
def test_letters_are_read_as_well_as_before(found: Score, kind: str) -> None:
    precision, recall = FLOORS[kind]
    assert found.precision(kind) >= precision
    assert found.recall(kind) >= recall


def test_nothing_is_read_that_would_harm(found: Score) -> None:
    """Nothing that is denied, open, supposed or somebody else's is entered as the patient's."""
    assert found.dangerous == []


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_a_sentence_says_what_it_says(sentence: str, expected: str) -> None:
    told: dict[str, set[str]] = {}
    for one in read(f"Rheumatology clinic, 12 March 2024\n\n{sentence}").statements:
        told.setdefault(one.about, set()).add(one.answer if one.stands else "open")
    for word in expected.split():
        answers = told.get(word[1:], set())
        if word[0] == "?":
            assert not answers & {"yes", "no"}, word
        else:
            assert answers == {"yes" if word[0] == "+" else "no"}, word
