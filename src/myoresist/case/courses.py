"""From cases to tables of treatment: courses, drug levels and what is known of the whole list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, get_args

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.dates import PartialDate
from myoresist.case.doses import Body, Measure
from myoresist.case.model import Case
from myoresist.case.record import assessed_on
from myoresist.case.terms import Terms
from myoresist.case.units import converted, spelling

WRITTEN = {
    "patient_id": pl.String, "drug": pl.String, "dose": pl.Float64, "unit": pl.String,
    "frequency": pl.String, "route": pl.String, "start": pl.String, "stop": pl.String,
    "ongoing": pl.Boolean, "response": pl.String, "reason_stopped": pl.String,
    "weight_kg": pl.Float64, "weeks": pl.Float64,
}  # fmt: skip
"""Columns of a table of courses as they are written; see ``Treatments.of``."""

PATIENTS = {"patient_id": pl.String, "date": pl.String, "treatments_complete": pl.Boolean}
LEVELS = {"patient_id": pl.String, "drug": pl.String, "date": pl.String, "value": pl.Float64}

# In the order of the alphabet, by which records are sorted that differ in nothing else.
RESPONSES = pl.Enum(["good", "none", "partial"])
REASONS = pl.Enum(["no effect", "other", "remission", "side effect"])
MEASURES, BODIES = pl.Enum(get_args(Measure)), pl.Enum(get_args(Body))
LOCAL = "local"

_UNIT = {"measure": MEASURES, "factor": pl.Float64, "body": BODIES, "unit_days": pl.Int64}
_OFTEN = {"times": pl.Int64, "often_days": pl.Int64, "single": pl.Boolean}
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Treatments:
    """What was given to N patients, read and typed.

    Attributes:
        patients: one row a patient: ``patient_id``, ``today_from``, ``today_to`` (the assessment is on
            one of these days), ``complete`` (is every course listed?).
        courses: one row a record: ``patient`` (row of ``patients``), ``record`` (its place in the list
            that came in), ``drug``, ``route`` (oral, intravenous, …), ``amount`` (mg, U or count a dose),
            ``measure``, ``body`` (kg or m2 that the dose is given by), ``times`` in ``days`` (NULL for an
            unknown frequency), ``single``, the days between which it started and stopped, ``ongoing``,
            ``response``, ``reason_stopped``, ``weight_kg``, and ``length`` in days where it is said
            instead of dates. NULL is unknown. Words are of type Enum.
        levels: one row a drug level: ``patient``, ``drug``, ``date_from``, ``date_to``, ``value``.
    """

    patients: pl.DataFrame
    courses: pl.DataFrame
    levels: pl.DataFrame

    @classmethod
    def of_cases(cls, cases: Sequence[Case], terms: Terms) -> Treatments:
        """Read the treatments of cases; a drug, unit or frequency that is not known is unknown."""
        courses = [row for case in cases for row in _courses(case)]
        levels = [row for case in cases for row in _levels(case, terms)]
        patients = [
            (case.patient.id, _written(assessed_on(case)), case.treatments_complete)
            for case in cases
        ]
        return cls.of(
            pl.DataFrame(patients, schema=PATIENTS, orient="row"),
            pl.DataFrame(courses, schema=WRITTEN, orient="row"),
            pl.DataFrame(levels, schema=LEVELS, orient="row"),
            terms,
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
        people = people.select(
            "patient_id", *_days(people["date"], "today"), complete="treatments_complete"
        )
        ids = people["patient_id"]
        numbered = _are_rows(ids)
        if not numbered and ids.is_duplicated().any():
            raise ValueError("patients: patient_id stands there twice")
        given = _typed(courses, WRITTEN, "courses").with_row_index("record")
        measured = _typed(levels if levels is not None else pl.DataFrame(), LEVELS, "levels")
        measured = measured.select("patient_id", "drug", *_days(measured["date"], "date"), "value")
        return cls(
            people,
            _placed(_read(given, terms), ids, numbered),
            _placed(measured, ids, numbered),
        )

    def part(self, offset: int, length: int) -> Treatments:
        """Return the treatments of ``length`` patients from ``offset`` on."""
        inside = pl.col("patient").is_between(offset, offset + length - 1)
        counted = (pl.col("patient") - offset).alias("patient")
        return Treatments(
            self.patients.slice(offset, length),
            self.courses.filter(inside).with_columns(counted),
            self.levels.filter(inside).with_columns(counted),
        )


def routes_of(terms: Terms) -> pl.Enum:
    """Return the routes by which a drug may be taken."""
    return pl.Enum(sorted({*terms.doses.routes, LOCAL}))


def _courses(case: Case) -> Iterable[tuple[Any, ...]]:
    for one in case.treatments:
        # What a missing stop date means is decided with the rest of the list at hand.
        ongoing = False if one.reason_stopped else one.ongoing
        yield (
            case.patient.id, one.drug, one.dose, one.unit, one.frequency, one.route,
            _written(one.start), _written(one.stop), ongoing, one.response, one.reason_stopped,
            _weight(case, one.start), one.weeks,
        )  # fmt: skip


def _weight(case: Case, start: PartialDate | None) -> float | None:
    """Return the weight at the visit nearest to the start of a course, else that of the patient."""
    weighed = [visit for visit in case.visits if visit.weight_kg]
    if not weighed or (start is None and case.patient.weight_kg):
        return case.patient.weight_kg
    when = start.earliest if start else date.max
    return min(weighed, key=lambda visit: abs(visit.date.earliest - when)).weight_kg


def _levels(case: Case, terms: Terms) -> Iterable[tuple[Any, ...]]:
    for lab in case.labs:
        test = terms.lab(lab.test)
        if test and test.level_of:
            unit = spelling(lab.unit, test) or test.unit
            value = converted(lab.value, unit, test)
            yield case.patient.id, test.level_of, _written(lab.date), value


def _written(when: PartialDate | None) -> str | None:
    return str(when) if when else None


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


def _placed(table: pl.DataFrame, ids: pl.Series, numbered: bool) -> pl.DataFrame:
    """Return a table with ``patient``, the row of ``ids``, instead of ``patient_id``."""
    given = pl.col("patient_id")
    if numbered and table["patient_id"].dtype.is_integer():
        row = pl.when(given.is_between(0, len(ids) - 1)).then(given).cast(pl.UInt32)
        rows = table.select(row.alias("patient"))
    else:
        known = pl.DataFrame([ids if len(table) else ids.head(0)]).with_row_index("patient")
        rows = table.select(given.cast(ids.dtype)).join(
            known, on="patient_id", how="left", maintain_order="left"
        )
    found = table.drop("patient_id").with_columns(rows["patient"])
    # Most tables hold nobody else, and these need not be copied.
    return found.drop_nulls("patient") if rows["patient"].null_count() else found


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


def _days(written: pl.Series, name: str) -> list[pl.Series]:
    """Return the first and the last day of dates, named by how their names begin."""
    if written.dtype == pl.Date:
        return [written.alias(f"{name}_{side}") for side in ("from", "to")]
    return Words.of(written).select(*period("date", name), name="date").get_columns()


def _read(given: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Read the words of a table of courses; each different word is looked up once."""
    local = terms.sections.local_routes

    def drug(word: str) -> tuple[Any, ...]:
        known = terms.drug(word)
        return (known.id if known else None,)

    def unit(word: str) -> tuple[Any, ...]:
        known = terms.doses.unit(word)
        return (known.measure, known.factor, known.body, known.days) if known else (None,) * 4

    def often(word: str) -> tuple[Any, ...]:
        known = terms.doses.frequency(word)
        return (known.times, known.days, known.days is None) if known else (None,) * 3

    def route(word: str) -> tuple[Any, ...]:
        return (terms.doses.route(word, local),)

    def stated(word: str, known: pl.Enum) -> tuple[Any, ...]:
        if word not in (*known.categories, _UNKNOWN):
            raise ValueError(f"courses: {word} is none of {', '.join(known.categories)}")
        return (None if word == _UNKNOWN else word,)

    readers: dict[str, tuple[Mapping[str, Any], Callable[[str], tuple[Any, ...]]]] = {
        "drug": ({"drug": pl.Enum(list(terms.drugs))}, drug),
        "unit": (_UNIT, unit),
        "frequency": (_OFTEN, often),
        "route": ({"route": routes_of(terms)}, route),
        "response": ({"response": RESPONSES}, partial(stated, known=RESPONSES)),
        "reason_stopped": ({"reason_stopped": REASONS}, partial(stated, known=REASONS)),
    }
    looked = [*_days(given["start"], "start"), *_days(given["stop"], "stop")]
    for column, (schema, look_up) in readers.items():
        words = Words.of(given[column])
        rows = [look_up(word) for word in words.texts.to_list()]
        looked += [words.read(one) for one in pl.DataFrame(rows, schema=schema, orient="row")]
    found = given.with_columns(looked)
    return found.select(
        "patient_id",
        "record",
        "drug",
        "route",
        (pl.col("dose") * pl.col("factor")).alias("amount"),
        "measure",
        "body",
        # A unit that says how long, as mg/day, holds whatever the frequency.
        pl.when(pl.col("unit_days").is_not_null()).then(1).otherwise("times").alias("times"),
        pl.coalesce("unit_days", "often_days").alias("days"),
        pl.coalesce((pl.col("unit_days").is_null() & pl.col("single")), False).alias("single"),
        "start_from",
        "start_to",
        "stop_from",
        "stop_to",
        "ongoing",
        "response",
        "reason_stopped",
        "weight_kg",
        (pl.col("weeks") * 7).round(0).cast(pl.Int64).alias("length"),
        pl.col("dose").is_null().alias("no_dose"),
    )
