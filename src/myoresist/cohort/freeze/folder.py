"""A freeze: the folder that ``myoresist cohort`` wrote, opened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.cohort.folder import SourceError
from myoresist.cohort.registry import DIFFERENTIAL, FINDINGS, TABLES
from myoresist.cohort.run import MANIFEST, scan
from myoresist.cohort.tally import Wanted
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT

SUBSET, LABEL, FINAL = "subset", "label", "final_diagnosis"


@dataclass(frozen=True)
class Freeze:
    """The answers about a registry.

    Attributes:
        folder: where they lie.
        knowledge: what medicine knows.
    """

    folder: Path
    knowledge: Knowledge

    @classmethod
    def open(cls, folder: Path) -> Freeze:
        """Open the answers of a finished run.

        Raises:
            SourceError: if the folder holds none.
        """
        if not (folder / MANIFEST).is_file():
            raise SourceError(
                f"{folder}: holds no answers; myoresist cohort SRC --out {folder} writes them"
            )
        return cls(folder, Knowledge.load())

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Return the manifest."""
        found: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        return found

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables that there are."""
        return tuple(x for x in TABLES if (self.folder / x).is_dir())

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """Return the columns that were carried through."""
        return tuple(self.manifest.get("kept", ()))

    def scan(self, table: str) -> pl.LazyFrame:
        """Open a table.

        Raises:
            SourceError: if it is not there, as in a copy of a part.
        """
        if not any((self.folder / table).glob("part-*.parquet")):
            raise SourceError(f"{self.folder}: lacks its table {table}; copy or write it whole")
        return scan(self.folder, table)

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table."""
        return self.scan(table).collect_schema().names()

    def people(self, *wanted: str) -> pl.DataFrame:
        """Return one row a patient with some columns, wherever they stand.

        Args:
            wanted: findings, columns that were kept, ``label``, ``final_diagnosis``, ``subset``, and columns
                of any table of one row a patient.

        Raises:
            SourceError: for a column that no such table has.
        """
        left = [x for x in dict.fromkeys(wanted) if x not in (PATIENT, SUBSET)]
        found = self.scan(FINDINGS).select(PATIENT, *self._of(FINDINGS, left)).collect()
        for table in (DIFFERENTIAL, "resistance", "criteria", "consult", "serology"):
            own = self._of(table, [x for x in left if x not in found.columns])
            if own:
                more = self.scan(table).select(PATIENT, *own).collect()
                found = found.join(more, on=PATIENT, how="left", maintain_order="left")
        missing = [x for x in left if x not in found.columns]
        if missing:
            raise SourceError(
                f"{missing[0]}: is no column of one row a patient in {self.folder}; "
                f"keep: [{missing[0]}] in the mapping file carries one of yours through"
            )
        if SUBSET in wanted:
            found = found.join(self.subsets, on=PATIENT, how="left", maintain_order="left")
        return found

    def _of(self, table: str, names: list[str]) -> list[str]:
        held = set(self.columns(table))
        return [x for x in names if x in held]

    @cached_property
    def subsets(self) -> pl.DataFrame:
        """Return the likeliest subset of each patient."""
        wanted = Wanted(self.knowledge, (), ())
        juvenile = self.scan(FINDINGS).select(PATIENT, "juvenile_onset").collect()
        chances = self.scan(DIFFERENTIAL).drop(*self.kept, strict=False).collect()
        both = juvenile.join(chances, on=PATIENT, how="left", maintain_order="left")
        return wanted.placed(both).select(PATIENT, SUBSET)
