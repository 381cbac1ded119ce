"""Units of laboratory values, converted with a library that is loaded only when it is needed."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from myoresist.case.terms import LabTest

if TYPE_CHECKING:
    from pint import UnitRegistry


@cache
def _registry() -> UnitRegistry[Decimal]:
    # The library takes 0.4 s to load, and most values are already in the unit in which they are kept.
    from pint import UnitRegistry

    # Decimals, so that 0.09 mg/dL is 0.9 mg/L and meets a threshold that 0.8999999 would miss.
    return UnitRegistry(non_int_type=Decimal)


def spelling(unit: str, test: LabTest) -> str | None:
    """Return the accepted spelling of a unit: spaces, case and either micro sign do not matter."""

    def plain(text: str) -> str:
        return text.replace("μ", "µ").replace(" ", "").lower()

    return next((known for known in test.units if plain(known) == plain(unit)), None)


def converted(value: float, unit: str, test: LabTest) -> float:
    """Return a value of a laboratory test in the unit in which the test is kept.

    Args:
        value: the value.
        unit: an accepted spelling of its unit.
        test: the test.
    """
    have, want = test.units[unit], test.units[test.unit]
    if have == want:
        return value
    return float(Decimal(repr(value)) * _factor(have, want))


@cache
def _factor(have: str, want: str) -> Decimal:
    """Return by what a value is multiplied; every unit of a laboratory test has its zero at zero."""
    factor: Decimal = _registry().Quantity(Decimal(1), have).to(want).magnitude
    return factor
