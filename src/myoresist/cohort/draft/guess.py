"""What the tables and columns of a registry may be here; what is not sure is only asked about."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import polars as pl

from myoresist.cohort.draft.codes import codes_of
from myoresist.cohort.draft.fitting import Fit, Fitting
from myoresist.cohort.draft.parts import Draft, Line, Side
from myoresist.cohort.draft.profile import Calendar, Profile, decimal_of
from myoresist.cohort.draft.scales import groupings, mixed
from myoresist.cohort.draft.spelling import plain, snake
from myoresist.cohort.draft.vocabulary import OfLab, Vocabulary
from myoresist.cohort.draft.wide import tagged
from myoresist.resistance.response.visits import DATE, PATIENT

TEXTS: Mapping[str, str] = {"labs": "test", "antibodies": "antibody", "treatments": "drug"}
"""The column of a list that says what each row is about."""
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "labs": ("test", "value", "unit"), "antibodies": ("antibody",), "findings": ("finding", "value"),
    "treatments": ("drug",), "medicines": ("drug",), "visits": (DATE,), "patients": (),
}  # fmt: skip
_UNNAMED = "not recognised"
_NESTED = "holds lists or objects inside its cells, which are not read; write them as columns or as a table"
_HALF = 0.5
_OF_A_LIST = 3
"""Further columns by whose names a table is a list, whatever its words are."""
_SCALES = {"max", "maximum", "scale", "range", "unit", "skala", "version", "echelle", "escala"}
"""Parts of a header that tell on which scale a measure stands."""
_LIKE = 0.8
"""How alike a word must be to the name of a test or an antibody to be proposed (0 to 1)."""


@dataclass(frozen=True)
class Found:
    """A table of theirs.

    Attributes:
        name: of the table, or of a repeated instrument of an export of REDCap.
        file: what it is called where it lies.
        columns: what they look like.
        rows: those that were looked at.
        export: whether its rows are those of the patients themselves in such an export, one an event.
        repeated: whether it is such an instrument.
    """

    name: str
    file: str
    columns: Mapping[str, Profile]
    rows: pl.DataFrame
    export: bool = False
    repeated: bool = False

    def without(self, columns: Container[str]) -> Found:
        """Return the table without some columns."""
        kept = {x: y for x, y in self.columns.items() if x not in columns}
        return replace(self, columns=kept)


@dataclass
class Guess:
    """Guesses what some tables are."""

    vocabulary: Vocabulary
    tables: Sequence[Found]
    draft: Draft
    fitting: Fitting = field(init=False)

    def __post_init__(self) -> None:
        """Find out how numbers, dates and missing values are written in all tables."""
        every = [x for one in self.tables for x in one.columns.values()]
        calendar = Calendar.of(every)
        self.fitting = Fitting(self.vocabulary, calendar)
        self.draft.dates, self.draft.doubted = calendar.forms, calendar.doubted
        decimal, both = decimal_of(every)
        self.draft.decimal = "both" if both else decimal

    def made(self) -> Draft:
        """Return the draft, once every table is placed."""
        placed: dict[str, Found] = {}
        beside: list[Found] = []
        for one in sorted(self.tables, key=lambda x: (snake(x.name) not in _NEEDS, -x.rows.width)):
            ours, why = self.kind(one)
            if ours == "patients" and ours in placed and self._names_drugs(one):
                beside.append(one)
            elif ours is None or ours in placed:
                why = f"is {ours} as {placed[ours].name} is, by its columns" if ours else why
                self._leave(one, why)
            else:
                placed[ours] = one
        for one in beside:
            if "treatments" in placed:
                self._leave(one, "is courses side by side, by its columns, beside a list of them")
            else:
                placed["treatments"] = one
                self._of_courses(one)
        of_instruments: set[str] = set()
        for ours, one in sorted(placed.items(), key=lambda x: not x[1].repeated):
            if one.repeated and self.place(ours, one):
                of_instruments |= one.columns.keys() - {self.ids(one)}
            elif not one.repeated and one not in beside:
                self.place(ours, one.without(of_instruments) if one.export else one)
        self.draft.codes = tuple(codes_of(self.draft, placed, self.vocabulary.schema))
        return self.draft

    def _names_drugs(self, one: Found) -> bool:
        """Tell whether a table of one row a patient is about drugs, each in columns of its own."""
        return not one.export and sum(self.vocabulary.drug(x) is not None for x in one.columns) > 1

    def _of_courses(self, one: Found) -> None:
        """Place a further table of one row a patient, whose columns tell which drugs were taken."""
        from myoresist.cohort.draft.beside import Beside

        who = str(self.ids(one))
        lines = Beside(self, "treatments", one).courses([x for x in one.columns if x != who])
        self.draft.tables["treatments"] = one.name
        self.draft.lines["treatments"] = [Line(who, PATIENT, "by its name"), *lines]

    def _leave(self, one: Found, why: str) -> None:
        """Leave a table out, and say why."""
        (self.draft.unplaced if one.repeated else self.draft.ignored)[one.file] = why

    def ids(self, one: Found) -> str | None:
        """Return the column of a table that holds the ids of patients."""
        known = [x for x in one.columns if self.vocabulary.exact("patients", x) == PATIENT]
        # Of several the longest name says most: patient_id goes before id.
        return max(known, key=lambda x: (snake(x) == PATIENT, len(x)), default=None)

    def kind(self, one: Found) -> tuple[str | None, str]:
        """Return which table of ours one is, or why none."""
        who = self.ids(one)
        if who is None:
            return None, "no column is known to hold the ids of patients"
        if snake(one.name) in _NEEDS:
            return snake(one.name), ""
        for ours, about in TEXTS.items():
            column = self._about(one, ours, about)
            if column is not None and (
                self._speaks_of(ours, column)
                or (ours == "treatments" and self._is_list(ours, about, one))
            ):
                return ours, ""
        ids = one.rows[who].drop_nulls()
        if one.export or (ids.is_unique().all() and not one.repeated):
            return "patients", ""
        exact = {self.vocabulary.exact("visits", x) for x in one.columns}
        if DATE in exact and len(exact - {DATE, PATIENT, None}):
            return "visits", ""
        return None, "its ids are there several times, and it is no list that is known"

    def _about(self, one: Found, ours: str, about: str) -> Profile | None:
        named = (y for x, y in one.columns.items() if self.vocabulary.exact(ours, x) == about)
        return next(named, None)

    def _is_list(self, ours: str, about: str, one: Found) -> bool:
        """Tell whether a table is a list by its other columns, as one of drugs in free text is."""
        if snake(one.name) in _NEEDS or one.export:
            return False
        others = {self.vocabulary.exact(ours, x) for x in one.columns} - {None, PATIENT, about}
        return len(others) >= _OF_A_LIST

    def _speaks_of(self, ours: str, column: Profile) -> bool:
        name = TEXTS[ours]
        known = sum(
            n
            for x, n in column.said.items()
            if self.vocabulary.reads(ours, name, x)
            or self.vocabulary.translated(ours, name, x)
            or self._like(ours, x)
        )
        return bool(column.said) and known >= _HALF * sum(column.said.values())

    def place(self, ours: str, one: Found) -> bool:
        """Say what the columns of a table are; tell whether it has all that it needs."""
        lines = [self._line(ours, x, one) for x in self._ordered(ours, one)]
        taken: dict[str, str] = {}
        for place, line in enumerate(lines):
            if line.ours in taken:
                note = f"{line.ours}, as {taken[line.ours]} is, by its name"
                lines[place] = Line(line.theirs, None, note, line.ours)
            elif line.ours:
                taken[line.ours] = line.theirs
        lacking = [x for x in _NEEDS[ours] if x not in taken]
        if lacking:
            why = f"is {ours}, by its columns, but which one is {' and '.join(lacking)}?"
            self._leave(one, why)
            return False
        (self.draft.repeated if one.repeated else self.draft.tables).update(
            {one.name: ours} if one.repeated else {ours: one.name}
        )
        if ours == "visits":
            lines = self._limits(lines, list(one.columns))
        if ours in ("patients", "visits"):
            lines = self._beside(ours, one, lines)
        if one.repeated:
            # Its rows are known by the column of ids of the patients.
            lines = [x for x in lines if x.ours != PATIENT]
        self.draft.lines[ours] = lines
        kept = {x.theirs for x in lines if x.ours}
        for table in (self.draft.values, self.draft.strange):
            own = table.get(ours, {})
            for theirs in [x for x in own if x in one.columns and x not in kept]:
                del own[theirs]
        if ours in TEXTS:
            self._likely_words(ours, one)
        return True

    def _ordered(self, ours: str, one: Found) -> list[Profile]:
        """Return the columns, those first that are called as ours are."""
        who = self.ids(one)
        own = self.vocabulary.schema.tables[ours]
        return sorted(one.columns.values(), key=lambda x: (x.name != who, snake(x.name) not in own))

    def _line(self, table: str, column: Profile, one: Found) -> Line:
        """Say what a column is by itself."""
        header = column.name
        if self.vocabulary.exact("patients", header) == PATIENT:
            return Line(header, PATIENT, "by its name")
        ours = self.vocabulary.exact(table, header)
        if ours is None and table == "patients":
            ours = self.vocabulary.antibody(header)
        if ours is None and table == "visits":
            ours = self._enzyme(header)
        if ours is not None:
            fit = self.of_one_scale(one, column, self.fitting.of(table, ours, column))
            return self._fitted(table, column, fit, ours)
        parts = tagged(header)
        asked = self.vocabulary.asked(header)
        asked = asked or (self.vocabulary.asked(parts.name) if parts else None)
        span = f"; {column.span}" if column.span else ""
        if asked:
            return Line(header, None, asked + span)
        if table == "patients" and self.vocabulary.is_kept(header):
            self.draft.keep += (header,)
            return Line(header, None, "goes through to every table: see keep")
        near = self.vocabulary.near(table, header)
        if near:
            return Line(header, None, f"perhaps {near[0]}, as it is like {near[1]}", near[0])
        return self.unnamed(column)

    def unnamed(self, column: Profile) -> Line:
        """Return what is said of a column that is not recognised."""
        span = f"; {column.span}" if column.span else ""
        return Line(column.name, None, (_NESTED if column.nested else _UNNAMED) + span)

    def _fitted(self, table: str, column: Profile, fit: Fit, guess: str) -> Line:
        if fit.ours is None:
            return Line(column.name, None, fit.note, guess)
        if fit.values:
            self.draft.values.setdefault(table, {})[column.name] = fit.values
        if fit.strange:
            self.draft.strange.setdefault(table, {})[column.name] = fit.strange
        return Line(column.name, fit.ours, fit.note)

    def of_one_scale(self, one: Found, column: Profile, fit: Fit) -> Fit:
        """Return a fit, or what to ask where groups write a measure on different scales."""
        if fit.lower is not None:
            patients = [x for x in self.tables if x is not one and self.ids(x)]
            of_one = next((y for y in patients if y.rows[str(self.ids(y))].is_unique().all()), None)
            for by, groups in groupings(one, column.name, self.ids(one), of_one, self._of_group):
                said = mixed(column.name, one.rows, groups, fit.lower)
                if said:
                    asked = f"{fit.ours} on one scale? By {by}: {said}"
                    return Fit(None, f"{asked}; write it as one before, in two columns")
        return fit

    def _of_group(self, header: str, measure: str) -> bool:
        """Tell whether a header names a group, such as the site, or the scale of a measure."""
        parts = {*snake(header).split("_")}
        named = set(snake(measure).split("_")) & parts and _SCALES & parts
        return self.vocabulary.is_kept(header) or (header != measure and bool(named))

    def _enzyme(self, header: str) -> str | None:
        """Return the column of a visit that holds an enzyme in the unit that a header names."""
        found = self.vocabulary.lab(header)
        if found is None or found.unit is None:
            return None
        unit = {"ul": "u_l", "iul": "u_l", "μkatl": "ukat_l", "ukatl": "ukat_l", "nkatl": "nkat_l"}
        end = unit.get(plain(found.unit))
        name = f"{found.test.id}_uln_{end}" if found.limit else f"{found.test.id}_{end}"
        return name if name in self.vocabulary.schema.tables["visits"] else None

    def _limits(self, lines: list[Line], order: Sequence[str]) -> list[Line]:
        """Return the columns of visits, with the limits of enzymes in the units of their values.

        Args:
            lines: what the columns are.
            order: the columns as they stand in the table; a mere limit may be that of the one before.
        """
        kept = {x.ours: x.theirs for x in lines if x.ours}
        measures = [x for x in self.vocabulary.schema.terms.measures if x.enzyme]
        limits = {
            x: y for one in measures for x, y in zip(one.columns, one.limit_columns, strict=True)
        }
        before = dict(pairwise(order[::-1]))
        named = {x.theirs: x.ours for x in lines}
        found = []
        for line in lines:
            limit = limits.get(named.get(before.get(line.theirs, "")) or "")
            if line.ours is None and limit and self.vocabulary.is_limit(line.theirs):
                asked = f"the upper limit of {before[line.theirs]}, which stands before it?"
                line = Line(line.theirs, None, asked, limit)
            lab = self.vocabulary.lab(line.theirs) if line.ours is None else None
            if lab and lab.limit and lab.unit is None:
                one = next((x for x in measures if x.id == lab.test.id), None)
                pairs = zip(one.columns, one.limit_columns, strict=True) if one else ()
                for value, limit in pairs:
                    if value in kept and limit not in kept:
                        kept[limit] = line.theirs
                        line = Line(
                            line.theirs, limit, f"by its name, in the unit of {kept[value]}"
                        )
            found.append(line)
        return found

    def _likely_words(self, ours: str, one: Found) -> None:
        """Note what the words of a list may be that are no test, antibody or drug."""
        column = self._about(one, ours, TEXTS[ours])
        if column is not None:
            strange = self.draft.strange.get(ours, {}).get(column.name, ())
            near = {x: self._like(ours, x) for x in strange}
            self.draft.near[ours] = {x: y for x, y in near.items() if y}

    def _like(self, ours: str, word: str) -> str | None:
        """Return the test, antibody or drug that a word is like."""
        terms = self.vocabulary.schema.terms
        if ours == "treatments":
            return terms.nearest_drug(word)
        return (terms.nearest_lab if ours == "labs" else terms.nearest_antibody)(word, _LIKE)

    def _beside(self, ours: str, one: Found, lines: list[Line]) -> list[Line]:
        """Find visits, laboratory values and courses that stand side by side, and return the other lines."""
        from myoresist.cohort.draft.beside import Beside

        return Beside(self, ours, one).of(lines)


def lab_side(found: OfLab, value: str, limit: str | None, date: str | None, origin: str) -> Side:
    """Return a laboratory value that stands side by side with others."""
    columns = {value: "value"}
    if limit:
        columns[limit] = "upper_limit"
    if date:
        columns[date] = DATE
    unit = found.unit
    if unit is None:
        units = {x: y for x, y in found.test.units.items()}
        # Several spellings of one unit leave no doubt.
        unit = next(iter(units)) if len(set(units.values())) == 1 else None
    constants = {"test": found.test.id, **({"unit": unit} if unit else {})}
    note = "by its name" + (" and unit" if found.unit else "")
    return Side(columns, constants, note, origin, unit is not None)
