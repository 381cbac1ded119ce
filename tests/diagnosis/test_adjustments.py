"""Patterns count once, needs exclude, exposures that nobody recorded are not argued for, the label counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.arrays.table import Numbers, Table
from myoresist.diagnosis.differential.adjustments import LABEL
from myoresist.diagnosis.differential.explain import explain, rank
from myoresist.diagnosis.differential.next_test import propose
from myoresist.diagnosis.differential.reasons import Reasons
from myoresist.document import DocumentError
from myoresist.evaluation.published import table
from myoresist.library import Knowledge

Row = Mapping[str, bool | float]
BASE = Knowledge.load()
PATTERN = """
- id: red_and_blue
  text: Red together with blue
  when: red AND blue
  stands_for: [red, blue]
  percent: {redpox: 50}
  background: 1
  confidence: high
  check: estimate
"""
LATER = PATTERN.replace("red_and_blue", "blue_and_red").replace("redpox: 50", "redpox: 90")
NEED = """
- id: grown_up
  text: Begins after the age of ten
  diseases: [bluepox]
  needs: NOT age_at_onset < 10
  otherwise: 0.01
  check: estimate
- id: exposed
  text: Tested before
  diseases: [redpox]
  needs: tested
  comes_with: [red, large_red]
  check: convention
"""
CONTRAST = """
- id: red_is_not_blue
  text: Red spots
  rather: redpox
  than: [bluepox]
  when: red
  times: 4
  check: estimate
"""
LABELS = """
- {label: a_pox, times: {pox: 3}, why: made up, check: estimate}
"""


def known(base: Knowledge, row: Row, label: str | None = None) -> Table:
    recorded = table([row], base.catalogue).drop("patient_id")
    found = base.inference.known(Table.of_frame(recorded)).findings
    return found.with_columns(Table.of_rows([{LABEL: label}]))


def odds(base: Knowledge, row: Row, label: str | None = None) -> float:
    """Return how many times as probable redpox is as fever."""
    found = base.differential.posterior(known(base, row, label))[0]
    by_name = dict(zip(base.differential.diseases, found, strict=True))
    return float(by_name["redpox"] / by_name["fever"])


def with_file(folder: Path, name: str, text: str) -> Knowledge:
    (folder / "diseases" / name).write_text(text)
    return Knowledge.load(folder, check=False)


def test_a_pattern_takes_the_place_of_its_members(toy: Path) -> None:
    plain = Knowledge.load(toy, check=False)
    both, base = {"red": True, "blue": True}, None
    before, prior = odds(plain, both), odds(plain, {})
    base = with_file(copied(toy, "more"), "patterns.yaml", PATTERN)
    assert odds(base, {"red": True}) == pytest.approx(odds(plain, {"red": True}))
    assert odds(base, {}) == pytest.approx(prior)
    # 60 patients of 50 %, drawn towards 1 % with two more; fever has 5 % of blue and nothing of red.
    share = (60 * 0.5 + 2 * 0.01) / 62
    members = Reasons.of(plain.differential, known(plain, both))
    fever = float(members.log_ratios[:, 2] @ [one.weight for one in members.counted])
    assert odds(base, both) / prior == pytest.approx(share / 0.01 / math.exp(fever))
    assert odds(base, both) != pytest.approx(before)


def copied(folder: Path, name: str) -> Path:
    other = folder.parent / f"{folder.name}-{name}"
    for file in folder.rglob("*.*"):
        there = other / file.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(file.read_text())
    (other / "criteria").mkdir(exist_ok=True)
    return other


def test_of_two_patterns_that_share_a_member_only_the_first_speaks(toy: Path) -> None:
    first = with_file(copied(toy, "one"), "patterns.yaml", PATTERN)
    second = with_file(copied(toy, "two"), "patterns.yaml", PATTERN + LATER)
    both = {"red": True, "blue": True}
    assert odds(second, both) == pytest.approx(odds(first, both))


def test_a_need_that_is_not_met_excludes_and_an_unknown_one_does_not(toy: Path) -> None:
    plain = Knowledge.load(toy, check=False)
    base = with_file(copied(toy, "need"), "needs.yaml", NEED)

    def blue(one: Knowledge, row: Row) -> float:
        found = one.differential.posterior(known(one, row))[0]
        return float(found[1] / found[2])

    assert blue(base, {}) == pytest.approx(blue(plain, {}))
    assert blue(base, {"age_at_onset": 30.0}) == pytest.approx(blue(plain, {"age_at_onset": 30.0}))
    young = {"age_at_onset": 5.0}
    assert blue(base, young) == pytest.approx(0.01 * blue(plain, young))


def test_what_comes_with_an_exposure_is_silent_until_it_is_recorded(toy: Path) -> None:
    plain = Knowledge.load(toy, check=False)
    base = with_file(copied(toy, "need"), "needs.yaml", NEED)
    assert odds(base, {"red": True}) == pytest.approx(
        odds(plain, {}) * fever_alone(plain, {"red": True})
    )
    exposed = {"red": True, "tested": True}
    assert odds(base, exposed) == pytest.approx(odds(plain, exposed))


def fever_alone(base: Knowledge, row: Row) -> float:
    """Return what a row says against fever: redpox says nothing of it."""
    reasons = Reasons.of(base.differential, known(base, row))
    weights = np.array([one.weight for one in reasons.counted])
    return math.exp(-float(reasons.log_ratios[:, 2] @ weights))


def test_the_label_counts_as_it_says(toy: Path) -> None:
    base = with_file(toy, "labels.yaml", LABELS)
    assert odds(base, {}, "a_pox") == pytest.approx(3 * odds(base, {}))
    assert odds(base, {}, "something else") == pytest.approx(odds(base, {}))


def test_a_contrast_speaks_against_the_neighbour_and_leaves_the_others(toy: Path) -> None:
    plain = Knowledge.load(toy, check=False)
    base = with_file(copied(toy, "contrast"), "contrasts.yaml", CONTRAST)

    def ratios(one: Knowledge, row: Row) -> Numbers:
        red, blue, fever = one.differential.posterior(known(one, row))[0]
        return np.array([red / fever, blue / fever])

    assert ratios(base, {"red": True}) == pytest.approx(ratios(plain, {"red": True}) * [1, 1 / 4])
    for row in ({}, {"red": False}):
        assert ratios(base, row) == pytest.approx(ratios(plain, row))


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("contrasts.yaml", CONTRAST.replace("[bluepox]", "[nopox]"), "nopox is not a disease"),
        ("contrasts.yaml", CONTRAST.replace("[bluepox]", "[redpox]"), "is told from itself"),
        ("patterns.yaml", PATTERN.replace("redpox", "nopox"), "nopox is not a disease"),
        ("patterns.yaml", PATTERN.replace("[red, blue]", "[smooth_skin]"), "has no frequency"),
        ("patterns.yaml", PATTERN.replace("red AND blue", "red AND green"), "green"),
        ("needs.yaml", NEED.replace("[bluepox]", "[nopox]"), "nopox is not a disease"),
        ("labels.yaml", LABELS.replace("pox:", "gout:"), "neither disease nor family"),
    ],
)
def test_a_mistake_is_named(toy: Path, name: str, text: str, word: str) -> None:
    with pytest.raises(DocumentError, match=word):
        with_file(toy, name, text)


names = st.sampled_from(BASE.differential.likelihoods.findings)
records = st.dictionaries(names, st.booleans(), max_size=8)


@settings(max_examples=30, deadline=None)
@given(records)
def test_what_is_said_of_each_disease_is_what_was_added_up(record: Row) -> None:
    """The reasons of two diseases differ by as much as their probabilities do."""
    one = BASE.differential
    reasons = Reasons.of(one, known(BASE, record, "polymyositis"))
    method = one.base.method
    weights = np.array([x.weight for x in reasons.counted])
    absent = np.array([x.kind in ("absent", "missing") for x in reasons.counted])
    weights = np.where(absent, weights * method.absence_weight, weights)
    added = reasons.log_ratios.T @ weights / method.temperature + one.log_prior
    gains = one.likelihoods.adjustments.gains
    for row, gain in enumerate(gains):
        if gain.silent and reasons.evidence.adjusted[row]:
            added = added + gain.adds
    expected = np.exp((added - added.max()) / method.stated_temperature)
    expected /= expected.sum()
    most = method.ceiling.at_most
    for place, unproven in reasons.evidence.unproven.items():
        if unproven and expected[place] > most:
            expected *= (1 - most) / (1 - expected[place])
            expected[place] = most
    assert reasons.posterior == pytest.approx(expected, abs=1e-6)


def test_a_disease_that_rests_on_estimates_is_not_stated_as_all_but_sure() -> None:
    one = BASE.differential
    most = one.base.method.ceiling.at_most
    vague = {one.diseases[place] for place in one.likelihoods.vague}
    assert "critical_illness_myopathy" in vague
    assert not vague & {"inclusion_body_myositis", "dermatomyositis", "dysferlinopathy"}
    row = {"intensive_care": True, "onset_acute": True, "respiratory_muscle_weakness": True}
    row |= {"proximal_weakness": True, "ck_raised": False}
    place = one.diseases.index("critical_illness_myopathy")
    held = known(BASE, row)
    probability = one.posterior(held)[0]
    assert probability[place] == most and probability.sum() == pytest.approx(1)
    low, high = one.interval(held)
    assert low[0, place] <= most <= high[0, place]
    proven = {"colchicine_exposure": True, "biopsy_autophagic_vacuoles": True}
    proven |= {"chronic_kidney_disease": True, "absent_reflexes": True}
    assert "colchicine_neuromyopathy" in vague
    probability = one.posterior(known(BASE, proven))[0]
    assert probability[one.diseases.index("colchicine_neuromyopathy")] > most


def test_how_sure_is_stated_does_not_change_the_order(toy: Path) -> None:
    sharp = copied(toy, "sharp")
    method = (sharp / "diseases" / "method.yaml").read_text()
    (sharp / "diseases" / "method.yaml").write_text(
        method.replace("stated_temperature: 1", "stated_temperature: 0.5")
    )
    for row in ({}, {"red": True}, {"blue": True, "red": False}):
        found = [
            one.differential.posterior(known(one, row))[0]
            for one in (Knowledge.load(toy, check=False), Knowledge.load(sharp, check=False))
        ]
        assert found[0].argsort().tolist() == found[1].argsort().tolist()
        assert found[1].max() > found[0].max()


def leading(row: Row, label: str | None = None) -> str:
    return rank(BASE.differential, known(BASE, row, label), label).leading[0].id


def test_what_specialists_see() -> None:
    assert leading({"scapular_winging": True, "facial_weakness": True, "age": 35.0}) == "fshd"
    ibm = {"finger_flexor_weakness": True, "quadriceps_weakness": True}
    assert leading({**ibm, "age_at_onset": 62.0}) == "inclusion_body_myositis"
    assert leading({**ibm, "age_at_onset": 9.0}) != "inclusion_body_myositis"
    cancer = {"proximal_weakness": True, "cancer_active": True, "cancer_within_3y": True}
    assert leading({**cancer, "onset_subacute": True, "age_at_onset": 65.0}) != "ici_myositis"
    steroid = {"proximal_weakness": True, "ck_raised": False, "glucocorticoid_current": True}
    assert leading({**steroid, "proximal_lower_weakness": True}) == "glucocorticoid_myopathy"
    gene = {"variant_d4z4": True, "biopsy_calpain_deficient": True, "scapular_winging": True}
    assert leading(gene) == "fshd", "the gene tells which protein is lost because of another"


def test_the_confirming_test_of_an_unconfirmed_leader_is_proposed_by_its_analyte() -> None:
    row = {"scapular_winging": True, "facial_weakness": True, "foot_drop": True, "age": 35.0}
    first = explain(BASE.differential, known(BASE, row), None).next_tests[0]
    assert first.id == "repeat_expansion_tests" and first.analytes[0] == "variant_d4z4"


def test_a_proven_disease_has_no_further_diagnostic_test() -> None:
    row = known(BASE, {"variant_d4z4": True, "scapular_winging": True, "facial_weakness": True})
    one = BASE.differential
    found = propose(one, one.likelihoods.observe(row), one.posterior(row)[0], one.labelled(None))
    assert not [x for x in found if x.proof]


def test_what_the_patient_needs_now_comes_first() -> None:
    row = {"dm_rash": True, "proximal_weakness": True, "ck_raised": True, "aspiration": True}
    first = explain(BASE.differential, known(BASE, row), "dermatomyositis").next_tests[0]
    assert first.id == "swallow_study" and first.needed


def test_two_diseases_that_go_together_stand_beside_the_ranking() -> None:
    row = {"thymoma": True, "ptosis_or_ophthalmoparesis": True, "anti_jo1": True, "ck_x_uln": 12.0}
    said = rank(BASE.differential, known(BASE, row), None)
    assert [one.id for one in said.pairs] == ["myasthenia_with_myositis"]
    assert said.leading[0].id != "brachiocervical_inflammatory_myopathy"


def test_the_label_is_shown_with_and_without() -> None:
    row = {"proximal_weakness": True, "ck_raised": True}
    said = rank(BASE.differential, known(BASE, row, "dermatomyositis"), "dermatomyositis").label
    plain = rank(BASE.differential, known(BASE, row), "dermatomyositis").label
    assert said and plain and said.without == pytest.approx(plain.probability)
    assert said.probability > said.without


def test_what_is_proven_has_no_interval_and_a_probability_lies_in_its_own() -> None:
    row = known(BASE, {"variant_dysf": True, "distal_weakness": True})
    for one in explain(BASE.differential, row, None).leading:
        assert one.low <= one.probability <= one.high
        assert not one.confirmed or one.low == one.high


def test_finger_flexors_and_quadriceps_are_asked_first_after_45() -> None:
    row = {"proximal_weakness": True, "age": 61.0, "treatment_response_not_improved": True}
    questions = explain(BASE.differential, known(BASE, row), "polymyositis").questions
    first = {one.finding for one in questions[:2]}
    assert first == {"finger_flexor_weakness", "quadriceps_weakness"}


def test_lymphopenia_that_an_infection_or_a_drug_explains_says_nothing() -> None:
    one = BASE.differential
    place = one.diseases.index("anti_mda5_dermatomyositis")
    rash = {"heliotrope_rash": True, "gottron_papules": True, "ild": True}

    def chance(**more: bool) -> float:
        return float(one.posterior(known(BASE, {**rash, **more}))[0, place])

    assert chance(lymphopenia=True) > chance()
    for cause in ("active_infection", "hydroxyurea_exposure"):
        explained = {cause: True}
        assert chance(lymphopenia=True, **explained) == pytest.approx(chance(**explained))
