"""The worked examples beside the regimens and the definitions, and whether these still agree with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.case.model import Case
from myoresist.case.record import findings_table, record
from myoresist.case.terms import Terms
from myoresist.knowledge.schema import Entry, load_list
from myoresist.resistance.adequacy.explain import TreatmentKnowledge


class Example(Entry):
    """One patient and what must be said of the treatment history.

    Attributes:
        given: a case without its patient.
        columns: derived columns that other parts compute, such as those of visits.
        trials: verdict of each trial.
        missing: what each trial lacks.
        expect: value of each derived column; ``unknown`` for NULL.
        definitions: state of each definition.
    """

    name: str
    source: str
    given: Mapping[str, Any] = {}
    columns: Mapping[str, bool | float] = {}
    trials: Mapping[str, str] = {}
    missing: Mapping[str, tuple[str, ...]] = {}
    expect: Mapping[str, bool | float | str] = {}
    definitions: Mapping[str, str] = {}


def load_examples(path: Path) -> tuple[Example, ...]:
    """Read ``tests.yaml`` of ``adequacy/`` or ``refractory/``."""
    return load_list(path, Example)


def wrong(example: Example, base: TreatmentKnowledge, terms: Terms) -> list[str]:
    """Return everything in which the knowledge does not agree with an example."""
    case = Case.model_validate({"patient": {"id": "P", "weight_kg": 70}, **example.given})
    known = findings_table([record(case, terms)], terms.catalogue).drop("patient_id")
    known = known.with_columns(pl.lit(value).alias(name) for name, value in example.columns.items())
    history = base.of_case(case, terms, known)
    trials = {one.id: one for one in history.trials}
    states = {one.id: one.state for one in history.definitions}
    pairs: list[tuple[str, object, object]] = []
    for name, verdict in example.trials.items():
        pairs.append((name, trials[name].verdict if name in trials else "unknown", verdict))
    for name, missing in example.missing.items():
        pairs.append((f"missing of {name}", trials[name].missing, missing))
    for name, value in example.expect.items():
        got = history.columns[name]
        pairs.append((name, "unknown" if got is None else got, value))
    for name, state in example.definitions.items():
        pairs.append((name, states[name], state))
    return [
        f"{name} is {got}, expected {said}" for name, got, said in pairs if not _same(got, said)
    ]


def _same(got: object, said: object) -> bool:
    numbers = isinstance(got, float) and isinstance(said, int | float)
    return abs(got - said) < 5e-4 if numbers else got == said  # type: ignore[operator]
