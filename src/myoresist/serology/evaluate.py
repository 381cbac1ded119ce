"""What the antibodies say, for tables of patients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from myoresist.case.catalogue import Catalogue
from myoresist.document import DocumentError, Problem
from myoresist.findings.evaluate import finding_names
from myoresist.rules.program import Program
from myoresist.rules.syntax import Condition, Kind, Name, RuleError, parse
from myoresist.serology.probability import FLAGS, Posterior, Weights, checked, column, gathered
from myoresist.serology.results import RESULTS, Results, Vocabulary, from_findings, in_order, usable
from myoresist.serology.schema import Antibody, SerologyKnowledge, Statement

REPORTED, TESTED = column("reported_msa"), column("tested_msa")
MOST_LIKELY, SETTING = column("most_likely_msa"), column("setting")
CATEGORY, LOWEST, HIGHEST = (column("cancer", x) for x in ("category", "lowest", "highest"))
APPLIES = column("cancer", "applies")
NOT_APPLICABLE, UNDETERMINED = "not_applicable", "undetermined"
EXPECTED, UNUSUAL, WORKUP, SAYS = "expected", "unusual", "workup", "says"


@dataclass(frozen=True)
class SerologyTables:
    """What the antibodies say of N patients.

    Attributes:
        patients: one row a patient in the order of the findings: ``patient_id`` and ``serology.…`` columns.
        results: one row a known result: ``patient_id``, ``antibody``, ``method``, ``strength``, ``place``,
            ``likelihood_ratio`` of this result, and of the antibody ``prior``, ``likelihood_ratio_all``,
            ``probability`` and ``level``, all NULL for an antibody without a prior.
        known: the findings that the rules read, with which an explanation can be given.
    """

    patients: pl.DataFrame
    results: pl.DataFrame
    known: pl.DataFrame


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
        compiler = _Compiler(knowledge, catalogue, str(folder / "serology"))
        compiler.before()
        before = dict(compiler.rules)
        compiler.after()
        if compiler.problems:
            raise DocumentError(compiler.problems)
        return cls(knowledge, catalogue, Program(before), Program(compiler.rules))

    def evaluate(self, known: pl.DataFrame, results: pl.DataFrame | None = None) -> SerologyTables:
        """Say for every patient what the antibodies mean.

        Args:
            known: one row a patient with ``patient_id`` and one column a finding; NULL is unknown.
            results: antibody results with the columns of ``results.RESULTS``; ``method`` and ``place`` may
                be missing. A finding of an antibody counts as a result where there is no other.

        Returns:
            The tables. For each antibody ``A`` a patient has ``serology.A.`` ``reported`` (a positive result,
            weak ones included), ``weak_only``, ``by_blot``, ``confirmed``, ``contradicted``,
            ``negative_blot_only``, ``prior``, ``likelihood_ratio``, ``probability`` (NULL when not tested),
            ``level``, ``expected.F.missing`` for expected findings ``F`` that are not recorded,
            ``expected.F.absent`` for typical ones that are absent, ``unusual.F`` for those that do not fit,
            and ``workup.W`` for what has to be looked for and was not. Beside them stand
            ``serology.setting``, ``reported_msa``, ``tested_msa``, ``most_likely_msa``, ``says.S`` for
            statements, and under ``serology.cancer.`` ``applies``, ``category``, ``lowest`` and ``highest``
            category (unknown inputs counted as absent and as present), ``factor.F`` and ``extra.E``.

        Raises:
            ValueError: for a patient who has two rows or results but no row.
        """
        patients = known["patient_id"]
        if patients.n_unique() < len(patients):
            raise ValueError("patient_id: a patient has more than one row")
        words = self._weights.words
        told = pl.DataFrame(schema=dict(RESULTS)) if results is None else results
        given = usable(told, patients, words)
        read = known[["patient_id", *sorted(self.read)]]
        every = in_order(given, from_findings(read, given, words), patients, words)
        flags, sums = gathered(every, len(patients), self._weights)
        table = read.hstack(flags)
        table = table.with_columns(self._counts).with_columns(self._confirmed)
        table = self.before.run(table).with_columns(self._factor)
        told = self._posterior.of(table, sums)
        table = table.hstack(self._posterior.columns(told, len(patients)))
        table = table.with_columns(self._most_likely(table))
        table = self._after.run(table).with_columns(self._categories)
        table = table.with_columns(self._category)
        inner, own = self._inner, column("")
        columns = [x for x in table.columns if x.startswith(own) and x not in inner]
        return SerologyTables(
            table[["patient_id", *columns]],
            self._long(every, patients, told),
            read,
        )

    def with_tests(self, known: pl.DataFrame, tables: SerologyTables) -> pl.DataFrame:
        """Return findings with how many times as likely the results of an antibody are if it is there.

        An antibody whose probability is that of a disease is left out: its ratio speaks of the disease.

        Args:
            known: the rows of findings that ``evaluate`` was given.
            tables: what it returned.
        """
        own = [one.id for one in self.knowledge.antibodies.values() if one.target is None]
        ratios = [column(one, "likelihood_ratio") for one in own]
        given = set(tables.patients.columns)
        return known.hstack(tables.patients.select(pl.col([x for x in ratios if x in given])))

    @cached_property
    def read(self) -> frozenset[str]:
        """Return the findings that the rules read."""
        leaves = self.program.leaves(self.program.rules)
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
    def _weights(self) -> Weights:
        return Weights(Vocabulary(self.knowledge))

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
        return inner | reached | {column("setting", "factor")}

    @cached_property
    def _confirmed(self) -> list[pl.Expr]:
        """Take over that the one reported specific antibody was confirmed, where only findings say so."""
        said = pl.col(self.knowledge.confidence.from_findings.confirmed).fill_null(False)
        sole = said & (pl.col(REPORTED) == pl.lit(1.0))
        columns = [(column(x, "confirmed"), column(x, "reported")) for x in self.msa]
        return [(pl.col(one) | (sole & pl.col(reported))).alias(one) for one, reported in columns]

    @cached_property
    def _counts(self) -> list[pl.Expr]:
        reported = [column(x, "reported") for x in self.msa]
        tested = pl.sum_horizontal(pl.col(x).is_not_null().cast(pl.Int32) for x in reported)
        positive = pl.sum_horizontal(_counted(x) for x in reported)
        return [
            positive.cast(pl.Float64).alias(REPORTED),
            tested.cast(pl.Float64).alias(TESTED),
        ]

    @cached_property
    def _factor(self) -> pl.Expr:
        factors = {one.id: one.factor for one in self.knowledge.confidence.settings}
        return (
            pl.col(SETTING)
            .replace_strict(factors, return_dtype=pl.Float64)
            .alias(column("setting", "factor"))
        )

    def _most_likely(self, table: pl.DataFrame) -> pl.Series:
        """The reported specific antibody with the highest probability, unless that is of the lowest level.

        Of several the first.
        """
        names = self._weighed
        sure = table.select(self._sure).to_numpy()
        best = sure.argmax(axis=1)
        none = sure.max(axis=1) < 0
        # The entry behind the last is NULL.
        words = pl.Enum(names)
        return pl.Series(MOST_LIKELY, [*names, None], words).gather(
            np.where(none, len(names), best)
        )

    @cached_property
    def _sure(self) -> list[pl.Expr]:
        """The probability of each specific antibody that was reported and is sure enough, else -1."""
        lowest = self.knowledge.confidence.levels[-1].id
        return [
            pl.when(pl.col(column(x, "reported")), pl.col(column(x, "level")) != lowest)
            .then(pl.col(column(x, "probability")))
            .otherwise(-1.0)
            .fill_null(-1.0)
            .alias(x)
            for x in self._weighed
        ]

    @cached_property
    def _weighed(self) -> tuple[str, ...]:
        """The myositis-specific antibodies that have a probability."""
        return tuple(x for x in self.msa if self.knowledge.antibodies[x].priors)

    @cached_property
    def _categories(self) -> list[pl.Expr]:
        """The highest category that is surely reached, and the highest that could still be."""
        categories = self.knowledge.cancer.categories
        words = pl.Enum([*(one.id for one in categories), UNDETERMINED, NOT_APPLICABLE])
        ends = []
        for name, unknown in ((LOWEST, False), (HIGHEST, True)):
            found = pl.lit(categories[-1].id, dtype=words)
            for one in reversed(categories[:-1]):
                reached = pl.col(column("cancer", "reached", one.id)).fill_null(unknown)
                found = pl.when(reached).then(pl.lit(one.id, dtype=words)).otherwise(found)
            ends.append(found.alias(name))
        return ends

    @cached_property
    def _category(self) -> pl.Expr:
        lowest, highest = pl.col(LOWEST), pl.col(HIGHEST)
        words = [*(one.id for one in self.knowledge.cancer.categories)]
        kind = pl.Enum([*words, UNDETERMINED, NOT_APPLICABLE])
        settled = (
            pl.when(lowest == highest).then(lowest).otherwise(pl.lit(UNDETERMINED, dtype=kind))
        )
        # Unknown whether it applies: the category is given, so that an unknown never takes it away.
        applies = pl.col(APPLIES).fill_null(True)
        return (
            pl.when(applies)
            .then(settled)
            .otherwise(pl.lit(NOT_APPLICABLE, dtype=kind))
            .alias(CATEGORY)
        )

    def _long(self, every: Results, patients: pl.Series, told: pl.DataFrame) -> pl.DataFrame:
        """Return each result in words, with its ratio and what all of its antibody come to."""
        words = self._weights.words
        names = self._posterior.antibodies
        # Antibodies without a prior find the NULL behind all others.
        first = [names.index(x) if x in names else None for x in words.antibodies.categories]
        starts = np.array([len(told) if x is None else x * len(patients) for x in first])
        beyond = np.array([x is None for x in first])[every.antibody]
        at = starts[every.antibody] + np.where(beyond, 0, every.row)
        parts = {
            "prior": "prior",
            "likelihood_ratio": "likelihood_ratio_all",
            "probability": "probability",
            "level": "level",
        }
        ratios = self._weights.ratios[self._weights.kinds(every)]
        return pl.DataFrame(
            [
                patients.gather(every.row).alias("patient_id"),
                *(
                    pl.Series(name, kind.categories, kind).gather(numbers)
                    for name, kind, numbers in (
                        ("antibody", words.antibodies, every.antibody),
                        ("method", words.methods, every.method),
                        ("strength", words.strengths, every.strength),
                    )
                ),
                every.place.alias("place"),
                pl.Series("likelihood_ratio", ratios),
                *(_with_null(told[part]).gather(at).alias(name) for part, name in parts.items()),
            ]
        )


def _with_null(column_: pl.Series) -> pl.Series:
    """Return a column with a NULL behind its last value."""
    return pl.concat([column_, pl.Series([None], dtype=column_.dtype)], rechunk=True)


class _Compiler:
    """Collects rules and what is wrong with them."""

    def __init__(self, knowledge: SerologyKnowledge, catalogue: Catalogue, where: str) -> None:
        self.knowledge = knowledge
        self.catalogue = catalogue
        self.where = where
        self.names = finding_names(catalogue)
        self.rules: dict[str, Condition] = {}
        self.problems: list[Problem] = []

    def problem(self, file: str, field: str, message: str) -> None:
        self.problems.append(Problem(f"{self.where}/{file}", None, field, message))

    def rule(self, name: str, text: str, file: str, field: str, kind: Kind = "bool") -> None:
        if name in self.rules:
            self.problem(file, field, "stands here twice")
            return
        try:
            self.rules[name] = parse(text, self.names, kind)
        except RuleError as error:
            self.problem(file, field, str(error))

    def finding(self, finding: str, file: str, field: str) -> bool:
        known = finding in self.catalogue
        if not known:
            near = self.catalogue.nearest(finding)
            self.problem(file, field, f"unknown finding {finding}; did you mean {near}?")
        return known

    def before(self) -> None:
        """Compile what is needed to weigh results."""
        file = "confidence/methods.yaml"
        settings = self.knowledge.confidence.settings
        branches = [(one.when, f"'{one.id}'") for one in settings]
        self.rule(SETTING, _case(branches), file, "settings", "category")
        how = self.knowledge.confidence.from_findings
        for finding in (how.by_blot, how.weak, how.strong, how.confirmed):
            self.finding(finding, file, "from_findings")
        for antibody, wrong in checked(self.knowledge).items():
            self.problem(file, antibody, wrong)
        file = "antibodies/antibodies.yaml"
        for one in self.knowledge.antibodies.values():
            if not self.finding(one.id, file, one.id):
                continue
            if one.priors:
                # Written out, since a condition knows no exponents, and in full, to be found again.
                branches = [(x.when, f"{Decimal(repr(x.value)):f}") for x in one.priors]
                name = column(one.id, "frequency")
                self.rule(name, _case(branches), file, f"{one.id}.priors", "number")
            if one.hep2:
                name = column(one.id, "pattern_fits")
                self.rule(name, one.hep2.pattern, file, f"{one.id}.hep2")

    def after(self) -> None:
        """Compile what reads results, too."""
        self.names |= {
            "reported_msa": Name(REPORTED, "number"),
            "tested_msa": Name(TESTED, "number"),
        }
        for one in self.knowledge.antibodies.values():
            self.names |= {f"{one.id}_{x}": Name(column(one.id, x), "bool") for x in FLAGS}
            if one.hep2 and not one.hep2.missed:
                differs = column(one.id, "pattern_differs")
                text = f"NOT ({one.hep2.pattern})"
                self.rule(differs, text, "antibodies/antibodies.yaml", f"{one.id}.hep2")
                self.names[f"{one.id}_pattern_differs"] = Name(differs, "bool")
        for one in self.knowledge.antibodies.values():
            self.profile(one)
        for statement in self.knowledge.statements:
            self.statement(statement)
        self.cancer()

    def profile(self, one: Antibody) -> None:
        file, reported = "antibodies/antibodies.yaml", f"{one.id}_reported"
        for expected in one.expected:
            x, field = expected.finding, f"{one.id}.expected.{expected.finding}"
            if self.finding(x, file, field):
                name = column(one.id, EXPECTED, x)
                self.rule(f"{name}.missing", f"{reported} AND {x} IS NULL", file, field)
                if (expected.percent or 0) >= self.knowledge.confidence.typical.percent:
                    self.rule(f"{name}.absent", f"{reported} AND NOT {x}", file, field)
        for unusual in one.unusual:
            x, field = unusual.finding, f"{one.id}.unusual.{unusual.finding}"
            if self.finding(x, file, field):
                self.rule(column(one.id, UNUSUAL, x), f"{reported} AND {x}", file, field)
        for task in one.workup:
            text = f"{reported} AND NOT COALESCE(({task.done}), FALSE)"
            self.rule(column(one.id, WORKUP, task.id), text, file, f"{one.id}.workup.{task.id}")

    def statement(self, one: Statement) -> None:
        file = "statements"
        for finding in one.suggests:
            self.finding(finding, file, f"{one.id}.suggests")
        if not one.each:
            self.rule(column(SAYS, one.id), one.when, file, one.id)
            return
        if unknown := set(one.each) - self.knowledge.antibodies.keys() - {"msa", "maa", "modifier"}:
            self.problem(file, f"{one.id}.each", f"unknown antibody {min(unknown)}")
        for antibody in self.knowledge.chosen(one.each):
            text = one.when.replace("{x}", antibody.id)
            self.rule(column(SAYS, one.id, antibody.id), text, file, one.id)

    def cancer(self) -> None:
        guideline, file = self.knowledge.cancer, f"cancer/{self.knowledge.cancer.id}.yaml"

        def named(part: str, id_: str, text: str) -> None:
            name = column("cancer", part, id_)
            self.rule(name, text, file, f"{part}.{id_}")
            self.names[f"{part}_{id_}"] = Name(name, "bool")

        for subtype in guideline.subtypes:
            name = column("cancer", subtype.id)
            self.rule(name, subtype.when, file, subtype.id)
            self.names[subtype.id] = Name(name, "bool")
        for scope in guideline.applies:
            named("scope", scope.id, scope.when)
        self.rule(
            APPLIES, " AND ".join(f"scope_{one.id}" for one in guideline.applies), file, "applies"
        )
        for factor in guideline.factors:
            named("factor", factor.id, factor.when)
        for category in guideline.categories[:-1]:
            ways = []
            for way in category.reached_by:
                names = [f"factor_{x.id}" for x in guideline.factors if x.tier == way.tier]
                ways.append(f"n_of({way.at_least}, {', '.join(names)})")
            named("reached", category.id, " OR ".join(ways))
            self.names[f"category_{category.id}"] = self.names[f"reached_{category.id}"]
        for extra in guideline.extras:
            named("extra", extra.id, extra.when)


def _case(branches: Sequence[tuple[str | None, str]]) -> str:
    """Return SQL for the first branch whose condition is true; the last one has none."""
    cases = " ".join(f"WHEN {when} THEN {value}" for when, value in branches if when)
    last = branches[-1][1]
    return f"CASE {cases} ELSE {last} END" if cases else last


def _counted(name: str) -> pl.Expr:
    return pl.col(name).fill_null(False).cast(pl.Int32)


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
