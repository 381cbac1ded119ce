"""What every column of the answers is: label, unit, values, how it is computed, and its source.

Most of it stands in the knowledge already; what the tables add of their own stands in ``dictionary.yaml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from myoresist.cohort.registry import FINDINGS
from myoresist.diagnosis.differential.evaluate import PREFIX as POSTERIOR
from myoresist.knowledge.schema import Entry, load_list
from myoresist.library import Knowledge
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION

LONGEST = 28
"""Characters of a name: Stata and SAS allow 32, of which what writes labels of values needs four."""
SOURCE = "columns"
COLUMNS = ("table", "column", "short_name", "label", "unit", "type", "values", "computed", "source")
_YES_NO = "0 = no; 1 = yes; empty = unknown"


class Said(Entry):
    """What is said of a column by its name; ``*`` stands for any part, which ``{}`` repeats in the label."""

    name: str
    tables: tuple[str, ...] = ()
    label: str
    unit: str | None = None
    computed: str | None = None


@dataclass(frozen=True)
class Dictionary:
    """Describes the columns of the answers."""

    knowledge: Knowledge

    def frame(self, tables: Mapping[str, Mapping[str, pl.DataType]]) -> pl.DataFrame:
        """Return one row a column.

        Args:
            tables: the columns of each table with their types.
        """
        rows = []
        for table, columns in tables.items():
            short = short_names(columns)
            for name, kind in columns.items():
                one = self._said(table, name)
                rows.append(
                    {
                        "table": table,
                        "column": name,
                        "short_name": short[name],
                        "label": one.get("label") or name.replace("_", " ").replace(".", ", "),
                        "unit": one.get("unit"),
                        "type": _type(kind),
                        "values": one.get("values") or _values(kind),
                        "computed": one.get("computed"),
                        "source": one.get("source"),
                    }
                )
        return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String))

    def metadata(self, table: str, columns: Mapping[str, pl.DataType]) -> dict[str, str]:
        """Return what a Parquet file of a table says of its columns, as JSON under ``columns``."""
        told = {x: {k: v for k, v in self._said(table, x).items() if v} for x in columns}
        return {SOURCE: json.dumps(told, sort_keys=True, ensure_ascii=False)}

    def _said(self, table: str, name: str) -> dict[str, Any]:
        own = self._own(table, name)
        if own:
            return own
        if table == FINDINGS or name in self.knowledge.catalogue:
            return self._finding(name)
        columns = self.knowledge.resistance.treatments.columns.columns
        if name in columns:
            one = columns[name]
            return {"label": one.label, "unit": one.unit, "computed": one.computed,
                    "source": "knowledge/adequacy/columns.yaml"}  # fmt: skip
        head, _, rest = name.partition(".")
        if head in self.knowledge.criteria.sets:
            return self._criterion(head, rest)
        if name.startswith(POSTERIOR):
            return self._disease(name.removeprefix(POSTERIOR))
        label = self.knowledge.resistance.labels.get(name.split(".")[0])
        if label:
            what = "an explanation of the non-response" if name.startswith(EXPLANATION) else None
            return {"label": label, "computed": what, "source": "knowledge/explanations"}
        return {}

    def _finding(self, name: str) -> dict[str, Any]:
        if name not in self.knowledge.catalogue:
            return {
                "label": name,
                "computed": "carried through from the registry by the mapping file",
            }
        one = self.knowledge.catalogue[name]
        derived = self.knowledge.inference.derivations.get(name)
        computed = derived.when or derived.value if derived else None
        span = f"{one.minimum:g} to {one.maximum:g}" if one.minimum is not None else None
        return {
            "label": one.label, "unit": one.unit, "values": span,
            "computed": (computed and f"as recorded, or: {computed}") or "as recorded, or as it follows",
            "source": "; ".join(filter(None, (one.question, one.hpo, one.loinc and f"LOINC {one.loinc}"))),
        }  # fmt: skip

    def _criterion(self, name: str, rest: str) -> dict[str, Any]:
        one = self.knowledge.criteria.sets[name]
        items = {x.id: x for x in one.items}
        text = items[rest].text if rest in items else rest.replace("_", " ").replace(".", ", ")
        return {"label": f"{one.short}: {text}", "computed": f"criteria/{name}/criteria.yaml",
                "source": ", ".join(one.cites)}  # fmt: skip

    def _disease(self, name: str) -> dict[str, Any]:
        known = self.knowledge.differential.base.diseases
        if name not in known:
            return {
                "label": "Most probable disease",
                "computed": "the disease of highest probability",
            }
        one = known[name]
        return {"label": f"Probability of {one.name}", "computed": "the differential, from 0 to 1",
                "source": ", ".join(one.cites)}  # fmt: skip

    def _own(self, table: str, name: str) -> dict[str, Any]:
        for pattern, one in self._entries:
            if one.tables and table not in one.tables:
                continue
            if match := pattern.fullmatch(name):
                part = " ".join(match.groups()).replace("_", " ")
                return {
                    "label": one.label.replace("{}", part),
                    "unit": one.unit,
                    "computed": one.computed,
                }
        return {}

    @cached_property
    def _entries(self) -> tuple[tuple[re.Pattern[str], Said], ...]:
        said = load_list(Path(__file__).parent / "dictionary.yaml", Said)
        return tuple((re.compile(re.escape(one.name).replace(r"\*", "(.+)")), one) for one in said)


def short_names(columns: Iterable[str]) -> dict[str, str]:
    """Return for each column a name that Stata and SAS can take, each once within a table."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in columns:
        plain = re.sub(r"\W", "_", name)
        plain = plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"
        short, number = plain[:LONGEST], 1
        while short.lower() in used:
            number += 1
            short = f"{plain[: LONGEST - len(str(number)) - 1]}_{number}"
        used.add(short.lower())
        found[name] = short
    return found


def _type(kind: pl.DataType) -> str:
    if kind == pl.Boolean:
        return "yes or no"
    if kind == pl.Date:
        return "date"
    if isinstance(kind, pl.Enum):
        return "category"
    return "whole number" if kind.is_integer() else "number" if kind.is_numeric() else "text"


def _values(kind: pl.DataType) -> str | None:
    if kind == pl.Boolean:
        return _YES_NO
    return "; ".join(kind.categories) if isinstance(kind, pl.Enum) else None
