"""The four questions in order, for one patient: from a case to an assessment.

An assessment is plain data. It holds what was understood, what follows, every verdict with its reasons and
sources, and what is not known; the report only shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from myoresist import display
from myoresist.answers import Answers, Patients
from myoresist.case.courses import Treatments
from myoresist.case.model import Case
from myoresist.case.record import Record, record
from myoresist.case.timeline import TimelineResult, timeline
from myoresist.consult.explain import consult_of
from myoresist.consult.results import ConsultResult
from myoresist.diagnosis.criteria.explain import CriteriaReader, SetResult
from myoresist.diagnosis.differential.evaluate import Setting
from myoresist.diagnosis.differential.explain import explain as explain_differential
from myoresist.diagnosis.differential.results import DifferentialResult
from myoresist.document import shown
from myoresist.findings.explain import (
    ContradictionResult,
    FindingResult,
    FindingsReader,
    questions,
)
from myoresist.findings.statements import Settler
from myoresist.knowledge.schema import Reference
from myoresist.library import Knowledge
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
NOTICE = (
    "Research and decision-support tool, not a certified medical device. "
    "Classification criteria do not make a diagnosis; the physician decides."
)


class Assessment(Result):
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
    consult: ConsultResult
    record: tuple[FindingResult, ...]
    contradictions: tuple[ContradictionResult, ...]
    remarks: tuple[str, ...]
    left_open: int = 0
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
    base = knowledge or Knowledge.load()
    noted = record(case, base.terms)
    patients, visits = one_patient(case, noted, base, baseline)
    differential = base.differential.within(setting) if setting else base.differential
    return _explained(case, noted, visits, Answers(patients, base, differential))


def consult(case: Case, knowledge: Knowledge | None = None) -> ConsultResult:
    """Answer what stands on page one for one patient: ``Assessment.consult``, alone and sooner.

    Args:
        case: what is known of the patient.
        knowledge: what medicine knows; the packaged knowledge when left out.
    """
    base = knowledge or Knowledge.load()
    patients, _ = one_patient(case, record(case, base.terms), base)
    return consult_of(Answers(patients, base, base.differential).consult, 0, base.names)


def _explained(case: Case, noted: Record, visits: Series, answers: Answers) -> Assessment:
    """Put the answers about one patient into words, each with its reasons and sources."""
    base = answers.library
    open_ = questions(base.inference, answers.recorded, base.asked, base.thresholds)
    known = {**dict.fromkeys(base.catalogue.findings), **open_.findings.row()}
    criteria = CriteriaReader(
        base.criteria, known, base.criteria.evaluate(open_.findings), open_.answers, open_.sound
    )
    diagnosis = explain_differential(answers.differential, answers.tested, case.label)
    antibodies = answer(base.serology, answers.serology, noted.patient_id)
    row = answers.row.row()
    response = base.resistance.response(case, visits, answers.findings)
    resistance = base.resistance.explained(
        row, answers.explanations.row(), answers.judged, response
    )
    treatment = advice(
        base.options, answers.weighed.row(), answers.treatment.row(), answers.options.to_dicts(),
        diagnosis, resistance,
    )  # fmt: skip
    facts = FindingsReader(
        base.inference, noted, answers.patients.settled.recorded.row(), answers.recorded.row(), known,
        base.resistance.told_because(answers.told, row),
    )  # fmt: skip
    contradictions = facts.contradictions(open_.clashes)
    shown = facts.facts({c.finding for c in contradictions} | {c.other for c in contradictions})
    sets, disagreements = criteria.results(), criteria.disagreements()
    page = consult_of(answers.consult, 0, base.names)
    told: tuple[Told, ...] = (
        page, *sets, *disagreements, diagnosis, antibodies, resistance, treatment,
    )  # fmt: skip
    return Assessment(
        software_version=__version__,
        knowledge_version=base.version,
        patient_id=noted.patient_id,
        label=case.label,
        source=case.source.citation if case.source else None,
        consult=page,
        record=shown,
        contradictions=contradictions,
        remarks=(
            *case.foreign,
            *noted.remarks,
            *_beyond(base, answers.patients, case),
            *_unknown_methods(base, case),
            *facts.told_otherwise(answers.stated.findings.row(), answers.told.row()),
        ),
        left_open=len(noted.left_open),
        criteria=sets,
        disagreements=disagreements,
        differential=diagnosis,
        serology=antibodies,
        resistance=resistance,
        treatment=treatment,
        timeline=timeline(case, base.terms),
        rules={
            **_rules_of_page(base, page),
            **_rules(base, diagnosis, antibodies, resistance, treatment),
        },
        labels=_labels(base, shown, page),
        questions={finding.id: finding.question for finding in base.catalogue},
        units={finding.id: finding.unit for finding in base.catalogue if finding.unit},
        references=_references(base, told),
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
    return {**findings, **base.differential.base.said, **_reasons(base, facts), **because}


def _references(base: Knowledge, told: Iterable[Told]) -> dict[str, Reference]:
    """Return the works on which parts of an assessment rest, in the order in which they are cited."""
    cited = dict.fromkeys(key for part in told for key in part.sources())
    return {key: base.references[key] for key in cited if key in base.references}


def doubts(case: Case, knowledge: Knowledge | None = None) -> tuple[str, ...]:
    """Return what an assessment would remark on a case: what was not used, and what cannot be."""
    found = assess(case, knowledge)
    pairs = (one.text for one in found.contradictions)
    return tuple(dict.fromkeys((*found.remarks, *pairs)))


def _unknown_methods(base: Knowledge, case: Case) -> Iterator[str]:
    names = base.serology.knowledge.confidence.method_names()
    for place, test in enumerate(case.autoantibodies):
        if test.method and names.find(test.method) is None:
            near = names.nearest(test.method)
            hint = f"; did you mean {near.replace('_', ' ')}?" if near else ""
            yield (
                f"autoantibodies[{place}]: {shown(test.method)} is no method that is known, so it counts as "
                f"not stated{hint}"
            )


def _beyond(base: Knowledge, patients: Patients, case: Case) -> Iterator[str]:
    """Yield the courses whose dose or frequency no regimen reaches: a mistake of the record, or a danger."""
    for one, above in base.ceilings.exceeded(patients.treatments.courses):
        for place in above.nonzero()[0]:
            course = case.treatments[place]
            often = f" {course.frequency}" if course.frequency else ""
            asked = f"{often.strip()}? " if one.more_often_than and often else ""
            dose = f"{course.dose or 0:g} {course.unit or ''}{often}"
            yield (
                f"treatments[{place}]: {course.drug}, {dose}: {asked}"
                f"above any usual dose, so it counts as no adequate trial. {one.text}"
            )


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
        name: in_words(program.rules[rule].node, phrase)
        for name, (program, rule) in wanted.items()
        if rule in program.rules
    }
