"""Many rules compiled once, evaluated together on a table of patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import numpy as np

from myoresist.arrays.planes import Planes
from myoresist.arrays.table import Codes, Numbers, Table
from myoresist.rules.compiler import Result, Run, compiled
from myoresist.rules.condition import Condition

CHUNK = 1 << 17
"""Patients who are evaluated at a time: what lies between the rules of a program is held for all of them."""


@dataclass(frozen=True)
class Program:
    """Rules by the column that each fills, in an order in which every rule finds what it reads.

    A rule may read columns of the table and columns that other rules fill.
    """

    rules: Mapping[str, Condition]

    def __post_init__(self) -> None:
        """Refuse rules that read themselves, directly or through others."""
        try:
            TopologicalSorter(self._inner_reads).prepare()
        except CycleError as error:
            raise ValueError(
                "rules read each other in a circle: " + " -> ".join(error.args[1])
            ) from error

    @cached_property
    def _inner_reads(self) -> dict[str, set[str]]:
        return {
            column: {name for name in rule.reads if name in self.rules}
            for column, rule in self.rules.items()
        }

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Return the columns in an order in which each rule comes after those that it reads."""
        return tuple(TopologicalSorter(self._inner_reads).static_order())

    @cached_property
    def _run(self) -> Run:
        return compiled([(column, self.rules[column].node) for column in self.order])

    def run(self, table: Table) -> Table:
        """Return one column a rule for every patient of a table.

        A column that the table does not have is unknown.
        """
        if table.size <= CHUNK:
            return _table(self._run(table), table.size)
        parts = [
            _table(self._run(part), part.size)
            for start in range(0, table.size, CHUNK)
            for part in [table.take(slice(start, start + CHUNK))]
        ]
        return _joined(parts)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """Return the columns of the table that all rules rest on."""
        return self.leaves(self.rules)

    def leaves(self, columns: Iterable[str]) -> frozenset[str]:
        """Return the columns of the table that the given columns rest on, through all rules."""
        found: set[str] = set()
        seen: set[str] = set()
        todo = list(columns)
        while todo:
            column = todo.pop()
            if column in seen:
                continue
            seen.add(column)
            if column in self.rules:
                todo.extend(self.rules[column].reads)
            else:
                found.add(column)
        return frozenset(found)

    @cached_property
    def thresholds(self) -> dict[str, tuple[float, ...]]:
        """Return for each numeric column the numbers with which any rule compares it, ascending."""
        found: dict[str, set[float]] = {}
        for rule in self.rules.values():
            for column, numbers in rule.thresholds().items():
                found.setdefault(column, set()).update(numbers)
        return {column: tuple(sorted(numbers)) for column, numbers in found.items()}


def _table(results: Mapping[str, Result], size: int) -> Table:
    truths: dict[str, Planes] = {}
    numbers: dict[str, Numbers] = {}
    words: dict[str, Codes] = {}
    for name, result in results.items():
        match result:
            case Planes():
                truths[name] = result
            case Codes():
                words[name] = result
            case _:
                numbers[name] = np.broadcast_to(np.asarray(result, float), size)
    return Table(size, truths, numbers, words)


def _joined(parts: list[Table]) -> Table:
    """Return the patients of several tables with the same columns, one after the other."""
    first = parts[0]
    starts = np.cumsum([0, *(part.size for part in parts)]).tolist()
    truths = {}
    for name in first.truths:
        t = f = 0
        for start, part in zip(starts, parts, strict=False):
            t |= part.truths[name].t << start
            f |= part.truths[name].f << start
        truths[name] = Planes(t, f)
    return Table(
        starts[-1],
        truths,
        {name: np.concatenate([part.numbers[name] for part in parts]) for name in first.numbers},
        {
            name: Codes(
                np.concatenate([part.words[name].codes for part in parts]), first.words[name].words
            )
            for name in first.words
        },
    )
