"""How drugs are named: by substance or brand, with a route, a strength in words, or without any name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import Field, field_validator

from myoresist.case.catalogue import Names, listed
from myoresist.case.doses import DoseWords
from myoresist.knowledge.schema import Entry

_FILLING = (
    "a", "an", "another", "of", "other", "several", "some", "the", "therapy", "treatment", "unnamed",
)  # fmt: skip
_MOST_AROUND = 4
"""Words that may stand around the name of a drug."""


class Drug(Entry):
    """A drug by its usual names, or another medicine or procedure.

    ``ever`` names the findings that are true of whoever had it, ``now`` those of whoever takes it now,
    ``before`` those of whoever had it before or at the onset. ``allergy`` is the finding of whoever must not
    have it again. ``unnamed`` stands for a drug of which nobody knows the name.
    """

    id: str
    label: str
    drug_class: str = Field(alias="class")
    synonyms: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    unnamed: bool = False
    before: tuple[str, ...] = ()
    allergy: str | None = None

    _listed = field_validator("synonyms", "ever", "now", "before", mode="before")(listed)

    @property
    def tells(self) -> tuple[str, ...]:
        """Return every finding of which it can tell."""
        return (*self.ever, *self.now, *self.before, *filter(None, [self.allergy]))


@dataclass(frozen=True)
class Named:
    """What the name of a drug says.

    Attributes:
        drug: which drug it is.
        route: words of the route that stand around the name.
        strength: words on the dose, such as ``high dose``.
    """

    drug: Drug
    route: str | None = None
    strength: str | None = None


@dataclass(frozen=True)
class DrugNames:
    """All names of drugs, and the words that may stand around them."""

    drugs: Mapping[str, Drug]
    doses: DoseWords
    local: tuple[str, ...]

    def find(self, name: str) -> Named | None:
        """Return what a name says, ``None`` if it holds no drug that is known."""
        whole = self._names.find(name)
        if whole:
            return Named(self.drugs[whole])
        words = re.findall(r"[^\s,;()]+", name.lower())
        for first, last in _cores(len(words)):
            known = self._names.find(" ".join(words[first:last]))
            around = [" ".join(words[:first]), " ".join(words[last:])]
            if known:
                said = self._around([part for part in around if part], self.drugs[known])
                if said:
                    return said
        return None

    def nearest(self, name: str, cutoff: float = 0.75) -> Drug | None:
        """Return the drug whose name is most like one, if any is as alike as ``cutoff`` (0 to 1)."""
        near = self._names.nearest(name, cutoff)
        return self.drugs[near] if near else None

    def _around(self, parts: Iterable[str], drug: Drug) -> Named | None:
        """Return what the words around the name of a drug say, ``None`` if one of them says nothing known."""
        route, strength, pulse = None, None, False
        words = " ".join(parts).replace("-", " ")
        for known in sorted(self.doses.strengths, key=len, reverse=True):
            if re.search(rf"\b{re.escape(known)}\b", words):
                strength = known
                words = re.sub(rf"\b{re.escape(known)}\b", " ", words)
        for word in words.split():
            if word in self.doses.pulses:
                pulse = True
            elif route is None and self.doses.route(word, self.local):
                route = word
            elif word not in _FILLING:
                return None
        if pulse:
            if drug.id not in self.doses.pulsed:
                return Named(drug, route, strength or "pulse")
            return Named(self.drugs[self.doses.pulsed[drug.id]], route, strength)
        return Named(drug, route, strength)

    @cached_property
    def _names(self) -> Names:
        words = ((x.id, (x.id, x.label, *x.synonyms)) for x in self.drugs.values())
        return Names.of(words, plain_name)


def _cores(length: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a name that may be that of the drug, the longest first."""
    for size in range(length - 1, max(0, length - 1 - _MOST_AROUND), -1):
        for first in range(length - size + 1):
            yield first, first + size


def plain_name(name: str) -> str:
    """Return the name of a drug without what people write in different ways: case, lines, blanks, signs."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
