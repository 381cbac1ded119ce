"""What an assessment remarks on a case that reads well and yet cannot be used as it is written."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.answers import Patients
from myoresist.case.model import Case
from myoresist.document import shown
from myoresist.library import Knowledge


def unknown_methods(base: Knowledge, case: Case) -> Iterator[str]:
    """Yield the methods of antibody tests that are not known."""
    names = base.serology.knowledge.confidence.method_names()
    for place, test in enumerate(case.autoantibodies):
        if test.method and names.find(test.method) is None:
            near = names.nearest(test.method)
            hint = f"; did you mean {near.replace('_', ' ')}?" if near else ""
            yield (
                f"autoantibodies[{place}]: {shown(test.method)} is no method that is known, so it counts as "
                f"not stated{hint}"
            )


def beyond(base: Knowledge, patients: Patients, case: Case) -> Iterator[str]:
    """Yield the courses whose dose or frequency no regimen reaches: a mistake of the record, or a danger."""
    for one, above in base.ceilings.exceeded(patients.treatments.courses):
        for place in above.nonzero()[0]:
            course = case.treatments[place]
            often = f" {course.frequency}" if course.frequency else ""
            asked = f"{often.strip()}? " if one.more_often_than and often else ""
            dose = f"{course.dose or 0:g} {course.unit or ''}{often}"
            yield (
                f"treatments[{place}]: {course.drug}, {dose}: {asked}"
                f"above any usual dose, so it counts as no adequate trial. {one.text}"
            )
