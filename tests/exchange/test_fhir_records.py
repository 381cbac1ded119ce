"""How vendors and countries write the same things, each kind of them once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bundles import (
    CK,
    JO1,
    METHOTREXATE,
    POLYMYOSITIS,
    RXNORM,
    bundle,
    coded,
    condition,
    observation,
    order,
)  # fmt: skip

from myoresist.case.reading import packaged_terms
from myoresist.exchange.codes import Coding, packaged_codes
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.fhir.dosage import dose_in, read_dose
from myoresist.exchange.received import Received

GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
CM = "http://hl7.org/fhir/sid/icd-10-cm"
ANA = "8061-4"
CERTAINTY = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"


def read(*resources: dict[str, Any]) -> Received:
    return read_fhir(bundle(*resources))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Positive (A)", "positive"), ("NEGATIVE (<11 SI)", "negative"), ("POSITIVE HIGH", "strong"),
        ("Positif +++", "strong"), ("schwach positiv (+)", "weak"), ("Négatif", "negative"),
        ("++", "moderate"),
        ("nicht nachweisbar", "negative"), ("sterk positief", "strong"), ("Negative <1:80", "negative"),
        ("see comment", None), ("not positive", None), ("Positive, 1:320, Negative", None), ("5", None),
        ("positive control failed", None), ("Weakly positive, repeat", None), ("Equivocal (+/-)", None),
    ],
)  # fmt: skip
def test_a_result_is_read_with_what_stands_beside_it_and_nothing_else_is(
    text: str, result: str | None
) -> None:
    assert packaged_codes().result(text) == result


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("FH: Hypertension", True), ("Sin disfagia", True), ("COPD uitgesloten", True),
        ("HIV negative", True),
        ("V.a. Dermatomyositis", True), ("pas de dysphagie", True), ("Raynaud (h/o)", True), ("?ILD", True),
        ("間質性肺炎の疑い", True), ("間質性肺炎", False),
        ("Type 2 diabetes mellitus without complications", False), ("Non-Hodgkin lymphoma", False),
        ("Diabète de type 2 sans complication", False), ("Major depression, no psychosis", False),
    ],
)  # fmt: skip
def test_words_that_deny_or_doubt_a_code_are_known_in_other_languages(
    text: str, doubted: bool
) -> None:
    assert bool(packaged_codes().doubt(text)) is doubted


@pytest.mark.parametrize(
    ("letter", "verified", "answer"),
    [
        ("G", None, True), ("A", None, None), ("V", None, None), ("Z", None, None), ("A", "confirmed", None),
        ("V", "confirmed", None), (None, "confirmed", True),
    ],
)  # fmt: skip
def test_the_letter_of_certainty_at_a_german_code_counts(
    letter: str | None, verified: str | None, answer: bool | None
) -> None:
    coding: dict[str, Any] = {"system": GM, "code": "J84.10"}
    if letter:
        coding["extension"] = [{"url": CERTAINTY, "valueCoding": {"code": letter}}]
    one = condition("", code={"coding": [coding], "text": "Lungenkrankheit"})
    one = {k: v for k, v in one.items() if k != "verificationStatus"}
    if verified:
        one["verificationStatus"] = coded("v", verified)
    found = read(one)
    assert found.written.get("findings", {}).get("ild") == answer
    assert answer or "Lungenkrankheit" in "".join(found.notes)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("E11.22", {("finding", "diabetes", "narrower")}),
        ("M33.13", {("label", "amyopathic_dermatomyositis", "exact")}),
        ("F33.42", {("finding", "depression", "broader")}),
        ("C50.911", {("finding", "cancer_within_3y", "broader")}),
        ("G70.00", {(x, "myasthenia_gravis", "narrower") for x in ("disease", "finding")}),
        ("Q99.9", set()),
    ],
)  # fmt: skip
def test_a_code_of_icd_is_a_kind_of_what_it_begins_with(
    code: str, said: set[tuple[str, str, str]]
) -> None:
    assert {(x.kind, x.id, x.relation) for x in packaged_codes().of([Coding(CM, code)])} == said


@pytest.mark.parametrize(
    ("text", "dose"),
    [
        ("Take 6 tablets (15 mg total) by mouth once a week.", (15, "mg", "once a week", "by mouth")),
        ("5 mg = 1 tab(s), Oral, Daily, # 30 tab(s), 0 Refill(s)", (5, "mg", "daily", "oral")),
        ("Inject 0.8 mL (20 mg total) under the skin every 7 (seven) days.",
            (20, "mg", "weekly", "subcutaneous")),
        ("2 g/kg IV divided over 2-5 days every 4 weeks", (2, "g/kg", "every 4 weeks", "iv")),
        ("3 mg matin et soir", (3, "mg", "2 times daily", None)),
        ("15 mg s.c. 1x wöchentlich", (15, "mg", "weekly", "s.c.")),
        ("Take 2 tablets (40 mg total) by mouth daily for 7 days, THEN 1 tablet (20 mg total) daily.", None),
        ("20 mg in the morning and 10 mg at night", None),
        ("40 mg daily x 5 days", None), ("Take 1 tablet daily", None),
    ],
)  # fmt: skip
def test_the_words_of_prescriptions_are_read_whole_or_not_at_all(
    text: str, dose: tuple[float, str, str, str | None] | None
) -> None:
    found = dose_in(text, packaged_terms().doses, packaged_codes())
    assert (found and (found.amount, found.unit, found.often, found.route)) == dose


def rates(*doses: tuple[float, str]) -> dict[str, Any]:
    found = [{"doseQuantity": {"value": value, "unit": unit}} for value, unit in doses]
    return {"timing": {"code": {"text": "Daily"}, "repeat": {}}, "doseAndRate": found}


@pytest.mark.parametrize(
    ("dosage", "amount"),
    [
        (rates((40, "mg"), (2, "tablet"), (40, "mg")), 40), (rates((40, "mg"), (20, "mg")), None),
        (rates((2, "tablet")), None),
        (rates((40, "mg"), (0.5, "mg/kg")), None), (rates((40, "mg"), (3, "puff")), None),
    ],
)  # fmt: skip
def test_a_dose_that_stands_there_in_several_ways_is_one(
    dosage: dict[str, Any], amount: float | None
) -> None:
    dose, _ = read_dose(dosage, False, packaged_terms().doses)
    assert (dose.amount if dose else None) == amount


def limit(high: float) -> dict[str, Any]:
    return {"referenceRange": [{"high": {"value": high}}]}


TEXT = {
    "referenceRange": [{"low": {"value": 30, "unit": "U/L"}, "high": {"value": 223, "unit": "U/L"}}]
}


def test_a_value_sent_as_text_has_the_unit_of_its_limits() -> None:
    (lab,) = read(observation(CK, valueString=">8000", **TEXT)).case.labs
    assert (lab.above, lab.unit, lab.upper_limit) == (8000, "U/L", 223)


@pytest.mark.parametrize(
    ("code", "told", "result"),
    [
        (ANA, {"valueString": "1:640 speckled"}, "positive"),
        (ANA, {"valueString": "Negative at 1:80"}, "negative"),
        (ANA, {"valueString": "not seen at 1:80"}, "unknown"), (JO1, {"valueString": "陽性"}, "positive"),
        (ANA, {"valueString": "<1:80"}, "negative"),
        (ANA, {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 320}}}, "positive"),
        # The first figure of a titre is no value.
        (JO1, {"valueString": "1:320", **limit(80)}, "unknown"),
        (JO1, {"valueQuantity": {"value": 3}, "interpretation": [coded("i", "N")]}, "negative"),
        (JO1, {"valueQuantity": {"value": 3, "comparator": "<"}, **limit(20)}, "negative"),
        (JO1, {"valueString": "see comment", "interpretation": [coded("i", "A")]}, "unknown"),
    ],
)  # fmt: skip
def test_titres_bounds_and_flags_of_antibodies(
    code: str, told: dict[str, Any], result: str
) -> None:
    (found,) = read(observation(code, **told)).case.autoantibodies
    assert found.result == result


def test_a_german_address_of_atc_names_a_drug() -> None:
    atc = coded("http://fhir.de/CodeSystem/bfarm/atc", "L04AX03", "MTX 15 mg Fertigspritze")
    one = {
        "resourceType": "MedicationStatement",
        "id": "m",
        "status": "active",
        "medicationCodeableConcept": atc,
    }
    (course,) = read(one).case.treatments
    assert course.drug == "methotrexate" and METHOTREXATE not in json.dumps(atc)


def noted(one: dict[str, Any], text: str) -> dict[str, Any]:
    return {**one, "note": [{"text": text}]}


def test_a_note_may_take_back_what_it_stands_beside_and_is_always_told() -> None:
    found = read(
        noted(condition("50920009", id="a"), "Excluded by cardiac MRI."),
        noted(condition("266261006", id="b"), "Onset 2019, both hands."),
        noted(observation(JO1, valueString="Positive"), "Result of another patient, disregard."),
        noted(order(), "Patient never started this medicine."),
    )
    assert found.written["findings"] == {"raynaud": True}
    assert [x.result for x in found.case.autoantibodies] == [
        "unknown"
    ] and not found.case.treatments
    told = "\n".join(found.notes)
    assert all(x in told for x in ("Excluded by", "Onset 2019", "another patient", "never started"))


def test_an_ointment_is_no_course_and_a_taper_with_days_is_several() -> None:
    ointment = coded(RXNORM, "42316", "tacrolimus 0.1% ointment")
    steps = [
        {
            "timing": {
                "repeat": {
                    "frequency": 1, "period": 1, "periodUnit": "d", "boundsPeriod": {"start": a, "end": b}
                }
            },
            "doseAndRate": [{"doseQuantity": {"value": dose, "unit": "mg"}}],
        }
        for dose, a, b in ((60, "2023-01-01", "2023-01-28"), (40, "2023-01-29", "2023-02-25"))
    ]  # fmt: skip
    found = read(
        order(
            id="a", medicationCodeableConcept=ointment, dosageInstruction=[{"text": "to the face"}]
        ),
        order(id="b", medicationCodeableConcept=coded(RXNORM, "8640"), dosageInstruction=steps),
    )
    assert [(x.drug, x.dose, str(x.start), str(x.stop)) for x in found.case.treatments] == [
        ("prednisone", 60, "2023-01-01", "2023-01-28"),
        ("prednisone", 40, "2023-01-29", "2023-02-25"),
    ]


@pytest.mark.parametrize(
    ("cancer", "near"),
    [
        ({"code": coded(CM, "C34.90"), "onsetDateTime": "2023-12-01"}, True),
        ({"code": coded(CM, "C34.90"), "onsetDateTime": "2015"}, None),
        ({"code": coded(CM, "C34.90"), "recordedDate": "2023-12-01"}, None),
        ({"code": coded(CM, "C44.91"), "onsetDateTime": "2023-12-01"}, None),
        ({"code": coded(CM, "C34.90", "?lung cancer"), "onsetDateTime": "2023-12-01"}, None),
    ],
)  # fmt: skip
def test_a_dated_cancer_near_the_first_day_of_the_label_counts(
    cancer: dict[str, Any], near: bool | None
) -> None:
    label = condition(POLYMYOSITIS, id="l", onsetDateTime="2022-10-01")
    found = read(label, condition("", id="c", **cancer))
    assert found.written.get("findings", {}).get("cancer_within_3y") == near


def test_a_text_in_another_language_is_not_read_as_english() -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "Befund"},
    }
    found = read({**report, "conclusion": "Kein Raynaud-Syndrom. Keine Arthritis."})
    assert not found.unsure and "looks like German" in "".join(found.notes)


def status_of(code: str, answer: str, day: str | None = "2023-01-02") -> dict[str, Any]:
    value = {"coding": [{"system": "http://snomed.info/sct", "code": answer}], "text": "as told"}
    return observation(code, id=answer, valueCodeableConcept=value, effectiveDateTime=day)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([status_of("82810-3", "77386006")], {"pregnancy": True}),
        ([status_of("82810-3", "60001007")], {"pregnancy": False}),
        ([status_of("82810-3", "60001007", "2022-06-01"), status_of("72166-2", "266919005")],
         {"smoking": False}),
        ([status_of("82810-3", "77386006", "2021-01-01"), status_of("72166-2", "8517006")], {}),
        ([status_of("72166-2", "266919005", "2010-01-01"), status_of("72166-2", "449868002")],
         {"smoking": True}),
    ],
)  # fmt: skip
def test_the_newest_answer_to_a_question_holds_for_its_time(
    found: list[dict[str, Any]], said: dict[str, bool]
) -> None:
    read_ = read(*found)
    assert read_.written.get("findings", {}) == said
    assert said or "as told, 2021-01-01" in "".join(read_.notes)


def test_a_label_that_says_no_more_than_myositis_gives_way() -> None:
    both = coded(CM, "G72.49", "Necrotizing myopathy")
    both["coding"].append({"system": "http://snomed.info/sct", "code": "715863001"})
    old = condition("", id="a", code=both, recordedDate="2020")
    new = condition("", id="b", code=coded(CM, "G72.49"), recordedDate="2023")
    assert read(old, new).case.label == "immune_mediated_necrotising_myopathy"
    assert read(new).case.label == "myositis_unspecified"


@pytest.mark.parametrize("address", ["https://snomed.info/sct", "http://snomed.info/sct/"])
def test_an_address_is_known_as_it_is_often_written(address: str) -> None:
    one = condition("", code=coded(address, "266261006"))
    assert read(one).written["findings"] == {"raynaud": True}


def test_a_code_without_a_system_is_told_by_its_words() -> None:
    one = condition(
        "", code={"coding": [{"code": "J84.9", "display": "Interstitial lung disease"}]}
    )
    assert "Interstitial lung disease" in read(one).notes[0]


@pytest.mark.parametrize(
    ("text", "undone"),
    [
        ("Ruled out by HRCT 2/2024", True), ("Onset 2019. Later excluded by MRI.", True),
        ("It was ruled out.", True), ("Diagnosis revised to IBM", True),
        ("Malignancy ruled out by PET.", False),
        ("No evidence of malignancy; possible statin trigger", False),
        ("Family history of lupus.", False), ("Result of another patient", True),
    ],
)  # fmt: skip
def test_a_note_on_something_else_takes_no_condition_back(text: str, undone: bool) -> None:
    assert bool(packaged_codes().undone("Condition", text)) is undone
