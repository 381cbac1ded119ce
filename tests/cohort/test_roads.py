"""A patient of a registry is the same patient as in a case file: every table says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from doors import DOORS, findings, rejected
from registries import ROOT, cases, cases_of, course, exact, tables
from roads import differences, of_assessment, of_tables

from myoresist import Knowledge, assess, knowledge, read_case
from myoresist.case.model import Case
from myoresist.case.reading import check_case_text
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.simulate import simulate

Door = Callable[[Mapping[str, pl.DataFrame], Path], Path]
SHARED = ROOT.parent / "shared"
FOLDERS = (SHARED / "refractory", SHARED / "consult" / "cases")
SIMULATED = int(os.environ.get("MYORESIST_ROADS", "24"))
"""Simulated patients; one takes a third of a second, so that thousands are for a run by hand."""


def named(case: Case, name: str) -> Case:
    return case.model_copy(update={"patient": case.patient.model_copy(update={"id": name})})


def compare(found: list[Case], knowledge: Knowledge | None = None) -> None:
    found = [exact(one) for one in found]
    said = of_tables(assess_tables(tables(found), knowledge))
    apart = {}
    for one in found:
        differ = differences(of_assessment(assess(one, knowledge)), said[one.patient.id])
        if differ:
            apart[one.patient.id] = differ
    assert not apart


def test_bundled_cases(tmp_path: Path) -> None:
    full = read_case(ROOT / "tests" / "report" / "full_course.yaml")
    compare([*cases(tmp_path), named(full, "full_course")])


@pytest.mark.skipif(not SHARED.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_shared_cases(folder: Path) -> None:
    paths = [path for path in sorted(folder.glob("*.yaml")) if path.stem != "truth"]
    compare([named(read_case(path), path.stem) for path in paths])


def test_simulated_patients() -> None:
    """``MYORESIST_ROADS=2000`` compares more of them."""
    compare(cases_of(simulate(SIMULATED, seed=3)))


FORMS = """\
patient: {id: forms, age: 60, sex: female, weight_kg: 70}
date: 2024-03-01
label: dermatomyositis
labs:
- {test: CK, value: ">22000", unit: U/L, upper_limit: 200, date: 2023-01-10}
- {test: CK, value: 9000, unit: U/L, upper_limit: 200, date: 2023-02-10}
- {test: CK, value: "<150", unit: U/L, upper_limit: 200, date: 2024-02-10}
- {test: aldolase, value: 4-5, unit: U/L, upper_limit: 7.5, date: 2024-01-10}
- {test: aldolase, value: 30, unit: U/L, upper_limit: 7.5, date: 2023-01-10}
- {test: LDH, value: 400-600, unit: U/L, upper_limit: 240}
- {test: AST, value: ≥40, unit: U/L, upper_limit: 40}
- {test: ALT, value: ">40", unit: U/L, upper_limit: 40}
- {test: CRP, value: 5-9, unit: mg/L, upper_limit: 5}
- {test: TSH, value: 0.1, unit: mU/L, lower_limit: 0.4, upper_limit: 4, date: 2024-01-10}
- {test: potassium, value: 3.0, unit: mmol/L, lower_limit: 3.5, upper_limit: 5, date: 2024-01-10}
autoantibodies:
- {antibody: anti-HMGCR, method: ELISA, value: "<20", cut_off: 20}
- {antibody: anti-SRP, method: line blot, value: ">100", cut_off: 20}
treatments:
- {drug: prednisone, scheme: from 60 to 10 mg over 6 months, start: 2023-01-10, response: good}
- {drug: methylprednisolone, scheme: 1 g × 3 days, route: intravenous, start: 2023-01-05, response: partial}
- {drug: methotrexate, dose: 15, unit: mg, frequency: weekly, start: 2023-02-01, stop: 2023-09-01,
   response_by_organ: {muscle: none, skin: good, CK: partial}, reason_stopped: no effect}
- {drug: rituximab, scheme: "2 × 1000 mg, 2 weeks apart", start: 2023-10-01, response: good,
   together_with: [methotrexate]}
- {drug: azathioprine, scheme: from 50 to 150 mg over 2 months, response_by_organ: {muscle: good, lung: none}}
medicines: [co-trimoxazole, {drug: atorvastatin, stop: 2022-03}, levothyroxine]
"""


WEEKS = """\
patient: {id: forms, age: 60, sex: female, weight_kg: 70}
date: 2024-03-01
label: dermatomyositis
%s
labs:
- {test: CK, value: 9000, unit: U/L, week: 0}
- {test: CK, value: 150, unit: U/L, week: 12}
- {test: LDH, value: ">500", unit: U/L, upper_limit: 240, week: 20}
- {test: LDH, value: 200, unit: U/L, upper_limit: 240, week: 12}
- {test: FVC, value: 80, unit: "%%", week: 0}
- {test: FVC, value: 60, unit: "%%", week: 30}
- {test: aldolase, value: 9, unit: U/L, upper_limit: 7.5, week: 3}
- {test: aldolase, value: 4, unit: U/L, upper_limit: 7.5}
autoantibodies: [{antibody: anti-Mi-2, method: line blot, result: positive}]
treatments:
- {drug: prednisone, scheme: from 60 to 10 mg over 6 months, response: partial, from_week: 0}
- {drug: methotrexate, dose: 20, unit: mg, frequency: weekly, response: none, reason_stopped: no effect,
   from_week: 4, to_week: 40}
- {drug: azathioprine, dose: 50, unit: mg, frequency: daily, response: none, after: methotrexate,
   reason_stopped: side effect, side_effects: liver enzymes}
- {drug: tacrolimus, response: none, before: azathioprine}
medicines: [levothyroxine]
"""
ZEROS = {
    "dated": "weeks_from: {event: prednisone, date: 2023-01-10}\nassumed_limits: {CK: 200}",
    "undated": "weeks_from: {event: prednisone}",
}


def raw(text: str) -> dict[str, pl.DataFrame]:
    """Return a case as tables that hold its short forms as they are written."""
    data = yaml.safe_load(text)
    own = {"patient_id": data["patient"]["id"]}
    assumed = data.get("assumed_limits", {})
    rows: dict[str, list[dict[str, Any]]] = {
        "patients": [own | {x: data["patient"][x] for x in ("age", "sex", "weight_kg")}
                     | {x: data[x] for x in ("date", "label")}
                     | {"weeks_from": data.get("weeks_from", {}).get("date")}
                     | {"assumed_limits": "; ".join(f"{x} {y}" for x, y in assumed.items()) or None}],
        "labs": data["labs"],
        "antibodies": data["autoantibodies"],
        "treatments": [course(one) | {"scheme": one.get("scheme")} for one in data["treatments"]],
        "medicines": [{"drug": x} if isinstance(x, str) else x for x in data["medicines"]],
    }  # fmt: skip
    return {
        name: pl.DataFrame(
            [{k: None if v is None else str(v) for k, v in (own | row).items()} for row in listed],
            infer_schema_length=None,
        )
        for name, listed in rows.items()
    }


def test_every_form_that_a_table_can_hold_says_what_it_says_in_a_case() -> None:
    one = made(FORMS)
    found = assess_tables(raw(FORMS))
    assert found["rejected"].is_empty(), found["rejected"].rows()
    row = found["findings"].row(0, named=True)
    assert (row["ck_raised"], row["ck_x_uln"], row["ck_normal_now"]) == (True, None, True)
    assert (row["anti_hmgcr"], row["anti_srp"]) == (False, True)
    assert differences(of_assessment(assess(one)), of_tables(found)["forms"]) == []
    compare([one])


@pytest.mark.parametrize(("zero", "normal"), [("dated", True), ("undated", None)])
def test_weeks_order_and_limits_to_assume_say_in_a_table_what_they_say_in_a_case(
    zero: str, normal: bool | None
) -> None:
    """With a day from which they count, weeks are dates; without one they put values and courses in order."""
    text = WEEKS % ZEROS[zero]
    one, found = made(text), assess_tables(raw(text))
    row = found["findings"].row(0, named=True)
    assert (row["ck_current_u_l"], row["ck_x_uln"], row["fvc_decline_10pct"]) == (
        150, 45 if normal else None, True,
    )  # fmt: skip
    assert (row["ldh_x_uln"], row["muscle_enzymes_raised"]) == (None, True)
    last = found["resistance"].row(0, named=True)
    assert last["trial_last_stopped_intolerance"] is True
    assert differences(of_assessment(assess(one)), of_tables(found)["forms"]) == []
    compare([one])
    told = found["rejected"].select("table", "column", "value", "whole_row").rows()
    assert told == ([("labs", "upper_limit", "200.0", False)] * 2 if normal else [])


def test_what_tells_no_limit_or_order_is_listed_and_a_visit_may_have_a_week() -> None:
    tables = raw(WEEKS % ZEROS["dated"])
    tables["patients"] = tables["patients"].with_columns(assumed_limits=pl.lit("CK high"))
    swapped = pl.col("after").str.replace("methotrexate", "sirolimus")
    tables["treatments"] = tables["treatments"].with_columns(swapped)
    tables["visits"] = pl.DataFrame(
        {"patient_id": ["forms"], "week": ["2"], "date": [None], "mmt8": ["100"]}
    )
    found = assess_tables(tables)
    assert found["findings"]["mmt8_150"].to_list() == [100]
    assert found["rejected"].select("column", "value").rows() == [
        ("assumed_limits", "CK high"), ("after", "sirolimus"),
    ]  # fmt: skip


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_form_comes_through_every_door(door: Door, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    forms = raw(FORMS)
    weeks = raw((WEEKS % ZEROS["dated"].partition("\n")[0]).replace("forms", "weeks"))
    both = {x: pl.concat([forms[x], weeks[x]], how="diagonal_relaxed") for x in forms}
    found = findings(door(both, tmp_path / "in"), tmp_path / "out")
    assert found.equals(assess_tables(both)["findings"])
    assert rejected(tmp_path / "out") == []


def test_a_medicine_against_myositis_belongs_into_treatments_and_a_scheme_that_is_none_is_listed() -> (
    None
):
    tables = raw(FORMS)
    tables["medicines"] = tables["medicines"].with_columns(drug=pl.lit("methotrexate"))
    tables["treatments"] = tables["treatments"].with_columns(scheme=pl.lit("now and then"))
    told = assess_tables(tables)["rejected"].select("table", "column", "reason").unique().rows()
    assert ("medicines", "drug", "belongs into treatments") in told
    assert any(x[:2] == ("treatments", "scheme") and "is no scheme" in x[2] for x in told)


VISITS = """\
date: 2023-12-01
visits:
- {date: 2023-01-10, mmt8: 100, physician_global: 8, patient_global: 8, haq_di: 2, extramuscular_global: 4}
- {date: 2023-06-10, mmt8: 140, physician_global: 2, patient_global: 2, haq_di: 0.5, extramuscular_global: 1}
- {date: 2023-11-10, mmt8: 140, physician_global: 2, patient_global: 2, haq_di: 0.5, extramuscular_global: 1}
treatments:
- {drug: methotrexate, dose: 15, unit: mg, frequency: weekly, start: 2023-06-15, ongoing: yes}
"""
AGES = {
    "old": "patient: {id: old, age: 50}\n",
    "young": "patient: {id: young, age: 12}\n",
    "grown": "patient: {id: grown, age: 30}\nonset: {age: 9}\n",
    "labelled": "patient: {id: labelled}\nlabel: juvenile_dermatomyositis\n",
    "ageless": "patient: {id: ageless}\n",
}


def made(text: str) -> Case:
    read, wrong = check_case_text(text, "c")
    assert read is not None, wrong
    return read


@pytest.mark.parametrize("age", AGES)
def test_visits_on_both_sides_of_a_course(age: str) -> None:
    """The baseline is the last visit before it, and the cut-offs are those of the age, on both roads."""
    one = made(AGES[age] + VISITS)
    found = assess_tables(tables([one]))["responses"]
    assert found["baseline_date"].cast(str).to_list() == ["2023-06-10"]
    assert found["score_min"].to_list() == [0]
    populations = {"old": "adult", "ageless": None}
    assert found["population"].to_list() == [populations.get(age, "juvenile")]
    compare([one])


def test_what_visits_tell_can_speak_against_an_option(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(knowledge.folder(), folder)
    option = folder / "treatments" / "options" / "rituximab.yaml"
    rule = (
        "- {when: core_mmt8_worsened, level: contraindicated, text: made up, check: convention}\n"
    )
    option.write_text(option.read_text().replace("\nagainst:\n", f"\nagainst:\n{rule}"))
    base = Knowledge.load(folder)
    weaker = VISITS.replace("2023-11-10, mmt8: 140", "2023-11-10, mmt8: 90")
    one = made(AGES["old"] + weaker + "label: dermatomyositis\nfindings: {heliotrope_rash: yes}\n")
    against = assess(one, base).treatment.options["rituximab"].against
    assert [x.because for x in against if x.text == "made up"] == [("core_mmt8_worsened",)]
    rows = assess_tables(tables([one]), base)["options"].filter(option="rituximab")
    assert rows["contraindicated"].all()
    compare([one], base)


FAILED = """\
patient: {id: three, age: 50, weight_kg: 60}
date: 2023-12-01
treatments_complete: yes
treatments:
- {drug: prednisone, dose: 60, unit: mg/day, start: 2022-01-01, stop: 2022-07-31, response: none}
- {drug: methotrexate, dose: 20, unit: mg/week, start: 2022-02-01, stop: 2022-12-31, response: none}
- {drug: azathioprine, dose: 150, unit: mg/day, start: 2023-01-15, stop: 2023-11-15, response: none}
visits:
- {date: 2022-01-01, mmt8: 108, physician_global: 7, patient_global: 7, haq_di: 2, extramuscular_global: 4}
- {date: 2023-11-20, mmt8: 107, physician_global: 7, patient_global: 7, haq_di: 2, extramuscular_global: 4}
"""


@pytest.mark.parametrize(
    ("stated", "state"),
    [
        ("", "met"),
        ("findings: {glucocorticoid_failure: no, glucocorticoid_intolerance: no}", "not_met"),
    ],
)
def test_what_courses_tell_is_known_before_criteria_are_asked(stated: str, state: str) -> None:
    """What the case states itself goes first, and where its courses tell another thing it is said."""
    one = made(FAILED + stated)
    sets = {x.id: x for x in assess(one).criteria}
    assert {sets[x].state for x in ("refractory_rim", "refractory_proderm")} == {state}
    facts = {fact.id: fact for fact in assess(one).record}
    assert facts["n_immunosuppressants_failed"].how == "follows"
    assert facts["n_immunosuppressants_failed"].because == ("n_trials_failed",)
    said = [x for x in assess(one).remarks if "Inadequate response to an adequate gluco" in x]
    assert bool(said) == bool(stated)
    compare([one])


RELAPSE = """\
patient: {id: A, sex: female, age: 50, weight_kg: 60}
label: dermatomyositis
onset: {age: 40}
findings: {iim_subtype_ibm: no}
treatments_complete: yes
treatments:
- {drug: prednisone, dose: 60, unit: mg/day, start: 2015-01-05, stop: 2015-06-30, reason_stopped: remission}
- {drug: MTX, dose: 20, unit: mg/week, start: 2015-01-05, stop: 2016-06-30, reason_stopped: remission}
visits:
- {date: 2015-01-01, mmt8: 108, physician_global: 7, patient_global: 7, haq_di: 2, extramuscular_global: 4}
- {date: 2015-06-20, mmt8: 150, physician_global: 0, patient_global: 0, haq_di: 0, extramuscular_global: 0}
- {date: 2016-06-20, mmt8: 150, physician_global: 0, patient_global: 0, haq_di: 0, extramuscular_global: 0}
- {date: 2024-06-20, mmt8: 107, physician_global: 7, patient_global: 7, haq_di: 2, extramuscular_global: 4}
"""


def test_a_relapse_without_treatment_is_not_refractory_on_either_road() -> None:
    one = made(RELAPSE)
    said = assess(one)
    met = {x.id for x in said.resistance.treatment.definitions if x.state != "not_met" and x.state}
    assert met <= {"gc_or_gc_plus_one_failed", "presumed_refractory"}
    assert {x.state for x in said.criteria if x.id.startswith("refractory_")} <= {
        "not_met",
        "undetermined",
    }
    compare([one])


def test_what_a_case_says_twice_is_not_settled_by_its_courses() -> None:
    """Another statement that differs leaves the finding unknown, whatever the courses tell."""
    twice = "findings: {glucocorticoid_current: no}\n"
    going = FAILED.replace("stop: 2022-07-31, response: none", "ongoing: yes")
    one = made(going + twice)
    assert "glucocorticoid_current" in {x.finding for x in assess(one).contradictions}
    facts = {fact.id: fact.value for fact in assess(one).record}
    assert facts["glucocorticoid_current"] is None
    compare([one])


TAKEN = {
    "medicine": ("drug: atorvastatin, ongoing: yes", {"statin_current": True}),
    "stopped medicine": ("drug: atorvastatin, stop: 2023-03-01", {"statin_current": None}),
    "procedure": ("drug: allogeneic_hsct, stop: 2022-01-02", {"allogeneic_transplant": True}),
    "local by its name": ("drug: topical prednisone, ongoing: yes", {"glucocorticoid_current": None}),
    "local": ("drug: prednisone, route: topical, ongoing: yes", {"glucocorticoid_current": None}),
    "single": ("drug: prednisone, frequency: once, ongoing: yes", {"glucocorticoid_current": None}),
    "going on": ("drug: prednisone, ongoing: yes", {"glucocorticoid_current": True}),
}  # fmt: skip


def test_a_course_tells_the_same_findings_on_either_road() -> None:
    """What was ever taken, what is taken now, and what is only applied locally or once."""
    found = [
        made(
            f"patient: {{id: {name}}}\ndate: 2023-12-01\n"
            f"treatments:\n- {{{course}, start: 2022-01-01}}\n"
        )
        for name, (course, _) in TAKEN.items()
    ]
    for one in found:
        told = {fact.id: fact.value for fact in assess(one).record if fact.how == "recorded"}
        for finding, value in TAKEN[one.patient.id][1].items():
            assert told.get(finding) == value
    compare(found)
