"""Tables with their labels for packages of statistics: files of Stata, SPSS, SAS; commands for Stata, R.

The files are written by ReadStat; labels are those of the dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from myoresist.cohort.folder import SourceError
from myoresist.cohort.keeping import not_written

Package = Literal["stata", "spss", "sas"]
SUFFIX: Mapping[Package, str] = {"stata": "dta", "spss": "sav", "sas": "xpt"}
STATA, R = "labels.do", "labels.R"
_STATA_LABEL, _SAS_LABEL = 80, 256
"""Characters that the packages keep of a label."""
_YES_NO: Mapping[int | float, str] = {0: "no", 1: "yes"}


@dataclass(frozen=True)
class Labelled:
    """A table with what its columns mean.

    Attributes:
        name: of the table.
        frame: its rows, with names that the packages can take.
        labels: of its columns.
    """

    name: str
    frame: pl.DataFrame
    labels: Mapping[str, str]

    def write(self, target: Path, package: Package) -> None:
        """Write the table for a package.

        Truth is 0 and 1 and categories are numbers from 1, both with labels; SAS keeps no labels of values in
        its transport format, and gets categories as text.

        Raises:
            SourceError: if what writes it is not installed.
        """
        try:
            import pyreadstat
        except ImportError as error:
            raise SourceError(
                f"--format {package}: needs pyreadstat: pip install 'myoresist[statistics]'"
            ) from error
        try:
            self._write(target, package)
        except pyreadstat.ReadstatError as error:
            raise not_written(target) from error

    def _write(self, target: Path, package: Package) -> None:
        import pyreadstat

        path, longest = str(target), _STATA_LABEL if package == "stata" else _SAS_LABEL
        labels: dict[str, str | None] = {x: y[:longest] for x, y in self.labels.items()}
        if package == "sas":
            pyreadstat.write_xport(
                self._plain(words=True), path, column_labels=labels, table_name=self.name
            )
            return
        coded, values = self._plain(words=False), self._values()
        if package == "stata":
            pyreadstat.write_dta(coded, path, column_labels=labels, variable_value_labels=values)
        else:
            pyreadstat.write_sav(
                coded, path, column_labels=labels, variable_value_labels=values, compress=True
            )

    def _plain(self, words: bool) -> pl.DataFrame:
        """Return the rows with numbers and text alone; categories as words or as numbers from 1."""
        schema = self.frame.schema
        truths = [x for x, kind in schema.items() if kind == pl.Boolean]
        enums = [x for x, kind in schema.items() if isinstance(kind, pl.Enum)]
        whole = [x for x, kind in schema.items() if kind.is_integer()]
        category = pl.col(enums).cast(pl.String) if words else pl.col(enums).to_physical() + 1
        return self.frame.with_columns(
            pl.col(truths).cast(pl.Int8),
            # Whole numbers of the packages end where ours go on.
            pl.col(whole).cast(pl.Float64),
            category if words else category.cast(pl.Int32),
        )

    def _values(self) -> dict[str, dict[int | float, str]]:
        found: dict[str, dict[int | float, str]] = {}
        for name, kind in self.frame.schema.items():
            if kind == pl.Boolean:
                found[name] = dict(_YES_NO)
            elif isinstance(kind, pl.Enum):
                found[name] = {n: x for n, x in enumerate(kind.categories, 1)}
        return found


def stata_commands(tables: Iterable[tuple[str, Mapping[str, str]]]) -> str:
    """Return commands by which Stata reads CSV files and labels their columns.

    Args:
        tables: each name with the labels of its columns.
    """
    lines = []
    for table, labels in tables:
        lines.append(f'import delimited "{table}.csv", clear case(preserve)')
        for column, label in labels.items():
            plain = label.replace('"', "'")[:_STATA_LABEL]
            lines.append(f'label variable {column} "{plain}"')
        lines.append(f'save "{table}.dta", replace')
    return "\n".join(lines) + "\n"


def r_commands(
    tables: Iterable[tuple[str, Mapping[str, str], Mapping[str, pl.DataType]]], form: str
) -> str:
    """Return commands by which R reads CSV or Parquet files, with labels, factors and dates.

    Args:
        tables: each name with the labels and the types of its columns.
        form: of the files.
    """
    lines = [
        "# Reads every table into `answers`, a list of data frames: source(\"labels.R\") in this folder.",
        "# Each column has its label as the attribute \"label\", as the packages haven and labelled have it.",
        "labelled_as <- function(x, labels) {",
        "  for (one in names(labels)) attr(x[[one]], \"label\") <- labels[[one]]",
        "  x",
        "}",
        "answers <- list()",
    ]  # fmt: skip
    read = {"csv": 'read.csv("{}.csv", check.names = FALSE, na.strings = "", encoding = "UTF-8")',
            "parquet": 'as.data.frame(arrow::read_parquet("{}.parquet"))'}[form]  # fmt: skip
    for table, labels, columns in tables:
        lines.append(f"answers${table} <- {read.format(table)}")
        if form == "csv":
            lines += [_r_typed(table, x, kind) for x, kind in columns.items() if _is_typed(kind)]
        told = ", ".join(f"{_r_text(x)} = {_r_text(y)}" for x, y in labels.items())
        lines.append(f"answers${table} <- labelled_as(answers${table}, list({told}))")
    return "\n".join(lines) + "\n"


def _is_typed(kind: pl.DataType) -> bool:
    return kind in (pl.Boolean, pl.Date) or isinstance(kind, pl.Enum)


def _r_typed(table: str, column: str, kind: pl.DataType) -> str:
    place = f"answers${table}[[{_r_text(column)}]]"
    if isinstance(kind, pl.Enum):
        levels = ", ".join(map(_r_text, kind.categories))
        return f"{place} <- factor({place}, levels = c({levels}))"
    if kind == pl.Date:
        return f"{place} <- as.Date({place})"
    return f"{place} <- as.logical(toupper({place}))"


def _r_text(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{plain}"'
