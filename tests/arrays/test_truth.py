"""Truth as numbers and back."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, to_columns, to_numbers

Column = list[bool | None]
TABLES = st.integers(0, 9).flatmap(
    lambda height: st.lists(
        st.lists(st.sampled_from([True, False, None]), min_size=height, max_size=height), max_size=4
    )
)


def frame(columns: list[Column]) -> pl.DataFrame:
    return pl.DataFrame([pl.Series(str(n), one, pl.Boolean) for n, one in enumerate(columns)])


@given(TABLES)
def test_truth_as_numbers_is_the_truth(columns: list[Column]) -> None:
    table = frame(columns)
    number = {False: FALSE, None: UNKNOWN, True: TRUE}
    rows = to_numbers(table, table.columns)
    assert rows.tolist() == [[number[x] for x in one] for one in columns]
    other = {False: 0, None: -1, True: 1}
    assert to_numbers(table, table.columns, (0, -1, 1)).tolist() == [
        [other[x] for x in one] for one in columns
    ]
    assert pl.DataFrame(to_columns(rows, table.columns)).equals(table)


def test_no_columns_are_no_rows() -> None:
    assert to_numbers(frame([[True, None]]), []).shape == (0, 2)


@given(st.lists(st.sampled_from([True, False, None]), min_size=1))
def test_the_largest_number_is_what_any_of_them_comes_to(row: Column) -> None:
    table = frame([[x] for x in row])
    any_ = table.select(pl.any_horizontal(pl.all())).item()
    largest = to_numbers(table, table.columns).max(axis=0, keepdims=True)
    assert to_columns(largest, ["any"])[0].to_list() == [any_]
