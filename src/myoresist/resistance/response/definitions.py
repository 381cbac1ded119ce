"""Definitions of improvement, worsening and inactive disease, as conditions on pairs and series of visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from myoresist.case.measures import Measures
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.resistance.response.improvement import ImprovementCriteria
from myoresist.resistance.response.visits import (
    DATE,
    ON_TREATMENT,
    PATIENT,
    POPULATION,
    number_columns,
)
from myoresist.rules.condition import Condition, Name
from myoresist.rules.frames import run_frame
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook

CONFIRMED = ".confirmed"
READ = ("gain", "relative")


class Definition(Sourced):
    """One definition: whom it is for, what it looks at, and when it is met.

    With ``confirm`` it is confirmed when it also held at the visit before, against the same baseline.
    """

    id: str
    title: str
    kind: Literal["improvement", "worsening", "inactive"]
    on: Literal["pair", "visit", "run"]
    core_set: Literal["imacs", "printo"] | None = None
    populations: tuple[str, ...] = ("adult", "juvenile")
    confirm: bool = False
    months: int | None = None
    when: str
    text: str
    limits: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.on == "pair") != (self.core_set is not None):
            raise ValueError("a definition on pairs, and only such a one, has a core_set")
        if (self.on == "run") != (self.months is not None):
            raise ValueError("a definition on a run, and only such a one, has months")
        if self.confirm and self.on != "pair":
            raise ValueError("only a definition on pairs can be confirmed")
        return self

    def suits(self, population: str | None) -> bool:
        """Tell whether it may be read for a population; where that is unknown, it may."""
        return population is None or population in self.populations


@dataclass(frozen=True)
class Definitions:
    """All definitions by id, compiled.

    Attributes:
        by_id: the definitions.
        pairs: the rules on two visits; they read ``<domain>.gain`` and ``<domain>.relative``.
        visits: the rules on one visit, and of each run what has to hold at every visit of it.
    """

    by_id: Mapping[str, Definition]
    pairs: Program
    visits: Program

    @classmethod
    def load(cls, folder: Path, measures: Measures, criteria: ImprovementCriteria) -> Definitions:
        """Read and compile ``response/definitions.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        path = folder / "response" / "definitions.yaml"
        listed = load_list(path, Definition)
        of_pair = {
            f"{domain.id}_{figure}": Name(f"{domain.id}.{figure}", "number")
            for domain in criteria.domains
            for figure in READ
        }
        of_visit = {name: Name(name, "number") for name in number_columns(measures)}
        of_visit |= {one.id: Name(one.id, "bool") for one in listed if one.on == "visit"}
        of_visit[ON_TREATMENT] = Name(ON_TREATMENT, "bool")
        pairs, visits = Rulebook(of_pair), Rulebook(of_visit)
        for one in listed:
            book = pairs if one.on == "pair" else visits
            book.add(one.id, one.when, path, one.id)
        pairs.problems += visits.problems
        return cls({one.id: one for one in listed}, pairs.program(), visits.program())

    def on(self, *what: str) -> tuple[Definition, ...]:
        """Return the definitions that look at a pair, a visit or a run."""
        return tuple(one for one in self.by_id.values() if one.on in what)

    @cached_property
    def _read(self) -> frozenset[str]:
        return self.visits.inputs

    def compare(self, pairs: pl.DataFrame, core_set: str, population: str | None) -> pl.DataFrame:
        """Return compared pairs of one population with a column for each definition of their core set.

        A definition that was not made for the population is NULL, as one that cannot be told.
        """
        wanted = [one for one in self.on("pair") if one.core_set == core_set]
        frame = run_frame(self._of_core_set.get(core_set, Program({})), pairs)
        unsuited = [one.id for one in wanted if not one.suits(population)]
        return frame.with_columns(pl.lit(None, pl.Boolean).alias(name) for name in unsuited)

    @cached_property
    def _of_core_set(self) -> Mapping[str, Program]:
        listed: dict[str, dict[str, Condition]] = {}
        for one in self.on("pair"):
            listed.setdefault(str(one.core_set), {})[one.id] = self.pairs.rules[one.id]
        return {name: Program(rules) for name, rules in listed.items()}

    def confirm(self, pairs: pl.DataFrame, core_set: str) -> pl.DataFrame:
        """Return pairs, sorted, with one baseline a patient, with what holds at two visits in a row."""
        same = pl.col(PATIENT) == pl.col(PATIENT).shift()
        return pairs.with_columns(
            (
                pl.col(one.id) & pl.when(same).then(pl.col(one.id).shift()).otherwise(pl.lit(False))
            ).alias(one.id + CONFIRMED)
            for one in self.on("pair")
            if one.core_set == core_set and one.confirm
        )

    def states(self, visits: pl.DataFrame, gap_months: int) -> pl.DataFrame:
        """Return sorted visits with a column for each definition on a visit or a run of visits.

        Args:
            visits: one row a visit, sorted by patient and date.
            gap_months: visits further apart than this leave a run open.
        """
        missing = sorted(self._read - set(visits.columns))
        frame = visits.with_columns(pl.lit(None, pl.Float64).alias(name) for name in missing)
        frame = run_frame(self.visits, frame)
        for one in self.on("run"):
            frame = _lasting(frame, one, gap_months)
        applies = pl.col(POPULATION)
        frame = frame.with_columns(
            pl.when(applies.is_null() | applies.is_in(one.populations)).then(one.id).alias(one.id)
            for one in self.on("visit", "run")
            if set(one.populations) != {"adult", "juvenile"}
        )
        return frame.drop(missing)


def _lasting(visits: pl.DataFrame, one: Definition, gap_months: int) -> pl.DataFrame:
    """Return visits with whether something has held without a break for the months of a definition.

    It has for sure since the first visit of an unbroken row of visits at which it held; it may have since the
    day after the last visit at which it did not.
    """
    holds = pl.col(one.id)
    date, before = pl.col(DATE), pl.col(DATE).shift()
    same = (pl.col(PATIENT) == pl.col(PATIENT).shift()).fill_null(False)
    near = (date <= before.dt.offset_by(f"{gap_months}mo")).fill_null(False)
    goes_on = same & near & holds.shift().fill_null(False)
    since = pl.when(holds & goes_on.not_()).then(date).forward_fill()
    last_not = pl.when(holds.not_()).then(date).forward_fill().over(PATIENT)
    could_since = last_not.dt.offset_by("1d")
    enough = f"{one.months}mo"
    return visits.with_columns(
        pl.when(holds.not_())
        .then(False)
        .when(holds & (since.dt.offset_by(enough) <= date))
        .then(True)
        .when(could_since.dt.offset_by(enough) > date)
        .then(False)
        .otherwise(None)
        .alias(one.id)
    )
