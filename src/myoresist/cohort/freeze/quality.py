"""Quality of what was entered, by variable and group: complete, unusable, far out, days between visits.

The tables of the registry are read again as a run reads them. Of values only counts are kept, rounded to
three figures, so that memory does not grow with the number of patients.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from myoresist.cohort.conventions import Conventions
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.folder import SourceError
from myoresist.cohort.schema import KEPT, ROW, Schema, cleaned
from myoresist.cohort.shorthand import written_out
from myoresist.cohort.source import Source, open_source
from myoresist.cohort.tally import FIGURES, quantile
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import DATE, PATIENT

ALL, GROUP = "All", "group"
COLUMNS = (
    "table", "column", GROUP, "rows", "known", "missing", "unusable", "reason", "lowest", "median", "highest",
    "far_out", "withheld",
)  # fmt: skip
GAP = "(days since the visit before)"
_KEYS = ("table", "column", GROUP)


@dataclass
class _Counts:
    rows: list[pl.DataFrame] = field(default_factory=list)
    values: list[pl.DataFrame] = field(default_factory=list)
    reasons: list[pl.DataFrame] = field(default_factory=list)


def quality(
    path: Path, mapping: Path | None, by: str | None, disclosure: Disclosure
) -> pl.DataFrame:
    """Return one row a table, column and group.

    Args:
        path: where the tables of the registry are.
        mapping: its mapping file.
        by: a column that the mapping file keeps.
        disclosure: which counts may be told.

    Returns:
        ``COLUMNS``: ``known`` cells can be used, ``missing`` ones are empty, ``unusable`` ones cannot be
        read, lie out of range or in a row that cannot be used; ``reason`` is the most frequent why.
        ``far_out`` counts numbers outside the outer fences of all patients.
    """
    schema = Schema(Knowledge.load().terms)
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(path, schema, Path(folder), mapping)
        groups = _groups(source, by)
        found = _Counts()
        for name in source.named:
            _count(source, name, schema, groups, found)
    rows = pl.concat(found.rows).group_by(_KEYS).sum()
    values = pl.concat(found.values).group_by(*_KEYS, "value").sum()
    reasons = (
        pl.concat(found.reasons)
        .group_by(*_KEYS, "reason")
        .sum()
        .sort("n", "reason", descending=[True, False])
        .unique(_KEYS, keep="first", maintain_order=True)
    )
    told = rows.join(_spread(values), on=_KEYS, how="left").join(
        reasons.select(*_KEYS, "reason"), on=_KEYS, how="left"
    )
    order = [*source.named]
    return _guarded(told, disclosure).sort(
        pl.col("table").cast(pl.Enum(order)), "column", pl.col(GROUP) != ALL, GROUP
    )


def _groups(source: Source, by: str | None) -> pl.DataFrame:
    """Return the group of each patient."""
    patients = source.tables["patients"]
    if by is None:
        return pl.DataFrame(schema={PATIENT: pl.String, GROUP: pl.String})
    kept = [x.removeprefix(KEPT) for x in patients.collect_schema().names() if x.startswith(KEPT)]
    if by not in kept:
        raise SourceError(f"--by {by}: is no column that the mapping file keeps; keep: [{by}]")
    rows = patients.select(PATIENT, pl.col(KEPT + by).fill_null("(missing)").alias(GROUP)).collect()
    return rows.unique(PATIENT, keep="first")


def _count(source: Source, name: str, schema: Schema, groups: pl.DataFrame, found: _Counts) -> None:
    """Count the cells of one table, part by part."""
    for part in source.batches(name):
        frame = part.drop([x for x in part.columns if x.startswith(KEPT)])
        read = cleaned(written_out(frame, name), name, schema, source.codes_named)
        whole = _grouped(frame, groups)
        usable = read.rows.select(x for x in read.rows.columns if "~" not in x)
        for parts, group in whole:
            own = usable.filter(pl.col(ROW).is_in(parts[ROW].implode()))
            wrong = read.rejected.filter(pl.col(ROW).is_in(parts[ROW].implode()))
            found.rows.append(_cells(name, group, parts, own, frame.columns))
            found.values += list(_values(name, group, own))
            found.reasons.append(
                wrong.group_by("column", "reason").agg(n=pl.len().cast(pl.Int64)).select(
                    pl.lit(name).alias("table"), "column", pl.lit(group).alias(GROUP), "reason", "n"
                )
            )  # fmt: skip
            if name == "visits":
                gaps = _gaps(own, group)
                found.values.append(gaps)
                found.rows.append(_of_gaps(gaps, group))


def _grouped(frame: pl.DataFrame, groups: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, str]]:
    yield frame, ALL
    if groups.height:
        for (group,), rows in frame.join(groups, on=PATIENT, how="inner").group_by(GROUP):
            yield rows, str(group)


def _cells(
    table: str, group: str, frame: pl.DataFrame, usable: pl.DataFrame, columns: list[str]
) -> pl.DataFrame:
    names = [x for x in columns if x not in (ROW, PATIENT)]
    filled = [
        int((frame[x].is_not_null() & (frame[x].cast(pl.String).str.strip_chars() != "")).sum())
        for x in names
    ]
    known = [usable[x].count() if x in usable.columns else 0 for x in names]
    return pl.DataFrame(
        {
            "table": [table] * len(names), "column": names, GROUP: [group] * len(names),
            "rows": [frame.height] * len(names), "known": known,
            "missing": [frame.height - x for x in filled],
        },
        schema={
            "table": pl.String, "column": pl.String, GROUP: pl.String, "rows": pl.Int64, "known": pl.Int64,
            "missing": pl.Int64,
        },
    )  # fmt: skip


def _values(table: str, group: str, usable: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for name, kind in usable.schema.items():
        if kind == pl.Float64:
            values = usable.select(value=pl.col(name).round_sig_figs(FIGURES)).drop_nulls()
            yield _valued(values, table, name, group)


def _gaps(usable: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return the days between visits that follow each other within a part of the table."""
    ordered = usable.sort(PATIENT, DATE)
    days = (pl.col(DATE) - pl.col(DATE).shift()).dt.total_days().over(PATIENT).cast(pl.Float64)
    return _valued(ordered.select(value=days).drop_nulls(), "visits", GAP, group)


def _of_gaps(gaps: pl.DataFrame, group: str) -> pl.DataFrame:
    count = pl.lit(int(gaps["n"].sum()), pl.Int64)
    return pl.select(
        table=pl.lit("visits"), column=pl.lit(GAP), group=pl.lit(group), rows=count, known=count,
        missing=pl.lit(0, pl.Int64),
    )  # fmt: skip


def _valued(values: pl.DataFrame, table: str, name: str, group: str) -> pl.DataFrame:
    return values.group_by("value").agg(n=pl.len().cast(pl.Int64)).select(
        pl.lit(table).alias("table"), pl.lit(name).alias("column"), pl.lit(group).alias(GROUP), "value", "n"
    )  # fmt: skip


def _spread(values: pl.DataFrame) -> pl.DataFrame:
    """Return lowest, median and highest value, and how many lie outside the outer fences of all."""
    times = Conventions.packaged().far_out
    found = []
    fences: dict[tuple[str, str], tuple[float, float]] = {}
    ordered = values.sort(pl.col(GROUP) != ALL, "value")
    for (table, column, group), rows in ordered.group_by(_KEYS, maintain_order=True):
        counted = rows.select("value", "n").rows()
        low, middle, high = (quantile(counted, x) for x in (0.25, 0.5, 0.75))
        if group == ALL:
            fences[table, column] = (low - times * (high - low), high + times * (high - low))
        least, most = fences[table, column]
        far = sum(n for x, n in counted if not least <= x <= most)
        found.append((table, column, group, counted[0][0], middle, counted[-1][0], far))
    kinds = dict.fromkeys(_KEYS, pl.String) | dict.fromkeys(
        ("lowest", "median", "highest"), pl.Float64
    )
    return pl.DataFrame(found, {**kinds, "far_out": pl.Int64}, orient="row")


def _guarded(told: pl.DataFrame, disclosure: Disclosure) -> pl.DataFrame:
    """Withhold small counts, and the extremes, which are values of single patients."""
    whole = told.with_columns(unusable=pl.col("rows") - pl.col("known") - pl.col("missing"))
    if disclosure.least <= 1:
        return whole.with_columns(withheld=pl.lit(False)).select(COLUMNS)
    counts = ["known", "missing", "unusable", "rows", "far_out"]
    groups = whole.filter(pl.col(GROUP) != ALL)
    hidden: dict[str, pl.Series] = {}
    for name in counts:
        own = groups.select(*_KEYS, pl.col(name).alias("n"))
        told_of = disclosure.guarded(own, "n", GROUP, ["table", "column"])
        joined = whole.select(_KEYS).join(told_of, on=_KEYS, how="left", maintain_order="left")
        small = whole[name].is_between(1, disclosure.least - 1).fill_null(False)
        hidden[name] = joined["withheld"].fill_null(False) | small
    # Known, missing and unusable add up to the rows.
    any_ = hidden["known"] | hidden["missing"] | hidden["unusable"] | hidden["rows"]
    return whole.with_columns(
        *(pl.when(~any_).then(pl.col(x)).alias(x) for x in counts[:3]),
        pl.when(~hidden["rows"]).then("rows").alias("rows"),
        pl.when(~hidden["far_out"]).then("far_out").alias("far_out"),
        pl.when(pl.col("known") >= disclosure.least).then("median").alias("median"),
        pl.lit(None, pl.Float64).alias("lowest"), pl.lit(None, pl.Float64).alias("highest"),
        (any_ | hidden["far_out"]).alias("withheld"),
    ).select(COLUMNS)  # fmt: skip
