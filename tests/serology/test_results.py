"""From what a case says about antibodies to a table of results."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from frames import SerologyFrames, antibodies
from frames import known as settled

from myoresist import Knowledge, knowledge
from myoresist.case.model import Case
from myoresist.case.record import findings_table, record
from myoresist.serology.evaluate import Serology
from myoresist.serology.results import RESULTS, Results

BASE = Knowledge.load()
SEROLOGY = Serology.load(knowledge.folder(), BASE.catalogue)


def case(*tests: dict[str, Any], **findings: Any) -> Case:
    return Case.model_validate(
        {"patient": {"id": "P"}, "findings": findings, "autoantibodies": list(tests)}
    )


def results_table(one: Case) -> pl.DataFrame:
    """Return the known results of a case in words."""
    words = SEROLOGY.words
    given = Results.of_case(one, BASE.terms, words)
    rows = zip(
        ["P"] * len(given.row),
        *(
            [kind.categories[int(number)] for number in numbers]
            for kind, numbers in (
                (words.antibodies, given.antibody),
                (words.methods, given.method),
                (words.strengths, given.strength),
            )
        ),
        given.place,
        strict=True,
    )
    return pl.DataFrame(list(rows), schema=dict(RESULTS), orient="row")


def tables(*tests: dict[str, Any], **findings: Any) -> SerologyFrames:
    one = case(*tests, **findings)
    known = settled(BASE.inference, findings_table([record(one)], BASE.catalogue))
    return antibodies(SEROLOGY, known, results_table(one))


def test_every_result_is_a_row_with_its_place() -> None:
    one = case(
        {"antibody": "Jo-1", "method": "Line Blot", "result": "weak"},
        {"antibody": "anti-Mi-2", "result": "negative"},
    )
    rows = results_table(one).rows()
    assert rows == [
        ("P", "anti_jo1", "line_blot", "weak", "autoantibodies[0]"),
        ("P", "anti_mi2", "unstated", "negative", "autoantibodies[1]"),
    ]


@pytest.mark.parametrize(
    ("test", "strength"),
    [
        ({"value": 20, "cut_off": 20}, "positive"),
        ({"value": 19.9, "cut_off": 20}, "negative"),
        ({"value": 40, "cut_off": 20, "result": "strong"}, "strong"),
        ({"value": 40, "cut_off": 20, "result": "negative"}, None),
        ({"value": 10, "cut_off": 20, "result": "weak"}, None),
        ({"value": 40, "cut_off": 20, "result": "unknown"}, "positive"),
        ({"result": "unknown"}, None),
        ({"result": "moderate"}, "moderate"),
    ],
)
def test_a_value_counts_by_its_cut_off(test: dict[str, Any], strength: str | None) -> None:
    one = case({"antibody": "anti-SRP", "method": "ELISA", **test})
    known = [strength] if strength else []
    assert results_table(one)["strength"].to_list() == known


@pytest.mark.parametrize(
    ("written", "method"),
    [
        ("line blot", "line_blot"),
        ("Dot Blot", "line_blot"),
        ("IP", "immunoprecipitation"),
        ("elisa", "elisa"),
        ("CLIA", "elisa"),
        ("some new array", "unstated"),
        (None, "unstated"),
    ],
)
def test_methods_are_known_by_their_names(written: str | None, method: str) -> None:
    said = tables({"antibody": "anti-SRP", "method": written, "result": "positive"})
    assert said.results["method"].to_list() == [method]


def test_a_weak_band_is_reported_and_is_no_finding() -> None:
    said = tables({"antibody": "anti-SRP", "method": "line blot", "result": "weak"})
    row = said.patients.row(0, named=True)
    assert row["serology.anti_srp.reported"]
    assert row["serology.anti_srp.weak_only"]
    assert said.known["anti_srp"][0] is None


def test_without_a_method_a_blot_is_neither_said_nor_denied() -> None:
    row = tables({"antibody": "anti-SRP", "result": "positive"}).patients.row(0, named=True)
    assert row["serology.anti_srp.by_blot"] is None
    assert row["serology.anti_srp.confirmed"] is False


def test_an_antibody_without_result_is_unknown() -> None:
    row = tables().patients.row(0, named=True)
    assert row["serology.anti_srp.reported"] is None
    assert row["serology.anti_srp.probability"] is None
    assert row["serology.anti_srp.level"] is None
    assert row["serology.reported_msa"] == row["serology.tested_msa"] == 0


def test_findings_count_where_there_is_no_result() -> None:
    said = tables(anti_srp=True, anti_jo1=False, msa_by_line_blot=True, msa_band_strong=True)
    rows = {row["antibody"]: row for row in said.results.to_dicts()}
    assert (rows["anti_srp"]["method"], rows["anti_srp"]["strength"]) == ("line_blot", "strong")
    assert (rows["anti_jo1"]["method"], rows["anti_jo1"]["strength"]) == ("unstated", "negative")


def test_a_finding_that_repeats_a_result_adds_nothing() -> None:
    alone = tables({"antibody": "anti-SRP", "method": "line blot", "result": "strong"})
    both = tables(
        {"antibody": "anti-SRP", "method": "line blot", "result": "strong"}, anti_srp=True
    )
    assert alone.results.equals(both.results)


def test_how_an_antibody_was_found_is_not_guessed_when_there_are_two() -> None:
    said = tables(anti_srp=True, anti_jo1=True, msa_by_line_blot=True, msa_confirmed=True)
    assert set(said.results["method"]) == {"unstated"}
    assert said.patients["serology.anti_srp.confirmed"].to_list() == [False]


def test_confirmed_may_be_a_finding() -> None:
    said = tables(anti_srp=True, msa_confirmed=True)
    assert said.patients["serology.anti_srp.confirmed"].to_list() == [True]


def known(*patients: str) -> pl.DataFrame:
    return pl.DataFrame({"patient_id": patients}, schema={"patient_id": pl.String}).with_columns(
        pl.lit(None, kind).alias(x) for x, kind in BASE.catalogue.table_schema().items()
    )


def test_a_table_of_no_patients_gives_a_table_of_none() -> None:
    said = antibodies(SEROLOGY, known())
    assert said.patients.height == said.results.height == 0
    assert said.patients.columns == antibodies(SEROLOGY, known("P")).patients.columns


@pytest.mark.parametrize(
    ("patients", "columns", "message"),
    [
        (
            ("P",),
            {"patient_id": ["Q"], "antibody": ["anti_srp"], "strength": ["weak"]},
            "patient Q",
        ),
        (("P",), {"patient_id": ["P"], "antibody": ["anti_srp"], "strength": ["+++"]}, "strength"),
        (("P",), {"patient_id": ["P"], "antibody": ["anti_srp"]}, "without column strength"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(
    patients: tuple[str, ...], columns: dict[str, list[str]], message: str
) -> None:
    results = pl.DataFrame(columns) if columns else None
    with pytest.raises(ValueError, match=message):
        antibodies(SEROLOGY, known(*patients), results)
