"""What every form of the report says in short: verdicts in words, and what would decide most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from myoresist.assessment import AnswerResult, Assessment, FindingResult, SetResult

_EDGE = re.compile(r"-?\d[\d.e+]*")
_RECALLED = re.compile(r"\brecall\b.*?\bconfidence: (high|medium|low)\b")
_UNITS = {"xULN": "× ULN", "count": "", "score": "", "points": ""}
MOST_QUESTIONS = 6
SIGNS = {
    "met": "✓ met",
    "not_met": "✗ not met",
    "undetermined": "? undetermined",
    None: "– not computed",
}


@dataclass(frozen=True)
class Question:
    """An unknown finding and what each answer would change, set by set."""

    finding: str
    label: str
    changes: tuple[tuple[SetResult, tuple[AnswerResult, ...]], ...]

    @property
    def settles(self) -> int:
        """Return how many undetermined sets some answer would settle."""
        return sum(
            one.state == "undetermined"
            and any(answer.state != "undetermined" for answer in answers)
            for one, answers in self.changes
        )


def ranges(values: Sequence[str]) -> str:
    """Return answers in words, with neighbouring stretches of a number joined into one."""
    runs: list[list[str]] = []
    for value in values:
        if runs and _EDGE.findall(runs[-1][-1])[-1:] == _EDGE.findall(value)[:1] != []:
            runs[-1].append(value)
        else:
            runs.append([value])
    return " or ".join(_run(run) for run in runs)


def _run(run: Sequence[str]) -> str:
    if len(run) == 1:
        return run[0].removeprefix("exactly ")
    first, last = run[0], run[-1]
    low, high = _EDGE.findall(first)[0], _EDGE.findall(last)[-1]
    start = f"{low} or more" if first.startswith("exactly") else f"above {low}"
    end = f"{high} or less" if last.startswith("exactly") else f"below {high}"
    if first.startswith("below"):
        return end
    return start if last.startswith("above") else f"{start} and {end}"


def words(one: SetResult, outcome: str) -> str:
    """Return a class, or the lack of one, as a reader would say it."""
    if outcome in ("not_met", "undetermined"):
        return outcome.replace("_", " ")
    return one.classes.get(outcome, outcome)


def in_short(one: SetResult) -> str:
    """Return the class reached in a few words, up to the first colon, with its subgroup if it has one."""
    reached = words(one, one.outcome or "").split(":")[0].strip()
    return f"{reached}, {_subgroup(one, one.subgroup)}" if one.subgroup else reached


def _subgroup(one: SetResult, name: str) -> str:
    return "subgroup undetermined" if name == "undetermined" else words(one, name)


def score(one: SetResult) -> str:
    """Return the score of a weighted set with its range and probability, or nothing."""
    if one.score is None:
        return ""
    points = f"{one.score.points:g}"
    if one.score.points_max > one.score.points:
        points += f" (up to {one.score.points_max:g})"
    if one.score.probability is None or one.score.probability_max is None:
        return points
    low, high = percent(one.score.probability), percent(one.score.probability_max)
    return f"{points}; probability {low}" + (f" to {high}" if high != low else "")


def percent(share: float) -> str:
    """Return a probability with two significant digits, and never as certain."""
    if share < 0.01:
        return "<1%"
    if share > 0.99:
        return ">99%"
    return f"{share * 100:.1f}%" if share < 0.0995 else f"{share * 100:.0f}%"


def unit(name: str | None) -> str:
    """Return a unit of the catalogue as a reader would write it."""
    return _UNITS.get(name or "", name or "")


def measured(fact: FindingResult) -> str:
    """Return the value of a finding with its unit."""
    return measured_value(fact.value, fact.unit)


def number(value: float) -> str:
    """Return a measured number with three significant digits, or all before the point."""
    return (
        f"{value:.0f}"
        if abs(value) >= 1000
        else f"{value:.4g}"
        if abs(value) >= 100
        else f"{value:.3g}"
    )


def measured_value(value: object, named: str | None) -> str:
    """Return a value with its unit."""
    shown = number(value) if isinstance(value, float) else str(value)
    measure = unit(named)
    return f"{shown} {measure.removesuffix('s') if shown == '1' else measure}".strip()


def recalled(check: str | None) -> str | None:
    """Return with how much confidence a fact was written from memory, or ``None`` if it was looked up."""
    found = _RECALLED.search(check or "")
    return found[1] if found else None


def confidence(one: SetResult) -> str | None:
    """Return how sure a rule from memory is: of the class reached, else of the set and its items."""
    if one.confidence:
        return one.confidence
    known = {recalled(check) for check in (one.check, *(item.check for item in one.items))}
    return next((word for word in ("low", "medium", "high") if word in known), None)


def exclusion(one: SetResult) -> str:
    """Return that an exclusion applies or was not assessed, or nothing."""
    if one.excluded is True:
        return "an exclusion applies"
    return "exclusions not assessed" if one.exclusion_text and one.excluded is None else ""


def reservation(one: SetResult) -> str:
    """Return what stands against a verdict: an exclusion, an unassessed one, or weak confidence."""
    parts = [exclusion(one)] if exclusion(one) else []
    if one.score and one.score.borderline:
        parts.append("borderline: score and probability cut-offs disagree")
    known = confidence(one)
    if known in ("low", "medium"):
        whole = one.confidence or one.check.startswith("recall")
        parts.append(f"rule{'' if whole else ' in part'} from memory, {known} confidence")
    return "; ".join(parts)


def carried(assessment: Assessment) -> str:
    """Return the label that the patient carries beside the classes that are met; it judges neither."""
    met = [one for one in assessment.criteria if one.state == "met"]
    said = (in_short(one) + (" [an exclusion applies]" if one.excluded else "") for one in met)
    classes = "; ".join(dict.fromkeys(said)) or "none"
    label = assessment.label.replace("_", " ") if assessment.label else "not given"
    return f"Label carried: {label}. Classes met: {classes}."


def asked(assessment: Assessment, finding: str) -> str:
    """Return what to ask the physician, with the unit of the answer if it has one."""
    measure = unit(assessment.units.get(finding))
    # A question after a multiple says of what.
    named = measure and not measure.startswith("×")
    return assessment.questions[finding] + (f" (in {measure})" if named else "")


def results(one: SetResult, answers: Iterable[AnswerResult]) -> str:
    """Return what each answer would make of a set; answers with the same result stand together."""
    found: dict[str, list[str]] = {}
    for answer in answers:
        result = words(one, answer.outcome).split(":")[0]
        if answer.subgroup:
            result += f", {_subgroup(one, answer.subgroup)}"
        if answer.state == "undetermined" != answer.outcome:
            result += ", still open"
        elif answer.state == "not_met" != answer.outcome:
            # A class that does not meet the set, or one of several such classes.
            result = "not met" + (f" ({result})" if answer.outcome != "undetermined" else "")
        found.setdefault(result, []).append(answer.value)
    return "; ".join(f"if {ranges(values)}, {result}" for result, values in found.items())


def nothing_decides(assessment: Assessment) -> str:
    """Return why there is no question to ask: none would help, or none was worked out."""
    if assessment.contradictions:
        return "Single answers are not worked out while the record contradicts itself; settle that first."
    return "No single unknown finding would change a verdict."


def questions(assessment: Assessment) -> Sequence[Question]:
    """Return the unknown findings that would change a verdict, those that settle most sets first."""
    found: dict[str, dict[str, list[AnswerResult]]] = {}
    for one in assessment.criteria:
        for answer in one.answers:
            found.setdefault(answer.finding, {}).setdefault(one.id, []).append(answer)
    sets = {one.id: one for one in assessment.criteria}
    unknown = [
        Question(
            finding,
            assessment.labels[finding],
            tuple((sets[name], tuple(answers)) for name, answers in changes.items()),
        )
        for finding, changes in found.items()
    ]
    return sorted(unknown, key=lambda one: (-one.settles, -len(one.changes), one.label))
