"""The API gives the answers of the command line, and says what is wrong in one form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from serving import asked
from starlette.testclient import TestClient
from starlette.types import Message
from typer.testing import CliRunner

from myoresist.cli import EXAMPLES, app
from myoresist.document import MAX_BYTES
from myoresist.service import tasks
from myoresist.service.app import create_app
from myoresist.service.guard import HEADERS
from myoresist.service.tasks import Reply
from myoresist.service.workers import Workers, processes

EXAMPLE = (EXAMPLES / "anti_srp_refractory.yaml").read_text(encoding="utf-8")
WRONG = "patient: {id: P, age: 400}\nfindings: {gotron_papules: yes}\nlabs: [{test: CK, value: 1, unit: m}]\n"
NOTED = (
    "patient: {id: P}\ntreatments: [{drug: methotrexate, dose: 15, unit: mg, frequency: daily}]\n"
)
NAMED = "patient: {{id: number-{}}}\nfindings: {{ild: yes}}\n"
"""A case that is like no other of them in its answer."""


def said(*words: str, text: str = "") -> str:
    """Return what the command line prints."""
    return CliRunner().invoke(app, list(words), input=text).stdout


def refusal(response: Any, status: int, kind: str) -> dict[str, Any]:
    """Return a refusal after looking at its form."""
    told: dict[str, Any] = response.json()
    assert response.status_code == told["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert told["type"] == f"urn:myoresist:problem:{kind}"
    assert told["title"] and told["detail"]
    return told


def test_an_assessment_is_that_of_the_command_line(client: TestClient) -> None:
    assert client.post("/api/assess", content=EXAMPLE).text == said(
        "assess", "-", "--json", text=EXAMPLE
    )


@pytest.mark.parametrize("case", [EXAMPLE, WRONG, NOTED, "", "{", "- 1"])
def test_a_check_is_that_of_the_command_line(client: TestClient, case: str) -> None:
    response = client.post("/api/validate", content=case)
    assert response.status_code == 200
    assert response.text == said("validate", "-", "--json", text=case).replace(
        "standard input", "-"
    )


@pytest.mark.parametrize("what", ["case", "assessment"])
def test_a_schema_is_that_of_the_command_line(client: TestClient, what: str) -> None:
    asked_for = said("schema", what)
    assert client.get("/api/schema", params={"of": what}).text == asked_for
    assert client.post(f"/api/schema?of={what}").text == asked_for


def test_a_mistake_is_told_by_field_with_what_to_write(client: TestClient) -> None:
    told = refusal(client.post("/api/assess", content=WRONG), 422, "case")
    fields = {one["field"]: one for one in told["errors"]}
    assert list(fields) == ["patient.age", "findings.gotron_papules", "labs[0].unit"]
    assert "did you mean gottron_papules?" in fields["findings.gotron_papules"]["message"]
    assert fields["labs[0].unit"]["line"] == 3


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nowhere", 404, "address"), ("GET", "/api/assess", 405, "method"),
     ("GET", "/api/schema?of=nothing", 422, "request"), ("POST", "/api/assess", 422, "case")],
)  # fmt: skip
def test_what_cannot_be_answered_has_one_form(
    client: TestClient, method: str, path: str, status: int, kind: str
) -> None:
    refusal(client.request(method, path), status, kind)


@pytest.mark.parametrize(
    "request_",
    [
        ("GET", "/api/schema"),
        ("GET", "/nowhere"),
        ("POST", "/api/assess"),
        ("GET", "/openapi.json"),
    ],
)
def test_every_response_is_kept_by_nobody_and_runs_nothing_foreign(
    client: TestClient, request_: tuple[str, str]
) -> None:
    headers = client.request(*request_).headers
    assert HEADERS.items() <= {key: headers.get(key) for key in HEADERS}.items()
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers and "access-control-allow-origin" not in headers


def test_too_much_is_refused_without_being_read(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield b"#" * 50_000

    refusal(client.post("/api/assess", content=b"#" * (MAX_BYTES + 200_000)), 413, "size")
    refusal(client.post("/api/assess", content=parts()), 413, "size")
    refusal(client.post("/api/assess", headers={"content-length": "-1"}), 413, "size")


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8080", 200), ("localhost:1", 200), ("LOCALHOST", 200), ("[::1]:8080", 200),
     ("rebound.example:8080", 403), ("127.0.0.1.example", 403), ("", 403)],
)  # fmt: skip
def test_a_name_that_is_not_its_own_is_refused(client: TestClient, host: str, status: int) -> None:
    assert client.get("/api/schema", headers={"host": host}).status_code == status


def test_another_page_cannot_send_a_form(client: TestClient) -> None:
    for site, status in (
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 200),
        ("none", 200),
    ):
        answer = client.post("/api/schema", headers={"sec-fetch-site": site})
        assert answer.status_code == status, site


def test_several_at_once_have_each_their_own_answer(client: TestClient) -> None:
    def ask(number: int) -> str:
        answer = client.post("/api/assess", content=NAMED.format(number)).json()["patient_id"]
        return str(answer)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(16))) == [f"number-{one}" for one in range(16)]


def test_what_fails_says_nothing_of_the_patient(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, client: TestClient
) -> None:
    def fail(text: bytes) -> Reply:
        raise KeyError(text.decode())

    monkeypatch.setattr(tasks, "assess_json", fail)
    answer = client.post("/api/assess", content="Hannelore Schmidt")
    refusal(answer, 500, "internal")
    assert "KeyError" in caplog.text
    assert "Hannelore" not in caplog.text + answer.text


def test_what_takes_too_long_is_ended() -> None:
    with asked(Workers(1, processes, seconds=0.05)) as slow:
        refusal(slow.post("/api/assess", content=EXAMPLE), 503, "time")
        assert slow.get("/api/schema?of=nothing").status_code == 422


def test_more_than_can_wait_are_told_to_come_again() -> None:
    with (
        asked(Workers(1, ThreadPoolExecutor, most_waiting=1)) as full,
        ThreadPoolExecutor(6) as pool,
    ):
        answers = list(pool.map(lambda _: full.post("/api/assess", content=EXAMPLE), range(6)))
    busy = [one for one in answers if one.status_code == 503]
    assert {one.status_code for one in answers} == {200, 503}
    assert all(refusal(one, 503, "busy") and one.headers["retry-after"] for one in busy)


def test_the_description_names_every_address_and_every_part(client: TestClient) -> None:
    told = client.get("/openapi.json").json()
    assert {"/api/assess", "/api/validate", "/api/schema"} <= told["paths"].keys()
    parts = told["components"]["schemas"]
    referred = {one.split('"')[0] for one in json.dumps(told).split('"#/components/schemas/')[1:]}
    assert referred <= parts.keys()
    assert "$defs" not in json.dumps(told)


def test_who_hangs_up_is_no_error_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def nobody(_message: Message) -> None:
        pass

    scope = {
        "type": "http", "method": "POST", "path": "/api/assess", "raw_path": b"/api/assess",
        "query_string": b"", "headers": [(b"host", b"127.0.0.1")], "http_version": "1.1",
        "scheme": "http", "root_path": "",
    }  # fmt: skip
    asyncio.run(create_app(Workers(1))(scope, gone, nobody))
    assert not caplog.records
