"""What is measured at a visit: its range and direction, and the totals of what was recorded singly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, RootModel, model_validator

from myoresist.case.model import Visit
from myoresist.knowledge.schema import Check, Sourced, load_list

VAS = "cm"
MM_PER_CM = 10


class Measure(Sourced):
    """One measure: its unit and range, which way is worse, and the columns of a table that may hold it.

    ``span`` is the whole range by which a change is divided; that of an enzyme is in multiples of its limit.
    """

    id: str
    title: str
    unit: str
    minimum: float
    maximum: float
    span: float | None = None
    direction: Literal["higher_is_worse", "higher_is_better"]
    concept: Literal["activity", "damage", "activity_and_damage"]
    enzyme: bool = False
    columns: Mapping[str, float] = Field(min_length=1)
    limit_columns: Mapping[str, float] = {}
    multiple_column: str | None = None
    scoring: str | None = None
    limits: str | None = None
    mcid: float | None = None
    mcid_check: Check | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError("minimum lies below maximum")
        if self.enzyme != bool(self.limit_columns and self.multiple_column):
            raise ValueError("an enzyme, and only an enzyme, has limit_columns and multiple_column")
        return self

    @property
    def better(self) -> int:
        """Return 1 where a higher value is better, else -1."""
        return 1 if self.direction == "higher_is_better" else -1


class _Singly(Sourced):
    """Values that are recorded singly under one key of a visit."""

    key: str
    text: str
    unit: str | None = None

    def items(self) -> tuple[str, ...]:
        """Return the name of every single value."""
        raise NotImplementedError

    def problem(self, value: object, scale: float) -> str | None:
        """Say what is wrong with a single value; ``scale`` is how many of its units make one kept."""
        raise NotImplementedError

    def totals(self, visit: Visit) -> Iterator[tuple[str, Decimal]]:
        """Yield the measures that the single values of a visit add up to, if none is missing."""
        raise NotImplementedError


class _Graded(_Singly):
    minimum: float
    maximum: float

    def problem(self, value: object, scale: float) -> str | None:
        """Say what is wrong with a single value."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None  # the model says so
        low, high = self.minimum * scale, self.maximum * scale
        if low <= value <= high:
            return None
        return f"{value:g} is impossible; it lies between {low:g} and {high:g}"


class Sum(_Graded):
    """Single values that are added up; a missing one leaves the total unknown."""

    kind: Literal["sum"]
    totals_of: Mapping[str, tuple[str, ...]] = Field(alias="totals")

    def items(self) -> tuple[str, ...]:
        """Return the name of every single value."""
        return tuple(dict.fromkeys(item for items in self.totals_of.values() for item in items))

    def totals(self, visit: Visit) -> Iterator[tuple[str, Decimal]]:
        """Yield the measure that the single values add up to, if enough are known."""
        given = getattr(visit, self.key)
        for measure, items in self.totals_of.items():
            if all(item in given for item in items):
                yield measure, sum((_decimal(given[item]) for item in items), Decimal(0))


class CategoryMean(_Graded):
    """The mean of categories, each the worst of its items; an aid raises a category."""

    kind: Literal["category_mean"]
    measure: str
    categories: Mapping[str, tuple[str, ...]]
    least_categories: int
    aids_key: str
    aids_raise_to: float

    def items(self) -> tuple[str, ...]:
        """Return the name of every single value."""
        return tuple(item for items in self.categories.values() for item in items)

    def totals(self, visit: Visit) -> Iterator[tuple[str, Decimal]]:
        """Yield the measure that the single values add up to, if enough are known."""
        given, aids = getattr(visit, self.key), getattr(visit, self.aids_key) or ()
        scores = []
        for category, items in self.categories.items():
            answered = [_decimal(given[item]) for item in items if item in given]
            if answered:
                least = _decimal(self.aids_raise_to) if category in aids else Decimal(0)
                scores.append(max(*answered, least))
        if len(scores) >= self.least_categories:
            yield self.measure, sum(scores, Decimal(0)) / len(scores)


class Share(_Graded):
    """The share of the highest possible sum; what was not assessed leaves sum and divisor."""

    kind: Literal["share"]
    measure: str
    names: tuple[str, ...] = Field(alias="items")

    def items(self) -> tuple[str, ...]:
        """Return the name of every single value."""
        return self.names

    def totals(self, visit: Visit) -> Iterator[tuple[str, Decimal]]:
        """Yield the measure that the single values add up to, if enough are known."""
        given = getattr(visit, self.key)
        if given:
            most = (
                _decimal(self.maximum) * len(given) * (MM_PER_CM if visit.vas_unit == "mm" else 1)
            )
            yield self.measure, sum((_decimal(one) for one in given.values()), Decimal(0)) / most


class Grades(_Singly):
    """Letters with points, added up; a missing one leaves the total unknown."""

    kind: Literal["grades"]
    measure: str
    names: tuple[str, ...] = Field(alias="items")
    grades: Mapping[str, float]

    def items(self) -> tuple[str, ...]:
        """Return the name of every single value."""
        return self.names

    def problem(self, value: object, scale: float) -> str | None:
        """Say what is wrong with a single value."""
        if not isinstance(value, str) or value in self.grades:
            return None
        return f"{value} is not a grade; write {', '.join(self.grades)}"

    def totals(self, visit: Visit) -> Iterator[tuple[str, Decimal]]:
        """Yield the measure that the single values add up to, if enough are known."""
        given = getattr(visit, self.key)
        if all(item in given for item in self.names):
            points = (_decimal(self.grades[given[item]]) for item in self.names)
            yield self.measure, sum(points, Decimal(0))


Instrument = Sum | CategoryMean | Share | Grades


class _Instrument(RootModel[Annotated[Instrument, Field(discriminator="kind")]]):
    """One entry of ``totals.yaml``."""


@dataclass(frozen=True)
class Measures:
    """Every measure by id, and what can be recorded singly, by its key in a visit."""

    by_id: Mapping[str, Measure]
    singly: Mapping[str, Instrument]

    @classmethod
    def load(cls, folder: Path) -> Measures:
        """Read the measures of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = folder / "response"
        return cls(
            {one.id: one for one in load_list(where / "measures.yaml", Measure)},
            {one.root.key: one.root for one in load_list(where / "totals.yaml", _Instrument)},
        )

    def __iter__(self) -> Iterator[Measure]:
        """Walk through the measures in the order of the file."""
        return iter(self.by_id.values())

    def __getitem__(self, measure: str) -> Measure:
        """Return the measure with this id."""
        return self.by_id[measure]

    def of_visit(self) -> tuple[Measure, ...]:
        """Return the measures that stand in a visit itself; enzymes stand among the labs."""
        return tuple(one for one in self if not one.enzyme)

    def values(self, visit: Visit) -> dict[str, float]:
        """Return what a visit says of each measure, in the unit in which it is kept, totals included."""
        found = {measure: float(total) for measure, total in self.totals(visit)}
        for measure in self.of_visit():
            given = getattr(visit, measure.id)
            if given is not None:
                scale = self.scale(measure.unit, visit.vas_unit)
                found[measure.id] = float(_decimal(given) / scale)
        return found

    def scale(self, unit: str, visit_unit: object) -> int:
        """Return how many of the units in which a visit writes a measure make one in which it is kept."""
        return MM_PER_CM if unit == VAS and visit_unit == "mm" else 1

    def totals(self, visit: Visit) -> Iterator[tuple[str, Decimal]]:
        """Yield the measures that add up from single values of a visit."""
        for instrument in self.singly.values():
            yield from instrument.totals(visit)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
