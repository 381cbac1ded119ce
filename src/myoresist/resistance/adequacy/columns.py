"""The derived columns: what conditions may read beside the findings, and what each is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from myoresist.case.catalogue import Catalogue
from myoresist.document import DocumentError, Problem
from myoresist.findings.evaluate import finding_names
from myoresist.knowledge.schema import Entry, load_list
from myoresist.resistance.adequacy.regimens import Regimens
from myoresist.resistance.adequacy.schema import Regimen
from myoresist.rules.condition import Name


class Column(Entry):
    """One derived column: what it holds and how it is computed.

    ``others`` is what to say once for many drugs instead of the label of each.
    """

    name: str
    kind: Literal["bool", "number"]
    unit: str | None = None
    label: str
    others: str | None = None
    computed: str
    origin: Literal["treatments", "visits", "explanations"] = Field("treatments", alias="from")


@dataclass(frozen=True)
class Columns:
    """All derived columns by name, after the findings of the catalogue."""

    catalogue: Catalogue
    columns: Mapping[str, Column]

    @classmethod
    def load(cls, folder: Path, regimens: Regimens, catalogue: Catalogue) -> Columns:
        """Read ``adequacy/columns.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        path = folder / "adequacy" / "columns.yaml"
        columns: dict[str, Column] = {}
        problems = []
        for entry in load_list(path, Column):
            for one in _expanded(entry, regimens):
                if one.name in columns or one.name in catalogue:
                    problems.append(Problem(str(path), None, one.name, "stands here twice"))
                columns[one.name] = one
        if problems:
            raise DocumentError(problems)
        return cls(catalogue, columns)

    @cached_property
    def names(self) -> dict[str, Name]:
        """Return what a condition may read: findings and derived columns."""
        derived = {one.name: Name(one.name, one.kind) for one in self.columns.values()}
        return {**finding_names(self.catalogue), **derived}

    def label(self, name: str) -> str:
        """Return what a finding or column is called."""
        return self.columns[name].label if name in self.columns else self.catalogue[name].label


def _expanded(entry: Column, regimens: Regimens) -> Iterator[Column]:
    """Return the columns that an entry stands for: one, or one for each trial or window."""
    for mark, kept in (("{trial}", regimens.trials), ("{window}", regimens.windows)):
        if mark in entry.name:
            for one in kept:
                if _has(one, entry.name):
                    name = entry.name.replace(mark, one.id)
                    label = entry.label.replace("{label}", one.label)
                    yield entry.model_copy(update={"name": name, "label": label})
            return
    yield entry


def _has(one: Regimen, name: str) -> bool:
    """Tell whether a regimen has this test: of levels and of weakening drugs only where it names them."""
    if name.endswith("_level_below_target"):
        return one.level is not None
    return not name.endswith("_interacting_drug") or one.weakened_by is not None
