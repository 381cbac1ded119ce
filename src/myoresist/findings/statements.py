"""What doors say of findings, as numbers, and how it is settled: one value a finding, or a dispute.

A case file, a letter, a form and a table of a registry all say the same kind of thing: this patient, this
finding, this value. A finding about which two statements of one patient differ is unknown, and with it what
rests on either side only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.planes import Planes, of_flags, unpack
from myoresist.arrays.table import EPOCH, Codes, Numbers, Table, Value
from myoresist.case.catalogue import Catalogue, Finding
from myoresist.findings.evaluate import Inference


class Statements(NamedTuple):
    """Statements about findings, one entry each.

    Attributes:
        patient: the row of the patient.
        finding: the place of the finding in the catalogue.
        value: 1 or 0, a number, the place of a word among its choices, or a day since 1970.
    """

    patient: NDArray[np.int64]
    finding: NDArray[np.int64]
    value: Numbers

    @classmethod
    def joined(cls, parts: Iterable[Statements]) -> Statements:
        """Return the statements of several parts, in their order."""
        all_ = [*parts, cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
        return cls(*(np.concatenate(columns) for columns in zip(*all_, strict=True)))


class Dispute(NamedTuple):
    """A finding of a patient about which statements differ, or that cannot be true beside another."""

    patient: int
    finding: str


@dataclass(frozen=True)
class Settled:
    """What is recorded of N patients.

    Attributes:
        recorded: one column a finding that anything is said of; what is disputed, and what fits one side of
            a dispute only, is unknown.
        disputes: what statements differ about, and what cannot be true together, by patient and finding.
    """

    recorded: Table
    disputes: Sequence[Dispute]


@dataclass(frozen=True)
class Settler:
    """Settles statements about findings."""

    catalogue: Catalogue
    inference: Inference

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in the order of their places."""
        return tuple(self.catalogue)

    @cached_property
    def places(self) -> dict[str, int]:
        """Return the place of each finding."""
        return {one.id: place for place, one in enumerate(self.findings)}

    def choice(self, finding: str, word: str) -> int | None:
        """Return the place of a word among the choices of a finding."""
        choices = self.catalogue[finding].choices
        return choices.index(word) if word in choices else None

    def number(self, finding: str, value: Value) -> float | None:
        """Return the number that stands for a value; ``None`` for a word that is no choice."""
        if isinstance(value, str):
            return self.choice(finding, value)
        return float((value - EPOCH).days if isinstance(value, date) else value)

    def statements(self, values: Iterable[tuple[str, Value]], patient: int = 0) -> Statements:
        """Return what is said of one patient.

        Args:
            values: findings with their values, in the order in which they are said.
            patient: the row of the patient.
        """
        said = [
            (self.places[finding], number)
            for finding, value in values
            if (number := self.number(finding, value)) is not None
        ]
        return Statements(
            np.full(len(said), patient, np.int64),
            np.array([place for place, _ in said], np.int64),
            np.array([number for _, number in said], float),
        )

    def settle(self, said: Statements, size: int, columns: Table | None = None) -> Settled:
        """Return what is recorded of each patient.

        Args:
            said: statements; of those that agree any counts.
            size: the number of patients.
            columns: findings that a table holds as columns, which are said first.
        """
        own = Table(size) if columns is None else columns
        cells = {
            self.places[name]: self._numbers(own, self.catalogue[name])
            for name in own
            if own.known(name)
        }
        disputed: list[tuple[int, Statements]] = []
        for place, part in _by_finding(said):
            found = cells.get(place, np.full(size, np.nan))
            fresh = np.isnan(found[part.patient])
            # Backwards, so that of several the first one stays.
            found[part.patient[fresh][::-1]] = part.value[fresh][::-1]
            cells[place] = found
            differs = found[part.patient] != part.value
            if differs.any():
                disputed.append((place, Statements(*(column[differs] for column in part))))
        recorded = self._table(cells, size)
        if disputed:
            recorded = self._undisputed(recorded, cells, disputed, size)
        about = {
            Dispute(int(patient), self.findings[place].id)
            for place, part in disputed
            for patient in part.patient
        }
        about |= {Dispute(*one) for one in self.inference.impossible.named(recorded)}
        return Settled(recorded, sorted(about))

    def _undisputed(
        self,
        recorded: Table,
        cells: dict[int, Numbers],
        disputed: Sequence[tuple[int, Statements]],
        size: int,
    ) -> Table:
        """Return what is recorded without what holds on one side of a dispute only.

        What contradicts one side must not bring the finding back, so both sides are followed to their end.
        """
        rows = np.unique(np.concatenate([part.patient for _, part in disputed]))
        sides = [{place: column[rows] for place, column in cells.items()} for _ in range(2)]
        for place, part in disputed:
            at = np.searchsorted(rows, part.patient)
            sides[1][place][at[::-1]] = part.value[::-1]
        one, other = (self.inference.known(self._table(side, len(rows))).findings for side in sides)
        changed: dict[int, Numbers] = {}
        for place, column in cells.items():
            finding = self.findings[place]
            first, second = (self._numbers(side, finding) for side in (one, other))
            lost = ~(first == second) & ~np.isnan(column[rows])
            if lost.any():
                kept = column.copy()
                kept[rows[lost]] = np.nan
                changed[place] = kept
        return recorded.with_columns(self._table(changed, size))

    def _numbers(self, table: Table, finding: Finding) -> Numbers:
        """Return a column of findings as numbers, in an array of its own."""
        if finding.kind == "bool":
            true, false = (unpack(plane, table.size) for plane in table.truth(finding.id))
            return np.where(true, 1.0, np.where(false, 0.0, np.nan))
        if finding.kind == "category":
            said = table.word(finding.id)
            places = [self.choice(finding.id, word) for word in said.words]
            numbers = np.array([*(np.nan if x is None else float(x) for x in places), np.nan])
            return numbers[said.codes]
        return table.number(finding.id).copy()

    def _table(self, cells: dict[int, Numbers], size: int) -> Table:
        truths: dict[str, Planes] = {}
        numbers: dict[str, Numbers] = {}
        words: dict[str, Codes] = {}
        days: dict[str, Numbers] = {}
        for place, column in cells.items():
            finding = self.findings[place]
            known = ~np.isnan(column)
            if finding.kind == "bool":
                truths[finding.id] = of_flags(column == 1, known)
            elif finding.kind == "category":
                codes = np.where(known, column, -1).astype(np.int32)
                words[finding.id] = Codes(codes, finding.choices)
            elif finding.kind == "date":
                days[finding.id] = column
            else:
                numbers[finding.id] = column
        return Table(size, truths, numbers, words, days)


def _by_finding(said: Statements) -> Iterator[tuple[int, Statements]]:
    """Walk through the statements about each finding, in the order in which they were made."""
    order = np.argsort(said.finding, kind="stable")
    finding = said.finding[order]
    if not len(finding):
        return
    starts = np.flatnonzero(np.append(True, finding[1:] != finding[:-1])).tolist()
    for start, end in zip(starts, [*starts[1:], len(finding)], strict=False):
        rows = order[start:end]
        yield (
            int(finding[start]),
            Statements(said.patient[rows], said.finding[rows], said.value[rows]),
        )
