"""Reading a case: what is written comes back, and every mistake is one line that says what to write."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.case.model import Case, case_schema
from myoresist.case.reading import CaseError, check_case_text, packaged_terms, read_case
from myoresist.case.record import findings_table, record
from myoresist.case.template import template, write_case

EXAMPLES = sorted((Path(__file__).parents[2] / "src" / "myoresist" / "examples").glob("*.yaml"))


def problems(text: str) -> list[str]:
    return [str(one) for one in check_case_text(text, "c")[1]]


def case(text: str) -> Case:
    read, wrong = check_case_text("patient: {id: P}\n" + text, "c")
    assert read is not None, wrong
    return read


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "findings: {heliotrop_rash: yes}",
            "findings.heliotrop_rash: unknown finding; did you mean heliotrope_rash?",
        ),
        ("findngs: {}", "findngs: unknown key; did you mean findings?"),
        (
            "findings: {ild: maybe}",
            "findings.ild: maybe is not an answer; write yes, no or unknown",
        ),
        ("findings: {ild: 3}", "findings.ild: 3 is not an answer; write yes, no or unknown"),
        (
            "findings: {age: yes}",
            "findings.age: yes is not a number; write a number in years, or unknown",
        ),
        (
            "findings: {age: 300}",
            "findings.age: 300 is impossible; it lies between 0 and 120 years",
        ),
        ("onset: {age: -4}", "onset.age: -4 is impossible; it lies between 0 and 120 years"),
        (
            "emg: [{findings: {ild: yes}}]",
            "emg[0].findings.ild: does not belong under emg; write it under findings",
        ),
        (
            "label: polymyosits",
            "label: polymyosits is not one of the choices; did you mean polymyositis?",
        ),
        (
            "labs: [{test: CKK, value: 1, unit: U/L}]",
            "labs[0].test: unknown test CKK; did you mean CK?",
        ),
        (
            "labs: [{test: CK, value: 1, unit: mmol/L}]",
            "labs[0].unit: mmol/L is not a unit of CK; write U/L, IU/L, µkat/L, ukat/L or nkat/L",
        ),
        ("labs: [{test: CK, unit: U/L}]", "labs[0].value: is missing"),
        (
            "autoantibodies: [{antibody: anti-Jo-1, value: '<5', cut_off: 3}]",
            "autoantibodies[0].value: <5 is a limit and no value; write unknown, and the limit into notes",
        ),
        (
            "labs: [{test: CK, value: 90000000, unit: U/L}]",
            "labs[0].value: 90,000,000 U/L is impossible for CK; it lies between 5 and 1,000,000 U/L; "
            "check the unit",
        ),
        (
            "autoantibodies: [{antibody: anti-Jo1x, result: negative}]",
            "autoantibodies[0].antibody: unknown antibody anti-Jo1x; did you mean anti_jo1?",
        ),
        (
            "autoantibodies: [{antibody: anti-Jo-1, result: positiv}]",
            "autoantibodies[0].result: positiv is not one of the choices; write negative, weak, moderate, "
            "strong, positive or unknown",
        ),
        (
            "autoantibodies: [{antibody: anti-Jo-1, value: 3}]",
            "autoantibodies[0]: give a result (negative, weak, …) or a value with its cut_off",
        ),
        ("date: 2023-02-30", "date: 2023-02-30 is not a date of the calendar"),
        ("date: 5/2023", "date: 5/2023 is not a date; write 2023, 2023-05 or 2023-05-17"),
        (
            "treatments: [{drug: prednisone, start: 2023-05, stop: 2022}]",
            "treatments[0]: stops (2022) before it starts (2023-05)",
        ),
        (
            "{date: 2020, visits: [{date: 2021, mmt8: 120}]}",
            "visits[0].date: 2021 is after the date of this assessment (2020)",
        ),
        (
            "visits: [{date: 2021, mmt8: 151}]",
            "visits[0].mmt8: 151 is impossible; it lies between 0 and 150 points",
        ),
        (
            "findings: {ild: [yes]}",
            "findings.ild: a list is not an answer; write yes, no or unknown",
        ),
        (
            "findings: {ck_x_uln: '>5'}",
            "findings.ck_x_uln: >5 is not a number; write a number in xULN, or unknown",
        ),
        (
            "findings: {onset_date: spring}",
            "findings.onset_date: spring is not a date; write 2023, 2023-05 or 2023-05-17",
        ),
        (
            "biopsies: [{tissue: skin, findings: {biopsy_rimmed_vacuoles: yes}}]",
            "biopsies[0].findings.biopsy_rimmed_vacuoles: does not belong to a biopsy of skin; "
            "write it under findings",
        ),
        (
            "labs: [{test: CK, value: yes, unit: U/L}]",
            "labs[0].value: yes is not a number; write a number",
        ),
        (
            "labs: [{test: CK, value: '90000000', unit: U/L}]",
            "labs[0].value: 90,000,000 U/L is impossible for CK; it lies between 5 and 1,000,000 U/L; "
            "check the unit",
        ),
        (
            "labs: [{test: CK, value: 5, unit: U/L, upper_limit: 0}]",
            "labs[0].upper_limit: 0 is impossible; it must be above 0",
        ),
        (
            "labs: [{test: CK, value: -5, unit: U/L}]",
            "labs[0].value: -5 U/L is impossible for CK; it lies between 5 and 1,000,000 U/L; check the unit",
        ),
        (
            "autoantibodies: [{antibody: SRP, value: 0, cut_off: 0}]",
            "autoantibodies[0].cut_off: 0 is impossible; it must be above 0",
        ),
        ("onset: {age: yes}", "onset.age: yes is not a number; write a number"),
        ("notes: 2023", "notes: 2023 is not text; put it in quotes"),
        (
            "treatments: [{drug: MTX, dose: 2, unit: tablets}]",
            "treatments[0].unit: tablets is not a unit of dose; write such as mg, g, mg/kg or mg/day",
        ),
        (
            "treatments: [{drug: MTX, frequency: often}]",
            "treatments[0].frequency: often is not a frequency; write such as daily, twice daily, "
            "weekly, every 4 weeks or once",
        ),
        (
            "treatments: [{drug: MTX, stop: 2022-01, ongoing: yes}]",
            "treatments[0]: has stopped, so it is not ongoing",
        ),
        (
            "treatments: [{drug: MTX, start: 2021, stop: 2022, weeks: 3}]",
            "treatments[0]: has start and stop, so leave out weeks",
        ),
        ("treatments_complete: 1", "treatments_complete: 1 is not an answer; write yes or no"),
        (
            "visits: [{date: 2021, weight_kg: 70000}]",
            "visits[0].weight_kg: 70000 is impossible; it lies between 0.5 and 500 kg",
        ),
        (
            "treatments: [{drug: prednisone, response: bad}]",
            "treatments[0].response: bad is not one of the choices; write worse, none, partial, good, "
            'complete, "good, then lost" or unknown',
        ),
        (
            "treatments: [{drug: prednisone, stopp: 2022}]",
            "treatments[0].stopp: unknown key; did you mean stop?",
        ),
        (
            "labs: [{test: CK, value: 200,5, unit: U/L}]",
            "labs[0].5: is no key; a comma parts what stands between braces, "
            "so write a number as 1200 or 0.5",
        ),
        ("date: ٢٠٢٣", "date: ٢٠٢٣ is not a date; write 2023, 2023-05 or 2023-05-17"),
        ("labs: {test: CK}", "labs: must be a list; begin each entry with -"),
        ("onset: subacute", "onset: must have keys of its own, such as key: value"),
    ],
)
def test_each_mistake_is_one_line_that_says_what_to_write(line: str, message: str) -> None:
    body = line[1:-1].replace(", visits", "\nvisits") if line.startswith("{") else line
    found = problems("patient: {id: P}\n" + body)
    assert len(found) == 1, found
    place, _, rest = found[0].partition(": ")
    assert place.startswith("c:")
    assert rest == message


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    text = (
        "patient: {}\nfindings:\n  ilt: yes\n  age: 900\nlabs:\n- {test: CK, value: 1, unit: g}\n"
    )
    text += "extra: 1\n"
    assert [one.split(": ")[0] for one in problems(text)] == ["c:1", "c:3", "c:4", "c:6", "c:7"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "patient: {id: P, birth_date: 1990}\nonset: {date: 1980-05}\n",
            ["c:2: onset.date: 1980-05 is before the birth (1990)"],
        ),
        (
            "patient: {id: P, birth_date: 1990}\ndate: 1980\n",
            ["c:2: date: 1980 is before the birth (1990)"],
        ),
        (
            "patient: {id: P, age: 30}\nonset: {age: 31}\n",
            ["c:2: onset.age: 31 is more than the age of the patient (30)"],
        ),
        (
            "patient: {id: no}\n",
            ["c:1: patient.id: no is not text; put it in quotes"],
        ),
        (
            "- a\n",
            [
                "c:1: a case is a list of sections such as patient: and findings:; see "
                "'myoresist template'"
            ],
        ),
        (
            "patient: {id: P}\ndate: 2020\nlabs:\n- {test: CK, value: x, unit: U/L, date: 2021}\n"
            "treatments:\n- {drug: MTX, dose: y, start: 2019, stop: 2018}\n",
            [
                "c:4: labs[0].date: 2021 is after the date of this assessment (2020)",
                "c:4: labs[0].value: x is not a number; write a number",
                "c:6: treatments[0]: stops (2018) before it starts (2019)",
                "c:6: treatments[0].dose: y is not a number; write a number",
            ],
        ),
        (
            "patient: {id: P}\nfindings:\n  ild: yes\n  ild: no\n",
            ["c:4: findings.ild: stands here twice; the first is on line 3"],
        ),
    ],
)
def test_what_does_not_fit_together_is_told_whatever_else_is_wrong(
    text: str, lines: list[str]
) -> None:
    assert problems(text) == lines


def test_a_number_of_problems_is_enough() -> None:
    text = "patient: {id: P}\nfindings:\n" + "".join(f"  x{i}_rash: yes\n" for i in range(50_000))
    start = time.perf_counter()
    told = problems(text)
    assert time.perf_counter() - start < 10
    assert told[0] == "c: holds 200 mistakes or more; mend these first"
    assert len(told) == 201


def test_an_error_is_short_and_on_one_line_whatever_was_written() -> None:
    long, key = "x " * 300_000, "x " * 500
    text = json.dumps(
        {
            "patient": {"id": "P"},
            "date": long,
            "label": long,
            "a\nb\x1b[31m": 1,
            "findings": {key: True, "ild": long, "age": long},
            "labs": [{"test": long}, {"test": "CK", "unit": long, "value": long}],
            "autoantibodies": [{"antibody": long, "result": long}],
        }
    )
    told = problems(text)
    assert len(told) >= 10
    assert all(line.isprintable() and len(line) < 600 for line in told)


def test_a_case_that_is_wrong_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("patient: {id: P}\nfindings: {ilt: yes}\n")
    with pytest.raises(CaseError, match=r"c.yaml:2: findings.ilt: unknown finding"):
        read_case(path)


@settings(max_examples=150, deadline=None)
@given(
    content=st.binary(max_size=200)
    | st.text(st.characters(exclude_categories=()), max_size=200)
    | st.text("{}[]:,-#&*!|>'\"%@` \n\tapatient", max_size=60)
)
def test_whatever_the_file_holds_there_is_a_case_or_a_problem(content: str | bytes) -> None:
    read, wrong = check_case_text(content, "c")
    assert (read is None) == bool(wrong)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["findings", "test", "value", "unit", "date", "x", "ild", "age", "onset_date"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(data=st.dictionaries(st.sampled_from(list(Case.model_fields)), junk))
def test_any_value_in_any_section_is_a_case_or_a_problem(data: dict[str, Any]) -> None:
    read, wrong = check_case_text(json.dumps({"patient": {"id": "P"}, **data}), "c")
    assert (read is None) == bool(wrong)
    assert all(str(one).isprintable() for one in wrong)
    if read is not None:
        table = findings_table([record(read)], packaged_terms().catalogue)
        assert not any(table[name].is_nan().any() for name in table.select(cs.float()).columns)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_cases_with_a_source_and_come_back_unchanged(path: Path) -> None:
    read = read_case(path)
    assert read.source is not None
    again, wrong = check_case_text(write_case(read), "again")
    assert wrong == []
    assert again is not None
    assert again.model_dump() == read.model_dump()


texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12
) | (
    st.sampled_from(
        ["none", "1e3", "no", "~", "2023", ".nan", "007", "1:30", "a\x85b", "# x", "- x"]
    )
)
dates = st.sampled_from(["2021", "2021-05", "2021-05-17"])
cases = st.fixed_dictionaries(
    {"patient": st.fixed_dictionaries({"id": texts}, optional={"age": st.floats(0, 120)})},
    optional={
        "date": st.just("2022-01-01"),
        "notes": texts,
        "findings": st.dictionaries(
            st.sampled_from(["ild", "dysphagia"]), st.sampled_from([True, False, "unknown", None])
        ),
        "labs": st.lists(
            st.fixed_dictionaries(
                {"test": st.just("CK"), "value": st.floats(0.1, 1e4), "unit": st.just("µkat/L")},
                optional={"date": dates, "upper_limit": st.floats(0.2, 10), "notes": texts},
            ).filter(lambda one: one["value"] <= 2000 * one.get("upper_limit", one["value"]))
        ),
        "treatments": st.lists(
            st.fixed_dictionaries(
                {"drug": texts},
                optional={
                    "response": st.sampled_from(["none", "partial", "good", "unknown"]),
                    "start": dates,
                    "dose": st.floats(0, 1e30),
                },
            )
        ),
        "treatments_complete": st.booleans(),
    },
)


@settings(max_examples=200, deadline=None)
@given(data=cases)
def test_a_case_that_is_written_is_read_back_as_the_same_case(data: dict[str, Any]) -> None:
    one = Case.model_validate(data)
    text = write_case(one)
    again, wrong = check_case_text(text, "again")
    assert wrong == []
    assert again is not None
    assert again.model_dump() == one.model_dump()
    assert write_case(again) == text


def test_the_template_is_a_case_and_names_every_finding_that_follows_from_no_other() -> None:
    text = template()
    read, wrong = check_case_text(text, "t")
    assert wrong == []
    assert read is not None
    follow = set(packaged_terms().sections.follow)
    named = {
        finding.id for finding in packaged_terms().catalogue if finding.kind in ("bool", "number")
    }
    assert all(f"# {finding}:" in text for finding in named - follow)
    assert not any(f"# {finding}:" in text for finding in follow)


def test_the_template_is_a_case_with_every_comment_taken_away() -> None:
    """What the comments show can be written as it stands."""
    head = template().split("# Findings. Take")[0]
    lines = [
        line[2:] if line.startswith("# ") and ":" in line else line for line in head.splitlines()
    ]
    body = "\n".join(
        line
        for line in lines
        if not line.lstrip().startswith(("One patient", "Answers are", "yaml-", "Editors", "#"))
    )
    read, wrong = check_case_text(
        body.replace("  # sex", "  sex").replace("  # weight", "  weight"), "t"
    )
    assert wrong == []
    assert read is not None
    assert (len(read.treatments), len(read.visits)) == (2, 2)


def test_the_schema_describes_every_section() -> None:
    described = case_schema()
    assert described["$id"] == "urn:myoresist:case:1.1"
    assert set(described["properties"]) == set(Case.model_fields)
    parts = [described, *described["$defs"].values()]
    for part in parts:
        for name, field in part["properties"].items():
            assert field.get("description") or "$ref" in str(field), name
            # As in the template, what may be left out may also stand there with nothing behind it.
            assert name in part.get("required", ()) or {"type": "null"} in field["anyOf"], name


@pytest.mark.parametrize(
    "spelled", ["INF", "NaN", ".nan", "1e5", "1e999", "007", "123456789012345678901234567890"]
)
def test_an_id_is_a_text_and_keeps_its_spelling(spelled: str) -> None:
    for text in (f"patient: {{id: {spelled}}}\n", f"patient:\n  id: '{spelled}'\n"):
        read, wrong = check_case_text(text, "c")
        assert read is not None, wrong
        assert read.patient.id == spelled
        again, _ = check_case_text(write_case(read), "c")
        assert again is not None
        assert again.patient.id == spelled


def test_an_id_that_is_not_there_is_said() -> None:
    assert problems("patient: {id: ''}") == ["c:1: patient.id: is empty"]
    assert problems("patient: {id: null}") == ["c:1: patient.id: is missing"]


def test_every_mistake_is_said_at_once_also_beside_a_nan() -> None:
    text = (
        "patient: {id: P, age: .nan}\nlabs:\n- {test: CK, value: .inf, unit: U/L, upper_limit: foo}\n"
        "- {test: CKX, value: 5, unit: U/L}\nautoantibodies: [{antibody: Jo-1, value: nan, cut_off: 5}]\n"
    )
    unread = "is not a number that can be used; leave it out if it is unknown"
    assert problems(text) == [
        f"c:1: patient.age: .nan {unread}",
        "c:3: labs[0].upper_limit: foo is not a number; write a number",
        f"c:3: labs[0].value: .inf {unread}",
        "c:4: labs[1].test: unknown test CKX; did you mean CK?",
        f"c:5: autoantibodies[0].value: nan {unread}",
    ]
