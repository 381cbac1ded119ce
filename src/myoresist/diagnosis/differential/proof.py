"""What proves each disease, and what each disease makes necessary once it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.likelihood import Likelihoods
from myoresist.diagnosis.differential.schema import CONFIRMED, Diseases, Investigation


@dataclass(frozen=True)
class Proofs:
    """What proves each disease, and what each disease makes necessary."""

    base: Diseases
    likelihoods: Likelihoods

    @cached_property
    def proves(self) -> Numbers:
        """Return how far each finding proves each disease: how much more often it is found in it, (M, D).

        Only what its confirmation asks for, or what is far more frequent in it than elsewhere.
        """
        one, method = self.likelihoods, self.base.method.next_test
        share, usual = one.frequencies.share, one.frequencies.background[:, None]
        counts = (share >= method.proof_share) & (share >= method.proof_ratio * usual)
        confirmed = self.base.confirmed
        for place, name in enumerate(self.likelihoods.diseases):
            rule = confirmed.rules.get(CONFIRMED + name)
            asked = rule.asked_for() if rule else None
            for finding in asked.reads if asked else ():
                row = one.rows.get(finding)
                if row is not None:
                    counts[[row, *one.links.children.get(row, ())], place] = True
        found: Numbers = np.where(counts, np.maximum(share - usual, 0), 0)
        return found

    @cached_property
    def lost(self) -> Numbers:
        """Return what is lost if each disease is missed: more, if it can be treated, (D,)."""
        base = self.base
        more = base.method.next_test.treatable
        treatable = set(base.families.treatable)
        return np.array(
            [more if treatable & {x.id, x.family} else 1.0 for x in base.diseases.values()]
        )

    def necessary(self, investigation: Investigation) -> Numbers:
        """Return how much each disease makes an investigation necessary once it is believed, (D,)."""
        wanted = investigation.needed_for
        return np.array(
            [wanted.get(x.id, wanted.get(x.family, 0.0)) for x in self.base.diseases.values()]
        )
