"""Every drug of every patient judged: the trials that were recorded, and what is known of all others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, negated
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints, Runs
from myoresist.arrays.words import NO_WORD
from myoresist.case.courses import Treatments
from myoresist.case.sequence import Sequence
from myoresist.resistance.adequacy.activity import Activity
from myoresist.resistance.adequacy.bounds import Bounds
from myoresist.resistance.adequacy.courses import JudgedCourses
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.schema import ORAL

TESTS = (
    "below_min_dose", "below_min_duration", "level_below_target", "adequate",
    "stopped_intolerance", "failed", "never_tried", "interacting_drug", "running", "helped",
)  # fmt: skip
"""What is told of every trial; see ``columns.yaml``."""
FURTHER = ("side_effect", "active", "gainless")
"""What is told of every trial besides, for the columns over all of them."""
OF_COURSE = TESTS[:6]
Tests = Mapping[str, Truths]
"""For each of ``TESTS`` and ``FURTHER`` one row a regimen, one column a patient."""
Column = Truths | Floats


@dataclass(frozen=True)
class Trials(Rows):
    """One row a patient and regimen of which something is recorded, by regimen, then patient.

    Attributes:
        regimen: number of the regimen.
        patient: row of the patient.
        tried: whether it was tried; otherwise it may have been.
        verdict: whether it was adequate, by what is recorded.
        at_dose: longest time at the dose.
        peak: highest dose.
        below_min_dose: this and the next are ``TESTS``; what may have been tried beside leaves some open.
        lacks: what leaves it undetermined; see ``doses.lacking``.
    """

    regimen: Ints
    patient: Ints
    tried: Flags
    verdict: Truths
    at_dose: Bounds
    peak: Bounds
    below_min_dose: Truths
    below_min_duration: Truths
    level_below_target: Truths
    adequate: Truths
    stopped_intolerance: Truths
    failed: Truths
    never_tried: Truths
    running: Truths
    helped: Truths
    side_effect: Truths
    active: Truths
    gainless: Truths
    lacks: Flags


def wholly_listed(treatments: Treatments, regimens: Regimens) -> Flags:
    """Tell for each patient whether every course is known to be listed, by a name that is known."""
    courses = treatments.courses
    whole: Flags = treatments.complete == TRUE
    # A drug whose name is not known may be any drug.
    unnamed = (courses.drug == NO_WORD) | regimens.unnamed.take(courses.drug)
    whole[courses.patient[unnamed]] = False
    return whole


def trials_of(courses: JudgedCourses, after: Activity, whole: Flags) -> Trials:
    """Return the trials that courses make.

    Args:
        courses: the courses.
        after: what the courses left of the disease.
        whole: for each patient whether every course is known to be listed.
    """
    given = courses.together != FALSE
    taken, active, gainless = courses.only(given), after.active[given], after.gainless[given]
    runs = Runs.of(taken.regimen, taken.patient)
    patient, tried = runs.first(taken.patient), runs.max(taken.together) == TRUE
    verdict = runs.max(taken.adequate)
    # Without a whole list there may have been another trial, which was adequate.
    listed = whole.take(patient)
    another = (verdict == FALSE) & ~listed
    # Whatever else was given, it left no disease that was found inactive last.
    settled = listed | after.quiet.take(patient)
    open_ = np.flatnonzero(taken.adequate == UNKNOWN)
    return Trials(
        regimen=runs.first(taken.regimen),
        patient=patient,
        tried=tried,
        verdict=verdict,
        at_dose=Bounds.of(lambda bound: runs.max(taken.at_dose[bound])),
        peak=Bounds.of(lambda bound: runs.max(taken.peak[bound])),
        below_min_dose=runs.min(taken.below_min_dose),
        below_min_duration=runs.min(taken.below_min_duration),
        level_below_target=runs.last(taken.level_below_target),
        adequate=np.where(another, UNKNOWN, verdict).astype(np.int8),
        stopped_intolerance=runs.max(taken.stopped_intolerance),
        failed=runs.max(taken.failed),
        never_tried=np.where(tried, FALSE, UNKNOWN).astype(np.int8),
        running=runs.max(taken.running),
        helped=runs.max(taken.helped),
        side_effect=runs.max(taken.side_effect),
        active=_unless(runs.max(active), settled),
        gainless=_unless(runs.max(gainless), listed),
        lacks=runs.any_of(open_, taken.lacks.take(open_, axis=0)),
    )


def _unless(values: Truths, settled: Flags) -> Truths:
    """Return values of which one is false only where it is settled that nothing else was given."""
    return np.where((values == FALSE) & ~settled, UNKNOWN, values).astype(np.int8)


def tests_of(
    trials: Trials, whole: Flags, quiet: Flags, regimens: Regimens, lowered: Tests
) -> Tests:
    """Return the tests of every regimen and patient.

    Args:
        trials: what is recorded.
        whole: for each patient whether every course is known to be listed.
        quiet: for each patient whether the disease was found inactive last.
        regimens: the regimens.
        lowered: by regimen for each patient whether another drug lowers its exposure, where that is known.
    """
    shape = (len(regimens.regimens), len(whole))
    unknown = np.full(len(whole), UNKNOWN, np.int8)
    # What was never given has no test that is true; but whether a level was low nobody can tell.
    of_none = {"never_tried": TRUE, "level_below_target": UNKNOWN}
    tests = {}
    for test in (*TESTS, *FURTHER):
        if test == "interacting_drug":
            tests[test] = np.stack([lowered.get(one.id, unknown) for one in regimens.regimens])
            continue
        table = np.empty(shape, np.int8)
        settled = whole | quiet if test == "active" else whole
        table[:] = np.where(settled, of_none.get(test, FALSE), UNKNOWN)
        table[trials.regimen, trials.patient] = getattr(trials, test)
        tests[test] = table
    return tests


def columns_of_trials(tests: Tests, regimens: Regimens) -> Iterator[tuple[str, Column]]:
    """Yield the columns of every trial and window, and those over all trials; one value a patient."""
    for number, one in enumerate(regimens.regimens):
        if one.kind == "window":
            yield f"window_{one.id}", tests["adequate"][number]
            yield f"window_{one.id}_active", tests["active"][number]
            yield f"window_{one.id}_no_gain", tests["gainless"][number]
        elif one.kind != "dose":
            for test in TESTS:
                if test == "level_below_target" and one.level is None:
                    continue
                if test == "interacting_drug" and one.weakened_by is None:
                    continue
                yield f"trial_{one.id}_{test}", tests[test][number]
            yield f"trial_{one.id}_active", tests["active"][number]
            yield f"trial_{one.id}_not_tolerated", tests["side_effect"][number]
            yield f"trial_{one.id}_not_adequate", negated(tests["adequate"][number])
    for test in ("failed", "stopped_intolerance", "active"):
        yield f"trial_any_{test}", number_of_drugs(tests[test], regimens)[0]
    any_, number_ = number_of_drugs(tests["adequate"], regimens)
    yield "trial_any_adequate", any_
    yield "trial_any_not_adequate", negated(any_)
    yield "n_trials_adequate", number_


def number_of_drugs(truths: Truths, regimens: Regimens) -> tuple[Truths, Floats]:
    """Return whether something is true of any immunosuppressant, and of how many; NaN if it is not known.

    Drugs are counted once: a combination counts when none of its parts does.

    Args:
        truths: of every regimen and patient whether it is.
        regimens: the regimens.
    """
    counted = [
        place for place, one in enumerate(regimens.regimens) if one.kind == "immunosuppressant"
    ]
    single = [place for place in counted if regimens.regimens[place].parts == 1]
    reached = [truths[place] for place in single]
    for place in counted:
        one = regimens.regimens[place]
        if one.parts > 1:
            parts = [x for x in single if one.drugs & regimens.regimens[x].drugs]
            alone = negated(truths[parts].max(axis=0))
            reached.append(np.minimum(truths[place], alone))
    every = np.stack(reached)
    number = np.where((every == UNKNOWN).any(axis=0), np.nan, (every == TRUE).sum(axis=0))
    return truths[counted].max(axis=0), number


def columns_of_last(
    courses: JudgedCourses, patients: int, regimens: Regimens, lowered: Tests, sequence: Sequence
) -> Iterator[tuple[str, Truths]]:
    """Yield the tests of the course begun last: of an immunosuppressant or else of oral glucocorticoid.

    Where dates and the order that is said leave open which it is, a test is known if it is the same for all
    that it may be.

    Args:
        courses: the courses.
        patients: how many patients there are.
        regimens: the regimens.
        lowered: by regimen for each patient whether another drug lowers its exposure.
        sequence: which drugs were begun after which, besides dates.
    """
    kinds = [one.kind == "immunosuppressant" and one.parts == 1 for one in regimens.regimens]
    drug = np.array(kinds).take(courses.regimen)
    with_drug = np.zeros(patients, np.bool_)
    with_drug[courses.patient[drug]] = True
    oral = courses.regimen == regimens.numbers[ORAL]
    counted = courses.only(drug | (oral & ~with_drug.take(courses.patient)))
    counted = counted.take(np.argsort(counted.patient, kind="stable"))
    runs = Runs.of(counted.patient)
    by_date = counted.begin.latest >= runs.spread(runs.max(counted.begin.earliest))
    counted = counted.only(by_date & ~_followed(counted, regimens, sequence))
    interacting = np.full(len(counted.patient), UNKNOWN, np.int8)
    for name, values in lowered.items():
        mine = counted.regimen == regimens.numbers[name]
        interacting[mine] = values.take(counted.patient[mine])
    runs = Runs.of(counted.patient)
    tests = {test: getattr(counted, test) for test in OF_COURSE} | {"interacting_drug": interacting}
    found = {test: np.full(patients, UNKNOWN, np.int8) for test in tests}
    for test, values in tests.items():
        low, high = runs.min(values), runs.max(values)
        found[test][runs.first(counted.patient)] = np.where(low == high, low, UNKNOWN)
    yield from ((f"trial_last_{test}", column) for test, column in found.items())
    yield "trial_last_not_adequate", negated(found["adequate"])


def _followed(courses: JudgedCourses, regimens: Regimens, sequence: Sequence) -> Flags:
    """Tell which courses were surely begun before another of these, by the order that is said.

    Of a drug with several courses nobody says which one is meant.
    """
    followed = np.zeros(len(courses.patient), np.bool_)
    if not len(sequence.patient):
        return followed
    regimen = {
        regimens.limits.drugs.index(drug): number
        for number, one in enumerate(regimens.regimens)
        if one.kind == "immunosuppressant" and one.parts == 1
        for drug in one.drugs
    }
    own: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(courses.patient, courses.regimen, strict=True)):
        own[key].append(place)
    for patient, earlier, later in zip(*vars(sequence).values(), strict=True):
        first = own.get((patient, regimen.get(earlier, NO_WORD)), [])
        if len(first) == 1 and own.get((patient, regimen.get(later, NO_WORD))):
            followed[first] = True
    return followed
