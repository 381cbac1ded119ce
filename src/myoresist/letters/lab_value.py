"""A figure of a laboratory test in a letter, and what the letter says of its test elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from myoresist.case.dates import PartialDate


@dataclass(frozen=True)
class LabValue:
    """A figure of a test.

    Attributes:
        test: the test.
        value, unit, limit: as written; the unit in an accepted spelling.
        date: day of the sample, as far as it is told.
        start, end: place in the plain text, from the name of the test to the figure.
        figure: where the figure begins.
        why: what keeps it out: other, supposed, doubt, unit.
        assumed: whether the unit is not written.
        dated: whether the date is written beside it.
    """

    test: str
    value: float
    unit: str | None
    limit: float | None
    date: PartialDate | None
    start: int
    end: int
    why: str | None = None
    assumed: bool = False
    dated: bool = False
    figure: int = -1


def completed(values: Sequence[LabValue]) -> list[LabValue]:
    """Give values the unit and limit that the letter gives once for their test."""
    own = [value for value in values if value.why in (None, "unit")]
    units = {v.test: v.unit for v in reversed(own) if v.unit and not v.assumed}
    limits: dict[tuple[str, str | None], set[float]] = {}
    found = []
    for value in values:
        if value.assumed and value.test in units:
            value = replace(
                value,
                unit=units[value.test],
                assumed=False,
                why=None if value.why == "unit" else value.why,
            )
        found.append(value)
        if value.limit and value.why is None:
            limits.setdefault((value.test, value.unit), set()).add(value.limit)
    return [
        replace(v, limit=next(iter(limits[v.test, v.unit])))
        if v.limit is None and len(limits.get((v.test, v.unit), ())) == 1
        else v
        for v in found
    ]
