"""Truth as planes of bits follows Kleene's logic, value by value."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from myoresist.arrays import planes
from myoresist.arrays.planes import Planes
from myoresist.arrays.table import Codes, Table, coded

Truth = bool | None
values = st.sampled_from([True, False, None])
columns = st.integers(1, 20).flatmap(
    lambda size: st.lists(st.lists(values, min_size=size, max_size=size), min_size=1, max_size=5)
)
ORDER = {False: 0, None: 1, True: 2}


def least(parts: list[Truth]) -> Truth:
    return min(parts, key=lambda one: ORDER[one])


def listed(truth: Planes, size: int) -> list[Truth]:
    return [planes.value_at(truth, place) for place in range(size)]


@given(columns)
def test_all_is_the_least_and_any_the_largest(parts: list[list[Truth]]) -> None:
    size, held = len(parts[0]), [planes.of_values(one) for one in parts]
    rows = [list(row) for row in zip(*parts, strict=True)]
    assert listed(planes.all_of(held, size), size) == [least(row) for row in rows]
    assert listed(planes.any_of(held, size), size) == [
        max(row, key=lambda one: ORDER[one]) for row in rows
    ]


@given(columns)
def test_de_morgan(parts: list[list[Truth]]) -> None:
    size, held = len(parts[0]), [planes.of_values(one) for one in parts]
    assert planes.all_of(held, size).negated() == planes.any_of(
        [one.negated() for one in held], size
    )


@given(columns, st.data())
def test_counting_is_the_sorted_middle(parts: list[list[Truth]], data: st.DataObject) -> None:
    size, held = len(parts[0]), [planes.of_values(one) for one in parts]
    wanted = data.draw(st.integers(1, len(parts)))
    found = listed(planes.at_least(wanted, held), size)
    for row, value in zip(zip(*parts, strict=True), found, strict=True):
        assert value is sorted(row, key=lambda one: -ORDER[one])[wanted - 1]


@given(columns)
def test_the_first_known_value_counts(parts: list[list[Truth]]) -> None:
    size, held = len(parts[0]), [planes.of_values(one) for one in parts]
    for row, value in zip(
        zip(*parts, strict=True), listed(planes.coalesce(held), size), strict=True
    ):
        assert value is next((one for one in row if one is not None), None)


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_packing_is_undone_by_unpacking(flags: list[bool]) -> None:
    plane = planes.pack(np.array(flags))
    assert planes.unpack(plane, len(flags)).tolist() == flags
    assert planes.count(plane) == sum(flags)


@given(st.integers(0, 20), st.data())
def test_packing_rows_is_packing_each(size: int, data: st.DataObject) -> None:
    row = st.lists(st.booleans(), min_size=size, max_size=size)
    rows = np.array(data.draw(st.lists(row, min_size=1, max_size=4)), bool)
    packed = planes.pack_rows(rows)
    assert packed == [planes.pack(one) for one in rows]
    assert np.array_equal(planes.unpack_rows(packed, size), rows)


rows = st.lists(
    st.fixed_dictionaries(
        {
            "a": values,
            "x": st.sampled_from([None, 0.0, 1.5, -2.0]),
            "s": st.sampled_from([None, "p", "q"]),
            "d": st.sampled_from([None, date(1969, 12, 31), date(2024, 2, 29)]),
        }
    ),
    min_size=1,
    max_size=20,
)
KINDS = {"a": pl.Boolean, "x": pl.Float64, "s": pl.String, "d": pl.Date}


@given(rows)
def test_a_table_holds_what_a_frame_says(records: list[dict[str, object]]) -> None:
    frame = pl.DataFrame(records, schema=KINDS)
    table = Table.of_frame(frame)
    assert [table.row(place) for place in range(len(records))] == records
    assert table.frame(list(KINDS)).cast(KINDS).equals(frame)
    assert [planes.value_at(table.truth("a"), 0)] == [records[0]["a"]]
    backwards = table.take(np.arange(len(records))[::-1])
    assert [backwards.row(place) for place in range(len(records))] == records[::-1]


@given(rows, st.integers(1, 9))
def test_a_patient_repeated_is_the_same_patient(
    records: list[dict[str, object]], times: int
) -> None:
    table = Table.of_frame(pl.DataFrame(records[:1], schema=KINDS)).repeated(times)
    assert [table.row(place) for place in range(times)] == records[:1] * times


def test_a_column_that_is_not_there_is_unknown() -> None:
    table = Table(3)
    assert table.truth("a") == planes.UNKNOWN
    assert np.isnan(table.number("x")).all()
    assert table.word("s").texts() == [None] * 3
    assert table.known("x") == 0


def test_the_first_case_that_holds_gives_the_word() -> None:
    found = coded(("a", "b", "c"), (0b011, "a"), (0b110, "b"), size=4, otherwise="c")
    assert found.texts() == ["a", "a", "b", "c"]
    assert isinstance(found, Codes)
