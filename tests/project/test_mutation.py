"""The mutation script finds a number that no worked example pins down, and passes one that is."""

from __future__ import annotations

from pathlib import Path

import mutate_knowledge
import pytest

CRITERIA = """\
id: spots_2026
title: Criteria for spots
short: Spots 2026
kind: diagnostic
population: Made-up patients
status: implemented
cites: [made2026]
check: convention
items:
- {id: sp_grown, text: grown up, when: "age_at_onset >= 18"}
- {id: sp_two, text: two signs, when: "n_of(2, red, blue, tested)"}
outcomes:
- {class: spotted, text: Spotted, when: "sp_grown AND sp_two"}
missing: Unknown stays unknown.
"""
TESTS = """\
- {name: at_18, source: rule read against the paper,
   given: {findings: {age_at_onset: 18, red: true, blue: true}}, expect: {outcome: spotted}}
- {name: at_17, source: rule read against the paper,
   given: {findings: {age_at_onset: 17, red: true, blue: true}}, expect: {outcome: not_met}}
- {name: high, source: rule read against the paper,
   given: {findings: {level: 11}}, expect: {items: {sp_grown: unknown}}}
"""


@pytest.fixture
def spots(toy: Path) -> Path:
    """Return a knowledge folder with one set whose age limit is pinned, but not its count."""
    where = toy / "criteria" / "spots_2026"
    where.mkdir()
    (where / "criteria.yaml").write_text(CRITERIA, encoding="utf-8")
    (where / "tests.yaml").write_text(TESTS, encoding="utf-8")
    return toy


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["mutate_knowledge.py", *arguments])
    return mutate_knowledge.main()


def test_finds_the_numbers_of_a_set(spots: Path) -> None:
    file = Path("criteria", "spots_2026", "criteria.yaml")
    found = mutate_knowledge.numbers(spots, file)
    assert [(one.line, one.entry, one.text) for one in found] == [
        (10, "sp_grown", "18"),
        (11, "sp_two", "2"),
    ]


def test_names_the_survivor(
    spots: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path("criteria", "spots_2026", "criteria.yaml")
    before = (spots / file).read_text(encoding="utf-8")
    arguments = ["--folder", str(spots), "--set", "spots_2026"]
    assert run(monkeypatch, *arguments) == 0
    assert run(monkeypatch, *arguments, "--floor", "0.9") == 1
    said = capsys.readouterr().out
    assert f"{file}:11  sp_two.when  2 -> 1  SURVIVED" in said
    assert "SURVIVED" not in said.replace("2 -> 1  SURVIVED", "")
    assert "3 of 4 mutants killed: 75.0%" in said
    assert (spots / file).read_text(encoding="utf-8") == before


def test_changes_derived_findings_too(
    spots: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--folder", str(spots), "--set", "derived", "--all") == 0
    assert "findings/derived.yaml:2  level_high.when  10 -> 9  SURVIVED" in capsys.readouterr().out


def test_refuses_knowledge_whose_examples_fail(
    spots: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = spots / "criteria" / "spots_2026" / "tests.yaml"
    tests.write_text(TESTS.replace("outcome: spotted", "outcome: not_met"), encoding="utf-8")
    assert run(monkeypatch, "--folder", str(spots)) == 1
    assert "at_18" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "text", "changed"),
    [
        ("when", "18", ["17", "19"]),
        ("points", "1.3", ["1.2", "1.4"]),
        ("probability_at_least", "0.55", ["0.54", "0.56"]),
        ("probability_at_least", "0", ["1"]),
        ("at_least", "0", ["1"]),
        ("logistic_intercept", "-6.49", ["-6.50", "-6.48"]),
    ],
)
def test_steps_by_the_last_digit(key: str, text: str, changed: list[str]) -> None:
    number = mutate_knowledge.Number(Path("x"), 1, 0, text, "item", key)
    assert list(number.mutants()) == changed


def test_takes_numbers_not_names_or_words() -> None:
    sql = "age_40 >= 40 AND kind = 'type 2' AND x1 BETWEEN 0.5 AND 12"
    found = [one["number"] for one in mutate_knowledge.SQL_NUMBER.finditer(sql) if one["number"]]
    assert found == ["40", "0.5", "12"]
