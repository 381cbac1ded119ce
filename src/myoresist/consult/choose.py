"""Which lines stand on the pages of N patients, before the words are counted.

Line after line in the order of the page, each for all patients at once: a line is taken where its rule is
true, its section has room and nothing has said the same before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.planes import pack, unpack, unpack_rows
from myoresist.consult.compile import EACH, HOLD, LEAD
from myoresist.consult.evaluate import Consults
from myoresist.consult.given import NOW
from myoresist.consult.schema import SECTIONS, ActionLine, FindingLine, Line, ReasonLine, Section

NEXT = "next"
"""The family of treatments that may be begun: of two that take each other's place only one is."""
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Chosen:
    """A line as it stands on a page.

    Attributes:
        rule: the column of its rule.
        object: of an action, the explanation of a reason, the finding of a change or question.
        instead_of: the treatment whose place a new one takes.
        place: which of those it is for which the line is said.
    """

    section: Section
    line: Line
    rule: str
    verb: str | None
    object: str
    instead_of: str | None = None
    place: int = 0

    @property
    def about(self) -> tuple[str, str]:
        """Return what must not be said twice."""
        return self.verb or self.section, self.object


@dataclass(frozen=True)
class Lines:
    """The lines of N patients.

    Attributes:
        lines: every line that stands on a page.
        placed: which of them stand in each section of each page, by number, (places, N); -1 is none.
    """

    lines: Sequence[Chosen]
    placed: Mapping[Section, Places]

    def where(self) -> Iterator[tuple[Chosen, Places, Places]]:
        """Yield each line with the patients on whose pages it stands, and its place with each."""
        for placed in self.placed.values():
            place, row = np.nonzero(placed >= 0)
            number = placed[place, row]
            order = np.argsort(number, kind="stable")
            begins = np.flatnonzero(np.diff(number[order], prepend=-1))
            for begin, end in pairwise([*begins.tolist(), len(order)]):
                own = order[begin:end]
                yield self.lines[number[own[0]]], row[own], place[own]


def choose(found: Consults) -> Lines:
    """Choose the lines of every patient."""
    proposals = _Proposals(found)
    room = {x: _Room(found.most(x)) for x in SECTIONS}
    seen: dict[tuple[str, str], int] = {}
    lines: list[Chosen] = []
    for section, line in found.consult.data.lines():
        for one, true in proposals.of(section, line):
            before = seen.get(one.about, 0)
            if here := true & room[section].free & ~before:
                room[section].take(len(lines), here)
                lines.append(one)
                seen[one.about] = before | here
    return Lines(lines, {section: one.placed for section, one in room.items()})


class _Room:
    """What stands in a section of each page, and who has room for more."""

    def __init__(self, most: Places) -> None:
        self.most, self.count = most, np.zeros(len(most), np.intp)
        self.placed = np.full((most.max(initial=0), len(most)), -1)
        self.free = pack(most > 0)

    def take(self, number: int, here: int) -> None:
        """Put a line on the pages of some patients."""
        rows = np.flatnonzero(unpack(here, len(self.most)))
        self.placed[self.count[rows], rows] = number
        self.count[rows] += 1
        self.free = pack(self.count < self.most)


@dataclass(frozen=True)
class _Proposals:
    """Every line for every treatment or disease that it may be about."""

    found: Consults
    _orders: dict[str, list[dict[str, int]]] = field(default_factory=dict)

    def of(self, section: Section, line: Line) -> Iterator[tuple[Chosen, int]]:
        """Yield a line once for all that it is about, with the patients of whom its rule is true."""
        rule = f"{section}.{line.id}"
        verb = line.verb if isinstance(line, ActionLine) else None
        true = self.found.table.truth(rule).t
        if line.each is None:
            yield Chosen(section, line, rule, verb, _object(line)), true
        elif true:
            for place, names in enumerate(self._in_order(line.each)[: line.most]):
                for name, held in names.items():
                    rest = true & held
                    for other, gone in self._instead(name) if verb == "start" else ():
                        yield Chosen(section, line, rule, "switch", name, other, place), rest & gone
                        rest &= ~gone
                    yield Chosen(section, line, rule, verb, name, None, place), rest

    def _in_order(self, family: str) -> list[dict[str, int]]:
        """Return who is at the first place of a family with whom, at the second, and so on."""
        if family not in self._orders:
            names, row, member = self._diseases() if family == LEAD else self._members(family)
            place = _place_in(row)
            size = self.found.table.size
            self._orders[family] = [
                {
                    names[one]: _plane(row[at & (member == one)], size)
                    for at in (place == number,)
                    for one in np.unique(member[at]).tolist()
                }
                for number in range(int(place.max(initial=-1)) + 1)
            ]
        return self._orders[family]

    def _diseases(self) -> tuple[Sequence[str], Places, Places]:
        """Return the diseases that lead: their names, and by patient and place who has which."""
        row, place = np.nonzero(self.found.diseases.T >= 0)
        return self.found.leading.diseases.names, row, self.found.diseases[place, row]

    def _members(self, family: str) -> tuple[Sequence[str], Places, Places]:
        """Return the same of a family of treatments: those on the lists first, and in their order."""
        found, page = self.found, self.found.consult.data.page
        true = {
            x: found.table.truth(f"{EACH}{family}.{x}").t for x in found.consult.families[family]
        }
        names = [name for name, plane in true.items() if plane]
        member, row = np.nonzero(unpack_rows([true[x] for x in names], found.table.size))
        late = np.array([name in page.late for name in names], bool)[member]
        last = found.listed.rank.max(initial=0) + 1
        rank = found.listed.ranks(names, last)[member, row]
        order = np.argsort(((row * 2 + late) * (last + 1) + rank) * len(names) + member)
        row, member = row[order], member[order]
        if family == NEXT:
            kept = self._apart(names, row, member)
            row, member = row[kept], member[kept]
        return names, row, member

    def _apart(self, names: Sequence[str], row: Places, member: Places) -> NDArray[np.bool_]:
        """Return which treatments are proposed: none that is held, or of which another takes the place."""
        found, data = self.found, self.found.consult.data
        gone = np.zeros((len(names), found.table.size), bool)
        for number, one in enumerate(data.holds):
            held = unpack(found.table.truth(f"{HOLD}{number}").t, found.table.size)
            gone[np.array([x in one.treatments for x in names], bool)] |= held
        groups = np.array([[x in group for group in data.page.replaces] for x in names], np.intp)
        alike = groups @ groups.T > 0
        kept, place = np.zeros(len(row), bool), _place_in(row)
        for number in range(int(place.max(initial=-1)) + 1):
            at = np.flatnonzero(place == number)
            at = at[~gone[member[at], row[at]]]
            kept[at] = True
            gone[:, row[at]] |= alike[:, member[at]]
        return kept

    def _instead(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield each treatment whose place a new one may take, and with whom; the first one counts."""
        page, table = self.found.consult.data.page, self.found.table
        for pair in page.never_together:
            if name in pair:
                (other,) = (x for x in pair if x != name)
                yield other, table.truth(NOW + other).t
        for group in page.replaces:
            if name in group:
                yield from ((x, table.truth(f"{EACH}gone.{x}").t) for x in group if x != name)


def _object(line: Line) -> str:
    match line:
        case ActionLine():
            return line.object or ""
        case ReasonLine():
            return line.explanation
        case FindingLine():
            return line.finding
    raise TypeError(f"{line.id} is no line of a section")


def _place_in(row: Places) -> Places:
    """Return which one each is of its row; equal rows stand together."""
    first = np.flatnonzero(np.diff(row, prepend=-1))
    place: Places = np.arange(len(row)) - np.repeat(first, np.diff(first, append=len(row)))
    return place


def _plane(rows: Places, size: int) -> int:
    flags = np.zeros(size, bool)
    flags[rows] = True
    return pack(flags)
