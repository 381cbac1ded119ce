"""The report as Markdown, to paste into a letter or to compare two versions of a report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from myoresist.report.document import Paragraph, Part, Report, Section, Table
from myoresist.report.printable import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LIST = re.compile(r"^(\s*)([-+]|\d+[.)])(?=\s|$)")


def render(report: Report) -> str:
    """Return a report as Markdown (CommonMark with tables); whatever a case says is escaped."""
    lines = [f"# {_text(report.title)}", ""]
    if report.source:
        lines += [_text(report.source), ""]
    lines += _page(report)
    lines += ["", f"> {_text(report.disclaimer)}", "", _text(report.about), ""]
    if report.sections:
        lines += _appendix(report)
    lines += ["## Sources", ""]
    for source in report.sources:
        link = f" <{source.link}>" if source.link else ""
        lines.append(f"{source.number}. {_text(source.text)}{link}")
    return "\n".join(lines) + "\n"


def _page(report: Report) -> Iterator[str]:
    page = report.page
    yield from (f"*{_text(page.state)}*", "", f"**{_text(page.bottom_line.text)}**")
    for block in page.blocks:
        yield from ("", f"## {_text(block.title)}", "")
        for number, one in enumerate(block.lines, 1):
            mark = f"{number}." if block.numbered else "-"
            short = report.short(one)
            yield f"{mark} {_text(one.text)}" + (f" ({_text(short)})" if short else "")
    if page.doubt:
        yield from ("", f"*{_text(page.doubt)}*")


def _appendix(report: Report) -> Iterator[str]:
    yield from ("## Behind each line", "")
    for one in report.page.lines:
        yield from _behind(one)
    yield ""
    if report.problems:
        yield from _section(Section("problems", "To settle in the record", report.problems))
    for section in report.sections:
        yield from _section(section)
    yield from ("## Rules behind the statements", "")
    for one in report.rules:
        yield from _behind(one)
    yield from ("", f"> {_text(report.caveat)}", "")


def _behind(one: Paragraph, depth: int = 0) -> Iterator[str]:
    """Say what opens behind a statement elsewhere."""
    yield f"{'  ' * depth}- {_text(one.text)}{_numbers(one)}"
    if one.rule:
        yield f"{'  ' * depth}  - Rule: {_text(one.rule)}"
    if one.data:
        yield f"{'  ' * depth}  - In this patient: {_text('; '.join(map(str, one.data)))}"
    for detail in one.details:
        if detail.rule:
            yield from _behind(detail, depth + 1)


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {_text(section.title)}", "")
    for part in section.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    yield from (f"### {_text(part.title)}", "")
    if part.paragraphs:
        yield from _paragraphs(part.paragraphs, 0)
        yield ""
    for table in (*(figure.table for figure in part.figures), *part.tables):
        yield from _table(table)


def _paragraphs(some: Iterable[Paragraph], depth: int) -> Iterator[str]:
    for one in some:
        sign = f"{one.sign} " if one.sign not in ("", "·") else ""
        text = _text(f"{sign}{one.text}")
        said = f"**{text}**" if one.strong else text
        yield f"{'  ' * depth}- {said}{_numbers(one)}"
        yield from _paragraphs(one.details, depth + 1)


def _numbers(one: Paragraph) -> str:
    return f" \\[{', '.join(map(str, one.cites))}\\]" if one.cites else ""


def _table(table: Table) -> Iterator[str]:
    yield from (f"*{_text(table.caption)}*", "")
    yield f"| {' | '.join(map(_text, table.header))} |"
    yield f"|{' --- |' * len(table.header)}"
    for row in table.rows:
        yield f"| {' | '.join(_text(cell.text) for cell in row)} |"
    yield ""


def _text(text: str) -> str:
    """Return text in one line in which nothing is markup."""
    return _LIST.sub(_escaped, _SPECIAL.sub(r"\\\1", printable(text)))


def _escaped(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2][:-1]}\\{found[2][-1]}"
