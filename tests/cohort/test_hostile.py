"""Whatever stands in a table, nothing crashes, and every cell is read, unknown or reported."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.cohort.registry import TABLES, Registry

TEXTS = st.one_of(
    st.sampled_from([
        "", " ", "unknown", "NA", "yes", "No ", "TRUE", "0", "1", "-1", "nan", "inf", "1e400", "5,5",
        "٣", "CK", "U/L", "mg/dL", "anti-Jo-1", "positive", "weak", "prednisone", "IVIG", "mg/day",
        "g/kg", "weekly", "oral", "2023", "2023-05", "2023-05-17", "2023-13", "0000", "9999-12-31",
        "1969-12-31", "17.05.2023", "none", "good", "remission", "A", "B", "heliotrope_rash", "age",
        "diagnosis_label", "onset_date", "adult", "female", "polymyositis", "dermatomyositis", "\x00",
        "<b>", "'; DROP TABLE x", "ř" * 50,
    ]),
    st.text(max_size=6),
    st.none(),
)  # fmt: skip
IDS = st.sampled_from(["A", "B", "C", " A", "", None, "zz"])
ROWS = {
    name: st.integers(0, 6)
    for name in ("patients", "findings", "labs", "antibodies", "treatments", "visits")
}
SOME_PATIENT_COLUMNS = (
    "date", "label", "final_diagnosis", "sex", "tempo", "weight_kg", "treatments_complete", "baseline", "age",
    "heliotrope_rash", "ck_x_uln", "diagnosis_label", "onset_date", "anti_jo1",
)  # fmt: skip


@cache
def registry() -> Registry:
    return Registry(Knowledge.load())


def columns(table: str) -> tuple[str, ...]:
    known = tuple(registry().reader.schema.tables[table])
    return ("patient_id", *SOME_PATIENT_COLUMNS) if table == "patients" else known


@st.composite
def tables(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    found = {}
    for name, sizes in ROWS.items():
        rows = draw(sizes)
        wanted = [x for x in columns(name) if x != "patient_id"]
        if name == "visits":
            # Two columns of one measure are refused before anything is read.
            wanted = [
                "date",
                "population",
                "on_treatment",
                "weight_kg",
                "mmt8",
                "physician_global",
                "ck_u_l",
            ]
        data: dict[str, list[Any]] = {
            "patient_id": draw(st.lists(IDS, min_size=rows, max_size=rows))
        }
        for column in wanted:
            data[column] = draw(st.lists(TEXTS, min_size=rows, max_size=rows))
        frame = pl.DataFrame(data, dict.fromkeys(data, pl.String)).with_row_index("row", offset=1)
        known = registry().reader.schema.tables[name]
        found[name] = frame.select("row", *(x for x in data if x in known))
    return found


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(tables())
def test_nothing_crashes_and_nothing_is_lost(given_: dict[str, pl.DataFrame]) -> None:
    answered = registry().assess(given_)
    assert set(answered) == set(TABLES)
    ids = given_["patients"]["patient_id"].str.strip_chars().drop_nulls()
    ids = ids.filter(~ids.str.to_lowercase().is_in(["", "unknown", "na", "null"])).unique().sort()
    for name in ("findings", "criteria", "differential", "serology", "resistance"):
        assert answered[name]["patient_id"].to_list() == ids.to_list(), name
    whole = answered["rejected"].filter("whole_row")
    for table in ("patients", "labs", "visits"):
        rejected = set(whole.filter(table=table)["row"])
        assert rejected <= set(given_[table]["row"])
        if table == "patients":
            assert len(given_[table]) - len(rejected) == len(ids)
    numbers = answered["differential"].select(pl.col(pl.Float64))
    assert not numbers.select(pl.any_horizontal(pl.all().is_nan().any())).item()


def test_native_columns_are_read_like_text() -> None:
    typed = {
        "patients": pl.DataFrame({
            "patient_id": ["1", "2"], "date": [date(2024, 1, 2), None], "age": [50, None],
            "heliotrope_rash": [True, None], "weight_kg": [70.5, float("nan")], "label": [None, None],
            "treatments_complete": [1, 0],
        }),
        "findings": pl.DataFrame({
            "patient_id": ["1", "2"], "finding": ["dysphagia", "ild"], "value": [1, 0],
        }),
        "labs": pl.DataFrame({
            "patient_id": ["1", "2"], "test": ["CK", "CK"], "value": [900, 90], "unit": ["U/L", "U/L"],
            "upper_limit": [180, 180], "date": [datetime(2024, 1, 1, 12), None],
        }),
        "treatments": pl.DataFrame({
            "patient_id": ["1"], "drug": ["methotrexate"], "dose": [15], "unit": ["mg"],
            "frequency": ["weekly"],
            "start": [date(2023, 1, 1)], "stop": [None],
        }),
    }  # fmt: skip

    def answers(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        return registry().assess({x: one.with_row_index("row", 1) for x, one in tables.items()})

    texts = {
        name: frame.with_columns(
            pl.col(pl.Datetime).dt.date(), pl.col(pl.Float64).fill_nan(None)
        ).cast(pl.String)
        for name, frame in typed.items()
    }
    found, expected = answers(typed), answers(texts)
    for name in TABLES:
        assert found[name].equals(expected[name]), name
    assert found["rejected"].is_empty()
    assert found["findings"].select("dysphagia", "ild", "ck_x_uln").rows() == [
        (True, None, 5.0),
        (None, False, 0.5),
    ]
