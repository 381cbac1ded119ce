"""Which treatments are options for a patient, and in which group: rules over what is known.

An option is looked at for every subset that the patient is likely to belong to. The group of an option rests
on what is recorded; what is not recorded never forbids and never allows, but stands beside the option.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from myoresist.case.catalogue import DTYPES
from myoresist.diagnosis.differential import DIGITS
from myoresist.document import DocumentError, Problem
from myoresist.rules.program import Program
from myoresist.rules.syntax import Condition, Kind, Name, RuleError, parse
from myoresist.treatment.evidence import EvidenceBase, Study
from myoresist.treatment.knowledge import (
    Against,
    Evidence,
    Guideline,
    Level,
    Option,
    SafetyCheck,
    Subset,
    TreatmentData,
)

LEVELS: dict[Level, str] = {
    "contraindicated": "contraindicated",
    "avoid": "to_avoid",
    "caution": "careful",
}
"""Column that says whether anything of a level speaks against an option."""
TRIED = ("inadequate", "failed", "intolerance", "running")
_PAIR = (
    "comes_first", "not_helpful", "recommended", "optional", "last_resort", "guideline_against",
    "investigational", "supportive", "direct", "indirect", "negative",
)  # fmt: skip
BENEFIT = "benefit"
EFFECT = "effect"
_HELPS, _FAILS = ("benefit", "mixed"), ("no_benefit", "harm")
PROBABILITY = "probability."
_APPLIES, _AGAINST, _MISSING = "applies.", "against.", "missing."
SUBSET, URGENT, FIRST, CARE, HINT = "subset.", "urgent.", "first.", "care.", ".hint"


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
    ) -> Options:
        """Read and compile ``treatments/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            names: every column that a condition may read: findings, and what questions 1 to 3 tell.
            labels: what each of these is called that is no finding.
            diseases: the diseases of the differential.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        data = TreatmentData.load(folder)
        compiler = _Compiler(data, names, str(folder / "treatments"))
        compiler.patient()
        compiler.groups()
        for subset in data.subsets.values():
            for disease in subset.diseases:
                if disease not in diseases:
                    compiler.problem("subsets.yaml", subset.id, f"{disease} is no disease")
        if compiler.problems:
            raise DocumentError(compiler.problems)
        kinds = {one.column: one.kind for one in names.values()}
        return cls(
            data,
            Program(compiler.rules),
            compiler.against,
            Program(compiler.grouping),
            kinds,
            labels,
            EvidenceBase.load(folder),
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """Return every column of the table that a rule reads."""
        tried = {column for one in self.data.options.values() for column in _tried(one).values()}
        parts = {column for one in self.data.options.values() for column in _too_little(one)}
        return self.program.leaves(self.program.rules) | (tried | parts) & self.kinds.keys()

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """Return one row for every subset and option of which something is known there.

        Returns:
            ``subset``, ``option``, what the group rules read of them, and ``place``, their order: by
            certainty of benefit, direct before indirect, the difference against controls, then by name.
        """
        rows = [
            {"subset": subset.id, "option": option.id, **known}
            for subset in self.data.subsets.values()
            for option in self.data.options.values()
            if (known := self._known(subset, option)) is not None
        ]
        kinds = {
            "subset": pl.String,
            "option": pl.String,
            **dict.fromkeys(_PAIR, pl.Boolean),
            BENEFIT: pl.Float64,
            EFFECT: pl.Float64,
        }
        names = {one.id: one.name for one in self.data.options.values()}
        return (
            pl.DataFrame(rows, schema=kinds)
            .with_columns(name=pl.col("option").replace_strict(names))
            .sort(
                pl.col(BENEFIT),
                "direct",
                EFFECT,
                "name",
                descending=[True, True, True, False],
                nulls_last=True,
            )
            .drop("name")
            .with_row_index("place")
        )

    def evaluate(self, table: pl.DataFrame) -> pl.DataFrame:
        """Answer every rule about every patient.

        Args:
            table: one row a patient: findings and what questions 1 to 3 tell; a missing column is unknown.
        """
        return self.program.run(self._complete(table))

    def places(self, table: pl.DataFrame, found: pl.DataFrame | None = None) -> pl.DataFrame:
        """Return every option that is looked at, for every patient and likely subset.

        Args:
            table: one row a patient: ``patient_id``, ``probability.<disease>`` (0 to 1), findings and what
                questions 1 to 3 tell; a missing column is unknown.
            found: what ``evaluate`` returned for it.

        Returns:
            ``patient_id``, ``subset``, ``probability`` of the subset, ``option``, ``group``,
            ``contraindicated``, ``to_avoid``, ``careful`` (NULL while something of this level is not known),
            ``check_first`` (whether anything that could forbid it, or a safety check, is not known),
            ``inadequate``, ``failed``, ``intolerance``, ``running`` (the trial of it), in the order of
            patients, subsets, groups and certainty.
        """
        answered = self.evaluate(table) if found is None else found
        patients = table.select("patient_id").with_row_index("row")
        subsets = self._likely(table, answered)
        options = self._of_options(answered)
        order = {one.id: one.order for one in self.data.groups}
        joined = subsets.join(
            self.pairs, on="subset", how="inner", maintain_order="left_right"
        ).join(options, on=["row", "option"], how="inner", maintain_order="left")
        ruled = self.grouping.run(joined)
        group = pl.coalesce(pl.when(one.id).then(pl.lit(one.id)) for one in self.data.groups)
        rank = {one: place for place, one in enumerate(self.data.subsets)}
        return (
            ruled.with_columns(group=group)
            .filter(pl.col("group").is_not_null())
            .with_columns(
                _subset=pl.col("subset").replace_strict(rank, return_dtype=pl.Int64),
                _group=pl.col("group").replace_strict(order, return_dtype=pl.Int64),
            )
            .sort("row", "_subset", "_group", "place")
            .join(patients, on="row", how="left", maintain_order="left")
            .select(
                "patient_id", "subset", "probability", "option", "group", *LEVELS.values(),
                "check_first", *TRIED,
            )
        )  # fmt: skip

    def _known(self, subset: Subset, option: Option) -> dict[str, bool | float | None] | None:
        """Return what is known of an option in a subset, or nothing if nothing is.

        Where there is no direct evidence, what other subsets found not helpful is not helpful here, and their
        evidence of benefit counts as indirect if it is sure enough.
        """
        direct = self.evidence(subset, option)
        certainty = self.data.certainty
        stances = {one.stance for one in self.guidelines(subset, option)}
        others = [self.data.subsets[name] for name in subset.indirect]
        refuted = option.id in subset.not_helpful or (
            not direct and any(option.id in one.not_helpful for one in others)
        )
        indirect = any(
            one.direction in _HELPS and certainty[one.certainty] >= certainty[self.data.indirect_at]
            for one in self.indirect(subset, option)
        )
        first = option.id in subset.comes_first
        informative = any(one.direction != "unknown" for one in direct)
        if not (informative or indirect or stances or first or refuted):
            return None
        helps = max((certainty[x.certainty] for x in direct if x.direction in _HELPS), default=0)
        fails = max((certainty[x.certainty] for x in direct if x.direction in _FAILS), default=0)
        return {
            "comes_first": first,
            "not_helpful": refuted,
            "recommended": "recommended" in stances,
            "optional": "option" in stances,
            "last_resort": "last_resort" in stances,
            "guideline_against": "against" in stances,
            "investigational": option.investigational,
            "supportive": option.kind == "supportive",
            "direct": informative,
            "indirect": indirect,
            "negative": fails > 0 and not helps,
            # Surer evidence of no benefit outweighs a benefit that is less sure.
            BENEFIT: float(helps) if helps >= fails else 0.0,
            EFFECT: self._effect(subset, option),
        }

    def benefit(self, subset: Subset, option: Option) -> Study | None:
        """Return the result of a study that stands beside an option in a subset, if there is one."""
        return self.studies.benefit(option.id, (subset.id, *subset.evidence))

    def _effect(self, subset: Subset, option: Option) -> float | None:
        """Return the difference against controls, if it speaks for the option."""
        study = self.benefit(subset, option)
        if study is None or study.risk_difference is None:
            return None
        difference = study.risk_difference.value
        return difference if self.studies.controlled(study.trial) and difference > 0 else None

    def evidence(self, subset: Subset, option: Option) -> list[Evidence]:
        """Return the direct evidence on an option in a subset."""
        own = {subset.id, *subset.evidence}
        return [one for one in option.evidence if own & set(one.subsets)]

    def indirect(self, subset: Subset, option: Option) -> list[Evidence]:
        """Return the evidence on an option from other subsets that counts as indirect."""
        direct = self.evidence(subset, option)
        other = set(subset.indirect)
        return [one for one in option.evidence if one not in direct and other & set(one.subsets)]

    def guidelines(self, subset: Subset, option: Option) -> list[Guideline]:
        """Return what guidelines say of an option in a subset."""
        own = {subset.id, *subset.evidence}
        return [one for one in option.guidelines if own & set(one.subsets)]

    def _likely(self, table: pl.DataFrame, answered: pl.DataFrame) -> pl.DataFrame:
        """Return ``row``, ``subset`` and ``probability`` of each subset a patient may well belong to."""
        given = set(table.columns)
        columns: dict[str, dict[str, pl.Expr]] = {}
        for one in self.data.subsets.values():
            known = [pl.col(PROBABILITY + x) for x in one.diseases if PROBABILITY + x in given]
            columns[one.id] = {
                "subset": pl.lit(one.id),
                # Rounded: the order in which they are added up depends on the number of threads.
                "probability": pl.sum_horizontal(known).round(DIGITS) if known else pl.lit(0.0),
                "holds": pl.lit(True) if one.when is None else pl.col(SUBSET + one.id),
            }
        probable = [x for x in table.columns if x.startswith(PROBABILITY)]
        asked = answered.select(x for x in answered.columns if x.startswith(SUBSET))
        likely = pl.col("holds") & (pl.col("probability") >= self.data.likely_at)
        return _stacked(asked.hstack(table.select(probable)), columns, likely).drop("holds")

    def _of_options(self, answered: pl.DataFrame) -> pl.DataFrame:
        """Return one row a patient and option that applies: what speaks against it and what was tried."""
        table: dict[str, dict[str, pl.Expr]] = {}
        for option in self.data.options.values():
            rules = self.against[option.id]
            columns: dict[str, pl.Expr] = {
                name: _any(
                    pl.col(against_column(option, place))
                    for place, one in enumerate(rules)
                    if LEVELS[one.level] == name
                )
                for name in LEVELS.values()
            }
            unknown = [
                pl.col(against_column(option, place)).is_null() for place in range(len(rules))
            ]
            unknown += [pl.col(missing_column(one)) for one in self.checks_of(option)]
            tried = {
                name: pl.col(column) if column in self.kinds else pl.lit(None, pl.Boolean)
                for name, column in _tried(option).items()
            }
            little = [pl.col(x) for x in _too_little(option) if x in self.kinds]
            applies = (
                pl.col(_APPLIES + option.id).fill_null(True)
                if option.applies_when
                else pl.lit(True)
            )
            table[option.id] = {
                **columns,
                **tried,
                "option": pl.lit(option.id),
                "applies": applies,
                "check_first": _any(unknown).fill_null(True),
                "inadequate": _any(little) if little else pl.lit(None, pl.Boolean),
            }
        return _stacked(answered, table, pl.col("applies")).drop("applies")

    def checks_of(self, option: Option) -> tuple[SafetyCheck, ...]:
        """Return the safety checks that an option asks for."""
        return tuple(one for one in self.data.checks if option.id in one.options)

    def _complete(self, table: pl.DataFrame) -> pl.DataFrame:
        given = set(table.columns)
        kinds = {name: DTYPES[self.kinds[name]] for name in sorted(self.reads)}
        # Added before they are chosen: a choice of constants alone would have a single row.
        return table.with_columns(
            pl.col(name).cast(kind) if name in given else pl.lit(None, kind).alias(name)
            for name, kind in kinds.items()
        ).select(list(kinds))


def against_column(option: Option, place: int) -> str:
    """Return the column that says whether what stands at a place of ``Options.against`` is there."""
    return f"{_AGAINST}{option.id}.{place}"


def missing_column(check: SafetyCheck) -> str:
    """Return the column that says whether a safety check is not recorded."""
    return _MISSING + check.id


def _stacked(
    table: pl.DataFrame, parts: Mapping[str, Mapping[str, pl.Expr]], keep: pl.Expr
) -> pl.DataFrame:
    """Return one row a row of the table and part, with ``row``, where ``keep`` holds.

    All parts are computed in one pass, side by side, and then put below each other.
    """
    wide = table.with_row_index("row").with_columns(
        one.alias(f"{part}|{name}")
        for part, columns in parts.items()
        for name, one in columns.items()
    )
    return pl.concat(
        wide.select("row", *(pl.col(f"{part}|{name}").alias(name) for name in columns)).filter(keep)
        for part, columns in parts.items()
    )


def _any(parts: Iterator[pl.Expr] | list[pl.Expr]) -> pl.Expr:
    known = list(parts)
    return pl.any_horizontal(known) if known else pl.lit(False)


def _tried(option: Option) -> dict[str, str]:
    """Return the columns of an earlier trial of an option."""
    trial = f"trial_{option.trial}"
    return {
        "failed": f"{trial}_failed",
        "intolerance": f"{trial}_stopped_intolerance",
        "running": f"{trial}_running",
    }


def _too_little(option: Option) -> tuple[str, ...]:
    """Return the columns that say that an option was given, and too little of it."""
    tests = ("below_min_dose", "below_min_duration", "level_below_target")
    return tuple(f"trial_{option.trial}_{test}" for test in tests)


class _Compiler:
    """Parses every condition and gathers what is wrong."""

    def __init__(self, data: TreatmentData, names: Mapping[str, Name], where: str) -> None:
        self.data = data
        self.names = names
        self.where = where
        self.rules: dict[str, Condition] = {}
        self.grouping: dict[str, Condition] = {}
        self.against: dict[str, tuple[Against, ...]] = {}
        self.problems: list[Problem] = []

    def problem(self, file: str, field: str, message: str) -> None:
        self.problems.append(Problem(f"{self.where}/{file}", None, field, message))

    def patient(self) -> None:
        """Compile what is asked of a patient."""
        for option in self.data.options.values():
            file = f"options/{option.id}.yaml"
            self._rule(_APPLIES + option.id, option.applies_when, file)
            for place, one in enumerate(option.against):
                self._rule(against_column(option, place), one.when, file)
            self._consequences(option)
        for check in self.data.checks:
            self._rule(missing_column(check), check.missing_when, "checks.yaml")
        for subset in self.data.subsets.values():
            self._rule(SUBSET + subset.id, subset.when, "subsets.yaml")
        for prefix, entries, file in (
            (URGENT, self.data.urgent, "urgent.yaml"),
            (FIRST, self.data.first, "first.yaml"),
            (CARE, self.data.care, "care.yaml"),
        ):
            for statement in entries:
                self._rule(prefix + statement.id, statement.when, file)
        for path in self.data.urgent:
            column = URGENT + path.id
            hint = self.rules[column].asked_for() if column in self.rules else None
            if hint is not None:
                self.rules[column + HINT] = hint

    def groups(self) -> None:
        """Compile the rules of the groups."""
        known = {name: Name(name, "bool") for name in self.data.reads}
        known[BENEFIT] = Name(BENEFIT, "number")
        for name in self.data.reads.keys() - {*_PAIR, BENEFIT, *LEVELS.values(), *TRIED}:
            self.problem("groups.yaml", "reads", f"{name} is told by nothing")
        for group in self.data.groups:
            try:
                self.grouping[group.id] = parse(group.when, known)
            except RuleError as error:
                self.problem("groups.yaml", group.id, str(error))

    def _consequences(self, option: Option) -> None:
        """Add what safety checks say of findings on which an option has no rule of its own."""
        own = {
            name
            for column, rule in self.rules.items()
            if column.startswith(f"{_AGAINST}{option.id}.")
            for name in rule.reads
        }
        rules = list(option.against)
        for check in self.data.checks:
            if option.id not in check.options:
                continue
            for one in check.consequences:
                if one.finding in own:
                    continue
                self._rule(against_column(option, len(rules)), one.finding, "checks.yaml")
                rules.append(
                    Against(
                        when=one.finding,
                        level=one.level,
                        text=one.text,
                        cites=one.cites,
                        check=one.check,
                    )
                )
        self.against[option.id] = tuple(rules)

    def _rule(self, column: str, text: str | None, file: str) -> None:
        if text is None:
            return
        try:
            self.rules[column] = parse(text, self.names)
        except RuleError as error:
            self.problem(file, column, str(error))
