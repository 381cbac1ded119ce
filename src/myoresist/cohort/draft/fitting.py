"""Whether the values of a column are what a column of ours holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from myoresist.case.cells import Column
from myoresist.case.measures import VAS, Measure
from myoresist.cohort.draft import answers
from myoresist.cohort.draft.profile import Calendar, Profile
from myoresist.cohort.draft.spelling import snake
from myoresist.cohort.draft.vocabulary import Vocabulary
from myoresist.cohort.names import SPREADSHEET

_WITHIN = 0.8
"""Share of numbers that have to be possible."""
_WEIGHT, _POUNDS = "weight_kg", 150
"""A weight above so many, without a unit, may be in pounds."""
_DAYS = (10_000, 60_000)
"""Numbers that may be days from 1927 to 2064, as a spreadsheet counts them."""
_MM = ("_mm", "_100", "_0_100")
_CM = ("_cm", "_10", "_0_10")
_BOTH, _ONE_SIDE = "mmt8", "mmt8_80"


class Fit(NamedTuple):
    """Which column of ours it is, or what has to be asked; and what its values are.

    ``lower`` is the highest number of another scale on which some of the numbers may be.
    """

    ours: str | None
    note: str
    values: Mapping[str, str] = {}
    strange: tuple[str, ...] = ()
    lower: float | None = None


@dataclass(frozen=True)
class Fitting:
    """Compares values with what our columns hold."""

    vocabulary: Vocabulary
    calendar: Calendar

    def of(self, table: str, ours: str, column: Profile) -> Fit:
        """Return whether a column may be one of ours, which its header names."""
        if not column.said:
            return Fit(None, f"{ours}, by its name; it is empty")
        measure = self._measure(table, ours)
        if measure is not None:
            return self._measured(measure, ours, column)
        return self._held(ours, self.vocabulary.schema.tables[table][ours], column, table)

    def _held(self, ours: str, kind: Column, column: Profile, table: str) -> Fit:
        match kind.kind:
            case "text":
                return _told(ours, answers.listed(table, ours, column, self.vocabulary))
            case "number":
                return self._number(ours, kind, column)
            case "date" | "partial_date":
                return self._date(ours, column)
            case "yes_no":
                return _told(ours, answers.yes_no(column, self.vocabulary))
        if ours == "sex":
            return _told(ours, answers.sex(column, self.vocabulary))
        if ours in ("label", "diagnosis_label"):
            return _told(ours, answers.label(column, self.vocabulary))
        if table == "antibodies" and ours == "result":
            return _told(ours, answers.result(column, self.vocabulary, kind.words))
        return _told(ours, answers.words(table, ours, column, self.vocabulary, kind.words))

    def _number(self, ours: str, kind: Column, column: Profile) -> Fit:
        if not column.numbers:
            return Fit(None, f"{ours}, by its name, but its values are no numbers")
        codes = {float(x) for x in self.vocabulary.headers.beside_codes}
        fit = [kind.fits(x) for x in column.numbers if kind.fits(x) or x not in codes]
        if sum(fit) < _WITHIN * len(fit) or not any(fit):
            said = f"{ours}, by its name, but {column.span} is not {kind.expected}"
            return Fit(None, said)
        if ours == _WEIGHT and "kg" not in snake(column.name) and max(column.numbers) > _POUNDS:
            return Fit(None, f"{ours}, or in pounds? values {column.span}")
        return Fit(ours, f"by its name; {column.span}")

    def _date(self, ours: str, column: Profile) -> Fit:
        numbers = [x for x in column.numbers if _DAYS[0] <= x <= _DAYS[1]]
        if not column.dates and len(numbers) > _WITHIN * len(column.said):
            said = f"{column.span} may be days of a spreadsheet; then add {SPREADSHEET} to dates"
            return Fit(None, f"{ours}, by its name, but {said}")
        if not column.dates:
            return Fit(None, f"{ours}, by its name, but its values are no dates")
        if not self.calendar.reads(column):
            return Fit(
                None, f"{ours}, by its name; which stands first in it, the day or the month?"
            )
        forms = [x for x in column.forms if x in self.calendar.forms]
        return Fit(ours, f"by its name; dates are written {' or '.join(forms or ['2023-05-17'])}")

    def _measure(self, table: str, ours: str) -> Measure | None:
        if table != "visits":
            return None
        measures = self.vocabulary.schema.terms.measures
        return next((x for x in measures if ours in x.columns and not x.enzyme), None)

    def _measured(self, measure: Measure, ours: str, column: Profile) -> Fit:
        """Return whether a column is a measure, and in which unit or form."""
        kind = self.vocabulary.schema.tables["visits"]
        header = snake(column.name)
        in_mm = f"{measure.id}_mm"
        if measure.unit == VAS and in_mm in measure.columns and column.numbers:
            high = max(column.numbers)
            if header.endswith(_MM) or (high > measure.maximum and not header.endswith(_CM)):
                fit = self._number(in_mm, kind[in_mm], column)
                low = min(column.numbers) <= measure.maximum
                asked = fit._replace(
                    note=fit.note + "; are all of them in mm?", lower=measure.maximum
                )
                return asked if low else fit
            if not (header.endswith(_CM) or header == measure.id or header in measure.columns):
                return Fit(None, f"{measure.id} in cm or {in_mm}? values {column.span}")
        if measure.id == _BOTH and column.numbers and "150" not in header:
            highest = self.vocabulary.schema.terms.measures[_ONE_SIDE].maximum
            if max(column.numbers) <= highest:
                said = f"{_BOTH} of 150, or {_ONE_SIDE}? values {column.span}"
                return Fit(None, said)
            if min(column.numbers) <= highest:
                fit = self._number(ours, kind[ours], column)
                note = fit.note + f"; are all of them of {measure.maximum:g}?"
                return fit._replace(note=note, lower=highest)
        return self._number(ours, kind[ours], column)


def _told(ours: str, said: answers.Said) -> Fit:
    if said.asked:
        return Fit(None, f"{ours}, by its name; {said.asked}")
    return Fit(ours, "by its name", said.values, said.strange)
