"""The patients: where and since when they are seen, how old they are, what is written down of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.population import Population
from myoresist.cohort.synthetic.streams import (
    DAYS_A_YEAR,
    MONTHS_A_YEAR,
    Flags,
    Floats,
    Streams,
    Whole,
    at,
    chosen,
)
from myoresist.cohort.synthetic.timetable import Timetable, timetable
from myoresist.diagnosis.differential.likelihood import ONSET
from myoresist.library import Knowledge

DURATION = "weakness_duration_months"
_OTHER = "other"


@dataclass(frozen=True)
class Drawn:
    """Patients as they are, before anything is written down; findings as columns.

    Attributes:
        disease: place of the disease.
        site: place of the centre.
        present, numbers: findings, and measured ones.
        seen: which of them are written down.
        thin: whether of this patient little is.
        improves: whether the disease gets better under treatment.
        ancestry: a word.
        age: in years, at the last visit.
        weight: in kilograms.
        times: when they were seen.
    """

    disease: Whole
    site: Whole
    present: Mapping[str, Flags]
    numbers: Mapping[str, Floats]
    seen: Mapping[str, Flags]
    thin: Flags
    improves: Flags
    ancestry: NDArray[np.str_]
    age: Floats
    weight: Floats
    times: Timetable

    @property
    def assessed(self) -> Whole:
        """Return the day of the last visit."""
        return self.times.last

    @property
    def span(self) -> Whole:
        """Return the days from the first visit to the last."""
        return self.times.last - self.times.first


@dataclass(frozen=True)
class People:
    """Draws patients of a population."""

    knowledge: Knowledge
    assumed: Assumptions
    population: Population
    visits: int | None = None

    def draw(self, draw: Streams) -> Drawn:
        """Draw the patients of a part."""
        assumed, population = self.assumed, self.population
        disease = population.disease(draw)
        numbers = population.numbers(draw, disease)
        centres = assumed.sites.centres
        ends = np.cumsum([x.share for x in centres])
        site = np.minimum(np.searchsorted(ends, draw.one("site"), "right"), len(ends) - 1)
        thin = draw.one("thin") < np.array([x.thin for x in centres])[site]
        entry = numbers[ONSET] + numbers[DURATION] / MONTHS_A_YEAR
        times = timetable(draw, assumed, entry, self.visits)
        age = self._aged(numbers, times)
        present = population.present(draw, disease, numbers[ONSET])
        families = [x.family for x in self.knowledge.differential.base.diseases.values()]
        better = assumed.course.improves
        share = np.array([better.get(x, assumed.course.improves_otherwise) for x in families])
        return Drawn(
            disease=disease,
            site=site,
            present=present,
            numbers=numbers,
            seen=self._seen(draw, thin, site),
            thin=thin,
            improves=draw.one("improves") < share[disease],
            ancestry=self._ancestry(draw, disease, numbers[ONSET]),
            age=age,
            weight=self._weight(draw, present, age),
            times=times,
        )

    def _aged(self, numbers: dict[str, Floats], times: Timetable) -> Floats:
        """Return ages at the last visit; nobody is older than is assumed."""
        oldest = self.assumed.oldest.now
        years = (times.last - times.first) / DAYS_A_YEAR
        # Whoever would be too old fell ill earlier, or came sooner.
        onset = np.minimum(numbers[ONSET], np.maximum(oldest - years, 1))
        months = np.minimum(numbers[DURATION], (oldest - years - onset) * MONTHS_A_YEAR)
        numbers[ONSET], numbers[DURATION] = onset, np.maximum(months, 0)
        aged: Floats = onset + numbers[DURATION] / MONTHS_A_YEAR + years
        return aged

    def _weight(self, draw: Streams, present: Mapping[str, Flags], age: Floats) -> Floats:
        heavy, sections = self.assumed.weight_kg, self.knowledge.terms.sections
        words = {value: name for name, value in sections.sex.items()}
        female = present[sections.sex_finding]
        middle = np.where(female, heavy.middle[words[True]], heavy.middle[words[False]])
        spread = np.exp(heavy.spread * draw.normal("weight")[:, 0])
        kilograms: Floats = np.clip(
            middle * spread * at(age, heavy.by_age), heavy.least, heavy.most
        ).round()
        return kilograms

    def _ancestry(self, draw: Streams, disease: Whole, onset: Floats) -> NDArray[np.str_]:
        told, even = self.assumed.ancestry, draw.one("ancestry")
        found = chosen(even, _filled(told.others))
        for name, shares in told.by_disease.items():
            own = disease == self.population.diseases.index(name)
            found = np.where(own, chosen(even, _filled(shares)), found)
        young = onset < max(self.assumed.children.younger.values())
        return np.where(young, chosen(even, _filled(told.of_children)), found)

    def _seen(self, draw: Streams, thin: Flags, site: Whole) -> dict[str, Flags]:
        """Draw what was looked for and written down; a thin record has less of everything."""
        told, catalogue = self.assumed.records, self.knowledge.catalogue
        population = self.population
        names = sorted({*population.findings, *self.knowledge.differential.likelihoods.numbers})
        even = draw.even("written", len(names))
        often = np.array([x.written for x in self.assumed.sites.centres])[site]
        often = often * np.where(thin, told.times_when_thin, 1)
        seen = {
            name: even[:, place]
            < often * told.written_by_group.get(catalogue[name].group, told.written)
            for place, name in enumerate(names)
        }
        for one in self.knowledge.differential.base.investigations:
            share = (told.done_when_thin[one.invasiveness], told.done[one.invasiveness])
            done = draw.one(f"done {one.id}") < np.where(thin, *share)
            for name in one.resolves:
                if self.investigated.get(name) == one.id:
                    seen[name] &= done
        return seen

    @cached_property
    def investigated(self) -> Mapping[str, str]:
        """Return for each finding the first investigation that answers it."""
        found: dict[str, str] = {}
        drawn = {*self.population.findings, *self.knowledge.differential.likelihoods.numbers}
        for one in self.knowledge.differential.base.investigations:
            for name in one.resolves:
                if name in drawn:
                    found.setdefault(name, one.id)
        return found


def _filled(shares: Mapping[str, float]) -> dict[str, float]:
    return {**shares, _OTHER: 1 - sum(shares.values())}
