"""Counts for the page about a registry, taken in one pass over the parts of the answers.

A part holds whole patients, and of each part only sums are kept. What is kept grows with the number of
different answers, not with the number of patients: medians come from counts of rounded values, and criteria
sets are counted by which of them are met together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from pathlib import Path

import polars as pl

from myoresist.cohort.composites import Composites
from myoresist.cohort.refractory import PARTED as ITEMS_PARTED
from myoresist.cohort.registry import (
    CONSULT,
    CRITERIA,
    DIFFERENTIAL,
    FINDINGS,
    REFRACTORY,
    REJECTED,
    RESISTANCE,
    RESPONSES,
)
from myoresist.consult.table import ACTIONS, PARTED, action_of
from myoresist.diagnosis.differential.evaluate import DIGITS
from myoresist.diagnosis.differential.evaluate import PREFIX as POSTERIOR
from myoresist.library import Knowledge
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION
from myoresist.resistance.explanations.evaluate import STATUS
from myoresist.resistance.response.improvement import CATEGORY, SCORE, UNDETERMINED
from myoresist.resistance.response.visits import DATE, PATIENT

EVEN = 0.5
"""A subset is taken as likely if it is at least as probable as all others together."""
BINS = 10
EXACT = 10**DIGITS
"""Probabilities are added as whole numbers, so that the order of the parts makes no difference."""
FIGURES = 3
"""Significant figures to which measured values are rounded before they are counted."""
QUARTER = 365.25 / 4
STATE, OPEN = ".state", ".open"
ASKED, ASKED_THERE = ".asked", ".asked_there"
MET, NOT_MET = "met", "not_met"
STATES = (MET, UNDETERMINED, NOT_MET)
JUVENILE_LABEL, JUVENILE = "juvenile_dermatomyositis", "juvenile_onset"
MYOSITIS = ("iim", "ibm")
OTHER_MYOSITIS, OTHER_DISEASE, UNSURE = "other_myositis", "other_disease", "unsure"
NAMES = {
    OTHER_MYOSITIS: "Other inflammatory myopathy",
    OTHER_DISEASE: "Disease other than myositis",
    UNSURE: f"Unsure: none reaches {EVEN:.0%}",
}
EULAR_ACR = "eular_acr_2017"
Frames = dict[str, pl.DataFrame]

KEYS: Mapping[str, tuple[str, ...]] = {
    "subsets": ("subset",),
    "values": ("finding", "subset", "value"),
    "labels": ("label", "subset"),
    "leading": ("leading", "subset"),
    "consult": ("consult_state", "subset"),
    "actions": ("part", "action", "subset"),
    "states": ("set", "state"),
    "calibration": ("bin",),
    "responses": ("months", "category"),
    "scores": ("months", "score"),
    "explanations": ("explanation", "status"),
    "definitions": ("definition", "state"),
    "blocking": ("definition", "item"),
    "whole": ("one",),
}
"""What is counted and by which columns; ``together`` is counted by a column for each criteria set."""


@dataclass(frozen=True)
class Wanted:
    """What of the knowledge the counts need, and which findings are asked for."""

    knowledge: Knowledge
    flags: tuple[str, ...]
    numbers: tuple[str, ...]

    @cached_property
    def composites(self) -> Composites:
        """Return the findings that are made of others."""
        return Composites(self.knowledge.inference)

    @cached_property
    def subsets(self) -> dict[str, tuple[str, ...]]:
        """Return the diseases of each subset; every disease is in one subset.

        A form of myositis belongs to the first label of ``families.yaml`` that stands for it.
        """
        base = self.knowledge.differential.base
        found: dict[str, tuple[str, ...]] = {}
        for disease in base.diseases.values():
            subset = OTHER_DISEASE
            if disease.family in MYOSITIS:
                labels = base.families.labels.items()
                own = (label for label, diseases in labels if disease.id in diseases)
                subset = next(own, OTHER_MYOSITIS)
            found[subset] = (*found.get(subset, ()), disease.id)
        return found

    @cached_property
    def sets(self) -> tuple[str, ...]:
        """Return the criteria sets that are counted by which of them are met together."""
        sets = self.knowledge.criteria.sets.values()
        kinds = ("diagnostic", "classification")
        return tuple(one.id for one in sets if one.status == "implemented" and one.kind in kinds)

    def placed(self, people: pl.DataFrame) -> pl.DataFrame:
        """Add the ``subset`` of each patient; ``UNSURE`` if none is as probable as all others together."""
        chances = people.select(
            pl.sum_horizontal(POSTERIOR + x for x in diseases).alias(name)
            for name, diseases in self.subsets.items()
        )
        best = pl.max_horizontal(chances.columns)
        likeliest = pl.coalesce(pl.when(pl.col(x) == best).then(pl.lit(x)) for x in chances.columns)
        named = chances.select(
            subset=pl.when(best >= EVEN).then(likeliest).otherwise(pl.lit(UNSURE))
        )
        # Both count the same diseases; what tells them apart is the age at onset, where it is known.
        juvenile = (pl.col("subset") == self.skin) & pl.col(JUVENILE)
        return people.hstack(named).with_columns(
            subset=pl.when(juvenile).then(pl.lit(JUVENILE_LABEL)).otherwise("subset")
        )

    @property
    def skin(self) -> str:
        """Return the subset that is called juvenile when the onset was before adulthood."""
        labels = self.knowledge.differential.base.families.labels
        same = (name for name, diseases in labels.items() if diseases == labels[JUVENILE_LABEL])
        return next(same)

    @property
    def order(self) -> tuple[str, ...]:
        """Return the subsets as they are shown, those without a name of their own last."""
        own = [x for x in self.subsets if x not in NAMES]
        own.insert(own.index(self.skin) + 1, JUVENILE_LABEL)
        return (*own, *NAMES)


def tally(out: Path, wanted: Wanted) -> Frames:
    """Count what the page shows.

    Args:
        out: the folder of a finished run.
        wanted: what to count.

    Returns:
        One frame each of ``KEYS``, with counts of ``patients`` by its keys; ``together``, the same by which
        sets are met; and ``unusable``, the ``count`` of cells and rows that were rejected, by ``table``,
        ``column`` and ``reason``. Without visits there are no ``responses`` and ``scores``.
    """
    keys = {**KEYS, "together": wanted.sets}
    sums: Frames = {}
    parts = sorted(one.name for one in (out / FINDINGS).glob("part-*.parquet"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for counted in pool.map(lambda part: list(_counted(out, part, wanted)), parts):
            for name, frame in counted:
                before = [sums[name]] if name in sums else []
                # A part may lack a column that another one has, such as scores without any visit.
                both = pl.concat([*before, frame], how="diagonal_relaxed")
                sums[name] = both.group_by(keys[name]).sum().sort(keys[name])
    rejected = pl.scan_parquet([out / REJECTED / one for one in parts], glob=False)
    sums["unusable"] = (
        rejected.group_by("table", "column", "reason").len("count")
        .sort("count", "table", "column", "reason", descending=[True, False, False, False])
        .collect(engine="streaming")
    )  # fmt: skip
    return sums


def quantile(values: Sequence[tuple[float, int]], at: float) -> float:
    """Return a quantile of counted values, between two neighbours if it falls there.

    Args:
        values: ascending values, each with how often it occurs; at least one.
        at: from 0 to 1.
    """
    place = at * (sum(count for _, count in values) - 1)
    low, high = (_value_at(values, x) for x in (floor(place), ceil(place)))
    return low + (high - low) * (place - floor(place))


def _value_at(values: Sequence[tuple[float, int]], place: int) -> float:
    seen = 0
    for value, count in values:
        seen += count
        if place < seen:
            return value
    return values[-1][0]


def _counted(out: Path, part: str, wanted: Wanted) -> Iterator[tuple[str, pl.DataFrame]]:
    """Count the patients of one part."""
    people = _people(out, part, wanted)
    yield "subsets", _subsets(people, wanted)
    yield "values", _values(people, wanted)
    yield "labels", people.group_by("label", "subset").agg(_count())
    leading = people.rename({POSTERIOR + "leading": "leading"})
    yield "leading", leading.group_by("leading", "subset").agg(_count())
    yield from _pages(out, part, people)
    criteria = _read(out, CRITERIA, part, lambda x: x.endswith(STATE))
    yield "states", _by_state(criteria, "set", "state", STATE)
    yield "together", _together(criteria, wanted.sets)
    yield "calibration", _calibration(people, wanted)
    yield from _responses(out, part)
    explained = (EXPLANATION, STATUS)
    statuses = _read(
        out, RESISTANCE, part, lambda x: x.startswith(explained[0]) and x.endswith(explained[1])
    )
    yield "explanations", _by_state(statuses, "explanation", "status", STATUS)
    yield from _definitions(out, part)
    given = people["final_diagnosis"].is_in(wanted.knowledge.differential.diseases)
    yield (
        "whole",
        pl.DataFrame(
            {
                "one": [1],
                "patients": [people.height],
                "labelled": [people["label_outranked"].count()],
                "outranked": [people["label_outranked"].sum()],
                "final": [people["final_diagnosis"].count()],
                "final_known": [given.sum()],
            }
        ),
    )


def _people(out: Path, part: str, wanted: Wanted) -> pl.DataFrame:
    """Return one row a patient: what is asked for, the likeliest subset and the differential."""
    asked = {PATIENT, JUVENILE, *wanted.flags, *wanted.numbers}
    asked |= wanted.composites.reads(wanted.flags)
    findings = _read(out, FINDINGS, part, asked.__contains__)
    differential = _read(out, DIFFERENTIAL, part, lambda _: True)
    criteria = _read(out, CRITERIA, part, {PATIENT, EULAR_ACR + STATE}.__contains__)
    state = pl.col(EULAR_ACR + STATE).cast(pl.String)
    met = pl.when(state != UNDETERMINED).then(state == MET)
    people = findings.join(differential, on=PATIENT, how="left")
    people = people.join(criteria.select(PATIENT, met.alias(EULAR_ACR)), on=PATIENT, how="left")
    return wanted.placed(people)


def _read(out: Path, table: str, part: str, wanted: Callable[[str], bool]) -> pl.DataFrame:
    """Return the columns that are wanted of one part of a table."""
    frame = pl.scan_parquet(out / table / part, glob=False)
    return frame.select(x for x in frame.collect_schema().names() if wanted(x)).collect()


def _subsets(people: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Count by subset the patients, and of each flag in whom it is there and in whom it is known.

    Of one that is made of others also in whom all of them were asked, and in whom of these it is there.
    """
    flags = (*wanted.flags, EULAR_ACR)
    asked = wanted.composites.asked(people, wanted.flags)
    made = asked.columns
    people = people.hstack(asked.rename({x: x + ASKED for x in made}))
    return people.group_by("subset").agg(
        _count(),
        *(pl.col(x + ASKED).sum().cast(pl.Int64) for x in made),
        *(
            (pl.col(x) & pl.col(x + ASKED)).sum().cast(pl.Int64).alias(x + ASKED_THERE)
            for x in made
        ),
        *(pl.col(x).sum().cast(pl.Int64).alias(f"{x}.there") for x in flags),
        *(pl.col(x).count().cast(pl.Int64).alias(f"{x}.known") for x in flags),
    )


def _values(people: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Count the rounded values of each measured finding, by subset."""
    long = people.select("subset", *wanted.numbers).unpivot(
        wanted.numbers, index="subset", variable_name="finding", value_name="value"
    )
    rounded = long.drop_nulls("value").with_columns(pl.col("value").round_sig_figs(FIGURES))
    return rounded.group_by(KEYS["values"]).agg(_count())


def _pages(out: Path, part: str, people: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Count by subset the states of page one, and in how many an action stands on it."""
    read = _read(out, CONSULT, part, {PATIENT, "state", *ACTIONS}.__contains__)
    pages = people.select(PATIENT, "subset").join(read, on=PATIENT, how="left")
    state = pl.col("state").cast(pl.String).alias("consult_state")
    yield "consult", pages.group_by(state, "subset").agg(_count())
    long = pages.unpivot(
        ACTIONS, index=[PATIENT, "subset"], variable_name="part", value_name="action"
    )
    each = long.with_columns(pl.col("action").cast(pl.String).str.split(PARTED)).explode("action")
    told = each.filter(pl.col("action") != "").with_columns(action=action_of(pl.col("action")))
    once = told.unique([PATIENT, "part", "action"])
    yield "actions", once.group_by("part", "action", "subset").agg(_count())


def _by_state(table: pl.DataFrame, name: str, state: str, suffix: str) -> pl.DataFrame:
    """Count the states of every column that ends in the suffix; what is empty is undetermined."""
    found = [
        (column.removesuffix(suffix), value, count)
        for column in table.columns
        if column.endswith(suffix)
        for value, count in table[column].cast(pl.String).value_counts().iter_rows()
    ]
    schema = {name: pl.String, state: pl.String, "patients": pl.Int64}
    counts = pl.DataFrame(found, schema, orient="row")
    return counts.with_columns(pl.col(state).fill_null(UNDETERMINED))


def _definitions(out: Path, part: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Count the states of every definition of refractory disease, and what leaves it open."""
    rows = _read(out, REFRACTORY, part, lambda x: x != PATIENT).with_columns(
        pl.col("definition", "state").cast(pl.String)
    )
    yield "definitions", rows.group_by("definition", "state").agg(_count())
    items = rows.select("definition", item=pl.col("blocking").str.split(ITEMS_PARTED))
    each = items.explode("item").drop_nulls("item")
    yield "blocking", each.group_by("definition", "item").agg(_count())


def _together(criteria: pl.DataFrame, sets: tuple[str, ...]) -> pl.DataFrame:
    """Count the combinations of sets that are met, and within each in how many a set is undetermined."""
    states = criteria.select(
        pl.col(x + STATE).cast(pl.String).fill_null(UNDETERMINED).alias(x) for x in sets
    )
    marked = states.select(
        *((pl.col(x) == MET).alias(x) for x in sets),
        *((pl.col(x) == UNDETERMINED).alias(x + OPEN) for x in sets),
        any_open=pl.any_horizontal(pl.col(x) == UNDETERMINED for x in sets),
    )
    opened = (*(x + OPEN for x in sets), "any_open")
    return marked.group_by(sets).agg(_count(), *(pl.col(x).sum().cast(pl.Int64) for x in opened))


def _calibration(people: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Count by the probability of the leading disease how often it was the final diagnosis."""
    diseases = wanted.knowledge.differential.diseases
    known = people.filter(pl.col("final_diagnosis").is_in(diseases)).select(
        chance=pl.max_horizontal(POSTERIOR + x for x in diseases),
        right=pl.col(POSTERIOR + "leading") == pl.col("final_diagnosis"),
    )
    place = (pl.col("chance") * BINS).floor().clip(0, BINS - 1).cast(pl.Int64)
    return known.group_by(place.alias("bin")).agg(
        _count(),
        (pl.col("chance") * EXACT).round().cast(pl.Int64).sum(),
        pl.col("right").sum().cast(pl.Int64),
    )


def _responses(out: Path, part: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Count the categories and complete scores of the last visit of each patient in each quarter."""
    asked = {PATIENT, DATE, "days", CATEGORY, SCORE}
    visits = _read(out, RESPONSES, part, asked.__contains__)
    if not asked <= set(visits.columns):
        return
    months = ((pl.col("days") / QUARTER).round() * 3).cast(pl.Int64)
    last = (
        visits.with_columns(pl.col(CATEGORY).cast(pl.String).fill_null(UNDETERMINED), months=months)
        .sort(PATIENT, DATE)
        .unique([PATIENT, "months"], keep="last")
    )
    yield "responses", last.group_by("months", CATEGORY).agg(_count())
    yield "scores", last.drop_nulls(SCORE).group_by("months", SCORE).agg(_count())


def _count() -> pl.Expr:
    return pl.len().cast(pl.Int64).alias("patients")
