"""What treatments came to, over all drugs: how many failed, whether any helped, how many are stable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, Truths, decided
from myoresist.arrays.runs import Flags, Floats, Runs
from myoresist.case.course_columns import RESPONSES
from myoresist.resistance.adequacy.records import Records
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.schema import ORAL
from myoresist.resistance.adequacy.since import IN_PART, LOST, word
from myoresist.resistance.adequacy.trials import Column, Tests, number_of_drugs


def columns_of_outcomes(
    tests: Tests, records: Records, whole: Flags, regimens: Regimens
) -> Iterator[tuple[str, Column]]:
    """Yield the columns over all drugs that tell how they ended; one value a patient.

    Args:
        tests: what is known of every trial and patient.
        records: the records.
        whole: for each patient whether every course is known to be listed.
        regimens: the regimens.
    """
    given_up = _given_up(tests)
    any_, number = number_of_drugs(given_up, regimens)
    # A drug without a regimen may have failed, too: nobody can tell whether it was given for long enough.
    other = _of_other_drugs(records, len(whole), regimens)
    yield "trial_any_failed_or_intolerance", np.where(other & (any_ == FALSE), UNKNOWN, any_)
    yield "n_trials_failed", np.where(other, np.nan, number)
    side_effect = tests["side_effect"][regimens.numbers[ORAL]]
    yield "gc_stopped_for_side_effects", _unless_unlisted(side_effect, whole)
    yield "treatment_helped", _helped(records, whole, regimens)
    yield "treatment_lost", _lost(records, whole, regimens)
    yield "n_immunosuppressants_stable", _stable(records, whole, regimens)


def _given_up(tests: Tests) -> Truths:
    """Tell of every regimen and patient whether it failed in an adequate trial or was not tolerated.

    That it had some effect is no failure only if it left the disease inactive as well.
    """
    failed = np.maximum(tests["failed"], tests["side_effect"])
    return np.where((failed == FALSE) & (tests["active"] != FALSE), UNKNOWN, failed).astype(np.int8)


def _unless_unlisted(values: Truths, whole: Flags) -> Truths:
    """Return what is false only where every course is known to be listed."""
    return np.where((values == FALSE) & ~whole, UNKNOWN, values).astype(np.int8)


def _of_other_drugs(records: Records, patients: int, regimens: Regimens) -> Flags:
    """Tell of whom a drug that tells of activity is on record, but none that a trial is about."""
    found = np.zeros(patients, np.bool_)
    written = records.written
    speaks = regimens.speaks.take(written.drug) & ~regimens.tried.take(written.drug)
    helped = word(written.response, written.reason_stopped) == FALSE
    found[written.patient[speaks & ~helped]] = True
    return found


def _helped(records: Records, whole: Flags, regimens: Regimens) -> Truths:
    """Tell whether any drug is said to have helped, at least in part; one word on a drug is enough."""
    written = records.written.only(regimens.speaks.take(records.written.drug))
    active = word(written.response, written.reason_stopped)
    helped = decided((np.isin(active, (IN_PART, LOST, FALSE)), TRUE), (active == TRUE, FALSE))
    order = np.lexsort([written.drug, written.patient])
    helped, patient = helped[order], written.patient[order]
    runs = Runs.of(patient, written.drug[order])
    any_, said = runs.any(helped == TRUE), runs.any(helped == FALSE)
    of_drug = decided((any_, TRUE), (said, FALSE))
    found = np.full(len(whole), FALSE, np.int8)
    np.maximum.at(found, runs.first(patient), of_drug)
    return _unless_unlisted(found, whole)


def _lost(records: Records, whole: Flags, regimens: Regimens) -> Truths:
    """Tell whether a drug is said to have helped and then no longer; of glucocorticoids that is a taper."""
    tapered = [regimens.limits.drugs.index(drug) for drug in regimens.equivalents]
    counted = regimens.speaks.take(records.written.drug) & ~np.isin(records.written.drug, tapered)
    lost = records.written.response == RESPONSES.index("good, then lost")
    found = np.full(len(whole), UNKNOWN, np.int8)
    found[records.written.patient[counted & lost]] = TRUE
    return found


def _stable(records: Records, whole: Flags, regimens: Regimens) -> Floats:
    """Return how many drugs that suppress the immune system go on at a dose that did not change lately."""
    some = records.only(regimens.suppresses.take(records.written.drug))
    start, days = some.written.start, float(regimens.conventions.stable_days)
    with np.errstate(invalid="ignore"):
        unchanged = decided(
            (some.today.earliest - start.latest >= days, TRUE),
            (some.today.latest - start.earliest < days, FALSE),
        )
    of_record = np.minimum(some.running, unchanged)
    order = np.lexsort([some.written.drug, some.written.patient])
    patient, drug = some.written.patient[order], some.written.drug[order]
    runs = Runs.of(patient, drug)
    of_drug, owner = runs.max(of_record[order]), runs.first(patient)
    number = np.zeros(len(whole))
    np.add.at(number, owner, of_drug == TRUE)
    number[owner[of_drug == UNKNOWN]] = np.nan
    return np.where(whole, number, np.nan)
