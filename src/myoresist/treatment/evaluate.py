"""Which treatments are options for a patient, and in which group: rules over what is known.

An option is looked at for every subset that the patient is likely to belong to. The group of an option rests
on what is recorded; what is not recorded never forbids and never allows, but stands beside the option.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.kleene import numbers_of, planes_of, to_columns
from myoresist.arrays.planes import UNKNOWN, Planes, any_of, mask, unpack
from myoresist.arrays.table import Table, coded
from myoresist.diagnosis.differential.evaluate import DIGITS
from myoresist.diagnosis.differential.schema import CONFIRMED
from myoresist.rules.condition import Name
from myoresist.rules.nodes import Kind
from myoresist.rules.program import Program
from myoresist.treatment.columns import (
    BENEFIT,
    EARLY,
    LEVELS,
    PAIR,
    PROBABILITY,
    STATE,
    SUBSET,
    TRIED,
    against_column,
    applies_column,
    missing_column,
    too_little_columns,
    tried_columns,
)
from myoresist.treatment.compile import Compiler
from myoresist.treatment.evidence import EvidenceBase
from myoresist.treatment.schema import (
    Against,
    Option,
    SafetyCheck,
    TreatmentData,
)
from myoresist.treatment.support import Support

_VALUES = 3

Numbers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class _Likely:
    """The subsets that patients are likely to belong to, in the order of patients and subsets."""

    row: Numbers
    subset: Numbers
    probability: NDArray[np.float64]


@dataclass(frozen=True)
class _States:
    """In what state each option is for each patient; few states are different.

    Attributes:
        number: the row of ``known``, (options, N).
        known: the different states, one a column, with the parts ``STATE`` as rows of truth.
        applies: whether the option applies, (options, N).
    """

    number: NDArray[np.int32]
    known: NDArray[np.int8]
    applies: NDArray[np.bool_]


@dataclass(frozen=True)
class _Layout:
    """Which answers make up the state of each option.

    Attributes:
        columns: the answers: of rules against options, of missing checks, and others.
        against: how many of them are of rules.
        asked: how many are of rules or of checks.
        parts: for each option and part of ``STATE`` the rows of which any has to be true: first those of
            ``columns``, then, for rules and checks, whether they have to be looked at first, then one that
            is false and one that is unknown.
        applies: by number of an option the row that says whether it applies, where that is asked.
    """

    columns: tuple[str, ...]
    against: int
    asked: int
    parts: list[list[list[int]]]
    applies: Mapping[int, int]


@dataclass(frozen=True)
class Options:
    """All treatments, compiled.

    Attributes:
        program: what is asked of a patient: ``applies.<option>``, ``against.<option>.<place>``,
            ``missing.<check>``, ``subset.<id>``, ``urgent.<id>`` (and ``.hint``), ``first.<id>`` and
            ``care.<id>``.
        against: what can speak against each option, by place.
        grouping: the rule of each group, over the columns that ``groups.yaml`` explains.
        kinds: the kind of every column that a rule may read.
        labels: what each of these is called that is no finding.
        studies: what studies found.
    """

    data: TreatmentData
    program: Program
    against: Mapping[str, tuple[Against, ...]]
    grouping: Program
    kinds: Mapping[str, Kind]
    labels: Mapping[str, str]
    studies: EvidenceBase

    @classmethod
    def load(
        cls,
        folder: Path,
        names: Mapping[str, Name],
        labels: Mapping[str, str],
        diseases: Sequence[str],
        regimens: Collection[str],
    ) -> Options:
        """Read and compile ``treatments/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            names: every column that a condition may read: findings, and what questions 1 to 3 tell.
            labels: what each of these is called that is no finding.
            diseases: the diseases of the differential.
            regimens: those of ``adequacy/`` that judge a trial of a drug.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        data = TreatmentData.load(folder)
        compiler = Compiler(data, names, folder / "treatments")
        compiler.others(diseases, regimens)
        program, grouping = compiler.programs()
        kinds = {one.column: one.kind for one in names.values()}
        studies = EvidenceBase.load(folder)
        return cls(data, program, compiler.against, grouping, kinds, labels, studies)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return every column of the table that a rule reads."""
        tried = {
            column for one in self.data.options.values() for column in tried_columns(one).values()
        }
        parts = {column for one in self.data.options.values() for column in too_little_columns(one)}
        return self.program.inputs | (tried | parts) & self.kinds.keys()

    @cached_property
    def support(self) -> Support:
        """Return what is known of options in subsets."""
        return Support(self.data, self.studies)

    @property
    def pairs(self) -> pl.DataFrame:
        """Return one row for every subset and option of which something is known there."""
        return self.support.pairs

    def evaluate(self, table: Table) -> Table:
        """Answer every rule about every patient.

        Args:
            table: findings and what questions 1 to 3 tell; a missing column is unknown.

        Returns:
            One column a rule, and what was tried of each option as it stands in ``table``.
        """
        found = self.program.run(table)
        return table.select(self._layout.columns).with_columns(found)

    def places(self, table: Table, found: Table | None = None) -> pl.DataFrame:
        """Return every option that is looked at, for every patient and likely subset.

        Args:
            table: ``probability.<disease>`` (0 to 1), ``confirmed.<disease>``, findings and what questions 1
                to 3 tell; a missing column is unknown.
            found: what ``evaluate`` returned for it.

        Returns:
            ``row`` of the patient, ``subset``, ``probability`` of the subset, ``option``, ``group``,
            ``contraindicated``, ``to_avoid``, ``careful`` (NULL while something of this level is not known),
            ``check_first`` (whether anything that could forbid it, or a safety check, is not known),
            ``inadequate``, ``failed``, ``intolerance``, ``running`` (the trial of it), in the order of
            patients, subsets, groups and certainty.
        """
        answered = self.evaluate(table) if found is None else found
        likely = self._likely(table, answered)
        states = self._states(answered)
        # Every pair of each likely subset, patient by patient and in their order.
        size = self._sizes[likely.subset]
        entry = np.repeat(np.arange(len(size)), size)
        first = np.cumsum(size) - size
        pair = np.arange(len(entry)) + np.repeat(self._first[likely.subset] - first, size)
        row, option = likely.row[entry], self._option[pair]
        state = states.number[option, row]
        group = self._groups_of(pair, state, states.known)
        kept = np.flatnonzero((group >= 0) & states.applies[option, row])
        order = self._orders[group[kept]] * len(self.pairs) + self._place[pair[kept]]
        order += entry[kept] * (len(self.pairs) * (self._orders.max() + 1))
        kept = kept[np.argsort(order, kind="stable")]
        entry = entry[kept]
        return pl.DataFrame(
            [
                pl.Series("row", row[kept]),
                _words("subset", self.data.subsets).gather(likely.subset[entry]),
                pl.Series("probability", likely.probability[entry]),
                _words("option", self.data.options).gather(option[kept]),
                _words("group", (one.id for one in self.data.groups)).gather(group[kept]),
                *to_columns(states.known[:, state[kept]], STATE),
            ]
        )

    @cached_property
    def _by_subset(self) -> pl.DataFrame:
        """Return the pairs with numbers for words, those of one subset together, in their order."""
        numbers = {
            name: {word: number for number, word in enumerate(words)}
            for name, words in (("subset", self.data.subsets), ("option", self.data.options))
        }
        return self.pairs.with_columns(
            pl.col(name).replace_strict(of, return_dtype=pl.Int64) for name, of in numbers.items()
        ).sort("subset", "place")

    @cached_property
    def pair_of(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return each pair by its subset and option."""
        rows = self.pairs.iter_rows(named=True)
        return {(one["subset"], one["option"]): one for one in rows}

    @cached_property
    def _pairs_table(self) -> Table:
        """Return what the rules of groups read of each pair."""
        return Table.of_frame(self._by_subset.select(*PAIR, BENEFIT))

    @cached_property
    def _option(self) -> Numbers:
        """Return the number of the option of each pair."""
        return self._by_subset["option"].to_numpy()

    @cached_property
    def _place(self) -> Numbers:
        """Return the place of each pair."""
        return self._by_subset["place"].cast(pl.Int64).to_numpy()

    @cached_property
    def _sizes(self) -> Numbers:
        """Return how many pairs each subset has."""
        return np.bincount(self._by_subset["subset"].to_numpy(), minlength=len(self.data.subsets))

    @cached_property
    def _first(self) -> Numbers:
        """Return the first pair of each subset."""
        return np.cumsum(self._sizes) - self._sizes

    @cached_property
    def _orders(self) -> Numbers:
        """Return which place each group has in a report."""
        return np.array([one.order for one in self.data.groups])

    def _groups_of(self, pair: Numbers, state: Numbers, known: NDArray[np.int8]) -> Numbers:
        """Return the number of the group of each pair in each state, -1 for none.

        Many patients share a state: each combination is asked for once.
        """
        states = max(known.shape[1], 1)
        combined = pair * states + state
        asked = np.zeros(len(self.pairs) * states, bool)
        asked[combined] = True
        different = np.flatnonzero(asked)
        of_pair, of_state = np.divmod(different, states)
        told = Table(len(different), planes_of(known[:, of_state], STATE))
        ruled = self.grouping.run(self._pairs_table.take(of_pair).with_columns(told))
        order = [one.id for one in self.data.groups]
        found = coded(
            (*order, ""), *((ruled.truth(x).t, x) for x in order), size=ruled.size, otherwise=""
        ).codes
        groups = np.full(len(asked), -1)
        groups[different] = np.where(found < len(order), found, -1)
        chosen: Numbers = groups[combined]
        return chosen

    def _likely(self, table: Table, answered: Table) -> _Likely:
        """Return each subset a patient may well belong to."""
        subsets = list(self.data.subsets.values())
        named = {x: table.number(PROBABILITY + x) for one in subsets for x in one.diseases}
        chances = {x: np.where(np.isnan(one), 0, one) for x, one in named.items()}
        probability = np.zeros((len(subsets), table.size))
        proven = np.zeros(probability.shape, bool)
        for place, one in enumerate(subsets):
            for disease in one.diseases:
                probability[place] += chances[disease]
                proven[place] |= unpack(table.truth(CONFIRMED + disease).t, table.size)
            if one.when is not None:
                # A subset that does not surely hold is not likely.
                holds = unpack(answered.truth(SUBSET + one.id).t, table.size)
                probability[place, ~holds] = 0.0
        # Rounded: the order in which they are added up is no matter.
        probability = probability.round(DIGITS).T
        # Two that are proven share what there is of probability; each is treated.
        least = np.where(proven.T, self.data.proven_at, self.data.likely_at)
        row, subset = np.nonzero(probability >= least)
        return _Likely(row, subset, probability[row, subset])

    def _states(self, answered: Table) -> _States:
        """Return what speaks against each option and what was tried of it, by option and patient."""
        packed, applies = self._packed(answered)
        there = np.zeros(_VALUES ** len(STATE), bool)
        there[packed] = True
        different = np.flatnonzero(there)
        number = np.zeros(len(there), np.int32)
        number[different] = np.arange(len(different))
        digits = _VALUES ** np.arange(len(STATE))[::-1]
        known = (different // digits[:, None] % _VALUES).astype(np.int8)
        return _States(number[packed], known, applies)

    def _packed(self, answered: Table) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        """Return the state of each option as one number, its parts as digits, and whether it applies."""
        layout, size = self._layout, answered.size
        every = mask(size)
        read = [answered.truth(name) for name in layout.columns]
        against, missing = read[: layout.against], read[layout.against : layout.asked]
        # What is not known of a rule, or of a check whether it is missing, has to be looked at first.
        first = [every & ~one.known for one in against] + [every & ~one.f for one in missing]
        rows = [*read, *(Planes(x, every & ~x) for x in first), Planes(0, every), UNKNOWN]
        packed = np.zeros((len(layout.parts), size), np.uint32)
        for state, parts in zip(packed, layout.parts, strict=True):
            told = [any_of([rows[row] for row in part], size) for part in parts]
            for digit in numbers_of(told, size).view(np.uint8):
                state *= _VALUES
                state += digit
        applies = np.ones(packed.shape, bool)
        for option, row in layout.applies.items():
            applies[option, unpack(read[row].f, size)] = False
        return packed, applies

    @cached_property
    def _layout(self) -> _Layout:
        """Return which answers make up the state of each option."""
        options = list(self.data.options.values())
        against = [against_column(x, n) for x in options for n in range(len(self.against[x.id]))]
        missing = [missing_column(one) for one in self.data.checks]
        applies = [applies_column(one) for one in options if one.applies_when]
        tried = {
            x for one in options for x in (*tried_columns(one).values(), *too_little_columns(one))
        }
        early = [EARLY + x.id for x in options if EARLY + x.id in self.program.rules]
        columns = (*against, *missing, *applies, *early, *sorted(tried & self.kinds.keys()))
        row = {name: number for number, name in enumerate(columns)}
        first = {name: len(columns) + number for number, name in enumerate((*against, *missing))}
        false, unknown = len(columns) + len(first), len(columns) + len(first) + 1

        def state(one: Option) -> dict[str, list[int]]:
            rules = {against_column(one, n): x for n, x in enumerate(self.against[one.id])}
            asked = [*rules, *(missing_column(check) for check in self.checks_of(one))]
            return {
                **{
                    name: [row[x] for x, rule in rules.items() if LEVELS[rule.level] == name]
                    or [false]
                    for name in LEVELS.values()
                },
                **{name: [unknown] for name in TRIED},
                **{name: [row.get(x, unknown)] for name, x in tried_columns(one).items()},
                "check_first": [first[x] for x in asked] or [false],
                "inadequate": [row[x] for x in too_little_columns(one) if x in row] or [unknown],
            }

        states = [state(one) for one in options]
        return _Layout(
            columns,
            len(against),
            len(against) + len(missing),
            [[one[name] for name in STATE] for one in states],
            {n: row[applies_column(one)] for n, one in enumerate(options) if one.applies_when},
        )

    def checks_of(self, option: Option) -> tuple[SafetyCheck, ...]:
        """Return the safety checks that an option asks for."""
        return tuple(one for one in self.data.checks if option.id in one.options)


def _words(name: str, words: Iterable[str]) -> pl.Series:
    known = list(words)
    return pl.Series(name, known, pl.Enum(known))
