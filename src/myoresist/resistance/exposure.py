"""Exposure: on which days a dose was taken, as far as dates and doses are known.

What is unknown is bounded from both sides. ``sure`` is the exposure that every reading of the record shares:
a course lasts from the last day on which it may have begun to the first on which it may have ended, and an
unknown dose counts as none. ``possible`` is the most that the record allows. What is true of the sure
exposure is true, what is false of the possible one is false, and anything between is unknown. A further fact
narrows the gap and never moves an answer from one side to the other.

Doses are whole billionths of the least dose of the regimen, so that sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from myoresist.case.courses import Treatments
from myoresist.resistance.regimens import Regimens

WHOLE = 1_000_000_000
"""The least dose of a regimen as a whole number."""
SLACK = 10
"""Two doses closer than this, in billionths, are the same: it takes up what decimals lose."""
FAR = 200_000
"""A day, counted from 1970, that is later than every date of a record; its negative is earlier."""
_CONTENT = ("amount", "days", "length", "weight_kg", "ongoing", "reason_stopped", "response")
"""What tells records of the same dates apart, so that their place in the list does not matter."""

_APART, _MOST = 3_000, 32
"""Days between courses without dates, and how many of them are kept apart."""

MISSING = (
    "dose", "unit", "ingredient", "frequency", "weight", "route", "start", "stop", "day",
    "today",
)  # fmt: skip
"""What a record may lack."""


def lacking(missing: int) -> tuple[str, ...]:
    """Return the words of ``MISSING`` for which the bits of ``missing`` stand."""
    return tuple(word for bit, word in enumerate(MISSING) if missing >> bit & 1)


@dataclass(frozen=True)
class World:
    """The columns that hold one of the two bounds of exposure."""

    name: str

    def __getattr__(self, column: str) -> str:
        """Return the name of a column in this world."""
        return f"{column}_{self.name}"


SURE, POSSIBLE = World("sure"), World("possible")
WORLDS = (SURE, POSSIBLE)


def wholly_listed(treatments: Treatments) -> pl.Series:
    """Return for each patient whether every course is known to be listed, by a name that is known."""
    patients = treatments.patients.with_row_index("patient")
    # A drug whose name is not known may be any drug.
    strange = treatments.courses.filter(pl.col("drug").is_null())["patient"].unique()
    listed = pl.col("complete").fill_null(False)
    return patients.select(listed & ~pl.col("patient").is_in(strange.implode())).to_series()


def exposures(treatments: Treatments, regimens: Regimens) -> pl.DataFrame:
    """Return one row for every record and every regimen that takes its drug.

    Returns:
        ``patient``, ``record``, ``regimen`` with its ``part``, ``parts``, ``gap``, ``strict`` and
        ``by_amount``, ``drug_code``, ``intravenous``, the ``course`` it belongs to (a number; records of a
        course follow each other without a longer pause), and for either world ``begin_*`` and
        ``end_*`` (days since 1970, the end not included), ``share_*`` of the least dose in billionths (NULL:
        may be any) and ``doses_*`` (how many). Then the dates of the record, ``running`` (NULL: unknown),
        ``reason_stopped``, ``response``, ``no_route`` and ``missing`` (see ``lacking``).
    """
    records = _dated(treatments, regimens)
    found = records.join(regimens.options, on="drug", how="inner")
    routes = pl.col("routes")
    unsaid = pl.col("route").is_null() & routes.is_not_null()
    fits = routes.is_null() | pl.col("route").is_null() | routes.list.contains(pl.col("route"))
    found = found.filter(fits).with_columns(no_route=unsaid)
    limits = regimens.table.select("regimen", "gap", "each_drug", "parts", "strict", "by_amount")
    found = _shared(found).join(limits, on="regimen", how="left")
    own = pl.when("each_drug").then(pl.col("drug_code") + 1).otherwise(0)
    many = len(regimens.regimens)
    found = found.with_columns(
        key=_packed(
            (pl.col("patient").cast(pl.Int64) * many + pl.col("regimen"), 1),
            (own, len(regimens.drugs) + 1),
        ),
        intravenous=pl.col("route").eq_missing(pl.lit("intravenous")),
    ).drop(
        "drug", "drug_class", "route", "routes", "measure", "body", "amount", "least", "strength"
    )
    return _coursed(_handed_over(_one_option(found, regimens)))


def _packed(*parts: tuple[pl.Expr, int]) -> pl.Expr:
    """Return one whole number that sorts as its parts do; each but the first is below its size."""
    whole = pl.lit(0, pl.Int64)
    for part, size in parts:
        whole = whole * size + part
    return whole


def _days(column: str) -> pl.Expr:
    return pl.col(column).to_physical().cast(pl.Int64)


def _dated(treatments: Treatments, regimens: Regimens) -> pl.DataFrame:
    """Return the records with the first and last day of start and stop, and whether they go on."""
    people = treatments.patients.with_row_index("patient").select(
        "patient",
        "complete",
        today_from=_days("today_from"),
        today_to=_days("today_to").fill_null(FAR - 1),
    )
    taken = treatments.courses.filter(pl.col("route").ne_missing("local"))
    usual = regimens.drugs["usual_route"]
    routes = pl.concat([taken["route"], usual]).drop_nulls().unique().sort()
    records = (
        taken.join(regimens.drugs, on="drug", how="left", maintain_order="left")
        .join(people, on="patient", how="left", maintain_order="left")
        .with_columns(
            _days(f"{end}_{side}") for end in ("start", "stop") for side in ("from", "to")
        )
        .with_columns(route=pl.coalesce("route", "usual_route"))
        .pipe(_by_length)
        .sort("patient", "drug_code", "start_from", "start_to", "stop_to", *_CONTENT, "record")
    )
    # Exports of records hold entries twice; counted twice they would make too low a dose high enough.
    own = [x for x in taken.columns if x != "record"]
    twice = pl.all_horizontal(pl.col(x).eq_missing(pl.col(x).shift(1)) for x in own)
    records = records.filter(pl.col("start_from").is_null() | ~twice).with_columns(
        route_code=pl.col("route").cast(pl.Enum(routes)).to_physical().cast(pl.Int64) + 1,
    )
    # A dose that is followed by another of the same drug, and of which nobody says that it goes on or
    # when it ended, lasted until then.
    same = (pl.col("patient") == pl.col("patient").shift(-1)) & (
        pl.col("drug_code") == pl.col("drug_code").shift(-1)
    )
    later = pl.col("start_from").shift(-1) > pl.col("start_from")
    open_ = pl.all_horizontal(
        pl.col(x).is_null() for x in ("stop_from", "ongoing", "reason_stopped")
    )
    replaced = (same & later & open_).fill_null(False)
    records = records.with_columns(
        replaced=replaced,
        until_from=pl.when(replaced).then(pl.col("start_from").shift(-1)),
        until_to=pl.when(replaced).then(pl.col("start_to").shift(-1)),
    )
    # From here on drugs of one regimen may follow each other, so what counts is when they began.
    when = ["patient", "start_from", "start_to", "stop_to", "drug_code", *_CONTENT, "record"]
    records = records.sort(when).with_columns(
        order=pl.int_range(pl.len(), dtype=pl.Int64).over("patient")
    )
    goes_on = pl.col("complete").fill_null(False) & pl.col("start_from").is_not_null()
    running = (
        pl.when(pl.col("stop_from").is_not_null() | pl.col("reason_stopped").is_not_null())
        .then(False)
        .when(pl.col("ongoing").is_not_null())
        .then("ongoing")
        .when(pl.col("replaced") | pl.col("single"))
        .then(False)
        .when(goes_on)
        .then(True)
    )
    each = _interval()
    long = pl.lit(regimens.conventions.unknown_interval_days, pl.Int64)
    return records.with_columns(
        running=running,
        interval_sure=each.fill_null(1),
        interval_possible=each.fill_null(long),
        no_start=pl.col("start_from").is_null(),
        no_stop=pl.col("stop_from").is_null()
        & ~pl.col("replaced")
        & ~pl.col("single")
        & ~running.fill_null(False),
        no_day=(
            (pl.col("start_from") != pl.col("start_to")).fill_null(False)
            | (pl.col("stop_from") != pl.col("stop_to")).fill_null(False)
        ),
        no_today=running.fill_null(False)
        & (pl.col("today_from") != pl.col("today_to")).fill_null(True),
    )


def _interval() -> pl.Expr:
    """Return the days from one dose to the next."""
    return (pl.col("days") // pl.col("times")).clip(lower_bound=1)


def _by_length(records: pl.DataFrame) -> pl.DataFrame:
    """Fill in the stop, or the start, of a record of which one is known and how long it lasted."""
    ahead = (pl.col("length") - _interval().fill_null(1)).clip(lower_bound=0)
    return records.with_columns(
        stop_from=pl.coalesce("stop_from", pl.col("start_from") + ahead),
        stop_to=pl.coalesce("stop_to", pl.col("start_to") + ahead),
        start_from=pl.coalesce("start_from", pl.col("stop_from") - ahead),
        start_to=pl.coalesce("start_to", pl.col("stop_to") - ahead),
    ).with_columns(
        undated=pl.col("length").is_not_null()
        & pl.col("start_from").is_null()
        & pl.col("stop_from").is_null()
    )


def _shared(found: pl.DataFrame) -> pl.DataFrame:
    """Add what share of the least dose each record is, and what is missing to tell."""
    by, least_by = pl.col("body"), pl.col("least_body")
    weight = pl.col("weight_kg")
    size = (
        pl.when(by.eq_missing(least_by))
        .then(1.0)
        .when((by == "kg") & least_by.is_null())
        .then(weight)
        .when(by.is_null() & (least_by == "kg"))
        .then(1.0 / weight)
    )
    any_dose = (pl.col("least") == 0).fill_null(False)
    measured = pl.col("measure") == pl.col("least_measure")
    by_amount = pl.col("least_days").is_null()
    # One dose counts for the time that the regimen gives it.
    days = pl.when("single").then("least_days").otherwise("days")
    rate = pl.when(by_amount).then(1.0).otherwise(pl.col("times") * pl.col("least_days") / days)
    least = pl.when(pl.col("least") > 0).then(pl.col("least"))
    share = pl.col("amount") * pl.col("strength") * rate * size / least
    share = pl.when(any_dose).then(1.0).when(measured).then(share)
    whole = (share * WHOLE).round(0).clip(0, 1e15).cast(pl.Int64)
    known = whole.is_not_null()
    asked = ~any_dose & pl.col("least").is_not_null()
    never_per_area = by.eq_missing(pl.lit("m2")) ^ least_by.eq_missing(pl.lit("m2"))
    lacks_unit = pl.col("measure").is_null() | ~measured | never_per_area
    found = found.with_columns(
        share_possible=whole,
        no_dose=asked & pl.col("no_dose"),
        no_unit=asked & ~pl.col("no_dose") & lacks_unit.fill_null(True),
        no_ingredient=~any_dose & (pl.col("least").is_null() | pl.col("strength").is_null()),
        no_frequency=asked & ~by_amount & pl.col("days").is_null() & ~pl.col("single"),
        no_weight=asked & ~known & size.is_null() & weight.is_null() & ~never_per_area
        & by.ne_missing(least_by),
    )  # fmt: skip
    # A single dose acts for as long as the regimen gives it, and ends on the day that it is given.
    acts = pl.col("least_days").fill_null(1)
    found = found.with_columns(
        *(pl.when("single").then(acts).otherwise(w.interval).alias(w.interval) for w in WORLDS),
        until_from=pl.when("single").then("start_from").otherwise("until_from"),
        until_to=pl.when("single").then("start_to").otherwise("until_to"),
    )
    given_from = (pl.col("stop_from") - pl.col("start_to")) // pl.col("days") + 1
    given_to = (pl.col("stop_to") - pl.col("start_from")) // pl.col("days") + 1
    one_day = (pl.col("start_from") == pl.col("start_to")) & (
        pl.col("stop_to") == pl.col("start_from")
    )
    often = (
        pl.when(pl.col("single") | one_day.fill_null(False))
        .then(1)
        .otherwise(given_to * pl.col("times"))
    )
    found = found.with_columns(
        doses_sure=pl.when("single")
        .then(1)
        .otherwise((given_from * pl.col("times")).clip(lower_bound=1).fill_null(1)),
        doses_possible=often,
        # A drug whose way of taking is not said may not be meant at all.
        share_sure=pl.when("no_route").then(None).otherwise("share_possible"),
        on_sure=~pl.col("no_route"),
    )
    more = pl.col("no_frequency") | (by_amount & often.is_null())
    return found.with_columns(no_frequency=more)


def _one_option(found: pl.DataFrame, regimens: Regimens) -> pl.DataFrame:
    """Keep the best limit that a record can be compared with, where a drug has several in a regimen."""
    row = ["record", "regimen", "part"]
    several = pl.col("regimen").is_in(regimens.with_choice)
    # A limit with which the record cannot be compared at all gives way to one with which it can.
    order = ["no_unit", "no_weight", "no_route", "share_possible"]
    kept = (
        found.filter(several)
        .sort([*row, *order], descending=[False] * 6 + [True], nulls_last=True)
        .unique(subset=row, keep="first", maintain_order=True)
    )
    return pl.concat([found.filter(~several), kept])


def _handed_over(found: pl.DataFrame) -> pl.DataFrame:
    """Add when the exposure of each record begins and ends in either world.

    Records that follow each other as far as their dates tell, such as 2020-03 after 2020-03 or after
    2020-02, follow each other without a pause. On the days on which either may have been taken, the lower
    dose is sure and the higher one possible.
    """
    route = pl.col("route_code").fill_null(0)
    line = _packed((pl.col("key"), 1), (pl.col("part"), 2), (route, 16))
    found = (
        found.with_columns(line=line)
        .with_columns(place=_packed((pl.col("line"), 1), (pl.col("order"), 1 << 16)))
        .sort("place")
    )
    following = pl.col("line") == pl.col("line").shift(-1)
    ends_from = pl.coalesce("stop_from", "until_from")
    ends_to = pl.coalesce("stop_to", "until_to")
    next_from, next_to = pl.col("start_from").shift(-1), pl.col("start_to").shift(-1)
    earliest = pl.max_horizontal(next_from, pl.min_horizontal(ends_from, next_to))
    hands_over = (
        following
        & (next_from <= ends_to + 1)
        & (next_to >= ends_from)
        & (pl.col("start_to") <= earliest)
    ).fill_null(False)
    found = found.with_columns(
        ends_from=ends_from,
        ends_to=ends_to,
        hands_over=hands_over,
        next_from=pl.when(following).then(next_from),
        next_to=pl.when(following).then(next_to),
        switch_from=pl.when(hands_over).then(earliest),
        switch_to=pl.when(hands_over).then(next_to),
    )
    mine, other = pl.col("share_sure").fill_null(0), pl.col("share_sure").shift(-1).fill_null(0)
    top = pl.lit(2**62, pl.Int64)
    most, others = (
        pl.col("share_possible").fill_null(top),
        pl.col("share_possible").shift(-1).fill_null(top),
    )
    late, early = pl.col("switch_to"), pl.col("switch_from")
    found = found.with_columns(
        switch_sure=pl.when(mine <= other).then(late).otherwise(early),
        switch_possible=pl.when(most >= others).then(late).otherwise(early),
    )
    taken_over = pl.col("hands_over").shift(1).fill_null(False)
    today_from, today_to = pl.col("today_from") + 1, pl.col("today_to") + 1
    running = pl.col("running").fill_null(False)

    def tail(end: str, interval: str, following_start: str) -> pl.Expr:
        """A last dose acts until the next would be due, or until another takes its place."""
        after = pl.col(end) + 1
        due = pl.col(end) + pl.col(interval)
        following_day = pl.max_horizontal(pl.col(following_start).fill_null(FAR), after)
        return pl.min_horizontal(due, following_day)

    end_sure = (
        pl.when("hands_over")
        .then("switch_sure")
        .when(running & today_from.is_not_null())
        .then(today_from)
        .when(pl.col("ends_from").is_not_null())
        .then(tail("ends_from", "interval_sure", "next_from"))
        .otherwise(pl.col("start_to") + pl.col("interval_sure"))
    )
    end_possible = (
        pl.when("hands_over")
        .then("switch_possible")
        .when(running)
        .then(today_to)
        .when(pl.col("ends_to").is_not_null())
        .then(tail("ends_to", "interval_possible", "next_to"))
        .otherwise(today_to)
    )
    # A course of which only the length is known stands for itself, long before all dates. If it is the only
    # one of its drug, nothing can make it longer.
    apart = -FAR + pl.col("order").clip(upper_bound=_MOST) * _APART
    length = pl.col("length").clip(upper_bound=_APART // 2)
    only = (pl.col("key") != pl.col("key").shift(1)).fill_null(True) & (
        pl.col("key") != pl.col("key").shift(-1)
    ).fill_null(True)
    alone = pl.col("undated") & only
    return found.with_columns(
        begin_sure=pl.when("undated")
        .then(apart)
        .when(taken_over)
        .then(pl.col("switch_sure").shift(1))
        .otherwise(pl.col("start_to").fill_null(FAR)),
        begin_possible=pl.when(alone)
        .then(apart)
        .when(taken_over)
        .then(pl.col("switch_possible").shift(1))
        .otherwise(pl.col("start_from").fill_null(-FAR)),
        end_sure=pl.when("undated")
        .then(apart + length)
        .otherwise(pl.min_horizontal(end_sure.fill_null(-FAR), today_from)),
        end_possible=pl.when(alone)
        .then(apart + length)
        .otherwise(pl.min_horizontal(end_possible, today_to)),
    )


def _coursed(found: pl.DataFrame) -> pl.DataFrame:
    """Number the courses: records of one regimen without a longer pause between them."""
    span = 4 * FAR
    begin = _packed((pl.col("key"), 1), (pl.col("begin_possible") + FAR, span))
    found = found.with_columns(place=begin).sort("place", "order")
    # The latest end so far; a later key is above every end of an earlier one.
    end = _packed((pl.col("key"), 1), (pl.col("end_possible") + FAR, span)).cum_max().shift(1)
    new = (pl.col("place") > end + pl.col("gap")).fill_null(True)
    new |= pl.col("key") != pl.col("key").shift(1)
    return found.with_columns(course=new.fill_null(True).cum_sum().cast(pl.Int64)).select(
        "patient", "record", "regimen", "part", "parts", "gap", "strict", "by_amount",
        "drug_code", "intravenous", "course",
        *(f"{x}_{w.name}" for x in ("begin", "end", "share", "doses") for w in WORLDS),
        "on_sure",
        "start_from", "start_to", "stop_from", "stop_to", "ends_to", "today_from", "today_to",
        "running", "reason_stopped", "response", "no_route",
        missing=pl.sum_horizontal(
            pl.col(f"no_{x}").cast(pl.Int64) * (1 << bit) for bit, x in enumerate(MISSING)
        ),
    )  # fmt: skip


def segments(found: pl.DataFrame, world: World, by: str = "course") -> pl.DataFrame:
    """Return the days on which the dose stayed the same, in order, where every part was taken.

    Args:
        found: rows of ``exposures``.
        world: which bound.
        by: the column whose rows are added up.

    Returns:
        ``by``, ``gap`` and ``strict`` of the regimen, ``begin``, ``end`` (not included), ``share`` of the
        part that is least, ``unknown`` (whether the dose could be any: possible world only).
    """
    begin, end, share = pl.col(world.begin), pl.col(world.end), pl.col(world.share)
    counted = found.filter(begin < end)
    if world is SURE:
        counted = counted.filter("on_sure")
    columns = [by, "gap", "strict", "parts", "part"]
    edges = pl.concat(
        [
            counted.select(
                *columns,
                day=day,
                share=share.fill_null(0) * sign,
                unknown=share.is_null().cast(pl.Int64) * sign,
                on=pl.lit(sign, pl.Int64),
            )
            for day, sign in ((begin, 1), (end, -1))
        ]
    )
    place = _packed((pl.col(by).cast(pl.Int64), 1), (pl.col("day") + FAR, 4 * FAR))
    edges = edges.with_columns(place=place).sort("place")
    together = bool((edges["parts"] > 1).any())
    sums: dict[str, pl.Expr] = {}
    for part in (0, 1) if together else (0,):
        here = pl.col("part") == part
        for name in ("share", "unknown", "on"):
            value = pl.when(here).then(name).otherwise(0) if together else pl.col(name)
            sums[f"{name}{part}"] = value.cum_sum()
    edges = edges.select(
        by,
        "gap",
        "strict",
        "parts",
        begin="day",
        end=pl.when(pl.col(by) == pl.col(by).shift(-1)).then(pl.col("day").shift(-1)),
        **sums,
    ).filter((pl.col("end") > pl.col("begin")) & (pl.col("on0") > 0))
    # An unknown dose may be any, so the other part is then the least.
    top = pl.lit(2**62, pl.Int64)

    def could(part: int) -> pl.Expr:
        return pl.when(pl.col(f"unknown{part}") > 0).then(top).otherwise(f"share{part}")

    dose = could(0) if world is POSSIBLE else pl.col("share0")
    if together:
        other = could(1) if world is POSSIBLE else pl.col("share1")
        single = pl.col("parts") == 1
        dose = pl.when(single).then(dose).otherwise(pl.min_horizontal(dose, other))
        edges = edges.filter(single | (pl.col("on1") > 0))
    return edges.select(by, "gap", "strict", "begin", "end", share=dose).with_columns(
        unknown=pl.col("share") == top
    )


def longest(at: pl.DataFrame, by: str = "course") -> pl.DataFrame:
    """Return the most days of a run of segments with no pause longer than ``gap`` between them.

    Args:
        at: rows of ``segments`` that count, in order; the days of a pause do not count.
        by: the column that tells whose segments they are.
    """
    previous = pl.col("end").shift(1)
    new = (
        (pl.col(by) != pl.col(by).shift(1)) | (pl.col("begin") > previous + pl.col("gap"))
    ).fill_null(True)
    return (
        at.with_columns(run=new.cum_sum())
        .group_by("run")
        .agg(pl.col(by).first(), days=(pl.col("end") - pl.col("begin")).sum())
        .group_by(by)
        .agg(pl.col("days").max())
    )


def at_dose(found: pl.DataFrame) -> pl.DataFrame:
    """Return for every course how long its dose was reached without interruption.

    Returns:
        ``course``, and in either world ``days_*`` at the dose, ``on_*`` (days taken at all) and ``peak_*``
        (highest share; NULL if it may be any).
    """
    courses = found.select(pl.col("course").unique(maintain_order=True))
    for world in WORLDS:
        pieces = segments(found, world)
        reached = (
            pl.when("strict")
            .then(pl.col("share") > WHOLE + SLACK)
            .otherwise(pl.col("share") >= WHOLE - SLACK)
        )
        at = longest(pieces.filter(reached)).rename({"days": world.days})
        taken = pieces.group_by("course").agg(
            (pl.col("end") - pl.col("begin")).sum().alias(world.on),
            pl.when(~pl.col("unknown").any()).then(pl.col("share").max()).alias(world.peak),
        )
        courses = courses.join(at, on="course", how="left").join(taken, on="course", how="left")
    # Without a day of exposure there is no dose either.
    courses = courses.with_columns(
        pl.when(pl.col(world.on) > 0).then(world.peak).otherwise(0).alias(world.peak)
        for world in WORLDS
    )
    amounts = _amounts(found.filter("by_amount"))
    if len(amounts):
        courses = courses.join(amounts, on="course", how="left", suffix="_amount")
        columns: Mapping[str, pl.Expr] = {
            f"{name}_{world.name}": pl.when(pl.col("amounts").fill_null(False))
            .then(f"{name}_{world.name}_amount")
            .otherwise(f"{name}_{world.name}")
            for name in ("days", "peak")
            for world in WORLDS
        }
        courses = courses.with_columns(**columns)
    zero = [pl.col(f"{x}_{world.name}").fill_null(0) for x in ("days", "on") for world in WORLDS]
    return courses.select("course", *zero, "peak_sure", "peak_possible")


def _amounts(found: pl.DataFrame) -> pl.DataFrame:
    """Return for courses whose doses are added how long ago the first was, if they are enough."""
    sure = pl.when("on_sure").then(pl.col("share_sure") * pl.col("doses_sure")).fill_null(0)
    most = pl.col("share_possible") * pl.col("doses_possible")
    summed = found.group_by("course").agg(
        peak_sure=sure.sum(),
        peak_possible=pl.when(most.is_null().any()).then(None).otherwise(most.sum()),
        first_from=pl.col("start_from").fill_null(-FAR).min(),
        first_to=pl.col("start_to").fill_null(FAR).min(),
        today_from=pl.col("today_from").first(),
        today_to=pl.col("today_to").first(),
    )
    enough = WHOLE - SLACK
    since = (pl.col("today_from") - pl.col("first_to") + 1).clip(lower_bound=1)
    most_since = pl.col("today_to") - pl.col("first_from") + 1
    return summed.select(
        "course",
        "peak_sure",
        "peak_possible",
        amounts=pl.lit(True),
        days_sure=pl.when(pl.col("peak_sure") >= enough).then(since).otherwise(0),
        days_possible=pl.when(pl.col("peak_possible").fill_null(enough) >= enough)
        .then(most_since)
        .otherwise(0),
    )
