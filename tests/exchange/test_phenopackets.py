"""Phenopackets as a case."""

from __future__ import annotations

import json
from typing import Any

import pytest

from myoresist.case.reading import check_case_text
from myoresist.document import DocumentError
from myoresist.exchange.door import foreign
from myoresist.exchange.phenopacket import read_phenopacket

ARTHRALGIA, DYSPHAGIA = "HP:0002829", "HP:0002015"


def packet(**more: Any) -> str:
    subject = {
        "id": "p",
        "sex": "MALE",
        "timeAtLastEncounter": {"age": {"iso8601duration": "P45Y6M"}},
    }
    return json.dumps({"id": "x", "subject": subject, "metaData": {}, **more})


def feature(term: str, **more: Any) -> dict[str, Any]:
    return {"type": {"id": term, "label": "a feature"}, **more}


def test_version_2_says_what_the_case_file_says() -> None:
    text = packet(
        phenotypicFeatures=[feature(DYSPHAGIA), feature(ARTHRALGIA, excluded=True)],
        measurements=[
            {
                "assay": {"id": "LOINC:2157-6", "label": "CK"},
                "value": {
                    "quantity": {
                        "unit": {"id": "UCUM:U/L"}, "value": 900, "referenceRange": {"high": 200},
                    }
                },
                "timeObserved": {"timestamp": "2023-01-02T00:00:00Z"},
            }
        ],
    )  # fmt: skip
    case, problems = check_case_text(
        "patient: {id: p, sex: male, age: 45}\n"
        "findings: {dysphagia: yes, arthralgia: no}\n"
        "labs: [{test: CK, value: 900, unit: U/L, upper_limit: 200, date: 2023-01-02}]\n",
        "case",
    )
    assert not problems
    assert case is not None
    assert read_phenopacket(text).case.model_dump() == case.model_dump()


def test_version_1_calls_what_is_excluded_negated_and_a_kind_is_not_the_whole() -> None:
    features = [feature(ARTHRALGIA, negated=True), feature(DYSPHAGIA, negated=True)]
    assert read_phenopacket(packet(phenotypicFeatures=features)).case.findings == {
        "arthralgia": False
    }


def test_what_is_over_or_unknown_is_left_to_a_person() -> None:
    features = [feature(DYSPHAGIA, resolution={"age": "P40Y"}), feature("HP:9999999")]
    found = read_phenopacket(packet(phenotypicFeatures=features))
    assert not found.case.findings
    assert len(found.notes) == 2


def test_a_drug_is_a_course_without_a_dose() -> None:
    action = {"treatment": {"agent": {"id": "RXNORM:6851", "label": "methotrexate"}}}
    (course,) = read_phenopacket(packet(medicalActions=[action])).case.treatments
    assert (course.drug, course.dose) == ("methotrexate", None)


@pytest.mark.parametrize("text", ["[]", "{", '{"subject": 1}', json.dumps({"members": []})])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        read_phenopacket(text)


def test_the_door_tells_records_from_case_files() -> None:
    assert foreign(packet(phenotypicFeatures=[]).encode(), "x") is not None
    assert foreign(b"patient: {id: x}", "x") is None
    assert foreign(b'{"patient": {"id": "x"}}', "x") is None


def test_a_label_of_mondo_and_the_intervals_of_a_dose_are_read() -> None:
    span = {
        "quantity": {"unit": {"id": "UCUM:mg"}, "value": 60},
        "scheduleFrequency": {"id": "NCIT:C125004", "label": "Once Daily"},
        "interval": {"start": "2023-01-01T00:00:00Z", "end": "2023-03-01T00:00:00Z"},
    }
    packet = {
        "subject": {"id": "p"},
        "diseases": [{"term": {"id": "MONDO:0016367", "label": "dermatomyositis"}}],
        "medicalActions": [
            {"treatment": {"agent": {"id": "RXNORM:8640"}, "doseIntervals": [span]}},
            {"treatment": {"agent": {"id": "RXNORM:6851"}}},
        ],
        "metaData": {},
    }
    found = read_phenopacket(json.dumps(packet))
    first, second = found.case.treatments
    assert found.case.label == "dermatomyositis"
    assert (first.dose, first.frequency, str(first.start)) == (60, "once daily", "2023-01-01")
    assert second.dose is None and "dose or time to be entered" in "".join(found.notes)
