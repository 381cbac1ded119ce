"""The questions in order, for N patients; one patient is N = 1.

Every door yields ``Patients``. From there on this is the only road: an assessment explains what stands here
of one patient, a registry writes it down for all. What nobody asks for is not computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from myoresist.arrays.planes import Planes, of_flags
from myoresist.arrays.runs import Floats, Ints
from myoresist.arrays.table import Table
from myoresist.case.courses import Treatments
from myoresist.consult.evaluate import Consults, Inputs
from myoresist.diagnosis.differential.evaluate import PREFIX as POSTERIOR
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.findings.evaluate import Known
from myoresist.findings.statements import Settled
from myoresist.library import Knowledge
from myoresist.resistance.adequacy.judged_since import days_of
from myoresist.resistance.evaluate import DAMAGE, Judged
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION
from myoresist.resistance.explanations.evaluate import STATUS
from myoresist.resistance.response.visits import PATIENT
from myoresist.serology.evaluate import CATEGORY, SerologyTables
from myoresist.serology.results import Results
from myoresist.treatment.columns import PROBABILITY


@dataclass(frozen=True)
class Patients:
    """N patients as every question reads them.

    Attributes:
        ids: who they are, as ``treatments`` and ``visits`` name them.
        labels: the diagnosis that each carries, if any.
        settled: what is recorded of findings.
        results: antibody results.
        treatments: what was given, in the same order.
        visits: what was measured, as ``Responses.visits`` returned it.
        baselines: ``patient_id`` and ``date`` of the visits from which a response is asked to be judged.
        last_days: the last day on which each visit may have been, where dates are not known to the day.
    """

    ids: pl.Series
    labels: Sequence[str | None]
    settled: Settled
    results: Results
    treatments: Treatments
    visits: pl.DataFrame
    baselines: pl.DataFrame | None = None
    last_days: Ints | None = None


@dataclass(frozen=True)
class Answers:
    """What follows about some patients, question by question."""

    patients: Patients
    library: Knowledge
    differential: Differential

    @cached_property
    def stated(self) -> Known:
        """Return what is known from the record alone."""
        known = self.library.inference.known(self.patients.settled.recorded)
        return Known(self.library.catalogue.whole(known.findings), known.conflicted)

    @cached_property
    def judged(self) -> Judged:
        """Return what courses and visits tell."""
        one = self.patients
        given = self.library.ceilings.judgeable(one.treatments)
        return self.library.resistance.judge(
            self.stated.findings, given, one.visits, one.baselines, one.last_days
        )

    @cached_property
    def told(self) -> Table:
        """Return the findings that courses and visits tell."""
        return self.library.resistance.findings.evaluate(self.judged.row(self.stated.findings))

    @cached_property
    def recorded(self) -> Table:
        """Return the record with the findings that courses and visits tell."""
        settled = self.patients.settled
        return self.library.inference.joined(
            settled.recorded, self.stated.findings, self.told, settled.disputes
        )

    @cached_property
    def findings(self) -> Table:
        """Return what is known of every finding."""
        known = self.library.inference.known(self.recorded)
        return self.library.catalogue.whole(known.findings)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Return the same as one row a patient, with ``patient_id``."""
        return self._frame(self.findings)

    @cached_property
    def criteria(self) -> Table:
        """Return the verdict of every criteria set."""
        return self.library.criteria.evaluate(self.findings)

    @cached_property
    def serology(self) -> SerologyTables:
        """Return what the antibodies say."""
        return self.library.serology.evaluate(self.findings, self.patients.results)

    @cached_property
    def tested(self) -> Table:
        """Return the findings with what antibody tests are worth, as the differential reads them."""
        return self.library.serology.with_tests(self.findings, self.serology)

    @cached_property
    def posterior(self) -> pl.DataFrame:
        """Return the probability of every disease, and which one leads."""
        return self.differential.table(self.tested)

    @cached_property
    def proven(self) -> Table:
        """Return ``confirmed.<disease>`` of each disease that can be proven."""
        return self.differential.base.confirmed.run(self.tested)

    @cached_property
    def label(self) -> Table:
        """Return ``label_probability``, and ``label_outranked``: whether another disease leads."""
        base, size = self.differential, len(self.patients.ids)
        probability = self.posterior[[POSTERIOR + x for x in base.diseases]].to_numpy()
        leading = probability.argmax(axis=1) if size else np.zeros(0, int)
        chance, outranked = np.full(size, np.nan), np.zeros(size, bool)
        for label in {one for one in self.patients.labels if one is not None}:
            own = base.labelled(label)
            if own.any():
                rows = np.array([one == label for one in self.patients.labels])
                chance[rows] = probability[rows][:, own].sum(axis=1)
                outranked[rows] = ~own[leading[rows]]
        known = ~np.isnan(chance)
        return Table(
            size, {"label_outranked": of_flags(outranked, known)}, {"label_probability": chance}
        )

    @cached_property
    def row(self) -> Table:
        """Return all that a condition on the non-response may read."""
        return self.judged.row(self.findings).with_columns(self.label)

    @cached_property
    def explanations(self) -> Table:
        """Return the explanations of the non-response."""
        return self.library.resistance.explanations.evaluate(self.row)

    @cached_property
    def refractory(self) -> Table:
        """Return every definition of refractory disease."""
        return self.library.resistance.treatments.refractory.evaluate(self._resisting)

    @cached_property
    def blocking(self) -> dict[str, dict[str, int]]:
        """Return for each of these definitions in whom which unknown column leaves it open."""
        return self.library.resistance.treatments.refractory.blocking.of(self._resisting)

    @cached_property
    def refractory_since(self) -> dict[str, Floats]:
        """Return for each of these definitions since when it is met, in days since 1970; NaN if not known."""
        days = days_of(self.judged.history)
        return self.library.resistance.treatments.refractory.since.days(self._resisting, days)

    @cached_property
    def _resisting(self) -> Table:
        """Return all that a definition of refractory disease may read."""
        suspected = self._supported(f"{EXPLANATION}{DAMAGE}")
        return self.row.with_truths({f"{DAMAGE}_suspected": suspected})

    @cached_property
    def weighed(self) -> Table:
        """Return all that a condition on treatments may read."""
        supported = {
            EXPLANATION + one: self._supported(EXPLANATION + one)
            for one in self.library.resistance.explanations.entries
        }
        chances = {
            PROBABILITY + one: self.posterior[POSTERIOR + one].to_numpy()
            for one in self.differential.diseases
        }
        row = self.row.with_columns(self.library.ceilings.over(self.patients.treatments))
        row = row.with_columns(self.proven)
        return row.with_columns(Table(self.row.size, supported, chances))

    @cached_property
    def treatment(self) -> Table:
        """Return the answer of every rule about treatments."""
        return self.library.options.evaluate(self.weighed)

    @cached_property
    def options(self) -> pl.DataFrame:
        """Return every option that is looked at; see ``Options.places``."""
        return self.library.options.places(self.weighed, self.treatment)

    @cached_property
    def consult(self) -> Consults:
        """Return what stands on page one."""
        return self.library.consult.evaluate(
            Inputs(
                row=self.weighed,
                proven=self.proven,
                cancer=self.serology.patients.word(CATEGORY),
                settled=self.patients.settled,
                treatments=self.patients.treatments,
                labels=self.patients.labels,
                answered=self.treatment,
                course=self.library.consult.since_best(self.patients.ids, self.judged.visits),
            )
        )

    def _supported(self, explanation: str) -> Planes:
        """Return whether an explanation is supported: true, false where it is argued against."""
        status = self.explanations.word(explanation + STATUS)
        words = {word: place for place, word in enumerate(status.words)}
        supported = status.codes == words["supported"]
        return of_flags(supported, supported | (status.codes == words["argued_against"]))

    def _frame(self, findings: Table) -> pl.DataFrame:
        frame = findings.frame(list(self.library.catalogue.findings))
        return frame.insert_column(0, self.patients.ids.alias(PATIENT))
