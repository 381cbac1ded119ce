"""Planes, Polars, DuckDB and the naive evaluator agree on every condition that the grammar allows."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myoresist.arrays.table import Table
from myoresist.rules.condition import Name, RuleError
from myoresist.rules.program import Program
from myoresist.rules.reasons import explain
from myoresist.rules.syntax import parse
from myoresist.rules.to_sql import to_sql

BOOLS, NUMBERS, WORDS = ("a", "b", "c", "d"), ("x", "y"), ("s",)
NAMES = {
    **{name: Name(name, "bool") for name in BOOLS},
    **{name: Name(name, "number") for name in NUMBERS},
    **{name: Name(name, "category") for name in WORDS},
}
SCHEMA = {
    **dict.fromkeys(BOOLS, pl.Boolean),
    **dict.fromkeys(NUMBERS, pl.Float64),
    **dict.fromkeys(WORDS, pl.String),
}

literals = st.sampled_from(["0", "1", "1.5", "4", "10"])


def _join(pattern: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: pattern.format(*values))


def _numbers(bools: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    leaf = st.one_of(st.sampled_from(NUMBERS), literals)
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            _join("({} + {})", inner, inner),
            _join("({} - {})", inner, inner),
            _join("({} * {})", inner, inner),
            _join("({} / NULLIF(x, 0))", inner),
            _join("({} / NULLIF(x + {}, 0))", inner, literals),
            _join("COALESCE({}, {})", inner, inner),
            _join("NULLIF({}, {})", inner, literals),
            _join("ABS({})", inner),
            _join("(-{})", inner),
            _join("CASE WHEN {} THEN {} ELSE {} END", bools, inner, inner),
        ),
        max_leaves=4,
    )


def _bools() -> st.SearchStrategy[str]:
    flag = st.sampled_from(BOOLS)
    number = _numbers(flag)
    leaf = st.one_of(
        flag,
        st.sampled_from(["TRUE", "FALSE"]),
        _join("{} {} {}", number, st.sampled_from([">", ">=", "<", "<=", "=", "<>"]), number),
        _join("x BETWEEN {} AND {}", literals, literals),
        _join("y NOT IN ({}, {})", literals, literals),
        st.sampled_from(["s = 'p'", "s <> 'p'", "s IN ('p', 'q')", "s IS NULL", "x IS NOT NULL"]),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            _join("({} AND {})", inner, inner),
            _join("({} OR {})", inner, inner),
            _join("NOT ({})", inner),
            _join("(({}) IS NULL)", inner),
            _join("COALESCE({}, {})", inner, inner),
            _join("(CASE WHEN {} THEN {} WHEN {} THEN {} END)", inner, inner, inner, inner),
            _join("n_of({}, {}, {}, {})", st.sampled_from("123"), inner, inner, inner),
        ),
        max_leaves=8,
    )


conditions = _bools()
rows = st.lists(
    st.fixed_dictionaries(
        {
            **{name: st.sampled_from([True, False, None]) for name in BOOLS},
            **{name: st.sampled_from([None, 0.0, 1.0, 1.5, 4.0, 7.25, 10.0]) for name in NUMBERS},
            "s": st.sampled_from([None, "p", "q", "r"]),
        }
    ),
    min_size=1,
    max_size=12,
)


def by_planes(text: str, table: pl.DataFrame) -> list[Any]:
    answers = Program({"answer": parse(text, NAMES)}).run(Table.of_frame(table))
    return [answers.row(place)["answer"] for place in range(table.height)]


def by_polars(text: str, table: pl.DataFrame) -> list[Any]:
    return table.with_columns(answer=pl.sql_expr(to_sql(parse(text, NAMES).node)))[
        "answer"
    ].to_list()


def by_interpreter(text: str, table: pl.DataFrame) -> list[Any]:
    program = Program({"answer": parse(text, NAMES)})
    return [explain("answer", program, row).value for row in table.to_dicts()]


def by_duckdb(text: str, table: pl.DataFrame) -> list[Any]:
    with duckdb.connect() as connection:
        connection.register("patients", table.to_arrow())
        return [
            row[0]
            for row in connection.execute(
                f"SELECT {to_sql(parse(text, NAMES).node)} FROM patients"
            ).fetchall()
        ]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=conditions, table=rows)
def test_all_agree_cell_by_cell(text: str, table: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(table, schema=SCHEMA)
    expected = by_interpreter(text, frame)
    assert by_planes(text, frame) == expected
    assert by_polars(text, frame) == expected
    assert by_duckdb(text, frame) == expected


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=conditions, table=rows)
def test_a_patient_alone_is_that_patient_in_a_table(text: str, table: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(table, schema=SCHEMA)
    together = by_planes(text, frame)
    assert together == [by_planes(text, frame[index])[0] for index in range(frame.height)]
    assert by_planes(text, frame.reverse()) == together[::-1]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=conditions, table=rows)
def test_the_findings_that_decided_suffice(text: str, table: list[dict[str, Any]]) -> None:
    """With everything else unknown, the findings named as decisive give the same answer."""
    program = Program({"answer": parse(text, NAMES)})
    if "IS NULL" in text or "COALESCE" in text or "CASE" in text or "NOT NULL" in text:
        return  # these look at whether something is known, so taking a fact away may change them
    for row in table:
        verdict = explain("answer", program, row)
        if verdict.value is not None:
            kept = {name: value for name, value in row.items() if name in verdict.because}
            assert explain("answer", program, kept).value is verdict.value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a IS TRUE", "not allowed"),
        ("GREATEST(x, 1) > 2", "not allowed"),
        ("x / y > 1", "NULLIF"),
        ("x / 0 > 1", "NULLIF"),
        ("x / 10 > 1", "NULLIF"),
        ("s LIKE 'p%'", "not allowed"),
        ("a XOR b", "not an SQL expression"),
        ("CAST(a AS INT) = 1", "not allowed"),
        ("(SELECT TRUE)", "not allowed"),
        ("COUNT(a) > 1", "not allowed"),
        ("RANDOM() > 0.5", "not allowed"),
        ("a = b", "write a bool by itself"),
        ("x > a", "is a bool, not a number"),
        ("x", "gives a number"),
        ("n_of(4, a, b, c)", "has 3 options"),
        ("n_of(x, a, b)", "whole number"),
        ("x IN (1, NULL)", "list of numbers"),
        ("bb", "unknown name bb; did you mean b?"),
        ("a; b", "exactly one"),
        ("", "exactly one"),
        ("a AND", "not an SQL expression"),
        ("(" * 2000 + "a" + ")" * 2000, "nested too deeply|not an SQL"),
    ],
)
def test_what_engines_read_differently_is_refused(text: str, problem: str) -> None:
    with pytest.raises(RuleError, match=problem):
        parse(text, NAMES)


def test_a_circle_of_rules_is_refused() -> None:
    names = {"p": Name("p", "bool"), "q": Name("q", "bool")}
    with pytest.raises(ValueError, match="circle"):
        Program({"p": parse("NOT q", names), "q": parse("NOT p", names)})


def test_counting_is_kleenes() -> None:
    frame = pl.DataFrame(
        [
            {"a": True, "b": True, "c": None},
            {"a": True, "b": None, "c": None},
            {"a": None, "b": False, "c": False},
            {"a": None, "b": None, "c": False},
        ],
        schema={name: pl.Boolean for name in "abc"},
    )
    assert by_planes("n_of(2, a, b, c)", frame) == [True, None, False, None]
