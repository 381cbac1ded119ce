"""Which criteria agree, and how good the differential is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from myoresist.arrays.intervals import wilson
from myoresist.cohort.charts import Combination, Point, SetRow, reliability, upset
from myoresist.cohort.disclosure import SMALL, WITHHELD, Disclosure
from myoresist.cohort.layout import (
    Cell,
    Row,
    Section,
    Table,
    bounds,
    cells,
    counted,
    number,
    numbers,
    row,
)
from myoresist.cohort.summary.counts import Summary, total
from myoresist.cohort.tally import BINS, EXACT, MET, OPEN, STATES

LEVEL = 0.95
"""Of the intervals of the page."""
MOST_COMBINATIONS = 18


def agreement(summary: Summary) -> Section:
    """Return which sets are met together."""
    met = {x: summary.states[x].get(MET, 0) for x in summary.wanted.sets}
    order = sorted(met, key=lambda x: (-met[x], x))
    rows = [_set_row(summary, x) for x in order]
    together = summary.counts["together"].sort(
        "patients", *summary.wanted.sets, descending=[True] + [False] * len(summary.wanted.sets)
    )
    shown = _told(together, summary.disclosure)
    found = [
        Combination(
            one["patients"],
            tuple(one[x] for x in order),
            tuple(_opened(one[x + OPEN], one["patients"], summary.disclosure) for x in order),
        )
        for one in together.head(shown).iter_rows(named=True)
    ]
    few = [
        [_is_few(one[x + OPEN], one["patients"], summary.disclosure) for x in order]
        for one in together.head(shown).iter_rows(named=True)
    ]
    rest = together[shown:]
    lead = [
        f"Every column holds the patients in whom exactly the same of {len(order)} diagnostic and "
        "classification criteria sets are met. The other sets are not met or undetermined in them; the "
        "sign says which, and in how many.",
    ]
    none = together.filter(~pl.any_horizontal(summary.wanted.sets))
    if none.height:
        one = none.row(0, named=True)
        lead.append(
            f"No set is met in {summary.part(one['patients'])}. In "
            f"{summary.disclosure.number(one['any_open'])} of them at least one set is undetermined, so that "
            "they may still meet it."
        )
    if rest.height:
        lead.append(
            f"The {len(found)} most frequent combinations are shown; {rest.height} others hold "
            f"{summary.part(total(rest))}."
        )
    return Section(
        "agreement",
        "Which criteria agree",
        tuple(lead),
        upset(rows, found, summary.patients),
        "Criteria sets that are met together",
        tables=(_combinations(summary, rows, found, few), _sets(summary, order)),
    )


def _set_row(summary: Summary, name: str) -> SetRow:
    """Return a row of the picture; what tells of few patients has no bar."""
    counts = [summary.states[name].get(x, 0) for x in STATES]
    hidden = summary.disclosure.withheld(np.array([counts], float))[0]
    said = ""
    if hidden[0]:
        small = summary.disclosure.small(counts[0])
        said = SMALL.format(summary.disclosure.least) if small else WITHHELD
    met, open_, no = (0 if gone else x for x, gone in zip(counts, hidden, strict=True))
    return SetRow(summary.short(name), met, open_, no, said)


def _told(together: pl.DataFrame, disclosure: Disclosure) -> int:
    """Return how many combinations are shown: none of few patients, and not all but a few patients."""
    counts = together["patients"].to_list()
    shown = sum(not disclosure.small(x) for x in counts[:MOST_COMBINATIONS])
    while shown and disclosure.small(sum(counts[shown:])):
        shown -= 1
    return shown


def _opened(count: int, patients: int, disclosure: Disclosure) -> int:
    """Return in how many of a combination a set is undetermined; of few only that it is in some."""
    return max(1, patients // 2) if _is_few(count, patients, disclosure) else count


def _is_few(count: int, patients: int, disclosure: Disclosure) -> bool:
    return disclosure.small(count) or disclosure.small(patients - count)


def _combinations(
    summary: Summary,
    rows: Sequence[SetRow],
    found: Sequence[Combination],
    few: Sequence[Sequence[bool]],
) -> Table:
    def told(one: Combination, some: Sequence[bool]) -> Row:
        met = [row.name for row, yes in zip(rows, one.met, strict=True) if yes]
        trio = list(zip(rows, one.met, one.open, strict=True))
        open_ = [
            f"{row.name} ({'some' if hidden else counted(n, one.patients)})"
            for (row, _, n), hidden in zip(trio, some, strict=True)
            if n
        ]
        no = [row.name for row, yes, n in trio if not yes and not n]
        return row(
            counted(one.patients, summary.patients),
            *("; ".join(x) or "–" for x in (met, open_, no)),
        )

    heads = cells("Patients", "Met", "Undetermined (in how many of them)", "Not met in any of them")
    return Table(
        "combinations", "Combinations in words", heads, tuple(map(told, found, few)), wordy=True
    )


def _sets(summary: Summary, order: Sequence[str]) -> Table:
    """Return the states of every criteria set, those outside the picture too."""
    others = [x for x in summary.knowledge.criteria.sets if x in summary.states and x not in order]
    heads = cells("Criteria set", "Met", "Not met", "Undetermined", "Met, of all")
    rows = []
    for name in (*order, *others):
        met, open_, no = (summary.states[name].get(x, 0) for x in STATES)
        rows.append(
            Row(
                summary.short(name),
                (
                    *numbers(met, no, open_),
                    Cell(bounds(met, open_, met + no + open_), counts=(met, no)),
                ),
            )
        )
    return Table("sets", "Every criteria set", heads, tuple(rows))


def calibration(summary: Summary) -> Section:
    """Compare probabilities with final diagnoses, where these are given."""
    known, given = summary.whole["final_known"], summary.whole["final"]
    title = "How good the differential is"
    if not known:
        none = "No final diagnosis is given that is a disease of the differential."
        return Section("calibration", title, (none,))
    lead = [
        f"A final diagnosis that is a disease of the differential is given for "
        f"{summary.part(known)}. They are grouped by the probability of the leading "
        "disease: if 70% is right, it is the final diagnosis in 70 of 100 such patients. Points below "
        "the line: too sure; above: not sure enough.",
    ]
    if len(summary.counts["calibration"]) and summary.disclosure.least > 1:
        lead.append(
            f"Groups in which fewer than {summary.disclosure.least} were right or wrong are left out."
        )
    if given > known:
        lead.append(
            f"{summary.disclosure.number(given - known)} have a final diagnosis that is not among the "
            "diseases."
        )
    points, rows = [], []
    for one in summary.counts["calibration"].iter_rows(named=True):
        counts = (one["patients"], one["right"], one["patients"] - one["right"])
        if any(map(summary.disclosure.small, counts)):
            continue
        expected = one["chance"] / EXACT / one["patients"]
        found = wilson(one["right"], one["patients"], LEVEL)
        points.append(Point((one["bin"] + 0.5) / BINS, expected, found))
        rows.append(
            row(
                f"{one['bin'] / BINS:.0%} to {(one['bin'] + 1) / BINS:.0%}",
                number(one["patients"]),
                f"{expected:.1%}",
                counted(one["right"], one["patients"]),
                f"{found.low * 100:.1f}–{found.high * 100:.1f}%",
            )
        )
    heads = cells(
        "Probability of the leading disease", "Patients", "Mean probability",
        "It was the final diagnosis", f"{LEVEL:.0%} interval",
    )  # fmt: skip
    table = Table(
        "calibration-table",
        "The differential against the final diagnosis",
        heads,
        tuple(rows),
        folded=False,
    )
    caption = (
        f"Reliability plot: share with {LEVEL:.0%} Wilson interval; bars: patients of each tenth"
    )
    return Section("calibration", title, tuple(lead), reliability(points), caption, tables=(table,))
