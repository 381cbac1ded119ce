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
    lines += [_text(report.about), "", "## The answer", ""]
    lines += [f"- **{_text(one.question)}** {_text(one.text)}" for one in report.answers]
    lines += ["", f"> {_text(report.notice)}", ""]
    if report.problems:
        lines += _section(Section("problems", "To settle in the record", report.problems))
    for section in report.sections:
        lines += _section(section)
    lines += ["## Rules behind the statements", ""]
    for one in report.rules:
        lines.append(f"- {_text(one.text)}")
        lines.append(f"  - Rule: {_text(one.rule)}")
        if one.data:
            lines.append(f"  - In this patient: {_text('; '.join(map(str, one.data)))}")
    lines += ["", "## Sources", ""]
    for source in report.sources:
        link = f" <{source.link}>" if source.link else ""
        lines.append(f"{source.number}. {_text(source.text)}{link}")
    return "\n".join(lines) + "\n"


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
        cites = f" \\[{', '.join(map(str, one.cites))}\\]" if one.cites else ""
        said = f"**{text}**" if one.strong else text
        yield f"{'  ' * depth}- {said}{cites}"
        yield from _paragraphs(one.details, depth + 1)


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
