"""The engine against code written for one patient at a time, which shares nothing with it."""

from __future__ import annotations

import bench
import per_patient
import polars as pl
import pytest

from myoresist import Knowledge
from myoresist.arrays.table import Table


@pytest.mark.parametrize("set_id", per_patient.SETS)
def test_every_answer_is_the_same(set_id: str) -> None:
    knowledge = Knowledge.load()
    frame = bench.synthetic(3_000, knowledge)
    verdicts = bench.only(knowledge.criteria, (set_id,)).evaluate(Table.of_frame(frame)).frame()
    rows = frame.select(per_patient.FINDINGS).to_dicts()
    answers = [per_patient.SETS[set_id](row) for row in rows]
    assert len({answer["outcome"] for answer in answers}) > 3
    assert bench.differences(set_id, pl.DataFrame(answers, infer_schema_length=None), verdicts) == 0


def test_a_difference_is_seen() -> None:
    answers = pl.DataFrame({"outcome": ["a", "b", "c"], "score": [1.0, 2.0, 3.0]})
    verdicts = pl.DataFrame({"s.outcome": ["a", None, "c"], "s.score": [1.0, 2.0, 3.1]})
    assert bench.differences("s", answers, verdicts) == 2


def test_synthetic_patients_hold_every_value_and_unknowns() -> None:
    knowledge = Knowledge.load()
    frame = bench.synthetic(3_000, knowledge)
    assert frame.equals(bench.synthetic(3_000, knowledge))
    for finding in knowledge.catalogue:
        column = frame[finding.id]
        assert 800 < column.null_count() < 1_200
        if finding.kind == "number":
            assert column.min() >= finding.minimum
            assert not column.is_nan().any()
