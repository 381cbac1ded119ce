"""What a page about a registry counts, and how counts are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.cohort.conventions import Conventions
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.layout import Cell, bounds, counted, figures, number, share, words
from myoresist.cohort.tally import NAMES, Frames, Wanted, quantile, tally
from myoresist.library import Knowledge

CHARACTERISTICS: Mapping[str, tuple[str, ...]] = {
    "Person": ("sex_female", "age", "age_at_onset"),
    "Disease": (
        "dm_rash", "proximal_weakness", "finger_flexor_weakness", "dysphagia", "ild", "arthritis",
        "cancer_active", "ck_x_uln", "mmt8_150",
    ),
    "Antibodies": (
        "any_antisynthetase", "anti_mi2", "anti_mda5", "anti_tif1g", "anti_nxp2", "anti_srp", "anti_hmgcr",
        "anti_cn1a",
    ),
}  # fmt: skip
"""What Table 1 says of the patients."""


@dataclass(frozen=True)
class Summary:
    """What the page shows, from the counts of a run."""

    wanted: Wanted
    counts: Frames
    disclosure: Disclosure

    @classmethod
    def of(cls, out: Path, knowledge: Knowledge, least: int | None = None) -> Summary:
        """Count what the page shows of a finished run; ``least`` is the least count that it tells."""
        asked = [x for some in CHARACTERISTICS.values() for x in some if x in knowledge.catalogue]
        numbers = tuple(x for x in asked if knowledge.catalogue[x].kind == "number")
        wanted = Wanted(knowledge, tuple(x for x in asked if x not in numbers), numbers)
        told = Disclosure(Conventions.packaged().least_cell if least is None else least)
        return cls(wanted, tally(out, wanted), told)

    @property
    def knowledge(self) -> Knowledge:
        """Return the knowledge of the run."""
        return self.wanted.knowledge

    @cached_property
    def whole(self) -> dict[str, int]:
        """Return counts of the whole registry."""
        return self.counts["whole"].row(0, named=True)

    @property
    def patients(self) -> int:
        """Return the number of patients."""
        return self.whole["patients"]

    @cached_property
    def subsets(self) -> dict[str, int]:
        """Return the patients of each subset that there is, in the order in which they are shown."""
        found = by_key(self.counts["subsets"], "subset")
        return {x: found[x] for x in self.wanted.order if x in found}

    @cached_property
    def states(self) -> dict[str, dict[str, int]]:
        """Return the patients in each state, by criteria set and by definition of refractory disease."""
        sets = by_two(self.counts["states"], "set", "state")
        return sets | by_two(self.counts["definitions"], "definition", "state")

    @cached_property
    def blocking(self) -> dict[str, dict[str, int]]:
        """Return in how many what is not known leaves each definition of refractory disease open."""
        return by_two(self.counts["blocking"], "definition", "item")

    def part(self, count: int) -> str:
        """Return a count with the share of all patients."""
        if self.disclosure.small(count):
            return f"fewer than {self.disclosure.least} patients"
        if self.disclosure.small(self.patients - count):
            return f"all but fewer than {self.disclosure.least} patients"
        return (
            f"{number(count)} of {number(self.patients)} patients ({share(count, self.patients)})"
        )

    def name(self, subset: str) -> str:
        """Return what a subset is called."""
        return NAMES.get(subset) or words(subset)

    def short(self, name: str) -> str:
        """Return what a criteria set is called in short."""
        return self.knowledge.criteria.sets[name].short


def median_cell(values: pl.DataFrame, patients: int) -> Cell:
    """Return median and quartiles of ``value`` counted in ``patients``."""
    rows = values.group_by("value").agg(pl.col("patients").sum()).sort("value").rows()
    known = sum(count for _, count in rows)
    small = f"unknown {number(patients - known)}" if known < patients else ""
    counts = (known, patients - known)
    if not rows:
        return Cell("–", small, counts)
    low, middle, high = (quantile(rows, x) for x in (0.25, 0.5, 0.75))
    return Cell(f"{figures(middle)} ({figures(low)}–{figures(high)})", small, counts)


def known_cell(there: int, known: int, patients: int) -> Cell:
    """Return a count and share of those in whom it is known."""
    small = f"unknown {number(patients - known)}" if known < patients else ""
    return Cell(
        counted(there, known) if known else "–", small, (there, known - there, patients - known)
    )


def asked_cell(there: int, asked: int, patients: int, present: int, known: int) -> Cell:
    """Return a count and share of those in whom every part was asked, with the bounds of all."""
    span = bounds(present, patients - known, patients)
    counts = (there, asked - there, patients - asked, present, known - present, patients - known)
    if asked == patients:
        return Cell(counted(there, asked), counts=counts)
    small = f"not fully asked {number(patients - asked)}; of all {span}"
    return Cell(counted(there, asked) if asked else "–", small, counts)


def total(frame: pl.DataFrame, column: str = "patients") -> int:
    """Return the sum of a column."""
    return int(frame[column].sum())


def by_key(frame: pl.DataFrame, key: str) -> dict[Any, int]:
    """Return counts by a key."""
    return dict(frame.select(key, "patients").iter_rows())


def by_two(frame: pl.DataFrame, first: str, second: str) -> dict[Any, dict[str, int]]:
    """Return counts by two keys."""
    found: dict[Any, dict[str, int]] = {}
    for one, other, count in frame.select(first, second, "patients").iter_rows():
        found.setdefault(one, {})[other] = count
    return found
