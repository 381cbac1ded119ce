"""Criteria sets as CQL: the reference translator takes every library, and its engine answers as we do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import cql_peer
import polars as pl
import pytest
from bench import synthetic
from typer.testing import CliRunner

from myoresist.arrays.table import Table
from myoresist.cli import app
from myoresist.exchange.cql import FINDINGS, libraries, title
from myoresist.library import Knowledge

PATIENTS = 60


@pytest.fixture(scope="module")
def engine() -> Path:
    """Return the folder of the reference engine, or skip where Node.js is missing; CI has it."""
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Node.js with npm, to run the reference engine of CQL")
        pytest.skip("Node.js with npm is not there, which the reference engine of CQL needs")
    try:
        return cql_peer.install()
    except subprocess.CalledProcessError:
        if os.environ.get("CI"):
            raise
        pytest.skip("npm could not install the reference engine of CQL")


def test_every_set_is_translated_and_answered_alike_unknowns_included(
    engine: Path, tmp_path: Path
) -> None:
    knowledge = Knowledge.load()
    criteria = knowledge.criteria
    for name, text in libraries(criteria).items():
        (tmp_path / f"{name}.cql").write_text(text, encoding="utf-8")
    sets = {one.id: title(one.id) for one in criteria.implemented}
    (tmp_path / "libraries.json").write_text(json.dumps(sets))
    read = criteria.program.leaves(criteria.program.rules)
    frame = synthetic(PATIENTS, knowledge).select(sorted(read))
    lines = (json.dumps(one) + "\n" for one in cql_peer.bundles(frame))
    (tmp_path / "patients.ndjson").write_text("".join(lines), encoding="utf-8")
    script = cql_peer.LIBRARIES / "run.mjs"
    subprocess.run(
        ["node", str(script), str(engine), str(tmp_path), "1", str(tmp_path)], check=True
    )
    text = (tmp_path / "answers.ndjson").read_text(encoding="utf-8")
    rows = [
        {f"{name}.{answer}": value for name in sets for answer, value in row[name].items()}
        for row in map(json.loads, text.splitlines())
    ]
    answers = pl.DataFrame(rows, infer_schema_length=None)
    whole = criteria.evaluate(Table.of_frame(frame)).frame()
    ours = whole.select(x for x in whole.columns if x.partition(".")[0] in sets)
    assert cql_peer.differences(ours, answers) == {}
    open_ = [ours[x].null_count() for x in ours.columns if ours.schema[x] == pl.Boolean]
    assert sum(map(bool, open_)) > len(open_) / 2, "unknowns are put to the test"


def test_the_command_writes_one_library_or_all(tmp_path: Path) -> None:
    one = CliRunner().invoke(app, ["schema", "cql", "bohan_peter_1975"])
    assert one.stdout.rstrip("\n") == libraries(Knowledge.load().criteria)["BohanPeter1975"].rstrip(
        "\n"
    )
    folder = tmp_path / "cql"
    done = CliRunner().invoke(app, ["schema", "cql", "-o", str(folder)])
    assert done.exit_code == 0, done.output
    assert {x.stem for x in folder.iterdir()} == set(libraries(Knowledge.load().criteria))
    assert (
        CliRunner().invoke(app, ["schema", "cql", "findings"]).stdout.startswith("// The findings")
    )
    wrong = CliRunner().invoke(app, ["schema", "cql", "bohan_peter_1976"])
    assert wrong.exit_code == 2
    assert "bohan_peter_1975" in wrong.output
    assert FINDINGS in libraries(Knowledge.load().criteria)
