"""A mapping file proposed from headers and values can be used as it is, and states nothing that is not so."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from doors import DOORS, folder
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import write_workbook

from myoresist.case.reading import packaged_terms
from myoresist.cohort.checking import check
from myoresist.cohort.draft.draft import draft_mapping
from myoresist.cohort.folder import SourceError
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import open_source

GERMAN = {
    "stammdaten.csv": """\
Pat-Nr;Geschlecht;Geburtsdatum;Erstsymptom;Diagnose;Gewicht;Zentrum;Heliotrop;Dysphagie;Jo-1;cN1A;\
CK max (U/L);CK Norm;CRP;Name;MTX Beginn;MTX Ende
1;w;25.01.1960;05/2018;DM;70,5;Wien;1;nein;positiv;0;4.500;190;12,5;Huber Anna;13.02.2019;
2;m;03.04.1971;2019;PM;80;Graz;0;ja;neg;1;600;190;3,2;Maier Hans;;
3;w;11.12.1955;11/2015;IBM;55,2;Wien;99;nein;k.A.;2;1200;190;-9;Gruber Eva;01.05.2016;01.08.2016
""",
    "visiten.csv": """\
Pat-Nr;Datum;MMT8;VAS Arzt mm;PhGA;HAQ;CK (U/L);CK ULN;CRP (mg/L)
1;13.02.2019;110;55;5,5;1,5;4500;190;12
1;14.08.2019;130;25;2,5;0,875;600;190;3
3;01.05.2016;90;60;6;2;1200;190;2
""",
    "medikamente.csv": """\
Pat-Nr;Medikament;Dosis;Einheit;Häufigkeit;von;bis
1;CellCept;2;g;daily;01.03.2019;
2;Wunderpille;1;mg;daily;01.02.2019;
""",
    "codebook.csv": "Feld;Text\nCK;Kreatinkinase\n",
}


def drafted(source: Path, at: Path) -> tuple[str, dict[str, pl.DataFrame]]:
    """Return the draft for a source, and its tables as they are read with it."""
    text = draft_mapping(source)
    (at / "draft.yaml").write_text(text, encoding="utf-8")
    (at / "work").mkdir()
    opened = open_source(source, Schema(packaged_terms()), at / "work", at / "draft.yaml")
    assert opened.unread == ()
    return text, {x: y.drop("row").collect() for x, y in opened.tables.items()}


def test_a_messy_registry_is_read_with_its_draft(tmp_path: Path) -> None:
    text, tables = drafted(folder(tmp_path / "in", GERMAN), tmp_path)
    draft = yaml.safe_load(text)
    assert draft["tables"] == {
        "patients": "stammdaten", "visits": "visiten", "treatments": "medikamente",
    }  # fmt: skip
    assert (draft["decimal"], draft["dates"]) == ("comma", ["%d.%m.%Y", "%m/%Y"])
    assert draft["keep"] == ["Zentrum"]
    assert draft["ignore"] == ["codebook.csv"]
    answers = assess_tables(tables)
    findings = answers["findings"]
    assert findings["sex_female"].to_list() == [True, False, True]
    assert findings["heliotrope_rash"].to_list() == [True, False, None]
    assert findings["anti_jo1"].to_list() == [True, False, None]
    assert findings["ck_x_uln"].round(2).to_list() == [23.68, 3.16, 6.32]
    assert findings["mmt8_150"].to_list() == [130, None, 90]
    assert findings["physician_global_cm"].to_list() == [2.5, None, 6]
    # Of a code from 0 to 2 nobody knows what it is, nor of a CRP its unit.
    assert findings["anti_cn1a"].null_count() == 3
    assert findings["crp_mg_l"].to_list() == [3, None, 2]
    courses = answers["courses"].select("patient_id", "drug", "start").rows()
    assert [(x, y, str(z)) for x, y, z in courses] == [
        ("1", "methotrexate", "2019-02-13"),
        ("1", "mycophenolate", "2019-03-01"),
        ("3", "methotrexate", "2016-05-01"),
    ]


def test_what_is_asked_says_from_what_it_was_guessed(tmp_path: Path) -> None:
    text, _ = drafted(folder(tmp_path / "in", GERMAN), tmp_path)
    for said in (
        "cN1A: null  # anti_cn1a, by its name; which of 0, 1, 2 is yes, and which is no?",
        "PhGA: null  # physician_global in cm or physician_global_mm? values 2.5 to 6",
        "Name: null  # not recognised\n",
        "# in which unit (mg/L, mg/dL)? values 3.2 to 12.5\n"
        '#   - {columns: {CRP: value}, constants: {test: crp, unit: "?"}}',
        "# treatments.Medikament: not known, and left open: Wunderpille",
    ):
        assert said in text
    # What somebody is called is no part of a draft.
    assert "Huber" not in text


def test_a_list_of_drugs_in_another_language_is_one(tmp_path: Path) -> None:
    files = {
        "patienten.csv": "Pat-Nr;Geschlecht\n1;w\n2;m\n",
        "therapie.csv": "Pat-Nr;Medikament;Beginn\n1;Takrolimus;02.04.2014\n1;Metotrexat;13.05.2014\n",
    }
    text = draft_mapping(folder(tmp_path / "in", files))
    assert yaml.safe_load(text)["tables"] == {"patients": "patienten", "treatments": "therapie"}
    assert "left open: Metotrexat (perhaps Methotrexate?), Takrolimus (perhaps Tacr" in text


FOREIGN = {
    "patienten.csv": """\
Pat-Nr;Geschlecht;Diagnose
1;w;Einschlusskörpermyositis
2;m;myosite à inclusions
3;w;Miopatía necrotizante inmunomediada
""",
    "therapie.csv": """\
Pat-Nr;Wirkstoff;Dosis;Einheit;Häufigkeit;Applikation;Beginn;Absetzgrund;Ansprechen
1;Methotrexat;15;mg;1x/Woche;s.c.;13.02.2019;UAW;kein
2;prednisona;60;mg/día;tgl.;vía oral;13.02.2019;inefficacité;partiel
3;IVIG;2;g/kg;alle 4 Wochen;i.v.;13.02.2019;wirkungslos;bueno
3;MTX;10;mg;2 fois par semaine;oral;13.02.2019;;
3;IVIG;1;g/kg;cada 6 semanas;i.v.;13.02.2019;;
3;Rituximab;1;g;n. V.;i.v.;13.02.2019;;
""",
    "antikoerper.csv": "Pat-Nr;Antikörper;Ergebnis\n1;Jo-1;schwach positiv\n2;Mi-2;++\n3;SRP;-\n3;Ku;n.d.\n",
}


def test_words_of_other_languages_are_drafted(tmp_path: Path) -> None:
    text, tables = drafted(folder(tmp_path / "in", FOREIGN), tmp_path)
    assert tables["patients"]["label"].to_list() == [
        "inclusion_body_myositis", "inclusion_body_myositis", "immune_mediated_necrotising_myopathy",
    ]  # fmt: skip
    columns = ("drug", "unit", "frequency", "route", "reason_stopped", "response")
    assert tables["treatments"].select(columns).rows() == [
        ("methotrexate", "mg", "weekly", "s.c.", "side effect", "none"),
        ("prednisone", "mg/day", "daily", "oral", "no effect", "partial"),
        ("IVIG", "g/kg", "every 4 weeks", "i.v.", "no effect", "good"),
        ("MTX", "mg", "twice weekly", "oral", None, None),
        ("IVIG", "g/kg", "every 6 weeks", "i.v.", None, None),
        ("Rituximab", "g", "n. V.", "i.v.", None, None),
    ]
    assert '# treatments.Häufigkeit: not known, and left open: "n. V."' in text
    # A sign alone is a code like others.
    assert tables["antibodies"]["result"].to_list() == ["weak", "positive", "negative", None]


def test_a_code_for_missing_in_one_column_is_a_value_in_another(tmp_path: Path) -> None:
    rows = "id,date,mmt8,ck_u_l,haq\n1,2020-01-01,999,800,-9\n1,2020-02-01,140,999,1.5\n"
    rows += "2,2020-02-01,140,-9,1\n"
    files = {"patients.csv": "id,sex\n1,f\n2,m\n", "visits.csv": rows}
    text, tables = drafted(folder(tmp_path / "in", files), tmp_path)
    assert yaml.safe_load(text)["missing"] == {"visits": {"mmt8": ["999"], "haq": ["-9"]}}
    assert tables["visits"]["ck_u_l"].to_list() == ["800", "999", "-9"]
    # One sure code beside a doubtful one is not named: the other would count as a value.
    asked = "# visits.ck_u_l: -9, 999 in 2 cells, beside 800 to 800: unknown until it is said which"
    assert asked in text
    # Until then it is no value, and with an empty list it is one.
    for said, rejected in (("", 2), ("ck_u_l: [-9]", 0)):
        named = text.replace('haq: ["-9"]', f'haq: ["-9"]\n    {said}')
        (tmp_path / "named.yaml").write_text(named)
        found = check(tmp_path / "in", tmp_path / "named.yaml")
        assert found.problems["rows"].sum() == rejected


WIDE = """\
record_id,sex,date_v1,mmt8_v1,ck_u_l_v1,phga_mm_v1,date_v2,mmt8_v2,ck_u_l_v2,phga_mm_v2,ck_v2,\
aza_ever,ivig_ever,iqv
1,1,2020-03-01,110,900,60,2020-06-01,140,200,20,200,1,1,3
2,2,2020-03-15,100,800,50,,,,,,0,2,4
"""


def test_visits_and_courses_side_by_side_are_found(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(WIDE)
    text, tables = drafted(tmp_path / "export.csv", tmp_path)
    assert tables["visits"].select("patient_id", "date", "mmt8", "physician_global_mm").rows() == [
        ("1", "2020-03-01", "110", "60"),
        ("2", "2020-03-15", "100", "50"),
        ("1", "2020-06-01", "140", "20"),
    ]
    assert tables["treatments"].rows() == [("1", "azathioprine")]
    assert tables["patients"].columns == ["patient_id"]
    assert "which of 1, 2 is female, and which is male?" in text
    assert (
        "ivig_ever: null  # intravenous_immunoglobulin, by its name; which of 1, 2 is yes" in text
    )
    assert "in which unit (U/L, IU/L, µkat/L, ukat/L, nkat/L)? values 200 to 200" in text


@pytest.mark.parametrize(
    ("days", "forms"),
    [
        (("25/01/2020", "03/04/2020"), ["%d/%m/%Y"]),
        (("01/25/2020", "03/04/2020"), ["%m/%d/%Y"]),
        (("03/04/2020", "05/06/2020"), None),
        (("25/01/2020", "01/25/2020"), None),
    ],
)
def test_day_and_month_are_told_apart_or_asked_about(
    days: tuple[str, ...], forms: list[str] | None, tmp_path: Path
) -> None:
    rows = "\n".join(f"{n},{day}" for n, day in enumerate(days))
    (tmp_path / "p.csv").write_text(f"patient_id,birth_date\n{rows}\n")
    text, tables = drafted(tmp_path / "p.csv", tmp_path)
    assert yaml.safe_load(text).get("dates") == forms
    assert ("birth_date" in tables["patients"].columns) == (forms is not None)
    if forms is None:
        assert '# dates: ["%d/%m/%Y"] or ["%m/%d/%Y"]?' in text


@pytest.mark.parametrize(
    ("header", "values", "read"),
    [
        ("mmt8", ["70", "80"], False),  # of 80 or of 150
        ("mmt8", ["70", "149"], True),
        ("ck_ul", ["900", "80"], False),  # a unit, or the upper limit
        ("heliotrope_rash", ["1", "1"], False),  # 1 may be no
        ("heliotrope_rash", ["1", "2"], False),
        ("heliotrope_rash", ["x", ""], True),
        ("heliotrop rash", ["1", "0"], False),  # only like it
        ("age", ["1960-01-01", "1970-01-01"], False),
        ("mi2", ["++", "neg"], True),
        ("gender", ["0", "1"], False),
        ("weight", ["160", "154"], False),  # pounds
        ("haq", ["1.5", "99"], True),
        ("dx", ["DM", "paraneoplastic"], True),
        ("gottron", ["1", "0"], False),  # papules or sign
        ("CK normal", ["1", "0"], False),  # now, or at the diagnosis
        ("No ILD", ["1", "0"], False),
        ("MTX stopped", ["2020-01-01", ""], False),
        ("MTX start", ["5000", "7.5"], False),  # no year
        ("Jo1 negative", ["1", "0"], False),
    ],
)
def test_what_may_be_something_else_is_left_out(
    header: str, values: list[str], read: bool, tmp_path: Path
) -> None:
    rows = "\n".join(f"{n},2020-01-0{n + 1},{x}" for n, x in enumerate(values))
    (tmp_path / "p.csv").write_text(f"patient_id,date,{header}\n{rows}\n")
    _, tables = drafted(tmp_path / "p.csv", tmp_path)
    columns = {x for one in tables.values() for x in one.columns} - {"patient_id", "date"}
    assert bool(columns) == read


LABS = {"pid": ["a", "b"], "Parameter": ["CPK", "LDH"], "Wert": ["900", "300"],
        "Einheit": ["U/L", "U/L"], "Abnahme": ["2020-01-01", "2020-02-01"]}  # fmt: skip


@pytest.mark.parametrize("door", [*DOORS, "xlsx"])
def test_every_door_has_a_draft(door: str, tmp_path: Path) -> None:
    tables = {
        "demographics": pl.DataFrame({"pid": ["a", "b"], "Gender": ["m", "f"]}),
        "bloods": pl.DataFrame(LABS),
    }
    (tmp_path / "in").mkdir()
    if door == "xlsx":
        sheets = {x: [y.columns, *map(list, y.rows())] for x, y in tables.items()}
        source = write_workbook(tmp_path / "in" / "r.xlsx", sheets)
    else:
        source = DOORS[door](tables, tmp_path / "in")
    _, read = drafted(source, tmp_path)
    assert read["labs"].columns == ["patient_id", "test", "value", "unit", "date"]
    assert read["patients"]["sex"].to_list() == ["male", "female"]


REDCAP = """\
study_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,gender,dob,\
skin___1,skin_complete,vdate,mmt8,haq,visit_complete,lab_name,result,units,lab_date,bloods_complete,pic
1,baseline_arm_1,,,wien,f,1960-01-25,1,2,2020-01-10,110,1.5,2,,,,,,
1,month_6_arm_1,,,wien,,,,,2020-07-10,130,0.5,2,,,,,,
1,baseline_arm_1,bloods,1,wien,,,,,,,,,CK,900,U/L,2020-01-10,2,
1,baseline_arm_1,photos,1,wien,,,,,,,,,,,,,,a.png
2,baseline_arm_1,,,graz,m,1970-05-05,0,0,2020-02-01,140,,1,,,,,,
"""


def test_an_export_of_redcap_has_a_draft(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(REDCAP)
    text = draft_mapping(tmp_path / "export.csv")
    (tmp_path / "draft.yaml").write_text(text)
    source = open_source(
        tmp_path / "export.csv", Schema(packaged_terms()), tmp_path, tmp_path / "draft.yaml"
    )
    found = {x: y.drop("row").collect() for x, y in source.tables.items()}
    assert found["labs"].rows() == [("1", "CK", "900", "U/L", "2020-01-10")]
    assert found["visits"].height == 3
    kept = "keep:redcap_data_access_group"
    patients = found["patients"].select("patient_id", "sex", "birth_date", kept)
    assert patients.rows() == [
        ("1", "female", "1960-01-25", "wien"), ("2", "male", "1970-05-05", "graz"),
    ]  # fmt: skip
    assert "# The repeated instrument photos is not read" in text
    assert len(source.unread) == 1
    (tmp_path / "ours.csv").write_text("record_id,sex,patient_complete\n1,female,2\n")
    with pytest.raises(SourceError, match="needs no mapping file"):
        draft_mapping(tmp_path / "ours.csv")


@pytest.mark.parametrize("by", ["site", "mmt8_max"])
def test_a_measure_that_sites_write_on_two_scales_is_asked_about(by: str, tmp_path: Path) -> None:
    rows = [f"{n},2020-01-0{n % 9 + 1},{60 + n + n // 5 * 60},{'AB'[n // 5]}" for n in range(10)]
    visits = "\n".join([f"id,date,mmt8,{by}", *rows])
    patients = "\n".join(["id,sex", *(f"{n},f" for n in range(10))])
    source = folder(
        tmp_path / "in", {"patients.csv": patients, "visits.csv": visits + "\n0,2021-01-01,75,B"}
    )
    text = draft_mapping(source)
    assert f"mmt8: null  # mmt8 on one scale? By {by}: up to 64 in A; up to 129 in B" in text


def test_a_point_that_may_divide_thousands_is_no_decimal_point(tmp_path: Path) -> None:
    rows = "id,date,CK (U/L),HAQ\n1,2020-01-01,5.000,1.25\n2,2020-01-01,300,0.875\n"
    (tmp_path / "p.csv").write_text(rows)
    text, _ = drafted(tmp_path / "p.csv", tmp_path)
    assert "# decimal: point, if 5.000 is 5 here; else comma." in text
    found = check(tmp_path / "p.csv", tmp_path / "draft.yaml").problems
    assert [x.partition(";")[0] for x in found["reason"]] == ["may be thousands"]


def test_values_of_repeated_instruments_are_drafted(tmp_path: Path) -> None:
    rows = (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,drug,frequency", "1,,,f,,",
        "1,meds,1,,Methotrexat,1/week",
    )  # fmt: skip
    (tmp_path / "e.csv").write_text("\n".join(rows))
    values = yaml.safe_load(draft_mapping(tmp_path / "e.csv"))["values"]["treatments"]
    assert values == {"drug": {"Methotrexat": "methotrexate"}, "frequency": {"1/week": "weekly"}}


SHEET = [
    ["Cohort X, export 2024", *[None] * 8],
    ["Demographics", None, None, "Baseline", None, None, "Month 6", None, None],
    ["Patient ID", "Sex", "Diagnosis", "Date", "MMT8", "CK", "Date", "MMT8", "CK"],
    [None, None, None, None, "0-150", "U/L", None, "0-150", "U/L"],
    ["001", "F", "DM", date(2020, 1, 5), 110, 900, date(2020, 7, 5), 140, 200],
    ["002", "M", "PM", date(2020, 2, 5), 120, 800, date(2020, 8, 5), 150, 190],
]


def test_a_heading_under_a_title_and_above_units_is_found(tmp_path: Path) -> None:
    source = write_workbook(tmp_path / "r.xlsx", {"Myositis": SHEET})
    text, tables = drafted(source, tmp_path)
    assert "# sheet Myositis: its heading is row 3; what stands above it is not read" in text
    assert "read as units: Baseline MMT8 (0-150), Baseline CK (U/L), Month 6 MMT8 (0-150)" in text
    assert tables["visits"].select("patient_id", "mmt8", "ck_u_l").rows() == [
        ("001", "110", "900"), ("002", "120", "800"), ("001", "140", "200"), ("002", "150", "190"),
    ]  # fmt: skip


def test_letters_of_western_europe_are_assumed_and_said(tmp_path: Path) -> None:
    text = "N° patient;Diagnostic;CPK (UI/L)\n1;myosite à inclusions;900\n2;polymyosite;300\n"
    source = folder(tmp_path / "in", {"patients.csv": text.encode("cp1252")})
    said, tables = drafted(source, tmp_path)
    assert "encoding: cp1252  # of Western Europe" in said
    assert tables["patients"]["label"].to_list() == ["inclusion_body_myositis", "polymyositis"]
    with pytest.raises(SourceError, match="encoding: cp1252"):
        open_source(source, Schema(packaged_terms()), tmp_path)


def test_a_second_table_of_patients_that_names_drugs_is_courses(tmp_path: Path) -> None:
    files = {
        "patients.csv": "id,sex,CK peak (xULN)\n1,f,26\n2,m,55\n",
        "therapy.csv": "id,MTX,AZA,MTX dose,prednisone start\n1,yes,no,15,2020-01-06\n2,no,yes,,2020-02-01\n",
    }
    text, tables = drafted(folder(tmp_path / "in", files), tmp_path)
    assert sorted(tables["treatments"].select("patient_id", "drug", "start").rows()) == [
        ("1", "methotrexate", None), ("1", "prednisone", "2020-01-06"),
        ("2", "azathioprine", None), ("2", "prednisone", "2020-02-01"),
    ]  # fmt: skip
    assert '"MTX dose": null  # not recognised' in text
    assert tables["patients"]["ck_x_uln"].to_list() == ["26", "55"]


def test_a_limit_without_a_name_is_asked_about(tmp_path: Path) -> None:
    visits = "NHC;Fecha visita;CK (UI/L);LSN;HAQ\n1;13/02/2019;2500;190;1\n1;14/08/2019;300;190;2\n"
    files = {"pacientes.csv": "NHC;Sexo\n1;Varón\n", "visitas.csv": visits}
    text, tables = drafted(folder(tmp_path / "in", files), tmp_path)
    assert "LSN: null  # the upper limit of CK (UI/L), which stands before it? (if so: LSN:" in text
    assert tables["visits"]["ck_u_l"].to_list() == ["2500", "300"]
    assert tables["patients"]["sex"].to_list() == ["male"]


@pytest.mark.parametrize("title", ["Register", "Register;;"])
def test_a_title_above_a_heading_is_named_as_such(title: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(f"{title}\nid;sex;age\n1;f;50\n")
    with pytest.raises(SourceError, match="is line 1 a title"):
        draft_mapping(tmp_path / "p.csv")


def test_cells_that_hold_tables_of_their_own_are_said(tmp_path: Path) -> None:
    deep = "[" * 200 + "]" * 200
    (tmp_path / "p.ndjson").write_text(f'{{"patient_id": "1", "visits": {deep}}}\n')
    text = draft_mapping(tmp_path / "p.ndjson")
    assert "visits: null  # holds lists or objects inside its cells, which are not read" in text


def test_without_ids_there_is_no_draft(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column is known to hold the ids"):
        draft_mapping(folder(tmp_path, {"a.csv": "sex\nfemale\n"}))
    with duckdb.connect(str(tmp_path / "cdm.duckdb")) as connection:
        for name in ("person", "condition_occurrence", "concept", "concept_ancestor"):
            connection.execute(f"CREATE TABLE {name} (x INTEGER)")
    with pytest.raises(SourceError, match="read without a mapping file"):
        draft_mapping(tmp_path / "cdm.duckdb")


HEADERS = st.sampled_from(
    ["sex", "Größe (cm)", "ck", "CK [µkat/L]", "no", "mmt8", "a: b", "#x", "'", "y", "1", "date_v1",
     "ck_v1", "Jo-1", "methotrexate_start", "mtx ever", "MTX stop", "visit date", "CRP mg/dl", "null",
     "Alter",
     "diagnosis", "%", "ILD", "haq"]
)  # fmt: skip
CELLS = st.sampled_from(
    ["", "1", "0", "2", "ja", "nein", "no", "1,5", "1.234", "999", "-9", "2020-01-01", "13/01/2020",
     "01.02.2020", "DM", "f", "x", "NI", "<30", "# y", "a: b", "'", '""', "{", "yes"]
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(HEADERS, min_size=1, max_size=6, unique=True), st.data())
def test_a_draft_can_be_used_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, headers: list[str], data: st.DataObject
) -> None:
    at = tmp_path_factory.mktemp("draft")
    rows = data.draw(st.integers(1, 4))
    table = {x: data.draw(st.lists(CELLS, min_size=rows, max_size=rows)) for x in headers}
    frame = pl.DataFrame({"patient_id": [str(n) for n in range(rows)], **table})
    frame.write_csv(at / "p.csv")
    drafted(at / "p.csv", at)
