"""Time to what matters: first response, the end of a drug, glucocorticoid spared; for any survival package.

A row is a patient at risk. ``event`` is true where it came, false where it did not until ``end`` (censored),
and unknown where it is not known when it came; such a row is kept, so that it can be counted.
"""

from __future__ import annotations

import polars as pl

from myoresist.answers import Answers
from myoresist.cohort.conventions import Conventions
from myoresist.cohort.given import DRUG, START, START_LAST, STOP_LAST
from myoresist.cohort.windows import Followed
from myoresist.resistance.response.improvement import CATEGORY_MAX, CATEGORY_MIN
from myoresist.resistance.response.visits import DATE, PATIENT

LEVELS = ("minimal", "moderate", "major")
STOPPED, SPARED = "drug_stopped", "glucocorticoid_spared"
CLOCKS = (*(f"first_{x}_response" for x in LEVELS), STOPPED, SPARED)
COLUMNS = (PATIENT, "clock", DRUG, "start", "end", "days", "event", "why")
_KIND = pl.Enum(CLOCKS)


def events_table(
    answers: Answers,
    found: Followed,
    courses: pl.DataFrame,
    doses: pl.DataFrame,
    conventions: Conventions,
) -> pl.DataFrame:
    """Return one row a patient, clock and drug.

    Args:
        answers: the answers about the patients.
        found: the index courses.
        courses: what ``courses_table`` returned.
        doses: what ``doses_table`` returned.
        conventions: how few milligrams count as spared.

    Returns:
        ``patient_id``, ``clock`` (of ``CLOCKS``), ``drug``, ``start``, ``end``, ``days`` between them,
        ``event`` and ``why`` (why the drug was stopped, or why follow-up ends or an event is not known).
    """
    today = answers.patients.treatments.today.latest
    last = pl.Series("today", today).fill_nan(None).cast(pl.Int32).cast(pl.Date)
    ends = pl.DataFrame({"today": last}).with_row_index(PATIENT)
    visits = _on_drug(found)
    parts = [_first(found, visits, level) for level in LEVELS]
    parts += [_stopped(courses, ends, conventions), _spared(answers, found, doses, conventions)]
    both = pl.concat([one.select(_typed()) for one in parts])
    return both.sort(PATIENT, "clock", DRUG).select(COLUMNS)


def _typed() -> list[pl.Expr]:
    days = (pl.col("end") - pl.col("start")).dt.total_days()
    return [
        pl.col(PATIENT), pl.col("clock").cast(_KIND), pl.col(DRUG).cast(pl.String), pl.col("start"),
        pl.col("end"), days.alias("days"), pl.col("event"), pl.col("why").cast(pl.String),
    ]  # fmt: skip


def _on_drug(found: Followed) -> pl.DataFrame:
    """Return the visits after the start of each index drug, until it was stopped, in order."""
    on = found.index.select(PATIENT, DRUG, STOP_LAST)
    visits = found.visits.join(on, on=[PATIENT, DRUG], how="left").filter(
        (pl.col(STOP_LAST).is_null() | (pl.col(DATE) <= pl.col(STOP_LAST))) & (pl.col("days") > 0)
    )
    return visits.select(PATIENT, DRUG, DATE, CATEGORY_MIN, CATEGORY_MAX).sort(PATIENT, DRUG, DATE)


def _first(found: Followed, visits: pl.DataFrame, level: str) -> pl.DataFrame:
    """Return the time from the start of each index drug to the first visit with a response.

    Follow-up ends with the last visit on the drug at which it is known that there was none, and before the
    first one of which that is not known.
    """
    order = pl.Series(["none", *LEVELS]).to_list()
    reached = pl.col(CATEGORY_MIN).cast(pl.String).is_in(order[order.index(level) :])
    possible = pl.col(CATEGORY_MAX).cast(pl.String).is_in(order[order.index(level) :])
    rows = visits.with_columns(yes=reached, no=~possible)
    told = rows.group_by(PATIENT, DRUG, maintain_order=True).agg(
        pl.col(DATE).filter("yes").first().alias("came"),
        pl.col(DATE).filter(~pl.col("yes") & ~pl.col("no")).first().alias("open"),
        pl.col(DATE).filter("no").last().alias("last_no"),
        pl.col(DATE).filter(pl.col("no") & ((~pl.col("yes") & ~pl.col("no")).cum_sum() == 0)).last()
        .alias("until"),
    )  # fmt: skip
    whole = found.index.filter(pl.col("baseline_date").is_not_null()).join(
        told, on=[PATIENT, DRUG], how="left"
    )
    # A visit before the first response at which it may have been there leaves open when it came.
    unsure = (pl.col("open") < pl.col("came")).fill_null(False)
    event = pl.when(unsure).then(None).when(pl.col("came").is_not_null()).then(True)
    return whole.with_columns(
        pl.lit(f"first_{level}_response").alias("clock"),
        pl.coalesce("came", "until").alias("end"),
        event.when(pl.col("until").is_not_null()).then(False).otherwise(None).alias("event"),
        pl.when(unsure)
        .then(pl.lit("may have come at an earlier visit with measures missing"))
        .when(pl.col("came").is_null() & pl.col("until").is_null())
        .then(pl.lit("no visit that can be judged"))
        .when(pl.col("came").is_null() & (pl.col("open") < pl.col("last_no")).fill_null(False))
        .then(pl.lit("a later visit has measures missing"))
        .alias("why"),
    )


def _stopped(courses: pl.DataFrame, ends: pl.DataFrame, conventions: Conventions) -> pl.DataFrame:
    """Return how long the first course of each drug was taken."""
    vague = (pl.col(START_LAST) - pl.col(START)).dt.total_days() <= conventions.start_within_days
    first = courses.filter((pl.col("number") == 1) & (pl.col("kind") != "other"))
    whole = first.join(ends, on=PATIENT, how="left")
    dated = vague.fill_null(False)
    stopped = (pl.col("running") == False).fill_null(False)  # noqa: E712
    goes_on = pl.col("running").fill_null(False)
    ended = dated & stopped & pl.col(STOP_LAST).is_not_null()
    return whole.with_columns(
        pl.lit(STOPPED).alias("clock"),
        pl.when(dated).then(START).alias("start"),
        pl.when(ended)
        .then(STOP_LAST)
        .when(dated & goes_on)
        .then(pl.max_horizontal("today", START))
        .alias("end"),
        pl.when(ended).then(True).when(dated & goes_on).then(False).alias("event"),
        pl.when(~dated)
        .then(pl.lit("start not known"))
        .when(goes_on)
        .then(pl.lit("goes on"))
        .when(~ended)
        .then(pl.lit("end not known"))
        .otherwise(
            pl.coalesce(pl.col("reason_stopped").cast(pl.String), pl.lit("reason not known"))
        )
        .alias("why"),
    )


def _spared(
    answers: Answers, found: Followed, doses: pl.DataFrame, conventions: Conventions
) -> pl.DataFrame:
    """Return the time from the start of each index drug to the first day on so little glucocorticoid.

    Only of those who took more on the day of the start, and whose list of courses is complete.
    """
    whole = pl.Series("whole", answers.judged.history.whole).to_frame().with_row_index(PATIENT)
    least = conventions.spared_mg_day
    index = found.index.filter("dated").select(PATIENT, DRUG, START, "today")
    index = index.join(whole, on=PATIENT, how="left")
    pieces = doses.rename({START: "begin", "stop": "until"}).sort(PATIENT, "begin")
    follows = pl.col("begin").shift(-1).over(PATIENT)
    # After the last day of a dose without another there is none.
    gaps = pieces.filter(
        follows.is_null() | (follows > pl.col("until") + pl.duration(days=1))
    ).select(
        PATIENT,
        begin=pl.col("until") + pl.duration(days=1),
        until=pl.lit(None, pl.Date),
        mg_day=pl.lit(0.0),
    )
    every = pl.concat([pieces, gaps.select(pieces.columns)])
    joined = index.join(every, on=PATIENT, how="inner")
    more = joined.filter(
        (pl.col("begin") <= pl.col(START))
        & (pl.col("until") >= pl.col(START))
        & (pl.col("mg_day") > least)
    ).select(PATIENT, DRUG)
    low = (
        joined.filter((pl.col("begin") > pl.col(START)) & (pl.col("mg_day") <= least))
        .filter((pl.col("begin") <= pl.col("today")).fill_null(True))
        .group_by(PATIENT, DRUG)
        .agg(came=pl.col("begin").min())
    )
    at_risk = index.join(more, on=[PATIENT, DRUG], how="semi").join(
        low, on=[PATIENT, DRUG], how="left"
    )
    return at_risk.with_columns(
        pl.lit(SPARED).alias("clock"),
        pl.when("whole").then(pl.coalesce("came", "today")).alias("end"),
        pl.when("whole").then(pl.col("came").is_not_null()).alias("event"),
        pl.when(~pl.col("whole")).then(pl.lit("the list of courses is not complete")).alias("why"),
    )
