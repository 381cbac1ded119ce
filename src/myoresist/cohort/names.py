"""The mapping file: what foreign tables, columns and values are called here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import BeforeValidator, Field, PrivateAttr

from myoresist.case.cells import Column
from myoresist.cohort.omop.site import Site
from myoresist.cohort.schema import CodesNamed, Schema
from myoresist.document import DocumentError, Problem, did_you_mean, read_document
from myoresist.knowledge.schema import Check, Entry, validated

NOT_MAPPED = "{} (the mapping does not say what it means)"
_TWO_MEANINGS = ("0", "1", "y", "n")
"""Codes of yes and no that mean something else in many a code book, so that a mapping has to name them."""
_CODE = r"^([+-]?)0*(\d+(?:\.\d*[1-9])?)\.?0*$"
_COMMA, _LONG_COMMA = r"^[+-]?\d+,\d+$", r"^[+-]?\d+,(?:\d{1,2}|\d{4,})$"
_GROUPS = {",": r"^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$", ".": r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"}
_THOUSANDTHS = r"^([+-]?\d+\.\d{3})$"
SPREADSHEET = "spreadsheet"
"""The form of a date that is the number of a day, as a spreadsheet counts from 1900."""
_FIRST_DAY, _DAY_NUMBER = date(1899, 12, 30), r"^[1-9]\d{4}(?:\.0*)?$"
_DATE_FORM = re.compile(r"(?!.*%Y.*%Y)(?=.*%Y)(?:[^%]|%[Ymd])+")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value) if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word)]
Words = Annotated[
    tuple[Word, ...], BeforeValidator(lambda value: value if isinstance(value, list) else [value])
]


class Spread(Entry):
    """Columns of one row of theirs that make a row of a table of ours.

    Attributes:
        origin: the table of ours whose rows they stand in, as it is named in ``tables``.
        columns: for each of their columns ours.
        constants: for each of our columns what such a row holds.
    """

    origin: str = Field("patients", alias="from")
    columns: Mapping[str, str] = Field(min_length=1)
    constants: Mapping[str, Word] = {}

    def fitted(self, held: Collection[str], needed: Collection[str]) -> Iterator[Spread]:
        """Yield this of the columns that are there, if those that a row cannot do without are among them."""
        there = {x: y for x, y in self.columns.items() if x in held}
        asked = set(needed) & set(self.columns.values())
        if there and asked <= set(there.values()):
            yield self.model_copy(update={"columns": there})


class Names(Entry):
    """A mapping file.

    Attributes:
        tables: for each of our tables the name of theirs, or nothing to leave it out.
        columns: for each of our tables: for each of their columns ours, or nothing to leave it out.
        values: for each of our tables and columns (by their name or ours): for each of their values ours.
        constants: for each of our tables and columns: what every row holds.
        missing: codes that stand for a missing value, for all columns, by table, or by table and column (by
            their name or ours); where none is named the usual ones are asked about.
        decimal: what stands before the decimals of a number.
        encoding: the letters of files of text that are not UTF-8, where they leave a doubt.
        rows: for each of our tables the rows that stand side by side in one row of theirs.
        repeated: for each repeated instrument of a REDCap export the table of ours that its rows belong to.
        dates: how dates are written, such as ``%d.%m.%Y`` or ``%m/%Y``, or ``SPREADSHEET``; those of ISO 8601
            are read besides.
        keep: columns of the table of patients that are carried through to every table, such as the site; or
            for each of theirs what to call it.
        ignore: files and tables of the source that are not meant to be read.
        about: what the file is for.
        check: how its names were checked.
        partial: whether columns that are not there are no mistake, as in a file for several exports.
        omop: what concepts of a site's own say in an OMOP CDM.
    """

    tables: Mapping[str, str | None] = {}
    columns: Mapping[str, Mapping[str, str | None]] = {}
    values: Mapping[str, Mapping[str, Mapping[str, Word]]] = {}
    constants: Mapping[str, Mapping[str, Word]] = {}
    missing: Mapping[str, Mapping[str, Words] | Words] | Words | None = None
    decimal: Literal["point", "comma"] | None = None
    encoding: Literal["cp1252", "cp1250", "iso8859-15", "mac-roman"] | None = None
    rows: Mapping[str, tuple[Spread, ...]] = {}
    repeated: Mapping[str, str] = {}
    dates: Words = ()
    keep: Mapping[str, str] | tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    about: str | None = None
    check: Check | None = None
    partial: bool = False
    omop: Site | None = None
    _lines: Mapping[str, int] = PrivateAttr({})

    @classmethod
    def read(cls, path: Path | None, schema: Schema) -> Names:
        """Read a mapping file, or return one that names nothing.

        Raises:
            DocumentError: for what cannot be used.
        """
        if path is None:
            return cls()
        document = read_document(path)
        found = validated(cls, document.data, document)
        found._lines = {".".join(map(str, x)): line for x, line in document.lines.items()}
        problems = [found.problem(path, *one) for one in found._strange(schema)]
        if problems:
            raise DocumentError(problems)
        return found

    def problem(self, path: Path | None, place: str, message: str) -> Problem:
        """Return what is wrong with an entry, with the line on which it or what it belongs to stands."""
        near = place
        while near and near not in self._lines:
            near = near.rpartition(".")[0]
        return Problem(str(path), self._lines.get(near) if near else None, place, message)

    def wanted(self, schema: Schema) -> dict[str, str]:
        """Return for each of our tables that is not left out the name of theirs."""
        named = {ours: self.tables.get(ours, ours) for ours in schema.tables}
        return {ours: theirs for ours, theirs in named.items() if theirs is not None}

    def codes(self, table: str, theirs: str, ours: str) -> tuple[str, ...]:
        """Return the codes for a missing value in a column."""
        found = self.missing or ()
        if isinstance(found, Mapping):
            found = found.get(table, ())
        if isinstance(found, Mapping):
            return (*found.get(theirs, ()), *(found.get(ours, ()) if ours != theirs else ()))
        return found

    @property
    def codes_named(self) -> CodesNamed:
        """Return of which columns codes for a missing value are named, by the names of ours."""
        if not isinstance(self.missing, Mapping):
            return self.missing is not None
        if not any(isinstance(x, Mapping) for x in self.missing.values()):
            return True
        found: set[str] = set()
        for table, codes in self.missing.items():
            if not isinstance(codes, Mapping):
                found.add(table)
                continue
            for name in codes:
                made = (one.columns.get(name) for one in self.rows.get(table, ()))
                ours = (self.columns_of(table).get(name), *made)
                found |= {f"{table}.{x or name}" for x in ours}
        return frozenset(found)

    def columns_of(self, table: str) -> Mapping[str, str | None]:
        """Return what the columns of a table are called here."""
        return self.columns.get(table, {})

    def values_of(self, table: str, theirs: str, ours: str) -> Mapping[str, str]:
        """Return what the values of a column are here."""
        known = self.values.get(table, {})
        return {**known.get(ours, {}), **known.get(theirs, {})}

    @property
    def kept(self) -> Mapping[str, str]:
        """Return for each column of theirs that is carried through what it is called in the answers."""
        return self.keep if isinstance(self.keep, Mapping) else {x: x for x in self.keep}

    def over(self, other: Names) -> Names:
        """Return these names and, where they say nothing, those of another mapping."""
        columns = {
            x: {**other.columns.get(x, {}), **self.columns.get(x, {})}
            for x in {**other.columns, **self.columns}
        }
        values = {
            x: {**other.values.get(x, {}), **self.values.get(x, {})}
            for x in {**other.values, **self.values}
        }
        repeated = {**other.repeated, **self.repeated}
        missing = self.missing if self.missing is not None else other.missing
        return self.model_copy(
            update={
                "columns": columns, "values": values, "repeated": repeated, "missing": missing,
            }
        )  # fmt: skip

    def fitted(self, held: Mapping[str, Collection[str]], schema: Schema) -> Names:
        """Return these names without what is about columns that are not there.

        Args:
            held: the columns of every table that was found.
            schema: what our tables hold.
        """
        needed = {
            table: [x for x, one in columns.items() if one.needed]
            for table, columns in schema.tables.items()
        }
        columns = {
            table: {x: y for x, y in named.items() if x in held[table]}
            for table, named in self.columns.items()
            if table in held
        }
        rows = {
            table: tuple(
                y for one in several for y in one.fitted(held.get(one.origin, ()), needed[table])
            )
            for table, several in self.rows.items()
        }
        made = {x: {z for one in y for z in one.columns} for x, y in rows.items() if y}
        values = {
            table: {
                x: y for x, y in named.items() if x in {*held.get(table, ()), *made.get(table, ())}
            }
            for table, named in self.values.items()
            if table in held or table in made
        }
        constants = {x: y for x, y in self.constants.items() if x in held or x in made}
        return self.model_copy(
            update={
                "columns": columns, "rows": {x: y for x, y in rows.items() if y}, "values": values,
                "constants": constants,
            }
        )  # fmt: skip

    def unmatched(self, table: str, columns: list[str]) -> Iterator[tuple[str, str]]:
        """Yield every entry about a table that names no column of it, and what to do."""
        for theirs in self.columns_of(table):
            if theirs not in columns:
                hint = did_you_mean(theirs, columns)
                yield f"columns.{table}.{theirs}", f"is no column of this table{hint}"
        ours = {self.columns_of(table).get(one) or one for one in columns}
        ours |= self.of_rows(table)
        for name in self.values.get(table, {}):
            if name not in columns and name not in ours:
                yield f"values.{table}.{name}", f"is no column{did_you_mean(name, [*columns])}"
        for name in self.codes_of_columns(table):
            if name not in columns and name not in ours:
                yield f"missing.{table}.{name}", f"is no column{did_you_mean(name, [*columns])}"
        for theirs in self.kept if table == "patients" else ():
            if theirs not in columns:
                yield (
                    f"keep.{theirs}",
                    f"is no column of this table{did_you_mean(theirs, [*columns])}",
                )
        for name in self.constants.get(table, {}):
            if name in ours:
                yield f"constants.{table}.{name}", "is a column of this table already"

    def of_rows(self, table: str) -> frozenset[str]:
        """Return the columns, theirs and ours, of the rows of a table that stand side by side in others."""
        made = self.rows.get(table, ())
        return frozenset(x for one in made for y in one.columns.items() for x in y) | frozenset(
            x for one in made for x in one.constants
        )

    def codes_of_columns(self, table: str) -> Collection[str]:
        """Return the columns of a table for which codes of a missing value are named."""
        codes = self.missing.get(table) if isinstance(self.missing, Mapping) else None
        return codes.keys() if isinstance(codes, Mapping) else ()

    def _strange(self, schema: Schema) -> Iterator[tuple[str, str]]:
        if self.omop:
            yield from self.omop.strange(schema.tables["visits"], schema.tables["patients"])
        by_table = self.missing if isinstance(self.missing, Mapping) else {}
        for part, names in (
            ("tables", self.tables), ("columns", self.columns), ("values", self.values),
            ("constants", self.constants), ("missing", by_table), ("rows", self.rows),
        ):  # fmt: skip
            for name in names:
                if name not in schema.tables:
                    hint = did_you_mean(name, schema.tables)
                    yield f"{part}.{name}", f"is not a table of ours{hint}"
        for form in self.dates:
            if form != SPREADSHEET and not _DATE_FORM.fullmatch(form):
                said = (
                    f"write %Y for the year, %m for the month and %d for the day, or {SPREADSHEET}"
                )
                yield "dates", f"{form}: {said}"
        for name in self.kept.values():
            if not _PLAIN.fullmatch(name):
                yield (
                    "keep",
                    f"{name}: write a name of letters, figures and _: keep: {{{name}: site}}",
                )
        for instrument, name in self.repeated.items():
            if name not in schema.tables:
                hint = did_you_mean(name, schema.tables)
                yield f"repeated.{instrument}", f"{name} is not a table of ours{hint}"
        for table, columns in self.columns.items():
            for theirs, ours in columns.items():
                if ours is not None and ours not in schema.tables.get(table, {}):
                    said = f"{ours} is not a column{_near(schema, table, ours)}"
                    yield f"columns.{table}.{theirs}", said
        for table, constants in self.constants.items():
            for ours in constants:
                if ours not in schema.tables.get(table, {}):
                    said = f"is not a column{_near(schema, table, ours)}"
                    yield f"constants.{table}.{ours}", said
        yield from self._strange_rows(schema)
        yield from self._strange_values(schema)

    def _strange_values(self, schema: Schema) -> Iterator[tuple[str, str]]:
        """Yield every value of ours that its column cannot hold, and what to write."""
        for table, columns in self.values.items():
            known = schema.tables.get(table, {})
            for theirs, values in columns.items():
                made = [x.columns[theirs] for x in self.rows.get(table, ()) if theirs in x.columns]
                for ours in dict.fromkeys([self.columns_of(table).get(theirs) or theirs, *made]):
                    for value, word in values.items() if ours in known else ():
                        wrong = _no_choice(known[ours], word)
                        if wrong:
                            said = f"{word} is nothing that {ours} can hold; {wrong}"
                            yield f"values.{table}.{theirs}.{value}", said
        constants = [(f"constants.{x}", x, y) for x, y in self.constants.items()]
        constants += [
            (f"rows.{table}.{number}.constants", table, one.constants)
            for table, rows in self.rows.items()
            for number, one in enumerate(rows)
        ]
        for where, table, named in constants:
            for ours, word in named.items():
                column = schema.tables.get(table, {}).get(ours)
                wrong = _no_choice(column, word) if column else None
                if wrong:
                    yield f"{where}.{ours}", f"{word} is nothing that {ours} can hold; {wrong}"

    def _strange_rows(self, schema: Schema) -> Iterator[tuple[str, str]]:
        for table, rows in self.rows.items():
            for number, one in enumerate(rows):
                where = f"rows.{table}.{number}"
                if one.origin not in schema.tables:
                    hint = did_you_mean(one.origin, schema.tables)
                    yield f"{where}.from", f"{one.origin} is not a table of ours{hint}"
                ours = [*one.columns.values(), *one.constants]
                for name in ours:
                    if name not in schema.tables.get(table, {}):
                        yield where, f"{name} is not a column{_near(schema, table, name)}"
                for name in sorted({x for x in ours if ours.count(x) > 1}):
                    yield where, f"{name} is there twice"


def _no_choice(column: Column, word: str) -> str | None:
    """Return what to write instead of a word that a column cannot hold."""
    wrong = column.read(word, codes_named=True).wrong
    return wrong + did_you_mean(word, column.words) if wrong else None


def _near(schema: Schema, table: str, column: str) -> str:
    near = schema.nearest(table, column) if table in schema.tables else None
    return f"; did you mean {near}?" if near else ""


def code(value: str) -> str:
    """Return a code without what people and programs write in different ways: 1, 1.0 and 01 are one."""
    plain = value.strip().lower()
    match = re.match(_CODE, plain)
    return match[1].replace("+", "") + match[2] if match else plain


def coded(column: pl.Expr) -> pl.Expr:
    """Return the same of every cell of a column."""
    plain = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    # A sign alone, as + or ++ of an antibody, is no sign of a number.
    return plain.str.replace(_CODE, "${1}${2}").str.replace(r"^\+(\d)", "${1}")


def renamed(
    column: pl.Expr,
    held: pl.DataType,
    values: Mapping[str, str],
    missing: tuple[str, ...],
    kind: Column | None,
) -> pl.Expr:
    """Return a column with our values; a code for a missing value becomes empty.

    Values are compared and not their spelling. Where a mapping gives codes of a yes or no, a code that it
    does not give is not read as one of ours.
    """
    key = coded(column)
    if values:
        ours = {code(theirs): word for theirs, word in values.items()}
        text = column.cast(pl.String)
        other = text
        if kind is not None and kind.kind == "yes_no":
            other = pl.when(key.is_in(_TWO_MEANINGS)).then(pl.format(NOT_MAPPED, text))
            other = other.otherwise(text)
        column = (
            pl.when(key.is_in(list(ours)))
            .then(key.replace_strict(ours, default=None, return_dtype=pl.String))
            .otherwise(other)
        )
        held = pl.String()
    if missing and held != pl.Boolean and not held.is_temporal():
        column = pl.when(~key.is_in([code(one) for one in missing]).fill_null(False)).then(column)
    return column


def dated(column: pl.Expr, forms: tuple[str, ...]) -> pl.Expr:
    """Return dates written in one of some forms as those of ISO 8601, without a day that they do not have."""
    text = column.cast(pl.String).str.strip_chars()
    found = []
    for form in forms:
        if form == SPREADSHEET:
            number = pl.when(text.str.contains(_DAY_NUMBER)).then(text)
            days = number.cast(pl.Float64, strict=False).cast(pl.Int32)
            found.append((pl.lit(_FIRST_DAY) + pl.duration(days=days)).dt.to_string("%Y-%m-%d"))
            continue
        parts = [x for x in ("%m", "%d") if x not in form]
        whole = pl.concat_str([pl.lit("01 " * len(parts)), text])
        day = whole.str.to_date("".join(f"{x} " for x in parts) + form, strict=False)
        written = "%Y-%m-%d" if not parts else "%Y-%m" if "%m" in form else "%Y"
        found.append(day.dt.to_string(written))
    return pl.coalesce(*found, text)


def pointed(column: pl.Expr, decimal: str | None, assumed: bool) -> pl.Expr:
    """Return numbers as text with a decimal point.

    Args:
        column: cells as text.
        decimal: ``.`` or ``,``; nothing leaves them as they are.
        assumed: whether nobody said so; then three figures behind a comma may be thousands, and stay.
    """
    if decimal is None:
        return column
    plain = column.str.strip_chars()
    if decimal == ",":
        comma = plain.str.contains(_LONG_COMMA if assumed else _COMMA)
        turned = plain.str.replace(",", ".", literal=True)
        if assumed:
            return pl.when(comma).then(turned).otherwise(column)
        grouped = plain.str.contains(_GROUPS[","])
        flat = plain.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        certain = turned.str.replace(_THOUSANDTHS, "${1}0")
        return pl.when(grouped).then(flat).when(comma).then(certain).otherwise(column)
    grouped = plain.str.contains(_GROUPS["."])
    flat = plain.str.replace_all(",", "", literal=True)
    # A fourth figure says that the point is no thousands point.
    return pl.when(grouped).then(flat).otherwise(column.str.replace(_THOUSANDTHS, "${1}0"))
