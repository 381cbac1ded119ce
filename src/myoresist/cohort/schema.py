"""What the tables of a registry may hold, and what their cells say.

A cell that cannot be read becomes unknown and is reported; what a row cannot do without rejects the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, get_args

import polars as pl

from myoresist.arrays.words import Words, categories
from myoresist.case.cells import CODE, CODES, NOTHING, Column, Kind, may_be_thousands
from myoresist.case.responses import ORGANS, Organ, Reason, Response
from myoresist.case.terms import Terms
from myoresist.cohort.ages import BIRTH, ONSET
from myoresist.cohort.as_written import as_written, within
from myoresist.resistance.response.visits import (
    DATE,
    ON_TREATMENT,
    PATIENT,
    POPULATION,
    POPULATIONS,
)

ROW, VALUE = "row", "value"
"""The number of a row in the table that came in, from 1, and what most tables say."""
SYNTHETIC = "synthetic-"
"""What the id of a made-up patient begins with."""
LOWER, ABOVE, AT_LEAST, AT_MOST = "lower_limit", "above", "at_least", "at_most"
BOUNDS = (ABOVE, AT_LEAST, AT_MOST)
"""The lower limit of normal, and the bounds of a value such as <20, which ``written_out`` fills."""
WEEK, FROM_WEEK, TO_WEEK, WEEKS_FROM = "week", "from_week", "to_week", "weeks_from"
"""Weeks of values and courses, and the day of each patient from which they are counted."""
ASSUMED_LIMITS = "assumed_limits"
OF_ORGANS: Mapping[str, Organ] = {f"response_{organ.lower()}": organ for organ in ORGANS}
"""Columns of the responses of single organs."""
ASKED, GROUPED = "?", "~"
"""Ends of names of columns that say which cells of another cannot be read, or may hold thousands."""
_ALONE: Mapping[str, tuple[str, ...]] = {
    "labs": (DATE, WEEK, LOWER, "upper_limit"),
    "antibodies": ("method", "result", "value", "cut_off", DATE),
    "treatments": (
        "weight_kg", "response", FROM_WEEK, TO_WEEK, *OF_ORGANS, "dose", "start", "stop", "ongoing",
        "weeks", "reason_stopped",
    ),
    "medicines": ("start", "stop", "ongoing"),
}  # fmt: skip
"""Columns of lists without which the rest of a row says what it says."""
OF_END = ("stop", "ongoing", "weeks", TO_WEEK)
"""Columns that tell whether a course goes on; one that cannot be read leaves that open."""
KEPT = "keep:"
"""What the name of a column begins with that is only carried through to every table."""
MOST_NAMED = 20
"""Unknown columns that a message names."""
_ALIKE = 0.75
CodesNamed = bool | frozenset[str]
"""Whether codes for a missing value were named, so that none is suspected: of all columns, or of some tables
(``labs``) and columns (``visits.ck_u_l``)."""
_TEXTS_OF_COURSES = ("scheme", "together_with", "after", "before", "side_effects")


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
                "value": Column("number", minimum=0, needed=True, by_unit=True),
                "unit": Column("text", needed=True),
                "upper_limit": Column("number", above=0, by_unit=True),
                LOWER: Column("number", minimum=0),
                **{bound: Column("number", minimum=0) for bound in BOUNDS},
                DATE: self._day,
                WEEK: self._week,
            },
            "antibodies": {
                PATIENT: patient,
                "antibody": Column("text", needed=True),
                "method": Column("text"),
                "result": Column("word", (*self.terms.results.words,)),
                "value": Column("number", minimum=0),
                "cut_off": Column("number", above=0),
                DATE: self._day,
            },
            "treatments": {
                PATIENT: patient,
                "drug": Column("text", needed=True),
                "dose": Column("number", minimum=0, large=True),
                "unit": Column("text"),
                "frequency": Column("text"),
                "route": Column("text"),
                "start": self._day,
                "stop": self._day,
                "ongoing": Column("yes_no"),
                "weeks": Column("number", above=0, maximum=self.terms.most_weeks),
                "response": Column("word", get_args(Response)),
                "reason_stopped": Column("word", get_args(Reason)),
                "weight_kg": self._weight,
                FROM_WEEK: self._week,
                TO_WEEK: self._week,
                **{x: Column("text") for x in _TEXTS_OF_COURSES},
                **{column: Column("word", get_args(Response)) for column in OF_ORGANS},
            },
            "medicines": {
                PATIENT: patient,
                "drug": Column("text", needed=True),
                "start": self._day,
                "stop": self._day,
                "ongoing": Column("yes_no"),
            },
            "visits": {
                PATIENT: patient,
                DATE: Column("date", needed=True, calendar=self.terms.calendar),
                WEEK: self._week,
                **self._visits(),
            },
        }

    @property
    def _day(self) -> Column:
        return Column("partial_date", calendar=self.terms.calendar)

    @property
    def _week(self) -> Column:
        return Column("number", minimum=-self.terms.most_weeks, maximum=self.terms.most_weeks)

    @property
    def _weight(self) -> Column:
        limits = self.terms.sections.weight_kg
        return Column("number", minimum=limits.minimum, maximum=limits.maximum)

    def _patients(self) -> Mapping[str, Column]:
        labels = self.terms.catalogue["diagnosis_label"].choices
        return {
            DATE: self._day,
            "label": Column("word", labels),
            "final_diagnosis": Column("text"),
            "sex": Column("word", (*self.terms.sections.sex, "unknown")),
            "tempo": Column("word", (*self.terms.sections.tempo, "unknown")),
            "weight_kg": self._weight,
            "treatments_complete": Column("yes_no"),
            "baseline": Column("date", calendar=self.terms.calendar),
            WEEKS_FROM: self._day,
            ASSUMED_LIMITS: Column("text"),
            **{one.id: self.finding(one.id) for one in self.terms.catalogue},
            BIRTH: self._day,
            ONSET: self._day,
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
                    "number",
                    minimum=measure.minimum / factor,
                    maximum=measure.maximum / factor,
                    large=measure.enzyme and self.terms.labs[measure.id].whole,
                )
            limits = self.terms.limits_of(measure.id)
            for name, factor in measure.limit_columns.items():
                found[name] = Column(
                    "number", minimum=limits.minimum / factor, maximum=limits.maximum / factor
                )
            if measure.multiple_column:
                most = self.terms.multiples_of(measure.id)
                multiple = Column("number", minimum=most.minimum, maximum=most.maximum)
                found.setdefault(measure.multiple_column, multiple)
        return found

    def finding(self, name: str) -> Column:
        """Return the column of a finding."""
        one = self.terms.catalogue[name]
        if one.kind == "number":
            large = name in self.terms.large
            return Column("number", minimum=one.minimum, maximum=one.maximum, large=large)
        if one.kind == "category":
            return Column("word", one.choices)
        if one.kind == "date":
            return Column("date", calendar=self.terms.calendar)
        return Column("yes_no")

    def nearest(self, table: str, column: str) -> str | None:
        """Return the column most like one that is not known."""
        from difflib import get_close_matches

        if table == "patients":
            known = self.terms.catalogue.find(column)
            if known:
                return known.id
        found = get_close_matches(column.lower(), self.tables[table], n=1, cutoff=_ALIKE)
        return found[0] if found else None

    def unfit(self, table: str, columns: Sequence[str]) -> str | None:
        """Return why a table with these columns cannot be read, or None."""
        known = self.tables[table]
        columns = [x for x in columns if not x.startswith(KEPT)]
        strange = [x for x in columns if x not in known]
        if strange:
            return self._strange(table, strange)
        twice = [x for x in columns if columns.count(x) > 1]
        if twice:
            return f"{min(twice)} is there twice"
        if table == "visits":
            for measure in self.terms.measures:
                same = [x for x in measure.columns if x in columns]
                if len(same) > 1:
                    return f"{' and '.join(same)} are one measure; give one"
                limits = [x for x in measure.limit_columns if x in columns]
                if measure.multiple_column in columns:
                    limits.append(str(measure.multiple_column))
                if len(limits) > 1:
                    return f"{' and '.join(limits)} both say how high the limit is; give one"
        needed = [x for x, one in known.items() if one.needed and x not in columns]
        return f"column {needed[0]} is missing" if needed else None

    def _strange(self, table: str, columns: Sequence[str]) -> str:
        """Say which columns are not known, all of them, and what each may mean."""
        said = []
        for name in columns[:MOST_NAMED]:
            near = self.nearest(table, name)
            said.append(name + (f" (did you mean {near}?)" if near else ""))
        more = len(columns) - MOST_NAMED
        if len(columns) == 1:
            return f"column {said[0]} is not known"
        rest = f" and {more} more" if more > 0 else ""
        return f"columns {', '.join(said)}{rest} are not known"

    def typed(self, table: str, columns: Iterable[str]) -> dict[str, type[pl.DataType]]:
        """Return the type of columns of a table once they are read."""
        return {x: _TYPES.get(self.tables[table][x].kind, pl.String) for x in columns}


def codes_are_named(named: CodesNamed, table: str, column: str) -> bool:
    """Tell whether codes for a missing value were named for a column."""
    return named if isinstance(named, bool) else not named.isdisjoint({table, f"{table}.{column}"})


class Cleaned(NamedTuple):
    """What the cells of a table say.

    Attributes:
        rows: the rows that can be used, typed, with every column of the table that came in, and one that
            says whether the points of a number may divide thousands, where the unit decides that.
        rejected: ``table``, ``row``, ``patient_id``, ``column``, ``value``, ``reason``, ``whole_row``.
        asked: the rows with a cell that cannot be read, typed, and of each such column one that says which.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    asked: pl.DataFrame


def cleaned(
    frame: pl.DataFrame, table: str, schema: Schema, codes_named: CodesNamed = False
) -> Cleaned:
    """Read the cells of a table.

    Args:
        frame: rows as they came in, with ``row``; every other column is one of the table.
        table: which table it is.
        schema: what the table may hold.
        codes_named: of which columns codes for a missing value were named, so that none is suspected.
    """
    columns = {x: schema.tables[table][x] for x in frame.columns if x != ROW}
    read: dict[str, pl.Series] = {ROW: frame[ROW]}
    rejected, asked = [], {}
    for name, column in columns.items():
        read[name], wrong = _read(
            frame[name], name, column, codes_are_named(codes_named, table, name)
        )
        if wrong is None:
            continue
        asked[name + ASKED] = wrong.is_not_null()
        whole = column.needed or not _stands_alone(table, name)
        strange = frame.with_columns(reason=wrong).filter(pl.col("reason").is_not_null())
        rejected.append(_rejection(strange, table, name, pl.col("reason"), whole))
    typed = pl.DataFrame(read).with_columns(
        _grouped(frame[x]).alias(x + GROUPED) for x, one in columns.items() if one.by_unit
    )
    empty = []
    for name, column in columns.items():
        if column.needed and typed[name].null_count():
            missing = typed[name].is_null()
            if name + ASKED in asked:
                missing &= ~asked[name + ASKED]
            for bound in (x for x in BOUNDS if name == VALUE and x in columns):
                missing &= typed[bound].is_null()
            if missing.any():
                empty.append(_rejection(frame.filter(missing), table, name, "is empty", True))
                if name != VALUE:
                    # A row without its value says nothing; one with it says what cannot be placed.
                    asked[name + ASKED] = asked.get(name + ASKED, missing) | missing
    said = pl.concat([empty_rejections(), *rejected, *empty])
    bad = said.filter("whole_row")[ROW].unique()
    kept = typed.filter(~pl.col(ROW).is_in(bad.implode())) if len(bad) else typed
    doubted = typed.with_columns(**asked).filter(pl.any_horizontal(pl.lit(False), *asked))
    return Cleaned(kept, said, doubted)


def _grouped(cells: pl.Series) -> pl.Series:
    """Tell of which numbers the point may divide thousands; numbers that are held as such have none."""
    if cells.dtype != pl.String:
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(cells))
    return Words.of(cells).map(lambda text: may_be_thousands(text, None), pl.Boolean)


def _stands_alone(table: str, column: str) -> bool:
    return table in ("patients", "visits") or column in _ALONE.get(table, ())


def _read(
    cells: pl.Series, name: str, column: Column, codes_named: bool
) -> tuple[pl.Series, pl.Series | None]:
    """Return what cells say, and why some cannot be read; each different text is read once."""
    held = cells.dtype
    if column.kind == "yes_no" and held == pl.Boolean:
        return cells, None
    if column.kind == "number" and held.is_numeric():
        return _numbers(cells, column, codes_named)
    if held == pl.Null:
        return pl.Series(name, [None], dtype=_TYPES.get(column.kind, pl.String)).new_from_index(
            0, len(cells)
        ), None
    if isinstance(held, pl.Datetime):
        cells = cells.dt.date()
    elif held.is_float():
        cells = cells.fill_nan(None).cast(pl.String)
    if cells.dtype != pl.Date:
        cells = cells.cast(pl.String)
    words = Words.of_runs(cells) if name == PATIENT else Words.of(cells)
    value, reasons = _told(words.texts, column, codes_named)
    if value.dtype == pl.String and name != PATIENT:
        value = categories(value)
    wrong = None if reasons.null_count() == len(reasons) else words.read(reasons)
    return words.read(value).alias(name), wrong


def _told(texts: pl.Series, column: Column, codes_named: bool) -> tuple[pl.Series, pl.Series]:
    """Return what texts say, and why some cannot be read."""
    value = as_written(texts, column)
    other = texts.filter(value.is_null()).to_list()
    found = [NOTHING if x is None else column.read(x, codes_named) for x in other]
    rest = value.is_null().arg_true()
    value = value.scatter(rest, pl.Series([x.value for x in found], dtype=value.dtype))
    reasons = pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    return value, reasons.scatter(rest, pl.Series([x.wrong for x in found], dtype=pl.String))


_TYPES: Mapping[Kind, type[pl.DataType]] = {
    "number": pl.Float64,
    "yes_no": pl.Boolean,
    "date": pl.Date,
}


def _numbers(
    cells: pl.Series, column: Column, codes_named: bool
) -> tuple[pl.Series, pl.Series | None]:
    """Return numbers that are held as such, and why some cannot be meant."""
    values = cells.cast(pl.Float64).fill_nan(None)
    code = values.is_in(CODES) & (not codes_named)
    strange = (code | ~within(values, column)) & values.is_not_null()
    if not strange.any():
        return values, None
    reason = pl.when("code").then(pl.lit(CODE)).otherwise(pl.lit(f"write {column.expected}"))
    told = pl.DataFrame({"strange": strange, "code": code}).select(pl.when("strange").then(reason))
    return values.set(strange, None), told.to_series()


def empty_rejections() -> pl.DataFrame:
    """Return a table of rejections without any."""
    return pl.DataFrame(
        schema={
            "table": pl.String, ROW: pl.Int64, PATIENT: pl.String, "column": pl.String,
            "value": pl.String, "reason": pl.String, "whole_row": pl.Boolean,
        }
    )  # fmt: skip


def rejections(frame: pl.DataFrame, table: str, column: str, reason: str | pl.Expr) -> pl.DataFrame:
    """Return whole rows as rejected, for a reason that is not in a single cell."""
    return _rejection(frame, table, column, reason, True)


def unused(frame: pl.DataFrame, table: str, column: str, reason: str) -> pl.DataFrame:
    """Return cells that are not used, in rows that are."""
    return _rejection(frame, table, column, reason, False)


def _rejection(
    frame: pl.DataFrame, table: str, column: str, reason: str | pl.Expr, whole: bool
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
        reason=pl.lit(reason) if isinstance(reason, str) else reason,
        whole_row=pl.lit(whole),
    )
