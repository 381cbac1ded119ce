"""What of a registry can be used, found by reading it as a run reads it."""

from __future__ import annotations

import math
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from myoresist.case.cells import PERHAPS_CODES
from myoresist.cohort import spool
from myoresist.cohort.fhir.files import PACKED, SUFFIXES
from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.registry import Registry
from myoresist.cohort.remarks import REMARKS
from myoresist.cohort.run import BATCH
from myoresist.cohort.schema import ROW, empty_rejections
from myoresist.cohort.source import Place, Source, open_source
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT

_RESOURCES = rf"({'|'.join(map(re.escape, SUFFIXES))})({re.escape(PACKED)})?$"


@dataclass(frozen=True)
class Check:
    """What of a registry can be used, found before anything is answered.

    Attributes:
        tables: one row a table: ``table``, ``rows``, ``columns`` used, ``left_out``.
        problems: one row a kind of problem: ``table``, ``column``, ``reason``, ``rows``, ``value`` and
            ``row`` of the first, ``whole_row``.
        notes: what a reader should know of how the tables came about.
        unread: what of the source and of the mapping is not used.
    """

    tables: pl.DataFrame
    problems: pl.DataFrame
    notes: tuple[str, ...]
    unread: tuple[str, ...]


def check(
    path: Place,
    mapping: Path | None = None,
    told: Callable[[int], None] | None = None,
    workers: int = 1,
) -> Check:
    """Read every cell of a registry as a run does, without answering anything.

    Args:
        path: where the tables are.
        mapping: a mapping file.
        told: called with the rows that were read.
        workers: processes that may share the reading of foreign records.

    Raises:
        SourceError: if the tables cannot be used at all.
    """
    registry = Registry(Knowledge.load())
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            source = open_source(path, registry.reader.schema, work, mapping, told, workers)
            registry = Registry(registry.knowledge, source.codes_named)
            rows, problems, codes = _read(source, registry, work / "buckets", told)
            unread = (*source.unread, *source.unused_values(), *codes)
        except pl.exceptions.PolarsError as error:
            raise SourceError(f"{path}: cannot be read: {first_line(error)}") from error
    return Check(rows, problems, source.notes, unread)


def _read(
    source: Source, registry: Registry, buckets: Path, told: Callable[[int], None] | None
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    ids = source.tables["patients"].select(PATIENT)
    patients = ids.select(pl.len()).collect(engine="streaming").item()
    count = max(1, math.ceil(patients / BATCH))
    begins = spool.boundaries(ids, count, patients)
    spool.write({x: source.batches(x) for x in source.named}, buckets, begins, told)
    rows = dict.fromkeys(source.named, 0)
    found = [empty_rejections()]
    codes: Counter[tuple[str, float]] = Counter()
    for bucket in range(count):
        tables = spool.read(buckets, bucket)
        for name, table in tables.items():
            rows[name] += table.height
        codes += _perhaps_codes(tables["patients"], registry)
        found.append(registry.reader.read(tables).rejected)
    listed = [
        (
            name,
            rows[name],
            ", ".join(x for x in frame.collect_schema().names() if x != ROW),
            ", ".join(source.left_out[name]),
        )
        for name, frame in source.tables.items()
        if name != REMARKS
    ]
    schema = ["table", "rows", "columns", "left_out"]
    # In a file of resources the column is a resource; of the same problem in many only the first is named.
    resource = pl.col("table").str.contains("(?i)" + _RESOURCES)
    kind = pl.col("column").str.extract("^([^/]*)")
    problems = (
        pl.concat(found)
        .sort("table", ROW, "column")
        .with_columns(
            column=pl.when(resource).then(kind).otherwise("column"),
            value=pl.when(resource).then(pl.coalesce("value", "column")).otherwise("value"),
        )
        .group_by("table", "column", "reason", "whole_row", maintain_order=True)
        .agg(rows=pl.len(), value=pl.col("value").first(), row=pl.col(ROW).first())
        .sort("rows", descending=True, maintain_order=True)
    )
    named = [
        f"patients.{name}: {count} rows hold {value:g}, which is taken as it stands; if it stands for a "
        "missing value, name it in a mapping file"
        for (name, value), count in sorted(codes.items())
    ]
    return pl.DataFrame(listed, schema=schema, orient="row"), problems, named


def _perhaps_codes(patients: pl.DataFrame, registry: Registry) -> Counter[tuple[str, float]]:
    """Count the years of patients that may stand for a missing value, by column and number."""
    catalogue = registry.knowledge.catalogue
    found: Counter[tuple[str, float]] = Counter()
    for name in patients.columns:
        # Who names 999 for one column does not say that 99 is meant.
        if registry.codes_named is True or name not in catalogue or catalogue[name].unit != "years":
            continue
        values = patients[name].cast(pl.Float64, strict=False)
        for code in PERHAPS_CODES:
            count = int((values == code).sum())
            if count:
                found[name, code] += count
    return found
