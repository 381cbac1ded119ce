"""``knowledge check``: a folder, whole or in part, ours or a stranger's, is checked with its examples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from myoresist import knowledge
from myoresist.cli import app
from myoresist.worked_examples import check as checking

SET = Path("criteria", "mda5_dm")


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that holds one criteria set of ours; only its examples are run."""
    monkeypatch.setattr(checking, "files", lambda folder: [folder / SET / "tests.yaml"])
    shutil.copytree(knowledge.folder() / SET, tmp_path / SET)
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def run(folder: Path) -> tuple[int, str, str]:
    """Return exit code, output and errors, with the folder left out."""
    result = CliRunner().invoke(app, ["knowledge", "check", str(folder)])
    return result.exit_code, result.stdout, result.stderr.replace(f"{folder}/", "")


def test_a_folder_that_holds_one_topic_is_laid_over_ours(part: Path) -> None:
    code, said, wrong = run(part)
    assert (code, wrong) == (0, "")
    assert " worked examples in 1 files: " in said
    assert said.endswith(" agree, 0 do not\n")


def test_an_example_that_does_not_agree_is_said(part: Path) -> None:
    change(part / SET / "tests.yaml", "outcome: not_met", "outcome: mda5_dm_phenotype")
    code, said, wrong = run(part)
    assert code == 2
    assert ", 1 do not" in said
    (line,) = wrong.splitlines()
    assert line.startswith("criteria/mda5_dm/tests.yaml:")
    assert line.endswith(": outcome: expected mda5_dm_phenotype, got not_met")


def test_a_changed_rule_fails_the_example_that_pins_it(part: Path) -> None:
    change(part / SET / "criteria.yaml", "md_ab AND md_rp", "md_rp")
    code, _, wrong = run(part)
    assert code == 2
    assert "criteria/mda5_dm/tests.yaml:" in wrong


def test_everything_that_cannot_be_used_is_said_and_nothing_is_run(part: Path) -> None:
    change(part / SET / "criteria.yaml", "anti_mda5", "anti_mda")
    change(part / SET / "tests.yaml", "given:", "givn:")
    (part / SET / "test.yaml").write_text("[]")
    (part / "critera").mkdir()
    code, said, wrong = run(part)
    assert code == 2
    assert said == f"{len(wrong.splitlines())} problems; the worked examples were not run\n"
    assert "unknown name anti_mda; did you mean anti_mda5?" in wrong
    assert "criteria/mda5_dm/tests.yaml:3: 0.givn: Extra inputs are not permitted" in wrong
    assert "test.yaml: nothing reads a file of this name here; did you mean" in wrong
    assert "critera: is no topic; did you mean criteria?" in wrong


def test_what_a_change_breaks_in_ours_is_said_where_ours_stands(part: Path) -> None:
    (part / "findings").mkdir()
    shutil.copy(knowledge.folder() / "findings" / "findings.csv", part / "findings")
    change(part / "findings" / "findings.csv", "\nscalp_or_face_erythema,", "\nscalp_erythema,")
    code, _, wrong = run(part)
    assert code == 2
    ours = knowledge.folder() / "criteria" / "cadm_sontheimer" / "criteria.yaml"
    assert f"{ours}: ca_skin: unknown name scalp_or_face_erythema" in wrong


@pytest.mark.parametrize("name", ["nowhere", "file", "empty"])
def test_what_is_no_knowledge_folder_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("word")
    (tmp_path / "empty").mkdir()
    code, _, wrong = run(tmp_path / name)
    assert code == 2
    assert len(wrong.splitlines()) == 1
    assert name in wrong


def test_without_a_folder_ours_is_checked(part: Path) -> None:
    result = CliRunner().invoke(app, ["knowledge", "check"])
    assert result.exit_code == 0, result.stderr
    assert " agree, 0 do not" in result.stdout


def test_the_help_has_an_example() -> None:
    result = CliRunner().invoke(app, ["knowledge", "check", "--help"])
    assert "Example: myoresist knowledge check my-knowledge/" in result.stdout
