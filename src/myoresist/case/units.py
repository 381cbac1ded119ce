"""Units of laboratory values, converted with a library that is loaded only when it is needed."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from myoresist.case.terms import LabTest

if TYPE_CHECKING:
    from pint import UnitRegistry

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@cache
def _registry() -> UnitRegistry[Decimal]:
    # The library takes 0.4 s to load, and most values are already in the unit in which they are kept.
    from pint import UnitRegistry

    # Decimals, so that 0.09 mg/dL is 0.9 mg/L and meets a threshold that 0.8999999 would miss.
    return UnitRegistry(non_int_type=Decimal)


def spelling(unit: str, test: LabTest) -> str | None:
    """Return the accepted spelling of a unit: spaces, case and either micro sign do not matter."""
    return _spellings(tuple(test.units)).get(_plain(unit))


@cache
def _spellings(units: tuple[str, ...]) -> dict[str, str]:
    # Of two that differ in nothing else the first one counts.
    return {_plain(unit): unit for unit in reversed(units)}


def _plain(text: str) -> str:
    return text.replace("μ", "µ").replace(" ", "").lower()


def factor(unit: str, test: LabTest) -> Decimal | None:
    """Return by what a value in an accepted unit is multiplied; nothing if it is in the unit that is kept."""
    have, want = test.units[unit], test.units[test.unit]
    if _NUMBER.fullmatch(have):
        return Decimal(have)
    return None if have == want else _factor(have, want)


@cache
def _factor(have: str, want: str) -> Decimal:
    # Every unit of a laboratory test has its zero at zero.
    found: Decimal = _registry().Quantity(Decimal(1), have).to(want).magnitude
    return found


def converted(value: float, unit: str, test: LabTest) -> float:
    """Return a value of a laboratory test in the unit in which the test is kept.

    Args:
        value: the value.
        unit: an accepted spelling of its unit.
        test: the test.
    """
    by = factor(unit, test)
    return value if by is None else times(value, by)


def times(value: float, by: Decimal) -> float:
    """Return a value multiplied as the decimal that it is written as."""
    return float(Decimal(repr(value)) * by)
