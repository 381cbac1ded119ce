"""What changed between two freezes: in the record, in every answer, and why a verdict turned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from myoresist.cohort.freeze.changes import Impossible, Rules
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.registry import (
    CONFLICTS,
    CRITERIA,
    FINDINGS,
    INPUTS,
    REFRACTORY,
    REJECTED,
    STATEMENTS,
)
from myoresist.diagnosis.criteria.compile import CLASS, column
from myoresist.resistance.response.visits import PATIENT

KEYS: dict[str, tuple[str, ...]] = {
    "responses": ("date",), "response_windows": ("drug", "week"), "trials": ("trial",),
    "refractory": ("definition",), "courses": ("drug", "number"), "glucocorticoid": ("start",),
    "events": ("clock", "drug"), "options": ("subset", "option"), "reasons": ("item",),
    INPUTS: ("table",), STATEMENTS: ("statement",),
}  # fmt: skip
"""What tells the rows of a patient from each other, in tables of several rows a patient."""
LEFT_OUT = ("antibody_results", CONFLICTS, REJECTED)
"""Tables whose rows have nothing that tells them from each other; what follows from them is compared."""
COLUMNS = (
    "table", "patient_id", "key", "column", "old", "new", "change", "because", "impossible",
)  # fmt: skip
DIGITS = 9
_OLD = "_old"


@dataclass(frozen=True)
class Differences:
    """Two freezes of a registry, compared patient by patient.

    Attributes:
        old: the earlier one.
        new: the later one.
    """

    old: Freeze
    new: Freeze

    def rows(self) -> pl.DataFrame:
        """Return one row a change.

        Returns:
            ``table``, ``patient_id``, ``key`` (of the row, in tables of several a patient), ``column``,
            ``old`` and ``new``, ``change`` (changed, added, removed), and ``because``: of a verdict the
            findings that it rests on and that changed, parted by semicolons; of a finding ``impossible``,
            why it cannot have changed.
        """
        parts = [
            self._table(x) for x in self.old.tables if x in self.new.tables and x not in LEFT_OUT
        ]
        found = pl.concat(parts)
        catalogue = self.new.knowledge.catalogue
        rules = Impossible(Rules.packaged().between_freezes, {x.id: x.group for x in catalogue})
        own = pl.when(pl.col("table") == FINDINGS).then(rules.why())
        return self._explained(found).with_columns(own.alias("impossible")).select(COLUMNS)

    def summary(self) -> pl.DataFrame:
        """Return how many cells and patients changed, by table, column and kind of change."""
        return (
            self.rows()
            .group_by("table", "column", "change")
            .agg(cells=pl.len(), patients=pl.col(PATIENT).n_unique())
            .sort("table", "patients", "column", descending=[False, True, False])
        )

    def notes(self) -> Iterator[str]:
        """Yield what of the runs themselves differs, which may change answers without any new record."""
        for name in ("software", "knowledge", "polars", "codes_named"):
            one, other = self.old.manifest.get(name), self.new.manifest.get(name)
            if one != other:
                yield f"{name}: {one}, now {other}"
        before, after = self.old.manifest["files"], self.new.manifest["files"]
        for name in sorted(before.keys() | after.keys()):
            if name not in after:
                yield f"{name}: is gone"
            elif name not in before:
                yield f"{name}: is new"
            elif before[name] != after[name]:
                yield f"{name}: changed"

    def _table(self, table: str) -> pl.DataFrame:
        keys = (PATIENT, *KEYS.get(table, ()))
        frames = [one.scan(table).collect() for one in (self.old, self.new)]
        known = [{x: str(y) for x, y in one.schema.items()} for one in frames]
        kept = [x for x in frames[1].columns if x in known[0]]
        values = [x for x in kept if x not in keys]
        old, new = (_plain(one.select(kept), keys) for one in frames)
        both = old.join(new, on=list(keys), how="full", suffix="_new", coalesce=True)
        gone, fresh = pl.col("#_new").is_null(), pl.col("#").is_null()
        key = (
            pl.concat_str([pl.col(x) for x in keys[1:]], separator=" ") if keys[1:] else pl.lit("")
        )
        rows = [_empty()]
        whole = both.filter(gone | fresh)
        change = pl.when(gone).then(pl.lit("removed")).otherwise(pl.lit("added"))
        rows.append(_change(whole, table, key, "", pl.lit(None), pl.lit(None), change))
        same = both.filter(~(gone | fresh))
        differs = {x: same[x].ne_missing(same[f"{x}_new"]) for x in values}
        for name, flags in differs.items():
            if flags.any():
                own = same.filter(flags)
                rows.append(
                    _change(
                        own,
                        table,
                        key,
                        name,
                        pl.col(name),
                        pl.col(f"{name}_new"),
                        pl.lit("changed"),
                    )
                )
        return pl.concat(rows)

    def _explained(self, found: pl.DataFrame) -> pl.DataFrame:
        """Add to a verdict that turned the findings that changed with it."""
        verdicts = found.filter(
            (pl.col("table") == REFRACTORY) & (pl.col("column") == "state")
            | (pl.col("table") == CRITERIA) & pl.col("column").str.ends_with(".state")
        )
        record = found.filter(pl.col("table").is_in([FINDINGS, "resistance"])).select(
            PATIENT, finding="column"
        )
        subject = pl.when(pl.col("table") == REFRACTORY).then("key").otherwise(
            pl.col("column").str.strip_suffix(".state")
        )  # fmt: skip
        asked = verdicts.with_columns(subject=subject)
        reads = pl.DataFrame(
            [(x, y) for x in asked["subject"].unique() for y in self._reads(x)],
            {"subject": pl.String, "finding": pl.String},
            orient="row",
        )
        because = (
            asked.select("table", PATIENT, "key", "column", "subject")
            .join(reads, on="subject")
            .join(record, on=[PATIENT, "finding"])
            .group_by("table", PATIENT, "key", "column")
            .agg(because=pl.col("finding").unique().sort().str.join("; "))
        )
        return found.join(
            because, on=["table", PATIENT, "key", "column"], how="left", maintain_order="left"
        )

    def _reads(self, subject: str) -> frozenset[str]:
        """Return what a criteria set or a definition of refractory disease rests on."""
        base = self.new.knowledge
        program = base.resistance.treatments.refractory.program
        if subject in program.rules:
            return program.leaves([subject])
        one = base.criteria.sets.get(subject)
        if one is None:
            return frozenset()
        own = [x for x in base.criteria.program.rules if x.startswith(f"{subject}.")]
        return base.criteria.program.leaves(
            [*own, *(column(subject, CLASS, x.name) for x in one.outcomes)]
        )

    @cached_property
    def same_patients(self) -> int:
        """Return how many patients both have."""
        old, new = (x.scan(FINDINGS).select(PATIENT).collect() for x in (self.old, self.new))
        return old.join(new, on=PATIENT, how="semi").height


def _plain(frame: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Return every value as text, numbers to as many digits as they are meant to have."""
    numbers = [x for x, kind in frame.schema.items() if kind.is_float()]
    told = frame.with_columns(pl.col(numbers).round(DIGITS)).with_columns(pl.all().cast(pl.String))
    # Rows that nothing tells from each other are counted.
    return told.unique(keys, keep="first", maintain_order=True).with_columns(pl.lit("").alias("#"))


def _change(
    rows: pl.DataFrame,
    table: str,
    key: pl.Expr,
    name: str,
    old: pl.Expr,
    new: pl.Expr,
    change: pl.Expr,
) -> pl.DataFrame:
    return rows.select(
        pl.lit(table).alias("table"), PATIENT, key.cast(pl.String).alias("key"),
        pl.lit(name).alias("column"), old.cast(pl.String).alias("old"), new.cast(pl.String).alias("new"),
        change.alias("change"),
    )  # fmt: skip


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(COLUMNS[:-2], pl.String))
