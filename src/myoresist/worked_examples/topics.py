"""The topics that have worked examples, and where these stand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myoresist.library import Knowledge
from myoresist.worked_examples import diagnosis, resistance, serology, treatment
from myoresist.worked_examples.form import Example

FILE = "tests.yaml"


@dataclass(frozen=True)
class Topic:
    """A topic that has worked examples.

    Attributes:
        files: where they stand in a knowledge folder; ``*`` is any part of the topic.
        model: what an example may be given and expect.
        answers: for the part of the topic and its examples all that may be asked, by name.
        wrong: what in an example stands for nothing, in words.
        parts: the parts of the topic, where examples are about one of them.
    """

    files: str
    model: type[Example[Any, Any]]
    answers: Callable[[Knowledge, str, Sequence[Any]], Iterable[Mapping[str, Any]]]
    wrong: Callable[[Knowledge, Any], Iterator[str]]
    parts: Callable[[Knowledge], Collection[str]] | None = None

    def holds(self, file: Path) -> bool:
        """Tell whether a file, relative to its knowledge folder, holds examples of this topic."""
        return len(file.parts) == len(Path(self.files).parts) and file.match(self.files)


TOPICS = (
    Topic(
        f"findings/{FILE}",
        Example[diagnosis.FindingsGiven, diagnosis.FindingsExpected],
        diagnosis.findings,
        diagnosis.wrong_in_findings,
    ),
    Topic(
        f"criteria/*/{FILE}",
        Example[diagnosis.FindingsGiven, diagnosis.CriteriaExpected],
        diagnosis.criteria,
        diagnosis.wrong_in_findings,
        lambda knowledge: {one.id for one in knowledge.criteria.implemented},
    ),
    Topic(
        f"diseases/{FILE}",
        Example[diagnosis.DifferentialGiven, diagnosis.DifferentialExpected],
        diagnosis.differential,
        diagnosis.wrong_in_differential,
    ),
    Topic(
        f"serology/*/{FILE}",
        Example[serology.SerologyGiven, serology.SerologyExpected],
        serology.serology,
        serology.wrong_in_serology,
    ),
    Topic(
        f"response/{FILE}",
        Example[resistance.ResponseGiven, resistance.ResponseExpected],
        resistance.response,
        resistance.wrong_in_response,
    ),
    Topic(
        f"adequacy/{FILE}",
        Example[resistance.TreatmentGiven, resistance.TreatmentExpected],
        resistance.treatments,
        resistance.wrong_in_treatments,
    ),
    Topic(
        f"refractory/{FILE}",
        Example[resistance.TreatmentGiven, resistance.TreatmentExpected],
        resistance.treatments,
        resistance.wrong_in_treatments,
    ),
    Topic(
        f"explanations/{FILE}",
        Example[resistance.ExplanationsGiven, resistance.ExplanationsExpected],
        resistance.explanations,
        resistance.wrong_in_explanations,
    ),
    Topic(
        f"treatments/{FILE}",
        Example[treatment.OptionsGiven, treatment.OptionsExpected],
        treatment.options,
        treatment.wrong_in_options,
    ),
)
