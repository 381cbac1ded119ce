"""Many rules compiled once, evaluated together on a table of patients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import polars as pl

from myoresist.rules.syntax import Condition


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
    def levels(self) -> tuple[dict[str, pl.Expr], ...]:
        """Return the compiled rules in steps; a step reads the table and earlier steps only."""
        sorter = TopologicalSorter(self._inner_reads)
        sorter.prepare()
        levels = []
        while sorter.is_active():
            ready = sorter.get_ready()
            sorter.done(*ready)
            levels.append(
                {
                    column: pl.sql_expr(self.rules[column].sql()).alias(column)
                    for column in sorted(ready)
                }
            )
        return tuple(levels)

    def run(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the table with one further column a rule; NULL is unknown."""
        for level in self.levels:
            table = table.with_columns(list(level.values()))
        return table

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
