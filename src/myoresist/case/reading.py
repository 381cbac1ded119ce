"""Read a case file, or say everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from myoresist import knowledge
from myoresist.case.catalogue import Catalogue, Finding
from myoresist.case.cells import THOUSANDS, Calendar
from myoresist.case.dates import PartialDate, misordered
from myoresist.case.lab_checks import lab_problems
from myoresist.case.messages import either, is_number, message, quoted
from myoresist.case.model import Case
from myoresist.case.shorthand import SCHEME, impossible_weeks, parsed, written_out
from myoresist.case.spelling import respelled
from myoresist.case.terms import SEE_LIST, Terms
from myoresist.case.visit_checks import visit_problems
from myoresist.document import (
    Document,
    DocumentError,
    Path_,
    Problem,
    field_name,
    figure,
    parse_all,
    read_content,
    shown,
)

FINDING_SECTIONS = ("findings", "exposures", "comorbidities")
FINDING_LISTS = ("biopsies", "imaging", "emg")
DATED_LISTS = ("labs", "autoantibodies", *FINDING_LISTS, "visits")

OTHER_CLASSES = ("medicine", "procedure", "other", "non-drug")
"""Classes of drugs that are none against myositis."""

MAX_PROBLEMS, MAX_SUGGESTIONS = 200, 50
MOST_ENTRIES = {
    "labs": 2_000, "autoantibodies": 300, "biopsies": 100, "imaging": 100, "emg": 100,
    "treatments": 300, "visits": 300,
}  # fmt: skip
"""Entries that a list may have, so that time and memory of a report are bounded."""
MOST_LETTERS, MOST_NOTES = 400, 100_000
"""Letters that a name may have, and a text that is not read."""
SAME_DIGITS = 2
TEXTS = frozenset({("patient", "id"), ("source", "pmid")})
"""Values that are texts, even those that look like numbers: 1e5 is a name, and so is INF."""


class CaseError(DocumentError):
    """A case file that cannot be used; it holds every problem that was found."""


class _EnoughError(Exception):
    """There are so many problems that the rest is not worth the time."""


@cache
def packaged_terms() -> Terms:
    """Return the terms of the packaged knowledge, read once."""
    folder = knowledge.folder()
    return Terms.load(folder, Catalogue.load(folder))


def read_case(source: str | Path, terms: Terms | None = None) -> Case:
    """Read one case from a YAML or JSON file.

    Args:
        source: a path, or ``-`` for standard input.
        terms: the words that a case may use; those of the packaged knowledge when left out.

    Raises:
        CaseError: with one line for every problem, naming file, line and field.
    """
    case, problems = check_case(source, terms)
    if case is None:
        raise CaseError(problems)
    return case


def check_case(source: str | Path, terms: Terms | None = None) -> tuple[Case | None, list[Problem]]:
    """Read one case and return it, or ``None`` and everything that is wrong with it."""
    try:
        return check_case_text(*read_content(source), terms)
    except DocumentError as error:
        return None, list(error.problems)


def check_case_text(
    text: str | bytes, name: str, terms: Terms | None = None
) -> tuple[Case | None, list[Problem]]:
    """Read one case from text; see ``check_case``."""
    try:
        return checked(case_document(text, name), terms or packaged_terms())
    except DocumentError as error:
        return None, list(error.problems)


def case_document(text: str | bytes, name: str) -> Document:
    """Return the document that a case stands in, with what is wrong beside what can be read.

    Raises:
        DocumentError: with one clear problem, where nothing can be read.
    """
    return parse_all(text, name, TEXTS)


def checked(document: Document, terms: Terms) -> tuple[Case | None, list[Problem]]:
    """Return the case that a document holds, or ``None`` and everything that is wrong with it."""
    if not isinstance(document.data, Mapping):
        said = (
            "a case is a list of sections such as patient: and findings:; see 'myoresist template'"
        )
        return None, [Problem(document.name, 1, "", said)]
    document = respelled(document, terms)
    data = written_out(_labelled(document.data, terms), terms)
    check = _Check(document, data, terms)
    check.problems |= set(document.problems)
    case: Case | None = None
    try:
        case = Case.model_validate(data)
    except ValidationError as error:
        wrong = error.errors(include_url=False)
    else:
        wrong = []
    with suppress(_EnoughError):
        for one in wrong:
            if not _is_answer(one["loc"]) and not _said(document, one["loc"]):
                check.add(one["loc"], message(one))
        check.sizes()
        check.findings()
        check.labs()
        check.antibodies()
        check.courses()
        check.medicines()
        check.numbers()
        check.label()
        for path, said in impossible_weeks(data, terms.most_weeks):
            check.add(path, said)
        check.dates()
        if case is not None and not check.problems:
            check.totals(case)
    if check.problems:
        return None, sorted(check.problems, key=lambda one: (one.line or 0, one.field, one.message))
    if case is not None:
        case._document = document
    return case, []


def _labelled(data: Mapping[str, Any], terms: Terms) -> Mapping[str, Any]:
    """Return a case whose label is written as the catalogue does."""
    word = data.get("label")
    known = terms.label(word) if isinstance(word, str) else None
    return {**data, "label": known} if known else data


class _Check:
    """Checks the content of a document against what a case may name, whatever else is wrong with it."""

    def __init__(self, document: Document, data: Mapping[str, Any], terms: Terms) -> None:
        self.document = document
        self.data = data
        self.terms = terms
        self.problems: set[Problem] = set()

    def add(self, path: tuple[str | int, ...], message: str) -> None:
        line = self.document.line(path)
        self.problems.add(Problem(self.document.name, line, field_name(path), message))
        if len(self.problems) == MAX_PROBLEMS:
            rest = f"holds {MAX_PROBLEMS} mistakes or more; mend these first"
            self.problems.add(Problem(self.document.name, None, "", rest))
            raise _EnoughError

    def sizes(self) -> None:
        """Refuse what would make a report that nobody can read or wait for."""
        for section, most in MOST_ENTRIES.items():
            entries = self.data.get(section)
            if isinstance(entries, list) and len(entries) > most:
                self.add((section,), f"has {len(entries):,} entries; at most {most:,} can be read")
        for path, text in _texts(self.data, ()):
            if "\0" in text:
                self.add(path, "holds the character U+0000; remove it")
            most = MOST_NOTES if path[-1] in ("notes", "report") else MOST_LETTERS
            if len(text) > most:
                self.add(path, f"has {len(text):,} characters; at most {most:,} can be read")

    def findings(self) -> None:
        for section in FINDING_SECTIONS:
            self._section((section,), self.data.get(section))
        for section in FINDING_LISTS:
            for index, entry in self._entries(section):
                tissue = entry.get("tissue") if section == "biopsies" else None
                self._section((section, index, "findings"), entry.get("findings"), tissue)

    def labs(self) -> None:
        for index, entry in self._entries("labs"):
            for path, said in lab_problems(entry, ("labs", index), self.document, self.terms):
                self.add(path, said)

    def antibodies(self) -> None:
        for index, entry in self._entries("autoantibodies"):
            name = entry.get("antibody")
            if isinstance(name, str) and self.terms.antibody(name) is None:
                said = f"unknown antibody {shown(name)}; {self.terms.meant_antibody(name)}"
                self.add(("autoantibodies", index, "antibody"), said)

    def courses(self) -> None:
        doses = self.terms.doses
        for index, entry in self._entries("treatments"):
            others = entry.get("together_with")
            for place, name in enumerate(others if isinstance(others, list) else ()):
                if isinstance(name, str) and self.terms.drug(name) is None:
                    hint = self.terms.nearest_drug(name)
                    self.add(
                        ("treatments", index, "together_with", place),
                        f"unknown drug {shown(name)}" + (f"; did you mean {hint}?" if hint else ""),
                    )
            scheme = entry.get("scheme")
            if isinstance(scheme, str) and parsed(scheme) is None:
                self.add(("treatments", index, "scheme"), f"{shown(scheme)} is no scheme; {SCHEME}")
            for key in ("after", "before"):
                name = entry.get(key)
                if isinstance(name, str) and self.terms.drug(name) is None:
                    self.add(("treatments", index, key), f"unknown drug {shown(name)}")
            unit, often = entry.get("unit"), entry.get("frequency")
            if isinstance(unit, str) and doses.unit(unit) is None:
                said = f"{shown(unit)} is not a unit of dose; write such as mg, g, mg/kg or mg/day"
                self.add(("treatments", index, "unit"), said)
            if isinstance(often, str) and doses.frequency(often) is None:
                said = (
                    f"{shown(often)} is not a frequency; write such as daily, twice daily, weekly, "
                    "every 4 weeks or once"
                )
                self.add(("treatments", index, "frequency"), said)
            if isinstance(unit, str) and isinstance(often, str) and doses.clash(unit, often):
                self.add(("treatments", index, "frequency"), f"{often} {doses.clash(unit, often)}")
            weeks, path = entry.get("weeks"), ("treatments", index, "dose")
            if is_number(weeks) and weeks > self.terms.most_weeks:
                most = self.terms.most_weeks
                self.add(
                    ("treatments", index, "weeks"), f"{figure(weeks)} is more than {figure(most)}"
                )
            if path in self.document.spelled:
                self.add(path, f"{self.document.spelled[path]} {THOUSANDS}")

    def medicines(self) -> None:
        """Check that what stands under ``medicines`` is not a drug against myositis."""
        entries = self.data.get("medicines")
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            name = entry.get("drug") if isinstance(entry, Mapping) else entry
            known = self.terms.drug(name) if isinstance(name, str) else None
            if known and known.drug_class not in OTHER_CLASSES:
                self.add(("medicines", index), f"{shown(name)} belongs under treatments")

    def numbers(self) -> None:
        """Check numbers that stand outside ``findings`` against the range of the finding they fill."""
        for section, key, finding in (
            ("patient", "age", "age"),
            ("onset", "age", "age_at_onset"),
            ("onset", "duration_months", "weakness_duration_months"),
        ):
            part = self.data.get(section)
            if isinstance(part, Mapping) and finding in self.terms.catalogue:
                self._in_range((section, key), part.get(key), self.terms.catalogue[finding])
        for index, entry in self._entries("visits"):
            for path, said in visit_problems(entry, ("visits", index), self.terms.measures):
                self.add(path, said)
            self._weight(("visits", index, "weight_kg"), entry.get("weight_kg"))
        weight, age = self._get("patient", "weight_kg"), self._get("patient", "age")
        self._weight(("patient", "weight_kg"), weight)
        if is_number(weight) and is_number(age):
            wrong = self.terms.sections.adult_weight_kg.wrong(weight, age)
            if wrong:
                self.add(("patient", "weight_kg"), wrong)

    def totals(self, case: Case) -> None:
        """Check totals against the single values that are recorded beside them."""
        for index, visit in enumerate(case.visits):
            values = self.terms.measures.values(visit)
            for measure, total in self.terms.measures.totals(visit):
                if round(values[measure] - float(total), SAME_DIGITS):
                    said = f"{values[measure]:g} is not the {float(total):g} that the single values give"
                    self.add(("visits", index, measure), said)

    def _weight(self, path: tuple[str | int, ...], value: Any) -> None:
        limits = self.terms.sections.weight_kg
        # The model refuses what is not above zero.
        if is_number(value) and value > 0 and not limits.minimum <= value <= limits.maximum:
            self.add(
                path,
                f"{value:g} is impossible; it lies between {limits.minimum:g} and "
                f"{limits.maximum:g} kg",
            )

    def label(self) -> None:
        label = self.data.get("label")
        if isinstance(label, str) and "diagnosis_label" in self.terms.catalogue:
            self._value(("label",), label, self.terms.catalogue["diagnosis_label"])

    def dates(self) -> None:
        """Check dates and ages against each other; what is not a date, the model refuses."""
        born, today = _date(self._get("patient", "birth_date")), _date(self.data.get("date"))
        calendar = self.terms.calendar
        lived = calendar.today.year - int(self.terms.catalogue["age"].maximum or 0)
        of_birth = Calendar(calendar.earliest.replace(year=lived), calendar.today)
        if born and of_birth.wrong(born):
            self.add(("patient", "birth_date"), f"{born} {of_birth.wrong(born)}")
        age, first = self._get("patient", "age"), self._get("onset", "age")
        if is_number(age) and is_number(first) and first > age:
            self.add(("onset", "age"), f"{first:g} is more than the age of the patient ({age:g})")
        for path, date in self._dates():
            wrong = calendar.wrong(date)
            if wrong:
                self.add(path, f"{date} {wrong}")
            elif today and date.earliest > today.latest:
                self.add(path, f"{date} is after the date of this assessment ({today})")
            if born and date.latest < born.earliest:
                self.add(path, f"{date} is before the birth ({born})")
        for index, entry in self._entries("treatments"):
            wrong = misordered(_date(entry.get("start")), _date(entry.get("stop")))
            if wrong:
                self.add(("treatments", index), wrong)

    def _dates(self) -> Iterator[tuple[tuple[str | int, ...], PartialDate]]:
        """Yield every date of the record with its place."""
        found: list[tuple[tuple[str | int, ...], Any]] = [
            (("date",), self.data.get("date")),
            (("onset", "date"), self._get("onset", "date")),
        ]
        for section in DATED_LISTS:
            for index, entry in self._entries(section):
                found.append(((section, index, "date"), entry.get("date")))
        for index, entry in self._entries("treatments"):
            found += [(("treatments", index, key), entry.get(key)) for key in ("start", "stop")]
        for path, value in found:
            date = _date(value)
            if date:
                yield path, date

    def _get(self, section: str, key: str) -> Any:
        part = self.data.get(section)
        return part.get(key) if isinstance(part, Mapping) else None

    def _entries(self, section: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        entries = self.data.get(section)
        if isinstance(entries, list):
            for index, entry in enumerate(entries):
                if isinstance(entry, Mapping):
                    yield index, entry

    def _section(self, path: tuple[str | int, ...], entries: Any, tissue: object = None) -> None:
        if not isinstance(entries, Mapping):
            return
        section = self.terms.sections.sections.get(str(path[0]))
        sample = self.terms.sections.tissue.get(tissue) if isinstance(tissue, str) else None
        for name, value in entries.items():
            if name in self.terms.catalogue:
                finding = self.terms.catalogue[name]
                if section is not None and not section.takes(finding):
                    said = f"does not belong under {path[0]}; write it under findings"
                    self.add((*path, name), said)
                elif sample is not None and not sample.takes(finding):
                    said = f"does not belong to a biopsy of {tissue}; write it under findings"
                    self.add((*path, name), said)
                self._value((*path, name), value, finding)
            else:
                # Looking for the nearest name takes long, and whoever has so many needs the list.
                few = len(self.problems) < MAX_SUGGESTIONS
                hint = self.terms.meant_finding(str(name)) if few else SEE_LIST
                self.add((*path, name), f"unknown finding; {hint}")

    def _value(self, path: tuple[str | int, ...], value: Any, finding: Finding) -> None:
        if value is None or value == "unknown":
            return
        if finding.kind == "bool" and not isinstance(value, bool):
            self.add(path, f"{shown(value)} is not an answer; write yes, no or unknown")
        elif finding.kind == "number":
            if is_number(value):
                self._in_range(path, value, finding)
            else:
                said = (
                    f"{quoted(value)} is not a number; write a number in {finding.unit}, or unknown"
                )
                self.add(path, said)
        elif finding.kind == "category" and value not in finding.choices:
            near = get_close_matches(str(value), finding.choices, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"write {either(finding.choices)}"
            self.add(path, f"{shown(value)} is not one of the choices; {hint}")
        elif finding.kind == "date":
            try:
                wrong = self.terms.calendar.wrong(PartialDate.parse(value))
            except ValueError as error:
                self.add(path, str(error))
            else:
                if wrong:
                    self.add(path, f"{shown(value)} {wrong}")

    def _in_range(self, path: tuple[str | int, ...], value: Any, finding: Finding) -> None:
        if not is_number(value):
            return
        if finding.id in self.terms.large and path in self.document.spelled:
            self.add(path, f"{self.document.spelled[path]} {THOUSANDS}")
        low, high = finding.minimum, finding.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            self.add(
                path,
                f"{figure(value)} is impossible; it lies between {figure(low or 0)} and {figure(high or 0)} "
                f"{finding.unit}",
            )


def _texts(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    """Yield every text with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping | list):
        inner = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, one in inner:
            yield from _texts(one, (*path, key))


def _said(document: Document, path: Path_) -> bool:
    """Tell whether a mistake here is already said: what could not be read is also missing."""
    field = field_name(path)
    return any((one.field + ".").startswith(field + ".") for one in document.problems)


def _is_answer(path: tuple[str | int, ...]) -> bool:
    """Tell whether this is the answer to a finding, which is checked against the catalogue."""
    if path[0] in FINDING_LISTS:
        return len(path) > 3 and path[2] == "findings"
    return path[0] in FINDING_SECTIONS and len(path) > 1


def _date(value: object) -> PartialDate | None:
    try:
        return PartialDate.parse(value)
    except ValueError:
        return None
