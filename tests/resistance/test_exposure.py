"""Neighbours in arrays, and shortcuts of exposure: each against the plain way to do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoresist.arrays.kleene import FALSE, TRUE, UNKNOWN, decided, told, truth
from myoresist.arrays.runs import Runs, out_of_order
from myoresist.resistance.adequacy.exposure import TOP, Pieces, longest, swept

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
def test_only_groups_out_of_order_are_sorted_and_then_all_are(
    groups: list[list[int]], other: int
) -> None:
    of, values = flat(groups)
    second = np.arange(len(values))[::-1] % other
    rows, source = out_of_order(of, values, second)
    order = np.arange(len(of))
    order[rows] = order[source]
    wanted = sorted(zip(of, values, second, strict=True))
    assert list(zip(of[order], values[order], second[order], strict=True)) == wanted
    touched = {int(x) for x in of[rows]}
    pairs = [list(zip(values[of == x], second[of == x], strict=True)) for x in range(len(groups))]
    assert touched == {x for x, one in enumerate(pairs) if one != sorted(one)}


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


def pieces_of(rows: Sequence[tuple[int, int, int, int]]) -> Pieces:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Pieces(*(np.ascontiguousarray(one) for one in columns))


def days_of(pieces: Pieces) -> dict[tuple[int, int], int]:
    """Return the dose of each day."""
    found: dict[tuple[int, int], int] = {}
    for by, begin, end, share in zip(
        pieces.by, pieces.begin, pieces.end, pieces.share, strict=True
    ):
        for day in range(begin, end):
            assert (by, day) not in found
            found[by, day] = int(share)
    return found


@st.composite
def records(draw: st.DrawFn) -> tuple[Pieces, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Draw what was taken in a few courses, with the part of each record, and whether there are two."""
    rows, parts, double = [], [], []
    for by in range(draw(st.integers(1, 4))):
        two = draw(st.booleans())
        mine = draw(
            st.lists(
                st.tuples(
                    st.integers(0, 20),
                    st.integers(1, 9),
                    st.sampled_from([0, 5, 7, TOP]),
                    st.integers(0, int(two)),
                ),
                min_size=1,
                max_size=5,
            )
        )
        for begin, length, share, part in sorted(mine):
            rows.append((by, begin, begin + length, share))
            parts.append(part)
            double.append(two)
    return pieces_of(rows), np.array(parts, np.int64), np.array(double)


@given(drawn=records())
def test_the_dose_of_a_day_is_the_sum_of_what_was_taken_on_it(
    drawn: tuple[Pieces, np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    taken, part, double = drawn
    sums: dict[tuple[int, int], dict[int, int]] = {}
    two = dict(zip(taken.by.tolist(), double.tolist(), strict=True))
    for by, begin, end, share, one in zip(
        taken.by, taken.begin, taken.end, taken.share, part, strict=True
    ):
        for day in range(begin, end):
            dose = sums.setdefault((int(by), day), {})
            dose[int(one)] = min(TOP, dose.get(int(one), 0) + int(share))
    wanted = {at: min(x.values()) for at, x in sums.items() if len(x) == 2 or not two[at[0]]}
    assert days_of(swept(taken, part, double)) == wanted


@given(drawn=records())
def test_records_that_do_not_overlap_are_pieces_as_they_are(
    drawn: tuple[Pieces, np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    taken, _, _ = drawn
    apart = np.arange(len(taken.by)) * 40
    alone = Pieces(taken.by, taken.begin + apart, taken.end + apart, taken.share)
    nothing = np.zeros(len(taken.by), np.int64)
    found = swept(alone, nothing, nothing > 0)
    for ours, plain in ((found.by, alone.by), (found.begin, alone.begin), (found.end, alone.end),
                        (found.share, alone.share)):  # fmt: skip
        assert ours.tolist() == plain.tolist()


@pytest.mark.parametrize(("gap", "days"), [(0, 5), (1, 5), (2, 7), (3, 12)])
def test_the_longest_time_leaves_out_pauses_up_to_the_gap(gap: int, days: int) -> None:
    at = pieces_of([(0, 0, 3, 1), (0, 5, 9, 1), (0, 12, 16, 1), (0, 16, 17, 1), (1, 17, 18, 1)])
    by, most = longest(at, np.array([gap, gap]))
    assert (by.tolist(), most.tolist()) == ([0, 1], [days, 1])
