"""What a process is asked: a request in bytes or text becomes a reply. It reads and writes nothing else."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass, replace
from functools import cache
from json import dumps
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from myoresist.cohort.threads import THREADS
from myoresist.service.problems import MEDIA_TYPE, Refusal, no_letter, unreadable, unusable

if TYPE_CHECKING:
    from myoresist.case.model import Case

JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
MOST_FIELDS = 20_000
NAME, LETTER = "-", "letter"
"""What a case and a letter are called that came from no file, as on the command line."""


@dataclass(frozen=True)
class Reply:
    """What is answered; an empty one where nobody waits for it any more.

    Attributes:
        file: what a browser shall call it when it saves it; it names no patient.
    """

    media: str = TEXT
    body: bytes = b""
    status: int = 200
    file: str | None = None


def begin() -> None:
    """Read the whole knowledge, and answer once, so that the first request does not wait."""
    # One request has one process; its tables are too small to be shared out.
    for threads in THREADS:
        os.environ.setdefault(threads, "1")
    from myoresist.assessment import assess
    from myoresist.case.model import Case
    from myoresist.library import Knowledge

    Knowledge.load(check=True)
    assess(Case.model_validate({"patient": {"id": "1"}}))
    # The knowledge stays for good: whoever looks for what may be thrown away need not walk through it.
    gc.collect()
    gc.freeze()


def assess_json(text: bytes) -> Reply:
    """Answer a case file as ``myoresist assess --json`` does."""
    from myoresist.assessment import assess

    case = _read(text)
    if isinstance(case, Reply):
        return case
    return Reply(JSON, (assess(case).model_dump_json(indent=2) + "\n").encode())


def validate_json(text: bytes) -> Reply:
    """Answer a case file as ``myoresist validate --json`` does."""
    from myoresist.assessment import doubts
    from myoresist.document import checked
    from myoresist.exchange.door import check_text

    case, problems = check_text(text, NAME)
    return as_json([checked(NAME, problems, doubts(case) if case else ())])


def letter_json(data: bytes) -> Reply:
    """Answer a letter, as text or PDF, as ``myoresist read --json`` does."""
    from myoresist.letters import LetterError, read
    from myoresist.letters.source import decoded

    try:
        letter = read(decoded(data, LETTER), source=LETTER)
    except LetterError as error:
        return refused(no_letter(str(error)))
    return as_json([letter.model_dump(mode="json")])


def schema_json(of: str) -> Reply:
    """Answer as ``myoresist schema`` does; ``of`` is case or assessment."""
    return as_json(schemas()[of])


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of the case file and of the assessment."""
    from myoresist.assessment import assessment_schema
    from myoresist.case.words import case_schema

    return {"case": case_schema(), "assessment": assessment_schema()}


def as_json(data: object) -> Reply:
    """Return data as the command line prints it for a machine."""
    return Reply(JSON, (dumps(data, indent=2, ensure_ascii=False) + "\n").encode())


def refused(refusal: Refusal) -> Reply:
    """Return a refusal as a reply."""
    return Reply(MEDIA_TYPE, refusal.body, refusal.status)


def _read(text: bytes) -> Case | Reply:
    from myoresist.exchange.door import check_text

    case, problems = check_text(text, NAME)
    return refused(unusable(problems)) if case is None else case


def described(told: dict[str, Any]) -> Reply:
    """Answer with the description of the API, to which the schemas are added."""
    return as_json(_described(told))


def docs(told: dict[str, Any]) -> Reply:
    """Answer with the description of the API as a page."""
    from myoresist.service.view import render_docs

    return Reply(HTML, render_docs(_described(told)).encode())


def _described(told: dict[str, Any]) -> dict[str, Any]:
    from myoresist.service.described import components

    return told | {"components": {"schemas": components(schemas())}}


def page(form: bytes = b"", launches: bool = False) -> Reply:
    """Answer with the whole page: the form as it was sent, and the answer.

    Args:
        form: what was entered.
        launches: whether record systems can open it.
    """
    if not form:
        return Reply(HTML, _first_page(launches))
    from myoresist.service.form import renumbered
    from myoresist.service.view import answer, render_page

    sent = _entries(form)
    if isinstance(sent, Reply):
        return sent
    entries = renumbered(sent)
    return Reply(HTML, render_page(entries, answer(entries)).encode())


@cache
def _first_page(launches: bool) -> bytes:
    from myoresist.service.view import answer, render_page

    return render_page({}, answer({}), launches=launches).encode()


def answered(form: bytes) -> Reply:
    """Answer with page one beside the form, and what it changed; what would change most is asked for next."""
    from myoresist.service.view import answer, render_answer

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    return Reply(HTML, render_answer(answer(entries, ask=False)).encode())


def asked(form: bytes) -> Reply:
    """Answer with what would change the page most."""
    from myoresist.service.view import answer, render_asks

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    return Reply(HTML, render_asks(answer(entries)).encode())


def opened(file: bytes, form: bytes = b"") -> Reply:
    """Answer with the page on which a case file or the rows of a table stand, or with a letter to confirm."""
    from myoresist.service.view import is_letter, open_file, render_page

    table = _table(file)
    if table:
        return _with_rows(table, form)
    if is_letter(file):
        return lettered(file, form)
    return Reply(HTML, render_page(*open_file(file)).encode())


def launched(record: bytes, system: str, missing: tuple[str, ...], banner: bool) -> Reply:
    """Answer with the page on which the record stands that a record system opened.

    Args:
        record: a Bundle of one patient.
        system: what the record system is called.
        missing: what of the record could not be had, in words.
        banner: whether the page has to say whose it is.
    """
    from myoresist.service.view import BANNER, Note, banner_of, open_file, render_page

    entries, found = open_file(record)
    lacking = tuple(
        Note("", "", f"{x}: could not be read there; unknown, not absent") for x in missing
    )
    found = replace(found, remarks=(*lacking, *found.remarks))
    entries |= {BANNER: banner_of(record, system, banner)}
    return Reply(HTML, render_page(entries, found).encode())


def told(status: int, title: str, detail: str, links: tuple[tuple[str, str], ...]) -> Reply:
    """Answer with a page that says something, and leads on."""
    from myoresist.service.view import render_told

    return Reply(HTML, render_told(title, detail, links).encode(), status)


def _table(file: bytes) -> tuple[str, str] | None:
    """Return a table that was opened as text, with the table of the form to which it belongs."""
    from myoresist.case.reading import packaged_terms
    from myoresist.letters import LetterError
    from myoresist.letters.source import decoded
    from myoresist.service.tables import section_of

    if file.startswith(b"%PDF"):
        return None
    try:
        text = decoded(file, LETTER)
    except LetterError:
        return None
    section = section_of(text, packaged_terms())
    return (section, text) if section else None


def _with_rows(table: tuple[str, str], form: bytes) -> Reply:
    """Answer with the page on which the rows of a table stand after what was entered."""
    from myoresist.case.reading import packaged_terms
    from myoresist.service.tables import PASTE, with_pasted
    from myoresist.service.view import answer, render_page

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    section, text = table
    found = with_pasted({**entries, f"{section}.{PASTE}": text}, packaged_terms())
    return Reply(HTML, render_page(found, answer(found)).encode())


def lettered(file: bytes, form: bytes) -> Reply:
    """Answer with a letter, its words marked, and its statements to confirm; ``form`` is what was entered."""
    from myoresist.letters import LetterError, read
    from myoresist.letters.source import decoded
    from myoresist.service.view import Note, answer, render_letter, render_page

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    try:
        text = decoded(file, LETTER) if file else entries.get(LETTER, "")
        letter = read(text, source=LETTER)
    except LetterError as error:
        found = answer(entries)
        note = Note(LETTER, "The letter", str(error).removeprefix(f"{LETTER}: "))
        told = replace(found, mistakes=(*found.mistakes, note))
        return Reply(HTML, render_page(entries, told).encode())
    kept = urlencode({name: value for name, value in entries.items() if name != LETTER})
    return Reply(HTML, render_letter(letter, kept).encode())


def taken(form: bytes) -> Reply:
    """Answer with the page on which what was confirmed of a letter stands in the form."""
    from myoresist.letters import LetterError, read
    from myoresist.service import letters
    from myoresist.service.view import Note, answer, render_page

    sent = _entries(form)
    if isinstance(sent, Reply):
        return sent
    before = _entries(sent.get(letters.FORM, "").encode())
    if isinstance(before, Reply):
        return before
    try:
        letter = read(sent.get(letters.TEXT, ""), source=LETTER)
    except LetterError as error:
        return refused(no_letter(str(error)))
    done = letters.taken(letter, sent, before)
    said = "the letter says otherwise; what was entered stays"
    notes = tuple(Note("", "", f"{one}: {said}") for one in done.kept)
    told = answer(done.entries)
    told = replace(told, remarks=(*notes, *told.remarks))
    return Reply(HTML, render_page(done.entries, told).encode())


def found(query: str) -> Reply:
    """Answer with the findings that a search finds."""
    from myoresist.service.view import render_results

    return Reply(HTML, render_results(query).encode())


def table(section: str, form: bytes) -> Reply:
    """Answer with the rows of a table, with those that were pasted."""
    from myoresist.service.view import render_rows

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    return Reply(HTML, render_rows(section, entries).encode())


def saved(kind: str, form: bytes) -> Reply:
    """Answer with the case file that a form wrote; it may hold mistakes. ``kind`` is yaml or json."""
    from myoresist.service.form import case_of

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    written = case_of(entries)
    if kind == "yaml":
        return Reply("application/yaml", written.text.encode(), file="case.yaml")
    text = dumps(written.data, indent=2, ensure_ascii=False) + "\n"
    return Reply(JSON, text.encode(), file="case.json")


def exported(kind: str, form: bytes) -> Reply:
    """Answer with the report in another form: html, pdf, md, txt, or reasons, the report with its reasons."""
    from myoresist.service import export
    from myoresist.service.form import case_of
    from myoresist.service.view import read

    entries = _entries(form)
    if isinstance(entries, Reply):
        return entries
    case, problems = read(case_of(entries))
    return refused(unusable(problems)) if case is None else export.FORMS[kind](case)


def static(name: str) -> Reply:
    """Answer with the style or the script of the page."""
    from myoresist.service import view

    media, text = view.STATIC[name]
    return Reply(f"{media}; charset=utf-8", text().encode())


def _entries(form: bytes) -> dict[str, str] | Reply:
    """Read what a form sent, with the rows that were pasted."""
    from myoresist.library import Knowledge
    from myoresist.service.tables import with_pasted

    try:
        pairs = parse_qsl(form.decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        return refused(unreadable(MOST_FIELDS))
    return with_pasted(
        {name: value.replace("\r\n", "\n") for name, value in pairs}, Knowledge.load().terms
    )
