"""What the examples give of their patients as tables, and what in it stands for nothing."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from myoresist.arrays.table import Table
from myoresist.case.catalogue import DTYPES
from myoresist.document import did_you_mean, shown
from myoresist.library import Knowledge
from myoresist.rules.nodes import Kind
from myoresist.worked_examples.form import Given, Value

PATIENT = "patient_id"
Record = Literal["consistent", "contradicts itself"]
CONSISTENT: Record = "consistent"
CONTRADICTS: Record = "contradicts itself"


@dataclass(frozen=True)
class Patients:
    """The patients of some examples.

    Attributes:
        findings: what is known, as ``Inference.known`` returned it, with every finding as a column.
        records: for each, whether the record contradicts itself, in words.
    """

    findings: Table
    records: tuple[Record, ...]

    @property
    def known(self) -> pl.DataFrame:
        """Return the same as one row a patient, with ``patient_id``."""
        names = [str(number) for number in range(self.findings.size)]
        return self.findings.frame().insert_column(0, pl.Series(PATIENT, names, pl.String))


def patients(
    knowledge: Knowledge,
    given: Sequence[Given],
    more: Sequence[Mapping[str, Value]] | None = None,
    spared: Container[str] = (),
) -> Patients:
    """Return what is known of patients, with what follows from it.

    Args:
        knowledge: what findings follow from others.
        given: what each example gives.
        more: findings of each that follow from something else that is given.
        spared: groups of findings that ``others: absent`` leaves unknown.
    """
    inference, catalogue = knowledge.inference, knowledge.catalogue
    rows = []
    for one, also in zip(given, more or [{} for _ in given], strict=True):
        row: dict[str, Any] = {**also, **one.findings}
        if one.others == "absent":
            known = row.keys() | inference.derivations.keys() | inference.implied_by(row)
            asked = (x for x in catalogue if x.kind == "bool" and x.group not in spared)
            row |= {x.id: False for x in asked if x.id not in known}
        rows.append(row)
    recorded = pl.DataFrame(rows, schema=catalogue.table_schema(), strict=False)
    found = inference.known(catalogue.whole(Table.of_frame(recorded, len(rows))))
    clashes = tuple(
        CONTRADICTS if found.is_conflicted(place) else CONSISTENT for place in range(len(rows))
    )
    return Patients(found.findings, clashes)


def columns_of(
    rows: Sequence[Mapping[str, Value]], kinds: Mapping[str, Kind]
) -> Iterator[pl.Series]:
    """Yield every column of which any row has a value; the others are NULL there."""
    for name in sorted({name for row in rows for name in row}):
        values = [row.get(name) for row in rows]
        yield pl.Series(name, values, DTYPES[kinds[name]], strict=False)


def wrong_findings(knowledge: Knowledge, findings: Mapping[str, Value]) -> Iterator[str]:
    """Yield every finding that is not in the catalogue, or whose value cannot be one of it."""
    kinds = {one.id: one.kind for one in knowledge.catalogue}
    yield from wrong_values(findings, kinds, "finding")
    for name, value in findings.items():
        choices = knowledge.catalogue[name].choices if name in kinds else ()
        if choices and value not in choices:
            yield f"{name} is {shown(value)}, but takes one of {', '.join(choices)}"


def wrong_values(
    values: Mapping[str, Value], kinds: Mapping[str, Kind], what: str
) -> Iterator[str]:
    """Yield every name that stands for nothing, and every value that is not of its kind."""
    yield from wrong_names(values, kinds, what)
    for name, value in values.items():
        kind = kinds.get(name)
        if kind == "bool" and not isinstance(value, bool):
            yield f"{name} is {shown(value)}, but is present or absent: write true or false"
        if kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield f"{name} is {shown(value)}, but is a number"


def wrong_names(names: Iterable[str], known: Collection[str], what: str) -> Iterator[str]:
    """Yield every name that stands for nothing, with the nearest one that stands for something."""
    for name in names:
        if name not in known:
            yield f"{name} is no {what}{did_you_mean(name, known)}"
