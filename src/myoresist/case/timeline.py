"""What was given, measured and done, in order of time, with dates no sharper than the record has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from myoresist.case.dates import PartialDate
from myoresist.case.model import Case, Treatment
from myoresist.case.record import assessed_on, goes_on
from myoresist.case.terms import Terms
from myoresist.case.units import converted, spelling
from myoresist.result import Result


class MomentResult(Result):
    """A date as it was written, and the first and the last day that it can be."""

    written: str
    earliest: date
    latest: date


class DrugCourseResult(Result):
    """One course as the record has it.

    Attributes:
        dose: dose, unit, frequency and route in words; nothing where none is recorded.
        goes_on: whether it is taken now; ``None`` if nobody says, so that its end is open.
        weeks: how long it lasted, where that is said instead of dates.
    """

    drug: str
    dose: str
    start: MomentResult | None
    stop: MomentResult | None
    goes_on: bool | None
    weeks: float | None
    response: str | None
    reason_stopped: str | None


class SampleResult(Result):
    """One laboratory value in the unit in which the test is kept, and as a multiple of its upper limit."""

    test: str
    label: str
    value: float
    unit: str
    times_limit: float | None
    date: MomentResult | None


class EventResult(Result):
    """Something that happened on a date."""

    text: str
    date: MomentResult


class TimelineResult(Result):
    """The course of one patient in time. Nothing here is inferred: what has no date has none.

    Attributes:
        assessed: the date of the assessment, or the latest date of the record.
    """

    assessed: MomentResult | None
    courses: tuple[DrugCourseResult, ...] = ()
    samples: tuple[SampleResult, ...] = ()
    events: tuple[EventResult, ...] = ()


def timeline(case: Case, terms: Terms) -> TimelineResult:
    """Return the course of one patient in time.

    Args:
        case: the case.
        terms: the words that it uses.
    """
    events = sorted(_events(case), key=lambda one: (one.date.earliest, one.text))
    return TimelineResult(
        assessed=_moment(assessed_on(case)),
        courses=tuple(_course(one, case, terms) for one in case.treatments),
        samples=tuple(_samples(case, terms)),
        events=tuple(events),
    )


def _moment(when: PartialDate | None) -> MomentResult | None:
    if when is None:
        return None
    return MomentResult(written=str(when), earliest=when.earliest, latest=when.latest)


def _course(one: Treatment, case: Case, terms: Terms) -> DrugCourseResult:
    named = terms.drug_names.find(one.drug)
    amount = f"{one.dose:g} {one.unit or ''}".strip() if one.dose is not None else None
    strength = (named.strength,) if named else ()
    route = one.route or (named.route if named else None)
    return DrugCourseResult(
        drug=named.drug.label if named else one.drug,
        dose=", ".join(x for x in (amount, *strength, one.frequency, route, *_order(one)) if x),
        start=_moment(one.start),
        stop=_moment(one.stop),
        goes_on=goes_on(one, case.treatments_complete),
        weeks=one.weeks,
        response=_responded(one),
        reason_stopped=_stopped(one),
    )


def _order(one: Treatment) -> tuple[str, ...]:
    """Return before and after which drugs a course was begun, and its weeks, where no date says so."""
    weeks = [f"{x:g}" for x in (one.from_week, one.to_week) if x is not None and not one.start]
    said = (
        f"after {one.after}" if one.after else "",
        f"before {one.before}" if one.before else "",
        f"week {' to '.join(weeks)}" if weeks else "",
    )
    return tuple(x for x in said if x)


def _responded(one: Treatment) -> str | None:
    """Return the response in words, with those of single organs and of a combination."""
    organs = ", ".join(f"{organ} {word}" for organ, word in one.response_by_organ.items())
    said = "; ".join(x for x in (one.response, organs) if x)
    if said and one.together_with:
        said += f" (together with {' and '.join(one.together_with)})"
    return said or None


def _stopped(one: Treatment) -> str | None:
    harm = f" ({one.side_effects})" if one.side_effects else ""
    if harm and one.reason_stopped != "side effect":
        return "; ".join(x for x in (one.reason_stopped, f"side effects{harm}") if x)
    return one.reason_stopped and one.reason_stopped + harm


def _samples(case: Case, terms: Terms) -> Iterator[SampleResult]:
    for lab in case.labs:
        test = terms.lab(lab.test)
        unit = spelling(lab.unit, test) if test else None
        if test and unit and lab.value is not None:
            yield SampleResult(
                test=test.id,
                label=test.label,
                value=converted(lab.value, unit, test),
                unit=test.unit,
                times_limit=lab.value / lab.upper_limit if lab.upper_limit else None,
                date=_moment(lab.date),
            )


def _events(case: Case) -> Iterator[EventResult]:
    dated = [
        ("First symptom", case.onset.date),
        *((f"Biopsy of {one.tissue or 'unnamed tissue'}", one.date) for one in case.biopsies),
        *((one.modality or "Imaging", one.date) for one in case.imaging),
        *(("Electromyography", one.date) for one in case.emg),
        *((f"{one.antibody} tested", one.date) for one in case.autoantibodies),
    ]
    for text, when in dated:
        moment = _moment(when)
        if moment:
            yield EventResult(text=text, date=moment)
