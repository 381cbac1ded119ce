"""From a case to a row: every statement that the case makes about a finding, and the values they give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from myoresist.case.catalogue import Catalogue
from myoresist.case.dates import PartialDate, whole_months
from myoresist.case.model import Answer, AntibodyTest, Case, Lab
from myoresist.case.reading import FINDING_LISTS, FINDING_SECTIONS, packaged_terms
from myoresist.case.terms import LabFinding, LabTest, Terms
from myoresist.case.units import converted, spelling

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
    """

    patient_id: str
    values: Mapping[str, Value]
    statements: tuple[Statement, ...]
    conflicts: tuple[Conflict, ...]
    remarks: tuple[str, ...]


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
            conflicts.setdefault(one.finding, Conflict(one.finding, text))
    kept = {finding: value for finding, value in values.items() if finding not in conflicts}
    return Record(
        case.patient.id, kept, statements, tuple(conflicts.values()), tuple(reader.remarks)
    )


def findings_table(records: Sequence[Record], catalogue: Catalogue) -> pl.DataFrame:
    """Return one row a record: ``patient_id`` and one typed column for every finding; NULL is unknown."""
    rows = [{"patient_id": one.patient_id, **one.values} for one in records]
    return conform(pl.DataFrame(rows, schema=_schema(catalogue)), catalogue)


def conform(table: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Return a table of findings with every finding of the catalogue as a column of its type.

    This is the door for tables. Findings that are not there become unknown, and NaN becomes NULL: every
    engine takes NaN for larger than any number.

    Raises:
        ValueError: for a column that is not a finding, or a value that does not fit its kind.
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
        if held is None or held == pl.Null:
            columns.append(pl.lit(None, kind).alias(name))
        elif kind == pl.Float64 and held.is_numeric():
            columns.append(pl.col(name).cast(pl.Float64).fill_nan(None))
        elif held == kind:
            columns.append(pl.col(name))
        else:
            raise ValueError(f"column {name}: holds {held}, but {kind.__name__} is expected")
    return table.select(columns)


def _schema(catalogue: Catalogue) -> dict[str, type[pl.DataType]]:
    return {"patient_id": pl.String, **catalogue.table_schema()}


class _Reader:
    """Walks through a case in the order of its sections."""

    def __init__(self, case: Case, terms: Terms) -> None:
        self.case = case
        self.terms = terms
        self.remarks: list[str] = []

    def statements(self) -> Iterator[Statement]:
        yield from self._patient()
        for name in FINDING_SECTIONS:
            yield from self._answers((name,), getattr(self.case, name))
        yield from self._labs()
        yield from self._antibodies()
        for name in FINDING_LISTS:
            for index, entry in enumerate(getattr(self.case, name)):
                yield from self._answers((name, index, "findings"), entry.findings)
        for index, biopsy in enumerate(self.case.biopsies):
            finding = self.terms.sections.tissue.get(biopsy.tissue)
            if finding:
                yield self._says(finding, True, "biopsies", index)
        yield from self._visits()
        yield from self._courses()

    def _says(self, finding: str, value: Value, *path: str | int) -> Statement:
        shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        return Statement(finding, value, shown.removeprefix("."), self.case.line(*path))

    def _patient(self) -> Iterator[Statement]:
        case, sections = self.case, self.terms.sections
        female = sections.sex.get(case.patient.sex or "")
        if female is not None:
            yield self._says(sections.sex_finding, female, "patient", "sex")
        if case.label:
            yield self._says("diagnosis_label", case.label, "label")
        today = case.date or self._latest_date()
        born, onset = case.patient.birth_date, case.onset.date
        yield from self._span("age", case.patient.age, ("patient", "age"), born, today, 12)
        yield from self._span("age_at_onset", case.onset.age, ("onset", "age"), born, onset, 12)
        duration = case.onset.duration_months
        path = ("onset", "duration_months")
        yield from self._span("weakness_duration_months", duration, path, onset, today, 1)
        tempo = sections.tempo.get(case.onset.tempo or "")
        if tempo is not None:
            yield self._says(tempo, True, "onset", "tempo")

    def _span(
        self,
        finding: str,
        given: float | None,
        path: tuple[str, str],
        start: PartialDate | None,
        end: PartialDate | None,
        months: int,
    ) -> Iterator[Statement]:
        """State a time as it was given, or from two dates if these leave no doubt."""
        if given is not None:
            yield self._says(finding, float(given), *path)
        elif start and end:
            least, most = (span // months for span in whole_months(start, end))
            if least == most >= 0:
                yield self._says(finding, float(least), *path)
            else:
                self.remarks.append(
                    f"{self.terms.catalogue[finding].label}: {start} to {end} leaves {max(least, 0)} "
                    f"to {most} open, so it is unknown; give {'.'.join(path)}"
                )

    def _latest_date(self) -> PartialDate | None:
        dates = [
            entry.date
            for name in ("labs", "autoantibodies", *FINDING_LISTS, "visits")
            for entry in getattr(self.case, name)
            if entry.date
        ]
        return max(dates, key=lambda one: one.latest, default=None)

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
                value = PartialDate.parse(answer).earliest
            yield self._says(finding, value, *path, finding)

    def _labs(self) -> Iterator[Statement]:
        rows: dict[str, list[tuple[int, Lab]]] = {}
        for index, row in enumerate(self.case.labs):
            test = self.terms.lab(row.test)
            if test is not None:
                rows.setdefault(test.id, []).append((index, row))
        for name, found in rows.items():
            test = self.terms.labs[name]
            for use in test.findings:
                yield from self._lab(test, use, found)
            without = [index for index, row in found if row.upper_limit is None]
            if without and any(use.upper_limit for use in test.findings):
                self.remarks.append(
                    f"labs[{without[0]}]: {test.synonyms[0]} without its upper limit of normal, so its "
                    "multiple of the limit is unknown; give upper_limit"
                )

    def _lab(
        self, test: LabTest, use: LabFinding, rows: Sequence[tuple[int, Lab]]
    ) -> Iterator[Statement]:
        if use.take == "highest_multiple":
            with_limit = [one for one in rows if one[1].upper_limit]
            chosen = max(
                with_limit or rows,
                key=lambda one: (
                    one[1].value / (one[1].upper_limit or 1) if with_limit else one[1].value
                ),
            )
        else:
            dated = [(row.date.latest, index, row) for index, row in rows if row.date]
            if dated:
                _, index, row = max(dated, key=lambda one: (one[0], one[1]))
                chosen = (index, row)
            elif use.dated or len(rows) > 1:
                self.remarks.append(
                    f"labs[{rows[0][0]}]: {test.synonyms[0]} without a date, so the current value is "
                    "unknown; give date"
                )
                return
            else:
                chosen = rows[0]
        index, row = chosen
        unit = spelling(row.unit, test) or test.unit
        yield self._says(use.value, converted(row.value, unit, test), "labs", index, "value")
        if use.upper_limit and row.upper_limit:
            limit = converted(row.upper_limit, unit, test)
            yield self._says(use.upper_limit, limit, "labs", index, "upper_limit")

    def _antibodies(self) -> Iterator[Statement]:
        for index, test in enumerate(self.case.autoantibodies):
            finding = self.terms.antibody(test.antibody)
            if finding is None:
                continue
            said, remark = self._result(test)
            if said is not None:
                yield self._says(finding.id, said, "autoantibodies", index)
            if remark:
                self.remarks.append(f"autoantibodies[{index}]: {finding.label}: {remark}")

    def _result(self, test: AntibodyTest) -> tuple[bool | None, str | None]:
        if test.result is not None:
            word = self.terms.results.words[test.result]
            return word.finding, word.text
        if test.value is None or test.cut_off is None:
            return None, None
        return test.value >= test.cut_off, None

    def _visits(self) -> Iterator[Statement]:
        visits = sorted(
            enumerate(self.case.visits), key=lambda one: one[1].date.latest, reverse=True
        )
        for measure, finding in self.terms.sections.visits.items():
            for index, visit in visits:
                value = getattr(visit, measure)
                if value is not None:
                    yield self._says(finding, float(value), "visits", index, measure)
                    break

    def _courses(self) -> Iterator[Statement]:
        for index, course in enumerate(self.case.treatments):
            drug = self.terms.drug(course.drug)
            if drug is None:
                near = self.terms.nearest_drug(course.drug)
                hint = f"; did you mean {near}?" if near else ""
                self.remarks.append(
                    f"treatments[{index}]: {course.drug} is not in the list of drugs{hint}"
                )
                continue
            finding = self.terms.sections.current_drug_class.get(drug.drug_class)
            # Without a stop date a course is only known to go on when the list is said to be complete.
            if finding and course.start and course.stop is None and self.case.treatments_complete:
                yield self._says(finding, True, "treatments", index)


def _place(statement: Statement) -> str:
    return statement.field + (f" (line {statement.line})" if statement.line else "")


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else str(value)
