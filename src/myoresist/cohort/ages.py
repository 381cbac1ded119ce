"""Ages and durations that dates give, many patients at once; ``case.record`` says the same of one."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.courses import period
from myoresist.cohort.statements import of_column
from myoresist.findings.statements import Settler
from myoresist.resistance.response.visits import DATE

BIRTH, ONSET = "birth_date", "onset_date"
_YEAR = 12


def exact_days(dates: pl.Series) -> pl.Series:
    """Return dates written in full or in part as days, NULL where the day is not known."""
    return dates.cast(pl.String).str.to_date("%Y-%m-%d", strict=False)


def stated_by_dates(
    patients: pl.DataFrame, assessed: pl.Series, settler: Settler
) -> Iterator[pl.DataFrame]:
    """Yield what birth, onset and assessment say of ages and of how long the weakness has lasted.

    Args:
        patients: one row a patient, dates as they were written.
        assessed: the date of each assessment.
        settler: which finding has which place.
    """
    if not (patients[BIRTH].count() or patients[ONSET].count()):
        return
    ends = {BIRTH: patients[BIRTH], ONSET: patients[ONSET], DATE: patients[DATE], "today": assessed}
    frames = [patients.select("patient_id", "age", "age_at_onset", "weakness_duration_months")]
    for name, dates in ends.items():
        frames.append(Words.of(dates.cast(pl.String)).select(*period(name, name), name=name))
    rows = pl.concat(frames, how="horizontal")
    # Without a date of its own, an assessment may be later than all that is written down.
    own = rows.with_columns(
        pl.when(pl.col("age").is_not_null()).then(f"{DATE}_{end}").otherwise(f"today_{end}")
        .alias(f"now_{end}")
        for end in ("from", "to")
    )  # fmt: skip
    for finding, start, end, months in (
        ("age", BIRTH, "now", _YEAR),
        ("age_at_onset", BIRTH, ONSET, _YEAR),
        ("weakness_duration_months", ONSET, "today", 1),
    ):
        yield of_column(own, settler.places[finding], _span(own, finding, start, end, months))
    yield of_column(own, settler.places["age_at_onset"], _when_it_began(own))


def _span(rows: pl.DataFrame, given: str, start: str, end: str, months: int) -> pl.Series:
    """Return a time that two dates give without doubt, and one that differs from what is given."""
    least, most = _between(f"{start}_to", f"{end}_from"), _between(f"{start}_from", f"{end}_to")
    least, most = least.floordiv(months), most.floordiv(months)
    whole = pl.col(given).floor()
    nearest = pl.min_horizontal(pl.max_horizontal(whole, least), most)
    # Of months people round, so that only years contradict each other.
    differs = (nearest != whole) if months == _YEAR else pl.lit(False)
    said = (
        pl.when(pl.col(given).is_not_null())
        .then(pl.when((most >= 0) & differs).then(nearest))
        .when((least == most) & (most >= 0))
        .then(least)
    )
    known = least.is_not_null() & most.is_not_null()
    return rows.select(pl.when(known).then(said).cast(pl.Float64)).to_series()


def _when_it_began(rows: pl.DataFrame) -> pl.Series:
    """Return the age at onset that its date gives, where this is not the one that is written."""
    least = _between(f"{ONSET}_to", f"{DATE}_from").floordiv(_YEAR)
    most = _between(f"{ONSET}_from", f"{DATE}_to").floordiv(_YEAR)
    age, first = pl.col("age"), pl.col("age_at_onset").floor()
    nearest = pl.min_horizontal(
        pl.max_horizontal(first, age.floor() - most - 1), age.ceil() - least
    )
    asked = (
        pl.col(f"{BIRTH}_from").is_null()
        & age.is_not_null() & first.is_not_null() & least.is_not_null() & most.is_not_null()
    )  # fmt: skip
    said = pl.when(asked & (most >= 0) & (nearest != first)).then(nearest)
    return rows.select(said.cast(pl.Float64)).to_series()


def _between(first: str, last: str) -> pl.Expr:
    """Return the whole months between two days."""
    begin, end = pl.col(first).dt, pl.col(last).dt
    months = (end.year() - begin.year()) * _YEAR + (
        end.month().cast(pl.Int32) - begin.month().cast(pl.Int32)
    )
    return months - (end.day() < begin.day()).cast(pl.Int32)
