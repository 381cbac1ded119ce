"""Quality of what was entered, by variable, group and visit: complete, unusable, far out, or impossible.

The tables of the registry are read again as a run reads them. Of values only counts are kept, rounded to
three figures; of what changes within a patient the columns are kept that the rules read.
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
from myoresist.cohort.freeze.changes import Changes, Rules
from myoresist.cohort.schema import KEPT, ROW, Schema, cleaned
from myoresist.cohort.shorthand import written_out
from myoresist.cohort.source import Place, Source, open_source
from myoresist.cohort.tally import FIGURES, quantile
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import DATE, PATIENT

ALL, GROUP, VISIT, VISITS = "All", "group", "visit", "visits"
COLUMNS = (
    "table", "column", GROUP, VISIT, "rows", "known", "missing", "unusable", "reason", "lowest", "median",
    "highest", "far_out", "changes", "change", "withheld",
)  # fmt: skip
GAP = "(days since the visit before)"
LAST_TOLD = 12
"""The visit from which on visits are counted together."""
_KEYS = ("table", "column", GROUP, VISIT)
_NUMBER = "_visit"


@dataclass
class _Counts:
    rows: list[pl.DataFrame] = field(default_factory=list)
    values: list[pl.DataFrame] = field(default_factory=list)
    reasons: list[pl.DataFrame] = field(default_factory=list)
    read: dict[str, list[pl.DataFrame]] = field(default_factory=dict)


@dataclass(frozen=True)
class Quality:
    """What was entered.

    Attributes:
        table: one row a table, column, group and visit, with ``COLUMNS``.
        changes: one row a cell and rule, with ids; see ``Changes.found``.
    """

    table: pl.DataFrame
    changes: pl.DataFrame


def quality(
    path: Place, mapping: Path | None, by: str | None, disclosure: Disclosure, visits: bool = False
) -> Quality:
    """Count what was entered.

    Args:
        path: where the tables of the registry are.
        mapping: its mapping file.
        by: a column that the mapping file keeps.
        disclosure: which counts may be told.
        visits: whether the visits are also told by their number.

    Returns:
        ``known`` cells can be used, ``missing`` ones are empty, ``unusable`` ones cannot be
        read, lie out of range or in a row that cannot be used; ``reason`` is the most frequent why.
        ``far_out`` counts numbers outside the outer fences of all patients, ``changes`` cells that cannot be,
        or hardly, beside others of the patient, ``change`` the most frequent why. ``visit`` is empty for all.
    """
    terms = Knowledge.load().terms
    schema, changes = Schema(terms), Changes(terms, Rules.packaged().within_a_freeze)
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(path, schema, Path(folder), mapping)
        groups = _groups(source, by)
        numbers = _numbered(source, schema) if visits and VISITS in source.named else None
        found = _Counts()
        for name in source.named:
            _count(source, name, schema, groups, numbers, changes.wanted(name), found)
    rows = {x: pl.concat(y, how="diagonal") for x, y in found.read.items() if y}
    doubted = changes.found(rows)
    return Quality(_table(found, _doubts(doubted, groups, numbers), source, disclosure), doubted)


def _table(
    found: _Counts, doubts: pl.DataFrame, source: Source, disclosure: Disclosure
) -> pl.DataFrame:
    rows = pl.concat(found.rows).group_by(_KEYS).sum()
    values = pl.concat([_no_values(), *found.values]).group_by(*_KEYS, "value").sum()
    reasons = (
        pl.concat(found.reasons)
        .group_by(*_KEYS, "reason")
        .sum()
        .sort("n", "reason", descending=[True, False])
        .unique(_KEYS, keep="first", maintain_order=True)
    )
    told = rows
    for more in (_spread(values), reasons.select(*_KEYS, "reason"), doubts):
        told = told.join(more, on=_KEYS, how="left", nulls_equal=True)
    order = [*source.named]
    return _guarded(told.with_columns(pl.col("changes").fill_null(0)), disclosure).sort(
        pl.col("table").cast(pl.Enum(order)), "column", pl.col(GROUP) != ALL, GROUP, VISIT
    )


def _numbered(source: Source, schema: Schema) -> pl.DataFrame:
    """Return the number of each visit of which patient and date can be read, with its row."""
    parts = []
    for part in source.batches(VISITS):
        if DATE not in part.columns:
            return pl.DataFrame(schema={ROW: part.schema[ROW], _NUMBER: pl.Int64})
        own = cleaned(part.select(ROW, PATIENT, DATE), VISITS, schema, source.codes_named)
        parts.append(own.rows.select(ROW, PATIENT, DATE).drop_nulls())
    number = pl.col(DATE).rank("dense").over(PATIENT).cast(pl.Int64)
    return pl.concat(parts).select(ROW, number.clip(upper_bound=LAST_TOLD).alias(_NUMBER))


def _doubts(
    doubted: pl.DataFrame, groups: pl.DataFrame, numbers: pl.DataFrame | None
) -> pl.DataFrame:
    """Return by table, column, group and visit how many cells are doubted, and the most frequent why."""
    cells = doubted.select("table", ROW, "column", PATIENT, change="why")
    every = [cells.with_columns(pl.lit(ALL).alias(GROUP))]
    if groups.height:
        every.append(cells.join(groups, on=PATIENT, how="inner").select(every[0].columns))
    rows = pl.concat(every).with_columns(pl.lit(None, pl.Int64).alias(VISIT))
    if numbers is not None:
        own = rows.filter(table=VISITS).drop(VISIT)
        told = numbers.select(pl.col(ROW).cast(pl.Int64), pl.col(_NUMBER).alias(VISIT))
        rows = pl.concat([rows, own.join(told, on=ROW, how="inner").select(rows.columns)])
    return rows.group_by(_KEYS).agg(
        changes=pl.col(ROW).n_unique().cast(pl.Int64), change=pl.col("change").mode().sort().first()
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


def _count(
    source: Source,
    name: str,
    schema: Schema,
    groups: pl.DataFrame,
    numbers: pl.DataFrame | None,
    wanted: frozenset[str],
    found: _Counts,
) -> None:
    """Count the cells of one table, part by part, and keep the columns that are wanted."""
    for part in source.batches(name):
        frame = part.drop([x for x in part.columns if x.startswith(KEPT)])
        read = cleaned(written_out(frame, name), name, schema, source.codes_named)
        whole = _grouped(frame, groups, numbers if name == VISITS else None)
        usable = read.rows.select(x for x in read.rows.columns if "~" not in x)
        if wanted:
            found.read.setdefault(name, []).append(_plain(usable, wanted))
        for parts, group, visit in whole:
            own = usable.filter(pl.col(ROW).is_in(parts[ROW].implode()))
            wrong = read.rejected.filter(pl.col(ROW).is_in(parts[ROW].implode()))
            said = [pl.lit(group).alias(GROUP), pl.lit(visit, pl.Int64).alias(VISIT)]
            found.rows.append(_cells(name, parts, own, frame.columns).with_columns(said))
            found.values += [x.with_columns(said) for x in _values(name, own)]
            found.reasons.append(
                wrong.group_by("column", "reason").agg(n=pl.len().cast(pl.Int64)).select(
                    pl.lit(name).alias("table"), "column", "reason", "n", *said
                )
            )  # fmt: skip
            if name == VISITS and visit is None:
                gaps = _gaps(own)
                found.values.append(gaps.with_columns(said))
                found.rows.append(_of_gaps(gaps).with_columns(said))


def _plain(usable: pl.DataFrame, wanted: frozenset[str]) -> pl.DataFrame:
    """Return columns whose words are text, so that parts can be joined."""
    own = usable.select(x for x in usable.columns if x in wanted)
    words = [x for x, kind in own.schema.items() if isinstance(kind, (pl.Enum, pl.Categorical))]
    return own.with_columns(pl.col(words).cast(pl.String))


def _grouped(
    frame: pl.DataFrame, groups: pl.DataFrame, numbers: pl.DataFrame | None
) -> Iterator[tuple[pl.DataFrame, str, int | None]]:
    """Yield the rows of each group, and of each visit of each."""
    whole = [(frame, ALL)]
    if groups.height:
        joined = frame.join(groups, on=PATIENT, how="inner")
        whole += [(rows, str(group)) for (group,), rows in joined.group_by(GROUP)]
    for rows, group in whole:
        yield rows, group, None
        if numbers is not None:
            for (number,), own in rows.join(numbers, on=ROW, how="inner").group_by(_NUMBER):
                yield own, group, int(str(number))


def _cells(
    table: str, frame: pl.DataFrame, usable: pl.DataFrame, columns: list[str]
) -> pl.DataFrame:
    names = [x for x in columns if x not in (ROW, PATIENT)]
    filled = [
        int((frame[x].is_not_null() & (frame[x].cast(pl.String).str.strip_chars() != "")).sum())
        for x in names
    ]
    known = [usable[x].count() if x in usable.columns else 0 for x in names]
    return pl.DataFrame(
        {
            "table": [table] * len(names), "column": names,
            "rows": [frame.height] * len(names), "known": known,
            "missing": [frame.height - x for x in filled],
        },
        schema={
            "table": pl.String, "column": pl.String, "rows": pl.Int64, "known": pl.Int64, "missing": pl.Int64,
        },
    )  # fmt: skip


def _values(table: str, usable: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for name, kind in usable.schema.items():
        if kind == pl.Float64:
            values = usable.select(value=pl.col(name).round_sig_figs(FIGURES)).drop_nulls()
            yield _valued(values, table, name)


def _gaps(usable: pl.DataFrame) -> pl.DataFrame:
    """Return the days between visits that follow each other within a part of the table."""
    ordered = usable.sort(PATIENT, DATE)
    days = (pl.col(DATE) - pl.col(DATE).shift()).dt.total_days().over(PATIENT).cast(pl.Float64)
    return _valued(ordered.select(value=days).drop_nulls(), VISITS, GAP)


def _of_gaps(gaps: pl.DataFrame) -> pl.DataFrame:
    count = pl.lit(int(gaps["n"].sum()), pl.Int64)
    return pl.select(
        table=pl.lit(VISITS), column=pl.lit(GAP), rows=count, known=count, missing=pl.lit(0, pl.Int64),
    )  # fmt: skip


def _valued(values: pl.DataFrame, table: str, name: str) -> pl.DataFrame:
    return values.group_by("value").agg(n=pl.len().cast(pl.Int64)).select(
        pl.lit(table).alias("table"), pl.lit(name).alias("column"), "value", "n"
    )  # fmt: skip


def _no_values() -> pl.DataFrame:
    return pl.DataFrame(
        schema={"table": pl.String, "column": pl.String, "value": pl.Float64, "n": pl.Int64,
                GROUP: pl.String, VISIT: pl.Int64}
    )  # fmt: skip


def _spread(values: pl.DataFrame) -> pl.DataFrame:
    """Return lowest, median and highest value, and how many lie outside the outer fences of all."""
    times = Conventions.packaged().far_out
    found = []
    fences: dict[tuple[str, str], tuple[float, float]] = {}
    ordered = values.sort(pl.col(GROUP) != ALL, pl.col(VISIT).is_not_null(), "value")
    for (table, column, group, visit), rows in ordered.group_by(_KEYS, maintain_order=True):
        counted = rows.select("value", "n").rows()
        low, middle, high = (quantile(counted, x) for x in (0.25, 0.5, 0.75))
        if group == ALL and visit is None:
            fences[table, column] = (low - times * (high - low), high + times * (high - low))
        least, most = fences[table, column]
        far = sum(n for x, n in counted if not least <= x <= most)
        found.append((table, column, group, visit, counted[0][0], middle, counted[-1][0], far))
    spread = dict.fromkeys(("lowest", "median", "highest"), pl.Float64)
    kinds = dict.fromkeys(_KEYS, pl.String) | {VISIT: pl.Int64} | spread
    return pl.DataFrame(found, {**kinds, "far_out": pl.Int64}, orient="row")


def _guarded(told: pl.DataFrame, disclosure: Disclosure) -> pl.DataFrame:
    """Withhold small counts, and the extremes, which are values of single patients."""
    whole = told.with_columns(unusable=pl.col("rows") - pl.col("known") - pl.col("missing"))
    if disclosure.least <= 1:
        return whole.with_columns(withheld=pl.lit(False)).select(COLUMNS)
    counts = ["known", "missing", "unusable", "rows", "far_out", "changes"]
    lines = (
        (whole.filter(pl.col(GROUP) != ALL, pl.col(VISIT).is_null()), GROUP, None),
        (whole.filter(pl.col(GROUP) == ALL, pl.col(VISIT).is_not_null()), VISIT, None),
        (whole.filter(pl.col(GROUP) != ALL, pl.col(VISIT).is_not_null()), VISIT, GROUP),
    )
    hidden: dict[str, pl.Series] = {}
    for name in counts:
        flags = whole[name].is_between(1, disclosure.least - 1).fill_null(False)
        for some, group, parts in lines:
            own = some.select(*_KEYS, pl.col(name).alias("n"))
            by = ["table", "column", *([parts] if parts else [])]
            told_of = disclosure.guarded(own, "n", group, by, parts).select(*_KEYS, "withheld")
            joined = whole.select(_KEYS).join(
                told_of, on=_KEYS, how="left", maintain_order="left", nulls_equal=True
            )
            flags |= joined["withheld"].fill_null(False)
        hidden[name] = flags
    # Known, missing and unusable add up to the rows.
    any_ = hidden["known"] | hidden["missing"] | hidden["unusable"] | hidden["rows"]
    return whole.with_columns(
        *(pl.when(~any_).then(pl.col(x)).alias(x) for x in counts[:3]),
        *(pl.when(~hidden[x]).then(pl.col(x)).alias(x) for x in counts[3:]),
        pl.when(~hidden["changes"]).then("change").alias("change"),
        pl.when(pl.col("known") >= disclosure.least).then("median").alias("median"),
        pl.lit(None, pl.Float64).alias("lowest"), pl.lit(None, pl.Float64).alias("highest"),
        (any_ | hidden["far_out"] | hidden["changes"]).alias("withheld"),
    ).select(COLUMNS)  # fmt: skip
