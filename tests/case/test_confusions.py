"""A suggestion never turns a finding round, and never names another antibody that only looks alike."""

from __future__ import annotations

import pytest

from myoresist.case.confusions import Confusion
from myoresist.case.reading import check_case_text, packaged_terms

TERMS = packaged_terms()


@pytest.mark.parametrize(
    ("word", "never"),
    [
        ("weaknes", "no_objective_weakness"),
        ("objective_weakness", "no_objective_weakness"),
        ("ck_normal", "ck_raised"),
        ("emg_abnormal", "emg_normal"),
        ("muscle_weakness", "facial_weakness"),
        ("oedema", "myoedema"),
        ("oedema", "hypothyroidism"),
        ("edema", "hypothyroidism"),
        ("swelling", "arthritis"),
        ("liver_failure", "heart_failure"),
        ("cough", "weak_cough"),
        ("pain", "statin_exposure"),
        ("cancer", "cancer_active"),
        ("dm", "iim_subtype_cadm"),
        ("thyroid", "hypothyroidism"),
        ("tuberculosis", "latent_tuberculosis?"),
        ("renal_crisis", "calcinosis"),
        ("dyspnoea", "lymphadenopathy"),
        ("intubation", "skin_ulceration"),
        ("tissue_culture_positive", "tuberculosis_active"),
        ("bowel perforation", "diverticulitis_history"),
    ],
)
def test_a_finding_is_not_mistaken_for_another(word: str, never: str) -> None:
    assert f"did you mean {never}" not in TERMS.meant_finding(word)


@pytest.mark.parametrize(
    ("word", "never"),
    [
        ("Scl-70", "anti_pmscl"),
        ("anti-Scl70", "anti_pmscl"),
        ("anti-Sm", "anti_smn"),
        ("SSA", "did you mean"),
        ("anti-Ro", "did you mean"),
        ("ENA", "anti_dsdna"),
        ("rheumatoid factor", "did you mean"),
        ("myositis panel", "did you mean"),
    ],
)
def test_an_antibody_is_not_mistaken_for_another(word: str, never: str) -> None:
    assert TERMS.antibody(word) is None
    assert never not in TERMS.meant_antibody(word)


def test_a_perforation_of_the_gut_is_asked_for_its_time_and_is_no_diverticulitis() -> None:
    for word in ("bowel perforation", "perforation", "intestinal_perforation"):
        assert TERMS.catalogue.find(word) is None
        assert TERMS.meant_finding(word).startswith("write gut_perforation for one that is there")
    past = TERMS.catalogue.find("past bowel perforation")
    assert past is not None
    assert past.id == "diverticulitis_history"


def test_which_ro_is_asked_and_an_exact_name_is_known() -> None:
    assert TERMS.meant_antibody("SSA").startswith("it may be Ro52 or Ro60")
    for name, known in (("SSA/Ro60", "anti_ro60"), ("Ro52/SSA", "anti_ro52")):
        found = TERMS.antibody(name)
        assert found is not None
        assert found.id == known


@pytest.mark.parametrize("one", TERMS.sections.confused, ids=lambda one: one.words[0])
def test_every_confusion_of_the_table_is_kept(one: Confusion) -> None:
    for word in one.words:
        for said in (TERMS.meant_finding(word), TERMS.meant_antibody(word)):
            assert said == one.say if one.say else not any(f"mean {x}?" in said for x in one.never)


def test_what_is_merely_misspelt_is_still_suggested() -> None:
    assert TERMS.meant_finding("heliotrop_rash") == "did you mean heliotrope_rash?"
    assert TERMS.meant_antibody("anti-Jo-l") == "did you mean anti_jo1?"
    text = "patient: {id: P}\nautoantibodies: [{antibody: Scl-70, result: negative}]"
    (problem,) = check_case_text(text, "c")[1]
    assert problem.message.startswith("unknown antibody Scl-70; it is the antibody against")


def test_no_word_of_the_table_is_a_name_of_ours() -> None:
    for one in TERMS.sections.confused:
        for word in one.words:
            assert word not in TERMS.catalogue
            assert TERMS.antibody(word) is None, word
