"""The four questions for a batch of patients: tables in, tables out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from myoresist.answers import Answers, Patients
from myoresist.arrays.planes import unpack
from myoresist.arrays.table import Table
from myoresist.cohort.batch import Batch, Reader
from myoresist.cohort.conventions import Conventions
from myoresist.cohort.events import events_table
from myoresist.cohort.folder import SourceError
from myoresist.cohort.given import courses_table, doses_table
from myoresist.cohort.refractory import refractory_table
from myoresist.cohort.responses import scored
from myoresist.cohort.schema import ROW, CodesNamed, Schema
from myoresist.cohort.serology import antibodies_table, statements_table
from myoresist.cohort.windows import followed, windows_table
from myoresist.consult.pages import Pages
from myoresist.consult.table import consult_table
from myoresist.diagnosis.criteria.compile import CLASS, EXCLUDED, NOTE, VARIANT
from myoresist.findings.statements import Dispute, Settled
from myoresist.library import Knowledge
from myoresist.resistance.adequacy.evaluate import History
from myoresist.resistance.adequacy.tables import trials_table
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION
from myoresist.resistance.explanations.evaluate import STATUS
from myoresist.resistance.response.visits import DATE, PATIENT
from myoresist.serology.results import usable

FINDINGS, CRITERIA, DIFFERENTIAL = "findings", "criteria", "differential"
SEROLOGY, ANTIBODIES, RESPONSES = "serology", "antibody_results", "responses"
TRIALS, RESISTANCE, OPTIONS, REASONS = "trials", "resistance", "options", "reasons"
CONSULT, REJECTED, CONFLICTS, REFRACTORY = "consult", "rejected", "conflicts", "refractory"
COURSES, DOSES, WINDOWS, EVENTS = "courses", "glucocorticoid", "response_windows", "events"
INPUTS, SERUM, STATEMENTS = "inputs", "autoantibodies", "serology_statements"
TABLES = (
    FINDINGS, CRITERIA, DIFFERENTIAL, SEROLOGY, SERUM, STATEMENTS, ANTIBODIES, RESPONSES, TRIALS,
    RESISTANCE, OPTIONS, REASONS, CONSULT, REFRACTORY, COURSES, DOSES, WINDOWS, EVENTS, INPUTS,
    CONFLICTS, REJECTED,
)  # fmt: skip
"""Names of the tables that come out."""
_HIDDEN = {CLASS, EXCLUDED, NOTE, VARIANT}


@dataclass(frozen=True)
class Registry:
    """Answers the questions for many patients, with one knowledge.

    Attributes:
        knowledge: what medicine knows.
        codes_named: of which columns codes for a missing value were named, so that none is suspected.
    """

    knowledge: Knowledge
    codes_named: CodesNamed = False

    @cached_property
    def reader(self) -> Reader:
        """Return what reads the tables."""
        base = self.knowledge
        methods = base.serology.knowledge.confidence.method_names()
        return Reader(
            base.terms, Schema(base.terms), base.inference, base.resistance.responses,
            lambda word: methods.find(word) is not None, frozenset(base.differential.diseases), base.ceilings,
            self.codes_named,
        )  # fmt: skip

    def assess(self, tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Answer for every patient of a batch.

        Args:
            tables: the tables of these patients as they came in (see ``Schema.tables``), with ``row``.

        Returns:
            One table each of ``TABLES``, sorted by patient: ``findings`` with what follows from them;
            ``criteria`` (``<set>.state``, ``outcome``, ``score`` …); ``differential``
            (``differential.<disease>`` from 0 to 1, ``leading``, ``label_probability``,
            ``label_outranked``, ``final_diagnosis``); ``serology``, ``autoantibodies`` (one column an
            antibody), ``serology_statements``; ``antibody_results``; ``responses``,
            one row a visit after the baseline; ``trials``, one row a drug that was tried; ``resistance``
            (definitions of refractory disease, explanations); ``options``, one row an option in a likely
            subset; ``reasons``, one row an item of a criteria set that is known; ``consult``, the state of
            each patient and what to do; ``refractory``, one row a patient and definition; ``courses``,
            ``glucocorticoid``, ``response_windows`` and ``events``, what was given and what came of it;
            ``inputs``, what was entered; ``conflicts`` and ``rejected``.
        """
        return self.answer(self.reader.read(tables))

    def answer(self, batch: Batch) -> dict[str, pl.DataFrame]:
        """Answer for every patient of a batch that has been read."""
        return dict(self.answered(batch))

    def answered(self, batch: Batch) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the tables of ``assess`` by name, one after the other, so that none has to be kept."""
        base = self.knowledge
        ids = batch.patients.select(PATIENT)
        answers = Answers(
            Patients(
                ids=ids[PATIENT],
                labels=batch.patients["label"].to_list(),
                settled=Settled(
                    batch.recorded, [Dispute(*one) for one in batch.conflicts.iter_rows()]
                ),
                results=usable(batch.results, ids[PATIENT], base.serology.words),
                treatments=batch.treatments,
                visits=batch.visits,
                baselines=self._asked(batch),
            ),
            base,
            base.differential,
        )
        for name, table in chain(self._of_patients(batch, answers, ids), self._over_time(answers)):
            yield name, batch.named(table)
        yield REJECTED, batch.rejected

    def _of_patients(
        self, batch: Batch, answers: Answers, ids: pl.DataFrame
    ) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the answers to the questions, by the places of the patients."""
        base = self.knowledge
        yield FINDINGS, answers.frame
        criteria = [x for x in answers.criteria if x.partition(".")[0] in base.criteria.sets]
        yield CRITERIA, ids.hstack(answers.criteria.frame(self._outcomes(criteria)))
        yield (
            DIFFERENTIAL,
            batch.patients.select(PATIENT, "label", "final_diagnosis")
            .with_columns(_assessed_on(batch))
            .hstack(answers.posterior)
            .hstack(answers.label.frame(["label_probability", "label_outranked"])),
        )
        serum = ids.hstack(answers.serology.patients.frame())
        yield SEROLOGY, serum
        yield SERUM, antibodies_table(serum)
        yield STATEMENTS, statements_table(serum)
        del serum
        results = base.serology.results(answers.serology)
        yield (
            ANTIBODIES,
            ids.select(pl.all().gather(results["row"])).hstack(results.drop("row")),
        )
        del results
        yield RESPONSES, scored(answers.judged.compared.sort(PATIENT, DATE))
        yield TRIALS, self._trials(answers.judged.history, ids)
        yield RESISTANCE, self._resistance(answers)
        options = answers.options
        yield OPTIONS, options.select(ids[PATIENT].gather(options["row"]), pl.exclude("row"))
        yield REASONS, self._reasons(ids, answers.criteria)
        yield CONSULT, ids.hstack(consult_table(Pages(answers.consult, base.names)))
        yield REFRACTORY, refractory_table(answers)
        yield INPUTS, batch.inputs
        yield CONFLICTS, batch.conflicts

    def _over_time(self, answers: Answers) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield what was given and what came of it, by drug and time."""
        conventions = Conventions.packaged()
        courses = courses_table(answers.judged.history)
        doses = doses_table(answers.judged.history)
        found = followed(answers, courses, conventions)
        yield COURSES, courses
        yield DOSES, doses
        yield WINDOWS, windows_table(found, conventions)
        yield EVENTS, events_table(answers, found, courses, doses, conventions)

    def _resistance(self, answers: Answers) -> pl.DataFrame:
        """Return what courses and visits tell, definitions of refractory disease and explanations."""
        statuses = [
            EXPLANATION + one + STATUS for one in self.knowledge.resistance.explanations.entries
        ]
        judged, refractory = answers.judged, answers.refractory
        ids = answers.patients.ids.alias(PATIENT).to_frame()
        return pl.concat(
            [
                ids,
                judged.row(answers.findings).frame(judged.names),
                refractory.renamed({x: f"refractory.{x}" for x in refractory}).frame(),
                answers.explanations.frame(statuses).cast(pl.String),
            ],
            how="horizontal",
        )

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

    def _asked(self, batch: Batch) -> pl.DataFrame:
        """Return the visits from which a response is asked to be judged."""
        asked = batch.patients.select(PATIENT, date="baseline").drop_nulls()
        return asked.join(batch.visits, on=[PATIENT, DATE], how="semi")

    def _trials(self, history: History, ids: pl.DataFrame) -> pl.DataFrame:
        """Return one row a patient and drug of which something is recorded."""
        table = trials_table(history)
        return table.select(ids[PATIENT].gather(table["patient"]), pl.all().exclude("patient"))


def _assessed_on(batch: Batch) -> pl.Series:
    """Return the last day on which each assessment may have been."""
    days = pl.Series("assessed_on", batch.treatments.today.latest).fill_nan(None)
    return days.cast(pl.Int32).cast(pl.Date)


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
