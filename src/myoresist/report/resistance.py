"""Why treatment did not work, in words: trials, refractoriness, explanations, the work-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.report.line import Line
from myoresist.report.response import SIGN, STYLE
from myoresist.resistance.adequacy.explain import CourseResult, Span, TrialResult
from myoresist.resistance.explanations.evaluate import ExplanationResult

VERDICTS = {
    "adequate": ("✓", "green"),
    "inadequate": ("✗", "red"),
    "undetermined": ("?", "yellow"),
    "not_tried": ("–", "dim"),
    "unknown": ("–", "dim"),
}
STATUS = {
    "supported": ("!", "bold red"),
    "possible": ("?", "yellow"),
    "not_assessable": ("?", "dim"),
    "argued_against": ("✗", "dim"),
}
MOST = 5
ALIKE = 2
"""From how many drugs on the same is said of them together."""


@dataclass(frozen=True)
class Resistance:
    """Question 3 of one assessment, in words."""

    data: Assessment

    def treatment(self) -> Iterator[Line]:
        """Say which drugs were tried well enough, and what is refractory by which definition."""
        history = self.data.resistance.treatment
        tried = [one for one in history.trials if one.verdict not in ("not_tried", "unknown")]
        if not tried:
            yield Line(
                "No course of treatment is recorded, so nothing can be called a failure.", "yellow"
            )
        for one in tried:
            yield from self._trial(one)
        for finding in history.definitions:
            if finding.kind == "finding" and finding.state == "met":
                yield Line(
                    f"{finding.title}. {finding.text}",
                    "bold red",
                    cites=finding.cites,
                    rule=self.data.rules.get(f"refractory.{finding.id}", ""),
                    because=finding.because,
                )
        judged = [x for x in history.definitions if x.kind != "finding" and x.state is not None]
        if not tried and all(one.state == "undetermined" for one in judged):
            yield Line(f"None of {len(judged)} definitions of refractory disease can be judged.")
            return
        for definition in judged:
            if definition.state is not None:
                missing = self._names(definition.missing, MOST)
                text = f"{definition.title}: {definition.state.replace('_', ' ')}"
                text += f"; unknown: {missing}" if missing else ""
                yield Line(
                    text,
                    STYLE[definition.state],
                    2,
                    SIGN[definition.state],
                    definition.cites,
                    self.data.rules.get(f"refractory.{definition.id}", definition.text),
                    definition.because,
                )

    def explanations(self) -> Iterator[Line]:
        """Give what else explains it: what can harm first, then what is supported and easily checked."""
        why = self.data.resistance.why
        for kind in why.failures:
            rule = self.data.rules.get(f"failure.{kind.id}", "")
            yield Line(kind.text, "bold", cites=kind.cites, rule=rule)
        for one in why.explanations:
            if one.status in ("supported", "possible"):
                yield from self._explanation(one)
        harm = [x for x in why.explanations if x.harm and x.status == "not_assessable"]
        if harm:
            yield Line("Must be excluded, and cannot be from what is recorded", "bold yellow")
            for one in harm:
                yield Line(f"{one.name}: {self._names(one.unknown, MOST)}", "yellow", 2, "?")
        rest = [x.name for x in why.explanations if not x.harm and x.status == "not_assessable"]
        if rest:
            yield Line(f"Not assessable from what is recorded: {'; '.join(rest)}", "dim")
        against = [x.name for x in why.explanations if x.status == "argued_against"]
        if against:
            yield Line(f"Argued against: {'; '.join(against)}", "dim")

    def workup(self) -> Iterator[Line]:
        """Give the work-up of refractory disease in order, with what is known and what is missing."""
        for number, step in enumerate(self.data.resistance.why.steps, 1):
            sign = f"{number}."
            style = "bold red" if step.urgent else ""
            yield Line(step.text, style, sign=sign, cites=step.cites)
            if step.missing:
                yield Line(f"missing: {self._names(step.missing)}", "yellow", 5)
            elif step.done:
                yield Line("all recorded", "green", 5)

    def _trial(self, one: TrialResult) -> Iterator[Line]:
        if not one.weeks_needed:
            yield Line(f"{one.label}: given; no trial by itself", "dim", 2, "–", one.cites)
            return
        sign, style = VERDICTS[one.verdict]
        so_far = " so far" if one.so_far else ""
        text = f"{one.label}: {one.verdict.replace('_', ' ')} trial{so_far}"
        if one.missing:
            text += f"; not known: {', '.join(x.replace('_', ' ') for x in one.missing)}"
        if one.weeks_short:
            text += f"; {one.weeks_short:g} weeks too short"
        text += (
            f" ({_weeks(one.weeks_at_dose)} at the dose that counts, {one.weeks_needed:g} needed)"
        )
        rule = " ".join(x for x in (self.data.rules.get(f"trial.{one.id}"), one.text) if x)
        courses = tuple(_course(course) for course in one.courses)
        yield Line(text, style, 2, sign, one.cites, rule, record=courses)
        for remark in one.remarks:
            yield Line(remark.text, "dim", 6, "·", remark.cites)

    def _explanation(self, one: ExplanationResult) -> Iterator[Line]:
        sign, style = STATUS[one.status]
        text = f"{one.name}: {one.status} ({one.strength} evidence)"
        rule = self.data.rules.get(f"explanation.{one.id}", "")
        yield Line(text, style, 0, sign, one.cites, rule, (*one.because, *one.against))
        for said, names in (
            ("for", one.because),
            ("against", one.against),
            ("would decide", one.unknown),
        ):
            if names:
                most = MOST if names is one.unknown else None
                yield Line(f"{said}: {self._names(names, most)}", indent=4)
        yield Line(f"Check: {one.confirm}", indent=4)
        yield Line(f"Do: {one.action}", indent=4)
        if one.urgent:
            yield Line("Do not wait for this: an organ is at risk.", "bold red", 4)
        if one.note:
            yield Line(one.note, "dim", 4)

    def _names(self, names: Iterable[str], most: int | None = None) -> str:
        """Return findings and columns by name; what is the same of many drugs is said once."""
        labels = {**self.data.labels, **self.data.resistance.labels}
        others = self.data.resistance.others
        known = tuple(names)
        alike = Counter(others[name] for name in known if name in others)
        said = (
            others[name]
            if alike[others.get(name, "")] > ALIKE
            else labels.get(name, name.replace("_", " "))
            for name in known
        )
        return "; ".join(list(dict.fromkeys(said))[:most])


def _course(one: CourseResult) -> str:
    first, last = one.start
    start = "an unknown day" if not first or not last else str(first)
    if first and last and first != last:
        start = f"between {first} and {last}"
    end = f", ended by {one.end}" if one.end else ""
    ended = "" if one.ended == "unknown" else f", {one.ended.replace('_', ' ')}"
    weeks = _weeks(one.weeks_at_dose)
    return f"Course from {start}{end}{ended}: {weeks} at the dose that counts, {one.verdict}"


def _weeks(span: Span) -> str:
    if span.high is None and not span.low:
        return "unknown time"
    if span.high is None:
        return f"{span.low:g} weeks or more"
    return (
        f"{span.low:g} weeks" if span.low == span.high else f"{span.low:g} to {span.high:g} weeks"
    )
