"""A synthetic registry can be read, says that it is synthetic, and is drawn from the knowledge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from myoresist import Knowledge
from myoresist.cohort.answers import Registry, assess_tables
from myoresist.cohort.schema import ROW
from myoresist.cohort.simulate import PART, TABLES, simulate, write
from myoresist.cohort.source import SourceError

MANY = 12_000
"""More than one part."""


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load()


@pytest.fixture(scope="module")
def many(knowledge: Knowledge) -> dict[str, pl.DataFrame]:
    return simulate(MANY, 7, knowledge)


def test_every_table_is_there_and_every_patient_is_marked(many: dict[str, pl.DataFrame]) -> None:
    assert PART < MANY
    assert tuple(many) == TABLES
    assert many["patients"]["patient_id"].n_unique() == MANY
    for frame in many.values():
        assert frame.height
        assert frame["patient_id"].str.starts_with("synthetic-").all()
        assert frame["patient_id"].is_in(many["patients"]["patient_id"].implode()).all()


def test_a_small_registry_is_the_beginning_of_a_large_one(
    knowledge: Knowledge, many: dict[str, pl.DataFrame]
) -> None:
    few = simulate(300, 7, knowledge)
    ids = many["patients"]["patient_id"].head(300).implode()
    for name, frame in few.items():
        assert frame.equals(many[name].filter(pl.col("patient_id").is_in(ids))), name
    assert not few["patients"].equals(simulate(300, 8, knowledge)["patients"])


def test_nothing_is_rejected_and_nothing_contradicts_itself(many: dict[str, pl.DataFrame]) -> None:
    ids = many["patients"]["patient_id"].sample(400, seed=1).implode()
    answered = assess_tables(
        {name: frame.filter(pl.col("patient_id").is_in(ids)) for name, frame in many.items()}
    )
    assert answered["rejected"].rows() == []
    assert answered["conflicts"].rows() == []
    differential = answered["differential"]
    known = differential.filter(pl.col("final_diagnosis").is_not_null())
    right = (known["differential.leading"] == known["final_diagnosis"]).mean()
    # The differential and the draws rest on the same frequencies, so it has to be right more often than not.
    assert isinstance(right, float)
    assert right > 0.6


def test_diseases_come_by_their_priors(knowledge: Knowledge, many: dict[str, pl.DataFrame]) -> None:
    given = many["patients"]["final_diagnosis"].drop_nulls()
    count = dict(given.value_counts().iter_rows())
    diseases = knowledge.differential.base.diseases
    whole = sum(one.prior for one in diseases.values())
    for name, one in diseases.items():
        expected = given.len() * one.prior / whole
        assert abs(count.get(name, 0) - expected) < 5 * np.sqrt(expected) + 1, name


@pytest.mark.parametrize(
    ("disease", "finding"),
    [("dermatomyositis", "heliotrope_rash"), ("inclusion_body_myositis", "finger_flexor_weakness")],
)
def test_findings_come_by_their_frequencies(
    knowledge: Knowledge, many: dict[str, pl.DataFrame], disease: str, finding: str
) -> None:
    percent = (
        knowledge.differential.base.frequencies.filter(disease=disease, finding=finding)["percent"].item()
    )  # fmt: skip
    seen = many["patients"].filter(final_diagnosis=disease)[finding].drop_nulls()
    share = seen.mean()
    assert isinstance(share, float)
    spread = np.sqrt(percent / 100 * (1 - percent / 100) / seen.len())
    assert abs(share - percent / 100) < 5 * spread + 0.03


def test_much_is_unknown_and_records_differ(many: dict[str, pl.DataFrame]) -> None:
    patients = many["patients"]
    known = patients.select(pl.sum_horizontal(pl.all().is_not_null()).alias("known"))["known"]
    width = patients.width
    assert known.min() < width / 4  # type: ignore[operator]
    assert known.max() > width / 2  # type: ignore[operator]


def test_written_tables_are_those_that_are_drawn(tmp_path: Path, knowledge: Knowledge) -> None:
    drawn = simulate(50, 3, knowledge)
    told: list[int] = []
    for form in ("parquet", "csv"):
        write(tmp_path / form, 50, 3, form, told.append)
        readme = (tmp_path / form / "README.txt").read_text(encoding="utf-8")
        assert "Synthetic" in readme
        assert f"myoresist simulate 50 --seed 3 --format {form}" in readme
    assert told == [50, 50]
    for name, frame in drawn.items():
        assert pl.read_parquet(tmp_path / "parquet" / f"{name}.parquet").equals(frame)
    registry = Registry(knowledge)
    answers = []
    for form in ("parquet", "csv"):
        read = {
            name: pl.read_parquet(tmp_path / form / f"{name}.parquet")
            if form == "parquet"
            else pl.read_csv(tmp_path / form / f"{name}.csv", infer_schema=False)
            for name in TABLES
        }
        answers.append(
            registry.assess({x: frame.with_row_index(ROW, offset=1) for x, frame in read.items()})
        )
    for name, frame in answers[0].items():
        assert frame.equals(answers[1][name]), name


def test_large_registries_are_written_in_parts(tmp_path: Path) -> None:
    write(tmp_path / "large", PART + 1, 0, "parquet", lambda _: None)
    parts = sorted((tmp_path / "large" / "patients").iterdir())
    assert [pl.read_parquet(one).height for one in parts] == [PART, 1]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SourceError, match="is not empty"):
        write(tmp_path, 1, 0, "csv", lambda _: None)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]
