"""What the tables of a registry may hold, and how each kind of cell is read.

A cell that cannot be read becomes unknown and is reported; what a row cannot do without rejects the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

from myoresist.arrays.words import Words, categories
from myoresist.case.terms import Terms
from myoresist.resistance.response.visits import (
    DATE,
    ON_TREATMENT,
    PATIENT,
    POPULATION,
    POPULATIONS,
)

Kind = Literal["text", "number", "yes_no", "date", "partial_date", "word"]
ROW = "row"
"""Number of a row in the table that came in, from 1."""
SYNTHETIC = "synthetic-"
"""What the id of a made-up patient begins with."""
YES, NO, UNKNOWN = (
    ("yes", "true", "1", "y"),
    ("no", "false", "0", "n"),
    ("", "unknown", "na", "null"),
)
_PARTIAL = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
_NO_YEAR = "0000"


@dataclass(frozen=True)
class Column:
    """One column: its kind, the words or range that it may hold, and whether a row needs it."""

    kind: Kind
    words: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    needed: bool = False
    text: str = ""

    def read(self, name: str, held: pl.DataType) -> pl.Expr:
        """Return the value of a cell in its type, NULL where it is empty, unknown or cannot be read."""
        raw = pl.col(name)
        plain = raw.cast(pl.String).str.strip_chars()
        empty = plain.str.to_lowercase().is_in(UNKNOWN)
        match self.kind:
            case "number":
                number = raw if held.is_numeric() else plain
                value = number.cast(pl.Float64, strict=False).fill_nan(None)
                fits = value.is_finite()
                if self.minimum is not None:
                    fits &= value >= pl.lit(self.minimum)
                if self.maximum is not None:
                    fits &= value <= pl.lit(self.maximum)
                return pl.when(fits).then(value)
            case "yes_no":
                if held == pl.Boolean:
                    return raw
                said = plain.str.to_lowercase().str.strip_suffix(".0")
                return pl.when(said.is_in(YES)).then(True).when(said.is_in(NO)).then(False)
            case "date":
                if held == pl.Date:
                    return raw
                if isinstance(held, pl.Datetime):
                    return raw.dt.date()
                return plain.str.to_date("%Y-%m-%d", strict=False)
            case "partial_date":
                day = plain.str.to_date("%Y-%m-%d", strict=False)
                good = (
                    plain.str.contains(_PARTIAL)
                    & ~plain.str.starts_with(_NO_YEAR)
                    & ((plain.str.len_chars() < 10) | day.is_not_null())
                )
                if isinstance(held, pl.Datetime):
                    return raw.dt.date().cast(pl.String)
                return pl.when(good).then(plain)
            case "word":
                said = plain.str.to_lowercase()
                known = {word.lower(): word for word in self.words}
                return said.replace_strict(known, default=None, return_dtype=pl.String)
            case _:
                return pl.when(~empty).then(plain)

    def strange(self, name: str, held: pl.DataType) -> pl.Expr:
        """Return whether a cell holds something that cannot be read."""
        raw = pl.col(name)
        if held.is_float():
            raw = raw.fill_nan(None)
        plain = raw.cast(pl.String).str.strip_chars().str.to_lowercase()
        said = plain.is_not_null() & ~plain.is_in(UNKNOWN)
        return said & self.read(name, held).is_null()

    @property
    def expected(self) -> str:
        """Say what may be written."""
        limits = ""
        if self.minimum is not None or self.maximum is not None:
            limits = f" from {self.minimum:g} to {self.maximum:g}"
        return {
            "text": "text",
            "number": f"a number{limits}",
            "yes_no": "yes, no or unknown",
            "date": "a date such as 2023-05-17",
            "partial_date": "a date such as 2023-05-17, 2023-05 or 2023",
            "word": ", ".join(self.words),
        }[self.kind]


@dataclass(frozen=True)
class Schema:
    """The tables of a registry with their columns."""

    terms: Terms

    @cached_property
    def tables(self) -> Mapping[str, Mapping[str, Column]]:
        """Return every table with its columns."""
        patient = Column("text", needed=True)
        return {
            "patients": {PATIENT: patient, **self._patients()},
            "findings": {
                PATIENT: patient,
                "finding": Column("text", needed=True),
                "value": Column("text"),
            },
            "labs": {
                PATIENT: patient,
                "test": Column("text", needed=True),
                "value": Column("number", needed=True),
                "unit": Column("text", needed=True),
                "upper_limit": Column("number"),
                DATE: Column("partial_date"),
            },
            "antibodies": {
                PATIENT: patient,
                "antibody": Column("text", needed=True),
                "method": Column("text"),
                "result": Column("word", (*self.terms.results.words,)),
                "value": Column("number"),
                "cut_off": Column("number"),
                DATE: Column("partial_date"),
            },
            "treatments": {
                PATIENT: patient,
                "drug": Column("text", needed=True),
                "dose": Column("number"),
                "unit": Column("text"),
                "frequency": Column("text"),
                "route": Column("text"),
                "start": Column("partial_date"),
                "stop": Column("partial_date"),
                "ongoing": Column("yes_no"),
                "weeks": Column("number"),
                "response": Column("word", ("none", "partial", "good", "unknown")),
                "reason_stopped": Column(
                    "word", ("no effect", "side effect", "remission", "other", "unknown")
                ),
                "weight_kg": self._weight,
            },
            "visits": {PATIENT: patient, DATE: Column("date", needed=True), **self._visits()},
        }

    @property
    def _weight(self) -> Column:
        limits = self.terms.sections.weight_kg
        return Column("number", minimum=limits.minimum, maximum=limits.maximum)

    def _patients(self) -> Mapping[str, Column]:
        labels = self.terms.catalogue["diagnosis_label"].choices
        return {
            DATE: Column("partial_date"),
            "label": Column("word", labels),
            "final_diagnosis": Column("text"),
            "sex": Column("word", (*self.terms.sections.sex, "unknown")),
            "tempo": Column("word", (*self.terms.sections.tempo, "unknown")),
            "weight_kg": self._weight,
            "treatments_complete": Column("yes_no"),
            "baseline": Column("date"),
            **{one.id: self.finding(one.id) for one in self.terms.catalogue},
        }

    def _visits(self) -> Mapping[str, Column]:
        found = {
            POPULATION: Column("word", POPULATIONS),
            ON_TREATMENT: Column("yes_no"),
            "weight_kg": self._weight,
        }
        for measure in self.terms.measures:
            for name, factor in measure.columns.items():
                # A range in the unit in which this column is written.
                found[name] = Column(
                    "number", minimum=measure.minimum / factor, maximum=measure.maximum / factor
                )
            for name in measure.limit_columns:
                found[name] = Column("number")
            if measure.multiple_column:
                found.setdefault(measure.multiple_column, Column("number"))
        return found

    def finding(self, name: str) -> Column:
        """Return the column of a finding."""
        one = self.terms.catalogue[name]
        if one.kind == "number":
            return Column("number", minimum=one.minimum, maximum=one.maximum)
        if one.kind == "category":
            return Column("word", one.choices)
        return Column("date" if one.kind == "date" else "yes_no")

    def nearest(self, table: str, column: str) -> str | None:
        """Return the column most like one that is not known."""
        if table == "patients":
            near = self.terms.catalogue.nearest(column)
            if near:
                return near
        from difflib import get_close_matches

        found = get_close_matches(column, self.tables[table], n=1)
        return found[0] if found else None

    def unfit(self, table: str, columns: Sequence[str]) -> str | None:
        """Return why a table with these columns cannot be read, or None."""
        known = self.tables[table]
        strange = [x for x in columns if x not in known]
        if strange:
            near = self.nearest(table, strange[0])
            return f"column {strange[0]} is not known" + (f"; did you mean {near}?" if near else "")
        twice = [x for x in columns if columns.count(x) > 1]
        if twice:
            return f"{min(twice)} is there twice"
        if table == "visits":
            for measure in self.terms.measures:
                same = [x for x in measure.columns if x in columns]
                if len(same) > 1:
                    return f"{' and '.join(same)} are one measure; give one"
        needed = [x for x, one in known.items() if one.needed and x not in columns]
        return f"column {needed[0]} is missing" if needed else None

    def typed(self, table: str, columns: Iterable[str]) -> dict[str, type[pl.DataType]]:
        """Return the type of columns of a table once they are read."""
        kinds: Mapping[Kind, type[pl.DataType]] = {
            "number": pl.Float64,
            "yes_no": pl.Boolean,
            "date": pl.Date,
        }
        return {x: kinds.get(self.tables[table][x].kind, pl.String) for x in columns}


def cleaned(frame: pl.DataFrame, table: str, schema: Schema) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the cells of a table.

    Args:
        frame: rows as they came in, with ``row``; every other column is one of the table.
        table: which table it is.
        schema: what the table may hold.

    Returns:
        The rows that can be used, typed, with every column of the table that came in; and what was rejected:
        ``table``, ``row``, ``patient_id``, ``column``, ``value``, ``reason``, ``whole_row``.
    """
    columns = {x: schema.tables[table][x] for x in frame.columns if x != ROW}
    rejected = []
    read = _read(frame, columns)
    # Only a cell that was there and is not any more can be one that cannot be read.
    for name in [x for x in columns if read[x].null_count() > frame[x].null_count()]:
        column = columns[name]
        strange = frame.filter(column.strange(name, frame.schema[name]))
        if strange.height:
            whole = column.needed or table not in ("patients", "visits")
            reason = f"write {column.expected}"
            rejected.append(_rejection(strange, table, name, reason, whole))
    for name, column in schema.tables[table].items():
        if column.needed and read[name].null_count():
            said = [x for one in rejected for x in one.filter("whole_row")[ROW]]
            missing = frame.filter(read[name].is_null()).filter(~pl.col(ROW).is_in(said))
            if missing.height:
                rejected.append(_rejection(missing, table, name, "is empty", True))
    if not rejected:
        return read, empty_rejections()
    out = pl.concat(rejected)
    bad = out.filter("whole_row")[ROW].unique()
    return read.filter(~pl.col(ROW).is_in(bad.implode())), out


def _read(frame: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Return the values of every column; of one that repeats its texts, each different text is read once."""
    held = frame.schema
    repeats = {
        name: Words.of_runs(frame[name]) if name == PATIENT else Words.of(frame[name])
        for name, column in columns.items()
        if (held[name] == pl.String and column.kind != "number")
        or (held[name] == pl.Date and column.kind == "partial_date")
    }
    read = frame.select(
        ROW,
        *(columns[x].read(x, held[x]).alias(x) for x in columns if x not in repeats),
    ).to_dict()
    for name, words in repeats.items():
        told = words.texts.rename(name).to_frame().select(columns[name].read(name, pl.String()))
        value = told.to_series()
        if value.dtype == pl.String and name != PATIENT:
            value = categories(value)
        read[name] = words.read(value).alias(name)
    return pl.DataFrame({name: read[name] for name in (ROW, *columns)})


def empty_rejections() -> pl.DataFrame:
    """Return a table of rejections without any."""
    return pl.DataFrame(
        schema={
            "table": pl.String, ROW: pl.Int64, PATIENT: pl.String, "column": pl.String,
            "value": pl.String, "reason": pl.String, "whole_row": pl.Boolean,
        }
    )  # fmt: skip


def rejections(frame: pl.DataFrame, table: str, column: str, reason: str) -> pl.DataFrame:
    """Return whole rows as rejected, for a reason that is not in a single cell."""
    return _rejection(frame, table, column, reason, True)


def _rejection(
    frame: pl.DataFrame, table: str, column: str, reason: str, whole: bool
) -> pl.DataFrame:
    given = frame.columns
    patient = pl.lit(None, pl.String)
    if PATIENT in given:
        # Inside a batch a patient is a number.
        number = frame.schema[PATIENT].is_integer()
        patient = pl.col(PATIENT) if number else pl.col(PATIENT).cast(pl.String)
    return frame.select(
        table=pl.lit(table),
        row=pl.col(ROW).cast(pl.Int64),
        patient_id=patient,
        column=pl.lit(column),
        value=pl.col(column).cast(pl.String) if column in given else pl.lit(None, pl.String),
        reason=pl.lit(reason),
        whole_row=pl.lit(whole),
    )
