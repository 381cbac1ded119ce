"""The worked examples that stand beside each criteria set, and whether the set still agrees with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from myoresist.case.catalogue import Catalogue
from myoresist.diagnosis.criteria.evaluate import EXCLUDED, NOTE, Criteria, column
from myoresist.findings.evaluate import Inference
from myoresist.knowledge.schema import Entry, load

Unknown = Literal["unknown"]


class Source(Entry):
    """Where a worked example was published."""

    cites: str
    at: str | None = None


class Expected(Entry):
    """What a set must say of an example; what is left out is not looked at."""

    outcome: str | None = None
    state: Literal["met", "not_met", "undetermined"] | None = None
    possible: tuple[str, ...] | None = None
    excluded: bool | Unknown | None = None
    variant: str | None = None
    score: float | None = None
    score_max: float | None = None
    probability: float | None = None
    outcome_max: str | None = None
    borderline: bool | None = None
    subgroup: str | None = None
    notes: tuple[str, ...] | None = None
    items: Mapping[str, bool | Unknown] = {}


class Example(Entry):
    """One patient and what a set must say.

    With ``others: absent`` every present-or-absent finding that is neither given, nor derived, nor implied
    by a given one is recorded as absent; numbers that are not given are always unknown.
    """

    name: str
    source: Source | str
    note: str | None = None
    given: Mapping[str, bool | float | str]
    others: Literal["absent", "unknown"] = "unknown"
    expect: Expected


class Examples(Entry):
    """The examples of one set."""

    set: str
    cases: tuple[Example, ...]


@dataclass(frozen=True)
class Failure:
    """An example with which the set does not agree."""

    set: str
    example: str
    message: str

    def __str__(self) -> str:
        """Return set, example and what differs on one line."""
        return f"{self.set}: {self.example}: {self.message}"


def load_examples(folder: Path, set_id: str) -> Examples:
    """Read ``criteria/<set>/tests.yaml`` of a knowledge folder."""
    return load(folder / "criteria" / set_id / "tests.yaml", Examples)


def recorded_rows(examples: Examples, catalogue: Catalogue, inference: Inference) -> pl.DataFrame:
    """Return one row an example with every finding of the catalogue as it is recorded."""
    rows = []
    for example in examples.cases:
        unknown = sorted(set(example.given) - {finding.id for finding in catalogue})
        if unknown:
            raise ValueError(
                f"{examples.set}: {example.name}: unknown finding {', '.join(unknown)}"
            )
        row: dict[str, Any] = dict(example.given)
        if example.others == "absent":
            spared = set(row) | inference.derivations.keys() | inference.implied_by(row)
            row |= {x.id: False for x in catalogue if x.kind == "bool" and x.id not in spared}
        rows.append(row)
    return pl.DataFrame(rows, schema=catalogue.table_schema(), strict=False)


def failures(
    examples: Examples, catalogue: Catalogue, inference: Inference, criteria: Criteria
) -> list[Failure]:
    """Return every example with which the set does not agree."""
    recorded = recorded_rows(examples, catalogue, inference)
    known = inference.known(recorded)
    results = criteria.evaluate(known.findings).to_dicts()
    found = []
    for example, row, conflicted in zip(examples.cases, results, known.conflicted, strict=True):
        messages = ["the record contradicts itself"] if conflicted else []
        got = _said(criteria, examples.set, row)
        for name, wanted in example.expect.model_dump(exclude_none=True).items():
            if name == "items":
                messages += [
                    f"item {item} is {_word(got['items'][item])}, expected {_word(value)}"
                    for item, value in wanted.items()
                    if _word(got["items"][item]) != _word(value)
                ]
            elif not _same(got[name], wanted):
                messages.append(f"{name} is {got[name]}, expected {wanted}")
        found += [Failure(examples.set, example.name, message) for message in messages]
    return found


def _said(criteria: Criteria, set_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    one = criteria.sets[set_id]
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
        "possible": criteria.open_classes(one, row),
        "excluded": _word(row.get(column(set_id, EXCLUDED))),
        "borderline": by_probability != got["outcome"] if one.score else None,
        "notes": tuple(n.id for n in one.notes if n.when and row[column(set_id, NOTE, n.id)]),
        "items": {item.id: row[column(set_id, item.id)] for item in one.items},
    }


def _word(value: object) -> object:
    return "unknown" if value is None else value


def _same(got: object, wanted: object) -> bool:
    if isinstance(wanted, float) and isinstance(got, float):
        return abs(got - wanted) < 5e-4
    return got == wanted
