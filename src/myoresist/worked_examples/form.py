"""The format of a worked example, how a file of them is read, and where an answer differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, Strict, model_validator

from myoresist.document import DocumentError, Problem, did_you_mean, read_document
from myoresist.knowledge.schema import Check, Entry, validated

UNKNOWN: Literal["unknown"] = "unknown"
BOUNDS = {"at_least", "at_most"}
"""Keys with which an example says between which values a number lies."""
NEAR = 5e-4
"""Numbers that differ by less are equal: those of a paper are rounded."""

# Strict: otherwise the number 1 is taken for present.
Value = Annotated[bool, Strict()] | Annotated[float, Strict()] | str
GivenT = TypeVar("GivenT", bound=Entry)
ExpectT = TypeVar("ExpectT", bound=Entry)


class Source(Entry):
    """Where an example was published, with the page or table, and how that was checked."""

    cites: str | tuple[str, ...]
    at: str | None = None
    check: Check | None = None


class Given(Entry):
    """What is known of a patient.

    With ``others: absent`` every present-or-absent finding that is neither given, nor derived, nor implied
    by a given one is recorded as absent; numbers that are not given are always unknown.
    """

    findings: Mapping[str, Value] = {}
    others: Literal["absent", "unknown"] = UNKNOWN


class Example(Entry, Generic[GivenT, ExpectT]):
    """One patient and what has to come out; what ``expect`` leaves out is not looked at."""

    name: str
    source: Source | str
    note: str | None = None
    given: GivenT = Field(validate_default=True)
    expect: ExpectT

    @model_validator(mode="before")
    @classmethod
    def _nothing_given(cls, data: Any) -> Any:
        return {"given": {}, **data} if isinstance(data, dict) else data


@dataclass(frozen=True)
class Placed(Generic[GivenT, ExpectT]):
    """An example and the line on which it begins."""

    example: Example[GivenT, ExpectT]
    line: int | None


@dataclass(frozen=True)
class Difference:
    """A field of an answer that is not what an example expects."""

    field: str
    expected: object
    got: object

    def __str__(self) -> str:
        """Return field, what was expected and what came out on one line."""
        return f"{self.field}: expected {_shown(self.expected)}, got {_shown(self.got)}"


def read_examples(
    path: Path, model: type[Example[GivenT, ExpectT]]
) -> tuple[Placed[GivenT, ExpectT], ...]:
    """Read a file of worked examples.

    Raises:
        DocumentError: naming file, line and field of everything that cannot be used.
    """
    document = read_document(path)
    if not isinstance(document.data, list):
        message = "a list of examples is expected here: name, source, given, expect"
        raise DocumentError([Problem(document.name, 1, "", message)])
    found: list[Placed[GivenT, ExpectT]] = []
    problems: list[Problem] = []
    for index, one in enumerate(document.data):
        line = document.line((index,))
        try:
            example = validated(model, one, document, (index,))
        except DocumentError as error:
            problems += error.problems
            continue
        if any(example.name == other.example.name for other in found):
            problems.append(Problem(document.name, line, example.name, "stands here twice"))
        found.append(Placed(example, line))
    if problems:
        raise DocumentError(problems)
    return tuple(found)


def differences(wanted: object, got: object, field: str = "") -> Iterator[Difference]:
    """Yield where an answer is not what is expected.

    Args:
        wanted: what an example expects: a value, a list, bounds of a number, or any of these by name.
        got: the answer in the same form, with every name that may be asked for.
        field: where this stands.
    """
    if not isinstance(wanted, Mapping):
        if not _same(wanted, got):
            yield Difference(field, wanted, got)
    elif wanted and wanted.keys() <= BOUNDS:
        low, high = wanted.get("at_least", float("-inf")), wanted.get("at_most", float("inf"))
        if not isinstance(got, int | float) or not low <= got <= high:
            yield Difference(field, dict(wanted), got)
    else:
        names = got if isinstance(got, Mapping) else {}
        for name, value in wanted.items():
            here = f"{field}.{name}" if field else str(name)
            if name in names:
                yield from differences(value, names[name], here)
            else:
                yield Difference(here, value, f"no such name{did_you_mean(str(name), names)}")


def _same(wanted: object, got: object) -> bool:
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return abs(wanted - got) < NEAR
    return wanted == (UNKNOWN if got is None else got)


def _shown(value: object) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)
