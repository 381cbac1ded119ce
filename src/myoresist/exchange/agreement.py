"""Whether the words beside a code say what the code says; a code that was mistyped says something else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from myoresist.case.terms import Terms
from myoresist.exchange.codes import Code, Codes, Coding

STEM = 4
"""Letters by which a word is known again in another language or spelling."""
ALIKE = 0.75
"""How much of two names of a drug is the same, where they are one name: cyclofosfamide, cyclophosphamide."""


def contradicted(
    row: Code, codings: Iterable[Coding], text: str, codes: Codes, terms: Terms
) -> str | None:
    """Return the words beside a code that name something else; ``None`` where none do.

    Names of drugs are alike everywhere, so that one which has nothing of that of the drug is another's. Other
    words contradict a code only where they are known as the name of something else.

    Args:
        row: what the code says.
        codings: the codes of the concept, each with its own words.
        text: the words of the concept.
        codes: which codes say what.
        terms: the names that are known.
    """
    own = frozenset(x for name in _names(row, terms) for x in _words(name))
    for one in codings:
        here = any((x.kind, x.id) == (row.kind, row.id) for x in codes.of([one]))
        if one.display and here and _contradicts(one.display, row, own, terms):
            return one.display
    if text and not _named(text, row, own) and _other(text, row, terms):
        return text
    return None


def _contradicts(text: str, row: Code, own: frozenset[str], terms: Terms) -> bool:
    if row.kind == "lab":
        return _other(text, row, terms)
    if _named(text, row, own):
        return False
    long = any(len(x) >= STEM for x in _words(text))
    return (row.kind == "drug" and long) or _other(text, row, terms)


def _named(text: str, row: Code, own: frozenset[str]) -> bool:
    """Tell whether words hold one of the names: of a drug one much alike, else one that begins alike."""
    said = _words(text)
    if row.kind == "drug":
        return any(
            x == y or (min(len(x), len(y)) >= STEM and SequenceMatcher(None, x, y).ratio() >= ALIKE)
            for x in said
            for y in own
        )
    return bool({x[:STEM] for x in said} & {x[:STEM] for x in own})


def _names(row: Code, terms: Terms) -> Iterator[str]:
    yield from (row.gloss, row.id.replace("_", " "))
    if row.kind == "drug" and row.id in terms.drugs:
        drug = terms.drugs[row.id]
        yield from (drug.label, *drug.synonyms)
    elif row.kind == "lab":
        yield from (terms.labs[row.id].label, *terms.labs[row.id].synonyms)
    elif row.id in terms.catalogue:
        finding = terms.catalogue[row.id]
        yield from (finding.label, *finding.synonyms)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]{2,}", _plain(text))


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(x for x in apart if not unicodedata.combining(x))


def _other(text: str, row: Code, terms: Terms) -> bool:
    """Tell whether words are the name of something that is known here and is not what the code says."""
    if row.kind == "drug":
        drug = terms.drug(text)
        return drug is not None and drug.id != row.id
    if row.kind == "lab":
        test = terms.lab(text)
        return test is not None and test.id != row.id
    finding = terms.catalogue.find(text)
    return finding is not None and finding.id != row.id
