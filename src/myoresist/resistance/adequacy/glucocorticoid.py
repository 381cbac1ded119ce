"""The glucocorticoid dose over time, as milligrams of prednisone a day, and what it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from myoresist.arrays.kleene import FALSE, TRUE
from myoresist.arrays.runs import Flags, Ints, Runs
from myoresist.case.courses import Treatments
from myoresist.resistance.adequacy.exposure import (
    ANY,
    FAR,
    POSSIBLE,
    SLACK,
    SURE,
    TOP,
    WHOLE,
    WORLDS,
    Exposures,
    Pieces,
    World,
    longest,
    segments,
    wholly_listed,
)
from myoresist.resistance.adequacy.schema import DOSE, Regimens

DIGITS = 6
"""Results are rounded, since an engine may divide a long column otherwise than a short one."""


@dataclass(frozen=True)
class _Told:
    """Whole numbers of some patients: for each name the numbers, and where they are known."""

    patient: Ints
    columns: Mapping[str, tuple[Ints, Flags]]


def _people(patients: int, told: Iterable[_Told]) -> pl.DataFrame:
    """Return what is told with one row for every patient, NULL where nothing is known."""
    table: dict[str, Ints | Flags] = {"patient": np.arange(patients)}
    names = [(one, name) for one in told for name in one.columns]
    for one, name in names:
        table[name], table[f"{name}_known"] = np.zeros(patients, np.int64), np.zeros(patients, bool)
        table[name][one.patient], table[f"{name}_known"][one.patient] = one.columns[name]
    known = (pl.when(f"{name}_known").then(name).alias(name) for _, name in names)
    return pl.DataFrame(table).select("patient", *known)


def dose_over_time(found: Exposures, regimens: Regimens, world: World = SURE) -> pl.DataFrame:
    """Return the prednisone-equivalent dose of every patient over time.

    Args:
        found: what ``exposure.exposures`` returned.
        regimens: what counts as glucocorticoid.
        world: which bound.

    Returns:
        ``patient``, ``begin``, ``end`` (days since 1970, the end not included), ``mg_day``, in order;
        courses without any date are left out.
    """
    taken = found.of_regimen(regimens.numbers[DOSE])
    pieces = segments(taken, world, taken.patient, regimens).together()
    table = _table(pieces).filter(pl.col("begin") > -FAR // 2)
    return table.select("patient", "begin", "end", mg_day=_as_mg(pl.col("share")))


def _table(pieces: Pieces) -> pl.DataFrame:
    columns = {"begin": pieces.begin, "end": pieces.end, "share": pieces.share}
    return pl.DataFrame({"patient": pieces.by, **columns})


def glucocorticoid_columns(
    found: Exposures, treatments: Treatments, regimens: Regimens
) -> Iterable[pl.Series]:
    """Return the ``gc_`` columns of ``adequacy/columns.yaml``, one row a patient."""
    taken = found.of_regimen(regimens.numbers[DOSE])
    intravenous = regimens.routes.categories.to_list().index("intravenous")
    oral = taken.only(taken.records["route"].take(taken.record) != intravenous)
    told_of = (_current(taken), _totals(taken, regimens), *_peak(oral, regimens))
    people = _people(len(treatments.patients), told_of).join(
        _changes(oral, regimens), on="patient", how="left", maintain_order="left"
    )
    people = people.with_columns(wholly_listed(treatments).alias("whole"))
    never = pl.col("records").is_null() & pl.col("whole")

    def told(value: pl.Expr) -> pl.Expr:
        return pl.when(never).then(0.0).otherwise(value)

    stopped = (pl.col("running") == 0) & pl.col("whole")
    result = people.select(
        gc_current_mg_day=told(
            pl.when(pl.col("open") > 0)
            .then(None)
            .when(stopped)
            .then(0.0)
            .when(pl.col("running") > 0)
            .then(_as_mg(pl.col("current")))
        ),
        gc_peak_mg_day=told(_as_mg(pl.col("peak"))),
        gc_weeks_at_peak=told(_as_weeks(pl.col("at_peak"))),
        gc_weeks_total=told(_as_weeks(pl.col("total"))),
        gc_taper_mg_per_week=told(pl.col("taper")),
        gc_weeks_since_last_change=_as_weeks(pl.col("since_change")),
        gc_cumulative_g=told((_as_mg(pl.col("sum")) / pl.lit(1000.0)).round(DIGITS)),
    )
    yield from result


def _as_mg(share: pl.Expr) -> pl.Expr:
    return (share / pl.lit(float(WHOLE))).round(DIGITS)


def _as_weeks(days: pl.Expr) -> pl.Expr:
    return (days / pl.lit(7.0)).round(DIGITS)


def _current(taken: Exposures) -> _Told:
    """Return the dose of the courses that go on: ``current``, and ``open`` if one is not known."""
    running = taken.records["running"].take(taken.record)
    goes_on, unknown = running == TRUE, (taken.share == ANY) | taken.no_route
    open_ = (running != FALSE) & (~goes_on | unknown)
    runs = Runs.of(taken.patient)
    every = np.ones(len(runs.starts), np.bool_)
    columns = {
        "records": runs.lengths,
        "running": runs.sum(goes_on.astype(np.int64)),
        "open": runs.sum(open_.astype(np.int64)),
        "current": runs.sum(np.where(goes_on & ~unknown, taken.share, 0)),
    }
    return _Told(runs.first(taken.patient), {name: (x, every) for name, x in columns.items()})


def _agreed(name: str, worlds: Iterable[tuple[Ints, Ints]]) -> _Told:
    """Keep the values, each with its patient, on which the two worlds agree; ``TOP`` is not known."""
    (sure, values), (possible, others) = worlds
    patients, mine, other = np.intersect1d(sure, possible, True, return_indices=True)
    value = values[mine]
    return _Told(patients, {name: (value, (value == others[other]) & (value != TOP))})


def _totals(taken: Exposures, regimens: Regimens) -> _Told:
    """Return the days on any dose and the sum of the daily doses."""
    totals, sums = [], []
    for world in WORLDS:
        pieces = segments(taken, world, taken.patient, regimens).together()
        runs, length = Runs.of(pieces.by), pieces.end - pieces.begin
        patients, unknown = runs.first(pieces.by), pieces.share == TOP
        totals.append((patients, runs.sum(np.where(pieces.share > 0, length, 0))))
        amount = runs.sum(np.where(unknown, 0, pieces.share * length))
        sums.append((patients, np.where(runs.any(unknown), TOP, amount)))
    total, whole = _agreed("total", totals), _agreed("sum", sums)
    return _Told(total.patient, {**total.columns, **whole.columns})


def _peak(oral: Exposures, regimens: Regimens) -> tuple[_Told, _Told]:
    """Return the highest dose and the longest time at or above the share of it that counts as peak."""
    pieces = [segments(oral, world, oral.patient, regimens).together() for world in WORLDS]
    runs = [Runs.of(one.by) for one in pieces]
    both = zip(pieces, runs, strict=True)
    peak = _agreed("peak", [(run.first(one.by), run.max(one.share)) for one, run in both])
    share = regimens.conventions.peak_share
    high, known = peak.columns["peak"]
    least = np.full(int(oral.patient.max(initial=0)) + 1, np.inf)
    least[peak.patient[known]] = high[known] * share - SLACK
    gap = np.full(len(least), regimens.columns["gap"][regimens.numbers[DOSE]])
    at = [longest(one.only(one.share >= least.take(one.by)), gap) for one in pieces]
    return peak, _agreed("at_peak", at)


def _changes(oral: Exposures, regimens: Regimens) -> pl.DataFrame:
    """Return the speed of the last taper and the days since the last change, where every date is known."""
    begin, end = oral.begin, oral.end
    today = [oral.records[x].take(oral.record) for x in ("today_from", "today_to")]
    exact = (
        (begin[SURE] == begin[POSSIBLE])
        & (end[SURE] == end[POSSIBLE])
        & (oral.share != ANY)
        & ~oral.no_route
        & (begin[SURE] > -FAR // 2)
        & (today[0] == today[1])
    )
    runs = Runs.of(oral.patient)
    inexact = runs.spread(runs.any(~exact))
    certain = oral.only(~inexact)
    known = np.zeros(int(oral.patient.max(initial=0)) + 1, np.int64)
    known[oral.patient] = today[0]
    gap = regimens.conventions.gap_days
    mine = pl.col("patient") == pl.col("patient").shift(-1)
    found = segments(certain, SURE, certain.patient, regimens).together()
    pieces = _table(found).with_columns(
        pl.Series("today", known[found.by]), next=pl.when(mine).then(pl.col("begin").shift(-1))
    )
    # A short pause is none; after a long one, or the last dose, the dose is nothing.
    ended = (
        pl.when(pl.col("next").is_null())
        .then(pl.col("end") <= pl.col("today"))
        .otherwise(pl.col("next") > pl.col("end") + gap)
    )
    steps = pl.concat(
        [
            pieces.select("patient", "today", day="begin", dose="share"),
            pieces.filter(ended).select("patient", "today", day="end", dose=pl.lit(0, pl.Int64)),
        ]
    ).sort("patient", "day")
    before = pl.when(pl.col("patient") == pl.col("patient").shift(1)).then(pl.col("dose").shift(1))
    rises = (pl.col("dose") > pl.col("before")).cast(pl.Int64).cum_sum()
    steps = (
        steps.with_columns(before=before.fill_null(0))
        .filter(pl.col("dose") != pl.col("before"))
        .with_columns(rises=rises)
    )
    runs = Runs.of(steps["patient"].to_numpy())
    counted = steps["rises"].to_numpy()
    last_run = steps.filter(counted == runs.spread(runs.last(counted)))
    fall = pl.col("dose") < pl.col("before")
    summed = last_run.group_by("patient", maintain_order=True).agg(
        since_change=(pl.col("today") - pl.col("day")).last(),
        falls=fall.sum(),
        first=pl.col("day").filter(fall).first(),
        last=pl.col("day").filter(fall).last(),
        high=pl.col("before").filter(fall).first(),
        low=pl.col("dose").last(),
    )
    falls = pl.col("falls")
    shortest = float(regimens.conventions.shortest_taper_days)
    several = (pl.col("last") - pl.col("first")) * falls / (falls - 1)
    days = pl.max_horizontal(pl.when(falls > 1).then(several), pl.lit(shortest))
    mg = (pl.col("high") - pl.col("low")) / pl.lit(float(WHOLE))
    return summed.select(
        "patient",
        "since_change",
        taper=pl.when(falls == 0).then(0.0).otherwise((mg * pl.lit(7.0) / days).round(DIGITS)),
    )
