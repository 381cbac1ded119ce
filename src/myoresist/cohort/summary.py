"""The page about a whole registry: who they are, which criteria agree, the course, why it resisted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from myoresist.assessment import NOTICE, Knowledge
from myoresist.cohort.answers import (
    CRITERIA,
    DIFFERENTIAL,
    FINDINGS,
    RESISTANCE,
    RESPONSES,
)
from myoresist.cohort.run import MANIFEST, scan, write_text
from myoresist.diagnosis.differential import PREFIX as POSTERIOR
from myoresist.resistance.explanations import PREFIX as EXPLANATION
from myoresist.resistance.explanations import STATUS
from myoresist.resistance.improvement import UNDETERMINED

MOST_DISEASES, MOST_PATTERNS, BINS = 8, 15, 10
EVEN = 0.5
"""Below this the leading disease is less probable than all others together."""
CHARACTERISTICS = (
    "sex_female", "dm_rash", "proximal_weakness", "dysphagia", "ild", "arthritis", "cancer_active",
    "any_antisynthetase", "anti_mda5", "anti_srp", "anti_hmgcr",
)  # fmt: skip
BETTER = ("moderate", "major")
STATUSES = ("supported", "possible", "argued_against", "not_assessable")
MEASURED = ("age", "age_at_onset", "ck_x_uln", "mmt8_150")


@dataclass(frozen=True)
class Table:
    """A table of the page: its caption, what heads its columns, and its rows as text."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def write_summary(out: Path) -> Path:
    """Write ``summary.html`` beside the answers of a finished run, and return where it is."""
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    environment = Environment(
        loader=PackageLoader("myoresist.cohort"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    knowledge = Knowledge.load()
    sizes = _sizes(out)
    tables = tuple(one for one in _tables(out, knowledge, sizes) if one.rows)
    page = environment.get_template("summary.html.j2").render(
        manifest=manifest, tables=tables, notice=NOTICE, bars=_bars(sizes, knowledge)
    )
    write_text(out / "summary.html", page)
    return out / "summary.html"


def _tables(out: Path, knowledge: Knowledge, sizes: Mapping[str, int]) -> tuple[Table, ...]:
    return (
        _characteristics(out, knowledge, sizes),
        _agreement(out, knowledge),
        _calibration(out, knowledge),
        _course(out),
        _reasons(out, knowledge),
        _refractory(out, knowledge),
    )


def _leading(out: Path) -> pl.LazyFrame:
    return scan(out, DIFFERENTIAL).select("patient_id", leading=POSTERIOR + "leading")


def _sizes(out: Path) -> dict[str, int]:
    """Return the number of patients by leading disease, the most frequent first."""
    counts = _leading(out).group_by("leading").len()
    ordered = counts.sort("len", "leading", descending=[True, False])
    return dict(ordered.collect(engine="streaming").iter_rows())


def _characteristics(out: Path, knowledge: Knowledge, size: Mapping[str, int]) -> Table:
    """Table 1: who they are, by the leading disease."""
    diseases = list(size)[:MOST_DISEASES]
    names = {x: knowledge.differential.base.diseases[x].name for x in diseases}
    label = knowledge.catalogue
    known = [x for x in CHARACTERISTICS if x in label]
    wanted = [
        *(pl.col(x).sum().alias(f"{x}.n") for x in known),
        *(pl.col(x).is_not_null().sum().alias(f"{x}.known") for x in known),
        *(pl.col(x).median().alias(f"{x}.median") for x in MEASURED),
        *(pl.col(x).is_not_null().sum().alias(f"{x}.known") for x in MEASURED),
    ]
    joined = scan(out, FINDINGS).join(_leading(out), on="patient_id")
    grouped = joined.group_by("leading").agg(wanted).collect(engine="streaming")
    every = joined.select(wanted).collect(engine="streaming").row(0, named=True)
    by = {row["leading"]: row for row in grouped.to_dicts()}
    columns = [every, *(by[x] for x in diseases)]
    rows = []
    for name in known:
        cells = (_share(one[f"{name}.n"], one[f"{name}.known"]) for one in columns)
        rows.append((label[name].label, *cells))
    for name in MEASURED:
        cells = (_median(one[f"{name}.median"], one[f"{name}.known"]) for one in columns)
        unit = f" ({label[name].unit})" if label[name].unit else ""
        rows.append((f"{label[name].label}{unit}, median", *cells))
    heads = (f"All (n={sum(size.values())})", *(f"{names[x]} (n={size[x]})" for x in diseases))
    chance = pl.max_horizontal(POSTERIOR + x for x in knowledge.differential.diseases)
    unsure = scan(out, DIFFERENTIAL).filter(chance < EVEN).select(pl.len())
    note = (
        "Shares are of those in whom it is known; the leading disease need not be the right one. "
        f"It has a probability below {EVEN:.0%} in {unsure.collect(engine='streaming').item()} patients."
    )
    return Table("Table 1. Patients by the leading disease", ("", *heads), tuple(rows), note)


def _agreement(out: Path, knowledge: Knowledge) -> Table:
    """Return which combinations of criteria sets are met together, the most frequent first."""
    frame = scan(out, CRITERIA)
    states = [x for x in frame.collect_schema().names() if x.endswith(".state")]
    short = {f"{one.id}.state": one.short for one in knowledge.criteria.sets.values()}
    met = frame.select((pl.col(x).cast(pl.String) == "met").fill_null(False) for x in states)
    found = (
        met.group_by(states).len().sort("len", *states, descending=True)
        .head(MOST_PATTERNS).collect(engine="streaming")
    )  # fmt: skip
    shown = [x for x in states if found[x].any()]
    rows = tuple(
        (f"{one['len']}", *("●" if one[x] else "·" for x in shown))
        for one in found.iter_rows(named=True)
    )
    note = "● met, · not met or undetermined. The most frequent combinations only."
    heads = ("Patients", *(short[x] for x in shown))
    return Table("Criteria sets that are met together", heads, rows, note)


def _calibration(out: Path, knowledge: Knowledge) -> Table:
    """Compare probabilities with final diagnoses, where these are given."""
    diseases = [POSTERIOR + x for x in knowledge.differential.diseases]
    final = scan(out, DIFFERENTIAL).filter(
        pl.col("final_diagnosis").is_in(list(knowledge.differential.diseases))
    )
    top = final.select(
        chance=pl.max_horizontal(diseases),
        right=pl.col(POSTERIOR + "leading") == pl.col("final_diagnosis"),
    )
    found = (
        top.with_columns(bin=(pl.col("chance") * BINS).floor().clip(0, BINS - 1))
        .group_by("bin").agg(pl.len(), pl.col("chance").mean(), pl.col("right").mean())
        .sort("bin").collect(engine="streaming")
    )  # fmt: skip
    rows = tuple(
        (
            f"{one['bin'] * 10:.0f} to {one['bin'] * 10 + 10:.0f}%",
            str(one["len"]),
            f"{one['chance'] * 100:.0f}%",
            f"{one['right'] * 100:.0f}%",
        )
        for one in found.iter_rows(named=True)
    )  # fmt: skip
    heads = ("Probability of the leading disease", "Patients", "Mean", "It was the final diagnosis")
    return Table("The differential against the final diagnosis", heads, rows)


def _course(out: Path) -> Table:
    """Return the total improvement score by the time since the baseline."""
    frame = scan(out, RESPONSES)
    if "score" not in frame.collect_schema().names():
        return Table("Response over time", (), ())
    months = ((pl.col("days") / 91.3).round() * 3).cast(pl.Int64)
    category = pl.col("category").cast(pl.String)
    # With a measure missing the score is only a lower bound, and the category may be open.
    whole = pl.col("score").filter(pl.col("score") == pl.col("score_max"))
    found = (
        frame.with_columns(months=months).group_by("months")
        .agg(pl.len(), known=whole.len(), median=whole.median(),
             moderate=category.is_in(BETTER).sum(), decided=(category != UNDETERMINED).sum())
        .sort("months").filter(pl.col("decided") > 0).head(12).collect(engine="streaming")
    )  # fmt: skip
    rows = tuple(
        (str(one["months"]), str(one["len"]), _median(one["median"], one["known"]),
         _share(one["moderate"], one["decided"]), str(one["len"] - one["decided"]))
        for one in found.iter_rows(named=True)
    )  # fmt: skip
    heads = (
        "Months since the baseline",
        "Visits",
        "Median of complete scores",
        "Moderate or major, of decided ones",
        "Undetermined",
    )
    note = "A score is complete if no measure is missing; patients without such a score may differ."
    return Table("Total improvement score over time", heads, rows, note)


def _reasons(out: Path, knowledge: Knowledge) -> Table:
    """Return how often each explanation of non-response is supported, possible or argued against."""
    frame = scan(out, RESISTANCE)
    columns = [
        x
        for x in frame.collect_schema().names()
        if x.startswith(EXPLANATION) and x.endswith(STATUS)
    ]
    found = frame.select(
        (pl.col(x) == status).sum().alias(f"{x}|{status}")
        for x in columns
        for status in STATUSES
    ).collect(engine="streaming").row(0, named=True)  # fmt: skip
    names = knowledge.resistance.labels
    rows = [
        (names[x.removesuffix(STATUS)], *(found[f"{x}|{s}"] for s in STATUSES))
        for x in columns
    ]  # fmt: skip
    rows.sort(key=lambda one: -one[1])
    heads = ("Explanation", "Supported", "Possible", "Argued against", "Not assessable")
    return Table(
        "What else explains non-response", heads, tuple(tuple(map(str, one)) for one in rows)
    )


def _refractory(out: Path, knowledge: Knowledge) -> Table:
    frame = scan(out, RESISTANCE)
    columns = [x for x in frame.collect_schema().names() if x.startswith("refractory.")]
    found = frame.select(
        *(pl.col(x).sum().alias(x) for x in columns),
        *((~pl.col(x)).sum().alias(f"{x}|no") for x in columns),
        *(pl.col(x).is_null().sum().alias(f"{x}|open") for x in columns),
    ).collect(engine="streaming").row(0, named=True)  # fmt: skip
    titles = {one.id: one.title for one in knowledge.resistance.treatments.refractory.definitions}
    rows = tuple(
        (titles.get(x.removeprefix("refractory."), x), *(str(found[x + y]) for y in ("", "|no", "|open")))
        for x in columns
    )  # fmt: skip
    heads = ("Definition", "Met", "Not met", "Undetermined")
    return Table("Definitions of refractory disease", heads, rows)


def _bars(sizes: Mapping[str, int], knowledge: Knowledge) -> tuple[tuple[str, float, str], ...]:
    """Return the share of patients by leading disease, as bars."""
    whole = sum(sizes.values()) or 1
    names = knowledge.differential.base.diseases
    shown = list(sizes.items())[:MOST_DISEASES]
    return tuple((names[one].name, count / whole, f"{count}") for one, count in shown)


def _share(count: Any, known: Any) -> str:
    return f"{count} of {known} ({count / known * 100:.0f}%)" if known else "–"


def _median(value: Any, known: Any) -> str:
    return f"{value:.3g} (n={known})" if known else "–"
