"""The texts of a record: letters, reports and narratives, as plain words with their place."""

from __future__ import annotations

import base64
import binascii
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from myoresist.exchange.fhir.bundle import Record, Resource, listed, place
from myoresist.exchange.fhir.datatypes import day, named, when, words
from myoresist.exchange.received import Draft

VOID = ("entered-in-error", "cancelled", "superseded")
PLAIN, HYPER = "text/plain", ("text/html", "application/xhtml+xml")
PDF = "application/pdf"
REPEATED = ("generated", "empty")
"""Narratives that say nothing beside the data of their entries."""
MOST_DATA = 4_000_000
SENTENCE = 4
"""Words from which the value of an observation is a text rather than a result."""
_BREAK = frozenset((
    "p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section",
    "article", "header", "footer", "hr", "dt", "dd", "pre",
))  # fmt: skip
_CELL, _SILENT = ("td", "th"), ("script", "style", "head")


@dataclass(frozen=True)
class Text:
    """Words of a record.

    Attributes:
        place: where they stand, as ``DiagnosticReport/1.conclusion``.
        heading: what they are called there.
        body: the words.
        date: of when they are, as it is written.
    """

    place: str
    heading: str
    body: str
    date: str | None = None


def texts(record: Record, draft: Draft) -> Iterator[Text]:
    """Yield the texts of a record; what cannot be read is noted."""
    for one in record.resources:
        kind = one["resourceType"]
        if kind not in ("DocumentReference", "DiagnosticReport", "Composition"):
            continue
        void = next((x for x in (one.get("status"), one.get("docStatus")) if x in VOID), None)
        if void:
            draft.note(place(one), f"{_heading(one)}: {void}, not read")
        elif kind == "DocumentReference":
            for content in listed(one, "content"):
                yield from _attached(one, content.get("attachment"), record, draft)
        elif kind == "DiagnosticReport":
            yield from _report(one, record, draft)
        else:
            for section in listed(one, "section"):
                yield from _section(one, section, draft)


def sentences(one: Resource) -> Text | None:
    """Return the value of an observation that is no result but a text."""
    said = one.get("valueString")
    if not isinstance(said, str) or len(said.split()) < SENTENCE:
        return None
    return Text(f"{place(one)}.valueString", named(one.get("code")), said, when(one, *_DATES))


_DATES = ("effectiveDateTime", "effectivePeriod", "effectiveInstant")


def _heading(one: Resource) -> str:
    told = [
        words(one.get("type")),
        words(one.get("code")),
        one.get("title"),
        one.get("description"),
    ]
    return next((x.strip() for x in told if isinstance(x, str) and x.strip()), "a text")


def _report(one: Resource, record: Record, draft: Draft) -> Iterator[Text]:
    said = one.get("conclusion")
    if isinstance(said, str) and said.strip():
        yield Text(f"{place(one)}.conclusion", _heading(one), said, when(one, *_DATES))
    for concept in listed(one, "conclusionCode"):
        draft.note(place(one), f"{named(concept)}: the conclusion of a report, to be confirmed")
    for attachment in listed(one, "presentedForm"):
        yield from _attached(one, attachment, record, draft)


def _section(one: Resource, section: Resource, draft: Draft) -> Iterator[Text]:
    text = section.get("text")
    title = section.get("title")
    name = title.strip() if isinstance(title, str) else named(section.get("code"))
    empty = section.get("emptyReason")
    if isinstance(empty, Mapping):
        draft.note(place(one), f"{name}: empty ({named(empty)}); nothing is taken for absent")
    if isinstance(text, Mapping) and isinstance(text.get("div"), str):
        repeated = text.get("status") in REPEATED and bool(listed(section, "entry"))
        body = plain(text["div"])
        if body and not repeated:
            yield Text(f"{place(one)}.section[{name}]", name, body, day(one.get("date")))
    for inner in listed(section, "section"):
        yield from _section(one, inner, draft)


def _attached(one: Resource, attachment: object, record: Record, draft: Draft) -> Iterator[Text]:
    """Yield the text of an attachment that the record holds, by itself or as a Binary."""
    if not isinstance(attachment, Mapping):
        return
    data, kind = attachment.get("data"), attachment.get("contentType")
    if data is None and (binary := record.resolve(attachment.get("url"), one)):
        data, kind = binary.get("data"), binary.get("contentType") or kind
    name = attachment.get("title") if isinstance(attachment.get("title"), str) else _heading(one)
    language = attachment.get("language") or one.get("language") or "en"
    form, charset = _form(kind)
    why = None
    if not isinstance(data, str):
        why = "is elsewhere, and nothing is fetched" if attachment.get("url") else "is empty"
    elif form not in (PLAIN, PDF, *HYPER):
        why = f"is {form or 'of no known form'}, not read"
    elif not str(language).lower().startswith("en"):
        why = f"is not in English ({language}), not read"
    elif len(data) > MOST_DATA:
        why = "is too large, not read"
    if why is None and isinstance(data, str):
        try:
            raw = base64.b64decode("".join(data.split()), validate=True)
            body = _pdf(raw) if form == PDF else raw.decode(charset)
        except (binascii.Error, ValueError, LookupError) as error:
            why = f"cannot be read: {error}"
        else:
            body = plain(body) if form in HYPER else body
            date = day(attachment.get("creation")) or day(one.get("date"))
            yield Text(place(one), str(name), body, date or when(one, *_DATES))
    if why:
        draft.note(place(one), f"{name}: the text {why}")


def _form(kind: object) -> tuple[str, str]:
    """Return the media type of an attachment, and how its letters are encoded."""
    if not isinstance(kind, str):
        return "", "utf-8"
    form, _, rest = kind.lower().partition(";")
    charset = re.search(r"charset=\"?([\w.-]+)", rest)
    return form.strip(), charset[1] if charset and charset[1] != "utf8" else "utf-8"


def _pdf(data: bytes) -> str:
    """Return the text of a PDF.

    Raises:
        ValueError: where it has none, or the library for it is missing.
    """
    from myoresist.letters.source import of_pdf

    # Its library tells of every flaw of a font on standard error.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    return of_pdf(data, "the PDF")


class _Words(HTMLParser):
    """Takes the words out of hypertext, with the lines and cells that part them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        self.parts.append("\n" if tag in _BREAK else " | " if tag in _CELL else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self.silent:
            self.silent -= 1
        self.parts.append("\n" if tag in _BREAK else "")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain(text: str) -> str:
    """Return the words of hypertext; a row of a table is a line with bars."""
    reader = _Words()
    reader.feed(text)
    reader.close()
    lines = (x.strip(" |\t") for x in "".join(reader.parts).split("\n"))
    return "\n".join(" ".join(x.split()) for x in lines if x.strip())
