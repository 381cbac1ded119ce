"""Texts inside a record: what only they say is unsure, what they contradict is open."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from bundles import CK, DYSPHAGIA, JO1, SNOMED, bundle, ck, coded, condition, observation, status

from myoresist.assessment import assess
from myoresist.case.record import record
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.received import Received

SAID = "She has dysphagia. No arthralgia. CK 8000 U/L on 2024-02-01. Anti-Jo-1 positive."


def letter(text: str = SAID, form: str = "text/plain", **more: Any) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": "d", "status": "current", "date": "2024-02-03",
        "type": {"text": "Clinic letter"},
        "content": [{"attachment": {"contentType": form, "data": data}}], **more,
    }  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    own = {
        "status": "final",
        "code": {"text": "Muscle biopsy"},
        "conclusion": "Perifascicular atrophy.",
    }
    return {"resourceType": "DiagnosticReport", "id": "r", **own, **more}


def unsure(found: Received) -> dict[str, str]:
    return {x.said.about: x.said.answer for x in found.unsure}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (SAID, "text/plain; charset=utf-8"),
        (f"<html><head><style>p {{}}</style></head><p>{SAID}</p></html>", "text/html"),
        ("<table><tr><td>She has dysphagia.</td><td>No arthralgia.</td></tr></table>", "text/html"),
    ],
)
def test_what_only_a_letter_says_is_unsure_and_has_its_place(text: str, form: str) -> None:
    found = read_fhir(bundle(letter(text, form)))
    assert not found.case.findings
    assert not found.case.autoantibodies
    assert {"dysphagia": "yes", "arthralgia": "no"}.items() <= unsure(found).items()
    assert {x.place for x in found.unsure} == {"DocumentReference/d"}
    assert any("DocumentReference/d" in x and "dysphagia" in x.lower() for x in found.notes)
    assert "# to confirm: DocumentReference/d: " in found.yaml()
    assert all(x in found.json() for x in ("to_confirm", "if_yes", "quote"))


def test_a_letter_against_the_data_leaves_it_open_and_the_case_says_so() -> None:
    negative = observation(JO1, id="o2", valueCodeableConcept=coded(SNOMED, "260385009"))
    refuted = condition(DYSPHAGIA, verificationStatus=status("refuted"))
    found = read_fhir(bundle(refuted, negative, letter()))
    known = record(found.case).values
    assert "dysphagia" not in known
    assert "anti_jo1" not in known
    assert "dysphagia" in {x.finding for x in assess(found.case).contradictions}


def test_a_letter_that_repeats_the_data_adds_nothing() -> None:
    positive = observation(JO1, id="o2", valueCodeableConcept=coded(SNOMED, "10828004"))
    day = {"effectiveDateTime": "2024-02-01"}
    own = (condition(DYSPHAGIA), positive, ck(8000, **day))
    alone, beside = read_fhir(bundle(*own)), read_fhir(bundle(*own, letter()))
    assert beside.case.model_dump() == alone.case.model_dump()
    assert set(unsure(beside)) == {"arthralgia"}


@pytest.mark.parametrize(("coded_value", "open_"), [(200, True), (9000, False)])
def test_a_value_in_a_letter_leaves_the_peak_open_if_it_could_be_higher(
    coded_value: float, open_: bool
) -> None:
    found = read_fhir(bundle(ck(coded_value), letter()))
    assert ("ck_u_l" not in record(found.case).values) is open_


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "entered-in-error"}, "entered-in-error"),
        ({"status": "superseded"}, "superseded"),
        ({"content": [{"attachment": {"contentType": "text/plain", "url": "http://x/1"}}]}, "fetched"),
        ({"content": [{"attachment": {"contentType": "image/png", "data": "aGk="}}]}, "image/png"),
        ({"content": [{"attachment": {"contentType": "text/plain", "data": "%%%"}}]}, "cannot be read"),
        ({"content": [{"attachment": {"contentType": "text/plain", "data": "aGk=", "language": "de"}}]},
         "English"),
    ],
)  # fmt: skip
def test_a_text_that_cannot_be_read_is_told(change: dict[str, Any], said: str) -> None:
    found = read_fhir(bundle(letter(**change)))
    assert not found.unsure
    assert any(said in x for x in found.notes)


def test_a_letter_about_another_person_is_not_used() -> None:
    found = read_fhir(bundle(letter("This man, born on 01/02/1950, has dysphagia.")))
    assert not found.unsure
    assert any("says otherwise" in x for x in found.notes)


def test_a_binary_of_the_record_is_read_and_a_section_only_where_it_says_more() -> None:
    data = base64.b64encode(b"She has dysphagia.").decode()
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": data}
    place = [{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}]
    assert unsure(read_fhir(bundle(binary, letter(content=place)))) == {"dysphagia": "yes"}

    def told(narrative: str, *entries: str) -> dict[str, str]:
        section = {
            "title": "Problems", "entry": [{"reference": x} for x in entries],
            "text": {"status": narrative, "div": "<div><p>She has dysphagia.</p></div>"},
        }  # fmt: skip
        one = {"resourceType": "Composition", "id": "c", "status": "final", "section": [section]}
        return unsure(read_fhir(bundle(one)))

    assert told("generated", "Condition/c") == {}
    assert told("generated") == told("additional", "Condition/c") == {"dysphagia": "yes"}


def test_a_report_is_read_as_what_it_is_of() -> None:
    found = read_fhir(bundle(report()))
    (one,) = found.unsure
    assert (one.place, one.said.where) == (
        "DiagnosticReport/r.conclusion", "biopsies[muscle].biopsy_perifascicular_atrophy",
    )  # fmt: skip
    said = {"code": {"text": "Muscle biopsy"}, "valueString": "There are rimmed vacuoles."}
    text = {**observation("0-0"), **said}
    assert unsure(read_fhir(bundle(text))) == {"biopsy_rimmed_vacuoles": "yes"}


def test_results_that_a_report_contains_are_read_and_those_of_a_withdrawn_one_are_open() -> None:
    inner = {**ck(900), "id": "in", "subject": {"reference": "Patient/p"}}
    held = report(conclusion="", contained=[inner], result=[{"reference": "#in"}])
    (lab,) = read_fhir(bundle(held)).case.labs
    assert lab.value == 900
    gone = report(conclusion="", status="entered-in-error", result=[{"reference": "Observation/o"}])
    (lab,) = read_fhir(bundle(gone, ck(900))).case.labs
    assert (lab.test, lab.value, CK) == ("CK", None, CK)
