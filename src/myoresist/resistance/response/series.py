"""From a case to its table of visits: enzymes of each visit, treatment at each visit, and the baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from myoresist.case.courses import Treatments
from myoresist.case.dates import PartialDate
from myoresist.case.measures import Measure
from myoresist.case.model import Case, Visit
from myoresist.case.terms import Terms
from myoresist.case.units import converted, spelling
from myoresist.resistance.response.baseline import Visited, default_baselines
from myoresist.resistance.response.evaluate import Conventions
from myoresist.resistance.response.visits import DATE, ON_TREATMENT, PATIENT, value_column

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Series:
    """The visits of one case in order of time.

    Attributes:
        visits: those whose place in time is certain.
        table: one row a visit, as ``checked_visits`` takes it; the first day of a partial date stands for it.
        baseline: the index of the visit with which later ones are compared; ``None`` without any.
        basis: why it is that visit.
        remarks: what could not be used.
    """

    visits: tuple[Visit, ...]
    table: pl.DataFrame
    baseline: int | None
    basis: str | None
    remarks: tuple[str, ...]

    def asked_for(self, visits: pl.DataFrame) -> pl.DataFrame | None:
        """Return the row of the baseline in the checked table of these visits."""
        return None if self.baseline is None else visits[[self.baseline]]

    @property
    def visited(self) -> Visited:
        """Return between which days each visit was."""
        days = [(one.date.earliest - EPOCH, one.date.latest - EPOCH) for one in self.visits]
        first, last = np.array([[x.days for x in pair] for pair in days], np.int64).reshape(-1, 2).T
        return Visited(np.zeros(len(days), np.int64), first, last)


def series(
    case: Case,
    treatments: Treatments,
    terms: Terms,
    conventions: Conventions,
    baseline: str | PartialDate | None = None,
) -> Series:
    """Return the visits of a case.

    Args:
        case: the case.
        treatments: what was given, as read from it.
        terms: the words that it uses.
        conventions: choices that the papers leave open.
        baseline: the date of the visit to compare with, as it stands in the case; when left out, that of
            ``default_baselines``.

    Raises:
        ValueError: if there is no visit of that date.
    """
    remarks: list[str] = []
    visits = _ordered(case, remarks)
    rows = [_row(case, visit, terms, conventions, remarks) for visit in visits]
    columns = [c for m in terms.measures for c in (value_column(m), *list(m.limit_columns)[:1])]
    schema = {PATIENT: pl.String, DATE: pl.Date, ON_TREATMENT: pl.Boolean}
    table = pl.DataFrame(rows, schema=schema | dict.fromkeys(columns, pl.Float64))
    found = Series(tuple(visits), table, None, None, tuple(dict.fromkeys(remarks)))
    if not visits:
        return found
    index, basis = _baseline(case, found, treatments, terms, conventions, baseline)
    return replace(found, baseline=index, basis=basis)


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
        if known is None or known.id != test.id:
            continue
        if lab.date is None:
            if lab.value is None:
                return {}
            continue
        away = _away(visit, lab.date)
        if away is not None and away <= timedelta(days=conventions.enzyme_days):
            unit = spelling(lab.unit, test) or test.unit
            limit = converted(lab.upper_limit, unit, test) if lab.upper_limit else None
            if lab.value is None:
                said = f"visit of {visit}: {measure.title} has a result that is not known, so it is unknown"
                remarks.append(said)
                return {}
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
    found: Series,
    treatments: Treatments,
    terms: Terms,
    conventions: Conventions,
    baseline: str | PartialDate | None,
) -> tuple[int, str]:
    if baseline is not None:
        for index, visit in enumerate(found.visits):
            if str(visit.date) == str(baseline):
                return index, "as asked for"
        known = ", ".join(str(visit.date) for visit in found.visits)
        raise ValueError(f"there is no visit of {baseline}; there are {known}")
    chosen = default_baselines(found.visited, treatments, terms.drugs, conventions)
    if chosen.record[0] < 0:
        return (
            0,
            "the first visit, since no course of treatment is known to begin between two visits",
        )
    course = case.treatments[chosen.record[0]]
    drug = terms.drug(course.drug)
    assert drug is not None
    return int(chosen.visit[0]), f"the last visit before {drug.label} began ({course.start})"
