"""Both launches of SMART, walked in a browser from the chart of a record system to the page and back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from pages import chromium, violations
from playwright.sync_api import Browser, Page, expect
from record_system import CLIENT, RecordSystem, record_system
from serving import Started, served

expect.set_options(timeout=60_000)
SAID = "Hannelore Nobody, 1990-05-02, female, id p. Read from The clinic"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def ehr() -> Iterator[RecordSystem]:
    with record_system() as one:
        yield one


@pytest.fixture(scope="module")
def server(ehr: RecordSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("smart")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "smart.yaml"
    file.write_text(
        f"address: http://127.0.0.1:{port}\nsystems:\n"
        f"- {{name: The clinic, address: '{ehr.iss}', client_id: {CLIENT}, private: true}}\n"
    )
    with served(folder, "--workers", "1", "--smart", str(file), "--port", str(port)) as one:
        yield one


def opened(shown: Page, server: Started) -> None:
    """Check that the record stands on the page, and nothing in its address."""
    expect(shown.locator(".banner")).to_contain_text(SAID)
    expect(shown.locator('[name="label"]')).to_have_value("dermatomyositis")
    expect(shown).to_have_url(f"{server.address}/")
    assert not shown.context.cookies(f"{server.address}/")


def test_a_chart_opens_its_patient_and_so_does_the_page(
    browser: Browser, server: Started, ehr: RecordSystem
) -> None:
    context = browser.new_context()
    chart = context.new_page()
    launch = f"{server.address}/launch?iss={ehr.iss}&launch={ehr.launch}"
    chart.goto(f"{ehr.address}/chart?app={quote(launch)}")
    with context.expect_page() as window:
        chart.click("text=Second opinion")
    shown = window.value
    shown.click("text=Allow")
    opened(shown, server)
    assert violations(shown) == ""
    # The answer follows what is entered, and the banner stays.
    shown.fill('[name="autoantibodies.0.antibody"]', "anti-MDA5")
    shown.select_option('[name="autoantibodies.0.result"]', "positive")
    expect(shown.locator("#bottom-line")).to_contain_text("MDA5")
    expect(shown.locator(".banner")).to_contain_text(SAID)

    ehr.token["access_token"] = "secret-second"
    own = context.new_page()
    own.goto(server.address)
    own.click("text=Open from a record system")
    assert violations(own) == ""
    own.click("text=The clinic")
    own.click("text=Refuse")
    expect(own.locator("h1")).to_have_text("The record system gave no leave")
    own.click("text=The clinic")
    own.click("text=Allow")
    opened(own, server)
    # Whoever goes back comes to a launch that has ended.
    own.go_back()
    own.click("text=Allow")
    expect(own.locator("h1")).to_have_text("This launch is not under way here")
    context.close()
    for text in (server.out.read_text(), server.errors.read_text()):
        assert "secret-" not in text and "Hannelore" not in text
