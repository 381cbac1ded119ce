"""Random numbers by name, and what is made of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.cohort.synthetic.assumptions import Between

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
EPOCH = date(1970, 1, 1)
DAYS_A_MONTH, DAYS_A_YEAR, DAYS_A_WEEK, MONTHS_A_YEAR = 30.44, 365.25, 7, 12
_MONDAY, _WORKING = 3, 5
"""The day of the week on which days begin to be counted, from Monday, and the working days of a week."""


class Streams:
    """Random numbers by name: how many patients are drawn does not change those of the first ones."""

    def __init__(self, seed: int, part: int, patients: int) -> None:
        self._entropy, self.patients = (seed, part), patients

    def _generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng([*self._entropy, zlib.crc32(name.encode())])

    def even(self, name: str, columns: int) -> NDArray[np.float32]:
        """Return even numbers from 0 to 1, one row a patient."""
        return self._generator(name).random((self.patients, columns), dtype=np.float32)

    def one(self, name: str) -> Floats:
        """Return one even number from 0 to 1 a patient."""
        return self._generator(name).random(self.patients)

    def normal(self, name: str, columns: int = 1) -> Floats:
        """Return standard normal numbers, one row a patient."""
        return self._generator(name).standard_normal((self.patients, columns))


def chosen(even: NDArray[np.floating], shares: Mapping[str, float]) -> NDArray[np.str_]:
    """Return for each even number the word into whose share it falls."""
    words = np.array(list(shares))
    ends = np.cumsum(list(shares.values()))
    found: NDArray[np.str_] = words[
        np.minimum(np.searchsorted(ends, even, "right"), len(words) - 1)
    ]
    return found


def index(even: NDArray[np.floating], number: int) -> Whole:
    """Return for each even number a whole one below another."""
    found: Whole = np.minimum(np.floor(even * number), number - 1).astype(np.int64)
    return found


def between(even: NDArray[np.floating], bounds: Between) -> Floats:
    """Return for each even number one between two bounds."""
    return bounds.least + (bounds.most - bounds.least) * even.astype(np.float64)


def at(even: Floats, knots: Mapping[float, float]) -> Floats:
    """Return values between those that are given for some places."""
    found: Floats = np.interp(even, list(knots), list(knots.values()))
    return found


def where(kept: Flags, values: pl.Series) -> pl.Series:
    """Return values, and nothing where they are not known."""
    return pl.select(pl.when(pl.Series(kept)).then(values)).to_series()


def whole(values: Floats) -> pl.Series:
    """Return values without what stands behind the point."""
    return pl.Series(np.floor(values).astype(np.int64))


def dates(days: Whole) -> pl.Series:
    """Return days as dates."""
    return pl.Series(days).cast(pl.Int32).cast(pl.Date)


def working(days: Whole) -> Whole:
    """Return days, those of a weekend as the Monday after."""
    weekday = (days + _MONDAY) % DAYS_A_WEEK
    found: Whole = np.where(weekday < _WORKING, days, days + DAYS_A_WEEK - weekday)
    return found


def significant(values: Floats, digits: int = 3) -> Floats:
    """Round to some digits, as a laboratory would."""
    with np.errstate(divide="ignore"):
        places = digits - 1 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(places), places, 0)
    rounded: Floats = np.round(values * scale) / scale
    return rounded
