"""The top of the report in a notebook: page one, what has to be settled, what would decide."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from myoresist.report.document import Block, Paragraph, Part, Report, Table
from myoresist.report.printable import printable

PARTS = ("label", "criteria", "decide")
"""Ids of the parts that are shown below page one."""


def render(report: Report) -> str:
    """Return the top of a report as HTML; whatever a case says is escaped."""
    shown = [*report.problems, *_chosen(report)]
    page = report.page
    return (
        f"<div><h3>{_text(report.title)}</h3>"
        + (f"<p>{_text(report.source)}</p>" if report.source else "")
        + f"<p>{_text(page.state)}<br><b>{_text(page.bottom_line.text)}</b></p>"
        + "".join(_block(block, report) for block in page.blocks)
        + f"<p><small>{_text(report.disclaimer)}</small></p>"
        + "".join(map(_part, shown))
        + "</div>"
    )


def _block(block: Block, report: Report) -> str:
    kind = "ol" if block.numbered else "ul"
    lines = "".join(
        f"<li>{_text(one.text)} <small>{_text(report.short(one))}</small></li>"
        for one in block.lines
    )
    return f"<p><b>{_text(block.title)}</b></p><{kind}>{lines}</{kind}>"


def _chosen(report: Report) -> Iterable[Part]:
    return (one for section in report.sections for one in section.parts if one.id in PARTS)


def _part(part: Part) -> str:
    tables = (*(figure.table for figure in part.figures), *part.tables)
    return (
        f"<h4>{_text(part.title)}</h4>"
        + _paragraphs(part.paragraphs)
        + "".join(map(_table, tables))
    )


def _paragraphs(some: Iterable[Paragraph]) -> str:
    points = "".join(
        f"<li>{_text(f'{one.sign} {one.text}'.strip())}{_paragraphs(one.details)}</li>"
        for one in some
    )
    return f"<ul>{points}</ul>" if points else ""


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(one)}</th>" for one in table.header)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_text(cell.text)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _text(text: str) -> str:
    return escape(printable(text))
