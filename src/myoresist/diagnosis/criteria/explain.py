"""The criteria sets for one patient: verdicts, what settles them, what is open, what answers would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from myoresist.arrays.table import Codes, Table, Value
from myoresist.diagnosis.criteria.compile import CLASS, EXCLUDED, NOTE, READING, VARIANT, column
from myoresist.diagnosis.criteria.evaluate import NOT_MET, Criteria
from myoresist.diagnosis.criteria.schema import CriteriaSet
from myoresist.findings.variants import Answer
from myoresist.result import NoteResult, Result, State
from myoresist.rules.reasons import Verdict, explain


class ItemResult(Result):
    """One item of a set: true, false or unknown, and the findings that settle it or leave it open."""

    id: str
    text: str
    value: bool | None
    because: tuple[str, ...]
    points: float | None = None
    cites: tuple[str, ...] = ()
    check: str | None = None


class ReadingResult(Result):
    """What one reading of a paper that leaves something open makes of a score."""

    id: str
    text: str
    points: float
    points_max: float
    outcome: str
    outcome_max: str


class ScoreResult(Result):
    """A weighted score; ``points`` counts unknown items as zero, so it is also the lowest possible.

    Where the paper can be read in more than one way, it is the lowest of its readings, too.
    """

    variant: str
    variant_text: str
    points: float
    points_max: float
    probability: float | None
    probability_max: float | None
    outcome_max: str
    outcome_by_probability: str | None
    borderline: bool
    readings: tuple[ReadingResult, ...] = ()


class AnswerResult(Result):
    """What a set would say if one unknown finding were known."""

    finding: str
    value: str
    outcome: str
    state: State
    subgroup: str | None = None


class SetResult(Result):
    """One criteria set for one patient."""

    id: str
    title: str
    short: str
    kind: str
    population: str
    since: int | None
    status: Literal["implemented", "outline"]
    status_note: str | None
    state: State | None
    outcome: str | None
    outcome_text: str
    confidence: str | None = None
    open_classes: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    excluded: bool | None = None
    exclusion_text: str | None = None
    exclusion_because: tuple[str, ...] = ()
    score: ScoreResult | None = None
    subgroup: str | None = None
    subgroup_text: str | None = None
    items: tuple[ItemResult, ...] = ()
    classes: dict[str, str] = Field({})
    answers: tuple[AnswerResult, ...] = ()
    open_findings: tuple[str, ...] = ()
    notes: tuple[NoteResult, ...] = ()
    limits: tuple[NoteResult, ...] = ()
    missing: str
    cites: tuple[str, ...]
    check: str

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites."""
        items = [key for item in self.items for key in item.cites]
        return [*self.cites, *items, *(x for n in (*self.notes, *self.limits) for x in n.cites)]


@dataclass(frozen=True)
class CriteriaReader:
    """Explains the verdicts on one patient.

    Attributes:
        criteria: the sets.
        known: what is known of the patient.
        verdicts: what ``Criteria.evaluate`` says of the patient and, from the second row on, of the patient
            with each of the answers.
        answers: possible answers to what is not known.
        sound: for each answer whether the record would stay free of contradiction.
    """

    criteria: Criteria
    known: Mapping[str, Any]
    verdicts: Table
    answers: Sequence[Answer] = ()
    sound: Sequence[bool] = ()
    _seen: dict[str, Verdict] = field(default_factory=dict)

    @cached_property
    def row(self) -> Mapping[str, Value | None]:
        """Return the verdicts on the patient as they are."""
        return self.verdicts.row(0)

    def results(self) -> tuple[SetResult, ...]:
        """Return every set."""
        return tuple(self.verdict(one) for one in self.criteria.sets.values())

    def verdict(self, one: CriteriaSet) -> SetResult:
        """Return the verdict of one set."""
        common: dict[str, Any] = {
            "id": one.id,
            "title": one.title,
            "short": one.short,
            "kind": one.kind,
            "population": one.population,
            "since": one.since,
            "status": one.status,
            "status_note": one.status_note,
            "notes": self._notes(one),
            "limits": tuple(
                NoteResult(text=x.text, cites=x.cites or one.cites) for x in one.limits
            ),
            "missing": one.missing,
            "cites": one.cites,
            "check": one.check,
        }
        if one.status == "outline":
            return SetResult(state=None, outcome=None, outcome_text="Not computed", **common)
        outcome = str(self._of(one, "outcome"))
        subgroup = self._of(one, "subgroup") if one.subgroups else None
        open_classes = self.criteria.open_classes(one, self.row)
        return SetResult(
            **common,
            state=self._of(one, "state"),
            outcome=outcome,
            outcome_text=one.meaning(outcome),
            confidence=next((o.confidence for o in one.outcomes if o.name == outcome), None),
            open_classes=open_classes,
            because=self._settled_by(one, outcome),
            excluded=self._of(one, EXCLUDED) if one.exclusions else None,
            exclusion_text=one.exclusions.text if one.exclusions else None,
            exclusion_because=self._because(one, EXCLUDED) if one.exclusions else (),
            score=self._score(one),
            subgroup=subgroup,
            subgroup_text=one.meaning(subgroup) if subgroup else None,
            items=self._items(one),
            classes=one.classes,
            answers=self._answers(one),
            open_findings=self._open_findings(one, open_classes),
        )

    def disagreements(self) -> tuple[NoteResult, ...]:
        """Return where published sets read a fact about the patient in opposite ways."""
        return tuple(
            NoteResult(text=clash.text, cites=clash.cites)
            for clash in self.criteria.disagreements
            if self.row[column("disagreement", clash.id)]
        )

    def _of(self, one: CriteriaSet, *parts: str) -> Any:
        return self.row[column(one.id, *parts)]

    def _because(self, one: CriteriaSet, *parts: str) -> tuple[str, ...]:
        name = column(one.id, *parts)
        return tuple(sorted(explain(name, self.criteria.program, self.known, self._seen).because))

    def _settled_by(self, one: CriteriaSet, outcome: str) -> tuple[str, ...]:
        """Return the findings behind a class that is reached, or behind none being reachable."""
        classes = [way.name for way in one.outcomes if outcome in (way.name, NOT_MET)]
        return tuple(sorted({f for name in classes for f in self._because(one, CLASS, name)}))

    def _items(self, one: CriteriaSet) -> tuple[ItemResult, ...]:
        variant = self._of(one, VARIANT) if one.score else ""
        return tuple(
            ItemResult(
                id=item.id,
                text=item.text,
                value=self._of(one, item.id),
                because=self._because(one, item.id),
                points=float(item.points[variant]) if variant in item.points else None,
                cites=item.cites,
                check=item.check,
            )
            for item in one.items
        )

    def _score(self, one: CriteriaSet) -> ScoreResult | None:
        if one.score is None:
            return None
        variant = next(v for v in one.score.variants if v.id == self._of(one, VARIANT))
        by_probability = self._of(one, "outcome_by_probability")
        known = variant.logistic_intercept is not None
        return ScoreResult(
            variant=variant.id,
            variant_text=one.score.readings or variant.text,
            points=self._of(one, "score"),
            points_max=self._of(one, "score_max"),
            probability=self._of(one, "probability"),
            probability_max=self._of(one, "probability_max"),
            outcome_max=self._of(one, "outcome_max"),
            outcome_by_probability=by_probability if known else None,
            borderline=known and by_probability != self._of(one, "outcome"),
            readings=tuple(
                ReadingResult(
                    id=way.id,
                    text=way.text,
                    points=self._of(one, READING, way.id, "score"),
                    points_max=self._of(one, READING, way.id, "score_max"),
                    outcome=self._of(one, READING, way.id, "outcome"),
                    outcome_max=self._of(one, READING, way.id, "outcome_max"),
                )
                for way in (one.score.variants if one.score.readings else ())
            ),
        )

    def _answers(self, one: CriteriaSet) -> tuple[AnswerResult, ...]:
        parts = ["outcome", "state", *(["subgroup"] if one.subgroups else [])]
        said = {part: self.verdicts.word(column(one.id, part)) for part in parts}
        differs = self.criteria.changed(one, self.verdicts)
        return tuple(
            AnswerResult(
                finding=answer.finding,
                value=answer.text,
                **{part: _word(codes, place) for part, codes in said.items()},
            )
            for place, (answer, sound) in enumerate(
                zip(self.answers, self.sound, strict=True), start=1
            )
            if sound and differs[place]
        )

    def _open_findings(self, one: CriteriaSet, open_classes: tuple[str, ...]) -> tuple[str, ...]:
        parts: list[tuple[str, ...]] = [(CLASS, name) for name in open_classes]
        if one.score:
            parts = [(item.id,) for item in one.items if self._of(one, item.id) is None]
        found = {finding for part in parts for finding in self._because(one, *part)}
        return tuple(sorted(finding for finding in found if self.known.get(finding) is None))

    def _notes(self, one: CriteriaSet) -> tuple[NoteResult, ...]:
        return tuple(
            NoteResult(text=note.text, cites=note.cites or one.cites)
            for note in one.notes
            if note.when is None or (one.status == "implemented" and self._of(one, NOTE, note.id))
        )


def _word(said: Codes, place: int) -> Any:
    code = int(said.codes[place])
    return said.words[code] if code >= 0 else None
