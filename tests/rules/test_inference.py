"""What follows from a record, and what happens when it contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myoresist.case.catalogue import Catalogue
from myoresist.document import DocumentError
from myoresist.findings.evaluate import Inference, Known


def load(folder: Path) -> Inference:
    return Inference.load(folder, Catalogue.load(folder))


def table(inference: Inference, *rows: dict[str, Any]) -> pl.DataFrame:
    named = [{"patient_id": str(index), **row} for index, row in enumerate(rows)]
    return pl.DataFrame(
        named, schema={"patient_id": pl.String, **inference.catalogue.table_schema()}
    )


def known(inference: Inference, **row: Any) -> dict[str, Any]:
    return inference.known(table(inference, row)).findings.row(0, named=True)


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
    recorded = table(inference, {"large_red": True, "spots": False, "tested": True})
    result = inference.known(recorded)
    row = result.findings.row(0, named=True)
    assert result.conflicted.to_list() == [True]
    assert [row[x] for x in ("large_red", "red", "spots", "blue", "smooth_skin")] == [None] * 5
    assert row["tested"] is True
    (clash,) = inference.contradictions(recorded, result)
    assert (clash.finding, clash.says, clash.other, clash.other_says) == (
        "large_red",
        True,
        "spots",
        False,
    )


def test_excluded_findings_contradict_each_other(toy: Path) -> None:
    inference = load(toy)
    recorded = table(inference, {"smooth_skin": True, "blue": True}, {"smooth_skin": True})
    result = inference.known(recorded)
    assert result.conflicted.to_list() == [True, False]
    (clash,) = inference.contradictions(recorded, result)
    assert {clash.finding, clash.other} == {"smooth_skin", "blue"}
    assert clash.why == "smooth skin has no spots"


def test_what_is_recorded_against_its_own_rule_is_a_contradiction(toy: Path) -> None:
    inference = load(toy)
    recorded = table(inference, {"level": 50.0, "level_high": False})
    result = inference.known(recorded)
    assert result.findings["level_high"].to_list() == [None]
    assert result.findings["level"].to_list() == [50.0]
    (clash,) = inference.contradictions(recorded, result)
    assert (clash.finding, clash.says, clash.other_says) == ("level_high", False, True)


def test_reasons_name_what_was_recorded(toy: Path) -> None:
    inference = load(toy)
    row = table(inference, {"large_red": True, "level": 50.0})
    both = row.row(0, named=True), inference.known(row).findings.row(0, named=True)
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


def settled(result: Known) -> list[dict[str, Any]]:
    return result.findings.drop("patient_id").to_dicts()


@quick
@given(rows=st.lists(record, min_size=1, max_size=6))
def test_one_patient_alone_is_that_patient_in_a_table(
    toy: Path, rows: list[dict[str, Any]]
) -> None:
    inference = load(toy)
    together = settled(inference.known(table(inference, *rows)))
    alone = [settled(inference.known(table(inference, row)))[0] for row in rows]
    assert together == alone
    assert settled(inference.known(table(inference, *rows[::-1]))) == together[::-1]


@quick
@given(rows=st.lists(record, min_size=1, max_size=6))
def test_how_many_patients_are_weighed_at_a_time_does_not_matter(
    toy: Path, rows: list[dict[str, Any]]
) -> None:
    inference = load(toy)
    recorded = table(inference, *rows)
    whole = inference.known(recorded)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("myoresist.findings.evaluate.CHUNK", 2)
        pieces = inference.known(recorded)
    assert pieces.findings.equals(whole.findings)
    assert pieces.conflicted.equals(whole.conflicted)


@quick
@given(row=record)
def test_what_follows_is_stable_and_consistent(toy: Path, row: dict[str, Any]) -> None:
    inference = load(toy)
    result = inference.known(table(inference, row))
    if result.conflicted[0]:
        return
    again = inference.known(result.findings)
    assert again.findings.equals(result.findings)
    assert again.conflicted.to_list() == [False]


@quick
@given(row=record, finding=st.sampled_from(BOOLS), answer=st.booleans())
def test_learning_adds_and_takes_nothing_away(
    toy: Path, row: dict[str, Any], finding: str, answer: bool
) -> None:
    inference = load(toy)
    before = inference.known(table(inference, row))
    after = inference.known(table(inference, {**row, finding: answer}))
    if row[finding] is not None or after.conflicted[0] or before.conflicted[0]:
        return
    for (name, old), new in zip(
        settled(before)[0].items(), settled(after)[0].values(), strict=True
    ):
        assert old is None or new == old, name


@quick
@given(row=record)
def test_a_contradiction_is_reported_exactly_when_there_is_one(
    toy: Path, row: dict[str, Any]
) -> None:
    inference = load(toy)
    recorded = table(inference, row)
    result = inference.known(recorded)
    assert bool(inference.contradictions(recorded, result)) == result.conflicted[0]
