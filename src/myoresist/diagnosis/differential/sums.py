"""What is added up for each patient: a matrix product over what differs between patients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.planes import byte_rows, mask
from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.evidence import Places

Lookup: TypeAlias = tuple[Numbers, Places]
"""A table, (rows, D), and for each patient the row of it to be added, (N,)."""
Counted: TypeAlias = tuple[Sequence[int], Numbers]
"""Planes, and what each adds where it is set, (planes, D)."""
BLOCK = 1024
"""Patients in one matrix product, a multiple of 8."""


@dataclass(frozen=True)
class Sum:
    """What is added up for each of N patients; what all of them share is added up once.

    So variants of one patient cost what differs, and one patient costs next to nothing.

    Attributes:
        size: N.
        shared: what all patients share, (D,).
        planes: what differs between them, as bytes of bits, (V, bytes).
        weights: what each plane adds where it is set, (V, D).
        lookups: what is looked up because it differs between them.
    """

    size: int
    shared: Numbers
    planes: NDArray[np.uint8]
    weights: Numbers
    lookups: Sequence[Lookup]

    @classmethod
    def of(cls, size: int, counted: Iterable[Counted], lookups: Iterable[Lookup] = ()) -> Sum:
        """Part what all patients share from what differs."""
        everyone = mask(size)
        shared: list[Numbers] = []
        differing: list[int] = []
        weights: list[Numbers] = []
        for planes, table in counted:
            shared.append(table[[row for row, plane in enumerate(planes) if plane == everyone]])
            rows = [row for row, plane in enumerate(planes) if 0 < plane < everyone]
            differing += [planes[row] for row in rows]
            weights.append(table[rows])
        looked_up = []
        for table, places in lookups:
            if (places == places[0]).all():
                shared.append(table[places[:1]])
            else:
                looked_up.append((table, places))
        return cls(
            size=size,
            shared=np.concatenate(shared).sum(axis=0),
            planes=byte_rows(differing, size),
            weights=np.concatenate(weights),
            lookups=looked_up,
        )

    def blocks(self) -> Iterator[tuple[slice, Numbers]]:
        """Yield some patients at a time, with their sums, (D, n), in a room that is used again."""
        length, width = min(BLOCK, self.size), len(self.shared)
        ones = np.empty((len(self.planes), length))
        total, looked_up, one = np.empty((3, width * length))
        weights = np.ascontiguousarray(self.weights.T)
        for start in range(0, self.size, BLOCK):
            part = slice(start, min(start + BLOCK, self.size))
            count = part.stop - start
            rows = looked_up[: count * width].reshape(count, width)
            rows[:] = self.shared
            for table, places in self.lookups:
                # Clipping, which never happens, spares a copy that guards against a place out of bounds.
                added = one[: count * width].reshape(count, width)
                rows += np.take(table, places[part], axis=0, out=added, mode="clip")
            sums = total[: count * width].reshape(width, count)
            if len(ones):
                # Diseases as rows: with patients as rows the product takes a third longer.
                ones[:, :count] = self.bits(part)
                np.matmul(weights, ones[:, :count], out=sums)
                sums += rows.T
            else:
                sums[:] = rows.T
            yield part, sums

    def bits(self, part: slice) -> NDArray[np.uint8]:
        """Return the planes of some patients, who begin at a whole byte, as ones and zeros, (V, n)."""
        first, count = part.start // 8, part.stop - part.start
        rows = self.planes[:, first : first + -(-count // 8)]
        return np.unpackbits(rows, axis=1, count=count, bitorder="little")
