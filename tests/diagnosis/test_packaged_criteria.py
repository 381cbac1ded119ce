"""The packaged criteria as a whole, on random patients: witnesses, and what learning may not do."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import polars as pl
import pytest
from frames import conflicted, known, verdicts
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.arrays.table import Table
from myoresist.diagnosis.criteria.schema import CriteriaSet
from myoresist.findings.variants import representative
from myoresist.rules.frames import polars_levels
from myoresist.rules.reasons import explain
from myoresist.rules.to_sql import to_sql
from myoresist.worked_examples.run import Examples

KNOWLEDGE = Knowledge.load()
PROGRAM = KNOWLEDGE.criteria.program
READ = sorted(KNOWLEDGE.inference.program.leaves(PROGRAM.leaves(PROGRAM.rules)))
ASKED = sorted(KNOWLEDGE.asked)
SCHEMA = {"patient_id": pl.String, **KNOWLEDGE.catalogue.table_schema()}


def settled(recorded: pl.DataFrame) -> pl.DataFrame:
    return known(KNOWLEDGE.inference, recorded)


def judged(findings: pl.DataFrame) -> pl.DataFrame:
    return verdicts(KNOWLEDGE.criteria, findings)


def answers(finding: str) -> list[Any]:
    entry = KNOWLEDGE.catalogue[finding]
    if entry.kind == "bool":
        return [True, False]
    assert entry.minimum is not None
    assert entry.maximum is not None
    limits = KNOWLEDGE.thresholds.get(finding, (entry.maximum / 2,))
    whole = entry.unit == "count"
    return list(representative(limits, entry.minimum, entry.maximum, whole).values())


def random_patients(count: int, seed: int, unknown: float) -> pl.DataFrame:
    """Return patients whose findings are known or not at random, without contradictions taken out."""
    choose = random.Random(seed)
    rows = []
    for index in range(count):
        row: dict[str, Any] = {"patient_id": str(index)}
        for finding in ASKED:
            if choose.random() > unknown:
                row[finding] = choose.choice(answers(finding))
        rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA)


@pytest.mark.parametrize("unknown", [0.1, 0.5, 0.9])
def test_all_witnesses_agree_on_every_rule(unknown: float) -> None:
    known = settled(random_patients(150, seed=1, unknown=unknown))
    ours = PROGRAM.run(Table.of_frame(known.drop("patient_id"))).frame()
    rows = known.to_dicts()
    theirs = polars = known
    for level in polars_levels(PROGRAM):
        columns = ", ".join(f'{to_sql(PROGRAM.rules[name].node)} AS "{name}"' for name in level)
        with duckdb.connect() as connection:
            connection.register("patients", theirs.to_arrow())
            answered = pl.from_arrow(
                connection.sql(f"SELECT {columns} FROM patients").to_arrow_table()
            )
        polars = polars.with_columns(list(level.values()))
        theirs = pl.concat([theirs, answered], how="horizontal")
    for name in PROGRAM.rules:
        assert ours[name].to_list() == theirs[name].to_list(), name
        assert ours[name].to_list() == polars[name].to_list(), name
        assert ours[name].to_list() == [explain(name, PROGRAM, row).value for row in rows], name


def test_one_patient_alone_is_that_patient_in_a_table() -> None:
    patients = random_patients(40, seed=2, unknown=0.4)
    together = judged(settled(patients))
    alone = [judged(settled(patients[index])) for index in range(patients.height)]
    assert pl.concat(alone).equals(together)
    turned = judged(settled(patients.reverse()))
    assert turned.reverse().equals(together)


def switches(one: CriteriaSet) -> set[str]:
    """Return the findings that choose how a set is scored; they change the question, not the answer."""
    variants = one.score.variants if one.score else ()
    chosen = {f"{one.id}.variant.{variant.id}" for variant in variants if variant.when}
    return set(KNOWLEDGE.inference.program.leaves(PROGRAM.leaves(chosen))) | {"biopsy_done"}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), unknown=st.sampled_from([0.3, 0.6, 0.9]), data=st.data())
def test_learning_a_finding_never_unsettles_a_verdict(
    seed: int, unknown: float, data: st.DataObject
) -> None:
    before = random_patients(1, seed, unknown)
    row = before.row(0, named=True)
    finding = data.draw(st.sampled_from([x for x in ASKED if row[x] is None]))
    answer = data.draw(st.sampled_from(answers(finding)))
    after = pl.DataFrame([{**row, finding: answer}], schema=SCHEMA)
    if any(conflicted(KNOWLEDGE.inference, pl.concat([before, after]))):
        return
    old, new = (judged(settled(table)).row(0, named=True) for table in (before, after))
    for one in KNOWLEDGE.criteria.implemented:
        if one.score and finding in switches(one):
            continue
        state = f"{one.id}.state"
        assert old[state] == "undetermined" or new[state] == old[state], (one.id, finding, answer)
        if one.score:
            assert new[f"{one.id}.score"] >= old[f"{one.id}.score"]
            assert new[f"{one.id}.score_max"] <= old[f"{one.id}.score_max"]
            continue
        for way in one.outcomes:
            name = f"{one.id}.class.{way.name}"
            assert old[name] is None or new[name] == old[name], (name, finding, answer)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), unknown=st.sampled_from([0.8, 0.95]))
def test_the_highest_score_is_reached_and_never_passed(seed: int, unknown: float) -> None:
    """Answer the unknown items of a weighted set in the patient's favour, one after the other."""
    patient = random_patients(1, seed, unknown)
    for one in KNOWLEDGE.criteria.implemented:
        if not one.score:
            continue
        if conflicted(KNOWLEDGE.inference, patient)[0]:
            return
        row = judged(settled(patient)).row(0, named=True)
        assert 0 <= row[f"{one.id}.score"] <= row[f"{one.id}.score_max"]


def test_every_finding_that_a_set_reads_can_be_asked() -> None:
    assert set(READ) <= set(ASKED)


def test_every_work_that_is_cited_is_in_the_bibliography() -> None:
    cited: set[str] = set()
    for one in KNOWLEDGE.criteria.sets.values():
        parts = [one, *one.items, *one.outcomes, *one.notes, *one.limits, *one.performance]
        cited.update(key for part in parts for key in part.cites)
    cited.update(key for entry in KNOWLEDGE.inference.derivations.values() for key in entry.cites)
    cited.update(key for clash in KNOWLEDGE.criteria.disagreements for key in clash.cites)
    assert cited <= KNOWLEDGE.references.keys()


def test_every_set_has_an_example_with_unknowns() -> None:
    for one in KNOWLEDGE.criteria.implemented:
        file = KNOWLEDGE.folder / "criteria" / one.id / "tests.yaml"
        placed = Examples.read(file, KNOWLEDGE.folder).placed
        assert any(x.example.given.others == "unknown" for x in placed), one.id
