"""What every knowledge file has in common: strict entries, how a fact was checked, and the bibliography."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from myoresist.document import Document, DocumentError, Path_, Problem, read_document

HOW_CHECKED = ("seen", "recall", "estimate", "computed", "convention")


def _check(text: str) -> str:
    if not re.match(rf"({'|'.join(HOW_CHECKED)})\b", text):
        raise ValueError(f"a check starts with one of {', '.join(HOW_CHECKED)}")
    return text


Check = Annotated[str, AfterValidator(_check)]
"""How a fact was checked: seen (and where), recall (and how sure), estimate, computed or convention."""


class Entry(BaseModel):
    """A piece of knowledge. Unknown keys are errors, so that a misspelt one cannot be lost unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Entry):
    """An entry that names the works it rests on and how it was checked."""

    cites: tuple[str, ...] = ()
    check: Check | None = None


class Reference(Entry):
    """One work of the bibliography.

    Attributes:
        text: the whole citation.
        short: what stands on page one: the first author, or whose work it is, and the year.
    """

    key: str
    text: str
    short: str
    doi: str | None = None
    pmid: str | None = None
    pmcid: str | None = None
    url: str | None = None

    @property
    def link(self) -> str | None:
        """Return the address under which the work is found: its DOI, else PubMed, else its own page."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        if self.pmid:
            return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/"
        if self.pmcid:
            return f"https://pmc.ncbi.nlm.nih.gov/articles/{self.pmcid}/"
        return self.url


def _authors(names: list[dict[str, str]]) -> str:
    shown = [
        name.get("literal") or f"{name.get('family', '')} {name.get('given', '')}".strip()
        for name in names
    ]
    if len(shown) > 4:
        shown = [*shown[:3], "et al."]
    return ", ".join(shown).removesuffix(".")


def _cited(item: Mapping[str, Any]) -> str:
    year = item.get("issued", {}).get("date-parts", [[None]])[0][0]
    volume = str(item.get("volume", ""))
    if item.get("issue"):
        volume += f"({item['issue']})"
    place = ":".join(part for part in (volume, str(item.get("page", ""))) if part)
    when = ";".join(part for part in (str(year or ""), place) if part)
    tail = " ".join(part for part in (item.get("container-title", ""), when) if part)
    parts = [_authors(item.get("author", [])), item["title"].rstrip("."), tail]
    return ". ".join(part for part in parts if part) + "."


def _in_short(item: Mapping[str, Any]) -> str:
    if item.get("title-short"):
        return str(item["title-short"])
    authors = item.get("author", [])
    year = item.get("issued", {}).get("date-parts", [[None]])[0][0]
    first = (authors[0].get("family") or authors[0].get("literal")) if authors else None
    title = item["title"].split()
    begins = " ".join(title[:4]).rstrip(".,:;") + (" …" if len(title) > 4 else "")
    whose = first or item.get("container-title") or begins
    return f"{whose} {year}" if year else str(whose)


def load_references(path: Path) -> dict[str, Reference]:
    """Read the bibliography, a CSL-JSON array, as works by key.

    Raises:
        DocumentError: naming the file, if it is no such array.
    """
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
        works = [
            Reference(
                key=item["id"],
                text=_cited(item),
                short=_in_short(item),
                doi=item.get("DOI"),
                pmid=str(item["PMID"]) if item.get("PMID") else None,
                pmcid=item.get("PMCID"),
                url=item.get("URL"),
            )
            for item in items
        ]
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise DocumentError([Problem(str(path), None, "", message)]) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"is no CSL-JSON array of works: {error}"
        raise DocumentError([Problem(str(path), None, "", message)]) from error
    count = Counter(one.key for one in works)
    if twice := [key for key in count if count[key] > 1]:
        raise DocumentError([Problem(str(path), None, key, "stands here twice") for key in twice])
    return {one.key: one for one in works}


class Coverage(Entry):
    """What the knowledge covers: a topic, its state, since when, and against what it was verified."""

    id: str
    kind: str
    status: str
    since: int | None = None
    verified_against: str
    note: str | None = None


Model = TypeVar("Model", bound=BaseModel)


def validated(
    model: type[Model], data: Any, document: Document, at: tuple[str | int, ...] = ()
) -> Model:
    """Return ``data``, found at ``at`` in ``document``, as ``model``.

    Raises:
        DocumentError: one problem per wrong field, each with file, line and field.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = []
        for one in error.errors(include_url=False):
            path = (*at, *one["loc"])
            field = ".".join(str(part) for part in path)
            message = one["msg"].removeprefix("Value error, ")
            problems.append(Problem(document.name, document.line(path), field, message))
        raise DocumentError(problems) from error


def load(path: Path, model: type[Model]) -> Model:
    """Read one knowledge file as ``model``; errors name file, line and field."""
    document = read_document(path)
    found = validated(model, document.data, document)
    _refuse_repeated(document)
    return found


def load_list(path: Path, model: type[Model]) -> tuple[Model, ...]:
    """Read a knowledge file that holds a list of ``model``; errors name file, line and field."""
    document = read_document(path)
    if not isinstance(document.data, list):
        raise DocumentError([Problem(document.name, 1, "", "a list of entries is expected here")])
    entries = tuple(
        validated(model, one, document, (index,)) for index, one in enumerate(document.data)
    )
    _refuse_repeated(document)
    return entries


def _refuse_repeated(document: Document) -> None:
    """Refuse two entries of one list with the same id: the later one would replace the first unseen."""
    if problems := list(_repeated(document, document.data, ())):
        raise DocumentError(problems)


def _repeated(document: Document, value: Any, at: Path_) -> Iterator[Problem]:
    first: dict[str, Path_] = {}
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        here = (*at, name)
        if not isinstance(inner, dict | list):
            continue
        id_ = inner.get("id") if isinstance(inner, dict) and isinstance(value, list) else None
        if isinstance(id_, str) and first.setdefault(id_, here) != here:
            message = f"stands here twice; the first is on line {document.line(first[id_])}"
            yield Problem(document.name, document.line(here), id_, message)
        yield from _repeated(document, inner, here)
