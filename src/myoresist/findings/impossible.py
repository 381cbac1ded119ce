"""What cannot all be true of one patient: findings that contradict each other by a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from myoresist.arrays.planes import Planes, mask, unpack
from myoresist.arrays.table import Codes, Table
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook

FILE = Path("findings") / "impossible.yaml"


class Pair(Sourced):
    """Two findings that cannot both be as they are recorded.

    Attributes:
        when: what cannot be.
        between: the findings that count as unknown where it is.
        doubted: the one of them that is in doubt, where the other one stays.
        text: why.
    """

    id: str
    when: str
    between: tuple[str, str] = Field()
    doubted: str | None = None
    text: str

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the findings that count as unknown."""
        return (self.doubted,) if self.doubted else self.between


@dataclass(frozen=True)
class Impossible:
    """The pairs of ``findings/impossible.yaml``."""

    pairs: Mapping[str, Pair]
    program: Program

    @classmethod
    def load(cls, folder: Path, names: Mapping[str, Name]) -> Impossible:
        """Read the pairs of a knowledge folder; one that has no such file knows none.

        Raises:
            DocumentError: naming file and entry of a pair that cannot be used.
        """
        path = folder / FILE
        pairs = {one.id: one for one in load_list(path, Pair)} if path.is_file() else {}
        book = Rulebook(names)
        for one in pairs.values():
            book.add(one.id, one.when, path, one.id)
            for finding in one.between:
                if finding not in names:
                    book.wrong(path, one.id, f"{finding} is not in the catalogue")
            if one.doubted and one.doubted not in one.between:
                book.wrong(path, one.id, f"{one.doubted} is none of the two")
        return cls(pairs, book.program())

    def found(self, recorded: Table) -> Mapping[str, int]:
        """Return the bits of the patients of whom each pair is recorded, where there are any."""
        if not self.pairs:
            return {}
        answers = self.program.run(recorded)
        return {name: plane for name in self.pairs if (plane := answers.truth(name).t)}

    def named(self, recorded: Table) -> Iterator[tuple[int, str]]:
        """Yield patients with each finding that a pair leaves unknown."""
        for name, plane in self.found(recorded).items():
            for place in np.flatnonzero(unpack(plane, recorded.size)).tolist():
                yield from ((place, finding) for finding in self.pairs[name].unknown)

    def without(self, recorded: Table, found: Mapping[str, int]) -> Table:
        """Return records in which the findings of impossible pairs are unknown."""
        gone: dict[str, int] = {}
        for name, plane in found.items():
            for finding in self.pairs[name].unknown:
                gone[finding] = gone.get(finding, 0) | plane
        return _blank(recorded, {x: y for x, y in gone.items() if x in recorded})


def _blank(table: Table, gone: Mapping[str, int]) -> Table:
    """Return a table in which some columns are unknown for some patients."""
    size = table.size
    kept = {x: mask(size) & ~plane for x, plane in gone.items()}
    flags = {x: unpack(plane, size) for x, plane in gone.items()}
    truths, numbers, words = {}, {}, {}
    for name in gone:
        if name in table.truths:
            own = table.truths[name]
            truths[name] = Planes(own.t & kept[name], own.f & kept[name])
        elif name in table.words:
            said = table.words[name]
            codes = np.where(flags[name], -1, said.codes).astype(np.int32)
            words[name] = Codes(codes, said.words)
        else:
            numbers[name] = np.where(flags[name], np.nan, table.number(name))
    return table.with_columns(Table(size, truths, numbers, words))
