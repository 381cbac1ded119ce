"""The four questions in order, for one patient: from a case to an assessment.

An assessment is plain data. It holds what was understood, what follows, every verdict with its reasons and
sources, and what is not known; the report only shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from myoresist import display
from myoresist.answers import Answers, Patients
from myoresist.case.courses import Treatments
from myoresist.case.model import Case
from myoresist.case.record import Record, record
from myoresist.case.timeline import TimelineResult, timeline
from myoresist.consult.explain import consult_of
from myoresist.consult.pages import Pages
from myoresist.consult.results import ConsultResult
from myoresist.diagnosis.criteria.explain import CriteriaReader, SetResult
from myoresist.diagnosis.differential.evaluate import Setting
from myoresist.diagnosis.differential.explain import complete, ranking_of
from myoresist.diagnosis.differential.reasons import Reasons
from myoresist.diagnosis.differential.results import DifferentialResult, RankingResult
from myoresist.findings.explain import (
    ContradictionResult,
    FindingResult,
    FindingsReader,
    Questions,
    questions,
)
from myoresist.findings.statements import Settler
from myoresist.knowledge.schema import Reference
from myoresist.library import Knowledge
from myoresist.remarks import beyond, unknown_methods
from myoresist.resistance.evaluate import ResistanceResult
from myoresist.resistance.explanations.evaluate import FAILURE, PREFIX
from myoresist.resistance.response.series import Series, series
from myoresist.result import NoteResult, Result, Told
from myoresist.rules.phrases import in_words
from myoresist.serology.answer import SerologyResult
from myoresist.serology.compile import SAYS
from myoresist.serology.explain import answer
from myoresist.serology.probability import column as serology_column
from myoresist.serology.results import Results
from myoresist.treatment.columns import FIRST, URGENT
from myoresist.treatment.explain import advice
from myoresist.treatment.results import TreatmentResult
from myoresist.version import __version__

SCHEMA_VERSION = "1.5"
DISEASE = "disease."
"""Before the id of a disease among rules and labels."""
NOTICE = (
    "Research and decision-support tool, not a certified medical device. "
    "Classification criteria do not make a diagnosis; the physician decides."
)


class PageOne(Result):
    """Page one of the second opinion on one patient, with what each of its lines opens to.

    ``rules`` holds in plain words the rule behind each statement, by kind and id.
    """

    schema_version: str = SCHEMA_VERSION
    software_version: str
    knowledge_version: str
    notice: str = NOTICE
    patient_id: str
    label: str | None
    source: str | None
    consult: ConsultResult
    record: tuple[FindingResult, ...]
    contradictions: tuple[ContradictionResult, ...]
    remarks: tuple[str, ...]
    left_open: int = 0
    named: tuple[str, ...] = ()
    serology: SerologyResult
    resistance: ResistanceResult
    treatment: TreatmentResult
    rules: dict[str, str]
    labels: dict[str, str]
    questions: dict[str, str]
    units: dict[str, str]
    references: dict[str, Reference]


class Assessment(PageOne):
    """The second opinion on one patient, as data. The JSON form is this, under ``schema_version``."""

    criteria: tuple[SetResult, ...]
    disagreements: tuple[NoteResult, ...]
    differential: DifferentialResult
    timeline: TimelineResult

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
            for s in ("met", "not_met", "undetermined")
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


def one_patient(
    case: Case, noted: Record, library: Knowledge, baseline: str | None = None
) -> tuple[Patients, Series]:
    """Return the patient of a case as the questions read patients, and the visits of the case.

    Args:
        case: the case.
        noted: what ``record`` returned for it.
        library: everything an answer rests on.
        baseline: date of the visit from which a response is judged.

    Raises:
        ValueError: if there is no visit on the date of ``baseline``.
    """
    terms, responses = library.terms, library.resistance.responses
    settler = Settler(library.catalogue, library.inference)
    said = settler.statements((one.finding, one.value) for one in noted.statements)
    treatments = Treatments.of_cases([case], terms)
    found = series(case, treatments, terms, responses.conventions, baseline)
    visits = responses.visits(found.table)
    patients = Patients(
        ids=treatments.patient_ids,
        labels=[case.label],
        settled=settler.settle(said, 1),
        results=Results.of_case(case, terms, library.serology.words),
        treatments=treatments,
        visits=visits,
        baselines=found.asked_for(visits),
        last_days=found.visited.last,
    )
    return patients, found


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
    return _opinion(case, knowledge, setting, baseline).assessment()


def page_one(case: Case, knowledge: Knowledge | None = None) -> PageOne:
    """Answer page one for one patient, with what its lines open to: that part of an assessment, sooner.

    Args:
        case: what is known of the patient.
        knowledge: what medicine knows; the packaged knowledge when left out.
    """
    return _opinion(case, knowledge).page()


def consult(case: Case, knowledge: Knowledge | None = None) -> ConsultResult:
    """Answer what stands on page one for one patient: ``Assessment.consult``, alone and sooner.

    Args:
        case: what is known of the patient.
        knowledge: what medicine knows; the packaged knowledge when left out.
    """
    return _opinion(case, knowledge).consult


def doubts(case: Case, knowledge: Knowledge | None = None) -> tuple[str, ...]:
    """Return what an assessment would remark on a case: what was not used, and what cannot be."""
    found = _opinion(case, knowledge)
    pairs = (one.text for one in found.contradictions)
    return tuple(dict.fromkeys((*found.remarks, *pairs)))


def _opinion(
    case: Case,
    knowledge: Knowledge | None,
    setting: Setting | None = None,
    baseline: str | None = None,
) -> _Opinion:
    base = knowledge or Knowledge.load()
    noted = record(case, base.terms)
    patients, visits = one_patient(case, noted, base, baseline)
    differential = base.differential.within(setting) if setting else base.differential
    return _Opinion(case, noted, visits, Answers(patients, base, differential))


@dataclass(frozen=True)
class _Opinion:
    """The answers about one patient in words, each with its reasons and sources; what is asked for alone."""

    case: Case
    noted: Record
    visits: Series
    answers: Answers

    def assessment(self) -> Assessment:
        """Return all of it."""
        base = self.answers.library
        sets, disagreements = self.criteria.results(), self.criteria.disagreements()
        diagnosis = complete(self.reasons, self.ranking, self.case.label)
        rules = _rules(base, diagnosis, self.serology, self.resistance, self.treatment)
        return Assessment(
            **self._page((*sets, *disagreements, diagnosis), rules),
            criteria=sets,
            disagreements=disagreements,
            differential=diagnosis,
            timeline=timeline(self.case, base.terms),
        )

    def page(self) -> PageOne:
        """Return page one, with what its lines open to."""
        return PageOne(**self._page())

    def _page(
        self, more: Iterable[Told] = (), rules: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, Any]:
        """Return what page one holds.

        Args:
            more: what else is told, whose works are cited too.
            rules: the rules behind it.
        """
        case, base, page = self.case, self.answers.library, self.consult
        told: tuple[Told, ...] = (
            page, *more, self.serology, self.resistance, self.treatment,
        )  # fmt: skip
        return {
            "software_version": __version__,
            "knowledge_version": base.version,
            "patient_id": self.noted.patient_id,
            "label": case.label,
            "source": case.source.citation if case.source else None,
            "consult": page,
            "record": self.record,
            "contradictions": self.contradictions,
            "remarks": self.remarks,
            "left_open": len(self.noted.left_open),
            "named": case.named,
            "serology": self.serology,
            "resistance": self.resistance,
            "treatment": self.treatment,
            "rules": {**_rules_of_page(base, page), **rules},
            "labels": _labels(base, self.record, page),
            "questions": {finding.id: finding.question for finding in base.catalogue},
            "units": {finding.id: finding.unit for finding in base.catalogue if finding.unit},
            "references": _references(base, told),
        }

    @cached_property
    def consult(self) -> ConsultResult:
        return consult_of(Pages(self.answers.consult, self.answers.library.names), 0)

    @cached_property
    def reasons(self) -> Reasons:
        return Reasons.of(self.answers.differential, self.answers.tested)

    @cached_property
    def ranking(self) -> RankingResult:
        return ranking_of(self.reasons, self.case.label)

    @cached_property
    def serology(self) -> SerologyResult:
        return answer(self.answers.library.serology, self.answers.serology, self.noted.patient_id)

    @cached_property
    def row(self) -> dict[str, Any]:
        return self.answers.row.row()

    @cached_property
    def resistance(self) -> ResistanceResult:
        answers, base = self.answers, self.answers.library.resistance
        response = base.response(self.case, self.visits, answers.findings)
        return base.explained(self.row, answers.explanations.row(), answers.judged, response)

    @cached_property
    def treatment(self) -> TreatmentResult:
        answers = self.answers
        return advice(
            answers.library.options, answers.weighed.row(), answers.treatment.row(),
            answers.options.to_dicts(), self.ranking, self.resistance,
        )  # fmt: skip

    @cached_property
    def questions(self) -> Questions:
        base = self.answers.library
        return questions(base.inference, self.answers.recorded, base.asked, base.thresholds)

    @cached_property
    def known(self) -> dict[str, Any]:
        findings = self.answers.library.catalogue.findings
        return {**dict.fromkeys(findings), **self.questions.findings.row()}

    @cached_property
    def criteria(self) -> CriteriaReader:
        base, open_ = self.answers.library.criteria, self.questions
        met = base.evaluate(open_.findings)
        return CriteriaReader(base, self.known, met, open_.answers, open_.sound)

    @cached_property
    def facts(self) -> FindingsReader:
        answers, base = self.answers, self.answers.library
        return FindingsReader(
            base.inference, self.noted, answers.patients.settled.recorded.row(),
            answers.recorded.row(), self.known,
            base.resistance.told_because(answers.told, self.row),
        )  # fmt: skip

    @cached_property
    def contradictions(self) -> tuple[ContradictionResult, ...]:
        return self.facts.contradictions(self.questions.clashes)

    @cached_property
    def record(self) -> tuple[FindingResult, ...]:
        both = {name for one in self.contradictions for name in (one.finding, one.other)}
        return self.facts.facts(both)

    @property
    def remarks(self) -> tuple[str, ...]:
        answers, case = self.answers, self.case
        return (
            *case.foreign,
            *self.noted.remarks,
            *beyond(answers.library, answers.patients, case),
            *unknown_methods(answers.library, case),
            *self.facts.told_otherwise(answers.stated.findings.row(), answers.told.row()),
        )


def _rules_of_page(base: Knowledge, page: ConsultResult) -> dict[str, str]:
    """Return the rules behind the state and the lines of page one in plain words, as ``consult.<rule>``."""
    lines = {f"consult.{one.rule}": base.words.line(one.rule) for one in page.lines()}
    return {f"consult.{page.state}": base.words.state(page.state), **lines}


def _labels(base: Knowledge, facts: Iterable[FindingResult], page: ConsultResult) -> dict[str, str]:
    """Return what findings are called, and columns from which a finding or a line of page one follows."""
    findings = {one.id: one.label for one in base.catalogue}
    told = base.options.labels
    because = {x: told[x] for one in page.lines() for x in one.because if x in told}
    diseases = {DISEASE + x: base.differential.base.diseases[x].name for x in page.diseases}
    return {
        **findings, **base.differential.base.said, **_reasons(base, facts), **because, **diseases,
    }  # fmt: skip


def _references(base: Knowledge, told: Iterable[Told]) -> dict[str, Reference]:
    """Return the works on which parts of an assessment rest, in the order in which they are cited."""
    cited = dict.fromkeys(key for part in told for key in part.sources())
    return {key: base.references[key] for key in cited if key in base.references}


def _reasons(base: Knowledge, facts: Iterable[FindingResult]) -> dict[str, str]:
    """Return what the columns of courses and visits are called from which findings follow."""
    labels = base.resistance.labels
    return {name: labels[name] for one in facts for name in one.because if name in labels}


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
        **{f"{DISEASE}{x.id}": (confirmed, f"confirmed.{x.id}") for x in diagnosis.leading},
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
        name: in_words(program.rules[rule].node, phrase)
        for name, (program, rule) in wanted.items()
        if rule in program.rules
    }
