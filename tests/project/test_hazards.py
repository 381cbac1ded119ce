"""Each hazard names its control, and the tests that verify the control exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HAZARDS = yaml.safe_load((ROOT / "docs" / "hazards.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard["id"])
def test_the_control_of_each_hazard_is_tested(hazard: dict[str, object]) -> None:
    assert set(hazard) == {"id", "harm", "control", "tests"}
    tests = hazard["tests"]
    assert isinstance(tests, list)
    assert tests
    for test in tests:
        file, name = test.split("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, test


def test_hazards_are_named_once() -> None:
    names = [hazard["id"] for hazard in HAZARDS]
    assert len(names) == len(set(names))
