"""Examples of responses, of treatment histories, and of what else explains that treatment did not work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import polars as pl
from pydantic import ValidationError, model_validator

from myoresist.answers import Answers
from myoresist.arrays.table import Table
from myoresist.assessment import one_patient
from myoresist.case.model import Case
from myoresist.case.record import record
from myoresist.knowledge.schema import Entry
from myoresist.library import Knowledge
from myoresist.resistance.adequacy.explain import treatment_history
from myoresist.resistance.explanations.evaluate import FAILURE, PREFIX, STATUS, URGENT
from myoresist.resistance.explanations.evaluate import Status as Support
from myoresist.worked_examples.form import Example, Given, Value
from myoresist.worked_examples.patients import (
    CONSISTENT,
    Record,
    columns_of,
    patients,
    wrong_findings,
    wrong_names,
    wrong_values,
)

START = date(2020, 1, 1)
"""Day 0 of the visits of an example."""
BY_DOMAIN = ("percent", "points", "relative")
DECIMALS = 2
"""Decimals to which percentages are written."""
WEIGHT_KG = 70.0
"""Weight of a patient whose treatments are given, where an example does not say another."""


class ResponseGiven(Entry):
    """Visits of a patient; ``day`` counts from the first, the measures are columns of ``measures.yaml``."""

    population: Literal["adult", "juvenile"] | None = None
    core_set: Literal["imacs", "printo"] = "imacs"
    visits: tuple[Mapping[str, Value], ...]


class ResponseExpected(Entry):
    """What must be said of the last visit against the first; ``states`` looks at the last one alone.

    ``percent`` is of the whole range of a measure, ``relative`` of the baseline; better is positive. Where
    the category is settled, the highest possible score is the score, unless an example says otherwise.
    """

    percent: Mapping[str, float] = {}
    relative: Mapping[str, float] = {}
    points: Mapping[str, float] = {}
    score: float | None = None
    score_max: float | None = None
    category: str | None = None
    category_min: str | None = None
    category_max: str | None = None
    definitions: Mapping[str, Value] = {}
    states: Mapping[str, Value] = {}

    @model_validator(mode="before")
    @classmethod
    def _settled(cls, data: Any) -> Any:
        if isinstance(data, dict) and "score" in data and data.get("category") != "undetermined":
            return {"score_max": data["score"], **data}
        return data


def wrong_in_response(
    knowledge: Knowledge, example: Example[ResponseGiven, ResponseExpected]
) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    for number, visit in enumerate(example.given.visits):
        day = visit.get("day")
        if isinstance(day, bool) or not isinstance(day, int | float) or day != int(day):
            yield f"visit {number} has no day, a whole number counted from the first visit"
    try:
        knowledge.resistance.responses.visits(_visits(example.given), example.given.population)
    except ValueError as error:
        yield str(error)


def response(
    knowledge: Knowledge,
    part: str,
    examples: Sequence[Example[ResponseGiven, ResponseExpected]],
) -> Iterator[Mapping[str, Any]]:
    """Return all that is said of the response of each patient."""
    responses = knowledge.resistance.responses
    for one in examples:
        visits = responses.visits(_visits(one.given), one.given.population)
        compared = responses.against_baseline(visits, core_set=one.given.core_set)
        row = compared.row(-1, named=True) if compared.height else {}
        states = responses.states(visits).row(-1, named=True)
        yield {
            **row,
            **{name: _by_domain(row, name) for name in BY_DOMAIN},
            "definitions": row,
            "states": states,
        }


def _visits(given: ResponseGiven) -> pl.DataFrame:
    rows = []
    for visit in given.visits:
        day = START + timedelta(days=int(visit.get("day", 0)))
        values = {
            name: value if isinstance(value, bool) else float(value)
            for name, value in visit.items()
            if name != "day"
        }
        rows.append({"patient_id": "P", "date": day, **values})
    return pl.DataFrame(rows, infer_schema_length=None)


def _by_domain(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return one column of each domain, rounded as examples write it."""
    ending = f".{name}"
    return {
        column.removesuffix(ending): round(value, DECIMALS) if isinstance(value, float) else value
        for column, value in row.items()
        if column.endswith(ending)
    }


class TreatmentGiven(Entry):
    """Treatments and visits of a patient, as a case file holds them.

    ``weight_kg`` is unknown where it is null. ``columns`` go before what these tell. The assessment is on
    ``date``, or on the latest date that is given.
    """

    date: str | None = None
    weight_kg: float | None = WEIGHT_KG
    findings: Mapping[str, Value] = {}
    treatments: tuple[Mapping[str, Any], ...] = ()
    treatments_complete: bool | None = None
    labs: tuple[Mapping[str, Any], ...] = ()
    visits: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, Value] = {}

    def case(self) -> Case:
        """Return this as a case.

        Raises:
            ValidationError: for what a case cannot hold.
        """
        held = self.model_dump(exclude={"columns", "weight_kg"}, exclude_none=True)
        return Case.model_validate({"patient": {"id": "P", "weight_kg": self.weight_kg}, **held})


class TreatmentExpected(Entry):
    """What must be said.

    Attributes:
        trials: verdicts on trials.
        missing: what they lack.
        columns: columns that treatments tell.
        findings: findings, as stated or as courses tell them.
        definitions: states of definitions of refractory disease.
    """

    trials: Mapping[str, str] = {}
    missing: Mapping[str, tuple[str, ...]] = {}
    columns: Mapping[str, Value] = {}
    findings: Mapping[str, Value] = {}
    definitions: Mapping[str, str] = {}


def wrong_in_treatments(
    knowledge: Knowledge, example: Example[TreatmentGiven, TreatmentExpected]
) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    try:
        example.given.case()
    except ValidationError as error:
        for one in error.errors():
            yield f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}"
    yield from wrong_names(example.given.findings, knowledge.catalogue.findings, "finding")
    kinds = {one.column: one.kind for one in knowledge.resistance.names.values()}
    yield from wrong_values(example.given.columns, kinds, "column")


def treatments(
    knowledge: Knowledge,
    part: str,
    examples: Sequence[Example[TreatmentGiven, TreatmentExpected]],
) -> Iterator[Mapping[str, Any]]:
    """Return all that is said of the treatment history of each patient."""
    base = knowledge.resistance
    for one in examples:
        case = one.given.case()
        patients, _ = one_patient(case, record(case, knowledge.terms), knowledge)
        answers = Answers(patients, knowledge, knowledge.differential)
        judged, known = answers.judged, answers.findings
        row = {**judged.row(known).row(), **one.given.columns}
        history = treatment_history(base.treatments, judged.history, row)
        trials = {trial.id: trial for trial in history.trials}
        regimens = [regimen.id for regimen in base.treatments.regimens.trials]
        yield {
            "trials": {x: trials[x].verdict if x in trials else None for x in regimens},
            "missing": {x: trials[x].missing if x in trials else () for x in regimens},
            "columns": history.columns,
            "findings": dict.fromkeys(knowledge.catalogue.findings) | known.row(),
            "definitions": {definition.id: definition.state for definition in history.definitions},
        }


class ExplanationsGiven(Given):
    """A patient with ``columns``: what treatments, visits and the differential diagnosis tell."""

    columns: Mapping[str, Value] = {}


class ExplanationsExpected(Entry):
    """What must be said: the status of explanations, kinds of failure, and whether a step is urgent."""

    record: Record = CONSISTENT
    explanations: Mapping[str, Support] = {}
    failures: Mapping[str, Value] = {}
    urgent: Mapping[str, Value] = {}


def wrong_in_explanations(
    knowledge: Knowledge, example: Example[ExplanationsGiven, ExplanationsExpected]
) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    yield from wrong_findings(knowledge, example.given.findings)
    kinds = knowledge.resistance.explanations.kinds
    yield from wrong_values(example.given.columns, kinds, "column")


def explanations(
    knowledge: Knowledge,
    part: str,
    examples: Sequence[Example[ExplanationsGiven, ExplanationsExpected]],
) -> Iterator[Mapping[str, Any]]:
    """Return all that is said of each patient."""
    base = knowledge.resistance.explanations
    found = patients(knowledge, [one.given for one in examples])
    told = columns_of([one.given.columns for one in examples], base.kinds)
    columns = Table.of_frame(pl.DataFrame(list(told)), len(examples))
    answers = base.evaluate(found.findings.with_columns(columns))
    for place, state in enumerate(found.records):
        row = answers.row(place)
        yield {
            "record": state,
            "explanations": {x: row[PREFIX + x + STATUS] for x in base.entries},
            "failures": {x.id: row[FAILURE + x.id] for x in base.failures},
            "urgent": {x.id: row[URGENT + x.id] for x in base.steps if x.urgent_when},
        }
