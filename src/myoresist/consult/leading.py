"""Which disease the page acts on, and how sure it is.

A proven disease leads, else the most probable one from a probability on. A disease that cannot be without an
exposure is looked at only where the exposure is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.grids import upwards
from myoresist.arrays.planes import of_flags, pack, unpack
from myoresist.arrays.table import Codes, Numbers, Table, coded, one_each
from myoresist.consult.schema import Certainty, Leader
from myoresist.treatment.columns import PROBABILITY

LEADS, PROVEN_OF, LABEL, FAMILY = "leads_", "proven_", "label_", "family_"
NEED = "need."
OTHER, RENAMED, MYOSITIS = "disease_other", "disease_renamed", "myositis_probability"
CERTAINTIES: tuple[Certainty, ...] = get_args(Certainty)


@dataclass(frozen=True)
class Diseases:
    """The diseases as the page reads them.

    Attributes:
        families: the family of each disease, in the order of the differential.
        labels: the diseases that each label stands for.
    """

    rules: Leader
    families: Mapping[str, str]
    labels: Mapping[str, Sequence[str]]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the diseases."""
        return tuple(self.families)

    def columns(self) -> tuple[str, ...]:
        """Return every column of truth that ``lead`` fills."""
        return (
            *(LEADS + x for x in self.names), *(PROVEN_OF + x for x in self.names),
            *(LABEL + x for x in self.labels), *(FAMILY + x for x in sorted(set(self.families.values()))),
            *(f"disease_{x}" for x in CERTAINTIES), OTHER, RENAMED,
        )  # fmt: skip

    def _labelled(
        self, chance: Numbers, first: NDArray[np.int64], labels: Sequence[str | None]
    ) -> Numbers:
        """Return how probable the first disease is; the label is evidence for what it stands for."""
        top: Numbers = chance[first, np.arange(len(first))].copy()
        for label, rows in _rows_of(labels).items():
            meant = self.numbers(self.labels.get(label, ()))
            named = rows[np.isin(first[rows], meant)]
            enough = chance[meant][:, named].sum(axis=0) >= self.rules.labelled_at
            likely = named[enough]
            top[likely] = np.maximum(top[likely], self.rules.likely_at)
        return top

    def numbers(self, diseases: Sequence[str]) -> list[int]:
        """Return the numbers of some diseases, as far as there are such."""
        return [self.names.index(x) for x in diseases if x in self.families]

    def lead(self, table: Table, proven: Table, labels: Sequence[str | None]) -> Leading:
        """Find the disease that leads of every patient.

        Args:
            table: ``probability.<disease>``, and ``need.<n>``: whether a need is met.
            proven: ``proven_<disease>``.
            labels: the diagnosis that each patient carries.
        """
        size, names = table.size, self.names
        chance = np.array([np.nan_to_num(table.number(PROBABILITY + x)) for x in names])
        for number, need in enumerate(self.rules.needs):
            here = names.index(need.disease)
            met = unpack(
                table.truth(f"{NEED}{number}").t | proven.truth(PROVEN_OF + need.disease).t, size
            )
            chance[here, ~met] = 0.0
        chance /= np.maximum(chance.sum(axis=0), np.finfo(float).tiny)
        sure = np.array([unpack(proven.truth(PROVEN_OF + x).t, size) for x in names])
        # What only stands beside another disease does not lead while something else does.
        beside = np.array([x in self.rules.beside for x in names])
        own = sure & ~beside[:, None]
        rules = self.rules
        alone = sure & (chance.max(axis=0, initial=0) < rules.likely_at)
        use = np.where(own.any(axis=0), own, alone)
        first = np.where(use.any(axis=0), np.where(use, chance + 1.0, 0.0), chance).argmax(axis=0)
        patients = np.arange(size)
        any_proven = np.asarray(sure[first, patients])
        top = self._labelled(chance, first, labels)
        certainty = coded(
            CERTAINTIES,
            (pack(any_proven), "proven"),
            (pack(top >= rules.very_likely_at), "very_likely"),
            (pack(top >= rules.likely_at), "likely"),
            size=size,
            otherwise="open",
        )
        open_ = certainty.codes == CERTAINTIES.index("open")
        first = np.where(open_, -1, first)
        chance = np.where(any_proven, np.arange(len(names))[:, None] == first, chance)
        kin = np.array([one in self.rules.kin for one in self.families.values()])
        return Leading(self, first, certainty, chance, sure, chance[kin].sum(axis=0), tuple(labels))


@dataclass(frozen=True)
class Leading:
    """Which disease leads of N patients.

    Attributes:
        first: the number of the disease; -1 while it is open.
        certainty: how sure it is.
        chance: the probability of each disease as the page reads it, (diseases, N).
        sure: which diseases are proven, (diseases, N).
        kin: the probability of all diseases of the same kin as myositis.
    """

    diseases: Diseases
    first: NDArray[np.int64]
    certainty: Codes
    chance: Numbers
    sure: NDArray[np.bool_]
    kin: Numbers
    labels: tuple[str | None, ...]

    @cached_property
    def in_order(self) -> NDArray[np.int64]:
        """Return the number of the disease that leads, and those of what is proven beside it.

        In the order in which they are told, (places, N); -1 is none.
        """
        own = self.diseases
        beside = [n for n, x in enumerate(own.names) if x in own.rules.beside]
        held = [np.where(self.sure[n] & (self.first != n), n, -1) for n in beside]
        return upwards(np.array([self.first, *held]))

    def columns(self) -> Table:
        """Return what conditions may read of it."""
        truths = one_each("disease_", self.certainty)
        for number, name in enumerate(self.diseases.names):
            truths[LEADS + name] = of_flags(self.first == number)
            truths[PROVEN_OF + name] = of_flags(self.sure[number])
        families = np.array([*self.diseases.families.values(), ""])[self.first]
        for family in set(self.diseases.families.values()):
            truths[FAMILY + family] = of_flags(families == family)
        rows = _rows_of(self.labels)
        for label in self.diseases.labels:
            truths[LABEL + label] = of_flags(
                np.isin(np.arange(len(self.labels)), rows.get(label, ()))
            )
        other, renamed = self._against_labels(families)
        truths |= {OTHER: of_flags(other), RENAMED: of_flags(renamed)}
        return Table(len(self.first), truths, {MYOSITIS: self.kin})

    def _against_labels(
        self, families: NDArray[np.str_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return whether the leading disease is another than the label means, and whether it is renamed."""
        own, rules = self.diseases, self.diseases.rules
        other, renamed = np.zeros(len(self.first), bool), np.zeros(len(self.first), bool)
        for label, rows in _rows_of(self.labels).items():
            meant = own.labels.get(label, (label,) if label in own.families else ())
            leads = rows[self.first[rows] >= 0]
            apart = leads[~np.isin(self.first[leads], own.numbers(meant))]
            same = np.isin(families[apart], rules.kin)
            same &= not meant or any(own.families[x] in rules.kin for x in meant)
            other[apart] = ~same
            renamed[apart] = same & (label not in rules.unspecific)
        return other, renamed

    def weighed(self) -> Table:
        """Return ``probability.<disease>`` as the page reads it."""
        names = self.diseases.names
        return Table(
            len(self.first), numbers={PROBABILITY + x: self.chance[n] for n, x in enumerate(names)}
        )


def _rows_of(labels: Sequence[str | None]) -> dict[str, NDArray[np.intp]]:
    """Return the patients that carry each label."""
    found: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None:
            found.setdefault(label, []).append(row)
    return {label: np.array(rows, np.intp) for label, rows in found.items()}
