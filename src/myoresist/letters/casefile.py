"""Writes what was read as statements, and the statements that stand as a case file.

This module alone knows where a statement goes in a case, so that a change of the form of the case file is a change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from myoresist.case.dates import PartialDate
from myoresist.case.terms import Terms
from myoresist.letters.antibodies import UNCLEAR, AntibodyResult
from myoresist.letters.courses import Course
from myoresist.letters.drugs import Mention
from myoresist.letters.found import Found
from myoresist.letters.labs import LabValue
from myoresist.letters.measures import Measured
from myoresist.letters.person import Fact
from myoresist.letters.reading import Read
from myoresist.letters.settle import Settled
from myoresist.letters.statements import Span, Statement
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
_EXAMINATIONS = {"biopsy": "biopsies", "skin_biopsy": "biopsies", "mri": "imaging", "emg": "emg"}
_TISSUES = {"biopsy": "muscle", "skin_biopsy": "skin"}


class Writer:
    """Puts what was read in one letter into statements."""

    def __init__(self, read: Read, words: Words) -> None:
        """Take what was read and the words of the knowledge."""
        self.read, self.words, self.terms = read, words, words.terms
        self.numbers: dict[int, int] = {}

    def statements(self) -> list[Statement]:
        """Return the statements: the patient, findings, values, antibodies, courses, measures."""
        read = self.read
        found: list[Statement] = [self._fact(fact) for fact in read.facts]
        label = next((fact.value for fact in read.facts if fact.path == "label"), None)
        for one in read.findings:
            if one.value and label and _SUBTYPES.get(one.finding) == label:
                # The label says so already.
                continue
            self.numbers[id(one)] = len(found)
            found.append(self._finding(one))
        found += [self._multiple(*one) for one in read.multiples]
        found += self._labs(read.labs)
        found += self._antibodies(read.antibodies)
        found += self._courses(read.courses)
        found += self._measures(read.measures)
        return [self._linked(one, number) for number, one in enumerate(found)]

    def _linked(self, statement: Statement, number: int) -> Statement:
        """Add the numbers of the statements that say otherwise."""
        if statement.kind != "finding":
            return statement
        own = next((one for one in self.read.findings if self.numbers.get(id(one)) == number), None)
        if own is None or not own.against:
            return statement
        return statement.model_copy(
            update={
                "contradicts": tuple(
                    self.numbers[id(one)] for one in own.against if id(one) in self.numbers
                )
            }
        )

    def _fact(self, fact: Fact) -> Statement:
        kind = {"date": "date", "label": "label"}.get(fact.path, fact.path.split(".")[0])
        value = str(fact.value) if isinstance(fact.value, PartialDate) else fact.value
        name = fact.path.replace("patient.", "").replace("onset.", "onset ").replace("_", " ")
        return self._statement(
            kind,
            fact.path,
            f"{name}: {_shown(value)}",
            "yes",
            None,
            fact.path,
            value,
            [(fact.start, fact.end)],
        )

    def _finding(self, one: Settled) -> Statement:
        finding = self.terms.catalogue[one.finding]
        answer = {True: "yes", False: "no", None: "unsure"}[one.value]
        reason = "contradiction" if one.against else one.why
        section = _section(self.terms, one)
        spans = [span for found in one.found for span in self._places(found)]
        entry = None if one.value is None else {one.finding: one.value}
        return self._statement(
            "finding",
            one.finding,
            finding.label,
            answer,
            reason,
            f"{section}.{one.finding}",
            entry,
            spans,
        )

    def _places(self, found: Found) -> Iterator[Span]:
        words = found.sentence.words
        for first, last in found.words:
            yield words[first].start, words[last].end

    def _multiple(self, test: str, value: float, start: int, end: int) -> Statement:
        finding = f"{test}_x_uln"
        text = f"{self.terms.labs[test].synonyms[0]} {value:g} times the upper limit of normal"
        known = finding in self.terms.catalogue
        return self._statement(
            "finding",
            finding,
            text,
            "yes" if known else "unsure",
            None if known else "weak",
            f"findings.{finding}",
            {finding: value},
            [(start, end)],
        )

    def _labs(self, values: Sequence[LabValue]) -> Iterator[Statement]:
        for value in values:
            test = self.terms.labs[value.test]
            name = test.synonyms[0]
            clash = [o for o in values if o is not value and _clash(value, o)]
            reason = (
                "contradiction"
                if clash
                else value.why or ("assumed_unit" if value.assumed else None)
            )
            entry: dict[str, Any] = {"test": name, "value": _plain(value.value)}
            if value.unit:
                entry["unit"] = value.unit
            if value.limit:
                entry["upper_limit"] = _plain(value.limit)
            if value.date:
                entry["date"] = str(value.date)
            if value.assumed:
                entry["notes"] = "unit not written"
            text = f"{name} {value.value:g} {value.unit or '(no unit)'}" + (
                f" (limit {value.limit:g})" if value.limit else ""
            )
            yield self._statement(
                "lab",
                value.test,
                text,
                "unsure" if clash or value.why else "yes",
                reason,
                "labs",
                entry,
                [(value.start, value.end)],
            )

    def _antibodies(self, results: Sequence[AntibodyResult]) -> Iterator[Statement]:
        seen: dict[tuple[object, ...], AntibodyResult] = {}
        for result in results:
            key = (result.antibody, result.result, result.method, result.why)
            if key not in seen:
                seen[key] = result
        kept = [one for one in seen.values() if not self._repeats(one, list(seen.values()))]
        for result in kept:
            yield self._antibody(result, kept)

    @staticmethod
    def _repeats(one: AntibodyResult, others: Sequence[AntibodyResult]) -> bool:
        """Tell whether a result says less than another one of the same antibody."""
        alike = [
            o
            for o in others
            if o is not one and o.antibody == one.antibody and o.why is None and o.result
        ]
        if one.result == "positive" and one.value is None and one.method is None:
            return any(o.result in ("positive", "moderate", "strong") for o in alike)
        if one.result is None:
            return bool(alike)
        return any(
            o.result == one.result
            and o.method is not None
            and one.method is None
            and one.value is None
            for o in alike
        )

    def _antibody(self, result: AntibodyResult, kept: Sequence[AntibodyResult]) -> Statement:
        spans = [(result.start, result.end)]
        if result.antibody == UNCLEAR:
            text = f"anti-Ro, 52 or 60 not told: {result.result or 'no result'}"
            return self._statement(
                "antibody", "ro", text, "unsure", "which", "autoantibodies", None, spans
            )
        finding = self.terms.catalogue[result.antibody]
        name = finding.label.split(" (")[0] if finding.id != "ana" else "ANA"
        entry: dict[str, Any] = {"antibody": name}
        if result.method:
            entry["method"] = result.method
        if result.result:
            entry["result"] = result.result
        agrees = self._agrees(result)
        if result.value is not None and result.cut_off is not None and agrees:
            entry |= {"value": _plain(result.value), "cut_off": _plain(result.cut_off)}
            if result.unit:
                entry["unit"] = result.unit
        if result.date:
            entry["date"] = str(result.date)
        if result.titre:
            entry["notes"] = f"titre {result.titre}"
        clash = [o for o in kept if o is not result and _against(result, o)]
        reason = "contradiction" if clash else result.why
        answer = (
            "unsure"
            if reason or not result.result
            else "no"
            if result.result == "negative"
            else "yes"
        )
        text = f"{name}: {result.result or 'no result'}" + (
            f" ({result.method})" if result.method else ""
        )
        return self._statement(
            "antibody",
            result.antibody,
            text,
            answer,
            reason,
            "autoantibodies",
            entry if result.result else None,
            spans,
        )

    @staticmethod
    def _agrees(result: AntibodyResult) -> bool:
        """Tell whether a figure says what the word says; a weak result has no figure."""
        if result.value is None or result.cut_off is None or result.result in (None, "weak"):
            return False
        return (result.value >= result.cut_off) == (result.result != "negative")

    def _courses(self, courses: Sequence[Course]) -> Iterator[Statement]:
        given = {course.drug for course in courses if course.why is None}
        for course in courses:
            if course.why is not None and course.drug in given and course.dose is None:
                continue
            yield self._course(course)

    def _course(self, course: Course) -> Statement:
        drug = self.terms.drugs[course.drug]
        entry: dict[str, Any] = {
            "drug": drug.label.lower()
            if drug.label.isascii() and not drug.label.isupper()
            else drug.label
        }
        entry["drug"] = (
            drug.id.replace("_", " ") if self.terms.drug(drug.id.replace("_", " ")) else drug.label
        )
        assumed = self.words.drugs.taken_for.get(course.name.lower())
        if course.dose is not None:
            entry |= {"dose": _plain(course.dose), "unit": course.unit or "mg"}
        for name in ("frequency", "route"):
            if getattr(course, name) and not (
                name == "frequency" and re.search(r"/(?:day|week|month)", course.unit or "")
            ):
                entry[name] = getattr(course, name)
        entry |= self._dates(course)
        if course.response and not course.mixed:
            entry["response"] = course.response
        if course.reason:
            entry["reason_stopped"] = course.reason
        if assumed:
            entry["notes"] = assumed
        generic = drug.id == "glucocorticoid_oral"
        reason = (
            course.why
            or ("bare" if generic and course.dose is None and not course.ongoing else None)
            or ("mixed" if course.mixed else None)
            or (assumed and "assumed_name")
        )
        stands = course.why is None and reason != "bare"
        spans = course.places or [(course.start_at, course.end_at)]
        dose = f" {course.dose:g} {course.unit}" if course.dose is not None else ""
        often = f" {course.frequency}" if course.frequency else ""
        return self._statement(
            "treatment",
            drug.id,
            f"{drug.label}{dose}{often}",
            "yes" if stands else "unsure",
            reason,
            "treatments",
            entry,
            spans,
            assumed,
            stands=stands,
        )

    @staticmethod
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
        if course.weeks and not (start and stop):
            entry["weeks"] = _plain(course.weeks)
        return entry

    def _measures(self, measures: Sequence[Measured]) -> Iterator[Statement]:
        for one in dict.fromkeys(measures):
            text = f"{one.measure}: {one.value:g}"
            entry = {"date": str(one.date) if one.date else None, one.measure: _plain(one.value)}
            reason = None if one.date else "undated"
            yield self._statement(
                "measure",
                one.measure,
                text,
                "yes" if one.date else "unsure",
                reason,
                "visits",
                entry,
                [(one.start, one.end)],
            )

    def _statement(
        self, kind: Any, about: str, text: str, answer: Any, reason: str | None, where: str, entry: Any, spans: Iterable[Span],
        assumed: str | None = None, stands: bool | None = None,
    ) -> Statement:  # fmt: skip
        places = sorted({self.read.text.span(*span) for span in spans})
        places = _joined(places)
        stands = answer != "unsure" if stands is None else stands
        question = self.words.questions.get(reason) if reason else None
        quote = " … ".join(" ".join(self.read.text.raw[a:b].split()) for a, b in places)
        del assumed
        return Statement(
            kind=kind, about=about, text=text, answer=answer, stands=stands and reason not in ("contradiction",), reason=reason, question=question,
            where=where, entry=entry, spans=tuple(places), quote=quote,
        )  # fmt: skip


def case_data(statements: Sequence[Statement], source: str, terms: Terms) -> dict[str, Any]:
    """Return the statements that stand as the data of a case file."""
    del terms
    data: dict[str, Any] = {"patient": {"id": source}}
    studies: dict[str, dict[str, Any]] = {}
    visits: dict[str, dict[str, Any]] = {}
    for one in statements:
        if not one.stands:
            continue
        if one.kind in ("patient", "onset"):
            group, key = one.about.split(".")
            data.setdefault(group, {}).setdefault(key, _value(one.entry))
        elif one.kind in ("date", "label"):
            data.setdefault(one.about, one.entry)
        elif one.kind == "finding":
            section = one.where.split(".")[0]
            target = (
                studies.setdefault(section, {}) if "[" in section else data.setdefault(section, {})
            )
            target.update(one.entry)
        elif one.kind == "measure":
            visits.setdefault(one.entry["date"], {}).update(one.entry)
        else:
            data.setdefault(one.where, []).append(one.entry)
    for section, found in studies.items():
        name, _, scene = section.rstrip("]").partition("[")
        data.setdefault(name, []).append(_study(scene, found))
    if visits:
        data["visits"] = list(visits.values())
    return {key: data[key] for key in _ORDER if key in data}


_ORDER = (
    "patient", "date", "label", "onset", "findings", "exposures", "comorbidities", "labs", "autoantibodies", "biopsies", "imaging", "emg",
    "treatments", "visits",
)  # fmt: skip


def _study(scene: str, found: Mapping[str, Any]) -> dict[str, Any]:
    if scene in _TISSUES:
        return {"tissue": _TISSUES[scene], "findings": dict(found)}
    if scene == "mri":
        return {"modality": "MRI", "findings": dict(found)}
    return {"findings": dict(found)}


def _section(terms: Terms, one: Settled) -> str:
    """Return the section of the case file that takes a finding."""
    finding = terms.catalogue[one.finding]
    scene = one.scene or ""
    name = _EXAMINATIONS.get(scene)
    if name and terms.sections.sections[name].takes(finding):
        tissue = _TISSUES.get(scene)
        if tissue is None or terms.sections.tissue[tissue].takes(finding):
            return f"{name}[{scene}]"
    for section in ("exposures", "comorbidities"):
        if finding.group in (
            "exposure",
            "comorbidity",
            "reproductive",
            "functional",
        ) and terms.sections.sections[section].takes(finding):
            return section
    return "findings"


def _clash(one: LabValue, other: LabValue) -> bool:
    """Tell whether two values of one test on one day are not the same."""
    if (
        one.test != other.test
        or one.why
        or other.why
        or one.date is None
        or one.date != other.date
        or one.date.day is None
    ):
        return False
    if not (one.dated and other.dated):
        return False
    return abs(one.value - other.value) > 0.1 * max(one.value, other.value)


def _against(one: AntibodyResult, other: AntibodyResult) -> bool:
    """Tell whether two results of one antibody by one method contradict each other."""
    if one.antibody != other.antibody or one.why or other.why or not one.result or not other.result:
        return False
    negative = (one.result == "negative", other.result == "negative")
    return negative[0] != negative[1] and "weak" not in (one.result, other.result)


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _value(value: Any) -> Any:
    return _plain(value) if isinstance(value, float) else value


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return places with those that meet put together."""
    found: list[Span] = []
    for start, end in spans:
        if found and start <= found[-1][1] + 2:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
