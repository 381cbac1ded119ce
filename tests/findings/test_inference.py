"""What follows from a record, and what happens when it contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myoresist.arrays.table import Table
from myoresist.case.catalogue import Catalogue
from myoresist.document import DocumentError
from myoresist.findings.evaluate import Inference, Known


def load(folder: Path) -> Inference:
    return Inference.load(folder, Catalogue.load(folder))


def table(*rows: dict[str, Any]) -> Table:
    return Table.of_rows(rows)


def row_of(inference: Inference, known: Known, place: int = 0) -> dict[str, Any]:
    return {**dict.fromkeys(inference.catalogue.findings), **known.findings.row(place)}


def known(inference: Inference, **row: Any) -> dict[str, Any]:
    return row_of(inference, inference.known(table(row)))


def test_the_narrow_finding_brings_the_broad_one(toy: Path) -> None:
    result = known(load(toy), large_red=True)
    assert (result["red"], result["spots"], result["smooth_skin"]) == (True, True, False)
    assert result["blue"] is None


def test_without_the_broad_finding_there_is_no_narrow_one(toy: Path) -> None:
    result = known(load(toy), spots=False)
    assert (result["red"], result["large_red"], result["blue"]) == (False, False, False)
    assert result["smooth_skin"] is None


def test_all_narrow_findings_absent_make_a_derived_one_absent(toy: Path) -> None:
    assert known(load(toy), red=False, blue=False)["spots"] is False
    assert known(load(toy), red=False)["spots"] is None


def test_a_contradiction_counts_as_unknown_and_takes_its_consequences_along(toy: Path) -> None:
    inference = load(toy)
    recorded = {"large_red": True, "spots": False, "tested": True}
    result = inference.known(table(recorded))
    row = row_of(inference, result)
    assert result.conflicted == 1
    assert [row[x] for x in ("large_red", "red", "spots", "blue", "smooth_skin")] == [None] * 5
    assert row["tested"] is True
    (clash,) = inference.contradictions(recorded, row)
    assert (clash.finding, clash.says, clash.other, clash.other_says) == (
        "large_red",
        True,
        "spots",
        False,
    )


def test_excluded_findings_contradict_each_other(toy: Path) -> None:
    inference = load(toy)
    recorded = {"smooth_skin": True, "blue": True}
    result = inference.known(table(recorded, {"smooth_skin": True}))
    assert [result.is_conflicted(place) for place in (0, 1)] == [True, False]
    (clash,) = inference.contradictions(recorded, row_of(inference, result))
    assert {clash.finding, clash.other} == {"smooth_skin", "blue"}
    assert clash.why == "smooth skin has no spots"


def test_what_is_recorded_against_its_own_rule_is_a_contradiction(toy: Path) -> None:
    inference = load(toy)
    recorded = {"level": 50.0, "level_high": False}
    row = known(inference, **recorded)
    assert row["level_high"] is None
    assert row["level"] == 50.0
    (clash,) = inference.contradictions(recorded, row)
    assert (clash.finding, clash.says, clash.other_says) == ("level_high", False, True)


def test_reasons_name_what_was_recorded(toy: Path) -> None:
    inference = load(toy)
    recorded = {"large_red": True, "level": 50.0}
    both = recorded, known(inference, **recorded)
    assert inference.because("spots", *both) == ("large_red",)
    assert inference.because("smooth_skin", *both) == ("large_red",)
    assert inference.because("level_high", *both) == ("level",)


def test_a_rule_that_cannot_be_used_names_file_and_entry(toy: Path) -> None:
    path = toy / "findings" / "derived.yaml"
    path.write_text("- {id: spots, text: any, when: red OR blu, check: convention}\n")
    with pytest.raises(
        DocumentError, match=r"derived.yaml.*spots.*unknown name blu; did you mean blue"
    ):
        load(toy)


answers = st.sampled_from([True, False, None])
BOOLS = ("red", "blue", "spots", "large_red", "smooth_skin", "level_high")
record = st.fixed_dictionaries(
    {**dict.fromkeys(BOOLS, answers), "level": st.sampled_from([None, 1.0, 50.0])}
)
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(rows=st.lists(record, min_size=1, max_size=6))
def test_one_patient_alone_is_that_patient_in_a_table(
    toy: Path, rows: list[dict[str, Any]]
) -> None:
    inference = load(toy)

    def rows_of(result: Known) -> list[dict[str, Any]]:
        return [row_of(inference, result, place) for place in range(result.findings.size)]

    together = rows_of(inference.known(table(*rows)))
    assert together == [known(inference, **row) for row in rows]
    assert rows_of(inference.known(table(*rows[::-1]))) == together[::-1]


@quick
@given(row=record)
def test_what_follows_is_stable_and_consistent(toy: Path, row: dict[str, Any]) -> None:
    inference = load(toy)
    result = inference.known(table(row))
    if result.conflicted:
        return
    again = inference.known(result.findings)
    assert row_of(inference, again) == row_of(inference, result)
    assert not again.conflicted


@quick
@given(row=record, finding=st.sampled_from(BOOLS), answer=st.booleans())
def test_learning_adds_and_takes_nothing_away(
    toy: Path, row: dict[str, Any], finding: str, answer: bool
) -> None:
    inference = load(toy)
    before = inference.known(table(row))
    after = inference.known(table({**row, finding: answer}))
    if row[finding] is not None or after.conflicted or before.conflicted:
        return
    new = row_of(inference, after)
    for name, old in row_of(inference, before).items():
        assert old is None or new[name] == old, name


@quick
@given(row=record)
def test_a_contradiction_is_reported_exactly_when_there_is_one(
    toy: Path, row: dict[str, Any]
) -> None:
    inference = load(toy)
    result = inference.known(table(row))
    found = inference.contradictions(row, row_of(inference, result))
    assert bool(found) == result.is_conflicted()
