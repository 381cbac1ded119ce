"""From a case to its table of visits: enzymes of each visit, treatment at each visit, and the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from myoresist.case.dates import PartialDate
from myoresist.case.measures import Measure
from myoresist.case.model import Case, Treatment, Visit
from myoresist.case.terms import Terms
from myoresist.case.units import converted, spelling
from myoresist.resistance.response.evaluate import Conventions
from myoresist.resistance.response.visits import DATE, ON_TREATMENT, PATIENT, value_column


@dataclass(frozen=True)
class Series:
    """The visits of one case in order of time.

    Attributes:
        visits: those whose place in time is certain.
        table: one row a visit, as ``checked_visits`` takes it; the first day of a partial date stands for it.
        baseline: the index of the visit with which later ones are compared.
        basis: why it is that visit.
        remarks: what could not be used.
    """

    visits: tuple[Visit, ...]
    table: pl.DataFrame
    baseline: int
    basis: str
    remarks: tuple[str, ...]


def series(
    case: Case, terms: Terms, conventions: Conventions, baseline: str | PartialDate | None = None
) -> Series | None:
    """Return the visits of a case, or ``None`` if it has none that can be used.

    Args:
        case: the case.
        terms: the words that it uses.
        conventions: choices that the papers leave open.
        baseline: the date of the visit to compare with, as it stands in the case; when left out, the last
            visit before the most recent course began.

    Raises:
        ValueError: if there is no visit of that date.
    """
    remarks: list[str] = []
    visits = _ordered(case, remarks)
    if not visits:
        return None
    rows = [_row(case, visit, terms, conventions, remarks) for visit in visits]
    columns = [c for m in terms.measures for c in (value_column(m), *list(m.limit_columns)[:1])]
    schema = {PATIENT: pl.String, DATE: pl.Date, ON_TREATMENT: pl.Boolean}
    table = pl.DataFrame(rows, schema=schema | dict.fromkeys(columns, pl.Float64))
    index, basis = _baseline(case, visits, terms, conventions, baseline)
    return Series(tuple(visits), table, index, basis, tuple(dict.fromkeys(remarks)))


def _ordered(case: Case, remarks: list[str]) -> list[Visit]:
    """Return the visits in order of time, without those whose place is open."""
    kept = []
    for index, visit in enumerate(case.visits):
        others = [
            other
            for other, one in enumerate(case.visits)
            if other != index
            and one.date.earliest <= visit.date.latest
            and visit.date.earliest <= one.date.latest
        ]
        if others:
            places = " and ".join(f"visits[{place}]" for place in sorted([index, *others]))
            remarks.append(
                f"{places}: the dates do not tell which came first, so they are not compared; give "
                "the day, and write one visit a day"
            )
        else:
            kept.append(visit)
    return sorted(kept, key=lambda visit: visit.date.earliest)


def _row(
    case: Case, visit: Visit, terms: Terms, conventions: Conventions, remarks: list[str]
) -> dict[str, object]:
    row: dict[str, object] = {
        PATIENT: case.patient.id,
        DATE: visit.date.earliest,
        ON_TREATMENT: _on_treatment(case, visit.date, terms, conventions),
    }
    for name, value in terms.measures.values(visit).items():
        row[value_column(terms.measures[name])] = value
    for key, instrument in terms.measures.singly.items():
        if getattr(visit, key) and not list(instrument.totals(visit)):
            remarks.append(f"visit of {visit.date}: {key} is not complete, so it gives no total")
    if visit.haq_items and visit.haq_aids is None:
        remarks.append(
            f"visit of {visit.date}: haq_aids is not given, so no category is raised; write [] if "
            "there are none"
        )
    for measure in terms.measures:
        if measure.enzyme:
            row |= _enzyme(case, visit.date, measure, terms, conventions, remarks)
    return row


def _enzyme(
    case: Case,
    visit: PartialDate,
    measure: Measure,
    terms: Terms,
    conventions: Conventions,
    remarks: list[str],
) -> dict[str, float]:
    """Return the value and limit of the sample nearest to a visit, if there is no doubt which one it is."""
    test = terms.labs[measure.id]
    found: list[tuple[timedelta, float, float | None]] = []
    for lab in case.labs:
        known = terms.lab(lab.test)
        if known is None or known.id != test.id or lab.date is None:
            continue
        away = _away(visit, lab.date)
        if away is not None and away <= timedelta(days=conventions.enzyme_days):
            unit = spelling(lab.unit, test) or test.unit
            limit = converted(lab.upper_limit, unit, test) if lab.upper_limit else None
            found.append((away, converted(lab.value, unit, test), limit))
    nearest = {one[1:] for one in found if one[0] == min(found)[0]} if found else set()
    if len(nearest) > 1:
        remarks.append(
            f"visit of {visit}: {measure.title} has more than one value, so it is unknown"
        )
    if len(nearest) != 1:
        return {}
    value, limit = nearest.pop()
    if limit is None:
        remarks.append(
            f"visit of {visit}: {measure.title} without its upper limit of normal cannot be compared; "
            "give upper_limit"
        )
        return {value_column(measure): value}
    return {value_column(measure): value, next(iter(measure.limit_columns)): limit}


def _away(one: PartialDate, other: PartialDate) -> timedelta | None:
    """Return how far two dates are apart, as far as that can be told."""
    if _same_time(one, other):
        return timedelta(0)
    if one.exact and other.exact:
        return abs(one.exact - other.exact)
    return None


def _same_time(one: PartialDate, other: PartialDate) -> bool:
    """Tell whether two dates are written alike, to the month at least."""
    return one == other and one.month is not None


def _on_treatment(
    case: Case, date: PartialDate, terms: Terms, conventions: Conventions
) -> bool | None:
    """Tell whether the patient was on any treatment of myositis at a date."""
    open_ = False
    for course in case.treatments:
        drug = terms.drug(course.drug)
        if drug is not None and drug.drug_class not in conventions.treatment_classes:
            continue
        begun = course.start is not None and course.start.latest <= date.earliest
        before = course.start is not None and course.start.earliest > date.latest
        ended = course.stop is not None and course.stop.latest < date.earliest
        goes_on = course.stop is None and course.reason_stopped is None and case.treatments_complete
        lasts = goes_on or (course.stop is not None and course.stop.earliest >= date.latest)
        if drug is not None and begun and lasts:
            return True
        open_ = open_ or not (before or ended)
    return False if case.treatments_complete and not open_ else None


def _baseline(
    case: Case,
    visits: Sequence[Visit],
    terms: Terms,
    conventions: Conventions,
    baseline: str | PartialDate | None,
) -> tuple[int, str]:
    if baseline is not None:
        for index, visit in enumerate(visits):
            if str(visit.date) == str(baseline):
                return index, "as asked for"
        known = ", ".join(str(visit.date) for visit in visits)
        raise ValueError(f"there is no visit of {baseline}; there are {known or 'none'}")
    for classes in conventions.course_classes:
        for start, label in _starts(case, terms, classes, conventions.same_course_days):
            before = [
                index
                for index, visit in enumerate(visits)
                if _same_time(visit.date, start) or visit.date.latest <= start.earliest
            ]
            if before and before[-1] + 1 < len(visits):
                return before[-1], f"the last visit before {label} began ({start})"
    return 0, "the first visit, since no course of treatment is known to begin between two visits"


def _starts(
    case: Case, terms: Terms, classes: Sequence[str], same_days: int
) -> list[tuple[PartialDate, str]]:
    """Return when courses of some classes began, the latest first; a change of dose begins none."""
    courses: dict[str, list[tuple[PartialDate, Treatment]]] = {}
    labels = {}
    for course in case.treatments:
        drug = terms.drug(course.drug)
        if drug is not None and drug.drug_class in classes and course.start:
            courses.setdefault(drug.id, []).append((course.start, course))
            labels[drug.id] = drug.label
    found = []
    for drug_id, listed in courses.items():
        last: Treatment | None = None
        for start, course in sorted(listed, key=lambda one: one[0].earliest):
            near = last is not None and (
                last.stop is None or start.earliest - last.stop.latest <= timedelta(days=same_days)
            )
            if not near:
                found.append((start, labels[drug_id]))
            last = course
    return sorted(found, key=lambda one: one[0].earliest, reverse=True)
