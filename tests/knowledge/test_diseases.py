"""The packaged diseases: every figure has a source that is there, or says that it is an estimate."""

from __future__ import annotations

import itertools
import re

import polars as pl
import pytest

from myoresist.diagnosis.differential.schema import BACKGROUND, QUANTILES
from myoresist.knowledge.schema import HOW_CHECKED
from myoresist.library import Knowledge
from myoresist.worked_examples.run import Examples

BASE = Knowledge.load()
DISEASES = BASE.differential.base


def test_priors_are_shares() -> None:
    assert sum(one.prior for one in DISEASES.diseases.values()) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(
    "table", [DISEASES.frequencies, DISEASES.numbers], ids=["shares", "numbers"]
)
def test_every_figure_cites_a_known_work_or_is_marked(table: pl.DataFrame) -> None:
    cited = set(table["source"].drop_nulls())
    assert cited <= BASE.references.keys(), sorted(cited - BASE.references.keys())[:5]
    checks = table["check"].to_list()
    assert all(re.match(rf"({'|'.join(HOW_CHECKED)})\b", text) for text in checks)
    unsourced = table.filter(pl.col("source").is_null())["check"]
    assert set(unsourced.str.extract(r"^(\w+)")) <= {"estimate", "convention"}


def test_what_is_cited_elsewhere_is_known() -> None:
    keys = {key for one in DISEASES.diseases.values() for key in one.cites}
    keys |= {key for one in DISEASES.investigations for key in one.cites}
    keys |= set(DISEASES.method.cites)
    assert keys <= BASE.references.keys(), sorted(keys - BASE.references.keys())


def test_every_finding_has_a_background() -> None:
    """Without one, a figure would be compared with nothing."""
    for table in (DISEASES.frequencies, DISEASES.numbers):
        without = set(table["finding"]) - set(table.filter(disease=BACKGROUND)["finding"])
        assert without <= {"myasthenia_gravis"}


def test_quantiles_ascend() -> None:
    names = list(QUANTILES)
    for low, high in itertools.pairwise(names):
        wrong = DISEASES.numbers.filter(pl.col(low) > pl.col(high))
        assert wrong.is_empty(), wrong


def test_a_broad_finding_is_not_rarer_than_a_narrow_one_by_much() -> None:
    """A figure of one publication may exceed that of another a little; more is a mistake in one of them."""
    likelihoods = BASE.differential.likelihoods
    wrong = []
    # A pattern is counted among those who are weak, weakness among all.
    pattern = likelihoods.findings.index("leg_proximal_weaker_than_distal")
    share = likelihoods.frequencies.share
    for row, parents in likelihoods.links.parents.items():
        if row == pattern:
            continue
        for parent in parents:
            beyond = share[row] - share[parent]
            wrong += [
                (likelihoods.findings[row], likelihoods.findings[parent], likelihoods.diseases[d])
                for d in (beyond > 0.25).nonzero()[0]
            ]
    assert not wrong, wrong


def test_every_gene_and_protein_points_to_a_disease_that_it_confirms() -> None:
    rules = " ".join(one.confirmed_when or "" for one in DISEASES.diseases.values())
    genes = [f.id for f in BASE.catalogue if f.id.startswith("variant_")]
    assert genes and all(gene in rules for gene in genes)


def test_an_investigation_answers_every_finding_but_those_of_the_person() -> None:
    answered = {finding for one in DISEASES.investigations for finding in one.resolves}
    asked = set(DISEASES.frequencies["finding"]) - answered
    assert asked <= {"sex_female", "biopsy_done", "retinopathy", "myasthenia_gravis"}


def test_every_textbook_patient_has_another_disease() -> None:
    placed = Examples.read(BASE.folder / "diseases" / "tests.yaml", BASE.folder).placed
    diseases = [one.example.expect.disease for one in placed]
    assert len(set(diseases)) == len(diseases)
