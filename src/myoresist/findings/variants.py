"""What an unknown finding could still change: the same patient again, once for each value it could take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import polars as pl

from myoresist.case.catalogue import Catalogue


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


def variants(
    recorded: pl.DataFrame,
    asked: Iterable[str],
    thresholds: Mapping[str, tuple[float, ...]],
    catalogue: Catalogue,
) -> pl.DataFrame:
    """Return further rows for one patient, each with one unrecorded finding answered.

    Args:
        recorded: the patient's row as recorded.
        asked: the findings to consider.
        thresholds: the numbers with which rules compare numeric findings.
        catalogue: the finding catalogue, for plausible ranges.

    Returns:
        A table with the columns of ``recorded`` and two more: ``finding``, which was answered, and
        ``value``, the answer in words (``present``, ``absent``, ``above 4``).
    """
    row = recorded.row(0, named=True)
    answers: list[tuple[str, str, bool | float]] = []
    for finding in sorted(asked):
        if row[finding] is not None:
            continue
        entry = catalogue[finding]
        if entry.kind == "bool":
            answers += [(finding, "present", True), (finding, "absent", False)]
        elif entry.kind == "number" and entry.minimum is not None and entry.maximum is not None:
            points = representative(
                thresholds.get(finding, ()), entry.minimum, entry.maximum, entry.unit == "count"
            )
            answers += [(finding, text, number) for text, number in points.items()]
    asked_for = pl.DataFrame(
        [(finding, text) for finding, text, _ in answers],
        schema={"finding": pl.String, "value": pl.String},
        orient="row",
    )
    schema = recorded.schema
    columns: dict[str, list[bool | float | None]] = {}
    for index, (finding, _, answer) in enumerate(answers):
        columns.setdefault(finding, [None] * len(answers))[index] = answer
    filled = pl.DataFrame(columns, schema={name: schema[name] for name in columns})
    return recorded[[0] * len(answers)].with_columns(filled).hstack(asked_for)
