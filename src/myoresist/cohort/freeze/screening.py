"""Who of a registry may enter a trial: rules in a file, attrition step by step, and what has to be asked.

A patient goes on as long as no step is known to be false. One of whom a step is not known is counted as such,
and is not eligible before it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import Field

from myoresist.arrays.planes import Planes, mask, unpack
from myoresist.arrays.table import Table
from myoresist.cohort.ages import exact_days
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.folder import SourceError
from myoresist.cohort.freeze.folder import Freeze
from myoresist.document import DocumentError, Problem
from myoresist.knowledge import folder
from myoresist.knowledge.schema import Entry, Sourced, load
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT
from myoresist.rules.blocking import Blocking
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook

AGO, STEP = "_days_ago", "step."
ELIGIBLE, NEARLY, NOT = "eligible", "unknown", "not_eligible"


class Step(Entry):
    """One criterion; a patient of whom it is false is out."""

    id: str
    text: str
    when: str


class Rules(Sourced):
    """The entry criteria of a trial, in the order in which they are asked.

    Attributes:
        dates: columns that the registry keeps and that hold dates; ``<name>_days_ago`` is the time from them
            to the assessment.
    """

    id: str
    title: str
    dates: tuple[str, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Screening:
    """The rules of a trial, compiled."""

    rules: Rules
    program: Program

    @classmethod
    def load(cls, name: str, knowledge: Knowledge) -> Screening:
        """Read the rules of a trial: a packaged one by its name, or a file.

        Raises:
            SourceError: if there is no such file.
            DocumentError: naming the step that cannot be used.
        """
        own = folder() / "registry" / "screening"
        file = own / f"{name}.yaml" if (own / f"{name}.yaml").is_file() else Path(name)
        if not file.is_file():
            known = ", ".join(sorted(x.stem for x in own.glob("*.yaml")))
            raise SourceError(f"{name}: is no file and none of {known}")
        rules = load(file, Rules)
        names = dict(knowledge.resistance.treatments.columns.names)
        names |= {x + AGO: Name(x + AGO, "number") for x in rules.dates}
        book = Rulebook(names)
        for one in rules.steps:
            book.add(STEP + one.id, one.when, file, one.id)
        unknown = sorted({x for one in rules.cites for x in [one] if x not in knowledge.references})
        if unknown:
            raise DocumentError([Problem(str(file), None, "cites", f"{unknown[0]} is no work")])
        return cls(rules, book.program())

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return the columns that the steps read."""
        return self.program.leaves(self.program.rules)

    def screened(self, freeze: Freeze) -> Screened:
        """Ask every step of every patient of a freeze."""
        dated = [x for x in self.rules.dates if x in freeze.kept]
        plain = [x for x in self.reads if not x.endswith(AGO)]
        people = freeze.people(*sorted(plain), *dated, "assessed_on")
        today = pl.col("assessed_on")
        people = people.with_columns(
            (today - exact_days(people[x])).dt.total_days().cast(pl.Float64).alias(x + AGO)
            for x in dated
        )
        held = [x for x in people.columns if x in self.reads]
        table = Table.of_frame(people.select(held), people.height)
        told = self.program.run(table)
        steps = [told.truth(STEP + one.id) for one in self.rules.steps]
        blocking = Blocking(self.program, tuple(STEP + one.id for one in self.rules.steps)).of(
            table
        )
        return Screened(self.rules, freeze, people.select(PATIENT), steps, blocking)


@dataclass(frozen=True)
class Screened:
    """What the rules of a trial say of every patient.

    Attributes:
        rules: the rules.
        freeze: the answers.
        people: the ids of the patients.
        steps: the truth of each step.
        blocking: for each step in whom which unknown column leaves it open.
    """

    rules: Rules
    freeze: Freeze
    people: pl.DataFrame
    steps: Sequence[Planes]
    blocking: dict[str, dict[str, int]]

    def attrition(self, disclosure: Disclosure) -> pl.DataFrame:
        """Return one row a step: of those who came so far, who go on, who are out, and who are not known.

        Returns:
            ``step``, ``text``, ``before``, ``met``, ``unknown`` (they go on, too), ``out``, ``sure`` (of whom
            every step so far is met), ``most_often_unknown`` and ``withheld``.
        """
        size = self.people.height
        left, sure = mask(size), mask(size)
        rows = []
        for one, truth in zip(self.rules.steps, self.steps, strict=True):
            before = left
            left &= ~truth.f
            sure &= truth.t
            open_ = before & ~truth.t & ~truth.f
            items = {
                x: (bits & open_).bit_count() for x, bits in self.blocking[STEP + one.id].items()
            }
            most = min(items, key=lambda x: (-items[x], x)) if any(items.values()) else None
            rows.append(
                {
                    "step": one.id, "text": one.text, "before": before.bit_count(),
                    "met": (before & truth.t).bit_count(), "unknown": open_.bit_count(),
                    "out": (before & truth.f).bit_count(), "sure": sure.bit_count(),
                    "most_often_unknown": most,
                }
            )  # fmt: skip
        frame = pl.DataFrame(rows, schema_overrides={"most_often_unknown": pl.String})
        counts = ["before", "met", "unknown", "out", "sure"]
        values = frame.select("met", "unknown", "out").to_numpy().astype(float)
        hidden = disclosure.withheld(values)
        any_ = hidden.any(axis=1)
        sums = frame.select(
            pl.any_horizontal(pl.col(x).is_between(1, disclosure.least - 1) for x in counts)
        ).to_series()
        # Who came so far less who comes to the next step is who is out: after a few of them neither is told.
        after = np.concatenate([[False], np.logical_or.accumulate(hidden[:, 2])[:-1]])
        hidden[:, 0] |= after
        any_ |= after
        flags = pl.DataFrame(hidden, schema=["met?", "unknown?", "out?"])
        told = frame.hstack(flags).with_columns(
            *(pl.when(~pl.col(f"{x}?")).then(x).alias(x) for x in ("met", "unknown", "out")),
            *(
                pl.when(~pl.col(x).is_between(1, disclosure.least - 1) & ~gone).then(x).alias(x)
                for x, gone in (("before", pl.Series(after)), ("sure", pl.lit(False)))
            ),
            (pl.Series("withheld", any_) | sums).alias("withheld"),
        )
        return told.drop("met?", "unknown?", "out?")

    def patients(self) -> pl.DataFrame:
        """Return one row a patient who is not out.

        Returns:
            ``patient_id``, the columns that were kept, ``verdict`` (eligible, unknown), ``unknown`` steps and
            ``ask``: what would have to be known; several are parted by semicolons. Fewest unknown first.
        """
        size = self.people.height
        out = 0
        for truth in self.steps:
            out |= truth.f
        rows = []
        ids = self.people[PATIENT].to_list()
        inside = unpack(mask(size) & ~out, size).nonzero()[0].tolist()
        for place in inside:
            open_ = [
                one.id
                for one, truth in zip(self.rules.steps, self.steps, strict=True)
                if not (truth.t | truth.f) >> place & 1
            ]
            ask = sorted(
                {
                    x
                    for step in open_
                    for x, bits in self.blocking[STEP + step].items()
                    if bits >> place & 1
                }
            )
            rows.append(
                (ids[place], ELIGIBLE if not open_ else NEARLY, "; ".join(open_), "; ".join(ask))
            )
        schema = {PATIENT: pl.String, "verdict": pl.String, "unknown": pl.String, "ask": pl.String}
        found = pl.DataFrame(rows, schema, orient="row")
        if self.freeze.kept:
            found = found.join(self.freeze.people(*self.freeze.kept), on=PATIENT, how="left")
        count = (
            pl.when(pl.col("unknown") == "")
            .then(0)
            .otherwise(pl.col("unknown").str.count_matches("; ") + 1)
        )
        return found.sort(count, PATIENT).select(
            PATIENT, *self.freeze.kept, "verdict", "unknown", "ask"
        )
