"""Question 3 for one patient: was there a response, was the treatment adequate, what else explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from myoresist.arrays.kleene import Truths
from myoresist.arrays.runs import Ints, Runs
from myoresist.arrays.table import Table
from myoresist.case.courses import Treatments
from myoresist.case.dates import Days
from myoresist.case.drug_names import Drug
from myoresist.case.model import Case
from myoresist.case.terms import Terms
from myoresist.findings.evaluate import finding_names
from myoresist.resistance.adequacy.evaluate import History, TreatmentKnowledge
from myoresist.resistance.adequacy.explain import TreatmentHistory, treatment_history
from myoresist.resistance.adequacy.seen import Seen, Visits
from myoresist.resistance.explanations.evaluate import (
    PREFIX,
    Explanations,
    ExplanationsResult,
    explanations_of,
)
from myoresist.resistance.findings import FindingRules
from myoresist.resistance.response.baseline import Visited, default_baselines
from myoresist.resistance.response.evaluate import Responses
from myoresist.resistance.response.explain import ResponseResult, response
from myoresist.resistance.response.series import Series
from myoresist.resistance.response.trends import Trends
from myoresist.resistance.response.visits import DATE, PATIENT
from myoresist.result import Result
from myoresist.rules.condition import Name

DAMAGE = "irreversible_damage"
ACTIVE, STRONGER, FULL_STRENGTH = "activity_present", "core_mmt8_improved", "core_mmt8_normal"
"""Columns of ``trends.yaml`` by whose rules visits and pairs of visits are judged under each treatment."""


class ResistanceResult(Result):
    """Why treatment may not have worked.

    Attributes:
        labels: what each column that is not a finding is called.
        others: what to say once of columns that ask the same of many drugs.
        values: what each finding and column was worth on which a statement rests; none is unknown.
    """

    response: ResponseResult
    treatment: TreatmentHistory
    why: ExplanationsResult
    labels: dict[str, str]
    others: dict[str, str]
    values: dict[str, bool | float | str | None]

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites."""
        found = [*self.response.sources(), *self.why.sources()]
        for trial in self.treatment.trials:
            found += [*trial.cites, *(key for remark in trial.remarks for key in remark.cites)]
        return found + [key for one in self.treatment.definitions for key in one.cites]


@dataclass(frozen=True)
class Judged:
    """What courses and visits of N patients tell.

    Attributes:
        visits: what was measured, with the population of each.
        compared: every visit after the baseline, as ``Responses.against_baseline`` returned it.
        history: what was given, judged.
        columns: what the visits tell and every column of treatments.
        names: these columns in the order in which they are shown.
    """

    visits: pl.DataFrame
    compared: pl.DataFrame
    history: History
    columns: Table
    names: tuple[str, ...]

    def row(self, known: Table) -> Table:
        """Return all that a condition may read of each patient so far.

        Args:
            known: the findings. What a case states itself goes before what its courses and visits tell.
        """
        return known.or_else(self.columns)


@dataclass(frozen=True)
class Resistance:
    """Everything by which question 3 is answered, compiled."""

    responses: Responses
    treatments: TreatmentKnowledge
    trends: Trends
    explanations: Explanations
    findings: FindingRules
    drugs: Mapping[str, Drug]

    @classmethod
    def load(cls, folder: Path, terms: Terms) -> Resistance:
        """Read ``response/``, ``adequacy/``, ``refractory/`` and ``explanations/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        findings = finding_names(terms.catalogue)
        responses = Responses.load(folder, terms.measures, findings)
        treatments = TreatmentKnowledge.load(folder, terms)
        trends = Trends.load(folder, responses)
        names = {**treatments.columns.names, **trends.names}
        explanations = Explanations.load(folder, names)
        told = FindingRules.load(folder, names, terms.catalogue, trends.entries)
        return cls(responses, treatments, trends, explanations, told, terms.drugs)

    @cached_property
    def names(self) -> dict[str, Name]:
        """Return every column that a condition of question 4 may read."""
        supported = (PREFIX + one for one in self.explanations.entries)
        return {
            **self.treatments.columns.names,
            **self.trends.names,
            **{name: Name(name, "bool") for name in supported},
        }

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return what each of these columns is called that is no finding."""
        return {
            **{name: one.label for name, one in self.treatments.columns.columns.items()},
            **{one.id: one.label for one in self.trends.entries.values()},
            **{PREFIX + one.id: one.name for one in self.explanations.entries.values()},
        }

    def judge(
        self,
        known: Table,
        treatments: Treatments,
        visits: pl.DataFrame,
        asked: pl.DataFrame | None = None,
        last: Ints | None = None,
    ) -> Judged:
        """Judge courses and visits of N patients.

        Args:
            known: the findings of the patients of ``treatments``, in their order.
            treatments: what was given.
            visits: what ``Responses.visits`` returned.
            asked: ``patient_id`` and ``date`` of the visits from which a response is to be judged; for a
                patient who is not in it, that of ``default_baselines``.
            last: the last day on which each visit may have been, where its date is not known to the day.

        Raises:
            ValueError: if ``known`` and ``treatments`` are not of as many patients, or a date of ``asked`` is
                that of no visit.
        """
        patients = treatments.patient_ids
        if known.size != len(patients):
            raise ValueError("known and treatments do not hold the same patients")
        visits = self.responses.with_population(visits, patients, known)
        visited = Visited.of_table(visits, patients, last)
        default = default_baselines(
            visited, treatments, self.drugs, self.responses.conventions
        ).visit
        chosen = visits[default[default >= 0]].select(PATIENT, DATE)
        if asked is not None:
            chosen = pl.concat([asked.select(PATIENT, DATE), chosen.join(asked, PATIENT, "anti")])
        compared = self.responses.against_baseline(visits, chosen)
        trends = self.trends.columns(patients, visits, compared, self._with_first(visits, chosen))
        history = self.treatments.history(treatments, known, self._seen(visits, visited))
        names = (*self.trends.entries, *history.names)
        return Judged(visits, compared, history, trends.with_columns(history.columns), names)

    def _seen(self, visits: pl.DataFrame, visited: Visited) -> Seen:
        """Return what visits found of activity and strength."""
        on = Days(visited.first.astype(np.float64), visited.last.astype(np.float64))
        rows = np.arange(len(visits))
        active = self.trends.at_visits(ACTIVE, visits)

        def gained(before: Ints, after: Ints) -> Truths:
            changes = self.responses.changes(visits, pl.Series(before), pl.Series(after))
            stronger = self.trends.of_changes(STRONGER, changes)
            return np.maximum(stronger, self.trends.at_visits(FULL_STRENGTH, visits[after]))

        return Seen(Visits(visited.patient, rows, on, active), gained)

    def _with_first(self, visits: pl.DataFrame, baselines: pl.DataFrame) -> pl.DataFrame:
        """Return the visits of those whose baseline is a later one, each compared with the first."""
        runs = Runs.of_column(visits[PATIENT])
        first = visits.select(PATIENT, DATE)[runs.starts]
        later = baselines.join(first, [PATIENT, DATE], "anti")[PATIENT]
        theirs = first[PATIENT].is_in(later.implode()).to_numpy()
        after = np.flatnonzero(
            runs.spread(theirs) & (np.arange(len(visits)) > runs.spread(runs.starts))
        )
        return self.responses.changes(
            visits, pl.Series(runs.spread(runs.starts)[after]), pl.Series(after)
        )

    def response(self, case: Case, found: Series, known: Table) -> ResponseResult:
        """Return the response of one patient in words.

        Args:
            case: the case.
            found: its visits.
            known: the findings of the patient.
        """
        (population,) = self.responses.improvement.populations(known)
        return response(case, self.responses, found, population)

    def told_because(self, told: Table, row: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """Return for each finding that courses or visits of one patient tell from which columns it follows.

        Args:
            told: what ``FindingRules.evaluate`` returned.
            row: the findings and columns of the patient.
        """
        known = [name for name, value in told.row().items() if value is not None]
        return {name: self.findings.because(name, row) for name in known}

    def explained(
        self,
        row: Mapping[str, Any],
        found: Mapping[str, Any],
        judged: Judged,
        answer: ResponseResult,
    ) -> ResistanceResult:
        """Return the answers about one patient with their reasons.

        Args:
            row: all that a condition may read of the patient.
            found: the patient's row of ``explanations.evaluate``.
            judged: what ``judge`` returned for the patient alone.
            answer: the response.
        """
        row = dict(row)
        why = explanations_of(self.explanations, row, found)
        damage = next(one for one in why.explanations if one.id == DAMAGE)
        suspected = {"supported": True, "argued_against": False}.get(damage.status)
        row[f"{DAMAGE}_suspected"] = suspected
        treatment = treatment_history(self.treatments, judged.history, row)
        derived = self.treatments.columns
        said = {
            name for one in why.explanations for name in (*one.because, *one.against, *one.unknown)
        }
        said |= {name for one in treatment.definitions for name in (*one.because, *one.missing)}
        extra = {one.id: one.label for one in self.trends.entries.values()}
        extra |= {one.id: one.label for one in self.explanations.extra}
        return ResistanceResult(
            response=answer,
            treatment=treatment,
            why=why,
            labels={name: extra.get(name) or derived.label(name) for name in sorted(said)},
            values={name: row.get(name) for name in sorted(said)},
            others={
                name: phrase
                for name in sorted(said & derived.columns.keys())
                if (phrase := derived.columns[name].others)
            },
        )
