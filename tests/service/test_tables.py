"""Rows from a spreadsheet become rows of the form, whatever their heading."""

from __future__ import annotations

import pytest

from myoresist.case.reading import packaged_terms
from myoresist.service.fields import ANTIBODIES, COURSES, LABS, VISITS
from myoresist.service.form import case_of
from myoresist.service.tables import pasted, section_of, with_pasted

TERMS = packaged_terms()


def test_a_heading_names_the_columns_in_any_order() -> None:
    text = "Date\tTest\tResult\tULN\tUnit\n2023-05\tCK\t1200\t200\tU/L\n2023-08\tCK\t900\t\tU/L\n"
    assert pasted(text, LABS, TERMS) == [
        {"date": "2023-05", "test": "CK", "value": "1200", "upper_limit": "200", "unit": "U/L"},
        {"date": "2023-08", "test": "CK", "value": "900", "unit": "U/L"},
    ]


def test_without_a_heading_the_columns_are_those_of_the_form() -> None:
    assert pasted("prednisone\t60\tmg\tdaily\t12\tnone", COURSES, TERMS) == [
        {"drug": "prednisone", "dose": "60", "unit": "mg", "frequency": "daily", "weeks": "12",
         "response": "none"}
    ]  # fmt: skip


def test_a_column_a_test_gives_a_value_a_cell() -> None:
    text = "Date\tCK (U/L)\tLDH [U/L]\n2023-05\t1200\t410\n2023-08\t\t300\n"
    assert [(x["date"], x["test"], x["value"], x["unit"]) for x in pasted(text, LABS, TERMS)] == [
        ("2023-05", "CK", "1200", "U/L"), ("2023-05", "LDH", "410", "U/L"), ("2023-08", "LDH", "300", "U/L"),
    ]  # fmt: skip


def test_a_column_that_nobody_knows_is_kept_as_a_note() -> None:
    [row] = pasted("Antibody\tResult\tWard\nanti-SRP\tpositive\t7B", ANTIBODIES, TERMS)
    assert row == {"antibody": "anti-SRP", "result": "positive", "more": "{notes: Ward 7B}"}


def test_pasted_rows_stand_after_those_that_were_typed() -> None:
    entries = {
        "visits.2.date": "2023-01-01",
        "visits.2.mmt8": "100",
        "visits.paste": "2023-05-17\t120\n",
    }
    data = case_of(with_pasted(entries, TERMS)).data
    assert [(one["date"], one["mmt8"]) for one in data["visits"]] == [
        ("2023-01-01", 100),
        ("2023-05-17", 120),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "\t\t", '"', "a;b\nc", "\0"])
def test_nothing_that_is_pasted_breaks_it(text: str) -> None:
    for grid in (LABS, VISITS, COURSES, ANTIBODIES):
        pasted(text, grid, TERMS)


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("Date;Test;Result;Unit\n2023-05;CK;1200;U/L\n", "labs"),
        ("Date,CK (U/L),LDH [U/L]\n2023-05,1200,410\n", "labs"),
        ("Drug\tDose\tUnit\tOften\nprednisone\t60\tmg\tdaily\n", "treatments"),
        ("Antibody,Result\nanti-SRP,positive\n", "autoantibodies"),
        ("Date,MMT,HAQ\n2023-05,120,1.5\n", "visits"),
        ("Dear Dr Smith, thank you\nShe has weakness, CK 900, and dysphagia.\n", None),
        ("patient: {id: x, age: 60}\nlabel: polymyositis\n", None),
        ("Date;Test;Result;Unit\n", None),
        ("Date;Test\n" + "x" * 200_000 + ";CK\n", None),
        ("Date;Test\n" + "x" * 20_000 + ";CK\n", None),
        ("", None),
    ],
)
def test_a_table_is_known_by_its_heading(text: str, section: str | None) -> None:
    assert section_of(text, TERMS) == section
