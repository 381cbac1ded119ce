"""Page one of one patient after the other: the plain witness of what ``consult`` does for all at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from myoresist.arrays.planes import value_at
from myoresist.consult.choose import NEXT, Chosen
from myoresist.consult.compile import BARRED, EACH, HOLD, LEAD
from myoresist.consult.given import NOW
from myoresist.consult.pages import Pages
from myoresist.consult.schema import ActionLine, Line, Section

Held = dict[Section, list[Chosen]]


class OnePage:
    """The page of one patient."""

    def __init__(self, pages: Pages, row: int) -> None:
        self.found, self.row, self.page = pages.found, row, pages.page(row)
        self.data = self.found.consult.data
        self.kind = self.found.state_of(row).page

    def lines(self) -> Held:
        """Return the lines that fit: while there are too many words, the last line of a section goes."""
        rules, held = self.data.page, self.chosen()
        for section, lines in held.items():
            pairs = {x for x in lines if x.line.each == BARRED and self.page.told_of_pair(x)}
            held[section] = [x for x in lines if x not in pairs]
        while self.words(held) > rules.words[self.kind] and any(held[x] for x in rules.trim):
            for section in rules.trim:
                if held[section]:
                    held[section].pop()
                    if self.words(held) <= rules.words[self.kind]:
                        break
        return held

    def words(self, held: Held) -> int:
        """Count the words of a page."""
        texts = [self.page.bottom]
        for section, lines in held.items():
            texts += self.page.written(section, lines)
        return sum(len(x.split()) for x in texts)

    def chosen(self) -> Held:
        """Return the lines before the words are counted."""
        most = self.data.page.most[self.kind]
        held: Held = {x: [] for x in most}
        seen: set[tuple[str, str]] = set()
        for section, line in self.data.lines():
            if not self.true(f"{section}.{line.id}"):
                continue
            for one in self.each(section, line):
                if len(held[section]) < most[section] and one.about not in seen:
                    held[section].append(one)
                    seen.add(one.about)
        return held

    def true(self, column: str) -> bool:
        """Tell whether a column is true of the patient."""
        return value_at(self.found.table.truth(column), self.row) is True

    def each(self, section: Section, line: Line) -> Iterator[Chosen]:
        """Yield a line once for each treatment or disease that it is about."""
        rule = f"{section}.{line.id}"
        verb = line.verb if isinstance(line, ActionLine) else None
        if line.each is None:
            names = ("object", "explanation", "finding")
            about = next((x for x in map(vars(line).get, names) if x), "")
            yield Chosen(section, line, rule, verb, about)
            return
        for place, name in enumerate(islice(self.members(line.each), line.most)):
            other = self.instead(name) if verb == "start" else None
            yield Chosen(section, line, rule, "switch" if other else verb, name, other, place)

    def members(self, family: str) -> Iterator[str]:
        """Yield the members of a family: those on the lists first and in their order, late ones last."""
        if family == LEAD:
            yield from self.found.diseases_of(self.row)
            return
        members = [
            x for x in self.found.consult.families[family] if self.true(f"{EACH}{family}.{x}")
        ]
        found = self.found.listed
        ranks = dict(zip(found.options, found.rank[:, self.row].tolist(), strict=True))
        listed = sorted((x for x in members if ranks.get(x, -1) >= 0), key=ranks.__getitem__)
        gone: set[str] = set()
        if family == NEXT:
            for number, one in enumerate(self.data.holds):
                gone |= set(one.treatments) if self.true(f"{HOLD}{number}") else set()
        order = dict.fromkeys((*listed, *members))
        for name in sorted(order, key=lambda x: x in self.data.page.late):
            if name not in gone:
                yield name
                if family == NEXT:
                    gone |= {x for group in self.data.page.replaces if name in group for x in group}

    def instead(self, name: str) -> str | None:
        """Return the treatment whose place a new one takes."""
        page = self.data.page
        for pair in page.never_together:
            if name in pair:
                (other,) = (x for x in pair if x != name)
                if self.true(NOW + other):
                    return other
        for group in page.replaces:
            if name in group:
                for other in group:
                    if other != name and self.true(f"{EACH}gone.{other}"):
                        return other
        return None
