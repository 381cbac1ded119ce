"""The course: response over time, what else explains non-response, refractory disease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from myoresist.cohort.charts import HATCH, Column, columns
from myoresist.cohort.layout import (
    Bar,
    Cell,
    Row,
    Section,
    Table,
    bar,
    bounds,
    cells,
    number,
    numbers,
    part_cell,
    words,
)
from myoresist.cohort.refractory import said_of
from myoresist.cohort.summary.counts import Summary, by_two, median_cell, total
from myoresist.cohort.tally import STATES
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION
from myoresist.resistance.response.improvement import NONE, UNDETERMINED

MOST_QUARTERS = 9
BETTER = ("moderate", "major")
CATEGORIES = (
    ("major", "deep"), ("moderate", "mid"), ("minimal", "soft"), (NONE, "track"), (UNDETERMINED, HATCH),
)  # fmt: skip
STATUSES = (
    ("supported", "deep"), ("possible", "mid"), ("not_assessable", HATCH), ("argued_against", "track"),
)  # fmt: skip
STATE_ROLES = dict(zip(STATES, ("deep", HATCH, "track"), strict=True))
KINDS = {
    "finding": "What the history says",
    "published": "Published definitions",
    "working": "Working definitions of this catalogue",
    "refractory-definition": "Entry criteria of trials",
}


def course(summary: Summary) -> Section:
    """Return the improvement criteria by time since the baseline."""
    title = "Response over time"
    if not summary.counts.get("responses", pl.DataFrame()).height:
        return Section(
            "course",
            title,
            ("No patient has a visit after the baseline that could be judged.",),
        )
    by = by_two(summary.counts["responses"], "months", "category")
    shown = list(by)[:MOST_QUARTERS]
    found = [Column(str(x), tuple(by[x].get(c, 0) for c, _ in CATEGORIES)) for x in shown]
    drawn = [x for x in found if not any(map(summary.disclosure.small, x.parts))]
    lead = [
        "Improvement against the baseline by the ACR/EULAR response criteria. Each patient counts once "
        "in every quarter, with its last visit; a visit belongs to the nearest quarter. Patients still "
        "seen later may differ from the others.",
    ]
    if len(drawn) < len(found):
        lead.append(
            f"Quarters in which a category has fewer than {summary.disclosure.least} patients are not drawn."
        )
    if len(by) > len(shown):
        lead.append(f"Later than month {shown[-1]} there are visits too, which are not shown.")
    return Section(
        "course",
        title,
        tuple(lead),
        columns(
            "responses",
            "Response by months since the baseline",
            "Months since the baseline; n patients",
            drawn,
            CATEGORIES,
        ),
        "Share of patients in each category, in percent",
        tuple((role, words(name)) for name, role in reversed(CATEGORIES)),
        tables=_course_tables(summary, by, shown, found),
    )


def _course_tables(
    summary: Summary,
    by: Mapping[Any, Mapping[str, int]],
    shown: Sequence[Any],
    found: Sequence[Column],
) -> tuple[Table, Table]:
    """Return what the picture of the course shows, in numbers."""
    rows, counts = [], []
    for month, column in zip(shown, found, strict=True):
        open_ = by[month].get(UNDETERMINED, 0)
        better = sum(by[month].get(x, 0) for x in BETTER)
        scores = summary.counts["scores"].filter(months=month).rename({"score": "value"})
        median = median_cell(scores, column.patients)
        rows.append(
            Row(
                str(month),
                (
                    *numbers(column.patients),
                    part_cell(open_, column.patients),
                    Cell(
                        f"{number(better)} ({bounds(better, open_, column.patients)})",
                        counts=(better, column.patients - open_ - better),
                    ),
                    Cell(
                        f"{median.text}, n = {number(total(scores))}",
                        counts=(total(scores),),
                    ),
                ),
            )
        )
        counts.append(Row(str(month), numbers(*column.parts)))
    heads = cells(
        "Months", "Patients", "Undetermined", "Moderate or major, of all",
        "Complete score, median (quartiles)",
    )  # fmt: skip
    note = (
        "A score is complete if no measure is missing; patients without such a score may differ. Moderate or "
        "major: at least those who are, at most all the undetermined too."
    )
    return (
        Table(
            "course-table",
            "Response by months since the baseline",
            heads,
            tuple(rows),
            note,
            folded=False,
        ),
        Table(
            "categories",
            "Patients in each category",
            cells("Months", *(words(c) for c, _ in CATEGORIES)),
            tuple(counts),
        ),
    )


def explanations(summary: Summary) -> Section:
    """Return what else explains non-response; what can harm comes first."""
    found = by_two(summary.counts["explanations"], "explanation", "status")
    entries = summary.knowledge.resistance.explanations.entries
    labels = summary.knowledge.resistance.labels

    def order(name: str) -> tuple[int, ...]:
        return tuple(-found[name].get(x, 0) for x, _ in STATUSES)

    names = sorted(found, key=lambda x: (order(x), x))
    harm = [x for x in names if entries[x.removeprefix(EXPLANATION)].harm]
    groups = {
        "Can harm the patient": harm,
        "Other explanations": [x for x in names if x not in harm],
    }
    bars = {
        heading: tuple(bar(labels[x], found[x], STATUSES[:3], STATUSES) for x in some)
        for heading, some in groups.items()
        if some
    }
    heads = cells("Explanation", *(words(x) for x, _ in STATUSES))
    rows = []
    for heading, some in groups.items():
        rows.append(Row(heading))
        rows += [Row(labels[x], numbers(*(found[x].get(s, 0) for s, _ in STATUSES))) for x in some]
    lead = (
        "Shares of all patients; several explanations may hold in one. Possible: something that the "
        "explanation asks for is there, and something is not known. Not assessable: too little is known; "
        "it is not ruled out.",
    )
    return Section(
        "explanations",
        "What else explains non-response",
        lead,
        legend=tuple((role, words(name)) for name, role in STATUSES),
        bars=bars,
        tables=(Table("explanations-table", "Explanations", heads, tuple(rows)),),
    )


def most_open(summary: Summary, definition: str) -> str:
    """Return what leaves a definition open in most patients, and in how many."""
    items = summary.blocking.get(definition)
    if not items:
        return "–"
    item = min(items, key=lambda x: (-items[x], x))
    return f"{said_of(item, summary.knowledge)}: {summary.disclosure.number(items[item])}"


def refractory(summary: Summary) -> Section:
    """Return in how many each definition of refractory disease is met."""
    groups: dict[str, list[tuple[str, str]]] = {heading: [] for heading in KINDS.values()}
    for one in summary.knowledge.resistance.treatments.refractory.definitions:
        groups[KINDS[one.kind]].append((one.id, one.title))
    for name, criteria in summary.knowledge.criteria.sets.items():
        if criteria.kind in KINDS:
            groups[KINDS[criteria.kind]].append((name, criteria.short))
    parts = tuple(STATE_ROLES.items())
    bars: dict[str, tuple[Bar, ...]] = {}
    rows = []
    for heading, some in groups.items():
        known = [(x, title) for x, title in some if x in summary.states]
        if not known:
            continue
        bars[heading] = tuple(bar(title, summary.states[x], parts[:2], parts) for x, title in known)
        rows.append(Row(heading))
        for x, title in known:
            met, open_, no = (summary.states[x].get(s, 0) for s in STATES)
            rows.append(
                Row(
                    title,
                    (
                        *numbers(met, no, open_),
                        Cell(bounds(met, open_, met + no + open_), counts=(met, no)),
                        Cell(most_open(summary, x)),
                    ),
                )
            )
    heads = cells(
        "Definition", "Met", "Not met", "Undetermined", "Met, of all", "Most often not known",
    )  # fmt: skip
    lead = (
        "There is no agreed definition of refractory myositis; published ones differ on purpose. Shares "
        "are of all patients. Undetermined: something that the definition asks for is not known.",
    )
    return Section(
        "refractory",
        "Definitions of refractory disease",
        lead,
        legend=tuple((role, words(name)) for name, role in parts),
        bars=bars,
        tables=(
            Table(
                "refractory-table",
                "Every definition of refractory disease",
                heads,
                tuple(rows),
                "Met, of all: at least those who meet it, at most all the undetermined too. Of one "
                "patient several things may not be known.",
                wordy=True,
            ),
        ),
    )
