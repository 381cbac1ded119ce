"""Findings made of several: in whom all of their parts were asked.

Any of several antibodies is known to be present as soon as one is, and to be absent only when all are. A
share of those in whom it is known is therefore too high where few were tested for all: it has to be taken of
those in whom every part was asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from myoresist.arrays.planes import unpack
from myoresist.arrays.table import Table
from myoresist.findings.evaluate import Inference
from myoresist.rules.condition import Condition
from myoresist.rules.nodes import AtLeast, Column, Node
from myoresist.rules.program import Program


@dataclass(frozen=True)
class Composites:
    """The findings that follow from several others by any or all of them."""

    inference: Inference

    @cached_property
    def parts(self) -> dict[str, tuple[Node, ...]]:
        """Return for each such finding the conditions that it is made of."""
        found = {}
        for name, rule in self.inference.program.rules.items():
            node = rule.node
            if isinstance(node, AtLeast) and len(node.parts) > 1:
                found[name] = node.parts
        return found

    def reads(self, names: Iterable[str]) -> frozenset[str]:
        """Return the findings that have to be looked at to tell of some in whom they were asked."""
        found: set[str] = set()
        todo = [x for x in names if x in self.parts]
        while todo:
            name = todo.pop()
            read = self.inference.program.rules[name].reads
            todo += [x for x in read - found if x in self.parts]
            found |= read
        return frozenset(found)

    def asked(self, people: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
        """Return for some findings in whom every part was asked, or the finding as such.

        Args:
            people: one row a patient with the findings and those of ``reads``.
            names: findings; those that are not made of others are left out.

        Returns:
            One column of truth a finding, never unknown.
        """
        wanted = [x for x in names if x in self.parts]
        held = [x for x in people.columns if x in self.inference.catalogue]
        table = Table.of_frame(people.select(held), people.height)
        told = self._parts.run(table)
        bits: dict[str, int] = {}

        def all_asked(name: str) -> int:
            if name not in bits:
                own = -1
                for place, part in enumerate(self.parts[name]):
                    if isinstance(part, Column) and part.name in self.parts:
                        own &= all_asked(part.name)
                    else:
                        own &= told.known(f"{name}.{place}")
                # What is known and does not follow from its parts was asked as such.
                as_such = table.known(name) & ~told.known(f"{name}!")
                bits[name] = (own | as_such) & table.known(name)
            return bits[name]

        return pl.DataFrame(
            {x: pl.Series(unpack(all_asked(x), people.height)) for x in wanted},
            schema=dict.fromkeys(wanted, pl.Boolean),
        )

    @cached_property
    def _parts(self) -> Program:
        """Return each part and each whole as a rule, by names that no finding has."""
        rules = {}
        for name, parts in self.parts.items():
            rules[f"{name}!"] = Condition("", self.inference.program.rules[name].node)
            rules |= {f"{name}.{place}": Condition("", x) for place, x in enumerate(parts)}
        return Program(rules)
