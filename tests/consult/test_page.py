"""Page one: its state, its actions, their order, and what must never stand there."""

from __future__ import annotations

from typing import Any

import pytest

from myoresist.assessment import consult
from myoresist.case.model import Case
from myoresist.consult.results import ConsultResult


def page(**parts: Any) -> ConsultResult:
    """Return page one of a case."""
    patient = {"id": "P", "sex": "female", "age": 50, "weight_kg": 70, **parts.pop("patient", {})}
    return consult(Case.model_validate({"patient": patient, **parts}))


def actions(found: ConsultResult) -> set[tuple[str, str]]:
    """Return every verb with its object."""
    return {(one.verb, one.object) for one in (*found.today, *found.do)}


def course(drug: str, dose: float, **more: Any) -> dict[str, Any]:
    """Return a course of a drug by mouth."""
    return {"drug": drug, "dose": dose, "unit": "mg", "frequency": "daily", "route": "oral", **more}


SRP = {
    "findings": {
        "symmetric_proximal_weakness": True,
        "biopsy_necrotic_regenerating": True,
        "ck_x_uln": 30.0,
    },
    "autoantibodies": [
        {"antibody": "anti-SRP", "method": "immunoprecipitation", "result": "positive"}
    ],
    "label": "polymyositis",
    "treatments": [
        course("prednisone", 60, start="2023-01-10", stop="2023-06-01", response="partial"),
        course("azathioprine", 175, start="2023-02-01", ongoing=True, response="none"),
    ],
    "treatments_complete": True,
    "date": "2024-06-01",
}


def test_what_failed_is_replaced_and_what_is_proven_is_named() -> None:
    found = page(**SRP)
    assert (found.state, found.certainty, found.diseases) == ("refractory", "proven", ("imnm_srp",))
    assert found.bottom_line == (
        "Anti-SRP necrotising myopathy, not polymyositis; active after glucocorticoid and azathioprine."
    )
    assert found.do[0].verb == "start"
    assert ("relabel", "imnm_srp") in actions(found)
    assert "azathioprine" not in {one.object for one in found.do}


def test_what_an_allergy_alone_keeps_from_the_page_is_said_there() -> None:
    plain = page(**SRP)
    assert plain.do[0].object == "rituximab"
    findings = {**SRP["findings"], "allergy_rituximab": True}
    found = page(**{**SRP, "findings": findings})
    assert "rituximab" not in {one.object for one in found.do}
    assert (found.do[0].object, found.do[0].verb) == ("ivig", "start")
    assert "(rituximab: allergy or intolerance recorded)" in found.do[0].text
    # Of what would not have been advised nothing is said.
    findings = {**SRP["findings"], "allergy_leflunomide": True, "allergy_rituximab": False}
    assert [x.text for x in page(**{**SRP, "findings": findings}).do] == [x.text for x in plain.do]


def test_nothing_is_advised_for_who_has_died() -> None:
    findings = {**SRP["findings"], "deceased": True, "myocarditis": True, "troponin_i_raised": True}
    found = page(**{**SRP, "findings": findings})
    assert (found.state, found.certainty) == ("deceased", "proven")
    assert found.bottom_line.endswith("the patient has died, so nothing is advised.")
    assert not any((found.today, found.why, found.do, found.changes, found.ask))


def test_too_little_is_asked_for_and_nothing_is_advised() -> None:
    found = page(patient={"age": None, "weight_kg": None}, label="dermatomyositis")
    assert found.state == "too_little_known"
    assert found.words <= 60
    assert not {verb for verb, _ in actions(found)} & {"start", "switch", "repeat", "optimise"}
    assert "gottron_papules" in {one.finding for one in found.ask}


@pytest.mark.parametrize(
    ("drug", "finding"),
    [
        ("methotrexate", "pregnancy"),
        ("mycophenolate", "pregnancy"),
        ("azathioprine", "allopurinol_or_febuxostat"),
    ],
)
def test_what_is_taken_and_contraindicated_is_stopped_today(drug: str, finding: str) -> None:
    course_ = course(drug, 15, frequency="weekly", start="2024-01-01", ongoing=True)
    found = page(**{**SRP, "findings": {**SRP["findings"], finding: True}, "treatments": [course_]})
    assert ("stop", drug) in {(one.verb, one.object) for one in found.today}
    assert finding in found.today[0].because


def test_daily_methotrexate_is_called_today() -> None:
    course_ = course("methotrexate", 20, start="2024-01-01", ongoing=True)
    assert ("stop", "methotrexate") in actions(page(**{**SRP, "treatments": [course_]}))


def test_a_disputed_danger_is_a_danger() -> None:
    found = page(label="dermatomyositis", findings={"ild": False, "rapidly_progressive_ild": True})
    assert "rapidly_progressive_ild" in {x for one in found.today for x in one.because}


def test_every_line_says_its_rule_and_fits_on_the_page() -> None:
    found = page(**SRP)
    texts = [found.bottom_line, *(one.text for one in found.lines())]
    assert found.words == len(" ".join(texts).split()) <= 120
    assert all(one.rule and len(one.cites) <= 2 for one in found.lines())
