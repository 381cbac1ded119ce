"""What was given and how it went, treatment by treatment, as the courses say themselves.

Adequacy asks whether a trial was long and high enough; this asks what is written down: that it was given,
goes on, ended, helped, did not help or was not tolerated. A published history often says no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.kleene import FALSE, TRUE
from myoresist.arrays.planes import Planes, mask, of_flags
from myoresist.arrays.table import Table
from myoresist.case.course_columns import REASONS, RESPONSES, routes_of
from myoresist.case.courses import Treatments
from myoresist.case.responses import FAILED as NOT
from myoresist.case.responses import WELL
from myoresist.case.terms import Terms
from myoresist.treatment.schema import Option

GIVEN, NOW, ENDED = "given_", "now_", "ended_"
WORKED, PARTLY, FAILED, HARMED = "worked_", "partly_", "failed_", "harmed_"
OF_TREATMENT = (GIVEN, NOW, ENDED, WORKED, PARTLY, FAILED, HARMED)
LAST_GOOD, LAST_STEROID, ANY_RESPONSE = "last_good", "last_good_steroid", "any_response"
NOT_ENOUGH, COURSES = "n_not_enough", "n_given"
LOST = "good, then lost"
ORAL, PULSE, GLUCOCORTICOID = "glucocorticoid_oral", "glucocorticoid_iv_pulse", "glucocorticoid"
_GOOD = [RESPONSES.index(x) for x in WELL]
_NONE = [RESPONSES.index(x) for x in (*NOT, LOST)]
_PARTIAL = RESPONSES.index("partial")
_ENDED_IT = [REASONS.index(x) for x in ("no effect", "relapse")]
_SIDE_EFFECT = REASONS.index("side effect")

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Given:
    """Which treatment each drug belongs to.

    Attributes:
        treatments: every treatment by id with its name: the options, and drugs that belong to none.
        of_drug: the number of the treatment of each drug, in the order of ``drugs.csv``.
        drugs: which of them are lines of treatment, glucocorticoids among them.
    """

    treatments: Mapping[str, str]
    of_drug: Ints
    drugs: tuple[str, ...]
    intravenous: int
    pulse_from_mg: float
    pulse_drugs: frozenset[int]

    @classmethod
    def of(
        cls,
        options: Mapping[str, Option],
        drugs_of: Mapping[str, Iterable[str]],
        terms: Terms,
        pulse_from_mg: float,
        lines: Iterable[str],
    ) -> Given:
        """Return the treatments for the options of a knowledge folder and its drugs.

        Args:
            options: the options.
            drugs_of: the drugs of a treatment, as the trials name them.
            terms: the drugs by their names.
            pulse_from_mg: the least single intravenous dose of a glucocorticoid that is a pulse.
            lines: the classes of drugs that are lines of treatment.
        """
        owner = {drug: one for one, drugs in drugs_of.items() if one in options for drug in drugs}
        owner |= {drug: one.id for one in options.values() for drug in (*one.atc, one.id)}
        owner |= {
            x.id: ORAL
            for x in terms.drugs.values()
            if x.drug_class == GLUCOCORTICOID and x.id != PULSE
        }
        names = {one.id: one.name for one in options.values()}
        names |= {x.id: x.label for x in terms.drugs.values() if x.id not in owner}
        place = {name: number for number, name in enumerate(names)}
        drugs = list(terms.drugs.values())
        of_lines = {owner.get(x.id, x.id) for x in drugs if x.drug_class in lines}
        return cls(
            names,
            np.array([place[owner.get(x.id, x.id)] for x in drugs], np.int64),
            tuple(x for x in names if x in of_lines),
            routes_of(terms).index("intravenous"),
            pulse_from_mg,
            frozenset(n for n, x in enumerate(drugs) if x.drug_class == GLUCOCORTICOID),
        )

    def evaluate(self, treatments: Treatments) -> Table:
        """Say of every patient what was given. What the record does not say is not so.

        Returns:
            For each treatment ``OF_TREATMENT``; ``LAST_GOOD``, whether the last course of which a response is
            known went well, ``LAST_STEROID``, whether that was a glucocorticoid alone; ``ANY_RESPONSE``; and
            the number ``COURSES`` of drugs that were given.
        """
        size = len(treatments.patient_ids)
        own = treatments.courses
        usable = (own.drug >= 0) & ~own.local
        row, number = own.patient[usable], self._numbers(treatments)[usable]
        response, reason = own.response[usable], own.reason_stopped[usable]
        ongoing, stopped = own.ongoing[usable], own.stop.known[usable]
        good = np.isin(response, _GOOD)
        none = np.isin(response, _NONE) | np.isin(reason, _ENDED_IT)
        harmed = reason == _SIDE_EFFECT
        now = ongoing == TRUE
        # A course may go on while one of the same drug in another dose has ended.
        ended = ~now & (stopped | (ongoing == FALSE) | (reason >= 0))
        seen = {
            GIVEN: self._grid(row, number, np.ones(len(row), bool), size),
            NOW: self._grid(row, number, now, size),
            "good": self._grid(row, number, good, size),
            "none": self._grid(row, number, none, size),
            "partial": self._grid(row, number, response == _PARTIAL, size),
            HARMED: self._grid(row, number, harmed, size),
            "open": self._grid(row, number, ~now & ~ended, size),
        }
        worked = seen["good"] & ~seen["none"]
        failed = seen["none"] & ~seen["good"]
        partly = seen["partial"] & ~worked & ~failed
        told = {
            GIVEN: seen[GIVEN],
            NOW: seen[NOW],
            ENDED: seen[GIVEN] & ~seen[NOW] & ~seen["open"],
            WORKED: worked,
            PARTLY: partly,
            FAILED: failed,
            HARMED: seen[HARMED],
        }
        truths = {
            prefix + name: of_flags(true[place])
            for prefix, true in told.items()
            for place, name in enumerate(self.treatments)
        }
        lines = np.array([name in self.drugs for name in self.treatments])
        any_response = (seen["good"] | seen["none"] | seen["partial"]).any(axis=0)
        truths[ANY_RESPONSE] = of_flags(np.asarray(any_response))
        truths |= self._last_good(treatments, size)
        return Table(
            size,
            truths,
            {COURSES: seen[GIVEN][lines].sum(axis=0, dtype=float)},
        )

    def _numbers(self, treatments: Treatments) -> Ints:
        """Return the number of the treatment of each course."""
        own = treatments.courses
        number = self.of_drug[own.drug]
        names = list(self.treatments)
        high = (own.route == self.intravenous) & (own.amount >= self.pulse_from_mg)
        steroid = np.isin(own.drug, list(self.pulse_drugs))
        return np.where(high & steroid, names.index(PULSE), number)

    def _grid(
        self, row: Ints, number: Ints, flag: NDArray[np.bool_], size: int
    ) -> NDArray[np.bool_]:
        """Return for each treatment and patient whether any course of it has a flag."""
        grid = np.zeros((len(self.treatments), size), bool)
        grid[number[flag], row[flag]] = True
        return grid

    def _last_good(self, treatments: Treatments, size: int) -> dict[str, Planes]:
        """Return whether the last course of which the response is known went well, and was a glucocorticoid.

        Courses that are all dated stand in the order of their start; else in that in which they are told.
        """
        own = treatments.courses
        known = (
            (own.drug >= 0)
            & ~own.local
            & ((own.response >= 0) | np.isin(own.reason_stopped, _ENDED_IT))
        )
        undated = np.zeros(size, bool)
        undated[own.patient[known & ~own.start.known]] = True
        place = np.arange(len(own.patient), dtype=float)
        when = np.where(undated[own.patient], place, own.start.latest)[known]
        row = own.patient[known]
        last = np.full(size, -np.inf)
        np.maximum.at(last, row, when)
        newest = when == last[row]
        good = (np.isin(own.response, _GOOD) & ~np.isin(own.reason_stopped, _ENDED_IT))[known]
        well, ill = np.zeros(size, bool), np.zeros(size, bool)
        well[row[newest & good]] = True
        ill[row[newest & ~good]] = True
        steroid, other = np.zeros(size, bool), np.zeros(size, bool)
        of_steroid = np.isin(own.drug[known], list(self.pulse_drugs))
        steroid[row[newest & of_steroid]] = True
        other[row[newest & ~of_steroid]] = True
        went_well = well & ~ill
        return {
            LAST_GOOD: of_flags(went_well),
            LAST_STEROID: of_flags(went_well & steroid & ~other),
        }


def said(true: int, size: int) -> Planes:
    """Return what the record says: true where it does, and else not so."""
    return Planes(true, mask(size) & ~true)


def columns_of(treatments: Sequence[str]) -> tuple[str, ...]:
    """Return every column of truth that ``Given.evaluate`` fills."""
    return (
        *(p + t for t in treatments for p in OF_TREATMENT),
        LAST_GOOD,
        LAST_STEROID,
        ANY_RESPONSE,
    )
