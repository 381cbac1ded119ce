"""NDJSON as a table: one object a line, every value as it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.cohort.delimited import MAX_LINE, TextError

_ROWS = 50_000


def open_ndjson(path: Path, copy: Path) -> pl.LazyFrame:
    """Open a file of one JSON object a line; a key that a line lacks is unknown there.

    Args:
        path: the file.
        copy: a folder that is made for its rows.

    Raises:
        TextError: for the first line that is no such object.
    """
    copy.mkdir(parents=True, exist_ok=True)
    parts: list[Path] = []
    names: dict[str, None] = {}
    for rows in _batches(path):
        columns = dict.fromkeys(name for row in rows for name in row)
        names |= columns
        part = copy / f"{len(parts):05}.parquet"
        data = {name: [row.get(name) for row in rows] for name in columns}
        pl.DataFrame(data, dict.fromkeys(columns, pl.String)).write_parquet(part)
        parts.append(part)
    if not parts:
        raise TextError("is empty")
    frames = [pl.scan_parquet(part, glob=False) for part in parts]
    return pl.concat(frames, how="diagonal").select(*names)


def _batches(path: Path) -> Iterator[list[dict[str, str | None]]]:
    rows: list[dict[str, str | None]] = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if len(line) > MAX_LINE:
                    raise TextError(f"line {number}: has more than {MAX_LINE:,} characters")
                if line.strip():
                    rows.append(_row(line, number))
                if len(rows) == _ROWS:
                    yield rows
                    rows = []
    except UnicodeDecodeError as error:
        raise TextError("is not UTF-8 text") from error
    if rows:
        yield rows


def _row(line: str, number: int) -> dict[str, str | None]:
    try:
        found = json.loads(
            line, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:
        raise TextError(f"line {number}: is no JSON object: {error}") from error
    if not isinstance(found, dict):
        raise TextError(f"line {number}: is no JSON object")
    return {name: _text(value) for name, value in found.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice} stands there twice")
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
