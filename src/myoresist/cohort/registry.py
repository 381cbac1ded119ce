"""The four questions for a batch of patients: tables in, tables out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from myoresist.arrays.planes import unpack
from myoresist.arrays.table import Table
from myoresist.cohort.batch import Batch, Reader
from myoresist.cohort.schema import ROW, Schema
from myoresist.cohort.source import SourceError
from myoresist.diagnosis.criteria.compile import CLASS, EXCLUDED, NOTE, VARIANT
from myoresist.diagnosis.differential.evaluate import PREFIX as POSTERIOR
from myoresist.library import Knowledge
from myoresist.resistance.adequacy.evaluate import TESTS, History
from myoresist.resistance.adequacy.exposure import FAR, lacking
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION
from myoresist.resistance.explanations.evaluate import STATUS
from myoresist.resistance.response.visits import DATE, PATIENT
from myoresist.serology.results import usable
from myoresist.treatment.evaluate import PROBABILITY

FINDINGS, CRITERIA, DIFFERENTIAL = "findings", "criteria", "differential"
SEROLOGY, ANTIBODIES, RESPONSES = "serology", "antibody_results", "responses"
TRIALS, RESISTANCE, OPTIONS, REASONS = "trials", "resistance", "options", "reasons"
REJECTED, CONFLICTS = "rejected", "conflicts"
TABLES = (
    FINDINGS, CRITERIA, DIFFERENTIAL, SEROLOGY, ANTIBODIES, RESPONSES, TRIALS, RESISTANCE, OPTIONS,
    REASONS, CONFLICTS, REJECTED,
)  # fmt: skip
"""Names of the tables that come out."""
_HIDDEN = {CLASS, EXCLUDED, NOTE, VARIANT}


@dataclass(frozen=True)
class Registry:
    """Answers the questions for many patients, with one knowledge."""

    knowledge: Knowledge

    @cached_property
    def reader(self) -> Reader:
        """Return what reads the tables."""
        base = self.knowledge
        return Reader(base.terms, Schema(base.terms), base.inference, base.resistance.responses)

    def assess(self, tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Answer for every patient of a batch.

        Args:
            tables: the tables of these patients as they came in (see ``Schema.tables``), with ``row``.

        Returns:
            One table each of ``TABLES``, sorted by patient: ``findings`` with what follows from them;
            ``criteria`` (``<set>.state``, ``outcome``, ``score`` …); ``differential``
            (``differential.<disease>`` from 0 to 1, ``leading``, ``label_probability``,
            ``label_outranked``, ``final_diagnosis``); ``serology``; ``antibody_results``; ``responses``,
            one row a visit after the baseline; ``trials``, one row a drug that was tried; ``resistance``
            (definitions of refractory disease, explanations); ``options``, one row an option in a likely
            subset; ``reasons``, one row an item of a criteria set that is known; ``conflicts`` and
            ``rejected``.
        """
        return self.answer(self.reader.read(tables))

    def answer(self, batch: Batch) -> dict[str, pl.DataFrame]:
        """Answer for every patient of a batch that has been read."""
        base = self.knowledge
        ids = batch.patients.select(PATIENT)
        stated = base.catalogue.whole(base.inference.known(batch.recorded).findings)
        frame = ids.hstack(stated.frame(list(base.catalogue.findings)))
        judged = base.resistance.judge(frame, batch.treatments, batch.visits, self._asked(batch))
        told = base.resistance.findings.evaluate(judged.row(frame))
        joined = base.inference.joined(batch.recorded, stated, told, batch.conflicts.iter_rows())
        findings = base.catalogue.whole(base.inference.known(joined).findings)
        known = ids.hstack(findings.frame(list(base.catalogue.findings)))
        verdicts = base.criteria.evaluate(findings)
        given = usable(batch.results, ids[PATIENT], base.serology.words)
        said = base.serology.evaluate(findings, given)
        results = base.serology.results(said)
        differential = self._differential(base.serology.with_tests(findings, said), batch.patients)
        label = differential.select("label_probability", "label_outranked")
        resistance = base.resistance.of_table(known.hstack(label), judged).patients
        chances = differential.select(
            pl.col(POSTERIOR + x).alias(PROBABILITY + x) for x in base.differential.diseases
        )
        supported = [
            pl.when(pl.col(x) == "supported")
            .then(True)
            .when(pl.col(x) == "argued_against")
            .then(False)
            .alias(x.removesuffix(STATUS))
            for x in resistance.columns
            if x.startswith(EXPLANATION) and x.endswith(STATUS)
        ]
        row = judged.row(known).hstack(resistance.select(supported)).hstack(chances)
        options = base.options.places(Table.of_frame(row.drop(PATIENT)))
        options = options.select(ids[PATIENT].gather(options["row"]), pl.exclude("row"))
        outcomes = [x for x in verdicts if x.partition(".")[0] in base.criteria.sets]
        found = {
            FINDINGS: known,
            CRITERIA: ids.hstack(verdicts.frame(self._outcomes(outcomes))),
            DIFFERENTIAL: differential,
            SEROLOGY: ids.hstack(said.patients.frame()),
            ANTIBODIES: ids.select(pl.all().gather(results["row"])).hstack(results.drop("row")),
            RESPONSES: judged.compared.sort(PATIENT, DATE),
            TRIALS: self._trials(judged.history, ids),
            RESISTANCE: resistance,
            OPTIONS: options,
            REASONS: self._reasons(ids, verdicts),
            CONFLICTS: batch.conflicts,
        }
        return {name: batch.named(table) for name, table in found.items()} | {
            REJECTED: batch.rejected
        }

    def _outcomes(self, columns: list[str]) -> list[str]:
        """Return the columns of verdicts that are not single items or steps on the way."""
        kept = set(columns) - set(self._items)
        return [x for x in columns if x in kept and not _HIDDEN & set(x.split(".")[1:])]

    @cached_property
    def _items(self) -> tuple[str, ...]:
        sets = self.knowledge.criteria.sets.values()
        return tuple(f"{one.id}.{item.id}" for one in sets for item in one.items)

    def _reasons(self, ids: pl.DataFrame, verdicts: Table) -> pl.DataFrame:
        """Return one row for every item of a criteria set that is known."""
        items = sorted(x for x in self._items if x in verdicts)
        known = [unpack(verdicts.known(x), verdicts.size) for x in items]
        true = [unpack(verdicts.truth(x).t, verdicts.size) for x in items]
        # Row by row, so that nothing has to be sorted.
        rows, places = np.nonzero(np.stack(known, axis=1))
        return pl.DataFrame(
            {
                PATIENT: ids[PATIENT].gather(rows),
                "item": pl.Series(places.astype(np.uint16)).cat.to(pl.Enum(items)),
                "value": np.stack(true, axis=1)[rows, places],
            }
        )

    def _differential(self, known: Table, patients: pl.DataFrame) -> pl.DataFrame:
        base = self.knowledge.differential
        found = base.table(known)
        probability = found.select(POSTERIOR + x for x in base.diseases).to_numpy()
        leading = probability.argmax(axis=1) if len(found) else np.zeros(0, int)
        chance = np.full(len(found), np.nan)
        outranked = np.zeros(len(found), bool)
        labels = patients["label"]
        for label in labels.unique().drop_nulls().to_list():
            own = base.labelled(label)
            if own.any():
                rows = (labels == label).fill_null(False).to_numpy()
                chance[rows] = probability[rows][:, own].sum(axis=1)
                outranked[rows] = ~own[leading[rows]]
        return patients.select(PATIENT, "label", "final_diagnosis").hstack(found).with_columns(
            label_probability=pl.Series(chance, dtype=pl.Float64).fill_nan(None),
            label_outranked=pl.when(pl.Series(~np.isnan(chance))).then(pl.Series(outranked)),
        )  # fmt: skip

    def _asked(self, batch: Batch) -> pl.DataFrame:
        """Return the visits from which a response is asked to be judged."""
        asked = batch.patients.select(PATIENT, date="baseline").drop_nulls()
        return asked.join(batch.visits, on=[PATIENT, DATE], how="semi")

    def _trials(self, history: History, ids: pl.DataFrame) -> pl.DataFrame:
        """Return one row a patient and drug of which something is recorded."""
        numbers = self.knowledge.resistance.treatments.regimens.numbers
        names = sorted(numbers)
        rank = pl.Series(
            [names.index(x) for x in sorted(names, key=numbers.__getitem__)], dtype=pl.UInt16
        )
        tried = history.tried
        missing = {x: ", ".join(lacking(x)) for x in tried["missing"].unique().to_list()}
        place = tried["patient"].cast(pl.Int64) * len(rank) + rank.gather(tried["regimen"])
        tried = tried[place.arg_sort()]
        return tried.select(
            ids[PATIENT].gather(tried["patient"]),
            rank.gather(tried["regimen"]).cat.to(pl.Enum(names)).alias("trial"),
            "state",
            "days_sure",
            # A time without a known end has no upper bound.
            pl.when(pl.col("days_possible") < FAR // 2)
            .then("days_possible")
            .alias("days_possible"),
            pl.col("missing").replace_strict(missing, return_dtype=pl.String),
            *TESTS,
        )


def assess_tables(
    tables: Mapping[str, Any], knowledge: Knowledge | None = None
) -> dict[str, pl.DataFrame]:
    """Answer for every patient of some tables that fit into memory.

    Args:
        tables: the tables of docs/cohort.md, as Polars, pandas or Arrow frames.
        knowledge: what medicine knows; the packaged knowledge when left out.

    Returns:
        The tables of ``Registry.assess``.

    Raises:
        SourceError: for a table or a column that is not known.
    """
    import narwhals as nw

    registry = Registry(knowledge or Knowledge.load())
    found = {}
    for name, frame in tables.items():
        if name not in registry.reader.schema.tables:
            raise SourceError(
                f"{name} is not a table; there are {', '.join(registry.reader.schema.tables)}"
            )
        table = nw.from_native(frame, eager_only=True).to_polars()
        unfit = registry.reader.schema.unfit(name, table.columns)
        if unfit:
            raise SourceError(f"{name}: {unfit}")
        found[name] = table.with_columns(pl.col(PATIENT).cast(pl.String)).with_row_index(
            ROW, offset=1
        )
    if "patients" not in found:
        raise SourceError("there is no table patients")
    return registry.assess(found)
