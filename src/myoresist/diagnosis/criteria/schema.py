"""Classification and diagnostic criteria as they stand in the knowledge: what a set is made of."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, Sourced, load, load_list

Points = Annotated[Decimal, Field(gt=0)]


class Item(Sourced):
    """One item of a set: a condition that is present, absent or unknown, and its points if it has any.

    Points are those of each variant of the score. Of the items with the same ``one_of`` only the highest
    counts; where that differs, ``one_of`` is by variant as well.
    """

    id: str
    text: str
    when: str
    points: Mapping[str, Points] = Field({})
    one_of: str | Mapping[str, str] | None = None

    def group(self, variant: str) -> str:
        """Return by which name this item is counted together with others in one variant."""
        named = self.one_of.get(variant) if isinstance(self.one_of, Mapping) else self.one_of
        return named or self.id


class Outcome(Sourced):
    """A class that a patient can reach, with the condition for it."""

    name: str = Field(alias="class")
    text: str
    when: str
    meets: bool = True
    confidence: str | None = None


class ScoreClass(Entry):
    """A class that a patient reaches by a score and, if it has one, by a condition."""

    name: str = Field(alias="class")
    text: str
    at_least: Decimal
    when: str | None = None
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
    """A weighted set. The first variant that applies is used; the last applies always.

    With ``readings`` the variants are readings of a paper that leaves open which is meant: the score is the
    lowest of them, its highest possible value the highest of them, and ``readings`` says why they differ.
    Classes that all variants share are written once, beside the variants.
    """

    readings: str | None = None
    variants: tuple[Variant, ...]

    @model_validator(mode="before")
    @classmethod
    def _classes_of_every_variant(cls, data: Any) -> Any:
        match data:
            case {"classes": classes, "variants": [*variants], **rest}:
                shared = [{"classes": classes, **v} for v in variants if isinstance(v, dict)]
                return {**rest, "variants": shared}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Score:
        *earlier, last = self.variants
        conditions = {(way.name, way.when) for one in self.variants for way in one.classes}
        if len(conditions) > len({name for name, _ in conditions}):
            raise ValueError("a class has the same 'when' in every variant")
        if self.readings is None:
            if any(variant.when is None for variant in earlier) or last.when:
                raise ValueError("every variant of a score but the last has a 'when'")
            return self
        if any(one.when or one.logistic_intercept is not None for one in self.variants):
            raise ValueError("a reading has neither 'when' nor 'logistic_intercept'")
        if any(one.classes != last.classes for one in earlier):
            raise ValueError("readings have the same classes")
        return self


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


def _spread(item: Any, variants: list[str]) -> Any:
    if isinstance(item, dict) and isinstance(item.get("points"), int | float):
        return {**item, "points": dict.fromkeys(variants, item["points"])}
    return item


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

    @model_validator(mode="before")
    @classmethod
    def _points_of_every_variant(cls, data: Any) -> Any:
        """Give points that are written as one number to every variant."""
        match data:
            case {"items": [*items], "score": {"variants": [*variants]}}:
                ids = [one["id"] for one in variants if isinstance(one, dict) and "id" in one]
                return {**data, "items": [_spread(item, ids) for item in items]}
        return data

    @model_validator(mode="after")
    def _complete(self) -> CriteriaSet:
        if self.status == "implemented" and bool(self.outcomes) == bool(self.score):
            raise ValueError("an implemented set has either 'outcomes' or a 'score'")
        known = {variant.id for variant in self.score.variants} if self.score else set()
        for item in self.items:
            named = item.one_of.keys() if isinstance(item.one_of, Mapping) else set()
            if not item.points.keys() | named <= known:
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
