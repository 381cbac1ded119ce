"""When patients are seen: they enter, come at intervals that grow, and are followed to the end or lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.streams import (
    DAYS_A_MONTH,
    DAYS_A_WEEK,
    DAYS_A_YEAR,
    EPOCH,
    Floats,
    Streams,
    Whole,
    working,
)
from myoresist.cohort.synthetic.streams import at as at_age

_FEWEST = 2
"""Visits that everybody has; a change needs two."""


@dataclass(frozen=True)
class Timetable:
    """The visits of some patients, one row a visit.

    Attributes:
        first: the day of each patient's first visit.
        last: the day of the last one.
        patient: whose a visit is.
        at: its number within the patient, from 0.
        day: its day.
        wide: the most visits that a patient can have.
    """

    first: Whole
    last: Whole
    patient: Whole
    at: Whole
    day: Whole
    wide: int

    @property
    def years(self) -> Floats:
        """Return the years from the first visit to each."""
        found: Floats = (self.day - self.first[self.patient]) / DAYS_A_YEAR
        return found


def timetable(draw: Streams, assumed: Assumptions, age: Floats, visits: int | None) -> Timetable:
    """Draw when patients are seen.

    Args:
        draw: the random numbers.
        assumed: when patients enter, how often they come, are lost and die.
        age: in years, on entry.
        visits: of each patient; drawn when left out.
    """
    told, often = assumed.follow_up, assumed.visits
    wide = visits or often.most
    entered = (told.last - told.first).days
    begin = (told.first - EPOCH).days + np.floor(draw.one("enters") * entered)
    closed = (told.closed - EPOCH).days
    after = _scheduled(draw, assumed, wide)
    if visits is None:
        a_year = told.lost_a_year + at_age(age, told.die_a_year)
        years = -np.log1p(-draw.one("lost")) / -np.log1p(-a_year)
        until = np.minimum(closed - begin, years * DAYS_A_YEAR)
        kept = (after <= until[:, None]) & (draw.even("entered", wide) >= often.not_entered)
        kept[:, :_FEWEST] = True
    else:
        kept = np.ones(after.shape, bool)
    # Whoever has a number of visits entered early enough for them.
    begin = working(np.minimum(begin, closed - np.where(kept, after, 0).max(axis=1)).astype(int))
    day = working((begin[:, None] + after).astype(np.int64))
    patient, place = np.nonzero(kept)
    number = kept.sum(axis=1)
    at = np.arange(len(patient)) - np.repeat(np.cumsum(number) - number, number)
    days = day[patient, place]
    return Timetable(begin, days[np.cumsum(number) - 1], patient, at, days, wide)


def _scheduled(draw: Streams, assumed: Assumptions, wide: int) -> Floats:
    """Return after how many days each visit of a patient is due."""
    often = assumed.visits
    own = np.exp(often.spread_by_patient * draw.normal("often")[:, 0])
    apart = np.exp(often.spread_by_visit * draw.normal("apart", wide))
    until = np.array(list(often.months)) * DAYS_A_YEAR
    steps = np.array(list(often.months.values())) * DAYS_A_MONTH
    after = np.zeros((draw.patients, wide))
    # How the visits are meant, without what delays them, decides how far apart they are.
    meant = 0.0
    for place in range(1, wide):
        step = steps[min(int(np.searchsorted(until, meant, "right")), len(steps) - 1)]
        meant += step
        after[:, place] = after[:, place - 1] + np.maximum(
            step * own * apart[:, place], DAYS_A_WEEK
        )
    return after
