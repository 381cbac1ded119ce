"""Page one against the truth of cases, and the scorer against a plain reading of what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoresist.assessment import consult
from myoresist.case.reading import read_case
from myoresist.document import DocumentError
from myoresist.evaluation.consult import (
    Actions,
    Reasons,
    Scores,
    Truth,
    Truths,
    compare,
    evaluate,
    lines,
    read_truths,
)
from myoresist.library import Knowledge

OWN = Path(__file__).parents[2] / "benchmarks" / "consult"


def test_our_own_cases_are_answered_as_experts_would() -> None:
    scores = evaluate(OWN)
    assert len(scores.words) >= 40
    assert not [
        miss for miss in scores.misses if miss[0] in ("never", "words", "today", "why never")
    ]
    assert scores.share("state") >= 0.95
    assert scores.share("action") >= 0.95
    assert scores.share("disease") >= 0.95
    assert max(scores.words) <= 120


def test_cases_whose_truth_was_written_before_they_were_run_are_answered_too() -> None:
    scores = evaluate(OWN / "blind")
    assert len(scores.words) >= 40
    assert not [miss for miss in scores.misses if miss[0] in ("never", "words", "why never")]
    for measure in ("state", "action", "today", "first test", "why"):
        assert scores.share(measure) >= 0.9, measure
    assert max(scores.words) <= 120


def test_cases_of_a_reader_are_answered_too() -> None:
    scores = evaluate(OWN / "reader")
    assert len(scores.words) == 27
    assert not [miss for miss in scores.misses if miss[0] in ("never", "words", "why never")]
    for measure, floor in {"state": 0.95, "disease": 0.95, "action": 0.95, "today": 0.95}.items():
        assert scores.share(measure) >= floor, measure
    assert max(scores.words) <= 120


def test_every_state_and_verb_has_a_case() -> None:
    truths = read_truths(OWN)
    states = {state for one in truths.cases for state in one.state}
    assert states == {one.id for one in Knowledge.load().consult.data.states}
    verbs = {verb for one in truths.cases for verb, _ in (*one.do.any, *one.today.any)}
    assert {"stop", "taper", "switch", "start", "continue", "repeat", "optimise", "wait", "avoid",
            "test", "ask", "exclude", "treat", "relabel", "refer"} <= verbs  # fmt: skip


def one(name: str, truth: Truth, truths: Truths) -> set[str]:
    """Return the measures that the page of a case of ours does not meet."""
    scores = Scores()
    page = consult(read_case(OWN / "cases" / f"{name}.yaml"))
    compare(truth, page, truths, scores)
    return {measure for measure, _, _ in scores.misses}


def test_the_scorer_counts_what_is_the_same_and_nothing_else() -> None:
    truths = Truths(
        cases=(),
        same_verbs=(("start", "switch"), ("taper", "reduce")),
        same=(("rituximab", "ofatumumab"), ("ofatumumab", "obinutuzumab")),
    )
    right = Truth(
        case="o01-srp-first-line.yaml", state=("refractory",), diseases=("imnm_srp",),
        do=Actions(any=(("switch", "obinutuzumab"),), never=(("start", "anti_tnf"),)),
        why=Reasons(any=("resistant_subset_srp",), never=("steroid_myopathy",)),
    )  # fmt: skip
    assert one("o01-srp-first-line", right, truths) == set()
    wrong = Truth(
        case="o01-srp-first-line.yaml", state=("damage",), diseases=("fshd",),
        today=Actions(any=(("stop", "statin"),)),
        do=Actions(any=(("start", "methotrexate"),), never=(("start", "obinutuzumab"),)),
        why=Reasons(any=("steroid_myopathy",), never=("resistant_subset_srp",)),
        ask=("gestational_age",), never_words=("anti-SRP",),
    )  # fmt: skip
    assert one("o01-srp-first-line", wrong, truths) == {
        "state", "disease", "today", "action", "never", "why", "why never", "ask", "words",
    }  # fmt: skip


def test_what_rests_on_free_text_is_left_out_and_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.yaml").write_text(
        "cases: [{case: a.yaml, state: [unclear], text_only: [do]}]\n"
    )
    with pytest.raises(DocumentError, match="holds no case"):
        evaluate(tmp_path)


def test_the_lines_name_each_measure_and_each_miss() -> None:
    scores = Scores(
        {"state": [True, False]}, [("state", "a.yaml", "unclear, not damage")], [40, 60]
    )
    text = "\n".join(lines(scores))
    assert "state" in text
    assert "50%" in text
    assert "a.yaml: unclear, not damage" in text
