"""What the antibodies say, for N patients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from myoresist.arrays.planes import Planes, mask, pack, unpack
from myoresist.arrays.table import Codes, Numbers, Table, coded
from myoresist.case.catalogue import Catalogue
from myoresist.rules.program import Program
from myoresist.serology.compile import APPLIES, REPORTED, SAYS, SETTING, TESTED, RulesOfSerology
from myoresist.serology.probability import Posterior, Sureness, Weights, column, gathered
from myoresist.serology.results import Results, Vocabulary, from_findings, in_order
from myoresist.serology.schema import Antibody, SerologyKnowledge, Statement

MOST_LIKELY = column("most_likely_msa")
CATEGORY, LOWEST, HIGHEST = (column("cancer", x) for x in ("category", "lowest", "highest"))
NOT_APPLICABLE, UNDETERMINED = "not_applicable", "undetermined"


@dataclass(frozen=True)
class SerologyTables:
    """What the antibodies say of N patients.

    Attributes:
        patients: ``serology.…`` columns.
        every: the known results, sorted.
        sureness: how sure each antibody with a prior is.
        known: the findings that the rules read, with which an explanation can be given.
    """

    patients: Table
    every: Results
    sureness: Sureness
    known: Table


@dataclass(frozen=True)
class Serology:
    """Everything known of myositis antibodies, compiled.

    Attributes:
        knowledge: the data.
        catalogue: the findings.
        before: rules that read findings only: setting, frequencies, HEp-2 patterns.
        program: all rules; those beyond ``before`` read results, too.
    """

    knowledge: SerologyKnowledge
    catalogue: Catalogue
    before: Program
    program: Program

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Serology:
        """Read and compile ``serology/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            catalogue: the findings that rules may read.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        knowledge = SerologyKnowledge.load(folder)
        rules = RulesOfSerology(knowledge, catalogue, folder / "serology")
        rules.before()
        before = dict(rules.book.rules)
        rules.after()
        return cls(knowledge, catalogue, Program(before), rules.book.program())

    def evaluate(self, known: Table, given: Results | None = None) -> SerologyTables:
        """Say for every patient what the antibodies mean.

        Args:
            known: one column a finding; one that is not there is unknown.
            given: antibody results. A finding of an antibody counts as a result where there is no other.

        Returns:
            The tables. For each antibody ``A`` a patient has ``serology.A.`` ``reported`` (a positive result,
            weak ones included), ``weak_only``, ``by_blot``, ``confirmed``, ``contradicted``,
            ``negative_blot_only``, ``prior``, ``likelihood_ratio``, ``probability`` (unknown when not
            tested), ``level``, ``expected.F.missing`` for expected findings ``F`` that are not recorded,
            ``expected.F.absent`` for typical ones that are absent, ``unusual.F`` for those that do not fit,
            and ``workup.W`` for what has to be looked for and was not. Beside them stand
            ``serology.setting``, ``reported_msa``, ``tested_msa``, ``most_likely_msa``, ``says.S`` for
            statements, and under ``serology.cancer.`` ``applies``, ``category``, ``lowest`` and ``highest``
            category (unknown inputs counted as absent and as present), ``factor.F`` and ``extra.E``.
        """
        told = Results.none() if given is None else given
        read = known.select(self.read)
        every = in_order(told, from_findings(read, told, self.words))
        flags, sums = gathered(every, known.size, self._weights)
        table = self._counted(read.with_columns(Table(known.size, flags)))
        table = table.with_columns(self.before.run(table))
        sureness = self._posterior.of(table, self._factor(table), sums)
        table = table.with_columns(self._posterior.columns(sureness))
        table = table.with_columns(self._after.run(table))
        words = {MOST_LIKELY: self._most_likely(table, sureness), **self._categories(table)}
        table = table.with_columns(Table(table.size, words=words))
        own = [x for x in table if x.startswith(column("")) and x not in self._inner]
        return SerologyTables(table.select(own), every, sureness, read)

    def with_tests(self, known: Table, tables: SerologyTables) -> Table:
        """Return findings with how many times as likely the results of an antibody are if it is there.

        An antibody whose probability is that of a disease is left out: its ratio speaks of the disease.

        Args:
            known: the findings that ``evaluate`` was given.
            tables: what it returned.
        """
        own = [one.id for one in self.knowledge.antibodies.values() if one.target is None]
        return known.with_columns(
            tables.patients.select(column(one, "likelihood_ratio") for one in own)
        )

    def results(self, tables: SerologyTables) -> pl.DataFrame:
        """Return one row a known result, sorted by the row of the patient.

        Returns:
            ``row`` of the patient, ``antibody``, ``method``, ``strength``, ``place``, ``likelihood_ratio`` of
            this result, and of the antibody ``prior``, ``likelihood_ratio_all``, ``probability`` and
            ``level``, all NULL for an antibody without a prior.
        """
        every, words, found = tables.every, self.words, tables.sureness
        names = self._posterior.antibodies
        # Antibodies without a prior find the NULL behind all others.
        places = np.array(
            [names.index(x) if x in names else len(names) for x in words.antibodies.categories]
        )
        at = places[every.antibody], every.row
        levels = [one.id for one in self.knowledge.confidence.levels]
        level = np.vstack([found.level, np.full((1, found.level.shape[1]), -1)])[at]
        numbers = {
            "prior": found.prior,
            "likelihood_ratio_all": found.ratio,
            "probability": found.probability,
        }
        return pl.DataFrame(
            [
                pl.Series("row", every.row),
                *(
                    pl.Series(name, kind.categories, kind).gather(codes)
                    for name, kind, codes in (
                        ("antibody", words.antibodies, every.antibody),
                        ("method", words.methods, every.method),
                        ("strength", words.strengths, every.strength),
                    )
                ),
                pl.Series("place", every.place.tolist(), pl.String),
                pl.Series("likelihood_ratio", self._weights.ratios[self._weights.kinds(every)]),
                *(
                    pl.Series(name, _with_unknown(values)[at], nan_to_null=True)
                    for name, values in numbers.items()
                ),
                pl.Series("level", levels, pl.Enum(levels)).gather(
                    pl.Series(level).set(pl.Series(level < 0), None)
                ),
            ]
        )

    @cached_property
    def read(self) -> frozenset[str]:
        """Return the findings that the rules read."""
        leaves = self.program.inputs
        how = self.knowledge.confidence.from_findings
        used = {how.by_blot, how.weak, how.strong, how.confirmed, *self.knowledge.antibodies}
        return frozenset(x for x in (leaves | used) if x in self.catalogue)

    @cached_property
    def msa(self) -> tuple[str, ...]:
        """Return the myositis-specific antibodies."""
        return tuple(x.id for x in self.knowledge.antibodies.values() if x.kind == "msa")

    def statements(self) -> Iterator[tuple[str, Statement, Antibody | None]]:
        """Walk through all statements: column, statement and the antibody that it is made for."""
        for one in self.knowledge.statements:
            if not one.each:
                yield column(SAYS, one.id), one, None
            for antibody in self.knowledge.chosen(one.each):
                yield column(SAYS, one.id, antibody.id), one, antibody

    @cached_property
    def words(self) -> Vocabulary:
        """Return the words of results."""
        return Vocabulary(self.knowledge)

    @cached_property
    def _weights(self) -> Weights:
        return Weights(self.words)

    @cached_property
    def _posterior(self) -> Posterior:
        return Posterior(self.knowledge)

    @cached_property
    def _after(self) -> Program:
        """Return the rules that are left when those of ``before`` have filled their columns."""
        rules = {x: rule for x, rule in self.program.rules.items() if x not in self.before.rules}
        return Program(rules)

    @cached_property
    def _inner(self) -> set[str]:
        """Return columns that only serve to compute others."""
        inner = {column(x, "frequency") for x in self.knowledge.antibodies}
        reached = {x for x in self.program.rules if x.startswith(column("cancer", "reached"))}
        return inner | reached

    def _counted(self, table: Table) -> Table:
        """Return the table with how many specific antibodies were tested and reported.

        Where only findings say so, the one reported specific antibody is taken to be confirmed.
        """
        flags = [table.truth(column(x, "reported")) for x in self.msa]
        tested = _sum((one.known for one in flags), table.size)
        reported = _sum((one.t for one in flags), table.size)
        said = table.truth(self.knowledge.confidence.from_findings.confirmed).t
        sole = pack(reported == 1) & said
        confirmed = {}
        for x, one in zip(self.msa, flags, strict=True):
            name = column(x, "confirmed")
            t, f = table.truth(name)
            t |= sole & one.t
            confirmed[name] = Planes(t, f & ~t)
        numbers = {REPORTED: reported, TESTED: tested}
        return table.with_columns(Table(table.size, confirmed, numbers))

    def _factor(self, table: Table) -> Numbers:
        """Return by what the setting of each patient multiplies the frequencies of antibodies."""
        setting = table.word(SETTING)
        factors = {one.id: one.factor for one in self.knowledge.confidence.settings}
        found: Numbers = np.array([factors.get(x, np.nan) for x in (*setting.words, "")])[
            setting.codes
        ]
        return found

    def _most_likely(self, table: Table, found: Sureness) -> Codes:
        """The reported specific antibody with the highest probability, unless that is of the lowest level.

        Of several the first.
        """
        names = self._weighed
        lowest = len(self.knowledge.confidence.levels) - 1
        sure = np.full((len(names), table.size), -1.0)
        for row, name in enumerate(names):
            place = self._posterior.antibodies.index(name)
            reported = unpack(table.truth(column(name, "reported")).t, table.size)
            use = reported & (found.level[place] != lowest) & ~np.isnan(found.probability[place])
            sure[row, use] = found.probability[place, use]
        best = sure.argmax(axis=0).astype(np.int32)
        return Codes(np.where(sure.max(axis=0) < 0, -1, best).astype(np.int32), names)

    @cached_property
    def _weighed(self) -> tuple[str, ...]:
        """The myositis-specific antibodies that have a probability."""
        return tuple(x for x in self.msa if self.knowledge.antibodies[x].priors)

    def _categories(self, table: Table) -> dict[str, Codes]:
        """The highest category that is surely reached, the highest that could still be, and what is said.

        Where it is unknown whether the guideline applies the category is given, so that an unknown never
        takes it away.
        """
        categories = self.knowledge.cancer.categories
        words = (*(one.id for one in categories), UNDETERMINED, NOT_APPLICABLE)
        every, size = mask(table.size), table.size
        reached = [
            (table.truth(column("cancer", "reached", one.id)), one.id) for one in categories[:-1]
        ]
        last = categories[-1].id
        lowest = coded(words, *((x.t, name) for x, name in reached), size=size, otherwise=last)
        highest = coded(
            words, *((every & ~x.f, name) for x, name in reached), size=size, otherwise=last
        )
        category = np.where(
            lowest.codes == highest.codes, lowest.codes, words.index(UNDETERMINED)
        ).astype(np.int32)
        category[unpack(table.truth(APPLIES).f, size)] = words.index(NOT_APPLICABLE)
        return {LOWEST: lowest, HIGHEST: highest, CATEGORY: Codes(category, words)}


def _sum(planes: Iterable[int], size: int) -> Numbers:
    """Return for each patient in how many planes the bit is set."""
    total = np.zeros(size)
    for one in planes:
        if one:
            total += unpack(one, size)
    return total


def _with_unknown(values: Numbers) -> Numbers:
    """Return rows with a row of NaN behind the last."""
    return np.vstack([values, np.full((1, values.shape[1]), np.nan)])


_RESULT_COLUMN = re.compile(re.escape(column("")) + r"(?P<antibody>[^.]+)\.")


def leaf_findings(
    leaves: Iterable[str], row: Mapping[str, object], msa: Sequence[str]
) -> tuple[str, ...]:
    """Return the findings behind columns on which a rule rests; results stand for their antibody.

    Args:
        leaves: columns of findings or of results.
        row: the patient's row, for a count that stands for the antibodies counted.
        msa: the myositis-specific antibodies.
    """
    found: set[str] = set()
    for leaf in leaves:
        if leaf in (REPORTED, TESTED):
            found |= {x for x in msa if row.get(column(x, "reported")) is not None}
        elif known := _RESULT_COLUMN.match(leaf):
            found.add(known["antibody"])
        else:
            found.add(leaf)
    return tuple(sorted(found))
