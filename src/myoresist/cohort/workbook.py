"""Workbooks of a spreadsheet: a sheet is a table, and every cell is read as the text that it shows."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from myoresist.cohort.headings import below_title, with_units

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


class WorkbookError(Exception):
    """A workbook that cannot be used; the message says why and what to do."""


def open_workbook(path: Path, copies: Path, notes: list[str]) -> dict[str, pl.LazyFrame]:
    """Return every sheet that holds a table, by its name.

    Args:
        path: the file.
        copies: a folder into which the sheets are written.
        notes: takes what a reader should know of how a sheet was read.

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
            frame = _headed(pl.DataFrame(sheet.to_polars()))
            if frame is None:
                whole = book.load_sheet(number, header_row=None, dtypes="string")
                found_below = below_title(pl.DataFrame(whole.to_polars()), name)
                if found_below is None:
                    raise WorkbookError(
                        f"sheet {name}: has a column without a name, and no row that names every column;"
                        " write the headings into one row"
                    )
                frame, note = found_below
                notes.append(note)
            frame, said = with_units(frame, name)
            notes += [said] if said else []
            copy = copies / f"{number:05}.parquet"
            frame.filter(~pl.all_horizontal(pl.all().is_null())).write_parquet(copy)
            found[name] = pl.scan_parquet(copy, glob=False)
    except fastexcel.FastExcelError as error:
        raise WorkbookError(f"is no workbook that can be read: {error}".splitlines()[0]) from error
    if not found:
        raise WorkbookError("holds no sheet with a heading")
    return found


def _headed(frame: pl.DataFrame) -> pl.DataFrame | None:
    """Return a sheet without the empty columns that have no name, or nothing if another one has none."""
    unnamed = [x for x in frame.columns if not x.strip() or x.startswith("__UNNAMED__")]
    if any(frame[x].null_count() < frame.height for x in unnamed):
        return None
    return frame.drop(unnamed)
