"""The project for REDCap: REDCap takes its dictionary, and its export says what the case files say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from doors import folder
from polars.testing import assert_frame_equal
from registries import cases, exact, tables

from myoresist.case.reading import packaged_terms
from myoresist.cohort.checking import check
from myoresist.cohort.redcap_project import (
    HEADING,
    RECORD,
    RECORD_LABEL,
    REPEATED,
    Field,
    Project,
    dictionary,
)
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import Source, SourceError, open_source

Rows = list[dict[str, Any]]
SCHEMA = Schema(packaged_terms())
PROJECT = Project(SCHEMA)
TYPES = {"text", "notes", "dropdown", "radio"}
VALIDATIONS = {"", "number", "date_ymd", "autocomplete"}


def test_redcap_takes_the_dictionary() -> None:
    read = list(csv.reader(io.StringIO(dictionary(SCHEMA))))
    assert tuple(read[0]) == HEADING
    assert {len(row) for row in read} == {18}
    assert read[1][0] == RECORD
    names = [row[0] for row in read[1:]]
    assert len(set(names)) == len(names)
    forms = list(dict.fromkeys(row[1] for row in read[1:]))
    assert [row[1] for row in read[1:]] == [x for form in forms for x in [form] * sum(
        row[1] == form for row in read[1:])]  # fmt: skip
    assert set(REPEATED) < set(forms)
    for name, form, _, kind, label, choices, note, validation, low, high, *_ in read[1:]:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name)
        # It would be the state of a form.
        assert not name.endswith("_complete")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", form)
        assert kind in TYPES and validation in VALIDATIONS and label
        # Labels and notes are HTML.
        assert not re.search(r"[<>|]", label + note)
        assert bool(choices) == (kind in ("dropdown", "radio"))
        codes = [x.split(", ", 1)[0] for x in choices.split(" | ") if x]
        assert all(re.fullmatch(r"[a-z0-9_]+", x) for x in codes)
        assert len(set(codes)) == len(codes)
        assert not (low and high) or float(low) < float(high)


def exported(found: Mapping[str, pl.DataFrame], labelled: bool) -> str:
    """Return tables as REDCap exports the project, with raw values or with labels."""
    own = {(x.table, x.column): x for x in PROJECT.fields}
    rows: Rows = []
    for row in found["patients"].to_dicts():
        name = row.pop("patient_id")
        of_patient = [x for x in found["findings"].to_dicts() if x["patient_id"] == name]
        row |= {SCHEMA.terms.catalogue.find(x["finding"]).id: x["value"] for x in of_patient}  # type: ignore[union-attr]
        rows.append({RECORD: name} | dict(_cells("patients", row, own, labelled)))
        for table in REPEATED:
            listed = found[table].to_dicts() if table in found else []
            mine = [x for x in listed if x.pop("patient_id") == name]
            told = table.title() if labelled else table
            rows += [
                {RECORD: name, "redcap_repeat_instrument": told, "redcap_repeat_instance": n}
                | dict(_cells(table, x, own, labelled))
                | {f"{table}_complete": "Complete" if labelled else "2"}
                for n, x in enumerate(mine, 1)
            ]
    heading = [RECORD, "redcap_repeat_instrument", "redcap_repeat_instance"]
    for form in dict.fromkeys(x.form for x in PROJECT.fields):
        heading += [x.name for x in PROJECT.fields if x.form == form] + [f"{form}_complete"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_labels(heading) if labelled else heading)
    writer.writerows([row.get(x, "") for x in heading] for row in rows)
    return text.getvalue()


def _labels(heading: Iterable[str]) -> list[str]:
    labels = {y: x for x, y in PROJECT.labels.items()}
    labels |= {
        "redcap_repeat_instrument": "Repeat Instrument",
        "redcap_repeat_instance": "Repeat Instance",
    }
    return ["Complete?" if x.endswith("_complete") else labels[x] for x in heading]


def _cells(
    table: str, row: Mapping[str, Any], own: Mapping[tuple[str, str], Field], labelled: bool
) -> Iterable[tuple[str, Any]]:
    terms = SCHEMA.terms
    find = {"drug": terms.drug, "test": terms.lab, "antibody": terms.antibody}
    ids = {x: one.id for one in terms.measures for x in one.columns}
    for column, value in row.items():
        if value is None:
            continue
        name = ids.get(column, column) if table == "visits" else column
        field = own[table, name]
        text = {"True": "yes", "False": "no"}.get(str(value), str(value))
        if column in find and table != "patients":
            text = find[column](text).id  # type: ignore[union-attr]
        code = {word: code for code, (word, _) in field.choices.items()}.get(text, text)
        yield field.name, field.choices[code][1] if labelled and field.choices else code


def opened(text: str, path: Path, mapping: str = "") -> Source:
    (path / "work").mkdir(parents=True)
    (path / "export.csv").write_text(text, encoding="utf-8")
    names = folder(path, {"m.yaml": mapping}) / "m.yaml" if mapping else None
    return open_source(path / "export.csv", SCHEMA, path / "work", names)


def read(source: Source) -> dict[str, pl.DataFrame]:
    return {x: y.drop("row").collect() for x, y in source.tables.items()}


def test_an_export_of_the_project_says_what_the_cases_say(tmp_path: Path) -> None:
    found = [exact(one) for one in cases(tmp_path)[:5]]
    given = tables(found)
    # What a list of drugs cannot hold is the route in the name of one.
    given["treatments"] = given["treatments"].with_columns(
        pl.col("drug").map_elements(lambda x: SCHEMA.terms.drug(x).id, pl.String)  # type: ignore[union-attr]
    )
    direct = assess_tables(given)
    raw = opened(exported(given, False), tmp_path / "raw")
    assert raw.unread == ()
    answered = assess_tables(read(raw))
    for table, answers in direct.items():
        if table not in ("inputs", "rejected", "conflicts"):
            assert_frame_equal(answered[table], answers, check_row_order=False)
    assert answered["rejected"].is_empty()
    labelled = opened(exported(given, True), tmp_path / "labelled")
    assert labelled.unread == ()
    # Read alike, and so answered alike.
    assert _plain(read(labelled)) == _plain(read(raw))


def _plain(found: Mapping[str, pl.DataFrame]) -> dict[str, list[tuple[Any, ...]]]:
    terms = SCHEMA.terms
    find = {"drug": terms.drug, "test": terms.lab, "antibody": terms.antibody}
    return {
        table: [
            tuple(
                find[x](y).id if x in find and y else str(y).lower()  # type: ignore[union-attr]
                for x, y in zip(frame.columns, row, strict=True)
            )
            for row in frame.select(sorted(frame.columns)).rows()
        ]
        for table, frame in ((x, y.select(sorted(y.columns))) for x, y in found.items())
    }


SHORT = """\
record_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,sex,heliotrope_rash,\
patient_complete,lab_test,lab_value,lab_unit,labs_complete
1,,,wien,female,yes,2,,,,
1,labs,1,wien,,,,ck,900,U/L,2
1,labs,2,wien,,,,NI,NI,UNK,0
2,,,graz,NI,unknown,0,,,,
"""


def test_codes_for_missing_data_say_nothing_and_the_site_can_be_kept(tmp_path: Path) -> None:
    found = read(opened(SHORT, tmp_path, "keep: {redcap_data_access_group: site}\n"))
    assert found["patients"].rows() == [
        ("1", "female", "yes", "wien"), ("2", None, "unknown", "graz"),
    ]  # fmt: skip
    assert found["labs"].rows() == [("1", "ck", "900", "U/L"), ("1", None, None, None)]


def test_a_form_without_any_row_and_a_field_of_another_are_no_mistake(tmp_path: Path) -> None:
    text = SHORT.replace("\n1,labs,1,wien,,,,ck,900,U/L,2\n1,labs,2,wien,,,,NI,NI,UNK,0", "")
    found = read(opened(text, tmp_path))
    assert found.keys() == {"patients"}
    assert found["patients"].columns == ["patient_id", "sex", "heliotrope_rash"]
    with pytest.raises(SourceError, match="column consent is not known"):
        opened(text.replace("sex,", "consent,"), tmp_path / "other")


EVENTS = """\
study_id,redcap_event_name,dob,sexe,vdate,mmt,haq,rash___1,rash___2,skin_complete,bloods_complete
1,baseline_arm_1,1960-01-25,F,2020-01-10,110,1.5,1,0,2,0
1,month_6_arm_1,,,2020-07-10,130,0.5,0,1,2,0
2,baseline_arm_1,1970-05-05,M,2020-02-01,140,,0,0,0,0
2,month_6_arm_1,1971-05-05,,,,,,,,
"""
OF_EVENTS = """\
columns:
  patients: {study_id: patient_id, dob: birth_date, sexe: sex, rash___1: heliotrope_rash, rash___2: v_sign}
values: {patients: {sexe: {F: female, M: male}}}
rows: {visits: [{columns: {vdate: date, mmt: mmt8, haq: haq_di}}]}
"""


def test_events_of_one_patient_are_one_row_and_each_may_be_a_visit(tmp_path: Path) -> None:
    found = read(opened(EVENTS, tmp_path, OF_EVENTS))
    patients = found["patients"].to_dicts()
    assert [x["sex"] for x in patients] == ["female", "male"]
    assert patients[0]["birth_date"] == "1960-01-25"
    # What two events say otherwise is left open, and told.
    assert "another event says otherwise" in patients[1]["birth_date"]
    assert "another event says otherwise" in patients[0]["heliotrope_rash"]
    # Nobody opened the form of the second patient.
    assert (patients[1]["heliotrope_rash"], patients[1]["v_sign"]) == (None, None)
    visits = found["visits"].select("patient_id", "date", "mmt8", "haq_di").rows()
    assert visits == [
        ("1", "2020-01-10", "110", "1.5"), ("1", "2020-07-10", "130", "0.5"),
        ("2", "2020-02-01", "140", None),
    ]  # fmt: skip


LABELLED = """\
Record,Event Name,Repeat Instrument,Repeat Instance,Rash? (choice=Heliotrope),Rash? (choice=V sign),\
Complete?,Test,Value,Unit,Complete?
1,,,,Checked,Unchecked,Complete,,,,
1,,Blood tests,1,,,,CK,900,U/L,Complete
2,,,,Unchecked,Unchecked,Incomplete,,,,Incomplete
"""
OF_LABELS = """\
columns:
  patients:
    Record: patient_id
    "Rash? (choice=Heliotrope)": heliotrope_rash
    "Rash? (choice=V sign)": v_sign
  labs: {Test: test, Value: value, Unit: unit}
repeated: {blood_tests: labs}
"""


def test_an_export_of_another_project_with_labels_is_read_with_a_mapping(tmp_path: Path) -> None:
    found = read(opened(LABELLED, tmp_path, OF_LABELS))
    assert found["patients"].rows() == [("1", "1", "0"), ("2", None, None)]
    assert found["labs"].rows() == [("1", "CK", "900", "U/L")]


def test_the_label_of_the_record_is_its_own() -> None:
    assert PROJECT.labels[RECORD_LABEL] == RECORD
    assert len(PROJECT.labels) == len(PROJECT.fields) + 1


def test_what_cannot_be_used_is_named_by_its_row_in_the_file(tmp_path: Path) -> None:
    rows = (
        "study_id,redcap_repeat_instrument,dob,value", "1,,1960-01-25,", "1,bloods,,900", "2,,1870-05-05,",
        "2,bloods,,x",
    )  # fmt: skip
    (tmp_path / "e.csv").write_text("\n".join(rows))
    (tmp_path / "m.yaml").write_text(
        "columns:\n  patients: {study_id: patient_id, dob: birth_date}\n  labs: {value: value}\n"
        "repeated: {bloods: labs}\nconstants: {labs: {test: CK, unit: U/L}}\n"
    )
    found = check(tmp_path / "e.csv", tmp_path / "m.yaml").problems
    assert sorted(found.select("table", "row").rows()) == [("labs", 4), ("patients", 3)]
