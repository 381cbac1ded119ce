"""What real records hold: nothing is concluded from what is not said, and all that is left is told."""

from __future__ import annotations

import json
from typing import Any

import mutate_bundles
import pytest
from bundles import (
    CK,
    DYSPHAGIA,
    JO1,
    LOINC,
    METHOTREXATE,
    POLYMYOSITIS,
    RXNORM,
    SNOMED,
    bundle,
    ck,
    coded,
    condition,
    observation,
    order,
    status,
)  # fmt: skip

from myoresist.case.record import record
from myoresist.document import DocumentError
from myoresist.exchange.fhir import read_fhir

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
POSITIVE, NEGATIVE = "10828004", "260385009"


def said(code: str) -> dict[str, Any]:
    return {"interpretation": [coded(INTERPRETATION, code)]}


def text(value: str, **more: Any) -> dict[str, Any]:
    return observation(CK, valueString=value, **more)


LABS: dict[str, tuple[dict[str, Any], Any]] = {
    "a number as text": (text("900 U/L"), 900),
    "a bound as text": (text("< 7 U/L"), "<7"),
    "a dot": (text("."), None),
    "a test that was not done": (text("Test Not Performed mmol/L"), None),
    "a word": (text("POSITIVE"), None),
    "a comparator of HL7 v2": (ck(valueQuantity={"value": 7, "comparator": "<>", "unit": "U/L"}), None),
    "the unit by code alone": (ck(valueQuantity={"value": 900, "code": "U/L"}), 900),
    "no unit": (ck(valueQuantity={"value": 900}), None),
    "a blank for a unit": (ck(valueQuantity={"value": 900, "unit": " "}), None),
    "a unit that is another's": (ck(valueQuantity={"value": 900, "unit": "mg/dL"}), None),
    "a value that is masked": (ck(valueQuantity=None, dataAbsentReason=status("masked")), None),
    "a value with an extension alone": (ck(valueQuantity={"extension": [{"url": "x"}]}), None),
    "an interpretation alone": (observation(CK, **said("H")), None),
    "high, and below its limit": (ck(100, **said("H")), None),
    "normal, and above its limit": (ck(900, **said("N")), None),
    "high, and above its limit": (ck(900, **said("H")), 900),
    "preliminary": (ck(status="preliminary"), None),
    "registered": (ck(status="registered"), None),
    "of an unknown status": (ck(status="unknown"), None),
    "a modifier that nobody knows": (ck(modifierExtension=[{"url": "x", "valueBoolean": True}]), None),
    "a number beyond all": (ck(valueQuantity={"value": 10**400, "unit": "U/L"}), None),
    "a small number in powers of ten": (ck(valueQuantity={"value": 9e2, "unit": "U/L"}), 900),
    "a boolean": (ck(valueQuantity={"value": True, "unit": "U/L"}), None),
    "UCUM's arbitrary unit": (ck(valueQuantity={"value": 900, "code": "[IU]/L"}), 900),
    "a code that is another unit than the text": (
        ck(valueQuantity={"value": 900, "unit": "U/L", "code": "ukat/L"}), None,
    ),
    "a comparator that is no bound": (
        ck(valueQuantity={"value": 900, "unit": "U/L", "comparator": "ad"}), None,
    ),
    "an annotation in the unit": (ck(valueQuantity={"value": 900, "unit": "U/L{serum}"}), 900),
}  # fmt: skip


@pytest.mark.parametrize("name", LABS)
def test_a_value_is_read_or_stays_open_and_that_is_told(name: str) -> None:
    one, value = LABS[name]
    read = read_fhir(bundle(one))
    (lab,) = read.case.labs
    if isinstance(value, str):
        assert (lab.value, lab.at_most) == (None, float(value.removeprefix("<")))
    else:
        assert lab.value == value
        assert bool(read.notes) is (value is None)


@pytest.mark.parametrize("unit", ["m[IU]/L", "u[IU]/mL", "mIU/L"])
def test_thyrotropin_is_read_in_the_units_of_its_code(unit: str) -> None:
    measured = {"value": 12.1, "unit": unit, "code": unit}
    high = {"high": {"value": 4.5, "unit": unit, "code": unit}}
    read = read_fhir(bundle(observation("3016-3", valueQuantity=measured, referenceRange=[high])))
    assert not read.notes
    assert [(x.value, x.upper_limit) for x in read.case.labs] == [(12.1, 4.5)]


RANGES: dict[str, tuple[list[dict[str, Any]], float | None]] = {
    "as text": ([{"text": "0-220"}], 220),
    "an upper limit as text": ([{"text": "<=10"}], 10),
    "a titre": ([{"text": "NEG <1:160"}], None),
    "a lower limit that a converter took for an upper one": (
        [{"high": {"value": 5, "unit": "U/L"}, "text": ">5"}], None,
    ),
    "one of a woman and one of a man": (
        [{"high": {"value": 170, "unit": "U/L"}, "appliesTo": [{"text": "female"}]},
         {"high": {"value": 190, "unit": "U/L"}, "appliesTo": [{"text": "male"}]}], None,
    ),
    "two for everybody": (
        [{"high": {"value": 170, "unit": "U/L"}}, {"high": {"value": 190, "unit": "U/L"}}], None,
    ),
    "one of treatment": (
        [{"high": {"value": 170, "unit": "U/L"}, "type": coded("x", "treatment")}], None,
    ),
    "in another unit": ([{"high": {"value": 3, "unit": "ukat/L"}}], None),
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_a_limit_counts_where_it_says_one_thing(name: str) -> None:
    ranges, high = RANGES[name]
    assert read_fhir(bundle(ck(900, referenceRange=ranges))).case.labs[0].upper_limit == high


@pytest.mark.parametrize(
    ("more", "result"),
    [
        ({"valueString": "POSITIVE"}, "positive"),
        ({"valueString": "Reactive non-confirm"}, "unknown"),
        ({"valueString": "."}, "unknown"),
        ({"valueString": "Not detected"}, "negative"),
        ({"valueCodeableConcept": {"text": "Equivocal"}}, "unknown"),
        ({"valueCodeableConcept": coded(SNOMED, POSITIVE), **said("N")}, "unknown"),
        ({"valueCodeableConcept": coded(SNOMED, NEGATIVE), **said("A")}, "unknown"),
        (said("POS"), "positive"),
        ({**said("POS"), "status": "preliminary"}, "unknown"),
        ({"valueCodeableConcept": coded(SNOMED, NEGATIVE), "status": "registered"}, "unknown"),
    ],
)
def test_a_result_in_words_is_one_of_a_closed_list(more: dict[str, Any], result: str) -> None:
    assert read_fhir(bundle(observation(JO1, **more))).case.autoantibodies[0].result == result


CONDITIONS: dict[str, tuple[dict[str, Any], bool | None]] = {
    "remission": ({"clinicalStatus": status("remission")}, None),
    "inactive": ({"clinicalStatus": status("inactive")}, None),
    "unconfirmed": ({"verificationStatus": status("unconfirmed")}, None),
    "differential": ({"verificationStatus": status("differential")}, None),
    "active, without a word on how sure": ({"verificationStatus": {}}, True),
    "confirmed, without a clinical status": ({"clinicalStatus": {}}, True),
    "a question": ({"code": coded(SNOMED, DYSPHAGIA, "DYSPHAGIA?")}, None),
    "the past": ({"code": coded(SNOMED, DYSPHAGIA, "History of dysphagia")}, None),
    "the mother's": ({"code": coded(SNOMED, DYSPHAGIA, "Family history of dysphagia (mother)")}, None),
    "to be ruled out": ({"code": coded(SNOMED, DYSPHAGIA, "r/o dysphagia")}, None),
    "the same code of another system": ({"code": coded("http://local", DYSPHAGIA)}, None),
    "a subject that leads nowhere": ({"subject": {"reference": "#nobody"}}, None),
    "no subject": ({"subject": None}, None),
    "a modifier": ({"modifierExtension": [{"url": "x"}]}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_the_patients_and_now_or_to_be_confirmed(name: str) -> None:
    more, answer = CONDITIONS[name]
    read = read_fhir(bundle(condition(DYSPHAGIA, **more)))
    assert read.case.findings.get("dysphagia") is answer
    assert bool(read.notes) is (answer is None)


MEDICINES: dict[str, dict[str, Any]] = {
    "on hold": {"status": "on-hold"},
    "a plan": {"intent": "plan"},
    "an option": {"intent": "option"},
    "by a name alone": {"medicationCodeableConcept": {"text": "Methotrexate 2.5 MG Oral Tablet"}},
    "a local code": {"medicationCodeableConcept": coded("http://local", "6851")},
    "a reference that leads nowhere": {
        "medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/x"},
    },
    "an eye drop": {"medicationCodeableConcept": coded("http://www.whocc.no/atc", "S01BA04")},
}  # fmt: skip


@pytest.mark.parametrize("name", MEDICINES)
def test_what_may_not_have_been_taken_is_no_course_and_is_told(name: str) -> None:
    read = read_fhir(bundle(order(**MEDICINES[name])))
    assert not read.case.treatments
    assert read.notes


def test_a_statement_that_it_is_not_taken_is_no_course() -> None:
    one = {**order(), "resourceType": "MedicationStatement", "status": "not-taken"}
    read = read_fhir(bundle(one))
    assert not read.case.treatments
    assert any("not-taken" in x for x in read.notes)


def test_a_contained_medicine_is_found_and_the_day_of_an_order_is_no_first_day() -> None:
    inner = {
        "resourceType": "Medication",
        "id": "m1",
        "code": coded("http://www.whocc.no/atc", "L04AX03"),
    }
    one = order(
        medicationCodeableConcept=None, contained=[inner], authoredOn="2023-01-01",
        medicationReference={"reference": "#m1"},
    )  # fmt: skip
    (course,) = read_fhir(bundle(one)).case.treatments
    assert (course.drug, course.start) == ("methotrexate", None)


def test_a_product_is_known_by_its_only_ingredient_and_a_mixture_by_none() -> None:
    def given(*ingredients: str) -> list[str]:
        parts = [{"itemCodeableConcept": coded(RXNORM, x)} for x in ingredients]
        own = {"resourceType": "Medication", "id": "m1", "code": {"text": "Product 7"}}
        one = order(
            medicationCodeableConcept=None, contained=[{**own, "ingredient": parts}],
            medicationReference={"reference": "#m1"},
        )  # fmt: skip
        return [x.drug for x in read_fhir(bundle(one)).case.treatments]

    assert given("6851") == ["methotrexate"]
    assert given("6851", "8640") == given() == []


def test_a_finding_that_stands_as_the_value_of_another_code_is_told() -> None:
    symptom = observation("0-0", valueCodeableConcept=coded(SNOMED, DYSPHAGIA, "Dysphagia"))
    read = read_fhir(bundle(symptom))
    assert not read.case.findings
    assert any("Dysphagia: to be confirmed" in x for x in read.notes)


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2016", "2016"), ("2016-03", "2016-03"), ("2016-03-04T23:30:00Z", "2016-03-04"),
        ("2016-03-04T00:10:00+01:00", "2016-03-04"), ("2016-03-04T23:30:00.123456-05:00", "2016-03-04"),
    ],
)  # fmt: skip
def test_a_date_keeps_its_precision_and_its_day(written: str, date: str) -> None:
    (lab,) = read_fhir(bundle(ck(effectiveDateTime=written))).case.labs
    assert str(lab.date) == date


def test_a_date_that_only_an_extension_speaks_of_is_unknown() -> None:
    one = ck(effectiveDateTime=None, _effectiveDateTime={"extension": [{"url": "x"}]})
    assert read_fhir(bundle(one)).case.labs[0].date is None


@pytest.mark.parametrize("withdrawn", ["entered-in-error", "cancelled"])
def test_a_newer_version_takes_an_older_one_back(withdrawn: str) -> None:
    first, second = (
        ck(9000, meta={"versionId": "1"}),
        ck(9000, status=withdrawn, meta={"versionId": "2"}),
    )
    assert not read_fhir(bundle(second, first)).case.labs
    number = [{"system": "x", "value": "7"}]
    corrected = ck(200, id="o2", status="corrected", identifier=number, issued="2023-01-04")
    (lab,) = read_fhir(
        bundle(ck(9000, identifier=number, issued="2023-01-03"), corrected)
    ).case.labs
    assert lab.value == 200


def test_one_number_of_an_order_on_several_results_loses_none() -> None:
    number = [{"system": "x", "value": "7"}]
    jo1 = observation(JO1, id="o2", valueString="negative", identifier=number)
    read = read_fhir(bundle(ck(identifier=number), jo1)).case
    assert (len(read.labs), len(read.autoantibodies)) == (1, 1)


def test_components_count_by_themselves_and_two_filtration_rates_on_a_day_settle_nothing() -> None:
    rates = [
        {"code": coded(LOINC, "33914-3"), "valueQuantity": {"value": x, "unit": "mL/min/{1.73_m2}"}}
        for x in (58, 66)
    ]
    panel = observation("0-0", component=rates)
    read = read_fhir(bundle(panel)).case
    assert [x.value for x in read.labs] == [58, 66]
    assert "egfr_ml_min" not in record(read).values


@pytest.mark.parametrize(
    ("code", "display", "drug"),
    [
        ("3002", "Alendronate (Fosamax)", None), ("3002", "cyclofosfamide", "cyclophosphamide"),
        ("6851", "MTX", "methotrexate"), ("6851", "metronidazole", None),
        ("6851", "Metotrexato 2,5 mg comprimido", "methotrexate"),
        ("8640", "predniSONE (DELTASONE) tablet", "prednisone"), ("8640", "metformin", None),
    ],
)  # fmt: skip
def test_a_code_whose_words_name_another_drug_is_told_and_not_believed(
    code: str, display: str, drug: str | None
) -> None:
    concept = {"coding": [{"system": RXNORM, "code": code, "display": display}]}
    read = read_fhir(bundle(order(medicationCodeableConcept=concept)))
    assert [x.drug for x in read.case.treatments] == ([drug] if drug else [])
    assert drug is not None or any(display in x for x in read.notes)


def shown(system: str, code: str, display: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": system, "code": code, "display": display}]}}


def test_a_code_whose_words_name_another_finding_or_test_is_not_believed() -> None:
    wrong = [
        condition(DYSPHAGIA, **shown(SNOMED, DYSPHAGIA, "Hypertension")),
        {**ck(), **shown(LOINC, CK, "Creatinine")},
    ]
    read = read_fhir(bundle(*wrong))
    assert not read.case.findings
    assert [x.value for x in read.case.labs] == [None]
    assert "ck_u_l" not in record(read_fhir(bundle(ck(200), wrong[1])).case).values
    other = condition(DYSPHAGIA, **shown(SNOMED, DYSPHAGIA, "Slikstoornis"))
    assert read_fhir(bundle(other)).case.findings == {"dysphagia": True}


def test_an_empty_section_makes_nothing_absent() -> None:
    reason = coded("http://terminology.hl7.org/CodeSystem/list-empty-reason", "nilknown")
    one = {
        "resourceType": "Composition", "id": "c", "status": "final",
        "section": [{"title": "Problems", "emptyReason": reason}],
    }  # fmt: skip
    read = read_fhir(
        bundle(one, condition("160245001", code=coded(SNOMED, "160245001", "No problems")))
    )
    assert not read.case.findings
    assert any("Problems: empty" in x for x in read.notes)
    assert any("No problems" in x for x in read.notes)


def test_what_is_of_a_fetus_or_a_donor_is_not_the_patients() -> None:
    read = read_fhir(bundle(ck(focus=[{"reference": "Patient/other"}])))
    assert not read.case.labs
    assert any("focus" in x for x in read.notes)


REFUSED = {
    "STU3": [{"resourceType": "MedicationStatement", "taken": "n"}],
    "DSTU2": [{"resourceType": "MedicationStatement", "wasNotTaken": True}],
    "DSTU2 or": [condition(DYSPHAGIA, clinicalStatus="active")],
    "STU3;": [{"resourceType": "Procedure", "notDone": True}],
    "R6": [{"resourceType": "CapabilityStatement", "fhirVersion": "6.0.0-ballot4"}],
    "STU3; give": [condition(DYSPHAGIA, meta={"profile": ["http://hl7.org/fhir/3.0/StructureDefinition/Condition"]})],
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_another_version_is_refused_by_name(name: str) -> None:
    with pytest.raises(DocumentError, match=name):
        read_fhir(bundle(*REFUSED[name]))


INCLUSION_BODY = "72315009"
ADHERENCE = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"


@pytest.mark.parametrize(
    ("adherence", "ongoing"),
    [
        ("taking-as-directed", True),
        ("stopped-not-as-directed", False),
        ("not-taking", None),
        (None, None),
    ],
)
def test_a_statement_of_r5_says_what_one_of_r4_says(
    adherence: str | None, ongoing: bool | None
) -> None:
    statement: dict[str, Any] = {
        "resourceType": "MedicationStatement", "id": "s", "status": "recorded",
        "medication": {"concept": coded(RXNORM, METHOTREXATE)}, "effectivePeriod": {"start": "2023-01-02"},
        **({"adherence": {"code": coded(ADHERENCE, adherence)}} if adherence else {}),
    }  # fmt: skip
    read = read_fhir(bundle(statement))
    assert [(x.drug, x.ongoing) for x in read.case.treatments] == (
        [] if ongoing is None else [("methotrexate", ongoing)]
    )
    assert any("written as in R5" in x for x in read.notes)


def test_parts_of_r5_with_another_name_are_read_as_those_of_r4() -> None:
    medication = {"resourceType": "Medication", "id": "d", "ingredient": [
        {"item": {"concept": coded(RXNORM, METHOTREXATE)}}]}  # fmt: skip
    given = {
        "resourceType": "MedicationAdministration", "id": "g", "status": "completed",
        "occurenceDateTime": "2023-01-02", "contained": [medication],
        "medication": {"reference": {"reference": "#d"}},
    }  # fmt: skip
    allergy = {
        "resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"},
        "clinicalStatus": status("active"), "code": coded(RXNORM, METHOTREXATE), "type": status("allergy"),
        "reaction": [{"manifestation": [{"concept": {"text": "rash"}}]}],
    }  # fmt: skip
    read = read_fhir(bundle(given, allergy, condition(DYSPHAGIA, verificationStatus=None,
        clinicalStatus=status("unknown"))))  # fmt: skip
    (course,) = read.case.treatments
    assert (course.drug, str(course.start)) == ("methotrexate", "2023-01-02")
    assert read.case.findings == {"allergy_methotrexate": True}
    assert any("(rash)" in x for x in read.notes)


@pytest.mark.parametrize(("result", "finding"), [("negative", False), ("reactive", None)])
@pytest.mark.parametrize("code", ["58900-2", "7918-6"])
def test_a_reactive_screening_test_is_no_infection(
    code: str, result: str, finding: bool | None
) -> None:
    read = read_fhir(bundle(observation(code, valueCodeableConcept={"text": result})))
    assert read.case.findings.get("hiv_infection") is finding
    assert any("screening" in x for x in read.notes) is (finding is None)


def test_a_virus_that_is_not_detected_under_treatment_is_no_denial_of_the_infection() -> None:
    for code in ("20447-9", "29615-2"):
        read = read_fhir(bundle(observation(code, valueCodeableConcept={"text": "not detected"})))
        assert not read.case.findings


def test_a_label_without_a_date_beside_a_dated_one_is_asked_about() -> None:
    dated = condition(POLYMYOSITIS, recordedDate="2020-01-01")
    read = read_fhir(bundle(dated, condition(INCLUSION_BODY, id="d")))
    assert read.case.label == "polymyositis"
    assert any("which of them counts" in x for x in read.notes)
    older = condition(INCLUSION_BODY, id="d", recordedDate="2019-01-01")
    assert any("than the newest" in x for x in read_fhir(bundle(dated, older)).notes)


def test_a_patient_who_stands_there_twice_and_differs_is_told() -> None:
    record = json.loads(bundle(ck()))
    again = {**record["entry"][0]["resource"], "gender": "male", "birthDate": "1960-05-02"}
    record["entry"].append({"resource": again})
    read = read_fhir(json.dumps(record))
    assert (read.case.patient.sex, str(read.case.patient.birth_date)) == (None, "1960-05-02")
    assert [x.value for x in read.case.labs] == [6800]
    assert any("gender: female and male" in x for x in read.notes)
    # A newer version is no conflict.
    again["meta"] = {"lastUpdated": "2024-01-01"}
    assert read_fhir(json.dumps(record)).case.patient.sex == "male"


@pytest.mark.parametrize("kind", ["message", "history", "batch-response", "subscription", None])
def test_a_bundle_that_is_no_record_is_refused(kind: str | None) -> None:
    with pytest.raises(DocumentError, match=kind or "unknown"):
        read_fhir(bundle(ck(), type=kind))


def test_what_a_transaction_deletes_is_not_read() -> None:
    record = json.loads(bundle(ck()))
    patient, lab = record["entry"]
    patient["request"], lab["request"] = {"method": "PUT"}, {"method": "DELETE"}
    read = read_fhir(json.dumps({**record, "type": "transaction"}))
    assert not read.case.labs
    assert any("DELETE" in x for x in read.notes)


def test_an_error_of_the_server_alone_is_told_as_such() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no such patient"}]}
    with pytest.raises(DocumentError, match="no such patient"):
        read_fhir(json.dumps(outcome))
    lines = "\n".join(map(json.dumps, [x["resource"] for x in json.loads(bundle(ck()))["entry"]]))
    read = read_fhir(f"{lines}\r\n\r\n{json.dumps(outcome)}\n")
    assert len(read.case.labs) == 1
    assert any("no such patient" in x for x in read.notes)


def test_the_same_of_many_resources_is_said_once() -> None:
    many = [condition("0", id=f"c{x}", code={"text": "Gingivitis"}) for x in range(9)]
    (note,) = read_fhir(bundle(*many)).notes
    assert note.startswith("Condition/c0 and 8 more: Gingivitis")


def test_spoilt_bundles_are_read_or_refused_and_say_nothing_new() -> None:
    counts, wrong = mutate_bundles.some(range(150), share=0)
    assert wrong == []
    assert counts["read"] > counts["refused"] > 0
