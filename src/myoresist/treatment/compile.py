"""Parses every condition on treatments, and says what is wrong with those that cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from myoresist.document import did_you_mean
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook
from myoresist.treatment.columns import (
    AGAINST,
    BENEFIT,
    CARE,
    EARLY,
    FIRST,
    HINT,
    LEVELS,
    PAIR,
    SUBSET,
    TRIED,
    URGENT,
    against_column,
    applies_column,
    dose_column,
    early_rule,
    missing_column,
)
from myoresist.treatment.schema import Against, Option, TreatmentData


class Compiler:
    """Parses every condition on treatments and gathers what is wrong.

    Attributes:
        against: what can speak against each option, by place.
    """

    def __init__(self, data: TreatmentData, names: Mapping[str, Name], folder: Path) -> None:
        """Compile what is asked of a patient, and the rules of the groups.

        Args:
            data: the treatments.
            names: every column that a condition may read.
            folder: where they stand.
        """
        self.data = data
        self.names = names
        self.folder = folder
        known = {name: Name(name, "bool") for name in data.reads} | {
            BENEFIT: Name(BENEFIT, "number")
        }
        self._book, self._grouping = Rulebook(names), Rulebook(known)
        self.against: dict[str, tuple[Against, ...]] = {}
        self._patient()
        self._groups()

    def programs(self) -> tuple[Program, Program]:
        """Return the rules on patients and those of the groups.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        self._book.problems += self._grouping.problems
        return self._book.program(), self._grouping.program()

    def _problem(self, file: str, field: str, message: str) -> None:
        self._book.wrong(self.folder / file, field, message)

    def _patient(self) -> None:
        """Compile what is asked of a patient."""
        for option in self.data.options.values():
            file = f"options/{option.id}.yaml"
            self._rule(applies_column(option), option.applies_when, file)
            self._rule(EARLY + option.id, early_rule(option, self.names), file)
            for place, dose in enumerate(option.regimens):
                self._rule(dose_column(option, place), dose.when, file)
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
            hint = self._book.rules[column].asked_for() if column in self._book.rules else None
            if hint is not None:
                self._book.rules[column + HINT] = hint

    def _groups(self) -> None:
        """Compile the rules of the groups."""
        for name in self.data.reads.keys() - {*PAIR, BENEFIT, *LEVELS.values(), *TRIED}:
            self._problem("groups.yaml", "reads", f"{name} is told by nothing")
        for group in self.data.groups:
            self._grouping.add(group.id, group.when, self.folder / "groups.yaml", group.id)

    def others(self, diseases: Collection[str], regimens: Collection[str]) -> None:
        """Look for what other topics hold.

        Args:
            diseases: the diseases of the differential.
            regimens: those that judge a trial of a drug.
        """
        for option in self.data.options.values():
            trials = [] if option.trial is None else [option.trial]
            self._known(
                trials, regimens, "trial", f"options/{option.id}.yaml", "regimen of a trial"
            )
        for subset in self.data.subsets.values():
            self._known(subset.diseases, diseases, subset.id, "subsets.yaml", "disease")
        for file, entries in (
            ("urgent.yaml", self.data.urgent),
            ("first.yaml", self.data.first),
            ("care.yaml", self.data.care),
        ):
            for one in entries:
                self._known(one.asks, self.names, one.id, file, "finding")

    def _known(
        self, names: Iterable[str], known: Collection[str], field: str, file: str, kind: str
    ) -> None:
        for name in names:
            if name not in known:
                self._problem(file, field, f"{name} is no {kind}{did_you_mean(name, known)}")

    def _consequences(self, option: Option) -> None:
        """Add what safety checks say of findings on which an option has no rule of its own."""
        own = {
            name
            for column, rule in self._book.rules.items()
            if column.startswith(f"{AGAINST}{option.id}.")
            for name in rule.reads
        }
        rules = list(option.against)
        for check in self.data.checks:
            if option.id not in check.options:
                continue
            for one in check.consequences:
                if one.finding in own or (one.options and option.id not in one.options):
                    continue
                when = one.when or one.finding
                self._rule(against_column(option, len(rules)), when, "checks.yaml")
                rules.append(
                    Against(
                        when=when,
                        level=one.level,
                        text=one.text,
                        cites=one.cites,
                        check=one.check,
                    )
                )
                own.add(one.finding)
        self.against[option.id] = tuple(rules)

    def _rule(self, column: str, text: str | None, file: str) -> None:
        if text is not None:
            self._book.add(column, text, self.folder / file, column)
