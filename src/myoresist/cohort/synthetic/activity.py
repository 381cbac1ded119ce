"""Visits: how the activity of the disease goes, and what the measures show of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.people import Drawn
from myoresist.cohort.synthetic.streams import DAYS_A_YEAR, Floats, Streams, between, dates, where
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import DATE, value_column

_MOST_MISSING = 0.9


@dataclass(frozen=True)
class Activity:
    """Writes visits."""

    knowledge: Knowledge
    assumed: Assumptions

    def visits(self, draw: Streams, drawn: Drawn) -> tuple[pl.DataFrame, Floats]:
        """Return visits with their measures, and the activity of the disease at each."""
        told, measures, times = self.assumed.course, self.knowledge.terms.measures, drawn.times
        patient, at, years = times.patient, times.at, times.years
        level = self._level(draw, drawn)
        columns: dict[str, pl.Series] = {
            "patient": pl.Series(patient),
            "at": pl.Series(at),
            DATE: dates(times.day),
            "on_treatment": pl.Series(at > 0),
        }
        written = np.array([x.written for x in self.assumed.sites.centres])[drawn.site][patient]
        for name, scale in told.measures.items():
            one = measures[name]
            apart = told.measure_spread * draw.normal(f"measure {name}", times.wide)[patient, at]
            used = np.clip(level + apart, 0, 1) * scale.reach * (one.maximum - one.minimum)
            value = one.minimum + used if one.better < 0 else one.maximum - used
            stepped = (np.round(value / scale.step) * scale.step).round(3)
            lost = 1 - written * (1 - scale.missing) + told.missing_more_a_year * years
            even = draw.even(f"missing {name}", times.wide)[patient, at]
            whole = pl.Series(stepped)
            if float(scale.step).is_integer():
                whole = whole.cast(pl.Int64)
            columns[value_column(one)] = where(even >= np.minimum(lost, _MOST_MISSING), whole)
        return pl.DataFrame(columns), level

    def _level(self, draw: Streams, drawn: Drawn) -> Floats:
        """Return the activity at each visit: it falls fast at first, or drifts, and wavers."""
        told, times = self.assumed.course, drawn.times
        patient, at, years = times.patient, times.at, times.years
        begin = between(draw.one("begins"), told.begins)
        gain = begin * between(draw.one("gain"), told.gain)
        half = between(draw.one("half"), told.half_in_days) / DAYS_A_YEAR
        fallen = gain[patient] * (1 - 0.5 ** (years / half[patient]))
        drift = between(draw.one("drift"), told.drift_a_year)[patient] * years
        noise = draw.normal("wavering", times.wide)
        waver = np.zeros_like(noise)
        fresh = np.sqrt(1 - told.memory**2)
        for step in range(times.wide):
            before = waver[:, step - 1] * told.memory if step else 0
            waver[:, step] = before + (fresh if step else 1) * noise[:, step]
        change = np.where(drawn.improves[patient], -fallen, drift)
        level = begin[patient] + change + told.wavering * waver[patient, at]
        clipped: Floats = np.clip(level, told.calmest, 1)
        return clipped
