"""A record system for tests: it logs in, gives leave and holds the record of a patient who does not exist."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from hooking import DERMATOMYOSITIS, PATIENT, condition, found

from myoresist.service.smart.launch import challenge

CLIENT, NAME = "myoresist-test", {"family": "Nobody", "given": ["Hannelore"]}
SCOPE = " ".join(
    f"patient/{x}.rs"
    for x in (
        "Patient", "Condition", "Observation", "MedicationRequest", "MedicationStatement", "Procedure",
        "AllergyIntolerance", "QuestionnaireResponse",
    )
)  # fmt: skip


@dataclass
class RecordSystem:
    """What it knows and says; tests change it."""

    address: str = ""
    launch: str = "launch-context"
    configuration: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    token_status: int = 200
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    authorized: dict[str, str] = field(default_factory=dict)

    @property
    def iss(self) -> str:
        """Return the base of its FHIR server."""
        return f"{self.address}/fhir"

    def reset(self) -> None:
        """Say what a well-meaning system says."""
        self.configuration = {
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-ehr", "launch-standalone", "client-public", "permission-v2"],
        }
        self.token = {
            "access_token": f"secret-{secrets.token_hex(8)}", "token_type": "Bearer", "expires_in": 300,
            "scope": SCOPE, "patient": "p", "need_patient_banner": True,
        }  # fmt: skip
        self.token_status = 200
        self.resources = {
            "Patient": {**PATIENT, "name": [NAME]}, "Condition": found(condition(DERMATOMYOSITIS)),
        }  # fmt: skip
        self.asked, self.codes, self.authorized = [], {}, {}

    def token_for(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer who asks for a token."""
        asked = self.codes.pop(form.get("code", ""), None)
        right = asked is not None and (
            challenge(form["code_verifier"]) == asked["code_challenge"]
            and form["client_id"] == asked["client_id"] == CLIENT
            and form["redirect_uri"] == asked["redirect_uri"]
            and form["grant_type"] == "authorization_code"
            and "client_secret" not in form
        )
        return (self.token_status, self.token) if right else (400, {"error": "invalid_grant"})

    def code_for(self, asked: dict[str, str]) -> str:
        """Give a code to whoever asks as SMART says."""
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert asked["aud"] == self.iss and asked["client_id"] == CLIENT
        scopes = asked["scope"].split()
        assert ("launch" in scopes) == ("launch" in asked) != ("launch/patient" in scopes)
        assert asked.get("launch", self.launch) == self.launch
        self.authorized = asked
        code = secrets.token_hex(8)
        self.codes[code] = asked
        return code


@contextmanager
def record_system() -> Iterator[RecordSystem]:
    """Start one on this machine, and end it."""
    system = RecordSystem()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            system.asked.append(self.path)
            if parts.path == "/fhir/.well-known/smart-configuration":
                self.told(200, system.configuration)
            elif parts.path == "/authorize":
                back = {"code": system.code_for(asked), "state": asked["state"]}
                away = {
                    "error": "access_denied",
                    "error_description": "<b>",
                    "state": asked["state"],
                }
                links = [f"{asked['redirect_uri']}?{urlencode(x)}" for x in (back, away)]
                self.page(
                    "".join(
                        f"<a href='{x}'>{y}</a>"
                        for x, y in zip(links, ("Allow", "Refuse"), strict=True)
                    )
                )
            elif parts.path == "/chart":
                self.page(f"<a target='_blank' href='{asked['app']}'>Second opinion</a>")
            elif self.headers.get("Authorization") != f"Bearer {system.token.get('access_token')}":
                self.told(401, {})
            else:
                kind = parts.path.removeprefix("/fhir/").partition("/")[0]
                self.told(200, system.resources.get(kind, found()))

        def do_POST(self) -> None:
            system.asked.append(self.path)
            length = int(self.headers["Content-Length"])
            form = {x: y[0] for x, y in parse_qs(self.rfile.read(length).decode()).items()}
            self.told(*system.token_for(form))

        def told(self, status: int, data: dict[str, Any]) -> None:
            self.answer(status, "application/json", json.dumps(data).encode())

        def page(self, links: str) -> None:
            self.answer(200, "text/html", f"<title>chart</title>{links}".encode())

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    system.address = f"http://127.0.0.1:{server.server_port}"
    system.reset()
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
