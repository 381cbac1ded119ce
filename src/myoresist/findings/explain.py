"""Question 0 for one patient: what is known and why, what contradicts itself, what an answer would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from myoresist.arrays.table import Table, Value
from myoresist.case.record import Record
from myoresist.findings.evaluate import Contradiction, Inference
from myoresist.findings.variants import Answer, possible_answers, variants
from myoresist.result import Result, in_words


class FindingResult(Result):
    """A finding that is known of the patient, or that the record contradicts."""

    id: str
    label: str
    group: str
    value: Value | None
    unit: str | None = None
    how: Literal["recorded", "follows", "contradicted"]
    where: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


class ContradictionResult(Result):
    """Two statements that cannot both be true; what they touch counts as unknown."""

    finding: str
    other: str
    text: str


@dataclass(frozen=True)
class Questions:
    """What a patient's record leaves open, and what would be known with each answer.

    Attributes:
        answers: every answer that would be new.
        findings: what is known of the patient, and from the second row on with each answer.
        sound: for each answer whether it fits the record.
        clashes: what the record contradicts.
    """

    answers: Sequence[Answer]
    findings: Table
    sound: Sequence[bool]
    clashes: Sequence[Contradiction]


def questions(
    inference: Inference,
    recorded: Table,
    asked: frozenset[str],
    thresholds: Mapping[str, tuple[float, ...]],
) -> Questions:
    """Return what the record of the only patient of a table leaves open.

    Args:
        inference: what follows from what.
        recorded: the patient as recorded.
        asked: the findings that may be asked for.
        thresholds: the numbers with which rules compare numeric findings.
    """
    known = inference.known(recorded)
    clashes: list[Contradiction] = []
    start = recorded
    if known.is_conflicted():
        clashes = inference.contradictions(recorded.row(), known.findings.row())
        if any(clash.finding == clash.other for clash in clashes):
            # A finding against its own rule has no record without it: whatever is taken out, one side stays.
            return Questions((), known.findings, (), clashes)
        # A contradiction counts as unknown, so what would decide is asked of the record without it.
        start = recorded.without(x for clash in clashes for x in (clash.finding, clash.other))
        known = inference.known(start)
    answers = [
        one
        for one in possible_answers(start, asked, thresholds, inference.catalogue)
        if not known.findings.known(one.finding)
    ]
    together = inference.known(variants(start, answers))
    sound = [not together.is_conflicted(place) for place in range(1, 1 + len(answers))]
    return Questions(answers, together.findings, sound, clashes)


@dataclass(frozen=True)
class FindingsReader:
    """Explains what is known of one patient.

    Attributes:
        inference: what follows from what.
        noted: what the record says, statement by statement.
        recorded: the record without what is disputed.
        joined: the same with what courses and visits tell.
        known: what is known.
        told: by finding that courses and visits tell, the columns from which it follows.
    """

    inference: Inference
    noted: Record
    recorded: Mapping[str, Value | None]
    joined: Mapping[str, Value | None]
    known: Mapping[str, Value | None]
    told: Mapping[str, tuple[str, ...]]

    def facts(self, contradicted: set[str]) -> tuple[FindingResult, ...]:
        """Return every finding that is known, or that the record contradicts."""
        stated: dict[str, list[str]] = {}
        for statement in self.noted.statements:
            place = statement.field + (f" (line {statement.line})" if statement.line else "")
            stated.setdefault(statement.finding, []).append(place)
        facts = []
        for finding in self.inference.catalogue:
            value = self.known.get(finding.id)
            if finding.id in contradicted or (value is None and finding.id in stated):
                how: Literal["recorded", "follows", "contradicted"] = "contradicted"
            elif value is None:
                continue
            else:
                how = "recorded" if self.recorded.get(finding.id) is not None else "follows"
            reasons: tuple[str, ...] = ()
            if how == "follows":
                reasons = self.inference.because(finding.id, self.joined, self.known)
                reasons = reasons or self.told.get(finding.id, ())
            shown = value if value is None or isinstance(value, bool | float | str) else str(value)
            facts.append(
                FindingResult(
                    id=finding.id,
                    label=finding.label,
                    group=finding.group,
                    value=shown,
                    unit=finding.unit,
                    how=how,
                    where=tuple(stated.get(finding.id, ())),
                    because=reasons,
                )
            )
        return tuple(facts)

    def told_otherwise(
        self, stated: Mapping[str, Value | None], told: Mapping[str, Value | None]
    ) -> Iterator[str]:
        """Say where courses and visits tell another thing than what is stated or follows from that."""
        for finding, value in told.items():
            own = stated.get(finding)
            if own is not None and value is not None and own != value:
                yield (
                    f"{self.inference.catalogue[finding].label}: {in_words(own)} by what is stated, "
                    f"{in_words(value)} by courses and visits; what is stated counts"
                )

    def contradictions(self, found: Sequence[Contradiction]) -> tuple[ContradictionResult, ...]:
        """Return what the record contradicts: statement against statement, and by what follows."""
        label, where = self.inference.catalogue, self._places
        results = [
            ContradictionResult(finding=c.finding, other=c.finding, text=c.text)
            for c in self.noted.conflicts
        ]
        for finding, value in self.noted.values.items():
            if self.recorded.get(finding) is None:
                said = f"{label[finding].label} is {in_words(value)}"
                text = f"{said}, which fits only one side of a dispute above"
                results.append(ContradictionResult(finding=finding, other=finding, text=text))
        for clash in found:
            said = f"{label[clash.finding].label} is {in_words(clash.says)}{where(clash.finding)}"
            if clash.other == clash.finding:
                text = f"{said}, but {in_words(clash.other_says)} follows from other entries: {clash.why}"
            else:
                other = f"{label[clash.other].label} is {in_words(clash.other_says)}{where(clash.other)}"
                text = f"{said}, yet {other}: {clash.why}"
            results.append(ContradictionResult(finding=clash.finding, other=clash.other, text=text))
        return tuple(results)

    def _places(self, finding: str) -> str:
        """Return where a finding is stated, in brackets."""
        places = [
            statement.field + (f", line {statement.line}" if statement.line else "")
            for statement in self.noted.statements
            if statement.finding == finding
        ]
        return f" ({'; '.join(places)})" if places else ""
