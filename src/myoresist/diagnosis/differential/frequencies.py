"""How often each finding is present in each disease: published frequencies, drawn towards the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl

from myoresist.arrays.planes import Flags
from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.schema import BACKGROUND, Diseases, Method
from myoresist.findings.evaluate import Inference

Amount: TypeAlias = Numbers | float
CONVENTION, CLASS = "convention", "frequency class alone"
"""What the check of a frequency says that holds by definition, or is the middle of a published class."""


@dataclass(frozen=True)
class Frequencies:
    """Frequencies of M findings in D diseases.

    Attributes:
        findings: ids, M.
        share: the frequency of each finding in each disease, drawn towards the background, (M, D).
        background: the same in the background, (M,).
        patients: how many patients each frequency is worth, (M, D).
        estimated: whether each frequency is an estimate, neither published nor a definition, (M, D).
    """

    findings: tuple[str, ...]
    share: Numbers
    background: Numbers
    patients: Numbers
    estimated: Flags

    @classmethod
    def of(cls, base: Diseases, inference: Inference) -> Frequencies:
        """Return the frequencies of what was published, and of what is defined as any of several such."""
        findings, share, patients, estimated = _published(base)
        for name, parts in _composites(inference, findings).items():
            rows = [findings.index(part) for part in parts]
            findings = (*findings, name)
            share = np.vstack([share, 1 - np.prod(1 - share[rows], axis=0)])
            patients = np.vstack([patients, patients[rows].min(axis=0)])
            estimated = np.vstack([estimated, np.zeros_like(estimated[:1])])
        return cls(findings, share[:, :-1], share[:, -1], patients[:, :-1], estimated[:, :-1])

    @cached_property
    def estimates(self) -> Numbers:
        """Return which share of what the figures of each disease weigh is estimates, (D,).

        A figure weighs as much as its finding, present or absent, is expected to tell of the disease.
        """
        share, usual = self.share, self.background[:, None]
        there, gone = np.log(share / usual), np.log((1 - share) / (1 - usual))
        weight = share * np.abs(there) + (1 - share) * np.abs(gone)
        found: Numbers = (weight * self.estimated).sum(axis=0) / weight.sum(axis=0)
        return found


def _published(base: Diseases) -> tuple[tuple[str, ...], Numbers, Numbers, Flags]:
    """Return findings, shares (M, D + 1), background last, patients they rest on, which are estimates."""
    method = base.method
    columns = {name: index for index, name in enumerate((*base.diseases, BACKGROUND))}
    table = base.frequencies
    findings = tuple(table["finding"].unique(maintain_order=True))
    rows = {name: index for index, name in enumerate(findings)}
    at = (
        table["finding"].replace_strict(rows, return_dtype=pl.Int64).to_numpy(),
        table["disease"].replace_strict(columns, return_dtype=pl.Int64).to_numpy(),
    )
    check = pl.col("check")
    assumed = (
        pl.when(check.str.starts_with(CONVENTION))
        .then(pl.lit("convention"))
        .when(check.str.contains(CLASS, literal=True))
        .then(pl.lit("class"))
        .otherwise("confidence")
    )
    percent = np.full((len(findings), len(columns)), np.nan)
    pseudo = table.select(assumed.replace_strict(method.pseudo_counts, default=None)).to_series()
    classed = np.zeros(percent.shape, np.bool_)
    classed[at] = table.select((assumed == "class") & pl.col("total").is_null()).to_series()
    count = table["total"].clip(upper_bound=method.most_counts).fill_null(pseudo)
    weight = np.zeros(percent.shape)
    percent[at] = table["percent"].to_numpy() / 100
    weight[at] = count.cast(pl.Float64).to_numpy()
    estimated = np.zeros(percent.shape, np.bool_)
    estimated[at] = table.select(
        pl.col("source").is_null() & ~check.str.starts_with(CONVENTION)
    ).to_series()
    usual = percent[:, -1]
    usual = np.where(np.isnan(usual), np.nanmean(percent, axis=1), usual)[:, None]
    known = np.where(np.isnan(percent), 0, percent)
    drawn = drawn_towards(known, usual, weight, method)
    share = np.where(classed, expected(known, method), drawn)
    return findings, share, weight + np.where(classed, 0, method.shrinkage), estimated


def drawn_towards(share: Amount, usual: Amount, patients: Amount, method: Method) -> Numbers:
    """Return shares drawn towards what is usual, the less the more patients they rest on."""
    drawn = (patients * share + method.shrinkage * usual) / (patients + method.shrinkage)
    clipped: Numbers = np.clip(drawn, method.lowest, method.highest)
    return clipped


def expected(share: Numbers, method: Method) -> Numbers:
    """Return what is expected of a finding of which only a class of frequency is published, by its middle.

    A class is no sample that chance could have made too large: compared with series its middle is right on
    average and off by so much. So it is not drawn towards the background; what is expected is the mean of a
    logit that is normally distributed about the middle (MacKay's approximation).
    """
    inside = np.clip(share, method.lowest, method.highest)
    logit = np.log(inside / (1 - inside)) / np.sqrt(1 + np.pi / 8 * method.class_spread**2)
    found: Numbers = 1 / (1 + np.exp(-logit))
    return found


def _composites(inference: Inference, findings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the findings that are defined as any of others, all with a frequency, narrow ones first."""
    found: dict[str, tuple[str, ...]] = {}
    for name in inference.program.order:
        rule = inference.program.rules.get(name)
        known = {*findings, *found}
        if rule and name not in known and rule.alternatives and known.issuperset(rule.alternatives):
            found[name] = rule.alternatives
    return {
        name: tuple(leaf for part in parts for leaf in found.get(part, (part,)))
        for name, parts in found.items()
    }
