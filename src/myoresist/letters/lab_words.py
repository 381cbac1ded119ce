"""The words about laboratory tests, as ``labs.yaml`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from myoresist.knowledge.schema import Entry
from myoresist.letters.lab_value import LabValue
from myoresist.letters.marks import Mark
from myoresist.letters.phrases import Phrases


class LabName(Entry):
    """Names of a test in letters and what is meant where no unit is written."""

    also: tuple[str, ...] = ()
    unit: str | None = None
    least: float = 0
    beside: str | None = None


class LabWords(Entry):
    """The words of ``labs.yaml``."""

    tests: Mapping[str, LabName]
    others: tuple[str, ...]
    fillers: tuple[str, ...]
    never: tuple[str, ...]
    limits: tuple[str, ...]

    def usual(self, value: LabValue) -> LabValue:
        """Return a value of a table in the usual unit of its test where none is written."""
        name = self.tests.get(value.test)
        if value.unit or not value.assumed or not name or not name.unit or value.value < name.least:
            return value
        return replace(value, unit=name.unit, why=None)

    def grow(self, phrases: Phrases) -> None:
        """Add the names to the tree of phrases."""
        for id_, name in self.tests.items():
            for phrase in name.also:
                phrases.add(phrase, Mark("lab", id_))
        for phrase in self.others:
            phrases.add(phrase, Mark("other_lab", phrase))
