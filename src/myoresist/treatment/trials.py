"""Published results, one row each, and the rules by which they may be put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from myoresist.case.catalogue import Names, listed, read_rows
from myoresist.case.drug_names import Drug
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Check, Entry, Sourced, load

Refractory = Literal["yes", "no", "mixed"]


class Trial(Entry):
    """One result of one study, as its source gives it; what the source does not give stays None.

    ``counts`` are ``derived`` where they were worked out from percentages. ``pool`` is no, with the reason,
    for a row whose denominator is doubtful. Rows of one ``group`` are about the same patients.
    """

    trial_id: str
    source: str
    label: str
    year: int | None = None
    design: str
    treatment: tuple[str, ...] = ()
    comparator_treatment: tuple[str, ...] = ()
    subsets: tuple[str, ...] = Field(min_length=1)
    refractory: Refractory | None = None
    group: str
    n_arm: int | None = Field(None, ge=1)
    n_control: int | None = Field(None, ge=1)
    intervention: str
    control: str
    comparator: str | None = None
    outcome: str
    outcome_class: str
    weeks: float | None = Field(None, ge=0)
    events_arm: int | None = Field(None, ge=0)
    events_control: int | None = Field(None, ge=0)
    counts: Literal["reported", "derived"] | None = None
    effect_measure: str | None = None
    effect: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: str | None = None
    pool: Literal["yes", "no"]
    pool_reason: str | None = None
    check: Check
    confidence: Literal["high", "medium", "low"]

    _listed = field_validator("treatment", "comparator_treatment", "subsets", mode="before")(listed)

    @model_validator(mode="after")
    def _counted(self) -> Trial:
        for events, patients in (
            (self.events_arm, self.n_arm),
            (self.events_control, self.n_control),
        ):
            if events is not None and (patients is None or events > patients):
                raise ValueError("more patients have the outcome than there are")
        if (self.pool == "no") != (self.pool_reason is not None):
            raise ValueError("pool is no with a reason, or yes without one")
        return self

    @property
    def name(self) -> str:
        """Return who published it, and when."""
        return f"{self.label} {self.year}" if self.year else self.label


class Stratum(Entry):
    """Designs that may stand together; ``why_not`` says why their results are never summarised."""

    text: str
    controlled: bool
    pooled: bool
    why_not: str | None = None
    warning: str | None = None


class Design(Entry):
    """A study design."""

    text: str
    stratum: str


class Outcome(Entry):
    """A class of outcomes; ``better`` says whether more or fewer such patients are better."""

    text: str
    better: Literal["more", "fewer"] | None = None


class Window(Entry):
    """Time points that may stand together, in weeks, both ends included."""

    id: str
    text: str
    start: float = Field(alias="from")
    end: float | None = Field(None, alias="to")

    def holds(self, weeks: float) -> bool:
        """Tell whether a time point lies in the window."""
        return self.start <= weeks and (self.end is None or weeks < self.end + 1)


class Subset(Entry):
    """A subset of myositis and the population it belongs to."""

    text: str
    population: str


class Treatment(Entry):
    """A treatment and the drugs whose names lead to it."""

    text: str
    drugs: tuple[str, ...] = ()


class Rule(Sourced):
    """A rule of compatibility and its reason."""

    id: str
    text: str
    reason: str


class Method(Sourced):
    """A statistical method, used for single studies or for summaries."""

    id: str
    of: Literal["study", "summary"]
    text: str


class Minimum(Entry):
    """How many studies a summary and a prediction interval need, and the smallest arm that counts."""

    studies: int = Field(ge=2)
    prediction: int = Field(ge=3)
    smallest_arm: int = Field(ge=1)


class Benefit(Entry):
    """Which result stands beside an option: which controls count, and the outcomes in their order."""

    controls: tuple[str, ...]
    outcomes: tuple[str, ...]
    reason: str


class Synthesis(Entry):
    """What may be put together, how, and the words that rows may use."""

    level: float = Field(gt=0, lt=1)
    rules: tuple[Rule, ...]
    minimum: Minimum
    methods: tuple[Method, ...]
    warnings: Mapping[str, str]
    strata: Mapping[str, Stratum]
    designs: Mapping[str, Design]
    controls: Mapping[str, str]
    windows: tuple[Window, ...]
    windows_reason: str
    outcomes: Mapping[str, Outcome]
    subsets: Mapping[str, Subset]
    populations: Mapping[str, str]
    treatments: Mapping[str, Treatment]
    benefit: Benefit

    @model_validator(mode="after")
    def _words(self) -> Synthesis:
        strange = {*self.benefit.controls} - {*self.controls} | {*self.benefit.outcomes} - {
            *self.outcomes
        }
        if strange:
            raise ValueError(f"benefit: {min(strange)} is neither a control nor an outcome")
        return self

    def stratum(self, trial: Trial) -> Stratum:
        """Return which designs a trial may stand together with."""
        return self.strata[self.designs[trial.design].stratum]

    def window(self, trial: Trial) -> Window | None:
        """Return the window of a trial's time point, if the time is known."""
        if trial.weeks is None:
            return None
        return next((one for one in self.windows if one.holds(trial.weeks)), None)

    def populations_of(self, trial: Trial) -> tuple[str, ...]:
        """Return the populations in a trial, sorted."""
        return tuple(sorted({self.subsets[one].population for one in trial.subsets}))

    def unknown_words(self, trial: Trial) -> Iterator[tuple[str, str]]:
        """Walk through the columns of a trial whose word is not in the vocabulary."""
        known: dict[str, tuple[Sequence[str], Mapping[str, object]]] = {
            "design": ((trial.design,), self.designs),
            "control": ((trial.control,), self.controls),
            "outcome_class": ((trial.outcome_class,), self.outcomes),
            "subsets": (trial.subsets, self.subsets),
            "treatment": (trial.treatment, self.treatments),
            "comparator_treatment": (trial.comparator_treatment, self.treatments),
        }
        for column, (words, vocabulary) in known.items():
            yield from ((column, word) for word in words if word not in vocabulary)


@dataclass(frozen=True)
class Trials:
    """All rows, the rules, and the names under which treatments are found."""

    rows: tuple[Trial, ...]
    synthesis: Synthesis
    drugs: Mapping[str, Drug]

    @classmethod
    def load(cls, folder: Path) -> Trials:
        """Read ``trials/`` and the drugs of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        path = folder / "trials" / "trials.csv"
        synthesis = load(folder / "trials" / "synthesis.yaml", Synthesis)
        drugs = {drug.id: drug for _, drug in read_rows(folder / "drugs" / "drugs.csv", Drug)}
        rows = read_rows(path, Trial)
        problems = [
            Problem(str(path), line, column, f"{word} is not in synthesis.yaml")
            for line, trial in rows
            for column, word in synthesis.unknown_words(trial)
        ]
        seen: set[str] = set()
        for line, trial in rows:
            if trial.trial_id in seen:
                problems.append(Problem(str(path), line, trial.trial_id, "stands here twice"))
            seen.add(trial.trial_id)
        if problems:
            raise DocumentError(problems)
        return cls(tuple(trial for _, trial in rows), synthesis, drugs)

    @cached_property
    def names(self) -> Names:
        """Return the names of treatments, and of the drugs that lead to them."""
        return Names.of(
            (id_, (id_, treatment.text, *self._drug_names(treatment)))
            for id_, treatment in self.synthesis.treatments.items()
        )

    def _drug_names(self, treatment: Treatment) -> Iterator[str]:
        for drug in (self.drugs[one] for one in treatment.drugs):
            yield from (drug.id, drug.label, *drug.synonyms)
