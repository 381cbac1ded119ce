"""Draw the pictures of the docs: a report, the page to enter a patient, part of the page about a registry."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from myoresist import assess, read_case
from myoresist.cli import DEMO, EXAMPLES
from myoresist.cohort import run
from myoresist.cohort.simulate import simulate
from myoresist.cohort.summary.page import write_summary
from myoresist.report.builder import build_report
from myoresist.report.html import render

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
DOCS = Path(__file__).parents[1] / "docs"
REPORT, REGISTRY, SERVE = (940, 634), (1180, 896), (1280, 800)
PATIENTS = 20_000
SETTLES = 1_000
"""Milliseconds until the page has scrolled."""


def registry(folder: Path) -> str:
    """Return the page about a made-up registry."""
    source, out = folder / "synthetic", folder / "answers"
    source.mkdir()
    for name, frame in simulate(PATIENTS, 1).items():
        frame.write_parquet(source / f"{name}.parquet")
    job = run.prepare(source, out)
    run.answer(job)
    run.finish(job)
    return write_summary(out).read_text(encoding="utf-8")


def entered(browser: Browser) -> None:
    """Save the page in the browser with a published patient, as ``myoresist serve`` shows it."""
    command = [sys.executable, "-m", "myoresist", "serve", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address is not None
        width, height = SERVE
        shown = browser.new_page(viewport={"width": width, "height": height})
        shown.goto(address[0])
        shown.set_input_files("#open input[type=file]", EXAMPLES / f"{DEMO}.yaml")
        shown.wait_for_selector("[data-entered]")
        shown.evaluate("document.querySelector('#muscles-question').scrollIntoView()")
        shown.wait_for_timeout(SETTLES)
        shown.screenshot(path=DOCS / "serve.png")
        server.terminate()


def main() -> None:
    """Show the pages in Chromium; save the top of the one, and of the other how criteria agree."""
    report = render(build_report(assess(read_case(EXAMPLES / f"{DEMO}.yaml"))))
    with tempfile.TemporaryDirectory() as folder:
        many = registry(Path(folder))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for page, (width, height), name, place in (
            (report, REPORT, "report.png", None),
            (many, REGISTRY, "registry.png", "#agreement"),
        ):
            shown = browser.new_page(viewport={"width": width, "height": height})
            shown.set_content(page)
            if place:
                shown.evaluate(f"document.querySelector('{place}').scrollIntoView()")
            shown.screenshot(path=DOCS / name)
        entered(browser)
        browser.close()


if __name__ == "__main__":
    main()
