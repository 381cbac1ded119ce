"""The page in a browser: nothing is asked of any network, everyone can use it, and nothing overflows.

Without Chromium these tests are skipped; where ``CI`` is set, its lack is a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from myoresist import assess, read_case
from myoresist.report import page
from myoresist.report.consult import consult

FULL = Path(__file__).parent / "full_course.yaml"
EXAMPLE = Path(__file__).parents[2] / "src/myoresist/examples/anti_srp_refractory.yaml"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PHONE, LAPTOP = 390, 1280


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; scripts/browser.sh installs it")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the page of each case."""
    where = tmp_path_factory.mktemp("pages")
    for case in (FULL, EXAMPLE):
        html = page.render(consult(assess(read_case(case))))
        (where / f"{case.stem}.html").write_text(html, encoding="utf-8")
    return where


def opened(browser: Browser, file: Path, width: int = LAPTOP, **how: Any) -> Page:
    """Return a page of the file; without the policy of the page where ``bypass_csp`` lets a tool in."""
    shown = browser.new_context(viewport={"width": width, "height": 900}, **how).new_page()
    shown.goto(file.as_uri())
    return shown


def open_everything(shown: Page) -> None:
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


@pytest.mark.parametrize(("case", "theme"), [(FULL, "light"), (EXAMPLE, "dark")])
def test_everyone_can_use_it(browser: Browser, folder: Path, case: Path, theme: str) -> None:
    shown = opened(browser, folder / f"{case.stem}.html", color_scheme=theme, bypass_csp=True)
    open_everything(shown)
    wrong = Axe().run(shown).response["violations"]
    assert not wrong, "\n".join(
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:200]}" for one in wrong
    )


@pytest.mark.parametrize("case", [FULL, EXAMPLE], ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_nothing_overflows_and_no_text_is_tiny(
    browser: Browser, folder: Path, case: Path, width: int
) -> None:
    shown = opened(browser, folder / f"{case.stem}.html", width)
    open_everything(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    tiny = shown.evaluate(
        """[...document.querySelectorAll('svg text')].filter(one => {
          const scale = one.ownerSVGElement.getBoundingClientRect().width
            / one.ownerSVGElement.viewBox.baseVal.width
          return parseFloat(one.getAttribute('font-size')) * scale < 9.5
        }).map(one => one.textContent)"""
    )
    assert not tiny
    clipped = shown.evaluate(
        """[...document.querySelectorAll('svg text')].filter(one => {
          const box = one.getBBox(), whole = one.ownerSVGElement.viewBox.baseVal
          return box.x < -1 || box.x + box.width > whole.width + 1
        }).map(one => one.textContent)"""
    )
    assert not clipped
    crossed = shown.evaluate(
        """[...document.querySelectorAll('figure > svg')].flatMap(svg => {
          const boxes = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBBox()])
          return boxes.flatMap(([said, a], n) => boxes.slice(n + 1)
            .filter(([, b]) => a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1
              && a.y < b.y + b.height - 3 && b.y < a.y + a.height - 3)
            .map(([other]) => `${said} / ${other}`))
        })"""
    )
    assert not crossed


def test_it_asks_nothing_of_any_network(browser: Browser, folder: Path) -> None:
    context = browser.new_context()
    shown, asked, said = context.new_page(), [], []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    file = folder / f"{FULL.stem}.html"
    shown.goto(file.as_uri())
    open_everything(shown)
    assert asked == [file.as_uri()]
    assert not said


def test_the_keyboard_leads_from_page_one_to_the_reasons(browser: Browser, folder: Path) -> None:
    shown = opened(browser, folder / f"{FULL.stem}.html", reduced_motion="reduce")
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to the answer"
    shown.keyboard.press("Enter")
    shown.keyboard.press("Tab")
    shown.keyboard.press("Enter")
    target = shown.evaluate("location.hash")
    assert target.startswith("#")
    assert shown.evaluate(f"document.querySelector('{target}').getBoundingClientRect().top") < 900
    one = shown.locator("#explanations details summary").first
    one.focus()
    shown.keyboard.press("Enter")
    assert one.evaluate("one => one.parentElement.open")


def test_paper_shows_every_picture_and_no_control(browser: Browser, folder: Path) -> None:
    shown = opened(browser, folder / f"{FULL.stem}.html")
    shown.emulate_media(media="print", color_scheme="dark")
    assert not shown.locator("nav").is_visible()
    assert shown.locator("#timeline-title").count() == 1
    background = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert len(shown.pdf()) > 10_000
