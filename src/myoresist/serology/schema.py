"""What is known of myositis antibodies: their tests, subsets, risks, and the search for cancer. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from myoresist.case.catalogue import Names
from myoresist.knowledge.schema import Entry, Sourced, load, load_list

AntibodyKind = Literal["msa", "maa", "modifier"]
Strength = Literal["negative", "weak", "positive", "moderate", "strong"]
Evidence = Literal["strong", "moderate", "weak"]
Tier = Literal["high", "intermediate", "low"]
Topic = Literal[
    "doubt",
    "meaning",
    "lung",
    "heart",
    "calcinosis",
    "cancer",
    "activity",
    "resistance",
    "response",
    "negative",
]
STATEMENTS = ("doubt", "meaning", "organs", "course", "negative")
"""Files of statements, in the order in which they are said."""
POSITIVE: tuple[Strength, ...] = ("weak", "positive", "moderate", "strong")
"""Positive strengths, weakest first; ``positive`` is one that was not graded."""


class Ratios(Sourced):
    """Likelihood ratios of a positive (ungraded) and a negative result for the antibody being there."""

    positive: float = Field(gt=0)
    negative: float = Field(gt=0)
    note: str | None = None


class Method(Entry):
    """A method of testing. Results of a ``reference`` method confirm those of others."""

    id: str
    label: str
    synonyms: tuple[str, ...]
    blot: bool = False
    reference: bool = False
    any_antibody: Ratios
    antibodies: Mapping[str, Ratios] = {}

    def ratios(self, antibody: str) -> Ratios:
        """Return what a result for this antibody says."""
        return self.antibodies.get(antibody, self.any_antibody)


class StrengthFactors(Sourced):
    """By what the ratio of a positive result is multiplied, for antibodies of some kinds."""

    id: str
    kinds: tuple[AntibodyKind, ...]
    factors: Mapping[Strength, float]

    @model_validator(mode="after")
    def _ascending(self) -> StrengthFactors:
        if tuple(self.factors) != POSITIVE:
            raise ValueError(f"factors are given for {', '.join(POSITIVE)}, in this order")
        if any(one > other for one, other in pairwise(self.factors.values())):
            raise ValueError("a stronger result cannot say less than a weaker one")
        return self


class PatternRatios(Sourced):
    """What the HEp-2 pattern beside a positive blot says."""

    fits: float = Field(ge=1)
    differs: float = Field(gt=0, le=1)
    note: str | None = None


class Setting(Sourced):
    """How likely an antibody is before any result, against its frequency in myositis."""

    id: str
    text: str
    when: str | None = None
    factor: float = Field(gt=0, le=1)
    note: str | None = None


class Level(Entry):
    """A probability in words."""

    id: str
    text: str
    at_least: float = Field(ge=0, le=1)


class Exclusive(Sourced):
    """Why at most one myositis-specific antibody is taken to be true."""

    text: str
    note: str


class FromFindings(Entry):
    """The findings that say how the antibodies of a table without results were found."""

    by_blot: str
    blot: str
    weak: str
    strong: str
    confirmed: str


class Typical(Sourced):
    """From which share of patients on, in percent, a finding is typical."""

    percent: float = Field(gt=0, le=100)


class Confidence(Entry):
    """Everything that turns results into probabilities, and says what is typical."""

    methods: tuple[Method, ...]
    strengths: tuple[StrengthFactors, ...]
    hep2: PatternRatios
    settings: tuple[Setting, ...]
    levels: tuple[Level, ...]
    exclusive: Exclusive
    from_findings: FromFindings
    typical: Typical

    @model_validator(mode="after")
    def _closed(self) -> Confidence:
        open_ends = [one.id for one in self.settings if one.when is None]
        if open_ends != [self.settings[-1].id]:
            raise ValueError("the last setting, and only it, has no condition")
        if any(one.at_least <= other.at_least for one, other in pairwise(self.levels)):
            raise ValueError("levels are given from the highest to the lowest")
        if self.levels[-1].at_least != 0:
            raise ValueError("the last level begins at 0")
        if len({one.id for one in self.levels}) < len(self.levels):
            raise ValueError("levels have different ids")
        return self

    def method_names(self) -> Names:
        """Return the names of every method with its id."""
        return Names.of((x.id, (x.id, x.label, *x.synonyms)) for x in self.methods)

    def factor(self, kind: AntibodyKind, strength: Strength) -> float:
        """Return by what the ratio of a positive result of this strength is multiplied."""
        return next(one.factors[strength] for one in self.strengths if kind in one.kinds)


class Prior(Sourced):
    """How frequent an antibody is in myositis; the first entry whose condition is true counts."""

    when: str | None = None
    value: float = Field(gt=0, lt=1)
    note: str | None = None


class Pattern(Sourced):
    """The HEp-2 pattern of an antibody. One that HEp-2 cells often miss is not doubted without it."""

    pattern: str
    text: str
    missed: bool = False
    fits: float | None = None
    differs: float | None = None
    note: str | None = None


class Expectation(Sourced):
    """A finding to expect, with the share of patients in percent where it is known."""

    finding: str
    percent: float | None = Field(None, ge=0, le=100)
    note: str | None = None


class Unusual(Sourced):
    """A finding that does not fit, and what it means."""

    finding: str
    text: str


class Workup(Sourced):
    """What has to be looked for, and the condition under which it was recorded."""

    id: str
    text: str
    done: str
    strength: Evidence


class Antibody(Sourced):
    """One antibody: what it defines, expects, does not fit and asks for.

    Without ``priors`` it has no probability. ``target`` is given where the probability is not that of the
    antibody being there but of a disease.
    """

    id: str
    kind: AntibodyKind
    group: str
    subset: str
    target: str | None = None
    priors: tuple[Prior, ...] = ()
    hep2: Pattern | None = None
    expected: tuple[Expectation, ...] = ()
    unusual: tuple[Unusual, ...] = ()
    workup: tuple[Workup, ...] = ()

    @model_validator(mode="after")
    def _closed(self) -> Antibody:
        open_ends = [index for index, one in enumerate(self.priors) if one.when is None]
        if self.priors and open_ends != [len(self.priors) - 1]:
            raise ValueError("the last prior, and only it, has no condition")
        if len({one.value for one in self.priors}) < len(self.priors):
            raise ValueError("priors differ, so that the one used can be named by its value")
        return self


class Statement(Sourced):
    """Something to say when a condition holds; with ``each``, once for each of these antibodies.

    ``each`` holds kinds or ids; ``{x}`` in the condition and ``{antibody}`` in the text stand for each.
    """

    id: str
    topic: Topic
    text: str
    when: str
    each: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    strength: Evidence


class Subtype(Sourced):
    """A subtype of myositis, as recorded or as it follows from findings."""

    id: str
    text: str
    when: str
    note: str | None = None


class Scope(Sourced):
    """A condition under which a guideline applies, and what to say when it does not."""

    id: str
    text: str
    when: str
    otherwise: str


class Factor(Sourced):
    """A risk factor for cancer."""

    id: str
    tier: Tier
    kind: str
    text: str
    when: str
    note: str | None = None


class Reached(Entry):
    """So many factors of a tier."""

    tier: Tier
    at_least: int = Field(ge=1)


class Category(Sourced):
    """A category of risk and the search for cancer that it asks for."""

    id: str
    title: str
    reached_by: tuple[Reached, ...]
    at_diagnosis: tuple[str, ...]
    follow_up: str


class Panel(Sourced):
    """A panel of investigations."""

    id: str
    text: str
    items: tuple[str, ...]


class Extra(Sourced):
    """A further investigation under a condition."""

    id: str
    text: str
    when: str
    strength: Evidence


class Note(Sourced):
    """A remark."""

    text: str


class CancerGuideline(Sourced):
    """Whom to search for cancer, how, how often and how long."""

    id: str
    title: str
    since: int
    subtypes: tuple[Subtype, ...]
    applies: tuple[Scope, ...]
    factors: tuple[Factor, ...]
    categories: tuple[Category, ...]
    panels: tuple[Panel, ...]
    extras: tuple[Extra, ...]
    notes: tuple[Note, ...]

    @model_validator(mode="after")
    def _closed(self) -> CancerGuideline:
        open_ends = [one.id for one in self.categories if not one.reached_by]
        if open_ends != [self.categories[-1].id]:
            raise ValueError("the last category, and only it, is reached by nothing")
        known = {one.id for one in self.panels}
        for category in self.categories:
            for panel in category.at_diagnosis:
                if panel not in known:
                    raise ValueError(f"category {category.id}: unknown panel {panel}")
        return self


@dataclass(frozen=True)
class SerologyKnowledge:
    """Everything under ``serology/`` of a knowledge folder."""

    confidence: Confidence
    antibodies: Mapping[str, Antibody]
    statements: tuple[Statement, ...]
    cancer: CancerGuideline

    @classmethod
    def load(cls, folder: Path) -> SerologyKnowledge:
        """Read ``serology/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = folder / "serology"
        files = [where / "statements" / f"{name}.yaml" for name in STATEMENTS]
        antibodies = load_list(where / "antibodies" / "antibodies.yaml", Antibody)
        return cls(
            load(where / "confidence" / "methods.yaml", Confidence),
            {one.id: one for one in antibodies},
            tuple(statement for path in files for statement in load_list(path, Statement)),
            load(where / "cancer" / "imacs_2023.yaml", CancerGuideline),
        )

    def chosen(self, each: Iterable[str]) -> Iterator[Antibody]:
        """Walk through the antibodies that a statement is made for."""
        wanted = set(each)
        for one in self.antibodies.values():
            if one.id in wanted or one.kind in wanted:
                yield one

    def sourced(self) -> Iterator[Sourced]:
        """Walk through every entry that has sources."""
        confidence, cancer = self.confidence, self.cancer
        for method in confidence.methods:
            yield from (method.any_antibody, *method.antibodies.values())
        yield from (*confidence.strengths, confidence.hep2, *confidence.settings)
        yield from (confidence.exclusive, confidence.typical)
        for one in self.antibodies.values():
            yield from (one, *one.priors, *one.expected, *one.unusual, *one.workup)
            if one.hep2:
                yield one.hep2
        yield from self.statements
        yield from (cancer, *cancer.subtypes, *cancer.applies, *cancer.factors, *cancer.notes)
        yield from (*cancer.categories, *cancer.panels, *cancer.extras)
