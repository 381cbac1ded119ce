"""The glucocorticoid dose over time, as milligrams of prednisone a day, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints, Runs, of_next, of_previous, same_as_next
from myoresist.resistance.adequacy.bounds import Bound, Bounds
from myoresist.resistance.adequacy.doses import LEAST, ROUNDING
from myoresist.resistance.adequacy.exposure import Exposures
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.schema import DOSE
from myoresist.resistance.adequacy.segments import Segments, longest, segments_in_order

DIGITS = 6
"""Results are rounded, since a decimal dose is rarely a whole number of what it is kept in."""
DAYS_A_WEEK = 7


def dose_over_time(found: Exposures, regimens: Regimens) -> Segments:
    """Return the prednisone-equivalent dose of every patient over time, where dates and doses are certain.

    Args:
        found: what ``exposure.exposures`` returned.
        regimens: what counts as glucocorticoid.

    Returns:
        Segments by patient, with the dose in mg a day; courses without any date are left out.
    """
    taken = found.of_regimen(regimens.numbers[DOSE])
    taken = taken.only(~taken.undated)
    pieces = segments_in_order(taken, Bound.CERTAIN, taken.patient, regimens)
    return Segments(pieces.by, pieces.begin, pieces.end, _as_mg(pieces.dose))


def glucocorticoid_columns(
    found: Exposures, records: Records, whole: Flags, regimens: Regimens
) -> Iterator[tuple[str, Floats]]:
    """Yield the ``gc_`` columns of ``adequacy/columns.yaml``, one value a patient, NaN if not known.

    Args:
        found: what was taken.
        records: the records.
        whole: for each patient whether every course is known to be listed.
        regimens: what counts as glucocorticoid.
    """
    patients = len(whole)
    taken = found.of_regimen(regimens.numbers[DOSE])
    intravenous = regimens.limits.routes.index("intravenous")
    oral = taken.only(records.written.route.take(taken.record) != intravenous)
    never = whole.copy()
    never[taken.patient] = False

    def none_if_never(values: Floats) -> Floats:
        return np.where(never, 0.0, values)

    peak, at_peak = _peak(oral, patients, regimens)
    days, total, least = _totals(taken, patients, regimens)
    taper, since_change = _changes(oral, records, patients, regimens)
    yield "gc_current_mg_day", none_if_never(_as_mg(_current(taken, records, whole)))
    yield "gc_peak_mg_day", none_if_never(_as_mg(peak))
    yield "gc_weeks_at_peak", none_if_never(_as_weeks(at_peak))
    yield "gc_weeks_total", none_if_never(_as_weeks(days))
    yield "gc_taper_mg_per_week", none_if_never(taper)
    yield "gc_weeks_since_last_change", _as_weeks(since_change)
    # What is not listed comes on top of what is.
    yield "gc_cumulative_g", none_if_never(np.where(whole, _as_grams(total), np.nan))
    yield "gc_cumulative_g_at_least", none_if_never(_as_grams(least))


def _as_mg(dose: Floats) -> Floats:
    return np.round(dose / LEAST, DIGITS)


def _as_grams(dose: Floats) -> Floats:
    return np.round(_as_mg(dose) / 1000, DIGITS)


def _as_weeks(days: Floats) -> Floats:
    return np.round(days / DAYS_A_WEEK, DIGITS)


def _of_patients(patient: Ints, values: Floats, patients: int) -> Floats:
    """Return one value for each of all patients, NaN for those who have none."""
    column = np.full(patients, np.nan)
    column[patient] = values
    return column


def _current(taken: Exposures, records: Records, whole: Flags) -> Floats:
    """Return the dose of the courses that go on; NaN while one of them is not known."""
    running = records.running.take(taken.record)
    goes_on = running == TRUE
    unknown = np.isnan(taken.share) | taken.no_route
    runs = Runs.of(taken.patient)
    patient = runs.first(taken.patient)
    doses = runs.total(np.where(goes_on & ~unknown, taken.share, 0.0))
    open_ = runs.any((running != FALSE) & (~goes_on | unknown))
    # That nothing goes on is only known of a whole list.
    known = ~open_ & (runs.any(goes_on) | whole.take(patient))
    return _of_patients(patient, np.where(known, doses, np.nan), len(whole))


def _totals(taken: Exposures, patients: int, regimens: Regimens) -> tuple[Floats, Floats, Floats]:
    """Return the days on any dose, the sum of the daily doses, and what that sum is at least."""

    def of_bound(bound: Bound) -> tuple[Floats, Floats]:
        pieces = segments_in_order(taken, bound, taken.patient, regimens)
        runs, days = Runs.of(pieces.by), pieces.end - pieces.begin
        counted = pieces.dose > 0
        total = runs.total(np.where(counted, days, 0.0))
        amount = runs.total(np.multiply(pieces.dose, days, where=counted, out=np.zeros(len(days))))
        patient = runs.first(pieces.by)
        return _of_patients(patient, total, patients), _of_patients(patient, amount, patients)

    days, amounts = map(Bounds, of_bound(Bound.CERTAIN), of_bound(Bound.POSSIBLE))
    return days.agreed, amounts.agreed, amounts.certain


def _peak(oral: Exposures, patients: int, regimens: Regimens) -> tuple[Floats, Floats]:
    """Return the highest dose and the longest time at or above the share of it that counts as peak."""
    pieces = {bound: segments_in_order(oral, bound, oral.patient, regimens) for bound in Bound}

    def highest(bound: Bound) -> Floats:
        runs = Runs.of(pieces[bound].by)
        return _of_patients(runs.first(pieces[bound].by), runs.max(pieces[bound].dose), patients)

    peak = Bounds.of(highest).agreed
    # Nothing is at the peak while that is not known.
    least = np.nan_to_num(peak * regimens.conventions.peak_share - ROUNDING, nan=np.inf)
    gap = regimens.columns.gap[regimens.numbers[DOSE]]

    def at_peak(bound: Bound) -> Floats:
        high = pieces[bound].only(pieces[bound].dose >= least.take(pieces[bound].by))
        return _of_patients(*longest(high, np.full(len(high.by), gap)), patients)

    return peak, Bounds.of(at_peak).agreed


@dataclass(frozen=True)
class _Steps(Rows):
    """Changes of the dose, in order of patient, then day."""

    patient: Ints
    day: Floats
    before: Floats
    after: Floats


def _changes(
    oral: Exposures, records: Records, patients: int, regimens: Regimens
) -> tuple[Floats, Floats]:
    """Return the speed of the last taper, in mg a week, and the days since the last change.

    Both are only known where every date and dose is.
    """
    today = records.today.take(oral.record)
    exact = (
        (oral.begin.certain == oral.begin.possible)
        & (oral.end.certain == oral.end.possible)
        & ~(np.isnan(oral.share) | oral.no_route | oral.undated)
        & (today.earliest == today.latest)
    )
    runs = Runs.of(oral.patient)
    certain = oral.only(runs.spread(runs.all(exact)))
    assessed = _of_patients(certain.patient, records.today.earliest.take(certain.record), patients)
    steps = _steps(
        segments_in_order(certain, Bound.CERTAIN, certain.patient, regimens), assessed, regimens
    )
    # The last taper is what came after the last rise.
    rises = np.cumsum(steps.after > steps.before)
    runs = Runs.of(steps.patient)
    steps = steps.only(rises == runs.spread(runs.last(rises)))
    runs = Runs.of(steps.patient)
    patient = runs.first(steps.patient)
    since = assessed.take(patient) - runs.last(steps.day)
    taper = _of_patients(patient, np.zeros(len(patient)), patients)
    falls = steps.only(steps.after < steps.before)
    runs = Runs.of(falls.patient)
    taper[runs.first(falls.patient)] = _speed(falls, runs, regimens)
    return taper, _of_patients(patient, since, patients)


def _steps(taken: Segments, assessed: Floats, regimens: Regimens) -> _Steps:
    """Return on which days the dose changed. A short pause is none; after a long one the dose is nothing."""
    follows = same_as_next(taken.by)
    paused = of_next(taken.begin) > taken.end + regimens.conventions.gap_days
    over = np.where(follows, paused, taken.end <= assessed.take(taken.by))
    patient = np.concatenate([taken.by, taken.by[over]])
    day = np.concatenate([taken.begin, taken.end[over]])
    dose = np.concatenate([taken.dose, np.zeros(np.count_nonzero(over))])
    order = np.lexsort([day, patient])
    patient, day, dose = patient.take(order), day.take(order), dose.take(order)
    same_patient = of_previous(same_as_next(patient)) & (np.arange(len(patient)) > 0)
    steps = _Steps(patient, day, np.where(same_patient, of_previous(dose), 0.0), dose)
    return steps.only(steps.before != steps.after)


def _speed(falls: _Steps, runs: Runs, regimens: Regimens) -> Floats:
    """Return how fast the dose fell, in mg a week; the last step takes as long as the others on average."""
    count = runs.lengths
    several = (runs.last(falls.day) - runs.first(falls.day)) * count / np.maximum(count - 1, 1)
    days = np.maximum(several, float(regimens.conventions.shortest_taper_days))
    mg = (runs.first(falls.before) - runs.last(falls.after)) / LEAST
    return np.round(mg * DAYS_A_WEEK / days, DIGITS)
