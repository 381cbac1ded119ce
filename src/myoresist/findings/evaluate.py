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

import numpy as np

from myoresist.arrays.planes import Planes, mask, unpack
from myoresist.arrays.table import Table, Value
from myoresist.case.catalogue import Catalogue
from myoresist.findings.impossible import Impossible
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.rules.condition import Condition, Name
from myoresist.rules.nodes import (
    Arithmetic,
    AtLeast,
    Branch,
    Case,
    Coalesce,
    Column,
    Compare,
    Constant,
    Kind,
    Node,
    Not,
    Signed,
)
from myoresist.rules.program import Program
from myoresist.rules.reasons import decisive, evaluate
from myoresist.rules.rulebook import Rulebook

ROUNDING = 0.05
"""Two roundings of one measurement may differ by this share before they count as a contradiction."""

SAID, RULE, CLASH = ".said", ".rule", ".clash"


class Derivation(Sourced):
    """A finding that follows from others by a rule."""

    id: str
    text: str
    when: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Contradiction:
    """Two things that the record of one patient says and that cannot both be true."""

    finding: str
    says: object
    other: str
    other_says: object
    why: str


@dataclass(frozen=True)
class Known:
    """What is known of N patients.

    Attributes:
        findings: one column a finding; implied, excluded and derived findings are filled in, and a
            contradicted finding is unknown.
        conflicted: the bits of the patients whose record contradicts itself.
    """

    findings: Table
    conflicted: int

    def is_conflicted(self, place: int = 0) -> bool:
        """Tell whether the record of one patient contradicts itself."""
        return bool(self.conflicted >> place & 1)


@dataclass(frozen=True)
class Inference:
    """The rules by which recorded findings settle others."""

    catalogue: Catalogue
    derivations: Mapping[str, Derivation]
    program: Program
    impossible: Impossible

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Inference:
        """Read ``findings/derived.yaml`` and ``impossible.yaml`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of a rule that cannot be used.
        """
        path = folder / "findings" / "derived.yaml"
        names = finding_names(catalogue)
        book = Rulebook(names)
        derivations = {one.id: one for one in load_list(path, Derivation)}
        for one in derivations.values():
            if one.id not in book.names:
                book.wrong(path, one.id, "is not in the catalogue")
            elif (one.when is None) == (one.value is None):
                book.wrong(path, one.id, "needs either 'when' or 'value'")
            else:
                kind = book.names[one.id].kind
                book.add(one.id, one.when or one.value or "", path, one.id, kind=kind)
        return cls(catalogue, derivations, book.program(), Impossible.load(folder, names))

    def known(self, recorded: Table) -> Known:
        """Return what is known of each patient.

        Args:
            recorded: one column a finding of the catalogue; one that is not there is unknown.
        """
        cannot = self.impossible.found(recorded)
        if cannot:
            recorded = self.impossible.without(recorded, cannot)
        settled, conflicted = self._settled(recorded)
        for plane in cannot.values():
            conflicted |= plane
        table = recorded.with_truths(settled)
        said = table.renamed({name: name + SAID for name in self.derivations})
        concluded = self._conclusion.run(table.without(self.derivations).with_columns(said))
        for name in self.derivations:
            conflicted |= concluded.truths[name + CLASH].t
        return Known(table.with_columns(concluded.select(self.derivations)), conflicted)

    def joined(
        self,
        recorded: Table,
        known: Table,
        told: Table,
        disputed: Iterable[tuple[int, str]] = (),
    ) -> Table:
        """Return records with what something else tells of findings, such as courses and visits.

        What a record states, and what follows from that, goes first.

        Args:
            recorded: as for ``known``.
            known: the findings that ``known`` returned for it.
            told: further findings: truth and numbers.
            disputed: patients with a finding about which a record says two things, so that it stays unknown.
        """
        silent: dict[str, int] = {}
        for patient, finding in disputed:
            silent[finding] = silent.get(finding, 0) | 1 << patient
        every, truths, numbers = mask(recorded.size), {}, {}
        for name in told:
            settled = recorded.known(name) | known.known(name) | silent.get(name, 0)
            open_ = every & ~settled
            if name in told.truths:
                own, more = recorded.truth(name), told.truth(name)
                truths[name] = Planes(own.t | more.t & open_, own.f | more.f & open_)
            else:
                own_number, more_number = recorded.number(name), told.number(name)
                numbers[name] = np.where(unpack(open_, recorded.size), more_number, own_number)
        return recorded.with_columns(Table(recorded.size, truths, numbers))

    def contradictions(
        self, recorded: Mapping[str, Value | None], known: Mapping[str, Value | None]
    ) -> list[Contradiction]:
        """Return every contradiction in the record of one patient, pair by pair.

        Args:
            recorded: the patient's row as recorded.
            known: the patient's row of ``known``.
        """
        found = []
        for (one, says), (other, other_says), why in self._forbidden:
            if recorded.get(one) is says and recorded.get(other) is other_says:
                found.append(Contradiction(one, says, other, other_says, why))
        for name in self.impossible.found(Table.of_rows([recorded])):
            pair = self.impossible.pairs[name]
            one, other = pair.between
            found.append(Contradiction(one, recorded[one], other, recorded[other], pair.text))
        for finding, entry in self.derivations.items():
            said = recorded.get(finding)
            follows = evaluate(self.program.rules[finding].node, known).value
            if said is not None and follows is not None and _differ(said, follows):
                why = f"it follows: {entry.text}"
                found.append(Contradiction(finding, said, finding, follows, why))
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
        if known[finding] is True:
            sources = [y for y in self.children.get(finding, ()) if recorded.get(y) is True]
        else:
            sources = [y for y in self.parents.get(finding, ()) if recorded.get(y) is False]
            for partner in self._excluded_by(finding):
                line = (partner, *self.children.get(partner, ()))
                sources += [y for y in line if recorded.get(y) is True]
        if not sources and finding in self.derivations:
            node = self.program.rules[finding].node
            sources = [x for x in decisive(node, known) if known.get(x) is not None]
        return tuple(sorted(set(sources)))

    def _settled(self, recorded: Table) -> tuple[dict[str, Planes], int]:
        """Return for each related finding what the evidence settles, and which patients are contradicted.

        Present where supported, absent where opposed, else unknown; nothing is both any more.
        """
        said = [recorded.truth(name) for name in self._related]
        support, opposition = self._weighed(said)
        clash = [one & other for one, other in zip(support, opposition, strict=True)]
        conflicted = 0
        for one in clash:
            conflicted |= one
        if conflicted:
            # Everything that rests on a contradicted statement has to go with it: weigh again without.
            sound = [
                Planes(one.t & ~gone, one.f & ~gone) for one, gone in zip(said, clash, strict=True)
            ]
            support, opposition = self._weighed(sound)
        settled = {
            name: Planes(one & ~other, other)
            for name, one, other in zip(self._related, support, opposition, strict=True)
        }
        return settled, conflicted

    def _weighed(self, said: list[Planes]) -> tuple[list[int], list[int]]:
        """Return for whom there is evidence for and against each finding that implies or excludes another.

        A finding is supported when it, or anything that implies it, is recorded as present. It is opposed
        when it, or anything it implies, is absent or is excluded by what is supported.
        """
        support, opposition = [one.t for one in said], [one.f for one in said]
        for row, (children, parents, _) in enumerate(self._links):
            for one in children:
                support[row] |= said[one].t
            for one in parents:
                opposition[row] |= said[one].f
        for row, (_, _, excluding) in enumerate(self._links):
            for one in excluding:
                opposition[row] |= support[one]
        return support, opposition

    @cached_property
    def _links(self) -> list[tuple[list[int], ...]]:
        """Return for each finding the places of those that imply it, that it implies and that exclude it."""
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
    def _conclusion(self) -> Program:
        """What was recorded, else what follows by rule; unknown where the two differ.

        Each derived finding fills three columns: what its rule says, whether that contradicts what was
        recorded, and what is concluded, which is what the rules of other findings read.
        """
        rules: dict[str, Condition] = {}
        for name, rule in self.program.rules.items():
            kind = self.catalogue[name].kind
            said, follows = Column(name + SAID, kind), Column(name + RULE, kind)
            clash = Column(name + CLASH, "bool")
            rules[name + RULE] = rule
            rules[name + CLASH] = Condition(CLASH, _apart(said, follows, kind))
            concluded = Case((Branch(Not(clash), Coalesce((said, follows))),))
            rules[name] = Condition(name, concluded)
        return Program(rules)

    @cached_property
    def _related(self) -> tuple[str, ...]:
        """Return the findings that imply or exclude others, or are implied or excluded."""
        links = (*self.catalogue.implications, *self.catalogue.exclusions)
        return tuple(sorted({finding for link in links for finding in (link.finding, link.other)}))

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


def _apart(said: Node, follows: Node, kind: Kind) -> Node:
    """Return whether what was recorded and what follows differ; false where either is unknown."""
    differ: Node
    if kind == "bool":
        differ = AtLeast(1, (_both(said, Not(follows)), _both(Not(said), follows)))
    elif kind == "number":
        size = Signed("absolute", Arithmetic("-", said, follows))
        differ = _both(
            *(
                Compare(">", size, Arithmetic("*", Constant(ROUNDING), Signed("absolute", one)))
                for one in (said, follows)
            )
        )
    else:
        differ = Compare("<>", said, follows)
    return Coalesce((differ, Constant(False)))


def _both(*parts: Node) -> Node:
    return AtLeast(len(parts), parts)


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
