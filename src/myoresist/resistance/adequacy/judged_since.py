"""From which day what became of a treatment could be judged, of N patients."""

from __future__ import annotations

import numpy as np

from myoresist.arrays.kleene import TRUE, Truths
from myoresist.arrays.runs import Floats
from myoresist.resistance.adequacy.evaluate import History

_ANY = "immunosuppressant"


def days_of(history: History) -> dict[str, Floats]:
    """Return for columns that tell what became of a treatment the day since which it could be judged.

    Returns:
        One number a patient, counted in days from 1970; infinite where there is no such day. A finding that
        follows from such columns has their first day.
    """
    patients = len(history.whole)
    courses, after = history.courses, history.after
    windows = after.judged
    first = np.full(len(courses.patient), np.inf)
    np.minimum.at(first, windows.course, windows.low)

    def of(number: int, told: Truths) -> Floats:
        own = (courses.regimen == number) & (told == TRUE)
        found = np.full(patients, np.inf)
        np.minimum.at(found, courses.patient[own], first[own])
        return found

    days: dict[str, Floats] = {}
    numbers = history.regimens.numbers
    for one in history.regimens.trials:
        days[f"trial_{one.id}_active"] = of(numbers[one.id], after.active)
        days[f"trial_{one.id}_failed"] = of(numbers[one.id], courses.failed)
    for one in history.regimens.windows:
        days[f"window_{one.id}_active"] = of(numbers[one.id], after.active)
        days[f"window_{one.id}_no_gain"] = of(numbers[one.id], after.gainless)
    drugs = [one.id for one in history.regimens.trials if one.kind == _ANY]
    for end in ("active", "failed"):
        days[f"trial_any_{end}"] = np.min([days[f"trial_{x}_{end}"] for x in drugs], axis=0)
    days["glucocorticoid_failure"] = days["trial_glucocorticoid_oral_failed"]
    days["immunosuppressant_failed"] = days["trial_any_failed"]
    return days
