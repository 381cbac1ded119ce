"""The knowledge behind the differential diagnosis: diseases, frequencies, investigations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field

from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, Sourced, load, load_list
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook

BACKGROUND = "background"
"""Adults with suspected neuromuscular disease, unselected: what every disease is compared with."""

CONFIRMED = "confirmed."
"""Begins the columns that say whether a disease is confirmed."""
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
"""The columns of ``numbers.csv``, and the share of patients below each."""

Confidence = Literal["low", "medium", "high"]
Invasiveness = Literal[1, 2, 3]


class Disease(Sourced):
    """One disease of the differential diagnosis."""

    id: str
    name: str
    family: str
    codes: Mapping[str, str | tuple[str, ...]] = {}
    prior: float = Field(gt=0, lt=1)
    prior_rationale: str
    prior_confidence: Confidence
    beside_myositis: bool
    points_to_it: str
    argues_against_it: str
    why_it_resists: str
    confirmed_by: str
    confirmed_when: str | None = None
    implication: str


class Group(Entry):
    """Findings that travel together (correlated), or of which as a rule one only is found (exclusive)."""

    id: str
    text: str
    kind: Literal["correlated", "exclusive"]
    correlation: float | None = Field(None, ge=0, le=1)
    findings: tuple[str, ...]


class NextTest(Entry):
    """How the investigation that would tell most is looked for and shown."""

    samples: int = Field(gt=0)
    step_cost: Mapping[int, float]
    shown: int = Field(gt=0)
    results_shown: int = Field(gt=0)


class Method(Sourced):
    """How frequencies become probabilities; each field is explained in the file."""

    population: str
    pseudo_counts: Mapping[str, float]
    most_counts: float
    shrinkage: float
    lowest: float
    highest: float
    prior_power: float
    prior_factor: Mapping[Confidence, float]
    temperature: float
    absence_weight: float
    number_weight: float
    number_background: float
    linear_numbers: tuple[str, ...]
    correlation: float = Field(ge=0, le=1)
    label_findings: tuple[str, ...]
    draws: int
    seed: int
    next_test: NextTest
    typical_percent: float
    unexplained_percent: float
    red_flag_ratio: float
    reason_ratio: float
    beside_probability: float
    beside_ratio: float


class Families(Entry):
    """Families of diseases by id, and the diseases that each label stands for."""

    families: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]


class Again(Entry):
    """What an investigation is once a finding is present, such as a biopsy that was taken before."""

    when: str
    name: str
    invasiveness: Invasiveness


class Investigation(Sourced):
    """An investigation and the findings that it answers; the file explains the fields."""

    id: str
    name: str
    invasiveness: Invasiveness
    bedside: bool = False
    follows: str | None = None
    again: Again | None = None
    resolves: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True)
class Diseases:
    """Everything that the differential diagnosis rests on.

    Attributes:
        diseases: by id, in the order of the file.
        frequencies: one row a disease (or ``background``) and finding: ``percent`` in patients in whom it
            was looked for, counts ``n`` of ``total`` where published, ``source``, ``check``, ``confidence``.
        numbers: the same for measured findings, as quantiles ``p05`` to ``p95``.
        groups: findings that travel together.
        confirmed: for diseases that have one, the rule that tells when it is confirmed.
    """

    diseases: Mapping[str, Disease]
    frequencies: pl.DataFrame
    numbers: pl.DataFrame
    groups: tuple[Group, ...]
    families: Families
    method: Method
    investigations: tuple[Investigation, ...]
    confirmed: Program

    @classmethod
    def load(cls, folder: Path, names: Mapping[str, Name]) -> Diseases:
        """Read ``diseases/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            names: the findings of the catalogue, as a condition may name them.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        where = folder / "diseases"
        diseases = {one.id: one for one in load_list(where / "diseases.yaml", Disease)}
        read = cls(
            diseases=diseases,
            frequencies=_frequencies(where / "frequencies.csv"),
            numbers=_numbers(where / "numbers.csv"),
            groups=load_list(where / "dependence.yaml", Group),
            families=load(where / "families.yaml", Families),
            method=load(where / "method.yaml", Method),
            investigations=load_list(where / "investigations.yaml", Investigation),
            confirmed=_confirmed(where / "diseases.yaml", diseases, names),
        )
        problems = read._problems(where, names)
        if problems:
            raise DocumentError(problems)
        return read

    @cached_property
    def published(self) -> int:
        """Return how many frequencies rest on a publication; the others are estimates or definitions."""
        return int(self.frequencies["source"].is_not_null().sum())

    def _problems(self, where: Path, names: Mapping[str, Name]) -> list[Problem]:
        known = {*self.diseases, BACKGROUND}
        problems = [
            Problem(str(where / file), line, field, f"{word} is unknown")
            for file, table in (
                ("frequencies.csv", self.frequencies),
                ("numbers.csv", self.numbers),
            )
            for field, allowed in (("disease", known), ("finding", set(names)))
            for line, word in _strange(table, field, allowed)
        ]
        for file, table in (("frequencies.csv", self.frequencies), ("numbers.csv", self.numbers)):
            twice = table.with_row_index("line", 2).filter(
                pl.struct("disease", "finding").is_duplicated()
            )
            problems += [
                Problem(str(where / file), line, finding, f"stands here twice for {disease}")
                for line, disease, finding in twice.select("line", "disease", "finding").iter_rows()
            ]
        wrong = self.frequencies.with_row_index("line", 2).filter(
            ~pl.col("percent").is_between(0, 100) | (pl.col("n") > pl.col("total"))
        )
        problems += [
            Problem(str(where / "frequencies.csv"), line, "percent", f"{percent} is no percentage")
            for line, percent in wrong.select("line", "percent").iter_rows()
        ]
        named = [(one.id, one.findings) for one in self.groups]
        named += [(one.id, one.resolves) for one in self.investigations]
        problems += [
            Problem(str(where), None, entry, f"{finding} is not in the catalogue")
            for entry, findings in named
            for finding in findings
            if finding not in names
        ]
        labelled = [(label, ids) for label, ids in self.families.labels.items()]
        problems += [
            Problem(str(where / "families.yaml"), None, label, f"{one} is not a disease")
            for label, ids in labelled
            for one in ids
            if one not in self.diseases
        ]
        problems += [
            Problem(str(where / "diseases.yaml"), None, one.id, f"{one.family} is not a family")
            for one in self.diseases.values()
            if one.family not in self.families.families
        ]
        return problems


def _strange(table: pl.DataFrame, field: str, allowed: set[str]) -> list[tuple[int, str]]:
    rows = table.with_row_index("line", 2).filter(~pl.col(field).is_in(sorted(allowed)))
    return list(rows.select("line", field).iter_rows())


def _frequencies(path: Path) -> pl.DataFrame:
    counts = {"percent": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return _read(path, {**counts, "n": pl.Float64, "total": pl.Float64})


def _numbers(path: Path) -> pl.DataFrame:
    return _read(path, dict.fromkeys(QUANTILES, pl.Float64))


def _read(path: Path, numbers: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    words = ("disease", "finding", "source", "check", "confidence")
    kinds: dict[str, type[pl.DataType]] = {**dict.fromkeys(words, pl.String), **numbers}
    try:
        return pl.read_csv(path, schema_overrides=kinds).select(list(kinds))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DocumentError([Problem(str(path), None, "", f"cannot be read: {reason}")]) from error


def _confirmed(path: Path, diseases: Mapping[str, Disease], names: Mapping[str, Name]) -> Program:
    book = Rulebook(names)
    for one in diseases.values():
        if one.confirmed_when is not None:
            book.add(CONFIRMED + one.id, one.confirmed_when, path, f"{one.id}.confirmed_when")
    return book.program()
