"""Files of SPSS and Stata as tables: a value that has a label is read as its label."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

STATISTICAL = (".sav", ".zsav", ".dta")


class StatisticalError(Exception):
    """A file of SPSS or Stata that cannot be used; the message says why and what to do."""


def open_statistical(path: Path, copy: Path) -> pl.LazyFrame:
    """Open a file of SPSS or Stata; what is declared as missing there is empty.

    Args:
        path: the file.
        copy: where its rows are written.

    Raises:
        StatisticalError: if it cannot be read.
    """
    try:
        import pyreadstat
    except ImportError as error:
        raise StatisticalError("needs pyreadstat: pip install 'myoresist[statistics]'") from error
    read = pyreadstat.read_dta if path.suffix.lower() == ".dta" else pyreadstat.read_sav
    try:
        found, about = read(str(path), output_format="polars")
    except (
        pyreadstat.ReadstatError,
        pyreadstat.PyreadstatError,
        UnicodeError,
        OverflowError,
    ) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise StatisticalError(f"cannot be read as a file of SPSS or Stata: {said}") from error
    frame = pl.DataFrame(found)
    if not frame.width:
        raise StatisticalError("holds no columns")
    labels: Mapping[str, Mapping[Any, str]] = about.variable_value_labels
    columns = [_labelled(frame[x], labels.get(x, {})) for x in frame.columns]
    copy.parent.mkdir(parents=True, exist_ok=True)
    target = copy.with_suffix(".parquet")
    pl.DataFrame(columns).write_parquet(target)
    return pl.scan_parquet(target, glob=False)


def _labelled(column: pl.Series, labels: Mapping[Any, str]) -> pl.Series:
    """Return a column with the labels of its values, where each of them has one, else as numbers or text.

    A scale of which only the ends have labels stays as numbers.
    """
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.cast(pl.Int64, strict=False)
        if (whole.cast(column.dtype) == column).all():
            column = whole
    if column.dtype == pl.String:
        column = column.str.strip_chars().replace("", None)
    held = column.drop_nulls().unique().to_list()
    if not held or any(x not in labels for x in held):
        return column
    return pl.Series(
        column.name, [None if x is None else labels[x] for x in column.to_list()], dtype=pl.String
    )
