"""What medicine knows, as data: one topic a folder, with its rules, its worked examples and its sources.

The Python beside the data only finds and validates it; nothing medical is decided here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from myoresist.document import DocumentError, Problem, read_document


def folder() -> Path:
    """Return the folder of the knowledge that ships with the package."""
    return Path(__file__).parent


@cache
def version(of: Path | None = None) -> str:
    """Return the version of a knowledge folder, such as ``2026.11``; the packaged one when left out.

    Raises:
        DocumentError: if ``knowledge.yaml`` cannot be read or says no version.
    """
    document = read_document((of or folder()) / "knowledge.yaml")
    said = document.data.get("version") if isinstance(document.data, dict) else None
    if not isinstance(said, str):
        message = 'write it in quotes, such as "2026.11"'
        raise DocumentError([Problem(document.name, document.line(()), "version", message)])
    return said
