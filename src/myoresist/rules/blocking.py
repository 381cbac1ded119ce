"""Which unknown columns leave rules open, of many patients at once; ``reasons`` tells it of one, slowly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from myoresist.arrays.planes import mask
from myoresist.arrays.table import Table
from myoresist.rules.condition import Condition
from myoresist.rules.nodes import Branch, Case, Column, Constant, IsUnknown, Node, children, kind_of
from myoresist.rules.program import Program


@dataclass(frozen=True)
class Blocking:
    """Tells what leaves some rules of a program open.

    A column of the table leaves a rule open where it is unknown, and everything between it and the rule is.
    """

    program: Program
    columns: tuple[str, ...]
    _names: dict[Node, str] = field(default_factory=dict, compare=False, repr=False)

    def of(self, table: Table) -> dict[str, dict[str, int]]:
        """Return for each rule the bits of the patients in whom each column leaves it open.

        Args:
            table: what the rules read; a column that it does not have is unknown.
        """
        known = self._parts.run(table)
        walk = _Walk(self.program, self._names, table, known)
        return {one: dict(sorted(walk.from_column(one).items())) for one in self.columns}

    @cached_property
    def _parts(self) -> Program:
        """Return the program with every part of its rules as a rule of its own."""
        rules = dict(self.program.rules)
        for node in self._nodes():
            if node not in self._names and not isinstance(node, (Column, Constant)):
                self._names[node] = f"#{len(self._names)}"
                rules[self._names[node]] = Condition("", node)
        return Program(rules)

    def _nodes(self) -> Iterator[Node]:
        todo = [*self.columns]
        seen: set[str] = set()
        while todo:
            column = todo.pop()
            if column in seen or column not in self.program.rules:
                continue
            seen.add(column)
            nodes: list[Node] = [self.program.rules[column].node]
            while nodes:
                node = nodes.pop()
                if not isinstance(node, Branch):
                    yield node
                nodes += children(node)
                if isinstance(node, Column):
                    todo.append(node.name)


@dataclass
class _Walk:
    """Walks down the rules as far as they are unknown."""

    program: Program
    names: dict[Node, str]
    table: Table
    known: Table

    def from_column(self, name: str) -> dict[str, int]:
        """Return the patients in whom each column of the table leaves one of the program open."""
        found: dict[str, int] = {}
        self._visit(Column(name, "bool"), mask(self.table.size), found)
        return found

    def _visit(self, node: Node, bits: int, found: dict[str, int]) -> None:
        if isinstance(node, Constant):
            return
        bits &= ~self._known(node)
        if not bits:
            return
        if isinstance(node, Column):
            if node.name in self.program.rules:
                self._visit(self.program.rules[node.name].node, bits, found)
            else:
                found[node.name] = found.get(node.name, 0) | bits
        elif isinstance(node, Case):
            self._choose(node, bits, found)
        elif not isinstance(node, IsUnknown):
            for one in children(node):
                self._visit(one, bits, found)

    def _choose(self, node: Case, bits: int, found: dict[str, int]) -> None:
        for branch in node.branches:
            self._visit(branch.when, bits, found)
            chosen = self._true(branch.when)
            self._visit(branch.then, bits & chosen, found)
            bits &= ~chosen
        if node.otherwise is not None:
            self._visit(node.otherwise, bits, found)

    def _known(self, node: Node) -> int:
        name = node.name if isinstance(node, Column) else self.names[node]
        held = self.known if name in self.known else self.table
        return held.known(name)

    def _true(self, node: Node) -> int:
        if isinstance(node, Constant):
            return mask(self.table.size) if node.value is True else 0
        assert kind_of(node) == "bool"
        name = node.name if isinstance(node, Column) else self.names[node]
        held = self.known if name in self.known else self.table
        return held.truth(name).t


def most_blocking(found: Iterable[tuple[str, int]]) -> tuple[str, int] | None:
    """Return the column that leaves a rule open in most patients, with their number; the first of several."""
    counted = sorted(((-bits.bit_count(), name) for name, bits in found if bits))
    return (counted[0][1], -counted[0][0]) if counted else None
