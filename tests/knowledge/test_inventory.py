"""What the knowledge rests on: what was never looked up, what the works of the review stand behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from myoresist import knowledge
from myoresist.cli import app
from myoresist.knowledge.inventory import Inventory, seed
from myoresist.report.entries.inventory import recall_lines, recalled

FOLDER = knowledge.folder()
INVENTORY = Inventory.of(FOLDER)
REVIEW = 54
"""Works in the list of references of the review that the project starts from."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with a few statements, checked in different ways."""
    (tmp_path / "grave").mkdir()
    (tmp_path / "mild").mkdir()
    topics = "- {topic: Grave, files: [grave/*]}\n- {topic: Mild, files: ['*'], reported: false}\n"
    (tmp_path / "inventory.yaml").write_text(topics)
    (tmp_path / "grave" / "rules.yaml").write_text(
        "- {id: a, cites: [w1], check: seen the paper}\n"
        "- {id: b, cites: [w1, w2], check: 'seen the abstract; the dose is recall (confidence: medium)'}\n"
        "- {id: c, cites: [w2], check: recall (low confidence), parts: [{id: d, dose_check: recall}]}\n"
    )
    (tmp_path / "grave" / "tests.yaml").write_text("- {name: t, cites: [w3], check: recall}\n")
    (tmp_path / "mild" / "shares.csv").write_text(
        "disease,finding,source,check,confidence\nx,y,w3,recall,high\nx,z,,estimate,\n"
    )
    works = [
        {"id": "w1", "custom": {"check": "seen", "seed_ref": 2}},
        {"id": "w3", "custom": {"seed_ref": 1}},
    ]
    (tmp_path / "references.json").write_text(json.dumps(works))
    return tmp_path


def test_what_was_never_looked_up_is_told_apart_from_what_was(small: Path) -> None:
    grave, mild = recalled(Inventory.of(small))["topics"]
    assert (grave["statements"], grave["seen"], grave["recalled"], grave["in_part"]) == (4, 2, 2, 1)
    told = [(one["entry"], one["sureness"], one["part"]) for one in grave["entries"]]
    assert told == [("c", "low", False), ("b", "medium", True), ("c, d", "not stated", False)]
    assert [(one["entry"], one["sureness"]) for one in mild["entries"]] == [("x y", "high")]


def test_only_what_can_reach_a_report_counts_for_a_work(small: Path) -> None:
    citing = Inventory.of(small).citing
    assert {key: [one.entry for one in facts] for key, facts in citing.items()} == {
        "w1": ["a", "b"],
        "w2": ["b", "c"],
    }
    assert seed(small) == {1: "w3", 2: "w1"}


def test_every_statement_belongs_to_a_topic() -> None:
    counted = sum(len(facts) for _, facts in INVENTORY.by_topic())
    assert counted == len(INVENTORY.facts)
    assert all(facts for _, facts in INVENTORY.by_topic())


def test_all_works_of_the_review_stand_behind_something_that_can_reach_a_report() -> None:
    numbered = seed(FOLDER)
    assert list(numbered) == list(range(1, REVIEW + 1))
    assert {number for number, key in numbered.items() if not INVENTORY.citing.get(key)} == set()


def test_what_was_never_looked_up_fits_on_a_page() -> None:
    lines = [line for text in recall_lines(INVENTORY) for line in text.splitlines()]
    assert len(lines) < 60
    assert "treat" in lines[2] or "drug" in lines[2]


def test_the_lists_on_the_command_line() -> None:
    run = CliRunner().invoke
    listed = run(app, ["knowledge", "list", "--seed"])
    assert listed.exit_code == 0
    assert f"{REVIEW} of {REVIEW} works" in listed.output
    listed = run(app, ["knowledge", "list", "--recall", "--json"])
    assert json.loads(listed.output)["topics"][0]["entries"]
    assert run(app, ["knowledge", "list", "--recall", "--seed"]).exit_code == 2
