"""A ViewDefinition as one SELECT of DuckDB."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from myoresist.exchange.views.elements import Elements, elements, kind_of
from myoresist.exchange.views.fhirpath import PathError
from myoresist.exchange.views.translate import Shape, Translator, Value, constant, literal

RESOURCE = "r"
"""What the resource is called in the SELECT."""
SAYS = ("column", "select", "forEach", "forEachOrNull", "unionAll")
PASSED_OVER = ("description", "tag", "extension", "id")
_NAME = re.compile(r"[A-Za-z]\w*")
_CONSTANT = re.compile(r"value([A-Z]\w*)")


class ViewError(Exception):
    """A view that is not read; the message names view, place and expression in one line."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its SQL, and which values it can be put beside."""

    name: str
    sql: str
    kind: str


@dataclass(frozen=True)
class Many:
    """Rows that one row makes: a list of STRUCTs with these columns."""

    columns: tuple[Column, ...]
    sql: str


Part = Column | Many


@dataclass(frozen=True)
class View:
    """A view that can be run.

    Attributes:
        name: what it is called.
        resource: the resource that it is about.
        columns: names of its columns.
    """

    name: str
    resource: str
    columns: tuple[str, ...]
    _parts: tuple[Part, ...]
    _listed: str | None
    _condition: str
    _shape: Shape

    def sql(self, source: str, carried: Sequence[str] = (), pure: bool = False) -> str:
        """Return the SELECT.

        Args:
            source: a relation with the column ``json``, a resource a row; those of other types are left out.
            carried: columns of the source that go before those of the view.
            pure: whether the source has no resources of other types, so that it need not be asked.
        """
        said: Any = self._shape.structure()
        structure = {"resourceType": "VARCHAR", **(said if isinstance(said, dict) else {})}
        own = "".join(f"{one}, " for one in carried)
        own_type = "true" if pure else f"{RESOURCE}.resourceType = {literal(self.resource)}"
        inner = (
            f"SELECT {own}{RESOURCE} FROM (SELECT {own}"
            f"json_transform(json, {literal(json.dumps(structure))}) AS {RESOURCE} FROM {source}) "
            f"WHERE {own_type} AND {self._condition}"
        )
        alone = [f'{x.sql} AS "{x.name}"' for x in self._parts if isinstance(x, Column)]
        if self._listed is None:
            return f"SELECT {own}{', '.join(alone)} FROM ({inner})"
        # What stands once in a resource is computed once, and not in each of its rows.
        rows = f"SELECT {own}{', '.join([*alone, f'unnest({self._listed}) AS u'])} FROM ({inner})"
        single = {x.name for x in self._parts if isinstance(x, Column)}
        listed = [f'"{x}"' if x in single else f'u."{x}" AS "{x}"' for x in self.columns]
        return f"SELECT {own}{', '.join(listed)} FROM ({rows})"


def compiled(definition: Mapping[str, Any], name: str | None = None) -> View:
    """Return a view that can be run.

    Args:
        definition: a ViewDefinition.
        name: what to call it in errors; its own name when left out.

    Raises:
        ViewError: if it is none, or goes beyond what is read.
    """
    return _Compiler(definition, name or str(definition.get("name") or "view")).view()


@dataclass
class _Compiler:
    definition: Mapping[str, Any]
    name: str
    known: Elements = field(default_factory=elements)

    def view(self) -> View:
        resource = self.definition.get("resource")
        if resource not in self.known.resources:
            raise self._wrong("resource", resource, "is no resource that is read")
        self.translator = Translator(self.known, self._constants())
        shape = Shape(str(resource))
        focus = Value(RESOURCE, str(resource), False, shape)
        parts = self._parts(self.definition, "", focus)
        columns = [x.name for x in _columns(parts)]
        if not columns:
            raise self._wrong("select", None, "names no column")
        twice = next((x for x in columns if columns.count(x) > 1), None)
        if twice:
            raise self._wrong("select", twice, "is a column twice")
        conditions = ["true"]
        for number, one in enumerate(self._list(self.definition, "where", "")):
            place, path = f"where[{number}]", one.get("path")
            try:
                conditions.append(self.translator.truth(path, focus))
            except PathError as error:
                raise self._wrong(place, path, str(error)) from error
        many = [x for x in parts if isinstance(x, Many)]
        return View(
            self.name, str(resource), tuple(columns), tuple(parts), self._rows(many) if many else None,
            " AND ".join(conditions), shape,
        )  # fmt: skip

    def _constants(self) -> dict[str, Value]:
        found = {}
        for number, one in enumerate(self._list(self.definition, "constant", "")):
            name = one.get("name")
            values = [key for key in one if _CONSTANT.fullmatch(key)]
            if not isinstance(name, str) or len(values) != 1:
                raise self._wrong(f"constant[{number}]", name, "has a name and one value")
            kind = values[0].removeprefix("value")
            try:
                found[name] = constant(one[values[0]], kind[0].lower() + kind[1:])
            except PathError as error:
                raise self._wrong(f"constant[{number}]", name, str(error)) from error
        return found

    def _parts(self, one: Mapping[str, Any], place: str, focus: Value) -> list[Part]:
        """Return the columns of a select in their order: own ones, inner selects, unions."""
        parts: list[Part] = []
        for number, column in enumerate(self._list(one, "column", place)):
            parts.append(self._column(column, f"{place}column[{number}]", focus))
        for number, inner in enumerate(self._list(one, "select", place)):
            parts += self._select(inner, f"{place}select[{number}].", focus)
        union = self._list(one, "unionAll", place)
        if union:
            parts.append(self._union(union, f"{place}unionAll", focus))
        return parts

    def _select(self, one: Mapping[str, Any], place: str, focus: Value) -> list[Part]:
        strange = [x for x in one if x not in (*SAYS, *PASSED_OVER)]
        if strange:
            raise self._wrong(place.rstrip("."), strange[0], "is not read")
        each = [x for x in ("forEach", "forEachOrNull") if x in one]
        if not each:
            return self._parts(one, place, focus)
        if len(each) > 1:
            raise self._wrong(place + each[0], one[each[0]], "stands beside forEachOrNull")
        try:
            found = self.translator.value(one[each[0]], focus)
        except PathError as error:
            raise self._wrong(place + each[0], one[each[0]], str(error)) from error
        listed, x = found.listed, self.translator.fresh()
        if each[0] == "forEachOrNull":
            y = self.translator.fresh()
            nothing = f"CASE WHEN len({y}) = 0 THEN [NULL] ELSE {y} END"
            listed = f"list_transform([{listed}], lambda {y}: {nothing})[1]"
        parts = self._parts(one, place, Value(x, found.kind, False, found.shape))
        if all(isinstance(one, Column) for one in parts):
            rows = f"list_transform({listed}, lambda {x}: {self._row(parts)})"
        else:
            rows = f"flatten(list_transform({listed}, lambda {x}: {self._rows(parts)}))"
        return [Many(tuple(_columns(parts)), rows)]

    def _union(self, union: Sequence[Mapping[str, Any]], place: str, focus: Value) -> Many:
        branches = [
            self._select(one, f"{place}[{number}].", focus) for number, one in enumerate(union)
        ]
        first = list(_columns(branches[0]))
        for number, branch in enumerate(branches[1:], 1):
            own = list(_columns(branch))
            if [(x.name, x.kind) for x in own] != [(x.name, x.kind) for x in first]:
                said = ", ".join(x.name for x in own)
                raise self._wrong(
                    f"{place}[{number}]", said, "has other columns than the first branch"
                )
        rows = [self._rows(one) for one in branches]
        joined = rows[0]
        for one in rows[1:]:
            joined = f"list_concat({joined}, {one})"
        return Many(tuple(first), joined)

    def _column(self, one: Mapping[str, Any], place: str, focus: Value) -> Column:
        name, path = one.get("name"), one.get("path")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self._wrong(place, name, "is no name of a column")
        try:
            found = self.translator.value(path, focus)
            kind = kind_of(found.kind)
            if kind is None:
                raise PathError(f"is a {found.kind}; name one of its elements")
            if one.get("collection") is True:
                return Column(name, found.listed, f"{kind}[]")
            return Column(name, self.translator.one(found), kind)
        except PathError as error:
            raise self._wrong(place, path, str(error)) from error

    def _rows(self, parts: Sequence[Part]) -> str:
        """Return the rows of parts beside each other as a list: each of one with each of the others."""
        if len(parts) == 1 and isinstance(parts[0], Many):
            return parts[0].sql
        names = {one: self.translator.fresh() for one in parts if isinstance(one, Many)}
        found = self._row(parts, names)
        if not names:
            return f"[{found}]"
        for depth, (made, name) in enumerate(reversed(names.items())):
            found = f"list_transform({made.sql}, lambda {name}: {found})"
            found = f"flatten({found})" if depth else found
        return found

    def _row(self, parts: Sequence[Part], names: Mapping[Many, str] = MappingProxyType({})) -> str:
        """Return one row of parts as a STRUCT; ``names`` says what a row of each list is called."""
        fields = []
        for one in parts:
            if isinstance(one, Column):
                fields.append(f"{literal(one.name)}: {one.sql}")
            else:
                own = (literal(x.name) for x in one.columns)
                fields += [f"{said}: struct_extract({names[one]}, {said})" for said in own]
        return "{" + ", ".join(fields) + "}"

    def _list(self, one: Mapping[str, Any], key: str, place: str) -> list[Mapping[str, Any]]:
        found = one.get(key, [])
        if not isinstance(found, list) or not all(isinstance(x, Mapping) for x in found):
            raise self._wrong(place + key, None, "is no list of objects")
        return found

    def _wrong(self, place: str, expression: object, why: str) -> ViewError:
        said = f": {' '.join(str(expression).split())}" if expression is not None else ""
        return ViewError(f"view {self.name}: {place}{said}: {why}")


def _columns(parts: Sequence[Part]) -> list[Column]:
    return [x for one in parts for x in ((one,) if isinstance(one, Column) else one.columns)]
