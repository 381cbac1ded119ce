"""Who is let in to CDS Hooks, what is fetched from where, and that nothing of a patient is left behind."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import httpx2
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hooking import (
    DERMATOMYOSITIS,
    EHR,
    HOME,
    JKU,
    KEY,
    KEYS,
    METHOTREXATE,
    OTHER,
    PATIENT,
    PREGNANT,
    RSA,
    SETTINGS,
    SIGN,
    VIEW,
    asked_by,
    call,
    condition,
    doors,
    found,
    jwk,
    order,
    post,
    token,
)
from starlette.testclient import TestClient

from myoresist.document import DocumentError
from myoresist.service.hooks import fetch
from myoresist.service.hooks.doors import Doors
from myoresist.service.hooks.settings import FhirServer, Issuer, Settings, read_settings
from myoresist.service.hooks.tokens import Doorkeeper, StrangerError, public_keys, read_keys


def after(seconds: int) -> int:
    """Return a time from now on, whenever the test runs."""
    return int(time.time()) + seconds


CANARY = "Hannelore"
SECRET = "s" * 64


def let_in(text: str, own: Doors | None = None, path: str = VIEW) -> bool:
    """Tell whether a token is let in."""
    keeper = own or doors()
    try:
        asyncio.run(keeper.let_in([f"Bearer {text}"], path))
    except StrangerError:
        return False
    return True


def unsigned(**header: Any) -> str:
    """Return a token with no signature, or one of another kind than it should have."""
    good = token(VIEW)
    head = {"alg": "none", "typ": "JWT", "kid": "ec", **header}
    raw = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    return f"{raw}.{good.split('.')[1]}."


def confused() -> str:
    """Return a token that is signed with the public key as if it were a shared secret."""
    body = token(VIEW).split(".")[1]
    head = {"alg": "HS384", "typ": "JWT", "kid": "ec"}
    raw = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    secret = json.dumps(KEYS["keys"][0]).encode()
    import hashlib
    import hmac

    mac = hmac.new(secret, f"{raw}.{body}".encode(), hashlib.sha384).digest()
    return f"{raw}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


REFUSED = {
    "no signature": lambda: unsigned(),
    "no signature, in capitals": lambda: unsigned(alg="NONE"),
    "a shared secret": lambda: token(VIEW, key=SECRET, header={"alg": "HS384"}),
    "the public key as secret": confused,
    "the signature cut off": lambda: token(VIEW).rpartition(".")[0] + ".",
    "a body that was changed": lambda: ".".join(
        (*token(VIEW).split(".")[:1], *token(VIEW, sub="x").split(".")[1:])
    )[:-8] + "AAAAAAAA",
    "another key": lambda: token(VIEW, key=OTHER),
    "another algorithm": lambda: token(VIEW, key=RSA, header={"alg": "RS256", "kid": "rsa"}),
    "the key of the other kind": lambda: token(VIEW, key=RSA, header={"alg": "RS384"}),
    "a key that is not known": lambda: token(VIEW, header={"kid": "else"}),
    "no name of a key": lambda: token(VIEW, header={"kid": None}),
    "a key of its own": lambda: token(
        VIEW, key=OTHER, header={"kid": "own", "jwk": jwk(OTHER, "own")}
    ),
    "keys from elsewhere": lambda: token(VIEW, header={"jku": "https://evil.example/jwks.json"}),
    "keys from near by": lambda: token(VIEW, header={"jku": JKU + "?x"}),
    "something critical": lambda: token(VIEW, header={"crit": ["exp"]}),
    "another type": lambda: token(VIEW, header={"typ": "at+jwt"}),
    "another issuer": lambda: token(VIEW, iss="https://evil.example/"),
    "an issuer that is alike": lambda: token(VIEW, iss=EHR.rstrip("/")),
    "no issuer": lambda: token(VIEW, iss=None),
    "another audience": lambda: token(VIEW, aud="https://other.example/cds-services/patient-view"),
    "another service": lambda: token(SIGN),
    "no audience": lambda: token(VIEW, aud=None),
    "a beginning of the audience": lambda: token(VIEW, aud=HOME),
    "over": lambda: token(VIEW, exp=after(-60)),
    "no end": lambda: token(VIEW, exp=None),
    "not yet": lambda: token(VIEW, iat=after(400), exp=after(500)),
    "no beginning": lambda: token(VIEW, iat=None),
    "valid for too long": lambda: token(VIEW, exp=after(86_400)),
    "no number of its own": lambda: token(VIEW, jti=None),
    "an empty number": lambda: token(VIEW, jti=""),
    "an endless number": lambda: token(VIEW, jti="x" * 1000),
    "no end of time": lambda: token(VIEW, exp=float("inf")),
    "words for times": lambda: token(VIEW, iat=str(after(0)), exp=str(after(100))),
    "no token": lambda: "x.y.z",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    assert not let_in(REFUSED[name]())


def test_let_in_and_only_once() -> None:
    own = doors()
    for text in (token(VIEW), token(VIEW, key=RSA, header={"alg": "RS384", "kid": "rsa"})):
        assert let_in(text, own)
        assert not let_in(text, own)
    named = token(VIEW, aud=["https://else.example", HOME + VIEW], jti="1")
    assert let_in(named, own) and not let_in(token(VIEW, jti="1"), own)


def test_clocks_may_differ_a_little() -> None:
    skew = SETTINGS.clock_skew_seconds
    now = int(time.time())
    assert let_in(token(VIEW, exp=now - skew + 10))
    assert not let_in(token(VIEW, exp=now - skew - 5))
    assert let_in(token(VIEW, iat=now + skew - 10))
    assert not let_in(token(VIEW, iat=now + skew + 20))


def test_a_used_token_stays_used_until_nothing_of_it_is_valid() -> None:
    own = doors()
    text = token(VIEW, exp=int(time.time()) - SETTINGS.clock_skew_seconds + 2)
    assert let_in(text, own) and not let_in(text, own)


@pytest.mark.parametrize(
    "bad",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "ec", "alg": "HS384"},
        jwk(KEY, "ec", use="enc"), jwk(KEY, "ec", alg="ES256"), {**jwk(KEY, "ec"), "crv": "P-256"},
        {**jwk(KEY, "ec"), "x": "AAAA"}, {**jwk(RSA, "ec"), "n": "AQAB"}, {"kid": "ec"}, "ec", None,
    ],
)  # fmt: skip
def test_keys_that_cannot_be_used_are_left_out(bad: Any) -> None:
    assert public_keys({"keys": [bad]}) == {}


def test_a_file_of_keys_holds_public_ones(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(KEYS))
    assert set(read_keys(path)) == {"ec", "rsa"}
    private = jwt.algorithms.ECAlgorithm.to_jwk(KEY, as_dict=True)
    for wrong in ({"keys": [{**private, "kid": "ec"}]}, {"keys": []}, [], "{"):
        path.write_text(wrong if isinstance(wrong, str) else json.dumps(wrong))
        with pytest.raises(DocumentError) as error:
            read_keys(path)
        assert str(private["d"]) not in str(error.value)


def test_keys_of_a_jku_are_fetched_once_and_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    answers: list[bytes | None] = [json.dumps(KEYS).encode(), None, None]

    async def give(issuer: Issuer) -> bytes | None:
        asked.append(str(issuer.jku))
        return answers[len(asked) - 1]

    told = SETTINGS.model_dump()
    told["issuers"] = [{"issuer": EHR, "jku": JKU}]
    keeper = Doorkeeper.of(Settings.model_validate(told), give)
    own = Doors(keeper, HOME)
    clock = [1000.0]
    monkeypatch.setattr("myoresist.service.hooks.tokens.time.monotonic", lambda: clock[0])
    assert let_in(token(VIEW), own) and let_in(token(VIEW), own)
    for _ in range(3):
        assert not let_in(token(VIEW, header={"kid": "new"}), own)
    assert asked == [JKU]
    clock[0] += 100
    assert not let_in(token(VIEW, header={"kid": "new"}), own)
    assert let_in(token(VIEW), own)
    assert len(asked) == 2
    clock[0] += 4000
    assert not let_in(token(VIEW), own)


WRONG = {
    "issuers: []\naddress: https://a.example": "issuers",
    "address: http://a.example\nissuers: [{issuer: x, jku: https://a.example/k}]": "address",
    "address: https://a.example\nissuers: [{issuer: x}]": "issuers.0",
    "address: https://a.example\nissuers: [{issuer: x, keys: none.json}]\norigins: ['*']": "origins.0",
    "address: https://a.example\nissuers: [{issuer: x, jku: 'https://u:p@a.example/k'}]": "issuers.0.jku",
    "address: https://a.example\nissuers: [{issuer: x, jku: https://a.example/k}]\nopen: yes": "open",
    "- 1": "",
}


@pytest.mark.parametrize("text", WRONG)
def test_settings_that_are_wrong_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hooks.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as error:
        read_settings(path)
    assert WRONG[text] in str(error.value)


class Served(BaseHTTPRequestHandler):
    """A FHIR server that is well or ill behaved."""

    answers: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        told = self.answers.get(self.path, 404)
        if isinstance(told, int):
            self.send_response(told)
            self.send_header("Location", "http://127.0.0.1:1/secret")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def fhir() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/fhir"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def near_by(fhir: str) -> tuple[TestClient, str]:
    told = SETTINGS.model_dump()
    told["issuers"][0]["fhir_servers"] = [{"address": fhir, "private": True}]
    return asked_by(doors(Settings.model_validate(told))), fhir


@pytest.fixture
def near(near_by: tuple[TestClient, str]) -> tuple[TestClient, str]:
    """Return a client and the FHIR server of its system, which so far answers nothing."""
    Served.answers = {}
    Served.asked.clear()
    return near_by


def lacking(server: str, **more: Any) -> dict[str, Any]:
    """Return a call that sends nothing along."""
    body = call("order-sign", [order(METHOTREXATE)], fhirServer=server, **more)
    body["prefetch"] = {}
    return body


AUTHORIZED: dict[str, Any] = {
    "fhirAuthorization": {"access_token": "opaque", "token_type": "Bearer", "scope": "x"}
}


def test_what_is_missing_is_fetched_with_its_pages(near: tuple[TestClient, str]) -> None:
    client, server = near
    second = {"relation": "next", "url": f"{server}/Condition?page=2"}
    Served.answers = {
        "/fhir/Patient/p": PATIENT,
        "/fhir/Condition?patient=p": found(condition(PREGNANT), link=[second]),
        "/fhir/Condition?page=2": found(
            condition(DERMATOMYOSITIS, subject={"reference": f"{server}/Patient/p"})
        ),
        "/fhir/Observation?patient=p&category=laboratory": found(),
        "/fhir/MedicationRequest?patient=p": found(),
    }
    answer = post(client, SIGN, lacking(server, **AUTHORIZED))
    assert answer.status_code == 200
    (card,) = answer.json()["cards"]
    assert "Teratogen" in card["summary"] and "procedures" in card["detail"]
    assert "the rest of a long list" not in card["detail"]
    assert {x for _, x in Served.asked} == {"Bearer opaque"}
    Served.asked.clear()
    full = call("order-sign", [order(METHOTREXATE)], fhirServer=server, **AUTHORIZED)
    assert post(client, SIGN, full).status_code == 200
    assert Served.asked == []


def test_refusals_are_bare(near: tuple[TestClient, str]) -> None:
    client, _ = near
    for headers in (
        {}, {"Authorization": "Basic eDp5"}, {"Authorization": f"Bearer {token(SIGN)}"},
        {"Authorization": "Bearer " + "x" * 9000},
    ):  # fmt: skip
        for path in (VIEW, f"{VIEW}/feedback", "/cds-services/else"):
            answer = client.post(path, json=call(), headers=headers)
            assert (answer.status_code, answer.content) == (401, b"")
    twice = [
        ("Authorization", f"Bearer {token(VIEW)}"),
        ("Authorization", f"Bearer {token(VIEW)}"),
    ]
    assert client.post(VIEW, json=call(), headers=twice).status_code == 401


@pytest.mark.parametrize(
    "ill",
    [
        302, 401, 500, b"{", b"[]", b"{}", {"resourceType": "OperationOutcome"}, b" " * 5_100_000,
        found(link=[{"relation": "next", "url": "http://127.0.0.1:1/fhir/Condition"}]),
        found(link=[{"relation": "next", "url": "/secret"}]),
        found(link=[{"relation": "next", "url": "../fhir/../secret"}]),
        found(link=[{"relation": "next", "url": "Condition?patient=p"}]),
    ],
)  # fmt: skip
def test_a_server_that_misbehaves_is_412(near: tuple[TestClient, str], ill: Any) -> None:
    client, server = near
    Served.answers = {
        "/fhir/Patient/p": PATIENT, "/fhir/Condition?patient=p": ill, "/secret": found(),
        "/fhir/Observation?patient=p&category=laboratory": found(),
        "/fhir/MedicationRequest?patient=p": found(),
    }  # fmt: skip
    answer = post(client, SIGN, lacking(server, **AUTHORIZED))
    assert answer.status_code == 412
    assert all(path != "/secret" for path, _ in Served.asked)


def test_nothing_is_fetched_from_elsewhere_or_without_leave(near: tuple[TestClient, str]) -> None:
    client, server = near
    for body in (
        lacking(server), lacking(f"{server}/..", **AUTHORIZED), lacking(f"{server}@evil", **AUTHORIZED),
        lacking(server.replace("127.0.0.1", "localhost"), **AUTHORIZED),
        lacking("http://169.254.169.254/latest", **AUTHORIZED), lacking("file:///etc", **AUTHORIZED),
    ):  # fmt: skip
        assert post(client, SIGN, body).status_code == 412
    assert Served.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fd00::1", "fe80::1%eth0",
        "::ffff:127.0.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(*_: Any, **__: Any) -> Any:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            (socket.AF_INET, 1, 6, "", ("93.184.215.14", 443)), (family, 1, 6, "", (address, 443)),
        ]  # fmt: skip

    async def ask() -> Any:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
        server = FhirServer(address="https://fhir.example")
        return await fetch.Fetcher(server, "opaque", 2).all(["Patient/p"])

    assert asyncio.run(ask()) == [None]


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """Return a certificate for a name that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    told = (
        signed.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    for path, text in zip(paths, told, strict=True):
        path.write_bytes(text)
    return paths


@pytest.mark.parametrize(
    ("name", "trusted", "reached"),
    [("localhost", True, True), ("localhost", False, False), ("elsewhere.example", True, False)],
)
def test_the_name_is_what_the_certificate_must_say_though_an_address_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool, reached: bool
) -> None:
    certificate, key = certified(tmp_path, name)
    Served.answers = {"/fhir/Patient/p": PATIENT}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    if trusted:
        known = ssl.create_default_context(cafile=str(certificate))
        plain = httpx2.AsyncClient
        monkeypatch.setattr(
            "myoresist.service.hooks.fetch.httpx2.AsyncClient",
            lambda **more: plain(verify=known, **more),
        )
    place = FhirServer(address=f"https://localhost:{server.server_port}/fhir", private=True)
    found = asyncio.run(fetch.Fetcher(place, "opaque", 5).all(["Patient/p"]))
    server.shutdown()
    server.server_close()
    assert found == ([[PATIENT]] if reached else [None])


def test_nothing_of_a_patient_or_a_token_is_left(
    near: tuple[TestClient, str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    client, server = near
    named = {**PATIENT, "id": CANARY, "name": [{"text": CANARY}]}
    about = {"subject": {"reference": f"Patient/{CANARY}"}}
    body = lacking(server, fhirAuthorization={"access_token": CANARY})
    body["context"]["patientId"] = CANARY
    bad: Any = {"resourceType": CANARY, "id": CANARY, "code": {"text": CANARY}, **about}
    Served.answers = {f"/fhir/Patient/{CANARY}": named}
    sent = [
        body, {**body, "hook": CANARY}, {**body, CANARY: CANARY}, {CANARY: CANARY},
        {**body, "prefetch": {"patient": named, "conditions": CANARY}},
        {**body, "prefetch": {"patient": {**PATIENT, "name": CANARY}}},
    ]  # fmt: skip
    for extra in (bad, {**bad, "resourceType": "Condition", "verificationStatus": CANARY}):
        told = {"patient": named, "conditions": found(extra, condition(DERMATOMYOSITIS, **about))}
        rest = dict.fromkeys(
            ("laboratory", "orders", "measures", "medicines", "procedures", "form")
        )
        sent.append({**body, "prefetch": {**told, **rest}})
    for one in sent:
        for path in (SIGN, f"{SIGN}/feedback"):
            answer = post(client, path, one, Cookie=CANARY)
            assert answer.status_code < 500
            if answer.status_code != 200:
                assert CANARY not in answer.text
            assert CANARY not in str(answer.headers)
    client.post(SIGN, json=body, headers={"Authorization": f"Bearer {CANARY}"})
    out, errors = capfd.readouterr()
    assert CANARY not in caplog.text + out + errors
