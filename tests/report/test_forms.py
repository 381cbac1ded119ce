"""The written forms of the report: what each must say, and that nothing of a case becomes markup."""

from __future__ import annotations

import io
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path

import html5lib
import pytest
from markdown_it import MarkdownIt
from pypdf import PdfReader

from myoresist import assess, read_case
from myoresist.assessment import Assessment
from myoresist.case.reading import check_case_text
from myoresist.report import html, markdown, pdf
from myoresist.report.builder import build_report
from myoresist.report.charts.drawing import on_paper
from myoresist.report.document import UNKNOWN, Figure, Paragraph, Part, Report
from myoresist.report.evidence import counts, doubts
from myoresist.report.treatment import Treatment

HERE = Path(__file__).parent
EXAMPLES = sorted((Path(__file__).parents[2] / "src/myoresist/examples").glob("*.yaml"))
FULL = HERE / "full_course.yaml"
CASES = [*EXAMPLES, FULL]
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&amp; ]]> #show *b* `c` [d](e) $x$ \\"
)


@cache
def assessed(path: Path) -> Assessment:
    return assess(read_case(path))


@cache
def told(path: Path) -> Report:
    return build_report(assessed(path))


def of(body: str) -> Report:
    case, wrong = check_case_text(body, "c")
    assert case is not None, wrong
    return build_report(assess(case))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@cache
def hostile() -> Report:
    bad = quoted(HOSTILE)
    return of(
        f"patient: {{id: {bad}}}\nsource: {{citation: {bad}}}\nnotes: {bad}\n"
        "findings: {proximal_weakness: yes, no_objective_weakness: yes}\n"
        f"imaging: [{{modality: {bad}, region: {bad}, date: 2020-01-02}}]\n"
        f"biopsies: [{{tissue: muscle, site: {bad}, report: {bad}, date: 2019}}]\n"
        f"treatments: [{{drug: prednisone, dose: 10, unit: mg, route: {bad}, "
        f"start: 2019-05, notes: {bad}}}]\n"
    )


@cache
def many() -> Report:
    drugs = ("prednisone", "methotrexate", "azathioprine", "tacrolimus", "ciclosporin")
    rows = "".join(
        f"- {{drug: {drugs[number % 5]}, dose: {10 + number % 7}, unit: mg/day, "
        f"start: {2001 + number % 22}-0{1 + number % 9}, stop: {2002 + number % 22}-03}}\n"
        for number in range(200)
    )
    return of(f"patient: {{id: many}}\ndate: 2024-06-01\ntreatments:\n{rows}")


REPORTS: dict[str, Callable[[], Report]] = {
    **{path.stem: partial(told, path) for path in CASES},
    "hostile": hostile,
    "many": many,
}


def parts(one: Report) -> list[Part]:
    return [*one.problems, *(part for section in one.sections for part in section.parts)]


def figures(one: Report) -> list[Figure]:
    return [figure for part in parts(one) for figure in part.figures]


def paragraphs(some: tuple[Paragraph, ...]) -> list[Paragraph]:
    return [x for one in some for x in (one, *paragraphs(one.details))]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    """Set MYORESIST_GOLDEN=1 to write the texts anew, then read the difference."""
    got = markdown.render(told(path))
    golden = HERE / "golden" / f"{path.stem}.md"
    if os.environ.get("MYORESIST_GOLDEN"):
        golden.write_text(got, encoding="utf-8")
    assert got == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_html_is_valid_and_asks_for_nothing(name: str) -> None:
    one = REPORTS[name]()
    text = html.render(one)
    html5lib.HTMLParser(strict=True).parse(text)
    seen = _Seen()
    seen.feed(text)
    assert len(seen.ids) == len(set(seen.ids))
    assert {target for target in seen.links if target.startswith("#")} <= {
        f"#{name}" for name in seen.ids
    }
    assert all(re.match(r"#|https?://", target) for target in seen.links)
    assert not seen.loads
    assert "script" not in seen.tags
    assert "url(" not in text and "@import" not in text
    assert "default-src 'none'" in text


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name == "id":
                self.ids.append(value or "")
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("href", "src", "srcset", "data", "action", "poster", "xlink:href"):
                self.loads.append(value or "")


def test_a_case_cannot_write_markup_into_any_form() -> None:
    one = hostile()
    text = html.render(one)
    tags = _Seen()
    tags.feed(text)
    assert not {"script", "img"} & tags.tags
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    rendered = MarkdownIt().enable("table").render(markdown.render(one))
    seen = _Seen()
    seen.feed(rendered)
    assert not {"script", "img", "code"} & seen.tags
    assert "e" not in seen.links
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in rendered
    assert "<script>alert(1)" in " ".join(pdf_text(one).split()).replace("> ", ">")


def test_a_case_cannot_cite_a_source() -> None:
    one = of("patient: {id: '[1] \ue000 [2, 3]'}\nfindings: {dysphagia: yes}\n")
    assert not re.search(r'<h1>[^<]*<a href="#source', html.render(one))


@pytest.mark.parametrize("name", REPORTS)
def test_a_picture_is_sound_and_has_words_and_a_table_beside_it(name: str) -> None:
    one = REPORTS[name]()
    for figure in figures(one):
        for svg in (figure.svg, on_paper(figure.svg)):
            root = ElementTree.fromstring(svg)
            width, height = map(float, root.attrib["viewBox"].split()[2:])
            for node in root.iter("{http://www.w3.org/2000/svg}rect"):
                x, y = float(node.attrib["x"]), float(node.attrib["y"])
                assert x >= -0.1 and x + float(node.attrib["width"]) <= width + 0.1, figure.id
                assert y >= -0.1 and y + float(node.attrib["height"]) <= height + 0.1, figure.id
            for node in root.iter("{http://www.w3.org/2000/svg}text"):
                assert float(node.attrib["font-size"]) >= 11
                assert 0 < float(node.attrib["y"]) < height, figure.id
        assert figure.alternative and figure.caption
        assert figure.table.rows, figure.id
        assert all(len(row) == len(figure.table.header) for row in figure.table.rows)


@cache
def read(one: Report) -> PdfReader:
    return PdfReader(io.BytesIO(pdf.render(one)))


def pdf_text(one: Report) -> str:
    return "\n".join(sheet.extract_text() for sheet in read(one).pages)


def test_pdf_can_be_read_by_everyone() -> None:
    one = told(FULL)
    found = read(one)
    assert found.metadata is not None and found.metadata.title == one.title
    catalogue = found.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"].startswith("en")
    text = re.sub(r"\s+", "", pdf_text(one))
    for said in (one.title, *(line.text for line in one.page.lines)):
        assert re.sub(r"\s+", "", said) in text, said
    assert "Řehoř" in text
    first = re.sub(r"\s+", "", found.pages[0].extract_text())
    assert all(re.sub(r"\s+", "", line.text) in first for line in one.page.lines)


def test_two_hundred_courses_stay_readable() -> None:
    one = many()
    (course,) = [figure for figure in figures(one) if figure.id == "timeline"]
    assert len(course.table.rows) >= 200
    height = float(ElementTree.fromstring(course.svg).attrib["viewBox"].split()[3])
    assert height < 900
    assert len(read(one).pages) < 40


def test_a_vague_date_is_never_drawn_as_a_sure_one() -> None:
    def bars(body: str) -> list[str]:
        one = of(f"patient: {{id: P}}\ndate: 2024-06-01\n{body}")
        (course,) = [figure for figure in figures(one) if figure.id == "timeline"]
        nodes = ElementTree.fromstring(course.svg).iter("{http://www.w3.org/2000/svg}rect")
        return [f"{node.attrib['class']}{node.attrib.get('opacity', '')}" for node in nodes]

    row = "treatments: [{drug: azathioprine, start: %s, stop: %s}]\n"
    assert bars(row % ("2022-01-05", "2022-11-05")) == ["main"]
    assert bars(row % ("2022-01", "2022-11-05")) == ["soft0.5", "main"]
    assert bars(row % ("2022", "2022")) == ["soft0.5", "soft0.5"]
    one = of(
        "patient: {id: P}\ndate: 2024-06-01\ntreatments: [{drug: azathioprine, start: 2022-01-05}]\n"
    )
    (course,) = [figure for figure in figures(one) if figure.id == "timeline"]
    assert "end unknown" in course.svg
    assert "end not recorded" in [cell.text for row in course.table.rows for cell in row]


def test_what_has_no_date_is_told_and_not_drawn() -> None:
    one = of("patient: {id: P}\ntreatments: [{drug: azathioprine, dose: 100, unit: mg}]\n")
    assert not [figure for figure in figures(one) if figure.id == "timeline"]
    (part,) = [part for part in parts(one) if part.id == "course"]
    assert part.tables[0].rows[0][2].text == "start not recorded"


def test_a_statement_opens_to_its_rule_and_to_the_data_of_the_patient() -> None:
    (part,) = [part for part in parts(told(FULL)) if part.id == "explanations"]
    (said,) = [one for one in part.paragraphs if one.text.startswith("Respiratory muscle weakness")]
    assert "Dysphagia" in said.rule
    assert any("present (line " in str(one) for one in said.data)
    assert said.cites
    text = html.render(told(FULL))
    assert f"<b>Rule:</b> {said.rule}" in text


def test_what_settled_a_definition_is_never_called_unknown() -> None:
    (part,) = [part for part in parts(told(FULL)) if part.id == "treatment-so-far"]
    (met,) = [one for one in part.paragraphs if one.text.startswith("Prednisolone for twelve")]
    assert met.text.endswith(": met")
    rests = "disease active under it or at its end, and since: present"
    assert f"At least 20 mg of prednisolone a day for four weeks: {rests}" in map(str, met.data)
    assert not any("unknown" in str(one) for one in met.data)


def test_a_weak_band_is_told_where_a_statement_rests_on_it() -> None:
    one = of(
        "patient: {id: P}\nautoantibodies:\n"
        "- {antibody: anti-MDA5, method: line blot, result: weak}\n"
    )
    said = [x for part in parts(one) for x in paragraphs(part.paragraphs)]
    data = [str(line) for x in said for line in x.data if "MDA5" in line.label]
    assert any(": weak by line" in line for line in data), data


@pytest.mark.parametrize("name", REPORTS)
def test_what_supports_an_explanation_is_never_called_unknown(name: str) -> None:
    (part,) = [part for part in parts(REPORTS[name]()) if part.id == "explanations"]
    for one in part.paragraphs:
        if ": supported (" in one.text:
            assert any(line.value != UNKNOWN for line in one.data), one


@pytest.mark.parametrize("name", REPORTS)
def test_what_speaks_against_an_option_is_never_called_unknown(name: str) -> None:
    (part,) = [part for part in parts(REPORTS[name]()) if part.id == "options"]
    for one in paragraphs(part.paragraphs):
        if one.text.startswith(("Contraindicated", "Only without", "Caution")):
            assert one.data and all(line.value != UNKNOWN for line in one.data), one


def test_every_computed_explanation_and_definition_has_its_rule() -> None:
    data = assessed(FULL)
    assert {
        f"explanation.{one.id}" for one in data.resistance.why.explanations
    } <= data.rules.keys()
    met = [one for one in data.resistance.treatment.definitions if one.state is not None]
    assert {f"refractory.{one.id}" for one in met} <= data.rules.keys()


def test_a_met_criterion_is_never_called_a_diagnosis() -> None:
    for path in CASES:
        (part,) = [part for part in parts(told(path)) if part.id == "criteria"]
        text = " ".join(one.text for one in part.paragraphs)
        assert "it does not make a diagnosis" in text


def test_alike_unknowns_are_said_once() -> None:
    for path in CASES:
        for part in parts(told(path)):
            for one in paragraphs(part.paragraphs):
                if "unknown" in one.text and part.id == "treatment-so-far":
                    assert one.text.count(": adequate trial") <= 2, one.text


def test_the_record_says_where_each_finding_stands() -> None:
    (part,) = [part for part in parts(told(FULL)) if part.id == "findings"]
    rows = {row[0].text: [cell.text for cell in row] for row in part.tables[0].rows}
    assert rows["Dysphagia or oesophageal dysmotility"][1] == "present"
    assert re.fullmatch(r"line \d+", rows["Dysphagia or oesophageal dysmotility"][3])


def test_figures_of_a_study_stand_with_what_makes_them_less_sure() -> None:
    assessment = assessed(next(one for one in EXAMPLES if one.stem == "anti_srp_refractory"))
    said = [line.text for line in Treatment(assessment, everything=True).options()]
    results = [
        place for one in assessment.treatment.subsets for place in one.options if place.result
    ]
    assert results
    assert any(place.result_warning for place in results)
    assert any(doubts(place.result) for place in results if place.result)
    for place in results:
        assert place.result is not None
        parts = (counts(place.result), place.result_warning or "", doubts(place.result))
        assert any(all(part in text for part in parts) for text in said), place.option
