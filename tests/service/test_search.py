"""Any finding is found by what people call it."""

from __future__ import annotations

import pytest

from myoresist.library import Knowledge
from myoresist.service.search import search


@pytest.mark.parametrize(
    ("query", "finding"),
    [("ILD", "ild"), ("interstitial lung", "ild"), ("gotron papules", "gottron_papules"),
     ("HP:0030880", "raynaud"), ("head drop", "neck_extensor_weakness"), ("dysphagia", "dysphagia"),
     ("disphagia", "dysphagia"), ("helitrope", "heliotrope_rash"),
     ("rimmed vacuoles", "biopsy_rimmed_vacuoles"),
     ("mechanics hand", "mechanics_hands"), ("statin", "statin_exposure"), ("FVC", "fvc_percent"),
     ("oedema mri", "mri_muscle_edema"), ("raynauds", "raynaud")],
)  # fmt: skip
def test_a_finding_is_found(query: str, finding: str) -> None:
    assert finding in [one.id for one in search(query)][:5]


@pytest.mark.parametrize("query", ["", " ", "?", "xqzt", "\0" * 50])
def test_what_means_nothing_finds_nothing(query: str) -> None:
    assert search(query) == []


def test_every_label_finds_its_finding() -> None:
    for one in Knowledge.load().catalogue:
        if one.kind in ("bool", "number"):
            assert one.id in [x.id for x in search(one.label)], one.label
