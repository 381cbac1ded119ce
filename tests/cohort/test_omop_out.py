"""Answers as tables of an OMOP CDM: what they say, and that a CDM takes them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
from cdms import BASE, ORDER, constraints, ddl, filled
from typer.testing import CliRunner

from myoresist.cli import app
from myoresist.cohort.folder import SourceError
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.omop.write import OmopExport


def refused(*words: str) -> str:
    found = CliRunner().invoke(app, ["registry", "export", *words])
    assert found.exit_code == 2
    return found.output


@pytest.mark.parametrize("version", ["5.3", "5.4"])
def test_a_cdm_takes_what_is_written_and_every_reference_leads_somewhere(
    version: str, written: Path
) -> None:
    with duckdb.connect() as base:
        for statement in ddl(version):
            base.execute(statement)
        people = [{"person_id": x} for x in range(1, 161)]
        for table, columns, cells in filled(BASE | {"person": people}, version):
            base.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", cells)
        for table in ORDER:
            if table != "cohort" or version == "5.4":
                base.execute(f"COPY {table} FROM '{written / version / table}.csv' (HEADER)")
        for table, column, other, key in constraints(version):
            lost = f"SELECT count(*) FROM {table} a ANTI JOIN {other} b ON a.{column} = b.{key}"
            assert base.execute(f"{lost} WHERE a.{column} IS NOT NULL").fetchall() == [(0,)], column
        count = base.execute(
            "SELECT count(*), count(DISTINCT person_id) FROM observation"
        ).fetchall()
        assert count[0][0] > 160 and count[0][1] == 160


def test_the_tables_say_what_the_answers_say(written: Path, freezes: Path) -> None:
    out = {x: pl.read_csv(written / "5.4" / f"{x}.csv", try_parse_dates=True) for x in ORDER}
    codes = dict(out["concept"].select("concept_code", "concept_id").iter_rows())
    names = dict(out["concept"].select("concept_id", "concept_name").iter_rows())
    answers = {
        x: pl.read_parquet(freezes / "answers" / x / "*.parquet").sort("patient_id")
        for x in ("consult", "refractory", "criteria", "differential")
    }
    told = out["observation"].filter(pl.col("observation_concept_id") == codes["consult.state"])
    assert told["value_as_string"].to_list() == answers["consult"]["state"].to_list()
    refractory = told.filter(pl.col("value_as_string") == "refractory")
    assert names[refractory["value_as_concept_id"][0]] == "Active despite treatment"
    assert set(out["observation"]["observation_type_concept_id"]) == {32880}
    dated = answers["differential"]["assessed_on"].fill_null(pl.date(2026, 1, 1))
    assert told["observation_date"].to_list() == dated.to_list()
    # What is undetermined is said to be so, and is in no cohort.
    undetermined = out["observation"].filter(pl.col("value_as_string") == "undetermined")
    assert undetermined.height > 0
    definition = dict(
        out["cohort_definition"]
        .select("cohort_definition_name", "cohort_definition_id")
        .iter_rows()
    )
    titles = {
        x.id: x.title
        for x in Freeze.open(
            freezes / "answers"
        ).knowledge.resistance.treatments.refractory.definitions
    }
    met = answers["refractory"].cast({"definition": pl.String, "state": pl.String})
    met = met.filter(pl.col("state") == "met", pl.col("definition").is_in(list(titles)))
    one = met["definition"].mode().sort()[0]
    met = met.filter(pl.col("definition") == one)
    cohort = out["cohort"].filter(pl.col("cohort_definition_id") == definition[titles[one]])
    assert cohort.height == met.height > 0
    since = met["met_since"].drop_nulls().to_list()
    assert set(since) <= set(cohort["cohort_start_date"].to_list())
    assert (cohort["cohort_start_date"] <= cohort["cohort_end_date"]).all()


def test_numbers_of_concepts_are_the_same_in_every_freeze_and_none_is_used_twice(
    freezes: Path,
) -> None:
    export = OmopExport(Freeze.open(freezes / "answers"))
    assert export.concept("consult.state") == 2102351338
    knowledge = export.freeze.knowledge
    codes = [
        *(f"{x}.{y}" for x in knowledge.criteria.sets for y in ("state", "outcome", "score")),
        *(f"cohort.{x}" for x in knowledge.criteria.sets), *(f"value.{x}" for x in export._values),
        *(f"trials.{x}" for x in knowledge.names.labels), *(f"refractory.{x}" for x in export._refractory),
        *(f"cohort.refractory.{x}" for x in export._refractory),
    ]  # fmt: skip
    assert len({export.concept(x) for x in codes}) == len(codes)
    assert all(2_100_000_000 <= export.concept(x) < 2**31 for x in codes)


def test_what_a_cdm_cannot_take_is_refused(freezes: Path, tmp_path: Path) -> None:
    words = [str(freezes / "answers"), "--format", "omop", "--out", str(tmp_path / "out")]
    assert "160 ids of patients are no numbers of a CDM; give --persons" in refused(*words)
    assert "write 5.3 or 5.4" in refused(*words, "--cdm", "6.0")
    assert "write a day as 2026-05-17" in refused(*words, "--date", "17.5.2026")
    assert "has the names and the persons" in refused(*words, "--short-names")
    for text, said in (
        ("patient_id,person_id\nsynthetic-0000001,1\n", "159 ids of patients do not stand in"),
        ("patient_id\nsynthetic-0000001\n", "has to hold patient_id, each once, and person_id"),
        ("patient_id,person_id\nsynthetic-0000001,x\n", "cannot be read"),
    ):
        (tmp_path / "persons.csv").write_text(text)
        with pytest.raises(SourceError, match=said):
            OmopExport(Freeze.open(freezes / "answers"), persons=tmp_path / "persons.csv").write(
                tmp_path / "o"
            )
    assert not (tmp_path / "out").exists() and not (tmp_path / "o").exists()
