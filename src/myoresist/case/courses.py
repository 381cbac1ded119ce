"""What was given to N patients, as columns: their courses, drug levels, and what is known of the whole list.

A case file and the tables of a registry are read alike: both become columns of texts, dates and numbers, and
each different text is read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from myoresist.arrays.kleene import Truths, of_values, truth
from myoresist.arrays.runs import Floats, Ints, numbers
from myoresist.arrays.words import NO_WORD, Texts
from myoresist.case.course_columns import WORDS, Courses, Levels, courses_of, drugs_of
from myoresist.case.dates import Days, PartialDate
from myoresist.case.lab_rows import unread_tests
from myoresist.case.model import Case
from myoresist.case.record import assessed_on
from myoresist.case.responses import overall
from myoresist.case.sequence import Order, begun_after, sequence_of
from myoresist.case.sequence import Sequence as Sequence_
from myoresist.case.terms import Terms
from myoresist.case.units import converted, spelling

WRITTEN = {
    "patient_id": pl.String, "drug": pl.String, "dose": pl.Float64, "unit": pl.String,
    "frequency": pl.String, "route": pl.String, "start": pl.String, "stop": pl.String,
    "ongoing": pl.Boolean, "response": pl.String, "reason_stopped": pl.String,
    "weight_kg": pl.Float64, "weeks": pl.Float64, "shared": pl.Boolean,
    "after": pl.String, "before": pl.String, "from_week": pl.Float64,
}  # fmt: skip
"""Columns of a table of courses as they are written; see ``Treatments.of``."""

PATIENTS = {"patient_id": pl.String, "date": pl.String, "treatments_complete": pl.Boolean}
LEVELS = {"patient_id": pl.String, "drug": pl.String, "date": pl.String, "value": pl.Float64}


@dataclass(frozen=True)
class Treatments:
    """What was given to N patients, read.

    Attributes:
        patient_ids: the patients.
        today: the date of each assessment.
        complete: whether every course of each patient is known to be listed.
        courses: the records, in the order in which they came in.
        levels: drug levels.
        sequence: which drugs were begun after which, besides dates.
    """

    patient_ids: pl.Series
    today: Days
    complete: Truths
    courses: Courses
    levels: Levels
    sequence: Sequence_

    @classmethod
    def of_cases(cls, cases: Sequence[Case], terms: Terms) -> Treatments:
        """Read the treatments of cases; a drug, unit or frequency that is not known is unknown."""
        own = [(place, case, one) for place, case in enumerate(cases) for one in case.treatments]
        listed = [one for _, _, one in own]
        words = {name: [getattr(one, name) for one in listed] for name in WORDS}
        words["response"] = [overall(one) for one in listed]
        # What a missing stop date means is decided with the rest of the list at hand.
        ongoing = [False if one.reason_stopped else one.ongoing for one in listed]
        today = Days.of([assessed_on(case) for case in cases])
        courses, sequence = _in_sequence(
            courses_of(
                patient=np.array([place for place, _, _ in own], np.int64),
                words={name: Texts.of(column) for name, column in words.items()},
                numbers_={
                    "dose": _numbers([one.dose for one in listed]),
                    "weeks": _numbers([one.weeks for one in listed]),
                    "weight_kg": _numbers([_weight(case, one.start) for _, case, one in own]),
                },
                dates=(
                    Days.of([x.start for x in listed]),
                    Days.of([x.stop for x in listed]),
                ),
                ongoing=of_values(ongoing),
                shared=np.array([bool(one.together_with) for one in listed], np.bool_),
                terms=terms,
            ),
            today,
            Order(
                after=drugs_of(Texts.of([one.after for one in listed]), terms),
                before=drugs_of(Texts.of([one.before for one in listed]), terms),
                week=_numbers([one.from_week for one in listed]),
            ),
        )
        return cls(
            pl.Series("patient_id", [case.patient.id for case in cases], dtype=pl.String),
            today,
            of_values([case.treatments_complete for case in cases]),
            courses,
            _levels(cases, terms),
            sequence,
        )

    @classmethod
    def of(
        cls,
        patients: pl.DataFrame,
        courses: pl.DataFrame,
        levels: pl.DataFrame | None,
        terms: Terms,
    ) -> Treatments:
        """Read tables of treatments as they are written, as those of a registry.

        Args:
            patients: ``patient_id``, unique, a text or a whole number; ``date`` of the assessment and
                ``treatments_complete`` where known.
            courses: columns of ``WRITTEN``; ``patient_id`` and ``drug`` are needed. Dates are
                ``2023``, ``2023-05`` or ``2023-05-17``, or of type Date; words may be categorical.
            levels: columns of ``LEVELS``, or ``None``.
            terms: the words that may be used.

        Raises:
            ValueError: for a column that is not known, or a value that cannot be read.
        """
        people = _typed(patients, PATIENTS, "patients")
        ids = people["patient_id"]
        numbered = _are_rows(ids)
        if not numbered and ids.is_duplicated().any():
            raise ValueError("patients: patient_id stands there twice")
        given, patient = _placed(_typed(courses, WRITTEN, "courses"), ids, numbered)
        measured = _typed(levels if levels is not None else pl.DataFrame(), LEVELS, "levels")
        measured, measured_in = _placed(measured, ids, numbered)
        today = _days(people["date"])
        read = courses_of(
            patient,
            {name: Texts.of_column(given[name]) for name in WORDS},
            {name: _floats(given[name]) for name in ("dose", "weeks", "weight_kg")},
            (_days(given["start"]), _days(given["stop"])),
            truth(given["ongoing"]),
            given["shared"].fill_null(False).to_numpy(),
            terms,
        )
        order = Order(
            after=drugs_of(Texts.of_column(given["after"]), terms),
            before=drugs_of(Texts.of_column(given["before"]), terms),
            week=_floats(given["from_week"]),
        )
        read, sequence = _in_sequence(read, today, order)
        return cls(
            ids,
            today,
            truth(people["treatments_complete"]),
            read,
            Levels(
                measured_in,
                drugs_of(Texts.of_column(measured["drug"]), terms),
                _days(measured["date"]),
                _floats(measured["value"]),
            ),
            sequence,
        )


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if one is None else one for one in values], np.float64)


def _weight(case: Case, start: PartialDate | None) -> float | None:
    """Return the weight at the visit nearest to the start of a course, else that of the patient."""
    weighed = [visit for visit in case.visits if visit.weight_kg]
    if not weighed or (start is None and case.patient.weight_kg):
        return case.patient.weight_kg
    when = start.earliest if start else date.max
    return min(weighed, key=lambda visit: abs(visit.date.earliest - when)).weight_kg


def _in_sequence(courses: Courses, today: Days, order: Order) -> tuple[Courses, Sequence_]:
    """Return courses with what their order tells of their start, and which were begun after which."""
    if not order.said.any():
        nothing = np.empty(0, np.int64)
        return courses, Sequence_(nothing, nothing, nothing)
    start, drug = courses.start, np.where(courses.local, NO_WORD, courses.drug)
    undated = ~start.known & ~courses.stop.known & np.isnan(courses.length)
    told = begun_after(courses.patient, drug, start, undated, order, today)
    sequence = sequence_of(courses.patient, drug, start, order)
    return replace(courses, start=start.otherwise(told)), sequence


def _levels(cases: Sequence[Case], terms: Terms) -> Levels:
    found = [
        (place, test.level_of, lab.date, converted(lab.value, spelling(lab.unit, test) or test.unit, test))
        for place, case in enumerate(cases)
        for lab in case.labs
        if (test := terms.lab(lab.test)) and test.level_of and lab.value is not None
        and test.id not in unread_tests(case, terms)
    ]  # fmt: skip
    patient, drug, dates, values = zip(*found, strict=True) if found else ((), (), (), ())
    return Levels(
        np.array(patient, np.int64),
        drugs_of(Texts.of(drug), terms),
        Days.of(dates),
        _numbers(values),
    )


def _typed(table: pl.DataFrame, schema: dict[str, Any], name: str) -> pl.DataFrame:
    """Return a table with every column of ``schema`` in its type; NaN becomes NULL.

    Numbers of patients, categorical words and dates of type Date stay what they are.
    """
    strange = sorted(set(table.columns) - schema.keys())
    if strange:
        raise ValueError(f"{name}: unknown column {strange[0]}; known are {', '.join(schema)}")
    columns = []
    for column, kind in schema.items():
        if column not in table.columns:
            columns.append(pl.lit(None, kind).alias(column))
        elif kind == pl.Float64:
            columns.append(pl.col(column).cast(kind).fill_nan(None))
        elif kind == pl.String and _usable(column, table[column].dtype):
            columns.append(pl.col(column))
        else:
            columns.append(pl.col(column).cast(kind))
    return table.select(columns)


def _usable(column: str, kind: pl.DataType) -> bool:
    """Tell whether a column of text may be left in the type in which it came."""
    if column == "patient_id":
        return kind.is_integer()
    return kind in (pl.Categorical, pl.Enum, pl.Date)


def _are_rows(ids: pl.Series) -> bool:
    """Tell whether ids are the numbers of their rows."""
    if not ids.dtype.is_integer() or ids.null_count():
        return False
    return bool((ids == pl.int_range(len(ids), eager=True)).all())


def _placed(table: pl.DataFrame, ids: pl.Series, numbered: bool) -> tuple[pl.DataFrame, Ints]:
    """Return the rows of a table that are about one of the patients, and the row of each in ``ids``."""
    given = pl.col("patient_id")
    if numbered and table["patient_id"].dtype.is_integer():
        rows = table.select(pl.when(given.is_between(0, len(ids) - 1)).then(given)).to_series()
    else:
        known = pl.DataFrame([ids if len(table) else ids.head(0)]).with_row_index("row")
        rows = table.select(given.cast(ids.dtype)).join(
            known, on="patient_id", how="left", maintain_order="left"
        )["row"]
    # Most tables hold nobody else, and these need not be copied.
    kept = table.filter(rows.is_not_null()) if rows.null_count() else table
    return kept, numbers(rows.drop_nulls())


def _days(column: pl.Series) -> Days:
    """Return the days of a column of dates, of type Date or as they are written."""
    if column.dtype == pl.Date:
        days = _floats(column.to_physical())
        return Days(days, days)
    texts = Texts.of_column(column)
    return Days.of([*texts.texts, None]).take(texts.places)


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def period(column: str, name: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the first and the last day that a date written in full or in part can be."""
    text = pl.col(column).str.strip_chars()
    first = (
        pl.when(text.str.len_chars() == 4)
        .then(text + "-01-01")
        .when(text.str.len_chars() == 7)
        .then(text + "-01")
        .otherwise(text)
        .str.to_date("%Y-%m-%d")
    )
    last = (
        pl.when(text.str.len_chars() == 4)
        .then(first.dt.offset_by("11mo").dt.month_end())
        .when(text.str.len_chars() == 7)
        .then(first.dt.month_end())
        .otherwise(first)
    )
    return first.alias(f"{name}_from"), last.alias(f"{name}_to")
