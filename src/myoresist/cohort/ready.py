"""Mapping files that ship with the package, by name."""

from __future__ import annotations

from pathlib import Path

from myoresist.cohort.folder import SourceError
from myoresist.knowledge import folder


def listed() -> dict[str, Path]:
    """Return every mapping file that ships with the package, by its name."""
    return {x.stem: x for x in sorted((folder() / "registry" / "mappings").glob("*.yaml"))}


def found(mapping: Path | None) -> Path | None:
    """Return the file that is meant: one that is there, or one that ships with the package.

    Raises:
        SourceError: if a name is none of them.
    """
    if mapping is None or mapping.suffix or mapping.exists():
        return mapping
    ready = listed()
    if str(mapping) not in ready:
        raise SourceError(f"{mapping}: is no file, and no mapping of ours ({', '.join(ready)})")
    return ready[str(mapping)]
