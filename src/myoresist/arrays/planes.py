"""Truth of N patients as two planes of bits: who it is true for, and who it is false for.

Bit i of ``t`` says "true for patient i", bit i of ``f`` "false for patient i"; in neither it is unknown.
Kleene's logic is then arithmetic on whole numbers, the same for one patient and for a million: NOT swaps the
planes, AND is ``(a.t & b.t, a.f | b.f)``, OR its mirror.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


class Planes(NamedTuple):
    """What is true and what is false, patient by patient; no bit stands in both."""

    t: int
    f: int

    def negated(self) -> Planes:
        """Return what is false as true, and what is true as false."""
        return Planes(self.f, self.t)

    @property
    def known(self) -> int:
        """Return the bits of patients for whom it is true or false."""
        return self.t | self.f


UNKNOWN = Planes(0, 0)
"""Unknown for everybody."""


def mask(size: int) -> int:
    """Return the plane in which the bit of every patient is set."""
    return (1 << size) - 1


def everybody(value: bool | None, size: int) -> Planes:
    """Return one value for every patient."""
    every = mask(size)
    return UNKNOWN if value is None else Planes(every, 0) if value else Planes(0, every)


def all_of(parts: Iterable[Planes], size: int) -> Planes:
    """Return whether all parts are true; true when there are none."""
    t, f = mask(size), 0
    for one in parts:
        t &= one.t
        f |= one.f
    return Planes(t, f)


def any_of(parts: Iterable[Planes], size: int) -> Planes:
    """Return whether any part is true; false when there are none."""
    t, f = 0, mask(size)
    for one in parts:
        t |= one.t
        f &= one.f
    return Planes(t, f)


def reached(least: int, parts: Sequence[int]) -> int:
    """Return the bits that are set in at least ``least`` of the parts."""
    running = [-1, *[0] * least]
    for part in parts:
        for count in range(least, 0, -1):
            running[count] |= running[count - 1] & part
    return running[least]


def at_least(least: int, parts: Sequence[Planes]) -> Planes:
    """Return whether at least ``least`` parts are true; false once too few can still be."""
    return Planes(
        reached(least, [one.t for one in parts]),
        reached(len(parts) - least + 1, [one.f for one in parts]),
    )


def coalesce(parts: Iterable[Planes]) -> Planes:
    """Return for each patient the value of the first part that is known."""
    t = f = 0
    for one in parts:
        open_ = ~(t | f)
        t, f = t | one.t & open_, f | one.f & open_
    return Planes(t, f)


def pack(flags: Flags) -> int:
    """Return the plane whose bits are set where flags are true."""
    if len(flags) == 1:  # one patient, of whom thousands of things are asked
        return int(bool(flags[0]))
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def unpack(plane: int, size: int) -> Flags:
    """Return a plane as one flag a patient."""
    held = np.frombuffer(plane.to_bytes((size + 7) // 8, "little"), np.uint8)
    return np.unpackbits(held, count=size, bitorder="little").view(np.bool_)


def pack_rows(flags: Flags) -> list[int]:
    """Return each row of flags, (K, N), as a plane."""
    packed = np.packbits(flags, axis=1, bitorder="little")
    width, held = packed.shape[1], packed.tobytes()
    return [
        int.from_bytes(held[row * width : (row + 1) * width], "little") for row in range(len(flags))
    ]


def byte_rows(planes: Sequence[int], size: int) -> NDArray[np.uint8]:
    """Return planes as rows of bytes, (K, bytes), the first patient in the lowest bit of the first."""
    width = (size + 7) // 8
    few = width == 1
    held = bytes(planes) if few else b"".join([x.to_bytes(width, "little") for x in planes])
    return np.frombuffer(held, np.uint8).reshape(len(planes), width)


def unpack_rows(planes: Sequence[int], size: int) -> NDArray[np.uint8]:
    """Return planes as rows of ones and zeros, (K, N)."""
    return np.unpackbits(byte_rows(planes, size), axis=1, count=size, bitorder="little")


def of_flags(true: Flags, known: Flags | None = None) -> Planes:
    """Return truth from flags: what is true, and what of the rest is known to be false."""
    t = pack(true)
    return Planes(t, (mask(len(true)) if known is None else pack(known)) & ~t)


def of_values(values: Iterable[object]) -> Planes:
    """Return truth from one truth value a patient; ``None`` is unknown."""
    t = f = 0
    for place, value in enumerate(values):
        if value is not None:
            if value:
                t |= 1 << place
            else:
                f |= 1 << place
    return Planes(t, f)


def value_at(truth: Planes, place: int) -> bool | None:
    """Return the value of one patient."""
    if truth.t >> place & 1:
        return True
    return False if truth.f >> place & 1 else None


def count(plane: int) -> int:
    """Return the number of patients whose bit is set."""
    return plane.bit_count()
