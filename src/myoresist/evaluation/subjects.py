"""Patients whose diagnosis is known, each twice, as the differential reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from myoresist.answers import Answers
from myoresist.arrays.table import Numbers, Table
from myoresist.assessment import one_patient
from myoresist.case.model import Case
from myoresist.case.record import record
from myoresist.diagnosis.differential.adjustments import LABEL
from myoresist.diagnosis.differential.annotations import Annotations
from myoresist.diagnosis.differential.next_test import Proposal
from myoresist.evaluation.published import Coded, Value, table
from myoresist.evaluation.refractory import Pair
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.ontology import packaged_ontology
from myoresist.library import Knowledge


@dataclass(frozen=True)
class Subject:
    """One patient whose diagnosis is known.

    Attributes:
        id: of the case.
        accepted: the diagnosis, and others that count as right; some may not be in the differential.
        label: what the patient was called at first, if that is known.
        settling: the findings, or the investigations, that settled it.
        known: what is known at first and in the end, each a table of one patient.
        beside: the logarithm of what terms say of each disease that no finding stands for, at first and in
            the end, (D,); none where there are no such terms.
    """

    id: str
    accepted: tuple[str, ...]
    label: str | None
    settling: frozenset[str]
    known: tuple[Table, Table]
    beside: tuple[Numbers | None, Numbers | None] = (None, None)

    def settled_by(self, one: Proposal) -> bool:
        """Tell whether an investigation is among those that settled it."""
        return bool(self.settling & {one.investigation.id, *one.gain.unknown})


def published(cases: Sequence[Coded], knowledge: Knowledge, everything: bool) -> list[Subject]:
    """Return published cases; only those of adults who have enough stated, unless everything is wanted."""
    used = [one for one in cases if everything or one.case.typical]
    labels = Table.of_rows([{LABEL: one.case.initial_label} for one in used])
    said = [_listed(one, knowledge) for one in used]
    hidden = _known(knowledge, [{**a, **x.hidden} for x, (a, _) in zip(used, said, strict=True)])
    revealed = _known(
        knowledge, [{**b, **x.revealed} for x, (_, b) in zip(used, said, strict=True)]
    )
    beside = _beside(used, knowledge)
    hidden, revealed = (one.with_columns(labels) for one in (hidden, revealed))
    return [
        Subject(
            id=one.case.id,
            accepted=(one.case.final_diagnosis, *one.case.also_accept),
            label=one.case.initial_label,
            settling=frozenset(one.given_away),
            known=(_row(hidden, row), _row(revealed, row)),
            beside=beside[row],
        )
        for row, one in enumerate(used)
    ]


def _terms(one: Coded) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the terms that are present without what gives the diagnosis away, and all of them."""
    codes, ontology, every = packaged_codes(), packaged_ontology(), one.case.hpo.present
    if ontology is None:
        return (), ()
    away = set(one.case.withheld)
    return tuple(x for x in every if not away & ontology.means(x, codes)), every


def _listed(one: Coded, knowledge: Knowledge) -> tuple[dict[str, bool], dict[str, bool]]:
    """Return the findings that a list of terms says, at first and in the end."""
    ontology = packaged_ontology()
    if ontology is None or not (one.case.hpo.present or one.case.hpo.absent):
        return {}, {}
    away = set(one.case.withheld)
    first, last = (
        ontology.findings(present, one.case.hpo.absent, packaged_codes()) for present in _terms(one)
    )
    known = {x.id for x in knowledge.catalogue}
    return (
        {name: value for name, value in first.items() if name in known - away},
        {name: value for name, value in last.items() if name in known},
    )


def _beside(
    used: Sequence[Coded], knowledge: Knowledge
) -> list[tuple[Numbers | None, Numbers | None]]:
    """Return what terms say that no finding stands for, at first and in the end."""
    ontology = packaged_ontology()
    if ontology is None or not any(one.case.hpo.present for one in used):
        return [(None, None)] * len(used)
    base = knowledge.differential.base
    annotations = Annotations.of(base.diseases.values(), ontology.annotated, base.method)

    def says(terms: Sequence[str]) -> Numbers | None:
        left = ontology.beyond(terms, packaged_codes())
        return annotations.log_ratio(left, ontology.upwards) if left else None

    return [(says(first), says(last)) for first, last in map(_terms, used)]


def refractory(pairs: Sequence[Pair], knowledge: Knowledge) -> list[Subject]:
    """Return refractory patients, before and after the answer was found."""
    return [
        Subject(
            id=one.truth.id,
            accepted=(one.truth.final_diagnosis, *one.truth.also_accept),
            label=one.before.label,
            settling=frozenset(one.truth.decisive_test),
            known=(_of_case(one.before, knowledge), _of_case(one.after, knowledge)),
        )
        for one in pairs
    ]


def _of_case(case: Case, knowledge: Knowledge) -> Table:
    patients, _ = one_patient(case, record(case, knowledge.terms), knowledge)
    return Answers(patients, knowledge, knowledge.differential).tested


def _known(knowledge: Knowledge, records: Sequence[Mapping[str, Value]]) -> Table:
    """Return what is known of each case, with what its antibody tests are worth."""
    recorded = Table.of_frame(table(records, knowledge.catalogue).drop("patient_id"))
    found = knowledge.inference.known(recorded).findings
    return knowledge.serology.with_tests(found, knowledge.serology.evaluate(found))


def _row(known: Table, row: int) -> Table:
    return known.take(slice(row, row + 1))
