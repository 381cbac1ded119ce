"""The nine tasks of a registry team, each figure by a few independent lines of Polars from the tables."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyreadstat
import pytest
import scipy.stats
from typer.testing import CliRunner

from myoresist import Knowledge
from myoresist.cli import app
from myoresist.cohort import run
from myoresist.cohort.dictionary import short_names
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.folder import SourceError
from myoresist.cohort.freeze import command, counts
from myoresist.cohort.freeze.changes import Impossible, Rules
from myoresist.cohort.freeze.export import pseudonym
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.freeze.one_patient import case_of
from myoresist.cohort.freeze.screening import Screening
from myoresist.cohort.keeping import part
from myoresist.cohort.opened import hashed

ALL, PATIENTS = 1, 160


@pytest.fixture(scope="module")
def out(freezes: Path) -> Path:
    return freezes / "answers"


@pytest.fixture(scope="module")
def read(out: Path) -> Callable[[str], pl.DataFrame]:
    return lambda table: run.scan(out, table).collect()


Read = Callable[[str], pl.DataFrame]


def test_1_table_1_by_site(out: Path, read: Read) -> None:
    table = command.table_one(out, "site", "sex_female,age,label,any_antisynthetase", ALL)
    findings = read("findings").join(
        read("differential").select("patient_id", "label"), on="patient_id"
    )
    for site in ("All", "Graz", "Tulln"):
        own = findings if site == "All" else findings.filter(site=site)
        rows = table.filter(group=site)
        sex = rows.filter(variable="sex_female").row(0, named=True)
        assert (sex["patients"], sex["count"]) == (own.height, own["sex_female"].sum())
        age = rows.filter(variable="age").row(0, named=True)
        assert (age["known"], age["median"]) == (own["age"].count(), own["age"].median())
        assert age["sd"] == pytest.approx(own["age"].std())
        for one in rows.filter(variable="label").iter_rows(named=True):
            assert one["count"] == (own["label"] == one["level"]).sum()
            assert one["missing"] == own["label"].null_count()
        parts = [f"anti_{x}" for x in ("jo1", "pl7", "pl12", "ej", "oj", "ks", "zo", "ha")]
        asked = own.filter(
            pl.all_horizontal(pl.col(parts).is_not_null())
            | (pl.col("any_antisynthetase") & ~pl.any_horizontal(pl.col(parts).fill_null(False)))
        )
        any_ = rows.filter(variable="any_antisynthetase").row(0, named=True)
        assert (any_["known"], any_["count"]) == (asked.height, asked["any_antisynthetase"].sum())
        there, known = own["any_antisynthetase"].sum(), own["any_antisynthetase"].count()
        assert any_["percent_low"] == round(100 * there / own.height, 1)
        assert any_["percent_high"] == round(100 * (there + own.height - known) / own.height, 1)
    groups = [x["age"].drop_nulls().to_numpy() for _, x in findings.group_by("site")]
    most = max(
        abs(x.mean() - y.mean()) / np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        for x in groups
        for y in groups
        if x is not y
    )
    told = table.filter(variable="age", group="All")["difference"].item()
    assert told == pytest.approx(most, abs=1e-3)


def test_table_1_takes_any_column_and_says_which_it_does_not_know(out: Path) -> None:
    for by in ("subset", "label", "final_diagnosis", "sex_female", "site", "eular_acr_2017.state"):
        assert command.table_one(out, by, "age", ALL)["group"].n_unique() > 1
    with pytest.raises(SourceError, match=r"keep: \[arm\]"):
        command.table_one(out, "arm", None, None)


def test_2_refractory_by_definition(out: Path, read: Read) -> None:
    table = command.refractory(out, None, ALL)
    resistance = read("resistance")
    for one in table.iter_rows(named=True):
        if (
            one["definition"].startswith("refractory_")
            and one["definition"] != "refractory_default"
        ):
            states = read("criteria")[f"{one['definition']}.state"].cast(pl.String)
            found = [(states == x).sum() for x in ("met", "not_met", "undetermined")]
        else:
            flags = resistance[f"refractory.{one['definition']}"]
            found = [flags.sum(), (~flags).sum(), flags.null_count()]
        assert [one["met"], one["not_met"], one["undetermined"]] == found
        assert one["met_percent_low"] == round(100 * found[0] / PATIENTS, 1)
        assert one["met_percent_high"] == round(100 * (found[0] + found[2]) / PATIENTS, 1)
    met = Counter(
        "; ".join(sorted(rows["definition"].to_list()))
        for _, rows in read("refractory").filter(state="met").cast({"definition": pl.String})
        .group_by("patient_id")
    )  # fmt: skip
    overlap = command.overlap(out, ALL)
    assert dict(overlap.select("definitions", "patients").iter_rows()) == met


def test_3_response_by_index_drug(out: Path, read: Read) -> None:
    table = command.windows(out, None, ALL)
    rows = read("response_windows").cast(
        {"drug": pl.String, "status": pl.String, "category": pl.String}
    )
    for one in table.iter_rows(named=True):
        own = rows.filter(drug=one["drug"], week=one["week"])
        assert one["new_users"] == own.height
        judged = own.filter(status="judged")
        for category in ("none", "minimal", "moderate", "major"):
            assert one[category] == judged.filter(category=category).height
        states = Counter(own["status"])
        assert {x: one[x] for x in states if x != "judged"} == {
            x: n for x, n in states.items() if x != "judged"
        }
        due = own.height - states["not_reached"] - states["start_unknown"]
        if due:
            sure = one["moderate"] + one["major"]
            assert one["at_least_moderate_percent_low"] == round(100 * sure / due, 1)
            known = states["judged"]
            assert one["at_least_moderate_percent_high"] == round(
                100 * (sure + due - known) / due, 1
            )


def test_4_the_work_list_presses_in_order(out: Path, freezes: Path, read: Read) -> None:
    table = command.worklist(out, "registry", None)
    pages = read("consult").join(
        read("differential").select("patient_id", "label_outranked"), on="patient_id"
    )
    expected: dict[str, int] = {}
    for one in pages.iter_rows(named=True):
        lines = [x for part in ("today", "do") for x in (one[part] or "").split("; ")]
        reasons = [
            bool(one["today"]),
            any(x.startswith("stop ") for x in lines),
            one["state"] == "other_disease_proven",
            bool(one["label_outranked"]) and one["state"].startswith("other_disease"),
            one["state"] == "undertreated",
        ]
        if any(reasons):
            expected[one["patient_id"]] = reasons.index(True) + 1
    assert dict(table.select("patient_id", "rank").iter_rows()) == expected
    for _, rows in table.group_by("site"):
        assert rows["rank"].is_sorted()
    first = table.row(0, named=True)
    assert first["command"] == f"myoresist registry page registry --patient {first['patient_id']}"
    assert first["next_step"]


def test_who_has_died_is_counted_and_not_on_the_work_list(out: Path, tmp_path: Path) -> None:
    answers = shutil.copytree(out, tmp_path / "answers")
    first = command.worklist(out, "registry", None)["patient_id"][0]
    for file in (answers / "consult").glob("part-*.parquet"):
        table, died = pl.read_parquet(file), pl.col("patient_id") == first
        state = pl.when(died).then(pl.lit("deceased")).otherwise(pl.col("state").cast(pl.String))
        table.with_columns(state.alias("state")).write_parquet(file)
    said: list[str] = []
    assert first not in command.worklist(answers, "registry", None, note=said.append)["patient_id"]
    assert said == ["1 patient who died: not on the list"]


def test_the_page_of_a_row_is_that_of_the_table(out: Path, freezes: Path, read: Read) -> None:
    from myoresist import assess

    pages = {x["patient_id"]: x for x in read("consult").to_dicts()}
    for patient in ("synthetic-0000001", "synthetic-0000007"):
        found = assess(case_of(freezes / "registry", patient, freezes / "mapping.yaml")).consult
        assert found.state == pages[patient]["state"]
        steps = [x.split(" instead of ")[0] for x in (pages[patient]["do"] or "").split("; ") if x]
        assert [f"{x.verb} {x.object}" for x in found.do] == steps
    with pytest.raises(SourceError, match="is no patient"):
        case_of(freezes / "registry", "nobody", freezes / "mapping.yaml")


def test_5_quality_by_variable_and_site(freezes: Path) -> None:
    source = freezes / "registry"
    table, _ = command.quality(source, freezes / "mapping.yaml", "site", ALL)
    table = table.filter(pl.col("visit").is_null())
    visits = pl.read_parquet(source / "visits.parquet")
    sites = pl.read_parquet(source / "patients.parquet").select("patient_id", "site")
    own = visits.join(sites, on="patient_id").filter(site="Graz")
    row = table.filter(table="visits", column="mmt8", group="Graz").row(0, named=True)
    assert (row["rows"], row["known"], row["missing"]) == (
        own.height, own["mmt8"].count(), own["mmt8"].null_count(),
    )  # fmt: skip
    assert row["median"] == own["mmt8"].median()
    gaps = own.sort("patient_id", "date").select(
        (pl.col("date") - pl.col("date").shift()).dt.total_days().over("patient_id")
    )
    days = table.filter(pl.col("column").str.starts_with("(days"), group="Graz").row(0, named=True)
    assert days["known"] == gaps.to_series().count()


def test_what_cannot_be_used_is_counted_with_its_reason(tmp_path: Path) -> None:
    ages = ["40", "400", "x", "", "50"]
    pl.DataFrame({"patient_id": list("abcde"), "age": ages}).write_csv(tmp_path / "patients.csv")
    row = command.quality(tmp_path, None, None, ALL)[0].filter(column="age").row(0, named=True)
    assert (row["known"], row["missing"], row["unusable"]) == (2, 1, 2)
    assert "0 to 120" in row["reason"]


def test_5_completeness_by_visit_and_site(freezes: Path) -> None:
    source = freezes / "registry"
    table, _ = command.quality(source, freezes / "mapping.yaml", "site", ALL, True)
    visits = pl.read_parquet(source / "visits.parquet").with_columns(
        number=pl.col("date").rank("dense").over("patient_id").clip(upper_bound=12)
    )
    sites = pl.read_parquet(source / "patients.parquet").select("patient_id", "site")
    own = visits.join(sites, on="patient_id")
    rows = table.filter(pl.col("visit").is_not_null(), table="visits", column="haq_di")
    assert rows.height == own.select("site", "number").n_unique() + own["number"].n_unique()
    for one in rows.iter_rows(named=True):
        part = own.filter(pl.col("number") == one["visit"])
        part = part if one["group"] == "All" else part.filter(site=one["group"])
        assert (one["rows"], one["known"]) == (part.height, part["haq_di"].count())


def entered(folder: Path, **tables: str) -> Path:
    """Write tables of a registry, one word a row, cells parted by commas."""
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(text.split()) + "\n")
    return folder


PEOPLE = "patient_id,birth_date,sex a,1970-05-01,female b,1980,male"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "visits",
            "patient_id,date,mmt8 a,2020-01-01,148 a,2020-03-01,20 a,2020-06-01,150"
            " b,2020-01-01,148 b,2020-03-01,20",
            [(2, "mmt8", "20.0", "148.0", "strength_there_and_back")],
        ),
        ("visits", "patient_id,date,mmt8 a,2020-01-01,148 a,2020-03-01,120 a,2020-06-01,150", []),
        (
            "visits",
            "patient_id,date,physician_global_mm a,2020-01-01,70 a,2020-02-01,5 a,2020-03-01,72",
            [(2, "physician_global_mm", "5.0", "70.0", "global_there_and_back")],
        ),
        (
            "visits",
            "patient_id,date,mdi_extent a,2020-03-01,4 a,2020-01-01,6 a,2020-06-01,4",
            [(1, "mdi_extent", "4.0", "6.0", "damage_falls")],
        ),
        (
            "labs",
            "patient_id,test,value,unit,date a,CK,1200,U/L,2020-01-01 a,CK,18,U/L,2020-02-01"
            " a,CK,900,U/L,2020-03-01 b,CK,20,µkat/L,2020-01-01"
            " b,CK,1100,U/L,2020-02-01 b,CK,17,µkat/L,2020-03-01",
            [(2, "value", "18.0", "1200.0", "unit_of_enzyme")],
        ),
        (
            "treatments",
            "patient_id,drug,start,stop a,prednisone,1969,1971 b,prednisone,1980,1981"
            " b,azathioprine,1979-12,1981",
            [
                (1, "start", "1969", "1970-05-01", "course_before_birth"),
                (3, "start", "1979-12", "1980", "course_before_birth"),
            ],
        ),
        (
            "antibodies",
            "patient_id,antibody,method,result,date a,anti-Jo-1,ELISA,strong,2020-01-01"
            " a,anti-Jo-1,ELISA,negative,2021-01-01 a,anti-Jo-1,blot,negative,2021-01-01",
            [(2, "result", "negative", "strong", "antibody_turns")],
        ),
    ],
)  # fmt: skip
def test_5_changes_that_cannot_be_are_listed(
    name: str, text: str, expected: list[tuple[object, ...]], tmp_path: Path
) -> None:
    source = entered(tmp_path, patients=PEOPLE, **{name: text})
    table, rows = command.quality(source, None, None, ALL, True)
    assert rows.select("row", "column", "value", "before", "rule").rows() == expected
    for column in rows["column"].unique():
        own = rows.filter(column=column)
        counted = table.filter(pl.col("visit").is_null(), table=name, column=column, group="All")
        assert counted["changes"].item() == own.height
        assert counted["change"].item() == own["why"].mode().item()
    assert table["changes"].sum() >= rows.height


def test_5_two_rows_of_one_patient_that_differ(tmp_path: Path) -> None:
    source = entered(tmp_path, patients=PEOPLE + " a,1970-05-01,male")
    _, rows = command.quality(source, None, None, ALL)
    assert rows.select("row", "column", "rule", "surely").rows() == [
        (3, "sex", "sex_differs", True)
    ]


def test_6_screening_by_hand(out: Path, freezes: Path, read: Read) -> None:
    steps, listed = command.screen(out, "adult_refractory", ALL)
    people = read("findings").join(read("resistance"), on="patient_id", suffix="_r").join(
        read("differential").select("patient_id", "assessed_on"), on="patient_id"
    )  # fmt: skip
    ago = (pl.col("assessed_on") - pl.col("last_cancer").str.to_date()).dt.total_days()
    labels = ["dermatomyositis", "polymyositis", "immune_mediated_necrotising_myopathy"]
    recent = (ago <= 1096).fill_null(False) | pl.col("cancer_active").fill_null(False)
    early = ~pl.col("cancer_within_3y") & (pl.col("weakness_duration_months") <= 36)
    free = pl.when(recent).then(False).when(
        ~pl.col("cancer_active") & ((ago > 1096).fill_null(False) | early.fill_null(False))
    ).then(True)  # fmt: skip
    asked = people.select(
        pl.col("age") >= 18,
        myositis=pl.col("diagnosis_label").cast(pl.String).is_in(labels),
        gc=pl.col("glucocorticoid_failure") | pl.col("glucocorticoid_intolerance"),
        drug=pl.col("immunosuppressant_failed"),
        weak=pl.col("mmt8_150") < 142,
        free=free,
        no_ibm=~pl.col("iim_subtype_ibm"),
    )
    left = pl.Series([True] * PATIENTS)
    for row, name in zip(steps.iter_rows(named=True), asked.columns, strict=True):
        own = asked.filter(left)[name]
        assert row["before"] == own.len()
        assert [row[x] for x in ("met", "out", "unknown")] == [
            own.sum(),
            (~own).sum(),
            own.null_count(),
        ]
        left &= asked[name].fill_null(True)
    assert listed.height == left.sum()
    assert (listed["verdict"] == "eligible").sum() == steps["sure"][-1]
    unknown = listed.filter(verdict="unknown")
    assert (unknown["ask"] != "").all()


def test_another_trial_is_another_file(out: Path, tmp_path: Path) -> None:
    trial = tmp_path / "trial.yaml"
    trial.write_text(
        "id: young\ntitle: Young\nsteps:\n- {id: age, text: Below 50, when: age < 50}\n"
        "- {id: rash, text: Rash, when: dm_rash}\n"
    )
    steps, _ = command.screen(out, str(trial), ALL)
    assert steps["step"].to_list() == ["age", "rash"]
    with pytest.raises(SourceError, match="none of adult_refractory"):
        Screening.load("nothing", Knowledge.load())


def test_7_times_are_those_of_another_library(out: Path, read: Read) -> None:
    table = command.events(out, ALL).filter(clock="drug_stopped")
    rows = read("events").filter(clock="drug_stopped").drop_nulls(["event", "days"])
    assert rows.filter(~pl.col("event")).height, "a test of censoring needs some"
    for drug in ("methotrexate", "glucocorticoid_oral"):
        own = rows.filter(drug=drug)
        data = scipy.stats.CensoredData(
            uncensored=own.filter("event")["days"].to_list(),
            right=own.filter(~pl.col("event"))["days"].to_list(),
        )
        curve = scipy.stats.ecdf(data).sf
        for one in table.filter(drug=drug).iter_rows(named=True):
            expected = 100 * curve.evaluate(one["week"] * 7)
            assert one["percent_free"] == pytest.approx(expected, abs=0.051)
            assert one["at_risk"] == (own["days"] >= one["week"] * 7).sum()


def test_8_every_column_has_a_label_and_a_name_that_travels(out: Path) -> None:
    words = pl.read_csv(out / "dictionary.csv")
    assert words["label"].null_count() == 0
    for table in Freeze.open(out).tables:
        own = words.filter(table=table)
        assert own["column"].to_list() == Freeze.open(out).columns(table)
        assert own["short_name"].str.to_lowercase().n_unique() == own.height
        assert own["short_name"].str.contains(r"^[A-Za-z_][A-Za-z0-9_]{0,27}$").all()
    meta = pl.read_parquet_metadata(part(out, "resistance", 0))
    said = json.loads(meta["columns"])
    assert said["gc_cumulative_g"]["unit"] == "g"
    assert short_names(["a.b", "a_b", "1x", "y" * 40, "Y" * 40]) == {
        "a.b": "a_b", "a_b": "a_b_2", "1x": "_1x", "y" * 40: "y" * 28, "Y" * 40: "Y" * 26 + "_2",
    }  # fmt: skip


def test_the_manifest_says_what_was_asked_and_what_came_out(out: Path) -> None:
    manifest = json.loads((out / run.MANIFEST).read_text())
    assert manifest["command"] == (
        "myoresist cohort registry --out FOLDER --batch 20000 --mapping mapping.yaml"
    )
    assert manifest["kept"] == ["site", "last_cancer"]
    for name, mark in manifest["answers"].items():
        assert hashed(out / name) == mark
    assert manifest["schema"]["responses"]["score"] == "Float64"


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow", "duckdb"])
def test_8_every_form_holds_the_same(form: str, out: Path, tmp_path: Path, read: Read) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123")
    target = tmp_path / ("out.duckdb" if form == "duckdb" else "out")
    command.export(out, target, form, True, key)
    if form == "duckdb":
        with duckdb.connect(str(target), read_only=True) as base:
            rows = base.execute(
                'SELECT patient_id, "eular_acr_2017_state" FROM criteria'
            ).fetchall()
            said = base.execute(
                "SELECT comment FROM duckdb_columns() WHERE table_name = 'resistance' "
                "AND column_name = 'gc_cumulative_g'"
            ).fetchall()
        assert said == [("Cumulative prednisone-equivalent dose",)]
    else:
        opened = {"csv": pl.read_csv, "parquet": pl.read_parquet, "arrow": pl.read_ipc}[form]
        table = opened(target / f"criteria.{form}")
        rows = table.select("patient_id", pl.col("eular_acr_2017_state").cast(pl.String)).rows()
    secret = key.read_bytes()
    expected = [
        (pseudonym(x, secret), y)
        for x, y in read("criteria").select("patient_id", "eular_acr_2017.state").rows()
    ]
    assert sorted(rows) == sorted(expected)
    if form == "csv":
        assert 'label variable gc_cumulative_g "' in (target / "labels.do").read_text()
        for file in target.glob("*.csv"):
            assert "synthetic-" not in file.read_text()


@pytest.mark.parametrize("form", ["stata", "spss", "sas"])
def test_8_a_file_of_a_package_says_what_its_columns_mean(
    form: str, out: Path, tmp_path: Path, read: Read
) -> None:
    command.export(out, tmp_path / "new", form, False, None)
    suffix = {"stata": "dta", "spss": "sav", "sas": "xpt"}[form]
    opened = {
        "stata": pyreadstat.read_dta,
        "spss": pyreadstat.read_sav,
        "sas": pyreadstat.read_xport,
    }
    files = {x.stem for x in (tmp_path / "new").glob(f"*.{suffix}")}
    assert files == set(Freeze.open(out).tables)
    path = tmp_path / "new" / f"criteria.{suffix}"
    rows, meta = opened[form](path, output_format="polars")
    words = pl.read_csv(out / "dictionary.csv").filter(table="criteria")
    for name, label in words.select("short_name", "label").rows():
        assert meta.column_names_to_labels[name] == label[: 80 if form == "stata" else 256]
    state = read("criteria")["eular_acr_2017.state"].cast(pl.String).to_list()
    found = rows["eular_acr_2017_state"].to_list()
    if form != "sas":
        values = meta.variable_value_labels["eular_acr_2017_state"]
        found = [values[x] for x in found]
    assert found == state
    path = tmp_path / "new" / f"resistance.{suffix}"
    rows, meta = opened[form](path, output_format="polars")
    truth = read("resistance")["refractory.refractory_default"]
    short = short_names(read("resistance").columns)["refractory.refractory_default"]
    assert rows[short].cast(pl.Boolean).to_list() == truth.to_list()
    assert rows["gc_cumulative_g"].to_list() == read("resistance")["gc_cumulative_g"].to_list()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_8_r_is_told_of_every_column(form: str, out: Path, tmp_path: Path) -> None:
    command.export(out, tmp_path / "new", form, False, None)
    text = (tmp_path / "new" / "labels.R").read_text()
    words = pl.read_csv(out / "dictionary.csv")
    for table in Freeze.open(out).tables:
        line = next(x for x in text.splitlines() if f"labelled_as(answers${table}," in x)
        for name, label in words.filter(table=table).select("column", "label").rows():
            assert f"{json.dumps(name)} = {json.dumps(label, ensure_ascii=False)}" in line
    assert text.count("(") == text.count(")")
    factor = 'answers$criteria[["eular_acr_2017.state"]] <- factor('
    assert (factor in text) == (form == "csv")


def test_an_export_overwrites_nothing_and_wants_a_key_that_cannot_be_guessed(
    out: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("short")
    with pytest.raises(SourceError, match="fewer than 16 bytes"):
        command.export(out, tmp_path / "new", "csv", False, tmp_path / "key")
    with pytest.raises(SourceError, match="is there already"):
        command.export(out, tmp_path, "csv", False, None)
    with pytest.raises(SourceError, match="write csv, parquet"):
        command.export(out, tmp_path / "new", "xlsx", False, None)


def test_8_serology_is_one_row_a_patient_and_a_long_table(read: Read) -> None:
    wide, whole = read("autoantibodies"), read("serology")
    assert wide["patient_id"].to_list() == whole["patient_id"].to_list()
    for name in ("anti_jo1", "anti_srp", "anti_cn1a"):
        told = wide[name].cast(pl.String)
        assert (told == "negative").sum() == (~whole[f"serology.{name}.reported"]).sum()
        weak = whole[f"serology.{name}.weak_only"].fill_null(False)
        assert (told == "weak").sum() == weak.sum()
        positive = whole[f"serology.{name}.reported"].fill_null(False)
        assert (told == "positive").sum() == (positive & ~weak).sum()
        assert wide["positive"].str.split("; ").list.contains(name).sum() == positive.sum()
    says = [
        x for x in whole.columns if x.startswith("serology.says.") and whole.schema[x] == pl.Boolean
    ]
    expected = Counter({x.removeprefix("serology.says."): whole[x].sum() for x in says})
    assert Counter(read("serology_statements")["statement"].cast(pl.String).to_list()) == +expected


def test_9_changes_are_found_and_explained(freezes: Path, read: Read) -> None:
    found = command.diff(freezes / "answers", freezes / "answers-2")
    rows = found.rows()
    subtype = rows.filter(table="findings", column="iim_subtype_ibm")
    before = read("findings")["iim_subtype_ibm"][:60]
    assert subtype.height == before.null_count() + before.sum()
    gone = rows.filter(table="inputs", change="removed")
    assert gone.select("patient_id", "key").rows() == [("synthetic-0000002", "visits")]
    turned = rows.filter(table="refractory", column="state", key="refractory_default")
    assert turned.height
    assert turned["because"].str.contains("iim_subtype_ibm").all()
    late = run.scan(freezes / "answers-2", "refractory").collect()
    both = read("refractory").join(late, on=["patient_id", "definition"], suffix="_new")
    states = both.filter(pl.col("state") != pl.col("state_new")).height
    assert rows.filter(table="refractory", column="state").height == states
    assert any("patients.parquet: changed" in x for x in found.notes())
    assert command.diff(freezes / "answers", freezes / "answers").rows().is_empty()


def test_9_what_cannot_change_between_freezes_is_marked() -> None:
    rules = Rules.packaged().between_freezes
    groups = {x.id: x.group for x in Knowledge.load().catalogue}
    told = [
        ("age", "50.0", "49.0", "only grows"), ("age", "49.0", "50.0", None),
        ("sex_female", "true", "false", "does not change"), ("sex_female", None, "false", None),
        ("variant_dysf", "true", "false", "once true, it stays true"),
        ("variant_dysf", "false", "true", None),
        ("ild", "true", "false", None),
    ]  # fmt: skip
    frame = pl.DataFrame(told, ["column", "old", "new", "expected"], orient="row")
    found = frame.select(Impossible(rules, groups).why()).to_series()
    assert found.to_list() == frame["expected"].to_list()


def numbers_of(frame: pl.DataFrame) -> list[int]:
    places = ("week", "rank", "visit")
    return [x for name in frame.columns if frame[name].dtype.is_integer() and name not in places
            for x in frame[name].drop_nulls().to_list()]  # fmt: skip


def test_small_counts_do_not_leave(out: Path, freezes: Path) -> None:
    source, mapping = freezes / "registry", freezes / "mapping.yaml"
    steps, _ = command.screen(out, "adult_refractory", None)
    tables = [
        command.table_one(out, "site", None, None), command.windows(out, None, None),
        command.windows(out, "site", None), command.refractory(out, "site", None), command.events(out, None),
        command.overlap(out, None), command.quality(source, mapping, "site", None, True)[0], steps,
    ]  # fmt: skip
    for frame in tables:
        assert not [x for x in numbers_of(frame) if 0 < x < 5], frame.columns
    table = tables[0].filter(pl.col("group") != "All", variable="sex_female")
    # Three patients of Tulln are too few, so that another site is withheld that could be taken from the sum.
    assert table.filter(withheld=True).height >= 2
    # Nor can a site be taken from the sum over all sites, which the command tells without --by.
    for by_site, key in ((tables[2], ["drug", "week"]), (tables[3], ["definition"])):
        counted = [x for x in by_site.columns if by_site[x].dtype.is_integer() and x != "week"]
        gone = by_site.group_by(key).agg(pl.col(counted).null_count()).sort(key)
        rest = by_site.group_by(key).agg(pl.col(counted).sum()).sort(key)
        alone = gone.select(counted).to_numpy() == 1
        assert not (alone & (rest.select(counted).to_numpy() > 0)).any()
    # Who is out is no difference of those before two steps.
    few = steps["out"].is_null()
    later = few.cum_sum().shift(1, fill_value=0) > 0
    assert (
        steps.filter(later).select("before", "met").null_count().sum_horizontal().sum()
        == 2 * later.sum()
    )
    # A difference tells of the one group that is not shown.
    lines = (
        tables[0]
        .group_by("variable", "level")
        .agg(pl.col("withheld").any(), pl.col("difference").count())
    )
    assert not lines.filter(withheld=True)["difference"].sum()


@pytest.mark.parametrize("seed", range(5))
def test_what_is_withheld_cannot_be_computed(seed: int) -> None:
    counts_ = np.random.default_rng(seed).integers(0, 12, (5, 4)).astype(float)
    hidden = Disclosure(5).withheld(counts_, rows=True, columns=True)
    small = (counts_ > 0) & (counts_ < 5)
    assert (hidden | ~small).all()
    for lines, mask in ((counts_, hidden), (counts_.T, hidden.T)):
        for line, gone in zip(lines, mask, strict=True):
            # One alone is only withheld where nothing else of the line is there.
            assert gone.sum() != 1 or not (line[~gone] > 0).any()
    assert not Disclosure(1).withheld(counts_).any()


def test_a_freeze_that_is_not_whole_is_named(out: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes((out / "manifest.json").read_bytes())
    with pytest.raises(SourceError, match="lacks its table findings"):
        command.table_one(tmp_path, "site", None, None)


def test_half_of_a_curve_is_left_after_half_have_come() -> None:
    days, came = np.array([1, 2, 3, 4]), np.array([True, True, False, False])
    assert counts.free(days, came, 10) == pytest.approx(0.5)
    assert counts.free(days, came, 0) == 1


def test_who_is_not_known_to_have_responded_widens_the_bounds_of_a_curve(
    out: Path, read: Read
) -> None:
    """What is at most and at least true of all, with those of whom it is not known when it came."""
    clock = "first_minimal_response"
    table = command.events(out, ALL).filter(clock=clock)
    assert (table["percent_free_low"] <= table["percent_free_high"]).all()
    one = table.filter(drug="methotrexate", week=24).row(0, named=True)
    rows = read("events").filter(clock=clock, drug="methotrexate")
    known = rows.drop_nulls(["event", "days"])
    assert 0 < one["not_known"] == rows.height - known.height
    # If it had come at once in all others, these fall away before the first one is at risk.
    low = one["percent_free"] * known.height / rows.height
    assert one["percent_free_low"] == pytest.approx(low, abs=0.06)
    seen = rows.filter(pl.col("event").is_null() & pl.col("days").is_not_null())
    never = rows.height - known.height - seen.height
    days = [*known["days"], *seen["days"], *[10**6] * never]
    came = [*known["event"], *[True] * seen.height, *[False] * never]
    high = 100 * counts.free(np.array(days), np.array(came), 24 * 7)
    assert one["percent_free_high"] == pytest.approx(high, abs=0.051)


def test_the_commands_print_and_write(freezes: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.csv"
    shown = CliRunner().invoke(
        app, ["registry", "table1", str(freezes / "answers"), "--by", "site", "-o", str(target)]
    )
    assert shown.exit_code == 0, shown.output
    assert "counts below 5 are withheld" in shown.output
    assert pl.read_csv(target)["group"].n_unique() == 5
    answers = str(freezes / "answers")
    for words in (["table1", str(tmp_path)], ["windows", answers, "--by", "x"]):
        shown = CliRunner().invoke(app, ["registry", *words])
        assert shown.exit_code == 2
        assert "Traceback" not in shown.output


def test_no_cell_of_a_csv_is_a_formula() -> None:
    frame = pl.DataFrame({"a": ["=1+1", "x", None, "-2"], "n": [1, 2, 3, 4]})
    assert command.as_csv(frame).splitlines()[1:] == ["'=1+1,1", "x,2", ",3", "'-2,4"]
