"""Likelihood ratios follow from the counts of the papers, computed here once more."""

from __future__ import annotations

import pytest

from myoresist import Knowledge, knowledge
from myoresist.serology.evaluate import Serology
from myoresist.serology.probability import hep2_ratios

BASE = Knowledge.load()
SEROLOGY = Serology.load(knowledge.folder(), BASE.catalogue)
CONFIDENCE = SEROLOGY.knowledge.confidence
METHODS = {one.id: one for one in CONFIDENCE.methods}

# Tansley 2020, table: sera positive by immunoprecipitation, missed by the line blot, printed specificity of
# the blot; 0.99 where no serum was falsely positive.
TANSLEY = {
    "anti_mi2": (25, 7, 0.98),
    "anti_tif1g": (25, 10, 0.99),
    "anti_mda5": (25, 3, 0.99),
    "anti_nxp2": (25, 4, 0.99),
    "anti_sae": (25, 1, 0.99),
    "anti_ku": (24, 0, 0.97),
    "anti_pmscl": (25, 4, 0.962),
    "anti_jo1": (25, 3, 0.98),
    "anti_srp": (25, 2, 0.98),
    "anti_pl7": (21, 5, 0.99),
    "anti_pl12": (20, 2, 0.99),
    "anti_ej": (10, 4, 0.99),
}


@pytest.mark.parametrize("antibody", TANSLEY)
def test_line_blot_against_immunoprecipitation(antibody: str) -> None:
    positive, missed, specificity = TANSLEY[antibody]
    found = (positive - missed) / positive
    # Where none was missed half a serum is counted as missed.
    lost = missed / positive if missed else 0.5 / (positive + 1)
    ratios = METHODS["line_blot"].ratios(antibody)
    assert ratios.positive == pytest.approx(found / (1 - specificity), rel=0.02)
    assert ratios.negative == pytest.approx(lost / specificity, abs=0.006)


def test_all_lines_together() -> None:
    found, false_positive = 230 / 289, 61 / 4846
    ratios = METHODS["line_blot"].any_antibody
    assert ratios.positive == pytest.approx(found / false_positive, rel=0.01)
    assert ratios.negative == pytest.approx((1 - found) / (1 - false_positive), abs=0.005)
    assert METHODS["unstated"].any_antibody.positive == ratios.positive
    assert METHODS["elisa"].any_antibody.negative == ratios.negative


def test_oj_with_half_a_serum_more() -> None:
    found, false_positive = 0.5 / 15, 1.5 / 382
    ratios = METHODS["line_blot"].ratios("anti_oj")
    assert ratios.positive == pytest.approx(found / false_positive, rel=0.01)
    assert ratios.negative == pytest.approx((1 - found) / (1 - false_positive), abs=0.005)


def test_immunoprecipitation_by_its_double_positives() -> None:
    sensitivity, false_positive = 0.95, 3 / 1637
    ratios = METHODS["immunoprecipitation"].any_antibody
    assert ratios.positive == pytest.approx(sensitivity / false_positive, rel=0.01)
    assert ratios.negative == pytest.approx((1 - sensitivity) / (1 - false_positive), abs=0.005)


def test_elisa_of_hmgcr_and_srp() -> None:
    hmgcr, srp = (METHODS["elisa"].ratios(x) for x in ("anti_hmgcr", "anti_srp"))
    assert hmgcr.positive == pytest.approx(0.94 / 0.0015, rel=0.01)
    assert hmgcr.negative == pytest.approx(0.06, abs=0.005)
    assert srp.positive == pytest.approx(0.82 / 0.02, rel=0.01)
    assert srp.negative == pytest.approx(0.18 / 0.98, abs=0.005)


@pytest.mark.parametrize(
    ("kind", "strength", "true", "false"),
    [
        ("msa", "strong", 19 / 22, 12 / 42),
        ("msa", "weak", 3 / 22, 30 / 42),
        ("maa", "strong", 72 / 103, 26 / 75),
        ("maa", "weak", 31 / 103, 49 / 75),
    ],
)
def test_strength_of_the_band(kind: str, strength: str, true: float, false: float) -> None:
    factor = CONFIDENCE.factor(kind, strength)  # type: ignore[arg-type]
    assert factor == pytest.approx(true / false, rel=0.02)


def test_hep2_pattern_beside_a_blot() -> None:
    fits, differs = hep2_ratios(SEROLOGY.knowledge)["anti_mi2"]
    assert fits == pytest.approx((49 / 83) / (4 / 21), abs=0.01)
    assert differs == pytest.approx((34 / 83) / (17 / 21), abs=0.01)
    fits, differs = hep2_ratios(SEROLOGY.knowledge)["anti_srp"]
    assert fits == pytest.approx((30 / 36) / (3 / 24), abs=0.05)
    assert differs == pytest.approx((6 / 36) / (21 / 24), abs=0.01)


def test_a_pattern_that_hep2_misses_does_not_count_against_the_antibody() -> None:
    assert hep2_ratios(SEROLOGY.knowledge)["anti_jo1"][1] == 1


def test_setting() -> None:
    factors = {one.id: one.factor for one in CONFIDENCE.settings}
    assert factors["suspected"] == pytest.approx(67 / 342, abs=0.005)
    assert factors["neither"] == pytest.approx((3 / 155) / 0.57, abs=0.005)


def test_other_antisynthetases_share_their_three_percent() -> None:
    pittsburgh = {"anti_pl7": 25, "anti_pl12": 35, "anti_ej": 9, "anti_oj": 5, "anti_ks": 6}
    for antibody, number in pittsburgh.items():
        prior = SEROLOGY.knowledge.antibodies[antibody].priors[-1].value
        assert prior == pytest.approx(0.03 * number / 80, abs=0.0006), antibody
