"""Page one: how short it is, what it never shows, and what opens behind each of its lines."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pypdf import PdfReader
from rich.console import Console

from myoresist import assess, read_case
from myoresist.assessment import Assessment, consult
from myoresist.report import html, markdown, pdf
from myoresist.report.builder import build_report
from myoresist.report.document import Paragraph, Report
from myoresist.report.terminal import render

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    *sorted((ROOT / "src/myoresist/examples").glob("*.yaml")),
    Path(__file__).parent / "full_course.yaml",
]
CASES = [*EXAMPLES, *sorted((ROOT / "benchmarks/consult/cases").glob("*.yaml"))]
MOST_WORDS, MOST_IN_ALL, MOST_CITED = 120, 700, 2
INTERNAL = {
    "an id": r"[a-z0-9]_[a-z0-9]",
    "a file or a field": r"\.(ya?ml|json|csv)\b|\w\[\d+\]|findings\.",
    "a measure of information": r"\bbits?\b|e-\d\d\b",
    "a condition": r"\b(NULL|COALESCE|TRUE|FALSE|AND|OR|NOT)\b",
}


@cache
def assessed(path: Path) -> Assessment:
    return assess(read_case(path))


@cache
def page(path: Path) -> Report:
    return build_report(assessed(path), "page")


def every(some: tuple[Paragraph, ...]) -> Iterator[Paragraph]:
    for one in some:
        yield from (one, *every(one.details))


def words(text: str) -> int:
    return len(text.split())


def in_terminal(report: Report) -> str:
    held = io.StringIO()
    render(report, Console(file=held, width=80, highlight=False))
    return held.getvalue()


cases = pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)


@cases
def test_it_is_short_in_every_form(path: Path) -> None:
    one = page(path)
    assert assessed(path).consult.words <= MOST_WORDS
    said = [line.text for line in one.page.lines]
    assert sum(map(words, said)) <= MOST_WORDS
    assert words(in_terminal(one)) <= MOST_IN_ALL
    assert words(markdown.render(one)) <= MOST_IN_ALL


@cases
def test_no_line_cites_more_than_two_works(path: Path) -> None:
    one = page(path)
    assert all(len(line.cites) <= MOST_CITED for line in one.page.lines)
    assert all(words(work.short) <= 5 for work in one.sources)


@cases
def test_it_shows_nothing_internal_not_even_where_it_opens(path: Path) -> None:
    one = page(path).page
    texts = [one.state, one.doubt, *(block.title for block in one.blocks)]
    for line in every(one.lines):
        texts += [line.text, line.rule, *map(str, line.data)]
    texts += [work.short for work in page(path).sources]
    for what, pattern in INTERNAL.items():
        assert not [text for text in texts if re.search(pattern, text)], what


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_page_alone_is_that_of_the_assessment(path: Path) -> None:
    assert consult(read_case(path)) == assessed(path).consult


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_line_opens_to_its_rule_in_words(path: Path) -> None:
    one = build_report(assessed(path))
    shown = html.render(one)
    for line in every(one.page.lines):
        assert line.rule or line.details, line.text
        assert f"<p><b>Rule:</b> {line.rule}</p>" in shown.replace("&#39;", "'") or not line.rule


def test_what_triggers_a_line_is_told_with_its_state() -> None:
    told = [str(x) for line in page(CASES[1]).page.lines for x in line.data]
    assert told
    assert all(": " in one for one in told)


def test_paper_has_two_pages_at_most_and_the_appendix_on_request() -> None:
    for path in EXAMPLES:
        assert len(PdfReader(io.BytesIO(pdf.render(page(path)))).pages) <= 2
    assert len(PdfReader(io.BytesIO(pdf.render(build_report(assessed(CASES[0]))))).pages) > 5


def test_the_appendix_is_folded_unless_it_is_asked_for() -> None:
    one = build_report(assessed(CASES[0]))
    assert '<details class="chapter" id="diagnosis">' in html.render(one)
    assert '<details class="chapter" id="diagnosis" open>' in html.render(one, unfolded=True)
    assert "1. Is the diagnosis right?" not in in_terminal(page(CASES[0]))
    assert "1. Is the diagnosis right?" in in_terminal(build_report(assessed(CASES[0]), "full"))


def test_the_disclaimer_is_one_line_of_every_page() -> None:
    for path in CASES:
        lines = in_terminal(page(path)).splitlines()
        assert any(line.endswith("not a certified medical device.") for line in lines)
