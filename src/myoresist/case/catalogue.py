"""The finding catalogue: every fact about a patient that a rule may read."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import TypeVar, get_args

import numpy as np
import polars as pl
from pydantic import Field, ValidationError, field_validator, model_validator

from myoresist.arrays.planes import UNKNOWN
from myoresist.arrays.table import Codes, Table
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry
from myoresist.rules.nodes import Kind

Model = TypeVar("Model", bound=Entry)
Rows = list[tuple[int, Model]]

DTYPES: Mapping[Kind, type[pl.DataType]] = {
    "bool": pl.Boolean,
    "number": pl.Float64,
    "category": pl.String,
    "date": pl.Date,
}


def listed(cell: object) -> tuple[str, ...]:
    """Return the parts of a cell that are separated by ``|``, or a list as it was written to JSON."""
    if isinstance(cell, (list, tuple)):
        return tuple(cell)
    return tuple(part.strip() for part in str(cell or "").split("|") if part.strip())


class Finding(Entry):
    """One finding: what it is called, what a physician is asked, and what values it can take."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    group: str
    label: str
    question: str
    synonyms: tuple[str, ...] = ()
    hpo: str | None = None
    hpo_name: str | None = None
    loinc: str | None = None
    choices: tuple[str, ...] = ()

    _listed = field_validator("synonyms", "choices", mode="before")(listed)

    @model_validator(mode="after")
    def _ranged(self) -> Finding:
        if self.kind == "number" and (
            self.unit is None or self.minimum is None or self.maximum is None
        ):
            raise ValueError("a number needs a unit and a plausible range")
        if (self.kind == "category") != bool(self.choices):
            raise ValueError("a category, and only a category, has choices")
        return self


class Link(Entry):
    """A finding that implies or excludes another, and why."""

    finding: str
    other: str
    why: str


MOST_NEAR = 5
_DENIALS = re.compile(r"(?<![a-z])(?:no|not|non|normal|without|absent|never)(?![a-z])")


def _denied(word: str) -> frozenset[str]:
    return frozenset(_DENIALS.findall(word.replace("_", " ")))


def lower(word: str) -> str:
    """Return a word without what people write in different ways."""
    return word.strip().lower()


@dataclass(frozen=True)
class Names:
    """Words that people write, each with the id it stands for."""

    ids: Mapping[str, str]
    plain: Callable[[str], str] = lower

    @classmethod
    def of(
        cls, words: Iterable[tuple[str, Iterable[str]]], plain: Callable[[str], str] = lower
    ) -> Names:
        """Gather the words of each id; where two ids share one, it stands for the first.

        Args:
            words: each id with its words.
            plain: what makes two ways of writing a word the same.
        """
        ids: dict[str, str] = {}
        for id_, names in words:
            for name in names:
                ids.setdefault(plain(name), id_)
        return cls(ids, plain)

    def find(self, word: str) -> str | None:
        """Return the id that a word stands for."""
        return self.ids.get(self.plain(word))

    def nearest(self, word: str, cutoff: float = 0.6) -> str | None:
        """Return the id of the word most like this one, if any is as alike as ``cutoff`` (0 to 1)."""
        return next(iter(self.nearest_few(word, cutoff, few=1)), None)

    def nearest_few(self, word: str, cutoff: float = 0.6, few: int = 4) -> tuple[str, ...]:
        """Return the ids of the few words most like this one, the most like first."""
        near = get_close_matches(self.plain(word), self.ids, n=few + MOST_NEAR, cutoff=cutoff)
        # The opposite is near in letters, and far in meaning.
        same = (one for one in near if _denied(one) == _denied(word.lower()))
        return tuple(dict.fromkeys(self.ids[one] for one in same))[:few]


@dataclass(frozen=True)
class Catalogue:
    """All findings by id, and which imply or exclude each other."""

    findings: Mapping[str, Finding]
    implications: tuple[Link, ...]
    exclusions: tuple[Link, ...]

    @classmethod
    def load(cls, folder: Path) -> Catalogue:
        """Read ``findings/`` of a knowledge folder.

        Raises:
            DocumentError: naming file and line of whatever cannot be used.
        """
        where = folder / "findings"
        rows = read_rows(where / "findings.csv", Finding)
        findings = {finding.id: finding for _, finding in rows}
        links = {
            name: read_rows(where / f"{name}.csv", Link, {verb: "other"})
            for name, verb in (("implications", "implies"), ("exclusions", "excludes"))
        }
        problems = [
            Problem(str(where / f"{name}.csv"), line, one, "is not in findings.csv")
            for name, read in links.items()
            for line, link in read
            for one in (link.finding, link.other)
            if one not in findings
        ]
        seen: set[str] = set()
        for line, finding in rows:
            if finding.id in seen:
                problems.append(
                    Problem(str(where / "findings.csv"), line, finding.id, "stands here twice")
                )
            seen.add(finding.id)
        if problems:
            raise DocumentError(problems)
        return cls(
            findings,
            tuple(link for _, link in links["implications"]),
            tuple(link for _, link in links["exclusions"]),
        )

    def __iter__(self) -> Iterator[Finding]:
        """Walk through the findings in the order of the file."""
        return iter(self.findings.values())

    def __getitem__(self, finding: str) -> Finding:
        """Return the finding with this id."""
        return self.findings[finding]

    def __contains__(self, finding: object) -> bool:
        """Tell whether there is a finding with this id."""
        return finding in self.findings

    def table_schema(self) -> dict[str, type[pl.DataType]]:
        """Return the column type of every finding."""
        return {finding.id: DTYPES[finding.kind] for finding in self}

    def whole(self, table: Table) -> Table:
        """Return a table with every finding as a column; those that are not there are unknown."""
        size, lacking = table.size, [one for one in self if one.id not in table]
        nothing, nobody = np.full(size, np.nan), np.full(size, -1, np.int32)
        by_kind = {kind: [one for one in lacking if one.kind == kind] for kind in get_args(Kind)}
        return table.with_columns(
            Table(
                size,
                {one.id: UNKNOWN for one in by_kind["bool"]},
                {one.id: nothing for one in by_kind["number"]},
                {one.id: Codes(nobody, one.choices) for one in by_kind["category"]},
                {one.id: nothing for one in by_kind["date"]},
            )
        )

    @cached_property
    def _names(self) -> Names:
        """Return every id, label and synonym with the id it stands for."""
        return Names.of((x.id, (x.id, x.label, *x.synonyms)) for x in self)

    def find(self, word: str) -> Finding | None:
        """Return the finding with this id, label or synonym, whatever the case."""
        known = self._names.find(word)
        return self.findings[known] if known else None

    def nearest(self, word: str) -> str | None:
        """Return the id of the finding whose id, label or synonym is most like ``word``."""
        return self._names.nearest(word)

    def nearest_few(self, word: str, cutoff: float = 0.6) -> tuple[str, ...]:
        """Return the ids of the findings whose names are most like ``word``, the most like first."""
        return self._names.nearest_few(word, cutoff)


def read_rows(
    path: Path, model: type[Model], renamed: Mapping[str, str] | None = None
) -> Rows[Model]:
    """Return the rows of a CSV file, each with its line; an empty cell is not given.

    Args:
        path: the file, with a heading.
        model: what each row becomes.
        renamed: columns whose name differs from the field of the model.

    Raises:
        DocumentError: one problem a wrong row, with its line and column, or a column that is missing.
    """
    found, problems = [], []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DocumentError([Problem(str(path), None, "", f"cannot be read: {reason}")]) from error
    reader = csv.DictReader(StringIO(text))
    heading = {(renamed or {}).get(name, name) for name in reader.fieldnames or ()}
    asked = {
        field.alias or name for name, field in model.model_fields.items() if field.is_required()
    }
    if missing := sorted(asked - heading):
        message = f"the heading lacks {', '.join(missing)}"
        raise DocumentError([Problem(str(path), 1, "", message)])
    for row in reader:
        if None in row:
            message = "has more cells than the heading; put a cell with a comma in quotes"
            problems.append(Problem(str(path), reader.line_num, "", message))
            continue
        cells = {(renamed or {}).get(name, name): cell for name, cell in row.items() if cell}
        try:
            found.append((reader.line_num, model.model_validate(cells)))
        except ValidationError as error:
            for one in error.errors():
                field = ".".join(str(part) for part in one["loc"])
                message = one["msg"].removeprefix("Value error, ")
                problems.append(Problem(str(path), reader.line_num, field, message))
    if problems:
        raise DocumentError(problems)
    return found
