"""What stands on page one of the patients: their states, what must not wait, and what to do, by subset."""

from __future__ import annotations

import polars as pl

from myoresist.cohort.layout import (
    Bar,
    Cell,
    Row,
    Section,
    Table,
    counted,
    number,
    words,
)
from myoresist.cohort.summary.counts import Summary, by_two, total
from myoresist.consult.schema import Section as Part

MOST_ACTIONS = 20
ACTIONS: dict[Part, str] = {"today": "What must not wait", "do": "What to do"}


def pages(summary: Summary) -> Section:
    """Return in what states the patients are, and what is advised, by the likeliest subset."""
    lead = (
        "What page one says of each patient: one state, what must not wait, and at most three things to do. "
        "It is a second opinion on what was recorded; a patient of whom little was recorded is told so.",
    )
    found = by_two(summary.counts["consult"], "consult_state", "subset")
    order = [one for one in summary.knowledge.consult.data.states if one.id in found]
    bars = tuple(
        Bar(
            one.text,
            counted(sum(found[one.id].values()), summary.patients),
            (("deep", sum(found[one.id].values()) / summary.patients),),
            (sum(found[one.id].values()),),
        )
        for one in order
    )
    rows = tuple(Row(one.text, _counted(summary, found[one.id])) for one in order)
    states = Table(
        "page-states", "State by likeliest subset", _heads(summary), rows,
        "Number and share of the patients of the subset.", folded=False, summed=True, parts=True,
    )  # fmt: skip
    actions = tuple(x for part, title in ACTIONS.items() if (x := _actions(summary, part, title)))
    return Section(
        "pages",
        "What to do",
        lead,
        bars={"Patients by state": bars},
        tables=(states, *actions),
    )


def _actions(summary: Summary, part: Part, title: str) -> Table | None:
    """Return the actions of a part of the page, the most frequent first; none where nobody has any."""
    own = summary.counts["actions"].filter(part=part)
    if own.is_empty():
        return None
    found = by_two(own, "action", "subset")
    order = sorted(found, key=lambda x: (-sum(found[x].values()), x))
    rows = [Row(_said(summary, x), _counted(summary, found[x])) for x in order[:MOST_ACTIONS]]
    note = "Number and share of the patients of the subset; a patient may stand in several rows."
    rest = own.filter(pl.col("action").is_in(order[MOST_ACTIONS:]))
    if rest.height:
        kinds = len(order) - MOST_ACTIONS
        note += f" {kinds} rarer actions, {summary.disclosure.number(total(rest))} in all, are not shown."
    return Table(
        f"page-{part}", f"{title}, by likeliest subset", _heads(summary), tuple(rows), note,
        folded=False, summed=True,
    )  # fmt: skip


def _said(summary: Summary, action: str) -> str:
    """Return an action, ``verb object`` in ids, as words."""
    verb, object_ = action.split(" ", 1)
    name = summary.knowledge.names[object_]
    # A name begins with a capital letter where it stands alone; an abbreviation keeps its own.
    return f"{words(verb)}: {name if name[1:2].isupper() else name[:1].lower() + name[1:]}"


def _heads(summary: Summary) -> tuple[Cell, ...]:
    named = (Cell(summary.name(x), f"n = {number(n)}", (n,)) for x, n in summary.subsets.items())
    return (Cell(""), Cell("All", f"n = {number(summary.patients)}", (summary.patients,)), *named)


def _counted(summary: Summary, by: dict[str, int]) -> tuple[Cell, ...]:
    """Return the patients, all and of each subset, with their share of it."""
    own = ((by.get(x, 0), n) for x, n in summary.subsets.items())
    pairs = [(sum(by.values()), summary.patients), *own]
    return tuple(
        Cell(counted(*one) if one[0] else "–", counts=(one[0], one[1] - one[0])) for one in pairs
    )
