"""Expressions of FHIRPath as SQL of DuckDB.

A resource is one STRUCT with the elements that a view uses; a collection is a LIST without NULL, and what
is empty is NULL or an empty list. Types are known beforehand, so a misspelt element is an error and no NULL.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from myoresist.exchange.views.elements import (
    NUMBERS,
    PRIMITIVES,
    TEXTS,
    TIMES,
    WHOLE,
    Elements,
    kind_of,
)
from myoresist.exchange.views.fhirpath import (
    Binary,
    Call,
    Constant,
    Index,
    Literal,
    Member,
    Node,
    PathError,
    This,
    parse,
)

REFERENCE = r"^(?:.*/)?([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?$"
_ZONED = r"T.+(Z|[+-]\d\d:\d\d)$"
_DAY = len("2000-01-01")
_SQL = {"boolean": "BOOLEAN", **dict.fromkeys(WHOLE, "BIGINT"), "decimal": "DOUBLE"}


@dataclass
class Shape:
    """The elements of a STRUCT that are used, each with whether it is a list."""

    kind: str
    held: dict[str, tuple[Shape, bool]] = field(default_factory=dict)

    def child(self, name: str, kind: str, many: bool) -> Shape:
        """Return the shape of an element, which is used from now on."""
        return self.held.setdefault(name, (Shape(kind), many))[0]

    def structure(self) -> object:
        """Return what ``json_transform`` of DuckDB takes."""
        if self.kind in PRIMITIVES:
            return _SQL.get(self.kind, "VARCHAR")
        if not self.held:
            return "JSON"
        return {
            name: [one.structure()] if many else one.structure()
            for name, (one, many) in self.held.items()
        }


@dataclass(frozen=True)
class Value:
    """What an expression amounts to.

    Attributes:
        sql: the expression; a LIST if ``many``.
        kind: its type in FHIR.
        many: whether it is a collection.
        shape: which of its elements are used, unless it is primitive or computed.
    """

    sql: str
    kind: str
    many: bool = False
    shape: Shape | None = None

    @property
    def listed(self) -> str:
        """Return it as a list, which is never NULL."""
        if self.many:
            return f"coalesce({self.sql}, [])"
        return f"list_filter([{self.sql}], lambda x: x IS NOT NULL)"


@dataclass(frozen=True)
class Choice:
    """An element of which the type is not said yet, such as ``value[x]``."""

    of: Value
    name: str
    types: tuple[str, ...]
    many: bool


@dataclass(frozen=True)
class Translator:
    """Turns expressions into SQL.

    Attributes:
        elements: which elements types have.
        constants: the constants of the view.
    """

    elements: Elements
    constants: Mapping[str, Value]
    _names: Iterator[int] = field(default_factory=itertools.count)

    def value(self, text: object, focus: Value) -> Value:
        """Return an expression about ``focus``.

        Raises:
            PathError: if it is not read.
        """
        if not isinstance(text, str):
            raise PathError("is no text")
        found = self._any(parse(text), focus)
        if isinstance(found, Choice):
            raise PathError(f"{found.name} has several types; say which: {found.name}.ofType(…)")
        return found

    def truth(self, text: object, focus: Value) -> str:
        """Return a condition; what is empty is not met."""
        return f"coalesce({self._truth(self.value(text, focus))}, false)"

    def one(self, value: Value) -> str:
        """Return a value of which there may be one at most; more are an error when it is run."""
        if not value.many:
            return value.sql
        x = self.fresh()
        said = literal("a collection stands where one value should be; say first() or collection")
        return (
            f"list_transform([{value.sql}], lambda {x}: "
            f"CASE WHEN coalesce(len({x}), 0) < 2 THEN {x}[1] ELSE error({said}) END)[1]"
        )

    def fresh(self) -> str:
        """Return a name that no other lambda has."""
        return f"x{next(self._names)}"

    def _any(self, node: Node, focus: Value) -> Value | Choice:
        if isinstance(node, Member):
            return self._member(self._single(node.of, focus), node.name)
        if isinstance(node, Call):
            return self._call(node, focus)
        if isinstance(node, Index):
            of, place = self._single(node.of, focus), self._single(node.place, focus)
            if place.kind not in WHOLE:
                raise PathError("the number in brackets is none")
            return Value(f"({of.listed})[{self.one(place)} + 1]", of.kind, False, of.shape)
        if isinstance(node, Binary):
            left, right = self._single(node.left, focus), self._single(node.right, focus)
            return Value(self._binary(node.sign, left, right), "boolean")
        if isinstance(node, Constant):
            if node.name not in self.constants:
                raise PathError(f"%{node.name} is no constant of the view")
            return self.constants[node.name]
        if isinstance(node, Literal):
            return _literal(node.value)
        return focus

    def _single(self, node: Node, focus: Value) -> Value:
        found = self._any(node, focus)
        if isinstance(found, Choice):
            raise PathError(f"{found.name} has several types; say which: {found.name}.ofType(…)")
        return found

    def _member(self, of: Value, name: str) -> Value | Choice:
        found = self.elements.of(of.kind, name)
        if found is None or of.shape is None:
            raise PathError(f"{of.kind} has no element {name} that is read")
        if len(found.types) > 1:
            return Choice(of, name, found.types, found.many)
        return self._element(of, name, found.types[0], found.many)

    def _element(self, of: Value, name: str, kind: str, many: bool) -> Value:
        if of.shape is None:
            raise PathError(f"{of.kind} has no element {name} that is read")
        shape = of.shape.child(name, kind, many)
        x, quoted = self.fresh(), literal(name)
        if not of.many:
            sql = f"struct_extract({of.sql}, {quoted})"
        else:
            sql = f"list_transform({of.sql}, lambda {x}: struct_extract({x}, {quoted}))"
            sql = f"flatten({sql})" if many else sql
        if of.many or many:
            y = self.fresh()
            sql = f"list_filter({sql}, lambda {y}: {y} IS NOT NULL)"
        return Value(sql, kind, of.many or many, shape)

    def _call(self, node: Call, focus: Value) -> Value:
        name, given = node.name, node.given
        counts = {
            "first": (0,), "not": (0,), "empty": (0,), "exists": (0, 1), "where": (1,), "join": (0, 1),
            "ofType": (1,), "extension": (1,), "getResourceKey": (0,), "getReferenceKey": (0, 1),
        }  # fmt: skip
        if name not in counts:
            raise PathError(f"the function {name}() is not read")
        if len(given) not in counts[name]:
            raise PathError(f"{name}() does not take {len(given)} arguments")
        if name == "ofType":
            return self._of_type(self._any(node.of, focus), _name_in(given[0], name))
        of = self._single(node.of, focus)
        if name in ("where", "exists", "empty"):
            of = self._where(of, given[0]) if given else of
            if name == "where":
                return of
            there = f"coalesce(len({of.sql}), 0) > 0" if of.many else f"({of.sql}) IS NOT NULL"
            return Value(f"({there})" if name == "exists" else f"(NOT ({there}))", "boolean")
        if name == "first":
            return Value(f"({of.sql})[1]", of.kind, False, of.shape) if of.many else of
        if name == "not":
            return Value(f"(NOT {self._truth(of)})", "boolean")
        if name == "join":
            sign = self._single(given[0], focus) if given else _literal("")
            if of.kind not in TEXTS or sign.kind not in TEXTS:
                raise PathError("join() takes texts")
            return Value(f"array_to_string({of.listed}, {self.one(sign)})", "string")
        if name == "extension":
            return self._extension(of, given[0])
        return self._key(of, given, name)

    def _where(self, of: Value, condition: Node) -> Value:
        if of.many:
            x = self.fresh()
            item = Value(x, of.kind, False, of.shape)
            met = self._truth(self._single(condition, item))
            sql = f"list_filter({of.sql}, lambda {x}: coalesce({met}, false))"
            return Value(sql, of.kind, True, of.shape)
        met = self._truth(self._single(condition, of))
        return Value(f"CASE WHEN {met} THEN {of.sql} END", of.kind, False, of.shape)

    def _of_type(self, of: Value | Choice, kind: str) -> Value:
        if isinstance(of, Value):
            if of.kind != kind:
                raise PathError(f"is of the type {of.kind} and never of {kind}")
            return of
        if kind not in of.types:
            raise PathError(f"{of.name} is never of the type {kind}")
        return self._element(of.of, of.name + kind[0].upper() + kind[1:], kind, of.many)

    def _extension(self, of: Value, url: Node) -> Value:
        if not isinstance(url, Literal) or not isinstance(url.value, str):
            raise PathError("extension() takes an address")
        found = self._member(of, "extension")
        if isinstance(found, Choice):
            raise PathError("extension is not read here")
        same = Binary("=", Member(This(), "url"), Literal(url.value))
        return self._where(found, same)

    def _key(self, of: Value, given: tuple[Node, ...], name: str) -> Value:
        if name == "getResourceKey":
            if of.kind not in self.elements.resources or of.many:
                raise PathError("getResourceKey() is about a resource")
            of_id = self._element(of, "id", "id", False)
            return Value(f"({literal(of.kind + '/')} || {of_id.sql})", "string")
        if of.kind != "Reference":
            raise PathError("getReferenceKey() is about a reference")
        wanted = _name_in(given[0], name) if given else None
        if wanted is not None and wanted not in self.elements.resources:
            raise PathError(f"{wanted} is no resource that is read")
        text = self._element(of, "reference", "string", False)

        def key(sql: str) -> str:
            found = f"nullif(regexp_extract({sql}, {literal(REFERENCE)}, 1), '')"
            if wanted is None:
                return f"coalesce({found}, {sql})"
            return f"CASE WHEN starts_with({found}, {literal(wanted + '/')}) THEN {found} END"

        if not text.many:
            return Value(key(text.sql), "string")
        x, y = self.fresh(), self.fresh()
        listed = f"list_transform({text.sql}, lambda {x}: {key(x)})"
        return Value(f"list_filter({listed}, lambda {y}: {y} IS NOT NULL)", "string", True)

    def _truth(self, value: Value) -> str:
        if value.kind != "boolean":
            raise PathError(f"a {value.kind} stands where yes or no should be")
        return self.one(value)

    def _binary(self, sign: str, left: Value, right: Value) -> str:
        if sign in ("and", "or"):
            return f"({self._truth(left)} {sign.upper()} {self._truth(right)})"
        kind = kind_of(left.kind)
        # The constants of a view may give a date and time in place of each other.
        times = {left.kind, right.kind} <= {"dateTime", "instant"}
        if kind is None or (kind != kind_of(right.kind) and not times):
            raise PathError(f"{left.kind} and {right.kind} are not compared")
        if sign not in ("=", "!="):
            if kind != "number":
                raise PathError(f"only numbers are compared by {sign}")
            return f"({self.one(left)} {sign} {self.one(right)})"
        if kind in TIMES:
            same = self._same_time(self.one(left), self.one(right))
        elif left.many or right.many:
            same = self._same(left, right)
        else:
            same = f"({left.sql} = {right.sql})"
        return f"(NOT {same})" if sign == "!=" else same

    def _same(self, left: Value, right: Value) -> str:
        """Compare collections item by item; with one that is empty there is no answer."""
        x = self.fresh()
        sides = f"{{'l': {left.listed}, 'r': {right.listed}}}"
        return (
            f"list_transform([{sides}], lambda {x}: CASE WHEN len({x}.l) = 0 OR len({x}.r) = 0 "
            f"THEN NULL ELSE {x}.l = {x}.r END)[1]"
        )

    def _same_time(self, left: str, right: str) -> str:
        """Compare dates and times; without an answer where one is less precise than the other."""
        x = self.fresh()
        zoned = f"regexp_matches({x}.l, '{_ZONED}') AND regexp_matches({x}.r, '{_ZONED}')"
        plain = f"length({x}.l) = length({x}.r) AND NOT contains({x}.l || {x}.r, 'T')"
        return (
            f"list_transform([{{'l': {left}, 'r': {right}}}], lambda {x}: CASE WHEN {zoned} "
            f"THEN TRY_CAST({x}.l AS TIMESTAMPTZ) = TRY_CAST({x}.r AS TIMESTAMPTZ) "
            f"WHEN {plain} THEN {x}.l = {x}.r END)[1]"
        )


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def constant(value: object, kind: str) -> Value:
    """Return a constant of a type.

    Raises:
        PathError: if it is none of this type.
    """
    if kind not in PRIMITIVES:
        raise PathError(f"a constant of the type {kind} is not read")
    if kind == "boolean" and isinstance(value, bool):
        return _literal(value)
    if kind in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return Value(_literal(value).sql, kind)
    if kind in (*TEXTS, *TIMES) and isinstance(value, str):
        return Value(literal(value), kind)
    raise PathError(f"{json.dumps(value)[:40]} is no {kind}")


def _literal(value: str | int | float | bool) -> Value:
    if isinstance(value, bool):
        return Value("true" if value else "false", "boolean")
    if isinstance(value, str):
        return Value(literal(value), "string")
    return Value(f"({value!r})", "integer" if isinstance(value, int) else "decimal")


def _name_in(node: Node, function: str) -> str:
    if isinstance(node, Member) and isinstance(node.of, This) and re.fullmatch(r"\w+", node.name):
        return node.name
    raise PathError(f"{function}() takes the name of a type")
