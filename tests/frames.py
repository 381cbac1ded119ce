"""Frames in, frames out: what tests ask of questions that read arrays."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from myoresist.arrays.table import Table
from myoresist.diagnosis.criteria.evaluate import Criteria
from myoresist.findings.evaluate import Inference
from myoresist.serology.evaluate import Serology
from myoresist.serology.results import Results, usable


def known(inference: Inference, recorded: pl.DataFrame) -> pl.DataFrame:
    """Return what is known of each patient, with the columns of what was recorded."""
    findings = inference.known(Table.of_frame(recorded.drop("patient_id", strict=False))).findings
    own = [name for name in recorded.columns if name in findings]
    rest = [x for x in findings if x not in recorded.columns]
    found = recorded.with_columns(findings.frame(own).get_columns() if own else [])
    return found.hstack(findings.frame(rest)) if rest else found


def conflicted(inference: Inference, recorded: pl.DataFrame) -> list[bool]:
    """Tell of each patient whether the record contradicts itself."""
    found = inference.known(Table.of_frame(recorded.drop("patient_id", strict=False)))
    return [found.is_conflicted(place) for place in range(recorded.height)]


def verdicts(criteria: Criteria, known: pl.DataFrame) -> pl.DataFrame:
    """Return the verdict of every set on each patient."""
    found = criteria.evaluate(Table.of_frame(known.drop("patient_id", strict=False)))
    frame = found.frame()
    return frame.insert_column(0, known["patient_id"]) if "patient_id" in known.columns else frame


class SerologyFrames(NamedTuple):
    """What the antibodies say, as frames; see ``SerologyTables`` and ``Serology.results``."""

    patients: pl.DataFrame
    results: pl.DataFrame
    known: pl.DataFrame


def antibodies(
    serology: Serology, known: pl.DataFrame, results: pl.DataFrame | None = None
) -> SerologyFrames:
    """Say for every patient what the antibodies mean."""
    ids = known["patient_id"]
    given = Results.none() if results is None else usable(results, ids, serology.words)
    found = serology.evaluate(Table.of_frame(known.drop("patient_id")), given)
    rows = serology.results(found)
    return SerologyFrames(
        found.patients.frame().insert_column(0, ids),
        rows.drop("row").insert_column(0, ids.gather(rows["row"])),
        known.select("patient_id", *sorted(serology.read)),
    )
