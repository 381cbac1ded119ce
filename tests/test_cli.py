"""The command line as a user meets it: output, exit codes, pipes, and one line for every error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from myoresist.assessment import Assessment, Knowledge
from myoresist.cli import DEMO, EXAMPLES, app

HOSTILE = "[bold]x[/bold]<script>\x1b[31m"
CASE = "patient: {id: P}\nfindings: {ild: yes}\nautoantibodies: [{antibody: anti-Jo-1, result: positive}]\n"


def run(*words: str, text: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words), input=text)
    return result.exit_code, result.stdout, result.stderr


def shell(*words: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "myoresist", *words],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
    )


def test_a_case_from_standard_input() -> None:
    done = shell("assess", "-", text=CASE)
    assert done.returncode == 0
    assert "Connors 2010, antisynthetase: Antisynthetase syndrome" in done.stdout
    assert "\x1b" not in done.stdout
    assert "not a certified medical device" in " ".join(done.stdout.split())


def test_json_is_the_published_form(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    code, out, err = run("assess", "-", "--json", "-o", str(path), text=CASE)
    assert (code, out) == (0, "")
    assert f"wrote {path}" in err
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema_version"] == "1.0"
    assert Assessment.model_validate(data).model_dump(mode="json") == data
    schema = json.loads(run("schema", "assessment")[1])
    assert set(data) == set(schema["properties"])
    assert list(tmp_path.iterdir()) == [path]


def test_a_case_that_is_wrong_is_one_line_a_mistake_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("patient: {id: P}\nfindings: {ilt: yes, age: 999}\n")
    for command in ("assess", "validate"):
        code, _, err = run(command, str(path))
        assert code == 2
        lines = err.strip().splitlines()
        assert len(lines) == 2
        assert all(line.startswith(f"{path}:2: findings.") for line in lines)


def test_validate_says_ok() -> None:
    path = str(EXAMPLES / f"{DEMO}.yaml")
    assert run("validate", path)[:2] == (0, f"{path}: ok\n")


def test_template_and_schema_can_be_piped() -> None:
    code, text, _ = run("template")
    assert code == 0
    assert run("validate", "-", text=text)[0] == 0
    assert json.loads(run("schema")[1])["$id"] == "urn:myoresist:case:1.0"
    assert run("schema", "nothing")[0] == 2


def test_demo_lists_and_runs_every_bundled_case() -> None:
    names = run("demo", "--list")[1].split()
    assert len(names) >= 5
    for name in names:
        code, out, _ = run("demo", name)
        assert code == 0
        assert "In short" in out
    code, _, err = run("demo", "nothing")
    assert code == 2
    assert "no bundled case is called nothing" in err


def test_knowledge_shows_sets_findings_and_works_in_words() -> None:
    code, out, _ = run("knowledge", "show", "eular_acr_2017")
    assert code == 0
    assert "probability = 1 / (1 + exp(5.33 − score))" in out
    assert "lundberg2017" in out
    code, out, _ = run("knowledge", "show", "dm_rash")
    assert "Heliotrope rash or Gottron papules or Gottron sign" in out
    assert "Cited by: bohan_peter_1975" in run("knowledge", "show", "bohan1975a")[1]
    code, _, err = run("knowledge", "show", "eular_acr_2018")
    assert code == 2
    assert "did you mean eular_acr_2017?" in err


def test_every_set_can_be_shown() -> None:
    for name in Knowledge.load().criteria.sets:
        code, out, _ = run("knowledge", "show", name)
        assert code == 0, name
        assert "Sources:" in out


def test_hostile_text_cannot_write_to_the_terminal() -> None:
    case = json.dumps(
        {"patient": {"id": HOSTILE}, "source": {"citation": HOSTILE}, "notes": HOSTILE}
    )
    done = shell("assess", "-", text=case)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "[bold]x[/bold]<script>" in done.stdout


def test_a_terminal_without_unicode_is_no_reason_to_crash() -> None:
    done = shell("assess", "-", text=CASE, PYTHONIOENCODING="ascii")
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m myoresist demo | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Second opinion")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ("assess", "/nowhere.yaml"),
        ("assess", "-o", "/nowhere/x.txt", str(EXAMPLES / f"{DEMO}.yaml")),
    ],
)
def test_a_path_that_cannot_be_used_is_one_line(words: tuple[str, ...]) -> None:
    done = shell(*words)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "/nowhere" in done.stderr


def test_version_names_software_and_knowledge() -> None:
    assert re.fullmatch(r"myoresist \d+\.\d+\.\d+, knowledge \d{4}\.\d{2}\n", run("--version")[1])


@pytest.mark.parametrize(
    "words", [(), ("assess",), ("validate",), ("demo",), ("knowledge", "show")]
)
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    assert "Example: myoresist" in run(*words, "--help")[1]
