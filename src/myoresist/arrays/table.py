"""N patients as arrays: truth as planes of bits, numbers as float64 with NaN, words as codes.

A column that a table does not have is unknown for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.planes import (
    UNKNOWN,
    Planes,
    coalesce,
    mask,
    of_flags,
    of_values,
    pack,
    unpack,
    unpack_rows,
    value_at,
)

Value: TypeAlias = bool | float | str | date
Numbers: TypeAlias = NDArray[np.float64]
EPOCH = date(1970, 1, 1)


class Codes(NamedTuple):
    """Words of N patients: each is the place of its word; -1 is unknown."""

    codes: NDArray[np.int32]
    words: tuple[str, ...]

    def texts(self) -> list[str | None]:
        """Return the word of each patient."""
        held = (*self.words, None)
        return [held[code] for code in self.codes.tolist()]


Column: TypeAlias = Planes | Numbers | Codes
C = TypeVar("C", Planes, Numbers, Codes)


@dataclass(frozen=True)
class Table:
    """Columns of N patients by name.

    Attributes:
        size: the number of patients.
        truths: planes of bits.
        numbers: float64; NaN is unknown.
        words: codes of words.
        days: dates as days since 1970 in float64; NaN is unknown.
    """

    size: int
    truths: Mapping[str, Planes] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    words: Mapping[str, Codes] = field(default_factory=dict)
    days: Mapping[str, Numbers] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a column."""
        return (
            name in self.truths or name in self.numbers or name in self.words or name in self.days
        )

    def __iter__(self) -> Iterator[str]:
        """Walk through the names of the columns."""
        for columns in self._columns:
            yield from columns

    @property
    def _columns(self) -> tuple[Mapping[str, Column], ...]:
        return self.truths, self.numbers, self.words, self.days

    def truth(self, name: str) -> Planes:
        """Return a column of truth; unknown if there is none."""
        return self.truths.get(name, UNKNOWN)

    def number(self, name: str) -> Numbers:
        """Return a column of numbers, or of dates as days; NaN if there is none."""
        found = self.numbers.get(name)
        if found is None:
            found = self.days.get(name)
        return np.full(self.size, np.nan) if found is None else found

    def word(self, name: str) -> Codes:
        """Return a column of words; unknown if there is none."""
        return self.words.get(name) or Codes(np.full(self.size, -1, np.int32), ())

    def known(self, name: str) -> int:
        """Return the bits of the patients of whom a column says something."""
        if name in self.truths:
            return self.truths[name].known
        if name not in self._known:
            said = self.words.get(name)
            self._known[name] = pack(
                ~np.isnan(self.number(name)) if said is None else said.codes >= 0
            )
        return self._known[name]

    def with_columns(self, other: Table) -> Table:
        """Return these columns and those of another table of the same patients, which go first."""
        mine = self
        for place, held in enumerate(self._columns):
            for other_place, given in enumerate(other._columns):
                if place != other_place and held.keys() & given.keys():
                    mine = mine.without(held.keys() & given.keys())
        return Table(
            self.size,
            {**mine.truths, **other.truths},
            {**mine.numbers, **other.numbers},
            {**mine.words, **other.words},
            {**mine.days, **other.days},
        )

    def or_else(self, other: Table) -> Table:
        """Return these columns, and where they are unknown or not there those of another table."""
        both = [name for name in other if name in self]
        if not both:
            return self.with_columns(other)
        mine, others = self.select(both), other.select(both)
        filled = Table(
            self.size,
            {x: coalesce((one, others.truth(x))) for x, one in mine.truths.items()},
            {x: np.where(np.isnan(one), others.number(x), one) for x, one in mine.numbers.items()},
        )
        rest = mine.without(filled)
        assert not any(others.known(x) for x in rest), (
            "words and dates are told by one question only"
        )
        return self.with_columns(other.without(both)).with_columns(filled)

    def with_truths(self, truths: Mapping[str, Planes]) -> Table:
        """Return the table with some columns of truth."""
        return self.with_columns(Table(self.size, truths))

    def without(self, names: Iterable[str]) -> Table:
        """Return the table without some columns."""
        gone = frozenset(names)
        return self.renamed({x: x for x in self if x not in gone})

    def select(self, names: Iterable[str]) -> Table:
        """Return the table with no more than these columns, as far as it has them."""
        return self.renamed({x: x for x in names})

    def renamed(self, names: Mapping[str, str]) -> Table:
        """Return no more than some columns under other names, given by their old ones."""
        return Table(
            self.size,
            _named(self.truths, names),
            _named(self.numbers, names),
            _named(self.words, names),
            _named(self.days, names),
        )

    def take(self, rows: NDArray[np.integer] | slice) -> Table:
        """Return some patients, in this order."""
        places = np.arange(self.size)[rows]

        def taken(plane: int) -> int:
            return pack(unpack(plane, self.size)[places])

        return Table(
            len(places),
            {x: Planes(taken(one.t), taken(one.f)) for x, one in self.truths.items()},
            {x: one[places] for x, one in self.numbers.items()},
            {x: Codes(one.codes[places], one.words) for x, one in self.words.items()},
            {x: one[places] for x, one in self.days.items()},
        )

    def repeated(self, size: int) -> Table:
        """Return the only patient of the table, ``size`` times."""
        assert self.size == 1
        every = mask(size)
        return Table(
            size,
            {x: Planes(every * one.t, every * one.f) for x, one in self.truths.items()},
            {x: np.repeat(one, size) for x, one in self.numbers.items()},
            {x: Codes(np.repeat(one.codes, size), one.words) for x, one in self.words.items()},
            {x: np.repeat(one, size) for x, one in self.days.items()},
        )

    def value(self, name: str, place: int) -> Value | None:
        """Return what a column says of one patient; ``None`` is unknown.

        Raises:
            KeyError: if there is no such column.
        """
        if (truth := self.truths.get(name)) is not None:
            return value_at(truth, place)
        if (numbers := self.numbers.get(name)) is not None:
            number = float(numbers[place])
            return None if number != number else number
        if (said := self.words.get(name)) is not None:
            code = int(said.codes[place])
            return said.words[code] if code >= 0 else None
        day = float(self.days[name][place])
        return None if day != day else EPOCH + timedelta(days=int(day))

    def row(self, place: int = 0) -> dict[str, Value | None]:
        """Return what is known of one patient, column by column; ``None`` is unknown."""
        return {name: self.value(name, place) for name in self}

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Value | None]]) -> Table:
        """Return the table of patients of whom each is given by what is known of them."""
        size = len(rows)
        truths: dict[str, Planes] = {}
        numbers: dict[str, Numbers] = {}
        words: dict[str, Codes] = {}
        days: dict[str, Numbers] = {}
        for name in dict.fromkeys(name for row in rows for name in row):
            values = [row.get(name) for row in rows]
            first = next((one for one in values if one is not None), None)
            if isinstance(first, bool):
                truths[name] = of_values(values)
            elif isinstance(first, str):
                known = tuple(dict.fromkeys(x for x in values if isinstance(x, str)))
                places = {word: place for place, word in enumerate(known)}
                codes = [-1 if x is None else places[str(x)] for x in values]
                words[name] = Codes(np.array(codes, np.int32), known)
            elif isinstance(first, date):
                days[name] = np.array([_day(x) for x in values])
            elif first is not None:
                numbers[name] = np.array([np.nan if x is None else x for x in values], float)
        return cls(size, truths, numbers, words, days)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame, size: int | None = None) -> Table:
        """Return a frame of truth, numbers, words and dates; NULL and NaN are unknown."""
        numbers: dict[str, Numbers] = {}
        words: dict[str, Codes] = {}
        days: dict[str, Numbers] = {}
        booleans = []
        for column in frame.get_columns():
            kind = column.dtype
            if kind == pl.Boolean:
                booleans.append(column)
            elif kind.is_numeric():
                numbers[column.name] = column.cast(pl.Float64).to_numpy().astype(float, copy=False)
            elif kind == pl.Date:
                days[column.name] = column.to_physical().cast(pl.Float64).to_numpy()
            elif kind in (pl.String, pl.Enum, pl.Categorical):
                words[column.name] = _codes(column)
            elif kind != pl.Null:
                raise TypeError(f"column {column.name}: holds {kind}")
        return cls(frame.height if size is None else size, _truths(booleans), numbers, words, days)

    def frame(self, names: Sequence[str] | None = None) -> pl.DataFrame:
        """Return columns as a frame; NULL is unknown, words are of type Enum.

        Args:
            names: which columns, in this order; all when left out.
        """
        wanted = list(self) if names is None else list(names)
        truths = dict(zip(
            (x for x in wanted if x in self.truths),
            _booleans([self.truths[x] for x in wanted if x in self.truths], self.size),
            strict=True,
        ))  # fmt: skip
        columns = []
        for name in wanted:
            if name in truths:
                columns.append(truths[name].alias(name))
            elif name in self.numbers:
                columns.append(pl.Series(name, self.numbers[name], nan_to_null=True))
            elif name in self.words:
                columns.append(_enum(self.words[name]).alias(name))
            else:
                days = pl.Series(name, self.days[name], nan_to_null=True)
                columns.append(days.cast(pl.Int32).cast(pl.Date))
        return pl.DataFrame(columns)


@dataclass(frozen=True)
class RowView(Mapping[str, "Value | None"]):
    """One patient of a table, of whom a column is looked up when it is asked for.

    Attributes:
        table: the table.
        place: the patient.
    """

    table: Table
    place: int

    def __getitem__(self, name: str) -> Value | None:
        return self.table.value(name, self.place)

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(list(self.table))


def _named(columns: Mapping[str, C], names: Mapping[str, str]) -> dict[str, C]:
    return {names[name]: column for name, column in columns.items() if name in names}


def coded(words: Sequence[str], *cases: tuple[int, str], size: int, otherwise: str) -> Codes:
    """Return for each patient the word of the first case whose bit is set.

    Args:
        words: every word that there may be.
        cases: planes, each with its word.
        size: the number of patients.
        otherwise: the word where no case holds.
    """
    codes = np.full(size, words.index(otherwise), np.int32)
    for plane, word in reversed(cases):
        if plane:
            codes[unpack(plane, size)] = words.index(word)
    return Codes(codes, tuple(words))


def one_each(prefix: str, said: Codes) -> dict[str, Planes]:
    """Return for each word whether it is the one that is said, as ``<prefix><word>``."""
    return {prefix + x: of_flags(said.codes == code) for code, x in enumerate(said.words)}


def _day(value: Value | None) -> float:
    return float((value - EPOCH).days) if isinstance(value, date) else np.nan


def _truths(columns: Sequence[pl.Series]) -> dict[str, Planes]:
    """Return Boolean columns as planes, all at once: one long column is read faster than many short ones."""
    if not columns:
        return {}
    together = pl.concat([one.rename("") for one in columns], rechunk=True)
    shape = len(columns), len(columns[0])

    def planes(flags: pl.Series) -> list[int]:
        rows = np.packbits(flags.to_numpy().reshape(shape), axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    true, known = planes(together.fill_null(False)), planes(together.is_not_null())
    return {
        column.name: Planes(t, said & ~t)
        for column, t, said in zip(columns, true, known, strict=True)
    }


def _codes(column: pl.Series) -> Codes:
    kind = column.dtype
    if not isinstance(kind, pl.Enum):
        kind = pl.Enum(column.unique().drop_nulls().cast(pl.String).sort())
        column = column.cast(kind)
    codes = column.to_physical().cast(pl.Int32).fill_null(-1).to_numpy()
    return Codes(codes, tuple(kind.categories))


def _enum(said: Codes) -> pl.Series:
    if not said.words:
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(said.codes))
    codes = pl.Series(said.codes)
    return pl.Series(said.words, dtype=pl.Enum(said.words)).gather(codes.set(codes < 0, None))


def _booleans(truths: Sequence[Planes], size: int) -> Iterator[pl.Series]:
    """Return planes as Boolean columns, all at once: one long column is made faster than many short ones."""
    if not truths:
        return
    true, known = (
        unpack_rows(planes, size).ravel().view(np.bool_)
        for planes in ([one.t for one in truths], [one.known for one in truths])
    )
    together = pl.DataFrame({"true": true, "known": known}).select(
        pl.when("known").then("true")
    ).to_series()  # fmt: skip
    for place in range(len(truths)):
        yield together.slice(place * size, size)
