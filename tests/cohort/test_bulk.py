"""Bulk data of FHIR: every patient is read as if alone, and nothing is made of nothing."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hard_fhir import RXNORM, Resource, patients
from registries import cases
from roads import differences, of_assessment, of_tables

from myoresist import Knowledge, assess
from myoresist.case.model import Case
from myoresist.case.record import record
from myoresist.cohort.checking import check
from myoresist.cohort.fhir import parts
from myoresist.cohort.fhir.picking import Picking
from myoresist.cohort.folder import SourceError
from myoresist.cohort.registry import Registry
from myoresist.cohort.remarks import REMARKS
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import Source, open_source
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.fhir.bundle import read_record
from myoresist.exchange.fhir.reading import FORM, READ, drafted
from myoresist.exchange.fhir.written import written

KNOWLEDGE = Knowledge.load()
OF_ONE = re.compile(r"[A-Z]\w+/|Immunization: \D")
"""What is said of one resource, or of all vaccinations; tables have remarks of their own on entries."""
NO_CODE = re.compile("(no code (of a drug )?that is|Procedure.* not) known here")
"""What is said of one patient singly, and of bulk data counted over all."""


def files(found: Iterable[list[Resource]], folder: Path) -> dict[str, list[Resource]]:
    """Write a file a type, in no order, and return what stands in each."""
    every = [one for patient in found for one in patient]
    random.Random(1).shuffle(every)
    held: dict[str, list[Resource]] = {}
    for one in every:
        held.setdefault(one["resourceType"], []).append(one)
    folder.mkdir()
    for kind, some in held.items():
        text = "".join(json.dumps(one) + "\n" for one in some)
        (folder / f"{kind}.ndjson").write_text(text, encoding="utf-8")
    return held


def opened(folder: Path) -> Source:
    return open_source(folder, Schema(KNOWLEDGE.terms), folder.parent / "work")


def tables(source: Source) -> dict[str, pl.DataFrame]:
    return {name: frame.collect() for name, frame in source.tables.items()}


def alone(
    held: Mapping[str, list[Resource]], patient: list[Resource]
) -> tuple[Case, tuple[str, ...]]:
    """Return one patient as the door for one patient reads the same lines, and what it does not use."""
    own = {(one["resourceType"], one["id"]) for one in patient}
    lines = [
        json.dumps(one) for kind in sorted(held) for one in held[kind] if (kind, one["id"]) in own
    ]
    text = "\n".join(lines)
    draft = drafted(read_record(text, "FHIR"), packaged_codes(), KNOWLEDGE.terms)
    return read_fhir(text).case, tuple(dict.fromkeys(draft.notes))


def recorded(found: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, str]]:
    """Return what is recorded of each patient, finding by finding."""
    batch = Registry(KNOWLEDGE, True).reader.read(found)
    rows = batch.recorded.frame().to_dicts()
    return {
        name: {x: plain(y) for x, y in row.items() if y is not None}
        for name, row in zip(batch.ids, rows, strict=True)
    }


def plain(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def of_case(case: Case) -> dict[str, str]:
    values = record(case, KNOWLEDGE.terms).values
    return {x: plain(y) for x, y in values.items() if y is not None}


def test_every_patient_is_read_as_if_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "CHUNK", 7)
    found = patients(30, seed=11)
    held = files(found, tmp_path / "in")
    read = tables(opened(tmp_path / "in"))
    values, remarks = recorded(read), read[REMARKS]
    strange: Counter[str] = Counter()
    for patient in found:
        name = patient[0]["id"]
        case, notes = alone(held, patient)
        assert values[name] == of_case(case), name
        own = sorted(x for x in notes if OF_ONE.match(x) and not NO_CODE.search(x))
        rows = remarks.filter(pl.col("patient_id") == name).select("resource", "said").rows()
        singly = [": ".join(one) for one in rows]
        assert sorted(x for x in singly if not NO_CODE.search(x)) == own
        strange.subtract(x.partition("/")[0] for x in singly if NO_CODE.search(x))
        strange.update(x.partition("/")[0] for x in notes if "/" in x and NO_CODE.search(x))
    counted: Counter[str] = Counter()
    for kind, text in (
        remarks.filter(pl.col("patient_id").is_null()).select("resource", "said").rows()
    ):
        counted[kind] += int(text.partition("known here: ")[2].split()[0].replace(",", ""))
    # Alone, a resource that names somebody else, or without a value, is not counted among these.
    assert all(counted[kind] >= count for kind, count in strange.items())


def test_the_answers_are_those_of_one_patient(tmp_path: Path) -> None:
    found = patients(2, seed=5)
    held = files(found, tmp_path / "in")
    read = tables(opened(tmp_path / "in"))
    answered = Registry(KNOWLEDGE, True).assess(read)
    said = of_tables(answered)
    for patient in found:
        case, _ = alone(held, patient)
        assert differences(of_assessment(assess(case)), said[case.patient.id]) == []
    rejected = answered["rejected"].filter(pl.col("table") == "Condition.ndjson", pl.col("row") > 0)
    assert set(rejected["column"]) == {"Condition"}
    assert set(rejected["value"].drop_nulls()) <= {
        f"Condition/{one['id']}" for one in held["Condition"]
    }


def test_our_own_resources_come_back_as_the_same_statements(tmp_path: Path) -> None:
    every = cases(tmp_path)[:20]
    bare, whole = [], []
    for number, case in enumerate(every):
        own = [_of(one, f"q{number}") for one in written(case)]
        whole.append(own)
        bare.append([_bare(one, f"b{number}") for one in own if one["resourceType"] != FORM])
    held = files([*whole, *bare], tmp_path / "in")
    values = recorded(tables(opened(tmp_path / "in")))
    for patient, case in zip(whole, every, strict=True):
        assert values[patient[0]["id"]] == of_case(case)
    for patient in bare:
        assert values[patient[0]["id"]] == of_case(alone(held, patient)[0])


def _of(one: Resource, name: str) -> Resource:
    """Return a resource of ours as that of a patient of many."""
    if one["resourceType"] == "Patient":
        return {**one, "id": name}
    form = {"reference": f"{FORM}/{name}-case-form"}
    more: Resource = {"derivedFrom": [form]} if "derivedFrom" in one else {}
    more |= {"evidence": [{"detail": [form]}]} if "evidence" in one else {}
    return {**one, "id": f"{name}-{one['id']}", "subject": {"reference": f"Patient/{name}"}, **more}


def _bare(one: Resource, name: str) -> Resource:
    """Return a resource of ours as that of another patient, who has no form."""
    kept = {key: value for key, value in one.items() if key not in ("derivedFrom", "evidence")}
    if one["resourceType"] == "Patient":
        return {**kept, "id": name}
    return {**kept, "id": f"{name}-{one['id']}", "subject": {"reference": f"Patient/{name}"}}


def patient(name: str = "p") -> Resource:
    return {"resourceType": "Patient", "id": name, "gender": "female"}


def ck(value: float = 900, subject: str | None = "Patient/p", **more: Any) -> Resource:
    return {
        "resourceType": "Observation", "id": "o", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2157-6"}]},
        "valueQuantity": {"value": value, "unit": "U/L"},
        **({"subject": {"reference": subject}} if subject else {}), **more,
    }  # fmt: skip


def order(**more: Any) -> Resource:
    return {
        "resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p"}, **more,
    }  # fmt: skip


def export(folder: Path, held: Mapping[str, str | bytes | list[Resource]]) -> Path:
    for name, content in held.items():
        text = content
        if isinstance(text, list):
            text = "\n".join(map(json.dumps, text))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def line(one: Resource) -> bytes:
    return json.dumps(one).encode()


@pytest.mark.parametrize(
    "held",
    [
        {"1.Patient.ndjson": b"\xef\xbb\xbf" + line(patient()), "o.ndjson": line(ck())},
        {"a.ndjson": b"\r\n" + line(patient()) + b"\r\n\r\n  \r\n" + line(ck()) + b"\r\n"},
        {"a.ndjson.gz": gzip.compress(line(patient()) + b"\n" + line(ck()) + b"\n")},
        {"p.jsonl": line(patient()), "o1.ndjson": line(ck()), "o2.ndjson": line(ck(20, id="o2"))},
        {"a.ndjson": line(patient()) + b"\n" + line(patient()) + b"\n" + line(ck())},
        {"a.ndjson.gz": gzip.compress(b"\xef\xbb\xbf" + line(patient()) + b"\n" + line(ck()))},
    ],
    ids=["bom", "crlf", "gz", "parts", "twice", "bom-gz"],
)  # fmt: skip
def test_files_are_read_however_they_are_written(held: dict[str, bytes], tmp_path: Path) -> None:
    source = opened(export(tmp_path / "in", held))
    assert recorded(tables(source))["p"]["ck_u_l"] == "900"


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    error = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no\naccess"}]}
    held: dict[str, Any] = {
        "Patient.ndjson": [patient(), patient(), {"resourceType": "Patient"}],
        "torn.ndjson": line(ck(subject="Patient/q")) + b"\n\n" + line(ck())[:-9],
        "bad.ndjson": line(ck(subject=None)) + b'\n{"a": "\xff"}\n[1]\n"x"\n{}',
        "error.ndjson": [error],
        "base.ndjson": [ck(subject=f"https://{x}/Patient/p") for x in ("a/b", "c")],
    }
    source = opened(export(tmp_path / "in", held))
    assert set(source.notes) == {
        "FHIR: 1 patients",
        "torn.ndjson: 1 of its lines are no resource of FHIR, the first is line 3; what they hold is unknown",
        "bad.ndjson: 4 of its lines are no resource of FHIR, the first is line 2; what they hold is unknown",
        "error.ndjson: 1 errors of the server, such as: no access; what it left out is unknown",
        "Patient: 1 without an id, not used",
        "Patient: 1 stand there again; the last one counts",
        "references lead to several servers, such as https://a/b/ and https://c/: not used",
        "Observation: 1 with a code that is known name no patient; not used",
        "Observation: 3 with a code that is known are of nobody who is here, such as Patient/q; not used",
    }
    assert "ck_raised" not in recorded(tables(source))["p"]


def test_what_two_of_a_patient_say_differently_stays_open(tmp_path: Path) -> None:
    other = patient() | {"gender": "male"}
    source = opened(export(tmp_path / "in", {"Patient.ndjson": [patient(), other]}))
    assert any("of 1 sex or date of birth differ" in x for x in source.notes)
    assert tables(source)["patients"]["sex"].to_list() == [None]


@pytest.mark.parametrize(
    "subject", ["Patient/p/_history/2", "https://ehr.example/fhir/Patient/p", "urn:uuid:p"]
)
def test_references_lead_to_the_patient_however_they_are_written(
    subject: str, tmp_path: Path
) -> None:
    held = {"Patient.ndjson": [patient()], "o.ndjson": [ck(subject=subject)]}
    assert recorded(tables(opened(export(tmp_path / "in", held))))["p"]["ck_u_l"] == "900"


def test_names_of_folders_are_names(tmp_path: Path) -> None:
    for one in ("reg[1]", "reg1", "a*'"):
        folder = export(tmp_path / one / "in", {"a.ndjson": [patient()]})
        assert len(tables(opened(folder))["patients"]) == 1


@pytest.mark.parametrize("reference", ["Medication/x", "https://a/Medication/x", "urn:uuid:x"])
def test_an_order_may_name_a_medication_of_another_file(reference: str, tmp_path: Path) -> None:
    medication = {
        "resourceType": "Medication", "id": "x",
        "code": {"coding": [{"system": RXNORM, "code": "6851"}]},
    }  # fmt: skip
    held = {
        "Patient.ndjson": [patient()],
        "MedicationRequest.ndjson": [order(medicationReference={"reference": reference})],
        # It is read before what refers to it, whatever it is called.
        "Z.ndjson": [medication],
    }
    found = tables(opened(export(tmp_path / "in", held)))
    assert found["treatments"].select("patient_id", "drug").rows() == [("p", "methotrexate")]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            [{**ck(), "resourceType": "Condition", "verificationStatus": "confirmed"}],
            "DSTU2 or STU3",
        ),
        ([order(taken="y")], "MedicationRequest/m is of DSTU2 or STU3; give FHIR R4"),
        ([order(medication={"concept": {}})], "MedicationRequest/m is of R5 or R6; give FHIR R4"),
        ([{"resourceType": "MedicationOrder"}], "holds MedicationOrder, which is of DSTU2 or STU3"),
        ([{"resourceType": "Bundle"}], "holds Bundles; bulk data have one resource a line"),
        ([ck()], "holds no Patient resource with an id; bulk data have a file Patient.ndjson"),
    ],
)
def test_what_is_no_bulk_data_of_r4_is_refused_by_name(
    held: list[Resource], said: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=said) as error:
        opened(export(tmp_path / "in", {"a.ndjson": held}))
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read_are_refused_with_their_name(tmp_path: Path) -> None:
    packed = gzip.compress(line(patient()) * 9_000)
    for name, content in (("a.ndjson.gz", packed[:-20]), ("b.ndjson", "{}".encode("utf-16"))):
        folder = export(tmp_path / name / "in", {name: content})
        with pytest.raises(SourceError, match=name):
            opened(folder)


def test_a_newer_version_withdraws_what_it_was(tmp_path: Path) -> None:
    said = {"coding": [{"system": "http://snomed.info/sct", "code": "40739000"}]}
    active = {"clinicalStatus": {"coding": [{"system": "x", "code": "active"}]}}
    wrong = {"verificationStatus": {"coding": [{"system": "x", "code": "entered-in-error"}]}}
    whose = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}}
    held = {
        "Condition.ndjson": [
            {**whose, "meta": {"versionId": "2"}, **wrong},
            {**whose, "meta": {"versionId": "1"}, **active, "code": said},
        ],
        "Patient.ndjson": [patient()],
    }
    assert "dysphagia" not in recorded(tables(opened(export(tmp_path / "in", held))))["p"]


def test_what_is_not_read_is_said_and_makes_nothing(tmp_path: Path) -> None:
    held = {
        "Patient.ndjson": [patient()],
        "Coverage.ndjson": [{"resourceType": "Coverage"}] * 3,
        "Observation.ndjson": [ck(code={"text": "Creatine kinase"}), ck(code={}, id="o2")],
        "notes.docx": "x",
        "deleted/x.ndjson": "x",
    }
    folder = export(tmp_path / "in", held)
    found = check(folder)
    assert {"Coverage: 3 not read", "deleted: is a folder; its files are not read"} < set(
        found.unread
    )
    assert any(x.startswith("notes.docx") for x in found.unread)
    reasons = found.problems["reason"].to_list()
    assert "Creatine kinase: no code that is known here: 1 of 1 patients, not used" in reasons
    assert recorded(tables(opened(folder)))["p"].keys() == {"sex_female"}


def test_one_problem_of_many_resources_is_one_line(tmp_path: Path) -> None:
    of = [ck(id=f"o{n}", valueQuantity={"value": 5, "unit": "mg"}) for n in range(3)]
    folder = export(tmp_path / "in", {"Patient.ndjson": [patient()], "Observation.ndjson": of})
    found = check(folder).problems.filter(pl.col("table") == "Observation.ndjson")
    (one,) = found.iter_rows(named=True)
    assert (one["column"], one["rows"], one["value"]) == ("Observation", 3, "Observation/o0")


def test_every_resource_that_is_read_of_one_patient_has_a_view(tmp_path: Path) -> None:
    views = Picking(tmp_path, packaged_codes()).views
    assert {*READ, FORM, "Patient", "Medication", "Composition"} == set(views)
