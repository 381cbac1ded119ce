"""A list of treatments is read alike from a case file and from tables."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.arrays.rows import Rows
from myoresist.case.courses import Treatments
from myoresist.case.dates import Days, PartialDate
from myoresist.case.model import Case
from myoresist.case.reading import packaged_terms

TERMS = packaged_terms()
WORDS: dict[str, list[Any]] = {
    "drug": ["prednisone", "MTX", "Imuran", "mystery", "IVIG"],
    "dose": [None, 15, 0.5, 1000],
    "unit": [None, "mg", "mg/kg/day", "g/kg/4 weeks", "mg/m2", "stone"],
    "frequency": [None, "weekly", "once", "2 times a day", "sometimes"],
    "route": [None, "oral", "iv", "topical", "eye drops", "nowhere"],
    "start": [None, "2020", "2020-02", "2020-02-29"],
    "stop": [None, "2021", "2021-12", "2021-12-31"],
    "response": [None, "good", "unknown"],
    "reason_stopped": [None, "side effect", "unknown"],
}
COURSES = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(words) for name, words in WORDS.items()}),
    max_size=4,
)


def same(one: Rows, other: Rows) -> None:
    for column in fields(one):
        mine, theirs = getattr(one, column.name), getattr(other, column.name)
        if isinstance(mine, Rows):
            same(mine, theirs)
        else:
            assert mine.dtype == theirs.dtype, column.name
            np.testing.assert_array_equal(mine, theirs, err_msg=column.name)


@settings(max_examples=40, deadline=None)
@given(lists=st.lists(COURSES, min_size=1, max_size=3))
def test_a_case_file_and_tables_are_read_alike(lists: list[list[dict[str, Any]]]) -> None:
    cases, rows = [], []
    for number, courses in enumerate(lists):
        given = [{k: v for k, v in one.items() if v is not None} for one in courses]
        patient = {"id": str(number), "weight_kg": 70}
        cases.append(
            Case.model_validate({"patient": patient, "date": "2023-06", "treatments": given})
        )
        # The door of a registry says that a course with a reason has ended.
        rows += [
            {
                **one,
                "patient_id": str(number),
                "weight_kg": 70.0,
                "ongoing": False if one["reason_stopped"] else None,
            }
            for one in courses
        ]
    people = pl.DataFrame({"patient_id": [x.patient.id for x in cases], "date": "2023-06"})
    schema = {"patient_id": pl.String, "ongoing": pl.Boolean, "drug": pl.String}
    table = pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)
    if not rows:
        table = pl.DataFrame(schema=schema)
    of_cases, of_tables = (
        Treatments.of_cases(cases, TERMS),
        Treatments.of(people, table, None, TERMS),
    )
    assert of_cases.patient_ids.to_list() == of_tables.patient_ids.to_list()
    same(of_cases.courses, of_tables.courses)
    same(of_cases.today, of_tables.today)
    assert of_cases.complete.tolist() == of_tables.complete.tolist()


def test_a_date_is_all_the_days_that_it_may_be() -> None:
    days = Days.of(["1970", "1970-02", PartialDate(1970, 1, 2), None])
    assert days.earliest.tolist()[:3] == [0, 31, 1]
    assert days.latest.tolist()[:3] == [364, 58, 1]
    assert days.known.tolist() == [True, True, True, False]
    assert days.vague.tolist() == [True, True, False, False]


@pytest.mark.parametrize("written", ["2020-02-30", "soon", ""])
def test_what_is_not_a_date_is_refused(written: str) -> None:
    people = pl.DataFrame({"patient_id": ["A"]})
    courses = pl.DataFrame({"patient_id": ["A"], "drug": ["MTX"], "start": [written]})
    with pytest.raises(ValueError, match="is not a date"):
        Treatments.of(people, courses, None, TERMS)


def test_tables_hold_days_and_words_in_other_types() -> None:
    people = pl.DataFrame({"patient_id": [3, 1]})
    courses = pl.DataFrame(
        {
            "patient_id": [1, 7],
            "drug": pl.Series(["MTX", "MTX"], dtype=pl.Categorical()),
            "start": [date(1970, 1, 3), None],
        }
    )
    read = Treatments.of(people, courses, None, TERMS).courses
    assert read.patient.tolist() == [1]
    assert read.start.earliest.tolist() == read.start.latest.tolist() == [2]
