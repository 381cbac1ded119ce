"""Examples of what antibody results say, and of the search for cancer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from myoresist.knowledge.schema import Entry
from myoresist.library import Knowledge
from myoresist.serology.answer import SerologyResult
from myoresist.serology.explain import answer
from myoresist.serology.results import RESULTS, usable
from myoresist.worked_examples.form import Example, Given
from myoresist.worked_examples.patients import (
    CONSISTENT,
    PATIENT,
    Record,
    patients,
    wrong_findings,
    wrong_names,
)

SPARED = ("antibody", "subtype")
"""Groups of findings that nobody looks for by name: without a result or a diagnosis they are unknown."""
PROFILE = ("fits", "not_recorded", "typical_but_absent", "present_but_unusual", "not_done")


class ResultGiven(Entry):
    """One antibody result."""

    antibody: str
    method: str | None = None
    strength: Literal["negative", "weak", "positive", "moderate", "strong", "unknown"]


class SerologyGiven(Given):
    """A patient with antibody results.

    A result counts as the finding of its antibody when it is not weak and no other result says otherwise, as
    it does in a case. ``others: absent`` leaves ``SPARED`` unknown.
    """

    results: tuple[ResultGiven, ...] = ()


class Bounds(Entry):
    """Between which values a probability lies."""

    at_least: float = 0
    at_most: float = 1


class SerologyExpected(Entry):
    """What must be said; ``says`` must be, ``silent`` must not be, ``open`` waits for the findings named."""

    record: Record = CONSISTENT
    probability: Mapping[str, Bounds] = {}
    level: Mapping[str, str] = {}
    most_likely: str | None = None
    setting: str | None = None
    says: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    open: Mapping[str, tuple[str, ...]] = {}
    fits: Mapping[str, tuple[str, ...]] = {}
    not_recorded: Mapping[str, tuple[str, ...]] = {}
    typical_but_absent: Mapping[str, tuple[str, ...]] = {}
    present_but_unusual: Mapping[str, tuple[str, ...]] = {}
    not_done: Mapping[str, tuple[str, ...]] = {}
    category: str | None = None
    lowest: str | None = None
    highest: str | None = None
    unknown: tuple[str, ...] | None = None
    scope_unknown: tuple[str, ...] | None = None
    factors: tuple[str, ...] | None = None
    panels: tuple[str, ...] | None = None
    extras: tuple[str, ...] | None = None


def wrong_in_serology(
    knowledge: Knowledge, example: Example[SerologyGiven, SerologyExpected]
) -> Iterator[str]:
    """Yield what in an example stands for nothing."""
    antibodies = knowledge.serology.knowledge.antibodies
    statements = {
        f"{one.id}.{antibody.id}" if antibody else one.id
        for _, one, antibody in knowledge.serology.statements()
    }
    expect = example.expect
    yield from wrong_findings(knowledge, example.given.findings)
    yield from wrong_names((x.antibody for x in example.given.results), antibodies, "antibody")
    yield from wrong_names((*expect.says, *expect.silent, *expect.open), statements, "statement")


def serology(
    knowledge: Knowledge,
    part: str,
    examples: Sequence[Example[SerologyGiven, SerologyExpected]],
) -> Iterator[Mapping[str, Any]]:
    """Return all that is said of each patient."""
    given = [one.given for one in examples]
    found = patients(knowledge, given, [_antibodies(one) for one in given], SPARED)
    results = [
        (name, one.antibody, one.method, one.strength, None)
        for name, patient in zip(found.known[PATIENT], given, strict=True)
        for one in patient.results
    ]
    table = pl.DataFrame(results, schema=dict(RESULTS), orient="row")
    known = found.known[PATIENT]
    results_of = usable(table, known, knowledge.serology.words)
    tables = knowledge.serology.evaluate(found.findings, results_of)
    for index, (one, record) in enumerate(zip(examples, found.records, strict=True)):
        said = answer(knowledge.serology, tables, known[index], index)
        yield {
            "record": record,
            **_said(one.expect, said, [*knowledge.serology.knowledge.antibodies]),
        }


def _antibodies(given: SerologyGiven) -> dict[str, bool]:
    """Return the antibodies that are there or not by the results that are neither weak nor unknown."""
    found: dict[str, bool] = {}
    for antibody in {one.antibody for one in given.results}:
        said = {
            one.strength != "negative"
            for one in given.results
            if one.antibody == antibody and one.strength not in ("weak", "unknown")
        }
        if len(said) == 1:
            found[antibody] = said.pop()
    return found


def _said(
    wanted: SerologyExpected, got: SerologyResult, antibodies: Sequence[str]
) -> dict[str, Any]:
    tested = {one.id: one for one in got.antibodies}
    said = {one.id for one in got.says}
    cancer = got.cancer
    return {
        "probability": {x: tested[x].probability if x in tested else None for x in antibodies},
        "level": {x: tested[x].level if x in tested else None for x in antibodies},
        "most_likely": got.most_likely or "none",
        "setting": got.setting,
        "says": tuple(one for one in wanted.says if one in said),
        "silent": tuple(one for one in wanted.silent if one not in said),
        "open": dict.fromkeys(wanted.open) | {one.id: one.unknown for one in got.open},
        **{
            name: {
                x: tuple(entry.id for entry in getattr(tested[x], name)) if x in tested else ()
                for x in antibodies
            }
            for name in PROFILE
        },
        "category": cancer.category,
        "lowest": cancer.lowest,
        "highest": cancer.highest,
        "unknown": cancer.unknown,
        "scope_unknown": cancer.scope_unknown,
        "factors": tuple(one.id for one in cancer.factors if one.value),
        "panels": tuple(one.id for one in cancer.at_diagnosis),
        "extras": tuple(one.id for one in cancer.extras),
    }
