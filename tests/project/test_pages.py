"""Every command and every snippet of README and docs runs, or says why it cannot here."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import myoresist
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import findings_table, record
from myoresist.case.template import template
from myoresist.cli import EXAMPLES, app
from myoresist.cohort.names import Names
from myoresist.cohort.schema import Schema

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"`(myoresist [^`]+)`")

NOT_RUN = {
    "serve": "waits for requests; tests/service asks it",
    "mcp": "waits for requests; tests of the protocol ask it",
    "evaluate": "scores every case that there is; tests/test_evaluation.py scores a few",
    "knowledge check": "runs every worked example; tests/worked_examples does",
    "--engine spark": "needs a cluster; tests/cohort/test_spark.py starts one",
    "--format omop": "needs a list of persons; tests/cohort/test_omop_out.py makes one",
    "postgresql:": "needs a server; tests/cohort/test_postgres.py starts one",
    "cdm.duckdb": "needs a database of OMOP; tests/cohort/test_omop.py makes one",
}
"""Commands that are not run here, by a part of them, and why."""

OTHER_BLOCKS = {
    "make demo": "sets up an environment",
    "pip install": "sets up an environment",
    '{"mcpServers"': "the settings of another program",
    "curl ": "asks a service; tests/service does",
    "[Unit]": "a unit of systemd",
    "server {": "the settings of a proxy",
    "address: https://": "settings of CDS Hooks; tests/service reads such ones",
    "FROM python": "an image of a container",
    "podman run": "a container",
    "GAP = 14": "shows the method of docs/adequacy.md; tests/resistance holds the product against it",
    "- name: one_major": "a worked example, which is read where topics are laid over ours",
}
"""Blocks that hold neither commands of ours nor snippets, by how they begin, and why."""

PLACEHOLDERS = {
    "CASE": "patient.yaml", "FILE…": "patient.yaml", "FILE": "patient.yaml", "SRC": "registry",
    "DIR": "answers",
    "FOLDER": "registry", "RECORD": "bundle.json", "LETTER": "letter.txt", "<finding>": "dysphagia",
}  # fmt: skip
BUNDLE = """{"resourceType": "Bundle", "type": "collection", "entry": [
  {"resource": {"resourceType": "Patient", "id": "P1", "gender": "female"}}]}"""


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language]


def commands(page: Path) -> list[str]:
    """Return what stands on a page as a command of ours, without comments."""
    text = page.read_text("utf-8")
    lines = [line for _, block in BLOCK.findall(text) for line in block.splitlines()]
    written = [line.partition("  #")[0].strip() for line in lines if line.startswith("myoresist ")]
    inline = COMMAND.findall(BLOCK.sub("", text))
    return list(dict.fromkeys((*written, *(" ".join(one.split()) for one in inline))))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with every file that the pages speak of."""
    (tmp_path / "patient.yaml").write_text(
        (EXAMPLES / "anti_srp_refractory.yaml").read_text("utf-8")
    )
    (tmp_path / "bundle.json").write_text(BUNDLE)
    (tmp_path / "letter.txt").write_text(
        "Mrs X, 60 years old, has dysphagia. Anti-Jo-1 positive.\n"
    )
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "patients.csv").write_text("patient_id,age\nP1,60\n")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "Patient.ndjson").write_text(
        '{"resourceType": "Patient", "id": "P1", "gender": "female"}\n'
    )
    (tmp_path / "export.csv").write_text("record_id,sex,patient_complete\nP1,female,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ALL = [(page.name, one) for page in PAGES for one in commands(page)]


@pytest.mark.parametrize(("page", "command"), ALL, ids=[" ".join(x) for x in ALL])
def test_a_command_that_is_shown_runs(
    page: str, command: str, desk: Path, request: pytest.FixtureRequest
) -> None:
    if page == "registry.md":
        # The page speaks of a registry that is answered already.
        shutil.rmtree(desk / "registry")
        for one in request.getfixturevalue("freezes").iterdir():
            (desk / one.name).symlink_to(one)
    if any(part in command for part in NOT_RUN):
        pytest.skip(next(why for part, why in NOT_RUN.items() if part in command))
    words = shlex.split(command.partition(" > ")[0])[1:]
    words = [PLACEHOLDERS.get(word, word) for word in words]
    if words[0] == "template":
        (desk / "patient.yaml").unlink()
    if words[0] in ("assess", "validate", "read") and not any("." in one for one in words):
        words.append("letter.txt" if words[0] == "read" else "patient.yaml")
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output[-400:]


def test_what_is_not_run_is_shown_somewhere() -> None:
    shown = "\n".join(command for _, command in ALL)
    assert [part for part in NOT_RUN if part not in shown] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_a_command_a_snippet_or_said_to_be_another_thing(page: Path) -> None:
    for kind, text in BLOCK.findall(page.read_text("utf-8")):
        ours = kind == "python" or kind == "yaml" or "myoresist " in text
        other = any(text.startswith(begin) for begin in OTHER_BLOCKS)
        assert ours or other, text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_snippets_of_a_page_run_one_after_the_other(page: Path, desk: Path) -> None:
    names: dict[str, Any] = {}
    cases = [myoresist.read_case(path) for path in sorted(EXAMPLES.glob("*.yaml"))[:3]]
    catalogue = myoresist.Knowledge.load().catalogue
    names["frame"] = findings_table([record(one) for one in cases], catalogue)
    for snippet in blocks(page, "python"):
        if not any(snippet.lstrip().startswith(begin) for begin in OTHER_BLOCKS):
            exec(compile(snippet, page.name, "exec"), names)
    if page.name == "use.md":
        assert isinstance(names["verdicts"], pl.DataFrame)


def test_the_mapping_files_that_are_shown_are_read(desk: Path) -> None:
    read = []
    for text in blocks(ROOT / "docs" / "cohort.md", "yaml"):
        (desk / "mapping.yaml").write_text(text)
        read.append(Names.read(desk / "mapping.yaml", Schema(packaged_terms())))
    tables, own = read
    assert tables.tables == {"patients": "demographics"}
    assert tables.decimal == "comma"
    assert own.omop and [x.measure for x in own.omop.measures] == ["mmt8", "physician_global"]


def test_the_template_that_is_offered_is_a_case() -> None:
    assert check_case_text(template(), "template")[1] == []
