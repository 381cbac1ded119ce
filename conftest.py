"""Collects the worked examples that stand beside the knowledge, each under its own name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myoresist import Knowledge
from myoresist.worked_examples.run import Examples, Outcome, folder_of

MANY = 6


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what takes a part of the tests."""
    parser.addoption(
        "--every", type=int, default=1, metavar="N",
        help=f"of a test with {MANY} variants or more, take one variant in N",
    )  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out variants that are not asked for; commands of a page go on with one another."""
    every = config.getoption("--every")
    if every == 1:
        return
    variants: dict[str, list[pytest.Item]] = {}
    for item in items:
        name, bracket, _ = item.nodeid.partition("[")
        if bracket and not name.startswith("tests/project/"):
            variants.setdefault(name, []).append(item)
    left = {
        one
        for group in variants.values()
        if len(group) >= MANY
        for number, one in enumerate(group)
        if number % every
    }
    config.hook.pytest_deselected(items=[one for one in items if one in left])
    items[:] = [one for one in items if one not in left]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file of worked examples of any topic."""
    if folder_of(file_path):
        return ExamplesFile.from_parent(parent, path=file_path)
    return None


class ExamplesFile(pytest.File):
    """The worked examples of one topic, or of one part of it."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return one test an example."""
        folder = folder_of(self.path)
        assert folder
        examples = Examples.read(self.path, folder)
        for outcome in examples.run(Knowledge.load(folder, check=False)):
            yield ExampleTest.from_parent(self, name=outcome.name, outcome=outcome)


class ExampleTest(pytest.Item):
    """One worked example."""

    def __init__(self, *, outcome: Outcome, **kwargs: object) -> None:
        """Keep what the rules make of it."""
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.outcome = outcome

    def runtest(self) -> None:
        """Fail when the rules do not agree with the example."""
        if self.outcome.differences:
            pytest.fail(str(self.outcome), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the file, the line and the example."""
        line = self.outcome.line
        return self.path, line - 1 if line else None, f"{self.path.parent.name}: {self.name}"
