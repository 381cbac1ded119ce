"""The treatment history of one patient: every trial with its courses, its verdict and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from myoresist.case.courses import Treatments
from myoresist.case.model import Case
from myoresist.case.terms import Terms
from myoresist.document import DocumentError, Problem
from myoresist.resistance.adequacy.columns import Columns
from myoresist.resistance.adequacy.evaluate import History, derived_columns, history
from myoresist.resistance.adequacy.exposure import FAR, WHOLE, lacking, wholly_listed
from myoresist.resistance.adequacy.glucocorticoid import dose_over_time
from myoresist.resistance.adequacy.refractory import DefinitionResult, Refractory
from myoresist.resistance.adequacy.schema import Regimen, Regimens
from myoresist.rules.condition import Condition, RuleError
from myoresist.rules.frames import run_frame
from myoresist.rules.kept import parse
from myoresist.rules.program import Program

Verdict = Literal["adequate", "inadequate", "undetermined", "not_tried", "unknown"]
Ended = Literal["running", "no_effect", "side_effect", "remission", "other", "unknown"]


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Result):
    """A number of which the lowest and the highest possible value are known; ``None`` is no limit."""

    low: float
    high: float | None


class CourseResult(_Result):
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


class RemarkResult(_Result):
    """What to keep in mind about a trial."""

    text: str
    cites: tuple[str, ...]


class TrialResult(_Result):
    """One drug or combination.

    Attributes:
        verdict: on what is recorded; ``adequate``, ``inadequate``, ``undetermined`` (see ``missing``),
            ``not_tried`` (the list is complete) or ``unknown`` (nothing recorded).
        so_far: whether a course goes on, so that the verdict may change with time.
        highest_dose: highest dose reached as a multiple of the least that counts.
        missing: what would have to be known (words of ``exposure.MISSING``).
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
    missing: tuple[str, ...]
    weeks_short: float | None
    level_below_target: bool | None
    courses: tuple[CourseResult, ...]
    remarks: tuple[RemarkResult, ...]
    usual: str | None
    text: str | None
    cites: tuple[str, ...]
    check: str


class DoseResult(_Result):
    """A stretch of time on one prednisone-equivalent dose, where dates and doses are sure."""

    start: date
    end: date
    mg_day: float


class TreatmentHistory(_Result):
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


@dataclass(frozen=True)
class TreatmentKnowledge:
    """All that judges a treatment history, read from a knowledge folder and compiled.

    Attributes:
        regimens: what counts as a trial.
        columns: the derived columns.
        weakening: for regimens with a drug that lowers exposure, the condition that says so.
        remarks: conditions of remarks, by regimen and place.
        refractory: the definitions of refractory disease.
    """

    regimens: Regimens
    columns: Columns
    weakening: Program
    remarks: Program
    refractory: Refractory

    @classmethod
    def load(cls, folder: Path, terms: Terms) -> TreatmentKnowledge:
        """Read ``adequacy/`` and ``refractory/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        regimens = Regimens.load(folder, terms)
        columns = Columns.load(folder, regimens, terms.catalogue)
        names = columns.names
        weakening: dict[str, Condition] = {}
        remarks: dict[str, Condition] = {}
        problems = []
        for one in regimens.regimens:
            try:
                if one.weakened_by:
                    weakening[one.id] = parse(one.weakened_by, names)
                for number, remark in enumerate(one.remarks):
                    remarks[f"{one.id}.{number}"] = parse(remark.when, names)
            except RuleError as error:
                file = str(folder / "adequacy" / "regimens.yaml")
                problems.append(Problem(file, None, one.id, str(error)))
        if problems:
            raise DocumentError(problems)
        refractory = Refractory.load(folder, columns)
        return cls(regimens, columns, Program(weakening), Program(remarks), refractory)

    def history(self, treatments: Treatments, findings: pl.DataFrame | None = None) -> History:
        """Judge every trial of every patient; see ``adequacy.history``."""
        return history(treatments, self.regimens, self.weakening, findings)

    def derived(self, treatments: Treatments, findings: pl.DataFrame | None = None) -> pl.DataFrame:
        """Return the derived columns of any number of patients; see ``adequacy.derived_columns``."""
        return derived_columns(treatments, self.regimens, self.weakening, findings)

    def of_case(
        self, case: Case, terms: Terms, findings: pl.DataFrame | None = None
    ) -> TreatmentHistory:
        """Return the treatment history of one case.

        Args:
            case: the case.
            terms: the words that it may use.
            findings: one row with what is known of the patient, visits included; unknown when left out.
        """
        known = findings.row(0, named=True) if findings is not None else {}
        treatments = Treatments.of_cases([case], terms)
        return self.told(treatments, self.history(treatments, findings), known)

    def told(
        self, treatments: Treatments, judged: History, known: Mapping[str, Any]
    ) -> TreatmentHistory:
        """Return the treatment history of one patient.

        Args:
            treatments: what was given.
            judged: what ``history`` returned for it.
            known: what is known of the patient, visits included.
        """
        columns = judged.columns.drop("patient_id").row(0, named=True)
        row = {**columns, **{name: value for name, value in known.items() if value is not None}}
        pieces = dose_over_time(judged.exposures, self.regimens)

        def judged_of(regimens: tuple[Regimen, ...]) -> tuple[TrialResult, ...]:
            told = (x for x in regimens if _told(judged, self.regimens.numbers[x.id]))
            return tuple(_trial(self, one, judged, row) for one in told)

        return TreatmentHistory(
            complete=wholly_listed(treatments).item(),
            trials=judged_of(self.regimens.trials),
            windows=judged_of(self.regimens.windows),
            glucocorticoid=tuple(
                DoseResult(start=_day(x["begin"]), end=_day(x["end"] - 1), mg_day=x["mg_day"])
                for x in pieces.to_dicts()
            ),
            columns=columns,
            definitions=self.refractory.results(row),
        )


def _told(judged: History, regimen: int) -> bool:
    """Tell whether a trial is worth a word: something is recorded, or known not to have been given."""
    return bool(judged.trials.row(regimen, named=True)["state"] != "unknown")


def _trial(
    base: TreatmentKnowledge, one: Regimen, judged: History, row: Mapping[str, Any]
) -> TrialResult:
    number = base.regimens.numbers[one.id]
    found = judged.trials.row(number, named=True)
    own = judged.courses.filter(
        (pl.col("regimen") == number) & pl.col("together").fill_null(True)
    ).sort("begin_from", "course")
    others = judged.courses.filter(
        (pl.col("regimen") != number) & (pl.col("parts") == 1) & (pl.col("kind") != "window")
        & (pl.col("kind") != "dose")
    ).to_dicts()  # fmt: skip
    short = found["below_min_duration"] and not found["below_min_dose"]
    applying = run_frame(
        base.remarks, base.columns.one_row(row, base.remarks.leaves(base.remarks.rules))
    ).row(0, named=True)
    assert one.check is not None
    return TrialResult(
        id=one.id,
        label=one.label,
        kind=one.kind,
        verdict=found["state"],
        so_far=found["running"] is True,
        weeks_at_dose=_weeks(found["days_sure"], found["days_possible"]),
        weeks_needed=one.least_weeks,
        judge_at_weeks=one.judge_at_weeks,
        highest_dose=Span(
            low=round((found["peak_sure"] or 0) / WHOLE, 3),
            high=None
            if found["peak_possible"] is None and found["state"] != "not_tried"
            else round((found["peak_possible"] or 0) / WHOLE, 3),
        ),
        missing=lacking(found["missing"]),
        weeks_short=round((one.days - found["days_possible"]) / 7, 1) if short else None,
        level_below_target=found["level_below_target"],
        courses=tuple(_course(base, course, others) for course in own.to_dicts()),
        remarks=tuple(
            RemarkResult(text=remark.text, cites=remark.cites)
            for place, remark in enumerate(one.remarks)
            if applying[f"{one.id}.{place}"] and found["state"] != "not_tried"
        ),
        usual=one.usual,
        text=one.text,
        cites=one.cites,
        check=one.check,
    )


def _course(
    base: TreatmentKnowledge, course: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> CourseResult:
    verdicts: dict[Any, Verdict] = {True: "adequate", False: "inadequate", None: "undetermined"}
    reason = (course["reason_stopped"] or "unknown").replace(" ", "_")
    beside = {
        base.regimens.regimens[other["regimen"]].label
        for other in others
        if other["begin_from"] < course["end_to"] and course["begin_from"] < other["end_to"]
    }
    return CourseResult(
        start=(_known(course["begin_from"]), _known(course["begin_to"])),
        end=None if course["running"] is not False else _known(course["end_to"] - 1),
        ended="running" if course["running"] else reason,
        verdict=verdicts[course["adequate"]],
        weeks_at_dose=_weeks(course["days_sure"], course["days_possible"]),
        together_with=tuple(sorted(beside)),
    )


def _weeks(low: int | None, high: int | None) -> Span:
    unlimited = high is not None and high >= FAR // 2
    return Span(low=round((low or 0) / 7, 1), high=None if unlimited else round((high or 0) / 7, 1))


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def _known(number: int) -> date | None:
    return _day(number) if abs(number) < FAR // 2 else None
