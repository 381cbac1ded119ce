"""SMART App Launch: a record system opens the page with its patient, and nobody else does."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hooking import METHOTREXATE, SIGN, call, condition, doors, found, order, post
from record_system import CLIENT, RecordSystem, record_system
from starlette.testclient import TestClient
from typer.testing import CliRunner

from myoresist.cli import app as commands
from myoresist.document import DocumentError
from myoresist.service.app import create_app
from myoresist.service.problems import Refusal
from myoresist.service.smart.launch import Launches, Leave, Opened, challenge
from myoresist.service.smart.settings import Settings, read_settings
from myoresist.service.workers import Workers

HOME = "http://127.0.0.1"
DOCS = Path(__file__).parents[2] / "docs" / "smart.md"


@pytest.fixture(scope="module")
def started() -> Iterator[RecordSystem]:
    with record_system() as one:
        yield one


@pytest.fixture
def ehr(started: RecordSystem) -> RecordSystem:
    started.reset()
    return started


def settings(ehr: RecordSystem, **more: object) -> Settings:
    system = {"name": "The clinic", "address": ehr.iss, "client_id": CLIENT, "private": True}
    return Settings.model_validate({"address": HOME, "systems": [system], **more})


@pytest.fixture(scope="module")
def app(started: RecordSystem) -> Iterator[TestClient]:
    own = create_app(Workers(1, ThreadPoolExecutor), launches=Launches(settings(started)))
    with TestClient(
        own, base_url=HOME, raise_server_exceptions=False, follow_redirects=False
    ) as one:
        yield one


@pytest.fixture
def client(app: TestClient) -> TestClient:
    app.cookies.clear()
    return app


def _label(page: str) -> str:
    found = re.search(r'name="label"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


def logged_in(client: TestClient, ehr: RecordSystem, **launch: str) -> str:
    """Begin a launch and log in; return where the browser comes back."""
    begun = client.get("/launch", params={"iss": ehr.iss, **launch})
    assert begun.status_code == 303, begun.text
    asked = {x: y[0] for x, y in parse_qs(urlsplit(begun.headers["location"]).query).items()}
    assert asked["redirect_uri"] == f"{HOME}/callback"
    return f"/callback?state={asked['state']}&code={ehr.code_for(asked)}"


@pytest.mark.parametrize("launch", [{"launch": "launch-context"}, {}])
def test_a_launch_ends_with_the_record_on_the_page(
    launch: dict[str, str], client: TestClient, ehr: RecordSystem
) -> None:
    page = client.get(logged_in(client, ehr, **launch))
    assert page.status_code == 200
    assert "Hannelore Nobody, 1990-05-02, female, id p. Read from The clinic" in page.text
    assert _label(page.text) == "dermatomyositis"
    assert not page.headers.get("set-cookie")
    assert ehr.authorized["scope"].split()[1] == "patient/Patient.rs"


def test_the_banner_stays_and_is_left_out_where_the_record_system_shows_it(
    client: TestClient, ehr: RecordSystem
) -> None:
    said = "Hannelore Nobody, 1990-05-02. Read from The clinic"
    assert said in client.post("/", data={"banner": said, "patient.age": "40"}).text
    ehr.token["need_patient_banner"] = False
    page = client.get(logged_in(client, ehr)).text
    assert "Hannelore" not in page and "Read from The clinic; nothing is written there." in page


@pytest.mark.parametrize(
    "iss", ["https://ehr.evil.example/fhir", "http://127.0.0.1:1/fhir", "x", ""]
)
def test_nothing_is_fetched_from_a_system_that_is_not_listed(
    iss: str, client: TestClient, ehr: RecordSystem
) -> None:
    refused = client.get("/launch", params={"iss": iss or f"{ehr.iss}/../fhir", "launch": "x"})
    assert refused.status_code == 403
    assert "This record system is not known here" in refused.text
    assert ehr.asked == []


def test_a_state_serves_once_in_the_browser_that_began(
    client: TestClient, ehr: RecordSystem
) -> None:
    back = logged_in(client, ehr)
    name, value = next(iter(client.cookies.items()))
    client.cookies.clear()
    stolen = client.get(back)
    assert stolen.status_code == 400 and "not under way here" in stolen.text
    other = "y" if value.startswith("x") else "x"
    client.cookies.set(name, other + value[1:])
    assert client.get(back).status_code == 400
    client.cookies.clear()
    client.cookies.set(name, value)
    assert client.get(back.replace("state=", "state=x")).status_code == 400
    assert client.get(back).status_code == 200
    replayed = client.get(back)
    assert replayed.status_code == 400 and "not under way here" in replayed.text
    assert ehr.asked.count("/token") == 1


def test_a_code_serves_once(client: TestClient, ehr: RecordSystem) -> None:
    code = logged_in(client, ehr).partition("code=")[2]
    ehr.token_for(
        dict.fromkeys(("code_verifier", "client_id", "redirect_uri", "grant_type"), "")
        | {"code": code}
    )
    again = logged_in(client, ehr).partition("&code=")[0] + f"&code={code}"
    refused = client.get(again)
    assert refused.status_code == 502 and "gave no leave" in refused.text


@pytest.mark.parametrize(
    ("token", "status", "said"),
    [
        ({"patient": None}, 400, "No patient was chosen"),
        ({"patient": "../Patient/q"}, 502, "gave no leave"),
        ({"expires_in": 0}, 502, "has expired"),
        ({"token_type": "mac"}, 502, "gave no leave"),
        ({"access_token": "two words"}, 502, "gave no leave"),
        ({"scope": "patient/Condition.rs"}, 502, "could not be read"),
        ({"patient": "q"}, 502, "cannot be used"),
    ],
)
def test_a_leave_that_is_none_is_refused(
    token: dict[str, object], status: int, said: str, client: TestClient, ehr: RecordSystem
) -> None:
    ehr.token |= token
    refused = client.get(logged_in(client, ehr))
    assert refused.status_code == status and said in refused.text
    assert "Hannelore" not in refused.text


def test_errors_of_the_record_system_are_told_in_words_of_our_own(
    client: TestClient, ehr: RecordSystem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ehr.token_status = 500
    refused = client.get(logged_in(client, ehr))
    assert refused.status_code == 502 and "gave no leave" in refused.text
    back = logged_in(client, ehr).partition("&code=")[0]
    denied = client.get(f"{back}&error=access_denied&error_description=<script>alert(1)</script>")
    assert denied.status_code == 403 and "gave no leave" in denied.text
    assert "alert" not in denied.text
    assert "secret-" not in caplog.text + refused.text + denied.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"code_challenge_methods_supported": ["plain"]}, "does not support PKCE"),
        ({"token_endpoint": "https://evil.example/token"}, "do not list"),
        ({"authorization_endpoint": "https://evil.example/authorize"}, "do not list"),
        ({"token_endpoint": 7}, "did not answer as SMART asks"),
        ({"authorization_endpoint": "\nhttp://a.example"}, "did not answer as SMART asks"),
    ],
)
def test_a_configuration_that_leads_elsewhere_is_refused(
    wrong: dict[str, object], said: str, client: TestClient, ehr: RecordSystem
) -> None:
    ehr.configuration |= wrong
    refused = client.get("/launch", params={"iss": ehr.iss})
    assert refused.status_code == 502 and said in refused.text


def test_logging_in_may_take_so_long_and_no_longer(ehr: RecordSystem) -> None:
    now = [0.0]
    launches = Launches(settings(ehr), lambda: now[0])

    async def walked(seconds: float) -> Opened:
        begun = await launches.begin(ehr.iss, None)
        asked = {x: y[0] for x, y in parse_qs(urlsplit(begun.address).query).items()}
        now[0] += seconds
        return await launches.end(asked["state"], ehr.code_for(asked), {begun.cookie: begun.value})

    assert asyncio.run(walked(600)).system == "The clinic"
    with pytest.raises(Refusal, match="took too long"):
        asyncio.run(walked(601))
    assert ehr.asked.count("/token") == 1


def test_what_could_not_be_had_is_said_and_is_not_absent(
    client: TestClient, ehr: RecordSystem
) -> None:
    # The first version of permissions, and fewer of them.
    ehr.token["scope"] = (
        "launch patient/Patient.read patient/Condition.read patient/Observation.rs?category=x"
    )
    page = client.get(logged_in(client, ehr)).text
    for lost in ("orders of drugs", "procedures", "a part of what is called Observation in FHIR"):
        assert f"{lost}: could not be read there; unknown, not absent" in page
    assert "laboratory values: could not" not in page
    assert not [x for x in ehr.asked if "MedicationRequest" in x]


def test_a_record_of_somebody_else_is_left_out(client: TestClient, ehr: RecordSystem) -> None:
    other = condition("31384009", subject={"reference": "Patient/q"})
    ehr.resources["Condition"] = found(other)
    page = client.get(logged_in(client, ehr)).text
    assert _label(page) == ""


def test_the_start_page_leads_to_the_systems(client: TestClient, ehr: RecordSystem) -> None:
    assert 'href="/launch"' in client.get("/").text
    listed = client.get("/launch")
    assert listed.status_code == 200 and "The clinic" in listed.text
    assert client.get("/launch", params={"iss": ehr.iss, "launch": "x" * 3000}).status_code == 400


def test_a_card_opens_the_page_with_its_patient_where_the_system_may(ehr: RecordSystem) -> None:
    own = create_app(Workers(1, ThreadPoolExecutor), None, doors(), Launches(settings(ehr)))
    with TestClient(own, base_url=HOME) as client:
        told = [
            post(client, SIGN, call("order-sign", [order(METHOTREXATE)], fhirServer=x)).json()
            for x in (ehr.iss, "https://x.example")
        ]
    links = [[x["type"] for x in one["cards"][0]["links"]] for one in told]
    assert links == [["smart", "absolute"], ["absolute"]]
    assert told[0]["cards"][0]["links"][0]["url"] == f"{HOME}/launch"


def test_scopes_of_both_versions_are_understood() -> None:
    for text in (
        "patient/*.read",
        "patient/*.*",
        "user/Observation.cruds",
        "patient/Observation.rs",
        "",
    ):
        assert Leave.of(text).allows("Observation?patient=p"), text
    for text in (
        "launch openid",
        "patient/Observation.write",
        "patient/Condition.rs",
        "patient/Observation.r",
    ):
        assert not Leave.of(text).allows("Observation?patient=p"), text
    assert Leave.of("patient/Patient.r").allows("Patient/p")
    # The example of RFC 7636, appendix B.
    assert (
        challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_settings_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "smart.yaml"
    file.write_text(DOCS.read_text().partition("```yaml\n")[2].partition("```")[0])
    told = read_settings(file)
    assert told.systems[0].login == ("https://login.clinic.example",)
    assert told.system(told.systems[0].address + "/") is told.systems[0]
    assert (
        CliRunner().invoke(commands, ["serve", "--smart", str(tmp_path / "none.yaml")]).exit_code
        == 2
    )
    for text, said in (
        ("[]", "gives address: and systems:"),
        (
            "address: http://clinic.example\n"
            "systems: [{name: a, address: 'https://a.example', client_id: x}]",
            "https://",
        ),
        ("address: https://a.example\nsystems: []", "systems"),
    ):
        file.write_text(text)
        with pytest.raises(DocumentError, match=said):
            read_settings(file)
