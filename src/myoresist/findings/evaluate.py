"""What follows from what was recorded: implied, excluded and derived findings, and contradictions.

Every finding is present, absent or unknown, but a record can also say both: a physician notes normal
strength and, elsewhere, proximal weakness. Evidence for and against is therefore gathered apart. Where both
exist the finding counts as unknown until someone settles it, and the contradiction is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, to_columns, to_numbers
from myoresist.case.catalogue import Catalogue
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.rules.program import Program
from myoresist.rules.reasons import decisive
from myoresist.rules.syntax import Condition, Name, RuleError, parse

ROUNDING = 0.05
"""Two roundings of one measurement may differ by this share before they count as a contradiction."""

RULE, CLASH = ".rule", ".clash"
CHUNK = 20_000
"""Patients whose evidence is weighed at a time, so that a large table needs little memory."""
Flags: TypeAlias = NDArray[np.bool_]


class Derivation(Sourced):
    """A finding that follows from others by a rule."""

    id: str
    text: str
    when: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Contradiction:
    """Two things that the record of one patient says and that cannot both be true."""

    patient_id: str
    finding: str
    says: object
    other: str
    other_says: object
    why: str


@dataclass(frozen=True)
class Known:
    """What is known of each patient.

    Attributes:
        findings: one row a patient, one column a finding; implied, excluded and derived findings are filled
            in, and a contradicted finding is NULL.
        conflicted: for each row, whether the record contradicts itself.
    """

    findings: pl.DataFrame
    conflicted: pl.Series


@dataclass(frozen=True)
class Inference:
    """The rules by which recorded findings settle others."""

    catalogue: Catalogue
    derivations: Mapping[str, Derivation]
    program: Program

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Inference:
        """Read ``findings/derived.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of a rule that cannot be used.
        """
        path = folder / "findings" / "derived.yaml"
        names = finding_names(catalogue)
        derivations: dict[str, Derivation] = {}
        rules: dict[str, Condition] = {}
        problems = []
        for entry in load_list(path, Derivation):
            derivations[entry.id] = entry
            try:
                if entry.id not in names:
                    raise RuleError("is not in the catalogue")
                if (entry.when is None) == (entry.value is None):
                    raise RuleError("needs either 'when' or 'value'")
                text = entry.when or entry.value or ""
                rules[entry.id] = parse(text, names, names[entry.id].kind)
            except RuleError as error:
                problems.append(Problem(str(path), None, entry.id, str(error)))
        if problems:
            raise DocumentError(problems)
        return cls(catalogue, derivations, Program(rules))

    def known(self, recorded: pl.DataFrame) -> Known:
        """Return what is known of each patient.

        Args:
            recorded: one row a patient, one column a finding of the catalogue, NULL is unknown.
        """
        settled, conflicted = self._settled(recorded)
        findings, ruled = self._concluded(recorded, settled)
        return Known(findings, pl.Series("conflicted", conflicted) | ruled)

    def consistent(self, recorded: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Return what is known of the patients whose record does not contradict itself.

        Args:
            recorded: as for ``known``.

        Returns:
            The rows of ``known`` without those that it calls conflicted, and for each row of ``recorded``
            whether it is among them.
        """
        settled, conflicted = self._settled(recorded)
        sound = pl.Series(~conflicted)
        findings, ruled = self._concluded(recorded.filter(sound), settled[:, ~conflicted])
        kept = sound.clone()
        kept[sound.arg_true()] = ~ruled
        return findings.filter(~ruled), kept

    def _concluded(
        self, recorded: pl.DataFrame, settled: NDArray[np.int8]
    ) -> tuple[pl.DataFrame, pl.Series]:
        """Settle findings by the evidence and then by rule; tell which rows a rule contradicts."""
        table = recorded.select(pl.col(self._touched))
        table = _replaced(table, to_columns(settled, self._related))
        for step in self._derived:
            table = table.with_columns(step)
        ruled = table.select(self._ruled).to_series()
        found = table.select(pl.col(self._touched)).get_columns()
        return _replaced(recorded, found), ruled

    def contradictions(self, recorded: pl.DataFrame, known: Known) -> list[Contradiction]:
        """Return every contradiction in the records, pair by pair.

        Args:
            recorded: as for ``known``, with a column ``patient_id``.
            known: what ``known`` returned for it.
        """
        if not known.conflicted.any():
            return []
        found = []
        rows = recorded.filter(known.conflicted).to_dicts()
        beliefs = known.findings.filter(known.conflicted)
        rules = {x: rule for level in self.program.levels for x, rule in level.items()}
        ruled = beliefs.select(**rules).to_dicts()
        for row, by_rule in zip(rows, ruled, strict=True):
            patient = row["patient_id"]
            for (one, says), (other, other_says), why in self._forbidden:
                if row[one] is says and row[other] is other_says:
                    found.append(Contradiction(patient, one, says, other, other_says, why))
            for finding, entry in self.derivations.items():
                said, follows = row[finding], by_rule[finding]
                if said is not None and follows is not None and _differ(said, follows):
                    found.append(
                        Contradiction(
                            patient, finding, said, finding, follows, f"it follows: {entry.text}"
                        )
                    )
        return found

    def implied_by(self, row: Mapping[str, object]) -> set[str]:
        """Return the findings that follow, by implication, from those that are present in ``row``."""
        present = [finding for finding, value in row.items() if value is True]
        return {parent for finding in present for parent in self.parents.get(finding, ())}

    def because(
        self, finding: str, recorded: Mapping[str, object], known: Mapping[str, object]
    ) -> tuple[str, ...]:
        """Return the findings from which one finding of one patient follows.

        Args:
            finding: a finding that is known but was not recorded.
            recorded: the patient's row as recorded.
            known: the patient's row of ``known``.
        """
        value = known[finding]
        if value is True:
            sources = [y for y in self.children.get(finding, ()) if recorded[y] is True]
        else:
            sources = [y for y in self.parents.get(finding, ()) if recorded[y] is False]
            for partner in self._excluded_by(finding):
                line = (partner, *self.children.get(partner, ()))
                sources += [y for y in line if recorded[y] is True]
        if not sources and finding in self.derivations:
            tree = self.program.rules[finding].tree
            sources = [x for x in decisive(tree, known) if known[x] is not None]
        return tuple(sorted(set(sources)))

    def _settled(self, recorded: pl.DataFrame) -> tuple[NDArray[np.int8], Flags]:
        """Return for each related finding what the evidence settles, and which rows contradict themselves.

        Present where supported, absent where opposed, else unknown; nothing is both any more.
        """
        settled = np.empty((len(self._related), recorded.height), np.int8)
        conflicted = np.empty(recorded.height, bool)
        for start in range(0, recorded.height, CHUNK):
            part = slice(start, start + CHUNK)
            said = to_numbers(recorded[part], self._related)
            support, opposition = self._weighed(said)
            clash = support & opposition
            conflicted[part] = clash.any(axis=0)
            if clash.any():
                # Everything that rests on a contradicted statement has to go with it: weigh again without.
                support, opposition = self._weighed(np.where(clash, np.int8(UNKNOWN), said))
            supported = np.where(support, np.int8(TRUE), np.int8(UNKNOWN))
            settled[:, part] = np.where(opposition, np.int8(FALSE), supported)
        return settled, conflicted

    def _weighed(self, said: NDArray[np.int8]) -> tuple[Flags, Flags]:
        """Return whether there is evidence for and against each finding that implies or excludes another.

        A finding is supported when it, or anything that implies it, is recorded as present. It is opposed
        when it, or anything it implies, is absent or is excluded by what is supported.
        """
        present, absent = said == TRUE, said == FALSE
        support, opposition = present.copy(), absent.copy()
        for row, (children, parents, _) in enumerate(self._links):
            for one in children:
                support[row] |= present[one]
            for one in parents:
                opposition[row] |= absent[one]
        for row, (_, _, excluding) in enumerate(self._links):
            for one in excluding:
                opposition[row] |= support[one]
        return support, opposition

    @cached_property
    def _links(self) -> list[tuple[list[int], ...]]:
        """Return for each finding the rows of those that imply it, that it implies and that exclude it."""
        place = {finding: row for row, finding in enumerate(self._related)}
        return [
            tuple(
                sorted(place[other] for other in others)
                for others in (
                    self.children.get(finding, ()),
                    self.parents.get(finding, ()),
                    self._excluded_by(finding),
                )
            )
            for finding in self._related
        ]

    @cached_property
    def _derived(self) -> tuple[list[pl.Expr], ...]:
        """What was recorded, else what follows by rule; unknown where the two differ.

        Step by step, so that no rule is planned and computed more than once.
        """
        steps: list[list[pl.Expr]] = []
        for level in self.program.levels:
            steps += [
                [rule.alias(finding + RULE) for finding, rule in level.items()],
                [self._apart(finding).alias(finding + CLASH) for finding in level],
                [
                    pl.when(~pl.col(finding + CLASH))
                    .then(pl.coalesce(finding, finding + RULE))
                    .alias(finding)
                    for finding in level
                ],
            ]
        return tuple(steps)

    @cached_property
    def _ruled(self) -> pl.Expr:
        return _any(pl.col(x + CLASH) for x in self.derivations)

    @cached_property
    def _related(self) -> tuple[str, ...]:
        """Return the findings that imply or exclude others, or are implied or excluded."""
        links = (*self.catalogue.implications, *self.catalogue.exclusions)
        return tuple(sorted({finding for link in links for finding in (link.finding, link.other)}))

    @cached_property
    def _touched(self) -> list[str]:
        """Return the findings that inference reads or settles; the others stay as recorded."""
        derived = self.derivations.keys()
        return sorted({*self._related, *derived, *self.program.leaves(derived)})

    @cached_property
    def children(self) -> Mapping[str, frozenset[str]]:
        """Return for each finding everything that implies it."""
        return _closure((link.other, link.finding) for link in self.catalogue.implications)

    @cached_property
    def parents(self) -> Mapping[str, frozenset[str]]:
        """Return for each finding everything that it implies."""
        return _closure((link.finding, link.other) for link in self.catalogue.implications)

    @cached_property
    def partners(self) -> Mapping[str, Mapping[str, str]]:
        """Return for each finding those that exclude it, with the reason."""
        partners: dict[str, dict[str, str]] = {}
        for link in self.catalogue.exclusions:
            partners.setdefault(link.finding, {})[link.other] = link.why
            partners.setdefault(link.other, {})[link.finding] = link.why
        return partners

    def _excluded_by(self, finding: str) -> set[str]:
        line = (finding, *self.parents.get(finding, ()))
        return {partner for one in line for partner in self.partners.get(one, ())}

    def _apart(self, finding: str) -> pl.Expr:
        """Tell whether what was recorded and what follows by rule differ; false where either is unknown."""
        said, rule = pl.col(finding), pl.col(finding + RULE)
        if self.catalogue[finding].kind == "number":
            larger = pl.max_horizontal(said.abs(), rule.abs())
            return ((said - rule).abs() > ROUNDING * larger).fill_null(False)
        return (said != rule).fill_null(False)

    @cached_property
    def _forbidden(self) -> list[tuple[tuple[str, bool], tuple[str, bool], str]]:
        """Return every pair of recorded values that cannot both be true, with the reason."""
        direct = {(link.finding, link.other): link.why for link in self.catalogue.implications}
        pairs: dict[tuple[tuple[str, bool], tuple[str, bool]], str] = {}
        for child, parents in self.parents.items():
            for parent in parents:
                why = direct.get((child, parent)) or "the first is a form of the second"
                pairs[(child, True), (parent, False)] = why
        for one in self._related:
            for above in (one, *self.parents.get(one, ())):
                for partner, why in self.partners.get(above, {}).items():
                    for other in (partner, *self.children.get(partner, ())):
                        if one < other:
                            pairs.setdefault(((one, True), (other, True)), why)
        return [(one, other, why) for (one, other), why in pairs.items()]


def finding_names(catalogue: Catalogue) -> dict[str, Name]:
    """Return the names that a condition over findings may use."""
    return {finding.id: Name(finding.id, finding.kind) for finding in catalogue}


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    """Tell whether any is true; an unknown one does not count."""
    given = list(conditions)
    return pl.any_horizontal(given).fill_null(False) if given else pl.lit(False)


def _replaced(table: pl.DataFrame, columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Return a table with some columns in the place of those of the same name."""
    found = table.clone()
    place = {name: index for index, name in enumerate(table.columns)}
    for one in columns:
        found.replace_column(place[one.name], one)
    return found


def _differ(said: object, follows: object) -> bool:
    if isinstance(said, float) and isinstance(follows, float):
        return abs(said - follows) > ROUNDING * max(abs(said), abs(follows))
    return said != follows


def _closure(links: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Return for each start everything that can be reached from it."""
    direct: dict[str, set[str]] = {}
    for start, end in links:
        direct.setdefault(start, set()).add(end)
    reached: dict[str, frozenset[str]] = {}
    for start in direct:
        found: set[str] = set()
        todo = [start]
        while todo:
            for end in direct.get(todo.pop(), set()) - found:
                found.add(end)
                todo.append(end)
        reached[start] = frozenset(found)
    return reached
