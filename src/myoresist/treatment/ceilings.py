"""Whether a drug is taken now in a dose, or as often, as in no regimen: a mistake or a danger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import Field

from myoresist.case.courses import Treatments
from myoresist.case.terms import Terms
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, Sourced, load_list
from myoresist.rules.condition import Name

OVER = "over_"


class Often(Entry):
    """How often a drug is taken."""

    times: int = Field(ge=1)
    days: int = Field(ge=1)


class Ceiling(Sourced):
    """The most of some drugs that any regimen gives by some routes (all if empty).

    Attributes:
        above: more than this much in the ``unit``, which has a time, is too much.
        more_often_than: more often than this is too often, whatever the dose.
    """

    id: str
    label: str
    drugs: tuple[str, ...] = Field(min_length=1)
    routes: tuple[str, ...] = ()
    above: float = Field(gt=0)
    unit: str
    more_often_than: Often | None = None
    text: str

    @property
    def column(self) -> str:
        """Return the column that says whether a course that goes on is above it."""
        return OVER + self.id


@dataclass(frozen=True)
class Ceilings:
    """All ceilings, with their limits as an amount a day, by weight or not."""

    ceilings: tuple[Ceiling, ...]
    limits: tuple[tuple[float, str | None], ...]

    @classmethod
    def load(cls, folder: Path, terms: Terms) -> Ceilings:
        """Read ``treatments/ceilings.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        path = folder / "treatments" / "ceilings.yaml"
        ceilings = load_list(path, Ceiling)
        problems, limits = [], []
        for one in ceilings:
            problems += [Problem(str(path), None, one.id, text) for text in _wrong(one, terms)]
            unit = terms.doses.unit(one.unit)
            if unit and unit.days:
                limits.append((one.above * unit.factor / unit.days, unit.body))
        if problems:
            raise DocumentError(problems)
        return cls(ceilings, tuple(limits))

    @property
    def names(self) -> dict[str, Name]:
        """Return the columns that a condition may read."""
        return {one.column: Name(one.column, "bool") for one in self.ceilings}

    @property
    def labels(self) -> dict[str, str]:
        """Return what each column is called."""
        return {one.column: f"{one.label}: above any usual dose now" for one in self.ceilings}

    def over(self, treatments: Treatments) -> pl.DataFrame:
        """Tell of every patient which ceilings a course that goes on is above.

        Returns:
            One row a patient, as in ``treatments.patients``: ``over_<id>``, NULL where a dose or a course may
            be missing.
        """
        records = treatments.courses.with_columns(pl.col("drug").cast(pl.String))
        return treatments.patients.select(
            self._over(one, limit, records, treatments.patients)
            for one, limit in zip(self.ceilings, self.limits, strict=True)
        )

    def _over(
        self,
        one: Ceiling,
        limit: tuple[float, str | None],
        records: pl.DataFrame,
        patients: pl.DataFrame,
    ) -> pl.Series:
        most, body = limit
        own = records.filter(pl.col("drug").is_in(one.drugs))
        if one.routes:
            route = pl.col("route").cast(pl.String)
            own = own.filter(route.is_in(one.routes) | route.is_null())
        dose, given = pl.col("amount"), pl.col("body").cast(pl.String)
        weight = pl.col("weight_kg")
        if body is None:
            dose = pl.when(given == "kg").then(dose * weight).when(given.is_null()).then(dose)
        else:
            dose = pl.when(given == body).then(dose).when(given.is_null()).then(dose / weight)
        often = pl.col("times").cast(pl.Float64) / pl.col("days")
        above = dose * often > most
        if one.more_often_than:
            above = above | (often > one.more_often_than.times / one.more_often_than.days)
        said = own.select("patient", over=above & pl.col("ongoing")).group_by("patient")
        found = said.agg(any=pl.col("over").any(ignore_nulls=False))
        known = dict(found.iter_rows())
        complete = patients["complete"].to_list()
        values = [
            value if (value := known.get(row, False)) else (value if whole else None)
            for row, whole in enumerate(complete)
        ]
        return pl.Series(one.column, values, pl.Boolean)


def _wrong(one: Ceiling, terms: Terms) -> Iterator[str]:
    yield from (f"{x} is not in drugs.csv" for x in one.drugs if x not in terms.drugs)
    yield from (f"{x} is not a route" for x in one.routes if x not in terms.doses.routes)
    unit = terms.doses.unit(one.unit)
    if unit is None or unit.days is None:
        yield f"{one.unit} is not a unit of dose with its time"
