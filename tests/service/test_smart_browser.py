"""Both launches of SMART, walked in a browser from the chart of a record system to the page and back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from urllib.parse import quote

import pytest
import uvicorn
from pages import chromium, violations
from playwright.sync_api import Browser, Page, expect
from record_system import CLIENT, RecordSystem, record_system

from myoresist.service.app import create_app
from myoresist.service.smart.launch import Launches
from myoresist.service.smart.settings import Settings
from myoresist.service.workers import Workers

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
def server(ehr: RecordSystem) -> Iterator[str]:
    """Return the address of a server in this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    system = {"name": "The clinic", "address": ehr.iss, "client_id": CLIENT, "private": True}
    told = Settings.model_validate({"address": address, "systems": [system]})
    app = create_app(Workers(1, ThreadPoolExecutor), launches=Launches(told))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1)
    )
    with listening:
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield address
        server.should_exit = True
        thread.join()


def opened(shown: Page, server: str) -> None:
    """Check that the record stands on the page, and nothing in its address."""
    expect(shown.locator(".banner")).to_contain_text(SAID)
    expect(shown.locator('[name="label"]')).to_have_value("dermatomyositis")
    expect(shown).to_have_url(f"{server}/")
    assert not shown.context.cookies(f"{server}/")


def test_a_chart_opens_its_patient_and_so_does_the_page(
    browser: Browser, server: str, ehr: RecordSystem
) -> None:
    context = browser.new_context()
    chart = context.new_page()
    launch = f"{server}/launch?iss={ehr.iss}&launch={ehr.launch}"
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
    own.goto(server)
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
