"""A disease of the differential in plain words: what it is judged by, with every figure and its source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from myoresist.diagnosis.differential.schema import BACKGROUND, Disease
from myoresist.library import Knowledge
from myoresist.report.wording import percent
from myoresist.rules.phrases import in_words


def entry(knowledge: Knowledge, one: Disease) -> dict[str, Any]:
    """Return a disease as data: its entry, the rule that confirms it in words, and its figures."""
    return {
        "entry": "disease",
        **one.model_dump(mode="json"),
        "rule_in_words": _rule(knowledge, one),
        "frequencies": _figures(knowledge.differential.base.frequencies, one).to_dicts(),
        "numbers": _figures(knowledge.differential.base.numbers, one).to_dicts(),
    }


def describe(knowledge: Knowledge, one: Disease) -> Iterator[str]:
    """Yield the lines that describe a disease; the findings that tell most come first."""
    base = knowledge.differential.base
    yield one.name
    yield f"{one.id}: {base.families.families[one.family]}"
    yield f"Prior: {percent(one.prior)} ({one.prior_confidence} confidence). {one.prior_rationale}"
    yield f"Points to it: {one.points_to_it}"
    yield f"Argues against it: {one.argues_against_it}"
    yield f"Why it does not respond: {one.why_it_resists}"
    yield f"If it is this: {one.implication}"
    yield f"Confirmed by: {one.confirmed_by}"
    rule = _rule(knowledge, one)
    yield f"    rule: {rule}" if rule else "    no rule: the report never calls it confirmed"
    if one.beside_myositis:
        yield "May stand beside another disease."
    yield f"Sources: {', '.join(one.cites)} ({one.check})"
    yield "Findings: share here against the background, patients, source"
    for row in _figures(base.frequencies, one).iter_rows(named=True):
        label = knowledge.catalogue[row["finding"]].label
        counts = f", {row['n']:g} of {row['total']:g}" if row["n"] is not None else ""
        source = row["source"] or row["check"]
        yield f"    {label}: {row['percent']:g}% against {row['background']:g}%{counts} [{source}]"
    for row in _figures(base.numbers, one).iter_rows(named=True):
        label = knowledge.catalogue[row["finding"]].label
        source = row["source"] or row["check"]
        yield (
            f"    {label}: median {row['p50']:g}, half from {row['p25']:g} to {row['p75']:g}, "
            f"nine in ten from {row['p05']:g} to {row['p95']:g} [{source}]"
        )


def _rule(knowledge: Knowledge, one: Disease) -> str | None:
    rule = knowledge.differential.base.confirmed.rules.get(f"confirmed.{one.id}")
    return in_words(rule.node, lambda name: knowledge.catalogue[name].label) if rule else None


def _figures(table: pl.DataFrame, one: Disease) -> pl.DataFrame:
    """Return the figures of a disease, shares with that of the background, the most telling first."""
    own = table.filter(disease=one.id).drop("disease")
    if "percent" not in table.columns:
        return own
    usual = table.filter(disease=BACKGROUND).select("finding", background="percent")
    telling = (pl.col("percent") + 1).log() - (pl.col("background") + 1).log()
    return own.join(usual, on="finding").sort(telling.abs(), descending=True, maintain_order=True)
