"""Exposure: on which days a dose was taken, as far as dates and doses are known.

What is unknown is bounded from both sides. ``sure`` is the exposure that every reading of the record shares:
a course lasts from the last day on which it may have begun to the first on which it may have ended, and an
unknown dose counts as none. ``possible`` is the most that the record allows. What is true of the sure
exposure is true, what is false of the possible one is false, and anything between is unknown. A further fact
narrows the gap and never moves an answer from one side to the other.

Doses are whole billionths of the least dose of the regimen, so that sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from myoresist.arrays.kleene import TRUE, UNKNOWN
from myoresist.arrays.runs import Flags, Ints, Numbers, Runs, numbers, out_of_order
from myoresist.case.courses import BODIES, LOCAL, Treatments
from myoresist.resistance.adequacy.schema import Regimens

WHOLE = 1_000_000_000
"""The least dose of a regimen as a whole number."""
SLACK = 10
"""Two doses closer than this, in billionths, are the same: it takes up what decimals lose."""
FAR = 200_000
"""A day, counted from 1970, that is later than every date of a record; its negative is earlier."""
_CONTENT = ("amount", "days", "length", "weight_kg", "ongoing", "reason_stopped", "response")
"""What tells records of the same dates apart, so that their place in the list does not matter."""

ANY = -1
"""A share that is not known, so that it may be any."""
TOP = 2**62
"""A dose above all others: that of an unknown share where as much as possible is asked."""
_NEVER = 1 << 40
"""A day that is not known, later than all that are."""
Records = Mapping[str, npt.NDArray[Any]]
"""Columns of the records; see ``_known``."""
_KG, _M2 = BODIES.categories.to_list().index("kg"), BODIES.categories.to_list().index("m2")

_DOSE = (
    "amount", "measure", "body", "times", "every", "single", "weight_kg", "no_dose", "has_doses",
    "route", "lacks",
)  # fmt: skip
"""What has to be known of a record to compare its dose."""

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


@dataclass(frozen=True)
class Exposures:
    """One row for every record and every regimen that takes its drug, in order of regimen, then patient.

    Attributes:
        records: the records, with the days on which they may begin and end.
        record: which of these rows.
        patient: row of the patient.
        regimen: number of the regimen.
        part: which part of a combination.
        course: number of the course; records of a course follow each other without a longer pause.
        share: share of the least dose in billionths, ``ANY`` if unknown.
        no_route: whether the drug may not be meant at all, since nothing says how it was taken.
        missing: see ``lacking``.
        begin: in either world the first day, counted from 1970.
        end: in either world the day after the last.
    """

    records: Records
    record: Ints
    patient: Ints
    regimen: Ints
    part: Ints
    course: Ints
    share: Ints
    no_route: Flags
    missing: Ints
    begin: Mapping[World, Ints]
    end: Mapping[World, Ints]

    @property
    def columns(self) -> tuple[Numbers | Flags, ...]:
        """Return every column."""
        own = (self.record, self.patient, self.regimen, self.part, self.course, self.share)
        return (*own, self.no_route, self.missing, *self.begin.values(), *self.end.values())

    def only(self, rows: Flags | slice) -> Exposures:
        """Return some of the rows."""
        return Exposures(
            self.records,
            self.record[rows],
            self.patient[rows],
            self.regimen[rows],
            self.part[rows],
            self.course[rows],
            self.share[rows],
            self.no_route[rows],
            self.missing[rows],
            {world: days[rows] for world, days in self.begin.items()},
            {world: days[rows] for world, days in self.end.items()},
        )

    def of_regimen(self, number: int) -> Exposures:
        """Return the rows of one regimen."""
        low, high = np.searchsorted(self.regimen, [number, number + 1])
        return self.only(slice(low, high))


def exposures(treatments: Treatments, regimens: Regimens) -> Exposures:
    """Return one row for every record and every regimen that takes its drug."""
    records = _dated(treatments, regimens)
    found = _compared(_fitting(records, regimens), records, regimens)
    return _coursed(_handed_over(found, records, regimens), regimens)


def _order(
    records: pl.DataFrame, quick: Ints, by: Sequence[str], among: Ints | None = None
) -> tuple[Ints, Flags]:
    """Return the rows in the order of ``quick`` and then ``by``, and which of them are equal in ``quick``.

    Args:
        records: the table.
        quick: a number that nearly always tells which comes first; only equal ones are looked at further.
        by: columns that decide then.
        among: which rows ``quick`` is about; all if left out.
    """
    order = np.argsort(quick, kind="stable")
    rows = order if among is None else among.take(order)
    ordered = quick.take(order)
    equal = ordered[1:] == ordered[:-1]
    tied = np.zeros(len(rows), np.bool_)
    tied[1:] |= equal
    tied[:-1] |= equal
    some = rows[tied]
    if len(some):
        part = records.select(pl.col(by).gather(some)).with_columns(quick=pl.Series(ordered[tied]))
        rows[tied] = some[part.select(pl.arg_sort_by("quick", *by)).to_series().to_numpy()]
    return rows, tied


def _place(group: Ints, day: pl.Series) -> Ints:
    """Return a number that sorts by group, then day; days out of all bounds are taken for equal."""
    span = 1 << 23
    known = day.cast(pl.Int64).clip(2 - span // 2, span // 2 - 1)
    return group * span + numbers(known + span // 2)


def _days(column: str) -> pl.Expr:
    return pl.col(column).to_physical().cast(pl.Int64)


def _dated(treatments: Treatments, regimens: Regimens) -> Records:
    """Return the records with the first and last day of start and stop, and whether they go on."""
    people = treatments.patients.select(
        "complete",
        today_from=_days("today_from"),
        today_to=_days("today_to").fill_null(FAR - 1),
    )
    taken = treatments.courses.filter(pl.col("route").ne_missing(LOCAL))
    drug = taken["drug"].cast(pl.Enum(regimens.drugs["drug"])).to_physical()
    usual = regimens.drugs["usual_route"].cast(regimens.routes)
    records = (
        taken.hstack(people.select(pl.all().gather(taken["patient"])))
        .with_columns(
            *(_days(f"{end}_{side}") for end in ("start", "stop") for side in ("from", "to")),
            drug_code=drug.cast(pl.Int64),
            route=pl.coalesce("route", usual.gather(drug)),
        )
        .pipe(_by_length)
    )
    patient, code = numbers(records["patient"]), numbers(records["drug_code"], -1) + 1
    place = _place(patient * (len(regimens.drugs) + 1) + code, records["start_from"])
    when = ["start_from", "start_to", "stop_to"]
    rows, tied = _order(records, place, [*when, *_CONTENT, "record"])
    again = np.zeros(len(rows), np.bool_)
    own = [x for x in taken.columns if x != "record"]
    again[tied] = _repeated(records.select(pl.all().gather(rows[tied])), own)
    kept = np.sort(rows[~again])
    records = _replaced(records, rows[~again])
    # From here on drugs of one regimen may follow each other, so what counts is when they began.
    place = _place(patient, records["start_from"]).take(kept)
    rows, _ = _order(records, place, [*when, "drug_code", *_CONTENT, "record"], kept)
    runs = Runs.of(patient.take(rows))
    order = pl.Series(np.arange(len(rows)) - runs.spread(runs.starts))
    gathered = records.select(pl.all().exclude("record", "drug").gather(rows))
    return _known(_running(gathered.with_columns(order=order), regimens))


def _repeated(records: pl.DataFrame, own: Sequence[str]) -> Flags:
    """Tell which records say the same as the one before.

    Exports of records hold entries twice; counted twice they would make too low a dose high enough.
    """
    same = pl.all_horizontal(pl.col(x).eq_missing(pl.col(x).shift(1)) for x in own)
    repeated = records.select(pl.col("start_from").is_not_null() & same)
    return repeated.to_series().to_numpy()


def _replaced(records: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    """Add until when doses lasted that another of the same drug replaced; ``rows`` sorts by drug and start.

    A dose that is followed by another of the same drug, and of which nobody says that it goes on or when it
    ended, lasted until then.
    """
    ordered = records.select(
        pl.col(
            "patient", "drug_code", "start_from", "start_to", "stop_from", "ongoing",
            "reason_stopped",
        ).gather(rows)
    )  # fmt: skip
    same = (pl.col("patient") == pl.col("patient").shift(-1)) & (
        pl.col("drug_code") == pl.col("drug_code").shift(-1)
    )
    later = pl.col("start_from").shift(-1) > pl.col("start_from")
    open_ = pl.all_horizontal(
        pl.col(x).is_null() for x in ("stop_from", "ongoing", "reason_stopped")
    )
    replaced = ordered.select((same & later & open_).fill_null(False)).to_series().to_numpy()
    at = np.flatnonzero(replaced)
    following = np.full(len(records), -1)
    following[rows[at]] = rows[at + 1]
    next_one = pl.select(pl.when(pl.lit(following) >= 0).then(pl.lit(following))).to_series()
    return records.with_columns(
        replaced=next_one.is_not_null(),
        until_from=records["start_from"].gather(next_one),
        until_to=records["start_to"].gather(next_one),
    )


def _running(records: pl.DataFrame, regimens: Regimens) -> pl.DataFrame:
    """Add whether each record goes on, how many doses it has, when it ends, and what it lacks."""
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
    given_from = (pl.col("stop_from") - pl.col("start_to")) // pl.col("days") + 1
    given_to = (pl.col("stop_to") - pl.col("start_from")) // pl.col("days") + 1
    one_day = (pl.col("start_from") == pl.col("start_to")) & (
        pl.col("stop_to") == pl.col("start_from")
    )
    # A single dose ends on the day that it is given.
    until = {
        side: pl.when("single").then(f"start_{side}").otherwise(f"until_{side}")
        for side in ("from", "to")
    }
    records = records.with_columns(
        running=running,
        interval_sure=each.fill_null(1),
        interval_possible=each.fill_null(long),
        doses_sure=pl.when("single")
        .then(1)
        .otherwise((given_from * pl.col("times")).clip(lower_bound=1).fill_null(1)),
        doses_possible=pl.when(pl.col("single") | one_day.fill_null(False))
        .then(1)
        .otherwise(given_to * pl.col("times")),
        ends_from=pl.coalesce("stop_from", until["from"]),
        ends_to=pl.coalesce("stop_to", until["to"]),
    )
    goes_on = pl.col("running").fill_null(False)
    lacks = {
        "start": pl.col("start_from").is_null(),
        "stop": pl.col("stop_from").is_null() & ~pl.col("replaced") & ~pl.col("single") & ~goes_on,
        "day": (pl.col("start_from") != pl.col("start_to")).fill_null(False)
        | (pl.col("stop_from") != pl.col("stop_to")).fill_null(False),
        "today": goes_on & (pl.col("today_from") != pl.col("today_to")).fill_null(True),
    }
    return records.with_columns(
        lacks=pl.sum_horizontal(value.cast(pl.Int64) * _bit(x) for x, value in lacks.items())
    )


def _known(records: pl.DataFrame) -> Records:
    """Return the records without NULL, so that much can be computed of them at once.

    Of days, ``has_*`` tells whether they are known; a word that is not known is -1, and a number none.
    """
    floats = ("amount", "times", "weight_kg")
    words = ("body", "measure", "route", "drug_code", "reason_stopped", "response")
    unknown = {
        **dict.fromkeys(words, -1),
        **{"start_from": -FAR, "start_to": FAR, "today_from": _NEVER, "today_to": _NEVER},
        **dict.fromkeys(("ends_from", "ends_to", "length", "doses_possible"), 0),
    }
    table = records.select(
        "single", "undated", "no_dose",
        *(pl.col(x).cast(pl.Float64).fill_null(np.nan) for x in floats),
        *(pl.col(x).to_physical().cast(pl.Int64).fill_null(y) for x, y in unknown.items()),
        *(pl.col(x).cast(pl.Int64) for x in ("patient", "order", "doses_sure", "lacks")),
        *(pl.col(w.interval) for w in WORLDS),
        every=pl.col("days").cast(pl.Float64).fill_null(np.nan),
        running=(pl.col("running").cast(pl.Int8) * TRUE).fill_null(UNKNOWN),
        has_start=pl.col("start_from").is_not_null(),
        has_end=pl.col("ends_from").is_not_null(),
        has_doses=pl.col("doses_possible").is_not_null(),
    )  # fmt: skip
    return {column.name: column.to_numpy() for column in table}


def _bit(word: str) -> int:
    return 1 << MISSING.index(word)


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


@dataclass(frozen=True)
class _Fits:
    """Pairs of a record and a limit that takes its drug, by regimen, then record."""

    record: Ints
    option: Ints


def _fitting(records: Records, regimens: Regimens) -> _Fits:
    """Return the limits with which each record can be compared, as far as drug and route tell."""
    routes = len(regimens.routes.categories) + 1
    drug = records["drug_code"]
    word = np.where(drug < 0, len(regimens.drugs), drug) * routes + records["route"] + 1
    rows: list[Ints] = []
    options: list[Ints] = []
    for limits in regimens.limits:
        fits = [limit.take(word) for limit in limits]
        found = [np.flatnonzero(one >= 0) for one in fits]
        mine = np.concatenate(found)
        which = np.concatenate([one.take(at) for one, at in zip(fits, found, strict=True)])
        if len(limits) > 1:
            order = np.argsort(mine, kind="stable")
            mine, which = mine[order], which[order]
        rows.append(mine)
        options.append(which)
    return _Fits(np.concatenate(rows), np.concatenate(options))


@dataclass(frozen=True)
class _Compared:
    """What ``_Fits`` tells of dose: shares of the least dose (``ANY`` if unknown) and what is missing."""

    record: Ints
    option: Ints
    share: Ints
    no_route: Flags
    missing: Ints


def _compared(fits: _Fits, records: Records, regimens: Regimens) -> _Compared:
    """Tell what share of the least dose each record is, and what is missing to tell."""
    row, option = fits.record, fits.option
    record = {name: records[name].take(row) for name in _DOSE}
    limit = {name: column.take(option) for name, column in regimens.option_columns.items()}
    weight, every, single = record["weight_kg"], record["every"], record["single"]
    by, least_by, asked = record["body"], limit["least_body"], limit["asked"]
    # A number that is not known is none, and so is what follows from it.
    size = np.where(by == least_by, 1.0, np.nan)
    size = np.where((by == _KG) & (least_by < 0), weight, size)
    size = np.where((by < 0) & (least_by == _KG), 1.0 / weight, size)
    measured = record["measure"] == limit["least_measure"]
    # One dose counts for the time that the regimen gives it.
    days = np.where(single, limit["least_days"], every)
    rate = np.where(limit["by_amount"], 1.0, record["times"] * limit["least_days"] / days)
    share = record["amount"] * limit["strength"] * rate * size / limit["least"]
    share = np.where(limit["any_dose"], 1.0, np.where(measured, share, np.nan))
    known = ~np.isnan(share)
    whole = np.where(known, np.clip(np.rint(share * WHOLE), 0, 1e15), ANY).astype(np.int64)
    never_per_area = (by == _M2) ^ (least_by == _M2)
    no_route = (record["route"] < 0) & limit["has_routes"]
    no_often = np.where(limit["by_amount"], ~record["has_doses"], asked & np.isnan(every) & ~single)
    no_weight = asked & ~known & np.isnan(size) & np.isnan(weight)
    lacks = {
        "dose": asked & record["no_dose"],
        "unit": asked & ~record["no_dose"] & (~measured | never_per_area),
        "ingredient": limit["no_ingredient"],
        "frequency": no_often,
        "weight": no_weight & ~never_per_area & (by != least_by),
        "route": no_route,
    }
    missing = record["lacks"]
    for name, lacking_ in lacks.items():
        missing += lacking_ * np.int64(_bit(name))
    return _best_option(_Compared(row, option, whole, no_route, missing), regimens)


def _best_option(found: _Compared, regimens: Regimens) -> _Compared:
    """Keep the best limit that a record can be compared with, where a drug has several in a regimen."""
    at = regimens.option_columns
    several = np.flatnonzero(at["choice"][found.option])
    row = [
        x[several] for x in (found.record, at["regimen"][found.option], at["part"][found.option])
    ]
    # A limit with which the record cannot be compared at all gives way to one with which it can.
    worse = [(found.missing[several] & _bit(x)) > 0 for x in ("unit", "weight", "route")]
    share = found.share[several]
    order = np.lexsort([np.where(share == ANY, 1, -share), *reversed([*row, *worse])])
    first = Runs.of(*(x[order] for x in row)).starts
    dropped = np.ones(len(several), np.bool_)
    dropped[order[first]] = False
    kept = np.ones(len(found.record), np.bool_)
    kept[several[dropped]] = False
    if kept.all():
        return found
    return _Compared(*(getattr(found, x.name)[kept] for x in fields(found)))


def _next(values: Ints) -> Ints:
    """Return the value of the next row; of no use in the last one."""
    return np.roll(values, -1)


def _goes_on(values: Ints) -> Flags:
    """Tell of each row whether the next one has the same value."""
    same = np.zeros(len(values), np.bool_)
    same[:-1] = values[1:] == values[:-1]
    return same


def _handed_over(found: _Compared, records: Records, regimens: Regimens) -> Exposures:
    """Tell when the exposure of each record begins and ends in either world.

    Records that follow each other as far as their dates tell, such as 2020-03 after 2020-03 or after
    2020-02, follow each other without a pause. On the days on which either may have been taken, the lower
    dose is sure and the higher one possible.

    Returns:
        The rows, in order of a number that those of one patient and regimen share, and of one drug where each
        drug counts for itself. It stands in the place of ``course``.
    """
    at = regimens.option_columns
    record, option = found.record, found.option
    regimen, patient = at["regimen"].take(option), records["patient"].take(record)
    group = regimen * (int(records["patient"].max(initial=0)) + 1) + patient
    drug = records["drug_code"].take(record) + 1
    own = np.where(at["each_drug"].take(option), drug, 0)
    route = records["route"].take(record) + 1
    part = at["part"].take(option)
    key = group * (len(regimens.drugs) + 1) + own
    line = (key * 2 + part) * (len(regimens.routes.categories) + 1) + route
    rows, source = out_of_order(group, line, records["order"].take(record))
    for column in (record, option, line, key, patient, part, regimen, found.share, found.no_route,
                   found.missing):  # fmt: skip
        column[rows] = column[source]

    def of_record(column: str) -> Ints:
        return records[column].take(record)

    has_start, has_end = of_record("has_start"), of_record("has_end")
    start_from, start_to = of_record("start_from"), of_record("start_to")
    ends_from, ends_to = of_record("ends_from"), of_record("ends_to")
    next_from, next_to = _next(start_from), _next(start_to)
    followed = _goes_on(line) & np.roll(has_start, -1)
    earliest = np.maximum(next_from, np.minimum(ends_from, next_to))
    hands_over = (
        followed & has_start & has_end
        & (next_from <= ends_to + 1) & (next_to >= ends_from) & (start_to <= earliest)
    )  # fmt: skip
    single = np.flatnonzero(of_record("single"))

    def tail(ends: Ints, column: str, following: Ints) -> tuple[Ints, Ints]:
        """Return when a last dose stops to act: when the next is due or another takes its place."""
        interval = of_record(column)
        # A single dose acts for as long as the regimen gives it.
        interval[single] = at["acts"].take(option[single])
        following = np.maximum(np.where(followed, following, FAR), ends + 1)
        return np.minimum(ends + interval, following), interval

    running = of_record("running") == TRUE
    today_from, today_to = of_record("today_from") + 1, of_record("today_to") + 1
    last_sure, interval = tail(ends_from, "interval_sure", next_from)
    end_sure = np.where(has_end, last_sure, np.where(has_start, start_to + interval, -FAR))
    end_sure = np.where(running & (today_from <= _NEVER), today_from, end_sure)
    last_possible, _ = tail(ends_to, "interval_possible", next_to)
    end_possible = np.where(has_end & ~running, last_possible, today_to)
    begin_sure, begin_possible = start_to, start_from
    first = np.flatnonzero(hands_over)
    second = first + 1
    late, early = next_to[first], earliest[first]
    least = np.where(found.no_route | (found.share == ANY), 0, found.share)
    most = np.where(found.share == ANY, TOP, found.share)
    end_sure[first] = begin_sure[second] = np.where(least[first] <= least[second], late, early)
    end_possible[first] = begin_possible[second] = np.where(
        most[first] >= most[second], late, early
    )
    end_sure = np.minimum(end_sure, today_from)
    end_possible = np.minimum(end_possible, today_to)
    # A course of which only the length is known stands for itself, long before all dates. If it is the only
    # one of its drug, nothing can make it longer.
    undated = np.flatnonzero(of_record("undated"))
    order, length = (records[x].take(record[undated]) for x in ("order", "length"))
    begin_sure[undated] = -FAR + order.clip(max=_MOST) * _APART
    end_sure[undated] = begin_sure[undated] + length.clip(max=_APART // 2)
    keys = Runs.of(key)
    alone = undated[np.repeat(keys.lengths == 1, keys.lengths)[undated]]
    begin_possible[alone], end_possible[alone] = begin_sure[alone], end_sure[alone]
    return Exposures(
        records, record, patient, regimen, part, key, found.share, found.no_route, found.missing,
        {SURE: begin_sure, POSSIBLE: begin_possible}, {SURE: end_sure, POSSIBLE: end_possible},
    )  # fmt: skip


def _coursed(found: Exposures, regimens: Regimens) -> Exposures:
    """Number the courses: records of one regimen without a longer pause between them."""
    key, begin, end = found.course, found.begin[POSSIBLE], found.end[POSSIBLE]
    order = found.records["order"].take(found.record)
    rows, source = out_of_order(key, begin, order)
    for column in found.columns:
        column[rows] = column[source]
    span = 4 * FAR
    # The latest end so far; a later key is above every end of an earlier one.
    latest = np.maximum.accumulate(key * span + end)
    new = np.ones(len(key), np.bool_)
    gap = regimens.columns["gap"][found.regimen[1:]]
    new[1:] = (key[1:] != key[:-1]) | (key[1:] * span + begin[1:] > latest[:-1] + gap)
    return replace(found, course=np.cumsum(new) - 1)


@dataclass(frozen=True)
class Pieces:
    """Days on which the dose stayed the same, in order of ``by``, then time.

    Attributes:
        by: the number of the course or the patient.
        begin: the first day, counted from 1970.
        end: the day after the last.
        share: the dose, of several parts the least, as a share of the least dose of the regimen in
            billionths; ``TOP`` if it may be any.
    """

    by: Ints
    begin: Ints
    end: Ints
    share: Ints

    def only(self, rows: Flags | Ints) -> Pieces:
        """Return some of them."""
        return Pieces(self.by[rows], self.begin[rows], self.end[rows], self.share[rows])


@dataclass(frozen=True)
class Taken:
    """What was taken in one world, record by record, as ``Pieces`` are.

    Attributes:
        records: all records.
        mixed: numbers of courses, or patients, of which the records overlap or have several parts, so that
            they are no pieces by themselves.
        pieces: the pieces of those.
    """

    records: Pieces
    mixed: Ints
    pieces: Pieces

    def together(self) -> Pieces:
        """Return the pieces of all."""
        if not len(self.mixed):
            return self.records
        plain = self.records.only(~_among(self.records.by, self.mixed))
        columns = (
            np.concatenate([getattr(plain, x.name), getattr(self.pieces, x.name)])
            for x in fields(Pieces)
        )
        both = Pieces(*columns)
        return both.only(np.argsort(both.by, kind="stable"))


def segments(found: Exposures, world: World, by: Ints, regimens: Regimens) -> Taken:
    """Return the days on which the dose stayed the same, in order, where every part was taken.

    Args:
        found: what was taken.
        world: which bound.
        by: whose records are added up, one number a row of ``found``; they do not fall.
        regimens: what they are compared with.
    """
    begin, end = found.begin[world], found.end[world]
    counted = begin < end
    if world is SURE:
        counted &= ~found.no_route
    share = np.where(found.share == ANY, TOP if world is POSSIBLE else 0, found.share)
    records = Pieces(by, begin, end, share)
    rows = np.arange(len(by)) if counted.all() else np.flatnonzero(counted)
    if len(rows) < len(by):
        records = records.only(rows)
    by = records.by
    # Records that do not overlap are pieces as they are.
    mixed, double = np.zeros(len(by), np.bool_), np.zeros(len(by), np.bool_)
    mixed[1:] = (by[1:] == by[:-1]) & (records.begin[1:] < records.end[:-1])
    for one in regimens.combined:
        low, high = np.searchsorted(rows, np.searchsorted(found.regimen, [one, one + 1]))
        double[low:high] = True
    numbers_ = by[mixed | double]
    some = np.flatnonzero(_among(by, numbers_))
    return Taken(records, numbers_, swept(records.only(some), found.part[rows[some]], double[some]))


def _among(values: Ints, some: Ints) -> Flags:
    """Tell which of the values, none below 0, are among some others."""
    there = np.zeros(int(values.max(initial=0)) + 1, np.bool_)
    there[some] = True
    return there.take(values)


def swept(records: Pieces, part: Ints, double: Flags) -> Pieces:
    """Return the pieces of records that may overlap or have several parts.

    Args:
        records: what was taken, in order of ``by``.
        part: which part of a combination each is.
        double: whether it is of a combination.
    """
    runs = Runs.of(records.by)
    # A combination of which a part was never taken was not taken.
    lacking = double & runs.spread(runs.min(part) == runs.max(part))
    if lacking.any():
        records, part, double = records.only(~lacking), part[~lacking], double[~lacking]
        runs = Runs.of(records.by)
    count = len(part)
    row, sign = np.repeat(np.arange(count), 2), np.tile([1, -1], count)
    day = np.stack([records.begin, records.end], axis=1).ravel()
    # Beginnings and ends follow each other nearly in order, and such are sorted fast.
    order = np.argsort(runs.numbers.take(row) * (4 * FAR) + day, kind="stable")
    row, sign, day = row.take(order), sign.take(order), day.take(order)
    by, share, double = records.by.take(row), records.share.take(row), double.take(row)

    def dose(sign: Ints) -> Ints:
        """Return the sum of the doses, after each day on which one begins or ends."""
        any_ = share == TOP
        known = np.cumsum(np.where(any_, 0, share) * sign)
        # An unknown dose may be any, so the other part is then the least.
        return np.where(np.cumsum(any_ * sign) > 0, TOP, known)

    first = np.where(part.take(row) == 0, sign, 0)
    least, taken = dose(first), np.cumsum(first) > 0
    if double.any():
        second = sign - first
        least = np.where(double, np.minimum(least, dose(second)), least)
        taken &= ~double | (np.cumsum(second) > 0)
    until = _next(day)
    return Pieces(by, day, until, least).only(_goes_on(by) & (until > day) & taken)


def longest(at: Pieces, gap: Ints) -> tuple[Ints, Ints]:
    """Return for each number of ``by`` the most days of pieces without a pause longer than the gap.

    Args:
        at: pieces that count; the days of a pause do not count.
        gap: for each number of ``by`` the days of the gap.
    """
    new = np.ones(len(at.by), np.bool_)
    limit = at.end[:-1] + gap.take(at.by[:-1])
    new[1:] = (at.by[1:] != at.by[:-1]) | (at.begin[1:] > limit)
    unbroken = Runs.at(new)
    days, by = unbroken.sum(at.end - at.begin), unbroken.first(at.by)
    whole = Runs.of(by)
    return whole.first(by), whole.max(days)


def at_dose(found: Exposures, regimens: Regimens) -> dict[str, Ints]:
    """Return for every course how long its dose was reached without interruption.

    Returns:
        In either world ``days_*`` at the dose, ``on_*`` (days taken at all) and ``peak_*`` (highest share;
        ``TOP`` if it may be any), one value a course.
    """
    regimen = Runs.of(found.course).first(found.regimen)
    gap, strict = (regimens.columns[x].take(regimen) for x in ("gap", "strict"))
    least = np.where(strict, WHOLE + SLACK + 1, WHOLE - SLACK)
    columns: dict[str, Ints] = {}
    for world in WORLDS:
        taken = segments(found, world, found.course, regimens)
        days, on, peak = (np.zeros(len(regimen), np.int64) for _ in range(3))
        for pieces in (taken.records, taken.pieces):
            by, most = longest(pieces.only(pieces.share >= least.take(pieces.by)), gap)
            days[by] = most
            runs = Runs.of(pieces.by)
            by = runs.first(pieces.by)
            on[by] = runs.sum(pieces.end - pieces.begin)
            # Without a day of exposure there is no dose either.
            peak[by] = runs.max(pieces.share)
            if pieces is taken.records:
                # What counts of these is their pieces.
                for column in (days, on, peak):
                    column[taken.mixed] = 0
        columns |= {world.days: days, world.on: on, world.peak: peak}
    return _amounts(found, regimens, columns)


def _amounts(found: Exposures, regimens: Regimens, columns: dict[str, Ints]) -> dict[str, Ints]:
    """Say of courses whose doses are added how long ago the first was, if they are enough."""
    rows = np.flatnonzero(regimens.columns["by_amount"][found.regimen])
    record, share = found.record[rows], found.share[rows]
    runs = Runs.of(found.course[rows])

    def of_record(column: str) -> Ints:
        return found.records[column].take(record)

    counted = (share != ANY) & ~found.no_route[rows]
    doses = of_record("doses_possible")
    unknown = (share == ANY) | ~found.records["has_doses"].take(record)
    peak_sure = runs.sum(np.where(counted, share * of_record("doses_sure"), 0))
    peak_possible = np.where(runs.any(unknown), TOP, runs.sum(np.where(unknown, 0, share * doses)))
    first_from, first_to = (
        runs.min(of_record("start_from")),
        runs.min(of_record("start_to")),
    )
    today_from, today_to = (runs.first(of_record(x)) for x in ("today_from", "today_to"))
    enough = WHOLE - SLACK
    since = np.where(today_from < _NEVER, (today_from - first_to + 1).clip(min=1), 0)
    of_course = {
        "peak_sure": peak_sure,
        "peak_possible": peak_possible,
        "days_sure": np.where(peak_sure >= enough, since, 0),
        "days_possible": np.where(peak_possible >= enough, today_to - first_from + 1, 0),
    }
    for name, values in of_course.items():
        columns[name][runs.first(found.course[rows])] = values
    return columns
