"""Each course judged by itself: dose and time reached, why it ended, and whether it failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided, negated
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints, Runs
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import REASONS, RESPONSES, Levels, places_of
from myoresist.case.dates import Days
from myoresist.resistance.adequacy.bounds import Bound, Bounds
from myoresist.resistance.adequacy.doses import LEAST, ROUNDING, lacking
from myoresist.resistance.adequacy.exposure import Exposures
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.segments import longest, segments

_FAILED = places_of(RESPONSES, "none", "worse")
_HELPED = places_of(RESPONSES, "partial", "good", "complete", "good, then lost")
_WELL = places_of(RESPONSES, "good", "complete")
_NO_EFFECT, _SIDE_EFFECT = (REASONS.index(word) for word in ("no effect", "side effect"))
_LOST = RESPONSES.index("good, then lost")
_WORKED = places_of(REASONS, "remission", "relapse")


@dataclass(frozen=True)
class JudgedCourses(Rows):
    """One row a course of one regimen, by regimen, then patient, then time.

    Attributes:
        patient: row of the patient.
        regimen: number of the regimen.
        begin: between which days it began; infinite where nobody knows.
        end: the last day after which it possibly had ended; infinite where nobody knows.
        undated: whether only its length is known, and no other record of the drug that it may be one with.
        reason_stopped: place in ``REASONS``, ``NO_WORD`` if unknown.
        response: place in ``RESPONSES``, ``NO_WORD`` if unknown.
        at_dose: most days at the dose without interruption.
        peak: highest dose, in billionths of the least; of amounts their sum.
        running: whether it goes on.
        together: whether all drugs of a combination were taken.
        helped: whether a good response is reported, which no dose table overrules.
        below_min_dose: whether the dose was never reached; the following tests are those of ``columns.yaml``.
        side_effect: whether it ended for side effects, adequate or not.
        lacks: what leaves open whether it was adequate; see ``doses.lacking``.
    """

    patient: Ints
    regimen: Ints
    begin: Days
    end: Floats
    undated: Flags
    reason_stopped: Ints
    response: Ints
    at_dose: Bounds
    peak: Bounds
    running: Truths
    together: Truths
    helped: Truths
    below_min_dose: Truths
    below_min_duration: Truths
    level_below_target: Truths
    adequate: Truths
    stopped_intolerance: Truths
    failed: Truths
    side_effect: Truths
    lacks: Flags


def judged_courses(
    found: Exposures, records: Records, levels: Levels, regimens: Regimens
) -> JudgedCourses:
    """Judge every course."""
    runs = Runs.of(found.course)
    patient, regimen = runs.first(found.patient), runs.first(found.regimen)
    columns = regimens.columns.take(regimen)
    at_dose, taken, peak = _reached(found, records, regimens)
    begin = Days(
        runs.min(found.begin.possible),
        runs.min(np.nan_to_num(records.written.start.latest, nan=np.inf).take(found.record)),
    )
    end = runs.max(found.end.possible)
    single = columns.parts == 1
    # A combination ends with any of its parts, so there all records have to agree.
    last = (found.end.possible == runs.spread(end)) | runs.spread(~single)
    reason, response = (
        _word_of_all(word.take(found.record), last, runs)
        for word in (records.written.reason_stopped, records.written.response)
    )
    shared = runs.any(records.written.shared.take(found.record))
    level = _below_target(patient, regimen, begin.earliest, end, levels, regimens)
    # Of a combination it is not told whether all parts go on.
    running = runs.max(records.running.take(found.record))
    running = np.where(single | (running == FALSE), running, UNKNOWN)
    enough = at_dose.at_least(columns.needed)
    helped = _helped(reason, response, shared)
    barred = ~columns.completes | (level == TRUE)
    by_dose = np.where(barred, FALSE, enough).astype(np.int8)
    # What worked was enough of it, also where the effect was lost later.
    worked = (
        ((helped == TRUE) | ((response == _LOST) & ~shared)) & columns.tried & columns.completes
    )
    adequate = np.where(worked, TRUE, by_dose).astype(np.int8)
    certainly = np.where(single, ~runs.all(found.no_route), taken.certain > 0)
    open_ = np.flatnonzero(runs.spread(adequate == UNKNOWN))
    of_open = found.take(open_)
    lacks = lacking(records, of_open.record, of_open.limit, of_open.weight, regimens)
    intolerance = _intolerance(running, reason)
    return JudgedCourses(
        patient=patient,
        regimen=regimen,
        begin=begin,
        end=end,
        undated=runs.all(found.undated) & np.isfinite(begin.earliest),
        reason_stopped=reason,
        response=response,
        at_dose=at_dose,
        peak=peak,
        running=running,
        together=decided((certainly, TRUE), (~single & (taken.possible == 0), FALSE)),
        helped=helped,
        below_min_dose=np.where(worked, FALSE, negated(at_dose.at_least(1))).astype(np.int8),
        below_min_duration=np.where(worked, FALSE, negated(enough)).astype(np.int8),
        level_below_target=level,
        adequate=adequate,
        stopped_intolerance=np.minimum(intolerance, negated(by_dose)),
        failed=np.minimum(_without_effect(reason, response, shared), adequate),
        side_effect=intolerance,
        lacks=runs.any_of(open_, lacks),
    )


def _word_of_all(word: Ints, last: Flags, runs: Runs) -> Ints:
    """Return the word on which the ``last`` records of each course agree, ``NO_WORD`` without one."""
    counted = last & (word != NO_WORD)
    low = runs.min(np.where(counted, word, word.max(initial=0) + 1))
    high = runs.max(np.where(counted, word, NO_WORD))
    return np.where(low == high, high, NO_WORD)


def _intolerance(running: Truths, reason: Ints) -> Truths:
    """Tell whether courses ended for side effects.

    One that goes on did not, nor one that was stopped for another reason.
    """
    return decided(
        (running == TRUE, FALSE), (reason == _SIDE_EFFECT, TRUE), (reason != NO_WORD, FALSE)
    )


def _helped(reason: Ints, response: Ints, shared: Flags) -> Truths:
    """Tell which courses went well to their end; of a combination nobody knows which drug it was."""
    lost = (response == _LOST) | np.isin(reason, _WORKED[1:])
    well = (np.isin(response, _WELL) | np.isin(reason, _WORKED[:1])) & ~lost
    said = (response != NO_WORD) | (reason == _NO_EFFECT)
    return decided((well & shared, UNKNOWN), (well, TRUE), (said, FALSE))


def _without_effect(reason: Ints, response: Ints, shared: Flags) -> Truths:
    """Tell whether courses had no effect; what a combination did, one of its drugs may have done alone."""
    lost = response == _LOST
    failed = np.isin(response, _FAILED) | ((reason == _NO_EFFECT) & ~lost)
    helped = np.isin(response, _HELPED) | np.isin(reason, _WORKED)
    return decided((failed, TRUE), (helped & shared, UNKNOWN), (helped, FALSE))


def _reached(
    found: Exposures, records: Records, regimens: Regimens
) -> tuple[Bounds, Bounds, Bounds]:
    """Return what each course came to.

    Returns:
        The most days at the dose, the days on which it was taken at all, and the highest dose.
    """
    regimen = Runs.of(found.course).first(found.regimen)
    strict = regimens.columns.strict.take(regimen)
    gap = regimens.columns.gap.take(regimen)
    least = np.where(strict, LEAST + ROUNDING + 1, LEAST - ROUNDING)

    def by_time(bound: Bound) -> tuple[Floats, Floats, Floats]:
        at_dose, taken, peak = (np.zeros(len(regimen)) for _ in range(3))
        for stretches in segments(found, bound, found.course, regimens):
            enough = stretches.only(stretches.dose >= least.take(stretches.by))
            course, days = longest(enough, gap.take(enough.by))
            at_dose[course] = days
            runs = Runs.of(stretches.by)
            course = runs.first(stretches.by)
            taken[course] = runs.total(stretches.end - stretches.begin)
            peak[course] = runs.max(stretches.dose)
        return at_dose, taken, peak

    at_dose, taken, peak = map(Bounds, by_time(Bound.CERTAIN), by_time(Bound.POSSIBLE))
    course, since, total = _by_amount(found, records, regimens)
    return at_dose.put(course, since), taken, peak.put(course, total)


def _by_amount(
    found: Exposures, records: Records, regimens: Regimens
) -> tuple[Ints, Bounds, Bounds]:
    """Return for courses whose amounts count how long ago the first dose was, and the sum of the doses.

    Returns:
        The courses, the days since the first dose if the sum is enough, and the sum.
    """
    found = found.only(regimens.columns.by_amount.take(found.regimen))
    runs = Runs.of(found.course)
    doses, start = records.doses.take(found.record), records.written.start.take(found.record)
    today = records.today.take(found.record)
    unknown = np.isnan(found.share)
    certain = np.where(unknown | found.no_route, 0.0, found.share * doses.certain)
    possible = found.most * doses.possible
    total = Bounds(runs.total(certain), runs.total(np.where(np.isnan(possible), np.inf, possible)))
    first = Days(
        runs.min(np.where(start.known, start.earliest, -np.inf)),
        runs.min(np.where(start.known, start.latest, np.inf)),
    )
    # Every record of a patient has the same assessment.
    assessed = runs.first(today.earliest), np.nan_to_num(runs.first(today.latest), nan=np.inf)
    most = np.maximum(assessed[1] - first.earliest + 1, 0.0)
    # What had begun by then lasted a day at least.
    fewest = np.minimum(np.maximum(assessed[0] - first.latest + 1, 1.0), most)
    enough = LEAST - ROUNDING
    since = Bounds(
        np.where((total.certain >= enough) & ~np.isnan(fewest), fewest, 0.0),
        np.where(total.possible >= enough, most, 0.0),
    )
    return runs.first(found.course), since, total


def _below_target(
    patient: Ints,
    regimen: Ints,
    begin: Floats,
    end: Floats,
    levels: Levels,
    regimens: Regimens,
) -> Truths:
    """Tell whether the latest level since each course began lies below its target; unsure without one."""
    levels = levels.only(levels.date.known & ~np.isnan(levels.value))
    target = regimens.columns.level_low
    if not len(levels.patient):
        return np.full(len(patient), UNKNOWN, np.int8)
    course, level = _pairs(patient, regimen, levels, regimens)
    measured = levels.take(level)
    since = (measured.date.latest >= begin.take(course)) & (
        measured.date.earliest < end.take(course)
    )
    course, measured = course[since], measured.only(since)
    # Dates in part may leave open which level is the latest; then those that may be have to agree.
    runs = Runs.of(course)
    last = measured.date.latest >= runs.spread(runs.max(measured.date.earliest))
    course, measured = course[last], measured.only(last)
    runs = Runs.of(course)
    below = measured.value < target.take(regimen.take(course))
    found = np.full(len(patient), UNKNOWN, np.int8)
    found[runs.first(course)] = decided((runs.all(below), TRUE), (~runs.any(below), FALSE))
    return found


def _pairs(patient: Ints, regimen: Ints, levels: Levels, regimens: Regimens) -> tuple[Ints, Ints]:
    """Return pairs of a course and a level of its drug in its patient, by course."""
    pairs = [np.empty((2, 0), np.int64)]
    with_target = np.flatnonzero(~np.isnan(regimens.columns.level_low))
    for number in with_target:
        drugs = {one.drug for one in regimens.limits.limits if one.regimen == number}
        places = [regimens.limits.drugs.index(drug) for drug in drugs]
        rows = np.flatnonzero(regimen == number)
        of_drug = np.flatnonzero(np.isin(levels.drug, places))
        of_drug = of_drug.take(np.argsort(levels.patient.take(of_drug), kind="stable"))
        owners, wanted = levels.patient.take(of_drug), patient.take(rows)
        first, after = np.searchsorted(owners, wanted), np.searchsorted(owners, wanted, "right")
        count = after - first
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        pairs.append(
            np.stack([np.repeat(rows, count), of_drug.take(np.repeat(first, count) + within)])
        )
    course, level = np.concatenate(pairs, axis=1)
    order = np.argsort(course, kind="stable")
    return course.take(order), level.take(order)
