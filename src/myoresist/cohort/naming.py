"""The tables that were found, under our names and with our values, as a mapping file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from myoresist.cohort.folder import Found, SourceError, columns_of
from myoresist.cohort.names import Names, coded, dated, pointed, renamed
from myoresist.cohort.opened import Source
from myoresist.cohort.postgres import Address
from myoresist.cohort.redcap import ORIGIN, Export, plain_headers
from myoresist.cohort.redcap_project import RECORD, RECORD_LABEL, Project
from myoresist.cohort.schema import KEPT, ROW, CodesNamed, Schema
from myoresist.cohort.spreading import joined, of_itself, of_patient, said, spread_out, wrong
from myoresist.document import DocumentError
from myoresist.resistance.response.visits import PATIENT

_NAMED = 8
"""Columns that a message names."""
NAME_IT = " (a mapping file may name it, or leave it out with null; --draft-mapping proposes one)"
DATES = ("date", "partial_date")
_NO_CELL = (pl.List, pl.Array, pl.Struct, pl.Binary, pl.Duration, pl.Time, pl.Object)


@dataclass
class Naming:
    """Gives what was found our names."""

    names: Names
    schema: Schema
    path: Path | Address
    mapping: Path | None
    found: Found
    codes_named: CodesNamed = False
    long: pl.LazyFrame | None = None

    def source(self) -> Source:
        """Return the source, or say what of the mapping fits nothing."""
        problems = [
            ("tables." + ours, f"{theirs} is not in {self.path}")
            for ours, theirs in self.names.tables.items()
            if theirs is not None and ours not in self.found.tables
        ]
        if self.names.partial:
            frames = self.found.tables.items()
            there = {x: columns_of(y, f"{self.path}: {x}").names() for x, y in frames}
            self._suits(there["patients"])
            self.names = self.names.fitted(there, self.schema)
        self._redcap(problems)
        tables: dict[str, pl.LazyFrame] = {}
        left_out: dict[str, tuple[str, ...]] = {}
        coded_: dict[tuple[str, str], pl.LazyFrame] = {}
        values: dict[tuple[str, str], tuple[str, ...]] = {}
        held_by = {
            x: columns_of(y, f"{self.path}: {x}").names() for x, y in self.found.tables.items()
        }
        strange = [x for table in self.names.rows for x in wrong(self.names, table, held_by)]
        if strange:
            # A table is not read before it is known which of its columns make rows of others.
            raise DocumentError(self.names.problem(self.mapping, *x) for x in problems + strange)
        for table, frame in self.found.tables.items():
            held = columns_of(frame, f"{self.path}: {table}")
            if of_itself(self.names, table):
                continue
            problems += self.names.unmatched(table, held.names())
            tables[table], left_out[table] = self._own(frame, held, table)
            for theirs in held.names():
                ours = self.names.columns_of(table).get(theirs) or theirs
                named = self.names.values_of(table, theirs, ours)
                if named:
                    coded_[table, ours] = frame.select(coded(pl.col(theirs)))
                    values[table, ours] = tuple(named)
        for table in self.names.rows:
            coded_ |= self._coded_rows(table, values)
            made = [*self._spread(table), *([tables[table]] if table in tables else [])]
            made = [x.drop(ROW, strict=False) for x in made] if len(made) > 1 else made
            tables[table], left_out[table] = joined(made), left_out.get(table, ())
        # One mapping file may serve several exports.
        self.found.unread += [
            f"{self.mapping}: {part}.{table}: there is no such table in this source"
            for part, named in (
                ("columns", self.names.columns), ("values", self.names.values),
                ("constants", self.names.constants),
            )
            for table in named
            if table not in self.found.tables and table not in self.names.rows
        ]  # fmt: skip
        if problems:
            raise DocumentError(self.names.problem(self.mapping, *one) for one in problems)
        return Source(
            tables, self._paths(), left_out, tuple(self.found.notes), tuple(self.found.unread),
            self.codes_named, coded_, values,
        )  # fmt: skip

    def _suits(self, held: Sequence[str]) -> None:
        """Refuse a mapping for other exports than this one.

        Args:
            held: the columns of the table of patients.
        """
        named = [*self.names.columns_of("patients"), *spread_out(self.names, "patients")]
        if named and not set(named) & set(held):
            raise SourceError(
                f"{self.path}: patients: has none of the columns that {self.mapping and self.mapping.name}"
                f" names ({listed(named)}); it has {listed(held)}; --draft-mapping proposes a mapping file"
            )

    def _spread(self, table: str) -> Iterator[pl.LazyFrame]:
        """Yield the rows of a table that stand side by side in those of others."""
        known = self.schema.tables[table]
        for number, one in enumerate(self.names.rows[table]):
            frame = self.found.tables[one.origin]
            if one.origin == "patients" and self.long is not None:
                # Each event of a patient may make rows.
                frame = self.long
            held = columns_of(frame, f"{self.path}: {one.origin}")
            who = of_patient(self.names, one.origin, held)
            kept = {str(who): PATIENT, **one.columns}
            constants = {**self.names.constants.get(table, {}), **one.constants}
            needed = [x for x, y in known.items() if y.needed and x not in constants]
            lacking = [x for x in needed if x not in kept.values()]
            if lacking:
                raise SourceError(f"{self.mapping}: rows.{table}.{number}: lacks {lacking[0]}")
            constants = {x: y for x, y in constants.items() if x not in kept.values()}
            yield said(self._named(frame, held, table, kept, constants, {}), one, table)

    def _coded_rows(
        self, table: str, values: dict[tuple[str, str], tuple[str, ...]]
    ) -> dict[tuple[str, str], pl.LazyFrame]:
        """Return the columns of rows whose values are named, and add these values."""
        found = {}
        for one in self.names.rows[table]:
            for theirs, ours in one.columns.items():
                named = self.names.values_of(table, theirs, ours)
                if named:
                    found[table, theirs] = self.found.tables[one.origin].select(
                        coded(pl.col(theirs))
                    )
                    values[table, theirs] = tuple(named)
        return found

    def _redcap(self, problems: list[tuple[str, str]]) -> None:
        """Give repeated instruments tables of their own, and open what was never filled in."""
        found = self.found.tables["patients"]
        self.codes_named = self.names.codes_named
        held = columns_of(found, f"{self.path}: patients").names()
        found = found.rename({x: y for x, y in plain_headers(held).items()})
        export = Export(columns_of(found, f"{self.path}: patients").names())
        if not export and RECORD not in export.columns and RECORD_LABEL not in export.columns:
            problems += [
                (f"repeated.{one}", "is no instrument of an export of REDCap")
                for one in self.names.repeated
            ]
            return
        frame, export, there, ours = self._of_project(found, export)
        if not (export or ours):
            # A number called record_id makes no export of REDCap.
            return
        # The rows of a table are then fewer than those of the file.
        frame = frame.with_row_index(ORIGIN, offset=1)
        repeated = {name.lower(): table for name, table in self.names.repeated.items()}
        mine = {**self.names.columns_of("patients")}
        ids = [x for x in export.columns if x == PATIENT or mine.get(x) == PATIENT]
        for name, rows in there.items():
            if name not in repeated:
                self.found.unread.append(
                    f"{rows} rows of the repeated instrument {name}: are not read; a mapping file may "
                    f"say repeated: {{{name}: labs}} and which of its columns are ours"
                )
        of_others: set[str] = set()
        for name, table in repeated.items():
            if name not in there:
                problems.append((f"repeated.{name}", "no row of the export is of this instrument"))
                continue
            if table in self.found.tables:
                problems.append((f"repeated.{name}", f"{table} is a table of the source already"))
                continue
            own = [x for x in self.names.columns_of(table) if x in export.columns]
            of_others |= set(own)
            renamed_ids = {x: PATIENT for x in ids}
            rows_ = export.of(frame, name).select(*ids, *(x for x in own if x not in ids), ORIGIN)
            self.found.tables[table] = rows_.rename(renamed_ids)
        gone = {*export.system(), *of_others} - {x for x, ours in mine.items() if ours}
        gone -= self.names.kept.keys()
        kept = [x for x in export.columns if x not in gone]
        self.long = export.own(frame).with_columns(export.opened())
        opened = export.of_events(self.long, ids[0]) if ids else self.long
        self.found.tables["patients"] = opened.select(*kept, ORIGIN)
        self.names = self.names.model_copy(
            update={
                "columns": {
                    **self.names.columns,
                    "patients": {x: y for x, y in mine.items() if x not in gone},
                }
            }
        )

    def _of_project(
        self, found: pl.LazyFrame, export: Export
    ) -> tuple[pl.LazyFrame, Export, Mapping[str, int], bool]:
        """Name what is of the project of ``redcap_project``; what a mapping file says goes first.

        The last of what is returned tells whether the table is of that project.
        """
        project = Project(self.schema)
        mapped = self.names.columns_of("patients")
        if RECORD_LABEL in export.columns and RECORD_LABEL not in mapped:
            labels = {x: project.labels[x] for x in export.columns if x in project.labels}
            named = Export([labels.get(x, x) for x in export.columns])
            if project.names(named.columns, ()):
                found, export = found.rename(labels), named
        there = export.instruments(found)
        ours = project.names(export.columns, there) if RECORD not in mapped else None
        if ours is not None:
            self.names = self.names.over(ours)
        return found, export, there, ours is not None

    def _own(
        self, frame: pl.LazyFrame, held: pl.Schema, table: str
    ) -> tuple[pl.LazyFrame, tuple[str, ...]]:
        """Return a table with our names and values, and what of it is left out."""
        named, known = self.names.columns_of(table), self.schema.tables[table]
        held = pl.Schema({x: y for x, y in held.items() if x != ORIGIN})
        numbers = [pl.col(ORIGIN).alias(ROW)] if ORIGIN in frame.collect_schema() else []
        left_out = tuple(x for x in held if x in named and named[x] is None)
        carried = self.names.kept if table == "patients" else {}
        only = {x for x in carried if x not in known and not named.get(x)}
        only |= {x for x in spread_out(self.names, table) if x not in known and not named.get(x)}
        left_out = tuple(x for x in left_out if x not in carried)
        kept = {x: named.get(x) or x for x in held if x not in left_out and x not in only}
        constants = {
            x: y for x, y in self.names.constants.get(table, {}).items() if x not in kept.values()
        }
        carried = {x: KEPT + name for x, name in carried.items()}
        return self._named(frame, held, table, kept, constants, carried, numbers), left_out

    def _named(
        self,
        frame: pl.LazyFrame,
        held: pl.Schema,
        table: str,
        kept: Mapping[str, str],
        constants: Mapping[str, str],
        carried: Mapping[str, str],
        numbers: Sequence[pl.Expr] = (),
    ) -> pl.LazyFrame:
        """Return rows with our names and values.

        Args:
            frame: the rows.
            held: their columns.
            table: of ours.
            kept: for each of their columns ours.
            constants: what every row holds.
            carried: columns that are only carried through, with their new names.
            numbers: the numbers of the rows, where they have some.
        """
        known = self.schema.tables[table]
        where = f"{self.path}: {table}"
        unfit = self.schema.unfit(table, [*kept.values(), *constants])
        if unfit:
            help_ = "" if set(kept.values()) <= known.keys() else NAME_IT
            raise SourceError(f"{where}: {unfit}{help_}")
        decimal = {"comma": ",", "point": "."}.get(self.names.decimal or "")
        assumed = decimal is None and table in self.found.decimal
        selected = []
        for theirs, ours in kept.items():
            kind = held[theirs]
            if isinstance(kind, _NO_CELL):
                raise SourceError(
                    f"{where}: column {theirs} holds {kind}, which is no value of a table"
                    " (a mapping file may leave it out with null)"
                )
            values = self.names.values_of(table, theirs, ours)
            codes = self.names.codes(table, theirs, ours)
            column = pl.col(theirs)
            if ours != PATIENT and (values or codes):
                column = renamed(column, kind, values, codes, known[ours])
            if known[ours].kind == "number" and (values or kind == pl.String):
                column = pointed(column, "," if assumed else decimal, assumed)
            written = kind == pl.String or kind.is_numeric()
            if self.names.dates and written and known[ours].kind in DATES:
                column = dated(column, self.names.dates)
            selected.append(column.alias(ours))
        selected += [
            pl.col(theirs).cast(pl.String).str.strip_chars().replace("", None).alias(name)
            for theirs, name in carried.items()
        ]
        selected += [pl.lit(value).alias(name) for name, value in constants.items()]
        return frame.select(*selected, *numbers)

    def _paths(self) -> dict[str, Path]:
        """Return the files that are read by their names; parts of different tables may share one."""
        root = self.found.root
        found = {(x.relative_to(root).as_posix() if root else x.name): x for x in self.found.files}
        if self.mapping:
            found[self.mapping.name] = self.mapping
        return dict(sorted(found.items()))


def listed(names: Sequence[str]) -> str:
    """Return some names in words, with how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
