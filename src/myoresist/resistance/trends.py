"""What visits say about the course: columns that the rules on failure and its explanations read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, load_list
from myoresist.resistance.measures import DATE, PATIENT, compared_column
from myoresist.resistance.response import Responses
from myoresist.rules.syntax import Condition, Name, RuleError, parse

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
        rules, problems = {}, []
        for one in entries.values():
            try:
                if (one.when is None) == (one.of is None):
                    raise RuleError("needs either 'when' or 'of'")
                if one.when is not None:
                    rules[one.id] = parse(one.when, measured if one.over == "visit" else names)
                elif one.over == "unmeasured" and one.of not in domains:
                    raise RuleError(f"{one.of} is no measure of the core set")
            except RuleError as error:
                problems.append(Problem(str(path), None, one.id, str(error)))
        if problems:
            raise DocumentError(problems)
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
        return cls(entries, rules, held)

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
        self, patients: pl.Series, visits: pl.DataFrame, compared: pl.DataFrame
    ) -> pl.DataFrame:
        """Return what the visits of each patient say, one row a patient.

        Args:
            patients: ids of all patients, those without visits among them.
            visits: what ``Responses.visits`` returned.
            compared: what ``Responses.against_baseline`` returned for them.
        """
        ordered = compared.sort(PATIENT, DATE)
        last = ordered.group_by(PATIENT, maintain_order=True).last()
        latest = visits.sort(PATIENT, DATE).group_by(PATIENT, maintain_order=True).last()
        table = pl.DataFrame({PATIENT: patients})
        for one in self.entries.values():
            if one.over == "last":
                part = last.select(PATIENT, self._rule(one).alias(one.id))
            elif one.over == "value":
                part = last.select(PATIENT, pl.col(str(one.of)).alias(one.id))
            elif one.over == "visit":
                part = latest.select(PATIENT, self._rule(one).alias(one.id))
            elif one.over == "never":
                ever = self._rule(one).any(ignore_nulls=False)
                part = ordered.group_by(PATIENT).agg((~ever).alias(one.id))
            else:
                held = [name for name in self.held[str(one.of)] if name in visits.columns]
                lacking = (
                    pl.all_horizontal(pl.col(name).is_null() for name in held).all()
                    if held
                    else pl.lit(True)
                )
                part = visits.group_by(PATIENT).agg(lacking.alias(one.id))
            table = table.join(part, PATIENT, "left", maintain_order="left")
        # Of a patient without any visit it is not known what was measured.
        return table

    def without_visits(self, patients: pl.Series) -> pl.DataFrame:
        """Return the same for patients without any visit: all of it is unknown."""
        return pl.DataFrame({PATIENT: patients}).with_columns(
            pl.lit(None).alias(one.id) for one in self.entries.values()
        )

    def _rule(self, one: Trend) -> pl.Expr:
        return pl.sql_expr(self.rules[one.id].sql())
