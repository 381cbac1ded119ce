"""Mapping files that ship with the package, each with an example that lacks some of its columns."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from doors import folder

from myoresist.case.reading import packaged_terms
from myoresist.cohort import ready
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import SourceError, open_source

SCHEMA = Schema(packaged_terms())
EXAMPLES = {
    "imacs": {
        "patients.csv": """\
imacs_number,gender,age_at_enrollment,date_first_symptom,criteria_proximal_weakness,criteria_rash,\
ibm_finger_flexor,ck_maximum,ck_upper_limit,enzyme_unit
A1,Female,54,03/2019,1,1,0,4500,190,U/L
""",
        "visits.csv": """\
imacs_number,date_of_assessment,physician_global_vas_cm,patient_global_vas_cm,mmt8_total,haq_di,\
extramuscular_vas_cm,ck,ck_upper_limit,enzyme_unit
A1,01/20/2020,6,6,110,1.5,4,3000,190,U/L
A1,07/20/2020,2,3,140,0.5,1,250,190,U/L
""",
    },
    "euromyositis": {
        "patients.csv": """\
patient_id,country,sex,date_of_birth,subtype,ild,malignancy_ever,methotrexate_ever,rituximab_ever,\
date_of_visit,haq
B1,SE,male,1960-05-01,ASS,1,1,1,0,2020-01-01,1.25
""",
    },
    "juvenile": {
        "patients.csv": """\
patient_id,sex,date_of_birth,diagnosis,heliotrope,calcinosis
C1,female,2010-05-01,JDM,1,0
""",
        "visits.csv": """\
patient_id,visit_date,physician_global_vas_cm,patient_parent_global_vas_cm,mmt8_total,cmas,chaq
C1,2018-01-01,7,6,100,30,2
C1,2018-07-01,2,2,140,48,0.5
""",
    },
}


def answered(name: str, path: Path) -> dict[str, pl.DataFrame]:
    source = folder(path / "in", EXAMPLES[name])
    opened = open_source(source, SCHEMA, path, Path(name))
    assert opened.unread == ()
    found = assess_tables({x: y.drop("row").collect() for x, y in opened.tables.items()})
    assert found["rejected"].is_empty()
    return found


def test_core_set_forms_of_imacs(tmp_path: Path) -> None:
    found = answered("imacs", tmp_path)
    row = found["findings"].row(0, named=True)
    # What is not ticked was not ticked; which rash it was nobody asked.
    asked = ("symmetric_proximal_weakness", "finger_flexor_weakness", "heliotrope_rash")
    assert [row[x] for x in asked] == [True, None, None]
    assert (round(row["ck_x_uln"], 2), round(row["ck_current_x_uln"], 2)) == (23.68, 1.32)
    response = found["responses"].row(0, named=True)
    assert (response["n_measures"], response["score"]) == (6, 75)


def test_an_export_like_that_of_euromyositis(tmp_path: Path) -> None:
    found = answered("euromyositis", tmp_path)
    row = found["findings"].row(0, named=True)
    assert row["diagnosis_label"] == "antisynthetase_syndrome"
    assert (row["ild"], row["haq_di"], row["cancer_within_3y"]) == (True, 1.25, None)
    assert found["courses"]["drug"].to_list() == ["methotrexate"]


def test_the_juvenile_consensus_dataset(tmp_path: Path) -> None:
    found = answered("juvenile", tmp_path)
    row = found["findings"].row(0, named=True)
    assert (row["heliotrope_rash"], row["calcinosis"], row["juvenile_onset"]) == (True, False, True)
    response = found["responses"].row(0, named=True)
    assert (response["population"], response["n_measures"]) == ("juvenile", 4)


def test_what_ships_says_how_it_was_checked_and_a_name_that_is_none_is_named() -> None:
    for name, path in ready.listed().items():
        assert name in EXAMPLES
        text = path.read_text(encoding="utf-8")
        assert "no public page" in text and "recall" in text
    with pytest.raises(SourceError, match="no mapping of ours \\(euromyositis, imacs, juvenile\\)"):
        ready.found(Path("imac"))
