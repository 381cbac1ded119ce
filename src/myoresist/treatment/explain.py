"""Question 4 for one patient: what must not wait, what comes before a drug, and the options with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myoresist.diagnosis.differential.results import RankingResult
from myoresist.diagnosis.differential.schema import CONFIRMED
from myoresist.resistance.evaluate import ResistanceResult
from myoresist.resistance.explanations.evaluate import PREFIX
from myoresist.rules.reasons import Verdict, explain
from myoresist.treatment.columns import (
    CARE,
    FIRST,
    HINT,
    SUBSET,
    TRIED,
    URGENT,
    against_column,
    dose_column,
    missing_column,
    running_column,
)
from myoresist.treatment.evaluate import Options
from myoresist.treatment.evidence import Evidence as Studies
from myoresist.treatment.results import (
    AgainstResult,
    CareResult,
    CheckResult,
    EventResult,
    EvidenceResult,
    FirstResult,
    GivenResult,
    GroupResult,
    GuidelineResult,
    NotHere,
    OpenSubsetResult,
    OptionResult,
    PlaceResult,
    SourcedText,
    SubsetResult,
    TreatmentResult,
    UncoveredResult,
    Urgency,
    UrgentResult,
)
from myoresist.treatment.schema import (
    Guideline,
    Level,
    Option,
    Regimen,
    Statement,
    Subset,
)

MOST_PICTURES = 3
"""Leading options of which all studies are given."""
LEADING = ("repeat", "do_first", "reasonable")
SEVERITY: dict[Level, int] = {"contraindicated": 0, "avoid": 1, "caution": 2}


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
            given=tuple(self._given()),
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
            if one.quiet and status == "not_excluded":
                continue
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
                **self._at_once(one),
                **_said(one),
            )

    def _at_once(self, one: Statement) -> dict[str, Any]:
        """Return which options of an urgent path can be begun, which not, and what can stand for these."""
        options = self.base.data.options
        barred = {name: self._barred(options[name]) for name in (*one.start, *one.instead)}
        out = [name for name in one.start if barred[name]]
        return {
            "start": {name: options[name].name for name in one.start if not barred[name]},
            "not_here": tuple(
                NotHere(option=name, name=options[name].name, against=barred[name]) for name in out
            ),
            "instead": {
                name: options[name].name for name in one.instead if out and not barred[name]
            },
        }

    def _barred(self, option: Option) -> tuple[AgainstResult, ...]:
        """Return what is recorded that contraindicates an option or leaves it for want of another."""
        present, _ = self._against(option)
        return tuple(one for one in present if one.level != "caution")

    def _given(self) -> Iterator[GivenResult]:
        """Yield every treatment that is given now although it is contraindicated or best avoided."""
        for option in self.base.data.options.values():
            against = self._barred(option) if self.row.get(running_column(option)) else ()
            if against:
                yield GivenResult(option=option.id, name=option.name, against=against)

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
                    order=SourcedText(**_said(subset.order)) if subset.order else None,
                    options=tuple(self._place(subset, one) for one in own),
                    cites=subset.cites,
                    check=subset.check,
                )

    def _open_subsets(self) -> Iterator[OpenSubsetResult]:
        for subset in self.base.data.subsets.values():
            chance = sum(self.chances.get(one, 0.0) for one in subset.diseases)
            proven = any(self.row.get(CONFIRMED + one) for one in subset.diseases)
            least = self.base.data.proven_at if proven else self.base.data.likely_at
            if subset.when is None or chance < least:
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
        known = self.base.pair_of[subset.id, option.id]
        direct, indirect = (
            self.base.support.evidence(subset, option),
            self.base.support.indirect(subset, option),
        )
        rank = self.base.data.certainty
        lines = [(one, True) for one in direct] + [(one, False) for one in indirect]
        lines.sort(key=lambda line: (not line[1], -rank[line[0].certainty]))
        best = {value: name for name, value in rank.items()}
        result = self.base.support.benefit(subset, option)
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
            guidelines=tuple(_guideline(x) for x in self.base.support.guidelines(subset, option)),
            rank=known["rank"],
            on_a_par=tuple(self._on_a_par(subset, place)),
            elsewhere={
                one["subset"]: one["group"]
                for one in self.places
                if one["option"] == option.id and one["group"] != place["group"]
            },
            result=result,
            result_warning=self.base.studies.warning(result.trial) if result else None,
        )

    def _on_a_par(self, subset: Subset, place: Mapping[str, Any]) -> Iterator[str]:
        """Yield the other options of a group that nothing known puts before or after one."""
        rank = self.base.pair_of[subset.id, place["option"]]["rank"]
        for one in self.places:
            same = (one["subset"], one["group"]) == (subset.id, place["group"])
            other = one["option"] != place["option"]
            if same and other and self.base.pair_of[subset.id, one["option"]]["rank"] == rank:
                yield one["option"]

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

    def _against(
        self, option: Option
    ) -> tuple[tuple[AgainstResult, ...], tuple[AgainstResult, ...]]:
        """Return what speaks against an option, and what would if an unknown finding were present."""
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
        return _gravest(present), _gravest(open_)

    def _option(self, option: Option, place: Mapping[str, Any]) -> OptionResult:
        present, open_ = self._against(option)
        trial = next((x for x in self.resistance.treatment.trials if x.id == option.trial), None)
        return OptionResult(
            id=option.id,
            name=option.name,
            kind=option.kind,
            investigational=self._investigational(option),
            status=option.status,
            given=tuple(name for name in TRIED if place[name]),
            verdict=trial.verdict if trial else None,
            against=present,
            check_first=tuple(
                one.id
                for one in self.base.checks_of(option)
                if self.found[missing_column(one)] is not False
            ),
            open=open_,
            regimens=tuple(
                _regimen(one)
                for number, one in enumerate(option.regimens)
                if one.when is None or self.found[dose_column(option, number)] is not False
            ),
            events=tuple(
                EventResult(date=one.date, what=one.what, **_said(one))
                for one in sorted(option.events, key=lambda one: one.date)
            ),
            events_checked=option.events_checked,
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

    def _investigational(self, option: Option) -> bool:
        """Tell whether an option is not licensed for any kind of patient that this one may be."""
        subsets = {one["subset"] for one in self.places if one["option"] == option.id}
        return all(self.base.pair_of[one, option.id]["investigational"] for one in subsets)

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
        stopped = [one.against for one in self._given()]
        stopped += [other.against for one in urgent for other in one.not_here]
        said += [name for against in stopped for part in against for name in part.because]
        return sorted(set(said))


def _gravest(parts: Iterable[AgainstResult]) -> tuple[AgainstResult, ...]:
    return tuple(sorted(parts, key=lambda one: SEVERITY[one.level]))


def _said(one: Statement | Any) -> dict[str, Any]:
    return {"text": one.text, "cites": one.cites, "check": one.check}


def _regimen(one: Regimen) -> SourcedText:
    return SourcedText(**_said(one))


def _guideline(one: Guideline) -> GuidelineResult:
    return GuidelineResult(stance=one.stance, **_said(one))
