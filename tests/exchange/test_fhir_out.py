"""The consult as a FHIR document: valid by three validators, read back as the same case, never an order."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cql_peer
import fhirkit
import pytest
from fhir.resources.R4B import get_fhir_model_class
from nodejs import packages
from typer.testing import CliRunner

from myoresist.assessment import assess
from myoresist.case.model import Case
from myoresist.case.reading import check_case_text
from myoresist.case.record import record
from myoresist.cli import EXAMPLES, app
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.fhir.form import questionnaire, response
from myoresist.exchange.fhir.opinion import document
from myoresist.exchange.fhir.proposals import service_request

VALIDATOR = cql_peer.HERE / "fhir"
MADE = "2026-11-30T12:00:00+00:00"
NAMES = ("anti_srp_refractory", "anti_hmgcr_statin", "dysferlinopathy_called_polymyositis")
EVERYTHING = """
patient: {id: A-1, sex: female, birth_date: 1970-01-05, weight_kg: 61.5}
date: 2026-05-01
label: dermatomyositis
notes: "<script>alert(1)</script> & more"
onset: {date: 2024-11, tempo: subacute}
weeks_from: {event: first prednisone, date: 2025-01-10}
findings: {dysphagia: no, ild: unknown, gottron_papules: yes, weakness_duration_months: 18}
comorbidities: {diabetes: no}
exposures: {statin_current: no}
labs:
- {test: CK, value: 900, unit: U/L, upper_limit: 170, date: 2026-04}
- {test: CK, value: unknown, unit: U/L, at_least: 22000, date: 2025-01-02}
autoantibodies:
- {antibody: anti-Mi-2, result: weak, method: line blot, date: 2025}
- {antibody: ANA, result: positive, titre: "1:640", pattern: nuclear}
biopsies: [{date: 2025-01, tissue: muscle, site: deltoid, findings: {biopsy_mhc1_upregulation: yes}}]
treatments:
- {drug: prednisone, dose: 40, unit: mg, frequency: daily, start: 2025-01-10, response: partial}
- {drug: methotrexate, dose: 15, unit: mg, frequency: weekly, start: 2025-03, stop: 2025-11,
   reason_stopped: no effect, together_with: [prednisone]}
medicines: [ramipril, {drug: amlodipine, stop: 2025-01}]
visits: [{date: 2026-04-02, mmt8: 121, muscles: {deltoid_right: 7}, haq_aids: []}]
"""


def case(text: str) -> Case:
    found, problems = check_case_text(text, "case")
    assert found is not None, problems
    return found


@pytest.fixture(scope="module", params=[*NAMES, "everything"])
def written(request: pytest.FixtureRequest) -> tuple[Case, dict[str, Any]]:
    """Return a case with the document of the consult on it."""
    name = request.param
    own = EVERYTHING if name == "everything" else (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    known = case(own)
    return known, document(known, assess(known), MADE)


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle["entry"]]


def test_two_validators_find_nothing_wrong(written: tuple[Case, dict[str, Any]]) -> None:
    _, bundle = written
    assert [f"{x.path}: {x.message}" for x in fhirkit.validate(bundle)] == []
    get_fhir_model_class("Bundle").model_validate(copy.deepcopy(bundle))


def test_a_third_validator_finds_every_required_code(tmp_path: Path) -> None:
    known = case(EVERYTHING)
    bundle = document(known, assess(known), MADE)
    modules = packages(VALIDATOR, VALIDATOR.parents[1] / "build" / "fhir")
    order = service_request("Test CK.", "Patient/patient")
    lines = [
        bundle,
        *resources(bundle),
        questionnaire(),
        order,
        wrong := {**order, "status": "nope"},
    ]
    file = tmp_path / "resources.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    command = ["node", str(VALIDATOR / "validate.mjs"), str(modules), str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (said,) = json.loads(done.stdout)
    assert "nope" in said and wrong["status"] in said


def test_read_back_it_is_the_same_case(written: tuple[Case, dict[str, Any]]) -> None:
    known, bundle = written
    found = read_fhir(json.dumps(bundle))
    assert found.case.model_dump() == known.model_dump()
    assert found.notes == ()


def test_without_the_form_nothing_is_said_otherwise(written: tuple[Case, dict[str, Any]]) -> None:
    known, bundle = written
    left = [x for x in bundle["entry"] if x["resource"]["resourceType"] != "QuestionnaireResponse"]
    found = record(read_fhir(json.dumps({**bundle, "type": "collection", "entry": left})).case)
    own = record(known)
    assert found.values.items() <= {**found.values, **own.values}.items()
    assert not set(found.values) - set(own.values)


def test_it_is_a_document_of_a_program_and_no_order(written: tuple[Case, dict[str, Any]]) -> None:
    _, bundle = written
    first, *others = resources(bundle)
    assert (bundle["type"], first["resourceType"]) == ("document", "Composition")
    names = {one["fullUrl"] for one in bundle["entry"]}
    assert len(names) == len(bundle["entry"])
    references = [x for x in walk(bundle) if x.startswith("urn:uuid:")]
    assert set(references) <= names | {bundle["identifier"]["value"]}
    record_of = (
        "Patient",
        "QuestionnaireResponse",
        "Condition",
        "Observation",
        "MedicationStatement",
    )
    for one in (first, *others):
        if one["resourceType"] not in record_of:
            assert one["meta"]["tag"][0]["code"] == "machine-made"
        if one["resourceType"] in ("ServiceRequest", "MedicationRequest"):
            assert (one["status"], one["intent"]) == ("draft", "proposal")
            assert "dosageInstruction" not in one
    assert "not a certified medical device" in first["text"]["div"]
    assert all("<script" not in x for x in walk([x.get("section") for x in resources(bundle)]))


def walk(value: Any) -> list[str]:
    """Return every text within a value."""
    if isinstance(value, dict):
        return [x for one in value.values() for x in walk(one)]
    if isinstance(value, list):
        return [x for one in value for x in walk(one)]
    return [value] if isinstance(value, str) else []


def test_the_differential_is_in_percent_and_adds_up() -> None:
    known = case((EXAMPLES / "anti_srp_refractory.yaml").read_text("utf-8"))
    (risk,) = (
        x
        for x in resources(document(known, assess(known), MADE))
        if x["resourceType"] == "RiskAssessment"
    )
    shares = [x["probabilityDecimal"] for x in risk["prediction"]]
    assert shares == sorted(shares, reverse=True)
    assert 50 < sum(shares) <= 100.5


def test_the_form_is_valid_and_asks_for_every_finding() -> None:
    form = questionnaire()
    assert fhirkit.validate(form) == []
    get_fhir_model_class("Questionnaire").model_validate(copy.deepcopy(form))
    sections = {one["linkId"]: one for one in form["item"]}
    assert set(sections) == set(Case.model_fields)
    dysphagia = next(x for x in sections["findings"]["item"] if x["linkId"] == "findings.dysphagia")
    assert {"system": "http://snomed.info/sct", "code": "40739000"} in dysphagia["code"]
    assert [x["valueCoding"]["code"] for x in dysphagia["answerOption"]] == ["yes", "no", "unknown"]


def answered(**more: Any) -> str:
    """Return a form that another system filled in."""
    own = response(
        case("patient: {id: A}\nfindings: {dysphagia: no}\nlabel: polymyositis"), "Patient/p"
    )
    patient = {"resourceType": "Patient", "id": "p", "gender": "male"}
    entries = [{"resource": x} for x in (patient, {**own, "id": "f", **more})]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def test_no_group_of_the_form_is_empty_and_no_place_stands_twice() -> None:
    def items(held: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for one in held.get("item", ()):
            yield one
            yield from items(one)

    every = list(items(questionnaire()))
    assert all(one.get("item") for one in every if one["type"] == "group")
    assert len({one["linkId"] for one in every}) == len(every)


def test_a_form_of_another_system_is_read_beside_what_it_sends() -> None:
    found = read_fhir(answered()).case
    assert (found.patient.id, found.patient.sex, found.label) == ("A", "male", "polymyositis")
    assert found.findings == {"dysphagia": False}


@pytest.mark.parametrize(
    "changed", [{"status": "in-progress"}, {"status": "entered-in-error"}, {"questionnaire": "x"}]
)
def test_a_form_that_is_not_finished_or_not_ours_is_not_read(changed: dict[str, Any]) -> None:
    found = read_fhir(answered(**changed))
    assert found.case.findings == {} and found.case.label is None
    assert found.notes == ("QuestionnaireResponse: 1 not read",)


def test_what_the_form_does_not_ask_is_told_and_left_out() -> None:
    items = [
        {"linkId": "findings", "item": [
            {"linkId": "findings.dysphagia", "answer": [{"valueCoding": {"code": "yes"}}]},
            {"linkId": "findings.aura", "answer": [{"valueCoding": {"code": "yes"}}]},
        ]},
        {"linkId": "horoscope", "answer": [{"valueString": "leo"}]},
        {"linkId": "patient", "item": [{"linkId": "patient.shoe", "answer": [{"valueDecimal": 44}]}]},
        {"linkId": "labs", "item": [{"linkId": "labs.test", "answer": [{"valueString": "no such test"}]}]},
    ]  # fmt: skip
    found = read_fhir(answered(item=items))
    assert found.case.findings == {"dysphagia": True}
    told = " ".join(found.notes)
    assert all(x in told for x in ("findings.aura", "horoscope", "patient.shoe", "no such test"))


def test_findings_said_both_ways_stay_open_wherever_they_may_stand() -> None:
    subject = {"reference": "Patient/p"}
    both = [
        {
            "resourceType": "Observation", "id": f"o{x}", "status": "final", "subject": subject,
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "40739000"}]}, "valueBoolean": x,
        }
        for x in (True, False)
    ]  # fmt: skip
    bundle = json.loads(answered(status="stopped"))
    bundle["entry"] += [{"resource": x} for x in both]
    assert "dysphagia" not in record(read_fhir(json.dumps(bundle)).case).values


def test_the_command_writes_it(tmp_path: Any) -> None:
    path, source = tmp_path / "consult.json", str(EXAMPLES / "anti_srp_refractory.yaml")
    result = CliRunner().invoke(app, ["assess", source, "--fhir", str(path)])
    assert result.exit_code == 0, result.output
    assert resources(json.loads(path.read_text("utf-8")))[0]["resourceType"] == "Composition"
    twice = CliRunner().invoke(app, ["assess", source, "--fhir", str(path), "--html", str(path)])
    assert twice.exit_code == 2
    printed = CliRunner().invoke(app, ["schema", "questionnaire"]).stdout
    assert json.loads(printed) == questionnaire()
