"""Columns of one length, so that some of their rows can be taken together."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

import numpy as np

from myoresist.arrays.runs import Flags, Ints


@dataclass(frozen=True)
class Rows:
    """A table as a dataclass: every field is a column, that is an array or further ``Rows``."""

    def take(self, rows: Ints) -> Self:
        """Return the rows at some places, in the order of these."""
        return type(self)(*(_of_column(one, rows) for one in self._columns()))

    def only(self, wanted: Flags) -> Self:
        """Return the rows that are wanted."""
        return self if wanted.all() else self.take(np.flatnonzero(wanted))

    def between(self, first: int, after: int) -> Self:
        """Return the rows from one place to before another, without copying them."""
        return type(self)(
            *(
                one.between(first, after) if isinstance(one, Rows) else one[first:after]
                for one in self._columns()
            )
        )

    def _columns(self) -> list[Any]:
        return [getattr(self, one.name) for one in fields(self)]


def _of_column(column: Any, rows: Ints) -> Any:
    return column.take(rows) if isinstance(column, Rows) else column.take(rows, axis=0)


_Rows = TypeVar("_Rows", bound=Rows)


def joined(first: _Rows, second: _Rows) -> _Rows:
    """Return the rows of one table and then those of another."""
    return type(first)(
        *(
            joined(one, other) if isinstance(one, Rows) else np.concatenate([one, other])
            for one, other in zip(first._columns(), second._columns(), strict=True)
        )
    )
