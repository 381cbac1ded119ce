"""Tables of text: CSV as programs write it, and as spreadsheets do.

A file of UTF-8 text with commas is left to the library. Whatever else leaves no doubt is written out as one
first; what leaves a doubt is refused, with the line and what to do.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MAX_LINE = 1_000_000
"""Characters of a line beyond which a file is no table of patients."""
_CHUNK = 2**22
_QUOTED, _MARK = r'(^|,)(?:"[^"]*")+', "\x02"
_ABOVE = "is line 1 a title? Remove what stands above the line that names the columns"
_TITLE = f"names one column in its first line; {_ABOVE}"
_SAVE = "save it as CSV UTF-8"
_STATE = "Complete?"
"""What an export of REDCap with labels calls the state of each form."""
_BYTE_ORDERS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SPREADSHEET = ("cp1252", "cp1250")
"""What spreadsheets write in Europe; only letters that are the same in both leave no doubt."""


class TextError(Exception):
    """A file of text that cannot be used; the message says why, where and what to do."""


class DoubtError(TextError):
    """A file of which nobody can tell what its letters are."""


@dataclass(frozen=True)
class Form:
    """How a table is written.

    Attributes:
        encoding: of its letters.
        separator: between cells.
        lead: lines before the heading.
        plain: whether the library reads it as it is.
    """

    encoding: str
    separator: str
    lead: int
    plain: bool


def open_delimited(
    path: Path, copy: Path, encoding: str | None = None
) -> tuple[pl.LazyFrame, Form]:
    """Open a table of text, every cell as it is written.

    Args:
        path: the file.
        copy: where it may be written anew.
        encoding: of letters that leave a doubt, if somebody says so.

    Returns:
        The table, and how it was written.

    Raises:
        TextError: if it cannot be used, or leaves a doubt.
    """
    form = _form(path, encoding)
    if not (form.plain and _is_even(path, form)):
        _write_anew(path, form, copy)
        path = copy
    return pl.scan_csv(path, infer_schema=False, glob=False), form


def _form(path: Path, said: str | None) -> Form:
    """Find out how a table is written, from all of its bytes."""
    with path.open("rb") as stream:
        head = stream.read(4)
    encoding = next((x for bom, x in _BYTE_ORDERS.items() if head.startswith(bom)), None)
    returns = False
    if encoding is None:
        encoding, returns = _encoding(path, said)
    try:
        with path.open(encoding=encoding, newline="") as text:
            # A line that ends in a single carriage return ends here too.
            first, second = (_line(text) for _ in range(2))
    except UnicodeError as error:
        raise TextError(f"is not the text that it begins as; {_SAVE}") from error
    lead = 0
    if first.lower().startswith("sep=") and len(first.rstrip()) == 5:
        separator, lead, heading = first.rstrip()[4], 1, second
    else:
        heading = first
        separator = _separator(heading, second)
    if not heading.strip():
        raise TextError("begins with an empty line; the first line names the columns")
    plain = encoding == "utf-8-sig" and separator == "," and not lead and not returns
    form = Form(encoding, separator, lead, plain and heading.count(_STATE) < 2)
    _check_heading(path, form)
    return form


def _line(text: Iterator[str]) -> str:
    return next(text, "")[: MAX_LINE + 1]


def _encoding(path: Path, said: str | None) -> tuple[str, bool]:
    """Return the encoding of a file, and whether single carriage returns end lines in it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    strange, utf8, single, last = set[int](), True, False, b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if len(chunk) == _CHUNK and not (b"\n" in chunk or b"\r" in chunk):
                raise TextError(f"has a line of more than {MAX_LINE:,} characters")
            if b"\0" in chunk:
                raise TextError(f"is no text; {_SAVE}")
            joined = last + chunk
            single |= joined.count(b"\r") > joined.count(b"\r\n") + joined.endswith(b"\r")
            last = b"\r" if chunk.endswith(b"\r") else b""
            if utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    utf8 = False
            if not chunk.isascii():
                strange |= {one for one in set(chunk) if one > 127}
    single |= last == b"\r"
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        utf8 = False
    if utf8:
        return "utf-8-sig", single
    if said is not None:
        return said, single
    letters = bytes(sorted(strange))
    try:
        one, other = (letters.decode(x) for x in _SPREADSHEET)
    except UnicodeDecodeError:
        one, other = "", letters.decode("latin-1")
    if one != other:
        raise DoubtError(
            f"is not UTF-8, and what its letters are leaves a doubt; {_SAVE}, or say in a mapping file which"
            " they are: encoding: cp1252 (Western Europe) or cp1250 (Central Europe)"
        )
    return _SPREADSHEET[0], single


def _separator(heading: str, first: str) -> str:
    """Return what separates the cells of a heading; where it has several signs, the first row may tell."""
    outside = "".join(heading.split('"')[::2])
    found = [one for one in SEPARATORS if one in outside]
    if len(found) > 1:
        counts = {x: [_cells(line, x) for line in (heading, first)] for x in found}
        even = [x for x, (cells, others) in counts.items() if cells == others]
        if len(even) == 1:
            return even[0]
        names = " and ".join(SEPARATORS[one] for one in found)
        raise TextError(f"has {names} in its heading, so what separates the cells leaves a doubt")
    if not found and any(first.count(x) > 1 for x in SEPARATORS):
        raise TextError(_TITLE)
    return found[0] if found else ","


def _cells(line: str, separator: str) -> int:
    csv.field_size_limit(MAX_LINE)
    return len(next(csv.reader([line], delimiter=separator), ()))


def _check_heading(path: Path, form: Form) -> None:
    _, heading = next(_rows(path, form), (1, []))
    seen: set[str] = set()
    for name in _numbered(heading):
        if not name.strip():
            title = sum(bool(x.strip()) for x in heading) == 1
            raise TextError(_TITLE if title else "has a column without a name")
        if name in seen:
            raise TextError(f"column {name} is there twice")
        seen.add(name)


def _numbered(heading: Sequence[str]) -> list[str]:
    """Return a heading with numbers where REDCap writes the same for the state of every form."""
    found: list[str] = []
    for name in heading:
        number = heading[: len(found)].count(name) + 1
        found.append(f"{name} ({number})" if name == _STATE and number > 1 else name)
    return found


def _is_even(path: Path, form: Form) -> bool:
    """Tell whether every line is a row of the table by itself, with the cells of the heading."""
    _, heading = next(_rows(path, form))
    line = pl.col("line").fill_null("")
    lines = pl.scan_csv(
        path,
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={"line": pl.String},
        glob=False,
    )
    bare = line.str.replace_all(_QUOTED, "${1}" + _MARK)
    cells = bare.str.count_matches(form.separator, literal=True) + 1
    blank = line.str.strip_chars("\r").str.len_bytes() == 0
    try:
        strange = lines.select(
            (cells != len(heading)).any().alias("uneven"),
            (blank.any() & (len(heading) > 1)).alias("blank"),
            bare.str.contains(f'"|{_MARK}[^,\r]').any().alias("odd"),
            (line.str.len_bytes() > MAX_LINE).any().alias("long"),
        ).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        return False
    return not any(strange.row(0))


def _rows(path: Path, form: Form) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line on which it ends."""
    csv.field_size_limit(MAX_LINE)
    with path.open(encoding=form.encoding, newline="") as text:
        for _ in range(form.lead):
            next(text, None)
        reader = csv.reader(_bounded(text), delimiter=form.separator, strict=True)
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise TextError(_mistake(str(error), reader.line_num + form.lead)) from error
            if row is None:
                return
            if row:
                yield reader.line_num + form.lead, row


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise TextError(f"line {number}: has more than {MAX_LINE:,} characters")
        yield line


def _mistake(said: str, line: int) -> str:
    if "unexpected end" in said:
        return "a quote is opened that is never closed; remove it, or write it twice"
    if "field larger" in said:
        return f"line {line}: a cell has more than {MAX_LINE:,} characters; is a quote not closed?"
    return f"line {line}: a quote stands within a cell; put the cell into quotes, and its own twice"


def _even_rows(path: Path, form: Form) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield every row, each with as many cells as the heading.

    Raises:
        TextError: for one that has not, or that has swallowed others behind a quote.
    """
    wanted: int | None = None
    before = 0
    for line, row in _rows(path, form):
        wanted = wanted or len(row)
        if len(row) != wanted:
            more = len(row) > wanted
            count = abs(len(row) - wanted)
            cells = "one cell" if count == 1 else f"{count} cells"
            help_ = "put a cell with a separator in it into quotes" if more else "fill it up"
            help_ = _ABOVE if wanted == 1 else help_
            raise TextError(
                f"line {line}: has {cells} {'more' if more else 'less'} than the heading; {help_}"
            )
        for cell in row:
            if "\n" in cell or "\r" in cell:
                inner = cell.splitlines()[1:]
                if any(one.count(form.separator) >= max(1, wanted - 1) for one in inner):
                    raise TextError(
                        f"lines {before + 1} to {line}: a quote holds whole lines of the table; "
                        "is one missing?"
                    )
        before = line
        yield line, row


def _write_anew(path: Path, form: Form, copy: Path) -> None:
    with copy.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for number, (_, row) in enumerate(_even_rows(path, form)):
            writer.writerow(row if number else _numbered(row))
