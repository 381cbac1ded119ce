"""The total improvement score of two visits, with what each measure adds and what a missing one could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import polars as pl
from pydantic import model_validator

from myoresist.arrays.planes import unpack
from myoresist.arrays.table import Codes, Table
from myoresist.case.measures import Measure, Measures
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Check, Entry, Sourced, load
from myoresist.resistance.response.visits import POPULATIONS, compared_column
from myoresist.rules.condition import Name, RuleError
from myoresist.rules.kept import parse
from myoresist.rules.program import Program

BASELINE = "baseline."
ADULT, JUVENILE = POPULATIONS
NONE, UNDETERMINED = "none", "undetermined"
SCORE, SCORE_MAX = "score", "score_max"
CATEGORY, CATEGORY_MIN, CATEGORY_MAX = "category", "category_min", "category_max"
EXACT = 6
"""Digits to which a percentage is rounded, so that 1.1 to 0.6 on 10 cm is 5% and no more."""
WHOLE = 100.0


class Domain(Entry):
    """One of the six measures: the edges of its bands and the points of each band, ascending."""

    id: str
    title: str
    edges: tuple[float, ...]
    points: tuple[float, ...]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if len(self.points) != len(self.edges) + 1:
            raise ValueError("there is one band more than there are edges")
        if list(self.edges) != sorted(self.edges) or list(self.points) != sorted(self.points):
            raise ValueError("edges and points ascend")
        return self


class CoreSet(Entry):
    """Which measures stand for each domain, the preferred one first."""

    id: str
    core_set: Literal["imacs", "printo"]
    population: Literal["adult", "juvenile"]
    measures: Mapping[str, tuple[str, ...]]


class Remark(Sourced):
    """A published figure or a limit of the criteria."""

    text: str
    population: str | None = None


class ImprovementCriteria(Sourced):
    """The response criteria as they were published."""

    id: str
    title: str
    domains: tuple[Domain, ...]
    core_sets: tuple[CoreSet, ...]
    cut_offs: Mapping[str, Mapping[str, float]]
    juvenile_when: str
    juvenile_check: Check
    performance: tuple[Remark, ...] = ()
    limits: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Improvement:
    """The response criteria, compiled."""

    criteria: ImprovementCriteria
    measures: Measures
    juvenile: Program
    from_zero: float

    @classmethod
    def load(
        cls, folder: Path, measures: Measures, findings: Mapping[str, Name], from_zero: float
    ) -> Improvement:
        """Read ``response/improvement.yaml`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            measures: the measures.
            findings: the findings, by which a case belongs to the adults or the juvenile.
            from_zero: the percent for which a change from zero counts.

        Raises:
            DocumentError: naming the file and what cannot be used.
        """
        path = folder / "response" / "improvement.yaml"
        criteria = load(path, ImprovementCriteria)
        domains = {domain.id for domain in criteria.domains}
        problems = []
        for one in criteria.core_sets:
            if set(one.measures) != domains:
                problems.append(Problem(str(path), None, one.id, "does not name every domain once"))
            for domain, names in one.measures.items():
                strange = [name for name in names if name not in measures.by_id]
                ways = {measures[name].direction for name in names if name not in strange}
                if strange:
                    message = f"{strange[0]} is not a measure"
                    problems.append(Problem(str(path), None, f"{one.id}.{domain}", message))
                elif len(ways) > 1:
                    message = "measures of one domain have one direction"
                    problems.append(Problem(str(path), None, f"{one.id}.{domain}", message))
        try:
            juvenile = Program({JUVENILE: parse(criteria.juvenile_when, findings)})
        except RuleError as error:
            problems.append(Problem(str(path), None, "juvenile_when", str(error)))
        if problems:
            raise DocumentError(problems)
        return cls(criteria, measures, juvenile, from_zero)

    def populations(self, known: Table) -> list[str | None]:
        """Return ``adult``, ``juvenile`` or ``None`` for each patient: whose cut-offs count.

        Args:
            known: the findings of N patients.
        """
        young = self.juvenile.run(known).truth(JUVENILE)
        adult, juvenile = (unpack(plane, known.size) for plane in (young.f, young.t))
        codes = np.where(juvenile, 1, np.where(adult, 0, -1)).astype(np.int32)
        return Codes(codes, POPULATIONS).texts()

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Return the categories from no response to the best one."""
        cut_offs = next(iter(self.criteria.cut_offs.values()))
        return (NONE, *sorted(cut_offs, key=lambda name: cut_offs[name]))

    @cached_property
    def category(self) -> pl.Enum:
        """Return the type of a category."""
        return pl.Enum([*self.categories, UNDETERMINED])

    def core_set(self, core_set: str, population: str | None) -> CoreSet:
        """Return the core set of a population; the first that is listed where that is unknown.

        Raises:
            ValueError: where the core set was not made for the population.
        """
        for one in self.criteria.core_sets:
            if one.core_set == core_set and population in (None, one.population):
                return one
        raise ValueError(f"the core set {core_set} is not one for population {population}")

    def compare(self, pairs: pl.DataFrame, core_set: str, population: str | None) -> pl.DataFrame:
        """Return pairs of visits with what changed, points, score and category.

        Args:
            pairs: one row a pair of visits of patients of one population, the measures of the first visit
                under ``baseline.<column>``, those of the second under ``<column>``.
            core_set: ``imacs`` or ``printo``.
            population: ``adult``, ``juvenile`` or ``None``: the category then holds for both, or is
                undetermined.

        Returns:
            ``pairs`` without the measures, and for each domain ``<domain>.measure``, ``.baseline``,
            ``.final``, ``.gain`` (in units of the measure), ``.relative`` (percent of the baseline),
            ``.percent`` (of the whole range; better is positive), ``.points`` (NULL while unknown) and
            ``.points_max``; ``score``, which counts what is unknown as zero, ``score_max``, ``category``,
            ``category_min`` and ``category_max``.
        """
        chosen = self.core_set(core_set, population)
        columns = set(pairs.columns)
        names = pl.Enum(list(self.measures.by_id))
        choices = {
            domain.id: _Choice(
                [self.measures[name] for name in chosen.measures[domain.id]], columns, names
            )
            for domain in self.criteria.domains
        }
        drop = [name for name in pairs.columns if BASELINE + name in columns]
        drop += [BASELINE + name for name in drop]
        # The highest enzyme is asked for again and again, so it has a column first.
        frame = pairs.with_columns(
            choice.highest(domain) for domain, choice in choices.items() if choice.enzymes
        )
        frame = frame.with_columns(
            column for domain, choice in choices.items() for column in choice.columns(domain)
        ).drop(drop)
        frame = frame.with_columns(
            column
            for domain, choice in choices.items()
            for column in _changes(domain, choice.better, self.from_zero)
        )
        frame = frame.with_columns(
            column for domain in self.criteria.domains for column in _points(domain)
        )
        domains = [domain.id for domain in self.criteria.domains]
        frame = frame.with_columns(
            pl.sum_horizontal(pl.col(f"{d}.points").fill_null(0) for d in domains).alias(SCORE),
            pl.sum_horizontal(f"{d}.points_max" for d in domains).alias(SCORE_MAX),
        ).drop(f"{d}.{name}" for d in domains for name in _Choice.HELPERS)
        return frame.with_columns(self._categories(population)).with_columns(
            pl.when(pl.col(CATEGORY_MIN) == pl.col(CATEGORY_MAX))
            .then(CATEGORY_MIN)
            .otherwise(pl.lit(UNDETERMINED, self.category))
            .alias(CATEGORY)
        )

    def _categories(self, population: str | None) -> Iterator[pl.Expr]:
        """Yield the category of the lowest and of the highest possible score."""
        cut_offs = self.criteria.cut_offs
        lists = [cut_offs[population]] if population else list(cut_offs.values())
        for name, score, hardest in (
            (CATEGORY_MIN, SCORE, max),
            (CATEGORY_MAX, SCORE_MAX, min),
        ):
            reached: pl.Expr = pl.lit(NONE, self.category)
            for category in self.categories[1:]:
                least = hardest(one[category] for one in lists)
                reached = (
                    pl.when(pl.col(score) >= least)
                    .then(pl.lit(category, self.category))
                    .otherwise(reached)
                )
            yield reached.alias(name)


class _Choice:
    """Chooses which measure of a domain two visits are compared by.

    Of enzymes it is the one most abnormal at baseline; else the first that both visits have or, where there
    is none, the first that one of them has.
    """

    HELPERS = ("span", "best", "worst", "percent_max")

    def __init__(self, candidates: list[Measure], columns: set[str], names: pl.Enum) -> None:
        self.better = candidates[0].better
        self.candidates = [one for one in candidates if BASELINE + compared_column(one) in columns]
        self.enzymes = candidates[0].enzyme
        self.names = names

    def highest(self, domain: str) -> pl.Expr:
        """Return the highest multiple of its limit that any enzyme has at baseline."""
        first = [pl.col(BASELINE + compared_column(one)) for one in self.candidates]
        value = pl.max_horizontal(first) if first else pl.lit(None, pl.Float64)
        return value.alias(f"{domain}.baseline")

    def columns(self, domain: str) -> Iterator[pl.Expr]:
        """Yield the measure, its two values, its span, and its best and worst value."""
        number = pl.Float64()
        chosen = list(self._chosen(domain))

        def pick(values: Mapping[str, pl.Expr], kind: pl.DataType) -> pl.Expr:
            if len(values) == 1 and kind == pl.Float64:
                return next(iter(values.values()))
            picked: pl.Expr = pl.lit(None, kind)
            for condition, one in reversed(chosen):
                picked = pl.when(condition).then(values[one.id]).otherwise(picked)
            return picked

        def figures(figure: str) -> pl.Expr:
            values = {one.id: _figure(one, figure) for one in self.candidates}
            if len(set(values.values())) == 1:
                return pl.lit(next(iter(values.values())), number)
            return pick({name: pl.lit(value, number) for name, value in values.items()}, number)

        first = {one.id: pl.col(BASELINE + compared_column(one)) for one in self.candidates}
        second = {one.id: pl.col(compared_column(one)) for one in self.candidates}
        names = {one.id: pl.lit(one.id, self.names) for one in self.candidates}
        yield pick(names, self.names).alias(f"{domain}.measure")
        if not self.enzymes:
            yield pick(first, number).alias(f"{domain}.baseline")
        yield pick(second, number).alias(f"{domain}.final")
        for figure in ("span", "best", "worst"):
            yield figures(figure).alias(f"{domain}.{figure}")

    def _chosen(self, domain: str) -> Iterator[tuple[pl.Expr, Measure]]:
        """Yield conditions with the measure each chooses; the first that is true counts."""
        first = [pl.col(BASELINE + compared_column(one)) for one in self.candidates]
        second = [pl.col(compared_column(one)) for one in self.candidates]
        if self.enzymes:
            for one, value in zip(self.candidates, first, strict=True):
                yield value == pl.col(f"{domain}.baseline"), one
            return
        for one, start, end in zip(self.candidates, first, second, strict=True):
            yield start.is_not_null() & end.is_not_null(), one
        for one, start, end in zip(self.candidates, first, second, strict=True):
            yield start.is_not_null() | end.is_not_null(), one


def _figure(measure: Measure, figure: str) -> float | None:
    """Return the span, best or worst value; the worst multiple of an enzyme has no limit."""
    if figure == "span":
        return measure.span
    up = measure.better > 0
    if figure == "best":
        return measure.maximum if up else measure.minimum
    if measure.enzyme:
        return None
    return measure.minimum if up else measure.maximum


def _changes(domain: str, better: int, from_zero: float) -> Iterator[pl.Expr]:
    """Yield the changes of one domain: gain, percent of the baseline, of the range, and its highest."""
    first, second = pl.col(f"{domain}.baseline"), pl.col(f"{domain}.final")
    span, best, worst = (pl.col(f"{domain}.{name}") for name in ("span", "best", "worst"))
    gain = (second - first if better > 0 else first - second).round(EXACT)
    yield gain.alias(f"{domain}.gain")
    yield (
        pl.when(first == 0)
        .then(gain.sign() * from_zero)
        .otherwise((WHOLE * gain / first.abs()).round(EXACT))
        .alias(f"{domain}.relative")
    )
    yield (WHOLE * gain / span).round(EXACT).alias(f"{domain}.percent")
    start, end = first.fill_null(worst), second.fill_null(best)
    could = (end - start if better > 0 else start - end).round(EXACT)
    # Where nothing is known, or nothing limits it, a measure could be better by its whole range.
    highest = (WHOLE * could / span).round(EXACT).fill_null(WHOLE)
    yield highest.alias(f"{domain}.percent_max")


def _points(domain: Domain) -> Iterator[pl.Expr]:
    for percent, points in (("percent", "points"), ("percent_max", "points_max")):
        value = pl.col(f"{domain.id}.{percent}")
        earned: pl.Expr = pl.when(value.is_not_null()).then(pl.lit(domain.points[0], pl.Float64))
        for edge, more in zip(domain.edges, domain.points[1:], strict=True):
            earned = pl.when(value > edge).then(pl.lit(more, pl.Float64)).otherwise(earned)
        yield earned.alias(f"{domain.id}.{points}")
