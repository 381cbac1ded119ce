"""Kinds of patient, each with the options that a rheumatologist would expect and why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from myoresist import Assessment, Knowledge, assess, read_case
from myoresist.document import read_document
from myoresist.treatment.results import UrgentResult

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


def answered(assessment: Assessment) -> dict[str, Any]:
    advice = assessment.treatment
    return {
        "urgent": [one.id for one in advice.urgent if one.status == "present"],
        "possible": [one.id for one in advice.urgent if one.status == "possible"],
        "not_excluded": [one.id for one in advice.urgent if one.status == "not_excluded"],
        "at_once": {
            one.id: at_once(one)
            for one in advice.urgent
            if one.status == "present" and (one.start or one.not_here)
        },
        "given": {one.option: one.against[0].level for one in advice.given},
        "first": [one.id for one in advice.first],
        "uncovered": [one.id for one in advice.uncovered],
        "missing": [one.id for one in advice.missing],
        "subsets": {one.id: groups(assessment, one.id) for one in advice.subsets},
    }


def at_once(one: UrgentResult) -> dict[str, list[str]]:
    parts = {
        "start": list(one.start),
        "not_here": [out.option for out in one.not_here],
        "instead": list(one.instead),
    }
    return {name: value for name, value in parts.items() if value}


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """Yield what differs, one line each: what left a list, what came, and what only changed place."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in (*expected, *(x for x in found if x not in expected)):
            default = [] if isinstance(expected.get(key, found.get(key)), list) else None
            path = f"{where}.{key}" if where else str(key)
            yield from differences(expected.get(key, default), found.get(key, default), path)
    elif isinstance(expected, list) and isinstance(found, list):
        gone, come = (
            [x for x in a if x not in b] for a, b in ((expected, found), (found, expected))
        )
        yield from (f"{where}: {x} is gone" for x in gone)
        yield from (f"{where}: {x} is new" for x in come)
        before, now = ([x for x in a if x in b] for a, b in ((expected, found), (found, expected)))
        if before != now:
            yield f"{where}: the order is {', '.join(now)} and was {', '.join(before)}"
    elif expected != found:
        yield f"{where}: {found}, and was {expected}"


@pytest.mark.parametrize("name", NAMES)
def test_options_are_those_that_were_reviewed(name: str, folder: Path) -> None:
    data = read_document(Path(__file__).parent / "archetypes" / f"{name}.yaml").data
    said = list(differences(data["expect"], answered(assessed(name, folder))))
    assert not said, "\n".join([f"{name} was reviewed, and this changed:", *said])
    assert len(data["reasoning"].split()) > 20


def test_every_kind_of_patient_was_reviewed() -> None:
    known = {
        subset for path in ARCHETYPES for subset in read_document(path).data["expect"]["subsets"]
    }
    assert known == set(Knowledge.load().options.data.subsets)


def test_what_worked_is_repeated_before_anything_new(folder: Path) -> None:
    found = groups(assessed("rituximab_worked_two_years_ago", folder), "ASyS")
    assert next(iter(found)) == "repeat"
    assert found["repeat"] == ["rituximab"]


def test_a_difference_is_told_in_a_line() -> None:
    before = {"first": ["a"], "subsets": {"DM": {"reasonable": ["x", "y", "z"], "avoid": ["v"]}}}
    now = {
        "first": [],
        "subsets": {"DM": {"reasonable": ["y", "x"], "only_if": ["z"], "avoid": ["v"]}},
    }
    assert list(differences(before, now)) == [
        "first: a is gone",
        "subsets.DM.reasonable: z is gone",
        "subsets.DM.reasonable: the order is y, x and was x, y",
        "subsets.DM.only_if: z is new",
    ]
    assert not list(differences(before, before))


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
