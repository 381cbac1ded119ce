"""Laboratory values are converted as the decimals that they are written as."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pint import UnitRegistry

from myoresist import Knowledge
from myoresist.case.terms import LabTest
from myoresist.case.units import converted

TESTS = Knowledge.load().terms.labs
VALUES = (0.0, 0.09, 0.1, 1.1, 3.7, 17.35, 999.999)


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_every_unit_is_converted_as_the_unit_library_does(test: LabTest) -> None:
    library = UnitRegistry(non_int_type=Decimal)
    # A number in place of a unit leads from mass to amount of substance; test_lab_values.py tries these.
    named = {unit: name for unit, name in test.units.items() if not name.replace(".", "").isdigit()}
    for unit, name in named.items():
        for value in VALUES:
            quantity = library.Quantity(Decimal(repr(value)), name)
            expected = float(quantity.to(test.units[test.unit]).magnitude)
            assert converted(value, unit, test) == expected, (unit, value)


def test_a_decimal_stays_a_decimal() -> None:
    assert converted(0.09, "mg/dL", TESTS["crp"]) == 0.9
