from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from myoresist import __version__
from myoresist.cli import app
from myoresist.cohort.registry import TABLES, Registry, assess_tables
from myoresist.cohort.schema import ROW, Schema
from myoresist.cohort.simulate import Simulator, parts, simulate, write
from myoresist.cohort.source import open_source
from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.records import CARRIED
from myoresist.document import DocumentError
from myoresist.library import Knowledge

MANY = 20_000
KNOWLEDGE = Knowledge.load()


@pytest.fixture(scope="module")
def whole() -> dict[str, pl.DataFrame]:
    return next(parts(MANY, 5, KNOWLEDGE))


@pytest.fixture(scope="module")
def drawn(whole: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {**whole, "patients": whole["patients"].drop(CARRIED)}


def first(tables: dict[str, pl.DataFrame], patients: int) -> dict[str, pl.DataFrame]:
    ids = tables["patients"]["patient_id"].head(patients).implode()
    return {name: x.filter(pl.col("patient_id").is_in(ids)) for name, x in tables.items()}


def written(folder: Path) -> dict[str, pl.DataFrame]:
    return {
        x.name: pl.read_parquet(x / "*.parquet") for x in sorted(folder.iterdir()) if x.is_dir()
    }


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    assert one.keys() == other.keys()
    for name, table in one.items():
        assert_frame_equal(table, other[name])


def test_the_same_seed_draws_the_same_patients_and_another_seed_others() -> None:
    same(simulate(30, seed=3), simulate(30, seed=3))
    here, there = (simulate(30, seed)["patients"] for seed in (3, 4))
    assert here["patient_id"].equals(there["patient_id"])
    assert not here["final_diagnosis"].equals(there["final_diagnosis"])


@pytest.mark.parametrize("more", [101, 160, 400])
def test_fewer_patients_are_the_first_of_more(more: int) -> None:
    few = [*parts(100, 1, KNOWLEDGE, size=80)]
    many = [*parts(more, 1, KNOWLEDGE, size=80)]
    joined = [{n: pl.concat([x[n] for x in one]) for n in one[0]} for one in (few, many)]
    same(joined[0], first(joined[1], 100))


def test_parts_differ_and_each_rests_on_the_seed_and_its_number() -> None:
    two = [*parts(80, 1, KNOWLEDGE, size=40)]
    assert not two[0]["patients"]["date"].equals(two[1]["patients"]["date"])
    same(two[1], Simulator(KNOWLEDGE, 1).part(1, 41, 40))


def test_what_is_written_in_parts_is_what_is_drawn_in_memory(tmp_path: Path) -> None:
    told: list[int] = []
    write(tmp_path, 50, seed=2, told=told.append, size=20)
    assert told == [20, 20, 10]
    files = sorted(x.name for x in (tmp_path / "visits").iterdir())
    assert files == [f"visits-0000{x}.parquet" for x in range(3)]
    in_memory = [*parts(50, 2, KNOWLEDGE, size=20)]
    same({n: pl.concat([x[n] for x in in_memory]) for n in sorted(in_memory[0])}, written(tmp_path))
    whole = next(parts(50, 2, KNOWLEDGE))
    same(simulate(50, seed=2), {**whole, "patients": whole["patients"].drop(CARRIED)})


def test_every_table_is_there_with_columns_of_the_schema(drawn: dict[str, pl.DataFrame]) -> None:
    schema = Schema(KNOWLEDGE.terms).tables
    assert {*drawn, "medicines"} == schema.keys()
    for name, table in drawn.items():
        assert set(table.columns) <= set(schema[name])
        assert table.height >= MANY


def test_nothing_is_rejected_and_no_record_contradicts_itself(
    drawn: dict[str, pl.DataFrame],
) -> None:
    registry = Registry(KNOWLEDGE)
    some = first(drawn, 6000)
    batch = registry.reader.read({n: x.with_row_index(ROW, offset=1) for n, x in some.items()})
    assert batch.rejected.height == 0, batch.rejected.head(3)
    assert batch.conflicts.height == 0, batch.conflicts.head(3)
    assert not KNOWLEDGE.inference.known(batch.recorded).conflicted


def test_every_question_is_answered_for_them(drawn: dict[str, pl.DataFrame]) -> None:
    answers = assess_tables(first(drawn, 150), KNOWLEDGE)
    assert answers["rejected"].height == answers["conflicts"].height == 0
    assert answers["differential"].height == 150
    assert all(answers[x].height for x in TABLES if x not in ("rejected", "conflicts"))


def test_diseases_are_drawn_by_their_priors(drawn: dict[str, pl.DataFrame]) -> None:
    base = KNOWLEDGE.differential.base.diseases
    found = dict(drawn["patients"]["final_diagnosis"].value_counts().iter_rows())
    assert set(found) <= set(base)
    off = sum((found.get(x.id, 0) - MANY * x.prior) ** 2 / (MANY * x.prior) for x in base.values())
    freedom = len(base) - 1
    assert off < freedom + 4 * math.sqrt(2 * freedom)


def test_findings_are_as_frequent_as_the_knowledge_says(drawn: dict[str, pl.DataFrame]) -> None:
    base, patients = KNOWLEDGE.differential.base, drawn["patients"]
    stated = base.frequencies.filter(pl.col("finding").is_in(patients.columns))
    checked = far = 0
    for disease in ("dermatomyositis", "inclusion_body_myositis", "imnm_hmgcr", "dysferlinopathy"):
        rows = patients.filter(final_diagnosis=disease)
        for finding, percent in stated.filter(disease=disease).select("finding", "percent").rows():
            known = rows[finding].drop_nulls()
            share = percent / 100
            error = math.sqrt(max(share * (1 - share), 0.01) / len(known))
            checked += 1
            far += abs(known.mean() - share) > 4 * error + 0.02
    # Broad findings that are rarer than their narrow ones in the knowledge cannot agree with both.
    assert checked > 300
    assert far <= 0.03 * checked


@pytest.mark.parametrize(
    ("disease", "finding"),
    [("dermatomyositis", "gottron_papules"), ("inclusion_body_myositis", "finger_flexor_weakness")],
)
def test_a_typical_finding_has_its_frequency(
    drawn: dict[str, pl.DataFrame], disease: str, finding: str
) -> None:
    table = KNOWLEDGE.differential.base.frequencies
    percent = table.filter(disease=disease, finding=finding)["percent"].item()
    found = drawn["patients"].filter(final_diagnosis=disease)[finding].mean()
    assert found == pytest.approx(percent / 100, abs=0.04)


def test_measured_findings_have_their_quantiles(drawn: dict[str, pl.DataFrame]) -> None:
    table = KNOWLEDGE.differential.base.numbers
    row = table.filter(disease="inclusion_body_myositis", finding="age_at_onset").row(0, named=True)
    found = drawn["patients"].filter(final_diagnosis="inclusion_body_myositis")["age_at_onset"]
    for name, share in (("p25", 0.25), ("p50", 0.5), ("p75", 0.75)):
        assert found.quantile(share) == pytest.approx(row[name], abs=2)


def test_one_specific_antibody_and_one_gene_at_most(drawn: dict[str, pl.DataFrame]) -> None:
    groups = {x.id: x.findings for x in KNOWLEDGE.differential.base.groups if x.kind == "exclusive"}
    genes = [x for x in groups["genes"] if x in drawn["patients"].columns]
    assert genes
    assert drawn["patients"].select(pl.sum_horizontal(genes)).to_series().max() == 1
    positive = drawn["antibodies"].filter(
        pl.col("result").is_in(["moderate", "strong", "positive"])
        & pl.col("antibody").is_in(groups["msa"])
    )
    per_patient = positive.group_by("patient_id").agg(pl.col("antibody").n_unique())
    assert per_patient["antibody"].max() == 1


def test_cells_are_missing_and_some_records_are_thin(drawn: dict[str, pl.DataFrame]) -> None:
    patients = drawn["patients"]
    flags = [x for x, kind in patients.schema.items() if kind == pl.Boolean]
    known = patients.select(pl.sum_horizontal(pl.col(flags).is_not_null()) / len(flags)).to_series()
    assert known.quantile(0.1) < 0.45
    assert known.quantile(0.6) > 0.6
    assert patients["heliotrope_rash"].null_count() > 0
    assert patients["label"].null_count() > 0
    assert drawn["visits"]["mmt8"].null_count() > 0


def test_whoever_has_a_result_of_a_biopsy_had_one(drawn: dict[str, pl.DataFrame]) -> None:
    patients = drawn["patients"]
    results = [x for x in patients.columns if x.startswith("biopsy_") and x != "biopsy_done"]
    any_known = pl.any_horizontal(pl.col(results).is_not_null())
    assert patients.select((pl.col("biopsy_done").is_not_null() == any_known).all()).item()
    assert set(patients["biopsy_done"].unique()) == {True, None}


def test_mimics_carry_the_label_of_myositis(drawn: dict[str, pl.DataFrame]) -> None:
    labelled = drawn["patients"].filter(final_diagnosis="dysferlinopathy")["label"].drop_nulls()
    assert labelled.is_in(["dermatomyositis", "polymyositis"]).mean() > 0.7
    dm = drawn["patients"].filter(final_diagnosis="dermatomyositis")["label"].drop_nulls()
    assert dm.is_in(["dermatomyositis", "juvenile_dermatomyositis"]).mean() > 0.9


def test_courses_begin_with_a_glucocorticoid_and_go_on_to_others(
    drawn: dict[str, pl.DataFrame],
) -> None:
    courses = drawn["treatments"]
    assumed = Assumptions.load(KNOWLEDGE.folder)
    steroid = pl.col("drug").is_in(list(assumed.glucocorticoid.drugs))
    others = (
        courses.filter(~steroid).group_by("patient_id").agg(pl.len(), pl.col("drug").n_unique())
    )
    assert others.height == MANY
    assert set(others["len"]) == {1, 2, 3, 4}
    assert others["len"].equals(others["drug"])
    assert {4, 7, 10} <= set(courses["start"].drop_nulls().str.len_chars())
    for column in ("response", "reason_stopped", "weeks"):
        assert courses[column].null_count() < courses.height
    assert (
        courses.filter("ongoing").select(pl.col("stop", "reason_stopped").null_count()).row(0)
        == (courses["ongoing"].sum(),) * 2
    )


def test_visits_hang_together_over_time(drawn: dict[str, pl.DataFrame]) -> None:
    visits = drawn["visits"].sort("patient_id", "date")
    number = visits.group_by("patient_id").len()["len"]
    assert (number.min(), number.max()) == (2, Assumptions.load(KNOWLEDGE.folder).visits.most - 1)
    pairs = visits.select(
        "physician_global", before=pl.col("physician_global").shift().over("patient_id")
    ).drop_nulls()
    assert np.corrcoef(pairs.to_numpy().T)[0, 1] > 0.7
    ends = visits.drop_nulls("physician_global").group_by("patient_id").agg(
        gain=pl.col("physician_global").first() - pl.col("physician_global").last()
    )  # fmt: skip
    assert 0.1 < (ends["gain"] > 2).mean() < 0.6


def test_the_number_of_visits_can_be_set(tmp_path: Path) -> None:
    write(tmp_path / "r", 40, visits=15)
    assert set(written(tmp_path / "r")["visits"].group_by("patient_id").len()["len"]) == {15}


def test_who_is_in_it_is_as_published(whole: dict[str, pl.DataFrame]) -> None:
    """Broad bands around the figures of the works that simulation.yaml cites."""
    patients = whole["patients"]
    iim = [x.id for x in KNOWLEDGE.differential.base.diseases.values() if x.family == "iim"]
    # EuroMyositis: 69 % female, with inclusion body myositis; Myovision: ancestry, and how many began early.
    own = patients.filter(pl.col("final_diagnosis").is_in([*iim, "inclusion_body_myositis"]))
    assert 0.55 < (own["sex"] == "female").mean() < 0.75
    for disease, white in (("dermatomyositis", 0.86), ("inclusion_body_myositis", 0.94)):
        found = own.filter(final_diagnosis=disease)["ancestry"].drop_nulls()
        assert (found == "white").mean() == pytest.approx(white, abs=0.03)
    onset = own.filter(final_diagnosis="dermatomyositis")["age_at_onset"].drop_nulls()
    early = onset.filter(onset < 17)
    assert 0.12 < len(early) / len(onset) < 0.22
    assert 5 <= early.median() <= 10
    # The largest of eleven countries had 41 %.
    sizes = patients["site"].value_counts(normalize=True)["proportion"]
    assert (len(sizes), round(sizes.max(), 1)) == (11, 0.4)
    assert patients["age"].is_between(0, 95).all()
    assert 40 < patients["age"].median() < 65


def test_how_they_are_followed_is_as_published(drawn: dict[str, pl.DataFrame]) -> None:
    visits = drawn["visits"].sort("patient_id", "date")
    assert (visits["date"].dt.weekday() <= 5).all()
    assert visits["date"].dt.year().is_between(2012, 2026).all()
    days = (pl.col("date") - pl.col("date").shift()).dt.total_days()
    gaps = visits.select(days.over("patient_id")).to_series().drop_nulls()
    # Not a clock: no interval is that of more than a few, and all are at least a week.
    assert gaps.min() >= 7
    assert gaps.value_counts(normalize=True)["proportion"].max() < 0.03
    assert 150 < gaps.median() < 300
    spans = visits.group_by("patient_id").agg(days=pl.col("date").max() - pl.col("date").min())
    years = spans["days"].dt.total_days() / 365.25
    # Madrid: a mean of 10 years with a standard deviation of 8; this registry is open for 14.
    assert 3 < years.mean() < 10
    assert years.max() < 15
    missing = [visits[x].null_count() / visits.height for x in ("physician_global", "haq_di")]
    assert 0.05 < missing[0] < missing[1] < 0.5


def test_what_they_are_given_is_as_published(drawn: dict[str, pl.DataFrame]) -> None:
    courses = drawn["treatments"]
    ever = dict(courses.group_by("drug").agg(pl.col("patient_id").n_unique() / MANY).iter_rows())
    steroid = courses.filter(pl.col("drug").is_in(["prednisone", "prednisolone"]))
    # EuroMyositis: glucocorticoids in 98 %, methotrexate in 71 %, azathioprine in 51 %.
    assert steroid["patient_id"].n_unique() / MANY == pytest.approx(0.98, abs=0.01)
    assert ever["methotrexate"] == pytest.approx(0.71, abs=0.1)
    assert ever["azathioprine"] == pytest.approx(0.51, abs=0.1)
    # Doses that tablets make up.
    assert (steroid["dose"] % 2.5 == 0).all()
    doses = courses.filter(drug="methotrexate")["dose"]
    assert (doses % 2.5 == 0).all()
    assert doses.is_between(2.5, 25).all()
    # 63 patients: methotrexate for 26 months on average, standard deviation 29.
    ends = courses.filter(pl.col("drug") == "methotrexate").with_columns(
        pl.col("start", "stop").str.to_date(strict=False)
    )
    months = ends.select((pl.col("stop") - pl.col("start")).dt.total_days() / 30.44).to_series()
    assert 8 < months.mean() < 30
    assert months.std() > 8


def test_centres_differ_in_how_much_they_write_and_in_their_laboratory(
    whole: dict[str, pl.DataFrame],
) -> None:
    patients = whole["patients"]
    filled = patients.group_by("site").agg(known=pl.col("heliotrope_rash").count() / pl.len())
    known = dict(filled.iter_rows())
    assert known["centre-03"] > known["centre-10"] + 0.2
    enzyme = whole["labs"].filter(test="CK").join(
        patients.select("patient_id", "site"), on="patient_id"
    )  # fmt: skip
    assert (enzyme.group_by("site").agg(pl.col("upper_limit").n_unique())["upper_limit"] == 1).all()
    assert set(enzyme.filter(site="centre-05")["unit"]) != {"U/L"}


def test_a_registry_is_read_with_the_mapping_file_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "r", 20, seed=1)
    (tmp_path / "work").mkdir()
    source = open_source(tmp_path / "r", Schema(KNOWLEDGE.terms), tmp_path / "work")
    assert {"keep:site", "keep:ancestry"} <= set(source.named["patients"].collect_schema())
    assert "mapping.yaml" in source.hashes()
    assert not source.unread


def test_csv_and_parquet_give_the_same_answers(tmp_path: Path) -> None:
    registry = Registry(KNOWLEDGE)
    answers = []
    for form in ("csv", "parquet"):
        folder = tmp_path / form
        done = CliRunner().invoke(
            app, ["simulate", "60", "--out", str(folder), "--seed", "9", "--format", form]
        )
        assert done.exit_code == 0, done.output
        tables = {}
        for one in folder.iterdir():
            if one.is_dir():
                read = pl.read_parquet if form == "parquet" else pl.read_csv
                settings = {} if form == "parquet" else {"infer_schema": False}
                file = one / f"{one.name}-00000.{form}"
                frame = read(file, **settings).drop(CARRIED, strict=False)
                tables[one.name] = frame.with_row_index(ROW, offset=1)
        answers.append(registry.assess(tables))
    for name, table in answers[0].items():
        assert_frame_equal(table, answers[1][name])


def test_the_folder_says_what_it_is_and_how_it_was_made(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["simulate", "20", "--out", str(tmp_path / "r"), "--seed", "7"])
    assert done.exit_code == 0
    said = (tmp_path / "r" / "README.txt").read_text()
    for word in ("SYNTHETIC", __version__, "seed 7", "myoresist simulate 20 --out FOLDER --seed 7"):
        assert word in said
    ids = written(tmp_path / "r")["patients"]["patient_id"]
    assert ids.head(1).item() == "synthetic-0000001"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", "5", "--out", "{}"], "is not empty"),
        (["simulate", "5", "--out", "{}/file"], "file"),
        (["simulate", "5", "--out", "{}/new", "--format", "xlsx"], "write parquet or csv"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "file").write_text("mine")
    done = CliRunner().invoke(app, [x.format(tmp_path) for x in words])
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [x.name for x in tmp_path.iterdir()] == ["file"]


def test_assumptions_say_that_they_are_assumptions(tmp_path: Path) -> None:
    file = KNOWLEDGE.folder / "simulation.yaml"
    text = file.read_text(encoding="utf-8")
    assert Assumptions.load(KNOWLEDGE.folder).check.startswith("estimate")
    assert "nothing about real patients follows from it" in text
    (tmp_path / "simulation.yaml").write_text(text.replace("no_label: 0.02", "no_label: 2"))
    with pytest.raises(DocumentError, match="no_label"):
        Assumptions.load(tmp_path)
