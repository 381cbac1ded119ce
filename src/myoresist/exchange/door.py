"""One door for case files and foreign records: what a file is, is seen from what it holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from myoresist.case.model import Case
from myoresist.case.reading import check_case_text
from myoresist.document import MAX_BYTES, DocumentError, Problem
from myoresist.exchange.fhir import bundle, is_fhir, read_fhir
from myoresist.exchange.phenopacket import is_phenopacket, read_phenopacket
from myoresist.exchange.received import Received

STDIN = "standard input"
SUFFIXES = (".json", ".ndjson")


def foreign(text: bytes, name: str) -> Received | None:
    """Return what a foreign record says; ``None`` for a case file or anything else.

    Raises:
        DocumentError: if it is a foreign record that cannot be used.
    """
    if is_fhir(text):
        return read_fhir(text, name)
    try:
        packet = is_phenopacket(json.loads(text)) if b'"subject"' in text else False
    except (ValueError, RecursionError):
        return None
    return read_phenopacket(text, name) if packet else None


def contents(source: str) -> bytes:
    """Return the bytes of a file, of a folder of FHIR resources, or of standard input, up to a limit.

    Raises:
        DocumentError: if it cannot be read.
    """
    most = bundle.MAX_BYTES + 1
    try:
        if source == "-":
            return sys.stdin.buffer.read(most)
        path = Path(source)
        if path.is_dir():
            return bundle.read_paths(path)
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        name = STDIN if source == "-" else source
        raise DocumentError([Problem(name, None, "", f"cannot be read: {reason}")]) from error


def record(source: str) -> Received | None:
    """Return what a foreign record says; ``None`` for a letter, and for whatever has no name of its own.

    Raises:
        DocumentError: if it is a foreign record that cannot be used.
    """
    path = Path(source)
    if source == "-" or not (path.is_dir() or path.suffix in SUFFIXES):
        return None
    return foreign(contents(source), source)


def check(source: str) -> tuple[Case | None, list[Problem]]:
    """Read one case, from a case file or a foreign record, and return it or everything that is wrong with it.

    Args:
        source: a file, a folder of FHIR resources, or ``-`` for standard input.
    """
    name = STDIN if source == "-" else source
    try:
        text = contents(source)
    except DocumentError as error:
        return None, list(error.problems)
    return check_text(text, name)


def check_text(text: bytes, name: str) -> tuple[Case | None, list[Problem]]:
    """Read one case from what a file holds; see ``check``."""
    try:
        found = foreign(text, name)
    except DocumentError as error:
        return None, list(error.problems)
    if found:
        return found.case, []
    if len(text) > MAX_BYTES:
        said = f"is larger than {MAX_BYTES / 1e6:g} MB; a case is a few kB"
        return None, [Problem(name, None, "", said)]
    return check_case_text(text, name)
