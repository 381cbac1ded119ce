"""A record system for tests: its keys, its tokens, its calls, and patients who do not exist."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.testclient import TestClient

from myoresist.service.app import create_app
from myoresist.service.hooks.doors import Doors
from myoresist.service.hooks.settings import Settings
from myoresist.service.hooks.tokens import Doorkeeper, public_keys
from myoresist.service.workers import Workers

HOME = "http://127.0.0.1"
EHR, ORIGIN, FHIR = "https://ehr.example/", "https://ehr.example", "https://ehr.example/fhir"
JKU = "https://ehr.example/jwks.json"
VIEW, SELECT, SIGN = (f"/cds-services/{x}" for x in ("patient-view", "order-select", "order-sign"))
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
KEY, OTHER = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
SETTINGS = Settings.model_validate(
    {
        "address": HOME,
        "issuers": [
            {"issuer": EHR, "keys": "keys.json", "jku": JKU, "fhir_servers": [{"address": FHIR}]}
        ],
        "origins": [ORIGIN],
    }
)


def jwk(key: Any, name: str, **more: Any) -> dict[str, Any]:
    """Return the public half of a key as a JWK."""
    kind = jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else None
    told = (kind or jwt.algorithms.RSAAlgorithm).to_jwk(key.public_key(), as_dict=True)
    return {**told, "kid": name, "use": "sig", **more}


KEYS = {"keys": [jwk(KEY, "ec"), jwk(RSA, "rsa")]}


async def no_keys(_issuer: object) -> bytes | None:
    """Return no keys: nothing is fetched in tests that do not ask for it."""
    return None


def doors(settings: Settings = SETTINGS) -> Doors:
    """Return the doors of the settings, with the keys of the tests."""
    keeper = Doorkeeper(settings, no_keys, {EHR: public_keys(KEYS)})
    return Doors(keeper, settings.address, frozenset(settings.origins), settings.fetch_seconds)


def asked_by(own: Doors | None) -> TestClient:
    """Return a client of the application in this process; a thread answers."""
    app = create_app(Workers(1), doors=own)
    return TestClient(app, base_url=HOME, raise_server_exceptions=False)


def token(
    path: str, *, key: Any = KEY, header: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    """Return a signed token for one call; what is ``None`` is left out."""
    now = int(time.time())
    told = {
        "iss": EHR, "aud": HOME + path, "iat": now, "exp": now + 200, "jti": str(uuid.uuid4()), **claims,
    }  # fmt: skip
    head = {"alg": "ES384", "typ": "JWT", "kid": "ec", "jku": JKU, **(header or {})}
    plain = {name: value for name, value in head.items() if value is not None}
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None},
        key, plain.get("alg", "ES384"), plain,
    )  # fmt: skip


def signed(path: str, **more: Any) -> dict[str, str]:
    """Return the headers of a call that is let in."""
    return {"Authorization": f"Bearer {token(path, **more)}", "Content-Type": "application/json"}


def post(client: TestClient, path: str, body: Any, **headers: str) -> Any:
    """Call a service with a fresh token."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=text, headers={**signed(path), **headers})


def coded(system: str, *codes: str) -> dict[str, Any]:
    """Return a concept."""
    return {"coding": [{"system": system, "code": x} for x in codes]}


def status(code: str) -> dict[str, Any]:
    """Return a status."""
    return coded("http://terminology.hl7.org/CodeSystem/condition-clinical", code)


def condition(code: str, **more: Any) -> dict[str, Any]:
    """Return a confirmed and active condition."""
    return {
        "resourceType": "Condition", "id": f"c{code}", "subject": {"reference": "Patient/p"},
        "code": coded(SNOMED, code), "clinicalStatus": status("active"),
        "verificationStatus": status("confirmed"), **more,
    }  # fmt: skip


def order(code: str, name: str = "m1", **more: Any) -> dict[str, Any]:
    """Return a draft of an order."""
    return {
        "resourceType": "MedicationRequest", "id": name, "status": "draft", "intent": "order",
        "medicationCodeableConcept": coded(RXNORM, code), "subject": {"reference": "Patient/p"}, **more,
    }  # fmt: skip


def found(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what a search finds."""
    entries = [{"resource": x, "search": {"mode": "match"}} for x in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1990-05-02"}
DERMATOMYOSITIS, PREGNANT, DIABETES = "396230008", "77386006", "44054006"
METHOTREXATE, RITUXIMAB, PARACETAMOL = "6851", "121191", "161"
PREFETCH: dict[str, Any] = {
    "patient": PATIENT,
    "conditions": found(condition(DERMATOMYOSITIS), condition(PREGNANT)),
    "laboratory": found(), "measures": found(), "orders": found(), "medicines": None,
    "procedures": found(), "allergies": found(), "form": found(),
}  # fmt: skip


def call(
    hook: str = "patient-view", drafts: list[dict[str, Any]] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a call; of ``prefetch`` only what differs need be given."""
    context: dict[str, Any] = {"userId": "Practitioner/1", "patientId": "p"}
    if drafts is not None:
        context["draftOrders"] = {
            "resourceType": "Bundle", "entry": [{"resource": x} for x in drafts],
        }  # fmt: skip
        context["selections"] = [f"MedicationRequest/{x['id']}" for x in drafts]
    return {
        "hook": hook, "hookInstance": str(uuid.uuid4()), "context": context,
        "prefetch": copy.deepcopy(PREFETCH), **more,
    }  # fmt: skip
