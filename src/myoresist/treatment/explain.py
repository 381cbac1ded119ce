"""Question 4 for one patient: what must not wait, what comes before a drug, and the options with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from myoresist.diagnosis.differential.results import RankingResult
from myoresist.knowledge.schema import Check
from myoresist.resistance.evaluate import ResistanceResult
from myoresist.resistance.explanations.evaluate import PREFIX
from myoresist.rules.reasons import Verdict, explain
from myoresist.treatment.evaluate import (
    CARE,
    FIRST,
    HINT,
    SUBSET,
    TRIED,
    URGENT,
    Options,
    against_column,
    missing_column,
)
from myoresist.treatment.evidence import Evidence as Studies
from myoresist.treatment.evidence import Study
from myoresist.treatment.schema import (
    Certainty,
    Direction,
    Guideline,
    Level,
    Option,
    Regimen,
    Stance,
    Statement,
    Subset,
)

Urgency = Literal["present", "possible", "not_excluded"]
MOST_PICTURES = 3
"""Leading options of which all studies are given."""
LEADING = ("do_first", "reasonable")
SEVERITY: dict[Level, int] = {"contraindicated": 0, "avoid": 1, "caution": 2}


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourcedText(_Result):
    """Something said, with its sources and how it was checked."""

    text: str
    cites: tuple[str, ...]
    check: Check | None


class UrgentResult(SourcedText):
    """What must not wait.

    Attributes:
        status: ``present``; ``possible`` while something of it is there and the rest unknown; or
            ``not_excluded`` while nothing of it is known.
    """

    id: str
    name: str
    status: Urgency
    because: tuple[str, ...]
    unknown: tuple[str, ...]


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


class AgainstResult(SourcedText):
    """What speaks against an option in this patient, or would if an unknown finding were present."""

    level: Level
    because: tuple[str, ...]


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


class PlaceResult(_Result):
    """An option in a subset.

    Attributes:
        group: id of the group.
        because: what put it there, in words.
        certainty: of the best direct evidence that it helps; none where there is none.
        result: what one study found in this subset, the most telling that gives counts of patients.
        result_warning: what a reader of its figures has to know of its design.
    """

    option: str
    group: str
    because: tuple[str, ...]
    certainty: Certainty | None
    evidence: tuple[EvidenceResult, ...]
    guidelines: tuple[GuidelineResult, ...]
    result: Study | None
    result_warning: str | None


class SubsetResult(_Result):
    """A kind of patient that this one may well be, with its options in order."""

    id: str
    name: str
    probability: float
    text: str | None
    first_text: str | None
    options: tuple[PlaceResult, ...]
    cites: tuple[str, ...]
    check: Check | None


class OpenSubsetResult(_Result):
    """A subset that may hold once something unknown is known."""

    id: str
    name: str
    unknown: tuple[str, ...]


class UncoveredResult(_Result):
    """A disease that is likely and for which no options are held, with what it would mean."""

    id: str
    name: str
    probability: float
    implication: str
    cites: tuple[str, ...]


class OptionResult(_Result):
    """One treatment in this patient.

    Attributes:
        given: how an earlier or current trial of it went: ``inadequate``, ``failed``, ``intolerance``,
            ``running``; several may hold.
        verdict: the verdict on its trial, where one is recorded.
        against: what is recorded and speaks against it, the gravest first.
        check_first: ids of safety checks that are not recorded.
        open: what would speak against it if a finding that is not known were present.
        judge_after_weeks: from when to when to judge it.
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
    judge_after_weeks: tuple[int, int]
    judge_text: str | None
    checks: tuple[str, ...]
    monitoring: tuple[str, ...]
    adverse_effects: tuple[str, ...]
    interactions: tuple[str, ...]
    note: str | None
    cites: tuple[str, ...]
    check: str


class GroupResult(_Result):
    """A group of options and the rule by which one belongs to it."""

    id: str
    name: str
    text: str


class TreatmentResult(_Result):
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
            for piece in (*option.against, *option.open, *option.regimens):
                yield from piece.cites


def advice(
    base: Options,
    row: Mapping[str, Any],
    found: Mapping[str, Any],
    places: Sequence[Mapping[str, Any]],
    differential: RankingResult,
    resistance: ResistanceResult,
) -> TreatmentResult:
    """Answer for one patient.

    Args:
        base: the compiled treatments.
        row: all that a condition on treatments may read of the patient.
        found: the patient's row of ``Options.evaluate``.
        places: the rows of ``Options.places`` about the patient.
        differential: the differential diagnosis, which weighs the subsets.
        resistance: what was tried, and what else explains the non-response.
    """
    answered = {**dict.fromkeys(base.program.rules), **found}
    return _Patient(base, row, answered, places, differential, resistance).result()


@dataclass
class _Patient:
    """One patient's row, and what it means in words."""

    base: Options
    row: Mapping[str, Any]
    found: Mapping[str, Any]
    places: Sequence[Mapping[str, Any]]
    differential: RankingResult
    resistance: ResistanceResult

    def __post_init__(self) -> None:
        self.seen: dict[str, Verdict] = {}
        self.chances = {one.id: one.probability for one in self.differential.diseases}
        self.known = {
            (one["subset"], one["option"]): one for one in self.base.pairs.iter_rows(named=True)
        }

    def result(self) -> TreatmentResult:
        data = self.base.data
        shown = {one["option"]: one for one in self.places}
        options = {name: self._option(data.options[name], one) for name, one in shown.items()}
        urgent = tuple(self._urgent())
        first = tuple(
            FirstResult(id=one.id, because=self._because(FIRST + one.id), **_said(one))
            for one in data.first
            if self.found[FIRST + one.id]
        )
        opened = {name for one in first for name in one.because}
        said = self._rests_on(urgent, options)
        return TreatmentResult(
            urgent=urgent,
            first=first,
            explanations=tuple(
                one.id
                for one in self.resistance.why.explanations
                if one.status == "supported" and PREFIX + one.id not in opened
            ),
            subsets=tuple(self._subsets()),
            open_subsets=tuple(self._open_subsets()),
            uncovered=tuple(self._uncovered()),
            groups=tuple(
                GroupResult(id=one.id, name=one.name, text=one.text)
                for one in sorted(data.groups, key=lambda one: one.order)
            ),
            options=options,
            missing=tuple(self._missing(options)),
            studies=tuple(self._studies()),
            care=tuple(self._care()),
            labels={x: self.base.labels[x] for x in said if x in self.base.labels},
            values={x: self.row.get(x) for x in said},
        )

    def _verdict(self, column: str) -> Verdict:
        return explain(column, self.base.program, self.row, self.seen)

    def _because(self, column: str) -> tuple[str, ...]:
        return tuple(sorted(self._verdict(column).because))

    def _unknown(self, column: str) -> tuple[str, ...]:
        return tuple(name for name in self._because(column) if self.row.get(name) is None)

    def _urgent(self) -> Iterator[UrgentResult]:
        for one in self.base.data.urgent:
            column = URGENT + one.id
            if self.found[column] is False:
                continue
            hint = self.found.get(column + HINT)
            status: Urgency = (
                "present" if self.found[column] else "possible" if hint else "not_excluded"
            )
            known = (
                self._because(column)
                if status == "present"
                else tuple(x for x in self._because(column) if self.row.get(x) is not None)
            )
            yield UrgentResult(
                id=one.id,
                name=one.name or one.id,
                status=status,
                because=known,
                unknown=() if status == "present" else self._unknown(column),
                **_said(one),
            )

    def _care(self) -> Iterator[CareResult]:
        for one in self.base.data.care:
            applies = True if one.when is None else self.found[CARE + one.id]
            if applies is False:
                continue
            unknown = [name for name in one.asks if self.row.get(name) is None]
            if applies is None:
                unknown += [x for x in self._unknown(CARE + one.id) if x not in unknown]
            yield CareResult(id=one.id, applies=applies, unknown=tuple(unknown), **_said(one))

    def _subsets(self) -> Iterator[SubsetResult]:
        for subset in self.base.data.subsets.values():
            own = [one for one in self.places if one["subset"] == subset.id]
            shown = {one["option"] for one in own}
            if own:
                yield SubsetResult(
                    id=subset.id,
                    name=subset.name,
                    probability=own[0]["probability"],
                    text=subset.text,
                    first_text=subset.first_text if set(subset.comes_first) & shown else None,
                    options=tuple(self._place(subset, one) for one in own),
                    cites=subset.cites,
                    check=subset.check,
                )

    def _open_subsets(self) -> Iterator[OpenSubsetResult]:
        for subset in self.base.data.subsets.values():
            chance = sum(self.chances.get(one, 0.0) for one in subset.diseases)
            if subset.when is None or chance < self.base.data.likely_at:
                continue
            if self.found[SUBSET + subset.id] is None:
                yield OpenSubsetResult(
                    id=subset.id, name=subset.name, unknown=self._unknown(SUBSET + subset.id)
                )

    def _uncovered(self) -> Iterator[UncoveredResult]:
        covered = {name for one in self.base.data.subsets.values() for name in one.diseases}
        for one in self.differential.leading:
            if one.id not in covered and one.probability >= self.base.data.likely_at:
                yield UncoveredResult(
                    id=one.id,
                    name=one.name,
                    probability=one.probability,
                    implication=one.implication,
                    cites=one.cites,
                )

    def _place(self, subset: Subset, place: Mapping[str, Any]) -> PlaceResult:
        option = self.base.data.options[place["option"]]
        known = self.known[subset.id, option.id]
        direct, indirect = self.base.evidence(subset, option), self.base.indirect(subset, option)
        rank = self.base.data.certainty
        lines = [(one, True) for one in direct] + [(one, False) for one in indirect]
        lines.sort(key=lambda line: (not line[1], -rank[line[0].certainty]))
        best = {value: name for name, value in rank.items()}
        result = self.base.benefit(subset, option)
        return PlaceResult(
            option=option.id,
            group=place["group"],
            because=tuple(self._reasons(place["group"], {**known, **place})),
            certainty=best.get(int(known["benefit"])),
            evidence=tuple(
                EvidenceResult(
                    direct=is_direct,
                    design=one.design,
                    direction=one.direction,
                    certainty=one.certainty,
                    why=one.why,
                    text=one.text,
                    cites=one.cites,
                    check=one.check,
                )
                for one, is_direct in lines
            ),
            guidelines=tuple(_guideline(x) for x in self.base.guidelines(subset, option)),
            result=result,
            result_warning=self.base.studies.warning(result.trial) if result else None,
        )

    def _studies(self) -> Iterator[Studies]:
        """Return the studies on the leading options, in their order, as far as they count patients."""
        given: set[str] = set()
        for place in self.places:
            option, subset = place["option"], self.base.data.subsets[place["subset"]]
            if place["group"] not in LEADING or option in given or len(given) == MOST_PICTURES:
                continue
            found = self.base.studies.counted(option, (subset.id, *subset.evidence))
            if found:
                given.add(option)
                yield found

    def _reasons(self, group: str, columns: Mapping[str, Any]) -> Iterator[str]:
        """Say which columns put an option into its group: those that are true and decided."""
        verdict = explain(group, self.base.grouping, columns)
        for name, text in self.base.data.reads.items():
            if name in verdict.because and columns.get(name):
                yield text
        if group == "only_if":
            # The rules above it did not hold; what kept it from them is the reason.
            for name in ("to_avoid", "failed", "intolerance", "investigational"):
                if columns.get(name):
                    yield self.base.data.reads[name]

    def _option(self, option: Option, place: Mapping[str, Any]) -> OptionResult:
        present: list[AgainstResult] = []
        open_: list[AgainstResult] = []
        for number, one in enumerate(self.base.against[option.id]):
            column = against_column(option, number)
            value = self.found[column]
            if value is False:
                continue
            (present if value else open_).append(
                AgainstResult(
                    level=one.level,
                    text=one.text,
                    because=self._because(column) if value else self._unknown(column),
                    cites=one.cites or option.safety_cites,
                    check=one.check or option.safety_check,
                )
            )
        trial = next((x for x in self.resistance.treatment.trials if x.id == option.trial), None)
        return OptionResult(
            id=option.id,
            name=option.name,
            kind=option.kind,
            investigational=option.investigational,
            status=option.status,
            given=tuple(name for name in TRIED if place[name]),
            verdict=trial.verdict if trial else None,
            against=_gravest(present),
            check_first=tuple(
                one.id
                for one in self.base.checks_of(option)
                if self.found[missing_column(one)] is not False
            ),
            open=_gravest(open_),
            regimens=tuple(_regimen(one) for one in option.regimens),
            judge_after_weeks=option.judge_after_weeks,
            judge_text=option.judge_text,
            checks=option.checks,
            monitoring=option.monitoring,
            adverse_effects=option.adverse_effects,
            interactions=option.interactions,
            note=option.note,
            cites=option.safety_cites,
            check=option.safety_check,
        )

    def _missing(self, options: Mapping[str, OptionResult]) -> Iterator[CheckResult]:
        for one in self.base.data.checks:
            asking = tuple(name for name, option in options.items() if one.id in option.check_first)
            if asking:
                reads = sorted(self.base.program.rules[missing_column(one)].reads)
                yield CheckResult(
                    id=one.id,
                    unknown=tuple(name for name in reads if self.row.get(name) is None),
                    options=asking,
                    **_said(one),
                )

    def _rests_on(
        self, urgent: Iterable[UrgentResult], options: Mapping[str, OptionResult]
    ) -> list[str]:
        """Return every finding and column that a statement names."""
        said = [name for one in urgent for name in (*one.because, *one.unknown)]
        said += [name for one in self.base.data.first for name in self._because(FIRST + one.id)]
        said += [
            name for one in self.base.data.care if one.when for name in self._unknown(CARE + one.id)
        ]
        for option in options.values():
            said += [name for part in (*option.against, *option.open) for name in part.because]
        return sorted(set(said))


def _gravest(parts: Iterable[AgainstResult]) -> tuple[AgainstResult, ...]:
    return tuple(sorted(parts, key=lambda one: SEVERITY[one.level]))


def _said(one: Statement | Any) -> dict[str, Any]:
    return {"text": one.text, "cites": one.cites, "check": one.check}


def _regimen(one: Regimen) -> SourcedText:
    return SourcedText(**_said(one))


def _guideline(one: Guideline) -> GuidelineResult:
    return GuidelineResult(stance=one.stance, **_said(one))
