"""Every worked example beside the response criteria, each under its own name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from myoresist.document import read_document
from myoresist.knowledge import folder
from myoresist.resistance.response.evaluate import Responses

EXAMPLES: Any = read_document(folder() / "response" / "tests.yaml").data
START = date(2020, 1, 1)


def table(example: dict[str, Any]) -> pl.DataFrame:
    """Return the visits of an example as a table."""
    rows = []
    for visit in example["visits"]:
        values = {
            key: value if isinstance(value, bool) else float(value)
            for key, value in visit.items()
            if key != "day"
        }
        day = START + timedelta(days=visit["day"])
        rows.append({"patient_id": "P", "date": day, **values})
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_worked_example(example: dict[str, Any], responses: Responses) -> None:
    visits = responses.visits(table(example), example.get("population"))
    expect = dict(example["expect"])
    for name, value in expect.pop("states", {}).items():
        assert word(responses.states(visits)[name][-1]) == value, name
    if not expect:
        return
    got = responses.against_baseline(visits, core_set=example.get("core_set", "imacs"))
    row = got.row(-1, named=True)
    for kind in ("percent", "points", "relative"):
        for domain, value in expect.pop(kind, {}).items():
            assert round(row[f"{domain}.{kind}"], 2) == value, (domain, kind)
    for name, value in expect.pop("definitions", {}).items():
        assert word(row[name]) == value, name
    expected_max = expect.get("score_max")
    for name, value in expect.items():
        assert row[name] == value, name
    if "category" in expect and expect["category"] != "undetermined":
        assert expected_max is not None or row["score"] == row["score_max"]


def word(value: bool | None) -> bool | str:
    return "unknown" if value is None else value


def test_names_are_given_once() -> None:
    names = [example["name"] for example in EXAMPLES]
    assert len(names) == len(set(names))
