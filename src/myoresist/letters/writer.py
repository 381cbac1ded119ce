"""Puts what was read in a letter into statements.

This module alone knows where a statement goes in a case, so that a change of the form of the case
file is a change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from myoresist.case.dates import PartialDate
from myoresist.case.reading import OTHER_CLASSES
from myoresist.letters.antibody_words import POSITIVE, UNCLEAR, AntibodyResult
from myoresist.letters.course import Course
from myoresist.letters.lab_value import LabValue
from myoresist.letters.measures import Measured
from myoresist.letters.person import Fact
from myoresist.letters.reading import Read
from myoresist.letters.settle import Settled
from myoresist.letters.statements import Answer, Kind, Letter, Span, Statement
from myoresist.letters.words import Words

_SUBTYPES = {
    "iim_subtype_dm": "dermatomyositis",
    "iim_subtype_cadm": "amyopathic_dermatomyositis",
    "iim_subtype_pm": "polymyositis",
    "iim_subtype_imnm": "immune_mediated_necrotising_myopathy",
    "iim_subtype_asys": "antisynthetase_syndrome",
    "iim_subtype_overlap": "overlap_myositis",
    "iim_subtype_ibm": "inclusion_body_myositis",
}
_STUDIES = {"biopsy": "biopsies", "skin_biopsy": "biopsies", "mri": "imaging", "emg": "emg"}
_OF_STUDY = {"biopsy": "muscle", "skin_biopsy": "skin", "mri": "MRI", "emg": ""}
_OWN_SECTIONS = ("exposure", "comorbidity", "reproductive", "functional")


def letter(read: Read, words: Words, source: str) -> Letter:
    """Return a letter as statements to confirm."""
    statements = _Writer(read, words).statements()
    pairs = {
        (min(one.number, other), max(one.number, other))
        for one in statements
        for other in one.contradicts
    }
    return Letter(
        source=source,
        text=read.text.raw,
        statements=tuple(statements),
        contradictions=tuple(sorted(pairs)),
        not_read=tuple(_rest(read.text.raw, [x for one in statements for x in one.spans])),
    )


class _Writer:
    """Puts what was read in one letter into statements."""

    def __init__(self, read: Read, words: Words) -> None:
        """Take what was read and the words of the knowledge."""
        self.read, self.words, self.terms = read, words, words.terms
        self.found: list[Statement] = []
        self.against: dict[int, list[int]] = {}

    def statements(self) -> list[Statement]:
        """Return the statements: the patient, findings, values, antibodies, courses, measures."""
        read = self.read
        for fact in read.facts:
            self._fact(fact)
        self._findings(read.findings)
        for multiple in read.multiples:
            self._multiple(*multiple)
        self._labs(read.labs)
        self._antibodies(read.antibodies)
        self._courses(read.courses)
        for measured in dict.fromkeys(read.measures):
            self._measure(measured)
        return [
            one.model_copy(update={"contradicts": tuple(sorted(set(self.against[one.number])))})
            if one.number in self.against
            else one
            for one in self.found
        ]

    def _add(
        self,
        kind: Kind,
        about: str,
        text: str,
        where: str,
        spans: Iterable[Span],
        answer: Answer,
        if_yes: Any,
        if_no: Any = None,
        reason: str | None = None,
        stands: bool | None = None,
    ) -> int:
        """Add a statement and return its number; it stands unless its answer is unsure or it is told."""
        places = _joined(sorted({self.read.text.span(*span) for span in spans}))
        number = len(self.found)
        self.found.append(
            Statement(
                number=number,
                kind=kind,
                about=about,
                text=text,
                answer=answer,
                stands=answer != "unsure" if stands is None else stands,
                reason=reason,
                question=self.words.questions.get(reason) if reason else None,
                where=where,
                entry={"yes": if_yes, "no": if_no, "unsure": None}[answer],
                if_yes=if_yes,
                if_no=if_no,
                spans=tuple(places),
                quote=" … ".join(" ".join(self.read.text.raw[a:b].split()) for a, b in places),
            )
        )
        return number

    def _pair(self, one: int, other: int) -> None:
        self.against.setdefault(one, []).append(other)
        self.against.setdefault(other, []).append(one)

    def _fact(self, fact: Fact) -> None:
        value = str(fact.value) if isinstance(fact.value, PartialDate) else fact.value
        value = _plain(value) if isinstance(value, float) else value
        name = fact.path.replace("patient.", "").replace("onset.", "onset ").replace("_", " ")
        kind: Kind = (
            "date"
            if fact.path == "date"
            else "label"
            if fact.path == "label"
            else "patient"
            if fact.path.startswith("patient.")
            else "onset"
        )
        shown = str(value).replace("_", " ")
        spans = [(fact.start, fact.end)]
        self._add(kind, fact.path, f"{name}: {shown}", fact.path, spans, "yes", value)

    def _findings(self, findings: Sequence[Settled]) -> None:
        label = next((fact.value for fact in self.read.facts if fact.path == "label"), None)
        numbers: dict[int, int] = {}
        for one in findings:
            if one.value and label and _SUBTYPES.get(one.finding) == label:
                # The label says so already.
                continue
            numbers[id(one)] = self._finding(one)
        for one in findings:
            for other in one.against:
                if id(one) in numbers and id(other) in numbers:
                    self._pair(numbers[id(one)], numbers[id(other)])

    def _finding(self, one: Settled) -> int:
        answer: Answer = "unsure" if one.value is None else "yes" if one.value else "no"
        spans = [
            (found.sentence.words[first].start, found.sentence.words[last].end)
            for found in one.found
            for first, last in found.words
        ]
        return self._add(
            "finding",
            one.finding,
            self.terms.catalogue[one.finding].label,
            f"{self._section(one)}.{one.finding}",
            spans,
            answer,
            {one.finding: True},
            {one.finding: False},
            "contradiction" if one.against else one.why,
            stands=one.stands,
        )

    def _section(self, one: Settled) -> str:
        """Return the section of the case file that takes a finding."""
        finding, sections = self.terms.catalogue[one.finding], self.terms.sections
        study = _STUDIES.get(one.scene or "")
        if study and sections.sections[study].takes(finding):
            of = _OF_STUDY[one.scene or ""]
            if study != "biopsies" or sections.tissue[of].takes(finding):
                return f"{study}[{of}]"
        if finding.group in _OWN_SECTIONS:
            for section in ("exposures", "comorbidities"):
                if sections.sections[section].takes(finding):
                    return section
        return "findings"

    def _multiple(self, test: str, value: float, start: int, end: int) -> None:
        finding = f"{test}_x_uln"
        text = f"{self.terms.labs[test].synonyms[0]} {value:g} times the upper limit of normal"
        known = finding in self.terms.catalogue
        self._add(
            "finding",
            finding,
            text,
            f"findings.{finding}" if known else "notes",
            [(start, end)],
            "yes" if known else "unsure",
            {finding: value} if known else None,
            reason=None if known else "no_place",
        )

    def _labs(self, values: Sequence[LabValue]) -> None:
        first = len(self.found)
        for value in values:
            clash = [n for n, o in enumerate(values) if o is not value and _clash(value, o)]
            reason = (
                "contradiction"
                if clash
                else value.why or ("assumed_unit" if value.assumed else None)
            )
            unit = value.unit or "(no unit)"
            limit = f" (limit {value.limit:g})" if value.limit else ""
            when = f" on {value.date}" if value.date else ""
            number = self._add(
                "lab",
                value.test,
                f"{self.terms.labs[value.test].synonyms[0]} {value.value:g} {unit}{limit}{when}",
                "labs",
                [(value.start, value.end)],
                "unsure" if clash or value.why else "yes",
                self._lab_entry(value),
                reason=reason,
            )
            for other in clash:
                self._pair(number, first + other)

    def _lab_entry(self, value: LabValue) -> dict[str, Any]:
        name = self.terms.labs[value.test].synonyms[0]
        entry: dict[str, Any] = {"test": name, "value": _plain(value.value)}
        if value.unit:
            entry["unit"] = value.unit
        if value.limit:
            entry["upper_limit"] = _plain(value.limit)
        if value.date:
            entry["date"] = str(value.date)
        if value.assumed:
            entry["notes"] = "unit not written"
        return entry

    def _antibodies(self, results: Sequence[AntibodyResult]) -> None:
        seen: dict[tuple[object, ...], AntibodyResult] = {}
        for result in results:
            key = (result.antibody, result.result, result.method, result.why)
            seen.setdefault(key, result)
        kept = [one for one in seen.values() if not _repeats(one, list(seen.values()))]
        first = len(self.found)
        for result in kept:
            clash = [n for n, o in enumerate(kept) if o is not result and _against(result, o)]
            number = self._antibody(result, bool(clash))
            for other in clash:
                self._pair(number, first + other)

    def _antibody(self, result: AntibodyResult, clash: bool) -> int:
        spans = [(result.start, result.end)]
        if result.antibody == UNCLEAR:
            text = f"anti-Ro, 52 or 60 not told: {result.result or 'no result'}"
            where = "autoantibodies"
            return self._add("antibody", "ro", text, where, spans, "unsure", None, reason="which")
        finding = self.terms.catalogue[result.antibody]
        name = finding.label.split(" (")[0] if finding.id != "ana" else "ANA"
        reason = "contradiction" if clash else result.why
        sure = result.result is not None and not reason
        answer: Answer = "no" if result.result == "negative" else "yes"
        method = f" ({result.method})" if result.method else ""
        entry = _antibody_entry(name, result)
        positive = {**entry, "result": result.result if answer == "yes" else "positive"}
        return self._add(
            "antibody",
            result.antibody,
            f"{name}: {result.result or 'no result'}{method}",
            "autoantibodies",
            spans,
            answer if sure else "unsure",
            positive if result.result else None,
            {**entry, "result": "negative"} if result.result else None,
            reason,
        )

    def _courses(self, courses: Sequence[Course]) -> None:
        given = {course.drug for course in courses if course.why is None}
        for course in courses:
            if course.why is None or course.drug not in given or course.dose is not None:
                self._course(course)

    def _course(self, course: Course) -> None:
        drug = self.terms.drugs[course.drug]
        assumed = self.words.drugs.taken_for.get(course.name.lower())
        generic = drug.id == "glucocorticoid_oral"
        other = drug.drug_class in OTHER_CLASSES
        reason = (
            course.why
            or ("other_medicine" if other else None)
            or ("bare" if generic and course.dose is None and not course.ongoing else None)
            or ("mixed" if course.mixed else None)
            or ("assumed_name" if assumed else None)
        )
        dose = f" {course.dose:g} {course.unit or 'mg'}" if course.dose is not None else ""
        often = f" {course.frequency}" if course.frequency else ""
        self._add(
            "treatment",
            drug.id,
            f"{drug.label}{dose}{often}",
            "treatments",
            course.places or [(course.start_at, course.end_at)],
            "unsure" if course.why or reason == "bare" else "yes",
            self._course_entry(course, assumed),
            reason=reason,
            stands=False if other else None,
        )

    def _course_entry(self, course: Course, assumed: str | None) -> dict[str, Any]:
        drug = self.terms.drugs[course.drug]
        spaced = drug.id.replace("_", " ")
        entry: dict[str, Any] = {"drug": spaced if self.terms.drug(spaced) else drug.label}
        if course.dose is not None:
            entry |= {"dose": _plain(course.dose), "unit": course.unit or "mg"}
        if course.frequency and not re.search(r"/(?:day|week|month)", course.unit or ""):
            entry["frequency"] = course.frequency
        if course.route:
            entry["route"] = course.route
        entry |= _dates(course)
        if course.response and not course.mixed:
            entry["response"] = course.response
        if course.reason:
            entry["reason_stopped"] = course.reason
        if assumed:
            entry["notes"] = assumed
        return entry

    def _measure(self, one: Measured) -> None:
        when = f" on {one.date}" if one.date else ""
        entry = {"date": str(one.date), one.measure: _plain(one.value)} if one.date else None
        self._add(
            "measure",
            one.measure,
            f"{one.measure.replace('_', ' ')}: {one.value:g}{when}",
            "visits",
            [(one.start, one.end)],
            "yes" if one.date else "unsure",
            entry,
            reason=None if one.date else "undated",
        )


def _repeats(one: AntibodyResult, others: Sequence[AntibodyResult]) -> bool:
    """Tell whether a result says less than another one of the same antibody."""
    alike = [
        o
        for o in others
        if o is not one and o.antibody == one.antibody and o.why is None and o.result
    ]
    if one.result == "positive" and one.value is None and one.method is None:
        return any(o.result in POSITIVE for o in alike)
    if one.result is None:
        return bool(alike)
    if one.method is not None or one.value is not None:
        return False
    return any(o.result == one.result and o.method is not None for o in alike)


def _antibody_entry(name: str, result: AntibodyResult) -> dict[str, Any]:
    entry: dict[str, Any] = {"antibody": name}
    if result.method:
        entry["method"] = result.method
    if result.result:
        entry["result"] = result.result
    if _figure_agrees(result) and result.value is not None and result.cut_off is not None:
        entry |= {"value": _plain(result.value), "cut_off": _plain(result.cut_off)}
        if result.unit:
            entry["unit"] = result.unit
    if result.date:
        entry["date"] = str(result.date)
    if result.titre:
        entry["notes"] = f"titre {result.titre}"
    return entry


def _figure_agrees(result: AntibodyResult) -> bool:
    """Tell whether a figure says what the word says; a weak result has no figure."""
    if result.value is None or result.cut_off is None or result.result in (None, "weak"):
        return False
    return (result.value >= result.cut_off) == (result.result != "negative")


def _dates(course: Course) -> dict[str, Any]:
    """Return when a course began and ended, as far as the case file takes it together."""
    start, stop, entry = course.start, course.stop, dict[str, Any]()
    if start and stop and stop.latest < start.earliest:
        stop = None
    if start:
        entry["start"] = str(start)
    if stop:
        entry["stop"] = str(stop)
    if course.ongoing and not stop and not course.reason:
        entry["ongoing"] = True
    elif course.ended and not course.ongoing and not stop and not course.reason:
        entry["ongoing"] = False
    if course.weeks and not (start and stop):
        entry["weeks"] = _plain(course.weeks)
    return entry


def _clash(one: LabValue, other: LabValue) -> bool:
    """Tell whether two values of one test on one day are not the same."""
    if one.test != other.test or one.why or other.why or one.date != other.date:
        return False
    if one.date is None or one.date.day is None or not (one.dated and other.dated):
        return False
    return abs(one.value - other.value) > 0.1 * max(one.value, other.value)


def _against(one: AntibodyResult, other: AntibodyResult) -> bool:
    """Tell whether two results of one antibody contradict each other."""
    if one.antibody != other.antibody or one.why or other.why or not one.result or not other.result:
        return False
    negative = (one.result == "negative", other.result == "negative")
    return negative[0] != negative[1] and "weak" not in (one.result, other.result)


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return places in their order, with those that meet put together."""
    found: list[Span] = []
    for start, end in spans:
        if found and start <= found[-1][1] + 2:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _rest(text: str, read: Iterable[Span]) -> Iterator[Span]:
    """Yield the places between those that were read, without space and signs around their words."""
    at = 0
    for start, end in (*sorted(read), (len(text), len(text))):
        first, last = at, max(at, start)
        while first < last and not text[first].isalnum():
            first += 1
        while last > first and not text[last - 1].isalnum():
            last -= 1
        if first < last:
            yield first, last
        at = max(at, end)
