"""What was given, normalised: every course of every drug, and the prednisone-equivalent dose over time."""

from __future__ import annotations

import numpy as np
import polars as pl

from myoresist.arrays.kleene import TRUE, to_columns
from myoresist.arrays.runs import Floats
from myoresist.case.course_columns import REASONS, RESPONSES
from myoresist.resistance.adequacy.bounds import Bound
from myoresist.resistance.adequacy.evaluate import History
from myoresist.resistance.adequacy.exposure import BEFORE_ALL
from myoresist.resistance.adequacy.glucocorticoid import dose_over_time
from myoresist.resistance.adequacy.tables import STATE, VERDICTS
from myoresist.resistance.response.visits import PATIENT

START, START_LAST, STOP_LAST = "start", "start_last", "stop_last"
DRUG = "drug"
_KINDS = ("glucocorticoid", "immunosuppressant", "other")


def courses_table(history: History) -> pl.DataFrame:
    """Return one row a course of one drug: records without a longer pause between them.

    Returns:
        ``patient_id`` (its row), ``drug`` (of ``adequacy/regimens.yaml``), ``kind``, ``number`` (of the
        course among those of this drug), ``start`` and ``start_last`` (first and last day on which it may
        have begun; NULL if unknown), ``stop_last`` (last day on which it was possibly taken; NULL without an
        end), ``running``, ``reason_stopped``, ``response``, ``state`` (whether it was an adequate trial) and
        ``days_sure`` at the dose.
    """
    regimens = history.regimens
    single = [
        one for one in regimens.trials if regimens.columns.parts[regimens.numbers[one.id]] == 1
    ]
    numbers = [regimens.numbers[one.id] for one in single]
    courses = history.courses.only(
        np.isin(history.courses.regimen, numbers) & (history.courses.together == TRUE)
    )
    places = {number: place for place, number in enumerate(numbers)}
    kinds = np.array([_KINDS.index(one.kind) for one in single], np.uint8)
    place = np.array([places[x] for x in courses.regimen.tolist()], np.uint16)
    # Of one of which nobody knows when it was, nothing is dated.
    dated = (courses.begin.earliest > BEFORE_ALL / 2) & ~courses.undated
    states = np.array(
        [STATE.categories.to_list().index(VERDICTS[x]) for x in sorted(VERDICTS)], np.uint8
    )
    found = pl.DataFrame(
        [
            pl.Series(PATIENT, courses.patient, dtype=pl.UInt32),
            pl.Series(DRUG, place).cat.to(pl.Enum([one.id for one in single])),
            pl.Series("kind", kinds.take(place)).cat.to(pl.Enum(_KINDS)),
            _days(START, courses.begin.earliest, dated),
            _days(START_LAST, courses.begin.latest, dated),
            _days(STOP_LAST, courses.end - 1, dated & (courses.running != TRUE)),
            *to_columns(courses.running[None], ["running"]),
            _words("reason_stopped", courses.reason_stopped, REASONS),
            _words("response", courses.response, RESPONSES),
            pl.Series("state", states.take(courses.adequate)).cat.to(STATE),
            pl.Series("days_sure", courses.at_dose[Bound.CERTAIN]).cast(pl.Int64),
        ]
    ).sort(PATIENT, DRUG, START, nulls_last=True, maintain_order=True)
    count = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(PATIENT, DRUG).alias("number")
    return found.select(PATIENT, DRUG, "kind", count, pl.exclude(PATIENT, DRUG, "kind"))


def doses_table(history: History) -> pl.DataFrame:
    """Return the prednisone-equivalent dose over time, where dates and doses are certain.

    Returns:
        ``patient_id`` (its row), ``start``, ``stop`` (the last day) and ``mg_day``.
    """
    taken = dose_over_time(history.exposures, history.regimens)
    whole = np.ones(len(taken.by), np.bool_)
    return pl.DataFrame(
        [
            pl.Series(PATIENT, taken.by, dtype=pl.UInt32),
            _days(START, taken.begin, whole),
            _days("stop", taken.end - 1, whole),
            pl.Series("mg_day", taken.dose),
        ]
    )


def _days(name: str, days: Floats, known: np.ndarray) -> pl.Series:
    """Return days since 1970 as dates, NULL where they are not known or have no end."""
    fine = known & np.isfinite(days) & (np.abs(days) < -BEFORE_ALL / 2)
    whole = pl.Series(name, np.where(fine, days, 0).astype(np.int32)).cast(pl.Date)
    return whole.set(pl.Series(~fine), None)


def _words(name: str, places: np.ndarray, words: tuple[str, ...]) -> pl.Series:
    held = pl.Series(name, np.where(places < 0, 0, places).astype(np.uint8)).cat.to(pl.Enum(words))
    return held.set(pl.Series(places < 0), None)
