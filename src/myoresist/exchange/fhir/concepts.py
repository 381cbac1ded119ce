"""What a concept says by its codes, if its own words do not say otherwise."""

from __future__ import annotations

from myoresist.case.terms import Terms
from myoresist.exchange.agreement import contradicted
from myoresist.exchange.codes import Code, Codes
from myoresist.exchange.fhir.bundle import Resource, place
from myoresist.exchange.fhir.datatypes import codings, words
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
    found = codes.of(codings(concept))
    for row in found:
        other = contradicted(row, codings(concept), words(concept), codes, terms)
        if other:
            said = f"“{other}” beside a code that says {row.gloss}; to be confirmed"
            draft.note(place(one), said)
            return None
    return found
