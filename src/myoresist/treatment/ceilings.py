"""Whether a drug is taken now in a dose, or as often, as in no regimen: a mistake or a danger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from myoresist.arrays.kleene import FALSE, TRUE
from myoresist.arrays.planes import Planes, of_flags
from myoresist.arrays.table import Table
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import BODIES, Courses, by_body_size, routes_of
from myoresist.case.courses import Treatments
from myoresist.case.terms import Terms
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, Sourced, load_list
from myoresist.rules.condition import Name

Flags: TypeAlias = NDArray[np.bool_]
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
    """All ceilings.

    Attributes:
        limits: of each the most that is given a day, and by which body size.
        drugs: as courses number them.
        routes: as courses number them.
    """

    ceilings: tuple[Ceiling, ...]
    limits: tuple[tuple[float, str | None], ...]
    drugs: tuple[str, ...]
    routes: tuple[str, ...]

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
        return cls(ceilings, tuple(limits), tuple(terms.drugs), routes_of(terms))

    @property
    def names(self) -> dict[str, Name]:
        """Return the columns that a condition may read."""
        return {one.column: Name(one.column, "bool") for one in self.ceilings}

    @property
    def labels(self) -> dict[str, str]:
        """Return what each column is called."""
        return {one.column: f"{one.label}: above any usual dose now" for one in self.ceilings}

    def over(self, treatments: Treatments) -> Table:
        """Tell of every patient which ceilings a course that goes on is above.

        Returns:
            ``over_<id>`` of each ceiling, unknown where a dose, or a course, may be missing.
        """
        size = len(treatments.patient_ids)
        limits = zip(self.ceilings, self.limits, strict=True)
        truths = {one.column: self._over(one, limit, treatments, size) for one, limit in limits}
        return Table(size, truths)

    def exceeded(self, courses: Courses) -> list[tuple[Ceiling, Flags]]:
        """Return which records are above each ceiling, whether they go on or have ended."""
        found = []
        for one, limit in zip(self.ceilings, self.limits, strict=True):
            own, above, _ = self._above(one, limit, courses)
            if (own & above).any():
                found.append((one, own & above))
        return found

    def judgeable(self, treatments: Treatments) -> Treatments:
        """Return treatments of which a dose that nobody gives is not known, so that no trial rests on it."""
        courses = treatments.courses
        amount = courses.amount
        for _, above in self.exceeded(courses):
            amount = np.where(above, np.nan, amount)
        return treatments if amount is courses.amount else replace(
            treatments, courses=replace(courses, amount=amount)
        )  # fmt: skip

    def _above(
        self, one: Ceiling, limit: tuple[float, str | None], records: Courses
    ) -> tuple[Flags, Flags, Flags]:
        """Return which records are of a ceiling, which are above it, and of which that is known."""
        most, body = limit
        own = np.isin(records.drug, [self.drugs.index(x) for x in one.drugs])
        if one.routes:
            own &= np.isin(records.route, [NO_WORD, *(self.routes.index(x) for x in one.routes)])
        often = records.times / records.every
        by = NO_WORD if body is None else BODIES.index(body)
        dose = by_body_size(records.amount, records.body, by, records.weight_kg)
        known = ~np.isnan(dose * often)
        above = dose * often > most
        if one.more_often_than:
            too_often = often > one.more_often_than.times / one.more_often_than.days
            above, known = above | too_often, known | too_often
        return own, above, known

    def _over(
        self, one: Ceiling, limit: tuple[float, str | None], treatments: Treatments, size: int
    ) -> Planes:
        records = treatments.courses
        own, above, known = self._above(one, limit, records)
        goes_on, stopped = records.ongoing == TRUE, records.ongoing == FALSE
        sure = _patients(records.patient[own & above & goes_on], size)
        could = own & ~stopped & ~(known & ~above) & ~(above & goes_on)
        open_ = _patients(records.patient[could], size) | (treatments.complete != TRUE)
        return of_flags(sure, sure | ~open_)


def _patients(rows: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Return which patients are among some rows."""
    found = np.zeros(size, np.bool_)
    found[rows] = True
    return found


def _wrong(one: Ceiling, terms: Terms) -> Iterator[str]:
    yield from (f"{x} is not in drugs.csv" for x in one.drugs if x not in terms.drugs)
    yield from (f"{x} is not a route" for x in one.routes if x not in terms.doses.routes)
    unit = terms.doses.unit(one.unit)
    if unit is None or unit.days is None:
        yield f"{one.unit} is not a unit of dose with its time"
