"""What an unknown finding could still change: the same patient again, once for each value it could take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from myoresist.arrays.planes import Planes
from myoresist.arrays.table import Table
from myoresist.case.catalogue import Catalogue


class Answer(NamedTuple):
    """One answer that a question could have.

    Attributes:
        finding: what is asked.
        text: the answer in words (``present``, ``absent``, ``above 4``).
        value: the answer.
    """

    finding: str
    text: str
    value: bool | float


def representative(
    thresholds: Sequence[float], low: float, high: float, whole: bool = False
) -> dict[str, float]:
    """Return one number for every stretch on which comparisons with ``thresholds`` cannot differ.

    Args:
        thresholds: the numbers with which rules compare.
        low: the lowest plausible value.
        high: the highest plausible value.
        whole: whether only whole numbers make sense, as in a count.

    Returns:
        Numbers by what they stand for: ``below 2``, ``exactly 2``, ``between 2 and 4``, ``above 4``.
    """
    inner = [number for number in sorted(set(thresholds)) if low <= number <= high]
    found: dict[str, float] = {}
    for number, following in zip_longest(inner, inner[1:]):
        if not found and low < number:
            found[f"below {number:g}"] = low if whole else (low + number) / 2
        found[f"exactly {number:g}"] = number
        if following is None and number < high:
            found[f"above {number:g}"] = number + 1 if whole else (number + high) / 2
        elif following is not None and not (whole and following <= number + 1):
            between = number + 1 if whole else (number + following) / 2
            found[f"between {number:g} and {following:g}"] = between
    return found


def possible_answers(
    recorded: Table,
    asked: Iterable[str],
    thresholds: Mapping[str, tuple[float, ...]],
    catalogue: Catalogue,
) -> list[Answer]:
    """Return every answer that findings which are not recorded of the only patient could have.

    Args:
        recorded: the patient as recorded.
        asked: the findings to consider.
        thresholds: the numbers with which rules compare numeric findings.
        catalogue: the finding catalogue, for plausible ranges.
    """
    answers: list[Answer] = []
    for finding in sorted(asked):
        if recorded.known(finding):
            continue
        entry = catalogue[finding]
        if entry.kind == "bool":
            answers += [Answer(finding, "present", True), Answer(finding, "absent", False)]
        elif entry.kind == "number" and entry.minimum is not None and entry.maximum is not None:
            points = representative(
                thresholds.get(finding, ()), entry.minimum, entry.maximum, entry.unit == "count"
            )
            answers += [Answer(finding, text, number) for text, number in points.items()]
    return answers


def variants(recorded: Table, answers: Sequence[Answer]) -> Table:
    """Return the only patient as recorded, and again once for each answer, with that answer.

    Args:
        recorded: the patient as recorded.
        answers: the answers, each to a finding that is not recorded.
    """
    table = recorded.repeated(1 + len(answers))
    truths: dict[str, Planes] = {}
    numbers = {}
    for place, (finding, _, value) in enumerate(answers, start=1):
        if isinstance(value, bool):
            t, f = truths.get(finding, Planes(0, 0))
            bit = 1 << place
            truths[finding] = Planes(t | bit, f) if value else Planes(t, f | bit)
        else:
            if finding not in numbers:
                numbers[finding] = table.number(finding).copy()
            numbers[finding][place] = value
    return table.with_columns(Table(table.size, truths, numbers))
