"""FHIR R4 as a case: every door says the same, and nothing is concluded from what is not said."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from bundles import (
    CK,
    DYSPHAGIA,
    JO1,
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
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from myoresist.assessment import assess, page_one
from myoresist.case.reading import check_case_text
from myoresist.cli import app
from myoresist.document import DocumentError
from myoresist.exchange.fhir import read_fhir, read_fhir_path
from myoresist.exchange.fhir.bundle import parsed
from myoresist.report.builder import build_page

WHOLE = bundle(
    condition(POLYMYOSITIS, onsetDateTime="2022-03"), condition(DYSPHAGIA, id="c2"), ck(), order(),
    observation(JO1, id="o2", valueCodeableConcept=coded(SNOMED, "260385009")),
)  # fmt: skip
SAME = """
patient: {id: p, sex: female, birth_date: 1960-05}
label: polymyositis
onset: {date: 2022-03}
findings: {dysphagia: yes}
labs:
- {test: CK, value: 6800, unit: U/L, upper_limit: 170, date: 2023-01-02}
autoantibodies:
- {antibody: anti_jo1, result: negative, date: 2023-01-02}
treatments:
- {drug: methotrexate, dose: 15, unit: mg, frequency: weekly, route: oral, ongoing: yes}
"""


def test_a_bundle_says_what_the_case_file_says() -> None:
    case, problems = check_case_text(SAME, "case")
    assert not problems
    assert case is not None
    found = read_fhir(WHOLE)
    assert found.case.model_dump() == case.model_dump()
    assert assess(found.case).consult == assess(case).consult


def test_lines_of_resources_and_a_folder_say_what_the_bundle_says(tmp_path: Path) -> None:
    resources = [one["resource"] for one in json.loads(WHOLE)["entry"]]
    lines = "\n".join(map(json.dumps, resources))
    whole = read_fhir(WHOLE).case.model_dump()
    assert read_fhir("\ufeff" + lines + "\r\n").case.model_dump() == whole
    for number, one in enumerate(resources):
        (tmp_path / f"{number}.json").write_text(json.dumps(one, indent=2))
    assert read_fhir_path(tmp_path).case.model_dump() == whole


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({}, True),
        ({"verificationStatus": status("refuted")}, False),
        ({"verificationStatus": status("provisional")}, None),
        ({"verificationStatus": status("entered-in-error")}, None),
        ({"clinicalStatus": status("resolved")}, None),
        ({"clinicalStatus": {}, "verificationStatus": {}}, None),
        ({"verificationStatus": {}, "category": [status("encounter-diagnosis")]}, None),
        ({"code": {"text": "Dysphagia"}}, None),
        ({"subject": {"reference": "Patient/somebody"}}, None),
    ],
)  # fmt: skip
def test_a_condition_counts_as_surely_as_it_is_said(
    more: dict[str, Any], answer: bool | None
) -> None:
    assert read_fhir(bundle(condition(DYSPHAGIA, **more))).case.findings.get("dysphagia") is answer


def test_two_conditions_that_disagree_are_a_contradiction() -> None:
    both = bundle(
        condition(DYSPHAGIA), condition(DYSPHAGIA, id="d", verificationStatus=status("refuted"))
    )
    assert [one.finding for one in assess(read_fhir(both).case).contradictions] == ["dysphagia"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "preliminary"},
        {"valueQuantity": {"value": 900, "unit": "bananas"}},
        {"valueQuantity": {"unit": "U/L"}},
        {"dataAbsentReason": status("masked")},
    ],
)
def test_a_value_that_cannot_be_read_leaves_the_peak_open(change: dict[str, Any]) -> None:
    read = read_fhir(bundle(ck(200), ck(**{"id": "later", **change})))
    assert read.case.labs[1].value is None
    assert read.notes
    known = {one.id: one.value for one in assess(read.case).record}
    assert known.get("ck_x_uln") is None


@pytest.mark.parametrize("code", ["cancelled", "entered-in-error"])
def test_what_was_withdrawn_is_not_there(code: str) -> None:
    assert not read_fhir(bundle(ck(status=code))).case.labs


def test_bounds_and_limits_are_read_only_where_they_say_one_thing() -> None:
    small = {"value": 7, "comparator": "<", "unit": "[IU]/L"}
    (lab,) = read_fhir(bundle(ck(valueQuantity=small))).case.labs
    assert (lab.value, lab.at_most) == (None, 7)
    (lab,) = read_fhir(bundle(observation(CK, valueString="< 7 U/L"))).case.labs
    assert (lab.value, lab.at_most) == (None, 7)
    texts = {"0-220": 220, "<=10": 10, ">5": None, "see comment": None}
    for text, high in texts.items():
        (lab,) = read_fhir(bundle(ck(referenceRange=[{"text": text}]))).case.labs
        assert lab.upper_limit == high, text
    against = [{"high": {"value": 5, "unit": "U/L"}, "text": ">5"}]
    assert read_fhir(bundle(ck(referenceRange=against))).case.labs[0].upper_limit is None


def test_words_against_the_interpretation_are_open() -> None:
    positive = coded(SNOMED, "10828004")
    for interpreted, result in (("POS", "positive"), ("NEG", None)):
        one = observation(
            JO1, valueCodeableConcept=positive, interpretation=[coded("v3", interpreted)]
        )
        assert read_fhir(bundle(one)).case.autoantibodies[0].result == (result or "unknown")


@pytest.mark.parametrize(
    "more",
    [
        {"status": "draft"},
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"intent": "proposal"},
        {"doNotPerform": True},
        {"medicationCodeableConcept": {"text": "methotrexate"}},
    ],
)
def test_an_order_that_was_not_carried_out_is_no_course(more: dict[str, Any]) -> None:
    assert not read_fhir(bundle(order(**more))).case.treatments


def test_a_dose_is_read_as_data_and_never_assumed_daily() -> None:
    texts = {"dosageInstruction": [{"text": "15 mg Mondays"}]}
    read = read_fhir(bundle(order(**texts)))
    (course,) = read.case.treatments
    assert (course.dose, course.frequency) == (None, None)
    assert any("15 mg Mondays" in one for one in read.notes)
    timing = {"repeat": {"dayOfWeek": ["mon"]}}
    dosage = {"timing": timing, "doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}]}
    (course,) = read_fhir(bundle(order(dosageInstruction=[dosage]))).case.treatments
    assert (course.dose, course.frequency) == (15, "weekly")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        (bundle(type="message"), "message"),
        (json.dumps({"resourceType": "Bundle", "type": "collection"}), "no Patient"),
        (bundle({"resourceType": "Patient", "id": "q"}), "2 patients"),
        (bundle(condition(DYSPHAGIA, verificationStatus="confirmed")), "STU3"),
        (bundle(order(medication={"text": "x"})), "R5"),
        ('{"resourceType": ' + "[" * 5000 + "]" * 5000 + "}", "nested"),
    ],
)
def test_what_is_no_record_of_one_patient_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as error:
        read_fhir(text, "name")
    assert len(error.value.problems) == 1


@pytest.mark.parametrize(
    "text",
    ["-0", "1e400", "123456789012345678901234567890", "0.1e-2", '"\\ud800"', '{"a": 1, "a": 2}', "[1,]"],
)  # fmt: skip
def test_the_faster_reader_of_json_reads_what_the_one_of_the_language_does(text: str) -> None:
    try:
        expected = repr(json.loads(text))
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            parsed(text)
    else:
        assert repr(parsed(text)) == expected
    with pytest.raises(ValueError, match="NaN"):
        parsed("NaN")


def test_a_page_and_an_error_of_the_server_are_told() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "timeout"}]}
    link = [{"relation": "next", "url": "x"}]
    notes = read_fhir(bundle(outcome, link=link, type="searchset")).notes
    assert any("one page" in one for one in notes)
    assert any("timeout" in one for one in notes)


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1e308,
        "",
        "x",
        "\0",
        "< ",
        [],
        {},
        [None],
        {"coding": [None]},
        "9999-12-31",
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else ())
    )
    return [path, *(x for key, one in inner for x in places(one, (*path, key)))]


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_changed_bundle_is_read_or_refused_and_never_crashes(data: st.DataObject) -> None:
    record = copy.deepcopy(json.loads(WHOLE))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([x for x in places(record) if x]))
        inner = record
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = data.draw(JUNK)
    try:
        read_fhir(json.dumps(record))
    except DocumentError as error:
        assert error.problems


def test_the_commands_take_a_bundle(tmp_path: Path) -> None:
    path, case = tmp_path / "bundle.json", tmp_path / "case.yaml"
    path.write_text(WHOLE)
    run = CliRunner().invoke
    written = run(app, ["read", str(path), "--yaml"])
    assert written.exit_code == 0
    case.write_text(written.stdout)
    pages = [run(app, ["assess", str(x), "--json"]).stdout for x in (path, case)]
    assert json.loads(pages[0])["consult"] == json.loads(pages[1])["consult"]
    checked = run(app, ["validate", str(path)])
    assert checked.exit_code == 0
    assert run(app, ["assess", str(path)]).exit_code == 0


@pytest.mark.parametrize(
    ("dosage", "dose"),
    [
        ({"text": "15 mg orally once weekly"}, (15, "mg", "once weekly")),
        ({"text": "Take 15 mg by mouth once a week on Mondays."}, (15, "mg", "once a week")),
        ({"text": "5 mg daily"}, (5, "mg", "daily")),
        ({"text": "2.5 mg, Oral, DAILY"}, (2.5, "mg", "daily")),
        ({"text": "15mg qWeek"}, (15, "mg", "weekly")),
        ({"text": "1 tab PO BID of 500 mg"}, (500, "mg", "bid")),
        ({"text": "2 tabs of 2.5 mg weekly"}, (5, "mg", "weekly")),
        ({"text": "10 mg alternate days"}, (10, "mg", "alternate days")),
        ({"text": "10 mg QOD"}, (10, "mg", "qod")),
        ({"text": "1 tab of 500 mg"}, None),
        ({"text": "2 mL of 50 mg weekly"}, None),
        ({"text": "S:0-0-0-2 / FR"}, None),
        ({"text": "15 mg"}, None),
        ({"text": "15 mg Mondays"}, None),
        ({"text": "15 mg weekly, then 20 mg weekly"}, None),
        ({"text": "15 mg weekly as needed"}, None),
        ({"text": "6 tablets weekly"}, None),
        ({"text": "15 mg weekly", "asNeededCodeableConcept": {"text": "pain"}}, None),
        ({"text": "once weekly!", **{"doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}],
          "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}}, None),
        ({"text": "weekly", **{"doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}],
          "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}}}, (15, "mg", "weekly")),
        ({"doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}],
          "timing": {"repeat": {"dayOfWeek": ["mon"], "period": 2, "periodUnit": "wk"}}}, None),
        ({"doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}], "timing": {"repeat":
          {"dayOfWeek": ["mon"], "frequency": 2, "period": 1, "periodUnit": "d"}}}, None),
        ({"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "g"}}],
          "timing": {"code": {"coding": [{"system": "v3", "code": "MO"}]}}}, (2, "g", "monthly")),
    ],
)  # fmt: skip
def test_a_dose_is_known_only_where_words_and_data_leave_no_doubt(
    dosage: dict[str, Any], dose: tuple[float, str, str] | None
) -> None:
    read = read_fhir(bundle(order(dosageInstruction=[dosage])))
    (course,) = read.case.treatments
    assert (course.dose, course.unit, course.frequency) == (dose or (None, None, None))
    assert bool(read.notes) is (dose is None)


def test_a_product_is_known_by_its_code_and_named_without_one() -> None:
    known = coded(RXNORM, "105585", "Methotrexate 2.5 MG Oral Tablet")
    (course,) = read_fhir(bundle(order(medicationCodeableConcept=known))).case.treatments
    assert course.drug == "methotrexate"
    named = read_fhir(
        bundle(
            order(medicationCodeableConcept=coded(RXNORM, "0", "methotrexate 10 MG Oral Tablet"))
        )
    )
    assert not named.case.treatments
    assert any("by its name Methotrexate" in x for x in named.notes)
    page = build_page(page_one(named.case)).page
    told = {block.id: block.lines[0].text for block in page.blocks}
    assert told["confirm"].startswith("Confirm what is taken: Methotrexate (named without a code")


def test_a_reason_by_code_ends_a_course_and_one_in_words_is_told() -> None:
    reason = {"statusReason": coded("http://x/medicationrequest-status-reason", "sintol")}
    (course,) = read_fhir(bundle(order(status="stopped", **reason))).case.treatments
    assert course.reason_stopped == "side effect"
    read = read_fhir(bundle(order(status="stopped", statusReason={"text": "no effect"})))
    assert read.case.treatments[0].reason_stopped is None
    assert any("no effect" in x for x in read.notes)


def test_a_medicine_that_is_no_treatment_tells_what_it_is_known_to() -> None:
    statin = {"medicationCodeableConcept": coded(RXNORM, "83367")}
    assert read_fhir(bundle(order(**statin))).case.findings == {"statin_current": True}
    stopped = read_fhir(bundle(order(**statin, status="stopped")))
    assert not stopped.case.findings
    assert "before the onset is not known" in stopped.notes[0]
    assert "not shown to be taken now" in stopped.notes[1]


@pytest.mark.parametrize(
    ("when", "findings"),
    [
        ({"authoredOn": "2015-04-01", "status": "stopped"}, {"statin_exposure": True}),
        ({"authoredOn": "2015-04-01"}, {"statin_exposure": True, "statin_current": True}),
        ({"authoredOn": "2016", "status": "stopped"}, {}),
        ({"authoredOn": "2017-04-01"}, {"statin_current": True}),
    ],
)
def test_a_statin_before_the_first_record_of_the_illness_is_an_exposure(
    when: dict[str, Any], findings: dict[str, bool]
) -> None:
    ill = condition(POLYMYOSITIS, recordedDate="2017-01-01", onsetDateTime="2016-03")
    for code in (coded(RXNORM, "83367"), coded("http://www.whocc.no/atc", "C10AA05")):
        assert (
            read_fhir(bundle(ill, order(medicationCodeableConcept=code, **when))).case.findings
            == findings
        )


def test_a_treatment_that_is_an_exposure_counts_as_one_too() -> None:
    ill = condition(POLYMYOSITIS, recordedDate="2017-01-01")
    given = order(
        medicationCodeableConcept=coded("http://www.whocc.no/atc", "L01FF02"), status="completed",
        authoredOn="2016-04-01",
    )  # fmt: skip
    read = read_fhir(bundle(ill, given))
    assert read.case.findings == {"checkpoint_inhibitor": True}
    assert [x.drug for x in read.case.treatments] == ["checkpoint_inhibitor"]


@pytest.mark.parametrize(
    ("said", "findings"),
    [
        ({"deceasedDateTime": "2020-03-01T10:00:00Z"}, {"deceased": True}),
        ({"deceasedBoolean": False}, {"deceased": False}),
        ({}, {}),
    ],
)
def test_whether_the_patient_has_died_is_read(
    said: dict[str, Any], findings: dict[str, bool]
) -> None:
    record = json.loads(bundle())
    record["entry"][0]["resource"] |= said
    read = read_fhir(json.dumps(record))
    assert read.case.findings == findings
    assert any("died on 2020-03-01" in x for x in read.notes) is ("deceasedDateTime" in said)


def test_two_of_one_id_that_differ_are_told_unless_one_is_newer() -> None:
    newer = {"meta": {"versionId": "2"}}
    for one, told in (({}, True), (newer, False)):
        read = read_fhir(bundle(ck(900), ck(100, **one)))
        assert [x.value for x in read.case.labs] == [100]
        assert any("stands there again and differs" in x for x in read.notes) is told


def test_what_is_not_to_be_given_is_no_course_however_that_is_written() -> None:
    for said in (True, "true"):
        assert not read_fhir(bundle(order(doNotPerform=said))).case.treatments


def test_that_no_allergy_is_known_is_said_and_denies_nothing() -> None:
    none = {
        "resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"},
        "clinicalStatus": status("active"), "code": coded(SNOMED, "716186003", "No known allergy"),
    }  # fmt: skip
    read = read_fhir(bundle(none))
    assert not read.case.findings
    (note,) = read.notes
    assert "no finding becomes absent" in note


def test_an_allergy_speaks_against_a_drug_and_is_noted_at_its_course() -> None:
    allergy = {
        "resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"},
        "clinicalStatus": status("active"), "verificationStatus": status("confirmed"),
        "code": coded(RXNORM, METHOTREXATE, "methotrexate"), "criticality": "high",
        "reaction": [{"manifestation": [{"text": "stomatitis"}]}],
    }  # fmt: skip
    read = read_fhir(bundle(order(status="stopped"), allergy))
    assert read.case.treatments[0].side_effects == "allergy or intolerance (stomatitis, high risk)"
    assert any("speaks against giving Methotrexate" in x for x in read.notes)
    assert read.case.findings == {"allergy_methotrexate": True}
    refuted = {**allergy, "verificationStatus": status("refuted")}
    read = read_fhir(bundle(order(), refuted))
    assert read.case.treatments[0].side_effects is None
    assert read.case.findings == {"allergy_methotrexate": False}
    assert not read_fhir(bundle(allergy)).case.treatments


@pytest.mark.parametrize(
    "more",
    [
        {"verificationStatus": status("unconfirmed")}, {"verificationStatus": status("entered-in-error")},
        {"clinicalStatus": status("resolved")}, {"code": {"text": "methotrexate"}},
        # That one drug of a class is no allergy says nothing of the others.
        {"code": coded(RXNORM, "1357536"), "verificationStatus": status("refuted")},
    ],
)  # fmt: skip
def test_an_allergy_that_is_doubted_over_or_said_in_words_alone_is_asked_about(
    more: dict[str, Any],
) -> None:
    allergy = {
        "resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"},
        "clinicalStatus": status("active"), "verificationStatus": status("confirmed"),
        "code": coded(RXNORM, METHOTREXATE), **more,
    }  # fmt: skip
    assert not read_fhir(bundle(allergy)).case.findings


def test_what_was_done_is_read_by_code_and_what_was_given_to_others_is_told() -> None:
    exchange = {
        "resourceType": "Procedure", "id": "x", "status": "completed",
        "code": coded(SNOMED, "20720000"), "performedPeriod": {"start": "2023-01-02", "end": "2023-01-09"},
    }  # fmt: skip
    shot = {
        "resourceType": "Immunization", "id": "i", "status": "completed",
        "patient": {"reference": "Patient/p"}, "vaccineCode": {"text": "zoster"},
        "occurrenceDateTime": "2023-05",
    }  # fmt: skip
    mother = {
        "resourceType": "FamilyMemberHistory", "id": "f", "status": "completed",
        "patient": {"reference": "Patient/p"}, "relationship": {"text": "mother"},
        "condition": [{"code": coded(SNOMED, DYSPHAGIA, "dysphagia")}],
    }  # fmt: skip
    read = read_fhir(bundle(exchange, {**exchange, "id": "y", "status": "not-done"}, shot, mother))
    (course,) = read.case.treatments
    assert (course.drug, str(course.start), str(course.stop)) == (
        "plasma_exchange", "2023-01-02", "2023-01-09",
    )  # fmt: skip
    assert not read.case.findings
    assert all(any(x in y for y in read.notes) for x in ("zoster (2023-05)", "mother: dysphagia"))
