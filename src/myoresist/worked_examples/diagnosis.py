"""Examples of what follows from findings, of criteria sets, and of the differential diagnosis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from myoresist.arrays.table import Table
from myoresist.diagnosis.criteria.compile import EXCLUDED, NOTE, column
from myoresist.knowledge.schema import Entry
from myoresist.library import Knowledge
from myoresist.worked_examples.form import Example, Given, Value
from myoresist.worked_examples.patients import (
    CONSISTENT,
    Record,
    patients,
    wrong_findings,
    wrong_names,
)

Truth: TypeAlias = bool | Literal["unknown"]
FindingsGiven: TypeAlias = Given


class FindingsExpected(Entry):
    """What is known after everything that follows from what is given."""

    record: Record = CONSISTENT
    findings: Mapping[str, Value] = {}


class CriteriaExpected(Entry):
    """What a criteria set must say."""

    record: Record = CONSISTENT
    outcome: str | None = None
    state: Literal["met", "not_met", "undetermined"] | None = None
    possible: tuple[str, ...] | None = None
    excluded: Truth | None = None
    variant: str | None = None
    score: float | None = None
    score_max: float | None = None
    probability: float | None = None
    outcome_max: str | None = None
    borderline: bool | None = None
    subgroup: str | None = None
    notes: tuple[str, ...] | None = None
    items: Mapping[str, Truth] = {}


class DifferentialGiven(Given):
    """A patient and the diagnosis that the patient carries, rightly or wrongly."""

    label: str | None = None


class Without(Entry):
    """How far the disease gets while some findings are not known."""

    findings: tuple[str, ...]
    among_first: int


class DifferentialExpected(Entry):
    """The right disease, and among how many of the most probable it must be."""

    record: Record = CONSISTENT
    disease: str
    among_first: int = 1
    without: Without | None = None


def wrong_in_findings(knowledge: Knowledge, example: Example[Given, Any]) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    yield from wrong_findings(knowledge, example.given.findings)


def findings(
    knowledge: Knowledge, part: str, examples: Sequence[Example[Given, FindingsExpected]]
) -> Iterator[Mapping[str, Any]]:
    """Return every finding of each patient."""
    found = patients(knowledge, [one.given for one in examples])
    for record, row in zip(found.records, found.known.to_dicts(), strict=True):
        yield {"record": record, "findings": row}


def criteria(
    knowledge: Knowledge, part: str, examples: Sequence[Example[Given, CriteriaExpected]]
) -> Iterator[Mapping[str, Any]]:
    """Return all that the criteria set ``part`` says of each patient."""
    found = patients(knowledge, [one.given for one in examples])
    verdicts = knowledge.criteria.evaluate(found.findings)
    for place, record in enumerate(found.records):
        yield {"record": record, **_said(knowledge, part, verdicts.row(place))}


def _said(knowledge: Knowledge, set_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    base = knowledge.criteria
    one = base.sets[set_id]
    names = (
        "outcome",
        "state",
        "variant",
        "score",
        "score_max",
        "probability",
        "outcome_max",
        "subgroup",
    )
    got = {name: row.get(column(set_id, name)) for name in names}
    by_probability = row.get(column(set_id, "outcome_by_probability"))
    return {
        **got,
        "possible": base.open_classes(one, row),
        "excluded": row.get(column(set_id, EXCLUDED)),
        "borderline": by_probability != got["outcome"] if one.score else None,
        "notes": tuple(n.id for n in one.notes if n.when and row[column(set_id, NOTE, n.id)]),
        "items": {item.id: row[column(set_id, item.id)] for item in one.items},
    }


def wrong_in_differential(
    knowledge: Knowledge, example: Example[DifferentialGiven, DifferentialExpected]
) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    base, given, expect = knowledge.differential.base, example.given, example.expect
    yield from wrong_findings(knowledge, given.findings)
    yield from wrong_names([expect.disease], base.diseases, "disease")
    yield from wrong_names([given.label] if given.label else [], base.families.labels, "label")
    if expect.without:
        yield from wrong_names(expect.without.findings, given.findings, "finding that is given")


def differential(
    knowledge: Knowledge,
    part: str,
    examples: Sequence[Example[DifferentialGiven, DifferentialExpected]],
) -> Iterator[Mapping[str, Any]]:
    """Return how far the right disease gets, with all that is given and without what settles it."""
    wanted = [one.expect for one in examples]
    left_out = [one.without.findings if one.without else () for one in wanted]
    fewer = [
        one.given.model_copy(
            update={"findings": {x: v for x, v in one.given.findings.items() if x not in hidden}}
        )
        for one, hidden in zip(examples, left_out, strict=True)
    ]
    full = patients(knowledge, [one.given for one in examples])
    diseases = [one.disease for one in wanted]
    ranks = zip(
        _ranks(knowledge, full.findings, diseases),
        _ranks(knowledge, patients(knowledge, fewer).findings, diseases),
        strict=True,
    )
    for one, record, (rank, rank_without) in zip(wanted, full.records, ranks, strict=True):
        got: dict[str, Any] = {"record": record, "disease": one.disease}
        got["among_first"] = max(rank, one.among_first)
        if one.without:
            among = max(rank_without, one.without.among_first)
            got["without"] = {"findings": one.without.findings, "among_first": among}
        yield got


def _ranks(knowledge: Knowledge, known: Table, diseases: Sequence[str]) -> list[int]:
    """Return the place of one disease for each patient, 1 for the most probable."""
    base = knowledge.differential
    probability = base.posterior(known)
    own = [probability[row, base.diseases.index(name)] for row, name in enumerate(diseases)]
    return [int((probability[row] > value).sum()) + 1 for row, value in enumerate(own)]
