"""Which of the chosen lines fit on the pages of N patients, by the number of their words.

Texts are made once for all patients for whom they are the same; how a text reads, ``texts.Page`` says alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myoresist.arrays.grids import alike, upwards
from myoresist.arrays.planes import unpack, unpack_rows
from myoresist.consult.choose import Chosen, Lines, choose
from myoresist.consult.compile import BARRED, BESIDE, CARE, DOSE, EACH
from myoresist.consult.evaluate import Consults
from myoresist.consult.given import FAILED, GIVEN, PARTLY, WORKED
from myoresist.consult.leading import RENAMED
from myoresist.consult.schema import Section
from myoresist.consult.texts import ALLERGIC, MOST_NAMED, Names, Page, parts_of

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Pages:
    """The pages of N patients.

    Attributes:
        found: what ``Consult.evaluate`` returned.
        names: what things are called; how long the texts are decides how many lines fit.
    """

    found: Consults
    names: Names

    def page(self, row: int) -> Page:
        """Return the words of the page of one patient."""
        return Page(self.found, row, self.names)

    def lines(self, row: int) -> dict[Section, list[Chosen]]:
        """Return the lines on the page of one patient."""
        return {
            section: [self.chosen.lines[x] for x in held[:, row].tolist() if x >= 0]
            for section, held in self.placed.items()
        }

    @cached_property
    def chosen(self) -> Lines:
        """Return the lines that could stand there, but for those that another line says as well."""
        found = choose(self.found)
        placed = dict(found.placed)
        for one, rows, places in found.where():
            if one.line.each == BARRED:
                held = placed[one.section].copy()
                gone = [self.page(row).told_of_pair(one) for row in rows.tolist()]
                held[places[gone], rows[gone]] = -1
                placed[one.section] = held
        return Lines(found.lines, {x: upwards(held) for x, held in placed.items()})

    @cached_property
    def placed(self) -> Mapping[Section, Numbers]:
        """Return the numbers of the lines of each section that fit, (places, N); -1 is none."""
        kept = self._kept()
        return {
            section: np.where(np.arange(len(held))[:, None] < kept[section], held, -1)
            for section, held in self.chosen.placed.items()
        }

    def _kept(self) -> dict[Section, Numbers]:
        """Return how many lines of each section fit: while there are too many words, the last one goes."""
        rules = self.found.consult.data.page
        kept = {x: (held >= 0).sum(axis=0) for x, held in self.chosen.placed.items()}
        words = self._words()
        rows = np.arange(self.found.table.size)
        count = self._of_bottom() + sum(held[kept[x], rows] for x, held in words.items())
        most = self.found.by_page(lambda page: rules.words[page])
        while True:
            before = sum(held.sum() for held in kept.values())
            for section in rules.trim:
                held = kept[section]
                gone = np.flatnonzero((count > most) & (held > 0))
                count[gone] -= (
                    words[section][held[gone], gone] - words[section][held[gone] - 1, gone]
                )
                held[gone] -= 1
            if before == sum(held.sum() for held in kept.values()):
                return kept

    def _words(self) -> dict[Section, Numbers]:
        """Return how many words the first lines of each section have together, (lines, N), from none on."""
        rules, chosen = self.found.consult.data.page, self.chosen
        words = {
            x: np.zeros((len(held) + 1, held.shape[1]), np.int64)
            for x, held in chosen.placed.items()
        }
        for one, rows, places in chosen.where():
            words[one.section][places + 1, rows] = self._of_line(one, rows)
        # Questions have a word before the first of them.
        words["ask"][1:2] += self.found.by_page(lambda page: len(rules.foot[page].split()))
        return {section: np.cumsum(held, axis=0) for section, held in words.items()}

    def _of_line(self, one: Chosen, rows: Numbers) -> Numbers:
        """Return how many words a line has with some patients."""
        parts = parts_of(one)
        columns = [self._lead[rows]] if "lead" in parts else []
        if "dose" in parts:
            columns.append(self._dose(one.object)[rows])
        if "care" in parts:
            columns.append(self._care(one.object)[rows])
        if parts & {"care", "allergic"}:
            columns.append(self._allergic[rows])
        if "reason" in parts:
            columns.append(np.arange(len(rows)))
        return self._count(rows, columns, lambda page: page.text(one))

    def _of_bottom(self) -> Numbers:
        """Return how many words the bottom line of each patient has."""
        found = self.found
        every = np.arange(found.table.size)
        names = {name: place for place, name in enumerate(dict.fromkeys(found.leading.labels))}
        labels = np.array([names[x] for x in found.leading.labels], np.int64)
        beside = self._same(f"{BESIDE}{n}" for n in range(len(found.consult.data.page.beside)))
        who = [found.certainty, self._lead, beside, self._same([RENAMED]), labels]
        # Of names that stand in a sentence only their number of words counts.
        tried, given = self._named(FAILED, PARTLY), self._named(GIVEN)
        how = [found.state, np.where(tried > 0, tried, given), self._named(WORKED), labels]
        return self._count(every, who, lambda page: page.disease) + self._count(
            every, how, lambda page: page.course
        )

    def _count(
        self, rows: NDArray[np.intp], columns: list[Numbers], text: Callable[[Page], str]
    ) -> Numbers:
        """Count the words of a text once for all patients of whom the columns that it reads say the same."""
        first, group = alike(columns, len(rows))
        words = [len(text(self.page(row)).split()) for row in rows[first].tolist()]
        return np.array(words, np.int64)[group]

    @cached_property
    def _lead(self) -> Numbers:
        """Return a number for what each page acts on."""
        return alike(self.found.diseases + 1, self.found.table.size)[1]

    def _dose(self, treatment: str) -> Numbers:
        """Return which is the first dose that a treatment is given in, from 1 on; 0 is none."""
        doses = enumerate(self.found.consult.data.doses)
        own = [f"{DOSE}{n}" for n, one in doses if one.treatment == treatment]
        found = np.zeros(self.found.table.size, np.int64)
        for number, rule in reversed(list(enumerate(own, 1))):
            found[self._true(rule)] = number
        return found

    def _care(self, treatment: str) -> Numbers:
        """Return a number for the cautions of a treatment that hold."""
        cautions = enumerate(self.found.consult.data.cautions)
        return self._same(f"{CARE}{n}" for n, one in cautions if treatment in one.treatments)

    @cached_property
    def _allergic(self) -> Numbers:
        """Return a number for the treatments that an allergy keeps from each page."""
        return self._same(f"{EACH}{ALLERGIC}.{x}" for x in self.found.consult.families[ALLERGIC])

    def _named(self, *told: str) -> Numbers:
        """Return how many words the names of the drugs are of which one of some things is told."""
        drugs = self.found.told(told)
        count = drugs.sum(axis=0)
        counted = count > MOST_NAMED
        packed = np.packbits(drugs & ~counted, axis=0).astype(np.int64)
        columns = [np.where(counted, count, 0), *packed]
        return self._count(np.arange(len(count)), columns, lambda page: page.named(*told))

    def _same(self, columns: Iterable[str]) -> Numbers:
        """Return a number for what is true of some columns."""
        size = self.found.table.size
        planes = [plane for x in columns if (plane := self.found.table.truth(x).t)]
        packed = np.packbits(unpack_rows(planes, size), axis=0).astype(np.int64)
        return alike(packed, size)[1]

    def _true(self, column: str) -> NDArray[np.bool_]:
        return unpack(self.found.table.truth(column).t, self.found.table.size)
