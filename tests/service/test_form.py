"""A form becomes the case file that one would write by hand, and a case file becomes the form."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms, read_case
from myoresist.case.spelling import respelled
from myoresist.case.template import template
from myoresist.cli import EXAMPLES
from myoresist.document import parse_document
from myoresist.service.fields import GRIDS, SINGLE, asked
from myoresist.service.form import REST, case_of, entries_of

TERMS = packaged_terms()
FULL = Path(__file__).parents[1] / "report" / "full_course.yaml"
BY_HAND = """\
patient: {id: P7, sex: female, age: 62}
label: polymyositis
onset: {date: 2022-03, tempo: subacute}
findings: {heliotrope_rash: no, finger_flexor_weakness: yes, fvc_percent: 71.5}
labs: [{test: CK, value: 1200, unit: U/L, upper_limit: 200, date: 2023-05}]
autoantibodies: [{antibody: anti-Jo-1, result: negative}]
treatments:
- {drug: prednisone, dose: 60, unit: mg, frequency: daily, weeks: 12, response: none, ongoing: no}
treatments_complete: yes
medicines: [atorvastatin]
visits: [{date: 2023-05-17, mmt8: 120}]
"""
FORM = {
    "patient.id": "P7", "patient.sex": "female", "patient.age": "62", "label": "polymyositis",
    "onset.date": "2022-03", "onset.tempo": "subacute", "findings.heliotrope_rash": "no",
    "findings.finger_flexor_weakness": "yes", "findings.gottron_sign": "unknown",
    "findings.fvc_percent": "71.5",
    "labs.0.test": "CK", "labs.0.value": "1200", "labs.0.unit": "U/L", "labs.0.upper_limit": "200",
    "labs.0.date": "2023-05", "autoantibodies.1.antibody": "anti-Jo-1",
    "autoantibodies.1.result": "negative",
    "treatments.0.drug": "prednisone", "treatments.0.dose": "60", "treatments.0.unit": "mg",
    "treatments.0.frequency": "daily", "treatments.0.weeks": "12", "treatments.0.response": "none",
    "treatments.0.ongoing": "no", "treatments_complete": "yes", "medicines": "atorvastatin\n",
    "visits.3.date": "2023-05-17", "visits.3.mmt8": "120",
}  # fmt: skip


def case(text: str) -> Case:
    found, problems = check_case_text(text, "case", TERMS)
    assert found is not None, problems
    return found


def opened(text: str) -> dict[str, str]:
    return entries_of(respelled(parse_document(text, "case"), TERMS), TERMS.catalogue)


def test_a_form_is_the_case_that_one_would_write_by_hand() -> None:
    assert case(case_of(FORM).text).model_dump() == case(BY_HAND).model_dump()


def test_an_empty_form_says_nothing() -> None:
    blank = {**dict.fromkeys(SINGLE, ""), "labs.0.test": "CK", "labs.0.unit": "U/L", REST: " "}
    unknown = {f"findings.{one}": "unknown" for group in asked().values() for one in group}
    assert case_of({}).data == case_of(blank | unknown).data == {"patient": {"id": "P1"}}


@pytest.mark.parametrize("file", [*sorted(EXAMPLES.glob("*.yaml")), FULL], ids=lambda one: one.stem)
def test_a_file_that_is_opened_is_the_same_case(file: Path) -> None:
    entries = opened(file.read_text(encoding="utf-8"))
    assert case(case_of(entries).text).model_dump() == read_case(file).model_dump()
    assert case_of(entries).problems == ()


def test_the_template_is_an_empty_form() -> None:
    assert opened(template()) == {"patient.id": "P1"}


def test_what_has_no_field_stands_in_the_rest_and_beside_its_row() -> None:
    entries = opened(
        "patient: {id: P, birth_date: 1961-04}\nnotes: see letter\nfindings: {ild: unknown}\n"
        "biopsies: [{tissue: muscle, findings: {biopsy_rimmed_vacuoles: yes}}]\n"
        "treatments: [{drug: rituximab, scheme: 1 g × 2 days, response: unknown}]\n"
    )
    assert "birth_date: 1961-04" in entries[REST].replace("'", "")
    assert {"notes: see letter", "biopsies:", "  ild: unknown"} <= set(entries[REST].splitlines())
    assert entries["treatments.0.more"] == "{scheme: 1 g × 2 days, response: unknown}"


def test_a_number_keeps_the_point_that_may_divide_thousands() -> None:
    text = "patient: {id: P}\nlabs: [{test: CK, value: 6.200, unit: U/L, lower_limit: 9.000}]\n"
    entries = opened(text)
    assert entries["labs.0.value"] == "6.200"
    assert "9.000" in entries["labs.0.more"]
    told = {one.message for one in check_case_text(case_of(entries).text, "case", TERMS)[1]}
    assert told == {one.message for one in check_case_text(text, "case", TERMS)[1]}
    assert any("thousand" in one for one in told)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("0,5", 0.5), ("12.5", 12.5), ("1,200", "1,200"), ("about 5", "about 5"), ("7", 7)],
)
def test_a_comma_is_read_where_it_leaves_no_doubt(typed: str, kept: object) -> None:
    assert case_of({"patient.age": typed}).data["patient"]["age"] == kept


def test_a_mistake_is_found_at_the_field_that_holds_it() -> None:
    written = case_of({**FORM, "labs.4.test": "CK", "labs.4.value": "many", "patient.age": "old"})
    _, problems = check_case_text(written.text, "case", TERMS)
    assert {written.name_of(one.field) for one in problems} >= {"patient.age", "labs.4.value"}


@pytest.mark.parametrize("rest", ["{", "- 1", "findings: [", "a: 1\na: 2"])
def test_a_rest_that_cannot_be_read_is_said_and_not_left_out(rest: str) -> None:
    assert case_of({REST: rest}).problems
    assert case_of({"labs.0.value": "1", "labs.0.more": rest}).problems


TEXT = st.text(max_size=12)
CELLS = [(one.section, key) for one in GRIDS.values() for key in (*one.keys, "more")]
NAMES = st.sampled_from(
    [*SINGLE, REST, "medicines", "findings.ild", "findings.", "findings.age", "labs.99999.value"]
    + [f"{section}.{row}.{key}" for section, key in CELLS for row in (0, 7)]
)
WORDS = st.sampled_from(["yes", "no", "unknown", "1", "CK", "{a: 1}", "[", "\0"])


@settings(max_examples=150)
@given(st.dictionaries(NAMES, TEXT | WORDS))
def test_whatever_is_typed_is_read_or_refused(entries: dict[str, str]) -> None:
    written = case_of(entries)
    found, problems = check_case_text(written.text, "case", TERMS)
    assert (found is None) == bool(problems)
    assert all(isinstance(written.name_of(one.field), str) for one in problems)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(sorted(FORM)), st.nothing() | st.just(""), max_size=30))
def test_a_form_that_is_saved_and_opened_is_the_same_form(left_out: dict[str, str]) -> None:
    written = case_of({**FORM, **left_out})
    assert case_of(opened(written.text)).data == written.data
