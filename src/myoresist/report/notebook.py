"""A short view of an assessment for a notebook: self-contained HTML, everything escaped."""

from __future__ import annotations

from html import escape

from myoresist.assessment import Assessment
from myoresist.report.summary import SIGNS, in_short, questions, reservation, score


def render(assessment: Assessment) -> str:
    """Return the verdicts and the questions that would decide most, as HTML."""
    rows = "".join(
        f"<tr><td>{escape(one.short)}</td><td>{SIGNS[one.state]}</td>"
        f"<td>{escape('' if one.outcome in (None, 'not_met', 'undetermined') else in_short(one))}</td>"
        f"<td>{escape('; '.join(part for part in (score(one), reservation(one)) if part))}</td></tr>"
        for one in assessment.criteria
    )
    clashes = "".join(f"<li>{escape(clash.text)}</li>" for clash in assessment.contradictions)
    asked = "".join(
        f"<li>{escape(assessment.questions[question.finding])}</li>"
        for question in questions(assessment)[:6]
    )
    label = f", called {escape(assessment.label.replace('_', ' '))}" if assessment.label else ""
    return (
        f"<div><h3>Second opinion: {escape(assessment.patient_id)}{label}</h3>"
        + (f"<p><b>The record contradicts itself</b></p><ul>{clashes}</ul>" if clashes else "")
        + "<table><thead><tr><th>Set</th><th>Verdict</th><th>Class</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        + (f"<p><b>What would decide most</b></p><ol>{asked}</ol>" if asked else "")
        + f"<p><small>{escape(assessment.notice)}</small></p></div>"
    )
