"""The diagnosis that a patient carries may be written as people write it, and tissue is more than muscle."""

from __future__ import annotations

import pytest

from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import record

TERMS = packaged_terms()


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("IBM", "inclusion_body_myositis"),
        ("Polymyositis", "polymyositis"),
        ("inclusion body myositis", "inclusion_body_myositis"),
        ("antisynthetase", "antisynthetase_syndrome"),
        ("juvenile", "juvenile_dermatomyositis"),
        ("granulomatous myositis", "granulomatous_myositis"),
        ("sarcoid", "sarcoid_myopathy"),
        ("checkpoint inhibitor", "checkpoint_inhibitor_myositis"),
    ],
)
def test_a_label_is_read_as_people_write_it(word: str, label: str) -> None:
    case, problems = check_case_text(f"patient: {{id: P}}\nlabel: {word}", "c")
    assert not problems
    assert case is not None
    assert case.label == label


def test_every_word_for_a_label_stands_for_one_of_the_catalogue() -> None:
    choices = TERMS.catalogue["diagnosis_label"].choices
    assert set(TERMS.sections.labels.values()) <= set(choices)
    assert all(TERMS.label(one) == one for one in choices)


def test_a_biopsy_of_the_heart_is_none_of_muscle() -> None:
    text = (
        "patient: {id: P}\nbiopsies:\n"
        "- {tissue: heart, findings: {endomyocardial_biopsy_inflammation: yes}}\n"
        "- {tissue: lymph node, findings: {tissue_tuberculosis: no}}"
    )
    case, problems = check_case_text(text, "c")
    assert not problems
    assert case is not None
    assert record(case).values == {
        "endomyocardial_biopsy_inflammation": True,
        "tissue_tuberculosis": False,
    }
    wrong = "patient: {id: P}\nbiopsies: [{tissue: heart, findings: {biopsy_rimmed_vacuoles: yes}}]"
    assert check_case_text(wrong, "c")[1]
