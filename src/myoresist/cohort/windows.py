"""Response by index drug: new users of each drug, judged so many weeks after they began it.

A drug has one index course a patient, the first one that is recorded. Each has a baseline of its own, and
what is missing is a row that says why, never one that is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from myoresist.answers import Answers
from myoresist.cohort.conventions import Conventions, Window
from myoresist.cohort.given import DRUG, START, START_LAST, STOP_LAST
from myoresist.cohort.responses import MEASURES, SCORE_MIN, scored
from myoresist.resistance.response.improvement import (
    CATEGORY,
    CATEGORY_MAX,
    CATEGORY_MIN,
    SCORE,
    SCORE_MAX,
    UNDETERMINED,
)
from myoresist.resistance.response.visits import DATE, PATIENT

BASELINE, VISIT, DAYS, WEEK, STATUS = "baseline_date", "visit_date", "days", "week", "status"
STATUSES = (
    "judged", "measures_missing", "no_visit", "not_reached", "no_baseline", "start_unknown",
)  # fmt: skip
"""Whether a response is known, and else why not; ``not_reached`` is not yet due at the assessment."""
RESPONSE = (CATEGORY, CATEGORY_MIN, CATEGORY_MAX, MEASURES, SCORE, SCORE_MIN, SCORE_MAX)
_ROW, _BEFORE, _TODAY = "row", "before", "today"


@dataclass(frozen=True)
class Followed:
    """The index courses of some patients, and the visits after each compared with its baseline.

    Attributes:
        index: one row an index course: ``patient_id``, ``drug``, ``start``, ``stop_last``, ``running``,
            ``reason_stopped``, ``today``, ``baseline_date``, ``dated`` (whether its start is known).
        visits: one row an index course and visit after its baseline, to the end of the last window:
            ``patient_id``, ``drug``, ``start``, ``date``, ``days`` since the start, and ``RESPONSE``.
    """

    index: pl.DataFrame
    visits: pl.DataFrame


def followed(answers: Answers, courses: pl.DataFrame, conventions: Conventions) -> Followed:
    """Return the index courses of new users, with what was seen of them.

    Args:
        answers: the answers about the patients.
        courses: what ``courses_table`` returned.
        conventions: the windows.
    """
    visits = answers.judged.visits.select(PATIENT, DATE).with_row_index(_ROW)
    visits = visits.with_columns(pl.col(PATIENT).cast(pl.UInt32)).sort(DATE, PATIENT)
    vague = (pl.col(START_LAST) - pl.col(START)).dt.total_days()
    index = (
        courses.filter((pl.col("kind") == "immunosuppressant") & (pl.col("number") == 1))
        .select(
            PATIENT, DRUG, START, STOP_LAST, "running", "reason_stopped",
            dated=(vague <= conventions.start_within_days).fill_null(False),
        )
        .with_columns(_until=pl.col(START) + pl.duration(days=conventions.baseline_after_days))
        .sort("_until", nulls_last=True)
    )  # fmt: skip
    last = pl.Series(_TODAY, answers.patients.treatments.today.latest).fill_nan(None)
    days = pl.DataFrame({_TODAY: last.cast(pl.Int32).cast(pl.Date)}).with_row_index(PATIENT)
    dated = index.filter("dated").join_asof(
        visits.select(PATIENT, DATE, _ROW).rename({DATE: BASELINE, _ROW: _BEFORE}),
        left_on="_until",
        right_on=BASELINE,
        by=PATIENT,
        check_sortedness=False,
    )
    early = pl.col(BASELINE) < pl.col(START) - pl.duration(days=conventions.baseline_before_days)
    dated = dated.with_columns(
        pl.when(~early).then(pl.col(x)).alias(x) for x in (BASELINE, _BEFORE)
    )
    whole = pl.concat([dated, index.filter(~pl.col("dated"))], how="diagonal").drop("_until")
    whole = whole.join(days, on=PATIENT, how="left").sort(PATIENT, DRUG)
    horizon = max(one.last for one in conventions.windows)
    pairs = (
        whole.filter(pl.col(BASELINE).is_not_null())
        .select(PATIENT, DRUG, START, BASELINE, _BEFORE)
        .join(visits, on=PATIENT, how="inner")
        .with_columns((pl.col(DATE) - pl.col(START)).dt.total_days().alias(DAYS))
        .filter((pl.col(DATE) > pl.col(BASELINE)) & (pl.col(DAYS) <= horizon))
        .sort(PATIENT, DRUG, DATE)
    )
    compared = answers.library.resistance.responses.changes(
        answers.judged.visits, pairs[_BEFORE], pairs[_ROW]
    )
    told = scored(compared).select(RESPONSE) if pairs.height else _nothing(compared)
    return Followed(whole.drop(_BEFORE), pairs.drop(_BEFORE, _ROW, BASELINE).hstack(told))


def _nothing(compared: pl.DataFrame) -> pl.DataFrame:
    return scored(compared).select(RESPONSE).clear()


def windows_table(found: Followed, conventions: Conventions) -> pl.DataFrame:
    """Return one row a patient, index drug and window.

    Returns:
        ``patient_id``, ``drug``, ``week``, ``start`` of the drug, ``baseline_date``, ``visit_date`` and
        ``days`` of the nearest visit in the window, ``on_drug`` (whether it was not stopped before that
        visit), ``status`` (of ``STATUSES``) and ``RESPONSE``.
    """
    return (
        pl.concat([_window(found, one) for one in conventions.windows])
        .sort(PATIENT, DRUG, WEEK)
        .select(
            PATIENT, DRUG, WEEK, START, BASELINE, VISIT, DAYS, "on_drug", STATUS, *RESPONSE,
        )
    )  # fmt: skip


def _window(found: Followed, window: Window) -> pl.DataFrame:
    away = (pl.col(DAYS) - window.week * 7).abs()
    nearest = (
        found.visits.filter(pl.col(DAYS).is_between(window.first, window.last))
        .with_columns(away=away)
        .sort(PATIENT, DRUG, "away", DATE)
        .unique([PATIENT, DRUG], keep="first", maintain_order=True)
        .rename({DATE: VISIT})
        .drop("away", START)
    )
    end = pl.col(START) + pl.duration(days=window.last)
    status = (
        pl.when(~pl.col("dated"))
        .then(pl.lit("start_unknown"))
        .when(pl.col(BASELINE).is_null())
        .then(pl.lit("no_baseline"))
        .when(pl.col(VISIT).is_null() & (end > pl.col(_TODAY)).fill_null(False))
        .then(pl.lit("not_reached"))
        .when(pl.col(VISIT).is_null())
        .then(pl.lit("no_visit"))
        .when(pl.col(CATEGORY) == UNDETERMINED)
        .then(pl.lit("measures_missing"))
        .otherwise(pl.lit("judged"))
    )
    stopped = pl.col(STOP_LAST) < pl.col(VISIT)
    on = pl.when(pl.col("running") | (pl.col(STOP_LAST) >= pl.col(VISIT))).then(True).when(stopped)
    return found.index.join(nearest, on=[PATIENT, DRUG], how="left").with_columns(
        pl.lit(window.week, pl.Int64).alias(WEEK),
        status.cast(pl.Enum(STATUSES)).alias(STATUS),
        pl.when(pl.col(VISIT).is_not_null()).then(on.then(False)).alias("on_drug"),
        pl.when("dated").then(START).alias(START),
    )
