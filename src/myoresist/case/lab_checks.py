"""What is wrong with a laboratory value as it is written: its test, its unit, and where it can lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from myoresist.case.cells import THOUSANDS
from myoresist.case.messages import either, is_number
from myoresist.case.terms import LabTest, Range, Terms
from myoresist.case.units import converted, factor, spelling
from myoresist.document import Document, Path_, figure, shown


def lab_problems(
    entry: Mapping[str, Any], path: Path_, document: Document, terms: Terms
) -> Iterator[tuple[Path_, str]]:
    """Yield the places of what is wrong with one laboratory value, and what to write.

    Args:
        entry: the value as it is written.
        path: its place.
        document: how numbers were spelled.
        terms: the words that may be used.
    """
    name, unit = entry.get("test"), entry.get("unit")
    if not isinstance(name, str):
        return
    test = terms.lab(name)
    if test is None:
        known = ", ".join(lab.synonyms[0] for lab in terms.labs.values())
        near = terms.nearest_lab(name)
        short = terms.labs[near].synonyms[0] if near else None
        hint = f"did you mean {short}?" if near else f"known are {known}"
        yield (*path, "test"), f"unknown test {shown(name)}; {hint}"
        return
    if not isinstance(unit, str):
        return
    known_unit = spelling(unit, test)
    if known_unit is None:
        said = f"{shown(unit)} is not a unit of {test.synonyms[0]}; write {either(test.units)}"
        yield (*path, "unit"), said
        return
    yield from _values(entry, path, known_unit, test, document, terms)


def _values(
    entry: Mapping[str, Any],
    path: Path_,
    unit: str,
    test: LabTest,
    document: Document,
    terms: Terms,
) -> Iterator[tuple[Path_, str]]:
    """Yield what is wrong with a value and its limits in a unit that is known."""
    by, name = float(factor(unit, test) or 1), test.synonyms[0]
    possible = Range(minimum=test.minimum, maximum=test.maximum)
    kept: dict[str, float] = {}
    usual = terms.limits_of(test.id)
    ranges = {"value": possible, "upper_limit": usual, "lower_limit": possible}
    for field, limits in ranges.items():
        value, place = entry.get(field), (*path, field)
        # The model refuses a limit that is not above zero.
        if not is_number(value) or (field == "upper_limit" and value <= 0):
            continue
        kept[field] = converted(float(value), unit, test)
        if not limits.minimum <= kept[field] <= limits.maximum:
            what = name if field == "value" else f"the {field.replace('_', ' ')} of {name}"
            said = (
                f"{figure(value)} {unit} is impossible for {what}; it lies between "
                f"{figure(limits.minimum)} and {figure(limits.maximum)} {test.unit}; check the unit"
            )
            yield place, said
        elif place in document.spelled and test.divides_thousands(kept[field], by):
            yield place, f"{document.spelled[place]} {THOUSANDS}"
    most = terms.multiples_of(test.id).maximum
    if {"value", "upper_limit"} <= kept.keys() and kept["value"] > most * kept["upper_limit"]:
        said = f"is more than {figure(most)} times its upper limit; check the unit of both"
        yield (*path, "value"), said
