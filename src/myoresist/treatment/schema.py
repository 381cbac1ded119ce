"""What is known of treatments: options with their evidence, subsets of patients, groups, and safety checks.

All of it is data of ``knowledge/treatments/``; the files explain their fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from myoresist.document import DocumentError, Problem, did_you_mean
from myoresist.knowledge.schema import Check, Entry, Sourced, load, load_list

Level = Literal["contraindicated", "avoid", "caution"]
Certainty = Literal["high", "moderate", "low", "very_low"]
Direction = Literal["benefit", "no_benefit", "harm", "mixed", "unknown"]
Stance = Literal["preferred", "recommended", "option", "last_resort", "against"]
Happened = Literal[
    "filed", "decision_due", "licensed", "refused", "withdrawn",
    "trial_running", "trial_positive", "trial_negative", "trial_stopped",
]  # fmt: skip


class Regimen(Sourced):
    """A dose as it was used; ``when`` says for whom, where it is not for all."""

    text: str
    when: str | None = None


class Event(Sourced):
    """What happened to a treatment, and on which day, month or year.

    Attributes:
        date: ``2026``, ``2026-09`` or ``2026-09-30``.
        where: the country or region of a licence.
        subsets: for whom; for all if empty.
    """

    date: str = Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")
    what: Happened
    where: str | None = None
    subsets: tuple[str, ...] = ()
    text: str

    @field_validator("date", mode="before")
    @classmethod
    def _written(cls, date: object) -> str:
        # YAML reads a year as a number and a whole date as a date.
        return str(date)


class Evidence(Sourced):
    """What studies found in some subsets; ``why`` gives the reason of the certainty."""

    subsets: tuple[str, ...]
    text: str
    design: str
    direction: Direction
    certainty: Certainty
    why: str


class Guideline(Sourced):
    """What a guideline says for some subsets."""

    subsets: tuple[str, ...]
    stance: Stance
    text: str


class Against(Sourced):
    """What speaks against an option in a patient; without works of its own those of the option count."""

    when: str
    level: Level
    text: str


class Option(Entry):
    """One treatment.

    Attributes:
        trial: the regimen of ``adequacy/`` that judges an earlier trial of it.
        investigational: until a licence is among its events.
        lasts: whether it goes on acting long after the last dose.
        repeated: whether what worked is given again for that; a glucocorticoid bridges, and is not.
        events: filings, licences and the ends of trials, in any order.
        events_checked: the day on which it was last looked for others.
        applies_when: for whom it is an option at all; where unknown it is shown.
        judge_after_weeks: from when to when its effect can be judged.
        status: where it is licensed.
        checks: what to do before the first dose.
    """

    id: str
    name: str
    kind: Literal["drug", "supportive", "withdrawal"]
    drug_class: str = Field(alias="class")
    atc: Mapping[str, str] = {}
    routes: tuple[str, ...] = ()
    trial: str | None = None
    investigational: bool = False
    lasts: bool = False
    repeated: bool = True
    events: tuple[Event, ...] = ()
    events_checked: str | None = Field(None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    applies_when: str | None = None
    regimens: tuple[Regimen, ...]
    judge_after_weeks: tuple[int, int]
    judge_text: str | None = None
    evidence: tuple[Evidence, ...]
    guidelines: tuple[Guideline, ...] = ()
    status: str | None = None
    against: tuple[Against, ...] = ()
    checks: tuple[str, ...] = ()
    monitoring: tuple[str, ...] = ()
    adverse_effects: tuple[str, ...] = ()
    interactions: tuple[str, ...] = ()
    note: str | None = None
    safety_cites: tuple[str, ...]
    safety_check: Check


class Consequence(Sourced):
    """What a finding means for the options that ask for a check and have no rule of their own on it.

    ``options`` names those of the check that it is about, all if empty; ``when`` is the condition where the
    finding alone does not say for whom.
    """

    finding: str
    when: str | None = None
    level: Level
    text: str
    options: tuple[str, ...] = ()


class SafetyCheck(Sourced):
    """A test that options ask for; while ``missing_when`` holds it stands beside each of them."""

    id: str
    text: str
    missing_when: str
    options: tuple[str, ...]
    consequences: tuple[Consequence, ...] = ()


class Order(Sourced):
    """In which order options deserve discussion; those of one inner list are on a par."""

    of: tuple[str | tuple[str, ...], ...]
    text: str

    @property
    def places(self) -> Mapping[str, int]:
        """Return the place of each option, from 0."""
        tied = [(one,) if isinstance(one, str) else one for one in self.of]
        return {name: place for place, names in enumerate(tied) for name in names}


class Subset(Sourced):
    """A kind of patient for whom there is evidence of its own.

    Attributes:
        order: an explicit order of its options, which goes before everything else.
    """

    id: str
    name: str
    diseases: tuple[str, ...]
    when: str | None = None
    evidence: tuple[str, ...] = ()
    indirect: tuple[str, ...] = ()
    comes_first: tuple[str, ...] = ()
    first_text: str | None = None
    not_helpful: tuple[str, ...] = ()
    order: Order | None = None
    text: str | None = None


class Group(Entry):
    """A group of options, with the rule by which one belongs to it."""

    id: str
    name: str
    order: int
    text: str
    when: str


class Statement(Sourced):
    """Something to say ``when`` a condition holds: an urgent path, what comes before a drug, or care.

    Attributes:
        quiet: said only where something of it is recorded, and not as what is not excluded.
        start: options to begin at once, as far as nothing recorded speaks against them.
        instead: options for those of ``start`` that something recorded speaks against.
    """

    id: str
    text: str
    name: str | None = None
    when: str | None = None
    asks: tuple[str, ...] = ()
    quiet: bool = False
    start: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


class _Subsets(Entry):
    likely_at: float = Field(gt=0, lt=1)
    proven_at: float = Field(gt=0, lt=1)
    indirect_at: Certainty
    certainty: Mapping[Certainty, int]
    subsets: tuple[Subset, ...]


class _Groups(Entry):
    reads: Mapping[str, str]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class TreatmentData:
    """``knowledge/treatments/`` as it stands in the files.

    Attributes:
        likely_at: the least probability (0 to 1) at which a subset is shown.
        proven_at: the same where a disease of it is proven.
        indirect_at: the least certainty at which indirect evidence of benefit is shown.
        certainty: a number for each certainty of evidence; more is surer.
        reads: what each column of a rule of ``groups`` means.
    """

    options: Mapping[str, Option]
    checks: tuple[SafetyCheck, ...]
    likely_at: float
    proven_at: float
    indirect_at: Certainty
    certainty: Mapping[Certainty, int]
    subsets: Mapping[str, Subset]
    reads: Mapping[str, str]
    groups: tuple[Group, ...]
    urgent: tuple[Statement, ...]
    first: tuple[Statement, ...]
    care: tuple[Statement, ...]

    @classmethod
    def load(cls, folder: Path) -> TreatmentData:
        """Read ``treatments/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = folder / "treatments"
        options = load_options(where / "options")
        subsets = load(where / "subsets.yaml", _Subsets)
        groups = load(where / "groups.yaml", _Groups)
        data = cls(
            options=options,
            checks=load_list(where / "checks.yaml", SafetyCheck),
            likely_at=subsets.likely_at,
            proven_at=subsets.proven_at,
            indirect_at=subsets.indirect_at,
            certainty=subsets.certainty,
            subsets={one.id: one for one in subsets.subsets},
            reads=groups.reads,
            groups=groups.groups,
            urgent=load_list(where / "urgent.yaml", Statement),
            first=load_list(where / "first.yaml", Statement),
            care=load_list(where / "care.yaml", Statement),
        )
        problems = [
            Problem(str(where / file), None, field, text)
            for file, field, text in data._wrong_names()
        ]
        if problems:
            raise DocumentError(problems)
        return data

    def _wrong_names(self) -> Iterator[tuple[str, str, str]]:
        """Give file, field and message of every name that stands for nothing."""
        for option in self.options.values():
            named = [name for one in option.evidence for name in one.subsets]
            named += [name for one in option.guidelines for name in one.subsets]
            named += [name for one in option.events for name in one.subsets]
            for message in _unknown(named, self.subsets, "subset"):
                yield f"options/{option.id}.yaml", "subsets", message
        for check in self.checks:
            for message in _unknown(check.options, self.options, "option"):
                yield "checks.yaml", check.id, message
            for name in (x for one in check.consequences for x in one.options):
                if name not in check.options:
                    yield "checks.yaml", check.id, f"{name} does not ask for it"
        for subset in self.subsets.values():
            ordered = subset.order.places if subset.order else {}
            named = [*subset.comes_first, *subset.not_helpful, *ordered]
            for message in (
                *_unknown((*subset.evidence, *subset.indirect), self.subsets, "subset"),
                *_unknown(named, self.options, "option"),
            ):
                yield "subsets.yaml", subset.id, message
        for one in self.urgent:
            for message in _unknown((*one.start, *one.instead), self.options, "option"):
                yield "urgent.yaml", one.id, message


def load_options(folder: Path) -> dict[str, Option]:
    """Read ``treatments/options/`` of a knowledge folder: one file an option, called by its id.

    Raises:
        DocumentError: naming file, line and field of whatever cannot be used.
    """
    options: dict[str, Option] = {}
    for path in sorted(folder.glob("*.yaml")):
        one = load(path, Option)
        if one.id != path.stem:
            message = f"the id is {one.id}, but the file is called {path.name}"
            raise DocumentError([Problem(str(path), 1, "id", message)])
        options[one.id] = one
    return options


def _unknown(names: Iterable[str], known: Collection[str], kind: str) -> Iterator[str]:
    """Give the message of every name that is not known."""
    for name in names:
        if name not in known:
            yield f"{name} is no {kind}{did_you_mean(name, known)}"
