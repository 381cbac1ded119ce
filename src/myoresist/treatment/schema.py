"""What is known of treatments: options with their evidence, subsets of patients, groups, and safety checks.

All of it is data of ``knowledge/treatments/``; the files explain their fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from myoresist.document import DocumentError, Problem, did_you_mean
from myoresist.knowledge.schema import Check, Entry, Sourced, load, load_list

Level = Literal["contraindicated", "avoid", "caution"]
Certainty = Literal["high", "moderate", "low", "very_low"]
Direction = Literal["benefit", "no_benefit", "harm", "mixed", "unknown"]
Stance = Literal["recommended", "option", "last_resort", "against"]


class Regimen(Sourced):
    """A dose as it was used."""

    text: str


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
    """What a finding means for the options that ask for a check and have no rule of their own on it."""

    finding: str
    level: Level
    text: str


class SafetyCheck(Sourced):
    """A test that options ask for; while ``missing_when`` holds it stands beside each of them."""

    id: str
    text: str
    missing_when: str
    options: tuple[str, ...]
    consequences: tuple[Consequence, ...] = ()


class Subset(Sourced):
    """A kind of patient for whom there is evidence of its own."""

    id: str
    name: str
    diseases: tuple[str, ...]
    when: str | None = None
    evidence: tuple[str, ...] = ()
    indirect: tuple[str, ...] = ()
    comes_first: tuple[str, ...] = ()
    first_text: str | None = None
    not_helpful: tuple[str, ...] = ()
    text: str | None = None


class Group(Entry):
    """A group of options, with the rule by which one belongs to it."""

    id: str
    name: str
    order: int
    text: str
    when: str


class Statement(Sourced):
    """Something to say ``when`` a condition holds: an urgent path, what comes before a drug, or care."""

    id: str
    text: str
    name: str | None = None
    when: str | None = None
    asks: tuple[str, ...] = ()


class _Subsets(Entry):
    likely_at: float = Field(gt=0, lt=1)
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
        indirect_at: the least certainty at which indirect evidence of benefit is shown.
        certainty: a number for each certainty of evidence; more is surer.
        reads: what each column of a rule of ``groups`` means.
    """

    options: Mapping[str, Option]
    checks: tuple[SafetyCheck, ...]
    likely_at: float
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
            for message in _unknown(named, self.subsets, "subset"):
                yield f"options/{option.id}.yaml", "subsets", message
        for check in self.checks:
            for message in _unknown(check.options, self.options, "option"):
                yield "checks.yaml", check.id, message
        for subset in self.subsets.values():
            for message in (
                *_unknown((*subset.evidence, *subset.indirect), self.subsets, "subset"),
                *_unknown((*subset.comes_first, *subset.not_helpful), self.options, "option"),
            ):
                yield "subsets.yaml", subset.id, message


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
