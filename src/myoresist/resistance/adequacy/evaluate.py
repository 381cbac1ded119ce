"""Was each drug tried well enough to call it a failure? Trials of N patients at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided, told, truth
from myoresist.arrays.runs import Flags, Ints, Runs
from myoresist.case.courses import REASONS, RESPONSES, Treatments
from myoresist.resistance.adequacy.exposure import (
    POSSIBLE,
    TOP,
    Exposures,
    at_dose,
    exposures,
    wholly_listed,
)
from myoresist.resistance.adequacy.glucocorticoid import glucocorticoid_columns
from myoresist.resistance.adequacy.schema import ORAL, Regimens
from myoresist.rules.frames import run_frame
from myoresist.rules.program import Program

ADEQUATE, INADEQUATE, UNDETERMINED, NOT_TRIED, UNTOLD = (
    "adequate", "inadequate", "undetermined", "not_tried", "unknown",
)  # fmt: skip
STATE = pl.Enum([ADEQUATE, INADEQUATE, UNDETERMINED, NOT_TRIED, UNTOLD])

TESTS = (
    "below_min_dose", "below_min_duration", "level_below_target", "adequate",
    "stopped_intolerance", "failed", "never_tried", "interacting_drug", "running",
)  # fmt: skip
_OF_COURSE = TESTS[:6]
Columns = Mapping[str, npt.NDArray[Any]]
BATCH = 20_000
"""Patients that are judged together; more at once take more memory and no less time."""


@dataclass(frozen=True)
class History:
    """What was given to N patients, judged.

    Attributes:
        exposures: what ``exposure.exposures`` returned.
        judged: columns of the courses, without NULL; see ``_courses``.
        regimens: what they were compared with.
        tried: the rows of ``trials`` of which something is recorded.
        tests: of all rows of ``trials`` the columns ``TESTS``.
        columns: one row a patient, as in ``Treatments.patients``: ``patient_id`` and every column of
            ``adequacy/columns.yaml`` that treatments tell.
    """

    exposures: Exposures
    judged: Columns
    regimens: Regimens
    tried: pl.DataFrame
    tests: pl.DataFrame
    columns: pl.DataFrame

    @cached_property
    def courses(self) -> pl.DataFrame:
        """Return one row a course of one regimen; see ``_courses``."""
        of_regimen = self.regimens.table.select("kind", "parts")
        words = {"reason_stopped": REASONS, "response": RESPONSES}
        return (
            pl.DataFrame({x: y for x, y in self.judged.items() if x not in words})
            .with_columns(
                *(told(x) for x in ("running", "together", *_OF_COURSE)),
                *(_words(self.judged[x], kind).alias(x) for x, kind in words.items()),
                peak_possible=pl.when(pl.col("peak_possible") < TOP).then("peak_possible"),
            )
            .hstack(of_regimen.select(pl.all().gather(self.judged["regimen"])))
        )

    @cached_property
    def trials(self) -> pl.DataFrame:
        """Return one row a patient and regimen, by regimen, then patient.

        Returns:
            ``patient``, ``regimen``, ``tried``, ``state`` on what is recorded, ``days_sure``,
            ``days_possible`` of the longest time at the dose, ``peak_sure``, ``peak_possible`` (highest
            share of the least dose), ``missing`` (what leaves it undetermined; see ``exposure.lacking``)
            and one Boolean column for each of ``TESTS``.
        """
        patients, regimens = len(self.columns), len(self.regimens.regimens)
        recorded = self.tried.drop(*TESTS)
        table = pl.DataFrame(
            {
                "regimen": np.repeat(np.arange(regimens), patients),
                "patient": np.tile(np.arange(patients), regimens),
            }
        ).join(recorded, on=["regimen", "patient"], how="left", maintain_order="left")
        never = pl.lit(NOT_TRIED, STATE), pl.lit(UNTOLD, STATE)
        return table.hstack(self.tests).with_columns(
            pl.col("missing").fill_null(0),
            state=pl.when(pl.col("state").is_not_null())
            .then("state")
            .when("never_tried")
            .then(never[0])
            .otherwise(never[1]),
        )


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
    whole = wholly_listed(treatments).to_numpy()
    lowered = _lowered(treatments, weakening, findings)
    tried = _tried(courses, whole)
    tests = _tests(tried, whole, regimens, lowered)
    columns = treatments.patients.select("patient_id").hstack(
        [
            *glucocorticoid_columns(found, treatments, regimens),
            *_wide(tests, regimens, len(whole)),
            *_last(courses, len(whole), regimens, lowered),
        ]
    )
    return History(found, courses, regimens, _recorded(tried, tests, len(whole)), tests, columns)


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


def _words(places: Ints, words: pl.Enum) -> pl.Series:
    """Return the words at some places, NULL for -1."""
    all_words = pl.concat([words.categories.cast(words), pl.Series([None], dtype=words)])
    return all_words.gather(np.where(places < 0, len(words.categories), places))


def _place(words: pl.Enum, word: str) -> int:
    return words.categories.to_list().index(word)


def _agreed(found: Exposures, courses: Runs, last: Flags, column: str) -> Ints:
    """Return the place of the word on which the ``last`` records of a course agree, -1 without one."""
    word = found.records[column].take(found.record)
    said = last & (word >= 0)
    low, high = (
        courses.min(np.where(said, word, word.max(initial=0) + 1)),
        courses.max(np.where(said, word, -1)),
    )
    return np.where(low == high, high, -1)


def _courses(found: Exposures, treatments: Treatments, regimens: Regimens) -> Columns:
    """Return one row a course.

    Returns:
        ``patient``, ``regimen``, ``course``, ``begin_from``, ``begin_to``, ``end_to`` (days
        since 1970), ``reason_stopped`` and ``response`` (places of the words, -1 if unknown), ``days_*``,
        ``on_*``, ``peak_*`` (see ``exposure.at_dose``), ``missing``; as numbers for truth values (see
        ``runs.TRUE``) ``running``, ``together`` (whether all drugs of a combination were taken) and the tests
        of a course.
    """
    runs = Runs.of(found.course)
    regimen = runs.first(found.regimen)
    of_regimen = {name: column.take(regimen) for name, column in regimens.columns.items()}
    single = of_regimen["parts"] == 1
    end = found.end[POSSIBLE]
    end_to = runs.max(end)
    # A combination ends with any of its parts, so there all records have to agree.
    last = (end == runs.spread(end_to)) | runs.spread(~single)
    reason, response = (_agreed(found, runs, last, x) for x in ("reason_stopped", "response"))
    at = at_dose(found, regimens)
    columns: dict[str, npt.NDArray[Any]] = {
        "patient": runs.first(found.patient),
        "regimen": regimen,
        "course": runs.first(found.course),
        "begin_from": runs.min(found.begin[POSSIBLE]),
        "begin_to": runs.min(found.records["start_to"].take(found.record)),
        "end_to": end_to,
        "reason_stopped": reason,
        "response": response,
        **at,
    }
    level = _below_target(columns, treatments, regimens)
    enough, could = (at[f"days_{x}"] >= of_regimen["needed"] for x in ("sure", "possible"))
    adequate = decided(
        (~of_regimen["completes"] | (level == TRUE), FALSE), (enough, TRUE), (~could, FALSE)
    )
    together = decided(
        (np.where(single, ~runs.all(found.no_route), at["on_sure"] > 0), TRUE),
        (~single & (at["on_possible"] == 0), FALSE),
    )
    # Of a combination it is not told whether all parts go on.
    running = runs.max(found.records["running"].take(found.record))
    running = np.where(single | (running == FALSE), running, UNKNOWN)
    none, good, partial = (_place(RESPONSES, x) for x in ("none", "good", "partial"))
    effect, side, remission = (
        _place(REASONS, x) for x in ("no effect", "side effect", "remission")
    )
    # A drug that went on, or that was stopped for another reason, was not stopped for side effects.
    intolerance = decided((running == TRUE, FALSE), (reason == side, TRUE), (reason >= 0, FALSE))
    without_effect = decided(
        ((response == none) | (reason == effect), TRUE),
        ((response == partial) | (response == good) | (reason == remission), FALSE),
    )
    missing = np.where(adequate == UNKNOWN, runs.bits(found.missing), 0)
    return {
        **columns,
        "running": running,
        "together": together,
        "below_min_dose": decided((at["days_sure"] > 0, FALSE), (at["days_possible"] == 0, TRUE)),
        "below_min_duration": decided((enough, FALSE), (~could, TRUE)),
        "level_below_target": level,
        "adequate": adequate,
        "stopped_intolerance": np.minimum(intolerance, TRUE - adequate),
        "failed": np.minimum(adequate, without_effect),
        "missing": missing,
    }


def _below_target(courses: Columns, treatments: Treatments, regimens: Regimens) -> Truths:
    """Tell whether the latest level since a course began lies below its target; unsure without one."""
    found = np.full(len(courses["course"]), UNKNOWN, np.int8)
    measured = treatments.levels.drop_nulls(["date_from", "value"])
    targets = regimens.table.select("regimen", "level_low").drop_nulls()
    if measured.is_empty():
        return found
    of_drug = regimens.options.select("regimen", "drug").unique().join(targets, on="regimen")
    names = ("course", "patient", "regimen", "begin_from", "end_to")
    levels = (
        pl.DataFrame({name: courses[name] for name in names})
        .join(of_drug, on="regimen")
        .join(measured.with_columns(pl.col("patient").cast(pl.Int64)), on=["patient", "drug"])
        .with_columns(pl.col(x).to_physical().cast(pl.Int64) for x in ("date_from", "date_to"))
        .filter(
            (pl.col("date_to") >= pl.col("begin_from")) & (pl.col("date_from") < pl.col("end_to"))
        )
        # Dates in part may leave open which level is the latest; then those that may be have to agree.
        .filter(pl.col("date_to") >= pl.col("date_from").max().over("course"))
        .with_columns(below=pl.col("value") < pl.col("level_low"))
        .group_by("course")
        .agg(all=pl.col("below").all(), any=pl.col("below").any())
        .select("course", below=pl.when(pl.col("all") == pl.col("any")).then("all"))
    )
    found[levels["course"].to_numpy()] = truth(levels["below"])
    return found


def _lowered(
    treatments: Treatments, weakening: Program, findings: pl.DataFrame | None
) -> dict[str, pl.Series]:
    """Return for each regimen whether another drug lowers its exposure, one value a patient."""
    count = len(treatments.patients)
    if findings is None:
        return {
            x: pl.Series(x, [None], pl.Boolean).new_from_index(0, count) for x in weakening.rules
        }
    told = run_frame(weakening, findings.select(sorted(weakening.leaves(weakening.rules))))
    return {x: told[x] for x in weakening.rules}


def _tried(courses: Columns, whole: Flags) -> Columns:
    """Return one row a patient and regimen with at least one course, by regimen, then patient."""
    rows = np.flatnonzero(courses["together"] != FALSE)
    taken = {name: column.take(rows) for name, column in courses.items()}
    runs = Runs.of(taken["regimen"], taken["patient"])
    any_ = ("running", "adequate", "stopped_intolerance", "failed")
    all_ = ("below_min_dose", "below_min_duration")
    most = ("days_sure", "days_possible", "peak_sure", "peak_possible")
    patient, tried = runs.first(taken["patient"]), runs.max(taken["together"]) == TRUE
    found: dict[str, npt.NDArray[Any]] = {
        "regimen": runs.first(taken["regimen"]),
        "patient": patient,
        "tried": tried,
        **{x: runs.max(taken[x]) for x in (*most, *any_)},
        **{x: runs.min(taken[x]) for x in all_},
        "level_below_target": runs.last(taken["level_below_target"]),
        "never_tried": np.where(tried, FALSE, UNKNOWN).astype(np.int8),
        "missing": runs.bits(taken["missing"]),
    }
    adequate = found["adequate"]
    found["state"] = adequate
    # Without a whole list there may have been another trial, which was adequate.
    open_ = (adequate == FALSE) & ~whole.take(patient)
    found["adequate"] = np.where(open_, UNKNOWN, adequate).astype(np.int8)
    return found


def _tests(
    tried: Columns, whole: Flags, regimens: Regimens, lowered: Mapping[str, pl.Series]
) -> pl.DataFrame:
    """Return the columns ``TESTS`` with one row for every patient and regimen, by regimen, then patient."""
    count = len(regimens.regimens)
    place = tried["regimen"] * len(whole) + tried["patient"]
    nobody = pl.Series([None], dtype=pl.Boolean).new_from_index(0, len(whole))
    tests: dict[str, npt.NDArray[np.int8] | pl.Series] = {}
    for test in TESTS:
        if test == "interacting_drug":
            tests[test] = pl.concat([lowered.get(one.id, nobody) for one in regimens.regimens])
            continue
        # What was never given has no test that is true; but whether a level was low nobody can tell.
        listed = {"never_tried": TRUE, "level_below_target": UNKNOWN}.get(test, FALSE)
        column = np.tile(np.where(whole, listed, UNKNOWN).astype(np.int8), count)
        column[place] = tried[test]
        tests[test] = column
    return pl.DataFrame(tests).with_columns(told(x) for x in TESTS if x != "interacting_drug")


def _recorded(tried: Columns, tests: pl.DataFrame, patients: int) -> pl.DataFrame:
    """Return the trials of which something is recorded as a table; see ``History``."""
    place = tried["regimen"] * patients + tried["patient"]
    states = {FALSE: INADEQUATE, UNKNOWN: UNDETERMINED, TRUE: ADEQUATE}
    state = np.array([_place(STATE, states[x]) for x in sorted(states)]).take(tried["state"])
    return (
        pl.DataFrame({name: column for name, column in tried.items() if name != "state"})
        .with_columns(
            *(told(x) for x in TESTS if x in tried),
            peak_possible=pl.when(pl.col("peak_possible") < TOP).then("peak_possible"),
            state=_words(state, STATE),
            interacting_drug=tests["interacting_drug"].gather(place),
        )
    )  # fmt: skip


def _wide(tests: pl.DataFrame, regimens: Regimens, patients: int) -> Iterable[pl.Series]:
    """Return the columns of every trial and window, and those over all trials."""
    adequate: dict[str, pl.Series] = {}
    over_any: dict[str, list[pl.Series]] = {"failed": [], "stopped_intolerance": []}
    for number, one in enumerate(regimens.regimens):
        rows = tests.slice(number * patients, patients)
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
    courses: Columns,
    patients: int,
    regimens: Regimens,
    lowered: Mapping[str, pl.Series],
) -> Iterable[pl.Series]:
    """Return the tests of the course begun last: of an immunosuppressant or else of oral glucocorticoid.

    Where dates leave open which it is, a test is known if it is the same for all that it may be.
    """
    patient, regimen = courses["patient"], courses["regimen"]
    of_drug = [x.kind == "immunosuppressant" and x.parts == 1 for x in regimens.regimens]
    drug = np.array(of_drug).take(regimen)
    some = np.zeros(patients, np.bool_)
    some[patient[drug]] = True
    rows = np.flatnonzero(drug | ((regimen == regimens.numbers[ORAL]) & ~some.take(patient)))
    rows = rows.take(np.argsort(patient.take(rows), kind="stable"))
    runs = Runs.of(patient.take(rows))
    latest = runs.spread(runs.max(courses["begin_from"].take(rows)))
    rows = rows[courses["begin_to"].take(rows) >= latest]
    interacting = np.full(len(rows), UNKNOWN, np.int8)
    for name, values in lowered.items():
        mine = regimen.take(rows) == regimens.numbers[name]
        interacting[mine] = truth(values).take(patient.take(rows[mine]))
    tests = {x: courses[x].take(rows) for x in _OF_COURSE} | {"interacting_drug": interacting}
    runs = Runs.of(patient.take(rows))
    told_: dict[str, Truths] = {}
    for name, codes in tests.items():
        low, high = runs.min(codes), runs.max(codes)
        column = np.full(patients, UNKNOWN, np.int8)
        column[runs.first(patient.take(rows))] = np.where(low == high, low, UNKNOWN)
        told_[f"trial_last_{name}"] = column
    table = pl.DataFrame(told_).select(told(name) for name in told_)
    yield from table
    yield (~table["trial_last_adequate"]).alias("trial_last_not_adequate")
