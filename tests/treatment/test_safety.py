"""What can harm: drugs that are given, doses above every ceiling, organs, other medicines, and children."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from myoresist import Assessment, Knowledge, assess, read_case
from myoresist.arrays.table import Table
from myoresist.treatment.columns import against_column, missing_column
from myoresist.treatment.schema import SafetyCheck

BASE = Knowledge.load().options
DM = {
    "heliotrope_rash": True, "gottron_papules": True, "symmetric_proximal_weakness": True, "anti_mi2": True,
    "msa_confirmed": True, "ck_x_uln": 9,
}  # fmt: skip


def levels(option: str, row: dict[str, Any]) -> set[str]:
    known = pl.DataFrame({name: [value] for name, value in row.items()})
    said = BASE.evaluate(Table.of_frame(known, 1)).row()
    one, against = BASE.data.options[option], enumerate(BASE.against[option])
    return {part.level for place, part in against if said.get(against_column(one, place))}


YES = dict.fromkeys
TPMT, SSC = "tpmt_or_nudt15_deficiency", "systemic_sclerosis"


@pytest.mark.parametrize(
    ("option", "row", "expected"),
    [
        # Organ states are graded.
        ("rituximab", YES(["heart_failure_nyha3_4", "heart_failure_nyha4"], True), {"contraindicated"}),
        ("rituximab", {"heart_failure_nyha3_4": True, "heart_failure_nyha4": False}, {"caution"}),
        ("azathioprine", {"tpmt_or_nudt15_deficient": True}, {"contraindicated"}),
        ("azathioprine", YES([TPMT, "tpmt_or_nudt15_intermediate"], True), {"caution"}),
        ("azathioprine", {TPMT: True}, {"avoid"}),
        ("alemtuzumab", {"cardiovascular_risk_high": True}, {"caution"}),
        ("alemtuzumab", {"arterial_event_history": True}, {"contraindicated"}),
        # Men and women who plan a child, and pregnancy by week.
        ("methotrexate", {"planning_pregnancy": True, "sex_female": False}, {"caution"}),
        ("methotrexate", {"planning_pregnancy": True, "sex_female": True}, {"contraindicated"}),
        ("mycophenolate", {"planning_pregnancy": True}, {"contraindicated"}),
        ("cyclophosphamide", {"planning_pregnancy": True, "sex_female": False}, {"avoid"}),
        ("cyclophosphamide", {"pregnancy": True}, {"contraindicated"}),
        ("cyclophosphamide", {"pregnancy": True, "gestational_age_weeks": 24.0}, {"avoid"}),
        ("rituximab", {"pregnancy": True}, {"avoid"}),
        # Systemic sclerosis.
        ("glucocorticoid_oral", {SSC: True}, {"avoid"}),
        ("glucocorticoid_iv_pulse", {SSC: True}, {"avoid"}),
        ("glucocorticoid_oral", YES(["scleroderma_renal_crisis", SSC], True), {"contraindicated"}),
        ("ciclosporin", {SSC: True}, {"avoid"}),
        ("tacrolimus", {SSC: True}, {"caution"}),
        ("acth_gel", {SSC: True}, {"contraindicated"}),
        ("acth_gel", {"peptic_ulcer": True}, {"contraindicated"}),
        # Myasthenia.
        ("glucocorticoid_oral", {"myasthenia_gravis": True}, {"caution"}),
        ("glucocorticoid_iv_pulse", {"myasthenia_gravis": True}, {"caution"}),
        ("hydroxychloroquine", {"myasthenia_gravis": True}, {"avoid"}),
        # Heart and training.
        ("exercise", {"myocarditis": True}, {"avoid"}),
        ("exercise", {"troponin_i_raised": True}, {"avoid"}),
        ("exercise", {"heart_failure_nyha3_4": True}, {"avoid"}),
        ("exercise", {"cardiomyopathy": True}, {"caution"}),
        # Other medicines.
        ("tacrolimus", {"cyp3a4_inhibitor_exposure": True}, {"avoid"}),
        ("ciclosporin", {"cyp3a4_inhibitor_exposure": True}, {"avoid"}),
        ("jak_inhibitor", {"cyp3a4_inhibitor_exposure": True}, {"caution"}),
        ("methotrexate", {"co_trimoxazole_current": True}, {"avoid"}),
        ("cyclophosphamide", {"allopurinol_or_febuxostat": True}, {"caution"}),
        ("azathioprine", {"allopurinol_or_febuxostat": True}, {"contraindicated"}),
        ("tacrolimus", {"statin_current": True}, {"caution"}),
        ("tacrolimus", {"colchicine_exposure": True}, {"caution"}),
        ("tacrolimus", {"ciclosporin_exposure": True}, set()),
        ("efgartigimod", {"trial_ivig_running": True}, {"avoid"}),
        ("efgartigimod", {"trial_tocilizumab_running": True}, {"caution"}),
        ("efgartigimod", {"trial_plasma_exchange_running": True}, {"caution"}),
        ("ivig", {"trial_efgartigimod_running": True}, {"avoid"}),
        ("rituximab", {"live_vaccine_planned": True}, {"avoid"}),
        ("hydroxychloroquine", {"antidiabetic_treatment": True}, {"caution"}),
        ("nintedanib", {"arterial_event_history": True}, {"caution"}),
        ("leflunomide", {"ild": True}, {"avoid"}),
        # Infections, for pulses too.
        ("glucocorticoid_iv_pulse", {"hepatitis_b_core_antibody": True}, {"caution"}),
        ("glucocorticoid_iv_pulse", {"strongyloides_risk": True}, {"avoid"}),
        ("cyclophosphamide", {"strongyloides_risk": True}, {"avoid"}),
        ("glucocorticoid_oral", {"latent_tuberculosis": True}, {"caution"}),
        ("jak_inhibitor", {"varicella_zoster_susceptible": True}, {"caution"}),
        # Cancer.
        ("methotrexate", {"cancer_active": True}, {"caution"}),
        ("rituximab", {"cancer_active": True}, {"caution"}),
        # Steroid.
        ("glucocorticoid_oral", {"peptic_ulcer": True}, {"caution"}),
        ("glucocorticoid_oral", {"glaucoma": True}, {"caution"}),
        ("glucocorticoid_oral", {"psychosis_or_severe_depression": True}, {"caution"}),
    ],
)  # fmt: skip
def test_what_speaks_against_an_option(
    option: str, row: dict[str, Any], expected: set[str]
) -> None:
    assert levels(option, row) == expected


def test_each_check_says_something_fit_for_each_of_its_drugs() -> None:
    """Antiviral prophylaxis is for drugs that deplete B cells; others are watched."""

    def said(option: str) -> str:
        one = next(
            x for x in BASE.against[option] if "hepatitis_b_core_antibody" in x.when
        )  # fmt: skip
        return one.text

    assert "prophylaxis" in said("rituximab")
    assert "prophylaxis" in said("car_t_cd19")
    for option in ("ciclosporin", "cyclophosphamide", "tacrolimus", "methotrexate"):
        assert "HBV DNA before and every 3 months" in said(option)
    for option in ("car_t_cd19", "autologous_hsct"):
        texts = [x.text for x in BASE.against[option] if x.when == "active_infection"]
        assert texts
        assert not any("tuberculosis" in x for x in texts)


LOOKED_FOR = ("hrct_done", "cancer_basic_panel_done")
"""Whether something was looked for; what was found there has its own consequences."""
WHOM = ("age", "sex_female")


@pytest.mark.parametrize("check", BASE.data.checks, ids=lambda one: one.id)
def test_every_question_of_a_check_has_a_consequence_for_each_drug_that_asks_it(
    check: SafetyCheck,
) -> None:
    asked = BASE.program.rules[missing_column(check)].reads - {*LOOKED_FOR, *WHOM}
    for option in check.options:
        rules = range(len(BASE.against[option]))
        one = BASE.data.options[option]
        read = {x for n in rules for x in BASE.program.rules[against_column(one, n)].reads}
        assert not asked - read, option


def case(tmp_path: Path, treatments: list[dict[str, Any]], **patient: Any) -> Assessment:
    data = {
        "patient": {"id": "P", "sex": "female", "age": patient.pop("age", 40), "weight_kg": 62},
        "date": "2026-11-01",
        "label": patient.pop("label", "dermatomyositis"),
        "onset": {"age": patient.pop("onset", 38), "tempo": "subacute"},
        "findings": {**DM, **patient},
        "treatments": treatments,
        "treatments_complete": True,
    }
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return assess(read_case(path))


def course(drug: str, dose: float, frequency: str = "daily", unit: str = "mg") -> dict[str, Any]:
    return {
        "drug": drug, "dose": dose, "unit": unit, "frequency": frequency, "route": "oral",
        "start": "2026-01-05", "ongoing": True,
    }  # fmt: skip


def test_what_is_given_and_contraindicated_is_named(tmp_path: Path) -> None:
    taken = [course("methotrexate", 15, "weekly"), course("azathioprine", 100)]
    advice = case(tmp_path, taken, pregnancy=True, allopurinol_or_febuxostat=True).treatment
    given = {one.option: one.against[0] for one in advice.given}
    assert given.keys() == {"methotrexate", "azathioprine"}
    assert {one.level for one in given.values()} == {"contraindicated"}
    assert given["methotrexate"].because == ("pregnancy",)
    assert given["azathioprine"].because == ("allopurinol_or_febuxostat",)


def test_methotrexate_taken_daily_is_a_danger(tmp_path: Path) -> None:
    advice = case(tmp_path, [course("methotrexate", 20)]).treatment
    assert [one.id for one in advice.urgent if one.status == "present"] == ["drug_danger"]
    assert [one.option for one in advice.given] == ["methotrexate"]
    weekly = case(tmp_path, [course("methotrexate", 20, "weekly")]).treatment
    assert "drug_danger" not in [one.id for one in weekly.urgent]
    assert not weekly.given


def test_a_dose_that_is_not_known_is_no_danger_and_not_fine() -> None:
    assert BASE.evaluate(Table(1)).row().get("urgent.drug_danger") is None


def test_an_urgent_path_leaves_out_what_is_forbidden_and_names_what_can_stand_for_it(
    tmp_path: Path,
) -> None:
    lung = {"ild": True, "rapidly_progressive_ild": True, "anti_mda5": True, "anti_mi2": False}
    taken = [course("prednisone", 60)]

    def path(**known: Any) -> Any:
        advice = case(tmp_path, taken, **lung, **known).treatment
        return next(one for one in advice.urgent if one.id == "rpild_mda5")

    free = path()
    assert list(free.start) == ["glucocorticoid_iv_pulse", "tacrolimus", "cyclophosphamide"]
    assert not free.not_here
    assert not free.instead
    pregnant = path(pregnancy=True)
    assert [one.option for one in pregnant.not_here] == ["cyclophosphamide"]
    assert {"ivig", "plasma_exchange"} <= pregnant.instead.keys()
    assert "jak_inhibitor" not in pregnant.instead
    kidney = path(egfr_ml_min=20)
    assert [one.option for one in kidney.not_here] == ["tacrolimus"]


def test_a_child_is_shown_the_doses_of_children(tmp_path: Path) -> None:
    child = case(tmp_path, [], age=10, onset=8, label="juvenile_dermatomyositis").treatment
    texts = [dose.text for dose in child.options["methotrexate"].regimens]
    assert len(texts) == 1
    assert "mg/m2" in texts[0]
    for option in child.options.values():
        if any(dose.text.startswith("Children") for dose in option.regimens):
            assert all(dose.text.startswith("Children") for dose in option.regimens), option.id
    adult = case(tmp_path, []).treatment
    assert not any(
        dose.text.startswith("Children")
        for option in adult.options.values()
        for dose in option.regimens
    )
