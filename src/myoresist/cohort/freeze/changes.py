"""Changes between the rows of a patient that cannot be, or hardly; the rules stand in the knowledge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

from myoresist.case.terms import Terms
from myoresist.case.units import converted, spelling
from myoresist.cohort.schema import ROW
from myoresist.knowledge import folder
from myoresist.knowledge.schema import Entry, Sourced, load
from myoresist.resistance.response.visits import DATE, PATIENT

Kind = Literal["falls", "there_and_back", "factor", "differs", "before", "turns"]
BIRTH, ONSET = "birth_date", "onset_date"
COLUMNS = ("table", ROW, PATIENT, "column", "day", "value", "before", "surely", "rule", "why")
_VALUE, _BEFORE, _NEXT = "value", "_before", "_next"


class Rule(Entry):
    """What cannot change, or is unlikely to; see ``registry/changes.yaml``."""

    id: str
    text: str
    table: str
    columns: tuple[str, ...]
    kind: Kind
    surely: bool = False
    by: float = 0
    back: float = 0
    days: int = 0
    times: tuple[float, ...] = ()
    near: float = 1
    than: str | None = None
    after: tuple[str, ...] = ()
    result: tuple[str, ...] = ()


class BetweenFreezes(Entry):
    """Findings that from one freeze to the next only grow, stay what they are, or stay true."""

    grow: tuple[str, ...]
    stay: tuple[str, ...]
    stay_true: tuple[str, ...]


class Rules(Sourced):
    """The rules of ``registry/changes.yaml``."""

    within_a_freeze: tuple[Rule, ...]
    between_freezes: BetweenFreezes

    @classmethod
    def packaged(cls) -> Rules:
        """Return those that ship with the package."""
        return load(folder() / "registry" / "changes.yaml", cls)


@dataclass(frozen=True)
class Changes:
    """Finds changes in tables that have been read.

    Attributes:
        terms: what columns and tests are.
        rules: what cannot be.
    """

    terms: Terms
    rules: tuple[Rule, ...]

    def wanted(self, table: str) -> frozenset[str]:
        """Return the columns of a table that the rules need."""
        own = [x for x in self.rules if x.table == table]
        found = {column for one in own for name in one.columns for column in self._columns(name)}
        if table == "patients":
            found |= {x.than for x in self.rules if x.than}
        if table == "labs" and own:
            found |= {"test", "unit"}
        if table == "antibodies" and own:
            found |= {"antibody", "method"}
        return frozenset(found | {ROW, PATIENT, DATE}) if own else frozenset()

    def found(self, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Return one row a cell and rule, with ``COLUMNS``.

        Args:
            tables: the rows that can be used, typed, with ``row``; each with the columns that are wanted.
        """
        kinds: Mapping[Kind, Callable[[Rule, pl.DataFrame, str, float], pl.DataFrame]] = {
            "falls": _falls, "there_and_back": _there_and_back, "factor": self._factor,
            "differs": _differs, "before": _before_than(tables["patients"]), "turns": _turns,
        }  # fmt: skip
        parts = [_nothing()]
        for rule in self.rules:
            rows = tables.get(rule.table)
            if rows is None:
                continue
            for name in rule.columns:
                for column, unit in self._columns(name).items():
                    if column in rows.columns and rows[column].count():
                        cells = kinds[rule.kind](rule, rows, column, unit)
                        parts.append(_told(cells, rule, column))
        return pl.concat(parts).sort("table", ROW, "column", "rule")

    def _columns(self, name: str) -> dict[str, float]:
        """Return the columns of a measure, with how much one of it is in the usual unit, or the column."""
        measure = self.terms.measures.by_id.get(name)
        return dict(measure.columns) if measure else {name: 1.0}

    def _factor(self, rule: Rule, rows: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
        """Return values that are a multiple of both neighbours; of a laboratory, in one unit by test."""
        by = [PATIENT]
        if rule.table == "labs":
            rows, by = self._in_one_unit(rows), [PATIENT, "_test"]
        known = _beside(rows.drop_nulls(column).filter(pl.col(column) > 0), column, by)
        value, before, after = (pl.col(x) for x in (_VALUE, _BEFORE, _NEXT))
        calm = (before / after).is_between(1 / 3, 3)

        def about(share: pl.Expr) -> pl.Expr:
            return pl.any_horizontal(
                share.is_between(one / rule.near, one * rule.near)
                for times in rule.times
                for one in (times, 1 / times)
            )

        return known.filter(calm & about(value / before) & about(value / after))

    def _in_one_unit(self, rows: pl.DataFrame) -> pl.DataFrame:
        pairs = rows.select("test", "unit").unique().drop_nulls()
        factors = []
        for test, unit in pairs.cast(pl.String).iter_rows():
            known = self.terms.lab(test)
            spelt = spelling(unit, known) if known else None
            if known and spelt:
                factors.append((test, unit, known.id, converted(1.0, spelt, known)))
        scale = pl.DataFrame(
            factors,
            {"test": pl.String, "unit": pl.String, "_test": pl.String, "_scale": pl.Float64},
            orient="row",
        )
        text = rows.with_columns(pl.col("test", "unit").cast(pl.String))
        return text.join(scale, on=["test", "unit"]).with_columns(
            pl.col("value") * pl.col("_scale")
        )


def _beside(rows: pl.DataFrame, column: str, by: list[str]) -> pl.DataFrame:
    """Return dated values with the one before and the one after of the same patient."""
    if DATE not in rows.columns:
        rows = rows.with_columns(pl.lit(None, pl.Date).alias(DATE))
    if rows.schema[DATE] == pl.String:
        # Of which only month or year is known cannot be put in order.
        rows = rows.with_columns(pl.col(DATE).str.to_date("%Y-%m-%d", strict=False))
    dated = rows.drop_nulls(DATE).sort(*by, DATE)
    return dated.with_columns(
        pl.col(column).alias(_VALUE),
        pl.col(column).shift().over(by).alias(_BEFORE),
        pl.col(column).shift(-1).over(by).alias(_NEXT),
        pl.col(DATE).shift().over(by).alias("_from"),
        pl.col(DATE).shift(-1).over(by).alias("_to"),
    )


def _falls(rule: Rule, rows: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
    known = _beside(rows.drop_nulls(column), column, [PATIENT])
    return known.filter((pl.col(_BEFORE) - pl.col(_VALUE)) * unit > rule.by)


def _there_and_back(rule: Rule, rows: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
    known = _beside(rows.drop_nulls(column), column, [PATIENT])
    value, before, after = (pl.col(x) * unit for x in (_VALUE, _BEFORE, _NEXT))
    out, home = value - before, value - after
    far = pl.min_horizontal(out.abs(), home.abs()) >= rule.by
    near = (after - before).abs() <= rule.back
    soon = (pl.col("_to") - pl.col("_from")).dt.total_days() <= rule.days
    return known.filter(far & (out.sign() == home.sign()) & near & soon)


def _differs(rule: Rule, rows: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
    known = rows.drop_nulls(column).with_columns(
        pl.col(column).cast(pl.String).alias(_VALUE),
        pl.col(column).cast(pl.String).first().over(PATIENT).alias(_BEFORE),
    )
    return known.filter(pl.col(_VALUE) != pl.col(_BEFORE))


def _before_than(
    patients: pl.DataFrame,
) -> Callable[[Rule, pl.DataFrame, str, float], pl.DataFrame]:
    """Return what finds days before a day of the patient; of partial dates as far as both are known."""

    def found(rule: Rule, rows: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
        if rule.than not in patients.columns:
            return rows.clear().with_columns(
                pl.lit(None, pl.String).alias(x) for x in (_VALUE, _BEFORE)
            )
        days = patients.select(PATIENT, pl.col(rule.than).cast(pl.String).alias(_BEFORE))
        days = days.drop_nulls().unique(PATIENT, keep="first")
        told = rows.with_columns(pl.col(column).cast(pl.String).alias(_VALUE)).join(
            days, on=PATIENT
        )
        own, other = pl.col(_VALUE), pl.col(_BEFORE)
        length = pl.min_horizontal(own.str.len_chars(), other.str.len_chars())
        return told.filter(own.str.head(length) < other.str.head(length))

    return found


def _turns(rule: Rule, rows: pl.DataFrame, column: str, unit: float) -> pl.DataFrame:
    by = [PATIENT, *(x for x in ("antibody", "method") if x in rows.columns)]
    words = rows.drop_nulls(column).with_columns(pl.col(column).cast(pl.String))
    known = _beside(words, column, by)
    return known.filter(
        pl.col(_BEFORE).is_in(list(rule.after)) & pl.col(_VALUE).is_in(list(rule.result))
    )


def _told(cells: pl.DataFrame, rule: Rule, column: str) -> pl.DataFrame:
    day = pl.col(DATE).cast(pl.String) if DATE in cells.columns else pl.lit(None, pl.String)
    return cells.select(
        pl.lit(rule.table).alias("table"), pl.col(ROW).cast(pl.Int64), PATIENT,
        pl.lit(column).alias("column"), day.alias("day"), pl.col(_VALUE).cast(pl.String).alias("value"),
        pl.col(_BEFORE).cast(pl.String).alias("before"), pl.lit(rule.surely).alias("surely"),
        pl.lit(rule.id).alias("rule"), pl.lit(rule.text).alias("why"),
    )  # fmt: skip


def _nothing() -> pl.DataFrame:
    kinds: dict[str, type[pl.DataType]] = dict.fromkeys(COLUMNS, pl.String)
    return pl.DataFrame(schema={**kinds, ROW: pl.Int64, "surely": pl.Boolean})


@dataclass(frozen=True)
class Impossible:
    """Tells of a finding that changed between two freezes why it cannot have."""

    rules: BetweenFreezes
    groups: Mapping[str, str | None]

    @cached_property
    def _once(self) -> frozenset[str]:
        named = set(self.rules.stay_true)
        return frozenset(x for x, group in self.groups.items() if x in named or group in named)

    def why(self) -> pl.Expr:
        """Return the reason, for a table with ``column``, ``old`` and ``new`` as text; empty where none."""
        name, old, new = pl.col("column"), pl.col("old"), pl.col("new")
        both = old.is_not_null() & new.is_not_null()
        less = new.cast(pl.Float64, strict=False) < old.cast(pl.Float64, strict=False)
        return (
            pl.when(both & name.is_in(list(self.rules.grow)) & less)
            .then(pl.lit("only grows"))
            .when(both & name.is_in(list(self.rules.stay)))
            .then(pl.lit("does not change"))
            .when(name.is_in(list(self._once)) & (old == "true") & (new == "false"))
            .then(pl.lit("once true, it stays true"))
        )
