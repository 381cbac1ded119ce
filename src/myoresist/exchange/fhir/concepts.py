"""What a concept says by its codes, if its own words do not say otherwise."""

from __future__ import annotations

from myoresist.case.terms import Terms
from myoresist.exchange.agreement import contradicted
from myoresist.exchange.codes import Code, Codes, Coding
from myoresist.exchange.fhir.bundle import Resource, place
from myoresist.exchange.fhir.datatypes import codings, words
from myoresist.exchange.ontology import kinds_of
from myoresist.exchange.received import Draft


def agreeing(
    one: Resource, concept: object, codes: Codes, terms: Terms, draft: Draft
) -> tuple[Code, ...] | None:
    """Return what the codes of a concept say; ``None``, and a note, where its words name something else.

    Args:
        one: the resource in which it stands.
        concept: the concept.
        codes: which codes say what.
        terms: the names that are known.
        draft: takes the note.
    """
    said, text = codings(concept), words(concept)
    found = codes.of(said)
    other = codes.remembered(
        ("agreeing", said, text), lambda: _otherwise(found, said, text, codes, terms)
    )
    if other:
        draft.note(place(one), other)
        return None
    return found or _kinds(said, codes)


def _otherwise(
    found: tuple[Code, ...], said: tuple[Coding, ...], text: str, codes: Codes, terms: Terms
) -> str | None:
    """Return what the words of a concept name besides its codes, if they do."""
    for row in found:
        other = contradicted(row, said, text, codes, terms)
        if other:
            return f"“{other}” beside a code that says {row.gloss}; to be confirmed"
    return None


def _kinds(found: tuple[Coding, ...], codes: Codes) -> tuple[Code, ...]:
    """Return what terms of HPO say that stand in no list, by what they are kinds of."""
    terms = filter(None, map(codes.term, found))
    return tuple(row for term in terms for row in kinds_of(term, codes))
