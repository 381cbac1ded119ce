"""The door for tables of visits: every measure in one unit, checked against its range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from myoresist.case.measures import Measure, Measures

PATIENT, DATE = "patient_id", "date"
POPULATION, ON_TREATMENT = "population", "on_treatment"
POPULATIONS = ("adult", "juvenile")
DIGITS = 9
"""Digits to which values are kept, so that 11 mm and 1.1 cm are the same number."""


def value_column(measure: Measure) -> str:
    """Return the column that holds a measure in the unit in which it is kept."""
    return next(iter(measure.columns))


def compared_column(measure: Measure) -> str:
    """Return the column in which two visits are compared: of an enzyme, the multiple of its limit."""
    return measure.multiple_column or value_column(measure)


def number_columns(measures: Measures) -> list[str]:
    """Return every column of numbers that a checked table of visits may hold."""
    return list(dict.fromkeys(c for m in measures for c in (value_column(m), compared_column(m))))


def checked_visits(
    table: pl.DataFrame, measures: Measures, population: str | None = None
) -> pl.DataFrame:
    """Return visits with every measure in one unit, sorted by patient and date.

    Args:
        table: one row a visit: ``patient_id`` (text or whole number), ``date`` and any of the columns that
            ``measures`` name, of an enzyme its value with its upper limit, or its multiple of the limit;
            ``population`` (adult, juvenile or NULL) and ``on_treatment`` if known. NaN counts as NULL. Other
            columns are an error.
        measures: the measures.
        population: that of every patient, where the table has no such column.

    Raises:
        ValueError: naming the column, and the patient and date of the first value that cannot be.
    """
    for name in (PATIENT, DATE):
        if name not in table.columns:
            raise ValueError(f"column {name}: is missing")
    known = _known_columns(measures)
    for name in table.columns:
        if name not in known:
            raise ValueError(f"column {name}: is not a measure")
    patient = pl.col(PATIENT)
    visits = table.select(
        # The number of a patient stays a number.
        patient if table[PATIENT].dtype.is_integer() else patient.cast(pl.String),
        pl.col(DATE).cast(pl.Date),
        *_carried(table, population),
        *(_number(column, factor) for column, factor in known.items() if factor is not None
          and column in table.columns),
    )  # fmt: skip
    for name in (PATIENT, DATE):
        if visits[name].null_count():
            raise ValueError(f"column {name}: a visit has none")
    visits = visits.select(
        PATIENT, DATE, POPULATION, ON_TREATMENT,
        *(column for measure in measures for column in _kept(measure, visits)),
    ).sort(PATIENT, DATE)  # fmt: skip
    again = (pl.col(PATIENT) == pl.col(PATIENT).shift()) & (pl.col(DATE) == pl.col(DATE).shift())
    strange = pl.col(POPULATION).is_in(POPULATIONS).not_()
    _refuse(
        visits,
        {
            "stands here twice": again,
            f"column {POPULATION}: write {' or '.join(POPULATIONS)}": strange,
            **dict(_out_of_range(visits, measures)),
        },
    )
    return visits


def _known_columns(measures: Measures) -> Mapping[str, float | None]:
    """Return every column that a table may have, with its factor if it holds a measure."""
    known: dict[str, float | None] = dict.fromkeys((PATIENT, DATE, POPULATION, ON_TREATMENT))
    for measure in measures:
        known.update(measure.columns)
        known.update(measure.limit_columns)
        if measure.multiple_column:
            known[measure.multiple_column] = 1
    return known


def _carried(table: pl.DataFrame, population: str | None) -> Iterator[pl.Expr]:
    if POPULATION in table.columns:
        yield pl.col(POPULATION).cast(pl.String)
    else:
        yield pl.lit(population, pl.String).alias(POPULATION)
    if ON_TREATMENT in table.columns:
        yield pl.col(ON_TREATMENT).cast(pl.Boolean)
    else:
        yield pl.lit(None, pl.Boolean).alias(ON_TREATMENT)


def _number(column: str, factor: float) -> pl.Expr:
    value = pl.col(column).cast(pl.Float64).fill_nan(None)
    return value if factor == 1 else (value * factor).round(DIGITS)


def _kept(measure: Measure, visits: pl.DataFrame) -> Iterator[pl.Expr]:
    """Yield the value and, of an enzyme, the multiple of its limit, as far as the table has them."""
    value = _only_one(measure, measure.columns, visits)
    if value:
        yield pl.col(value).alias(value_column(measure))
    limit = _only_one(measure, measure.limit_columns, visits)
    multiple = measure.multiple_column
    if multiple and multiple in visits.columns:
        if limit:
            raise ValueError(f"columns {multiple} and {limit}: give one of them")
        yield pl.col(multiple)
    elif multiple and value and limit:
        _refuse(visits, {f"column {limit}: an upper limit lies above 0": pl.col(limit) <= 0})
        yield (pl.col(value) / pl.col(limit)).round(DIGITS).alias(multiple)


def _only_one(measure: Measure, columns: Mapping[str, float], visits: pl.DataFrame) -> str | None:
    found = [column for column in columns if column in visits.columns]
    if len(found) > 1:
        raise ValueError(f"columns {' and '.join(found)}: give {measure.title} once")
    return found[0] if found else None


def _out_of_range(visits: pl.DataFrame, measures: Measures) -> Iterator[tuple[str, pl.Expr]]:
    for measure in measures:
        column = value_column(measure)
        if column in visits.columns:
            value = pl.col(column)
            outside = (value < measure.minimum) | (value > measure.maximum)
            said = f"{measure.minimum:g} to {measure.maximum:g} {measure.unit}"
            yield f"column {column}: lies outside {said}", outside
        if measure.multiple_column in visits.columns:
            multiple = measure.multiple_column
            yield f"column {multiple}: lies below 0", pl.col(multiple) < 0


def _refuse(visits: pl.DataFrame, wrong: Mapping[str, pl.Expr]) -> None:
    """Raise an error that names the first thing that is wrong and the first visit of which it is true."""
    found = visits.select(one.any().alias(message) for message, one in wrong.items()).row(0)
    for message, there in zip(wrong, found, strict=True):
        if there:
            first = visits.filter(wrong[message]).row(0, named=True)
            raise ValueError(f"patient {first[PATIENT]}, {first[DATE]}: {message}")
