"""Counts of what stands in the tables by patient: windows of response, times to events, definitions."""

from __future__ import annotations

import numpy as np
import polars as pl

from myoresist.cohort.conventions import DAYS_A_WEEK, Conventions
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.events import CLOCKS
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.registry import EVENTS, REFRACTORY, WINDOWS
from myoresist.cohort.windows import STATUSES
from myoresist.diagnosis.criteria.evaluate import MET, STATES, UNDETERMINED
from myoresist.resistance.response.improvement import CATEGORY

CATEGORIES = ("none", "minimal", "moderate", "major")
BETTER = {
    "at_least_minimal": CATEGORIES[1:],
    "at_least_moderate": CATEGORIES[2:],
    "major": CATEGORIES[3:],
}


def windows(freeze: Freeze, disclosure: Disclosure, by: str | None = None) -> pl.DataFrame:
    """Return for each index drug and week who responded, and of whom it is not known why.

    Returns:
        ``drug``, ``week``, the column ``by``, ``new_users``; the numbers judged by category and not judged by
        reason, and between what shares of all who had reached the window the response lies. Small counts are
        empty, and so are the shares that rest on them; ``withheld`` says where.
    """
    keys = ["drug", "week", *([by] if by else [])]
    rows = freeze.scan(WINDOWS)
    state = pl.col("status").cast(pl.String)
    judged = state == "judged"
    told = (
        rows.group_by(keys)
        .agg(
            new_users=pl.len(),
            **{x: (judged & (pl.col(CATEGORY).cast(pl.String) == x)).sum() for x in CATEGORIES},
            **{x: (state == x).sum() for x in STATUSES[1:]},
        )
        .collect()
        .with_columns(pl.col("drug").cast(pl.String))
        .sort(keys)
    )
    due = pl.col("new_users") - pl.col("not_reached") - pl.col("start_unknown")
    open_ = pl.col("measures_missing") + pl.col("no_visit") + pl.col("no_baseline")
    shares = []
    for name, some in BETTER.items():
        sure = pl.sum_horizontal(some)
        shares.append((100 * sure / due).round(1).alias(f"{name}_percent_low"))
        shares.append((100 * (sure + open_) / due).round(1).alias(f"{name}_percent_high"))
    told = told.with_columns(pl.when(due > 0).then(x).alias(x.meta.output_name()) for x in shares)
    return hidden(told, [*CATEGORIES, *STATUSES[1:]], "new_users", disclosure, ["drug", "week"])


def hidden(
    frame: pl.DataFrame, counts: list[str], total: str, disclosure: Disclosure, lines: list[str]
) -> pl.DataFrame:
    """Return a table whose counts add up to a total in each row, without those that are not told.

    Shares (``*_percent*``) go with any count of their row that is withheld.

    Args:
        frame: one row a line and group.
        counts: the columns that add up to the total.
        total: the column of totals.
        disclosure: what may be told.
        lines: the columns that tell lines apart; of the groups of each the sums are told without groups.
    """
    if frame.is_empty():
        return frame.with_columns(withheld=pl.lit(None, pl.Boolean))
    mask, small = np.zeros((frame.height, len(counts)), np.bool_), np.zeros(frame.height, np.bool_)
    places = frame.with_row_index("place").group_by(lines, maintain_order=True).agg("place")
    for rows in places["place"]:
        own = frame[rows]
        grouped = own.height > 1
        few = disclosure.withheld(
            own.select(total).to_numpy().astype(float), rows=False, columns=grouped
        )
        values = own.select(counts).to_numpy().astype(float)
        told = disclosure.withheld(
            values, columns=grouped, few=np.broadcast_to(few, values.shape) & (values > 0)
        )
        mask[rows.to_numpy()], small[rows.to_numpy()] = told | few, few[:, 0]
    shares = [x for x in frame.columns if "_percent" in x]
    flags = pl.Series("withheld", mask.any(axis=1) | small)
    return frame.with_columns(
        *(pl.when(~pl.Series(mask[:, n])).then(pl.col(x)).alias(x) for n, x in enumerate(counts)),
        *(pl.when(~flags).then(pl.col(x)).alias(x) for x in shares),
        pl.when(~pl.Series(small)).then(pl.col(total)).alias(total),
        flags.alias("withheld"),
    )


def refractory(freeze: Freeze, disclosure: Disclosure, by: str | None = None) -> pl.DataFrame:
    """Return in how many each definition is met, bounds of the share, and what most often is not known."""
    keys = ["definition", *([by] if by else [])]
    rows = freeze.scan(REFRACTORY).with_columns(pl.col("definition", "state").cast(pl.String))
    told = (
        rows.group_by(keys)
        .agg(patients=pl.len(), **{x: (pl.col("state") == x).sum() for x in STATES})
        .collect()
        .sort(keys)
    )
    items = (
        rows.filter(pl.col("blocking").is_not_null())
        .select(*keys, item=pl.col("blocking").str.split("; "))
        .explode("item")
        .group_by(*keys, "item")
        .agg(n=pl.len())
        .collect()
        .sort("n", "item", descending=[True, False])
        .group_by(keys, maintain_order=True)
        .agg(most_often_unknown=pl.col("item").first())
    )
    low = 100 * pl.col(MET) / pl.col("patients")
    high = 100 * (pl.col(MET) + pl.col(UNDETERMINED)) / pl.col("patients")
    joined = told.join(items, on=keys, how="left").with_columns(
        low.round(1).alias("met_percent_low"), high.round(1).alias("met_percent_high")
    )
    return hidden(joined, list(STATES), "patients", disclosure, ["definition"])


def overlap(freeze: Freeze, disclosure: Disclosure) -> pl.DataFrame:
    """Return which definitions are met together: one row a combination, the most frequent first."""
    met = (
        freeze.scan(REFRACTORY)
        .filter(pl.col("state").cast(pl.String) == MET)
        .group_by("patient_id")
        .agg(definitions=pl.col("definition").cast(pl.String).sort().str.join("; "))
        .group_by("definitions")
        .agg(patients=pl.len())
        .collect()
        .sort("patients", "definitions", descending=[True, False])
    )
    small = met["patients"] < disclosure.least
    rest = met.filter(small)
    told = met.filter(~small)
    if rest.height and rest["patients"].sum() >= disclosure.least:
        more = {
            "definitions": f"({rest.height} rarer combinations)",
            "patients": rest["patients"].sum(),
        }
        told = pl.concat([told, pl.DataFrame([more], schema=told.schema)])
    return told


def events(freeze: Freeze, disclosure: Disclosure, conventions: Conventions) -> pl.DataFrame:
    """Return for each clock and drug the Kaplan-Meier estimate at the weeks of the windows.

    Returns:
        ``clock``, ``drug``, ``week``, ``patients``, ``not_known`` (of whom it is not known whether or when it
        came; left out of the estimate), ``events`` in all, ``at_risk`` at that day, ``percent_free`` of the
        event, what it is at least and at most over all patients (``percent_free_low``,
        ``percent_free_high``) and ``withheld``.
    """
    rows = freeze.scan(EVENTS).with_columns(pl.col("clock").cast(pl.String)).collect()
    found = []
    for (clock, drug), own in rows.group_by("clock", "drug", maintain_order=True):
        known = own.drop_nulls(["event", "days"]).filter(pl.col("days") >= 0)
        days, came = known["days"].to_numpy(), known["event"].to_numpy()
        low, high = _earliest(own, known), _latest(own, known)
        for window in conventions.windows:
            day = window.week * DAYS_A_WEEK
            found.append(
                {
                    "clock": clock, "drug": drug, "week": window.week, "patients": own.height,
                    "not_known": own.height - known.height, "events": int(came.sum()),
                    "at_risk": int((days >= day).sum()),
                    "percent_free": _percent(free(days, came, day)) if len(days) else None,
                    "percent_free_low": _percent(free(*low, day)),
                    "percent_free_high": _percent(free(*high, day)),
                }
            )  # fmt: skip
    kinds: dict[str, type[pl.DataType]] = {
        "clock": pl.String, "drug": pl.String, "week": pl.Int64, "patients": pl.Int64, "not_known": pl.Int64,
        "events": pl.Int64, "at_risk": pl.Int64, "percent_free": pl.Float64,
        "percent_free_low": pl.Float64, "percent_free_high": pl.Float64,
    }  # fmt: skip
    frame = pl.DataFrame(found, schema=kinds)
    order = pl.col("clock").cast(pl.Enum(CLOCKS))
    small = pl.any_horizontal(
        pl.col(x).is_between(1, disclosure.least - 1)
        for x in ("patients", "not_known", "events", "at_risk")
    )
    free_of = pl.col("patients") - pl.col("not_known") - pl.col("events")
    small |= free_of.is_between(1, disclosure.least - 1)
    return frame.sort(order, "drug", "week").with_columns(
        *(
            pl.when(~small).then(pl.col(x)).alias(x)
            for x in (
                "not_known",
                "events",
                "at_risk",
                "percent_free",
                "percent_free_low",
                "percent_free_high",
            )
        ),
        pl.when(~pl.col("patients").is_between(1, disclosure.least - 1))
        .then("patients")
        .alias("patients"),
        small.alias("withheld"),
    )


def _earliest(every: pl.DataFrame, known: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return days and events as if it had come at once wherever it is not known when."""
    more = every.height - known.height
    return (
        np.append(known["days"].to_numpy(), np.zeros(more)),
        np.append(known["event"].to_numpy(), np.ones(more, np.bool_)),
    )


def _latest(every: pl.DataFrame, known: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return days and events as if it had come on the day on which it was seen, and else never."""
    unsure = every.filter(pl.col("event").is_null() & (pl.col("days") >= 0))["days"].to_numpy()
    never = every.height - known.height - len(unsure)
    return (
        np.concatenate([known["days"].to_numpy(), unsure, np.full(never, np.inf)]),
        np.concatenate(
            [known["event"].to_numpy(), np.ones(len(unsure), np.bool_), np.zeros(never, np.bool_)]
        ),
    )


def _percent(share: float) -> float:
    return round(100 * share, 1)


def free(days: np.ndarray, came: np.ndarray, until: int) -> float:
    """Return the Kaplan-Meier estimate of being without the event after some days."""
    share = 1.0
    for day in np.unique(days[came & (days <= until)]):
        share *= 1 - ((days == day) & came).sum() / (days >= day).sum()
    return float(share)
