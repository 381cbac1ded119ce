"""Who the patients of a registry are: by subset, label and leading disease."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from myoresist.cohort.charts import HATCH
from myoresist.cohort.layout import (
    Bar,
    Cell,
    Row,
    Section,
    Table,
    bounds,
    cells,
    counted,
    number,
    numbers,
    part_cell,
    words,
)
from myoresist.cohort.summary.counts import (
    CHARACTERISTICS,
    Summary,
    asked_cell,
    by_two,
    known_cell,
    median_cell,
    total,
)
from myoresist.cohort.tally import (
    ASKED,
    ASKED_THERE,
    EULAR_ACR,
    EVEN,
    JUVENILE_LABEL,
    OTHER_DISEASE,
    UNSURE,
)

MOST_DISEASES = 25


def who(summary: Summary) -> Section:
    """Table 1, by the likeliest subset."""
    roles = {UNSURE: HATCH, OTHER_DISEASE: "soft"}
    bars = tuple(
        Bar(
            summary.name(x),
            counted(n, summary.patients),
            ((roles.get(x, "deep"), n / summary.patients),),
            (n,),
        )
        for x, n in summary.subsets.items()
    )
    lead = (
        "Each patient is counted once, in the subset to which the differential gives the highest "
        f"probability; where none reaches {EVEN:.0%}, as unsure. The subset need not be the right one.",
    )
    return Section(
        "who",
        "Who they are",
        lead,
        bars={"Patients by likeliest subset": bars},
        tables=(_characteristics(summary), _leading(summary)),
    )


def _characteristics(summary: Summary) -> Table:
    """Table 1: shares and medians of those in whom it is known, by subset."""
    rows = []
    for heading, names in CHARACTERISTICS.items():
        rows.append(Row(heading))
        rows += [_characteristic(summary, x) for x in names if x in summary.knowledge.catalogue]
    rows.append(Row("Criteria"))
    rows.append(Row(summary.short(EULAR_ACR) + " met", _decided(summary, EULAR_ACR)))
    rows += _labels(summary)
    heads = [Cell("All", f"n = {number(summary.patients)}", (summary.patients,))]
    heads += [Cell(summary.name(x), f"n = {number(n)}", (n,)) for x, n in summary.subsets.items()]
    note = (
        "Number and share of the patients in whom it is known, or median with quartiles; in small type, "
        "in how many it is unknown. Values are rounded to three figures. A finding that is made of several "
        "is counted among those in whom every part was asked, since any one that is there makes it known; "
        "beside it, and for criteria, stands between what shares of all patients it lies."
    )
    if JUVENILE_LABEL in summary.subsets:
        note += " Dermatomyositis is juvenile where an onset before adulthood is known."
    return Table(
        "characteristics", "Table 1. Patients by likeliest subset", (Cell(""), *heads), tuple(rows), note,
        folded=False, summed=True,
    )  # fmt: skip


def _characteristic(summary: Summary, name: str) -> Row:
    found = summary.knowledge.catalogue[name]
    if name in summary.wanted.flags:
        return Row(found.label, _flags(summary, name))
    unit = "" if found.unit in (None, "xULN") else f", {found.unit}"
    return Row(f"{found.label}{unit}, median (quartiles)", _medians(summary, name))


def _flags(summary: Summary, name: str) -> tuple[Cell, ...]:
    by = {one["subset"]: one for one in summary.counts["subsets"].to_dicts()}
    if name + ASKED in summary.counts["subsets"].columns:
        return _asked(summary, name, by)
    own = [(by[x][f"{name}.there"], by[x][f"{name}.known"], n) for x, n in summary.subsets.items()]
    whole = tuple(sum(one) for one in zip(*own, strict=True))
    return tuple(known_cell(*one) for one in [whole, *own])


def _decided(summary: Summary, name: str) -> tuple[Cell, ...]:
    """Return criteria that are met: at least and at most of all, as met is easier to know than not met."""
    by = {one["subset"]: one for one in summary.counts["subsets"].to_dicts()}
    own = [
        (by[x][f"{name}.there"], n - by[x][f"{name}.known"], n) for x, n in summary.subsets.items()
    ]
    whole = tuple(sum(one) for one in zip(*own, strict=True))
    return tuple(
        Cell(
            f"{number(met)} ({bounds(met, open_, n)})",
            f"unknown {number(open_)}" if open_ else "",
            (met, open_, n - met - open_),
        )
        for met, open_, n in [whole, *own]
    )


def _asked(summary: Summary, name: str, by: dict[str, dict[str, int]]) -> tuple[Cell, ...]:
    """Return a finding that is made of others: a share of those in whom all were asked."""
    ends = (ASKED_THERE, ASKED, ".there", ".known")
    own = [(*(by[x][name + end] for end in ends), n) for x, n in summary.subsets.items()]
    whole = tuple(sum(one) for one in zip(*own, strict=True))
    return tuple(
        asked_cell(asked_there, asked, n, there, known)
        for asked_there, asked, there, known, n in [whole, *own]
    )


def _medians(summary: Summary, name: str) -> tuple[Cell, ...]:
    values = summary.counts["values"].filter(finding=name)
    parts = [values, *(values.filter(subset=x) for x in summary.subsets)]
    return tuple(map(median_cell, parts, [summary.patients, *summary.subsets.values()]))


def _labels(summary: Summary) -> Iterator[Row]:
    """Return how many of each subset carry which diagnosis."""
    found = by_two(summary.counts["labels"].drop_nulls("label"), "label", "subset")
    if not found:
        return
    yield Row("Diagnosis carried")
    known = {x: sum(one.get(x, 0) for one in found.values()) for x in summary.subsets}
    for label, by in sorted(found.items(), key=lambda one: -sum(one[1].values())):
        own = [(by.get(x, 0), known[x], n) for x, n in summary.subsets.items()]
        whole = tuple(sum(one) for one in zip(*own, strict=True))
        yield Row(words(label), tuple(known_cell(*one) for one in [whole, *own]))


def _leading(summary: Summary) -> Table:
    """Return the single diseases that lead the differential, the most frequent first."""
    found = summary.counts["leading"].group_by("leading").agg(
        pl.col("patients").sum(),
        unsure=pl.col("patients").filter(pl.col("subset") == UNSURE).sum(),
    ).sort("patients", "leading", descending=[True, False])  # fmt: skip
    names = summary.knowledge.differential.base.diseases
    rows = [
        Row(
            names[one["leading"]].name,
            (part_cell(one["patients"], summary.patients), *numbers(one["unsure"])),
        )
        for one in found.head(MOST_DISEASES).iter_rows(named=True)
    ]
    rest = found[MOST_DISEASES:]
    if rest.height:
        rows.append(
            Row(
                f"{rest.height} other diseases",
                (part_cell(total(rest), summary.patients), *numbers(total(rest, "unsure"))),
            )
        )
    heads = cells("Leading disease", "Patients", f"Of these, no subset reaches {EVEN:.0%}")
    return Table("leading", "Patients by leading disease", heads, tuple(rows), parts=True)
