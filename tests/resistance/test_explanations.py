"""Explanations of non-response: what is unknown never rules one out, and what can harm comes first."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.arrays.table import Table
from myoresist.library import Knowledge
from myoresist.resistance.explanations.evaluate import (
    ORDER,
    PREFIX,
    STATUS,
    ExplanationsResult,
    explanations_of,
)

BASE = Knowledge.load()
WHY = BASE.resistance.explanations
FLAGS = sorted(name for name in WHY.reads if WHY.kinds[name] == "bool")


def explained(row: dict[str, Any]) -> ExplanationsResult:
    return explanations_of(WHY, row, WHY.evaluate(Table.of_rows([row])).row())


rows = st.dictionaries(st.sampled_from(FLAGS), st.booleans(), max_size=14)


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from(FLAGS), st.booleans())
def test_learning_never_makes_a_settled_explanation_unassessable(
    row: dict[str, Any], finding: str, value: bool
) -> None:
    before = {x.id: x.status for x in explained(row).explanations}
    after = {x.id: x.status for x in explained({finding: value, **row}).explanations}
    for one, was in before.items():
        if was != "not_assessable":
            assert after[one] != "not_assessable"


@settings(max_examples=40, deadline=None)
@given(rows)
def test_what_can_harm_comes_first_and_is_never_hidden(row: dict[str, Any]) -> None:
    found = explained(row).explanations
    assert {x.id for x in found} == set(WHY.entries)
    open_harm = [x.harm and x.status != "argued_against" for x in found]
    assert open_harm == sorted(open_harm, reverse=True)
    rest = [ORDER[x.status] for x in found if not x.harm]
    assert rest == sorted(rest)


@settings(max_examples=30, deadline=None)
@given(rows, rows)
def test_one_patient_alone_is_that_patient_in_a_table(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    together = WHY.evaluate(Table.of_rows([other, one])).row(1)
    alone = {x.id: x.status for x in explained(one).explanations}
    assert {name: together[PREFIX + name + STATUS] for name in alone} == alone


def test_reasons_are_those_that_decide() -> None:
    row = {"mri_fatty_replacement": True, "mri_muscle_edema": False, "ck_current_x_uln": 1.0}
    found = next(x for x in explained(row).explanations if x.id == "irreversible_damage")
    assert set(found.because) == set(row)
    open_ = next(
        x
        for x in explained({"mri_fatty_replacement": True}).explanations
        if x.id == "irreversible_damage"
    )
    assert open_.because == ("mri_fatty_replacement",)
    assert {"mri_muscle_edema", "ck_current_x_uln"} <= set(open_.unknown)


def test_one_does_not_wait_where_an_organ_is_at_risk() -> None:
    row = {"trial_last_below_min_duration": True, "myocarditis": True}
    found = next(x for x in explained(row).explanations if x.id == "inadequate_duration")
    assert found.status == "supported" and found.urgent
    steps = explained(row).steps
    assert steps[0].id == "emergency_first" and steps[0].urgent


def test_everything_cites_known_works() -> None:
    for one in (*WHY.entries.values(), *WHY.failures, *WHY.steps):
        assert one.cites and set(one.cites) <= BASE.references.keys(), one.id
        assert one.check


def test_the_course_of_visits_is_read(tmp_path: Any) -> None:
    """Enzymes fell, strength did not: damage or another cause of weakness becomes possible."""
    from myoresist import assess
    from myoresist.case.reading import read_case

    path = tmp_path / "case.yaml"
    path.write_text(
        "patient: {id: P, age: 60}\n"
        "onset: {age: 55}\n"
        "labs:\n"
        "- {test: CK, value: 2000, unit: U/L, upper_limit: 200, date: 2023-05-01}\n"
        "- {test: CK, value: 300, unit: U/L, upper_limit: 200, date: 2023-11-01}\n"
        "visits:\n"
        "- {date: 2023-05-01, mmt8: 110, physician_global: 6}\n"
        "- {date: 2023-11-01, mmt8: 112, physician_global: 5}\n"
    )
    why = assess(read_case(path)).resistance.why
    damage = next(x for x in why.explanations if x.id == "irreversible_damage")
    assert damage.status == "possible"
    assert "course_ck_fell_strength_did_not" in damage.because
    measured = next(x for x in why.explanations if x.id == "wrong_outcome_measure")
    assert measured.because == ("core_extramuscular_never_measured",)
