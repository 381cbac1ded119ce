"""What a concept says by its codes, if its own words do not say otherwise."""

from __future__ import annotations

from myoresist.case.terms import Terms
from myoresist.exchange.agreement import contradicted
from myoresist.exchange.codes import Code, Codes, Coding
from myoresist.exchange.fhir.bundle import Resource, place
from myoresist.exchange.fhir.datatypes import Concept
from myoresist.exchange.ontology import kinds_of
from myoresist.exchange.received import Draft


def agreeing(
    one: Resource, what: Concept, codes: Codes, terms: Terms, draft: Draft
) -> tuple[Code, ...] | None:
    """Return what the codes of a concept say; ``None``, and a note, where its words name something else.

    Args:
        one: the resource in which it stands.
        what: the concept.
        codes: which codes say what.
        terms: the names that are known.
        draft: takes the note.
    """
    found, other = codes.remembered(what, lambda: _meant(what, codes, terms))
    if other:
        draft.note(place(one), other)
        return None
    return found


def _meant(what: Concept, codes: Codes, terms: Terms) -> tuple[tuple[Code, ...], str | None]:
    """Return what the codes of a concept say, and what its words name besides, if they do."""
    found = codes.of(what.codings)
    for row in found:
        other = contradicted(row, what.codings, what.words, codes, terms)
        if other:
            return (), f"“{other}” beside a code that says {row.gloss}; to be confirmed"
    return found or _kinds(what.codings, codes), None


def _kinds(found: tuple[Coding, ...], codes: Codes) -> tuple[Code, ...]:
    """Return what terms of HPO say that stand in no list, by what they are kinds of."""
    terms = filter(None, map(codes.term, found))
    return tuple(row for term in terms for row in kinds_of(term, codes))
