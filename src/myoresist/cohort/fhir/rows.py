"""Reads the resources of each patient as the door for one patient does, and writes them as rows of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from myoresist.case.terms import Terms
from myoresist.cohort.of_cases import CaseRows
from myoresist.document import DocumentError
from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import (
    Record,
    Resource,
    check_version,
    current,
    is_answer,
    parsed,
    place,
    undecided,
)
from myoresist.exchange.fhir.reading import FORM, drafted
from myoresist.exchange.received import received


class Line(NamedTuple):
    """A resource as it stands in a file, with the medication to which it refers.

    Attributes:
        number: that of its patient.
        file: the file in which it stands, by number, and ``place`` its place there.
        json: the resource.
        medication: the resource to which it refers.
    """

    number: int
    file: int
    place: int
    json: str
    medication: str | None = None


class Remark(NamedTuple):
    """What of a resource could not be used.

    Attributes:
        patient: the id of the patient; nothing for what is counted over all.
        file: the file in which it stands, by number, and ``row`` its place there; nothing without a place.
        resource: which resource it is.
        said: what was not used, and why.
    """

    patient: str | None
    file: int | None
    row: int | None
    resource: str
    said: str


@dataclass
class Patients:
    """Reads patients one after the other.

    Attributes:
        rows: what they say.
        remarks: what could not be used.
    """

    codes: Codes
    terms: Terms
    rows: CaseRows
    remarks: list[Remark] = field(default_factory=list)

    def add(self, name: str, patient: Line, lines: Iterable[Line]) -> None:
        """Read one patient.

        Raises:
            DocumentError: if a resource is of another version of FHIR.
        """
        one = self._parsed(name, patient) or {"resourceType": "Patient", "id": name}
        every: list[dict[str, Any]] = []
        of: dict[int, Line] = {}
        for line in lines:
            found = self._parsed(name, line)
            if found is not None:
                check_version(found)
                every.append(found)
                of[id(found)] = line
        record = Record(one, [x for x in current(every) if not is_answer(x)])
        record.notes += undecided(every, record.resources)
        own: dict[str, Line] = {}
        for each in record.resources:
            where = place(each)
            own[where] = line = of[id(each)]
            record.by_reference.setdefault(where, each)
            if line.medication is not None:
                self._refer(name, record, each, line)
        draft = drafted(record, self.codes, self.terms)
        case: Mapping[str, Any] = draft.case
        if any(x["resourceType"] == FORM for x in record.resources):
            # A form may hold anything that a case file holds, and is checked as one.
            try:
                case = received(draft, name).case.model_dump(mode="json", exclude_none=True)
            except DocumentError as error:
                draft.notes += (f"{x.field}: {x.message}" for x in error.problems)
                case = {"patient": draft.case["patient"]}
        lost = self.rows.add(case, name)
        for note in dict.fromkeys((*draft.notes, *lost)):
            resource, _, said = note.partition(": ")
            at = own.get(resource)
            self.remarks.append(
                Remark(name, at.file if at else None, at.place if at else None, resource, said)
            )

    def _parsed(self, name: str, line: Line) -> dict[str, Any] | None:
        try:
            found = parsed(line.json)
            if isinstance(found, dict):
                return found
            said = "is no object"
        except RecursionError:
            said = "is nested too deeply"
        except ValueError as error:
            said = f"is not JSON: {error}"
        self.remarks.append(Remark(name, line.file, line.place, "", said))
        return None

    def _refer(self, name: str, record: Record, one: Resource, line: Line) -> None:
        reference = one.get("medicationReference")
        found = self._parsed(name, line._replace(json=line.medication or ""))
        if (
            found is not None
            and isinstance(reference, Mapping)
            and isinstance(reference.get("reference"), str)
        ):
            record.by_reference[reference["reference"].split("/_history/")[0]] = found
