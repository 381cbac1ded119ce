"""The form becomes a case file, and a case file the form; nothing is lost on the way.

A field has the name of the place that it fills, such as ``patient.age``, ``findings.ptosis`` or
``labs.0.value``. What the form has no field for stands in ``rest``, as YAML that anybody can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from myoresist.case.catalogue import Catalogue
from myoresist.case.template import Spelled, as_yaml
from myoresist.document import Document, DocumentError, Path_, Problem, parse_document, plain_value
from myoresist.service.fields import GRIDS, MEDICINES, SINGLE, Field, Grid

Entries = Mapping[str, str]
UNNAMED = "P1"
"""What a patient is called whom nobody has named."""
YES_NO = {"yes": True, "no": False}
MOST_ROWS = 40
"""Rows of a table that the form shows; further entries stay in the rest."""
REST, MORE = "rest", "more"
_ROW = re.compile(r"(\w+)\[([0-9]+)\](?:\.([^.\[]+))?.*")
_INPUT = re.compile(r"(\w+)\.([0-9]{1,5})\.(\w+)")
_COMMA = re.compile(r"[0-9]+,([0-9]{1,2}|[0-9]{4,})")
"""A comma that cannot divide thousands."""
_DECIMALS = re.compile(r"[0-9]+\.[0-9]+")


@dataclass(frozen=True)
class Written:
    """A case file that a form wrote.

    Attributes:
        data: its content.
        places: for each row of a list, the row of the form from which it comes.
        problems: what is wrong with the rest, and keeps it from being a case file at all.
    """

    data: dict[str, Any]
    places: Mapping[tuple[str, int], int]
    problems: tuple[Problem, ...] = ()
    fields: frozenset[str] = field(default_factory=frozenset)

    @property
    def text(self) -> str:
        """Return the case file."""
        return as_yaml(self.data)

    def name_of(self, place: str) -> str:
        """Return the name of the field that fills a place such as ``labs[0].value``."""
        row = _ROW.fullmatch(place)
        if row:
            number = self.places.get((row[1], int(row[2])))
            if number is None or row[1] not in GRIDS:
                return MEDICINES.key if row[1] == MEDICINES.key else REST
            grid = GRIDS[row[1]]
            key = row[3] if row[3] in grid.keys else grid.keys[0]
            return f"{row[1]}.{number}.{key}"
        return place if place in self.fields or place in SINGLE else REST


def case_of(entries: Entries) -> Written:
    """Return the case file that a form wrote: only what somebody filled in, and nothing else.

    Args:
        entries: what stands in each field.
    """
    data, wrong = _parsed(entries.get(REST, ""), REST)
    for name, one in SINGLE.items():
        value = _value(one, entries.get(name, ""))
        if value is not None:
            _put(data, name.split("."), value)
    named = {
        name.partition(".")[2]: YES_NO.get(value, _number(value))
        for name, value in entries.items()
        if name.startswith("findings.") and value.strip() not in ("", "unknown")
    }
    if named:
        known = data.get("findings")
        data["findings"] = {**(known if isinstance(known, dict) else {}), **named}
    medicines = [x.strip() for x in entries.get(MEDICINES.key, "").splitlines() if x.strip()]
    places: dict[tuple[str, int], int] = {}
    for section, grid in GRIDS.items():
        filled = rows(entries, grid)
        _extend(
            data, section, [_entry(grid, one, wrong) for one in filled.values()], filled, places
        )
    _extend(data, MEDICINES.key, medicines, range(len(medicines)), places)
    if not isinstance(data.get("patient"), dict):
        data["patient"] = {}
    data["patient"] = {"id": UNNAMED, **data["patient"]}
    order = {"patient": data.pop("patient")}
    return Written({**order, **data}, places, tuple(wrong), frozenset(entries))


def entries_of(document: Document, catalogue: Catalogue) -> dict[str, str]:
    """Return what stands in each field of the form that shows a case file.

    Args:
        document: the case file, which need not be free of mistakes.
        catalogue: the findings.
    """
    spelled = document.spelled
    rest = _spelled(document.data, (), spelled) if isinstance(document.data, Mapping) else {}
    entries: dict[str, str] = {}
    for name, one in SINGLE.items():
        _take(entries, rest, name.split("."), one)
    held = rest.get("findings")
    found: dict[str, Any] = held if isinstance(held, dict) else {}
    for name, value in list(found.items()):
        kind = catalogue[name].kind if name in catalogue else ""
        if (kind == "bool" and isinstance(value, bool)) or (kind == "number" and _is_number(value)):
            entries[f"findings.{name}"] = _text(value)
            del found[name]
    for section, grid in GRIDS.items():
        listed = rest.get(section)
        if isinstance(listed, list) and all(isinstance(x, dict) for x in listed):
            for row, entry in enumerate(listed[:MOST_ROWS]):
                entries |= dict(_row_entries(grid, row, entry))
            rest[section] = listed[MOST_ROWS:]
    medicines = rest.get(MEDICINES.key)
    if isinstance(medicines, list) and all(isinstance(x, str) and "\n" not in x for x in medicines):
        entries[MEDICINES.key] = "\n".join(medicines)
        rest[MEDICINES.key] = []
    rest = {key: value for key, value in rest.items() if value not in ({}, [], None)}
    if rest:
        entries[REST] = as_yaml(rest)
    return entries


def rows(entries: Entries, grid: Grid) -> dict[int, dict[str, str]]:
    """Return the rows of a table that say anything, as they are written, by number."""
    found: dict[int, dict[str, str]] = {}
    for name, value in entries.items():
        place = _INPUT.fullmatch(name)
        known = place and place[1] == grid.section and place[3] in (*grid.keys, MORE)
        if place and known and value.strip():
            found.setdefault(int(place[2]), {})[place[3]] = value.strip()
    presets = grid.presets
    return {
        row: found[row]
        for row in sorted(found)
        if any(value not in presets.get(key, ("",)) for key, value in found[row].items())
    }


def renumbered(entries: Entries) -> dict[str, str]:
    """Return the same form with the rows of each table one after the other, as a new page shows them."""
    kept = {name: value for name, value in entries.items() if name.partition(".")[0] not in GRIDS}
    for section, grid in GRIDS.items():
        for place, row in enumerate(rows(entries, grid).values()):
            kept |= {f"{section}.{place}.{key}": value for key, value in row.items()}
    return kept


def _parsed(text: str, name: str) -> tuple[dict[str, Any], list[Problem]]:
    """Read what the form has no field for."""
    if not text.strip():
        return {}, []
    try:
        document = parse_document(text, name)
    except DocumentError as error:
        return {}, [Problem(REST, one.line, one.field, one.message) for one in error.problems]
    if not isinstance(document.data, dict):
        said = "must be lines such as notes: text; empty it if you do not need it"
        return {}, [Problem(REST, 1, "", said)]
    return _spelled(document.data, (), document.spelled), []


def _entry(grid: Grid, written: Mapping[str, str], wrong: list[Problem]) -> dict[str, Any]:
    more, problems = _parsed(written.get(MORE, ""), MORE)
    wrong += problems
    values = {one.key: _value(one, written.get(one.key, "")) for one in grid.fields}
    return {**{key: value for key, value in values.items() if value is not None}, **more}


def _extend(
    data: dict[str, Any],
    section: str,
    found: Iterable[Any],
    numbers: Iterable[int],
    places: dict[tuple[str, int], int],
) -> None:
    """Add rows before what the rest has of a list, and note from where each comes."""
    listed = list(found)
    if listed:
        further = data.get(section)
        data[section] = listed + (further if isinstance(further, list) else [])
    for place, row in enumerate(numbers):
        places[section, place] = row


def _value(one: Field, text: str) -> Any:
    """Return what stands in a field as a case file has it; nothing for what is left empty."""
    text = text.strip()
    if not text or text == "unknown":
        return None
    if one.kind == "number":
        return _number(text)
    return YES_NO.get(text, text) if one.kind == "answer" else text


def _number(text: str) -> Any:
    """Return a number; what is none stays as it is, so that it can be said what is wrong with it."""
    text = text.strip()
    if _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    value = plain_value(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return text
    return Spelled(text) if _DECIMALS.fullmatch(text) else value


def _put(data: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = data.get(part)
        data[part] = inner if isinstance(inner, dict) else {}
        data = data[part]
    data[path[-1]] = value


def _take(entries: dict[str, str], rest: dict[str, Any], path: list[str], one: Field) -> None:
    """Move a value of the case file to its field, if the field can show it."""
    inner: Any = rest
    for part in path[:-1]:
        inner = inner.get(part) if isinstance(inner, dict) else None
    value = inner.get(path[-1]) if isinstance(inner, dict) else None
    if _fits(one, value):
        entries[".".join(path)] = _text(value)
        del inner[path[-1]]


def _fits(one: Field, value: Any) -> bool:
    if one.choices:
        return value in one.choices
    if one.kind == "answer":
        return isinstance(value, bool)
    if one.kind == "number" and _is_number(value):
        return True
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = _text(value)
    return bool(text.strip() == text and text and text != "unknown" and "\n" not in text)


def _row_entries(grid: Grid, row: int, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    fits = {one.key for one in grid.fields if one.key in entry and _fits(one, entry[one.key])}
    for key in fits:
        yield f"{grid.section}.{row}.{key}", _text(entry[key])
    more = {key: value for key, value in entry.items() if key not in fits}
    if more:
        yield f"{grid.section}.{row}.{MORE}", as_yaml(more, in_a_line=True).strip()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.text if isinstance(value, Spelled) else str(value)


def _spelled(value: Any, path: Path_, spelled: Mapping[Path_, str]) -> Any:
    """Return a copy in which numbers are written as they were."""
    if isinstance(value, Mapping):
        return {key: _spelled(one, (*path, key), spelled) for key, one in value.items()}
    if isinstance(value, list):
        return [_spelled(one, (*path, place), spelled) for place, one in enumerate(value)]
    return Spelled(spelled[path]) if path in spelled else value
