"""Criteria sets from a folder: adding one needs no Python, and unknown is kept apart from absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from frames import known, verdicts

from myoresist import Knowledge
from myoresist.document import DocumentError
from myoresist.worked_examples.run import Examples

COMMON = """\
population: made-up patients
status: implemented
cites: [made2026]
check: convention
missing: unknown stays unknown
"""
CLASSES = (
    """\
id: spots_2026
title: Made-up criteria for spots
short: Spots 2026
kind: diagnostic
exclusions: {text: smooth skin, when: smooth_skin}
items:
- {id: sp_red, text: red spots, when: red}
- {id: sp_blue, text: blue spots, when: blue}
- {id: sp_level, text: level above 20, when: level > 20}
outcomes:
- {class: definite, text: all three, when: "n_of(3, sp_red, sp_blue, sp_level)"}
- {class: probable, text: two of three, when: "n_of(2, sp_red, sp_blue, sp_level)"}
- {class: hint, text: one, when: "n_of(1, sp_red, sp_blue, sp_level)", meets: false}
"""
    + COMMON
)
SCORE = (
    """\
id: score_2026
title: Made-up score
short: Score 2026
kind: classification
items:
- {id: sc_young, text: under 40, when: age_at_onset < 40, points: {plain: 1.1, lab: 1.5}, one_of: age}
- {id: sc_old, text: 40 or more, when: age_at_onset >= 40, points: {plain: 2.2, lab: 2.1}, one_of: age}
- {id: sc_red, text: red spots, when: red, points: {plain: 3.3, lab: 3.2}}
- {id: sc_level, text: level above 20, when: level > 20, points: {lab: 2.4}}
score:
  variants:
  - id: lab
    text: with the test
    when: COALESCE(tested, FALSE)
    logistic_intercept: -4.0
    classes:
    - {class: yes_it_is, text: "5.7 points", at_least: 5.7, probability_at_least: 0.9}
    - {class: no_it_is_not, text: "fewer", at_least: 0, probability_at_least: 0, meets: false}
  - id: plain
    text: without the test
    logistic_intercept: -4.0
    classes:
    - {class: yes_it_is, text: "5.5 points", at_least: 5.5, probability_at_least: 0.8}
    - {class: no_it_is_not, text: "fewer", at_least: 0, probability_at_least: 0, meets: false}
subgroups:
  text: by colour
  requires: [yes_it_is]
  leaves:
  - {id: purple, text: red and blue, when: red AND blue}
  - {id: pure, text: red alone, when: red AND NOT blue}
notes:
- {id: sc_ask, text: look for blue spots, when: red AND blue IS NULL}
"""
    + COMMON
)
TESTS = """\
- name: two spots
  source: worked from the rule
  given: {findings: {red: true, blue: true}, others: absent}
  expect: {outcome: probable, possible: [definite], excluded: false}
- name: wrong on purpose
  source: worked from the rule
  given: {findings: {red: true}}
  expect: {outcome: definite}
"""


def add(folder: Path, text: str) -> None:
    name = text.splitlines()[0].removeprefix("id: ")
    (folder / "criteria" / name).mkdir()
    (folder / "criteria" / name / "criteria.yaml").write_text(text)


@pytest.fixture
def made_up(toy: Path) -> Knowledge:
    add(toy, CLASSES)
    add(toy, SCORE)
    (toy / "criteria" / "spots_2026" / "tests.yaml").write_text(TESTS)
    return Knowledge.load(toy, check=False)


def answer(knowledge: Knowledge, **row: Any) -> dict[str, Any]:
    schema = {"patient_id": pl.String, **knowledge.catalogue.table_schema()}
    recorded = pl.DataFrame([{"patient_id": "1", **row}], schema=schema)
    return verdicts(knowledge.criteria, known(knowledge.inference, recorded)).row(0, named=True)


def test_a_set_is_added_without_python(made_up: Knowledge) -> None:
    assert list(made_up.criteria.sets) == ["score_2026", "spots_2026"]
    row = answer(made_up, red=True, blue=True, level=30.0)
    assert (row["spots_2026.outcome"], row["spots_2026.state"]) == ("definite", "met")


@pytest.mark.parametrize(
    ("given", "outcome", "state", "still_open"),
    [
        ({}, "undetermined", "undetermined", ("definite", "probable", "hint")),
        ({"red": True}, "hint", "undetermined", ("definite", "probable")),
        ({"red": True, "blue": True}, "probable", "met", ("definite",)),
        ({"red": True, "blue": False}, "hint", "undetermined", ("probable",)),
        ({"red": False, "blue": False}, "undetermined", "not_met", ("hint",)),
        ({"red": True, "blue": False, "level": 20.0}, "hint", "not_met", ()),
        ({"red": False, "blue": False, "level": 5.0}, "not_met", "not_met", ()),
    ],
)
def test_unknown_is_not_absent(
    made_up: Knowledge, given: dict[str, Any], outcome: str, state: str, still_open: tuple[str, ...]
) -> None:
    row = answer(made_up, **given)
    assert (row["spots_2026.outcome"], row["spots_2026.state"]) == (outcome, state)
    assert made_up.criteria.open_classes(made_up.criteria.sets["spots_2026"], row) == still_open


def test_an_exclusion_is_known_or_unknown(made_up: Knowledge) -> None:
    assert answer(made_up, smooth_skin=True)["spots_2026.excluded"] is True
    assert answer(made_up, red=True)["spots_2026.excluded"] is False
    assert answer(made_up)["spots_2026.excluded"] is None


@pytest.mark.parametrize(
    ("given", "variant", "score", "highest", "outcome", "state"),
    [
        ({}, "plain", 0.0, 5.5, "no_it_is_not", "undetermined"),
        ({"age_at_onset": 40.0, "red": True}, "plain", 5.5, 5.5, "yes_it_is", "met"),
        ({"age_at_onset": 39.0}, "plain", 1.1, 4.4, "no_it_is_not", "not_met"),
        (
            {"tested": True, "age_at_onset": 50.0, "red": True},
            "lab",
            5.3,
            7.7,
            "no_it_is_not",
            "undetermined",
        ),
        (
            {"tested": True, "age_at_onset": 50.0, "red": True, "level": 21.0},
            "lab",
            7.7,
            7.7,
            "yes_it_is",
            "met",
        ),
        ({"tested": False, "red": False}, "plain", 0.0, 2.2, "no_it_is_not", "not_met"),
    ],
)
def test_a_score_has_its_value_and_the_highest_it_could_be(
    made_up: Knowledge,
    given: dict[str, Any],
    variant: str,
    score: float,
    highest: float,
    outcome: str,
    state: str,
) -> None:
    row = answer(made_up, **given)
    got = [row[f"score_2026.{x}"] for x in ("variant", "score", "score_max", "outcome", "state")]
    assert got == [variant, score, highest, outcome, state]


def test_score_and_probability_may_disagree_and_both_are_kept(made_up: Knowledge) -> None:
    row = answer(made_up, tested=True, age_at_onset=30.0, red=True, level=50.0)
    assert row["score_2026.score"] == 7.1
    assert row["score_2026.probability"] == pytest.approx(0.9569, abs=1e-4)
    at_limit = answer(made_up, tested=True, age_at_onset=50.0, red=False, level=50.0)
    assert at_limit["score_2026.outcome_by_probability"] == "no_it_is_not"


def test_the_tree_stays_undetermined_below_an_unknown_leaf(made_up: Knowledge) -> None:
    base = {"age_at_onset": 50.0, "red": True}
    assert answer(made_up, **base)["score_2026.subgroup"] == "undetermined"
    assert answer(made_up, **base, blue=False)["score_2026.subgroup"] == "pure"
    assert answer(made_up, **base, blue=True)["score_2026.subgroup"] == "purple"
    assert answer(made_up, red=False)["score_2026.subgroup"] is None


def test_notes_are_shown_when_their_condition_is_true(made_up: Knowledge) -> None:
    assert answer(made_up, red=True)["score_2026.note.sc_ask"] is True
    assert answer(made_up, red=True, blue=True)["score_2026.note.sc_ask"] is False


def test_worked_examples_can_fail(made_up: Knowledge) -> None:
    file = made_up.folder / "criteria" / "spots_2026" / "tests.yaml"
    found = list(Examples.read(file, made_up.folder).run(made_up))
    assert [(one.name, str(one)) for one in found] == [
        ("two spots", ""),
        ("wrong on purpose", f"{file}:5: wrong on purpose: outcome: expected definite, got hint"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "when: red}",
            "when: redd}",
            r"spots_2026/criteria.yaml: sp_red: unknown name redd; did you mean red",
        ),
        ("when: level > 20", "when: level", "sp_level: gives a number, but a bool is expected"),
        ("kind: diagnostic", "kind: diagnosis", r"criteria.yaml:4: kind: "),
        ("text: blue spots", "txt: blue spots", r"criteria.yaml:8: items.1"),
        ("id: sp_blue", "id: sp_red", "sp_red: stands here twice"),
        ("id: sp_blue", "id: blue", "blue: an item has the name of a finding"),
        ("cites: [made2026]\n", "", "cites its paper"),
        ("check: convention", "check: somehow", "a check starts with one of seen"),
        ("id: spots_2026", "id: spots_2027", "the folder is called"),
    ],
)
def test_a_mistake_names_file_line_and_field(toy: Path, old: str, new: str, message: str) -> None:
    add(toy, CLASSES)
    path = toy / "criteria" / "spots_2026" / "criteria.yaml"
    path.write_text(CLASSES.replace(old, new, 1))
    with pytest.raises(DocumentError, match=message):
        Knowledge.load(toy, check=False)
