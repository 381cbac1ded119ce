"""Collects the worked examples that stand beside the knowledge, each under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from myoresist import Knowledge
from myoresist.diagnosis.worked_examples import failures, load_examples
from myoresist.serology import worked_examples as of_serology
from myoresist.serology.verdicts import Serology


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``knowledge/<topic>/<set>/tests.yaml``."""
    kinds = {"criteria": CriteriaFile, "serology": SerologyFile}
    kind = kinds.get(file_path.parent.parent.name)
    if file_path.name == "tests.yaml" and kind:
        return kind.from_parent(parent, path=file_path)
    return None


class CriteriaFile(pytest.File):
    """The worked examples of one criteria set."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return one test an example."""
        folder, set_id = self.path.parents[2], self.path.parent.name
        knowledge = Knowledge.load(folder)
        examples = load_examples(folder, set_id)
        found = failures(examples, knowledge.catalogue, knowledge.inference, knowledge.criteria)
        for example in examples.cases:
            own = [failure for failure in found if failure.example == example.name]
            yield ExampleTest.from_parent(self, name=example.name, failures=own)


class SerologyFile(pytest.File):
    """The worked examples of one group of serology rules."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return one test an example."""
        folder, group = self.path.parents[2], self.path.parent.name
        knowledge = Knowledge.load(folder)
        serology = Serology.load(folder, knowledge.catalogue)
        examples = of_serology.load_examples(folder, group)
        found = of_serology.failures(examples, serology, knowledge.inference)
        for example in examples.cases:
            own = [failure for failure in found if failure.example == example.name]
            yield ExampleTest.from_parent(self, name=example.name, failures=own)


class ExampleTest(pytest.Item):
    """One worked example."""

    def __init__(self, *, failures: Sequence[object], **kwargs: object) -> None:
        """Keep what the rules got wrong."""
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.failures = failures

    def runtest(self) -> None:
        """Fail when the rules do not agree with the example."""
        if self.failures:
            pytest.fail("\n".join(str(failure) for failure in self.failures), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the file and the example."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"
