"""Least doses: what a drug has to reach in a regimen, and which of them a record can be compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import BODIES, MEASURES
from myoresist.case.doses import DoseUnit
from myoresist.case.terms import Terms
from myoresist.resistance.adequacy.schema import Dose, Equivalent, Regimen


@dataclass(frozen=True)
class Limit:
    """The least dose of one drug in one regimen, in the units in which doses are kept.

    Attributes:
        regimen: number of the regimen.
        part: which part of a combination the drug is.
        drug: the drug.
        routes: routes by which it has to be taken; any if there are none.
        least: the least amount (mg, U or count) in ``days`` days, by ``body``; 0 for any dose, ``None`` if
            the drug alone does not say.
        measure: what is measured.
        body: body size by which the dose is given.
        days: see ``least``; ``None`` where amounts count and not time.
        strength: by what the drug's mg are multiplied to compare them; ``None`` if the drug does not say
            which glucocorticoid it is.
        up_to_kg: weight up to which it is enough; ``None`` for any.
    """

    regimen: int
    part: int
    drug: str
    routes: tuple[str, ...]
    least: float | None
    measure: str
    body: str | None
    days: int | None
    strength: float | None
    up_to_kg: float | None


@dataclass(frozen=True)
class LimitColumns(Rows):
    """Limits as columns; see ``Limit``. Numbers that are not known are NaN.

    Attributes:
        any_dose: whether any dose is enough.
        asked: whether the dose matters and a limit is known.
        acts: the days for which a single dose counts.
        by_route: whether it has to be taken by certain routes.
        choice: whether the drug has another limit in the same part of the regimen.
    """

    regimen: Ints
    part: Ints
    least: Floats
    measure: Ints
    body: Ints
    days: Floats
    strength: Floats
    up_to_kg: Floats
    any_dose: Flags
    asked: Flags
    acts: Floats
    by_route: Flags
    choice: Flags

    @classmethod
    def of(cls, limits: Sequence[Limit]) -> LimitColumns:
        """Return limits as columns."""
        least, days, strength, up_to_kg = (
            np.array([getattr(one, name) for one in limits], np.float64)
            for name in ("least", "days", "strength", "up_to_kg")
        )
        same = [(one.regimen, one.part, one.drug) for one in limits]
        return cls(
            regimen=np.array([one.regimen for one in limits]),
            part=np.array([one.part for one in limits]),
            least=np.where(least > 0, least, np.nan),
            measure=np.array([MEASURES.index(one.measure) for one in limits]),
            body=np.array([BODIES.index(one.body) if one.body else NO_WORD for one in limits]),
            days=days,
            strength=strength,
            up_to_kg=up_to_kg,
            any_dose=least == 0,
            asked=least > 0,
            acts=np.where(np.isnan(days), 1.0, days),
            by_route=np.array([bool(one.routes) for one in limits]),
            choice=np.array([same.count(one) > 1 for one in same]),
        )


@dataclass(frozen=True)
class Limits:
    """All limits, by regimen.

    Attributes:
        limits: the limits.
        drugs: all drugs, in the order of ``drugs.csv``.
        routes: how a drug may be taken.
    """

    limits: tuple[Limit, ...]
    drugs: tuple[str, ...]
    routes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        regimens: Sequence[Regimen],
        equivalents: Mapping[str, Equivalent],
        terms: Terms,
        routes: tuple[str, ...],
    ) -> Limits:
        """Return the least doses of all drugs that regimens take."""
        limits = tuple(
            _limit(number, one, dose, drug, terms, equivalents)
            for number, one in enumerate(regimens)
            for dose in one.doses
            for drug in drugs_of_dose(dose, terms)
        )
        return cls(limits, tuple(terms.drugs), routes)

    @cached_property
    def columns(self) -> LimitColumns:
        """Return the limits as columns."""
        return LimitColumns.of(self.limits)

    def fitting(self, drug: Ints, route: Ints) -> tuple[Ints, Ints]:
        """Return pairs of a record and a limit that may be about it, by regimen, then record.

        Args:
            drug: drug of each record.
            route: how it is taken; one that is not known may be any.

        Returns:
            The place of the record and that of the limit.
        """
        count, first, limits = self._by_drug_and_route
        several = count[drug, route]
        record = np.repeat(np.arange(len(drug)), several)
        within = np.arange(len(record)) - np.repeat(np.cumsum(several) - several, several)
        limit = limits.take(np.repeat(first[drug, route], several) + within)
        # Small numbers are sorted fastest.
        regimen = self.columns.regimen.astype(np.int16).take(limit)
        order = np.argsort(regimen, kind="stable")
        return record.take(order), limit.take(order)

    @cached_property
    def _by_drug_and_route(self) -> tuple[Ints, Ints, Ints]:
        """Return the limits of each drug and route: how many, where the first stands, and all of them.

        What is not known is in the last place: of drugs it has no limit, of routes it has all.
        """
        places = {drug: place for place, drug in enumerate(self.drugs)}
        shape = (len(self.drugs) + 1, len(self.routes) + 1)
        fits = np.zeros((*shape, len(self.limits)), np.bool_)
        for number, one in enumerate(self.limits):
            routes = [self.routes.index(x) for x in one.routes or self.routes]
            fits[places[one.drug], [*routes, NO_WORD], number] = True
        count = fits.sum(axis=2)
        first = np.cumsum(count).reshape(shape) - count
        return count, first, np.nonzero(fits)[2]


def drugs_of_dose(dose: Dose, terms: Terms) -> Iterator[str]:
    """Yield the drugs of which a dose is the least."""
    yield from dose.drugs
    yield from (x.id for x in terms.drugs.values() if x.drug_class in dose.classes)


def _limit(
    number: int,
    one: Regimen,
    dose: Dose,
    drug: str,
    terms: Terms,
    equivalents: Mapping[str, Equivalent],
) -> Limit:
    """Return the least dose of one drug in the units in which doses are kept."""
    unit = terms.doses.unit(dose.unit)
    assert isinstance(unit, DoseUnit)
    least = dose.at_least if dose.above is None else dose.above
    strength: float | None = 1.0
    if dose.as_prednisone:
        known, prednisone = equivalents.get(drug), equivalents["prednisone"].mg
        strength = prednisone / known.mg if known and known.mg and prednisone else None
    return Limit(
        regimen=number,
        part=dose.part,
        drug=drug,
        routes=dose.routes,
        least=None if least is None else least * unit.factor,
        measure=unit.measure,
        body=unit.body,
        days=unit.days,
        strength=strength,
        up_to_kg=dose.up_to_kg,
    )
