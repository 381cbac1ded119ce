"""Which diseases and findings patients have: diseases by their priors, findings by their frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.streams import Flags, Floats, Streams, Whole, at
from myoresist.diagnosis.differential.likelihood import ONSET
from myoresist.diagnosis.differential.schema import BACKGROUND
from myoresist.library import Knowledge

_CURRENT = "glucocorticoid_current"
_TOLD_ELSEWHERE = ("treatment", "outcome")
"""Groups of findings about which the tables of treatments and visits speak."""
_ADULT = 18


@dataclass(frozen=True)
class Population:
    """Draws diseases and findings with one knowledge."""

    knowledge: Knowledge
    assumed: Assumptions

    @cached_property
    def diseases(self) -> tuple[str, ...]:
        """Return the diseases that may be drawn."""
        return tuple(self.knowledge.differential.base.diseases)

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Return the findings to draw, broad ones first and among those what excludes most."""
        base, catalogue = self.knowledge.differential.base, self.knowledge.catalogue
        inference = self.knowledge.inference
        exposures = {f"{one}_exposure" for one in self.assumed.drugs.regimens}
        found = [
            x
            for x in base.frequencies["finding"].unique(maintain_order=True).to_list()
            if x not in inference.derivations
            and x not in exposures
            and x != _CURRENT
            and catalogue[x].group not in _TOLD_ELSEWHERE
        ]
        drawn = set(found)

        def order(name: str) -> tuple[int, int]:
            above = inference.parents.get(name, frozenset())
            return len(drawn & above), -len(inference.partners.get(name, {}))

        return tuple(sorted(found, key=order))

    @cached_property
    def share(self) -> Mapping[str, Floats]:
        """Return how often each finding is drawn in each disease, as published or estimated, from 0 to 1.

        Where a disease has no figure it is that of the background, and 0 for a finding of which as a rule one
        only is found, such as a variant of a gene: the others' background comes from other diseases.
        """
        base = self.knowledge.differential.base
        wide = base.frequencies.pivot(
            on="disease",
            index="finding",
            values="percent",
            on_columns=[*self.diseases, BACKGROUND],
        )
        rows = dict(zip(wide["finding"], wide.drop("finding").to_numpy() / 100, strict=True))
        alone = {x for group in self._alone for x in group}
        found = {}
        for name in self.findings:
            usual = 0.0 if name in alone else np.nan_to_num(rows[name][-1])
            found[name] = np.where(np.isnan(rows[name][:-1]), usual, rows[name][:-1])
        return found

    @cached_property
    def _alone(self) -> tuple[tuple[str, ...], ...]:
        """Return groups of findings of which one patient has one at most."""
        groups = self.knowledge.differential.base.groups
        return tuple(
            tuple(x for x in one.findings if x in self.findings)
            for one in groups
            if one.kind == "exclusive"
        )

    def disease(self, draw: Streams) -> Whole:
        """Draw the place of each patient's disease among ``diseases``."""
        prior = np.cumsum([one.prior for one in self.knowledge.differential.base.diseases.values()])
        found = np.searchsorted(prior / prior[-1], draw.one("disease"), side="right")
        clipped: Whole = np.minimum(found, len(prior) - 1)
        return clipped

    def numbers(self, draw: Streams, disease: Whole) -> dict[str, Floats]:
        """Draw measured findings from their published quantiles; some began as children."""
        likelihoods, catalogue = self.knowledge.differential.likelihoods, self.knowledge.catalogue
        order = np.argsort(disease, kind="stable")
        starts = np.searchsorted(disease[order], np.arange(len(self.diseases) + 1))
        found = {}
        for name, table in zip(likelihoods.numbers, likelihoods.distributions, strict=True):
            even = draw.one(name)
            value = np.empty(len(disease))
            grid = table.low + table.step * np.arange(len(table.below))
            for one in np.unique(disease):
                rows = order[starts[one] : starts[one + 1]]
                value[rows] = np.interp(even[rows], table.below[:, one], grid)
            value = value if table.linear else np.exp(value)
            found[name] = np.clip(value, catalogue[name].minimum, catalogue[name].maximum)
        share = np.zeros(len(self.diseases))
        for name, part in self.assumed.children.share.items():
            share[self.diseases.index(name)] = part
        early = draw.one("early") < share[disease]
        young = at(draw.one("young"), self.assumed.children.younger)
        families = [x.family for x in self.knowledge.differential.base.diseases.values()]
        least = np.array([self.assumed.youngest.get(x, 0.0) for x in families])[disease]
        onset = np.clip(found[ONSET], least, self.assumed.oldest.onset)
        found[ONSET] = np.where(early, young, onset)
        return found

    def present(self, draw: Streams, disease: Whole, onset: Floats) -> dict[str, Flags]:
        """Draw findings: a narrow one only with its broad ones, and none with what excludes it."""
        inference = self.knowledge.inference
        even = draw.even("findings", len(self.findings))
        column = {name: place for place, name in enumerate(sorted(self.findings))}
        present: dict[str, Flags] = {}
        alone = {x: group for group in self._alone for x in group}
        taken = {group: np.zeros(len(disease)) for group in self._alone}
        child = onset < _ADULT
        for name in self.findings:
            above = [x for x in inference.parents.get(name, ()) if x in present]
            share = self.share[name]
            allowed = ~child if name in self.assumed.children.never else np.ones(len(disease), bool)
            given = np.ones_like(share)
            for parent in above:
                allowed &= present[parent]
                given = np.minimum(given, self.share[parent])
            barred = {x for x in inference.partners.get(name, {}) if x in present}
            for parent in inference.parents.get(name, ()):
                barred |= {x for x in inference.partners.get(parent, {}) if x in present}
            for partner in barred:
                allowed &= ~present[partner]
                if not any(partner in inference.partners.get(x, {}) for x in above):
                    given = given - self.share[partner]
            # What is left of its patients once those are gone who cannot have it.
            chance = np.where(given > 0, np.minimum(share / np.maximum(given, 1e-9), 1), 0)[disease]
            if name in self.assumed.children.found:
                chance = np.where(child, self.assumed.children.found[name], chance)
            if name in alone:
                # One number decides for all of a group, so that they share it out among them.
                group = alone[name]
                low = taken[group]
                point = even[:, column[group[0]]]
                drawn = (point >= low) & (point < low + chance)
                taken[group] = low + np.where(allowed, chance, 0)
            else:
                drawn = even[:, column[name]] < chance
            present[name] = drawn & allowed
        return present
