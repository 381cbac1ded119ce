"""The glucocorticoid dose over time, as milligrams of prednisone a day, and what it tells."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from myoresist.case.courses import Treatments
from myoresist.resistance.exposure import (
    FAR,
    POSSIBLE,
    SLACK,
    SURE,
    WHOLE,
    WORLDS,
    World,
    longest,
    segments,
    wholly_listed,
)
from myoresist.resistance.regimens import DOSE, Regimens

DIGITS = 6
"""Results are rounded, since an engine may divide a long column otherwise than a short one."""


def dose_over_time(found: pl.DataFrame, regimens: Regimens, world: World = SURE) -> pl.DataFrame:
    """Return the prednisone-equivalent dose of every patient over time.

    Args:
        found: rows of ``exposure.exposures``.
        regimens: what counts as glucocorticoid.
        world: which bound.

    Returns:
        ``patient``, ``begin``, ``end`` (days since 1970, the end not included), ``mg_day``, in order;
        courses without any date are left out.
    """
    taken = _records(found, regimens)
    pieces = segments(taken, world, "patient").filter(pl.col("begin") > -FAR // 2)
    return pieces.select("patient", "begin", "end", mg_day=_as_mg(pl.col("share")))


def glucocorticoid_columns(
    found: pl.DataFrame, treatments: Treatments, regimens: Regimens
) -> Iterable[pl.Series]:
    """Return the ``gc_`` columns of ``adequacy/columns.yaml``, one row a patient."""
    taken = _records(found, regimens)
    oral = taken.filter(~pl.col("intravenous"))
    people = pl.DataFrame(
        {"patient": pl.int_range(len(treatments.patients), dtype=pl.UInt32, eager=True)}
    ).with_columns(wholly_listed(treatments).alias("whole"))
    for part in (
        _current(taken),
        _totals(taken),
        _peak(oral, regimens),
        _changes(oral, treatments, regimens),
    ):
        people = people.join(part, on="patient", how="left", maintain_order="left")
    never = pl.col("current").is_null() & pl.col("records").is_null() & pl.col("whole")

    def told(value: pl.Expr) -> pl.Expr:
        return pl.when(never).then(0.0).otherwise(value)

    stopped = (pl.col("running") == 0) & pl.col("whole")
    result = people.select(
        gc_current_mg_day=told(
            pl.when(pl.col("open"))
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


def _records(found: pl.DataFrame, regimens: Regimens) -> pl.DataFrame:
    return found.filter(pl.col("regimen") == regimens.numbers[DOSE])


def _as_mg(share: pl.Expr) -> pl.Expr:
    return (share / pl.lit(float(WHOLE))).round(DIGITS)


def _as_weeks(days: pl.Expr) -> pl.Expr:
    return (days / pl.lit(7.0)).round(DIGITS)


def _current(taken: pl.DataFrame) -> pl.DataFrame:
    """Return the dose of the courses that go on: ``current``, and ``open`` if one is not known."""
    goes_on = pl.col("running").fill_null(False)
    unknown = pl.col("running").is_null() | (goes_on & pl.col("share_sure").is_null())
    return taken.group_by("patient").agg(
        records=pl.len(),
        running=goes_on.sum(),
        open=unknown.any(),
        current=pl.when(goes_on).then("share_sure").sum(),
    )


def _same(both: pl.DataFrame, columns: dict[str, str]) -> pl.DataFrame:
    """Keep the values on which the two worlds agree."""
    return both.select(
        "patient",
        **{
            name: pl.when(pl.col(column) == pl.col(f"{column}_{POSSIBLE.name}")).then(column)
            for name, column in columns.items()
        },
    )


def _both(parts: list[pl.DataFrame]) -> pl.DataFrame:
    sure, possible = parts
    return possible.select(
        pl.all().exclude("patient").name.suffix(f"_{POSSIBLE.name}"), "patient"
    ).join(sure, on="patient", how="left")


def _totals(taken: pl.DataFrame) -> pl.DataFrame:
    """Return the days on any dose and the sum of the daily doses."""
    length = pl.col("end") - pl.col("begin")
    parts = []
    for world in WORLDS:
        pieces = segments(taken, world, "patient")
        known = ~pl.col("unknown").any()
        parts.append(
            pieces.group_by("patient").agg(
                days=pl.when(pl.col("share") > 0).then(length).sum(),
                sum=pl.when(known).then((pl.col("share") * length).sum()),
            )
        )
    return _same(_both(parts), {"total": "days", "sum": "sum"})


def _peak(oral: pl.DataFrame, regimens: Regimens) -> pl.DataFrame:
    """Return the highest dose and the longest time at or above the share of it that counts as peak."""
    pieces = {world: segments(oral, world, "patient") for world in WORLDS}
    parts = [
        pieces[world]
        .group_by("patient")
        .agg(peak=pl.when(~pl.col("unknown").any()).then(pl.col("share").max()))
        for world in WORLDS
    ]
    peak = _same(_both(parts), {"peak": "peak"})
    share = regimens.conventions.peak_share
    at = []
    for world in WORLDS:
        high = (
            pieces[world]
            .join(peak, on="patient", how="left", maintain_order="left")
            .filter(pl.col("share") >= pl.col("peak") * share - SLACK)
        )
        at.append(longest(high, "patient"))
    return peak.join(_same(_both(at), {"at_peak": "days"}), on="patient", how="left")


def _changes(oral: pl.DataFrame, treatments: Treatments, regimens: Regimens) -> pl.DataFrame:
    """Return the speed of the last taper and the days since the last change, where every date is known."""
    exact = (
        (pl.col("begin_sure") == pl.col("begin_possible"))
        & (pl.col("end_sure") == pl.col("end_possible"))
        & pl.col("share_sure").is_not_null()
        & (pl.col("begin_sure") > -FAR // 2)
        & (pl.col("today_from") == pl.col("today_to"))
    ).fill_null(False)
    certain = oral.filter(exact.all().over("patient"))
    today = certain.group_by("patient").agg(today=pl.col("today_from").first())
    gap = regimens.conventions.gap_days
    mine = pl.col("patient") == pl.col("patient").shift(-1)
    pieces = (
        segments(certain, SURE, "patient")
        .join(today, on="patient", how="left", maintain_order="left")
        .with_columns(next=pl.when(mine).then(pl.col("begin").shift(-1)))
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
    steps = steps.with_columns(before=before.fill_null(0)).filter(
        pl.col("dose") != pl.col("before")
    )
    rise = (pl.col("dose") > pl.col("before")).cast(pl.Int64)
    last_run = steps.with_columns(rises=rise.cum_sum().over("patient")).filter(
        pl.col("rises") == pl.col("rises").max().over("patient"),
    )
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
