"""A patient of a registry is the same patient as in a case file."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from registries import cases, tables

from myoresist import Assessment, assess
from myoresist.case.model import Case
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.source import SourceError


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return cases(tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def answered(known: list[Case]) -> dict[str, pl.DataFrame]:
    return assess_tables(tables(known))


@pytest.fixture(scope="module")
def alone(known: list[Case]) -> dict[str, Assessment]:
    return {one.patient.id: assess(one) for one in known}


def row(answered: dict[str, pl.DataFrame], table: str, patient: str) -> dict[str, Any]:
    return answered[table].filter(patient_id=patient).row(0, named=True)


def test_nothing_is_rejected_and_every_patient_is_answered(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    assert answered["rejected"].rows() == []
    for table in ("findings", "criteria", "differential", "serology", "resistance"):
        assert answered[table]["patient_id"].to_list() == sorted(alone)


def test_findings_are_those_of_the_case(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    for patient, one in alone.items():
        mine = {k: v for k, v in row(answered, "findings", patient).items() if v is not None}
        theirs = {fact.id: fact.value for fact in one.record if fact.value is not None}
        dates = {fact for fact, value in theirs.items() if fact.endswith("_date")}
        assert {k: v for k, v in mine.items() if k != "patient_id"} == {
            k: v for k, v in theirs.items() if k not in dates
        }, patient


def test_criteria_are_those_of_the_case(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    for patient, one in alone.items():
        mine = row(answered, "criteria", patient)
        for result in one.criteria:
            if result.status == "implemented":
                assert mine[f"{result.id}.state"] == result.state, (patient, result.id)
                assert mine[f"{result.id}.outcome"] == result.outcome, (patient, result.id)


def test_the_differential_is_that_of_the_case(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    for patient, one in alone.items():
        mine = row(answered, "differential", patient)
        for disease in one.differential.diseases:
            assert math.isclose(
                mine[f"differential.{disease.id}"], disease.probability, abs_tol=1e-8
            ), (patient, disease.id)
        label = one.differential.label
        if label:
            assert math.isclose(mine["label_probability"], label.probability, abs_tol=1e-8)
            assert mine["label_outranked"] == (label.outranked_by is not None)
        else:
            assert mine["label_probability"] is None


def test_serology_is_that_of_the_case(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    for patient, one in alone.items():
        mine = row(answered, "serology", patient)
        assert mine["serology.cancer.category"] == one.serology.cancer.category, patient
        for antibody in one.serology.antibodies:
            assert mine[f"serology.{antibody.id}.reported"] == antibody.reported, (
                patient,
                antibody.id,
            )


def test_trials_and_explanations_are_those_of_the_case(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    for patient, one in alone.items():
        mine = row(answered, "resistance", patient)
        for why in one.resistance.why.explanations:
            assert mine[f"explanation_{why.id}.status"] == why.status, (patient, why.id)
        states = {True: "met", False: "not_met", None: "undetermined"}
        for definition in one.resistance.treatment.definitions:
            if definition.state is not None:
                assert states[mine[f"refractory.{definition.id}"]] == definition.state, (
                    patient,
                    definition.id,
                )
        trials = answered["trials"].filter(patient_id=patient)
        found = dict(trials.select("trial", "state").iter_rows())
        for trial in one.resistance.treatment.trials:
            if trial.verdict in ("adequate", "inadequate", "undetermined"):
                assert found[trial.id] == trial.verdict, (patient, trial.id)


def test_options_are_those_of_the_case(
    answered: dict[str, pl.DataFrame], alone: dict[str, Assessment]
) -> None:
    for patient, one in alone.items():
        mine = answered["options"].filter(patient_id=patient).select("subset", "option", "group")
        theirs = [
            (subset.id, place.option, place.group)
            for subset in one.treatment.subsets
            for place in subset.options
        ]
        assert mine.rows() == theirs, patient


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
    assert found["findings"]["ck_x_uln"].to_list() == [5.0, None]


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
