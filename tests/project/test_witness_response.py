"""The improvement score against code written for one patient at a time, which shares nothing with it."""

from __future__ import annotations

import polars as pl
import pytest
import response


@pytest.mark.parametrize("cadence", response.CADENCES)
def test_every_answer_is_the_same(cadence: str) -> None:
    responses = response.packaged()
    visits = responses.visits(response.registry(300))
    answers = getattr(responses, cadence)(visits)
    _, theirs = response.per_patient(visits, cadence)
    assert len(answers) == len(theirs) == 300 * (response.VISITS - 1)
    assert answers["category"].n_unique() > 3
    assert response.differences(answers, theirs) == 0


def test_a_difference_is_seen() -> None:
    theirs = pl.DataFrame({"category": ["none", "major", "none"], "score": [1.0, 2.0, 3.0]})
    ours = pl.DataFrame({"category": ["none", None, "none"], "score": [1.0, 2.0, 3.5]})
    assert response.differences(ours, theirs) == 2


def test_the_registry_is_the_same_every_time_and_holds_unknowns() -> None:
    table = response.registry(300)
    assert table.equals(response.registry(300))
    for name in response.WRITTEN:
        assert 200 < table[name].null_count() < 400
