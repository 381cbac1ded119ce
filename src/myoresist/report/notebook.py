"""A short view of an assessment for a notebook: self-contained HTML, everything escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from myoresist.assessment import Assessment, SetResult
from myoresist.report.diagnosis import Diagnosis
from myoresist.report.plain import plain
from myoresist.report.summary import (
    MOST_QUESTIONS,
    SIGNS,
    asked,
    carried,
    in_short,
    nothing_decides,
    questions,
    reservation,
    results,
    score,
    words,
)


def render(assessment: Assessment) -> str:
    """Return what stands at the top of the report: problems, summary, verdicts and open questions."""
    called = f", called {assessment.label.replace('_', ' ')}" if assessment.label else ""
    clashes = [_text(clash.text) for clash in assessment.contradictions]
    unused = [_text(remark) for remark in assessment.remarks]
    unknown = [
        f"{_text(asked(assessment, question.finding))}"
        + _list(
            "ul", [_text(f"{one.short}: {results(one, said)}") for one, said in question.changes]
        )
        for question in questions(assessment)[:MOST_QUESTIONS]
    ]
    rows = "".join(_row(one) for one in assessment.criteria)
    return (
        f"<div><h3>{_text(f'Second opinion: {assessment.patient_id}{called}')}</h3>"
        + (f"<p>{_text(assessment.source)}</p>" if assessment.source else "")
        + _part("The record contradicts itself", _list("ul", clashes))
        + _part("Could not be used as written", _list("ul", unused))
        + _part("Differential diagnosis", _list("ul", map(_text, _diagnosis(assessment))))
        + f"<p>{_text(carried(assessment))}</p>"
        + _part(
            "What would decide most",
            _list("ol", unknown) or f"<p>{_text(nothing_decides(assessment))}</p>",
        )
        + "<table><thead><tr><th>Set</th><th>Verdict</th><th>Class reached</th>"
        f"<th>Reservations</th><th>Still possible</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<p><small>{_text(assessment.notice)}</small></p></div>"
    )


def _diagnosis(assessment: Assessment) -> Iterable[str]:
    """Return what stands in short about the differential diagnosis, without its sources."""
    return [line.text for line in Diagnosis(assessment).in_short()]


def _row(one: SetResult) -> str:
    reached = "" if one.outcome in (None, "not_met", "undetermined") else in_short(one)
    cells = (
        one.short,
        SIGNS[one.state],
        "; ".join(part for part in (reached, score(one)) if part),
        reservation(one),
        "; ".join(words(one, name).split(":")[0] for name in one.open_classes),
    )
    return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _part(heading: str, content: str) -> str:
    return f"<p><b>{_text(heading)}</b></p>{content}" if content else ""


def _list(kind: str, entries: Iterable[str]) -> str:
    points = "".join(f"<li>{entry}</li>" for entry in entries)
    return f"<{kind}>{points}</{kind}>" if points else ""


def _text(text: str) -> str:
    return html.escape(plain(text))
