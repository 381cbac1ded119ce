"""Rules become one function of straight-line Python over planes and arrays.

Each part that several rules share is computed once. A truth value is a pair of planes (see
``arrays.planes``), a number an array with NaN for unknown, a word the number of its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from myoresist.arrays.planes import Planes, mask, pack, reached, unpack
from myoresist.arrays.table import Codes, Numbers, Table
from myoresist.rules.nodes import (
    Arithmetic,
    AtLeast,
    Between,
    Case,
    Coalesce,
    Column,
    Compare,
    Constant,
    IsUnknown,
    Kind,
    Node,
    Not,
    NullIf,
    OneOf,
    Signed,
    kind_of,
)

Result: TypeAlias = Planes | Codes | Numbers | float
Run: TypeAlias = Callable[[Table], Mapping[str, Result]]
_EVERYBODY, _NOBODY = "M", "0"
_RELATIONS = {"=": "==", "<>": "!="}


def compiled(rules: Sequence[tuple[str, Node]]) -> Run:
    """Return the function that evaluates rules on a table.

    Args:
        rules: each column with the rule that fills it, after those of the columns that it reads.
    """
    writer = _Writer()
    for column, node in rules:
        writer.rule(column, node)
    namespace: dict[str, Any] = {"np": np, "nan": np.nan, "reached": reached, "Planes": Planes}
    exec(compile(writer.source(), "<rules>", "exec"), namespace)
    function, constants = namespace["run"], dict(writer.vocabulary)

    def run(table: Table) -> Mapping[str, Result]:
        helpers = _Helpers(table, dict(constants))
        with np.errstate(all="ignore"):
            found: dict[str, Any] = function(helpers, helpers.every)
        for column in writer.worded:
            found[column] = helpers.worded(found[column])
        return found

    return run


class _Helpers:
    """What the generated function calls, for one table."""

    def __init__(self, table: Table, vocabulary: dict[str, int]) -> None:
        self.table = table
        self.size = table.size
        self.every = mask(table.size)
        self.vocabulary = vocabulary

    def truth(self, name: str) -> Planes:
        return self.table.truth(name)

    def number(self, name: str) -> Numbers:
        return self.table.number(name)

    def word(self, name: str) -> Numbers:
        """Return words as numbers that mean the same in every column of this run."""
        codes, words = self.table.word(name)
        numbers = [self.vocabulary.setdefault(word, len(self.vocabulary)) for word in words]
        return np.array([*numbers, np.nan])[codes]

    def worded(self, numbers: Any) -> Codes:
        unknown = np.isnan(np.broadcast_to(np.asarray(numbers, float), self.size))
        codes = np.where(unknown, -1, numbers).astype(np.int32)
        return Codes(codes, tuple(self.vocabulary))

    def known_column(self, name: str) -> int:
        return self.table.known(name)

    def known(self, numbers: Any) -> int:
        return self.plane(numbers == numbers)

    def plane(self, flags: Any) -> int:
        """Return flags, or one flag for everybody, as a plane."""
        if np.ndim(flags):
            return pack(flags)
        return self.every if flags else 0

    def where(self, plane: int, then: Any, otherwise: Any) -> Any:
        return np.where(unpack(plane, self.size), then, otherwise)


class _Writer:
    """Writes rules as lines of Python; an expression that was written before is not written again."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.results: list[str] = []
        self.vocabulary: dict[str, int] = {}
        self.worded: list[str] = []
        self._names: dict[str, str] = {}
        self._truths: dict[str, tuple[str, str]] = {}
        self._numbers: dict[str, str] = {}

    def source(self) -> str:
        body = "".join(f"    {line}\n" for line in self.lines)
        return f"def run(h, M):\n{body}    return {{{', '.join(self.results)}}}\n"

    def rule(self, column: str, node: Node) -> None:
        kind: Kind = kind_of(node)
        if kind == "bool":
            t, f = self._truths[column] = self.truth(node)
            self.results.append(f"{column!r}: Planes({t}, {f})")
        else:
            self._numbers[column] = self.number(node)
            self.results.append(f"{column!r}: {self._numbers[column]}")
            if kind == "category":
                self.worded.append(column)

    def emit(self, expression: str) -> str:
        """Return the variable that holds an expression."""
        if expression not in self._names:
            name = f"v{len(self._names)}"
            self._names[expression] = name
            self.lines.append(f"{name} = {expression}")
        return self._names[expression]

    # -- truth: the names of two planes ----------------------------------------------------------------

    def truth(self, node: Node) -> tuple[str, str]:
        match node:
            case Constant(value=value):
                return (_EVERYBODY, _NOBODY) if value else (_NOBODY, _EVERYBODY)
            case Column(name=name):
                return self._truths.get(name) or self._column(name)
            case Not(part=part):
                t, f = self.truth(part)
                return f, t
            case AtLeast():
                return self._at_least(node)
            case IsUnknown(part=part):
                known = self._known([part])
                unknown = self.emit(f"M ^ {known}")
                return unknown, known
            case Compare(relation=relation, left=left, right=right):
                one, other = self.number(left), self.number(right)
                sign = _RELATIONS.get(relation, relation)
                return self._where_known(f"{one} {sign} {other}", [left, right])
            case Between(part=part, low=low, high=high):
                value, least, most = self.number(part), self.number(low), self.number(high)
                return self._where_known(
                    f"({least} <= {value}) & ({value} <= {most})", [part, low, high]
                )
            case OneOf(part=part, options=options):
                value = self.number(part)
                same = " | ".join(f"({value} == {self.number(one)})" for one in options)
                return self._where_known(same, [part])
            case Coalesce(parts=parts):
                return self._first([self.truth(one) for one in parts])
            case NullIf(part=part, value=other):
                (t, f), (t2, f2) = self.truth(part), self.truth(other)
                return self.emit(f"{t} & ~{t2}"), self.emit(f"{f} & ~{f2}")
            case Case():
                return self._case(node)
        raise TypeError(f"{node} has no truth value")

    def _column(self, name: str) -> tuple[str, str]:
        held = self.emit(f"h.truth({name!r})")
        return self.emit(f"{held}.t"), self.emit(f"{held}.f")

    def _at_least(self, node: AtLeast) -> tuple[str, str]:
        parts = [self.truth(one) for one in node.parts]
        true, false = [t for t, _ in parts], [f for _, f in parts]
        if node.is_and:
            return self.emit(" & ".join(true)), self.emit(" | ".join(false))
        if node.is_or:
            return self.emit(" | ".join(true)), self.emit(" & ".join(false))
        too_few = len(parts) - node.least + 1
        return (
            self.emit(f"reached({node.least}, ({', '.join(true)}))"),
            self.emit(f"reached({too_few}, ({', '.join(false)}))"),
        )

    def _known(self, parts: Sequence[Node]) -> str:
        """Return the plane of those for whom all parts are known."""
        planes = []
        for one in parts:
            if isinstance(one, Constant):
                continue
            if kind_of(one) == "bool":
                t, f = self.truth(one)
                planes.append(self.emit(f"{t} | {f}"))
            elif isinstance(one, Column) and one.name not in self._numbers:
                planes.append(self.emit(f"h.known_column({one.name!r})"))
            else:
                planes.append(self.emit(f"h.known({self.number(one)})"))
        return self.emit(" & ".join(dict.fromkeys(planes))) if planes else _EVERYBODY

    def _where_known(self, flags: str, parts: Sequence[Node]) -> tuple[str, str]:
        known = self._known(parts)
        t = self.emit(f"h.plane({flags}) & {known}")
        return t, self.emit(f"{known} ^ {t}")

    def _first(self, parts: Sequence[tuple[str, str]]) -> tuple[str, str]:
        (t, f), *rest = parts
        for t2, f2 in rest:
            open_ = self.emit(f"M ^ ({t} | {f})")
            t, f = self.emit(f"{t} | {open_} & {t2}"), self.emit(f"{f} | {open_} & {f2}")
        return t, f

    def _case(self, node: Case) -> tuple[str, str]:
        left, t, f = _EVERYBODY, _NOBODY, _NOBODY
        for branch in node.branches:
            when, _ = self.truth(branch.when)
            t2, f2 = self.truth(branch.then)
            here = self.emit(f"{left} & {when}")
            t, f = self.emit(f"{t} | {here} & {t2}"), self.emit(f"{f} | {here} & {f2}")
            left = self.emit(f"{left} & ~{when}")
        if node.otherwise is not None:
            t2, f2 = self.truth(node.otherwise)
            t, f = self.emit(f"{t} | {left} & {t2}"), self.emit(f"{f} | {left} & {f2}")
        return t, f

    # -- numbers and words: the name of an array -------------------------------------------------------

    def number(self, node: Node) -> str:
        match node:
            case Constant(value=str(word)):
                return repr(float(self.vocabulary.setdefault(word, len(self.vocabulary))))
            case Constant(value=value):
                return repr(float(value))
            case Column(name=name, kind=kind):
                read = "word" if kind == "category" else "number"
                return self._numbers.get(name) or self.emit(f"h.{read}({name!r})")
            case Arithmetic(operation=sign, left=left, right=right):
                return self.emit(f"{self.number(left)} {sign} {self.number(right)}")
            case Signed(sign="absolute", part=part):
                return self.emit(f"abs({self.number(part)})")
            case Signed(part=part):
                return self.emit(f"-({self.number(part)})")
            case NullIf(part=part, value=value):
                one, other = self.number(part), self.number(value)
                return self.emit(f"np.where({one} == {other}, nan, {one})")
            case Coalesce(parts=parts):
                *earlier, found = [self.number(one) for one in parts]
                for one in reversed(earlier):
                    found = self.emit(f"np.where({one} == {one}, {one}, {found})")
                return found
            case Case(branches=branches, otherwise=otherwise):
                found = "nan" if otherwise is None else self.number(otherwise)
                for branch in reversed(branches):
                    when, _ = self.truth(branch.when)
                    found = self.emit(f"h.where({when}, {self.number(branch.then)}, {found})")
                return found
        raise TypeError(f"{node} has no number")
