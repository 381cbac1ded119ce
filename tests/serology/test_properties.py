"""What must hold for every patient, whatever the results."""

from __future__ import annotations

from collections import defaultdict
from math import exp, log
from random import Random
from typing import Any

import polars as pl
import pytest
from frames import SerologyFrames, antibodies
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist import Knowledge, knowledge
from myoresist.rules.reasons import explain
from myoresist.serology.evaluate import HIGHEST, LOWEST, Serology
from myoresist.serology.probability import FLAGS, column, ratio
from myoresist.serology.results import RESULTS, STRENGTHS, UNSTATED

BASE = Knowledge.load()
SEROLOGY = Serology.load(knowledge.folder(), BASE.catalogue)
METHODS = [one.id for one in SEROLOGY.knowledge.confidence.methods]
ANTIBODIES = ["anti_jo1", "anti_srp", "anti_mi2", "anti_mda5", "anti_oj", "anti_ro52", "anti_cn1a"]
FINDINGS = sorted(
    x
    for x in SEROLOGY.read
    if BASE.catalogue[x].kind == "bool" and BASE.catalogue[x].group != "antibody"
)
PATTERNS = ["ana_cytoplasmic", "ana_nuclear_fine_speckled"]
ORDER = {strength: index for index, strength in enumerate(STRENGTHS)}

Result = tuple[str, str, str]
results = st.lists(
    st.tuples(st.sampled_from(ANTIBODIES), st.sampled_from(METHODS), st.sampled_from(STRENGTHS)),
    max_size=6,
)
findings = st.dictionaries(st.sampled_from([*FINDINGS, *PATTERNS]), st.booleans(), max_size=12)
QUICK = settings(max_examples=25, deadline=None)


def tables(patients: dict[str, tuple[dict[str, Any], list[Result]]]) -> SerologyFrames:
    schema = {"patient_id": pl.String, **BASE.catalogue.table_schema()}
    rows = [{"patient_id": name, **found} for name, (found, _) in patients.items()]
    long = [
        (name, antibody, method, strength, None)
        for name, (_, given) in patients.items()
        for antibody, method, strength in given
    ]
    table = pl.DataFrame(long, schema=dict(RESULTS), orient="row")
    return antibodies(SEROLOGY, pl.DataFrame(rows, schema=schema), table)


@QUICK
@given(findings, results, st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(
    found: dict[str, bool], given: list[Result], random: Random
) -> None:
    other = list(given)
    random.shuffle(other)
    one, two = tables({"P": (found, given)}), tables({"P": (found, other)})
    assert one.patients.equals(two.patients)
    assert one.results.equals(two.results)


@QUICK
@given(findings, results, st.sampled_from(ANTIBODIES), st.sampled_from(METHODS))
def test_an_unknown_result_changes_nothing(
    found: dict[str, bool], given: list[Result], antibody: str, method: str
) -> None:
    more = [*given, (antibody, method, "unknown")]
    one, two = tables({"P": (found, given)}), tables({"P": (found, more)})
    assert one.patients.equals(two.patients)
    assert one.results.equals(two.results)


@QUICK
@given(findings, results, st.integers(0, 5), st.sampled_from(STRENGTHS))
def test_a_stronger_result_never_makes_its_antibody_less_likely(
    found: dict[str, bool], given: list[Result], index: int, strength: str
) -> None:
    if not given:
        return
    antibody, method, was = given[index % len(given)]
    changed = list(given)
    changed[index % len(given)] = (antibody, method, strength)
    weaker, stronger = sorted([(was, given), (strength, changed)], key=lambda x: ORDER[x[0]])
    both = tables({"weaker": (found, weaker[1]), "stronger": (found, stronger[1])}).patients
    before, after = both[column(antibody, "probability")].to_list()
    assert before <= after


@QUICK
@given(findings, results, st.sampled_from(ANTIBODIES), st.sampled_from(STRENGTHS))
def test_a_result_whose_method_is_not_stated_never_makes_surer_than_one_that_is(
    found: dict[str, bool], given: list[Result], antibody: str, strength: str
) -> None:
    """Alone it says no more than one by any method; beside one that says the same, no more than that."""
    others = [one for one in given if one[0] != antibody]
    elisa, unstated = (antibody, "elisa", strength), (antibody, UNSTATED, strength)
    patients = [[elisa], [unstated], [elisa, unstated]]
    said = tables({str(n): (found, others + own) for n, own in enumerate(patients)}).patients
    one, alone, both = (abs(log(x)) for x in said[column(antibody, "likelihood_ratio")])
    assert alone <= one + 1e-5
    assert both <= one + 1e-5


@QUICK
@given(st.lists(st.tuples(findings, results), min_size=1, max_size=4))
def test_one_patient_alone_equals_that_patient_in_a_table(
    patients: list[tuple[dict[str, bool], list[Result]]],
) -> None:
    together = tables({str(index): one for index, one in enumerate(patients)})
    for index, one in enumerate(patients):
        alone = tables({str(index): one})
        assert together.patients[index : index + 1].equals(alone.patients)
        own = together.results.filter(pl.col("patient_id") == str(index))
        assert own.equals(alone.results)


@QUICK
@given(st.lists(st.tuples(findings, results), min_size=1, max_size=4), st.randoms())
def test_the_type_of_ids_and_words_does_not_matter(
    patients: list[tuple[dict[str, bool], list[Result]]], random: Random
) -> None:
    schema = {"patient_id": pl.UInt32, **BASE.catalogue.table_schema()}
    order = random.sample(range(len(patients)), len(patients))
    known = pl.DataFrame([{"patient_id": x, **patients[x][0]} for x in order], schema=schema)
    long = [(x, *one, f"at {i}") for x in order for i, one in enumerate(patients[x][1])]
    random.shuffle(long)
    kinds = dict(RESULTS) | {"patient_id": pl.UInt32}
    table = pl.DataFrame(long, schema=kinds, orient="row")
    text = pl.col("patient_id").cast(pl.String)
    said = antibodies(SEROLOGY, known.with_columns(text), table.with_columns(text))
    words = pl.col("antibody", "method", "strength", "place")
    enums = [pl.col(x).cast(pl.Enum(table[x].unique().sort())) for x in ("antibody", "strength")]
    forms = ([], [words.cast(pl.Categorical)], enums)
    for given_ in (table.with_columns(kind) for kind in forms):
        other = antibodies(SEROLOGY, known, given_)
        assert other.patients.schema["patient_id"] == pl.UInt32
        assert other.patients.with_columns(text).equals(said.patients)
        assert other.results.with_columns(text).equals(said.results)
    assert said.patients["patient_id"].to_list() == [str(x) for x in order]
    rows = said.results.select(list(RESULTS)).cast(pl.String).rows()
    by_row = sorted(long, key=lambda one: (order.index(one[0]), *one[1:]))
    assert rows == [(str(x), *rest) for x, *rest in by_row]


@QUICK
@given(results)
def test_flags_are_those_of_plain_logic(given: list[Result]) -> None:
    """The second witness: the same in plain Python, one antibody at a time."""
    row = tables({"P": ({}, given)}).patients.row(0, named=True)
    methods = {one.id: one for one in SEROLOGY.knowledge.confidence.methods}

    def blots_only(used: set[str]) -> bool | None:
        stated = all(methods[x].blot for x in used - {UNSTATED})
        return None if stated and UNSTATED in used else stated

    for antibody in ANTIBODIES:
        own = [(method, strength) for name, method, strength in given if name == antibody]
        found = {method for method, strength in own if strength != "negative"}
        absent = {method for method, strength in own if strength == "negative"}
        stated = found - {UNSTATED}
        sure = [strength for _, strength in own if strength not in ("negative", "weak")]
        expected = {
            "reported": bool(found),
            "weak_only": bool(found) and not sure,
            "by_blot": blots_only(found) if found else False,
            "confirmed": len(stated) > 1 or any(methods[x].reference for x in stated),
            "contradicted": bool(found and absent),
            "negative_blot_only": False if found else blots_only(absent),
        }
        got = {flag: row[column(antibody, flag)] for flag in FLAGS}
        assert got == (expected if own else dict.fromkeys(FLAGS))


@QUICK
@given(findings, results)
def test_probabilities_are_those_of_bayes(found: dict[str, bool], given: list[Result]) -> None:
    """The second witness: the same in plain Python, one patient at a time."""
    said = tables({"P": (found, given)})
    row = {**said.patients.row(0, named=True), **said.known.row(0, named=True)}
    antibodies = SEROLOGY.knowledge.antibodies
    logs: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    beside: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    general = SEROLOGY.knowledge.confidence.hep2
    blots = {one.id for one in SEROLOGY.knowledge.confidence.methods if one.blot}
    for antibody, method, strength in given:
        value = ratio(SEROLOGY.knowledge, method, antibody, strength)  # type: ignore[arg-type]
        hep2, pattern = antibodies[antibody].hep2, 1.0
        if hep2 and method in blots and strength != "negative":
            fits = explain(column(antibody, "pattern_fits"), SEROLOGY.program, row).value
            if fits is True:
                pattern = hep2.fits or general.fits
            elif fits is False and not hep2.missed:
                pattern = hep2.differs or general.differs
        logs[antibody][method].append(log(value))
        beside[antibody][method].append(log(pattern))
    weight = {}
    for one in antibodies.values():
        if one.priors:
            means = {method: sum(x) / len(x) for method, x in logs[one.id].items()}
            own, others = means.pop(UNSTATED, 0.0), sum(means.values())
            total = max(own, others, key=abs) if own * others > 0 else own + others
            total += sum(sum(x) / len(x) for x in beside[one.id].values())
            weight[one.id] = row[column(one.id, "prior")] * exp(total)
    none = 1 - sum(row[column(x, "prior")] for x in SEROLOGY.msa if x in weight)
    specific = none + sum(weight[x] for x in SEROLOGY.msa if x in weight)
    for antibody in {one for one, _, _ in given}:
        alone = 1 - row[column(antibody, "prior")] + weight[antibody]
        whole = specific if antibody in SEROLOGY.msa else alone
        got = row[column(antibody, "probability")]
        # The ratios are rounded to six digits before they are weighed.
        assert got == pytest.approx(weight[antibody] / whole, abs=1e-4)


@QUICK
@given(findings, results)
def test_compiled_rules_agree_with_the_interpreter(
    found: dict[str, bool], given: list[Result]
) -> None:
    said = tables({"P": (found, given)})
    row = {**said.patients.row(0, named=True), **said.known.row(0, named=True)}
    for name in SEROLOGY.program.rules:
        if name in said.patients.columns:
            assert explain(name, SEROLOGY.program, row).value == row[name], name


@QUICK
@given(findings, results, st.sampled_from(FINDINGS), st.booleans())
def test_knowing_more_narrows_the_category_of_cancer_risk(
    found: dict[str, bool], given: list[Result], finding: str, value: bool
) -> None:
    ranks = [one.id for one in SEROLOGY.knowledge.cancer.categories]
    less = {x: y for x, y in found.items() if x != finding}
    both = tables({"less": (less, given), "more": ({**less, finding: value}, given)}).patients
    lowest, highest = ([ranks.index(x) for x in both[name]] for name in (LOWEST, HIGHEST))
    assert highest[0] <= highest[1] <= lowest[1] <= lowest[0]
