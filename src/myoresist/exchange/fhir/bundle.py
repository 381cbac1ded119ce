"""A FHIR bundle as resources of one patient, or a clear refusal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from myoresist.document import DocumentError, Problem
from myoresist.exchange.fhir.versions import NAMED, as_r4, stated

MAX_BYTES = 20_000_000
MAX_RESOURCES = 50_000
MAX_DEPTH = 60
READ_TYPES = ("document", "collection", "searchset", "transaction", "batch")
MACHINE_MADE = {
    "system": "urn:myoresist:tag",
    "code": "machine-made",
    "display": "made by a program",
}
"""What tells our own answers apart, which are no record."""
OF_ANSWERS = (
    "ClinicalImpression", "Composition", "DetectedIssue", "Device", "Provenance", "RiskAssessment",
    "ServiceRequest",
)  # fmt: skip
WRITES = ("POST", "PUT")
OUTCOME, PATIENT = "OperationOutcome", "Patient"
TOLD_APART = ("gender", "birthDate")
"""What of a patient has to be the same wherever the patient stands."""
EARLIER = (
    "taken",
    "wasNotTaken",
    "notDone",
    "notPerformed",
    "wasNotGiven",
    "notGiven",
    "wasSubstituted",
)
"""Elements of DSTU2 and STU3 that turn a statement into its contrary."""
_EARLIER = frozenset(EARLIER)
OF_STATUS = ("Condition", "AllergyIntolerance")
STATUSES = ("verificationStatus", "clinicalStatus")
"""What is a concept since R4 and was a word before."""
OF_NOBODY = (
    "Organization", "Practitioner", "PractitionerRole", "Location", "Provenance", "HealthcareService",
    "Endpoint", "Substance",
)  # fmt: skip
"""What never says anything about a patient."""
Resource = Mapping[str, Any]


@dataclass
class Record:
    """The resources of one patient.

    Attributes:
        patient: the Patient resource.
        resources: all others that are about this patient.
        notes: what was left out, and why.
    """

    patient: Resource
    resources: list[Resource] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_reference: dict[str, Resource] = field(default_factory=dict)

    def resolve(self, reference: object, within: Resource) -> Resource | None:
        """Return the resource to which a reference leads, in the record or contained in ``within``."""
        if not isinstance(reference, str):
            return None
        if reference.startswith("#"):
            return next(
                (x for x in listed(within, "contained") if x.get("id") == reference[1:]), None
            )
        return self.by_reference.get(reference.split("/_history/")[0])


def is_fhir(text: str | bytes) -> bool:
    """Tell whether a text is a FHIR resource as JSON, or several as NDJSON, without reading it whole."""
    start = text[:4096]
    head = start if isinstance(start, str) else start.decode("utf-8", "replace")
    return head.lstrip("\ufeff \t\r\n").startswith("{") and '"resourceType"' in (
        text if isinstance(text, str) else text.decode("utf-8", "replace")
    )


def place(one: Resource) -> str:
    """Return where something stands, as ``Observation/ck-1``."""
    kind, name = one.get("resourceType"), one.get("id")
    return f"{kind}/{name}" if name else str(kind)


def listed(one: object, key: str) -> list[Resource]:
    """Return the objects of a list; whatever is no object is left out."""
    # Objects of JSON are of this very type, which is asked faster than what they can do.
    found = one.get(key) if isinstance(one, dict) else None
    return [x for x in found if isinstance(x, dict)] if isinstance(found, list) else []


def read_record(text: str | bytes, name: str) -> Record:
    """Return the record of one patient.

    Args:
        text: a Bundle or another resource as JSON, or resources as NDJSON, in UTF-8.
        name: what to call it in errors.

    Raises:
        DocumentError: with one clear problem.
    """
    if len(text) > MAX_BYTES:
        raise _refused(
            name, f"is larger than {MAX_BYTES // 1_000_000} MB; give the record of one patient"
        )
    entries: list[tuple[str, Resource]] = []
    notes: list[str] = []
    later = 0
    for value in _values(text, name):
        for address, one in _entries(value, name, notes):
            _check_stated(one, name)
            read, other = as_r4(one)
            entries.append((address, read))
            later += other
        if len(entries) > MAX_RESOURCES:
            raise _refused(
                name, f"holds more than {MAX_RESOURCES:,} resources; give the record of one patient"
            )
    if later:
        notes.append(f"FHIR R5: {later} resources are written as in R5, and read so")
    patient = _the_patient([x for _, x in entries if x["resourceType"] == PATIENT], name, notes)
    record = Record(patient, notes=notes)
    for address, one in entries:
        for key in filter(None, (address, place(one) if one.get("id") else "")):
            record.by_reference.setdefault(key, patient if one["resourceType"] == PATIENT else one)
    others = Counter[str]()
    for one in current(x for _, x in entries):
        if one["resourceType"] == PATIENT or is_answer(one):
            continue
        check_version(one, name)
        if _of(one, record):
            record.resources.append(one)
        elif one["resourceType"] not in OF_NOBODY:
            others[one["resourceType"]] += 1
    notes += undecided((x for _, x in entries), record.resources)
    notes += (f"{kind}: {n} not of this patient, not used" for kind, n in sorted(others.items()))
    return record


def _the_patient(found: list[Resource], name: str, notes: list[str]) -> Resource:
    """Return the one patient of a record; what two of the same version say differently is left out.

    Raises:
        DocumentError: if there is none, or more than one.
    """
    count = len({place(x) for x in found})
    if count != 1:
        said = f"holds {count} patients" if count else "holds no Patient resource"
        failed = "".join(f" ({x})" for x in notes if x.startswith(OUTCOME))
        raise _refused(name, f"{said}; give the record of one patient{failed}")
    newest = max(map(_version, found))
    last = [x for x in found if _version(x) == newest]
    patient = dict(last[-1])
    for key in TOLD_APART:
        told = sorted({str(x[key]) for x in last if x.get(key) is not None})
        if told and all(max(told, key=len).startswith(x) for x in told):
            patient[key] = max(told, key=len)
        elif told:
            patient.pop(key, None)
            notes.append(f"{place(patient)}: {key}: {' and '.join(told)}; it stays open")
    return patient


def current(found: Iterable[Resource]) -> list[Resource]:
    """Return resources; of several versions of one only the newest, which may withdraw the others."""
    kept: dict[str | int, Resource] = {}
    for number, one in enumerate(found):
        key = place(one) if isinstance(one.get("id"), str) else number
        known = kept.get(key)
        if known is None or _version(one) >= _version(known):
            kept[key] = one
    return list(kept.values())


def undecided(found: Iterable[Resource], kept: Iterable[Resource]) -> list[str]:
    """Tell of kept resources of which another version says otherwise and neither says that it is newer."""
    of = {place(x): x for x in kept if isinstance(x.get("id"), str)}
    told = {
        place(x)
        for x in found
        if (own := of.get(place(x))) is not None
        and own is not x
        and _version(own) == _version(x)
        and own != x
    }
    return [f"{x}: stands there again and differs; the last one counts" for x in sorted(told)]


def _version(one: Resource) -> tuple[str, int]:
    meta = one.get("meta")
    told = meta if isinstance(meta, dict) else {}
    number = str(told.get("versionId"))
    return str(told.get("lastUpdated") or ""), int(number) if number.isdecimal() else 0


def _values(text: str | bytes, name: str) -> Iterator[Any]:
    """Parse JSON, or NDJSON line by line; numbers keep their value, depth is bounded."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(name, "is not UTF-8 text") from error
    decoded = decoded.lstrip("\ufeff")
    try:
        yield parsed(decoded)
        return
    except RecursionError as error:
        raise _refused(name, "is nested too deeply") from error
    except ValueError as error:
        lines = [x for x in decoded.splitlines() if x.strip()]
        if len(lines) < 2 or not all(x.lstrip().startswith("{") for x in lines):
            raise _refused(name, f"is not JSON: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            yield parsed(line)
        except (ValueError, RecursionError) as error:
            said = f"line {number} is not JSON: {error}"
            raise DocumentError([Problem(name, number, "", said)]) from error


def parsed(text: str) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: if it is none.
        RecursionError: if it is nested too deeply.
    """
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # Half a pair of letters is taken here, and a mistake is told with its line and column.
        value = json.loads(text, parse_constant=_no_number)
    # No value is nested more deeply than its text has brackets, which are counted faster.
    if text.count("{") + text.count("[") >= MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise RecursionError("is nested too deeply")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _deeper(value: Any, most: int) -> bool:
    """Tell whether a value is nested more deeply than ``most``."""
    level = [value]
    for _ in range(most):
        level = [
            x
            for one in level
            for x in (
                one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            )
        ]
        if not level:
            return False
    return True


def _entries(value: Any, name: str, notes: list[str]) -> Iterator[tuple[str, Resource]]:
    """Yield address and resource of what a value holds."""
    if not isinstance(value, Mapping) or not isinstance(value.get("resourceType"), str):
        raise _refused(name, "is no FHIR resource: resourceType is missing")
    _check_stated(value, name)
    if value["resourceType"] != "Bundle":
        yield from _one("", value, notes)
        return
    kind = value.get("type")
    if kind not in READ_TYPES:
        raise _refused(
            name, f"is a bundle of type {kind or 'unknown'}; give {', '.join(READ_TYPES)}"
        )
    if any(x.get("relation") == "next" for x in listed(value, "link")):
        notes.append("Bundle: is one page of several; what is on the others is unknown")
    for entry in listed(value, "entry"):
        method = (
            entry.get("request", {}).get("method")
            if isinstance(entry.get("request"), Mapping)
            else None
        )
        if kind in ("transaction", "batch") and method not in WRITES:
            notes.append(f"Bundle: an entry with {method or 'no method'}, not used")
            continue
        resource = entry.get("resource")
        if isinstance(resource, Mapping) and isinstance(resource.get("resourceType"), str):
            yield from _one(str(entry.get("fullUrl") or ""), resource, notes)


def _one(address: str, one: Resource, notes: list[str]) -> Iterator[tuple[str, Resource]]:
    if one["resourceType"] == OUTCOME:
        said = [str(x.get("diagnostics") or x.get("code") or "") for x in listed(one, "issue")]
        notes.append(f"{OUTCOME}: {'; '.join(filter(None, said)) or 'an error of the server'}")
        return
    yield address, one


def _check_stated(one: Resource, name: str) -> None:
    """Refuse a resource that says itself that it is of a version that is not read."""
    version = NAMED.get(stated(one) or "")
    if version is not None:
        raise _refused(name, f"{place(one)} is of {version}; give FHIR R4, R4B or R5")


def check_version(one: Resource, name: str = "") -> None:
    """Refuse resources of other versions of FHIR, which mean other things by the same words.

    Args:
        one: a resource.
        name: what to call the record in errors; the resource itself when left out.
    """
    kind = one["resourceType"]
    plain = kind in OF_STATUS and any(isinstance(one.get(x), str) for x in STATUSES)
    turned = not _EARLIER.isdisjoint(one) and kind != "Immunization"
    if plain or turned or kind in ("MedicationOrder", "BodySite"):
        raise _refused(name or place(one), f"{place(one)} is of DSTU2 or STU3; give FHIR R4")
    if isinstance(one.get("medication"), dict) and kind.startswith("Medication"):
        raise _refused(name or place(one), f"{place(one)} is of R5 or R6; give FHIR R4")


def _of(one: Resource, record: Record) -> bool:
    """Tell whether a resource is about the patient; one that names nobody is not."""
    subject = one.get("subject") or one.get("patient")
    if not isinstance(subject, dict):
        return one["resourceType"] in ("Medication", "Binary", "Composition")
    reference = subject.get("reference")
    return record.resolve(reference, one) is record.patient


def read_paths(path: Path) -> bytes:
    """Return the resources of a file, or of every JSON and NDJSON file of a folder, as NDJSON."""
    if not path.is_dir():
        return path.read_bytes()
    files = sorted(x for x in path.iterdir() if x.suffix in (".json", ".ndjson") and x.is_file())
    return b"\n".join(_on_one_line(x) for x in files)


def _on_one_line(path: Path) -> bytes:
    text = path.read_bytes()
    if path.suffix == ".ndjson":
        return text
    try:
        return json.dumps(json.loads(text)).encode()
    except ValueError as error:
        raise _refused(str(path), f"is not JSON: {error}") from error


def _refused(name: str, message: str) -> DocumentError:
    return DocumentError([Problem(name, None, "", message)])


def is_answer(one: Resource) -> bool:
    """Tell whether a resource is an answer of ours, and says nothing of the patient by itself."""
    meta, kind = one.get("meta"), one["resourceType"]
    proposed = kind == "MedicationRequest" and one.get("intent") == "proposal"
    return (kind in OF_ANSWERS or proposed) and any(
        x.get("system") == MACHINE_MADE["system"] and x.get("code") == MACHINE_MADE["code"]
        for x in listed(meta, "tag")
    )


def counted(resources: Iterable[Resource]) -> dict[str, int]:
    """Return how many resources there are of each type."""
    found: dict[str, int] = {}
    for one in resources:
        found[one["resourceType"]] = found.get(one["resourceType"], 0) + 1
    return found
