"""A small made-up knowledge folder, to test the engine apart from medicine."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path

import pytest
from hypothesis import settings

from myoresist.cohort.threads import THREADS

# Each process of the tests has one core; libraries that share out small tables over several only wait.
for threads in THREADS:
    os.environ.setdefault(threads, "1")

# The same examples on every run, in whatever time: whether a change passes must not depend on luck or load.
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


def pytest_collection_finish() -> None:
    """Keep the collector from walking through thousands of tests over and over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def pytest_unconfigure() -> None:
    """Let libraries put away at the end what they hold."""
    gc.unfreeze()


FINDINGS = """\
id,kind,unit,minimum,maximum,group,label,question,synonyms,hpo,hpo_name,loinc,choices
red,bool,,,,skin,Red spots,Are there red spots?,,,,,
blue,bool,,,,skin,Blue spots,Are there blue spots?,,,,,
spots,bool,,,,skin,Spots of any colour,Are there spots?,,,,,
large_red,bool,,,,skin,Large red spots,Are there large red spots?,,,,,
smooth_skin,bool,,,,skin,Smooth skin,Is the skin smooth?,,,,,
tested,bool,,,,lab,Test done,Was it tested?,,,,,
level,number,mg/L,0,100,lab,Level,What is the level?,,,,,
level_high,bool,,,,lab,High level,Is the level high?,,,,,
age_at_onset,number,years,0,120,demographics,Age at onset,How old?,,,,,
"""

IMPLICATIONS = """\
finding,implies,why
large_red,red,large red spots are red spots
red,spots,a colour of spot
blue,spots,a colour of spot
"""
EXCLUSIONS = "finding,excludes,why\nsmooth_skin,spots,smooth skin has no spots\n"
DERIVED = """\
- {id: spots, text: any spots, when: red OR blue, check: convention}
- {id: level_high, text: level above 10, when: level > 10, check: convention}
"""
DISEASES = """\
- {id: redpox, name: Redpox, family: pox, prior: 0.5, prior_rationale: common, prior_confidence: high,
   beside_myositis: false, points_to_it: red, argues_against_it: blue, why_it_resists: it itches,
   confirmed_by: large red spots, confirmed_when: large_red, implication: wait, cites: [made2026]}
- {id: bluepox, name: Bluepox, family: pox, prior: 0.3, prior_rationale: less, prior_confidence: low,
   beside_myositis: false, points_to_it: blue, argues_against_it: red, why_it_resists: it itches,
   confirmed_by: blue, implication: wait, cites: [made2026]}
- {id: fever, name: Fever, family: heat, prior: 0.2, prior_rationale: rare, prior_confidence: medium,
   beside_myositis: true, points_to_it: a high level, argues_against_it: spots, why_it_resists: it is hot,
   confirmed_by: the level, confirmed_when: level > 20, implication: wait, cites: [made2026]}
"""
FREQUENCIES = """\
disease,finding,percent,low,high,n,total,source,check,confidence
background,red,20,,,,,,estimate,low
redpox,red,90,,,90,100,made2026,seen here,high
bluepox,red,10,,,,,,estimate,low
background,large_red,5,,,,,,estimate,low
redpox,large_red,60,,,6,10,made2026,seen here,medium
background,blue,10,,,,,,estimate,low
bluepox,blue,80,,,,,,estimate,medium
fever,blue,5,,,,,,estimate,low
background,spots,40,,,,,,estimate,low
redpox,spots,95,,,,,,estimate,high
bluepox,spots,90,,,,,,estimate,medium
fever,spots,10,,,1,10,made2026,seen here,medium
background,tested,50,,,,,,estimate,low
fever,tested,90,,,,,,estimate,low
"""
NUMBERS = """\
disease,finding,p05,p25,p50,p75,p95,source,check,confidence
background,level,1,4,8,15,30,,estimate,low
fever,level,10,18,25,40,80,made2026,seen here,medium
"""
METHOD = """\
population: Anyone.
pseudo_counts: {low: 6, medium: 20, high: 60, convention: 1000, class: 3}
class_spread: 1.58
annotated_share: 0.5
most_counts: 400
shrinkage: 2
lowest: 0.003
highest: 0.995
prior_power: 1
prior_factor: {high: 1.5, medium: 2, low: 3}
temperature: 1
stated_temperature: 1
ceiling: {estimates: 0.5, at_most: 1}
absence_weight: 1
number_weight: 1
number_background: 0.1
linear_numbers: []
correlation: 0.2
label_findings: [tested]
draws: 400
seed: 1
next_test: {samples: 200, step_cost: {1: 1, 2: 2, 3: 3}, bits: 1, proof_share: 0.3, proof_ratio: 3,
  treatable: 2, needed: 1, least: 0.001, urgent: 2, shown: 2, results_shown: 2}
typical_percent: 60
unexplained_percent: 10
red_flag_ratio: 1.5
reason_ratio: 1.25
beside_probability: 0.2
beside_ratio: 3
check: estimate
cites: [made2026]
"""
INVESTIGATIONS = """\
- {id: look, name: Look, invasiveness: 1, bedside: true, resolves: [red, blue, spots, large_red],
   check: convention}
- {id: blood, name: Blood, invasiveness: 1, resolves: [level], check: convention}
- {id: knife, name: Knife, invasiveness: 3, resolves: [large_red], check: convention}
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Return a knowledge folder with nine findings, three diseases and no criteria."""
    (tmp_path / "findings").mkdir()
    (tmp_path / "findings" / "findings.csv").write_text(FINDINGS)
    (tmp_path / "findings" / "implications.csv").write_text(IMPLICATIONS)
    (tmp_path / "findings" / "exclusions.csv").write_text(EXCLUSIONS)
    (tmp_path / "findings" / "derived.yaml").write_text(DERIVED)
    (tmp_path / "criteria").mkdir()
    (tmp_path / "diseases").mkdir()
    for name, text in {
        "diseases.yaml": DISEASES,
        "frequencies.csv": FREQUENCIES,
        "numbers.csv": NUMBERS,
        "method.yaml": METHOD,
        "investigations.yaml": INVESTIGATIONS,
        "dependence.yaml": "- {id: reds, text: red, kind: correlated, findings: [red, blue]}\n",
        "patterns.yaml": "[]\n",
        "needs.yaml": "[]\n",
        "contrasts.yaml": "[]\n",
        "labels.yaml": "[]\n",
        "pairs.yaml": "[]\n",
        "families.yaml": "families: {pox: Pox, heat: Heat}\nlabels: {a_pox: [redpox, bluepox]}\n",
    }.items():
        (tmp_path / "diseases" / name).write_text(text)
    work = {"id": "made2026", "type": "article-journal", "title": "A made-up work"}
    (tmp_path / "references.json").write_text(json.dumps([work]))
    (tmp_path / "knowledge.yaml").write_text("version: '0'\nlicence: none\n")
    return tmp_path


@pytest.fixture(scope="session")
def freezes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a made-up registry, its mapping file, its answers, and those of a later freeze."""
    import polars as pl

    from myoresist.cohort import run
    from myoresist.cohort.simulate import simulate
    from myoresist.cohort.summary.page import write_summary

    folder = tmp_path_factory.mktemp("freezes")
    (folder / "mapping.yaml").write_text("keep: [site, last_cancer]\n")
    tables = simulate(160, 11)
    sites = pl.Series(
        "site", [("Graz", "Linz", "Wien")[n % 3] if n < 157 else "Tulln" for n in range(160)]
    )
    cancers = pl.Series("last_cancer", ["2020-03-01" if n % 9 == 0 else None for n in range(160)])
    # The earlier freeze knows the subtype of nobody.
    subtype = pl.lit(None, pl.Boolean).alias("iim_subtype_ibm")
    tables["patients"] = tables["patients"].with_columns(sites, cancers, subtype)
    for name, out in (("registry", "answers"), ("registry-2", "answers-2")):
        (folder / name).mkdir()
        for table, frame in tables.items():
            frame.write_parquet(folder / name / f"{table}.parquet")
        job = run.prepare(folder / name, folder / out, folder / "mapping.yaml")
        run.answer(job)
        run.finish(job)
        write_summary(folder / out)
        # What the later freeze knows besides: the subtype of some, and no last visit of others.
        tables["patients"] = tables["patients"].with_columns(
            iim_subtype_ibm=pl.when(pl.int_range(pl.len()) < 60).then(False)
        )
        tables["visits"] = tables["visits"].filter(pl.col("patient_id") != "synthetic-0000002")
    return folder
