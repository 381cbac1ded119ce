"""The four questions in order, for one patient: from a case to an assessment.

An assessment is plain data. It holds what was understood, what follows, every verdict with its reasons and
sources, and what is not known; the report only shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from myoresist import display
from myoresist import knowledge as packaged
from myoresist.case.catalogue import Catalogue
from myoresist.case.model import Case
from myoresist.case.reading import packaged_terms
from myoresist.case.record import Record, findings_table, record
from myoresist.case.terms import Terms
from myoresist.case.timeline import TimelineResult, timeline
from myoresist.diagnosis.criteria.evaluate import (
    CLASS,
    EXCLUDED,
    NOT_MET,
    NOTE,
    UNDETERMINED,
    VARIANT,
    Criteria,
    column,
)
from myoresist.diagnosis.criteria.schema import CriteriaSet
from myoresist.diagnosis.differential.evaluate import Differential, Setting
from myoresist.diagnosis.differential.explain import DifferentialResult, opinion
from myoresist.document import DocumentError, Problem
from myoresist.findings.evaluate import Contradiction, Inference, finding_names
from myoresist.findings.variants import variants
from myoresist.knowledge.schema import Reference, load_references
from myoresist.knowledge.whole import uncovered, unknown_works
from myoresist.resistance.evaluate import Resistance, ResistanceResult
from myoresist.resistance.explanations.evaluate import FAILURE, PREFIX
from myoresist.rules.phrases import in_words
from myoresist.rules.program import Program
from myoresist.rules.reasons import Verdict, explain
from myoresist.serology.evaluate import SAYS, Serology
from myoresist.serology.explain import SerologyResult, answer
from myoresist.serology.probability import column as serology_column
from myoresist.serology.results import results_table
from myoresist.treatment.evaluate import FIRST, URGENT, Options
from myoresist.treatment.explain import TreatmentResult, advice
from myoresist.version import __version__

SCHEMA_VERSION = "1.4"
NOTICE = (
    "Research and decision-support tool, not a certified medical device. "
    "Classification criteria do not make a diagnosis; the physician decides."
)

State = Literal["met", "not_met", "undetermined"]
Value = bool | float | str


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FindingResult(_Result):
    """A finding that is known of the patient, or that the record contradicts."""

    id: str
    label: str
    group: str
    value: Value | None
    unit: str | None = None
    how: Literal["recorded", "follows", "contradicted"]
    where: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


class ContradictionResult(_Result):
    """Two statements that cannot both be true; what they touch counts as unknown."""

    finding: str
    other: str
    text: str


class ItemResult(_Result):
    """One item of a set: true, false or unknown, and the findings that settle it or leave it open."""

    id: str
    text: str
    value: bool | None
    because: tuple[str, ...]
    points: float | None = None
    cites: tuple[str, ...] = ()
    check: str | None = None


class ScoreResult(_Result):
    """A weighted score; ``points`` counts unknown items as zero, so it is also the lowest possible."""

    variant: str
    variant_text: str
    points: float
    points_max: float
    probability: float | None
    probability_max: float | None
    outcome_max: str
    outcome_by_probability: str | None
    borderline: bool


class AnswerResult(_Result):
    """What a set would say if one unknown finding were known."""

    finding: str
    value: str
    outcome: str
    state: State
    subgroup: str | None = None


class NoteResult(_Result):
    """A remark, limit or disagreement, with its sources."""

    text: str
    cites: tuple[str, ...] = ()


class SetResult(_Result):
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
    classes: dict[str, str] = {}
    answers: tuple[AnswerResult, ...] = ()
    open_findings: tuple[str, ...] = ()
    notes: tuple[NoteResult, ...] = ()
    limits: tuple[NoteResult, ...] = ()
    missing: str
    cites: tuple[str, ...]
    check: str


class Assessment(_Result):
    """The second opinion on one patient, as data. The JSON form is this, under ``schema_version``.

    ``rules`` holds in plain words the rule behind each statement, by kind and id.
    """

    schema_version: str = SCHEMA_VERSION
    software_version: str
    knowledge_version: str
    notice: str = NOTICE
    patient_id: str
    label: str | None
    source: str | None
    record: tuple[FindingResult, ...]
    contradictions: tuple[ContradictionResult, ...]
    remarks: tuple[str, ...]
    criteria: tuple[SetResult, ...]
    disagreements: tuple[NoteResult, ...]
    differential: DifferentialResult
    serology: SerologyResult
    resistance: ResistanceResult
    treatment: TreatmentResult
    timeline: TimelineResult
    rules: dict[str, str]
    labels: dict[str, str]
    questions: dict[str, str]
    units: dict[str, str]
    references: dict[str, Reference]

    @property
    def differential_names(self) -> dict[str, str]:
        """Return the name of each disease of the differential by id."""
        return {one.id: one.name for one in self.differential.diseases}

    def __str__(self) -> str:
        """Return one line; see ``__repr__``."""
        return repr(self)

    def __repr__(self) -> str:
        """Return one line: who, and which sets are met, not met or undetermined."""
        count = {
            s: sum(one.state == s for one in self.criteria)
            for s in ("met", "not_met", UNDETERMINED)
        }
        verdicts = ", ".join(
            f"{number} {state.replace('_', ' ')}" for state, number in count.items()
        )
        return f"<Assessment of {self.patient_id}: criteria sets {verdicts}>"

    def _repr_html_(self) -> str | None:
        return display.html(self)


def assessment_schema() -> dict[str, Any]:
    """Return the JSON Schema of the assessment."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:myoresist:assessment:{SCHEMA_VERSION}",
        **Assessment.model_json_schema(mode="serialization"),
    }


@dataclass(frozen=True)
class Knowledge:
    """Everything an assessment rests on, read from one knowledge folder and compiled."""

    folder: Path
    catalogue: Catalogue
    inference: Inference
    criteria: Criteria
    differential: Differential
    references: Mapping[str, Reference]

    @classmethod
    def load(cls, folder: Path | None = None, check: bool | None = None) -> Knowledge:
        """Read a knowledge folder, once; without one, the packaged knowledge.

        Findings, criteria and diseases are read at once, what the later questions rest on when it is first
        asked for. ``check`` reads all of it at once; see the method of that name.

        Args:
            folder: a whole knowledge folder.
            check: whether to check everything; when left out, a folder of one's own is checked.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        knowledge = _load(folder or packaged.folder())
        if check or (check is None and knowledge.folder != packaged.folder()):
            knowledge.check()
        return knowledge

    def check(self) -> None:
        """Read and compile every topic, and compare what the files say of each other.

        The criteria sets and ``coverage.yaml`` name the same sets, and every work that is cited is in the
        bibliography. Worked examples are not run, and what serves registries only is not read.

        Raises:
            DocumentError: naming file, line and field of everything that cannot be used.
        """
        problems: dict[Problem, None] = {}
        for topic in ("version", "terms", "serology", "resistance", "options"):
            try:
                getattr(self, topic)
            except DocumentError as error:
                problems |= dict.fromkeys(error.problems)
        sets = {one.id: (one.status, one.since) for one in self.criteria.sets.values()}
        try:
            problems |= dict.fromkeys(uncovered(self.folder, sets))
            problems |= dict.fromkeys(unknown_works(self.folder, self.references))
        except DocumentError as error:
            problems |= dict.fromkeys(error.problems)
        if problems:
            raise DocumentError(problems)

    @cached_property
    def version(self) -> str:
        """Return the version of the knowledge."""
        return packaged.version(self.folder)

    @cached_property
    def asked(self) -> frozenset[str]:
        """Return the findings that a physician could add and that a criteria set reads."""
        read = self.criteria.program.leaves(self.criteria.program.rules)
        through = self.inference.program.leaves(read)
        derived = self.inference.derivations.keys()
        numbers = {x for x in read & derived if self.catalogue[x].kind == "number"}
        return frozenset(through - derived) | numbers

    @cached_property
    def thresholds(self) -> dict[str, tuple[float, ...]]:
        """Return for each numeric finding the numbers with which a rule compares it."""
        return Program({**self.criteria.program.rules, **self.inference.program.rules}).thresholds

    @cached_property
    def serology(self) -> Serology:
        """Return what antibodies mean."""
        return Serology.load(self.folder, self.catalogue)

    @cached_property
    def resistance(self) -> Resistance:
        """Return by what response, treatment and explanations are judged."""
        return Resistance.load(self.folder, self.terms)

    @cached_property
    def options(self) -> Options:
        """Return the treatments."""
        told = self.resistance
        diseases = self.differential.diseases
        regimens = [one.id for one in told.treatments.regimens.trials]
        return Options.load(self.folder, told.names, told.labels, diseases, regimens)

    @cached_property
    def terms(self) -> Terms:
        """Return the words that a case may use."""
        if self.folder == packaged.folder():
            return packaged_terms()
        return Terms.load(self.folder, self.catalogue)


@cache
def _load(folder: Path) -> Knowledge:
    own = folder == packaged.folder()
    catalogue = packaged_terms().catalogue if own else Catalogue.load(folder)
    inference = Inference.load(folder, catalogue)
    return Knowledge(
        folder=folder,
        catalogue=catalogue,
        inference=inference,
        criteria=Criteria.load(folder, finding_names(catalogue)),
        differential=Differential.load(folder, inference),
        references=load_references(folder / "references.json"),
    )


def assess(
    case: Case,
    knowledge: Knowledge | None = None,
    setting: Setting | None = None,
    baseline: str | None = None,
) -> Assessment:
    """Answer the questions for one patient.

    Args:
        case: what is known of the patient.
        knowledge: what medicine knows; the packaged knowledge when left out.
        setting: where the patient is seen, which changes how common diseases are.
        baseline: date of the visit from which a response is judged; when left out, the last one before the
            most recent course.

    Raises:
        SettingError: for a setting that cannot be used.
        ValueError: if there is no visit on the date of ``baseline``.
    """
    base = knowledge or Knowledge.load()
    noted = record(case, base.terms)
    recorded = _undisputed(base, noted)
    clashes, asked, findings = _with_answers(base, recorded)
    verdicts = base.criteria.evaluate(findings)
    one = _Patient(
        base,
        noted,
        recorded.row(0, named=True),
        findings.row(0, named=True),
        verdicts.row(0, named=True),
        asked,
        verdicts[1:],
    )
    criteria = tuple(one.verdict(criteria_set) for criteria_set in base.criteria.sets.values())
    disagreements = one.disagreements()
    differential = base.differential.within(setting) if setting else base.differential
    said = base.serology.evaluate(findings[:1], results_table([case], base.terms))
    diagnosis = opinion(differential, base.serology.with_tests(findings[:1], said), case.label)
    antibodies = answer(base.serology, said)
    judged, response = base.resistance.judge_case(case, base.terms, findings[:1], baseline)
    resistance = base.resistance.of_case(findings[:1], judged, response, diagnosis)
    row = judged.row(findings[:1]).row(0, named=True)
    treatment = advice(base.options, row, diagnosis, resistance)
    contradictions = one.contradictions(clashes)
    facts = one.facts({c.finding for c in contradictions} | {c.other for c in contradictions})
    cited = [
        *(key for result in criteria for key in _cites(result)),
        *(key for note in disagreements for key in note.cites),
        *diagnosis.sources(),
        *antibodies.cites(),
        *resistance.sources(),
        *treatment.sources(),
    ]
    return Assessment(
        software_version=__version__,
        knowledge_version=base.version,
        patient_id=noted.patient_id,
        label=case.label,
        source=case.source.citation if case.source else None,
        record=facts,
        contradictions=contradictions,
        remarks=noted.remarks,
        criteria=criteria,
        disagreements=disagreements,
        differential=diagnosis,
        serology=antibodies,
        resistance=resistance,
        treatment=treatment,
        timeline=timeline(case, base.terms),
        rules=_rules(base, diagnosis, antibodies, resistance, treatment),
        labels={finding.id: finding.label for finding in base.catalogue},
        questions={finding.id: finding.question for finding in base.catalogue},
        units={finding.id: finding.unit for finding in base.catalogue if finding.unit},
        references={
            key: base.references[key] for key in dict.fromkeys(cited) if key in base.references
        },
    )


def _undisputed(base: Knowledge, noted: Record) -> pl.DataFrame:
    """Return the recorded row without what holds on one side of a dispute only.

    Where a case says two things about one finding, the finding is unknown, and so is every other statement
    that contradicts one of the two: it must not bring the finding back.
    """
    recorded = findings_table([noted], base.catalogue)
    if not noted.conflicts:
        return recorded
    sides = [
        replace(
            noted, values={**noted.values, **{c.finding: c.values[side] for c in noted.conflicts}}
        )
        for side in (0, 1)
    ]
    one, other = base.inference.known(findings_table(sides, base.catalogue)).findings.to_dicts()
    disputed = [x for x in noted.values if one[x] is None or one[x] != other[x]]
    return recorded.with_columns(pl.lit(None, recorded.schema[x]).alias(x) for x in disputed)


def _with_answers(
    base: Knowledge, recorded: pl.DataFrame
) -> tuple[list[Contradiction], pl.DataFrame, pl.DataFrame]:
    """Return what a record contradicts, which answers it leaves open, and what is then known.

    Returns:
        The contradictions; ``finding`` and ``value`` of each answer that would be possible and new; and what
        is known, first as recorded and then with each of these answers.
    """

    def answered(start: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
        asked = variants(start, base.asked, base.thresholds, base.catalogue)
        together = pl.concat([start, asked.select(start.columns)])
        findings, sound = base.inference.consistent(together)
        return asked.filter(sound[1:]), findings, sound

    clashes: list[Contradiction] = []
    asked, findings, sound = answered(recorded)
    if not sound[0]:
        # A contradiction counts as unknown, so what would decide is asked of the record without it.
        own = base.inference.known(recorded)
        clashes = base.inference.contradictions(recorded, own)
        if any(clash.finding == clash.other for clash in clashes):
            # A finding against its own rule has no record without it: whatever is taken out, one side stays.
            return clashes, asked.clear().select("finding", "value"), own.findings
        clashing = {name for clash in clashes for name in (clash.finding, clash.other)}
        empty = {x: pl.lit(None, recorded.schema[x]) for x in clashing}
        asked, findings, _ = answered(recorded.with_columns(**empty))
    now = findings.row(0, named=True)
    new = asked["finding"].is_in([finding for finding, value in now.items() if value is None])
    rows = pl.concat([pl.Series([True]), new])
    return clashes, asked.filter(new).select("finding", "value"), findings.filter(rows)


def _rules(
    base: Knowledge,
    diagnosis: DifferentialResult,
    antibodies: SerologyResult,
    resistance: ResistanceResult,
    treatment: TreatmentResult,
) -> dict[str, str]:
    """Return the rules behind the statements of an assessment in plain words, by kind and id."""
    labels = {**{one.id: one.label for one in base.catalogue}, **base.options.labels}
    for explanation in base.resistance.explanations.entries.values():
        labels[PREFIX + explanation.id] = f"“{explanation.name}”"
    derived = base.resistance.treatments.columns

    def phrase(name: str) -> str:
        if name in derived.columns:
            return derived.label(name)
        # A column of one question, such as serology.anti_jo1.level, names the finding and what of it.
        parts = name.removeprefix(serology_column("")).split(".")
        said = [labels.get(part, part.replace("_", " ")) for part in parts]
        return labels.get(name) or ": ".join(said)

    why, treatments = base.resistance.explanations.program, base.resistance.treatments
    confirmed = base.differential.base.confirmed
    wanted = {
        **{f"disease.{x.id}": (confirmed, f"confirmed.{x.id}") for x in diagnosis.leading},
        **{f"serology.{x.id}": (base.serology.program, serology_column(SAYS, x.id)) for x in antibodies.says},
        **{f"explanation.{x.id}": (why, PREFIX + x.id) for x in resistance.why.explanations},
        **{f"failure.{x.id}": (why, FAILURE + x.id) for x in resistance.why.failures},
        **{
            f"refractory.{x.id}": (treatments.refractory.program, x.id)
            for x in resistance.treatment.definitions
        },
        **{f"urgent.{x.id}": (base.options.program, URGENT + x.id) for x in treatment.urgent},
        **{f"first.{x.id}": (base.options.program, FIRST + x.id) for x in treatment.first},
    }  # fmt: skip
    trials = {f"trial.{one.id}": one.in_words() for one in treatments.regimens.trials}
    return trials | {
        name: in_words(program.rules[rule].tree, phrase)
        for name, (program, rule) in wanted.items()
        if rule in program.rules
    }


def _cites(result: SetResult) -> Iterable[str]:
    yield from result.cites
    for item in result.items:
        yield from item.cites
    for note in (*result.notes, *result.limits):
        yield from note.cites


@dataclass(frozen=True)
class _Patient:
    """One patient's rows, and what they mean in words."""

    base: Knowledge
    noted: Record
    recorded: Mapping[str, Any]
    known: Mapping[str, Any]
    row: Mapping[str, Any]
    answers: pl.DataFrame
    answered: pl.DataFrame

    def verdict(self, one: CriteriaSet) -> SetResult:
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
        open_classes = self.base.criteria.open_classes(one, self.row)
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

    def facts(self, contradicted: set[str]) -> tuple[FindingResult, ...]:
        stated: dict[str, list[str]] = {}
        for statement in self.noted.statements:
            place = statement.field + (f" (line {statement.line})" if statement.line else "")
            stated.setdefault(statement.finding, []).append(place)
        facts = []
        for finding in self.base.catalogue:
            value = self.known[finding.id]
            if finding.id in contradicted or (value is None and finding.id in stated):
                how: Literal["recorded", "follows", "contradicted"] = "contradicted"
            elif value is None:
                continue
            else:
                how = "recorded" if self.recorded[finding.id] is not None else "follows"
            reasons = (
                self.base.inference.because(finding.id, self.recorded, self.known)
                if how == "follows"
                else ()
            )
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

    def contradictions(self, found: Sequence[Contradiction]) -> tuple[ContradictionResult, ...]:
        label = self.base.catalogue
        results = [
            ContradictionResult(finding=c.finding, other=c.finding, text=c.text)
            for c in self.noted.conflicts
        ]
        for finding, value in self.noted.values.items():
            if self.recorded[finding] is None:
                said = f"{label[finding].label} is {_said(value)}"
                text = f"{said}, which fits only one side of a dispute above"
                results.append(ContradictionResult(finding=finding, other=finding, text=text))
        for clash in found:
            said = f"{label[clash.finding].label} is {_said(clash.says)}"
            if clash.other == clash.finding:
                text = (
                    f"{said}, but {_said(clash.other_says)} follows from other entries: {clash.why}"
                )
            else:
                text = f"{said}, yet {label[clash.other].label} is {_said(clash.other_says)}: {clash.why}"
            results.append(ContradictionResult(finding=clash.finding, other=clash.other, text=text))
        return tuple(results)

    def disagreements(self) -> tuple[NoteResult, ...]:
        return tuple(
            NoteResult(text=clash.text, cites=clash.cites)
            for clash in self.base.criteria.disagreements
            if self.row[column("disagreement", clash.id)]
        )

    def _of(self, one: CriteriaSet, *parts: str) -> Any:
        return self.row[column(one.id, *parts)]

    def _because(self, one: CriteriaSet, *parts: str) -> tuple[str, ...]:
        name = column(one.id, *parts)
        verdict = explain(name, self.base.criteria.program, self.known, self._seen)
        return tuple(sorted(verdict.because))

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
            variant_text=variant.text,
            points=self._of(one, "score"),
            points_max=self._of(one, "score_max"),
            probability=self._of(one, "probability"),
            probability_max=self._of(one, "probability_max"),
            outcome_max=self._of(one, "outcome_max"),
            outcome_by_probability=by_probability if known else None,
            borderline=known and by_probability != self._of(one, "outcome"),
        )

    def _answers(self, one: CriteriaSet) -> tuple[AnswerResult, ...]:
        parts = ("outcome", "state", *(["subgroup"] if one.subgroups else []))
        after = {part: self._after[column(one.id, part)] for part in parts}
        return tuple(
            AnswerResult(
                finding=self._asked["finding"][index],
                value=self._asked["value"][index],
                **{part: values[index] for part, values in after.items()},
            )
            for index, differs in enumerate(self._changed[one.id])
            if differs
        )

    @cached_property
    def _seen(self) -> dict[str, Verdict]:
        return {}

    @cached_property
    def _asked(self) -> dict[str, list[str]]:
        return self.answers.to_dict(as_series=False)

    @cached_property
    def _after(self) -> dict[str, list[Any]]:
        return self.answered.to_dict(as_series=False)

    @cached_property
    def _changed(self) -> dict[str, list[bool]]:
        return self.base.criteria.changed(self.row, self.answered).to_dict(as_series=False)

    def _open_findings(self, one: CriteriaSet, open_classes: tuple[str, ...]) -> tuple[str, ...]:
        parts: list[tuple[str, ...]] = [(CLASS, name) for name in open_classes]
        if one.score:
            parts = [(item.id,) for item in one.items if self._of(one, item.id) is None]
        found = {finding for part in parts for finding in self._because(one, *part)}
        return tuple(sorted(finding for finding in found if self.known[finding] is None))

    def _notes(self, one: CriteriaSet) -> tuple[NoteResult, ...]:
        return tuple(
            NoteResult(text=note.text, cites=note.cites or one.cites)
            for note in one.notes
            if note.when is None or (one.status == "implemented" and self._of(one, NOTE, note.id))
        )


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "present" if value else "absent"
    return f"{value:g}" if isinstance(value, float) else str(value)
