"""What a header may mean: the names of our columns, tests and drugs, in several languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from myoresist.case.terms import LabTest
from myoresist.cohort.draft.foreign import Foreign
from myoresist.cohort.draft.spelling import plain, snake
from myoresist.cohort.schema import Schema
from myoresist.knowledge import folder
from myoresist.knowledge.schema import Sourced, load

Role = Literal["start", "stop", "taken"]
LIKE = 84
"""How alike a header must be to a name to be asked about (0 to 100, by the library that compares texts)."""
_AGES = "years"
"""The only unit in which a number of the catalogue needs none in its header."""
_DATED = ("enzyme", "lab", "course", "treatment", "outcome")
"""Groups of findings that hold at some time; a header that is only like one seldom says at which."""
_BRACKETS = re.compile(r"[(\[{]\s*([^()\[\]{}]+?)\s*[)\]}]\s*$")
_SCALE = re.compile(r"_(mm|cm|0_\d{1,3}|100?)$")
_SIGN = "ul"
_UNITS = {"uil": "ul", "iel": "ul"}
"""Units per litre in French, Spanish and German."""


class Headers(Sourced):
    """How columns and values of registries are named; see ``registry/headers.yaml``."""

    columns: Mapping[str, Mapping[str, tuple[str, ...]]]
    labs: Mapping[str, tuple[str, ...]]
    asked: Mapping[str, str]
    keep: tuple[str, ...]
    limit: tuple[str, ...]
    peak: tuple[str, ...]
    start: tuple[str, ...]
    stop: tuple[str, ...]
    taken: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    beside_codes: tuple[int, ...]


class OfLab(NamedTuple):
    """A header that names a laboratory test.

    ``limit`` says that it is the upper limit of normal; ``unit`` is nothing where the header names none.
    """

    test: LabTest
    limit: bool
    unit: str | None


class OfDrug(NamedTuple):
    """A header that names a drug, by its id, and what of its course."""

    drug: str
    role: Role


@dataclass(frozen=True)
class Vocabulary:
    """What headers of a registry may mean."""

    schema: Schema
    headers: Headers
    foreign: Foreign

    @classmethod
    def packaged(cls, schema: Schema) -> Vocabulary:
        """Return the words that ship with the package."""
        at = folder() / "registry"
        return cls(schema, load(at / "headers.yaml", Headers), load(at / "foreign.yaml", Foreign))

    def exact(self, table: str, header: str) -> str | None:
        """Return the column of a table of ours that a header names without a doubt."""
        ours = snake(header)
        if ours in self.schema.tables[table]:
            return ours
        known = self._words[table]
        found = known.get(plain(header))
        scale = _SCALE.search(ours) if found is None and table == "visits" else None
        return known.get(plain(ours[: scale.start()])) if scale else found

    def reads(self, table: str, ours: str, word: str) -> bool:
        """Tell whether a word of a list is read as it is."""
        terms = self.schema.terms
        local = terms.sections.local_routes
        find: Mapping[str, Callable[[str], object]] = {
            "labs.test": terms.lab, "antibodies.antibody": terms.antibody,
            "labs.unit": self._units.__contains__,
            "treatments.drug": terms.drug, "medicines.drug": terms.drug,
            "treatments.unit": terms.doses.unit, "treatments.frequency": terms.doses.frequency,
            "treatments.route": lambda x: terms.doses.route(x, local),
        }  # fmt: skip
        known = find.get(f"{table}.{ours}")
        return known is None or bool(known(word))

    def translated(self, table: str, ours: str, word: str) -> str | None:
        """Return our value for a word of another language in a column of ours."""
        if (table, ours) == ("labs", "test"):
            found = self._tests.get(plain(word))
            return found.id if found else None
        table = "treatments" if table == "medicines" else table
        return self.foreign.find(table, ours, word)

    def asked(self, header: str) -> str | None:
        """Return the question to a header that may mean several things."""
        known = {plain(x): question for x, question in self.headers.asked.items()}
        return known.get(plain(header))

    def near(self, table: str, header: str) -> tuple[str, str] | None:
        """Return the column that a header may mean, and the name that it is like."""
        from rapidfuzz import fuzz, process

        known = self._words[table]
        found = process.extractOne(plain(header), list(known), scorer=fuzz.ratio, score_cutoff=LIKE)
        return (known[found[0]], found[0]) if found else None

    @cached_property
    def _words(self) -> Mapping[str, Mapping[str, str]]:
        return {table: _once(self._named(table)) for table in self.schema.tables}

    def _named(self, table: str) -> Iterator[tuple[str, str]]:
        """Yield every name of the columns of a table, those that are given for a table last."""
        enzymes = {
            column
            for one in self.schema.terms.measures
            for column in (*one.columns, *one.limit_columns, one.multiple_column)
            if one.enzyme
        }
        for column in self.schema.tables[table]:
            if column not in enzymes:
                yield plain(column), column
        if table == "patients":
            for one in self.schema.terms.catalogue:
                dated = one.group in _DATED
                if not dated and (one.kind != "number" or one.unit == _AGES):
                    yield from ((plain(x), one.id) for x in (one.label, *one.synonyms))
        for column, words in self.headers.columns.get(table, {}).items():
            yield from ((plain(x), column) for x in words)

    def antibody(self, header: str) -> str | None:
        """Return the finding for an antibody that a header names."""
        found = self.schema.terms.antibody(snake(header).replace("_", " "))
        return found.id if found else None

    def lab(self, header: str) -> OfLab | None:
        """Return the laboratory test that a header names, whether its limit, and in which unit."""
        bracket = _BRACKETS.search(header)
        core, unit = (header[: bracket.start()], bracket[1]) if bracket else (header, None)
        limit, name = self._without(core, self.headers.limit)
        _, name = self._without(name, self.headers.peak)
        known = self._tests.get(plain(name))
        if known is not None:
            return OfLab(known, limit, _spelt(known, unit) if unit else None)
        for spelled, test in self._tests.items():
            rest = plain(name).removeprefix(spelled)
            if rest and rest != plain(name):
                own = _spelt(test, rest)
                if own is not None:
                    # Of ck_ul nobody knows whether it is a unit or the upper limit.
                    sure = rest != _SIGN or not snake(name).endswith(_SIGN)
                    return OfLab(test, limit, own if sure else None)
        return None

    @cached_property
    def _units(self) -> frozenset[str]:
        found = (unit for test in self.schema.terms.labs.values() for unit in test.units)
        return frozenset(y for x in found for y in (x, x.lower(), x.upper()))

    @cached_property
    def _tests(self) -> Mapping[str, LabTest]:
        found: dict[str, LabTest] = {}
        for one in self.schema.terms.labs.values():
            for word in (one.id, one.label, *one.synonyms, *self.headers.labs.get(one.id, ())):
                found.setdefault(plain(word), one)
        return dict(sorted(found.items(), key=lambda x: -len(x[0])))

    def drug(self, header: str) -> OfDrug | None:
        """Return the drug that a header names, and what of its course."""
        roles: tuple[tuple[Role, tuple[str, ...]], ...] = (
            ("start", self.headers.start), ("stop", self.headers.stop), ("taken", self.headers.taken),
        )  # fmt: skip
        for role, words in roles:
            found, name = self._without(header, words)
            drug = self.schema.terms.drug(snake(name).replace("_", " ")) if found else None
            if drug:
                return OfDrug(drug.id, role)
        drug = self.schema.terms.drug(snake(header).replace("_", " "))
        return OfDrug(drug.id, "taken") if drug else None

    def _without(self, header: str, words: Iterable[str]) -> tuple[bool, str]:
        """Return whether one of some words stands at an end of a header, and what is left of it."""
        text = snake(header)
        for word in sorted(map(snake, words), key=len, reverse=True):
            if text.endswith(f"_{word}"):
                return True, text.removesuffix(f"_{word}")
            if text.startswith(f"{word}_"):
                return True, text.removeprefix(f"{word}_")
        return False, header

    def is_limit(self, header: str) -> bool:
        """Tell whether a header says that it is an upper limit, and not of what."""
        return plain(header) in {plain(x) for x in self.headers.limit}

    def is_kept(self, header: str) -> bool:
        """Tell whether a header names what is carried through, such as the site."""
        return plain(header) in {plain(x) for x in self.headers.keep}

    @cached_property
    def said(self) -> Mapping[str, Mapping[str, str]]:
        """Return for each kind of answer its words, each with ours."""
        words = self.headers.words

        def of(*kinds: str) -> dict[str, str]:
            return {word.lower(): kind for kind in kinds for word in words[kind]}

        return {"yes_no": of("yes", "no", "unknown"), "sex": of("female", "male", "unknown")}


def _once(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return names with what they mean; one that means two things is none, unless it is ours."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for word, ours in named:
        if found.get(word, ours) != ours and plain(found[word]) != word:
            twice.add(word)
        found.setdefault(word, ours)
    return {word: ours for word, ours in found.items() if word and word not in twice}


def _spelt(test: LabTest, unit: str) -> str | None:
    """Return how an accepted unit of a test is spelt that a header names."""
    wanted = _UNITS.get(plain(unit), plain(unit))
    return next((x for x in test.units if plain(x) == wanted and plain(x)), None) or (
        "%" if "%" in unit and "%" in test.units else None
    )
