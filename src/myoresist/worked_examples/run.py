"""Find the worked examples of a knowledge folder, run them, and say which do not agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoresist.document import DocumentError, Problem, did_you_mean
from myoresist.library import Knowledge
from myoresist.worked_examples.form import Difference, Placed, differences, read_examples
from myoresist.worked_examples.topics import FILE, TOPICS, Topic

EXAMPLE = "example"
"""Field of what in an example stands for nothing."""


@dataclass(frozen=True)
class Outcome:
    """A worked example, and where the knowledge differs from it; without a difference it agrees."""

    file: Path
    line: int | None
    name: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """Return each difference on one line: file, line, example, field, expected and got."""
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return "\n".join(f"{place}: {self.name}: {one}" for one in self.differences)


@dataclass(frozen=True)
class Examples:
    """The worked examples of one file."""

    file: Path
    topic: Topic
    placed: tuple[Placed[Any, Any], ...]

    @classmethod
    def read(cls, file: Path, folder: Path) -> Examples:
        """Read a file of examples of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of everything that cannot be used.
        """
        topic = next((one for one in TOPICS if one.holds(file.relative_to(folder))), None)
        if topic is None:
            places = ", ".join(one.files for one in TOPICS)
            message = f"no topic has its examples here; they stand in {places}"
            raise DocumentError([Problem(str(file), None, "", message)])
        return cls(file, topic, read_examples(file, topic.model))

    def run(self, knowledge: Knowledge) -> Iterator[Outcome]:
        """Run every example, in the order of the file.

        Raises:
            DocumentError: if they are about a part of the topic that has no rules.
        """
        part = self.file.parent.name
        if self.topic.parts and part not in (known := self.topic.parts(knowledge)):
            message = f"{part} has no rules to run{did_you_mean(part, known)}"
            raise DocumentError([Problem(str(self.file), None, "", message)])
        wrong = [tuple(self.topic.wrong(knowledge, one.example)) for one in self.placed]
        usable = [x.example for x, messages in zip(self.placed, wrong, strict=True) if not messages]
        answers = iter(list(self.topic.answers(knowledge, part, usable)) if usable else [])
        for one, messages in zip(self.placed, wrong, strict=True):
            if messages:
                found = tuple(Difference(EXAMPLE, "what is known", text) for text in messages)
            else:
                wanted = one.example.expect.model_dump(exclude_none=True)
                found = tuple(differences(wanted, next(answers)))
            yield Outcome(self.file, one.line, one.example.name, found)


def files(folder: Path) -> list[Path]:
    """Return every file of worked examples in a knowledge folder."""
    return sorted(folder.rglob(FILE))


def folder_of(file: Path) -> Path | None:
    """Return the knowledge folder to which a file of examples belongs; None where it is of no topic."""
    for one in TOPICS:
        depth = len(Path(one.files).parts)
        if file.name == FILE and len(file.parts) > depth:
            folder = file.parents[depth - 1]
            if one.holds(file.relative_to(folder)):
                return folder
    return None
