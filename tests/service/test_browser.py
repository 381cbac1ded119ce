"""The page in a browser: by mouse, by keyboard alone and without a script, at every size and colour.

Without Chromium these tests are skipped; where ``CI`` is set, its lack is a failure.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import LAPTOP, PHONE, chromium, open_everything, violations
from playwright.sync_api import Browser, Locator, Page, Route, expect
from pypdf import PdfReader
from serving import Started

EXAMPLE = Path(__file__).parents[2] / "src/myoresist/examples/anti_srp_refractory.yaml"
COURSE = {"drug": "prednisone", "dose": "60", "unit": "mg", "frequency": "daily", "weeks": "16"}
MOST_STEPS = 60
"""Presses of the Tab key from one field to the next that a test waits for."""


# On a busy machine an answer takes longer than a test waits by default.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def opened(browser: Browser, server: Started, width: int = LAPTOP, **how: Any) -> Page:
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, reduced_motion="reduce", **how)  # type: ignore[arg-type]
    shown = context.new_page()
    shown.goto(server.address)
    return shown


def filled(shown: Page) -> Page:
    """Open the example in the page."""
    shown.set_input_files("#open input", EXAMPLE)
    expect(shown.locator("#page .state")).to_have_text("Active despite treatment")
    return shown


def finding(shown: Page, name: str, answer: str, within: str = "#case") -> Locator:
    return shown.locator(f'{within} input[name="findings.{name}"][value="{answer}"]')


def walk(shown: Page, name: str) -> None:
    """Press Tab until a field has the focus."""
    for _ in range(MOST_STEPS):
        shown.keyboard.press("Tab")
        if shown.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_a_whole_patient_is_entered_by_keyboard_alone(browser: Browser, server: Started) -> None:
    shown = opened(browser, server)
    for name, typed in (("patient.id", "P7"), ("patient.age", "58")):
        walk(shown, name)
        shown.keyboard.type(typed)
    walk(shown, "patient.sex")
    shown.keyboard.press("f")
    walk(shown, "label")
    shown.keyboard.type("polymyositis")
    walk(shown, "onset.duration_months")
    shown.keyboard.type("14")
    for name, presses in (("proximal_weakness", 1), ("dysphagia", 2), ("heliotrope_rash", 2)):
        walk(shown, f"findings.{name}")
        for _ in range(presses):
            shown.keyboard.press("ArrowRight")
    for name, typed in (
        ("labs.0.value", "5200"), ("labs.0.upper_limit", "200"), ("autoantibodies.0.antibody", "anti-SRP"),
    ):  # fmt: skip
        walk(shown, name)
        shown.keyboard.type(typed)
    walk(shown, "autoantibodies.0.result")
    shown.keyboard.press("p")
    for name, typed in COURSE.items():
        walk(shown, f"treatments.0.{name}")
        shown.keyboard.type(typed)
    walk(shown, "treatments.0.response")
    shown.keyboard.press("n")
    expect(shown.locator("#bottom-line")).to_contain_text("Anti-SRP")
    expect(finding(shown, "proximal_weakness", "yes")).to_be_checked()
    expect(finding(shown, "dysphagia", "no")).to_be_checked()
    expect(finding(shown, "gottron_papules", "unknown")).to_be_checked()
    assert "P7" not in shown.url
    shown.context.close()


def test_it_answers_while_something_is_entered_and_says_what_changes(
    browser: Browser, server: Started
) -> None:
    shown = opened(browser, server)
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    expect(shown.locator("#page .state")).to_have_text("Too little known")
    shown.fill('[name="autoantibodies.0.antibody"]', "anti-MDA5")
    shown.select_option('[name="autoantibodies.0.result"]', "positive")
    expect(shown.locator(".changed")).to_contain_text("MDA5")
    shown.fill('[name="treatments.0.drug"]', "methotrexate")
    for key, value in (("dose", "15"), ("unit", "mg"), ("frequency", "daily")):
        shown.fill(f'[name="treatments.0.{key}"]', value)
    expect(shown.locator('[id="note.treatments.0.drug"]')).to_contain_text("15 mg daily: daily?")
    shown.fill('[name="patient.age"]', "580")
    expect(shown.locator('[id="note.patient.age"]')).to_contain_text("impossible")
    assert shown.get_attribute('[name="patient.age"]', "aria-invalid") == "true"
    expect(shown.locator("#page .state")).to_be_visible()
    shown.fill('[name="patient.age"]', "58")
    shown.press('[name="patient.age"]', "Enter")
    expect(shown.locator(".mistakes")).to_have_count(0)
    assert shown.url == f"{server.address}/"
    assert {url.removeprefix(server.address) for url in asked} <= {
        "/answer",
        "/asks",
        "/static/icon.svg",
    }
    shown.context.close()


def test_what_it_asks_is_answered_where_it_asks(browser: Browser, server: Started) -> None:
    shown = opened(browser, server)
    one = shown.locator("#answer .asks [data-finding]").first
    name = one.get_attribute("data-finding")
    assert name
    one.locator('input[value="no"]').click(force=True)
    expect(shown.locator(f'#answer [data-finding="{name}"]')).to_have_count(0)
    expect(shown.locator(f'#case input[name="{name}"][value="no"]')).to_be_checked()
    shown.context.close()


def test_any_finding_is_one_search_away(browser: Browser, server: Started) -> None:
    shown = opened(browser, server)
    shown.fill("#q", "intersticial lung")
    finding(shown, "ild", "yes", "#found").click(force=True)
    expect(finding(shown, "ild", "yes", "#further")).to_be_checked()
    expect(finding(shown, "ild", "yes", "#found")).to_have_count(0)
    shown.click("#skin-question .rest-no")
    assert shown.locator('#skin-question input[value="no"]:checked').count() == 9
    shown.context.close()


def test_what_is_entered_before_the_script_has_come_counts(
    browser: Browser, server: Started
) -> None:
    shown = browser.new_page(reduced_motion="reduce")
    held: list[Route] = []
    shown.route("**/static/serve.js", lambda route: held.append(route))
    shown.goto(server.address, wait_until="commit")
    shown.fill("#q", "intersticial lung")
    shown.fill('[name="patient.age"]', "580")
    shown.wait_for_timeout(300)
    held[0].continue_()
    expect(finding(shown, "ild", "yes", "#found")).to_have_count(1)
    expect(shown.locator('[id="note.patient.age"]')).to_contain_text("impossible")
    shown.close()


def test_rows_of_a_spreadsheet_are_pasted_into_the_table(browser: Browser, server: Started) -> None:
    shown = opened(browser, server)
    shown.click("details.visits > summary")
    shown.evaluate(
        """text => {
          const data = new DataTransfer()
          data.setData('text', text)
          document.querySelector('[name="visits.0.date"]').dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
        }""",
        "Date\tMMT8\n2023-05-17\t120\n2023-11-02\t110\n",
    )
    expect(shown.locator('[name="visits.1.mmt8"]')).to_have_value("110")
    shown.locator(".visits .add").click()
    assert shown.evaluate("document.activeElement.name") == "visits.3.date"
    shown.context.close()


def test_it_keeps_a_patient_only_while_somebody_wants_it(browser: Browser, server: Started) -> None:
    shown = opened(browser, server)
    shown.fill('[name="patient.id"]', "P9")
    shown.locator('[name="patient.age"]').focus()
    assert shown.evaluate("localStorage.length") == 0
    shown.check("#keep")
    shown.fill('[name="patient.weight_kg"]', "70")
    expect(shown.locator("#told")).to_contain_text("Answered")
    shown.reload()
    expect(shown.locator('[name="patient.weight_kg"]')).to_have_value("70")
    expect(shown.locator("#keep")).to_be_checked()
    shown.uncheck("#keep")
    assert shown.evaluate("localStorage.length + sessionStorage.length") == 0
    assert not shown.context.cookies()
    shown.context.close()


def test_without_a_script_it_is_a_form_with_a_button(browser: Browser, server: Started) -> None:
    shown = opened(browser, server, java_script_enabled=False)
    shown.fill('[name="autoantibodies.0.antibody"]', "anti-Jo-1")
    shown.select_option('[name="autoantibodies.0.result"]', "positive")
    finding(shown, "raynaud", "yes").check(force=True)
    shown.fill("#q", "ILD")
    shown.press('[name="patient.age"]', "Enter")
    assert shown.url == f"{server.address}/"
    expect(shown.locator("#bottom-line")).to_contain_text("ntisynthetase")
    expect(finding(shown, "raynaud", "yes")).to_be_checked()
    expect(shown.locator('#found [data-finding="findings.ild"]')).to_be_visible()
    assert not shown.locator("#keeping").is_visible()
    shown.context.close()


def test_the_page_is_taken_along_and_the_case_saved(browser: Browser, server: Started) -> None:
    shown = filled(opened(browser, server))
    for button, name in (("Save the case (YAML)", "case.yaml"), ("PDF", "second-opinion.pdf")):
        with shown.expect_download() as started:
            shown.get_by_role("button", name=button, exact=True).click()
        assert started.value.suggested_filename == name
    with shown.context.expect_page() as other:
        shown.get_by_role("button", name="All reasons").click()
    expect(other.value.locator("#criteria-heading")).to_have_count(1)
    # The styles come with a request of their own.
    other.value.wait_for_function("getComputedStyle(document.body).maxWidth != 'none'")
    shown.context.close()


@pytest.mark.parametrize(
    ("width", "theme"), [(PHONE, "light"), (PHONE, "dark"), (LAPTOP, "light"), (LAPTOP, "dark")]
)
def test_everyone_can_use_it_at_every_size(
    browser: Browser, server: Started, width: int, theme: str
) -> None:
    shown = opened(browser, server, width, color_scheme=theme, bypass_csp=True)
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    assert not violations(shown)
    filled(shown)
    shown.fill("#q", "lung")
    expect(shown.locator("#found .finding").first).to_be_visible()
    open_everything(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert not violations(shown)
    assert not said
    shown.context.close()


def test_every_question_fits_on_a_screen(browser: Browser, server: Started) -> None:
    for width in (PHONE, LAPTOP):
        shown = opened(browser, server, width)
        heights = shown.evaluate(
            "[...document.querySelectorAll('.question')].map(one => one.offsetHeight)"
        )
        assert len(heights) == 9 and max(heights) <= 844, (width, heights)
        shown.context.close()


def test_at_twice_the_size_and_with_forced_colours_nothing_is_lost(
    browser: Browser, server: Started
) -> None:
    # A window of 1280 points at 200 % has 640 of the page.
    shown = filled(opened(browser, server, LAPTOP // 2, forced_colors="active"))
    assert shown.evaluate("document.documentElement.scrollWidth") <= LAPTOP // 2
    box = finding(shown, "gottron_papules", "unknown").bounding_box()
    assert box and box["width"] > 5
    shown.context.close()


def test_paper_shows_the_page_and_not_the_form(browser: Browser, server: Started) -> None:
    shown = filled(opened(browser, server))
    shown.emulate_media(media="print")
    pages = PdfReader(io.BytesIO(shown.pdf())).pages
    text = re.sub(r"\s+", " ", " ".join(one.extract_text() for one in pages))
    assert "Start rituximab" in text and "Which muscles" not in text
    assert len(pages) <= 2
    shown.context.close()


def test_another_page_loads_nothing_and_runs_nothing(browser: Browser, server: Started) -> None:
    shown = opened(browser, server)
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/docs"):
        shown.goto(server.address + path)
    assert asked and all(url.startswith(server.address) for url in asked)
    shown.context.close()
