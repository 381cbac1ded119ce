"""Antibody results as a table: one row a result, with its method and its strength."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from myoresist.case.model import AntibodyTest, Case
from myoresist.case.terms import Terms
from myoresist.serology.knowledge import POSITIVE, SerologyKnowledge

RESULTS: Mapping[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "antibody": pl.String,
    "method": pl.String,
    "strength": pl.String,
    "place": pl.String,
}
"""Columns of a table of results: patient, finding id of the antibody, method as written (NULL when it is not
stated), ``negative``, ``weak``, ``positive`` (not graded), ``moderate`` or ``strong`` (NULL is unknown), and
where the record says so."""
STRENGTHS = ("negative", *POSITIVE)
UNSTATED = "unstated"


def results_table(cases: Iterable[Case], terms: Terms) -> pl.DataFrame:
    """Return every antibody result of some cases, with the columns ``RESULTS``.

    A value counts by its cut-off and is not graded; where it and the word beside it differ, the result is
    unknown.

    Args:
        cases: the cases.
        terms: the words that a case may use.
    """
    rows = []
    for case in cases:
        for index, test in enumerate(case.autoantibodies):
            finding = terms.antibody(test.antibody)
            if finding is not None:
                place = f"autoantibodies[{index}]"
                rows.append((case.patient.id, finding.id, test.method, _strength(test), place))
    return pl.DataFrame(rows, schema=dict(RESULTS), orient="row")


def _strength(test: AntibodyTest) -> str | None:
    measured = None
    if test.value is not None and test.cut_off is not None:
        measured = "positive" if test.value >= test.cut_off else "negative"
    if test.result is None or test.result == "unknown":
        return measured
    if measured is not None and (measured == "negative") != (test.result == "negative"):
        return None
    return test.result


def usable(results: pl.DataFrame, knowledge: SerologyKnowledge) -> pl.DataFrame:
    """Return the known results of known antibodies, in one order, with the method by its id.

    Args:
        results: rows with the columns ``RESULTS``; ``method`` and ``place`` may be missing.
        knowledge: which antibodies and methods there are.

    Raises:
        ValueError: for a missing column or an unknown word for the strength.
    """
    missing = {"patient_id", "antibody", "strength"} - set(results.columns)
    if missing:
        raise ValueError(f"antibody results without column {', '.join(sorted(missing))}")
    optional = [x for x in ("method", "place") if x not in results.columns]
    table = results.with_columns(pl.lit(None, pl.String).alias(x) for x in optional)
    table = table.select(pl.col(name).cast(kind) for name, kind in RESULTS.items())
    strange = set(table["strength"].drop_nulls().unique()) - {*STRENGTHS, "unknown"}
    if strange:
        raise ValueError(f"strength {min(strange)}: use one of {', '.join(STRENGTHS)}, unknown")
    names = knowledge.confidence.method_names()
    written = table["method"].drop_nulls().unique().to_list()
    ids = {word: names.find(word) or UNSTATED for word in written}
    methods = pl.col("method").replace_strict(ids, default=UNSTATED, return_dtype=pl.String)
    return (
        table.with_columns(methods)
        .filter(
            pl.col("strength").is_in(STRENGTHS),
            pl.col("antibody").is_in(list(knowledge.antibodies)),
        )
        .sort("patient_id", "antibody", "method", "strength", "place")
    )


def from_findings(
    known: pl.DataFrame, results: pl.DataFrame, knowledge: SerologyKnowledge
) -> pl.DataFrame:
    """Return a result for each antibody finding of which there is no result, with the columns ``RESULTS``.

    Tables of registries often hold no more than positive and negative; findings may say that the one
    myositis-specific antibody was a weak or strong band of a blot.

    Args:
        known: one row a patient with ``patient_id`` and the findings.
        results: rows of ``usable``.
        knowledge: which antibodies there are.
    """
    how = knowledge.confidence.from_findings
    antibodies = knowledge.antibodies.values()
    specific = [one.id for one in antibodies if one.kind == "msa"]
    only = pl.sum_horizontal(pl.col(x).fill_null(False).cast(pl.Int32) for x in specific)
    long = (
        known.with_columns((only == pl.lit(1)).alias("only"))
        .unpivot(
            [one.id for one in antibodies],
            index=["patient_id", "only", how.by_blot, how.weak, how.strong],
            variable_name="antibody",
            value_name="present",
        )
        .filter(pl.col("present").is_not_null())
        .join(results.select("patient_id", "antibody").unique(), ["patient_id", "antibody"], "anti")
    )
    graded = pl.col("only") & pl.col("present") & pl.col("antibody").is_in(specific)
    strength = (
        pl.when(~pl.col("present"))
        .then(pl.lit("negative"))
        .when(graded & pl.col(how.weak))
        .then(pl.lit("weak"))
        .when(graded & pl.col(how.strong))
        .then(pl.lit("strong"))
        .otherwise(pl.lit("positive"))
    )
    method = pl.when(graded & pl.col(how.by_blot)).then(pl.lit(how.blot))
    return long.select(
        "patient_id",
        "antibody",
        method.otherwise(pl.lit(UNSTATED)).alias("method"),
        strength.alias("strength"),
        pl.lit("findings").alias("place"),
    )
