"""What tests ask of a page in a browser, whichever page it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PHONE, LAPTOP = 390, 1280


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; without it tests are skipped, or fail where ``CI`` is set."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; scripts/browser.sh installs it")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


def open_everything(shown: Page) -> None:
    """Unfold whatever is folded."""
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def violations(shown: Page) -> str:
    """Return what makes a page hard to use for somebody, a line each."""
    return "\n".join(
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in Axe().run(shown).response["violations"]
    )


def tiny_texts(shown: Page) -> list[str]:
    """Return texts in pictures that are too small to be read."""
    found: list[str] = shown.evaluate(
        """[...document.querySelectorAll('svg text')].filter(one => {
          const scale = one.ownerSVGElement.getBoundingClientRect().width
            / one.ownerSVGElement.viewBox.baseVal.width
          return parseFloat(one.getAttribute('font-size')) * scale < 9.5
        }).map(one => one.textContent)"""
    )
    return found


def clipped_texts(shown: Page) -> list[str]:
    """Return texts that leave their picture."""
    found: list[str] = shown.evaluate(
        """[...document.querySelectorAll('svg text')].filter(one => {
          const box = one.getBBox(), whole = one.ownerSVGElement.viewBox.baseVal
          return box.x < -1 || box.x + box.width > whole.width + 1
            || box.y < -1 || box.y + box.height > whole.height + 1
        }).map(one => one.textContent)"""
    )
    return found


def crossed_texts(shown: Page, pictures: str) -> list[str]:
    """Return texts in pictures, named by a selector, that lie over each other."""
    found: list[str] = shown.evaluate(
        """pictures => [...document.querySelectorAll(pictures)].flatMap(svg => {
          const boxes = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBBox()])
          return boxes.flatMap(([said, a], n) => boxes.slice(n + 1)
            .filter(([, b]) => a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1
              && a.y < b.y + b.height - 3 && b.y < a.y + a.height - 3)
            .map(([other]) => `${said} / ${other}`))
        })""",
        pictures,
    )
    return found
