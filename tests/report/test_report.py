"""The report: golden texts that are read when they change, and what it must always say."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from myoresist import assess, read_case
from myoresist.assessment import Assessment
from myoresist.case.reading import check_case_text
from myoresist.report import notebook
from myoresist.report.summary import percent, questions, ranges
from myoresist.report.terminal import render

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[2] / "src" / "myoresist" / "examples"


def text(assessment: Assessment, width: int = 100, everything: bool = False) -> str:
    held = io.StringIO()
    render(assessment, Console(file=held, width=width, highlight=False), everything)
    return "\n".join(line.rstrip() for line in held.getvalue().splitlines()) + "\n"


def assessed(body: str) -> Assessment:
    case, wrong = check_case_text("patient: {id: P}\n" + body, "c")
    assert case is not None, wrong
    return assess(case)


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.yaml")))
def test_golden(name: str) -> None:
    """Set MYORESIST_GOLDEN=1 to write the texts anew, then read the difference."""
    got = text(assess(read_case(EXAMPLES / f"{name}.yaml")))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("MYORESIST_GOLDEN"):
        path.write_text(got, encoding="utf-8")
    assert got == path.read_text(encoding="utf-8")


def test_a_contradiction_comes_before_everything_else() -> None:
    said = text(assessed("findings: {no_objective_weakness: yes, proximal_weakness: yes}\n"))
    assert said.index("contradicts itself") < said.index("In short")
    assert (
        "Normal strength on examination is present, yet Objective proximal limb weakness is present"
        in " ".join(said.split())
    )


def test_two_statements_that_disagree_are_told_with_their_lines() -> None:
    said = text(
        assessed("findings: {ild: yes}\nimaging:\n- {modality: CT, findings: {ild: no}}\n"),
        width=140,
    )
    assert "findings.ild (line 2) says yes, imaging[0].findings.ild (line 4) says no" in said


def test_nothing_known_is_undetermined_and_never_not_met() -> None:
    empty = assessed("")
    computed = [one for one in empty.criteria if one.status == "implemented"]
    assert {one.state for one in computed} == {"undetermined"}


def test_an_answer_that_would_contradict_the_record_is_not_offered() -> None:
    known = assessed(
        "findings: {ck_raised: yes, proximal_weakness: yes}\n"
        "autoantibodies: [{antibody: SRP, result: strong}]\n"
    )
    (imnm,) = [one for one in known.criteria if one.id == "enmc_2016_imnm"]
    assert imnm.state == "met"
    assert imnm.answers == ()


def test_every_answer_does_what_it_says() -> None:
    """Recording the answer gives the outcome that the report promised."""
    before = assessed(
        "findings: {proximal_upper_weakness: yes, ck_raised: yes, emg_irritable_myopathy: yes}\n"
    )
    checked = 0
    for question in questions(before)[:8]:
        for one, answers in question.changes:
            for answer in answers:
                if answer.value not in ("present", "absent"):
                    continue
                word = "yes" if answer.value == "present" else "no"
                after = assessed(
                    "findings: {proximal_upper_weakness: yes, ck_raised: yes, emg_irritable_myopathy: yes, "
                    f"{question.finding}: {word}}}\n"
                )
                (same,) = [other for other in after.criteria if other.id == one.id]
                assert (same.outcome, same.state) == (answer.outcome, answer.state)
                checked += 1
    assert checked > 5


def test_every_verdict_can_be_traced() -> None:
    said = assess(read_case(EXAMPLES / "anti_srp_refractory.yaml"))
    for one in said.criteria:
        assert one.cites
        assert all(key in said.references for key in one.cites), one.id
        assert one.check


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    said = text(
        assess(read_case(EXAMPLES / "dysferlinopathy_called_polymyositis.yaml")), width, True
    )
    assert max(len(line) for line in said.splitlines()) <= width


def test_numbers_have_a_sensible_precision() -> None:
    assert [percent(x) for x in (0.0003, 0.5423, 0.732841, 0.9995)] == ["<1%", "54%", "73%", ">99%"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["present"], "present"),
        (["exactly 18", "between 18 and 40", "exactly 40", "above 40"], "18 or more"),
        (["below 18", "exactly 18"], "18 or less"),
        (["below 18"], "below 18"),
        (["between 1 and 12"], "between 1 and 12"),
        (["between 1 and 12", "exactly 12"], "above 1 and 12 or less"),
        (["below 1", "above 12"], "below 1 or above 12"),
    ],
)
def test_neighbouring_answers_are_joined(values: list[str], said: str) -> None:
    assert ranges(values) == said


def test_the_notebook_view_escapes_what_the_case_says() -> None:
    case, _ = check_case_text('{"patient": {"id": "<script>alert(1)</script>"}}', "c")
    assert case is not None
    html = notebook.render(assess(case))
    assert "<script>" not in html
    assert "not a certified medical device" in html
