"""Examples of options of treatment: their groups, what speaks against them, and what to check first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from myoresist.arrays.table import Table
from myoresist.case.courses import Treatments
from myoresist.case.model import Case
from myoresist.knowledge.schema import Entry
from myoresist.library import Knowledge
from myoresist.treatment.ceilings import OVER
from myoresist.treatment.columns import (
    CARE,
    FIRST,
    LEVELS,
    PROBABILITY,
    URGENT,
    against_column,
    applies_column,
    dose_column,
    missing_column,
)
from myoresist.treatment.schema import Level, Option, SafetyCheck, Statement
from myoresist.worked_examples.form import Example, Given, Value
from myoresist.worked_examples.patients import (
    CONSISTENT,
    Record,
    columns_of,
    patients,
    wrong_findings,
    wrong_names,
    wrong_values,
)

NOT_SHOWN = "not_shown"
"""Group of an option that is not looked at for a subset."""
WEIGHT_KG = 70
"""Weight of those whose courses are given."""


class OptionsGiven(Given):
    """A patient with what questions 1 to 3 tell: ``columns``, and how probable ``diseases`` are (0 to 1).

    ``courses`` are written as in a case; they are compared with the ceilings, and with nothing else.
    """

    courses: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, Value] = {}
    diseases: Mapping[str, float]


class OptionsExpected(Entry):
    """What must be said of treatments.

    Attributes:
        subsets: the subsets that the patient is likely to belong to, in the order of the file.
        groups: by subset the group of an option; ``not_shown`` where it is not looked at.
        against: of an option what is there that speaks against it, gravest first.
        open: of an option what could speak against it and is not known, in the same form.
        checks: whether a safety check is ``missing`` or ``recorded``.
        applies: whether an option is one for the patient at all.
        doses: of an option the places of the regimens for this patient, from 0.
        over: the ceilings that a course is above, in the order of the file.
        urgent, first, care: whether a statement holds.
    """

    record: Record = CONSISTENT
    subsets: tuple[str, ...] | None = None
    groups: Mapping[str, Mapping[str, str]] = {}
    against: Mapping[str, tuple[Level, ...]] = {}
    open: Mapping[str, tuple[Level, ...]] = {}
    checks: Mapping[str, Literal["missing", "recorded"]] = {}
    applies: Mapping[str, Value] = {}
    doses: Mapping[str, tuple[int, ...]] = {}
    over: tuple[str, ...] | None = None
    urgent: Mapping[str, Value] = {}
    first: Mapping[str, Value] = {}
    care: Mapping[str, Value] = {}


def wrong_in_options(
    knowledge: Knowledge, example: Example[OptionsGiven, OptionsExpected]
) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    data = knowledge.options.data
    yield from wrong_findings(knowledge, example.given.findings)
    yield from wrong_values(example.given.columns, knowledge.options.kinds, "column")
    yield from wrong_names(example.given.diseases, knowledge.differential.diseases, "disease")
    ceilings = {one.id for one in knowledge.ceilings.ceilings}
    yield from wrong_names(example.expect.over or (), ceilings, "ceiling")
    groups = {NOT_SHOWN, *(one.id for one in data.groups)}
    for placed in example.expect.groups.values():
        yield from wrong_names(placed.values(), groups, "group")


def options(
    knowledge: Knowledge, part: str, examples: Sequence[Example[OptionsGiven, OptionsExpected]]
) -> Iterator[Mapping[str, Any]]:
    """Return all that is said of treatments for each patient."""
    base = knowledge.options
    found = patients(knowledge, [one.given for one in examples])
    diseases = sorted({name for one in examples for name in one.given.diseases})
    columns = pl.DataFrame(
        [
            *columns_of([one.given.columns for one in examples], base.kinds),
            *(
                pl.Series(PROBABILITY + x, [one.given.diseases.get(x, 0.0) for one in examples])
                for x in diseases
            ),
        ]
    )
    table = found.findings.with_columns(Table.of_frame(columns, len(examples)))
    answered = base.evaluate(table)
    places = base.places(table, answered)
    for number, record in enumerate(found.records):
        row = {**dict.fromkeys(base.program.rules), **answered.row(number)}
        own = places.filter(pl.col("row") == number).to_dicts()
        over = _over(knowledge, examples[number].given.courses)
        yield {"record": record, "over": over, **_said(knowledge, row, own)}


def _over(knowledge: Knowledge, courses: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the ceilings that a course is above."""
    patient = {"id": "P", "weight_kg": WEIGHT_KG}
    case = Case.model_validate({"patient": patient, "treatments": courses})
    found = knowledge.ceilings.over(Treatments.of_cases([case], knowledge.terms)).row()
    return tuple(name.removeprefix(OVER) for name, value in found.items() if value)


def _said(
    knowledge: Knowledge, row: Mapping[str, Any], places: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    base = knowledge.options
    groups = {x: dict.fromkeys(base.data.options, NOT_SHOWN) for x in base.data.subsets}
    for place in places:
        groups[place["subset"]][place["option"]] = place["group"]

    def levels(option: str, value: bool | None) -> tuple[Level, ...]:
        rules = enumerate(base.against[option])
        one = base.data.options[option]
        there = {rule.level for n, rule in rules if row[against_column(one, n)] is value}
        return tuple(level for level in LEVELS if level in there)

    def doses(one: Option) -> tuple[int, ...]:
        columns = [dose_column(one, place) for place in range(len(one.regimens))]
        return tuple(n for n, column in enumerate(columns) if row.get(column) is not False)

    def holding(prefix: str, entries: Sequence[Statement]) -> dict[str, bool | None]:
        return {one.id: row[prefix + one.id] if one.when else True for one in entries}

    return {
        "subsets": tuple(dict.fromkeys(place["subset"] for place in places)),
        "groups": groups,
        "against": {x: levels(x, True) for x in base.data.options},
        "open": {x: levels(x, None) for x in base.data.options},
        "applies": {x: row.get(applies_column(one), True) for x, one in base.data.options.items()},
        "doses": {x: doses(one) for x, one in base.data.options.items()},
        "checks": {x.id: _recorded(x, row) for x in base.data.checks},
        "urgent": holding(URGENT, base.data.urgent),
        "first": holding(FIRST, base.data.first),
        "care": holding(CARE, base.data.care),
    }


def _recorded(check: SafetyCheck, row: Mapping[str, Any]) -> str:
    return "recorded" if row[missing_column(check)] is False else "missing"
