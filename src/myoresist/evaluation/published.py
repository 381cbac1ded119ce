"""Published cases: a folder that holds one JSON file a case.

``id``, ``final_diagnosis``, ``findings`` (``present`` and ``absent``), ``numbers``, and where they apply
``also_accept`` (diagnoses that count as right), ``withheld`` (findings that give the diagnosis away),
``initial_label``, ``thin`` (states too little), ``label_confidence`` and ``hpo`` (``present`` and ``absent``
terms of the Human Phenotype Ontology, which are read where the extra ``hpo`` is installed). Every case is
asked twice: without what gives it away, and with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from myoresist.case.catalogue import Catalogue, read_rows
from myoresist.case.record import conform
from myoresist.diagnosis.differential.likelihood import AGE, ONSET, ONSET_HIGH, ONSET_LOW
from myoresist.document import DocumentError, Problem, read_document
from myoresist.knowledge.schema import Entry, validated

ADULT = 18
RAISED, MULTIPLE = "ck_raised", "ck_x_uln"

Value = bool | float


class _Findings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


class PublishedCase(BaseModel):
    """One published case; keys that are not listed here are of no use for an evaluation."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    final_diagnosis: str
    also_accept: tuple[str, ...] = ()
    initial_label: str | None = None
    findings: _Findings
    numbers: Mapping[str, float] = {}
    numbers_derived: Mapping[str, float | Mapping[str, float]] = {}
    numbers_range: Mapping[str, tuple[float | None, float | None]] = {}
    withheld: tuple[str, ...] = ()
    hpo: _Findings = _Findings()
    thin: bool = False
    label_confidence: Literal["stated", "weak"] | None = None

    @property
    def typical(self) -> bool:
        """Tell whether it is of an adult, states enough and has a firm diagnosis."""
        age = self.numbers.get(AGE, self.numbers.get(ONSET, ADULT))
        return age >= ADULT and not self.thin and self.label_confidence != "weak"

    def coded(self) -> dict[str, Value]:
        """Return the findings as the file has them; a range is turned into what it means."""
        found: dict[str, Value] = {
            **dict.fromkeys(self.findings.present, True),
            **dict.fromkeys(self.findings.absent, False),
            **self.numbers,
            **{k: v for k, v in self.numbers_derived.items() if isinstance(v, float | int)},
        }
        low, high = self.numbers_range.get(ONSET, (None, None))
        found |= {name: v for name, v in ((ONSET_LOW, low), (ONSET_HIGH, high)) if v is not None}
        low, high = self.numbers_range.get(MULTIPLE, (None, None))
        if low is not None and low >= 1:
            found[RAISED] = True
        elif high is not None and high <= 1:
            found[RAISED] = False
        return found


class Recoding(Entry):
    """A finding that the source of a case states and the case file lacks, or has wrong."""

    case: str
    finding: str
    value: bool | float = Field(union_mode="left_to_right")
    gives_away: bool
    stated: str
    seen: str


@dataclass(frozen=True)
class Coded:
    """A published case with what is known without and with the findings that give it away."""

    case: PublishedCase
    hidden: Mapping[str, Value]
    revealed: Mapping[str, Value]

    @property
    def given_away(self) -> set[str]:
        """Return the findings that are revealed only the second time."""
        return {name for name in self.revealed if name not in self.hidden}


def read_cases(folder: Path, catalogue: Catalogue, recoding: Path | None = None) -> list[Coded]:
    """Read a folder of published cases.

    Args:
        folder: one JSON file a case.
        catalogue: the findings; what a case says beside them is left out.
        recoding: a CSV file with further findings, ``Recoding`` row by row.

    Raises:
        DocumentError: naming file, line and field of whatever is wrong.
    """
    added: dict[str, list[Recoding]] = {}
    if recoding:
        for line, row in read_rows(recoding, Recoding):
            if row.finding not in catalogue:
                raise DocumentError(
                    [Problem(str(recoding), line, row.finding, "is not a finding of the catalogue")]
                )
            added.setdefault(row.case, []).append(row)
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DocumentError(
            [Problem(str(folder), None, "", "holds no case; give a folder of JSON")]
        )
    return [_coded(path, catalogue, added) for path in paths]


def _coded(path: Path, catalogue: Catalogue, added: Mapping[str, Sequence[Recoding]]) -> Coded:
    document = read_document(path)
    case = validated(PublishedCase, document.data, document)
    own = {name: value for name, value in case.coded().items() if name in catalogue}
    more = added.get(case.id, ())
    revealed = own | {one.finding: one.value for one in more}
    away = {*case.withheld, *(one.finding for one in more if one.gives_away)}
    hidden = {name: value for name, value in revealed.items() if name not in away}
    return Coded(case, hidden, revealed)


def table(records: Iterable[Mapping[str, Value]], catalogue: Catalogue) -> pl.DataFrame:
    """Return findings as a table, one row a record."""
    rows = list(records)
    known = {name for row in rows for name in row}
    # One column at least, so that a record of nothing is a row, too.
    names = sorted(known) or [next(iter(catalogue)).id]
    given = pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)
    return conform(given, catalogue)
