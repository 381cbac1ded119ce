"""What stands on page one, for N patients: a state, and lines in their order.

The same rules choose for one patient and for a registry, and every line knows its rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.planes import UNKNOWN, any_of, unpack, unpack_rows
from myoresist.arrays.table import Codes, Table, coded, one_each
from myoresist.case.courses import Treatments
from myoresist.consult.compile import (
    CANCER,
    DISPUTED,
    EACH,
    FACTS,
    HOLD,
    LEAD,
    LISTED,
    OTHERWISE,
    SAID,
    STATE,
    TRIAL,
    WAITING,
    Rules,
)
from myoresist.consult.course import since_best
from myoresist.consult.given import FAILED, GIVEN, NOT_ENOUGH, NOW, PARTLY, columns_of, said
from myoresist.consult.leading import CERTAINTIES, PROVEN_OF, RENAMED, Leading
from myoresist.consult.schema import ActionLine, FindingLine, Line, ReasonLine, Section
from myoresist.findings.statements import Settled
from myoresist.rules.program import Program
from myoresist.treatment.columns import ALLERGY, LEVELS, against_column

LITTLE = "little"
NEXT = "next"
"""The family of treatments that may be begun: of two that take each other's place only one is."""
RECOMMENDED = ("repeat", "do_first", "reasonable")
PROPOSED = 2
"""How many of a list the page proposes."""


@dataclass(frozen=True)
class Chosen:
    """A line that stands on the page of one patient.

    Attributes:
        rule: the column of its rule.
        object: of an action, the explanation of a reason, the finding of a change or question.
        instead_of: the treatment whose place a new one takes.
        place: which of those it is for which the line is said.
    """

    section: Section
    line: Line
    rule: str
    verb: str | None
    object: str
    instead_of: str | None = None
    place: int = 0

    @property
    def about(self) -> tuple[str, str]:
        """Return what must not be said twice."""
        return self.verb or self.section, self.object


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
        return Consults(self, table, leading, state.codes, listed.order)

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

    def _listed(self, table: Table, answered: Table) -> _Listed:
        """Return which options the subsets of each patient recommend, in their order.

        The first list in which an option stands decides: the lists of a failing organ stand first.
        """
        places = self.options.places(table, answered)
        order = _order(places, table.size)
        waiting = places.filter(pl.col("group").cast(pl.String) == "wait")
        wait = waiting.select("row", pl.col("option").cast(pl.String)).iter_rows()
        return _Listed(
            table.size, order, frozenset(wait), frozenset(self._but_for_allergy(table, order))
        )

    def _but_for_allergy(self, table: Table, order: list[list[str]]) -> Iterator[tuple[int, str]]:
        """Yield patients, each with an option that would be among the first but for an allergy."""
        names = [x for x in table.truths if x.startswith(ALLERGY)]
        allergic = any_of([table.truth(x) for x in names], table.size).t
        if not allergic:
            return
        rows = unpack(allergic, table.size).nonzero()[0]
        other = table.take(rows).with_truths(dict.fromkeys(names, UNKNOWN))
        for row, listed in zip(
            rows.tolist(), _order(self.options.places(other), len(rows)), strict=True
        ):
            given = [x for x in listed if table.truth(GIVEN + x).t >> row & 1]
            new = [x for x in listed if x not in given][:PROPOSED]
            yield from ((row, x) for x in new if x not in order[row])

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


def _order(places: pl.DataFrame, size: int) -> list[list[str]]:
    """Return the options that the lists of each patient recommend."""
    first = places.unique(["row", "option"], keep="first", maintain_order=True)
    good = first.filter(pl.col("group").cast(pl.String).is_in(RECOMMENDED))
    order: list[list[str]] = [[] for _ in range(size)]
    for row, option in good.select("row", pl.col("option").cast(pl.String)).iter_rows():
        order[row].append(option)
    return order


@dataclass(frozen=True)
class _Listed:
    size: int
    order: list[list[str]]
    waiting: frozenset[tuple[int, str]]
    otherwise: frozenset[tuple[int, str]]

    def columns(self, treatments: Mapping[str, str]) -> Table:
        true = {prefix + name: 0 for prefix in (LISTED, WAITING, OTHERWISE) for name in treatments}
        for row, names in enumerate(self.order):
            for name in names:
                true[LISTED + name] |= 1 << row
        for prefix, found in ((WAITING, self.waiting), (OTHERWISE, self.otherwise)):
            for row, name in found:
                true[prefix + name] |= 1 << row
        return Table(self.size, {x: said(t, self.size) for x, t in true.items()})


@dataclass(frozen=True)
class Consults:
    """What stands on the pages of N patients.

    Attributes:
        table: every column that a rule of the consult read or filled.
        state: the number of the state of each.
        order: the options that the lists of each recommend, in order.
    """

    consult: Consult
    table: Table
    leading: Leading
    state: NDArray[np.int32]
    order: Sequence[Sequence[str]]

    @cached_property
    def _true(self) -> NDArray[np.bool_]:
        """Return which columns are true of whom, (N, columns), so that those of a patient lie together."""
        planes = [self.table.truth(x).t for x in self._columns]
        return np.ascontiguousarray(unpack_rows(planes, self.table.size).T).view(np.bool_)

    @cached_property
    def _columns(self) -> dict[str, int]:
        """Return the place of each rule, and of what is told of each treatment and of the label."""
        rules = self.consult
        told = (*columns_of(rules.given.drugs), RENAMED)
        return {x: n for n, x in enumerate((*rules.lines.rules, *rules.before.rules, *told))}

    @cached_property
    def _lines(self) -> tuple[Sequence[tuple[Section, Line]], NDArray[np.intp]]:
        """Return every line in the order of the page, and the places of their rules."""
        lines = list(self.consult.data.lines())
        return lines, np.array([self._columns[_rule(*one)] for one in lines], np.intp)

    @cached_property
    def _families(self) -> Mapping[str, NDArray[np.intp]]:
        """Return the places of the treatments of each family."""
        return {
            family: np.array([self._columns[f"{EACH}{family}.{x}"] for x in members], np.intp)
            for family, members in self.consult.families.items()
        }

    def holds(self, column: str, row: int) -> bool:
        """Tell whether a rule, or what is told of a treatment, is true of one patient."""
        return bool(self._true[row, self._columns[column]])

    def told_of(self, told: tuple[str, ...], row: int) -> list[str]:
        """Return the drugs of which one of some things is told of one patient, in the order of all drugs."""
        flags = self._told.get(told)
        if flags is None:
            drugs = self.consult.given.drugs
            flags = np.zeros((self.table.size, len(drugs)), np.bool_)
            for prefix in told:
                flags |= self._true[:, [self._columns[prefix + x] for x in drugs]]
            self._told[told] = flags
        return [self._drugs[n] for n in flags[row].nonzero()[0]]

    @cached_property
    def _told(self) -> dict[tuple[str, ...], NDArray[np.bool_]]:
        """Keep of whom one of some things is told of each drug, (N, drugs)."""
        return {}

    @cached_property
    def _drugs(self) -> tuple[str, ...]:
        return tuple(self.consult.given.drugs)

    def state_of(self, row: int) -> str:
        """Return the state of one patient."""
        return self.consult.data.states[int(self.state[row])].id

    def diseases_of(self, row: int) -> tuple[str, ...]:
        """Return what the page of one patient acts on."""
        return self._diseases[row]

    @cached_property
    def _diseases(self) -> list[tuple[str, ...]]:
        """Return what the page of each patient acts on; nothing where too little is known."""
        little = [x.page == LITTLE for x in self.consult.data.states]
        states = self.state.tolist()
        return [() if little[x] else self.leading.of(row) for row, x in enumerate(states)]

    def certainty_of(self, row: int) -> str:
        """Return how sure the disease of one patient is."""
        if not self.diseases_of(row):
            return "open"
        return CERTAINTIES[int(self.leading.certainty.codes[row])]

    def chosen(self, row: int) -> dict[Section, list[Chosen]]:
        """Return the lines of one patient, section by section, before the words are counted."""
        page = self.consult.data.states[int(self.state[row])].page
        most = self.consult.data.page.most[page]
        found: dict[Section, list[Chosen]] = {x: [] for x in most}
        seen: set[tuple[str, str]] = set()
        lines, places = self._lines
        for number in self._true[row, places].nonzero()[0].tolist():
            section, line = lines[number]
            if len(found[section]) >= most[section]:
                continue
            for one in self._each(section, line, row):
                if len(found[section]) < most[section] and one.about not in seen:
                    found[section].append(one)
                    seen.add(one.about)
        return found

    def _each(self, section: Section, line: Line, row: int) -> Iterator[Chosen]:
        """Yield a line whose rule is true once for each treatment that it is about."""
        rule = _rule(section, line)
        verb = line.verb if isinstance(line, ActionLine) else None
        if line.each is None:
            yield Chosen(section, line, rule, verb, _object(line))
            return
        for place, name in enumerate(islice(self._members(line.each, row), line.most)):
            instead = self._instead(name, row) if verb == "start" else None
            yield Chosen(section, line, rule, "switch" if instead else verb, name, instead, place)

    def _members(self, family: str, row: int) -> Iterator[str]:
        """Yield the treatments of a family, those on the lists first and in their order."""
        if family == LEAD:
            yield from self.diseases_of(row)
            return
        members, page = self.consult.families[family], self.consult.data.page
        held = dict.fromkeys(
            members[n] for n in self._true[row, self._families[family]].nonzero()[0]
        )
        order = dict.fromkeys((*(x for x in self.order[row] if x in held), *held))
        said = self._held(row) if family == NEXT else set()
        for name in sorted(order, key=lambda x: x in page.late):
            if name not in said:
                yield name
                if family == NEXT:
                    said |= {x for group in page.replaces if name in group for x in group}

    def _held(self, row: int) -> set[str]:
        """Return the treatments that are not proposed to one patient."""
        holds = enumerate(self.consult.data.holds)
        return {x for n, one in holds if self.holds(f"{HOLD}{n}", row) for x in one.treatments}

    def _instead(self, name: str, row: int) -> str | None:
        """Return the treatment that goes on and whose place a new one takes."""
        for pair in self.consult.data.page.never_together:
            if name in pair:
                (other,) = (x for x in pair if x != name)
                if self.holds(NOW + other, row):
                    return other
        for group in self.consult.data.page.replaces:
            if name in group:
                for other in group:
                    if other != name and self.holds(f"{EACH}gone.{other}", row):
                        return other
        return None


def _rule(section: Section, line: Line) -> str:
    """Return the column of the rule of a line."""
    return f"{section}.{line.id}"


def _object(line: Line) -> str:
    match line:
        case ActionLine():
            return line.object or ""
        case ReasonLine():
            return line.explanation
        case FindingLine():
            return line.finding
    raise TypeError(f"{line.id} is no line of a section")
