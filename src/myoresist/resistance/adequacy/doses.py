"""How the dose of each record compares with the least doses of regimens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints, Runs
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import BODIES, by_body_size
from myoresist.resistance.adequacy.records import MISSING, Records, flags
from myoresist.resistance.adequacy.regimens import Regimens

LEAST = 1e9
"""The least dose of a regimen. Doses are whole billionths of it, so that sums are exact in any order."""
ROUNDING = 10
"""Doses closer than this are the same: it takes up what decimals lose."""
_HIGHEST = 1e15
_KG, _M2 = BODIES.index("kg"), BODIES.index("m2")


@dataclass(frozen=True)
class Compared(Rows):
    """Pairs of a record and a limit that may be about it, by regimen, then record.

    Attributes:
        record: place of the record.
        limit: place of the limit.
        share: the dose in billionths of the limit; NaN if not known.
        most: the highest share that it may be, also of another limit of the drug; NaN if it may be any.
        weight: whether what it comes to depends on a weight that is not known.
        no_route: whether the drug may not be meant at all, since nothing says how it was taken.
    """

    record: Ints
    limit: Ints
    share: Floats
    most: Floats
    weight: Flags
    no_route: Flags


def compared(records: Records, regimens: Regimens) -> Compared:
    """Compare every record with every limit that its drug and route may meet."""
    record, limit = regimens.limits.fitting(records.written.drug, records.written.route)
    share, most = _shares(records, record, limit, regimens)
    no_route = _no_route(records, record, limit, regimens)
    weight = _no_weight(records, record, limit, regimens)
    return _best_limits(Compared(record, limit, share, most, weight, no_route), records, regimens)


def lacking(
    records: Records, record: Ints, limit: Ints, weight: Flags, regimens: Regimens
) -> Flags:
    """Return what is missing to judge records by limits.

    Args:
        records: the records.
        record: places of some of them.
        limit: places of the limits.
        weight: of each whether it depends on a weight that is not known.
        regimens: where the limits belong.

    Returns:
        One row for each of the places, one column for each word of ``records.MISSING``.
    """
    written, limits = records.written, regimens.limits.columns.take(limit)
    by_amount = regimens.columns.by_amount.take(limits.regimen)
    measured = written.measure.take(record) == limits.measure
    no_dose = written.no_dose.take(record)
    never_per_area = (written.body.take(record) == _M2) ^ (limits.body == _M2)
    no_every = np.isnan(written.every.take(record)) & ~written.single.take(record)
    no_doses = np.isnan(records.doses.possible.take(record))
    return records.lacks.take(record, axis=0) | flags(
        dose=limits.asked & no_dose,
        unit=limits.asked & ~no_dose & (~measured | never_per_area),
        ingredient=~limits.any_dose & (np.isnan(limits.least) | np.isnan(limits.strength)),
        frequency=np.where(by_amount, no_doses, limits.asked & no_every),
        weight=weight,
        route=_no_route(records, record, limit, regimens),
    )


def _no_weight(records: Records, record: Ints, limit: Ints, regimens: Regimens) -> Flags:
    written, limits = records.written, regimens.limits.columns.take(limit)
    body = written.body.take(record)
    other = (body != limits.body) & (body != _M2) & (limits.body != _M2)
    by_weight = other | ~np.isnan(limits.up_to_kg)
    unknown: Flags = limits.asked & by_weight & np.isnan(written.weight_kg.take(record))
    return unknown


def _no_route(records: Records, record: Ints, limit: Ints, regimens: Regimens) -> Flags:
    asked = regimens.limits.columns.by_route.take(limit)
    unknown: Flags = asked & (records.written.route.take(record) == NO_WORD)
    return unknown


def _shares(
    records: Records, record: Ints, limit: Ints, regimens: Regimens
) -> tuple[Floats, Floats]:
    """Tell what share of its limit each record is, in billionths, and the highest that it may be.

    Without the weight, a dose by weight is at most what the heaviest would take. NaN is not known.
    """
    written, limits = records.written, regimens.limits.columns.take(limit)
    by_amount = regimens.columns.by_amount.take(limits.regimen)
    body, weight = written.body.take(record), written.weight_kg.take(record)
    heaviest = np.where(
        np.isnan(limits.up_to_kg), regimens.conventions.heaviest_kg, limits.up_to_kg
    )
    above = weight > limits.up_to_kg
    measured = written.measure.take(record) == limits.measure
    # One dose counts for the time that the regimen gives it.
    days = np.where(written.single.take(record), limits.days, written.every.take(record))
    rate = np.where(by_amount, 1.0, written.times.take(record) * limits.days / days)
    dose = written.amount.take(record) * limits.strength * rate / limits.least

    compared = by_body_size(dose, body, limits.body, weight)
    unweighed = (body == _KG) & (limits.body == NO_WORD) & np.isnan(weight)
    most = np.where(unweighed, dose * heaviest, compared)
    # A limit for those up to a weight is none for those above it.
    compared = np.where(np.isnan(limits.up_to_kg) | ~np.isnan(weight), compared, np.nan)

    def share(of_limit: Floats) -> Floats:
        known = np.where(limits.any_dose, 1.0, np.where(measured, of_limit, np.nan))
        return np.where(above, 0.0, np.rint(known * LEAST).clip(0, _HIGHEST))

    return share(compared), share(most)


def _best_limits(found: Compared, records: Records, regimens: Regimens) -> Compared:
    """Keep the best limit that a record can be compared with, where a drug has several in a regimen."""
    several = np.flatnonzero(regimens.limits.columns.choice.take(found.limit))
    if not len(several):
        return found
    choice = found.take(several)
    limits = regimens.limits.columns.take(choice.limit)
    same = (choice.record, limits.regimen, limits.part)
    # A limit with which the record cannot be compared at all gives way to one with which it can.
    lacks = lacking(records, choice.record, choice.limit, choice.weight, regimens)
    never, no_route = (lacks[:, MISSING.index(word)] for word in ("unit", "route"))
    # The highest share is the best; one that is not known comes last.
    share = np.nan_to_num(-choice.share, nan=np.inf)
    order = np.lexsort([share, *reversed([*same, never, no_route, choice.weight])])
    choice, never = choice.take(order), (never | no_route)[order]
    runs = Runs.of(*(column.take(order) for column in same))
    # What it may be at most, by any limit with which it can be compared.
    counted = never == runs.spread(runs.first(never))
    most = runs.max(np.where(counted, np.nan_to_num(choice.most, nan=np.inf), 0.0))
    weight = runs.any(counted & choice.weight)
    best = order.take(runs.starts)
    kept = np.ones(len(found.record), np.bool_)
    kept[several] = False
    kept[several.take(best)] = True
    most_of, weight_of = found.most.copy(), found.weight.copy()
    most_of[several.take(best)] = np.where(np.isinf(most), np.nan, most)
    known = most <= found.share[several.take(best)]
    weight_of[several.take(best)] = weight & ~known
    return replace(found, most=most_of, weight=weight_of).only(kept)
