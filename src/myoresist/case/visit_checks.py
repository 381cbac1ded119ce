"""What is wrong with what was measured at a visit, as it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from myoresist.case.measures import CategoryMean, Instrument, Measures
from myoresist.case.messages import is_number, unknown
from myoresist.document import Path_, figure


def visit_problems(
    entry: Mapping[str, Any], path: Path_, measures: Measures
) -> Iterator[tuple[Path_, str]]:
    """Yield the places of what is wrong with one visit, by the range of each measure.

    Args:
        entry: the visit as it is written.
        path: its place.
        measures: what may be measured.
    """
    for measure in measures.of_visit():
        value = entry.get(measure.id)
        scale = measures.scale(measure.unit, entry.get("vas_unit"))
        low, high = measure.minimum * scale, measure.maximum * scale
        if is_number(value) and not low <= value <= high:
            unit = measure.unit if scale == 1 else "mm"
            between = f"it lies between {figure(low)} and {figure(high)} {unit}"
            yield (*path, measure.id), f"{figure(value)} is impossible; {between}"
    for instrument in measures.singly.values():
        scale = measures.scale(instrument.unit or "", entry.get("vas_unit"))
        yield from _singly(entry, path, instrument, scale)


def _singly(
    entry: Mapping[str, Any], path: Path_, instrument: Instrument, scale: float
) -> Iterator[tuple[Path_, str]]:
    """Yield what is wrong with values that were recorded singly, and with the aids that go with them."""
    given = entry.get(instrument.key)
    for item, value in given.items() if isinstance(given, Mapping) else ():
        wrong = unknown(str(item), instrument.items()) or instrument.problem(value, scale)
        if wrong:
            yield (*path, instrument.key, item), wrong
    if isinstance(instrument, CategoryMean):
        aids = entry.get(instrument.aids_key)
        for place, category in enumerate(aids if isinstance(aids, list) else ()):
            wrong = unknown(str(category), tuple(instrument.categories))
            if wrong:
                yield (*path, instrument.aids_key, place), wrong
