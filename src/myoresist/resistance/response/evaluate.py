"""Was there a response? Visits compared with a baseline and with each other, for any number of patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from myoresist.arrays.runs import Runs
from myoresist.arrays.table import Table
from myoresist.case.measures import Measures
from myoresist.knowledge.schema import Check, Entry, load
from myoresist.resistance.response.definitions import Definitions
from myoresist.resistance.response.improvement import BASELINE, Improvement
from myoresist.resistance.response.visits import (
    DATE,
    PATIENT,
    POPULATION,
    checked_visits,
    compared_column,
)
from myoresist.rules.condition import Name

BASELINE_DATE, DAYS = "baseline_date", "days"
CORE_SET = "imacs"
_PLACE, _FOUND = "place", "population_found"


class Conventions(Entry):
    """Choices that the papers leave open."""

    enzyme_days: int
    gap_months: int
    treatment_classes: tuple[str, ...]
    course_classes: tuple[tuple[str, ...], ...]
    same_course_days: int
    from_zero_percent: float
    flare: str
    flare_cites: tuple[str, ...]
    check: Check


@dataclass(frozen=True)
class Responses:
    """Everything by which response is judged, compiled; its methods answer for tables of visits.

    Attributes:
        measures: what is measured at a visit.
        improvement: the total improvement score.
        definitions: definitions of improvement, worsening and inactive disease.
        conventions: choices that the papers leave open.
    """

    measures: Measures
    improvement: Improvement
    definitions: Definitions
    conventions: Conventions
    _of_none: dict[tuple[str, pl.DataType], pl.DataFrame] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def load(cls, folder: Path, measures: Measures, findings: Mapping[str, Name]) -> Responses:
        """Read and compile ``response/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            measures: the measures of that folder.
            findings: what a condition on a patient may read.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        conventions = load(folder / "response" / "conventions.yaml", Conventions)
        improvement = Improvement.load(folder, measures, findings, conventions.from_zero_percent)
        definitions = Definitions.load(folder, measures, improvement.criteria)
        return cls(measures, improvement, definitions, conventions)

    def with_population(
        self, visits: pl.DataFrame, patients: pl.Series, known: Table
    ) -> pl.DataFrame:
        """Return visits with the population of each; what a visit says itself goes first.

        Args:
            visits: what ``visits`` returned.
            patients: the ids of all patients.
            known: the findings of each.
        """
        if visits.is_empty():
            return visits
        found = pl.Series(_FOUND, self.improvement.populations(known), pl.String)
        own = pl.DataFrame([patients.alias(PATIENT), found])
        joined = visits.join(own, PATIENT, "left", maintain_order="left")
        return joined.with_columns(pl.coalesce(POPULATION, _FOUND).alias(POPULATION)).drop(_FOUND)

    def visits(self, table: pl.DataFrame, population: str | None = None) -> pl.DataFrame:
        """Return a table of visits in one unit, checked and sorted; see ``checked_visits``."""
        return checked_visits(table, self.measures, population)

    def against_baseline(
        self,
        visits: pl.DataFrame,
        baselines: pl.DataFrame | None = None,
        core_set: str = CORE_SET,
    ) -> pl.DataFrame:
        """Return one row for every visit after the baseline of its patient, compared with it.

        Args:
            visits: what ``visits`` returned.
            baselines: ``patient_id`` and ``date`` of one visit a patient; the first visit of every patient
                when left out. A patient who is not in it has no rows.
            core_set: ``imacs`` or ``printo``.

        Returns:
            ``patient_id``, ``baseline_date``, ``date``, ``days`` and ``population``; the columns of
            ``Improvement.compare``; one Boolean column a definition on pairs, and with ``.confirmed`` whether
            it also held at the visit before. NULL is unknown, or not made for this population.

        Raises:
            ValueError: for a baseline that is no visit, or a core set not made for a population of the table.
        """
        at = _baseline_rows(visits, baselines)
        later = visits.select(pl.col(DATE) > pl.col(DATE).gather(at)).to_series().fill_null(False)
        pairs = self._pairs(visits, at.filter(later), later.arg_true())
        return self.definitions.confirm(self._compare(pairs, core_set), core_set)

    def changes(self, visits: pl.DataFrame, before: pl.Series, after: pl.Series) -> pl.DataFrame:
        """Return the changes between pairs of visits, one row a pair, as ``Improvement.compare`` does.

        Args:
            visits: what ``visits`` returned.
            before: the row of the first visit of each pair.
            after: the row of the second.
        """
        pairs = self._pairs(visits, before, after)
        return self._of_pairs(
            pairs, "changes", lambda rows, of: self.improvement.compare(rows, CORE_SET, of)
        )

    def consecutive(self, visits: pl.DataFrame, core_set: str = CORE_SET) -> pl.DataFrame:
        """Return one row for every visit but the first of a patient, compared with the visit before.

        Arguments and columns are those of ``against_baseline``, without those that need a common baseline.
        """
        pairs = visits.with_columns(
            pl.col(DATE).shift().alias(BASELINE_DATE),
            *(pl.col(name).shift().alias(BASELINE + name) for name in self._compared(visits)),
        ).filter(pl.col(PATIENT) == pl.col(PATIENT).shift())
        return self._compare(pairs, core_set)

    def states(self, visits: pl.DataFrame) -> pl.DataFrame:
        """Return visits with one Boolean column a definition of inactive disease.

        Complete clinical response and remission ask for how long there was no activity, on treatment or off.
        """
        return self.definitions.states(visits, self.conventions.gap_months)

    def _pairs(self, visits: pl.DataFrame, before: pl.Series, after: pl.Series) -> pl.DataFrame:
        """Return pairs of visits, the measures of the first under ``baseline.``."""
        compared = self._compared(visits)
        return visits.select(
            pl.col(PATIENT, DATE, POPULATION).gather(after),
            pl.col(DATE).gather(before).alias(BASELINE_DATE),
            *(pl.col(name).gather(after) for name in compared),
            *(pl.col(name).gather(before).alias(BASELINE + name) for name in compared),
        )

    def _compared(self, visits: pl.DataFrame) -> list[str]:
        columns = {compared_column(measure) for measure in self.measures}
        return [name for name in visits.columns if name in columns]

    def _compare(self, pairs: pl.DataFrame, core_set: str) -> pl.DataFrame:
        compared = [name for name in pairs.columns if BASELINE + name in pairs.columns]
        pairs = pairs.select(
            PATIENT,
            BASELINE_DATE,
            DATE,
            (pl.col(DATE) - pl.col(BASELINE_DATE)).dt.total_days().alias(DAYS),
            POPULATION,
            *compared,
            *(BASELINE + name for name in compared),
        )
        return self._of_pairs(
            pairs, core_set, lambda rows, of: self._compare_one(rows, core_set, of)
        )

    def _of_pairs(
        self,
        pairs: pl.DataFrame,
        kind: str,
        work: Callable[[pl.DataFrame, str | None], pl.DataFrame],
    ) -> pl.DataFrame:
        """Return what ``work`` makes of pairs; what it makes of none is kept, as most have none."""
        if len(pairs):
            return by_population(pairs, work)
        key = (kind, pairs.schema[PATIENT])
        if key not in self._of_none:
            self._of_none[key] = work(pairs, None)
        return self._of_none[key]

    def _compare_one(
        self, pairs: pl.DataFrame, core_set: str, population: str | None
    ) -> pl.DataFrame:
        frame = self.improvement.compare(pairs, core_set, population)
        return self.definitions.compare(frame, core_set, population)


def _baseline_rows(visits: pl.DataFrame, baselines: pl.DataFrame | None) -> pl.Series:
    """Return for each visit the row of the baseline of its patient, NULL without one.

    Raises:
        ValueError: for a baseline that is no visit, or a second one of a patient.
    """
    patient = visits[PATIENT]
    runs = Runs.of_column(patient)
    if baselines is None:
        return pl.Series(runs.spread(runs.starts))
    if baselines[PATIENT].is_duplicated().any():
        raise ValueError("baselines: a patient has more than one")
    asked = pl.DataFrame([patient.gather(runs.starts)]).join(
        baselines.select(PATIENT, DATE), PATIENT, "left", maintain_order="left"
    )
    # A patient has one visit a day at most.
    date = asked[DATE].gather(runs.numbers)
    rows = (visits[DATE] == date).fill_null(False).to_numpy()
    if rows.sum() < len(baselines):
        row = baselines.join(visits, [PATIENT, DATE], "anti").row(0, named=True)
        raise ValueError(f"patient {row[PATIENT]}, {row[DATE]}: the baseline is no visit")
    at = runs.max(np.where(rows, np.arange(len(rows)), -1))
    found = pl.DataFrame({"row": runs.spread(at)})
    return found.select(pl.when(pl.col("row") >= 0).then("row")).to_series()


def by_population(
    table: pl.DataFrame, work: Callable[[pl.DataFrame, str | None], pl.DataFrame]
) -> pl.DataFrame:
    """Return what ``work`` makes of the rows of each population, in the order of the table."""
    found = table[POPULATION].unique().to_list()
    if len(found) < 2:
        return work(table, found[0] if found else None)
    placed = table.with_row_index(_PLACE)
    parts = [
        work(placed.filter(pl.col(POPULATION).eq_missing(pl.lit(one, pl.String))), one)
        for one in found
    ]
    return pl.concat(parts).sort(_PLACE).drop(_PLACE)
