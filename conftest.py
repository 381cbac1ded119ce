"""Collects the worked examples that stand beside the knowledge, each under its own name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myoresist import Knowledge
from myoresist.case.reading import packaged_terms
from myoresist.diagnosis.worked_examples import Failure, failures, load_examples
from myoresist.resistance import worked_examples as treatment
from myoresist.resistance.explanations import Explanations
from myoresist.resistance.treatment_history import TreatmentKnowledge


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``tests.yaml`` beside the criteria sets and the regimens."""
    if file_path.name == "tests.yaml" and file_path.parent.parent.name == "criteria":
        return ExampleFile.from_parent(parent, path=file_path)
    if file_path.name == "tests.yaml" and file_path.parent.name in ("adequacy", "refractory"):
        return TreatmentFile.from_parent(parent, path=file_path)
    if file_path.name == "tests.yaml" and file_path.parent.name == "explanations":
        return ExplanationFile.from_parent(parent, path=file_path)
    return None


class ExampleFile(pytest.File):
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


class TreatmentFile(pytest.File):
    """The worked examples of treatment histories."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return one test an example."""
        terms = packaged_terms()
        base = TreatmentKnowledge.load(self.path.parents[1], terms)
        for example in treatment.load_examples(self.path):
            found = treatment.wrong(example, base, terms)
            own = [Failure(self.path.parent.name, example.name, message) for message in found]
            yield ExampleTest.from_parent(self, name=example.name, failures=own)


class ExplanationFile(pytest.File):
    """The worked examples of other explanations."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return one test an example."""
        folder = self.path.parents[1]
        columns = TreatmentKnowledge.load(folder, packaged_terms()).columns
        base = Explanations.load(folder, columns)
        for example in treatment.load_weighed(self.path):
            found = treatment.wrongly_weighed(example, base)
            own = [Failure("explanations", example.name, message) for message in found]
            yield ExampleTest.from_parent(self, name=example.name, failures=own)


class ExampleTest(pytest.Item):
    """One worked example."""

    def __init__(self, *, failures: list[Failure], **kwargs: object) -> None:
        """Keep what the set got wrong."""
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.failures = failures

    def runtest(self) -> None:
        """Fail when the set does not agree with the example."""
        if self.failures:
            pytest.fail("\n".join(str(failure) for failure in self.failures), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the file and the example."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"
