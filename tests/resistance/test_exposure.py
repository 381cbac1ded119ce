"""Neighbours in arrays, and segments of exposure: each against the plain way to do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, decided, told, truth
from myoresist.arrays.runs import Runs, of_next, of_previous, ordered, ordered_within, same_as_next
from myoresist.resistance.adequacy.segments import Segments, longest, sweep

GROUPS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=8)


def flat(groups: Sequence[Sequence[int]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    of = [number for number, one in enumerate(groups) for _ in one]
    return np.array(of, np.int64), np.array([x for one in groups for x in one], np.int64)


@given(groups=GROUPS)
def test_what_runs_tell_is_what_each_group_tells_by_itself(groups: list[list[int]]) -> None:
    of, values = flat(groups)
    runs = Runs.of(of)
    ways: list[tuple[Callable[[Any], Any], Callable[[list[int]], int]]] = [
        (runs.first, lambda one: one[0]),
        (runs.last, lambda one: one[-1]),
        (runs.sum, sum),
        (runs.max, max),
        (runs.min, min),
        (runs.bits, lambda one: int(np.bitwise_or.reduce(one))),
    ]
    for ours, plain in ways:
        assert ours(values).tolist() == [plain(one) for one in groups]
    assert runs.any(values > 5).tolist() == [max(one) > 5 for one in groups]
    assert runs.all(values > 5).tolist() == [min(one) > 5 for one in groups]
    assert runs.spread(runs.max(values)).tolist() == [max(one) for one in groups for _ in one]
    assert runs.numbers.tolist() == of.tolist()
    assert Runs.of_column(pl.Series(of)).starts.tolist() == runs.starts.tolist()


@given(groups=GROUPS, other=st.integers(1, 4))
def test_groups_are_put_in_order(groups: list[list[int]], other: int) -> None:
    of, values = flat(groups)
    second = np.arange(len(values))[::-1] % other
    order = ordered_within(of, values, second)
    wanted = sorted(zip(of, values, second, strict=True))
    assert list(zip(of[order], values[order], second[order], strict=True)) == wanted


@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))))
def test_further_columns_decide_where_the_first_is_the_same(
    rows: list[tuple[int, int, int]],
) -> None:
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    assert ordered(*columns).tolist() == sorted(range(len(rows)), key=rows.__getitem__)


@given(groups=GROUPS)
def test_the_highest_value_so_far_and_the_order_of_each_group(groups: list[list[int]]) -> None:
    known = [-np.inf, 3.0, 9.0, np.inf, 0.0]
    of, values = flat(groups)
    numbers = np.array(known)[values % len(known)]
    runs = Runs.of(of)
    so_far = [
        max(numbers[of == x][:n]) for x, one in enumerate(groups) for n in range(1, len(one) + 1)
    ]
    assert runs.highest_so_far(numbers).tolist() == so_far
    order = runs.order(numbers).tolist()
    assert order == sorted(range(len(of)), key=lambda row: (of[row], numbers[row]))


def test_rows_and_their_neighbours() -> None:
    values = np.array([3, 3, 1])
    assert same_as_next(values).tolist() == [True, False, False]
    assert of_next(values).tolist() == [3, 1, 1]
    assert of_previous(values).tolist() == [3, 3, 3]
    assert [len(one(values[:0])) for one in (same_as_next, of_next, of_previous)] == [0, 0, 0]


@given(values=st.lists(st.sampled_from([True, False, None])))
def test_truth_values_are_numbers_and_back(values: list[bool | None]) -> None:
    given_ = pl.Series("x", values, dtype=pl.Boolean)
    codes = pl.DataFrame({"x": truth(given_)})
    assert codes.select(told("x")).to_series().to_list() == values
    if values:
        assert (max(truth(given_)) == TRUE) == any(values)
        assert (min(truth(given_)) == FALSE) == (False in values)


def test_the_first_case_that_is_true_decides() -> None:
    one, two = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert decided((one, FALSE), (two, TRUE)).tolist() == [FALSE, FALSE, TRUE, UNKNOWN]


def segments_of(rows: Sequence[tuple[int, float, float, float]]) -> Segments:
    by, begin, end, dose = np.array(rows, np.float64).reshape(-1, 4).T
    return Segments(by.astype(np.int64), begin, end, dose)


def days_of(taken: Segments) -> dict[tuple[int, int], float]:
    """Return the dose of each day."""
    found: dict[tuple[int, int], float] = {}
    for by, begin, end, dose in zip(taken.by, taken.begin, taken.end, taken.dose, strict=True):
        for day in range(int(begin), int(end)):
            assert (by, day) not in found
            found[by, day] = dose
    return found


@st.composite
def records(draw: st.DrawFn) -> tuple[Segments, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Draw what was taken in a few courses, with the part of each record, and whether there are two."""
    rows, parts, combined = [], [], []
    for by in range(draw(st.integers(1, 4))):
        two = draw(st.booleans())
        mine = draw(
            st.lists(
                st.tuples(
                    st.integers(0, 20),
                    st.integers(1, 9),
                    st.sampled_from([0.0, 5.0, 7.0, np.inf]),
                    st.integers(0, int(two)),
                ),
                min_size=1,
                max_size=5,
            )
        )
        for begin, length, dose, part in sorted(mine):
            rows.append((by, begin, begin + length, dose))
            parts.append(part)
            combined.append(two)
    return segments_of(rows), np.array(parts, np.int64), np.array(combined)


@given(drawn=records())
def test_the_dose_of_a_day_is_the_sum_of_what_was_taken_on_it(
    drawn: tuple[Segments, np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    taken, part, combined = drawn
    sums: dict[tuple[int, int], dict[int, float]] = {}
    two = dict(zip(taken.by.tolist(), combined.tolist(), strict=True))
    for by, begin, end, share, one in zip(
        taken.by, taken.begin, taken.end, taken.dose, part, strict=True
    ):
        for day in range(int(begin), int(end)):
            dose = sums.setdefault((int(by), day), {})
            dose[int(one)] = dose.get(int(one), 0.0) + share
    wanted = {at: min(x.values()) for at, x in sums.items() if len(x) == 2 or not two[at[0]]}
    assert days_of(sweep(taken, part, combined)) == wanted


@given(drawn=records())
def test_records_that_do_not_overlap_are_segments_as_they_are(
    drawn: tuple[Segments, np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    taken, _, _ = drawn
    apart = np.arange(len(taken.by)) * 40
    alone = Segments(taken.by, taken.begin + apart, taken.end + apart, taken.dose)
    nothing = np.zeros(len(taken.by), np.int64)
    found = sweep(alone, nothing, nothing > 0)
    for ours, plain in ((found.by, alone.by), (found.begin, alone.begin), (found.end, alone.end),
                        (found.dose, alone.dose)):  # fmt: skip
        assert ours.tolist() == plain.tolist()


@pytest.mark.parametrize(("gap", "days"), [(0, 5), (1, 5), (2, 7), (3, 12)])
def test_the_longest_time_leaves_out_pauses_up_to_the_gap(gap: int, days: int) -> None:
    taken = segments_of(
        [(0, 0, 3, 1), (0, 5, 9, 1), (0, 12, 16, 1), (0, 16, 17, 1), (1, 17, 18, 1)]
    )
    by, most = longest(taken, np.full(5, float(gap)))
    assert (by.tolist(), most.tolist()) == ([0, 1], [days, 1])
