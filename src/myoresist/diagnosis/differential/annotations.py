"""What terms say of diseases that no finding of the catalogue stands for: a fallback.

The annotations of the Human Phenotype Ontology tell which terms a disease has, most without a frequency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.frequencies import drawn_towards
from myoresist.diagnosis.differential.schema import Disease, Method

Term = frozenset[str]
SYSTEMS = {"omim": "OMIM", "orpha": "ORPHA"}


@dataclass(frozen=True)
class Annotations:
    """Which terms the diseases are annotated with, each with everything that they are a kind of.

    Attributes:
        entries: for each disease the annotated entries that stand for it; without one, terms say nothing.
        background: the share of all annotated entries that have a term.
        method: how frequencies become probabilities.
    """

    entries: tuple[tuple[Term, ...], ...]
    background: Mapping[str, float]
    method: Method

    @classmethod
    def of(
        cls, diseases: Iterable[Disease], annotated: Mapping[str, Term], method: Method
    ) -> Annotations:
        """Find the entries of diseases by their codes."""
        count = Counter(term for terms in annotated.values() for term in terms)
        return cls(
            tuple(tuple(annotated[x] for x in _numbers(one) if x in annotated) for one in diseases),
            {term: n / len(annotated) for term, n in count.items()},
            method,
        )

    def log_ratio(self, terms: Iterable[str], upwards: Callable[[str], Term]) -> Numbers:
        """Return the logarithm of how many times as likely terms are in each disease as elsewhere, (D,).

        A disease that is annotated with a term only by what the term is a kind of is helped by that much. No
        term speaks against a disease: annotations are not complete.

        Args:
            terms: of what is present.
            upwards: gives a term and everything that it is a kind of.
        """
        found = np.zeros(len(self.entries))
        for term in sorted(terms):
            ups = sorted(
                upwards(term) & self.background.keys(), key=lambda x: (self.background[x], x)
            )
            for place, entries in enumerate(self.entries):
                found[place] += self._says(ups, entries)
        return found

    def _says(self, ups: Iterable[str], entries: tuple[Term, ...]) -> float:
        method = self.method
        for term in ups:
            some = sum(term in one for one in entries)
            if some:
                usual = self.background[term]
                share = method.annotated_share * some / len(entries)
                drawn = drawn_towards(share, usual, method.pseudo_counts["class"], method)
                return max(0.0, float(np.log(drawn / usual)))
        return 0.0


def _numbers(one: Disease) -> list[str]:
    given = ((name, one.codes.get(name, ())) for name in SYSTEMS)
    return [
        f"{SYSTEMS[name]}:{number}"
        for name, numbers in given
        for number in ([numbers] if isinstance(numbers, str) else numbers)
    ]
