"""Visits, laboratory values and courses that stand side by side in one row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from myoresist.cohort.draft import answers
from myoresist.cohort.draft.guess import Found, Guess, lab_side
from myoresist.cohort.draft.parts import Line, Side
from myoresist.cohort.draft.profile import Profile
from myoresist.cohort.draft.vocabulary import OfLab
from myoresist.cohort.draft.wide import tagged
from myoresist.resistance.response.visits import DATE, ON_TREATMENT, PATIENT, POPULATION

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_MEASURES = (DATE, PATIENT, "week", POPULATION, ON_TREATMENT, "weight_kg")


@dataclass
class _Lab:
    found: OfLab
    value: str | None = None
    limit: str | None = None


@dataclass
class _Visit:
    """What stands beside each other of one visit: the date, measures, laboratory values."""

    date: str | None = None
    measures: dict[str, str] = field(default_factory=dict)
    labs: dict[str, _Lab] = field(default_factory=dict)


@dataclass
class Beside:
    """Finds what stands side by side in a table of patients or visits."""

    guess: Guess
    ours: str
    one: Found

    def of(self, lines: list[Line]) -> list[Line]:
        """Add rows to the draft, and return the lines of the columns that make none.

        Args:
            lines: what each column is by itself.
        """
        self.lines = {x.theirs: x for x in lines}
        visits: dict[str, _Visit] = {}
        if self.ours == "patients":
            for line in lines:
                if line.ours is None:
                    self._of_visit(line, visits)
            self._single(lines, visits)
        labs = self._labs([x for x in self.lines.values() if x.ours is None])
        date = next((x.theirs for x in lines if x.ours == DATE), None)
        for one in labs.values():
            # A value without a date may be of any day.
            self._lab(one, date if self.ours == "visits" else None)
        for tag, visit in visits.items():
            self._visit(tag, visit)
        if self.ours == "patients":
            self._courses()
        return list(self.lines.values())

    def courses(self, columns: list[str]) -> list[Line]:
        """Add the courses of a table to the draft, and return the lines of the columns that make none."""
        self.lines = {x: self.guess.unnamed(self._profile(x)) for x in columns}
        self._courses()
        return list(self.lines.values())

    def _take(self, *columns: str) -> None:
        """Leave out of the lines what makes rows; what is one of ours besides stays."""
        for name in columns:
            if self.lines.get(name, Line("", None, "")).ours is None:
                self.lines.pop(name, None)

    def _point(self, note: str, *columns: str | None) -> None:
        """Say of columns that are left out where they are asked about."""
        for name in columns:
            if name and name in self.lines and self.lines[name].ours is None:
                self.lines[name] = Line(name, None, note)

    def _add(self, table: str, side: Side) -> None:
        if table == "treatments":
            side = replace(side, origin=self.ours)
        self.guess.draft.rows.setdefault(table, []).append(side)

    def _of_visit(self, line: Line, visits: dict[str, _Visit]) -> None:
        parts = tagged(line.theirs)
        if parts is None:
            return
        words = self.guess.vocabulary
        ours = words.exact("visits", parts.name) or self.guess._enzyme(parts.name)
        lab = words.lab(parts.name)
        if ours == PATIENT or (ours is None and lab is None):
            return
        visit = visits.setdefault(parts.visit, _Visit())
        if ours == DATE:
            visit.date = line.theirs
        elif ours is not None:
            self._measure(line.theirs, ours, visit)
        elif lab is not None:
            own = visit.labs.setdefault(lab.test.id, _Lab(lab))
            self._fill(own, lab, line.theirs)

    def _single(self, lines: list[Line], visits: dict[str, _Visit]) -> None:
        """Take measures without a visit for those of the day that the row has."""
        date = next((x.theirs for x in lines if x.ours == DATE), None)
        date = date or next(
            (
                x.theirs
                for x in lines
                if x.ours is None
                and self.guess.vocabulary.exact("visits", x.theirs) == DATE
                and self.guess.fitting.of("visits", DATE, self._profile(x.theirs)).ours
            ),
            None,
        )
        visit = _Visit(date)
        for line in lines:
            ours = self.guess.vocabulary.exact("visits", line.theirs)
            if line.ours is None and ours and ours not in _NO_MEASURES:
                self._measure(line.theirs, ours, visit)
        if visit.measures:
            visits[""] = visit

    def _profile(self, name: str) -> Profile:
        return self.one.columns[name]

    def _measure(self, theirs: str, ours: str, visit: _Visit) -> None:
        column = self._profile(theirs)
        fit = self.guess.fitting.of("visits", ours, column)
        fit = self.guess.of_one_scale(self.one, column, fit)
        if fit.ours is None:
            self.lines[theirs] = Line(theirs, None, fit.note, ours)
        elif fit.ours not in visit.measures.values():
            visit.measures[theirs] = fit.ours

    def _fill(self, own: _Lab, lab: OfLab, theirs: str) -> None:
        if lab.limit:
            own.limit = own.limit or theirs
        elif own.value is None:
            own.value, own.found = theirs, lab

    def _labs(self, lines: list[Line]) -> dict[str, _Lab]:
        found: dict[str, _Lab] = {}
        for line in lines:
            lab = self.guess.vocabulary.lab(line.theirs)
            if lab is not None and (lab.limit or self._profile(line.theirs).numbers):
                self._fill(found.setdefault(lab.test.id, _Lab(lab)), lab, line.theirs)
        return found

    def _lab(self, one: _Lab, date: str | None) -> None:
        if one.value is None or not self._profile(one.value).numbers:
            return
        side = lab_side(one.found, one.value, one.limit, date, self.ours)
        if not side.sure:
            units = ", ".join(one.found.test.units)
            span = self._profile(one.value).span
            side = replace(
                side,
                constants={**side.constants, "unit": "?"},
                note=f"in which unit ({units})? values {span}",
            )
            self._point(f"{one.found.test.id} in which unit? See labs under rows", one.value)
            self._point(f"the upper limit of {one.found.test.id}? See labs under rows", one.limit)
        else:
            self._take(*(x for x in (one.value, one.limit) if x))
        self._add("labs", side)

    def _visit(self, tag: str, visit: _Visit) -> None:
        date = visit.date
        dated = date is not None and (
            self.guess.fitting.of("visits", DATE, self._profile(date)).ours is not None
        )
        note = f"visit {tag}, by their names" if tag else "by their names, on the day of the row"
        if visit.measures:
            columns = {**({date: DATE} if date else {}), **visit.measures}
            if not dated:
                note += "; on which day? Name the column of its date, too"
            self._add("visits", Side(columns, {}, note, self.ours, dated))
            if dated:
                self._take(str(date), *visit.measures)
            else:
                self._point("at which day? See visits under rows", date, *visit.measures)
        for one in visit.labs.values():
            self._lab(one, date if dated else None)
        if visit.labs and not visit.measures:
            self._point("the day of laboratory values? See labs under rows", date)

    def _courses(self) -> None:
        """Add courses of drugs, of which start, stop or whether they were ever taken stand side by side."""
        found: dict[str, dict[str, str]] = {}
        for line in list(self.lines.values()):
            if line.ours is None:
                drug = self.guess.vocabulary.drug(line.theirs)
                if drug is not None:
                    found.setdefault(drug.drug, {}).setdefault(drug.role, line.theirs)
        for name, roles in found.items():
            self._course(name, roles)

    def _course(self, drug: str, roles: dict[str, str]) -> None:
        asked = list(self._doubts(roles))
        dates = {roles[x]: x for x in ("start", "stop") if x in roles}
        if "start" in roles and not asked:
            self._add("treatments", Side(dates, {"drug": drug}, "by their names"))
            self._take(*dates)
            self._point(
                f"of the course of {drug} under rows, which says it, too", roles.get("taken")
            )
        elif "start" in roles:
            said = Side(dates, {"drug": drug}, "; ".join(asked), sure=False)
            self._add("treatments", said)
            self._point(f"a course of {drug}? See treatments under rows", *roles.values())
        elif "taken" in roles:
            self._taken(drug, roles["taken"])

    def _doubts(self, roles: dict[str, str]) -> Iterator[str]:
        for role in ("start", "stop"):
            if role in roles:
                fit = self.guess.fitting.of("treatments", role, self._profile(roles[role]))
                if fit.ours is None and (role == "start" or self._profile(roles[role]).said):
                    yield fit.note

    def _taken(self, drug: str, theirs: str) -> None:
        """Add a course of which is only known whether there was one."""
        said = answers.yes_no(self._profile(theirs), self.guess.vocabulary)
        values = self._profile(theirs).values
        yes = {x: y for x, y in said.values.items()} | {
            x: x.lower().replace("true", "yes") for x in values if x.lower() in ("yes", "true")
        }
        if said.asked or "yes" not in yes.values():
            note = said.asked or "no answer says yes"
            self.lines[theirs] = Line(theirs, None, f"{drug}, by its name; {note}", f"drug {drug}")
            return
        named = {x: drug if yes.get(x) == "yes" else "" for x in sorted({*yes, *values})}
        self.guess.draft.values.setdefault("treatments", {})[theirs] = named
        self._add(
            "treatments", Side({theirs: "drug"}, {}, "by its name: whether it was ever taken")
        )
        self._take(theirs)
