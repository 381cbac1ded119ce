"""In which order options stand: an explicit order, then guidelines, then evidence; the rest are ties.

Here too stands what the events of an option mean for a subset: a licence ends that it is investigational, a
trial that failed speaks against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import get_args

import polars as pl

from myoresist.treatment.schema import Event, Option, Stance, Subset

STANCES: tuple[Stance, ...] = get_args(Stance)
"""What guidelines may say, the most favourable first."""
ORDER, FIRST, STANCE, RANK = "order", "comes_first", "stance", "rank"
_LICENCE = ("licensed", "refused", "withdrawn")
_END = ("trial_positive", "trial_negative")


def last_event(option: Option, kinds: Collection[str], subsets: Collection[str]) -> Event | None:
    """Return the latest event of some kinds that is about one of some subsets, if there is one."""
    about = [
        one
        for one in option.events
        if one.what in kinds and (not one.subsets or set(one.subsets) & set(subsets))
    ]
    return max(about, key=lambda one: one.date, default=None)


def investigational(option: Option, subsets: Collection[str]) -> bool:
    """Tell whether an option is not yet licensed for any of some subsets, where this is asked of it."""
    last = last_event(option, _LICENCE, subsets)
    return option.investigational and (last is None or last.what != "licensed")


def failed_its_trial(option: Option, subsets: Collection[str]) -> bool:
    """Tell whether the latest trial that decided on an option in some subsets failed."""
    last = last_event(option, _END, subsets)
    return last is not None and last.what == "trial_negative"


def explicit_place(subset: Subset, option: Option) -> int | None:
    """Return the place of an option in the explicit order of a subset, if it has one."""
    return subset.order.places.get(option.id) if subset.order else None


def best_stance(stances: Iterable[Stance]) -> int | None:
    """Return how favourable the most favourable of some stances is, 0 for the best."""
    return min((STANCES.index(one) for one in stances), default=None)


def ranked(pairs: pl.DataFrame, evidence: tuple[str, ...]) -> pl.DataFrame:
    """Return the pairs in their order, those of equal rank by name.

    Args:
        pairs: with ``name``, ``ORDER`` and ``STANCE`` (less is better, NULL last), ``FIRST``, and
            ``evidence``.
        evidence: columns of which more is better, NULL last, the most telling first.

    Returns:
        The pairs without ``name``, with ``place`` and ``RANK``; pairs of one rank are on a par.
    """
    by = [ORDER, FIRST, STANCE, *evidence]
    descending = [False, True, False, *(True for _ in evidence)]
    return (
        pairs.sort(*by, "name", descending=[*descending, False], nulls_last=True)
        .with_columns(pl.struct(by).rle_id().alias(RANK))
        .drop("name")
        .with_row_index("place")
    )
