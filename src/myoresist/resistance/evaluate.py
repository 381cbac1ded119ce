"""Question 3 for one patient: was there a response, was the treatment adequate, what else explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from myoresist.case.courses import Treatments
from myoresist.case.model import Case
from myoresist.case.terms import Terms
from myoresist.diagnosis.differential.explain import DifferentialResult
from myoresist.findings.evaluate import finding_names
from myoresist.resistance.adequacy.evaluate import History
from myoresist.resistance.adequacy.explain import TreatmentHistory, TreatmentKnowledge
from myoresist.resistance.explanations.evaluate import (
    PREFIX,
    STATUS,
    Explanations,
    ExplanationsResult,
    explanations_of,
)
from myoresist.resistance.response.evaluate import Responses
from myoresist.resistance.response.explain import ResponseResult, response
from myoresist.resistance.response.trends import PARTS, Trends
from myoresist.resistance.response.visits import DATE, PATIENT, compared_column
from myoresist.rules.syntax import Name

DAMAGE = "irreversible_damage"


class ResistanceResult(BaseModel):
    """Why treatment may not have worked.

    Attributes:
        labels: what each column that is not a finding is called.
        others: what to say once of columns that ask the same of many drugs.
        values: what each finding and column was worth on which a statement rests; none is unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

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
class ResistanceTables:
    """Question 3 for N patients.

    Attributes:
        patients: one row a patient: ``patient_id``, what the visits tell, every column of treatments,
            ``refractory.<definition>``, and ``explanation_<id>.status``.
        history: what was given, judged.
        compared: every visit after the baseline, as ``Responses.against_baseline`` returned it.
    """

    patients: pl.DataFrame
    history: History
    compared: pl.DataFrame


@dataclass(frozen=True)
class Resistance:
    """Everything by which question 3 is answered, compiled."""

    responses: Responses
    treatments: TreatmentKnowledge
    trends: Trends
    explanations: Explanations

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
        return cls(responses, treatments, trends, Explanations.load(folder, names))

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

    def of_case(
        self,
        case: Case,
        terms: Terms,
        known: pl.DataFrame,
        differential: DifferentialResult,
        baseline: str | None = None,
    ) -> ResistanceResult:
        """Answer for one patient.

        Args:
            case: the case.
            terms: the words that it uses.
            known: what is known of the patient: one row of findings.
            differential: what the differential diagnosis says of the label.
            baseline: date of the visit from which a response is judged.

        Raises:
            ValueError: if there is no visit on the date of ``baseline``.
        """
        answer = response(case, terms, self.responses, baseline)
        row = dict(known.row(0, named=True))
        # What a case states itself goes before what its visits tell.
        trends = self._trends(answer)
        row |= {name: value for name, value in trends.items() if row.get(name) is None}
        label = differential.label
        if label:
            row |= {
                "label_probability": label.probability,
                "label_outranked": label.outranked_by is not None,
            }
        together = known.with_columns(
            pl.lit(value).alias(name) for name, value in row.items() if value is not None
        )
        given = Treatments.of_cases([case], terms)
        judged = self.treatments.history(given, together)
        row |= judged.columns.drop(PATIENT).row(0, named=True)
        why = explanations_of(self.explanations, row)
        damage = next(one for one in why.explanations if one.id == DAMAGE)
        suspected = {"supported": True, "argued_against": False}.get(damage.status)
        row[f"{DAMAGE}_suspected"] = suspected
        treatment = self.treatments.told(given, judged, row)
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

    def of_table(
        self,
        known: pl.DataFrame,
        treatments: Treatments,
        visits: pl.DataFrame,
        baselines: pl.DataFrame | None = None,
    ) -> ResistanceTables:
        """Answer for every patient of a registry.

        Args:
            known: one row a patient: ``patient_id`` and findings, in the order of ``treatments.patients``;
                ``label_probability`` and ``label_outranked`` where the differential was asked.
            treatments: what was given.
            visits: what ``Responses.visits`` returned.
            baselines: ``patient_id`` and ``date`` of one visit a patient; the first one when left out.

        Raises:
            ValueError: if the patients of ``known`` and ``treatments`` are not the same.
        """
        if not known[PATIENT].equals(treatments.patients[PATIENT]):
            raise ValueError("known and treatments do not hold the same patients in the same order")
        compared = self.responses.against_baseline(visits, baselines)
        trends = self.trends.columns(known[PATIENT], visits, compared)
        stated = set(known.columns)
        told = trends.select(
            pl.coalesce(known[name], name).alias(name) if name in stated else name
            for name in trends.columns
        )
        row = known.with_columns(told)
        history = self.treatments.history(treatments, row)
        row = row.with_columns(history.columns)
        why = self.explanations.evaluate(row)
        status = pl.col(f"{PREFIX}{DAMAGE}{STATUS}")
        suspected = pl.when(status == "supported").then(True).when(status == "argued_against")
        damage = why.select(suspected.then(False).alias(f"{DAMAGE}_suspected"))
        refractory = self.treatments.refractory.evaluate(row.hstack(damage))
        patients = told.hstack(history.columns.drop(PATIENT)).hstack(
            [
                *refractory.select(pl.all().name.prefix("refractory.")),
                *why.select(name for name in why.columns if name.endswith(STATUS)),
            ]
        )
        return ResistanceTables(patients, history, compared)

    def _trends(self, answer: ResponseResult) -> Mapping[str, Any]:
        """Return what the visits of the patient say about the course."""
        patient = pl.Series([answer.patient_id], dtype=pl.String)
        if not answer.visits:
            return self.trends.without_visits(patient).drop(PATIENT).row(0, named=True)
        measures = self.responses.measures
        visits = [
            {compared_column(measures[m.id]): m.value for m in (*v.activity, *v.activity_or_damage)}
            for v in answer.visits
        ]
        compared = [
            {
                "score": one.improvements[0].score,
                **{
                    f"{change.domain}.{part}": getattr(change, part)
                    for change in one.improvements[0].changes
                    for part in PARTS
                },
            }
            for one in answer.comparisons
        ]
        columns = dict.fromkeys((compared_column(one) for one in measures), pl.Float64)
        tables = (
            _in_order(visits, answer.patient_id, columns),
            _in_order(compared, answer.patient_id, dict.fromkeys(self.trends.compared, pl.Float64)),
        )
        return self.trends.columns(patient, *tables).drop(PATIENT).row(0, named=True)


def _in_order(
    rows: Sequence[Mapping[str, float | None]],
    patient: str,
    columns: Mapping[str, pl.DataType | type],
) -> pl.DataFrame:
    """Return rows of one patient, in order of time, as a table."""
    numbered = [{PATIENT: patient, DATE: place, **row} for place, row in enumerate(rows)]
    return pl.DataFrame(numbered, {PATIENT: pl.String, DATE: pl.Int64, **columns})
