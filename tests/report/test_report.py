"""The report in a terminal and in a notebook: golden texts, and what it must always say."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from myoresist import assess, read_case
from myoresist.assessment import Assessment
from myoresist.case.reading import check_case_text
from myoresist.cli import DEMO
from myoresist.report import notebook
from myoresist.report.builder import Depth, build_report
from myoresist.report.charts.drawing import Drawing
from myoresist.report.criteria import ranges
from myoresist.report.document import Paragraph, Report
from myoresist.report.printable import printable, spelt
from myoresist.report.questions import questions
from myoresist.report.terminal import render
from myoresist.report.wording import percent

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[2] / "src" / "myoresist" / "examples"
FULL = Path(__file__).parent / "full_course.yaml"


def text(assessment: Assessment, width: int = 100, depth: Depth = "full") -> str:
    held = io.StringIO()
    report = build_report(assessment, depth)
    render(report, Console(file=held, width=width, highlight=False))
    return held.getvalue()


def assessed(body: str) -> Assessment:
    case, wrong = check_case_text("patient: {id: P}\n" + body, "c")
    assert case is not None, wrong
    return assess(case)


@pytest.mark.parametrize(
    ("name", "depth"),
    [*((path.stem, "page") for path in sorted(EXAMPLES.glob("*.yaml"))), (DEMO, "full")],
)
def test_golden(name: str, depth: Depth) -> None:
    """Set MYORESIST_GOLDEN=1 to write the texts anew, then read the difference."""
    got = text(assess(read_case(EXAMPLES / f"{name}.yaml")), 80, depth)
    path = GOLDEN / f"{name}{'' if depth == 'page' else '.full'}.txt"
    if os.environ.get("MYORESIST_GOLDEN"):
        path.write_text(got, encoding="utf-8")
    assert got == path.read_text(encoding="utf-8")


def test_a_contradiction_is_told_on_page_one_and_in_full_behind_it() -> None:
    found = assessed("findings: {no_objective_weakness: yes, proximal_weakness: yes}\n")
    short = " ".join(text(found, depth="page").split())
    assert "The record contradicts itself, so these count as unknown: " in short
    assert "Normal strength on examination is present, yet Objective proximal" not in short
    said = text(found)
    assert said.index("contradicts itself") < said.index("1. Is the diagnosis right?")
    assert (
        "Normal strength on examination is present (findings.no_objective_weakness, line 2), yet Objective "
        "proximal limb weakness is present (findings.proximal_weakness, line 2)"
        in " ".join(said.split())
    )


def test_two_statements_that_disagree_are_told_with_their_lines() -> None:
    said = text(
        assessed("findings: {ild: yes}\nimaging:\n- {modality: CT, findings: {ild: no}}\n"),
        width=140,
    )
    assert "Interstitial lung disease: line 2 says yes, line 4 says no" in said


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
        assess(read_case(EXAMPLES / "dysferlinopathy_called_polymyositis.yaml")), width, "all"
    )
    # An address that is broken in two cannot be followed.
    addresses = [
        line for line in said.splitlines() if re.fullmatch(r" +(\d+\. )?https?://\S+", line)
    ]
    assert all(len(line) <= width for line in said.splitlines() if line not in addresses)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_an_address_is_never_broken(width: int) -> None:
    assessment = assess(read_case(EXAMPLES / "inclusion_body_myositis.yaml"))
    links = {work.link for work in assessment.references.values()}
    shown = [
        word for word in text(assessment, width, depth="all").split() if word.startswith("http")
    ]
    assert len(shown) > 30
    assert set(shown) <= links


def test_no_line_ends_in_blanks() -> None:
    said = text(assess(read_case(EXAMPLES / "antisynthetase_pl7.yaml")), 80, depth="all")
    assert not [line for line in said.splitlines() if line != line.rstrip()]


def test_numbers_have_a_sensible_precision() -> None:
    shares = (0.0003, 0.01, 0.0567, 0.0994, 0.0996, 0.5423, 0.732841, 0.9995)
    said = ["<1%", "1.0%", "5.7%", "9.9%", "10%", "54%", "73%", ">99%"]
    assert [percent(share) for share in shares] == said


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


def test_the_label_stands_beside_what_is_met_and_nothing_is_called_a_diagnosis() -> None:
    said = assess(read_case(EXAMPLES / "anti_srp_refractory.yaml"))
    assert "Label carried: not given. Classes met: Anti-SRP myopathy.\n" in text(said)
    said = assess(read_case(EXAMPLES / "dysferlinopathy_called_polymyositis.yaml"))
    assert "Label carried: polymyositis. Classes met: none.\n" in text(said)


def in_one_line(assessment: Assessment) -> str:
    return " ".join(text(assessment, width=140, depth="all").split())


def test_an_exclusion_stands_on_the_line_of_its_set() -> None:
    said = in_one_line(assessed("findings: {family_history_muscle_disease: yes}\n"))
    table = said.partition("Published criteria: ✓ met")[2].partition("Criteria, set by set")[0]
    rows = re.split(
        r" (?=(?:Bohan & Peter 1975|Bohan & Peter, juvenile DM|ENMC 2003|Needham) )", table
    )
    assert [row.endswith("; exclusions not assessed") for row in rows if "Peter 1975" in row] == [
        True
    ]
    assert ["an exclusion applies" in row for row in rows if row.startswith("ENMC 2003")] == [True]


def test_a_rule_that_was_not_looked_up_is_marked_where_it_is_read() -> None:
    assessment = assessed("")
    report = text(assessment, width=140, depth="all")
    for one in assessment.criteria:
        checks = " ".join([one.check, *(item.check or "" for item in one.items)])
        for level in re.findall(r"recall.*?confidence: (medium|low)", checks):
            own = report.partition(f" {one.title}: ")[2].partition("\n\n")[0]
            assert f"{level} confidence" in own, one.id
    mark = "[not compared with the paper, medium confidence]"
    assert re.search(rf"\? Skin disease of DM: .*\s+.*{re.escape(mark)}", report)
    assert "The rule has not been compared with the paper (medium confidence)." in report


def test_a_set_that_is_not_met_or_not_computed_says_why_in_a_line() -> None:
    said = text(assessed("onset: {age: 22}\n"), width=140)
    assert re.search(r"✗ ENMC 2011, IBM \[.*\]  ← Age at first symptom.*: 22 years\n", said)
    assert re.search(r"– ENMC 2024, IBM: Not computed, since the list", said)


def test_a_borderline_score_shows_both_readings() -> None:
    said = in_one_line(
        assessed(
            "onset: {age: 45}\n"
            "findings: {biopsy_done: no, proximal_upper_weakness: yes, proximal_lower_weakness: yes,\n"
            "  neck_flexor_weaker_than_extensor: yes}\n"
        )
    )
    assert "Score 5.5 (up to" in said
    assert "probability 54% to >99%" in said
    assert "By its probability the same patient is: Possible IIM" in said
    assert "borderline: score and probability cut-offs disagree" in said


def test_a_number_is_asked_for_and_told_with_its_unit() -> None:
    said = in_one_line(assess(read_case(EXAMPLES / "anti_srp_refractory.yaml")))
    assert "Duration of weakness: 1 month;" in said or "Duration of weakness: 1 month " in said
    said = in_one_line(assessed(""))
    assert "first symptom of the disease? (in years)" in said


def test_a_class_is_told_with_its_subgroup_and_with_an_exclusion_that_applies() -> None:
    body = (
        "onset: {age: 45}\n"
        "findings: {proximal_upper_weakness: yes, proximal_lower_weakness: yes, gottron_sign: yes,\n"
        "  neck_flexor_weaker_than_extensor: yes"
    )
    said = in_one_line(assessed(body + "}\n"))
    assert re.search(
        r"EULAR/ACR 2017 ✓ met \d+ \d+ \d+ Definite IIM, Dermatomyositis; score .*?; exclusions not assessed",
        said,
    )
    said = in_one_line(assessed(body + ", better_explanation_exists: yes}\n"))
    assert "Definite IIM, Dermatomyositis [an exclusion applies]." in said
    assert "EULAR/ACR 2017 does not apply while this stands: Another disease explains" in said


def test_an_answer_that_rules_a_set_out_says_so() -> None:
    said = in_one_line(assess(read_case(EXAMPLES / "antisynthetase_pl7.yaml")))
    assert "RIM trial, refractory: if above 125, not met" in said


def test_a_sign_that_the_terminal_lacks_is_spelt_and_never_a_question_mark() -> None:
    assert spelt("✓ ✗ – → µkat Vencovský Łódź 筋") == "+ x - -> ukat Vencovsky #odz #"
    assert printable("a\nb\x1b[31m\u202ec\u009b") == "a b [31m c "


def test_while_the_record_contradicts_itself_no_answer_is_said_to_be_useless() -> None:
    assessment = assessed("findings: {no_objective_weakness: yes, proximal_weakness: yes}\n")
    for said in (in_one_line(assessment), assessment._repr_html_() or ""):
        assert "contradicts itself" in said
        assert "No single" not in said
        assert (not questions(assessment)) == ("settle that first" in said)


def test_the_notebook_view_has_the_top_of_the_report() -> None:
    html = assessed(
        "label: polymyositis\nfindings: {dysphagia: yes}\n"
        "labs: [{test: CK, value: 1200, unit: U/L}]\n"
    )._repr_html_()
    assert html is not None
    for part in (
        "called polymyositis",
        "Could not be used as written",
        "CK without its upper limit of normal",
        "Label carried: polymyositis. Classes met: none.",
        "What would decide most",
        "<td>? undetermined</td>",
        "Definite DM; Definite PM",
        "not a certified medical device",
    ):
        assert part in html, part


def test_the_notebook_view_escapes_what_the_case_says() -> None:
    case, _ = check_case_text('{"patient": {"id": "<script>alert(1)</script>"}}', "c")
    assert case is not None
    html = notebook.render(build_report(assess(case)))
    assert "<script>" not in html
    assert "not a certified medical device" in html


def test_a_contradiction_does_not_silence_what_would_decide() -> None:
    clash = "no_objective_weakness: yes, proximal_weakness: yes"
    known = assessed(f"findings: {{{clash}, ild: yes, anti_jo1: unknown}}\n")
    assert known.contradictions
    asked = {question.finding for question in questions(known)}
    assert "anti_jo1" in asked
    assert "no_objective_weakness" in asked


def test_a_finding_against_its_own_rule_is_unknown_and_answers_wait() -> None:
    known = assessed(
        "findings: {dm_rash: yes, heliotrope_rash: no, gottron_papules: no, gottron_sign: no}\n"
    )
    assert [clash.finding for clash in known.contradictions] == ["dm_rash"]
    (rash,) = [fact for fact in known.record if fact.id == "dm_rash"]
    assert (rash.value, rash.how) == (None, "contradicted")
    assert all(one.answers == () for one in known.criteria)


def test_a_disputed_finding_is_not_brought_back_by_another_statement() -> None:
    known = assessed(
        "findings: {ild: yes, rapidly_progressive_ild: yes, raynaud: yes}\n"
        "imaging:\n- {modality: CT, findings: {ild: no}}\n"
        "autoantibodies: [{antibody: MDA5, result: strong}]\n"
    )
    facts = {fact.id: (fact.value, fact.how) for fact in known.record}
    assert facts["ild"] == (None, "contradicted")
    assert facts["rapidly_progressive_ild"] == (None, "contradicted")
    assert facts["raynaud"] == (True, "recorded")
    (mda5,) = [one for one in known.criteria if one.id == "mda5_dm"]
    assert mda5.state == "undetermined"
    assert [clash.finding for clash in known.contradictions] == ["ild", "rapidly_progressive_ild"]


def paragraphs(some: Iterable[Paragraph]) -> Iterator[Paragraph]:
    for one in some:
        yield one
        yield from paragraphs(one.details)


def told(report: Report) -> Iterator[str]:
    """Yield every text of a report that needs no picture."""
    yield from (report.title, report.about, report.disclaimer, report.page.bottom_line.text)
    for block in report.page.blocks:
        yield block.title
        yield from (line.text for line in block.lines)
    if not report.sections:
        return
    for line in paragraphs(report.page.lines):
        yield from (line.rule, *map(str, line.data))
    yield report.caveat
    yield from (work.text for work in report.sources)
    for part in (*report.problems, *(part for one in report.sections for part in one.parts)):
        yield part.title
        yield from (one.text for one in paragraphs(part.paragraphs))
        tables = (figure.table for figure in part.figures if not figure.in_words)
        for table in (*tables, *part.tables):
            yield from (cell.text for row in table.rows for cell in row)


@pytest.mark.parametrize("depth", ["page", "full", "all"])
@pytest.mark.parametrize(
    "case", [FULL, EXAMPLES / "anti_srp_refractory.yaml"], ids=lambda x: x.stem
)
def test_the_terminal_says_all_that_the_report_says_and_draws_nothing(
    case: Path, depth: Depth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn(self: Drawing, height: float) -> str:
        raise AssertionError(f"{self.id} was drawn, {height:g} high")

    monkeypatch.setattr(Drawing, "svg", drawn)
    assessment = assess(read_case(case))
    said = text(assessment, 100_000, depth)
    for one in told(build_report(assessment, depth)):
        assert " ".join(one.split()) in said


def test_what_a_picture_shows_stands_in_the_statements_where_a_form_leaves_its_table_out() -> None:
    report = build_report(assess(read_case(FULL)))
    left_out = 0
    for part in (part for section in report.sections for part in section.parts):
        said = " ".join(one.text for one in paragraphs(part.paragraphs))
        for figure in part.figures:
            if figure.in_words:
                left_out += 1
                assert all(row[0].text in said for row in figure.table.rows), figure.id
    assert left_out > 3


def test_colour_is_never_the_only_sign() -> None:
    report = build_report(assess(read_case(FULL)))

    def shown(**environment: str) -> str:
        held = io.StringIO()
        terminal = {"TERM": "xterm", **environment}
        render(report, Console(file=held, width=80, force_terminal=True, _environ=terminal))
        return held.getvalue()

    coloured, without = shown(), shown(NO_COLOR="1")
    colour = re.compile(r"\x1b\[(?:\d;)*3[0-7]m")
    assert colour.search(coloured)
    assert not colour.search(without)
    style = re.compile(r"\x1b\[[\d;]*m")
    assert style.sub("", coloured) == style.sub("", without)


def test_a_notebook_shows_an_assessment_whichever_way_it_is_imported() -> None:
    for module in ("myoresist", "myoresist.assessment"):
        program = (
            f"from {module} import assess; from myoresist.case.reading import read_case\n"
            f"print(assess(read_case({str(FULL)!r}))._repr_html_()[:80])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith("<div><h3>Second opinion: ")
