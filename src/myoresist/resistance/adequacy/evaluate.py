"""Was each drug tried well enough to call it a failure? The treatment history of N patients at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myoresist.arrays.kleene import planes_of, rows_of
from myoresist.arrays.runs import Flags
from myoresist.arrays.table import Table
from myoresist.case.courses import Treatments
from myoresist.case.terms import Terms
from myoresist.resistance.adequacy.activity import Activity, activity
from myoresist.resistance.adequacy.columns import Columns
from myoresist.resistance.adequacy.courses import JudgedCourses, judged_courses
from myoresist.resistance.adequacy.exposure import Exposures, exposures
from myoresist.resistance.adequacy.glucocorticoid import glucocorticoid_columns
from myoresist.resistance.adequacy.outcomes import columns_of_outcomes
from myoresist.resistance.adequacy.records import Records, records_of
from myoresist.resistance.adequacy.refractory import Refractory
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.seen import Seen
from myoresist.resistance.adequacy.trials import (
    Tests,
    Trials,
    columns_of_last,
    columns_of_trials,
    tests_of,
    trials_of,
    wholly_listed,
)
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook


@dataclass(frozen=True)
class History:
    """What was given to N patients, judged.

    Attributes:
        regimens: what the courses were compared with.
        whole: for each patient whether every course is known to be listed.
        records: the records.
        exposures: from when to when they were taken.
        courses: the courses that they make.
        after: what the courses left of the disease.
        trials: the trials of which something is recorded.
        tests: what is known of every trial and patient.
        columns: every column of ``adequacy/columns.yaml`` that treatments tell.
        names: these columns in the order in which they are shown.
    """

    regimens: Regimens
    whole: Flags
    records: Records
    exposures: Exposures
    courses: JudgedCourses
    after: Activity
    trials: Trials
    tests: Tests
    columns: Table
    names: tuple[str, ...]


def history(
    treatments: Treatments,
    regimens: Regimens,
    lowered: Tests | None = None,
    seen: Seen | None = None,
) -> History:
    """Judge every trial of every patient.

    Args:
        treatments: what was given.
        regimens: what counts as a trial.
        lowered: by regimen for each patient whether another drug lowers its exposure, where that is known.
        seen: what visits found.
    """
    lowered = lowered or {}
    whole = wholly_listed(treatments, regimens)
    records = records_of(treatments, regimens)
    found = exposures(records, regimens)
    courses = judged_courses(found, records, treatments.levels, regimens)
    after = activity(found, records, courses, regimens, seen or Seen.nothing(), len(whole))
    trials = trials_of(courses, after, whole)
    tests = tests_of(trials, whole, after.quiet, regimens, lowered)
    columns = {
        **dict(glucocorticoid_columns(found, records, whole, regimens)),
        **dict(columns_of_trials(tests, regimens)),
        **dict(columns_of_outcomes(tests, records, whole, regimens)),
        **dict(columns_of_last(courses, len(whole), regimens, lowered, treatments.sequence)),
    }
    truths = [name for name, column in columns.items() if column.dtype == np.int8]
    rows = np.array([columns[name] for name in truths], np.int8)
    numbers = {
        name: np.asarray(column, np.float64)
        for name, column in columns.items()
        if column.dtype == np.float64
    }
    table = Table(len(whole), planes_of(rows, truths), numbers)
    return History(
        regimens, whole, records, found, courses, after, trials, tests, table, tuple(columns)
    )


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
        weakening, remarks = Rulebook(columns.names), Rulebook(columns.names)
        file = folder / "adequacy" / "regimens.yaml"
        for one in regimens.regimens:
            if one.weakened_by:
                weakening.add(one.id, one.weakened_by, file, one.id)
            for number, remark in enumerate(one.remarks):
                remarks.add(f"{one.id}.{number}", remark.when, file, one.id)
        refractory = Refractory.load(folder, columns)
        return cls(regimens, columns, weakening.program(), remarks.program(), refractory)

    def history(
        self,
        treatments: Treatments,
        findings: Table | None = None,
        seen: Seen | None = None,
    ) -> History:
        """Judge every trial of every patient.

        Args:
            treatments: what was given.
            findings: those of each patient; unknown when left out.
            seen: what visits found.
        """
        if findings is None:
            return history(treatments, self.regimens, seen=seen)
        answers = self.weakening.run(findings)
        lowered = zip(
            self.weakening.rules, rows_of(answers, list(self.weakening.rules)), strict=True
        )
        return history(treatments, self.regimens, dict(lowered), seen)
