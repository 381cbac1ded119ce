"""The worked examples beside the serology knowledge, and whether the rules still agree with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from myoresist.case.record import conform
from myoresist.findings.evaluate import Inference
from myoresist.knowledge.schema import Entry, load
from myoresist.serology.evaluate import Serology
from myoresist.serology.explain import SerologyResult, answer
from myoresist.serology.results import RESULTS

SPARED = ("antibody", "subtype")
"""Groups of findings that nobody looks for by name: without a result or a diagnosis they are unknown."""


class Source(Entry):
    """Where a worked example was published."""

    cites: str
    at: str | None = None


class Given(Entry):
    """One antibody result."""

    antibody: str
    method: str | None = None
    strength: Literal["negative", "weak", "positive", "moderate", "strong", "unknown"]


class Bounds(Entry):
    """Between which values a probability lies."""

    at_least: float = 0
    at_most: float = 1


class Expected(Entry):
    """What must be said; what is left out is not looked at."""

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


class Example(Entry):
    """One patient and what must be said.

    With ``others: absent`` every present-or-absent finding outside ``SPARED`` that is neither given, nor
    derived, nor implied by a given one is recorded as absent. A result counts as the finding of its antibody
    when it is not weak and no other result says otherwise, as it does in a case.
    """

    name: str
    source: Source | str
    note: str | None = None
    given: Mapping[str, bool | float | str] = {}
    results: tuple[Given, ...] = ()
    others: Literal["absent", "unknown"] = "unknown"
    expect: Expected


class Examples(Entry):
    """The examples of one group of rules."""

    group: str
    cases: tuple[Example, ...]


@dataclass(frozen=True)
class Failure:
    """An example with which the rules do not agree."""

    group: str
    example: str
    message: str

    def __str__(self) -> str:
        """Return group, example and what differs on one line."""
        return f"{self.group}: {self.example}: {self.message}"


def load_examples(folder: Path, group: str) -> Examples:
    """Read ``serology/<group>/tests.yaml`` of a knowledge folder."""
    return load(folder / "serology" / group / "tests.yaml", Examples)


def answers(
    examples: Examples, serology: Serology, inference: Inference
) -> list[tuple[SerologyResult, bool]]:
    """Return for each example what is said and whether its record contradicts itself."""
    catalogue = serology.catalogue
    rows = [_row(example, serology, inference) for example in examples.cases]
    recorded = pl.DataFrame(rows, schema=catalogue.table_schema(), strict=False)
    names = pl.Series("patient_id", [example.name for example in examples.cases])
    known = inference.known(conform(recorded.insert_column(0, names), catalogue))
    results = [
        (example.name, one.antibody, one.method, one.strength, None)
        for example in examples.cases
        for one in example.results
    ]
    table = pl.DataFrame(results, schema=dict(RESULTS), orient="row")
    tables = serology.evaluate(known.findings, table)
    return [
        (answer(serology, tables, index), clash) for index, clash in enumerate(known.conflicted)
    ]


def failures(examples: Examples, serology: Serology, inference: Inference) -> list[Failure]:
    """Return every example with which the rules do not agree."""
    found = []
    said = answers(examples, serology, inference)
    for example, (result, conflicted) in zip(examples.cases, said, strict=True):
        messages = ["the record contradicts itself"] if conflicted else []
        messages += _differences(example.expect, result, serology)
        found += [Failure(examples.group, example.name, message) for message in messages]
    return found


def _row(example: Example, serology: Serology, inference: Inference) -> dict[str, Any]:
    catalogue, antibodies = serology.catalogue, serology.knowledge.antibodies
    unknown = sorted(set(example.given) - {x.id for x in catalogue})
    unknown += sorted({one.antibody for one in example.results} - antibodies.keys())
    if unknown:
        raise ValueError(f"{example.name}: unknown finding {', '.join(unknown)}")
    row: dict[str, Any] = dict(example.given)
    for antibody in {one.antibody for one in example.results}:
        said = {
            one.strength != "negative"
            for one in example.results
            if one.antibody == antibody and one.strength not in ("weak", "unknown")
        }
        if len(said) == 1:
            row.setdefault(antibody, said.pop())
    if example.others == "absent":
        spared = set(row) | inference.derivations.keys() | inference.implied_by(row)
        row |= {
            x.id: False
            for x in catalogue
            if x.kind == "bool" and x.group not in SPARED and x.id not in spared
        }
    return row


def _differences(wanted: Expected, got: SerologyResult, serology: Serology) -> Iterator[str]:
    tested = {one.id: one for one in got.antibodies}
    for antibody, bounds in wanted.probability.items():
        value = tested[antibody].probability if antibody in tested else None
        if value is None or not bounds.at_least <= value <= bounds.at_most:
            yield f"the probability of {antibody} is {value}, expected {bounds}"
    for antibody, level in wanted.level.items():
        if antibody not in tested or tested[antibody].level != level:
            yield f"{antibody} is not {level}"
    said = {one.id for one in got.says}
    known = {
        f"{one.id}.{antibody.id}" if antibody else one.id
        for _, one, antibody in serology.statements()
    }
    strange = (set(wanted.says) | set(wanted.silent) | set(wanted.open)) - known
    yield from (f"unknown statement {one}" for one in sorted(strange))
    yield from (f"{one} is not said" for one in wanted.says if one not in said)
    yield from (f"{one} is said" for one in wanted.silent if one in said)
    open_ = {one.id: one.unknown for one in got.open}
    for one, unknown in wanted.open.items():
        if open_.get(one) != unknown:
            yield f"{one} is left open by {open_.get(one)}, expected {unknown}"
    for part in ("fits", "not_recorded", "typical_but_absent", "present_but_unusual", "not_done"):
        for antibody, ids in getattr(wanted, part).items():
            entries = getattr(tested[antibody], part) if antibody in tested else ()
            found = tuple(entry.id for entry in entries)
            if found != ids:
                yield f"{part} of {antibody} is {found}, expected {ids}"
    cancer = got.cancer
    values = {
        "most_likely": got.most_likely or "none",
        "setting": got.setting,
        "category": cancer.category,
        "lowest": cancer.lowest,
        "highest": cancer.highest,
        "unknown": cancer.unknown,
        "scope_unknown": cancer.scope_unknown,
        "factors": tuple(one.id for one in cancer.factors if one.value),
        "panels": tuple(one.id for one in cancer.at_diagnosis),
        "extras": tuple(one.id for one in cancer.extras),
    }
    for name, got_value in values.items():
        expected = getattr(wanted, name)
        if expected is not None and got_value != expected:
            yield f"{name} is {got_value}, expected {expected}"
