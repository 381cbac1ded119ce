"""A draft as the text of a mapping file: what is sure as entries, what is not as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from myoresist.cohort.draft.parts import Draft, Line, Side
from myoresist.cohort.draft.profile import ASKED
from myoresist.cohort.folder import ASSUMED
from myoresist.report.printable import printable

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = {"yes", "no", "y", "n", "true", "false", "on", "off", "null", "nan", "inf", "infinity"}
_MOST = 10
"""Values that are listed."""
_LONGEST = 40
"""Letters of a value that is listed; a longer one is free text, and may say who somebody is."""


def as_text(draft: Draft) -> str:
    """Return a draft as a mapping file."""
    parts = [
        "\n".join(_head(draft)),
        "\n".join(_tables(draft)),
        "\n".join(_forms(draft)),
        "\n".join(_columns(draft)),
        "\n".join(_values(draft)),
        "\n".join(_rows(draft)),
    ]
    return "\n".join(x for x in parts if x) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    looked = ", ".join(f"{x} ({n:,} rows)" for x, n in sorted(draft.looked_at.items()))
    yield f"# A draft for {_said(draft.source)}, guessed from: {_said(looked)}."
    yield from (f"# {_said(x)}" for x in draft.notes if x != ASSUMED)
    yield "# Confirm every line; what is not sure is written as a comment. Then see what --check says."


def _tables(draft: Draft) -> Iterator[str]:
    named = {x: y for x, y in draft.tables.items() if x != y}
    if named:
        yield "tables:"
        yield from (f"  {ours}: {_word(theirs)}" for ours, theirs in named.items())
    if draft.repeated:
        yield "repeated:  # by the columns that are filled in its rows"
        yield from (f"  {_word(x)}: {ours}" for x, ours in draft.repeated.items())
    for name, why in draft.unplaced.items():
        yield f"# The repeated instrument {_said(name)} is not read: {_said(why)}"
    if draft.ignored:
        yield "ignore:"
        yield from (f"- {_word(x)}  # {_said(why)}" for x, why in draft.ignored.items())


def _forms(draft: Draft) -> Iterator[str]:
    if ASSUMED in draft.notes:
        said, _, asked = ASSUMED.partition(", ")
        yield f"{said}  # {asked}"
    if draft.dates:
        forms = ", ".join(map(_word, draft.dates))
        yield f"dates: [{forms}]  # guessed from days that are no months"
    for sign in sorted(draft.doubted):
        one, other = (_word(x) for x in (f"%d{sign}%m{sign}%Y", f"%m{sign}%d{sign}%Y"))
        yield f"# dates: [{one}] or [{other}]? No value tells which stands first, or two differ."
    if draft.decimal == "both":
        yield "# decimal: comma or point? One column has this, another one that."
    elif draft.decimal == ASKED:
        yield "# decimal: point, if 5.000 is 5 here; else comma. Until then such cells are asked about."
    elif draft.decimal:
        yield f"decimal: {draft.decimal}  # as numbers are written in the values"
    yield from _missing(draft)
    if draft.keep:
        yield f"keep: [{', '.join(map(_word, draft.keep))}]  # goes through to every table"


def _missing(draft: Draft) -> Iterator[str]:
    """Yield the codes for a missing value, by column; the same number may be a value of another one."""
    table = ""
    for one in sorted(draft.codes, key=lambda x: x.table):
        if one.sure and not table:
            yield "missing:"
        if one.sure and one.table != table:
            table = one.table
            yield f"  {table}:"
        if one.sure:
            codes = ", ".join(map(_word, one.sure))
            beside = f", beside {one.beside}" if one.beside else ""
            yield f"    {_word(one.theirs)}: [{codes}]  # in {_cells(one.sure)}{beside}"
    for one in draft.codes:
        if one.asked:
            codes, beside = ", ".join(one.asked), one.beside or "no number"
            then = f"missing: {{{one.table}: {{{_word(one.theirs)}: [{codes}]}}}}"
            yield (
                f"# {one.table}.{_said(one.theirs)}: {codes} in {_cells(one.asked)}, beside {beside}: unknown"
                f" until it is said which are codes: {then} if all are, [] if all are values"
            )


def _cells(counts: Mapping[str, int]) -> str:
    count = sum(counts.values())
    return f"{count:,} cell{'s' if count != 1 else ''}"


def _columns(draft: Draft) -> Iterator[str]:
    if any(draft.lines.values()):
        yield "columns:"
    for table, lines in draft.lines.items():
        if lines:
            yield f"  {table}:"
        yield from (f"    {_column(x)}" for x in lines)


def _column(line: Line) -> str:
    note = line.note
    if line.guess and line.ours is None and " " not in line.guess:
        note += f" (if so: {_word(line.theirs)}: {line.guess})"
    return f"{_word(line.theirs)}: {line.ours or 'null'}  # {_said(note)}"


def _values(draft: Draft) -> Iterator[str]:
    tables = [
        x
        for x in (*draft.tables, *draft.repeated.values(), *draft.rows)
        if draft.values.get(x) or draft.strange.get(x)
    ]
    lines = [y for table in dict.fromkeys(tables) for y in _values_of(draft, table)]
    if any(not x.lstrip().startswith("#") for x in lines):
        yield "values:"
    yield from lines


def _values_of(draft: Draft, table: str) -> Iterator[str]:
    named, strange = draft.values.get(table, {}), draft.strange.get(table, {})
    if named:
        yield f"  {table}:"
    for theirs, values in named.items():
        listed = ", ".join(f"{_word(x)}: {_word(y)}" for x, y in sorted(values.items()))
        yield f"    {_word(theirs)}: {{{listed}}}  # by the words and figures in this column"
    for theirs, unknown in strange.items():
        short = [x for x in unknown if len(x) <= _LONGEST]
        more = len(unknown) - len(short[:_MOST])
        near = draft.near.get(table, {})
        words = (_word(x) + (f" (perhaps {near[x]}?)" if x in near else "") for x in short[:_MOST])
        listed = ", ".join(words) + (f" and {more} more" if more else "")
        yield f"    # {table}.{_said(theirs)}: not known, and left open: {_said(listed)}"


def _rows(draft: Draft) -> Iterator[str]:
    if any(x.sure for several in draft.rows.values() for x in several):
        yield "rows:"
    elif draft.rows:
        yield "# rows:"
    for table, several in draft.rows.items():
        some = any(x.sure for x in several)
        yield f"  {table}:" if some else f"#   {table}:"
        for one in several:
            yield f"  # {_said(one.note)}"
            yield f"  - {_side(one)}" if one.sure else f"#   - {_side(one)}"


def _side(one: Side) -> str:
    parts = [f"from: {one.origin}"] if one.origin != "patients" else []
    parts.append(f"columns: {_flow(one.columns)}")
    if one.constants:
        parts.append(f"constants: {_flow(one.constants)}")
    return f"{{{', '.join(parts)}}}"


def _flow(named: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{_word(x)}: {_word(y)}' for x, y in named.items())}}}"


def _word(text: str) -> str:
    """Return a word as YAML reads it, in quotes unless it is a plain name."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _said(text: str) -> str:
    """Return what stands behind a comment, on one line."""
    return printable(" ".join(text.split()))
