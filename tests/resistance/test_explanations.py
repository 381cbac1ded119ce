"""Explanations: what supports them, in which order they come, and what the work-up still needs."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from myoresist import knowledge
from myoresist.case.catalogue import DTYPES
from myoresist.case.reading import packaged_terms
from myoresist.knowledge.schema import load_references
from myoresist.resistance.columns import Columns
from myoresist.resistance.explanations import DAMAGE_COLUMN, SUPPORT, Explanations
from myoresist.resistance.regimens import Regimens

TERMS = packaged_terms()
FOLDER = knowledge.folder()
COLUMNS = Columns.load(FOLDER, Regimens.load(FOLDER, TERMS), TERMS.catalogue)
BASE = Explanations.load(FOLDER, COLUMNS)


def ids(row: dict[str, Any]) -> list[str]:
    return [one.id for one in BASE.results(row)]


def test_what_can_harm_comes_first_whatever_its_rank() -> None:
    row = {"trial_last_below_min_dose": True, "anti_srp": True}
    found = BASE.results(row)
    harm = sum(one.can_harm for one in BASE.explanations)
    assert all(one.can_harm for one in found[:harm])
    assert {one.id for one in found[harm : harm + 2]} == {"inadequate_dose", "resistant_subset_srp"}


def test_what_can_harm_but_is_argued_against_gives_way() -> None:
    found = {one.id: one for one in BASE.results({"checkpoint_inhibitor": False})}
    assert found["checkpoint_inhibitor_myositis"].support == "argued_against"
    order = ids({"checkpoint_inhibitor": False, "anti_srp": True})
    assert order.index("resistant_subset_srp") < order.index("checkpoint_inhibitor_myositis")


def test_evidence_stands_on_both_sides() -> None:
    row = {
        "glucocorticoid_current": True, "proximal_weakness": True, "cushingoid_features": True,
        "ck_current_x_uln": 1.0, "mri_muscle_edema": False, "emg_irritable_myopathy": False,
        "neck_flexor_weaker_than_extensor": True,
    }  # fmt: skip
    one = next(x for x in BASE.results(row) if x.id == "steroid_myopathy")
    assert one.support == "possible"
    assert one.evidence_against == ("neck_flexor_weaker_than_extensor",)
    assert {"cushingoid_features", "mri_muscle_edema"} <= set(one.evidence_for)


def test_waiting_is_no_option_in_danger() -> None:
    row = {"trial_last_below_min_duration": True, "trial_last_below_min_dose": False}
    for danger in (True, False):
        found = BASE.results({**row, "myocarditis": danger})
        one = next(x for x in found if x.id == "inadequate_duration")
        assert (one.do_not_wait is not None) is danger


def test_a_table_says_what_one_patient_is_told() -> None:
    rows = [
        {"anti_mda5": True, "ild": True, "mri_fatty_replacement": None},
        {"anti_mda5": None, "ild": None, "mri_fatty_replacement": True},
        {"anti_mda5": False, "ild": True, "mri_fatty_replacement": False},
    ]
    table = pl.DataFrame(rows)
    told = BASE.evaluate(table)
    for row, said in zip(rows, told.to_dicts(), strict=True):
        for one in BASE.results(row):
            assert said[f"explanation.{one.id}.support"] == one.support
    assert DAMAGE_COLUMN in told.columns


def test_nothing_known_is_not_assessable() -> None:
    assert {one.support for one in BASE.results({})} == {"not_assessable"}


def test_the_workup_says_what_is_done_and_what_is_missing() -> None:
    steps = BASE.workup({"ck_current_x_uln": 1.0, "mri_muscle_edema": False})
    by_id = {one.id: one for one in steps}
    assert [one.id for one in steps][:2] == ["emergency_first", "was_it_a_trial"]
    assert by_id["activity_or_damage"].missing == ("mri_fatty_replacement",)
    assert by_id["activity_or_damage"].done is False
    assert by_id["choose"].done is None
    assert not by_id["emergency_first"].urgent
    assert BASE.workup({"myocarditis": True})[0].urgent


def test_every_explanation_belongs_to_a_step_and_cites_known_works() -> None:
    known = load_references(FOLDER / "references.json")
    cited = {key for one in (*BASE.explanations, *BASE.steps) for key in one.cites}
    assert not cited - known.keys()
    explained = {name for step in BASE.steps for name in step.explains}
    assert explained == {one.id for one in BASE.explanations}


@pytest.mark.parametrize("value", [True, False])
def test_no_row_breaks_the_rules(value: bool) -> None:
    names = BASE.program.leaves(BASE.program.rules)
    kinds = {name: COLUMNS.names[name].kind for name in names}
    table = pl.DataFrame(
        {name: [value if kind == "bool" else float(value)] for name, kind in kinds.items()},
        schema={name: DTYPES[kind] for name, kind in kinds.items()},
    )
    told = BASE.evaluate(table).row(0, named=True)
    assert {told[f"explanation.{one.id}.support"] for one in BASE.explanations} <= set(SUPPORT)


def test_a_table_without_any_column_that_is_read_keeps_its_rows() -> None:
    assert len(BASE.evaluate(pl.DataFrame({"patient_id": ["a", "b", "c"]}))) == 3
