"""What evidence and guidelines say of an option in a subset, and in which order options stand there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from myoresist.treatment.columns import BENEFIT, EFFECT, PAIR
from myoresist.treatment.evidence import EvidenceBase, Study
from myoresist.treatment.ordering import (
    ORDER,
    STANCE,
    best_stance,
    explicit_place,
    failed_its_trial,
    investigational,
    ranked,
)
from myoresist.treatment.schema import Evidence, Guideline, Option, Subset, TreatmentData

_HELPS, _FAILS = ("benefit", "mixed"), ("no_benefit", "harm")


@dataclass(frozen=True)
class Support:
    """What is known of options in subsets.

    Attributes:
        data: the treatments.
        studies: what studies found.
    """

    data: TreatmentData
    studies: EvidenceBase

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """Return one row for every subset and option of which something is known there.

        Returns:
            ``subset``, ``option``, what the group rules read of them, and ``place``, their order: an
            explicit one, then what guidelines say, certainty of benefit, direct before indirect, the
            difference against controls. Those of one ``rank`` are on a par and stand by name.
        """
        rows = [
            {"subset": subset.id, "option": option.id, **known}
            for subset in self.data.subsets.values()
            for option in self.data.options.values()
            if (known := self._known(subset, option)) is not None
        ]
        kinds = {
            "subset": pl.String,
            "option": pl.String,
            **dict.fromkeys(PAIR, pl.Boolean),
            BENEFIT: pl.Float64,
            EFFECT: pl.Float64,
            ORDER: pl.Int64,
            STANCE: pl.Int64,
        }
        names = {one.id: one.name for one in self.data.options.values()}
        named = pl.DataFrame(rows, schema=kinds).with_columns(
            name=pl.col("option").replace_strict(names)
        )
        return ranked(named, (BENEFIT, "direct", EFFECT))

    def _known(self, subset: Subset, option: Option) -> dict[str, bool | float | None] | None:
        """Return what is known of an option in a subset, or nothing if nothing is.

        Where there is no direct evidence, what other subsets found not helpful is not helpful here, and their
        evidence of benefit counts as indirect if it is sure enough.
        """
        direct = self.evidence(subset, option)
        certainty = self.data.certainty
        stances = {one.stance for one in self.guidelines(subset, option)}
        others = [self.data.subsets[name] for name in subset.indirect]
        own = (subset.id, *subset.evidence)
        refuted = option.id in subset.not_helpful or failed_its_trial(option, own)
        elsewhere = not direct and any(option.id in one.not_helpful for one in others)
        indirect = any(
            one.direction in _HELPS and certainty[one.certainty] >= certainty[self.data.indirect_at]
            for one in self.indirect(subset, option)
        )
        first = option.id in subset.comes_first
        informative = any(one.direction != "unknown" for one in direct)
        if not (informative or indirect or stances or first or refuted or elsewhere):
            return None
        helps = max((certainty[x.certainty] for x in direct if x.direction in _HELPS), default=0)
        fails = max((certainty[x.certainty] for x in direct if x.direction in _FAILS), default=0)
        return {
            "comes_first": first,
            "not_helpful": refuted,
            "refuted_elsewhere": elsewhere and not refuted,
            "preferred": "preferred" in stances,
            "recommended": "recommended" in stances,
            "optional": "option" in stances,
            "last_resort": "last_resort" in stances,
            "guideline_against": "against" in stances,
            "investigational": investigational(option, own),
            "supportive": option.kind == "supportive",
            "repeated": option.repeated,
            "direct": informative,
            "indirect": indirect,
            "negative": fails > 0 and not helps,
            # Surer evidence of no benefit outweighs a benefit that is less sure.
            BENEFIT: float(helps) if helps >= fails else 0.0,
            EFFECT: self._effect(subset, option),
            ORDER: explicit_place(subset, option),
            STANCE: best_stance(stances),
        }

    def benefit(self, subset: Subset, option: Option) -> Study | None:
        """Return the result of a study that stands beside an option in a subset, if there is one."""
        return self.studies.benefit(option.id, (subset.id, *subset.evidence))

    def _effect(self, subset: Subset, option: Option) -> float | None:
        """Return the difference against controls, if it speaks for the option."""
        study = self.benefit(subset, option)
        if study is None or study.risk_difference is None:
            return None
        difference = study.risk_difference.value
        return difference if self.studies.controlled(study.trial) and difference > 0 else None

    def evidence(self, subset: Subset, option: Option) -> list[Evidence]:
        """Return the direct evidence on an option in a subset."""
        own = {subset.id, *subset.evidence}
        return [one for one in option.evidence if own & set(one.subsets)]

    def indirect(self, subset: Subset, option: Option) -> list[Evidence]:
        """Return the evidence on an option from other subsets that counts as indirect."""
        direct = self.evidence(subset, option)
        other = set(subset.indirect)
        return [one for one in option.evidence if one not in direct and other & set(one.subsets)]

    def guidelines(self, subset: Subset, option: Option) -> list[Guideline]:
        """Return what guidelines say of an option in a subset."""
        own = {subset.id, *subset.evidence}
        return [one for one in option.guidelines if own & set(one.subsets)]
