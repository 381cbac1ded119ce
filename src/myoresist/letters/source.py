"""The text of a letter from a file, from standard input, or from a PDF."""

from __future__ import annotations

import io
import logging
import re
import sys
from pathlib import Path
from typing import IO

from myoresist.letters.statements import LetterError

MOST_BYTES = 20_000_000
"""Bytes that a file may have; a PDF holds fonts and pictures beside its words."""
_JSON = re.compile(r"\s*(?:\{\s*\"|\[\s*[\[{])")
_LEAST_LETTERS = 20
"""Letters on all pages of a PDF, below which it is a picture of a letter."""


def text_of(source: str) -> str:
    """Return the text of a letter.

    Args:
        source: a text file or a PDF, or ``-`` for standard input.

    Raises:
        LetterError: in one line, where it cannot be read as text.
    """
    try:
        data = _limited(sys.stdin.buffer) if source == "-" else _file(Path(source))
    except OSError as error:
        raise LetterError(f"{source}: cannot be read: {error.strerror or error}") from error
    return decoded(data, source)


def decoded(data: bytes, source: str) -> str:
    """Return the text of a letter from what its file holds; see ``text_of``."""
    text = _text(data, source)
    # The letters of a record's keys and units would be read as words: mg as myasthenia gravis.
    if _JSON.match(text):
        raise LetterError(
            f"{source}: is JSON and no letter; a record of FHIR or a phenopacket is a file in UTF-8 "
            "that ends in .json or .ndjson, a case file is for myoresist assess"
        )
    return text


def _text(data: bytes, source: str) -> str:
    if len(data) > MOST_BYTES:
        raise LetterError(
            f"{source}: has more than {MOST_BYTES // 1_000_000} MB; that is no letter"
        )
    if data.startswith(b"%PDF"):
        return of_pdf(data, source)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LetterError(f"{source}: is neither text nor a PDF; save the letter as one of them")
    for encoding in (
        ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    ):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise LetterError(f"{source}: is not text in UTF-8; save it as UTF-8")


def of_pdf(data: bytes, source: str) -> str:
    """Return the text of a PDF.

    Raises:
        LetterError: where it is scanned, locked or damaged, or pypdf is not installed.
    """
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise LetterError("a PDF needs pypdf: pip install 'myoresist[letters]'") from error
    # What is wrong with the file is said below, in a line of ours.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise LetterError(f"{source}: is locked by a password; save it without one")
        pages = [page.extract_text() for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, LetterError):
            raise
        raise LetterError(
            f"{source}: is a PDF that cannot be read; save it anew, or as text"
        ) from error
    text = "\n\n".join(pages)
    if sum(sign.isalpha() for sign in text) < _LEAST_LETTERS:
        raise LetterError(
            f"{source}: is a PDF without text, such as a scan; run text recognition on it first"
        )
    return text


def _file(path: Path) -> bytes:
    with path.open("rb") as file:
        return _limited(file)


def _limited(file: IO[bytes]) -> bytes:
    return file.read(MOST_BYTES + 1)
