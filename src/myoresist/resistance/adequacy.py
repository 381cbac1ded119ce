"""Was each drug tried well enough to call it a failure? Trials of N patients at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from myoresist.case.courses import REASONS, RESPONSES, Treatments
from myoresist.resistance.exposure import (
    POSSIBLE,
    TOP,
    Exposures,
    at_dose,
    exposures,
    wholly_listed,
)
from myoresist.resistance.glucocorticoid import glucocorticoid_columns
from myoresist.resistance.regimens import ORAL, Regimens
from myoresist.resistance.runs import Runs, numbers, told, truth
from myoresist.rules.program import Program

ADEQUATE, INADEQUATE, UNDETERMINED, NOT_TRIED, UNKNOWN = (
    "adequate", "inadequate", "undetermined", "not_tried", "unknown",
)  # fmt: skip
STATE = pl.Enum([ADEQUATE, INADEQUATE, UNDETERMINED, NOT_TRIED, UNKNOWN])

TESTS = (
    "below_min_dose", "below_min_duration", "level_below_target", "adequate",
    "stopped_intolerance", "failed", "never_tried", "interacting_drug", "running",
)  # fmt: skip
_OF_COURSE = TESTS[:6]
BATCH = 20_000
"""Patients that are judged together; more at once take more memory and no less time."""


@dataclass(frozen=True)
class History:
    """What was given to N patients, judged.

    Attributes:
        exposures: what ``exposure.exposures`` returned.
        courses: one row a course of one regimen; see ``_courses``.
        trials: one row a patient and regimen, by regimen, then patient: ``patient``, ``regimen``, ``tried``,
            ``state`` on what is recorded, ``days_sure``, ``days_possible`` of the longest time at the dose,
            ``peak_sure``, ``peak_possible`` (highest share of the least dose), ``running``, ``missing`` (what
            leaves it undetermined; see ``exposure.lacking``) and one Boolean column for each of ``TESTS``.
        columns: one row a patient, as in ``Treatments.patients``: ``patient_id`` and every column of
            ``adequacy/columns.yaml`` that treatments tell.
    """

    exposures: Exposures
    courses: pl.DataFrame
    trials: pl.DataFrame
    columns: pl.DataFrame


def history(
    treatments: Treatments,
    regimens: Regimens,
    weakening: Program,
    findings: pl.DataFrame | None = None,
) -> History:
    """Judge every trial of every patient.

    Args:
        treatments: what was given.
        regimens: what counts as a trial.
        weakening: for each regimen id with a drug that lowers exposure, the condition that says so.
        findings: one row a patient, as in ``treatments.patients``; unknown when left out.
    """
    found = exposures(treatments, regimens)
    courses = _courses(found, treatments, regimens)
    lowered = _lowered(treatments, weakening, findings)
    trials = _trials(courses, treatments, regimens, lowered)
    columns = treatments.patients.select("patient_id").hstack(
        [
            *glucocorticoid_columns(found, treatments, regimens),
            *_wide(trials, regimens, len(treatments.patients)),
            *_last(courses, treatments, regimens, lowered),
        ]
    )
    return History(found, courses, trials, columns)


def derived_columns(
    treatments: Treatments,
    regimens: Regimens,
    weakening: Program,
    findings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the columns of ``History`` alone, for any number of patients in bounded memory.

    Args:
        treatments: as for ``history``, like the others.
        regimens: what counts as a trial.
        weakening: conditions under which a drug lowers exposure.
        findings: one row a patient.
    """
    if len(treatments.patients) <= BATCH:
        return history(treatments, regimens, weakening, findings).columns
    parts = []
    for offset in range(0, len(treatments.patients), BATCH):
        known = findings.slice(offset, BATCH) if findings is not None else None
        parts.append(history(treatments.part(offset, BATCH), regimens, weakening, known).columns)
    return pl.concat(parts)


def derived_findings(columns: pl.DataFrame) -> pl.DataFrame:
    """Return the findings of the catalogue that treatments tell; what a case states itself goes first.

    Args:
        columns: those of ``History``.

    Returns:
        One row a patient: ``glucocorticoid_current``, ``glucocorticoid_failure``,
        ``glucocorticoid_intolerance`` (never false, since another disease may preclude glucocorticoid).
    """
    oral = f"trial_{ORAL}"
    return columns.select(
        "patient_id",
        glucocorticoid_current=pl.col("gc_current_mg_day") > 0,
        glucocorticoid_failure=pl.col(f"{oral}_failed"),
        glucocorticoid_intolerance=pl.when(f"{oral}_stopped_intolerance").then(True),
    )


def _agreed(
    found: Exposures, courses: Runs, column: str, words: pl.Enum, regimens: Regimens
) -> pl.Series:
    """Return the word on which the records agree with which a course ends.

    A combination ends with any of its parts, so there all records have to agree.
    """
    word = found.records[column].take(found.record)
    end, several = found.end[POSSIBLE], regimens.columns["parts"][found.regimen] > 1
    last = (end == courses.spread(courses.max(end))) | several
    said = last & (word >= 0)
    low = courses.min(np.where(said, word, len(words.categories)))
    high = courses.max(np.where(said, word, -1))
    agreed = pl.DataFrame({"word": low, "known": low == high})
    place = agreed.select(pl.when("known").then("word")).to_series()
    return words.categories.cast(words).gather(place).alias(column)


def _courses(found: Exposures, treatments: Treatments, regimens: Regimens) -> pl.DataFrame:
    """Return one row a course.

    Returns:
        ``patient``, ``regimen``, ``course``, ``begin_from``, ``begin_to``, ``end_to`` (days
        since 1970), ``running``, ``reason_stopped``, ``response``, ``days_*``, ``on_*``, ``peak_*`` (see
        ``exposure.at_dose``), ``together`` (whether all drugs of a combination were taken), the tests of a
        course and ``missing``.
    """
    runs = Runs.of(found.course)
    regimen = runs.first(found.regimen)
    limits = regimens.table.select("kind", "needed", "parts", "completes", "level_low")
    start_to = found.records["start_to"].take(found.record)
    columns = {
        "patient": runs.first(found.patient),
        "regimen": regimen,
        "course": runs.first(found.course),
        "begin_from": runs.min(found.begin[POSSIBLE]),
        "begin_to": runs.min(start_to),
        "end_to": runs.max(found.end[POSSIBLE]),
        "running": runs.max(found.records["running"].take(found.record)),
        "no_route": runs.all(found.no_route),
        "missing": runs.bits(found.missing),
        **at_dose(found, regimens),
    }
    courses = (
        pl.DataFrame(columns)
        .hstack(
            [
                _agreed(found, runs, "reason_stopped", REASONS, regimens),
                _agreed(found, runs, "response", RESPONSES, regimens),
            ]
        )
        .hstack(limits.select(pl.all().gather(regimen)))
        .with_columns(
            told("running"),
            peak_possible=pl.when(pl.col("peak_possible") < TOP).then("peak_possible"),
        )
        .pipe(_with_levels, treatments, regimens)
    )
    enough, could = (pl.col(f"days_{x}") >= pl.col("needed") for x in ("sure", "possible"))
    adequate = (
        pl.when(~pl.col("completes") | pl.col("level_below_target").fill_null(False))
        .then(False)
        .when(enough)
        .then(True)
        .when(~could)
        .then(False)
    )
    single = pl.col("parts") == 1
    together = (
        pl.when(pl.when(single).then(~pl.col("no_route")).otherwise(pl.col("on_sure") > 0))
        .then(True)
        .when(~single & (pl.col("on_possible") == 0))
        .then(False)
    )
    # A drug that went on, or that was stopped for another reason, was not stopped for side effects.
    intolerance = (
        pl.when("running").then(False).otherwise(pl.col("reason_stopped") == "side effect")
    )
    without_effect = (
        pl.when((pl.col("response") == "none") | (pl.col("reason_stopped") == "no effect"))
        .then(True)
        .when(pl.col("response").is_in(["partial", "good"]))
        .then(False)
        .when(pl.col("reason_stopped") == "remission")
        .then(False)
    )
    courses = courses.with_columns(
        adequate=adequate,
        together=together,
        # Of a combination it is not told whether all parts go on.
        running=pl.when(single | ~pl.col("running")).then("running"),
        below_min_dose=pl.when(pl.col("days_sure") > 0)
        .then(False)
        .when(pl.col("days_possible") == 0)
        .then(True),
        below_min_duration=pl.when(enough).then(False).when(~could).then(True),
    )
    return courses.with_columns(
        stopped_intolerance=intolerance & ~pl.col("adequate"),
        failed=pl.col("adequate") & without_effect,
        missing=pl.when(pl.col("adequate").is_null()).then("missing").otherwise(0),
    ).drop("needed", "completes", "level_low", "no_route")


def _with_levels(courses: pl.DataFrame, treatments: Treatments, regimens: Regimens) -> pl.DataFrame:
    """Add whether the latest level since a course began lies below its target; NULL without one."""
    measured = treatments.levels.drop_nulls(["date_from", "value"])
    watched = pl.col("level_low").is_not_null()
    if measured.is_empty() or not courses.select(watched.any()).item():
        return courses.with_columns(level_below_target=pl.lit(None, pl.Boolean))
    of_drug = regimens.options.select("regimen", "drug").unique()
    levels = (
        courses.filter(watched)
        .select("course", "patient", "regimen", "level_low", "begin_from", "end_to")
        .join(of_drug, on="regimen")
        .join(measured, on=["patient", "drug"])
        .with_columns(pl.col(x).to_physical().cast(pl.Int64) for x in ("date_from", "date_to"))
        .filter(
            (pl.col("date_to") >= pl.col("begin_from")) & (pl.col("date_from") < pl.col("end_to"))
        )
        # Dates in part may leave open which level is the latest; then those that may be have to agree.
        .filter(pl.col("date_to") >= pl.col("date_from").max().over("course"))
        .with_columns(below=pl.col("value") < pl.col("level_low"))
        .group_by("course")
        .agg(all=pl.col("below").all(), any=pl.col("below").any())
        .select("course", level_below_target=pl.when(pl.col("all") == pl.col("any")).then("all"))
    )
    return courses.join(levels, on="course", how="left", maintain_order="left")


def _lowered(
    treatments: Treatments, weakening: Program, findings: pl.DataFrame | None
) -> dict[str, pl.Series]:
    """Return for each regimen whether another drug lowers its exposure, one value a patient."""
    count = len(treatments.patients)
    if findings is None:
        return {
            x: pl.Series(x, [None], pl.Boolean).new_from_index(0, count) for x in weakening.rules
        }
    told = weakening.run(findings.select(sorted(weakening.leaves(weakening.rules))))
    return {x: told[x] for x in weakening.rules}


def _trials(
    courses: pl.DataFrame,
    treatments: Treatments,
    regimens: Regimens,
    lowered: Mapping[str, pl.Series],
) -> pl.DataFrame:
    """Return one row for every patient and regimen, ordered by regimen, then patient."""
    patients = len(treatments.patients)
    whole = wholly_listed(treatments).to_numpy()
    tried = _summed(courses.filter(pl.col("together").fill_null(True)))
    # All else that is known of a trial of which nothing is recorded is whether every course is listed.
    listed = np.concatenate([whole[tried["patient"].to_numpy()], [True, False]])
    nothing = pl.DataFrame({"patient": pl.Series([None, None], dtype=pl.Int64)})
    table = pl.concat([tried, nothing], how="diagonal").with_columns(whole=pl.Series(listed))
    place = np.tile(len(tried) + ~whole, len(regimens.regimens))
    place[numbers(tried["regimen"]) * patients + numbers(tried["patient"])] = np.arange(len(tried))
    absent = pl.col("tried").is_null() | ~pl.col("tried")
    none = pl.col("days_sure").is_null()
    known_none = none & pl.col("whole")
    nobody = pl.Series([None], dtype=pl.Boolean).new_from_index(0, patients)
    lowering = pl.concat([lowered.get(one.id, nobody) for one in regimens.regimens])
    state = {x: pl.lit(x, dtype=STATE) for x in STATE.categories}

    def said(column: str) -> pl.Expr:
        return pl.when(known_none).then(False).otherwise(column).alias(column)

    table = table.with_columns(
        state=pl.when(known_none)
        .then(state[NOT_TRIED])
        .when(none)
        .then(state[UNKNOWN])
        .when(pl.col("adequate").is_null())
        .then(state[UNDETERMINED])
        .when("adequate")
        .then(state[ADEQUATE])
        .otherwise(state[INADEQUATE]),
        adequate=pl.when(none)
        .then(pl.when("whole").then(False))
        .when(~pl.col("adequate") & ~pl.col("whole"))
        .then(None)
        .otherwise("adequate"),
        never_tried=pl.when(pl.col("tried").fill_null(False))
        .then(False)
        .when(absent & none & pl.col("whole"))
        .then(True),
        missing=pl.col("missing").fill_null(0),
        **{
            x: said(x)
            for x in ("running", *_OF_COURSE)
            if x not in ("adequate", "level_below_target")
        },
    ).select(pl.all().exclude("whole", "patient", "regimen").gather(place))  # fmt: skip
    return table.with_columns(
        regimen=pl.Series(np.repeat(np.arange(len(regimens.regimens)), patients)),
        patient=pl.Series(np.tile(np.arange(patients), len(regimens.regimens))),
        interacting_drug=lowering,
    )


def _summed(courses: pl.DataFrame) -> pl.DataFrame:
    """Return one row a patient and regimen with at least one course, by regimen, then patient."""
    runs = Runs.of(numbers(courses["regimen"]), numbers(courses["patient"]))
    any_ = ("running", "adequate", "stopped_intolerance", "failed")
    all_ = ("below_min_dose", "below_min_duration")
    columns = {
        "regimen": runs.first(numbers(courses["regimen"])),
        "patient": runs.first(numbers(courses["patient"])),
        "tried": runs.any(courses["together"].fill_null(False).to_numpy()),
        **{x: runs.max(numbers(courses[x])) for x in ("days_sure", "days_possible", "peak_sure")},
        "peak_possible": runs.max(numbers(courses["peak_possible"], TOP)),
        "missing": runs.bits(numbers(courses["missing"])),
        **{x: runs.max(truth(courses[x])) for x in any_},
        **{x: runs.min(truth(courses[x])) for x in all_},
        "level_below_target": runs.last(truth(courses["level_below_target"])),
    }
    return pl.DataFrame(columns).with_columns(
        *(told(x) for x in (*any_, *all_, "level_below_target")),
        peak_possible=pl.when(pl.col("peak_possible") < TOP).then("peak_possible"),
    )


def _wide(trials: pl.DataFrame, regimens: Regimens, patients: int) -> Iterable[pl.Series]:
    """Return the columns of every trial and window, and those over all trials."""
    adequate: dict[str, pl.Series] = {}
    over_any: dict[str, list[pl.Series]] = {"failed": [], "stopped_intolerance": []}
    for number, one in enumerate(regimens.regimens):
        rows = trials.slice(number * patients, patients)
        if one.kind == "dose":
            continue
        if one.kind == "window":
            yield rows["adequate"].alias(f"window_{one.id}")
            continue
        for test in TESTS:
            if test == "level_below_target" and one.level is None:
                continue
            if test == "interacting_drug" and one.weakened_by is None:
                continue
            yield rows[test].alias(f"trial_{one.id}_{test}")
        yield (~rows["adequate"]).alias(f"trial_{one.id}_not_adequate")
        if one.kind == "immunosuppressant":
            adequate[one.id] = rows["adequate"]
            for test, columns in over_any.items():
                columns.append(rows[test].alias(one.id))
    for test, columns in over_any.items():
        yield _true_of_any(pl.DataFrame(columns)).alias(f"trial_any_{test}")
    yield from _over_all(pl.DataFrame(adequate), regimens)


def _true_of_any(columns: pl.DataFrame) -> pl.Series:
    return columns.select(pl.any_horizontal(pl.all())).to_series()


def _over_all(adequate: pl.DataFrame, regimens: Regimens) -> Iterable[pl.Series]:
    """Return how many immunosuppressants had an adequate trial, from one column a drug."""
    reached = _true_of_any(adequate)
    yield reached.alias("trial_any_adequate")
    yield (~reached).alias("trial_any_not_adequate")
    combined = [x.id for x in regimens.trials if x.parts > 1 and x.id in adequate.columns]
    own: list[pl.Expr] = []
    for id_ in combined:
        drugs = {drug for dose in regimens[id_].doses for drug in dose.drugs}
        parts = [
            x.id
            for x in regimens.trials
            if x.parts == 1 and drugs & {drug for dose in x.doses for drug in dose.drugs}
        ]
        own.append(pl.col(id_) & ~pl.any_horizontal(parts))
    counted = [pl.col(x) for x in adequate.columns if x not in combined] + own
    unknown = pl.any_horizontal(one.is_null() for one in counted)
    number = pl.sum_horizontal(one.cast(pl.Float64) for one in counted)
    yield (adequate.select(pl.when(~unknown).then(number)).to_series().alias("n_trials_adequate"))


def _last(
    courses: pl.DataFrame,
    treatments: Treatments,
    regimens: Regimens,
    lowered: Mapping[str, pl.Series],
) -> Iterable[pl.Series]:
    """Return the tests of the course begun last: of an immunosuppressant or else of oral glucocorticoid.

    Where dates leave open which it is, a test is known if it is the same for all that it may be.
    """
    patients = pl.DataFrame({"patient": pl.int_range(len(treatments.patients), eager=True)})
    oral = regimens.numbers[ORAL]
    drug = (pl.col("kind") == "immunosuppressant") & (pl.col("parts") == 1)
    some = courses.filter(drug)["patient"].unique()
    gc = (pl.col("regimen") == oral) & ~pl.col("patient").is_in(some.implode())
    others = {regimens.numbers[name]: values for name, values in lowered.items()}
    told = (
        pl.concat(
            [
                pl.DataFrame(
                    {"patient": patients["patient"], "interacting_drug": values}
                ).with_columns(regimen=pl.lit(number, pl.Int64))
                for number, values in others.items()
            ]
        )
        if others
        else pl.DataFrame(
            schema={"patient": pl.Int64, "interacting_drug": pl.Boolean, "regimen": pl.Int64}
        )
    )
    candidates = (
        courses.filter(drug | gc)
        .with_columns(pl.col("patient").cast(pl.Int64))
        .filter(pl.col("begin_to") >= pl.col("begin_from").max().over("patient"))
        .join(told, on=["patient", "regimen"], how="left")
    )
    tests = [*_OF_COURSE, "interacting_drug"]
    agreed = candidates.group_by("patient").agg(
        pl.when(pl.col(x).is_not_null().all() & (pl.col(x).all() == pl.col(x).any()))
        .then(pl.col(x).first())
        .alias(f"trial_last_{x}")
        for x in tests
    )
    table = patients.join(agreed, on="patient", how="left", maintain_order="left").drop("patient")
    yield from table
    yield (~table["trial_last_adequate"]).alias("trial_last_not_adequate")
