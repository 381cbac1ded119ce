"""Workbooks of a spreadsheet: a sheet is a table, and every cell is read as the text that it shows."""

from __future__ import annotations

from pathlib import Path

import polars as pl

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


class WorkbookError(Exception):
    """A workbook that cannot be used; the message says why and what to do."""


def open_workbook(path: Path, copies: Path) -> dict[str, pl.LazyFrame]:
    """Return every sheet that holds a table, by its name.

    Args:
        path: the file.
        copies: a folder into which the sheets are written.

    Raises:
        WorkbookError: if it cannot be read.
    """
    try:
        import fastexcel
    except ImportError as error:
        raise WorkbookError("needs fastexcel: pip install 'myoresist[cohort]'") from error
    copies.mkdir(parents=True, exist_ok=True)
    found = {}
    try:
        book = fastexcel.read_excel(path)
        for number, name in enumerate(book.sheet_names):
            sheet = book.load_sheet(number, dtypes="string", skip_whitespace_tail_rows=True)
            if not sheet.width:
                continue
            frame = _headed(pl.DataFrame(sheet.to_polars()), name)
            copy = copies / f"{number:05}.parquet"
            frame.filter(~pl.all_horizontal(pl.all().is_null())).write_parquet(copy)
            found[name] = pl.scan_parquet(copy, glob=False)
    except fastexcel.FastExcelError as error:
        raise WorkbookError(f"is no workbook that can be read: {error}".splitlines()[0]) from error
    if not found:
        raise WorkbookError("holds no sheet with a heading")
    return found


def _headed(frame: pl.DataFrame, sheet: str) -> pl.DataFrame:
    """Return a sheet without the empty columns that have no name."""
    unnamed = [x for x in frame.columns if not x.strip() or x.startswith("__UNNAMED__")]
    if any(frame[x].null_count() < frame.height for x in unnamed):
        raise WorkbookError(f"sheet {sheet}: has a column without a name")
    return frame.drop(unnamed)
