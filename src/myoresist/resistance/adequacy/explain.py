"""The treatment history of one patient: every trial with its courses, its verdict and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN
from myoresist.arrays.runs import Floats
from myoresist.arrays.table import Table
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import REASONS
from myoresist.resistance.adequacy.bounds import Bound, Bounds
from myoresist.resistance.adequacy.doses import LEAST
from myoresist.resistance.adequacy.evaluate import History, TreatmentKnowledge
from myoresist.resistance.adequacy.glucocorticoid import dose_over_time
from myoresist.resistance.adequacy.records import MISSING
from myoresist.resistance.adequacy.refractory import DefinitionResult
from myoresist.resistance.adequacy.schema import Regimen
from myoresist.resistance.adequacy.segments import longest, segments_in_order
from myoresist.result import Result

Verdict = Literal["adequate", "inadequate", "undetermined", "not_tried", "unknown"]
Ended = Literal[
    "running", "no_effect", "relapse", "side_effect", "remission", "access",
    "wish_for_pregnancy", "other", "unknown"
]  # fmt: skip


class Span(Result):
    """A number of which the lowest and the highest possible value are known; ``None`` is no limit."""

    low: float
    high: float | None


class CourseResult(Result):
    """One course: records of one drug without a longer pause between them.

    Attributes:
        start: first and last day on which it may have begun.
        end: last day of exposure that is possible; ``None`` while it may go on.
        ended: why it ended; ``running`` while it goes on.
        weeks_at_dose: longest uninterrupted time at the least dose.
        together_with: other trials whose courses it may overlap.
    """

    start: tuple[date | None, date | None]
    end: date | None
    ended: Ended
    verdict: Verdict
    weeks_at_dose: Span
    together_with: tuple[str, ...]


class RemarkResult(Result):
    """What to keep in mind about a trial."""

    text: str
    cites: tuple[str, ...]


class TrialResult(Result):
    """One drug or combination.

    Attributes:
        verdict: on what is recorded; ``adequate``, ``inadequate``, ``undetermined`` (see ``missing``),
            ``not_tried`` (the list is complete) or ``unknown`` (nothing recorded).
        so_far: whether a course goes on, so that the verdict may change with time.
        highest_dose: highest dose reached as a multiple of the least that counts.
        weeks_close: where no dose was enough but one was close to it, the longest time on such a dose.
        helped: whether a good response is reported, which no dose table overrules.
        missing: what would have to be known (words of ``records.MISSING``).
        weeks_short: least number of weeks that are missing, when it was too short.
    """

    id: str
    label: str
    kind: str
    verdict: Verdict
    so_far: bool
    weeks_at_dose: Span
    weeks_needed: float
    judge_at_weeks: float | None
    highest_dose: Span
    weeks_close: Span | None
    helped: bool
    missing: tuple[str, ...]
    weeks_short: float | None
    level_below_target: bool | None
    courses: tuple[CourseResult, ...]
    remarks: tuple[RemarkResult, ...]
    usual: str | None
    text: str | None
    cites: tuple[str, ...]
    check: str


class DoseResult(Result):
    """A stretch of time on one prednisone-equivalent dose, where dates and doses are sure."""

    start: date
    end: date
    mg_day: float


class TreatmentHistory(Result):
    """What was given to one patient, judged.

    Attributes:
        complete: whether every course is known to be listed; otherwise no trial is known to be lacking.
        trials: every drug or combination of which something is known.
        windows: exposures that published definitions ask for, in the same form.
        glucocorticoid: the dose over time.
        columns: the derived columns.
        definitions: the definitions of refractory disease.
    """

    complete: bool
    trials: tuple[TrialResult, ...]
    windows: tuple[TrialResult, ...]
    glucocorticoid: tuple[DoseResult, ...]
    columns: dict[str, bool | float | None]
    definitions: tuple[DefinitionResult, ...]


_VERDICTS: Mapping[int, Verdict] = {TRUE: "adequate", FALSE: "inadequate", UNKNOWN: "undetermined"}
_VALUES = {TRUE: True, FALSE: False, UNKNOWN: None}
_ENDED: Mapping[str, Ended] = {
    "no effect": "no_effect", "side effect": "side_effect", "remission": "remission",
    "relapse": "relapse", "access": "access", "wish for pregnancy": "wish_for_pregnancy", "other": "other",
}  # fmt: skip


def treatment_history(
    base: TreatmentKnowledge, judged: History, known: Mapping[str, Any]
) -> TreatmentHistory:
    """Return the treatment history of one patient.

    Args:
        base: what it was judged by.
        judged: the history of this patient alone.
        known: what is known of the patient, visits included.
    """
    values = judged.columns.row(0)
    columns = {name: values[name] for name in judged.names}
    row = {**columns, **{name: value for name, value in known.items() if value is not None}}
    one = _Patient(base, judged, _applying(base, row))
    return TreatmentHistory(
        complete=bool(judged.whole[0]),
        trials=tuple(one.trials(base.regimens.trials)),
        windows=tuple(one.trials(base.regimens.windows)),
        glucocorticoid=tuple(_doses(judged)),
        columns=columns,
        definitions=base.refractory.results(row),
    )


def _applying(base: TreatmentKnowledge, row: Mapping[str, Any]) -> frozenset[str]:
    """Return the remarks, by regimen and place, that apply to a patient."""
    read = base.remarks.inputs
    answers = base.remarks.run(Table.of_rows([{name: row.get(name) for name in read}])).row(0)
    return frozenset(name for name in base.remarks.rules if answers[name])


def _doses(judged: History) -> Iterator[DoseResult]:
    taken = dose_over_time(judged.exposures, judged.regimens)
    for begin, end, dose in zip(taken.begin, taken.end, taken.dose, strict=True):
        yield DoseResult(start=_day(begin), end=_day(end - 1), mg_day=float(dose))


@dataclass(frozen=True)
class _Patient:
    """Says what is known of each trial of one patient.

    Attributes:
        base: by what it was judged.
        judged: the history of this patient alone.
        remarks: the remarks that apply, by regimen and place.
    """

    base: TreatmentKnowledge
    judged: History
    remarks: frozenset[str]

    def trials(self, regimens: tuple[Regimen, ...]) -> Iterator[TrialResult]:
        """Yield the trials of which something is recorded, or which are known not to have been given."""
        recorded = {number: row for row, number in enumerate(self.judged.trials.regimen.tolist())}
        for one in regimens:
            number = self.base.regimens.numbers[one.id]
            if number in recorded:
                yield self._recorded(one, recorded[number])
            elif self.judged.whole[0]:
                yield self._result(one, "not_tried", Span(low=0, high=0), Span(low=0, high=0))

    def _recorded(self, one: Regimen, row: int) -> TrialResult:
        found = self.judged.trials
        lacking = found.lacks[row]
        possible = float(found.at_dose.possible[row])
        short = found.below_min_duration[row] == TRUE and found.below_min_dose[row] != TRUE
        return self._result(
            one,
            _VERDICTS[found.verdict.item(row)],
            _span(found.at_dose, row, unit=7, digits=1),
            _span(found.peak, row, unit=LEAST, digits=3),
            weeks_close=self._close(one, row),
            helped=bool(found.helped[row] == TRUE),
            so_far=bool(found.running[row] == TRUE),
            missing=tuple(word for word, lacks in zip(MISSING, lacking, strict=True) if lacks),
            weeks_short=round((one.days - possible) / 7, 1) if short else None,
            level_below_target=_VALUES[found.level_below_target.item(row)],
            courses=tuple(self._courses(self.base.regimens.numbers[one.id])),
            remarks=tuple(
                RemarkResult(text=remark.text, cites=remark.cites)
                for place, remark in enumerate(one.remarks)
                if f"{one.id}.{place}" in self.remarks
            ),
        )

    def _result(
        self,
        one: Regimen,
        verdict: Verdict,
        weeks_at_dose: Span,
        highest_dose: Span,
        **recorded: Any,
    ) -> TrialResult:
        assert one.check is not None
        nothing: dict[str, Any] = {
            "so_far": False, "missing": (), "weeks_short": None, "level_below_target": None,
            "courses": (), "remarks": (), "weeks_close": None, "helped": False,
        }  # fmt: skip
        return TrialResult(
            id=one.id,
            label=one.label,
            kind=one.kind,
            verdict=verdict,
            weeks_at_dose=weeks_at_dose,
            weeks_needed=one.least_weeks,
            judge_at_weeks=one.judge_at_weeks,
            highest_dose=highest_dose,
            usual=one.usual,
            text=one.text,
            cites=one.cites,
            check=one.check,
            **{**nothing, **recorded},
        )

    def _close(self, one: Regimen, row: int) -> Span | None:
        """Return the longest time on a dose close to the least that counts, where none was enough."""
        share = self.base.regimens.conventions.close_share * LEAST
        found = self.judged.trials
        if found.below_min_dose[row] != TRUE or found.peak.certain[row] < share:
            return None
        taken = self.judged.exposures.of_regimen(self.base.regimens.numbers[one.id])
        gap = self.base.regimens.columns.gap[self.base.regimens.numbers[one.id]]

        def days(bound: Bound) -> Floats:
            pieces = segments_in_order(taken, bound, taken.course, self.base.regimens)
            near = pieces.only(pieces.dose >= share)
            return np.array([longest(near, np.full(len(near.by), gap))[1].max(initial=0.0)])

        return _span(Bounds.of(days), 0, unit=7, digits=1)

    def _courses(self, regimen: int) -> Iterator[CourseResult]:
        """Yield the courses of one regimen, in order of time."""
        courses = self.judged.courses
        mine = np.flatnonzero((courses.regimen == regimen) & (courses.together != FALSE))
        for row in mine[np.argsort(courses.begin.earliest[mine], kind="stable")]:
            begin, end = courses.begin, courses.end
            days = (begin.earliest.item(row), begin.latest.item(row), end.item(row) - 1)
            # Those of a course of which only the length is known are made up.
            first, latest, last = (None if courses.undated[row] else _known(day) for day in days)
            running, reason = courses.running.item(row), courses.reason_stopped.item(row)
            ended = _ENDED[REASONS[reason]] if reason != NO_WORD else "unknown"
            yield CourseResult(
                start=(first, latest),
                end=last if running == FALSE else None,
                ended="running" if running == TRUE else ended,
                verdict=_VERDICTS[courses.adequate.item(row)],
                weeks_at_dose=_span(courses.at_dose, row, unit=7, digits=1),
                together_with=self._beside(row),
            )

    def _beside(self, row: int) -> tuple[str, ...]:
        """Return the other drugs of which a course may overlap with this one."""
        courses, regimens = self.judged.courses, self.base.regimens
        overlapping = np.flatnonzero(
            (courses.regimen != courses.regimen[row])
            & (courses.begin.earliest < courses.end[row])
            & (courses.begin.earliest[row] < courses.end)
        )
        others = (regimens.regimens[x] for x in courses.regimen[overlapping])
        return tuple(
            sorted({x.label for x in others if x.parts == 1 and x.kind not in ("window", "dose")})
        )


def _span(bounds: Bounds, row: int, unit: float, digits: int) -> Span:
    low, high = bounds.certain.item(row), bounds.possible.item(row)
    return Span(
        low=round(low / unit, digits),
        high=None if np.isinf(high) else round(high / unit, digits),
    )


def _day(number: float) -> date:
    return date(1970, 1, 1) + timedelta(days=int(number))


def _known(number: float) -> date | None:
    return _day(number) if np.isfinite(number) else None
