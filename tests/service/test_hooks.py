"""CDS Hooks: what is offered, what the cards say, and that nothing is said where nothing has to be."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hooking import (
    DERMATOMYOSITIS,
    DIABETES,
    EHR,
    HOME,
    LOINC,
    METHOTREXATE,
    ORIGIN,
    PARACETAMOL,
    PATIENT,
    PREGNANT,
    RITUXIMAB,
    RXNORM,
    SELECT,
    SIGN,
    SNOMED,
    VIEW,
    asked_by,
    call,
    coded,
    condition,
    doors,
    found,
    order,
    post,
    status,
)
from starlette.testclient import TestClient

from myoresist.assessment import page_one
from myoresist.case.reading import check_case_text
from myoresist.cli import EXAMPLES
from myoresist.exchange.fhir.form import response
from myoresist.service.hooks.cards import clipped, consult_cards, plain
from myoresist.service.hooks.doors import Doors
from myoresist.service.run import ServeError, serve

LUNG, AZATHIOPRINE = "51615001", "1256"
DAILY = {
    "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
    "doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}],
}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return asked_by(doors())


def cards(client: TestClient, path: str, body: Any) -> list[dict[str, Any]]:
    """Return the cards of a call, each looked at."""
    answer = post(client, path, body)
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["cards"]
    assert len(told) <= 3
    for card in told:
        assert 0 < len(card["summary"]) < 140 and "\n" not in card["summary"]
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        assert all(x["type"] == "absolute" and "p" not in x["url"][8:] for x in card["links"])
        assert "suggestions" not in card or card["selectionBehavior"] in ("any", "at-most-one")
    return told


def test_discovery_says_what_is_offered(client: TestClient) -> None:
    told = client.get("/cds-services").json()["services"]
    assert [one["hook"] for one in told] == ["patient-view", "order-select", "order-sign"]
    for one in told:
        assert one["id"] == one["hook"] and one["description"]
        assert "Condition?patient={{context.patientId}}" in one["prefetch"].values()


def test_it_is_off_unless_it_is_set_up() -> None:
    other = asked_by(None)
    assert other.get("/cds-services").status_code == 404
    assert other.options(VIEW, headers={"Origin": ORIGIN}).status_code >= 400


def test_a_drug_that_must_not_be_is_a_critical_card_when_it_is_signed(client: TestClient) -> None:
    body = call("order-sign", [order(METHOTREXATE, "m7"), order(PARACETAMOL, "m8")])
    (card,) = cards(client, SIGN, body)
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Methotrexate: Teratogen")
    assert "Pregnant: present" in card["detail"] and "Sammaritano 2020" in card["detail"]
    (suggestion,) = card["suggestions"]
    (action,) = suggestion["actions"]
    assert (action["type"], action["resourceId"]) == ("delete", "MedicationRequest/m7")
    assert {x["code"] for x in card["overrideReasons"]} >= {"benefit", "record"}


def allergy(code: str, **more: Any) -> dict[str, Any]:
    """Return an allergy to a drug that is confirmed and active."""
    return {
        "resourceType": "AllergyIntolerance", "id": f"a{code}", "patient": {"reference": "Patient/p"},
        "clinicalStatus": status("active"), "verificationStatus": status("confirmed"),
        "code": coded(RXNORM, code), **more,
    }  # fmt: skip


def test_an_order_of_a_drug_with_an_allergy_is_a_critical_card(client: TestClient) -> None:
    body = call("order-sign", [order(AZATHIOPRINE)])
    assert cards(client, SIGN, body) == []
    body["prefetch"]["allergies"] = found(allergy(AZATHIOPRINE))
    (card,) = cards(client, SIGN, body)
    assert (card["indicator"], card["summary"]) == (
        "critical", "Azathioprine: Allergy or intolerance recorded",
    )  # fmt: skip
    refuted = allergy(AZATHIOPRINE, verificationStatus=status("refuted"))
    body["prefetch"]["allergies"] = found(refuted)
    assert cards(client, SIGN, body) == []


def test_there_is_no_card_for_who_has_died(client: TestClient) -> None:
    body = call("order-sign", [order(METHOTREXATE)])
    assert cards(client, SIGN, body)
    body["prefetch"]["patient"] = {**PATIENT, "deceasedBoolean": True}
    assert cards(client, SIGN, body) == []


def test_when_it_is_selected_the_same_is_a_warning(client: TestClient) -> None:
    body = call("order-select", [order(METHOTREXATE), order(RITUXIMAB, "m2")])
    first, second = cards(client, SELECT, body)
    assert first["indicator"] == second["indicator"] == "warning"
    assert "Rituximab" in second["summary"]
    signed = {**body, "hook": "order-sign"}
    assert ["Methotrexate" in x["summary"] for x in cards(client, SIGN, signed)] == [True]
    body["context"]["selections"] = ["MedicationRequest/m2"]
    assert all(
        "Rituximab" in x["summary"] or "Methotrexate" in x["summary"]
        for x in cards(client, SELECT, body)
    )
    body["context"]["selections"] = []
    assert cards(client, SELECT, body) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"doNotPerform": True}, {"status": "entered-in-error"}, {"status": "cancelled"},
        {"medicationCodeableConcept": {"text": "an antifolate"}},
        {"medicationCodeableConcept": {"text": "Methotrexate 1 % topical gel"}},
    ],
)  # fmt: skip
def test_what_is_not_ordered_has_no_card(client: TestClient, changed: dict[str, Any]) -> None:
    assert cards(client, SIGN, call("order-sign", [order(METHOTREXATE, **changed)])) == []


@pytest.mark.parametrize(
    "concept",
    [
        {"text": "methotrexate"},
        {"coding": [{"system": RXNORM, "code": "0", "display": "Methotrexate 2.5 MG Oral Tablet"}]},
        {"text": "0.4 ML Methotrexate 50 MG/ML Prefilled Syringe"},
    ],
)  # fmt: skip
def test_a_product_is_recognised_by_its_name_and_that_is_told(
    client: TestClient, concept: dict[str, Any]
) -> None:
    draft = order("", medicationCodeableConcept=concept, dosageInstruction=[DAILY])
    (card,) = cards(client, SIGN, call("order-sign", [draft]))
    assert "by its name, not by a code" in card["detail"] and "Teratogen" in card["detail"]
    assert card["summary"].startswith("Methotrexate daily?")


def test_a_daily_dose_of_methotrexate_is_stopped(client: TestClient) -> None:
    body = call("order-sign", [order(METHOTREXATE, dosageInstruction=[DAILY])])
    body["prefetch"]["conditions"] = found(condition(DERMATOMYOSITIS))
    (card,) = cards(client, SIGN, body)
    assert card["indicator"] == "critical" and "daily" in card["summary"]
    weekly = {**DAILY, "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}}
    body["context"]["draftOrders"]["entry"][0]["resource"]["dosageInstruction"] = [weekly]
    assert cards(client, SIGN, body) == []


@pytest.mark.parametrize(
    "conditions",
    [
        [condition(PREGNANT), condition(DIABETES)],
        [condition(DERMATOMYOSITIS, verificationStatus=status("refuted")), condition(PREGNANT)],
        [condition(DERMATOMYOSITIS, verificationStatus=status("entered-in-error"))],
        [condition(DERMATOMYOSITIS, subject={"reference": "Patient/other"}), condition(PREGNANT)],
    ],
)
def test_a_patient_without_a_myositis_has_no_card(
    client: TestClient, conditions: list[dict[str, Any]]
) -> None:
    body = call("order-sign", [order(METHOTREXATE)])
    body["prefetch"]["conditions"] = found(*conditions)
    assert cards(client, SIGN, body) == []
    body = call()
    body["prefetch"]["conditions"] = found(*conditions)
    assert cards(client, VIEW, body) == []


def test_little_known_is_no_card_and_danger_is_one(client: TestClient) -> None:
    body = call()
    body["prefetch"]["conditions"] = found(condition(DERMATOMYOSITIS))
    assert cards(client, VIEW, body) == []
    active = order(METHOTREXATE, status="active")
    body["prefetch"] |= {
        "orders": found(active),
        "conditions": found(condition(DERMATOMYOSITIS), condition(PREGNANT)),
    }
    card, *_ = cards(client, VIEW, body)
    assert card["indicator"] == "warning" and card["summary"].startswith("Stop methotrexate today")


def test_the_consult_is_a_card(client: TestClient) -> None:
    jo1 = {
        "resourceType": "Observation", "id": "j", "status": "final", "subject": {"reference": "Patient/p"},
        "code": coded(LOINC, "8076-2"), "valueCodeableConcept": coded(SNOMED, "10828004"),
    }  # fmt: skip
    ck = {
        **jo1, "id": "ck", "code": coded(LOINC, "2157-6"), "effectiveDateTime": "2026-01-01",
        "valueQuantity": {"value": 3000, "unit": "U/L"},
        "referenceRange": [{"high": {"value": 170, "unit": "U/L"}}],
    }  # fmt: skip
    del ck["valueCodeableConcept"]
    repeat = {
        "frequency": 1,
        "period": 1,
        "periodUnit": "wk",
        "boundsPeriod": {"start": "2023-01-01"},
    }
    low = {
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": {"value": 7.5, "unit": "mg"}}],
    }
    body = call()
    body["prefetch"] |= {
        "conditions": found(condition("31384009"), condition(LUNG)),
        "laboratory": found(jo1, ck),
        "orders": found(order(METHOTREXATE, status="active", dosageInstruction=[low])),
    }
    (card,) = cards(client, VIEW, body)
    assert card["indicator"] == "info" and "ntisynthetase" in card["summary"]
    assert "Relabel as antisynthetase syndrome" in card["detail"]


def test_the_form_of_a_case_counts_like_the_record(client: TestClient) -> None:
    case, _ = check_case_text((EXAMPLES / "anti_srp_refractory.yaml").read_bytes(), "case")
    assert case is not None
    body = call()
    body["prefetch"]["conditions"] = found(condition("31384009"))
    assert cards(client, VIEW, body) == []
    body["prefetch"]["form"] = found({**response(case, "Patient/p"), "id": "f"})
    told = [card["summary"] for card in cards(client, VIEW, body)]
    assert any("Anti-SRP" in x and "active after" in x for x in told)


def test_what_to_test_is_proposed() -> None:
    case, _ = check_case_text(
        (EXAMPLES / "dysferlinopathy_called_polymyositis.yaml").read_bytes(), "case"
    )
    assert case is not None
    (card,) = (
        x for x in consult_cards(page_one(case), "Patient/p", HOME, ()) if "suggestions" in x
    )
    for suggestion in card["suggestions"]:
        resource = suggestion["actions"][0]["resource"]
        assert (resource["status"], resource["intent"]) == ("draft", "proposal")
        assert resource["subject"] == {"reference": "Patient/p"}


def test_what_was_not_received_is_told(client: TestClient) -> None:
    body = call("order-sign", [order(METHOTREXATE)])
    del body["prefetch"]["procedures"]
    body["prefetch"]["medicines"] = {"resourceType": "OperationOutcome", "issue": []}
    body["prefetch"]["orders"] = found(link=[{"relation": "next", "url": "https://ehr.example/2"}])
    (card,) = cards(client, SIGN, body)
    for said in ("procedures", "medicines as told", "the rest of a long list"):
        assert said in card["detail"].partition("Not received, so unknown: ")[2]


@pytest.mark.parametrize("name", ["patient", "conditions", "laboratory", "orders"])
def test_what_is_needed_and_missing_is_412(client: TestClient, name: str) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Hannelore"}]}
    for changed in ({}, {name: outcome}):
        body = call("order-sign", [order(METHOTREXATE)])
        del body["prefetch"][name]
        body["prefetch"] |= changed
        answer = post(client, SIGN, body)
        assert answer.status_code == 412 and name in answer.json()["detail"]
        assert "Hannelore" not in answer.text
    body = call("order-sign", [order(METHOTREXATE)])
    body["prefetch"] = None
    assert post(client, SIGN, body).status_code == 412


def test_another_patient_is_refused(client: TestClient) -> None:
    body = call()
    body["prefetch"]["patient"] = {**PATIENT, "id": "q"}
    assert post(client, VIEW, body).status_code == 400
    body["prefetch"]["patient"] = None
    assert post(client, VIEW, body).status_code == 412


@pytest.mark.parametrize(
    "changed",
    [
        {"hook": "order-sign"}, {"hook": "patient-greet"}, {"hookInstance": None}, {"context": None},
        {"context": {"patientId": "../Patient/1"}}, {"context": {"patientId": "a?b"}}, {"prefetch": []},
        {"prefetch": {"patient": "Hannelore"}}, {"fhirAuthorization": {"access_token": "a b\r\n"}},
    ],
)  # fmt: skip
def test_what_is_not_written_as_it_should_be_is_400_and_not_quoted(
    client: TestClient, changed: dict[str, Any]
) -> None:
    answer = post(client, VIEW, {**call(), **changed})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Hannelore" not in answer.text and ".." not in answer.text


def test_no_json_no_service_no_type(client: TestClient) -> None:
    for body in (b"{", b"[]", b"\xff", b"[" * 100_000, b'{"hook": NaN}'):
        assert post(client, VIEW, body).status_code == 400
    assert post(client, "/cds-services/else", call()).status_code == 404
    assert post(client, VIEW, call(), **{"Content-Type": "text/plain"}).status_code == 415


def test_other_versions_of_fhir_are_412(client: TestClient) -> None:
    body = call()
    for mixed in ({"taken": "n"}, {"medication": {"concept": coded(SNOMED, "1")}}):
        body["prefetch"]["orders"] = found({**order(METHOTREXATE), **mixed})
        assert post(client, VIEW, body).status_code == 412


def test_an_order_that_cannot_be_looked_at_is_refused_and_never_passed_over(
    client: TestClient,
) -> None:
    another = order(METHOTREXATE, subject={"reference": "Patient/q"})
    newer = {**order(METHOTREXATE), "medication": {"concept": coded(SNOMED, "1")}}
    many = [order(METHOTREXATE, f"m{x}") for x in range(60)]
    for drafts, code in (([another], 400), ([newer], 412), (many, 400)):
        assert post(client, SIGN, call("order-sign", drafts)).status_code == code


def test_feedback_is_taken_and_only_words_of_our_own_are_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "myoresist")
    chosen = {"code": "benefit", "system": "Hannelore"}
    told = [
        {"card": "1", "outcome": "accepted", "acceptedSuggestions": [{"id": "2"}]},
        {"outcome": "overridden", "overrideReason": {"reason": chosen, "userComment": "Hannelore"}},
        {"outcome": "overridden", "overrideReason": {"reason": {"code": "Hannelore"}}},
    ]  # fmt: skip
    sent = {"feedback": [{"card": "1", **x} for x in told]}
    assert post(client, f"{SIGN}/feedback", sent).status_code == 200
    assert "Hannelore" not in caplog.text
    assert [x.getMessage() for x in caplog.records if x.name.endswith("hooks")] == [
        "feedback on order-sign: accepted, 1", "feedback on order-sign: overridden, 1",
        "feedback on order-sign: overridden, benefit, 1",
    ]  # fmt: skip
    for body in ({"feedback": []}, {"feedback": [{"card": "1", "outcome": "ignored"}]}, {}):
        assert post(client, f"{SIGN}/feedback", body).status_code == 400


def test_only_pages_that_are_known_may_ask_from_a_browser(client: TestClient) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    known = client.options(VIEW, headers={"Origin": ORIGIN, **asked})
    assert known.status_code == 204
    assert known.headers["access-control-allow-origin"] == ORIGIN
    assert "Authorization" in known.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in known.headers
    answer = post(client, VIEW, call(), Origin=ORIGIN, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200 and answer.headers["vary"] == "Origin"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    for origin in (
        "https://evil.example",
        "null",
        f"{ORIGIN}.evil.example",
        "http://ehr.example",
        "",
    ):
        for answer in (
            client.options(VIEW, headers={"Origin": origin, **asked}),
            client.get("/cds-services", headers={"Origin": origin}),
            post(client, VIEW, call(), Origin=origin),
        ):
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
    assert post(client, VIEW, call(), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    page = client.post("/answer", headers={"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 403


def test_a_trial_needs_no_token_and_is_for_pages_of_this_machine() -> None:
    trial = asked_by(Doors.trial("http://127.0.0.1:8080"))
    headers = {"Content-Type": "application/json", "Origin": "http://localhost:8081"}
    assert trial.post(VIEW, json=call(), headers=headers).status_code == 200
    for other in (EHR.rstrip("/"), "http://[::1", "http://localhost.evil.example", "null"):
        headers["Origin"] = other
        assert trial.post(VIEW, json=call(), headers=headers).status_code == 403
    body = call(
        prefetch={}, fhirServer="http://127.0.0.1:9", fhirAuthorization={"access_token": "x"}
    )
    assert trial.post(VIEW, json=body).status_code == 412


def test_a_trial_is_for_this_machine_alone() -> None:
    for host, hooks in (("0.0.0.0", None), ("127.0.0.1", Path("hooks.yaml"))):
        with pytest.raises(ServeError, match="--hooks-open"):
            serve(host, 0, (), 1, False, print, hooks, True)


def test_text_of_a_record_is_shown_letter_by_letter() -> None:
    assert plain("[x](http://evil.example) <img>\n# y") == (
        r"\[x\]\(http://evil.example\) \<img\> \# y"
    )
    assert len(clipped("word " * 80)) < 140 and clipped("word " * 80).endswith("…")
    assert len(clipped("w" * 300)) < 140
