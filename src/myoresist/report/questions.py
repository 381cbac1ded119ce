"""What nobody recorded and would decide most about published criteria."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.diagnosis.criteria.explain import AnswerResult, SetResult
from myoresist.report.criteria import results
from myoresist.report.document import Line
from myoresist.report.wording import unit

MOST = 6
MOST_NAMED = 8


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


def question_lines(assessment: Assessment, everything: bool) -> Iterator[Line]:
    """Say what to ask, and what each answer would make of each set.

    Args:
        assessment: whose questions.
        everything: whether every further finding is named.
    """
    unknown = questions(assessment)
    if not unknown:
        yield Line(_nothing_decides(assessment))
    for place, question in enumerate(unknown[:MOST], 1):
        yield Line(_asked(assessment, question.finding), strong=True, sign=f"{place}.")
        for one, answers in question.changes:
            yield Line(f"{one.short}: {results(one, answers)}", detail=True)
    further = [question.label for question in unknown[MOST:]]
    if further:
        rest = 0 if everything else len(further) - MOST_NAMED
        named = further[:MOST_NAMED] if rest > 0 else further
        more = f", and {rest} more" if rest > 0 else ""
        yield Line(f"Also: {', '.join(named)}{more}.", "quiet")


def _asked(assessment: Assessment, finding: str) -> str:
    """Return what to ask the physician, with the unit of the answer if it has one."""
    measure = unit(assessment.units.get(finding))
    # A question after a multiple says of what.
    named = measure and not measure.startswith("×")
    return assessment.questions[finding] + (f" (in {measure})" if named else "")


def _nothing_decides(assessment: Assessment) -> str:
    """Return why there is no question to ask: none would help, or none was worked out."""
    if assessment.contradictions:
        return "Single answers are not worked out while the record contradicts itself; settle that first."
    return "No single unknown finding would change a verdict."
