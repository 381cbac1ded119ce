"""Numbers of N patients side by side: which patients are alike, and what is left when gaps are closed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.integer]


def alike(columns: Iterable[Numbers], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Group patients of whom all columns say the same.

    Args:
        columns: whole numbers from 0 on, one a patient.
        size: the number of patients.

    Returns:
        One patient of each group, and the group of each patient.
    """
    group = np.zeros(size, np.int64)
    for column in columns:
        # Numbered anew each time, so that numbers stay small.
        both = group * (int(column.max(initial=0)) + 1) + column
        group = np.unique(both, return_inverse=True)[1]
    first = np.zeros(int(group.max(initial=-1)) + 1, np.intp)
    first[group] = np.arange(size)
    return first, group


def upwards(grid: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return numbers, (places, N), without gaps: what is -1 stands after all others of its patient."""
    order = np.argsort(grid < 0, axis=0, kind="stable")
    return np.take_along_axis(grid, order, axis=0)
