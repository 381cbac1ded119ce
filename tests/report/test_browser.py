"""The page in a browser: nothing is asked of any network, everyone can use it, and nothing overflows.

Without Chromium these tests are skipped; where ``CI`` is set, its lack is a failure.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import (
    LAPTOP,
    PHONE,
    chromium,
    clipped_texts,
    crossed_texts,
    open_everything,
    tiny_texts,
    violations,
)
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from myoresist import assess, read_case
from myoresist.report import html
from myoresist.report.builder import build_report

FULL = Path(__file__).parent / "full_course.yaml"
EXAMPLE = Path(__file__).parents[2] / "src/myoresist/examples/anti_srp_refractory.yaml"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the page of each case."""
    where = tmp_path_factory.mktemp("pages")
    for case in (FULL, EXAMPLE):
        page = html.render(build_report(assess(read_case(case))))
        (where / f"{case.stem}.html").write_text(page, encoding="utf-8")
    return where


def opened(browser: Browser, file: Path, width: int = LAPTOP, **how: Any) -> Page:
    """Return a page of the file; without the policy of the page where ``bypass_csp`` lets a tool in."""
    shown = browser.new_context(viewport={"width": width, "height": 900}, **how).new_page()
    shown.goto(file.as_uri())
    return shown


@pytest.mark.parametrize(("case", "theme"), [(FULL, "light"), (EXAMPLE, "dark")])
def test_everyone_can_use_it(browser: Browser, folder: Path, case: Path, theme: str) -> None:
    shown = opened(browser, folder / f"{case.stem}.html", color_scheme=theme, bypass_csp=True)
    open_everything(shown)
    assert not violations(shown)


@pytest.mark.parametrize("case", [FULL, EXAMPLE], ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_nothing_overflows_and_no_text_is_tiny(
    browser: Browser, folder: Path, case: Path, width: int
) -> None:
    shown = opened(browser, folder / f"{case.stem}.html", width)
    open_everything(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert not tiny_texts(shown)
    assert not clipped_texts(shown)
    assert not crossed_texts(shown, "figure > svg")


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


def test_the_keyboard_opens_a_line_and_a_question(browser: Browser, folder: Path) -> None:
    shown = opened(browser, folder / f"{FULL.stem}.html", reduced_motion="reduce")
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to page one"
    shown.keyboard.press("Enter")
    assert shown.evaluate("location.hash") == "#page"
    shown.keyboard.press("Tab")
    shown.keyboard.press("Enter")
    assert shown.locator("#page .bottom-line .behind").is_visible()
    one = shown.locator("#resistance > summary")
    one.focus()
    shown.keyboard.press("Enter")
    assert shown.locator("#explanations").is_visible()


def test_page_one_is_what_is_seen_first_and_the_rest_is_folded(
    browser: Browser, folder: Path
) -> None:
    for width, most in ((LAPTOP, 900), (PHONE, 1500)):
        shown = opened(browser, folder / f"{FULL.stem}.html", width)
        assert shown.locator("#page").bounding_box()["height"] < most  # type: ignore[index]
        assert not shown.locator("#explanations").is_visible()
        assert len(shown.evaluate("document.body.innerText").split()) <= 700


def test_paper_shows_what_is_open(browser: Browser, folder: Path) -> None:
    shown = opened(browser, folder / f"{FULL.stem}.html")
    shown.emulate_media(media="print", color_scheme="dark")
    assert not shown.locator("#diagnosis").is_visible()
    short = len(PdfReader(io.BytesIO(shown.pdf())).pages)
    open_everything(shown)
    assert shown.locator("#timeline-title").count() == 1
    background = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert short <= 2 < len(PdfReader(io.BytesIO(shown.pdf())).pages)
