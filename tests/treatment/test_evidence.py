"""Evidence: each figure is that of its row, and only what the rules call compatible is put together."""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
import sys
from dataclasses import replace
from math import exp, log, pi, sin, sqrt
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pool_trials
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
)
from typer.testing import CliRunner

from myoresist import knowledge
from myoresist.arrays.intervals import risk_difference, risk_ratio, wilson
from myoresist.cli import app
from myoresist.document import DocumentError
from myoresist.report.charts.forest import forest, panels
from myoresist.report.evidence import lines
from myoresist.treatment import evidence as module
from myoresist.treatment.evidence import (
    Evidence,
    EvidenceBase,
    UnknownName,
    evidence,
    groups,
    packaged,
)
from myoresist.treatment.trials import Trial, Trials

BASE = packaged()
RULES = BASE.trials.synthesis
ROWS = BASE.trials.rows
FOLDER = knowledge.folder() / "trials"
CELLS = list(csv.DictReader((FOLDER / "trials.csv").read_text(encoding="utf-8").splitlines()))
HOSTILE = "</text><script>alert(1)</script>&\x00\x1b[31m]]>"


def row(**changes: object) -> Trial:
    """Return a made-up open trial with 10 of 20 responders."""
    cells = {
        "trial_id": "made",
        "source": "chung2007",
        "label": "Made",
        "year": 2001,
        "design": "open_trial",
        "treatment": "rituximab",
        "subsets": "DM",
        "refractory": "yes",
        "group": changes.get("trial_id", "made"),
        "n_arm": 20,
        "intervention": "rituximab",
        "control": "none",
        "outcome": "better",
        "outcome_class": "clinical_response",
        "weeks": 24,
        "events_arm": 10,
        "pool": "yes",
        "check": "convention",
        "confidence": "high",
    }
    return Trial.model_validate(cells | changes)


def controlled(**changes: object) -> Trial:
    """Return a made-up trial against placebo."""
    cells = {"design": "rct_blind", "control": "placebo", "n_control": 20, "events_control": 5}
    return row(**cells, **changes)


def base(*rows: Trial) -> EvidenceBase:
    """Return an evidence base of these rows, with their summaries."""
    trials = replace(BASE.trials, rows=rows)
    found = pool_trials.summaries(trials)
    pooled = {(one.treatment, one.subset, one.stratum): one for one in found}
    return EvidenceBase(trials, pooled, BASE.references)


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["evidence", *words])
    return result.exit_code, result.stdout, result.stderr


def everything() -> list[Evidence]:
    return [evidence(treatment) for treatment in RULES.treatments]


# What is shown is what the row says.


def test_every_number_of_a_row_is_kept() -> None:
    columns = ("n_arm", "n_control", "events_arm", "events_control", "weeks", "effect", "ci_low")
    columns += ("ci_high", "year")
    assert len(CELLS) == len(ROWS)
    for cells, trial in zip(CELLS, ROWS, strict=True):
        for column in columns:
            value = getattr(trial, column)
            assert (None if cells[column] == "" else float(cells[column])) == value, trial.trial_id


def test_every_displayed_count_and_effect_is_that_of_its_row() -> None:
    cells = {one["trial_id"]: one for one in CELLS}
    shown = 0
    for found in everything():
        text = "\n".join(lines(found))
        for study in [study for group in found.groups for study in group.studies]:
            source = cells[study.trial.trial_id]
            if study.response:
                counts = f"{source['events_arm']}/{source['n_arm']}, "
                assert counts in text
                assert study.response.value == int(source["events_arm"]) / int(source["n_arm"])
            else:
                assert source["events_arm"] == "" or source["n_arm"] == ""
            if study.control:
                assert f"against {source['events_control']}/{source['n_control']}, " in text
            if source["effect"]:
                assert f"{source['effect_measure']} {float(source['effect']):g}" in text
            if source["ci_low"]:
                ends = f"({float(source['ci_low']):g} to {float(source['ci_high']):g})"
                assert ends in text
            if source["p_value"]:
                assert source["p_value"] in text
            shown += 1
    assert shown > 140


def test_every_row_on_a_treatment_is_shown_once() -> None:
    for found in everything():
        shown = [study.trial.trial_id for group in found.groups for study in group.studies]
        wanted = [one.trial_id for one in ROWS if found.treatment in one.treatment]
        assert sorted(shown) == sorted(wanted)


def test_every_source_is_in_the_bibliography() -> None:
    assert {one.source for one in ROWS} <= set(BASE.references)
    cited = {key for one in (*RULES.rules, *RULES.methods) for key in one.cites}
    assert cited <= set(BASE.references)
    assert all(one.cites and one.check for one in (*RULES.rules, *RULES.methods))


def test_counts_from_percentages_and_memory_are_said_aloud() -> None:
    text = "\n".join(lines(evidence("ivig", "DM")))
    assert "The counts were worked out from percentages." in text
    assert "Not compared with the publication, in whole or in part (high confidence)." in text


def test_uncontrolled_proportions_carry_their_warning() -> None:
    for found in everything():
        for group in found.groups:
            if "without a control group" in group.design:
                assert RULES.warnings["uncontrolled"] in group.warnings
                assert RULES.warnings["uncontrolled"] in "\n".join(lines(found))


def test_a_subset_leaves_the_others_out_and_says_how_many() -> None:
    whole, part = evidence("ivig"), evidence("ivig", "ibm")
    assert part.subset == "IBM"
    shown = [study.trial for group in part.groups for study in group.studies]
    assert shown
    assert all("IBM" in one.subsets for one in shown)
    assert part.other_subsets == sum(len(one.studies) for one in whole.groups) - len(shown)


def test_that_nothing_was_put_together_is_said() -> None:
    nothing = RULES.warnings["none"]
    assert nothing in list(lines(evidence("ivig")))
    assert nothing not in list(lines(evidence("rituximab")))
    assert nothing not in list(lines(evidence("tocilizumab")))


def test_a_comparator_is_found_too() -> None:
    found = evidence("mycophenolate")
    assert {"huapaya2019_ae", "huapaya2019_fvc"} == {
        study.trial.trial_id for study in found.as_comparator
    }


# The statistics of one study.


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_statsmodels(counts: tuple[int, int]) -> None:
    found = wilson(*counts, 0.95)
    low, high = proportion_confint(*counts, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilson_solves_its_equation() -> None:
    # The limits are where the score test of the proportion just reaches the quantile.
    found = wilson(37, 47, 0.95)
    for limit in (found.low, found.high):
        score = (37 / 47 - limit) / sqrt(limit * (1 - limit) / 47)
        assert abs(score) == pytest.approx(stats.norm.isf(0.025), abs=1e-9)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_ratio_and_difference_agree_with_statsmodels(n: int, m: int, data: st.DataObject) -> None:
    counts = (data.draw(st.integers(0, n)), n, data.draw(st.integers(0, m)), m)
    arm, control = wilson(*counts[:2], 0.95), wilson(*counts[2:], 0.95)
    newcombe = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    ends = risk_difference(arm, control)
    assert (ends.low, ends.high) == pytest.approx(newcombe, abs=1e-9)
    ratio = risk_ratio(arm, control, 0.95)
    if 0 in (counts[0], counts[2]) or (counts[0] == n and counts[2] == m):
        assert ratio is None
        return
    # Katz by hand, from the table.
    a, c = counts[0], counts[2]
    half = stats.norm.isf(0.025) * sqrt((n - a) / (a * n) + (m - c) / (c * m))
    middle = log(a * m / (c * n))
    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx(
        (exp(middle), exp(middle - half), exp(middle + half)), rel=1e-9
    )


# Summaries.


def test_pooled_is_what_the_script_makes() -> None:
    made = list(pool_trials.summaries(BASE.trials))
    kept = list(BASE.pooled.values())
    assert made
    assert len(made) == len(kept)
    for one, other in zip(made, kept, strict=True):
        ours, theirs = one.model_dump(), other.model_dump()
        for column, value in ours.items():
            if isinstance(value, float):
                assert theirs[column] == pytest.approx(value, rel=1e-9, abs=1e-12), column
            else:
                assert theirs[column] == value, column
    text = (FOLDER / "pooled.csv").read_text(encoding="utf-8")
    assert pool_trials.as_csv(kept).splitlines()[0] == text.splitlines()[0]


def by_hand(
    effect: np.ndarray[tuple[int], np.dtype[np.float64]],
    variance: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> dict[str, float]:
    """Return a random-effects summary on the scale of the effects, without statsmodels."""
    k = len(effect)

    def generalised_q(tau2: float) -> float:
        weight = 1 / (variance + tau2)
        mean = (weight * effect).sum() / weight.sum()
        return float((weight * (effect - mean) ** 2).sum())

    q = generalised_q(0)
    tau2 = 0.0
    if q > k - 1:
        top = 1.0
        while generalised_q(top) > k - 1:
            top *= 2
        tau2 = optimize.brentq(lambda x: generalised_q(x) - (k - 1), 0, top, xtol=1e-15, rtol=1e-14)
    weight = 1 / (variance + tau2)
    mean = float((weight * effect).sum() / weight.sum())
    adjusted = max(1.0, generalised_q(tau2) / (k - 1))
    error = sqrt(adjusted / weight.sum())
    found = {"mean": mean, "tau2": tau2, "q": q, "error": error}
    found["half"] = stats.t.ppf(0.975, k - 1) * error
    if k > 2:
        found["spread"] = stats.t.ppf(0.975, k - 2) * sqrt(tau2 + error**2)
    return found


@given(
    st.lists(
        st.integers(5, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=2,
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_summaries_of_proportions_agree_with_those_by_hand(counts: list[tuple[int, int]]) -> None:
    rows = [row(trial_id=f"t{i}", events_arm=e, n_arm=n) for i, (e, n) in enumerate(counts)]
    found = pool_trials.summarise(rows, "proportion", RULES)
    events, patients = (np.array(x, dtype=float) for x in zip(*counts, strict=True))
    hand = by_hand(np.arcsin(np.sqrt(events / patients)), 1 / (4 * patients))

    def back(x: float) -> float:
        return sin(min(max(x, 0), pi / 2)) ** 2

    mean, half = hand["mean"], hand["half"]
    assert found["tau2"] == pytest.approx(hand["tau2"], abs=1e-6)
    assert found["q"] == pytest.approx(hand["q"], abs=1e-6)
    assert found["estimate"] == pytest.approx(back(mean), abs=1e-6)
    assert found["ci_low"] == pytest.approx(back(mean - half), abs=1e-6)
    assert found["ci_high"] == pytest.approx(back(mean + half), abs=1e-6)
    if len(counts) > 2:
        assert found["prediction_low"] == pytest.approx(back(mean - hand["spread"]), abs=1e-6)
        assert found["prediction_high"] == pytest.approx(back(mean + hand["spread"]), abs=1e-6)
    else:
        assert found["prediction_low"] is None


@given(
    st.lists(
        st.tuples(st.integers(1, 29), st.integers(30, 90), st.integers(1, 29), st.integers(30, 90)),
        min_size=2,
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_summaries_of_ratios_agree_with_those_by_hand(
    counts: list[tuple[int, int, int, int]],
) -> None:
    names = ("events_arm", "n_arm", "events_control", "n_control")
    rows = [
        row(trial_id=f"t{i}", **dict(zip(names, one, strict=True))) for i, one in enumerate(counts)
    ]
    found = pool_trials.summarise(rows, "risk_ratio", RULES)
    a, n, c, m = np.array(counts, dtype=float).T
    hand = by_hand(np.log(a * m / (c * n)), 1 / a - 1 / n + 1 / c - 1 / m)
    assert found["tau2"] == pytest.approx(hand["tau2"], abs=1e-6)
    assert found["estimate"] == pytest.approx(exp(hand["mean"]), rel=1e-6)
    assert found["ci_low"] == pytest.approx(exp(hand["mean"] - hand["half"]), rel=1e-6)
    assert found["ci_high"] == pytest.approx(exp(hand["mean"] + hand["half"]), rel=1e-6)


def test_the_packaged_summary_of_rituximab() -> None:
    (one,) = [x for x in BASE.pooled.values() if x.treatment == "rituximab" and x.subset is None]
    assert set(one.trials) == {"couderc2011", "so_rtx_korea"}
    # Of two studies the variance of Paule and Mandel has a closed form.
    arcs = np.arcsin(np.sqrt([16 / 30, 11 / 16]))
    tau2 = (np.diff(arcs)[0] ** 2 - 1 / 120 - 1 / 64) / 2
    weights = 1 / (1 / np.array([120, 64]) + tau2)
    assert one.tau2 == pytest.approx(tau2, abs=1e-6)
    assert one.estimate == pytest.approx(sin(np.average(arcs, weights=weights)) ** 2, abs=1e-6)


# What may be put together.


def stratum_of(one: Trial) -> str:
    return RULES.designs[one.design].stratum


def check_compatible(rows: tuple[Trial, ...]) -> None:
    for group in groups(rows, RULES):
        counted = group.counted
        assert {row.trial_id for row in group.rows} == {
            *(row.trial_id for row in counted),
            *group.left_out,
        }
        if not counted:
            continue
        for shared in (
            {stratum_of(one) for one in counted},
            {one.control for one in counted},
            {one.outcome_class for one in counted},
            {one.refractory for one in counted},
            {frozenset(one.treatment) for one in counted},
            {RULES.populations_of(one) for one in counted},
        ):
            assert len(shared) == 1
        assert len({one.group for one in counted}) == len(counted)
        windows = {window.id for one in counted if (window := RULES.window(one))}
        assert len(windows) == 1
        assert all(one.weeks is not None and one.pool == "yes" for one in counted)
        assert RULES.strata[stratum_of(counted[0])].pooled
        smallest = RULES.minimum.smallest_arm
        assert all(one.n_arm and one.n_arm >= smallest for one in counted)
        if RULES.strata[stratum_of(counted[0])].controlled:
            assert all(one.events_arm and one.events_control for one in counted)


def test_only_compatible_packaged_rows_are_put_together() -> None:
    check_compatible(ROWS)
    known = {one.trial_id: one for one in ROWS}
    for one in BASE.pooled.values():
        check_compatible(tuple(known[trial] for trial in one.trials))
        assert len(one.trials) >= RULES.minimum.studies
        assert (one.prediction_low is not None) == (one.studies >= RULES.minimum.prediction)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Trial, ...]:
    """Return made-up trials that share words often enough to be compatible now and then."""
    made = []
    for number in range(draw(st.integers(0, 14))):
        patients = draw(st.integers(1, 30))
        against = draw(st.one_of(st.none(), st.integers(1, 30)))
        pool = draw(st.sampled_from(["yes", "yes", "yes", "no"]))
        cells: dict[str, object] = {
            "trial_id": f"t{number}",
            "group": draw(st.sampled_from(["a", "b", "c", f"own{number}"])),
            "design": draw(st.sampled_from(list(RULES.designs))),
            "control": draw(st.sampled_from(["none", "placebo"])),
            "outcome_class": draw(st.sampled_from(["tis20", "clinical_response"])),
            "refractory": draw(st.sampled_from(["yes", "no", "mixed", None])),
            "subsets": draw(st.sampled_from(["DM", "DM|PM", "IBM", "DM|IBM"])),
            "treatment": draw(st.sampled_from(["rituximab", "ivig|rituximab"])),
            "weeks": draw(st.sampled_from([None, 8, 9, 19, 20, 52])),
            "n_arm": patients,
            "events_arm": draw(st.one_of(st.none(), st.integers(0, patients))),
            "n_control": against,
            "events_control": None if against is None else draw(st.integers(0, against)),
            "pool": pool,
            "pool_reason": "made up" if pool == "no" else None,
        }
        made.append(row(**cells))
    return tuple(made)


@given(tables(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_nothing_incompatible_is_put_together_in_any_order(
    rows: tuple[Trial, ...], dice: random.Random
) -> None:
    check_compatible(rows)
    shuffled = list(rows)
    dice.shuffle(shuffled)
    assert groups(rows, RULES) == groups(shuffled, RULES)


CHANGES: list[dict[str, object]] = [
    {"design": "series"},
    {"outcome_class": "tis20"},
    {"refractory": "no"},
    {"refractory": None},
    {"subsets": "DM|IBM"},
    {"weeks": 19},
    {"weeks": None},
    {"treatment": "rituximab|ivig"},
    {"group": "first"},
    {"n_arm": 4, "events_arm": 2},
    {"pool": "no", "pool_reason": "made up"},
    {"events_arm": None},
    {"control": "own_past"},
]


def test_two_like_studies_are_put_together() -> None:
    (group,) = groups([row(trial_id="first"), row(trial_id="second")], RULES)
    assert len(group.counted) == 2


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_any_difference_that_a_rule_names_keeps_studies_apart(change: dict[str, object]) -> None:
    found = groups([row(trial_id="first"), row(trial_id="second", **change)], RULES)
    assert all(len(group.counted) < 2 for group in found)


@pytest.mark.parametrize(
    "change",
    [
        {"events_arm": 0},
        {"events_control": 0},
        {"events_arm": 20, "events_control": 20},
        {"events_control": None},
        {"design": "rct_subgroup"},
        {"design": "cohort_controlled"},
        {"control": "active"},
    ],
    ids=str,
)
def test_comparisons_are_kept_apart(change: dict[str, object]) -> None:
    cells = {"design": "rct_blind", "control": "placebo", "n_control": 20, "events_control": 5}
    second = row(**(cells | {"trial_id": "second"} | change))
    found = groups([controlled(trial_id="first"), second], RULES)
    assert all(len(group.counted) < 2 for group in found)


def test_the_same_patients_count_once_and_it_is_said() -> None:
    small = row(trial_id="small", group="one", n_arm=10, events_arm=9)
    large = row(trial_id="large", group="one")
    for rows in ((small, large), (large, small)):
        found = base(*rows).evidence("rituximab")
        (group,) = found.groups
        assert group.summary is None
        why = {study.trial.trial_id: study.not_pooled for study in group.studies}
        assert why == {"small": "the same patients as Made 2001", "large": None}
        assert "only one of these studies" in "\n".join(lines(found))


def test_three_studies_have_a_prediction_interval_in_text_and_plot() -> None:
    found = base(*(row(trial_id=f"t{n}", events_arm=n) for n in (5, 10, 15))).evidence("rituximab")
    (group,) = found.groups
    assert group.summary is not None
    text = "\n".join(lines(found))
    assert "Summary of 3 studies, 60 patients: " in text
    assert "A further such study would lie within " in text
    plot = forest(found)
    assert "Prediction interval" in plot


def test_a_stale_summary_is_refused() -> None:
    whole = base(row(trial_id="a"), row(trial_id="b"))
    more = replace(whole.trials, rows=(*whole.trials.rows, row(trial_id="c")))
    with pytest.raises(ValueError, match=r"pooled\.csv is older"):
        replace(whole, trials=more).evidence("rituximab")


# Reading.


def test_a_wrong_row_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    (tmp_path / "drugs").mkdir()
    for name in ("trials/synthesis.yaml", "drugs/drugs.csv"):
        text = (knowledge.folder() / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text, encoding="utf-8")
    wrong = dict(CELLS[0], design="guess")
    more = dict(CELLS[1], events_arm="9", n_arm="8")
    for rows, said in (
        ([wrong], "guess is not in"),
        ([more], "more patients"),
        ([CELLS[0]] * 2, "twice"),
    ):
        with (tmp_path / "trials" / "trials.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, CELLS[0])
            writer.writeheader()
            writer.writerows(rows)
        with pytest.raises(DocumentError, match=said):
            Trials.load(tmp_path)


def test_the_data_say_what_they_mean() -> None:
    used = {one.trial_id: one for one in ROWS}
    assert used["hara2003"].pool == "no"
    drugs = {drug for one in RULES.treatments.values() for drug in one.drugs}
    assert drugs <= set(BASE.trials.drugs)
    assert {one.stratum for one in RULES.designs.values()} == set(RULES.strata)
    assert {one.population for one in RULES.subsets.values()} == set(RULES.populations)
    assert {one.warning for one in RULES.strata.values() if one.warning} <= set(RULES.warnings)
    assert all(one.pooled or one.why_not for one in RULES.strata.values())
    assert {one.outcome_class for one in ROWS} == set(RULES.outcomes)
    # Windows cover all time without a gap.
    for before, after in zip(RULES.windows, RULES.windows[1:], strict=False):
        assert before.end is not None
        assert after.start == before.end + 1


def test_no_statistics_library_is_loaded() -> None:
    code = (
        "import sys; import myoresist.treatment.evidence as e; e.evidence('ivig'); "
        "print([x for x in ('scipy', 'pandas', 'statsmodels') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The command.


@pytest.mark.parametrize(
    ("name", "treatment"),
    [
        ("ivig", "ivig"),
        ("IVIG", "ivig"),
        ("prednisone", "glucocorticoid_oral"),
        ("infliximab", "anti_tnf"),
        ("tofacitinib", "jak_inhibitor"),
        ("MMF", "mycophenolate"),
        ("car_t_cd19", "car_t_cd19"),
    ],
)
def test_names_of_drugs_lead_to_treatments(name: str, treatment: str) -> None:
    code, out, _ = run(name, "--json")
    assert code == 0
    assert json.loads(out)["treatment"] == treatment


def test_an_unknown_name_is_one_line_with_the_nearest() -> None:
    code, out, err = run("rituxmab")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "no treatment is called rituxmab; did you mean rituximab" in err
    code, _, err = run("qqqq")
    assert code == 2
    assert "there are glucocorticoid_oral" in err
    code, _, err = run("ivig", "--subset", "XX")
    assert code == 2
    assert "no subset is called XX; there are IIM (" in err
    with pytest.raises(UnknownName):
        module.evidence("")


def test_a_treatment_without_results_says_so() -> None:
    code, out, _ = run("apremilast", "--subset", "IBM")
    assert code == 0
    assert "No result is recorded here. That is no evidence against the treatment." in out


def test_the_plot_is_written(tmp_path: Path) -> None:
    path = tmp_path / "ivig.svg"
    code, out, err = run("ivig", "--subset", "DM", "--plot", str(path))
    assert code == 0
    assert "37/47, 79% (65% to 88%) against 21/48, 44% (31% to 58%)" in out
    assert "wrote" in err
    root = ElementTree.parse(path).getroot()
    assert root.get("viewBox", "").startswith("0 0 680 ")


# The plot.

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("treatment", RULES.treatments)
def test_every_plot_is_sound_and_shows_the_counts(treatment: str) -> None:
    found = evidence(treatment)
    plot = forest(found)
    root = ElementTree.fromstring(plot)
    assert [child.tag for child in root][:2] == [SVG + "title", SVG + "desc"]
    texts = [one.text or "" for one in root.iter(SVG + "text")]
    for study in [study for group in found.groups for study in group.studies]:
        if study.response and any(study in group.studies for group in panels(found)):
            counts = f"{study.response.events}/{study.response.patients}"
            assert any(text == counts or text.startswith(f"{counts} : ") for text in texts)
    numbers = [float(x) for x in re.findall(r'\b[xy][12]?="(-?[\d.]+)"', plot)]
    height = float(root.get("viewBox", "").split()[-1])
    assert all(0 <= x <= max(height, 680) for x in numbers)
    assert "nan" not in plot


def test_hostile_names_stay_text() -> None:
    found = base(
        row(trial_id="a", label=HOSTILE, outcome=HOSTILE), controlled(trial_id="b", label=HOSTILE)
    ).evidence("rituximab")
    plot = forest(found)
    root = ElementTree.fromstring(plot)
    assert not list(root.iter(SVG + "script"))
    assert "<script" not in plot
    assert "\x1b" not in plot
    assert "\x00" not in plot


def test_no_counts_no_panel() -> None:
    plot = forest(evidence("brepocitinib"))
    assert "No study gives counts of patients." in plot
