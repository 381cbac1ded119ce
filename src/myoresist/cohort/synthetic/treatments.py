"""Courses: a glucocorticoid that is tapered, then one drug after the other, for as long as it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.people import Drawn
from myoresist.cohort.synthetic.streams import (
    DAYS_A_MONTH,
    DAYS_A_WEEK,
    Flags,
    Floats,
    Streams,
    Whole,
    between,
    chosen,
    index,
    where,
)
from myoresist.library import Knowledge
from myoresist.resistance.adequacy.schema import Regimen

_KG = "kg"


@dataclass(frozen=True)
class Treatments:
    """Writes courses."""

    knowledge: Knowledge
    assumed: Assumptions

    def courses(self, draw: Streams, drawn: Drawn) -> pl.DataFrame:
        """Return one row a dose, in the order in which they were begun."""
        parts = [*self._glucocorticoid(draw, drawn), *self._others(draw, drawn)]
        table = pl.concat(parts).sort("patient", "from", maintain_order=True)
        told = self.assumed.drugs
        # Which rows are vague is told from the row's own number within the patient.
        place = table.select(pl.int_range(pl.len()).over("patient")).to_series().to_numpy()
        whose = table["patient"].to_numpy()
        wide = max(told.courses) + len(self.assumed.glucocorticoid.taper)
        vague, stated, answer, why = (
            draw.even(x, wide)[whose, place] for x in ("vague", "stated", "answer", "why")
        )
        better = drawn.improves[whose]

        def said(even: NDArray[np.floating], better_: Mapping[str, float],
                 worse: Mapping[str, float]) -> pl.Series:  # fmt: skip
            return pl.Series(np.where(better, chosen(even, better_), chosen(even, worse)))

        response = said(answer, told.responses.improves, told.responses.does_not)
        reason = said(why, told.reasons.improves, told.reasons.does_not)
        ended = ~table["ongoing"].to_numpy() & table["final"].to_numpy()
        year = told.vague_year
        length = (
            pl.when(pl.Series(vague < year))
            .then(4)
            .when(pl.Series(vague < year + told.vague_month))
            .then(7)
            .otherwise(10)
        )
        undated = pl.Series(vague > 1 - told.undated) & ~table["ongoing"]

        def day(column: str) -> pl.Expr:
            text = pl.from_epoch(pl.col(column), "d").cast(pl.String).str.slice(0, length)
            return pl.when(~undated).then(text)

        return table.select(
            "patient", "drug", "dose", "unit", "frequency", "route",
            start=day("from"),
            stop=pl.when(~pl.col("ongoing")).then(day("to")),
            ongoing=pl.when("ongoing").then(pl.lit(True)),
            weeks=pl.when(undated & (pl.col("to") > pl.col("from"))).then(
                ((pl.col("to") - pl.col("from")) / pl.lit(float(DAYS_A_WEEK))).ceil()
            ),
            response=where(stated >= told.no_response_stated, response),
            reason_stopped=where(ended, reason),
        )  # fmt: skip

    def _glucocorticoid(self, draw: Streams, drawn: Drawn) -> list[pl.DataFrame]:
        given = self.assumed.glucocorticoid
        least = self._regimens[given.regimen].doses[0]
        factor = np.array(given.doses)[index(draw.one("steroid dose"), len(given.doses))]
        first = np.minimum((least.at_least or 0) * factor * drawn.weight, given.at_most)
        drug = chosen(draw.one("steroid"), given.drugs)
        goes_on = draw.one("steroid goes on") < given.goes_on
        takes = draw.one("steroid given") < given.given
        wait = between(draw.one("steroid begins"), given.begins_days)
        start = drawn.times.first + np.floor(wait).astype(np.int64)
        even = draw.even("steroid weeks", len(given.taper))
        parts = []
        for number, step in enumerate(given.taper):
            final = number == len(given.taper) - 1
            weeks = np.round(between(even[:, number], step.weeks))
            stop = start + (weeks * DAYS_A_WEEK).astype(np.int64) - 1
            # What is taken at the last visit goes on, and the last step does so in some.
            on = (stop >= drawn.assessed) | (goes_on & final)
            rows = np.flatnonzero(takes & (start < drawn.assessed))
            parts.append(
                _courses(
                    rows, drug[rows], self._tablets(first[rows] * step.share), "mg", "daily",
                    "oral", start[rows], stop[rows], on[rows], pl.Series(on[rows] | final),
                )
            )  # fmt: skip
            start = stop + 1
        return parts

    def _tablets(self, dose: Floats) -> Floats:
        """Return doses of glucocorticoid that tablets make up."""
        by = self.assumed.glucocorticoid.rounded_to
        step = np.where(dose >= by.start, by.above, by.below)
        rounded: Floats = np.maximum(np.round(dose / step), 1) * step
        return rounded

    def _others(self, draw: Streams, drawn: Drawn) -> list[pl.DataFrame]:
        told = self.assumed.drugs
        names = list(told.regimens)
        weights = np.array([x.chosen for x in told.regimens.values()])
        # The smallest of exponential times by weight: a draw without putting back.
        waits = -np.log1p(-draw.even("regimens", len(names)).astype(np.float64)) / weights
        most = max(told.courses)
        order = np.argsort(waits, axis=1)[:, :most]
        shares = {str(k): v for k, v in told.courses.items()}
        number = chosen(draw.one("courses"), shares).astype(np.int64)
        months = np.array([x.months for x in told.regimens.values()])[order]
        longer = np.where(drawn.improves, told.longer.improves, told.longer.does_not)
        for_ = -np.log1p(-draw.even("time", most).astype(np.float64)) * months * longer[:, None]
        days = np.maximum(np.round(for_ * DAYS_A_MONTH), told.shortest_days).astype(np.int64)
        pause = np.floor(between(draw.even("pause", most), told.pause_days)).astype(np.int64)
        factors = np.array(told.doses)[index(draw.even("dose", most), len(told.doses))]
        first = np.floor(between(draw.one("drug begins"), told.begins_days)).astype(np.int64)
        latest = drawn.assessed - told.shortest_days
        start = np.minimum(drawn.times.first + first, latest)
        parts = []
        for place in range(most):
            stop = start + days[:, place]
            given = (number > place) & (start <= latest)
            for which, name in enumerate(names):
                rows = np.flatnonzero(given & (order[:, place] == which))
                parts.append(
                    self._regimen(name, rows, factors[rows, place], drawn, start, stop)
                )  # fmt: skip
            start = stop + 1 + pause[:, place]
        return parts

    def _regimen(
        self, name: str, rows: Whole, factors: Floats, drawn: Drawn, start: Whole, stop: Whole
    ) -> pl.DataFrame:
        """Return the courses of one regimen, in doses that can be given."""
        least, step = self._regimens[name].doses[0], self.assumed.drugs.regimens[name].step
        unit, often = self._written(least.unit)
        dose = (least.at_least or 0) * factors
        if unit.endswith(f"/{_KG}"):
            unit, dose = unit.removesuffix(f"/{_KG}"), dose * drawn.weight[rows]
        elif "/" not in unit:
            dose = dose * np.minimum(drawn.weight[rows] / self.assumed.drugs.full_dose_from_kg, 1)
        # Three digits behind a point could be thousands.
        dose = (np.maximum(np.round(dose / step), 1) * step).round(2)
        route = least.routes[0] if least.routes else None
        on = (stop[rows] >= drawn.assessed[rows]) & (often is not None)
        end = stop[rows] if often is not None else start[rows]
        drug = np.full(len(rows), least.drugs[0])
        return _courses(
            rows, drug, dose, unit, often or self._single, route, start[rows], end, on,
            pl.Series(np.ones(len(rows), bool)),
        )  # fmt: skip

    @cached_property
    def _regimens(self) -> Mapping[str, Regimen]:
        return {x.id: x for x in self.knowledge.resistance.treatments.regimens.regimens}

    @property
    def _single(self) -> str:
        return self.knowledge.terms.doses.single[0]

    def _written(self, unit: str) -> tuple[str, str | None]:
        """Return a unit without its time, and the frequency that the time stands for."""
        words = self.knowledge.terms.doses
        known = words.unit(unit)
        if known is None or known.days is None:
            return unit, None
        amount = "/".join(unit.split("/")[: 1 + (known.body is not None)])
        often = next(x for x in words.frequencies if x.times == 1 and x.days == known.days)
        return amount, often.words[0]


def _courses(
    rows: Whole,
    drug: NDArray[np.str_],
    dose: Floats,
    unit: str,
    frequency: str,
    route: str | None,
    start: Whole,
    stop: Whole,
    ongoing: Flags,
    final: pl.Series,
) -> pl.DataFrame:
    """Return courses; ``final`` tells whether an end was one of the drug and not of a dose."""
    return pl.DataFrame(
        {
            "patient": rows, "drug": drug, "dose": dose, "from": start, "to": stop,
            "ongoing": ongoing, "final": final,
        }
    ).with_columns(
        unit=pl.lit(unit),
        frequency=pl.lit(frequency),
        route=pl.lit(route, pl.String),
    )  # fmt: skip
