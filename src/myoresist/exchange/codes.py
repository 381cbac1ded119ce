"""Which codes of public systems say what in the words of a case (``knowledge/exchange/``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from myoresist import knowledge
from myoresist.case.catalogue import read_rows
from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.document import read_document
from myoresist.knowledge.schema import Entry, validated

T = TypeVar("T")
_APART = re.compile(r"[()\[\],;:=]|(?<=\w) +(?=\+)|(?<=[a-zé]) +(?=[<>]?=? ?\d)")
"""What parts a result from a figure, a flag or a sign beside it; "(+)" is tried as a whole before."""
_FIGURE = re.compile(r"[<>]?=? ?(?:1 ?[:/] ?)?\d+(?:[.,]\d+)?(?: ?[a-zµ%/]{1,10})?")
_BANDS = ("weak", "moderate", "strong")
_PARTS = re.compile(r"[^\W_]+(?:[-/'][^\W_]+)*|\?")
"""Words of the name of a disease, with the sign of a question."""
Kind = Literal["label", "disease", "finding", "lab", "antibody", "drug", "measure", "result"]
Relation = Literal["exact", "narrower", "screening", "broader"]
MOST_ASKED = 10_000
"""Concepts of which is kept what they say: the same ones come again and again."""


class Code(Entry):
    """A code and what it says.

    Attributes:
        relation: what the code is, seen from ``id``: the same claim, more (narrower), less (broader), or a
            test to screen with, of which a negative result says no and a reactive one nothing sure.
        gloss: what it says, in our own words.
        check: where code and meaning were seen.
    """

    kind: Kind
    id: str
    system: str
    code: str
    relation: Relation
    gloss: str
    check: str


class System(Entry):
    """A code system.

    Attributes:
        addresses: under which it goes.
        prefix: what stands before the colon of a compact identifier.
        dots: whether its codes are written with and without their points.
        whole: whether the prefix is part of the code.
        nested: whether a code is a kind of whatever it begins with: E11.22 is one of E11.
        version: the release of which its codes were taken, where that is known.
    """

    id: str
    addresses: tuple[str, ...]
    prefix: str
    dots: bool = False
    whole: bool = False
    nested: bool = False
    version: str | None = None


class Question(Entry):
    """A code that asks, and what its answers say of a finding.

    Attributes:
        codes: of LOINC.
        yes: codes of answers by which the finding is present; so with ``no``.
        days: for how long an answer holds; without a number it holds until the next.
    """

    finding: str
    codes: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    days: Mapping[str, int] = {}
    check: str


class Conventions(Entry):
    """Names of systems, spellings of results, units, routes and forms, and what else FHIR says in words."""

    check: str
    systems: tuple[System, ...]
    results: Mapping[str, tuple[str, ...]]
    aside: tuple[str, ...] = ()
    units: Mapping[str, str]
    kilograms: Mapping[str, float]
    routes: Mapping[str, tuple[str, ...]]
    forms: tuple[str, ...]
    often: Mapping[str, tuple[str, ...]] = {}
    reasons: Mapping[str, tuple[str, ...]] = {}
    doubts: tuple[str, ...] = ()
    no_allergy: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    unparted: tuple[str, ...] = ()
    undoing: Mapping[str, tuple[str, ...]] = {}
    opening: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


class Coding(NamedTuple):
    """A code as a record writes it; ``system`` is an address, or the prefix of a compact identifier."""

    system: str
    code: str
    display: str = ""

    def __str__(self) -> str:
        """Return what a person would recognise."""
        return self.display or self.code


class Codes:
    """Finds what codes say."""

    def __init__(
        self,
        rows: Iterable[Code],
        conventions: Conventions,
        figures: Mapping[str, Any] | None = None,
    ) -> None:
        """Take rows, conventions, and the figures of ``letters/figures.yaml``, which texts share."""
        told = figures or {}
        self.conventions = conventions
        self.ana_titre: int | None = told.get("ana_titre")
        self.cancer_years: int | None = told.get("cancer_years")
        systems = conventions.systems
        self._systems = {name: one for one in systems for name in _names(one)}
        self._rows: dict[tuple[str, str], list[Code]] = {}
        self._asked: dict[Hashable, Any] = {}
        self._same: dict[tuple[Kind, str], list[Coding]] = {}
        self._results = _by_spelling(conventions.results)
        self._routes = _by_spelling(conventions.routes)
        self._often = _by_spelling(conventions.often)
        self._reasons = _by_spelling(conventions.reasons)
        by_id = {one.id: one for one in systems}
        for row in rows:
            system = by_id[row.system]
            self._rows.setdefault(self._key(system, row.code), []).append(row)
            same = Coding(system.addresses[0], row.code, row.gloss)
            if row.relation == "exact" and same not in self._same.get((row.kind, row.id), ()):
                self._same.setdefault((row.kind, row.id), []).append(same)

    @classmethod
    def load(cls, folder: Path, terms: Terms) -> Codes:
        """Read ``exchange/`` of a knowledge folder; findings and tests have codes of their own beside it.

        Raises:
            DocumentError: naming file, line and field of whatever is wrong.
        """
        document = read_document(folder / "exchange" / "systems.yaml")
        conventions = validated(Conventions, document.data, document)
        rows = [row for _, row in read_rows(folder / "exchange" / "codes.csv", Code)]
        figures = read_document(folder / "letters" / "figures.yaml").data
        return cls([*_own(terms), *rows], conventions, figures)

    def of(self, codings: Iterable[Coding]) -> tuple[Code, ...]:
        """Return what the codes of one concept say, each thing once; the closest claim comes first."""
        asked = tuple(codings)
        return self.remembered(asked, lambda: self._of(asked))

    def remembered(self, asked: Hashable, answer: Callable[[], T]) -> T:
        """Return what is answered to something that is asked again and again; it never changes."""
        if asked not in self._asked:
            if len(self._asked) >= MOST_ASKED:
                self._asked.clear()
            self._asked[asked] = answer()
        found: T = self._asked[asked]
        return found

    def _of(self, codings: tuple[Coding, ...]) -> tuple[Code, ...]:
        found: dict[tuple[Kind, str], Code] = {}
        order = ("exact", "narrower", "screening", "broader")
        for one in codings:
            system = self._systems.get(one.system)
            for row in self._said(system, one.code) if system else ():
                known = found.get((row.kind, row.id))
                if known is None or order.index(row.relation) < order.index(known.relation):
                    found[row.kind, row.id] = row
        return tuple(sorted(found.values(), key=lambda row: order.index(row.relation)))

    def _said(self, system: System, code: str) -> Iterable[Code]:
        """Return what a code says, or else what it is a kind of, where its system builds codes so."""
        own = self._rows.get(self._key(system, code), [])
        if not system.nested:
            return own
        said: dict[Kind, list[Code]] = {}
        for row in own:
            said.setdefault(row.kind, []).append(row)
        whole = self._key(system, code)[1]
        for size in range(len(whole) - 1, 0, -1):
            above = self._rows.get((system.id, whole[:size]), [])
            for kind in {x.kind for x in above} - said.keys():
                said[kind] = [_within(x, code) for x in above if x.kind == kind]
        return [x for rows in said.values() for x in rows]

    def written(self) -> Iterator[tuple[str, str]]:
        """Yield every code that says something of a patient, with each address of its system."""
        for row in (row for rows in self._rows.values() for row in rows if row.kind != "result"):
            addresses = (x for x, one in self._systems.items() if one.id == row.system)
            yield from ((address, row.code) for address in addresses)

    def nested(self) -> Iterator[tuple[str, str]]:
        """Yield the codes of which a longer code is a kind, plain, with each address of their system."""
        for address, code in self.written():
            system = self._systems[address]
            if system.nested:
                yield address, self._key(system, code)[1]

    def findings(self, system: str, relations: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the codes of a system that say findings, each with its finding."""
        for row in (row for rows in self._rows.values() for row in rows):
            if row.kind == "finding" and row.system == system and row.relation in relations:
                yield row.code, row.id

    def saying(self, kind: Kind, name: str) -> tuple[Coding, ...]:
        """Return the codes that say the same as an id, and the same of no other of its kind."""

        def same(one: Coding) -> set[str]:
            return {x.id for x in self.of([one]) if (x.kind, x.relation) == (kind, "exact")}

        return tuple(x for x in self._same.get((kind, name), ()) if same(x) == {name})

    def compact(self, one: Coding) -> tuple[str, str]:
        """Return the prefix of a code and the code as a compact identifier, such as ``HP:0002015``."""
        system = self._systems[one.system]
        code = one.code if system.whole else f"{system.prefix}:{one.code}"
        return system.prefix, code

    def term(self, one: Coding) -> str | None:
        """Return a term of HPO as a compact identifier; ``None`` for a code of another system."""
        system = self._systems.get(one.system)
        return self._key(system, one.code)[1] if system and system.id == "HPO" else None

    def result(self, text: str) -> str | None:
        """Return the result that words say, such as ``negative``; ``None`` if they say anything else.

        Beside it may stand what changes nothing, such as a figure or a flag: "NEGATIVE (<11 SI)".
        """
        whole = self._results.get(_spelling(text))
        if whole:
            return whole
        parts, left = self._left(text)
        said = [self._results.get(_spelling(x)) for x in left]
        if None in said or len(left) == len(parts) == 1:
            return None
        # "Positive +++" says one thing in two ways, the second more closely.
        close = [x for x in said if x != "positive"] or said
        return close[0] if len(set(close)) == 1 and (close == said or close[0] in _BANDS) else None

    def is_figure(self, text: str) -> bool:
        """Tell whether words hold a figure and nothing else but what changes nothing, as "1:640 speckled"."""
        parts, left = self._left(text)
        return bool(parts) and not left

    def _left(self, text: str) -> tuple[list[str], list[str]]:
        """Return the parts of a result, and those that are no figure, flag or the like."""
        aside = self.conventions.aside
        parts = [
            x for y in _APART.split(text.lower()) if (x := y.strip(" .*!").removesuffix(" at"))
        ]
        return parts, [x for x in parts if x not in aside and not _FIGURE.fullmatch(x)]

    def route(self, text: str) -> str | None:
        """Return the route that a word or a code says."""
        return self._routes.get(_spelling(text))

    def often(self, text: str) -> str | None:
        """Return how often a medicine is given, in the words of a case, as words of other kinds say it."""
        return self._often.get(_spelling(text)) if text else None

    def reason(self, code: str) -> str | None:
        """Return why a course was stopped, in the words of a case, as a code of HL7 says it."""
        return self._reasons.get(_spelling(code)) if code else None

    def doubt(self, text: str) -> str | None:
        """Return the words of a text that make it something else than the disease that it names.

        What denies stands first or last: "no dysphagia", and not "diabetes, no complication".
        """
        parts = _PARTS.findall(text.lower().replace("\u2019", "'"))
        plain = f" {' '.join(parts)} "
        told = self.conventions
        return (
            next((x for x in told.doubts if f" {x} " in plain), None)
            or next((x for x in told.unparted if x in text), None)
            or next((x for x in told.denials if plain.startswith(f" {x} ")), None)
            or next((x for x in told.denied if plain.endswith(f" {x} ")), None)
        )

    def question(self, codings: Iterable[Coding]) -> Question | None:
        """Return the question that one of the codes asks."""
        asked = {x.code for x in codings if (y := self._systems.get(x.system)) and y.id == "LOINC"}
        return next((x for x in self.conventions.questions if asked & {*x.codes}), None)

    def answered(self, question: Question, codings: Iterable[Coding]) -> bool | None:
        """Return what the codes of an answer say; ``None`` where they say neither or both."""
        said = {x.code for x in codings if x.system in self._systems}
        yes, no = bool(said & {*question.yes}), bool(said & {*question.no})
        return yes if yes is not no else None

    def acts_locally(self, text: str) -> bool:
        """Tell whether the words of a product or an instruction name a form that acts where it is put."""
        plain = f" {' '.join(_PARTS.findall(text.lower()))} "
        return any(f" {x} " in plain for x in self.conventions.local)

    def undone(self, kind: str, text: str) -> str | None:
        """Return the words of a note that take back what a resource of a kind says."""
        told = self.conventions
        plain = f" {' '.join(_PARTS.findall(text.lower()))} "
        anywhere = (*told.undoing.get("any", ()), *told.undoing.get(kind, ()))
        found = next((x for x in anywhere if f" {x} " in plain), None)
        return self._opened(text) if found is None and kind == "Condition" else found

    def _opened(self, text: str) -> str | None:
        """Return the words with which a sentence of a note takes back what the note stands beside."""
        told = self.conventions
        for sentence in re.split(r"[.;:!\n]", text.lower()):
            parts = list(dropwhile(lambda x: x in told.lead, _PARTS.findall(sentence)))
            first = f"{' '.join(parts)} "
            if found := next((x for x in told.opening if first.startswith(f"{x} ")), None):
                return found
        return None

    def _key(self, system: System, code: str) -> tuple[str, str]:
        plain = code.strip().upper()
        if system.whole and ":" not in plain:
            plain = f"{system.prefix}:{plain}"
        return system.id, plain.replace(".", "") if system.dots else plain


def _own(terms: Terms) -> Iterator[Code]:
    """Yield the codes that stand beside findings and laboratory tests."""
    for one in terms.catalogue:
        if one.hpo and one.kind == "bool":
            yield _exact("finding", one.id, "HPO", one.hpo, one.hpo_name or one.label)
    for test in terms.labs.values():
        if test.loinc:
            yield _exact("lab", test.id, "LOINC", test.loinc, test.label)


def _exact(kind: Kind, name: str, system: str, code: str, gloss: str) -> Code:
    return Code(
        kind=kind, id=name, system=system, code=code, relation="exact", gloss=gloss,
        check="beside the entry itself",
    )  # fmt: skip


def _names(system: System) -> Iterator[str]:
    """Yield what a system is called: its prefix, and its addresses as they are often written, too."""
    yield system.prefix
    for one in system.addresses:
        yield one
        if one.startswith("http:"):
            yield from (f"{one}/", f"https{one.removeprefix('http')}")


def _within(row: Code, code: str) -> Code:
    """Return what a code says that is a kind of another one."""
    closer: dict[str, object] = {"code": code, "relation": "narrower"}
    return row if row.relation in ("broader", "screening") else row.model_copy(update=closer)


def _by_spelling(words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the first name of each word."""
    found: dict[str, str] = {}
    for name, some in words.items():
        for one in some:
            found.setdefault(one.lower(), name)
    return found


def _spelling(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".")


@cache
def packaged_codes() -> Codes:
    """Return the codes of the packaged knowledge, read once."""
    return Codes.load(knowledge.folder(), packaged_terms())
