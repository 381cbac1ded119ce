"""Draw the first page of the report of the demo case for the README: ``docs/report.png``."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from myoresist import assess, read_case
from myoresist.cli import DEMO, EXAMPLES
from myoresist.report.consult import consult
from myoresist.report.page import render

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
WIDTH, HEIGHT = 940, 1560


def main() -> None:
    """Show the page in Chromium, and save what stands at its top."""
    page = render(consult(assess(read_case(EXAMPLES / f"{DEMO}.yaml"))))
    target = Path(__file__).parents[1] / "docs" / "report.png"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        shown.set_content(page)
        shown.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main()
