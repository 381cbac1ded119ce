"""Criteria sets as CQL: the reference translator takes every library, and its engine answers as we do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cql_peer
import polars as pl
import pytest
from nodejs import packages
from typer.testing import CliRunner

from myoresist.cli import app
from myoresist.exchange.cql import FINDINGS, libraries
from myoresist.library import Knowledge
from myoresist.rules.nodes import walk

KINDS = ("bohan_peter_1975", "eular_acr_2017", "asys_class_2025", "refractory_rim")
PATIENTS = 10


@pytest.fixture(scope="module")
def engine() -> Path:
    """Return the folder of the reference engine; see ``node.packages``."""
    return packages(cql_peer.LIBRARIES, cql_peer.INSTALLED)


def test_what_the_reference_engine_answers_is_what_we_answer_unknowns_included(
    engine: Path, tmp_path: Path
) -> None:
    # One set of each make; benchmarks/cql_peer.py --exported compares all of them.
    ours, answers = cql_peer.exported(KINDS, PATIENTS, engine, tmp_path)
    assert cql_peer.differences(ours, answers) == {}
    truths = [ours[x].null_count() for x in ours.columns if ours.schema[x] == pl.Boolean]
    assert sum(map(bool, truths)) > len(truths) / 2, "unknowns are put to the test"


def test_the_sets_that_are_compared_are_of_every_make() -> None:
    def makes(names: Iterable[str]) -> set[str]:
        criteria = Knowledge.load().criteria
        nodes = {
            type(x).__name__
            for name, rule in criteria.program.rules.items()
            if name.partition(".")[0] in names
            for x in walk(rule.node)
        }
        sets = [criteria.sets[x] for x in names]
        forms = {
            kind
            for x in sets
            for kind, has in (
                ("classes", x.outcomes),
                ("subgroups", x.subgroups),
                ("exclusions", x.exclusions),
                ("readings", x.score and x.score.readings),
                ("variants", x.score and x.score.variants[1:]),
                ("when", x.score and any(y.when for y in x.score.variants[-1].classes)),
            )
            if has
        }
        return nodes | forms

    every = [x.id for x in Knowledge.load().criteria.implemented]
    assert makes(KINDS) == makes(every)


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
