"""Reading the knowledge behind the differential diagnosis, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from myoresist.diagnosis.differential.schema import (
    BACKGROUND,
    CONFIRMED,
    CONTRAST,
    ENOUGH,
    FIRST,
    NEED,
    NEEDED,
    PAIR,
    PATTERN,
    QUANTILES,
    Contrast,
    Disease,
    Diseases,
    Families,
    Group,
    Investigation,
    LabelSays,
    Method,
    Need,
    Pair,
    Pattern,
)
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import load, load_list
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook


def read_diseases(folder: Path, names: Mapping[str, Name]) -> Diseases:
    """Read ``diseases/`` of a knowledge folder.

    Args:
        folder: the knowledge folder.
        names: the findings of the catalogue, as a condition may name them.

    Raises:
        DocumentError: naming file and entry of whatever cannot be used.
    """
    where = folder / "diseases"
    diseases = {one.id: one for one in load_list(where / "diseases.yaml", Disease)}
    patterns = load_list(where / "patterns.yaml", Pattern)
    needs = load_list(where / "needs.yaml", Need)
    contrasts = load_list(where / "contrasts.yaml", Contrast)
    pairs = load_list(where / "pairs.yaml", Pair)
    investigations = load_list(where / "investigations.yaml", Investigation)
    read = Diseases(
        diseases=diseases,
        frequencies=_frequencies(where / "frequencies.csv"),
        numbers=_numbers(where / "numbers.csv"),
        groups=load_list(where / "dependence.yaml", Group),
        patterns=patterns,
        needs=needs,
        contrasts=contrasts,
        labels=load_list(where / "labels.yaml", LabelSays),
        pairs=pairs,
        paired=_paired(where / "pairs.yaml", pairs, names),
        adjusting=_adjusting(where, patterns, needs, contrasts, names),
        families=load(where / "families.yaml", Families),
        method=load(where / "method.yaml", Method),
        investigations=investigations,
        confirmed=_confirmed(where / "diseases.yaml", diseases, names),
        needed=_needed(where / "investigations.yaml", investigations, names),
    )
    problems = [*_of_tables(read, where, names), *_of_names(read, where, names)]
    if problems:
        raise DocumentError(problems)
    return read


def _of_tables(read: Diseases, where: Path, names: Mapping[str, Name]) -> Iterator[Problem]:
    """Yield what is wrong with the figures."""
    known = {*read.diseases, BACKGROUND}
    for file, table in (("frequencies.csv", read.frequencies), ("numbers.csv", read.numbers)):
        path = str(where / file)
        for field, allowed in (("disease", known), ("finding", set(names))):
            for line, word in _strange(table, field, allowed):
                yield Problem(path, line, field, f"{word} is unknown")
        twice = table.with_row_index("line", 2).filter(
            pl.struct("disease", "finding").is_duplicated()
        )
        for line, disease, finding in twice.select("line", "disease", "finding").iter_rows():
            yield Problem(path, line, finding, f"stands here twice for {disease}")
    wrong = read.frequencies.with_row_index("line", 2).filter(
        ~pl.col("percent").is_between(0, 100) | (pl.col("n") > pl.col("total"))
    )
    for line, percent in wrong.select("line", "percent").iter_rows():
        message = f"{percent} is no percentage"
        yield Problem(str(where / "frequencies.csv"), line, "percent", message)


def _of_names(read: Diseases, where: Path, names: Mapping[str, Name]) -> Iterator[Problem]:
    """Yield the names that stand for nothing."""
    diseases, families = set(read.diseases), set(read.families.families)
    counted = set(read.frequencies["finding"])
    groups, tests = read.groups, read.investigations

    def strange(
        file: str, named: Iterable[tuple[str, Iterable[str]]], allowed: set[str], reason: str
    ) -> Iterator[Problem]:
        for entry, ids in named:
            for one in ids:
                if one not in allowed:
                    yield Problem(str(where / file), None, entry, f"{one} {reason}")

    catalogued, frequent = "is not in the catalogue", "has no frequency"
    disease, either = "is not a disease", "is neither disease nor family"
    yield from strange(
        "dependence.yaml", ((x.id, x.findings) for x in groups), set(names), catalogued
    )
    yield from strange(
        "dependence.yaml",
        ((x.id, [x.overruled_by] if x.overruled_by else []) for x in groups),
        {x.id for x in groups},
        "is no group",
    )
    yield from strange(
        "investigations.yaml", ((x.id, x.resolves) for x in tests), set(names), catalogued
    )
    yield from strange(
        "investigations.yaml", ((x.id, x.needed_for) for x in tests), diseases | families, either
    )
    yield from strange(
        "patterns.yaml", ((x.id, x.stands_for) for x in read.patterns), counted, frequent
    )
    yield from strange(
        "patterns.yaml", ((x.id, x.percent) for x in read.patterns), diseases, disease
    )
    yield from strange("needs.yaml", ((x.id, x.comes_with) for x in read.needs), counted, frequent)
    yield from strange("needs.yaml", ((x.id, x.diseases) for x in read.needs), diseases, disease)
    yield from strange(
        "contrasts.yaml", ((x.id, (x.rather, *x.than)) for x in read.contrasts), diseases, disease
    )
    both = ((x.id, [x.rather]) for x in read.contrasts if x.rather in x.than)
    yield from strange("contrasts.yaml", both, set(), "is told from itself")
    yield from strange("pairs.yaml", ((x.id, x.diseases) for x in read.pairs), diseases, disease)
    yield from strange(
        "labels.yaml", ((x.label, x.times) for x in read.labels), diseases | families, either
    )
    yield from strange("families.yaml", read.families.labels.items(), diseases, disease)
    treatable = [("treatable", read.families.treatable)]
    yield from strange("families.yaml", treatable, diseases | families, either)
    own = ((x.id, [x.family]) for x in read.diseases.values())
    yield from strange("diseases.yaml", own, families, "is not a family")


def _adjusting(
    where: Path,
    patterns: Sequence[Pattern],
    needs: Sequence[Need],
    contrasts: Sequence[Contrast],
    names: Mapping[str, Name],
) -> Program:
    book = Rulebook(names)
    for pattern in patterns:
        book.add(PATTERN + pattern.id, pattern.when, where / "patterns.yaml", pattern.id)
    for need in needs:
        book.add(NEED + need.id, need.needs, where / "needs.yaml", need.id)
    for contrast in contrasts:
        book.add(CONTRAST + contrast.id, contrast.when, where / "contrasts.yaml", contrast.id)
    return book.program()


def _paired(path: Path, pairs: Sequence[Pair], names: Mapping[str, Name]) -> Program:
    book = Rulebook(names)
    for one in pairs:
        book.add(PAIR + one.id, one.when, path, one.id)
    return book.program()


def _needed(
    path: Path, investigations: Sequence[Investigation], names: Mapping[str, Name]
) -> Program:
    book = Rulebook(names)
    for one in investigations:
        for column, field in (
            (NEEDED, "needed_when"),
            (ENOUGH, "enough_when"),
            (FIRST, "ask_first_when"),
        ):
            condition = getattr(one, field)
            if condition is not None:
                book.add(column + one.id, condition, path, f"{one.id}.{field}")
    return book.program()


def _strange(table: pl.DataFrame, field: str, allowed: set[str]) -> list[tuple[int, str]]:
    rows = table.with_row_index("line", 2).filter(~pl.col(field).is_in(sorted(allowed)))
    return list(rows.select("line", field).iter_rows())


def _frequencies(path: Path) -> pl.DataFrame:
    counts = {"percent": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return _read(path, {**counts, "n": pl.Float64, "total": pl.Float64})


def _numbers(path: Path) -> pl.DataFrame:
    return _read(path, dict.fromkeys(QUANTILES, pl.Float64))


def _read(path: Path, numbers: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    words = ("disease", "finding", "source", "check", "confidence")
    kinds: dict[str, type[pl.DataType]] = {**dict.fromkeys(words, pl.String), **numbers}
    try:
        return pl.read_csv(path, schema_overrides=kinds).select(list(kinds))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DocumentError([Problem(str(path), None, "", f"cannot be read: {reason}")]) from error


def _confirmed(path: Path, diseases: Mapping[str, Disease], names: Mapping[str, Name]) -> Program:
    book = Rulebook(names)
    for one in diseases.values():
        if one.confirmed_when is not None:
            book.add(CONFIRMED + one.id, one.confirmed_when, path, f"{one.id}.confirmed_when")
    return book.program()
