"""What an unknown finding could still change: the same patient again, once for each value it could take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import polars as pl

from myoresist.case.catalogue import Catalogue

def representative(thresholds: Sequence[float], low: float, high: float) -> list[float]:
    """Return one number for every stretch on which comparisons with ``thresholds`` cannot differ.

    These are the thresholds and one number before, between and after them, within ``low`` to ``high``.
    """
    inner = [number for number in sorted(set(thresholds)) if low <= number <= high]
    points = [low, *inner, high]
    between = [(one + other) / 2 for one, other in pairwise(points) if one < other]
    return sorted({*inner, *between})


def variants(
    recorded: pl.DataFrame,
    known: pl.DataFrame,
    asked: Iterable[str],
    thresholds: dict[str, tuple[float, ...]],
    catalogue: Catalogue,
) -> pl.DataFrame:
    """Return further rows for one patient, each with one unknown finding answered.

    Args:
        recorded: the patient's row as recorded.
        known: the same row with what follows from it; only what is unknown there is answered.
        asked: the findings to consider.
        thresholds: the numbers with which rules compare numeric findings.
        catalogue: the finding catalogue, for plausible ranges.

    Returns:
        A table with the columns of ``recorded`` and two more: ``finding``, which was answered, and
        ``value``, the answer as text (``present``, ``absent`` or a number).
    """
    row = recorded.row(0, named=True)
    settled = known.row(0, named=True)
    rows = []
    for finding in sorted(asked):
        if settled[finding] is not None or row[finding] is not None:
            continue
        entry = catalogue[finding]
        answers: list[bool] | list[float] = []
        if entry.kind == "bool":
            answers = [True, False]
        elif entry.kind == "number" and finding in thresholds:
            low, high = entry.minimum or 0.0, entry.maximum
            answers = representative(thresholds[finding], low, high or thresholds[finding][-1] * 2)
        for answer in answers:
            rows.append(row | {finding: answer, "finding": finding, "value": _shown(answer)})
    schema = recorded.schema | {"finding": pl.String, "value": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _shown(answer: bool | float) -> str:
    if isinstance(answer, bool):
        return "present" if answer else "absent"
    return f"{answer:g}"
