"""What question 4 tells of one patient: what must not wait, what comes before a drug, the options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from myoresist.knowledge.schema import Check
from myoresist.result import Result
from myoresist.treatment.evidence import Evidence as Studies
from myoresist.treatment.evidence import Study
from myoresist.treatment.schema import Certainty, Direction, Happened, Level, Stance

Urgency = Literal["present", "possible", "not_excluded"]


class SourcedText(Result):
    """Something said, with its sources and how it was checked."""

    text: str
    cites: tuple[str, ...]
    check: Check | None


class AgainstResult(SourcedText):
    """What speaks against an option in this patient, or would if an unknown finding were present."""

    level: Level
    because: tuple[str, ...]


class NotHere(Result):
    """An option that would be started at once, and what speaks against it in this patient."""

    option: str
    name: str
    against: tuple[AgainstResult, ...]


class UrgentResult(SourcedText):
    """What must not wait.

    Attributes:
        start: names of options to begin at once, by id; nothing recorded forbids them.
        not_here: options that would be begun, were they not contraindicated or best avoided here.
        instead: names of options for those, by id, as far as they can be given.
        status: ``present``; ``possible`` while something of it is there and the rest unknown; or
            ``not_excluded`` while nothing of it is known.
    """

    id: str
    name: str
    status: Urgency
    because: tuple[str, ...]
    unknown: tuple[str, ...]
    start: dict[str, str] = Field(default_factory=dict)
    not_here: tuple[NotHere, ...] = ()
    instead: dict[str, str] = Field(default_factory=dict)


class GivenResult(Result):
    """A treatment that is given now although something recorded speaks against it.

    Attributes:
        against: the gravest first; never a mere caution.
    """

    option: str
    name: str
    against: tuple[AgainstResult, ...]


class FirstResult(SourcedText):
    """What comes before the next drug."""

    id: str
    because: tuple[str, ...]


class CareResult(SourcedText):
    """What belongs to treatment whatever the drug; ``unknown`` names what should be asked for it.

    Attributes:
        applies: none where it is not known whether it does.
    """

    id: str
    applies: bool | None
    unknown: tuple[str, ...]


class CheckResult(SourcedText):
    """A safety check that is not recorded.

    Attributes:
        unknown: the findings that are not known.
        options: the options shown that ask for it.
    """

    id: str
    unknown: tuple[str, ...]
    options: tuple[str, ...]


class EvidenceResult(SourcedText):
    """What studies found; ``direct`` if in patients of the subset."""

    direct: bool
    design: str
    direction: Direction
    certainty: Certainty
    why: str


class GuidelineResult(SourcedText):
    """What a guideline says."""

    stance: Stance


class PlaceResult(Result):
    """An option in a subset.

    Attributes:
        group: id of the group.
        because: what put it there, in words.
        certainty: of the best direct evidence that it helps; none where there is none.
        rank: its place among the options of the subset; those of one rank are on a par.
        on_a_par: the options of its group that have the same rank: nothing known puts one before another.
        elsewhere: the group in which it stands in other subsets, where that differs; the first subset counts.
        result: what one study found in this subset, the most telling that gives counts of patients.
        result_warning: what a reader of its figures has to know of its design.
    """

    option: str
    group: str
    because: tuple[str, ...]
    certainty: Certainty | None
    evidence: tuple[EvidenceResult, ...]
    guidelines: tuple[GuidelineResult, ...]
    rank: int
    on_a_par: tuple[str, ...]
    elsewhere: dict[str, str]
    result: Study | None
    result_warning: str | None


class SubsetResult(Result):
    """A kind of patient that this one may well be, with its options in order."""

    id: str
    name: str
    probability: float
    text: str | None
    first_text: str | None
    order: SourcedText | None
    options: tuple[PlaceResult, ...]
    cites: tuple[str, ...]
    check: Check | None


class OpenSubsetResult(Result):
    """A subset that may hold once something unknown is known."""

    id: str
    name: str
    unknown: tuple[str, ...]


class UncoveredResult(Result):
    """A disease that is likely and for which no options are held, with what it would mean."""

    id: str
    name: str
    probability: float
    implication: str
    cites: tuple[str, ...]


class EventResult(SourcedText):
    """What happened to a treatment, and on which day, month or year."""

    date: str
    what: Happened


class OptionResult(Result):
    """One treatment in this patient.

    Attributes:
        given: how an earlier or current trial of it went: ``inadequate``, ``failed``, ``intolerance``,
            ``running``, ``adequate``, ``too_early``; several may hold.
        verdict: the verdict on its trial, where one is recorded.
        against: what is recorded and speaks against it, the gravest first.
        check_first: ids of safety checks that are not recorded.
        open: what would speak against it if a finding that is not known were present.
        judge_after_weeks: from when to when to judge it.
        regimens: the doses that are for this patient, as far as is known.
        events: filings, licences and ends of trials, the latest last, looked for on ``events_checked``.
    """

    id: str
    name: str
    kind: str
    investigational: bool
    status: str | None
    given: tuple[str, ...]
    verdict: str | None
    against: tuple[AgainstResult, ...]
    check_first: tuple[str, ...]
    open: tuple[AgainstResult, ...]
    regimens: tuple[SourcedText, ...]
    events: tuple[EventResult, ...]
    events_checked: str | None
    judge_after_weeks: tuple[int, int]
    judge_text: str | None
    checks: tuple[str, ...]
    monitoring: tuple[str, ...]
    adverse_effects: tuple[str, ...]
    interactions: tuple[str, ...]
    note: str | None
    cites: tuple[str, ...]
    check: str


class GroupResult(Result):
    """A group of options and the rule by which one belongs to it."""

    id: str
    name: str
    text: str


class TreatmentResult(Result):
    """What can be done next.

    Attributes:
        first: what comes before a drug.
        explanations: other explanations of non-response that are supported, by id; they come first, too.
        options: every option that stands in a subset, by id.
        missing: safety checks that are not recorded.
        studies: everything that studies found on the leading options.
        labels: what each column that is not a finding is called.
        values: what each finding and column was worth on which a statement rests; none is unknown.
    """

    urgent: tuple[UrgentResult, ...]
    given: tuple[GivenResult, ...]
    first: tuple[FirstResult, ...]
    explanations: tuple[str, ...]
    subsets: tuple[SubsetResult, ...]
    open_subsets: tuple[OpenSubsetResult, ...]
    uncovered: tuple[UncoveredResult, ...]
    groups: tuple[GroupResult, ...]
    options: dict[str, OptionResult]
    missing: tuple[CheckResult, ...]
    studies: tuple[Studies, ...]
    care: tuple[CareResult, ...]
    labels: dict[str, str]
    values: dict[str, bool | float | str | None]

    def sources(self) -> Iterator[str]:
        """Return the keys of all works that it cites."""
        said: tuple[Any, ...] = (*self.urgent, *self.first, *self.care, *self.missing)
        for one in (*said, *self.uncovered, *self.subsets, *self.options.values()):
            yield from one.cites
        for subset in self.subsets:
            for place in subset.options:
                for part in (*place.evidence, *place.guidelines):
                    yield from part.cites
                if place.result:
                    yield place.result.trial.source
        for found in self.studies:
            yield from found.references
        for option in self.options.values():
            for piece in (*option.against, *option.open, *option.regimens, *option.events):
                yield from piece.cites
        stopped = [one.against for one in self.given]
        stopped += [other.against for one in self.urgent for other in one.not_here]
        for part in (x for parts in stopped for x in parts):
            yield from part.cites
        for subset in self.subsets:
            if subset.order:
                yield from subset.order.cites
