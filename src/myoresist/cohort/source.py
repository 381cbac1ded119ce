"""Where the tables of a registry come from: a folder, DuckDB, SQLite or Postgres; an OMOP CDM too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from myoresist.cohort import ready
from myoresist.cohort.databases import Asked, kind_of, read_database
from myoresist.cohort.fhir.door import is_bulk, read_bulk
from myoresist.cohort.folder import KINDS, MAPPING, SourceError, read_file, read_folder
from myoresist.cohort.names import Names
from myoresist.cohort.naming import Naming
from myoresist.cohort.opened import Source
from myoresist.cohort.postgres import Address
from myoresist.cohort.remarks import REMARKS
from myoresist.cohort.schema import Schema

__all__ = ["Place", "Source", "SourceError", "open_source", "place_of"]

Place = Path | Address
"""Where a registry lies."""


def place_of(text: str, schemas: Sequence[str] = ()) -> Place:
    """Return the place that a user named.

    Raises:
        SourceError: for an address that cannot be used, or schemas of what is no server.
    """
    if Address.leads(text):
        return Address.of(text, schemas)
    if schemas:
        raise SourceError(f"{text}: has no schemas; they are those of a Postgres database")
    return Path(text)


def open_source(
    path: Place,
    schema: Schema,
    work: Path,
    mapping: Path | None = None,
    told: Callable[[int], None] | None = None,
    workers: int = 1,
) -> Source:
    """Open the tables of a registry.

    Args:
        path: a folder of tables or of bulk data of FHIR, a workbook, a file of patients, a DuckDB or SQLite
            file, or the address of a Postgres database.
        schema: what the tables may hold.
        work: a folder for what has to be copied out of a database.
        mapping: a mapping file; when left out, the one in the folder that is called ``MAPPING``, if any.
        told: called with the rows that were read before there are tables.
        workers: processes that may share that reading.

    Raises:
        SourceError: if there is no table of patients, or a column is not known.
        DocumentError: if the mapping file cannot be used, or names what is not there.
    """
    if mapping is None and isinstance(path, Path) and (path / MAPPING).is_file():
        mapping = path / MAPPING
    mapping = ready.found(mapping)
    names = Names.read(mapping, schema)
    wanted = names.wanted(schema)
    if "patients" not in wanted:
        raise SourceError(f"{mapping}: leaves out the table patients, which has to be there")
    if isinstance(path, Path) and path.exists() and is_bulk(path, names.ignore):
        found = read_bulk(path, names.ignore, work, told, workers)
        remarks = found.tables.pop(REMARKS)
        source = Naming(names, schema, path, mapping, found).source()
        return replace(
            source,
            named={**source.named, REMARKS: remarks},
            left_out={**source.left_out, REMARKS: ()},
            # In FHIR what is missing is missing: a number is meant.
            codes_named=True,
        )
    if isinstance(path, Path) and path.is_dir():
        found = read_folder(path, wanted, names.ignore, work, names.encoding)
    elif isinstance(path, Path) and path.is_file() and _is_table(path):
        found = read_file(path, wanted, names.ignore, work, names.encoding)
    elif isinstance(path, Address) or path.is_file():
        left_out = {
            table: {theirs for theirs, ours in columns.items() if ours is None}
            for table, columns in names.columns.items()
        }
        asked = Asked(wanted, left_out, names.ignore, names.omop, schema.terms, work)
        found = read_database(path, asked)
    elif path.exists():
        raise SourceError(f"{path}: is neither a folder nor a file")
    else:
        raise SourceError(f"{path}: does not exist")
    if "patients" not in found.tables:
        near = "; " + "; ".join(found.unread) if found.unread else ""
        raise SourceError(f"{path}: has no table {wanted['patients']}; see docs/cohort.md{near}")
    return Naming(names, schema, path, mapping, found).source()


def _is_table(path: Path) -> bool:
    return kind_of(path) is None and path.suffix.lower() in KINDS
