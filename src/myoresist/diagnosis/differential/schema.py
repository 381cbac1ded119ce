"""The knowledge behind the differential diagnosis: diseases, frequencies, investigations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl
from pydantic import Field

from myoresist.knowledge.schema import Entry, Sourced
from myoresist.rules.program import Program

BACKGROUND = "background"
"""Adults with suspected neuromuscular disease, unselected: what every disease is compared with."""

CONFIRMED, PATTERN, NEED, CONTRAST, NEEDED, ENOUGH, FIRST, PAIR = (
    "confirmed.",
    "pattern.",
    "need.",
    "contrast.",
    "needed.",
    "enough.",
    "first.",
    "pair.",
)
"""Begin the columns that say whether a disease is confirmed, a pattern is there, a need is met, neighbours
are told apart, an investigation is needed, enough of it is known, what is asked first, diseases pair."""
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
"""The columns of ``numbers.csv``, and the share of patients below each."""

Confidence = Literal["low", "medium", "high"]
Invasiveness = Literal[1, 2, 3]


class Disease(Sourced):
    """One disease of the differential diagnosis."""

    id: str
    name: str
    family: str
    codes: Mapping[str, str | tuple[str, ...]] = {}
    prior: float = Field(gt=0, lt=1)
    prior_rationale: str
    prior_confidence: Confidence
    beside_myositis: bool
    points_to_it: str
    argues_against_it: str
    why_it_resists: str
    confirmed_by: str
    confirmed_when: str | None = None
    implication: str


class Group(Entry):
    """Findings that travel together (correlated), or of which as a rule one only is found (exclusive).

    Those of a group that is overruled say nothing once any finding of the other group is present.
    """

    id: str
    text: str
    kind: Literal["correlated", "exclusive"]
    correlation: float | None = Field(None, ge=0, le=1)
    findings: tuple[str, ...]
    overruled_by: str | None = None


class Pattern(Sourced):
    """Findings that say more together than each by itself, with a figure of its own; the file explains it."""

    id: str
    text: str
    when: str
    stands_for: tuple[str, ...]
    percent: Mapping[str, float]
    background: float = Field(gt=0, lt=100)
    confidence: Confidence = "low"


class Need(Sourced):
    """What diseases need, and what merely comes with it; the file explains the fields."""

    id: str
    text: str
    diseases: tuple[str, ...]
    needs: str
    otherwise: float | None = Field(None, gt=0, lt=1)
    unknown: float | None = Field(None, gt=0, lt=1)
    comes_with: tuple[str, ...] = ()


class Contrast(Sourced):
    """What tells a disease from neighbours that it is mistaken for; the file explains the fields."""

    id: str
    text: str
    rather: str
    than: tuple[str, ...]
    when: str
    times: float = Field(gt=1)


class Pair(Sourced):
    """Diseases that stand beside whatever leads, where a rule says so."""

    id: str
    text: str
    diseases: tuple[str, ...]
    when: str
    why: str


class LabelSays(Sourced):
    """How many times as likely diseases are, or those of a family, in whoever carries a label."""

    label: str
    times: Mapping[str, float]
    why: str


class Ceiling(Entry):
    """How probable a disease may be stated to be that rests on estimates and is not confirmed."""

    estimates: float = Field(ge=0, le=1)
    at_most: float = Field(gt=0.5, le=1)


class NextTest(Entry):
    """How investigations are looked for, put in order and shown; each field is explained in the file."""

    samples: int = Field(gt=0)
    step_cost: Mapping[int, float]
    bits: float
    proof_share: float
    proof_ratio: float
    treatable: float
    needed: float
    least: float
    urgent: int
    shown: int = Field(gt=0)
    results_shown: int = Field(gt=0)


class Method(Sourced):
    """How frequencies become probabilities; each field is explained in the file."""

    population: str
    pseudo_counts: Mapping[str, float]
    class_spread: float = Field(ge=0)
    annotated_share: float = Field(gt=0, le=1)
    most_counts: float
    shrinkage: float
    lowest: float
    highest: float
    prior_power: float
    prior_factor: Mapping[Confidence, float]
    temperature: float
    stated_temperature: float = Field(gt=0)
    ceiling: Ceiling
    absence_weight: float
    number_weight: float
    number_background: float
    linear_numbers: tuple[str, ...]
    correlation: float = Field(ge=0, le=1)
    label_findings: tuple[str, ...]
    draws: int
    seed: int
    next_test: NextTest
    typical_percent: float
    unexplained_percent: float
    red_flag_ratio: float
    reason_ratio: float
    beside_probability: float
    beside_ratio: float


class Families(Entry):
    """Families of diseases by id, what each label stands for, and what can be treated as a cause."""

    families: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]
    treatable: tuple[str, ...] = ()


class Again(Entry):
    """What an investigation is once a finding is present, such as a biopsy that was taken before."""

    when: str
    name: str
    invasiveness: Invasiveness


class Investigation(Sourced):
    """An investigation and the findings that it answers; the file explains the fields."""

    id: str
    name: str
    invasiveness: Invasiveness
    bedside: bool = False
    follows: str | None = None
    again: Again | None = None
    resolves: tuple[str, ...] = ()
    needed_when: str | None = None
    needed_for: Mapping[str, float] = {}
    enough_when: str | None = None
    ask_first: tuple[str, ...] = ()
    ask_first_when: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Diseases:
    """Everything that the differential diagnosis rests on.

    Attributes:
        diseases: by id, in the order of the file.
        frequencies: one row a disease (or ``background``) and finding: ``percent`` in patients in whom it
            was looked for, counts ``n`` of ``total`` where published, ``source``, ``check``, ``confidence``.
        numbers: the same for measured findings, as quantiles ``p05`` to ``p95``.
        groups: findings that travel together.
        patterns: findings that say more together.
        needs: what diseases need.
        contrasts: what tells neighbours apart.
        labels: what the label says that a patient carries.
        pairs: diseases that go together.
        paired: the rules that tell where they do.
        adjusting: the rules that tell where a pattern is there, a need is met, and neighbours are told apart.
        confirmed: for diseases that have one, the rule that tells when it is confirmed.
        needed: the rules that tell when a patient needs an investigation, and when enough of it is known.
    """

    diseases: Mapping[str, Disease]
    frequencies: pl.DataFrame
    numbers: pl.DataFrame
    groups: tuple[Group, ...]
    patterns: tuple[Pattern, ...]
    needs: tuple[Need, ...]
    contrasts: tuple[Contrast, ...]
    labels: tuple[LabelSays, ...]
    pairs: tuple[Pair, ...]
    paired: Program
    adjusting: Program
    families: Families
    method: Method
    investigations: tuple[Investigation, ...]
    confirmed: Program
    needed: Program

    @cached_property
    def said(self) -> Mapping[str, str]:
        """Return in words what patterns, needs and contrasts are."""
        said = {one.id: one.text for one in self.patterns}
        said |= {one.id: one.text for one in self.needs}
        return said | {one.id: one.text for one in self.contrasts}

    @cached_property
    def published(self) -> int:
        """Return how many frequencies rest on a publication; the others are estimates or definitions."""
        return int(self.frequencies["source"].is_not_null().sum())
