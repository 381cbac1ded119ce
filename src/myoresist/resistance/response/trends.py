"""What visits say about the course: columns that the rules on failure and its explanations read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from myoresist.arrays.kleene import Truths, told, truth
from myoresist.arrays.planes import UNKNOWN
from myoresist.arrays.runs import Runs
from myoresist.arrays.table import Table
from myoresist.knowledge.schema import Entry, load_list
from myoresist.resistance.response.evaluate import Responses
from myoresist.resistance.response.visits import PATIENT, compared_column
from myoresist.rules.condition import Condition, Name
from myoresist.rules.rulebook import Rulebook
from myoresist.rules.to_sql import to_sql

PARTS = ("relative", "final")


class Trend(Entry):
    """One column; the file explains the fields."""

    id: str
    label: str
    over: Literal["last", "never", "visit", "unmeasured", "value"]
    when: str | None = None
    of: str | None = None


@dataclass(frozen=True)
class Trends:
    """The columns, compiled, with the columns of a visit that hold each measure of the core set."""

    entries: Mapping[str, Trend]
    rules: Mapping[str, Condition]
    held: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, folder: Path, responses: Responses) -> Trends:
        """Read ``explanations/trends.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming the entry that cannot be used.
        """
        path = folder / "explanations" / "trends.yaml"
        domains = [one.id for one in responses.improvement.criteria.domains]
        names = {f"{d}_{p}": Name(f"{d}.{p}", "number") for d in domains for p in PARTS}
        columns = {compared_column(one) for one in responses.measures}
        measured = {name: Name(name, "number") for name in columns}
        entries = {one.id: one for one in load_list(path, Trend)}
        book = Rulebook(names)
        for one in entries.values():
            if (one.when is None) == (one.of is None):
                book.wrong(path, one.id, "needs either 'when' or 'of'")
            elif one.when is not None:
                read = measured if one.over == "visit" else names
                book.add(one.id, one.when, path, one.id, names=read)
            elif one.over == "unmeasured" and one.of not in domains:
                book.wrong(path, one.id, f"{one.of} is no measure of the core set")
        book.check()
        sets = responses.improvement.criteria.core_sets
        held = {
            domain: tuple(
                dict.fromkeys(
                    compared_column(responses.measures[name])
                    for one in sets
                    for name in one.measures.get(domain, ())
                )
            )
            for domain in domains
        }
        return cls(entries, book.rules, held)

    @property
    def compared(self) -> tuple[str, ...]:
        """Return the columns of a comparison that the rules may read."""
        return ("score", *(f"{domain}.{part}" for domain in self.held for part in PARTS))

    @property
    def names(self) -> dict[str, Name]:
        """Return the columns as a condition may name them."""
        return {
            one.id: Name(one.id, "number" if one.over == "value" else "bool")
            for one in self.entries.values()
        }

    def columns(
        self,
        patients: pl.Series,
        visits: pl.DataFrame,
        compared: pl.DataFrame,
        with_first: pl.DataFrame,
    ) -> Table:
        """Return what the visits of each patient say.

        Args:
            patients: ids of all patients, those without visits among them.
            visits: what ``Responses.visits`` returned, in its order.
            compared: what ``Responses.against_baseline`` returned for them, in its order.
            with_first: comparisons with the first visit of those patients whose baseline is a later one.
        """
        if visits.is_empty():
            return self._nothing(len(patients))
        table = pl.DataFrame({PATIENT: patients})
        parts = (
            self._of_pairs(compared),
            self._never(compared, with_first),
            self._of_visits(visits),
        )
        for part in parts:
            # Of a patient without any visit it is not known what was measured.
            table = table.join(part, PATIENT, "left", maintain_order="left")
        return Table.of_frame(table.select(*self.entries))

    def _nothing(self, patients: int) -> Table:
        """Return what no visits say."""
        unknown = np.full(patients, np.nan)
        numbers = {one.id: unknown for one in self._over("value")}
        return Table(patients, dict.fromkeys(self.entries.keys() - numbers, UNKNOWN), numbers)

    def at_visits(self, name: str, visits: pl.DataFrame) -> Truths:
        """Tell of each visit what a column says of the last one."""
        return truth(visits.select(self._compiled[name].alias(name)).to_series())

    def of_changes(self, name: str, changes: pl.DataFrame) -> Truths:
        """Tell of each pair of visits what a column says of the last one against the baseline."""
        return truth(changes.select(self._compiled[name].alias(name)).to_series())

    def _of_pairs(self, compared: pl.DataFrame) -> pl.DataFrame:
        """Return what the last comparison of each patient says."""
        runs = Runs.of_column(compared[PATIENT])
        return compared.select(pl.col(PATIENT, *self.compared).gather(runs.ends)).select(
            PATIENT,
            *(self._rule(one).alias(one.id) for one in self._over("last")),
            *(pl.col(str(one.of)).alias(one.id) for one in self._over("value")),
        )

    def _never(self, compared: pl.DataFrame, with_first: pl.DataFrame) -> pl.DataFrame:
        """Return what no comparison of each patient says."""
        ever = {one.id: self._rule(one) for one in self._over("never")}
        pairs = [one.select(PATIENT, **ever) for one in (compared, with_first) if len(one)]
        table = pl.concat(pairs) if pairs else compared.select(PATIENT, **ever)
        if len(pairs) > 1:
            table = table.sort(PATIENT)
        runs = Runs.of_column(table[PATIENT])
        codes = {name: runs.max(truth(table[name])) for name in ever}
        never = pl.DataFrame(codes).select(~told(name) for name in ever)
        return never.with_columns(table[PATIENT].gather(runs.starts))

    def _of_visits(self, visits: pl.DataFrame) -> pl.DataFrame:
        """Return what the visits of each patient say by themselves."""
        runs = Runs.of_column(visits[PATIENT])
        held = {
            one.id: [name for name in self.held[str(one.of)] if name in visits.columns]
            for one in self._over("unmeasured")
        }
        lacking = visits.select(
            pl.all_horizontal(
                pl.col(PATIENT).is_not_null(), *(pl.col(x).is_null() for x in names)
            ).alias(name)
            for name, names in held.items()
        )
        unmeasured = [pl.Series(x.name, runs.all(x.to_numpy())) for x in lacking]
        latest = visits.select(pl.all().gather(runs.ends)).select(
            PATIENT, *(self._rule(one).alias(one.id) for one in self._over("visit"))
        )
        return latest.hstack(unmeasured)

    def _over(self, kind: str) -> list[Trend]:
        return [one for one in self.entries.values() if one.over == kind]

    @cached_property
    def _compiled(self) -> Mapping[str, pl.Expr]:
        return {name: pl.sql_expr(to_sql(rule.node)) for name, rule in self.rules.items()}

    def _rule(self, one: Trend) -> pl.Expr:
        return self._compiled[one.id]
