"""What every form of the report says in short: verdicts in words, and what would decide most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from myoresist.assessment import AnswerResult, Assessment, SetResult

_EDGE = re.compile(r"-?\d[\d.e+]*")
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
    """Return the class reached in a few words: its text up to the first colon."""
    return words(one, one.outcome or "").split(":")[0].strip()


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
    return f"{share * 100:.0f}%"


def reservation(one: SetResult) -> str:
    """Return what stands against a verdict: an exclusion, an unassessed one, or weak confidence."""
    parts = []
    if one.excluded is True:
        parts.append("an exclusion applies")
    elif one.exclusion_text and one.excluded is None:
        parts.append("exclusions not assessed")
    if one.score and one.score.borderline:
        parts.append("borderline: score and probability cut-offs disagree")
    if one.confidence in ("low", "medium"):
        parts.append(f"rule known with {one.confidence} confidence")
    return "; ".join(parts)


def questions(assessment: Assessment) -> Sequence[Question]:
    """Return the unknown findings that would change a verdict, those that settle most sets first."""
    found: dict[str, dict[str, list[AnswerResult]]] = {}
    for one in assessment.criteria:
        for answer in one.answers:
            found.setdefault(answer.finding, {}).setdefault(one.id, []).append(answer)
    sets = {one.id: one for one in assessment.criteria}
    asked = [
        Question(
            finding,
            assessment.labels[finding],
            tuple((sets[name], tuple(answers)) for name, answers in changes.items()),
        )
        for finding, changes in found.items()
    ]
    return sorted(asked, key=lambda one: (-one.settles, -len(one.changes), one.label))
