"""Why treatment did not work, in words: trials, refractoriness, explanations, the work-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.report.criteria import VERDICT
from myoresist.report.document import Datum, Line, Tone
from myoresist.report.wording import named, spaced
from myoresist.resistance.adequacy.explain import CourseResult, Span, TrialResult
from myoresist.resistance.adequacy.refractory import DefinitionResult
from myoresist.resistance.explanations.evaluate import ExplanationResult

_TRIAL: dict[str, tuple[str, Tone]] = {
    "adequate": ("✓", "for"),
    "inadequate": ("✗", "against"),
    "undetermined": ("?", "open"),
}
_STATUS: dict[str, tuple[str, Tone]] = {"supported": ("!", "against"), "possible": ("?", "open")}
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
            text = "No course of treatment is recorded, so nothing can be called a failure."
            yield Line(text, "open")
        for one in tried:
            yield from self._trial(one)
        for finding in history.definitions:
            if finding.kind == "finding" and finding.state == "met":
                yield Line(
                    f"{finding.title}. {finding.text}",
                    "against",
                    strong=True,
                    cites=finding.cites,
                    rule=self.data.rules.get(f"refractory.{finding.id}", ""),
                    because=finding.because,
                )
        judged = [x for x in history.definitions if x.kind != "finding" and x.state is not None]
        if not tried and all(one.state == "undetermined" for one in judged):
            yield Line(f"None of {len(judged)} definitions of refractory disease can be judged.")
            return
        for definition in judged:
            sign, word, tone = VERDICT[definition.state]
            missing = self._alike(definition.missing, MOST)
            yield Line(
                f"{definition.title}: {word}" + (f"; unknown: {missing}" if missing else ""),
                tone,
                sign=sign,
                cites=definition.cites,
                rule=self._rule(definition),
                because=definition.because,
            )

    def _rule(self, one: DefinitionResult) -> str:
        """Return the rule of a definition, and the time in which it looks at treatments and activity."""
        rule = self.data.rules.get(f"refractory.{one.id}", one.text)
        return " ".join(x for x in (f"{rule.rstrip('.')}.", one.window, one.reading) if x)

    def explanations(self) -> Iterator[Line]:
        """Give what else explains it: what can harm first, then what is supported and easily checked."""
        why = self.data.resistance.why
        for kind in why.failures:
            rule = self.data.rules.get(f"failure.{kind.id}", "")
            yield Line(kind.text, strong=True, cites=kind.cites, rule=rule)
        for one in why.explanations:
            if one.status in ("supported", "possible"):
                yield from self._explanation(one)
        harm = [x for x in why.explanations if x.harm and x.status == "not_assessable"]
        if harm:
            yield Line("Must be excluded, and cannot be from what is recorded", "open", strong=True)
            for one in harm:
                yield Line(f"{one.name}: {self._alike(one.unknown, MOST)}", "open", sign="?")
        rest = [x.name for x in why.explanations if not x.harm and x.status == "not_assessable"]
        if rest:
            yield Line(f"Not assessable from what is recorded: {'; '.join(rest)}", "quiet")
        against = [x.name for x in why.explanations if x.status == "argued_against"]
        if against:
            yield Line(f"Argued against: {'; '.join(against)}", "quiet")

    def workup(self) -> Iterator[Line]:
        """Give the work-up of refractory disease in order, with what is known and what is missing."""
        for number, step in enumerate(self.data.resistance.why.steps, 1):
            tone: Tone = "against" if step.urgent else ""
            yield Line(step.text, tone, step.urgent, sign=f"{number}.", cites=step.cites)
            if step.missing:
                yield Line(f"missing: {self._alike(step.missing)}", "open", detail=True)
            elif step.done:
                yield Line("all recorded", "for", detail=True)

    def _trial(self, one: TrialResult) -> Iterator[Line]:
        if not one.weeks_needed:
            text = f"{one.label}: given; no trial by itself"
            yield Line(text, "quiet", sign="–", cites=one.cites)
            return
        sign, tone = _TRIAL[one.verdict]
        so_far = " so far" if one.so_far else ""
        text = f"{one.label}: {spaced(one.verdict)} trial{so_far}"
        if one.helped:
            text = f"{one.label}: worked, by the response recorded"
        if one.missing:
            text += f"; not known: {', '.join(map(spaced, one.missing))}"
        if one.weeks_short:
            text += f"; {one.weeks_short:g} weeks too short"
        needed = "" if one.helped else f", {one.weeks_needed:g} needed"
        text += f" ({_time_at_dose(one)}{needed})"
        rule = " ".join(x for x in (self.data.rules.get(f"trial.{one.id}"), one.text) if x)
        courses = tuple(_course(course) for course in one.courses)
        yield Line(text, tone, sign=sign, cites=one.cites, rule=rule, record=courses)
        for remark in one.remarks:
            yield Line(remark.text, "quiet", detail=True, sign="·", cites=remark.cites)

    def _explanation(self, one: ExplanationResult) -> Iterator[Line]:
        sign, tone = _STATUS[one.status]
        yield Line(
            f"{one.name}: {one.status} ({one.strength} evidence)",
            tone,
            strong=one.status == "supported",
            sign=sign,
            cites=one.cites,
            rule=self.data.rules.get(f"explanation.{one.id}", ""),
            because=(*one.because, *one.against),
        )
        for word, ids, most in (
            ("for", one.because, None),
            ("against", one.against, None),
            ("would decide", one.unknown, MOST),
        ):
            if ids:
                yield Line(f"{word}: {self._alike(ids, most)}", detail=True)
        yield Line(f"Check: {one.confirm}", detail=True)
        yield Line(f"Do: {one.action}", detail=True)
        if one.urgent:
            text = "Do not wait for this: an organ is at risk."
            yield Line(text, "against", strong=True, detail=True)
        if one.note:
            yield Line(one.note, "quiet", detail=True)

    def _alike(self, ids: Iterable[str], most: int | None = None) -> str:
        """Return findings and columns by name; what is the same of many drugs is said once."""
        others = self.data.resistance.others
        known = tuple(ids)
        alike = Counter(others[name] for name in known if name in others)
        told = (
            others[name] if alike[others.get(name, "")] > ALIKE else named(self.data, name)
            for name in known
        )
        return "; ".join(list(dict.fromkeys(told))[:most])


def _course(one: CourseResult) -> Datum:
    first, last = one.start
    start = "an unknown day" if not first or not last else str(first)
    if first and last and first != last:
        start = f"between {first} and {last}"
    end = f", ended by {one.end}" if one.end else ""
    ended = "" if one.ended == "unknown" else f", {spaced(one.ended)}"
    weeks = _weeks(one.weeks_at_dose)
    value = f"{weeks} at the dose that counts, {one.verdict}"
    return Datum(f"Course from {start}{end}{ended}", value)


def _time_at_dose(one: TrialResult) -> str:
    """Return how long a drug was taken in the dose that counts, or in one that is close to it."""
    if one.weeks_close is None:
        return f"{_weeks(one.weeks_at_dose)} at the dose that counts"
    share = f"{one.highest_dose.low:.0%}"
    return f"close to the dose that counts, {share} of it, for {_weeks(one.weeks_close)}"


def _weeks(span: Span) -> str:
    if span.high is None and not span.low:
        return "unknown time"
    if span.high is None:
        return f"{span.low:g} weeks or more"
    return (
        f"{span.low:g} weeks" if span.low == span.high else f"{span.low:g} to {span.high:g} weeks"
    )
