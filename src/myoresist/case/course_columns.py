"""Courses and drug levels of N patients as columns, and how their words are read.

However they were written, in a case file or in tables, each different text is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import numpy as np

from myoresist.arrays.kleene import Truths
from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints
from myoresist.arrays.words import NO_WORD, Texts
from myoresist.case.dates import Days
from myoresist.case.doses import LOCAL, Body, Measure
from myoresist.case.terms import Terms

# Words are kept as their places in these. Their order is that of the alphabet, by which records are sorted
# that differ in nothing else.
RESPONSES = ("complete", "good", "good, then lost", "none", "partial", "worse")
REASONS = (
    "access", "no effect", "other", "relapse", "remission", "side effect", "wish for pregnancy",
)  # fmt: skip
MEASURES, BODIES = get_args(Measure), get_args(Body)
_KG = BODIES.index("kg")
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Courses(Rows):
    """Records of treatment as they came in. Numbers are NaN and words ``NO_WORD`` where they are unknown.

    Attributes:
        patient: row of the patient.
        drug: place in ``drugs.csv``.
        route: place in ``routes_of``.
        local: whether it was only applied locally.
        amount: mg, U or count a dose.
        no_dose: whether no dose was written.
        measure: place in ``MEASURES``.
        body: place in ``BODIES`` of what the dose is given by.
        times: doses in ``every`` days.
        every: see ``times``; of a single dose unknown.
        single: whether it is a single dose.
        start: when it started.
        stop: when it stopped.
        length: days that it lasted, where that was written instead of dates.
        ongoing: whether it is said to go on.
        response: place in ``RESPONSES``.
        shared: whether the response is that of a combination, so that nobody knows whose it is.
        reason_stopped: place in ``REASONS``.
        weight_kg: weight of the patient.
    """

    patient: Ints
    drug: Ints
    route: Ints
    local: Flags
    amount: Floats
    no_dose: Flags
    measure: Ints
    body: Ints
    times: Floats
    every: Floats
    single: Flags
    start: Days
    stop: Days
    length: Floats
    ongoing: Truths
    response: Ints
    shared: Flags
    reason_stopped: Ints
    weight_kg: Floats


@dataclass(frozen=True)
class Levels(Rows):
    """Drug levels: row of the patient, place of the drug in ``drugs.csv``, date and value."""

    patient: Ints
    drug: Ints
    date: Days
    value: Floats


def by_body_size(dose: Floats, body: Ints, other: Ints | int, weight_kg: Floats) -> Floats:
    """Return doses by another body size than they are given by (places in ``BODIES``, ``NO_WORD`` for none).

    Only weights are turned into each other; what cannot be turned is NaN.
    """
    same = np.where(body == other, dose, np.nan)
    whole = np.where((body == _KG) & (other == NO_WORD), dose * weight_kg, same)
    return np.where((body == NO_WORD) & (other == _KG), dose / weight_kg, whole)


def routes_of(terms: Terms) -> tuple[str, ...]:
    """Return the routes by which a drug may be taken that is not only applied locally."""
    return tuple(sorted(terms.doses.routes))


WORDS = ("drug", "unit", "frequency", "route", "response", "reason_stopped")


def courses_of(
    patient: Ints,
    words: Mapping[str, Texts],
    numbers_: Mapping[str, Floats],
    dates: tuple[Days, Days],
    ongoing: Truths,
    shared: Flags,
    terms: Terms,
) -> Courses:
    """Read the words of courses and put together what they say of the dose.

    Args:
        patient: row of the patient of each course.
        words: the columns ``WORDS``.
        numbers_: ``dose``, ``weeks`` and ``weight_kg``.
        dates: when they started and stopped.
        ongoing: whether they are said to go on.
        shared: whether their response is that of a combination.
        terms: the words that may be used.
    """
    factor, unit_every = words["unit"].read(partial(_unit, terms), 2)
    times, often_every, single = words["frequency"].read(partial(_often, terms), 3)
    # A unit that says how long, as mg/day, holds whatever the frequency.
    rate = ~np.isnan(unit_every)
    routes, local_words = (*routes_of(terms), LOCAL), terms.sections.local_routes

    def route_of(word: str | None) -> int | None:
        return _place(terms.doses.route(word, local_words) if word else None, routes)

    named = words["drug"].word(lambda word: route_of(terms.route_in(word)))
    route = words["route"].word(route_of)
    route = np.where(route == NO_WORD, named, route)
    local = route == routes.index(LOCAL)
    dose = numbers_["dose"]
    # Given less often than the unit says, or by a way that nobody understands, it may be any amount.
    doubtful = (times > 0) & (often_every > unit_every)
    doubtful |= (route == NO_WORD) & (words["route"].places != NO_WORD)
    return Courses(
        patient=patient,
        drug=drugs_of(words["drug"], terms),
        route=np.where(local, NO_WORD, route),
        local=local,
        amount=np.where(doubtful, np.nan, dose * factor),
        no_dose=np.isnan(dose) & ~doubtful,
        measure=words["unit"].word(lambda word: _of_unit(terms, word, "measure", MEASURES)),
        body=words["unit"].word(lambda word: _of_unit(terms, word, "body", BODIES)),
        times=np.where(rate, 1.0, times),
        every=np.where(rate, unit_every, often_every),
        single=~rate & (single == 1),
        start=dates[0],
        stop=dates[1],
        length=np.round(numbers_["weeks"] * 7),
        ongoing=ongoing,
        response=words["response"].word(partial(_stated, known=RESPONSES)),
        shared=shared,
        reason_stopped=words["reason_stopped"].word(partial(_stated, known=REASONS)),
        weight_kg=numbers_["weight_kg"],
    )


def places_of(words: Sequence[str], *wanted: str) -> Ints:
    """Return the places of some words in ``RESPONSES`` or ``REASONS``."""
    return np.array([words.index(word) for word in wanted], np.int64)


def _place(word: str | None, words: Sequence[str]) -> int | None:
    return words.index(word) if word is not None else None


def drugs_of(texts: Texts, terms: Terms) -> Ints:
    """Return the place in ``drugs.csv`` of each drug."""
    places = {drug: place for place, drug in enumerate(terms.drugs)}

    def look_up(word: str) -> int | None:
        known = terms.drug(word)
        return places[known.id] if known else None

    return texts.word(look_up)


def _unit(terms: Terms, word: str) -> tuple[float, float] | None:
    known = terms.doses.unit(word)
    return (known.factor, np.nan if known.days is None else known.days) if known else None


def _of_unit(terms: Terms, word: str, what: str, words: Sequence[str]) -> int | None:
    return _place(getattr(terms.doses.unit(word), what, None), words)


def _often(terms: Terms, word: str) -> tuple[float, float, float] | None:
    known = terms.doses.frequency(word)
    if known is None:
        return None
    return (known.times, np.nan, 1) if known.days is None else (known.times, known.days, 0)


def _stated(word: str, known: Sequence[str]) -> int | None:
    if word not in (*known, _UNKNOWN):
        raise ValueError(f"courses: {word} is none of {', '.join(known)}")
    return None if word == _UNKNOWN else known.index(word)
