"""Since when a rule is true: the day since which the last of what it needs is.

What has no date, such as a subtype, does not delay it. Where something that it needs has a date that nobody
knows, the day is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from myoresist.arrays.planes import unpack
from myoresist.arrays.runs import Flags, Floats
from myoresist.arrays.table import Table
from myoresist.rules.condition import Condition
from myoresist.rules.nodes import AtLeast, Column, Node
from myoresist.rules.program import Program


@dataclass(frozen=True)
class Since:
    """Tells of rules since when they are true."""

    rules: Mapping[str, Condition]
    _names: dict[Node, str] = field(default_factory=dict, compare=False, repr=False)
    _program: dict[str, Program] = field(default_factory=dict, compare=False, repr=False)

    def days(self, table: Table, days: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return for each rule the day since which it is true, NaN where there is none or it is not true.

        Args:
            table: what the rules read.
            days: for columns that have a date the day since which each is true, infinite if not known.
        """
        told = self._parts().run(table)

        def true(node: Node) -> Flags:
            return unpack(told.truth(self._names[node]).t, table.size)

        def since(node: Node) -> Floats:
            if isinstance(node, Column):
                undated = np.full(table.size, -np.inf)
                return np.where(true(node), days.get(node.name, undated), np.inf)
            if isinstance(node, AtLeast):
                parts = np.sort(np.stack([since(x) for x in node.parts]), axis=0)
                return np.asarray(parts[node.least - 1])
            return np.where(true(node), -np.inf, np.inf)

        found = {}
        for name, rule in self.rules.items():
            day = since(rule.node)
            found[name] = np.where(true(rule.node) & np.isfinite(day), day, np.nan)
        return found

    def _parts(self) -> Program:
        if "" not in self._program:
            todo = [rule.node for rule in self.rules.values()]
            while todo:
                node = todo.pop()
                self._names.setdefault(node, f"#{len(self._names)}")
                if isinstance(node, AtLeast):
                    todo += node.parts
            self._program[""] = Program({y: Condition("", x) for x, y in self._names.items()})
        return self._program[""]
