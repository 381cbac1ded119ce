"""A treatment history as tables, for a registry."""

from __future__ import annotations

import numpy as np
import polars as pl

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, to_columns
from myoresist.arrays.runs import Flags
from myoresist.resistance.adequacy.evaluate import History
from myoresist.resistance.adequacy.records import MISSING
from myoresist.resistance.adequacy.trials import TESTS

VERDICTS = {FALSE: "inadequate", UNKNOWN: "undetermined", TRUE: "adequate"}
STATE = pl.Enum(["adequate", "inadequate", "undetermined", "not_tried", "unknown"])
_STATES = np.array(
    [STATE.categories.to_list().index(VERDICTS[value]) for value in sorted(VERDICTS)], np.uint8
)


def trials_table(history: History) -> pl.DataFrame:
    """Return the trials of which something is recorded as a table, by patient, then name of the trial.

    Returns:
        ``patient`` (its row), ``trial``, ``state``, ``days_sure`` and ``days_possible`` of the longest time
        at the dose (NULL without an upper bound), ``missing`` (what leaves it open), and ``TESTS``.
    """
    numbers = history.regimens.numbers
    names = sorted(numbers)
    # The place of each regimen in the order of names.
    rank = np.argsort([numbers[name] for name in names]).astype(np.uint16)
    trial = rank.take(history.trials.regimen)
    order = np.lexsort((trial, history.trials.patient))
    found, trial = history.trials.take(order), trial.take(order)
    tests = np.array([history.tests[test][found.regimen, found.patient] for test in TESTS])
    longest = np.where(np.isinf(found.at_dose.possible), np.nan, found.at_dose.possible)
    return pl.DataFrame(
        [
            pl.Series("patient", found.patient),
            pl.Series("trial", trial).cat.to(pl.Enum(names)),
            pl.Series("state", _STATES.take(found.verdict)).cat.to(STATE),
            pl.Series("days_sure", found.at_dose.certain).cast(pl.Int64),
            pl.Series("days_possible", longest).fill_nan(None).cast(pl.Int64),
            _missing(found.lacks),
            *to_columns(tests, TESTS),
        ]
    )


def _missing(lacks: Flags) -> pl.Series:
    """Return the words for what each row lacks; see ``doses.lacking``."""
    bits = 1 << np.arange(len(MISSING))
    different, places = np.unique(lacks @ bits, return_inverse=True)
    texts = [
        ", ".join(word for word, bit in zip(MISSING, bits, strict=True) if code & bit)
        for code in different
    ]
    return pl.Series("missing", texts, dtype=pl.String).gather(places)
