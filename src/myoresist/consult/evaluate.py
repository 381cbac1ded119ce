"""What the rules of page one say of N patients: the state of each, the disease, and which lines may stand.

The same rules choose for one patient and for a registry, and every line knows its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.planes import UNKNOWN, any_of, pack_rows, unpack, unpack_rows
from myoresist.arrays.table import Codes, Table, coded, one_each
from myoresist.case.courses import Treatments
from myoresist.consult.compile import (
    CANCER,
    DISPUTED,
    FACTS,
    LISTED,
    OTHERWISE,
    SAID,
    STATE,
    TRIAL,
    WAITING,
    Rules,
)
from myoresist.consult.course import since_best
from myoresist.consult.given import FAILED, GIVEN, NOT_ENOUGH, PARTLY, said
from myoresist.consult.leading import CERTAINTIES, PROVEN_OF, Leading
from myoresist.consult.schema import Certainty, Section, State
from myoresist.findings.statements import Settled
from myoresist.rules.program import Program
from myoresist.treatment.columns import ALLERGY, LEVELS, against_column

LITTLE = "little"
RECOMMENDED, WAIT = ("repeat", "do_first", "reasonable"), "wait"
"""Groups of options."""
PROPOSED = 2
"""How many of a list the page proposes."""


@dataclass(frozen=True)
class Inputs:
    """What the page is made from, for N patients.

    Attributes:
        row: findings and what questions 1 to 3 tell, ``probability.<disease>``.
        proven: ``confirmed.<disease>`` of the differential.
        cancer: the category of the risk of cancer.
        answered: what ``Options.evaluate`` returned.
        course: what ``course.since_best`` returned.
    """

    row: Table
    proven: Table
    cancer: Codes
    settled: Settled
    treatments: Treatments
    labels: Sequence[str | None]
    answered: Table
    course: Table


@dataclass(frozen=True)
class Consult(Rules):
    """The rules of page one, and what they choose."""

    def since_best(self, ids: pl.Series, visits: pl.DataFrame) -> Table:
        """Return how much worse the last visit is than the best one before; see ``course.since_best``."""
        return since_best(ids, visits, self.data.page.against_best)

    def evaluate(self, inputs: Inputs) -> Consults:
        """Choose what stands on the page of every patient."""
        size = inputs.row.size
        truths = {
            f"{PROVEN_OF}{x}": inputs.proven.truth(f"confirmed.{x}") for x in self.diseases.names
        }
        table = inputs.row.with_columns(self._said(inputs)).with_columns(
            self.given.evaluate(inputs.treatments)
        )
        table = table.with_columns(self._of_trials(table)).with_columns(Table(size, truths))
        table = table.with_columns(self._not_enough(table)).with_columns(inputs.course)
        proofs = self.proofs.run(table)
        truths |= {x: any_of((truths[x], proofs.truth("proof." + x)), size) for x in self._proven}
        leading = self.diseases.lead(
            proofs.with_columns(inputs.row), Table(size, truths), inputs.labels
        )
        table = table.with_columns(leading.columns()).with_columns(self._facts(inputs))
        listed = self._listed(table.with_columns(leading.weighed()), inputs.answered)
        table = table.with_columns(listed.columns(self.given.treatments))
        table = table.with_columns(self._barred(inputs.answered, size))
        table = table.with_columns(self.before.run(table))
        state = self._state(table)
        table = table.with_truths(one_each(STATE, state))
        table = table.with_columns(self.lines.run(table))
        return Consults(self, table, leading, state.codes.astype(np.int64), listed)

    @cached_property
    def _proven(self) -> tuple[str, ...]:
        return tuple(PROVEN_OF + one.disease for one in self.data.leader.proofs)

    @cached_property
    def reasoned(self) -> Program:
        """Return the rules of lines with those of the columns that they read."""
        return Program({**self.before.rules, **self.lines.rules})

    def _said(self, inputs: Inputs) -> Table:
        """Return of each danger whether anything says that it is there, and whether statements differ."""
        size, recorded = inputs.row.size, inputs.settled.recorded
        disputed: dict[str, int] = {}
        for patient, finding in inputs.settled.disputes:
            disputed[finding] = disputed.get(finding, 0) | 1 << patient
        truths = {}
        for name in self.data.page.dangers:
            known, stated = inputs.row.truth(name), recorded.truth(name)
            # What is recorded and yet not known contradicts something else that is recorded.
            doubtful = disputed.get(name, 0) | stated.t & ~known.t
            truths[SAID + name] = said(known.t | doubtful, size)
            truths[DISPUTED + name] = said(doubtful, size)
        return Table(size, truths)

    def _of_trials(self, table: Table) -> Table:
        """Return of each treatment what its trial tells, under the name of the treatment."""
        options = self.options.data.options
        trials = {x: options[x].trial if x in options else None for x in self.given.treatments}
        return Table(
            table.size,
            {
                f"{told}_{name}": said(table.truth(f"trial_{trial}_{column}").t, table.size)
                for name, trial in trials.items()
                for told, column in TRIAL.items()
            },
        )

    def _not_enough(self, table: Table) -> Table:
        """Return how many drugs did not do, without those of which the trial is known to be too little."""
        short = []
        for name in self.given.drugs:
            failed = table.truth(FAILED + name).t | table.truth(PARTLY + name).t
            little = table.truth(f"low_{name}").t | table.truth(f"early_{name}").t
            short.append(failed & ~little)
        counts = unpack_rows(short, table.size).sum(axis=0, dtype=float)
        return Table(table.size, numbers={NOT_ENOUGH: counts})

    def _facts(self, inputs: Inputs) -> Table:
        """Return how many findings are recorded that tell of the disease, and the risk of cancer."""
        size = inputs.row.size
        recorded = inputs.settled.recorded
        told = [x for x in recorded if x not in self.data.page.not_facts]
        facts = unpack_rows([recorded.known(x) for x in told], size).sum(axis=0, dtype=float)
        return Table(size, one_each(CANCER, inputs.cancer), {FACTS: facts})

    def _listed(self, table: Table, answered: Table) -> Listed:
        """Return which options the subsets of each patient recommend, in their order."""
        places = self.options.places(table, answered)
        rank = self._rank(places, table.size)
        wait = places.filter(pl.col("group") == WAIT)
        waiting = np.zeros(rank.shape, bool)
        waiting[wait["option"].to_physical().to_numpy(), wait["row"].to_numpy()] = True
        options = tuple(self.options.data.options)
        return Listed(options, rank, waiting, self._but_for_allergy(table, rank))

    def _rank(self, places: pl.DataFrame, size: int) -> NDArray[np.int64]:
        """Return the rank of each option, (options, N): the lower, the earlier; -1 where it is not good.

        The first list in which an option stands decides: the lists of a failing organ stand first.
        """
        shape = len(self.options.data.options), size
        option = places["option"].to_physical().to_numpy().astype(np.intp)
        first = np.full(shape[0] * shape[1], len(option))
        np.minimum.at(first, option * size + places["row"].to_numpy(), np.arange(len(option)))
        good = np.append(places["group"].is_in(RECOMMENDED).to_numpy(), False)
        return np.where(good[first], first, -1).reshape(shape)

    def _but_for_allergy(self, table: Table, rank: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which options would be among the first but for an allergy, (options, N)."""
        found = np.zeros(rank.shape, bool)
        names = [x for x in table.truths if x.startswith(ALLERGY)]
        allergic = any_of([table.truth(x) for x in names], table.size).t
        if not allergic:
            return found
        rows = unpack(allergic, table.size).nonzero()[0]
        other = table.take(rows).with_truths(dict.fromkeys(names, UNKNOWN))
        ranks = self._rank(self.options.places(other), len(rows))
        given = unpack_rows(
            [other.truth(GIVEN + x).t for x in self.options.data.options], len(rows)
        )
        last = ranks.max(initial=0) + 1
        new = np.where((ranks < 0) | (given > 0), last, ranks)
        among = new <= np.partition(new, PROPOSED - 1, axis=0)[PROPOSED - 1]
        found[:, rows] = among & (new < last) & (rank[:, rows] < 0)
        return found

    def _barred(self, answered: Table, size: int) -> Table:
        """Return of each option whether it is contraindicated, or best avoided, by what is recorded."""
        true = {f"{level}_{name}": 0 for level in LEVELS for name in self.given.treatments}
        for option in self.options.data.options.values():
            for place, one in enumerate(self.options.against[option.id]):
                held = answered.truth(against_column(option, place)).t
                true[f"{one.level}_{option.id}"] |= held
        return Table(size, {name: said(held, size) for name, held in true.items()})

    def _state(self, table: Table) -> Codes:
        """Return the first state whose rule is true; the last of the file where none is."""
        found = self.states.run(table)
        states = [one.id for one in self.data.states]
        cases = ((found.truth(STATE + x).t, x) for x in states)
        return coded(states, *cases, size=table.size, otherwise=states[-1])


@dataclass(frozen=True)
class Listed:
    """The options on the lists of N patients.

    Attributes:
        options: which options there are.
        rank: the lower, the earlier an option stands on the list of a patient, (options, N); -1 is
            not at all.
        waiting: whether its time is not up, (options, N).
        otherwise: whether it would be among the first but for an allergy, (options, N).
    """

    options: tuple[str, ...]
    rank: NDArray[np.int64]
    waiting: NDArray[np.bool_]
    otherwise: NDArray[np.bool_]

    def columns(self, treatments: Iterable[str]) -> Table:
        """Return of each treatment what the lists say."""
        size = self.rank.shape[1]
        flags = {LISTED: self.rank >= 0, WAITING: self.waiting, OTHERWISE: self.otherwise}
        true = {prefix + name: 0 for prefix in flags for name in treatments}
        for prefix, one in flags.items():
            planes = zip(self.options, pack_rows(one), strict=True)
            true |= {prefix + name: plane for name, plane in planes}
        return Table(size, {x: said(t, size) for x, t in true.items()})

    def ranks(self, treatments: Sequence[str], otherwise: int) -> NDArray[np.int64]:
        """Return the rank of some treatments, (treatments, N); ``otherwise`` where one is not on the list."""
        number = {name: place for place, name in enumerate(self.options)}
        none = np.full((1, self.rank.shape[1]), -1)
        # What is no option is the last one.
        found = np.concatenate([self.rank, none])[[number.get(x, -1) for x in treatments]]
        return np.where(found < 0, otherwise, found)


@dataclass(frozen=True)
class Consults:
    """What stands on the pages of N patients.

    Attributes:
        table: every column that a rule of the consult read or filled.
        state: the number of the state of each.
        listed: the options that the lists of each recommend.
    """

    consult: Consult
    table: Table
    leading: Leading
    state: NDArray[np.int64]
    listed: Listed

    def holds(self, column: str, row: int) -> bool:
        """Tell whether a rule, or what is told of a treatment, is true of one patient."""
        return self.table.value(column, row) is True

    def told(self, told: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return of which drugs one of some things is told, (drugs, N)."""
        if told not in self._told:
            drugs = self.consult.given.drugs
            planes = [
                any_of((self.table.truth(x + y) for x in told), self.table.size).t for y in drugs
            ]
            self._told[told] = unpack_rows(planes, self.table.size).view(np.bool_)
        return self._told[told]

    @cached_property
    def _told(self) -> dict[tuple[str, ...], NDArray[np.bool_]]:
        return {}

    def state_of(self, row: int) -> State:
        """Return the state of one patient."""
        return self.consult.data.states[int(self.state[row])]

    def by_page(self, value: Callable[[str], int]) -> NDArray[np.intp]:
        """Return for each patient what is worth so much on the kind of page that the state has."""
        return np.array([value(x.page) for x in self.consult.data.states], np.intp)[self.state]

    def most(self, section: Section) -> NDArray[np.intp]:
        """Return how many lines of a section the page of each patient may have."""
        return self.by_page(lambda page: self.consult.data.page.most[page][section])

    @cached_property
    def diseases(self) -> NDArray[np.int64]:
        """Return the numbers of what each page acts on, (places, N); -1 is none.

        Where too little is known it acts on nothing.
        """
        little = self.by_page(lambda page: page == LITTLE) > 0
        return np.where(little, -1, self.leading.in_order)

    def diseases_of(self, row: int) -> tuple[str, ...]:
        """Return what the page of one patient acts on."""
        names = self.leading.diseases.names
        return tuple(names[x] for x in self.diseases[:, row].tolist() if x >= 0)

    @cached_property
    def certainty(self) -> NDArray[np.int64]:
        """Return how sure the disease of each patient is, as the place in ``CERTAINTIES``."""
        codes = self.leading.certainty.codes.astype(np.int64)
        return np.where(self.diseases[0] < 0, CERTAINTIES.index("open"), codes)

    def certainty_of(self, row: int) -> Certainty:
        """Return how sure the disease of one patient is."""
        return CERTAINTIES[int(self.certainty[row])]
