"""Classification and diagnostic criteria as they stand in the knowledge: what a set is made of."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, Sourced, load, load_list

Points = Annotated[Decimal, Field(gt=0)]


class Item(Sourced):
    """One item of a set: a condition that is present, absent or unknown, and its points if it has any.

    Items with the same ``one_of`` exclude each other, so that an unknown one adds its points only once.
    """

    id: str
    text: str
    when: str
    points: Mapping[str, Points] = Field({})
    one_of: str | None = None


class Outcome(Sourced):
    """A class that a patient can reach, with the condition for it."""

    name: str = Field(alias="class")
    text: str
    when: str
    meets: bool = True
    confidence: str | None = None


class ScoreClass(Entry):
    """A class that a patient reaches by a score."""

    name: str = Field(alias="class")
    text: str
    at_least: Decimal
    probability_at_least: float | None = None
    meets: bool = True


class Variant(Sourced):
    """One way to score: the points, cut-offs and probability that apply when its condition is true."""

    id: str
    text: str
    when: str | None = None
    logistic_intercept: float | None = None
    classes: tuple[ScoreClass, ...]


class Score(Entry):
    """A weighted set. The first variant that applies is used; the last applies always."""

    variants: tuple[Variant, ...]


class Leaf(Entry):
    """A subgroup at the end of a tree."""

    id: str
    text: str
    when: str


class Subgroups(Sourced):
    """A tree for patients who reach one of the classes in ``requires``; the first true leaf counts."""

    text: str
    requires: tuple[str, ...]
    leaves: tuple[Leaf, ...]


class Exclusions(Sourced):
    """What has to be ruled out before the set may be applied."""

    text: str
    when: str


class Note(Sourced):
    """A remark for the reader, shown when its condition is true, or always when it has none."""

    id: str
    text: str
    when: str | None = None


class Limit(Sourced):
    """What a set is known not to do well."""

    text: str


class Performance(Sourced):
    """Published sensitivity and specificity, in percent."""

    set: str
    sensitivity: float | str | None = None
    specificity: float | str | None = None
    n_cases: int | None = None
    n_others: int | None = None


class CriteriaSet(Sourced):
    """A published set of criteria."""

    id: str
    title: str
    short: str
    kind: Literal["diagnostic", "classification", "phenotype", "refractory-definition"]
    population: str
    since: int | None = None
    status: Literal["implemented", "outline"]
    status_note: str | None = None
    exclusions: Exclusions | None = None
    items: tuple[Item, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    score: Score | None = None
    subgroups: Subgroups | None = None
    notes: tuple[Note, ...] = ()
    limits: tuple[Limit, ...] = ()
    performance: tuple[Performance, ...] = ()
    missing: str

    @model_validator(mode="after")
    def _complete(self) -> CriteriaSet:
        if self.status == "implemented" and bool(self.outcomes) == bool(self.score):
            raise ValueError("an implemented set has either 'outcomes' or a 'score'")
        if self.score:
            variants = self.score.variants
            if any(variant.when is None for variant in variants[:-1]) or variants[-1].when:
                raise ValueError("every variant of a score but the last has a 'when'")
            known = {variant.id for variant in variants}
            for item in self.items:
                if not item.points.keys() <= known:
                    raise ValueError(f"{item.id} has points for an unknown variant")
        if not (self.cites and self.check):
            raise ValueError("a set cites its paper and says how it was checked")
        return self

    @property
    def classes(self) -> dict[str, str]:
        """Return what each class and subgroup of this set means, in words."""
        leaves = self.subgroups.leaves if self.subgroups else ()
        scored = [
            way
            for variant in (self.score.variants if self.score else ())
            for way in variant.classes
        ]
        return {
            **{way.name: way.text for way in self.outcomes},
            **{way.name: way.text for way in scored},
            **{leaf.id: leaf.text for leaf in leaves},
        }

    def meaning(self, name: str) -> str:
        """Return what a class or subgroup of this set means; a name that is none, as it is."""
        return self.classes.get(name, name.replace("_", " "))


class Disagreement(Sourced):
    """A fact about a patient that two published sets read in opposite ways."""

    id: str
    text: str
    when: str
    sets: tuple[str, ...]


def load_sets(folder: Path) -> dict[str, CriteriaSet]:
    """Read every ``criteria/<set>/criteria.yaml`` of a knowledge folder, by id, in reading order.

    Raises:
        DocumentError: naming file, line and field of what is wrong.
    """
    sets: dict[str, CriteriaSet] = {}
    for path in sorted((folder / "criteria").glob("*/criteria.yaml")):
        one = load(path, CriteriaSet)
        if one.id != path.parent.name:
            message = f"the id is {one.id}, but the folder is called {path.parent.name}"
            raise DocumentError([Problem(str(path), 1, "id", message)])
        sets[one.id] = one
    return dict(sorted(sets.items(), key=lambda item: _reading_order(item[1])))


def _reading_order(one: CriteriaSet) -> tuple[bool, bool, int, str]:
    """Criteria of a disease by year, then phenotypes, then definitions of refractory disease."""
    return (one.kind == "refractory-definition", one.kind == "phenotype", one.since or 0, one.id)


def load_disagreements(folder: Path) -> tuple[Disagreement, ...]:
    """Read ``criteria/disagreements.yaml`` of a knowledge folder, if there is one."""
    path = folder / "criteria" / "disagreements.yaml"
    return load_list(path, Disagreement) if path.exists() else ()
