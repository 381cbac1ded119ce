"""What a registry answers, and what it says of what it cannot read."""

from __future__ import annotations

import polars as pl
import pytest
from registries import cases, tables

from myoresist.case.model import Case
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.source import SourceError


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return cases(tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def answered(known: list[Case]) -> dict[str, pl.DataFrame]:
    return assess_tables(tables(known))


def test_nothing_is_rejected_and_every_patient_is_answered(
    known: list[Case], answered: dict[str, pl.DataFrame]
) -> None:
    beyond = [("treatments", "mtx-daily", "dose")]
    assert answered["rejected"].select("table", "patient_id", "column").rows() == beyond
    for table in ("findings", "criteria", "differential", "serology", "resistance"):
        assert answered[table]["patient_id"].to_list() == sorted(x.patient.id for x in known)


def test_the_order_of_rows_and_who_else_is_there_do_not_matter(
    known: list[Case], answered: dict[str, pl.DataFrame]
) -> None:
    turned = {name: frame.reverse() for name, frame in tables(known[3:9]).items()}
    again = assess_tables(turned)
    patients = sorted(one.patient.id for one in known[3:9])
    for name in ("findings", "criteria", "resistance", "options", "responses"):
        expected = answered[name].filter(pl.col("patient_id").is_in(patients))
        assert again[name].select(expected.columns).equals(expected), name


def test_pandas_and_arrow_frames_are_taken(
    known: list[Case], answered: dict[str, pl.DataFrame]
) -> None:
    frames = tables(known)
    for turned in (
        {k: v.to_pandas() for k, v in frames.items()},
        {k: v.to_arrow() for k, v in frames.items()},
    ):
        again = assess_tables(turned)
        assert again["criteria"].equals(answered["criteria"])


def test_what_is_not_known_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SourceError, match="did you mean heliotrope_rash"):
        assess_tables({"patients": pl.DataFrame({"patient_id": ["a"], "heliotrop_rash": ["yes"]})})
    with pytest.raises(SourceError, match="patient is not a table"):
        assess_tables({"patient": pl.DataFrame({"patient_id": ["a"]})})


def test_what_cannot_be_read_is_rejected_with_its_reason_and_is_unknown() -> None:
    found = assess_tables({
        "patients": pl.DataFrame({
            "patient_id": ["a", "b", "b", None], "age": ["40", "400", "50", "1"],
            "dysphagia": ["maybe", "no", "yes", "no"],
        }),
        "labs": pl.DataFrame({
            "patient_id": ["a", "a", "z", "a"], "test": ["CK", "CK", "CK", "nonsense"],
            "value": ["900", "-5", "9", "1"],
            "unit": ["U/L", "U/L", "U/L", "U/L"],
            "upper_limit": ["180", "180", "180", "1"],
        }),
        "treatments": pl.DataFrame({
            "patient_id": ["a", "a"], "drug": ["prednisone", "methotrexate"], "start": ["2022-01", "2023-05"],
            "stop": ["2021-01", "2023-13"],
        }),
    })  # fmt: skip
    reasons = {
        (one["table"], one["row"], one["column"]) for one in found["rejected"].iter_rows(named=True)
    }
    assert reasons == {
        ("patients", 1, "dysphagia"), ("patients", 2, "age"), ("patients", 3, "patient_id"),
        ("patients", 4, "patient_id"), ("labs", 2, "value"), ("labs", 3, "patient_id"), ("labs", 4, "test"),
        ("treatments", 1, "drug"), ("treatments", 2, "stop"),
    }  # fmt: skip
    assert found["findings"]["patient_id"].to_list() == ["a", "b"]
    assert found["findings"]["dysphagia"].to_list() == [None, False]
    assert found["findings"]["age"].to_list() == [40.0, None]
    # What could not be read may have been higher.
    assert found["findings"]["ck_x_uln"].to_list() == [None, None]


@pytest.mark.parametrize("date", ["0000", "0000-05-01", "2023-02-30", "٢٠٢٣"])
def test_a_date_that_no_calendar_holds_is_rejected(date: str) -> None:
    found = assess_tables({
        "patients": pl.DataFrame({"patient_id": ["a"]}),
        "treatments": pl.DataFrame({"patient_id": ["a"], "drug": ["MTX"], "start": [date]}),
    })  # fmt: skip
    assert found["rejected"].select("table", "column", "value").row(0) == (
        "treatments", "start", date,
    )  # fmt: skip


def test_a_lost_course_leaves_the_list_incomplete() -> None:
    def adequate(stop: str) -> bool | None:
        found = assess_tables({
            "patients": pl.DataFrame(
                {"patient_id": ["a"], "treatments_complete": ["yes"], "date": ["2024-01-01"]}
            ),
            "treatments": pl.DataFrame(
                {"patient_id": ["a"], "drug": ["MTX"], "stop": [stop], "start": ["2023-05"]}
            ),
        })  # fmt: skip
        return found["resistance"]["trial_rituximab_never_tried"].item()

    assert adequate("2023-10") is True
    assert adequate("2023-13") is None


def test_two_statements_that_differ_leave_a_finding_unknown() -> None:
    found = assess_tables({
        "patients": pl.DataFrame({"patient_id": ["a"], "dysphagia": [True]}),
        "findings": pl.DataFrame(
            {"patient_id": ["a", "a"], "finding": ["dysphagia", "ild"], "value": ["no", "yes"]}
        ),
    })  # fmt: skip
    assert found["conflicts"].rows() == [("a", "dysphagia")]
    assert found["findings"].select("dysphagia", "ild").row(0) == (None, True)


@pytest.mark.parametrize(
    ("table", "columns", "said"),
    [
        ("patients", ["age"], "patients: column patient_id is missing"),
        ("patients", ["patient_id", "agge"], "did you mean age"),
        ("visits", ["patient_id", "date", "mmt8", "mmt8_150"], "mmt8 and mmt8_150 are one measure"),
    ],
)
def test_frames_that_cannot_be_read_say_why(table: str, columns: list[str], said: str) -> None:
    frame = pl.DataFrame({name: ["1"] for name in columns})
    with pytest.raises(SourceError, match=said):
        assess_tables({table: frame})
