"""The words about antibodies, as ``antibodies.yaml`` gives them, and a result in a letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from myoresist.case.dates import PartialDate
from myoresist.case.terms import Terms
from myoresist.knowledge.schema import Entry
from myoresist.letters.marks import Mark
from myoresist.letters.phrases import Phrases


class AntibodyWords(Entry):
    """The words of ``antibodies.yaml``."""

    names: Mapping[str, tuple[str, ...]]
    unclear: tuple[str, ...]
    others: tuple[str, ...]
    results: Mapping[str, tuple[str, ...]]
    none: tuple[str, ...]
    errors: tuple[str, ...]
    diseases: tuple[str, ...]
    methods: Mapping[str, tuple[str, ...]]
    links: tuple[str, ...]

    def grow(self, phrases: Phrases, terms: Terms) -> None:
        """Add names, results and methods to the tree of phrases."""
        for finding in terms.catalogue:
            if finding.group == "antibody" and finding.kind == "bool" and finding.id in self.names:
                for phrase in (*finding.synonyms, *self.names[finding.id]):
                    if phrase.lower() not in ("la", "ha", "zo", "ku", "ana positive"):
                        phrases.add(phrase, Mark("antibody", finding.id))
        for phrase in self.unclear:
            phrases.add(phrase, Mark("antibody", UNCLEAR))
        for phrase in self.others:
            phrases.add(phrase, Mark("other_antibody", phrase))
        for kind, say in (
            *self.results.items(),
            (NO_RESULT, self.none),
            (ERROR, self.errors),
            (DISEASE, self.diseases),
        ):
            for phrase in say:
                phrases.add(phrase, ResultMark(kind))
        for method, say in self.methods.items():
            for phrase in say:
                phrases.add(phrase, MethodMark(method))


UNCLEAR = "ro"
NO_RESULT, ERROR, DISEASE = "none", "error", "disease"


POSITIVE = frozenset(("positive", "moderate", "strong"))
"""Results that show an antibody; a weak one may not."""


@dataclass(frozen=True, slots=True)
class ResultMark:
    """A word of a result in the tree of phrases."""

    kind: str


@dataclass(frozen=True, slots=True)
class MethodMark:
    """A method in the tree of phrases."""

    method: str


@dataclass(frozen=True)
class AntibodyResult:
    """One result of one antibody.

    Attributes:
        antibody: the finding of the antibody, or ``ro`` for one that is not told.
        result: negative, weak, positive, moderate, strong; ``None`` if there is none yet.
        value, cut_off, unit: as far as they are written.
        method, date: as far as they are told.
        titre: such as 1:160.
        start, end: place in the plain text, from the name to the result.
        why: what keeps it out: other, supposed, doubt, pending.
    """

    antibody: str
    result: str | None
    start: int
    end: int
    value: float | None = None
    cut_off: float | None = None
    unit: str | None = None
    method: str | None = None
    date: PartialDate | None = None
    titre: str | None = None
    why: str | None = None
    name: str = ""
