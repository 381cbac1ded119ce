"""The page: a form on one side, the answer on the other. It is the same page as a report has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from myoresist.assessment import NOTICE, Assessment, PageOne, assess, page_one
from myoresist.case.catalogue import Finding
from myoresist.case.model import Case
from myoresist.case.reading import case_document, check_case_text
from myoresist.case.spelling import respelled
from myoresist.document import DocumentError, Problem, parse_document
from myoresist.exchange.door import foreign
from myoresist.letters import Letter
from myoresist.library import Knowledge
from myoresist.report.builder import build_page
from myoresist.report.charts.drawing import PAPER
from myoresist.report.document import Report
from myoresist.report.wording import asked_for
from myoresist.service import fields, letters
from myoresist.service.asks import Ask, Change, asks, changes, kept
from myoresist.service.form import MORE, REST, Entries, Written, case_of, entries_of, rows
from myoresist.service.search import search

BEFORE, QUERY, FILE = "before", "q", "The file"
BANNER = "banner"
"""The field that says whose record was opened, so that every page shows it."""
FEW_WORDS = 15
"""Words below which a text is not taken for a letter."""
_PLACE = re.compile(r"(\w+\[[0-9]+\](?:\.\w+)?): ")


@dataclass(frozen=True)
class Note:
    """What is said of one field: a mistake, or what could not be used as written."""

    name: str
    place: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What stands beside the form.

    Attributes:
        report: page one; nothing while the entries hold a mistake.
        mistakes: what keeps the entries from being a case.
        remarks: what was not used as written.
        changes: what differs from the page before.
        asks: what would change most.
        before: what stands on the page, for the next answer to compare.
    """

    report: Report | None
    mistakes: tuple[Note, ...] = ()
    remarks: tuple[Note, ...] = ()
    changes: tuple[Change, ...] = ()
    asks: tuple[Ask, ...] = ()
    before: str = ""

    def notes(self, name: str) -> list[str]:
        """Return what is said of a field."""
        return [one.text for one in (*self.mistakes, *self.remarks) if one.name == name]

    def wrong(self, name: str) -> bool:
        """Tell whether a field holds a mistake."""
        return any(one.name == name for one in self.mistakes)


def read(written: Written) -> tuple[Case | None, list[Problem]]:
    """Return the case that a form wrote, or what is wrong with it."""
    if written.problems:
        return None, list(written.problems)
    return check_case_text(written.text, "form")


def answer(entries: Entries, ask: bool = True) -> Answer:
    """Return what stands beside a form.

    Args:
        entries: what was entered.
        ask: whether to say what would change most, which takes as long again as the page.
    """
    written = case_of(entries)
    case, problems = read(written)
    before = entries.get(BEFORE, "")
    if case is None:
        return Answer(None, tuple(_mistakes(problems, written)), before=before)
    base = Knowledge.load()
    assessment = assess(case, base) if ask else page_one(case, base)
    report = build_page(assessment)
    return Answer(
        report,
        remarks=tuple(_remarks(assessment, written)),
        changes=tuple(changes(before, report.page)),
        asks=tuple(asks(assessment, base.catalogue)) if isinstance(assessment, Assessment) else (),
        before=kept(report.page),
    )


def _mistakes(problems: Iterable[Problem], written: Written) -> Iterator[Note]:
    for one in problems:
        name = REST if one.file == REST else written.name_of(one.field)
        yield Note(name, place_of(name, one.field), one.message)


def _remarks(assessment: PageOne, written: Written) -> Iterator[Note]:
    """Yield what could not be used, at the field that it is about where it names one."""
    for remark in assessment.remarks:
        place = _PLACE.match(remark)
        if place:
            name = written.name_of(remark[: place.end() - 2])
            yield Note(name, place_of(name, place[1]), asked_for(remark[place.end() :]))
        else:
            yield Note("", "", asked_for(remark))
    for clash in assessment.contradictions:
        name = f"findings.{clash.finding}"
        yield Note(name, place_of(name, ""), clash.text)


def place_of(name: str, place: str) -> str:
    """Return what a field is called, for somebody who looks at the form.

    Args:
        name: the field.
        place: the place in the case file, which the rest of the case is told by.
    """
    section, _, key = name.partition(".")
    if section in fields.GRIDS and "." in key:
        grid = fields.GRIDS[section]
        row, _, column = key.partition(".")
        label = next((one.label for one in grid.fields if one.key == column), "")
        of = f", {label.lower()}" if label and place.endswith(f".{column}") else ""
        return f"{grid.one.capitalize()} {int(row) + 1}{of}"
    if name in fields.SINGLE:
        return fields.SINGLE[name].label
    found = Knowledge.load().catalogue.findings.get(key) if section == "findings" else None
    return found.label if found else place or "The rest of the case"


def banner_of(record: bytes, system: str, named: bool) -> str:
    """Return what the page says of whose record stands on it, and where it comes from.

    Args:
        record: a Bundle of one patient, who comes first.
        system: what the record system is called.
        named: whether to say who it is; the record system may show it around the page.
    """
    patient = json.loads(record)["entry"][0]["resource"] if named else {}
    told = (_name_of(patient.get("name")), patient.get("birthDate"), patient.get("gender"))
    who = [x for x in (*told, named and f"id {patient.get('id')}") if isinstance(x, str) and x]
    said = f"Read from {system}; nothing is written there."
    return f"{', '.join(who)}. {said}" if who else said


def _name_of(names: object) -> str:
    """Return how a patient is called, as the record writes it."""
    for one in names if isinstance(names, list) else ():
        if isinstance(one, Mapping):
            if isinstance(one.get("text"), str):
                return str(one["text"])
            given = one.get("given")
            parts = [*(given if isinstance(given, list) else ()), one.get("family")]
            said = " ".join(x for x in parts if isinstance(x, str))
            if said:
                return said
    return ""


def render_page(entries: Entries, found: Answer, launches: bool = False) -> str:
    """Return the whole page: the form with what was entered, and the answer.

    Args:
        entries: what was entered.
        found: the answer.
        launches: whether record systems can open it.
    """
    base = Knowledge.load()
    asked = fields.asked()
    shown = {one for group in asked.values() for one in group}
    named = (
        x.partition(".")[2] for x, value in entries.items() if x.startswith("findings.") and value
    )
    more = [x for x in named if x in base.catalogue and x not in shown]
    return _environment().get_template("page.html.j2").render(
        **_shared(found),
        entries=entries,
        entered=bool(entries),
        fields=fields,
        grids={one.section: Rows.of(one, entries) for one in fields.GRIDS.values()},
        questions={name: fields.findings(base, ids) for name, ids in asked.items()},
        further=fields.findings(base, more),
        completions=fields.completions(base),
        results=search(entries[QUERY]) if entries.get(QUERY, "").strip() else None,
        notice=NOTICE,
        banner=entries.get(BANNER, ""),
        launches=launches,
    )  # fmt: skip


def render_told(title: str, detail: str, links: Iterable[tuple[str, str]]) -> str:
    """Return a page that says something, and leads on."""
    return _environment().get_template("told.html.j2").render(
        title=title, detail=detail, links=links
    )  # fmt: skip


def render_answer(found: Answer) -> str:
    """Return the answer alone."""
    return _environment().get_template("answer.html.j2").render(**_shared(found))


def render_asks(found: Answer) -> str:
    """Return what would change most, alone."""
    return _environment().get_template("asks.html.j2").render(**_shared(found))


def render_results(query: str) -> str:
    """Return the findings that a search finds, each with what to answer."""
    found: list[Finding] = search(query)
    return _environment().get_template("results.html.j2").render(results=found)


def render_rows(section: str, entries: Entries) -> str:
    """Return the rows of a table."""
    table = Rows.of(fields.GRIDS[section], entries)
    shown = Answer(None)
    return _environment().get_template("rows.html.j2").render(**_shared(shown), table=table)


def render_docs(described: Mapping[str, Any]) -> str:
    """Return the description of the API as a page."""
    return _environment().get_template("docs.html.j2").render(told=described)


def open_file(text: bytes) -> tuple[dict[str, str], Answer]:
    """Return what stands in the form that shows a case file, and the answer."""
    base = Knowledge.load()
    try:
        received = foreign(text, FILE)
        document = case_document(received.yaml() if received else text, FILE)
        if document.problems:
            raise DocumentError(document.problems)
        document = respelled(document, base.terms)
    except DocumentError as error:
        return {}, Answer(
            None, tuple(Note("", f"Line {x.line or 1}", x.message) for x in error.problems)
        )
    if not isinstance(document.data, Mapping):
        said = "this is no case file; 'myoresist template' prints an empty one"
        return {}, Answer(None, (Note("", FILE, said),))
    entries = entries_of(document, base.catalogue)
    unused = tuple(Note("", "", one) for one in received.notes) if received else ()
    found = answer(entries)
    return entries, replace(found, remarks=(*unused, *found.remarks))


def is_letter(file: bytes) -> bool:
    """Tell whether a file is a letter, and no case file: a PDF, or text that is no list of sections."""
    if file.startswith(b"%PDF"):
        return True
    if file.lstrip()[:1] in (b"{", b"[") or len(file.split()) < FEW_WORDS:
        return False
    try:
        data = parse_document(file, FILE).data
    except DocumentError:
        return not re.search(rb"^(patient|findings|labs|treatments) *:", file, re.MULTILINE)
    return not isinstance(data, Mapping) or not data.keys() & Case.model_fields.keys()


def render_letter(letter: Letter, form: str) -> str:
    """Return a letter, its words marked, and its statements to confirm.

    Args:
        letter: what was read in it.
        form: what was entered before, as the form sends it.
    """
    return _environment().get_template("letter.html.j2").render(
        letter=letter, form=form, pieces=letters.pieces(letter), groups=letters.groups(letter),
        signs=letters.SIGNS,
    )  # fmt: skip


def style() -> str:
    """Return the style of the page and of the report in it."""
    report = _environment().get_template("report.css").render(roles=list(PAPER))
    return report + _environment().get_template("serve.css").render()


def script() -> str:
    """Return the script of the page."""
    return _environment().get_template("serve.js").render()


def icon() -> str:
    """Return the sign of the page."""
    return _environment().get_template("icon.svg").render()


STATIC = {
    "serve.css": ("text/css", style), "serve.js": ("text/javascript", script),
    "icon.svg": ("image/svg+xml", icon),
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """The rows of a table: those that say anything, and some that wait to be filled."""

    grid: fields.Grid
    rows: Mapping[int, Mapping[str, str]]

    @classmethod
    def of(cls, grid: fields.Grid, entries: Entries) -> Rows:
        """Number the rows anew, from nothing."""
        filled: list[Mapping[str, str]] = list(rows(entries, grid).values())
        spare: list[Mapping[str, str]] = [{} for _ in range(grid.spare)]
        if not filled:
            spare[0] = dict(grid.first)
        return cls(grid, dict(enumerate(filled + spare)))


def _shared(found: Answer) -> dict[str, Any]:
    return {"answer": found, "report": found.report, "unfolded": False, "MORE": MORE, "REST": REST}


@cache
def _environment() -> Environment:
    return Environment(
        loader=ChoiceLoader(
            [PackageLoader("myoresist.service"), PackageLoader("myoresist.report")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
