"""From a case to a row: every statement that the case makes about a finding, and the values they give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import polars.selectors as cs

from myoresist.case.catalogue import Catalogue, Finding
from myoresist.case.dates import PartialDate, whole_months
from myoresist.case.lab_rows import Labs, last_of
from myoresist.case.model import Answer, Case, Treatment
from myoresist.case.reading import DATED_LISTS, FINDING_LISTS, FINDING_SECTIONS, packaged_terms
from myoresist.case.responses import of_organs
from myoresist.case.sequence import circular
from myoresist.case.terms import Terms
from myoresist.document import field_name, figure, shown

Value = bool | float | str | date


@dataclass(frozen=True)
class Statement:
    """One thing that a case says about a finding, and where it says so."""

    finding: str
    value: Value
    field: str
    line: int | None = None


@dataclass(frozen=True)
class Conflict:
    """Two statements of one case that disagree about the same finding."""

    finding: str
    values: tuple[Value, Value]
    text: str


@dataclass(frozen=True)
class Record:
    """What a case says, finding by finding.

    Attributes:
        patient_id: the patient.
        values: one value a finding; a finding on which the case disagrees with itself has none.
        statements: where each value comes from.
        conflicts: findings on which the case disagrees with itself.
        remarks: what could not be used, and what would help.
        left_open: those of them about what is used all the same, as far as it goes.
    """

    patient_id: str
    values: Mapping[str, Value]
    statements: tuple[Statement, ...]
    conflicts: tuple[Conflict, ...]
    remarks: tuple[str, ...]
    left_open: frozenset[str] = frozenset()


def record(case: Case, terms: Terms | None = None) -> Record:
    """Return what a case says, finding by finding.

    Args:
        case: the case.
        terms: the words that a case may use; those of the packaged knowledge when left out.
    """
    reader = _Reader(case, terms or packaged_terms())
    statements = tuple(reader.statements())
    values: dict[str, Value] = {}
    first: dict[str, Statement] = {}
    conflicts: dict[str, Conflict] = {}
    label = reader.terms.catalogue
    for one in statements:
        if one.finding not in values:
            values[one.finding], first[one.finding] = one.value, one
        elif values[one.finding] != one.value:
            text = (
                f"{label[one.finding].label}: {_place(first[one.finding])} says "
                f"{_said(first[one.finding].value)}, {_place(one)} says {_said(one.value)}"
            )
            both = (values[one.finding], one.value)
            conflicts.setdefault(one.finding, Conflict(one.finding, both, text))
    kept = {finding: value for finding, value in values.items() if finding not in conflicts}
    return Record(
        case.patient.id,
        kept,
        statements,
        tuple(conflicts.values()),
        tuple(reader.remarks),
        frozenset(reader.left_open),
    )


def findings_table(records: Sequence[Record], catalogue: Catalogue) -> pl.DataFrame:
    """Return one row a record: ``patient_id`` and one typed column for every finding; NULL is unknown."""
    rows = [{"patient_id": one.patient_id, **one.values} for one in records]
    return pl.DataFrame(rows, schema=_schema(catalogue)).with_columns(cs.float().fill_nan(None))


def conform(table: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return a table of findings with every finding of the catalogue as a column of its type.

    This is the door for tables. Findings that are not there become unknown, and NaN becomes NULL: every
    engine takes NaN for larger than any number.

    Raises:
        ValueError: for a column that is not a finding, or a value that does not fit its kind, lies outside
            of its range or is none of its choices.
    """
    schema = _schema(catalogue)
    strange = [name for name in table.columns if name not in schema]
    if strange:
        near = catalogue.nearest(strange[0])
        hint = f"; did you mean {near}?" if near else ""
        raise ValueError(f"column {strange[0]}: unknown finding{hint}")
    columns = []
    found = table.schema
    for name, kind in schema.items():
        held = found.get(name)
        if held is not None and held != pl.Null and name in catalogue:
            _fits(table[name], catalogue[name])
        if held is None or held == pl.Null:
            columns.append(pl.lit(None, kind).alias(name))
        elif kind == pl.Float64 and held.is_numeric():
            columns.append(pl.col(name).cast(pl.Float64).fill_nan(None))
        elif held == kind:
            columns.append(pl.col(name))
        else:
            raise ValueError(f"column {name}: holds {held}, but {kind.__name__} is expected")
    # Not `select`: where nothing is known of anybody, it would leave one row of many.
    return table.with_columns(columns).select(*schema)


def _fits(values: pl.Series, finding: Finding) -> None:
    """Refuse a column with a value that the finding cannot have."""
    wrong: pl.Series | None = None
    if finding.kind == "number" and values.dtype.is_numeric():
        known = values.cast(pl.Float64).fill_nan(None)
        wrong = known.filter(~known.is_between(finding.minimum or 0, finding.maximum or 0))
        said = f"is impossible; it lies between {finding.minimum:g} and {finding.maximum:g} {finding.unit}"
    elif finding.kind == "category" and values.dtype == pl.String:
        wrong = values.filter(~values.is_in(finding.choices)).drop_nulls()
        said = f"is not one of the choices; write {', '.join(finding.choices)}"
    if wrong is not None and len(wrong):
        raise ValueError(f"column {finding.id}: {shown(wrong[0])} {said}")


def _schema(catalogue: Catalogue) -> dict[str, type[pl.DataType]]:
    return {"patient_id": pl.String, **catalogue.table_schema()}


def assessed_on(case: Case) -> PartialDate | None:
    """Return the date of the assessment: the one given, or else the latest date of the record."""
    dates = [
        *(entry.date for name in DATED_LISTS for entry in getattr(case, name)),
        *(date for course in case.treatments for date in (course.start, course.stop)),
    ]
    known = [date for date in dates if date]
    return case.date or max(known, key=lambda one: one.latest, default=None)


def goes_on(course: Treatment, complete: bool | None) -> bool | None:
    """Tell whether a course is taken now; ``None`` if nobody says.

    Args:
        course: the course.
        complete: whether the list that it stands in is said to be complete.
    """
    if course.stop is not None or course.reason_stopped is not None:
        return False
    # Without a stop date a course is only known to go on when the list is said to be complete.
    return (
        course.ongoing if course.ongoing is not None else (complete and bool(course.start)) or None
    )


class _Reader:
    """Walks through a case in the order of its sections."""

    def __init__(self, case: Case, terms: Terms) -> None:
        self.case = case
        self.terms = terms
        self.remarks: list[str] = []
        self.left_open: list[str] = []

    def statements(self) -> Iterator[Statement]:
        yield from self._patient()
        for name in FINDING_SECTIONS:
            yield from self._answers((name,), getattr(self.case, name))
        labs = Labs(self.case, self.terms, self.remarks, self.left_open)
        for finding, value, path in labs.said():
            yield self._says(finding, value, *path)
        yield from self._antibodies()
        for name in FINDING_LISTS:
            for index, entry in enumerate(getattr(self.case, name)):
                yield from self._answers((name, index, "findings"), entry.findings)
        yield from self._biopsies()
        yield from self._visits()
        yield from self._courses()
        yield from self._medicines()

    def _says(self, finding: str, value: Value, *path: str | int) -> Statement:
        return Statement(finding, value, field_name(path), self.case.line(*path))

    def _patient(self) -> Iterator[Statement]:
        case, sections = self.case, self.terms.sections
        female = sections.sex.get(case.patient.sex or "")
        if female is not None:
            yield self._says(sections.sex_finding, female, "patient", "sex")
        if case.label:
            yield self._says("diagnosis_label", case.label, "label")
        today = assessed_on(case)
        born, onset = case.patient.birth_date, case.onset.date
        # Without a date of its own, an assessment may be later than all that is written down.
        now = case.date if case.patient.age is not None else today
        age, birth = ("patient", "age"), ("patient", "birth_date")
        yield from self._span("age", case.patient.age, age, birth, born, now, 12)
        age, begin = ("onset", "age"), ("onset", "date")
        yield from self._span("age_at_onset", case.onset.age, age, begin, born, onset, 12)
        yield from self._age_when_it_began()
        months, path = case.onset.duration_months, ("onset", "duration_months")
        yield from self._span("weakness_duration_months", months, path, begin, onset, today, 1)
        tempo = sections.tempo.get(case.onset.tempo or "")
        if tempo is not None:
            yield self._says(tempo, True, "onset", "tempo")

    def _span(
        self,
        finding: str,
        given: float | None,
        path: tuple[str, str],
        dated: tuple[str, str],
        start: PartialDate | None,
        end: PartialDate | None,
        months: int,
    ) -> Iterator[Statement]:
        """State a time as it was given, and what two dates make of it if these leave no doubt."""
        if given is not None:
            yield self._says(finding, float(given), *path)
        if start is None or end is None:
            return
        least, most = (span // months for span in whole_months(start, end))
        if given is not None:
            # Two ages that cannot both be true contradict each other; for months, people round.
            nearest = min(max(math.floor(given), least), most)
            if months == 12 and most >= 0 and nearest != math.floor(given):
                yield self._says(finding, float(nearest), *dated)
        elif least == most >= 0:
            yield self._says(finding, float(least), *dated)
        elif most >= 0:
            said = (
                f"{self.terms.catalogue[finding].label}: {start} to {end} leaves {max(least, 0)} "
                f"to {most} open, so it is unknown; give {'.'.join(path)}"
            )
            self.remarks.append(said)
            self.left_open.append(said)

    def _age_when_it_began(self) -> Iterator[Statement]:
        """State the age at onset that its date gives, where this is not the one that is written."""
        first, age, on = self.case.onset, self.case.patient.age, self.case.date
        if None in (first.age, first.date, age, on) or self.case.patient.birth_date:
            return
        assert first.age is not None and first.date and age is not None and on
        least, most = (span // 12 for span in whole_months(first.date, on))
        # Both ages are in whole years, so that the time between them may be one year more or less.
        nearest = min(
            max(math.floor(first.age), math.floor(age) - most - 1), math.ceil(age) - least
        )
        if most >= 0 and nearest != math.floor(first.age):
            yield self._says("age_at_onset", float(nearest), "onset", "date")

    def _answers(
        self, path: tuple[str | int, ...], answers: Mapping[str, Answer]
    ) -> Iterator[Statement]:
        for finding, answer in answers.items():
            if answer is None or answer == "unknown":
                continue
            kind = self.terms.catalogue[finding].kind
            value: Value = answer
            if kind == "number":
                value = float(answer)
            elif kind == "date":
                given = PartialDate.parse(answer)
                if given.exact is None:
                    label = self.terms.catalogue[finding].label
                    self.remarks.append(f"{label}: {given} leaves the day open, so it is unknown")
                    continue
                value = given.exact
            yield self._says(finding, value, *path, finding)

    def _antibodies(self) -> Iterator[Statement]:
        for index, test in enumerate(self.case.autoantibodies):
            finding = self.terms.antibody(test.antibody)
            if finding is None:
                continue
            if test.titre is not None and finding.id == "ana":
                yield self._says("ana_titre", float(test.titre), "autoantibodies", index, "titre")
            if test.pattern is not None:
                yield from self._pattern(index, test.pattern)
            word = self.terms.results.words[test.result] if test.result else None
            if word is not None and word.finding is not None:
                yield self._says(finding.id, word.finding, "autoantibodies", index)
            if word is not None and word.text:
                self.remarks.append(f"autoantibodies[{index}]: {finding.label}: {word.text}")
            elif test.value is not None and test.cut_off is not None:
                # Beside a word that says otherwise, this is a contradiction to report.
                said = test.value >= test.cut_off
                yield self._says(finding.id, said, "autoantibodies", index, "value")

    def _pattern(self, index: int, pattern: str) -> Iterator[Statement]:
        """State the pattern of antinuclear antibodies; what is none of ours is remarked."""
        words = (f"{pattern} ANA", f"{pattern} staining", pattern)
        named = (self.terms.catalogue.find(word) for word in words)
        known = next((one for one in named if one is not None), None)
        if known is not None and known.kind == "bool":
            yield self._says(known.id, True, "autoantibodies", index, "pattern")
        else:
            self.remarks.append(f"autoantibodies[{index}]: pattern {shown(pattern)} is not known")

    def _biopsies(self) -> Iterator[Statement]:
        for index, biopsy in enumerate(self.case.biopsies):
            if biopsy.tissue is None:
                self.remarks.append(
                    f"biopsies[{index}]: without its tissue it does not count as a muscle biopsy; "
                    "give tissue"
                )
            elif done := self.terms.sections.tissue[biopsy.tissue].done:
                yield self._says(done, True, "biopsies", index)

    def _visits(self) -> Iterator[Statement]:
        values = [self.terms.measures.values(visit) for visit in self.case.visits]
        for measure, finding in self.terms.sections.visits.items():
            measured = [
                (visit.date, (index, values[index][measure]))
                for index, visit in enumerate(self.case.visits)
                if measure in values[index]
            ]
            last = last_of(measured)
            if len({value for _, value in last}) > 1:
                places = " and ".join(f"visits[{index}]" for index, _ in last)
                self.remarks.append(
                    f"{places}: {measure}: the dates do not tell which is the latest, so it is "
                    "unknown; give the day"
                )
            elif last:
                index, value = last[-1]
                yield self._says(finding, value, "visits", index, measure)

    def _courses(self) -> Iterator[Statement]:
        for index, course in enumerate(self.case.treatments):
            drug = self.terms.drug(course.drug)
            if drug is None:
                near = self.terms.nearest_drug(course.drug)
                hint = f"; did you mean {near}?" if near else ""
                self.remarks.append(
                    f"treatments[{index}]: {shown(course.drug)} is not in the list of drugs{hint}"
                )
                continue
            self._remark_order(index, course)
            local = self.terms.sections.local_routes
            if course.route and self.terms.doses.route(course.route, local) is None:
                self.remarks.append(
                    f"treatments[{index}]: {shown(course.route)} is not a route that is known, so its dose "
                    "counts as unknown; write such as oral, intravenous or subcutaneous"
                )
            for told in self.terms.told_by(drug, self._goes_on(course)):
                yield self._says(told, True, "treatments", index)

        self._remark_circles()
        for finding, index in of_organs(self.case.treatments):
            yield self._says(finding, True, "treatments", index, "response_by_organ")

    def _remark_order(self, index: int, course: Treatment) -> None:
        """Remark on a drug before or after which a course was begun, and of which none is recorded."""
        given = {drug.id for one in self.case.treatments if (drug := self.terms.drug(one.drug))}
        for key, name in (("after", course.after), ("before", course.before)):
            named = self.terms.drug(name) if name else None
            if named is not None and named.id not in given:
                self.remarks.append(
                    f"treatments[{index}]: no course of {named.label} is recorded, so {key} tells nothing"
                )

    def _remark_circles(self) -> None:
        """Remark on courses of which each is said to have been begun before the other."""
        pairs = set()
        for one in self.case.treatments:
            own = self.terms.drug(one.drug)
            for name, first in ((one.after, False), (one.before, True)):
                other = self.terms.drug(name) if name else None
                if own and other and own != other:
                    pairs.add((own.label, other.label) if first else (other.label, own.label))
        drugs = circular(pairs)
        if drugs:
            said = " and ".join(drugs)
            self.remarks.append(
                f"treatments: the order of {said} contradicts itself, so it is not weighed"
            )

    def _medicines(self) -> Iterator[Statement]:
        for index, medicine in enumerate(self.case.medicines):
            drug = self.terms.drug(medicine.drug)
            if drug is None:
                said = shown(medicine.drug)
                self.remarks.append(f"medicines[{index}]: {said} is not in the list of drugs")
                continue
            for told in self.terms.told_by(drug, bool(medicine.taken)):
                yield self._says(told, True, "medicines", index)

    def _goes_on(self, course: Treatment) -> bool:
        """Tell whether it is sure that the patient takes this now, and not only on the skin."""
        route = course.route or self.terms.route_in(course.drug)
        local = route is not None and self.terms.is_local(route)
        single = self.terms.doses.is_single(course.frequency or "")
        return goes_on(course, self.case.treatments_complete) is True and not (local or single)


def _place(statement: Statement) -> str:
    return statement.field + (f" (line {statement.line})" if statement.line else "")


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return figure(value) if isinstance(value, float) and math.isfinite(value) else str(value)
