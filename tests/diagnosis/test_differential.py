"""The differential diagnosis against witnesses that share no code with it, and what must always hold."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.arrays.planes import UNKNOWN
from myoresist.arrays.table import Table
from myoresist.diagnosis.differential.evaluate import Differential, Setting, SettingError
from myoresist.diagnosis.differential.explain import explain, rank
from myoresist.diagnosis.differential.investigations import answers, gains
from myoresist.diagnosis.differential.results import DifferentialResult
from myoresist.document import DocumentError
from myoresist.evaluation.published import table
from myoresist.library import Knowledge

Row = Mapping[str, bool | float]
BASE = Knowledge.load()
LIKELIHOODS = BASE.differential.likelihoods
LINKS = LIKELIHOODS.links
LINKED = {
    row
    for row in range(len(LIKELIHOODS.findings))
    if any(row in linked for linked in (LINKS.children, LINKS.parents, LINKS.partners))
    or row in LINKS.measured
    or any(row in rows for rows in LINKS.exclusive)
}
FREE = [
    name
    for row, name in enumerate(LIKELIHOODS.findings)
    if row not in LINKED and name not in LIKELIHOODS.method.label_findings
]

ANTI_JO1 = "serology.anti_jo1.likelihood_ratio"


def known(base: Knowledge, *rows: Row) -> Table:
    recorded = table(rows, base.catalogue).drop("patient_id")
    return base.inference.known(Table.of_frame(recorded)).findings


def numbers(**given: float) -> Table:
    return Table(1, numbers={name: np.array([value]) for name, value in given.items()})


def posterior(base: Knowledge, row: Row) -> dict[str, float]:
    found = base.differential.posterior(known(base, row))[0]
    return dict(zip(base.differential.diseases, found, strict=True))


def explained(row: Row, label: str | None) -> DifferentialResult:
    return explain(BASE.differential, known(BASE, row), label)


@pytest.fixture
def base(toy: Path) -> Knowledge:
    return Knowledge.load(toy, check=False)


# A witness that adds up every patient who is possible: the world has red spots, large or not, and a test.
def shares(folder: Path) -> dict[str, dict[str, float]]:
    method = yaml.safe_load((folder / "diseases" / "method.yaml").read_text())
    with (folder / "diseases" / "frequencies.csv").open() as file:
        rows = list(csv.DictReader(file))
    background = {
        r["finding"]: float(r["percent"]) / 100 for r in rows if r["disease"] == "background"
    }
    found: dict[str, dict[str, float]] = {}
    for disease in ("redpox", "bluepox", "fever"):
        found[disease] = dict(background)
        for row in rows:
            if row["disease"] == disease:
                count = float(row["total"] or method["pseudo_counts"][row["confidence"]])
                drawn = method["shrinkage"] * background[row["finding"]]
                percent = float(row["percent"]) / 100
                found[disease][row["finding"]] = (count * percent + drawn) / (
                    count + method["shrinkage"]
                )
    return found


def enumerated(folder: Path, row: Row) -> dict[str, float]:
    """Add up the probabilities of all patients that agree with what is known."""
    prior = {"redpox": 0.5, "bluepox": 0.3, "fever": 0.2}
    total = {}
    for disease, share in shares(folder).items():
        total[disease] = 0.0
        for red, large in product((True, False), repeat=2):
            if large and not red:
                continue
            if row.get("red", red) != red or row.get("large_red", large) != large:
                continue
            among = share["large_red"] / share["red"]
            chance = share["red"] * (among if large else 1 - among) if red else 1 - share["red"]
            total[disease] += prior[disease] * chance
    whole = sum(total.values())
    return {disease: chance / whole for disease, chance in total.items()}


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"red": True},
        {"red": False},
        {"large_red": True},
        {"large_red": False},
        {"red": True, "large_red": False},
        {"red": True, "large_red": True},
    ],
)
def test_it_is_the_sum_over_all_patients_who_are_possible(toy: Path, row: Row) -> None:
    """Nothing is tempered here; large red spots are a kind of red spots."""
    (toy / "diseases" / "dependence.yaml").write_text("[]")
    expected = enumerated(toy, row)
    assert posterior(Knowledge.load(toy, check=False), row) == pytest.approx(expected, abs=1e-3)


def test_findings_that_travel_together_count_less(toy: Path) -> None:
    both = {"red": True, "blue": True}
    tempered = posterior(Knowledge.load(toy, check=False), both)
    (toy / "other").mkdir()
    for part in ("findings", "criteria", "diseases"):
        (toy / part).rename(toy / "other" / part)
    (toy / "references.json").rename(toy / "other" / "references.json")
    (toy / "other" / "diseases" / "dependence.yaml").write_text("[]")
    free = posterior(Knowledge.load(toy / "other", check=False), both)
    # Red speaks for redpox, blue for bluepox, neither for fever: tempered, fever stays more probable.
    assert tempered["fever"] > free["fever"]


def test_a_label_finding_says_nothing_when_present_but_something_when_absent(
    base: Knowledge,
) -> None:
    assert posterior(base, {"tested": True}) == pytest.approx(posterior(base, {}))
    assert posterior(base, {"tested": False})["fever"] < posterior(base, {})["fever"]


def test_a_measured_finding_follows_its_quantiles(base: Knowledge) -> None:
    fever = [posterior(base, {"level": level})["fever"] for level in (1.0, 5.0, 25.0, 60.0)]
    assert fever == sorted(fever)
    one = base.differential.likelihoods.distributions[0]
    grid = np.exp(one.low + one.step * np.arange(len(one.below)))
    disease = base.differential.diseases.index("fever")
    for share, value in ((0.05, 10), (0.25, 18), (0.5, 25), (0.75, 40), (0.95, 80)):
        assert np.interp(value, grid, one.below[:, disease]) == pytest.approx(share, abs=0.02)


def test_an_unknown_onset_lies_before_the_present_age() -> None:
    """Inclusion body myositis does not begin before 29, whenever it was that this began."""
    young, old = posterior(BASE, {"age": 29.0}), posterior(BASE, {"age": 75.0})
    assert young["inclusion_body_myositis"] < 0.5 * old["inclusion_body_myositis"]
    bounded = posterior(BASE, {"age": 75.0, "age_at_onset_at_most": 20.0})
    assert bounded["inclusion_body_myositis"] < 0.5 * old["inclusion_body_myositis"]


records = st.dictionaries(st.sampled_from(LIKELIHOODS.findings), st.booleans(), max_size=12)


@settings(max_examples=40, deadline=None)
@given(records, records)
def test_one_patient_alone_is_that_patient_in_a_table(one: Row, other: Row) -> None:
    alone = BASE.differential.posterior(known(BASE, one))
    together = BASE.differential.posterior(known(BASE, other, one, other))
    assert np.allclose(alone[0], together[1], atol=1e-12)
    assert alone.sum() == pytest.approx(1)


@settings(max_examples=10, deadline=None)
@given(st.lists(records, min_size=1, max_size=4), st.integers(1, 2500))
def test_a_patient_in_a_large_table_is_that_patient_alone(rows: list[Row], size: int) -> None:
    """What all share is counted once, the rest block by block; tests and numbers are looked up."""
    unknown = float("nan")
    ratios = [unknown, 0.1, 30.0, 1.0]
    alone = [
        known(BASE, row).with_columns(numbers(ck_x_uln=level, **{ANTI_JO1: ratio}))
        for row, ratio, level in zip(rows, ratios, (unknown, 12.0, 0.5, 12.0), strict=False)
    ]
    expected = np.vstack([BASE.differential.posterior(one) for one in alone])
    turns = np.arange(size) % len(alone)
    many = Table.of_frame(pl.concat([one.frame() for one in alone])).take(turns)
    assert np.allclose(BASE.differential.posterior(many), expected[turns], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(records, st.sampled_from(FREE), st.sampled_from(range(len(LIKELIHOODS.diseases))))
def test_a_finding_that_speaks_for_a_disease_never_lowers_it_against_another(
    record: Row, finding: str, disease: int
) -> None:
    """Against each disease in which the finding is rarer, the odds do not fall."""
    without = {name: value for name, value in record.items() if name != finding}
    before, after = (
        BASE.differential.posterior(known(BASE, row))[0]
        for row in (without, {**without, finding: True})
    )
    ratio = LIKELIHOODS.present[LIKELIHOODS.findings.index(finding)]
    rarer = ratio < ratio[disease]
    assert np.all(
        np.log(after[disease] / after[rarer]) >= np.log(before[disease] / before[rarer]) - 1e-9
    )


@settings(max_examples=30, deadline=None)
@given(records, st.sampled_from(FREE))
def test_the_unknown_says_nothing(record: Row, finding: str) -> None:
    without = {name: value for name, value in record.items() if name != finding}
    findings = known(BASE, without)
    spelt = findings.with_truths({finding: UNKNOWN})
    same = (BASE.differential.posterior(x) for x in (findings.without([finding]), spelt))
    assert np.array_equal(*same)


def test_the_order_of_diseases_and_findings_does_not_matter(toy: Path) -> None:
    row = {"red": True, "level": 30.0, "blue": False}
    before = posterior(Knowledge.load(toy, check=False), row)
    turned = toy.parent / "turned"
    toy.rename(turned)
    where = turned / "diseases"
    entries = yaml.safe_load((where / "diseases.yaml").read_text())
    (where / "diseases.yaml").write_text(yaml.safe_dump(entries[::-1]))
    head, *rows = (where / "frequencies.csv").read_text().splitlines()
    (where / "frequencies.csv").write_text("\n".join([head, *rows[::-1]]) + "\n")
    assert posterior(Knowledge.load(turned, check=False), row) == pytest.approx(before)


def test_the_interval_narrows_with_the_number_of_patients(base: Knowledge, toy: Path) -> None:
    findings = known(base, {"red": True})
    low, high = base.differential.interval(findings)
    probability = base.differential.posterior(findings)
    assert np.all((low <= probability) & (probability <= high))
    again = Knowledge.load(toy, check=False).differential.interval(findings)
    assert np.array_equal(low, again[0]), "the draws have a fixed seed"
    many = (
        (toy / "diseases" / "frequencies.csv")
        .read_text()
        .replace(
            "bluepox,red,10,,,,,,estimate,low", "bluepox,red,10,,,400,4000,made2026,seen here,high"
        )
    )
    sure = toy.parent / "sure"
    toy.rename(sure)
    (sure / "diseases" / "frequencies.csv").write_text(many)
    narrow = Knowledge.load(sure, check=False).differential.interval(findings)
    blue = base.differential.diseases.index("bluepox")
    assert narrow[1][0, blue] < high[0, blue]


def test_a_class_of_frequency_alone_is_as_uncertain_as_three_patients_and_right_on_average() -> (
    None
):
    """Its middle is not drawn towards the background; what is expected is the mean over its error."""
    rows, method = BASE.differential.base.frequencies, BASE.differential.base.method
    frequencies = BASE.differential.likelihoods.frequencies
    alone = rows.filter(pl.col("check").str.contains("frequency class alone"))
    assert len(alone) > 100
    assert alone["source"].is_not_null().all() and alone["total"].is_null().all()
    error = np.random.default_rng(2).normal(0, method.class_spread, 100_000)
    means = {
        percent: float((1 / (1 + np.exp(-np.log(percent / (100 - percent)) - error))).mean())
        for percent in set(alone["percent"].round(1))
    }
    for disease, finding, percent in alone.select("disease", "finding", "percent").iter_rows():
        place = frequencies.findings.index(finding), BASE.differential.diseases.index(disease)
        assert frequencies.patients[place] == 3
        assert frequencies.share[place] == pytest.approx(means[round(percent, 1)], abs=0.025)


def test_draws_have_the_spread_of_the_beta_distribution() -> None:
    """Against draws of the frequencies themselves: rimmed vacuoles, present."""
    one = known(BASE, {"biopsy_rimmed_vacuoles": True})
    differential = BASE.differential
    evidence = differential.evidence(one)
    row = LIKELIHOODS.findings.index("biopsy_rimmed_vacuoles")
    disease = differential.diseases.index("inclusion_body_myositis")
    frequencies = LIKELIHOODS.frequencies
    share, patients = frequencies.share[row, disease], frequencies.patients[row, disease]
    drawn = np.random.default_rng(5).beta(share * patients, (1 - share) * patients, 200_000)
    weight = LIKELIHOODS.weights[row]
    expected = float(np.std(weight * np.log(drawn)))
    assert math.sqrt(LIKELIHOODS.log_variance(evidence)[0, disease]) == pytest.approx(
        expected, rel=0.1
    )


def test_a_setting_changes_the_priors_and_restricts_the_list(base: Knowledge) -> None:
    findings = known(base, {})
    usual = base.differential.posterior(findings)[0]
    more = base.differential.within(Setting(multiply={"heat": 3.0})).posterior(findings)[0]
    fever = base.differential.diseases.index("fever")
    odds = usual[fever] / (1 - usual[fever])
    assert more[fever] / (1 - more[fever]) == pytest.approx(3 * odds)
    only = base.differential.within(Setting(only=("pox",))).posterior(findings)[0]
    assert only[fever] == 0 and only.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "setting",
    [Setting(multiply={"gout": 2.0}), Setting(multiply={"pox": 0.0}), Setting(only=("x",))],
)
def test_a_setting_that_cannot_be_used_is_refused(base: Knowledge, setting: Setting) -> None:
    with pytest.raises(SettingError):
        base.differential.within(setting)


def test_an_investigation_is_proposed_until_it_is_done(base: Knowledge) -> None:
    def proposed(row: Row) -> list[str]:
        one: Differential = base.differential
        observed = one.likelihoods.observe(known(base, row))
        probability = one.posterior(known(base, row))[0]
        found = gains(one, observed, probability, one.labelled("a_pox"))
        return [gain.investigation.id for gain in found]

    assert set(proposed({})) == {"look", "blood", "knife"}
    assert "blood" not in proposed({"level": 5.0})
    assert "look" not in proposed({"blue": False}), "a bedside investigation is done once begun"
    assert proposed({"level": 5.0, "large_red": True, "blue": True}) == []


@settings(max_examples=20, deadline=None)
@given(records)
def test_no_investigation_tells_more_than_is_open(record: Row) -> None:
    one = BASE.differential
    observed = one.likelihoods.observe(known(BASE, record))
    now = one.posterior(known(BASE, record))[0]
    left = -sum(x * math.log2(x) for x in now.tolist() if x > 0)
    labelled = one.labelled("polymyositis")
    about_label = -sum(
        x * math.log2(x) for x in (now[labelled].sum(), now[~labelled].sum()) if x > 0
    )
    for gain in gains(one, observed, now, labelled):
        assert 0 <= gain.differential <= left + 1e-9
        assert 0 <= gain.label <= about_label + 1e-9


@settings(max_examples=20, deadline=None)
@given(records)
def test_the_two_answers_of_a_question_are_as_likely_as_all(record: Row) -> None:
    one = BASE.differential
    observed = one.likelihoods.observe(known(BASE, record))
    now = one.posterior(known(BASE, record))[0]
    told = answers(one, observed, now, FREE[:20])
    for present, absent in zip(told[::2], told[1::2], strict=True):
        assert present.likely + absent.likely == pytest.approx(1)


def test_the_ranking_alone_is_that_of_the_whole_differential() -> None:
    row = {"finger_flexor_weakness": True, "age_at_onset": 64.0, "anti_mi2": False}
    whole = explain(BASE.differential, known(BASE, row), "polymyositis").model_dump()
    for part in (whole["label"], *whole["leading"]):
        assert part.pop("low") <= part["probability"] <= part.pop("high")
    assert whole.pop("next_tests") and whole.pop("questions")
    assert rank(BASE.differential, known(BASE, row), "polymyositis").model_dump() == whole


def test_what_a_result_would_do_is_what_it_does() -> None:
    row = {"finger_flexor_weakness": True, "age_at_onset": 64.0}
    said = explained(row, "polymyositis")
    for test in said.next_tests:
        for result in test.results:
            after = posterior(BASE, {**row, result.finding: result.value})
            assert after[result.leading] == pytest.approx(result.probability, abs=0.02)


def test_the_label_is_challenged_by_what_the_other_disease_explains_better() -> None:
    row = {
        "finger_flexor_weaker_than_shoulder_abductor": True,
        "quadriceps_weakness": True,
        "age_at_onset": 66.0,
        "ck_x_uln": 3.0,
        "onset_insidious": True,
    }
    said = explained(row, "polymyositis")
    assert said.label is not None
    assert said.label.outranked_by == "inclusion_body_myositis"
    flags = {flag.finding for flag in said.label.flags}
    assert {"finger_flexors_and_quadriceps", "onset_insidious"} <= flags, "a pattern is one fact"
    assert said.leading[0].confirmed is not True
    assert all(flag.ratio > 1 for flag in said.label.flags)


def weighed(base: Knowledge, row: Row, ratio: float | None) -> dict[str, float]:
    """Return the probabilities with a test of red spots that is worth so much."""
    findings = known(base, row)
    if ratio is not None:
        findings = findings.with_columns(numbers(**{"serology.red.likelihood_ratio": ratio}))
    found = base.differential.posterior(findings)[0]
    return dict(zip(base.differential.diseases, found, strict=True))


def test_a_test_that_may_err_says_as_much_as_it_is_worth(base: Knowledge) -> None:
    sure, absent = posterior(base, {"red": True}), posterior(base, {"red": False})
    assert weighed(base, {"red": True}, 1e9) == pytest.approx(sure, abs=1e-6)
    assert weighed(base, {"red": False}, 0.0) == pytest.approx(absent, abs=1e-6)
    assert weighed(base, {"red": True}, 1.0) == pytest.approx(posterior(base, {}))
    assert weighed(base, {"red": True}, None) == pytest.approx(sure)
    weak = [weighed(base, {}, ratio)["redpox"] for ratio in (0.5, 1.0, 3.0, 30.0)]
    assert weak == sorted(weak) and weak[-1] < sure["redpox"]


def test_a_test_of_a_narrow_finding_says_nothing_once_the_broad_one_is_absent(
    base: Knowledge,
) -> None:
    assert weighed(base, {"spots": False}, 30.0) == pytest.approx(posterior(base, {"spots": False}))


def test_a_disease_is_confirmed_by_its_test_only() -> None:
    row: dict[str, bool | float] = {
        "biopsy_dystrophic": True,
        "ck_x_uln": 50.0,
        "age_at_onset": 20.0,
    }
    row |= {"calf_atrophy_cannot_stand_on_toes": True}
    before = explained(row, None)
    assert not any(one.confirmed for one in before.leading)
    after = explained({**row, "variant_dysf": True}, None)
    assert (after.leading[0].id, after.leading[0].confirmed) == ("dysferlinopathy", True)


def test_another_disease_may_stand_beside_the_leading_one() -> None:
    row = {"heliotrope_rash": True, "gottron_papules": True, "anti_mi2": True}
    alone = explained(row, None)
    assert alone.leading[0].id == "dermatomyositis"
    both = explained({**row, "hypothyroidism": True}, None)
    assert both.leading[0].id == "dermatomyositis"
    assert "hypothyroid_myopathy" in {one.id for one in both.beside}
    assert "hypothyroid_myopathy" not in {one.id for one in alone.beside}


def test_nothing_known_gives_no_opinion_of_the_patient() -> None:
    said = explained({}, None)
    assert said.counted == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("frequencies.csv", "redpox,red,90", "greenpox,red,90", "greenpox is unknown"),
        ("frequencies.csv", "redpox,red,90", "redpox,green,90", "green is unknown"),
        ("frequencies.csv", "redpox,red,90", "redpox,red,190", "no percentage"),
        ("frequencies.csv", "bluepox,red,10", "redpox,red,10", "twice"),
        ("families.yaml", "[redpox", "[nopox", "nopox is not a disease"),
        ("diseases.yaml", "confirmed_when: large_red", "confirmed_when: huge_red", "huge_red"),
        ("dependence.yaml", "[red, blue]", "[red, green]", "green is not in the catalogue"),
    ],
)
def test_a_mistake_in_the_knowledge_is_named(
    toy: Path, file: str, old: str, new: str, word: str
) -> None:
    path = toy / "diseases" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DocumentError, match=word):
        Knowledge.load(toy, check=False)
