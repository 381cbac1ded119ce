"""Laws of page one: what may and what may not change it."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from myoresist.assessment import consult
from myoresist.case.model import Case
from myoresist.consult.results import ConsultResult
from myoresist.library import Knowledge

CASES = Path(__file__).parents[2] / "benchmarks" / "consult" / "cases"
BASE = Knowledge.load()
DRUGS = {"start", "switch", "repeat", "optimise"}
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


def written(name: str) -> dict[str, Any]:
    """Return a case as it is written."""
    found: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def page(case: dict[str, Any]) -> ConsultResult:
    """Return page one of a case as it is written."""
    return consult(Case.model_validate(case), BASE)


def begun(found: ConsultResult) -> set[str]:
    """Return the treatments that the page begins or gives again."""
    return {one.object for one in (*found.today, *found.do) if one.verb in DRUGS}


def said(found: ConsultResult) -> tuple[Any, ...]:
    """Return what the page says, without the order of reasons inside a line."""
    return found.state, found.diseases, found.bottom_line, [one.text for one in found.lines()]


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_short_and_sourced(name: str) -> None:
    found = page(written(name))
    text = " ".join([found.bottom_line, *(one.text for one in found.lines())])
    assert found.words == len(text.split()) <= 120
    assert not any(mark in text for mark in ("_", "{", "%", ".yaml"))
    assert all(one.rule and one.because for one in found.lines())
    assert all(1 <= len(one.cites) <= 2 for one in (*found.today, *found.why, *found.do))


@pytest.mark.parametrize("name", NAMES[::4])
def test_the_order_of_what_is_said_changes_nothing(name: str) -> None:
    case = written(name)
    turned = copy.deepcopy(case)
    shuffled = random.Random(name)
    turned["findings"] = dict(
        shuffled.sample(sorted(case["findings"].items()), len(case["findings"]))
    )
    for section in ("autoantibodies", "labs", "visits"):
        shuffled.shuffle(turned.get(section, []))
    if all("start" in one for one in case.get("treatments", [])):
        shuffled.shuffle(turned.get("treatments", []))
    assert said(page(case)) == said(page(turned))


CONTRAINDICATED = [
    ("o01-srp-first-line", "active_infection", "rituximab"),
    ("o01-srp-first-line", "heart_failure_nyha4", "rituximab"),
    ("o11-jo1-lung-aza-runs", "pregnancy", "mycophenolate"),
    ("o23-seroneg-imnm", "allopurinol_or_febuxostat", "azathioprine"),
]


@pytest.mark.parametrize(("name", "finding", "drug"), CONTRAINDICATED)
def test_a_contraindication_takes_a_drug_away_and_proposes_it_nowhere(
    name: str, finding: str, drug: str
) -> None:
    case = written(name)
    assert drug in begun(page(case))
    case["findings"][finding] = True
    case["patient"]["sex"] = "female"
    assert drug not in begun(page(case))


@pytest.mark.parametrize(
    ("name", "danger"),
    [
        ("p6-mda5-rapid", "rapidly_progressive_ild"),
        ("o09-pompe-low", "respiratory_muscle_weakness"),
        ("o18-perforation", "gut_perforation"),
        ("o17-tma", "thrombotic_microangiopathy"),
        ("o16-ssc-crisis", "scleroderma_renal_crisis"),
    ],
)
def test_a_danger_stands_while_one_statement_says_so(name: str, danger: str) -> None:
    case = written(name)
    assert [x for x in page(case).today if danger in x.because]
    # A second statement that says otherwise leaves the finding unknown, and the danger where it is.
    case["comorbidities"] = {**case.get("comorbidities", {}), danger: False}
    found = page(case)
    assert [x for x in found.today if danger in x.because]


@pytest.mark.parametrize(
    ("name", "proof"),
    [("C", {"variant_dysf": True}), ("C", {"variant_d4z4": True}), ("C", {"variant_ano5": True})],
)
def test_what_proves_a_disease_ends_the_search_for_it(name: str, proof: dict[str, bool]) -> None:
    case = {
        "patient": {"id": name, "age": 30},
        "label": "polymyositis",
        "onset": {"age": 20, "tempo": "insidious"},
        "findings": {"proximal_weakness": True, "ck_x_uln": 20.0, "myalgia": True, **proof},
    }
    found = page(case)
    assert (found.state, found.certainty) == ("other_disease_proven", "proven")
    assert not {x.verb for x in found.do} & {"test", "exclude", "ask", "start"}
    assert "diagnosis open" not in found.bottom_line.lower()


@pytest.mark.parametrize(
    "name", [x for x in NAMES if x.startswith(("o03", "o14", "o24", "o28", "p3"))]
)
def test_a_patient_who_does_well_gets_no_new_drug(name: str) -> None:
    found = page(written(name))
    assert found.state == "responding"
    assert not {x.object for x in found.do if x.verb in ("start", "switch", "optimise")}
    assert not found.why
