"""Twelve kinds of patient, each with the options that a rheumatologist would expect and why."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from myoresist import Assessment, assess, read_case
from myoresist.document import read_document

ARCHETYPES = sorted((Path(__file__).parent / "archetypes").glob("*.yaml"))
NAMES = [path.stem for path in ARCHETYPES]


@cache
def assessed(name: str, folder: Path) -> Assessment:
    data = read_document(Path(__file__).parent / "archetypes" / f"{name}.yaml").data
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(data["case"], sort_keys=False), encoding="utf-8")
    return assess(read_case(path))


def groups(assessment: Assessment, subset: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    one = next(x for x in assessment.treatment.subsets if x.id == subset)
    for place in one.options:
        found.setdefault(place.group, []).append(place.option)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archetypes")


@pytest.mark.parametrize("name", NAMES)
def test_options_are_those_that_were_reviewed(name: str, folder: Path) -> None:
    expected: dict[str, Any] = read_document(
        Path(__file__).parent / "archetypes" / f"{name}.yaml"
    ).data["expect"]
    advice = assessed(name, folder).treatment
    found = {
        "urgent": [one.id for one in advice.urgent if one.status == "present"],
        "not_excluded": [one.id for one in advice.urgent if one.status != "present"],
        "first": [one.id for one in advice.first],
        "uncovered": [one.id for one in advice.uncovered],
        "missing": [one.id for one in advice.missing],
        "subsets": {one.id: groups(assessed(name, folder), one.id) for one in advice.subsets},
    }
    assert found == expected


def test_a_doubtful_label_opens_the_section_and_offers_no_drug(folder: Path) -> None:
    advice = assessed("dysferlinopathy_called_pm", folder).treatment
    assert [one.id for one in advice.first] == ["label_doubtful"]
    assert not advice.subsets
    assert not advice.options
    assert [one.id for one in advice.uncovered] == ["dysferlinopathy"]
    assert "physiotherapy" in [one.id for one in advice.care]


def test_nobody_waits_for_standard_treatment_while_an_organ_is_at_risk(folder: Path) -> None:
    advice = assessed("anti_mda5_with_rapid_lung_disease", folder).treatment
    assert [one.id for one in advice.urgent if one.status == "present"] == ["rpild_mda5"]
    assert not advice.first
    first = groups(assessed("anti_mda5_with_rapid_lung_disease", folder), "MDA5_RPILD")["do_first"]
    assert set(first) >= {"glucocorticoid_iv_pulse", "tacrolimus", "cyclophosphamide"}


def test_a_statin_that_is_not_taken_is_not_stopped(folder: Path) -> None:
    assert (
        "statin_withdrawal" not in assessed("anti_hmgcr_without_statin", folder).treatment.options
    )


def test_a_drug_given_too_low_is_optimised_before_it_is_replaced(folder: Path) -> None:
    found = groups(assessed("never_adequately_treated", folder), "DM")
    assert {"methotrexate", "glucocorticoid_oral"} <= set(found["do_first"])


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("pregnant", "methotrexate"),
        ("pregnant", "mycophenolate"),
        ("kidney_failure", "ciclosporin"),
        ("hepatitis_b_carrier", "rituximab"),
        ("dermatomyositis_with_active_cancer", "ciclosporin"),
    ],
)
def test_a_contraindication_says_what_it_rests_on(name: str, option: str, folder: Path) -> None:
    one = assessed(name, folder).treatment.options[option]
    gravest = one.against[0]
    assert gravest.level == "contraindicated"
    assert gravest.because
    assert gravest.cites


def test_every_work_that_advice_cites_is_among_the_sources(folder: Path) -> None:
    for name in NAMES:
        found = assessed(name, folder)
        assert set(found.treatment.sources()) <= set(found.references), name
